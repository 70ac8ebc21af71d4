"""Changes of documents put together of others, or of what is done with one field or one value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from migrate_spec.codec import Document, Json
from migrate_spec.document import ABSENT, Change, Refused
from migrate_spec.path import Index, Name, Path, str_of, within, within_objects

__all__ = ["by_parent", "fill", "in_order", "rewrite", "take"]

V = TypeVar("V")


def in_order(changes: Sequence[Change]) -> Change:
    """Several changes as one."""
    if len(changes) == 1:
        return changes[0]
    fixed = tuple(changes)

    def run(value: Any) -> bool:
        changed = False
        for change in fixed:
            changed |= change(value)
        return changed

    return run


def by_parent(entries: Mapping[Path, V], leaf: Callable[[list[tuple[str, V, Path]]], Change]) -> Change:
    """One change for entries of several fields: ``leaf`` is given the entries of one parent object at a time.

    Args:
        entries: paths that end in a name, each with its argument.
        leaf: makes the change of a parent object from ``(name, argument, path)`` of each of its fields.
    """
    groups: dict[Path, list[tuple[str, V, Path]]] = defaultdict(list)
    for path, argument in entries.items():
        groups[path.parent].append((str_of(path.last), argument, path))
    return in_order([within_objects(parent, leaf(group)) for parent, group in groups.items()])


def fill(fields: list[tuple[str, Callable[[], Json], Path]]) -> Change:
    """The change that puts a new value into each of these fields that is absent (for :func:`by_parent`)."""
    names = frozenset(name for name, _, _ in fields)

    def change(parent: Document) -> bool:
        if parent.keys() >= names:
            return False
        changed = False
        for name, make, _ in fields:
            if name not in parent:
                parent[name] = make()
                changed = True
        return changed

    return change


def take(fields: list[tuple[str, None, Path]]) -> Change:
    """The change that takes away each of these fields that is there (for :func:`by_parent`)."""
    names = [name for name, _, _ in fields]

    def change(parent: Document) -> bool:
        present = [name for name in names if name in parent]
        for name in present:
            del parent[name]
        return bool(present)

    return change


def rewrite(path: Path, new: Callable[[Json], Json]) -> Change:
    """The change that puts ``new(value)`` in place of the value, as it is, at each place of a path.

    Where ``new`` gives the very same value nothing changes; where it gives ``ABSENT`` the entry of an object goes.
    """
    keys = path.last.keys

    def change(parent: Any) -> bool:
        changed = False
        for key in keys(parent):
            value = parent[key]
            try:
                result = new(value)
            except Refused as refusal:
                refusal.place = refusal.place or path.place
                raise refusal.below(str(Name(key) if type(key) is str else Index(key))) from None
            if result is ABSENT:
                del parent[key]
            elif result is not value:
                parent[key] = result
            changed |= result is not value
        return changed

    return within(path.parent, change)
