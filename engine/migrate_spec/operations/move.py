"""``move``: fields to another parent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar

from migrate_spec.carrying import moved
from migrate_spec.changes import in_order
from migrate_spec.codec import Document
from migrate_spec.document import Change
from migrate_spec.errors import Fault
from migrate_spec.operation import ORDER, Field, IfExists, Loss, Operation, all_sole
from migrate_spec.pairs import check_no_list, check_pairs, found, made, target_taken
from migrate_spec.path import Name, Path, within_objects
from migrate_spec.shapes.shape import Shape


@dataclass(frozen=True)
class Move(Operation):
    """Move fields to other places, making objects on the way. `prune: true` removes parents this leaves empty.

    Backwards they move back, to the end of their old parent.
    """

    fields: Mapping[Field, Field]
    if_exists: IfExists = "fail"
    prune: bool = False

    example: ClassVar[str] = """
        step: {move: {meta.author: author, size: shape.size}, prune: true}
        before: {title: Write, meta: {author: Ada}, size: 3}
        after: {title: Write, author: Ada, shape: {size: 3}}
    """

    def check(self) -> Iterator[Fault]:
        """Sources apart from each other, targets apart from each other, both below the same list or object."""
        yield from check_pairs(self.fields)
        yield from check_no_list(self.fields, "to move it to; `copy` and `remove` do without one")

    def forward(self) -> Change:
        """Take each field and put it in its new place."""
        return _move(self.fields, self.if_exists, prune=self.prune)

    def backward(self) -> Change:
        """The other way; parents the way up had to make are removed where that leaves them empty."""
        swapped = {target: source for source, target in self.fields.items()}
        return _move(swapped, self.if_exists, prune=True)

    def by_names(self) -> bool:
        """Unless values are overwritten."""
        return self.if_exists != "replace" and all_sole(self.writes())

    def effect(self, shape: Shape) -> Shape:
        """The values are at their new places."""
        return moved(shape, self.fields, self.if_exists, prune=self.prune)

    def effect_back(self, shape: Shape) -> Shape:
        """They are at their old places."""
        swapped = {target: source for source, target in self.fields.items()}
        return moved(shape, swapped, self.if_exists, prune=True)

    def reads(self) -> Sequence[Path]:
        """The sources and the targets."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The sources and the targets."""
        return tuple(dict.fromkeys((*self.fields, *self.fields.values())))

    def losses(self) -> Sequence[Loss]:
        """The order of the fields; what was overwritten or kept; objects made or left empty on the way."""
        what = {"keep": "which records had it before", "replace": "the value it had before"}.get(self.if_exists)
        parents = [path.top for path in self.fields if path.top != path] if self.prune else []
        return (
            *(Loss(path, ORDER if what is None else f"{ORDER}, and whether it was moved") for path in self.fields),
            *(Loss(path, ORDER) for path in parents),
            *(Loss(path, what) for path in self.fields.values() if what),
            *made(self.fields.values()),
        )


def _move(fields: Mapping[Path, Path], if_exists: IfExists, *, prune: bool) -> Change:
    """The change that moves values from the keys of ``fields`` to its values, all at the same time."""
    groups: dict[Path, list[tuple[Path, Path]]] = {}
    for source, target in fields.items():
        groups.setdefault(source.base, []).append((source.below(source.base), target.below(source.base)))
    return in_order([within_objects(base, _carry(pairs, if_exists, prune=prune)) for base, pairs in groups.items()])


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


def _carry(pairs: Sequence[tuple[Path, Path]], if_exists: IfExists, *, prune: bool) -> Change:
    leaving = [source for source, _ in pairs]
    ways = [_way(source, target, leaving, prune=prune) for source, target in pairs]

    def change(parent: Document) -> bool:
        going = [way for way in ways if way.find_source(parent) is not None]
        if if_exists == "fail":
            # where the source is absent, too: the way back could not tell that the value was always there
            taken = _taken(parent, ways, going)
            if taken:
                raise target_taken(parent, taken[0].source, taken[0].target)
        taken = _taken(parent, going, going)
        while taken and if_exists == "keep":
            going = [way for way in going if way not in taken]  # what stays can be in the way of another
            taken = _taken(parent, going, going)
        if not going:
            return False
        values = [_value(parent, way) for way in going]
        for way in going:
            way.source.take(parent)
        for way, value in zip(going, values, strict=True):
            way.target.put(parent, value)
        if prune:
            for way in going:
                _prune(parent, way.source.parent, [other.target for other in going])
        return True

    return change


def _taken(parent: Document, ways: Sequence[_Way], going: Sequence[_Way]) -> list[_Way]:
    """The ways whose target belongs to a value that stays."""
    return [
        way
        for way in ways
        if not _freed(parent, way, going)
        and (way.find_target(parent) if way in going else found(way.find_target, parent)) is not None
    ]


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


def _value(parent: Document, way: _Way) -> Any:
    holder, key = way.find_source(parent) or ({}, None)
    return holder[key]


def _inside(path: Path, other: Path) -> bool:
    return path.segments[: len(other.segments)] == other.segments
