"""Values carried from one path to another inside a document: what ``move`` and ``copy`` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from migrate_spec.codec import Document, copied
from migrate_spec.document import Change, Name, Path, Refused, describe, on_object, within
from migrate_spec.errors import Fault
from migrate_spec.operation import IfExists, Loss, in_order, names_only, overlaps

__all__ = ["check_pairs", "made", "transfer"]

Pair = tuple[Path, Path]


def check_pairs(fields: Mapping[Path, Path]) -> Iterator[Fault]:
    """What is wrong with these sources and targets although each alone is well formed."""
    yield from overlaps(tuple(fields))
    yield from overlaps(tuple(fields.values()))
    for source, target in fields.items():
        if source == target:
            yield Fault(
                f"{str(source)!r} to itself was found", "another target was expected", "", source.place, "no-effect"
            )
        elif target.base != source.base or not names_only(target, source.base):
            below = f"below {str(source.base)!r}" if source.base.segments else "without [] and *"
            yield Fault(
                f"the target {str(target)!r} was found",
                f"a path of names {below} was expected, as its source is {str(source)!r}",
                "a value can only be carried inside the same list item or object value",
                target.place,
                "target-elsewhere",
            )


def made(targets: Iterable[Path]) -> tuple[Loss, ...]:
    """What is lost of the objects above ``targets``: the way back removes them where it leaves them empty."""
    parents = dict.fromkeys(target.parent for target in targets if target.top != target)
    return tuple(Loss(parent, "whether it was there with nothing in it") for parent in parents)


def transfer(fields: Mapping[Path, Path], *, take: bool, prune: bool, if_exists: IfExists) -> Change:
    """The change that carries values from the keys of ``fields`` to its values, all at the same time.

    Args:
        fields: sources and targets, which :func:`check_pairs` found nothing wrong with.
        take: whether the value leaves its source.
        prune: whether a parent that this leaves empty is removed.
        if_exists: what becomes of a value that is at the target already; ``keep`` leaves the source in its place, too.
    """
    bases = dict.fromkeys(source.base for source in fields)
    groups = {base: [(s.below(base), t.below(base)) for s, t in fields.items() if s.base == base] for base in bases}
    return in_order([_at_base(base, _carry(pairs, take, prune, if_exists)) for base, pairs in groups.items()])


def _at_base(base: Path, change: Change) -> Change:
    return within(base, on_object(change)) if base.segments else change


@dataclass(frozen=True, slots=True)
class _Way:
    """A source and its target, with what finds them in an object.

    Attributes:
        around: sources that leave, and take what is at the target along.
        inside: sources that leave, and may leave nothing at the target.
    """

    source: Path
    target: Path
    find_source: Callable[[Any], tuple[Any, Any] | None]
    find_target: Callable[[Any], tuple[Any, Any] | None]
    around: frozenset[Path]
    inside: frozenset[Path]


def _way(source: Path, target: Path, leaving: Sequence[Path], *, prune: bool) -> _Way:
    around = frozenset(gone for gone in leaving if _inside(target, gone))
    inside = frozenset(gone for gone in leaving if prune and _inside(gone, target) and gone != target)
    return _Way(source, target, source.locator(), target.locator(), around, inside)


def _carry(pairs: Sequence[Pair], take: bool, prune: bool, if_exists: IfExists) -> Change:  # noqa: FBT001 - private
    leaving = [source for source, _ in pairs] if take else []
    ways = [_way(source, target, leaving, prune=prune) for source, target in pairs]

    def change(parent: Document) -> bool:
        going = [way for way in ways if way.find_source(parent) is not None]
        taken = _taken(parent, going)
        while taken and if_exists == "keep":
            going = [way for way in going if way not in taken]  # what stays can be in the way of another
            taken = _taken(parent, going)
        if not going:
            return False
        if taken and if_exists == "fail":
            raise _refusal(parent, taken[0])
        values = [_value(parent, way, take=take) for way in going]
        if take:
            for way in going:
                way.source.take(parent)
        for way, value in zip(going, values, strict=True):
            way.target.put(parent, value)
        if prune:
            for way in going:
                _prune(parent, way.source.parent, [other.target for other in going])
        return True

    return change


def _taken(parent: Document, going: Sequence[_Way]) -> list[_Way]:
    """The ways whose target belongs to a value that stays."""
    return [way for way in going if not _freed(parent, way, going) and way.find_target(parent) is not None]


def _freed(parent: Document, way: _Way, going: Sequence[_Way]) -> bool:
    """Whether what is at a target goes, too: as a part of what leaves, or as an object that this leaves empty."""
    if not way.around and not way.inside:
        return False
    if any(other.source in way.around for other in going):
        return True
    leaving = {other.source for other in going if other.source in way.inside}
    return bool(leaving) and _empties(parent, way.target, leaving)


def _empties(parent: Document, path: Path, leaving: AbstractSet[Path]) -> bool:
    if path in leaving:
        return True
    value = path.get(parent)
    return (
        type(value) is dict
        and bool(value)
        and all(_empties(parent, Path((*path.segments, Name(name))), leaving) for name in value)
    )


def _prune(parent: Document, path: Path, targets: Sequence[Path]) -> None:
    """Remove the object at ``path`` where it is empty now, and so on upwards; but nothing that was put in place."""
    while path.segments and not any(_inside(path, target) for target in targets) and path.get(parent) == {}:
        path.take(parent)
        path = path.parent


def _value(parent: Document, way: _Way, *, take: bool) -> Any:
    holder, key = way.find_source(parent) or ({}, None)
    # two places must not share one object: a change in one would be seen in the other
    return holder[key] if take else copied(holder[key])


def _inside(path: Path, other: Path) -> bool:
    return path.segments[: len(other.segments)] == other.segments


def _refusal(parent: Document, way: _Way) -> Refused:
    return Refused(
        f"{describe(way.target.get(parent))} was found",
        f"no such field was expected, as the value of {str(way.source)!r} goes there",
        "say `if_exists: keep` or `if_exists: replace`",
        path=str(way.target),
        place=way.target.place,
    )
