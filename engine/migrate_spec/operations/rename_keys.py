"""``rename_keys``: other names in objects whose names are data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from migrate_spec.changes import in_order
from migrate_spec.codec import Document
from migrate_spec.document import Change, Refused
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.operation import Loss, ObjectPath, Operation, check_forms
from migrate_spec.path import Name, Path, within_objects
from migrate_spec.renaming import Names, Renaming
from migrate_spec.shapes.names import renamed
from migrate_spec.shapes.shape import Shape
from migrate_spec.shapes.walking import changed_at


@dataclass(frozen=True)
class RenameKeys(Operation):
    """Give the names in an object other names by a rule; the order stays. Two names that become one are refused.

    The path `.` is the object that the step is given; names under `except` stay. Backwards they get their old names. A
    name that would not come back is refused, or stays with `else: keep`; a `pattern` without `reverse` has no way back.
    """

    objects: Mapping[ObjectPath, Names]

    example: ClassVar[str] = """
        step:
          rename_keys:
            labels: {table: {colour: color}}
            "notes[]": {case: {from: camel, to: snake}}
        before: {labels: {size: 1, colour: red}, notes: [{createdAt: 2024, text: Hi}]}
        after: {labels: {size: 1, color: red}, notes: [{created_at: 2024, text: Hi}]}
    """

    def check(self) -> Iterator[Fault]:
        """One rule for each object, under which no two names surely become one."""
        yield from super().check()
        for path, names in self.objects.items():
            forms = {"table": "", "add_prefix": "", "strip_prefix": "", "case": "", "pattern": "with"}
            faults = list(check_forms(names, forms, {"reverse": "pattern"}, path))
            yield from faults or _faults(names, path)

    def forward(self) -> Change:
        """Rebuild each object with the new names in the old places."""
        return in_order([within_objects(path, _up(names, path)) for path, names in self.objects.items()])

    def backward(self) -> Change:
        """The same the other way."""
        return in_order([within_objects(path, _down(names, path)) for path, names in self.objects.items()])

    def effect(self, shape: Shape) -> Shape:
        """The fields of each object have their new names, and what else they had."""
        for path, names in self.objects.items():
            change = partial(renamed, names.rule())
            shape = changed_at(shape, path, lambda value, change=change: value.of_objects(change))  # type: ignore[misc]
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """They have their old names."""
        for path, names in self.objects.items():
            change = partial(renamed, names.rule(back=True))
            shape = changed_at(shape, path, lambda value, change=change: value.of_objects(change))  # type: ignore[misc]
        return shape

    def reads(self) -> Sequence[Path]:
        """The objects: what names they have."""
        return tuple(self.objects)

    def writes(self) -> Sequence[Path]:
        """The objects."""
        return tuple(self.objects)

    def touches(self, path: Path) -> bool:
        """Whether a path leads through a name that gets another one."""
        return any(_may_rename(names, at, path) for at, names in self.objects.items())

    def losses(self) -> Sequence[Loss]:
        """Nothing by default, as a name that would not come back is refused."""
        return tuple(Loss(path, what) for path, names in self.objects.items() if (what := _lost(names)))


def _may_rename(names: Names, at: Path, path: Path) -> bool:
    if not at.meets(path):
        return False
    name = path.segments[len(at.segments)] if len(path.segments) > len(at.segments) else None
    if not isinstance(name, Name):
        return True
    there = names.ways()[0](name.name) != name.name
    return name.name not in names.except_ and (there or name.name in (names.table or {}).values())


def _lost(names: Names) -> str:
    if names.pattern is not None and names.reverse is None:
        return "the names in it"
    return "which of its names were so before" if names.else_ == "keep" else ""


def _faults(names: Names, path: Path) -> Iterator[Fault]:
    """What is wrong with the rule for one object."""
    if names.table is not None:
        yield from _table_faults(names.table, path)
    if "" in {names.add_prefix, names.strip_prefix}:
        yield Fault("an empty prefix was found", "a text was expected", "", path.place, "no-effect")
    if names.case is not None and names.case.from_ == names.case.to:
        found = f"names from {names.case.from_} to {names.case.to} were found"
        yield Fault(found, "another case was expected", "", path.place, "no-effect")
    ways = [way for way in (names.substitution, names.reverse) if way is not None]
    yield from (fault for fault in (way.fault() for way in ways) if fault is not None)


def _table_faults(table: Mapping[str, str], path: Path) -> Iterator[Fault]:
    found: dict[str, str] = {}
    for old, new in table.items():
        if old == new:
            said = f"the name {old!r} renamed to itself was found"
            yield Fault(said, "a new name was expected", "", path.place, "no-effect")
        if new in found:
            said = f"the new name {new!r} was found for {found[new]!r} and {old!r}"
            yield Fault(said, "each was expected once", "", path.place, "duplicate-key")
        found[new] = old


def _up(names: Names, path: Path) -> Change:
    rename, restore = names.ways()
    remedy = "rename it first, or say `else: keep`"

    def refused(name: str, new: str, back: str) -> Refused:
        becomes = f"backwards it becomes {_shown(back)}"
        becomes = becomes if new == name else f"it becomes {_shown(new)} and backwards {_shown(back)}"
        expected = f"one that comes back was expected, but {becomes}"
        return Refused(f"the name {_shown(name)} was found", expected, remedy, place=path.place)

    return _renaming(rename, restore, refused, path, keep=names.else_ == "keep")


def _down(names: Names, path: Path) -> Change:
    rename, restore = names.ways()
    if restore is None:
        raise Irreversible(
            f"names in {str(path)!r} rewritten by a pattern were found",
            "a way back was expected",
            "write `reverse: {pattern: PATTERN, with: TEXT}` beside it",
            where=path.place,
        )

    def refused(name: str, new: str, back: str) -> Refused:
        expected = f"one that `rename_keys` makes was expected, but {_shown(new)} becomes {_shown(back)}"
        remedy = "it was added since; rename it first, or say `else: keep`"
        return Refused(f"the name {_shown(name)} was found", expected, remedy, place=path.place)

    return _renaming(restore, rename, refused, path, keep=names.else_ == "keep")


def _renaming(
    rename: Renaming, restore: Renaming | None, refused: Callable[[str, str, str], Refused], path: Path, *, keep: bool
) -> Change:
    """The change of an object's names, each of which must come back, stay or is refused."""

    def change(parent: Document) -> bool:
        rebuilt: Document = {}
        olds: dict[str, str] = {}
        lost = None
        for name, value in parent.items():
            new = rename(name)
            back = name if restore is None else restore(new)
            if back != name and keep:
                new = name
            elif back != name and lost is None:
                lost = refused(name, new, back)
            if new in rebuilt:
                raise _two_are_one(olds[new], name, new, path)
            rebuilt[new], olds[new] = value, name
        if lost is not None:
            raise lost
        if list(rebuilt) == list(parent):
            return False
        parent.clear()
        parent.update(rebuilt)
        return True

    return change


def _two_are_one(one: str, other: str, new: str, path: Path) -> Refused:
    found = f"the names {_shown(one)} and {_shown(other)} were found"
    expected = f"names that stay apart were expected, but both become {_shown(new)}"
    return Refused(found, expected, "rename or remove one of the two first", place=path.place)


def _shown(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
