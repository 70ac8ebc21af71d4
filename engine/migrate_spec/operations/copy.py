"""``copy``: the same value under another path, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from migrate_spec.carrying import below, placed
from migrate_spec.changes import in_order
from migrate_spec.codec import Document, copied
from migrate_spec.document import ABSENT, Change, Refused, describe, equal
from migrate_spec.errors import Fault
from migrate_spec.operation import Field, IfExists, Loss, Operation, all_sole, names_only, overlaps
from migrate_spec.pairs import check_pairs, found, made, target_taken
from migrate_spec.path import Index, Path, str_of, within_objects
from migrate_spec.shapes.fields import absent_at, present_at, put_at, taken_at
from migrate_spec.shapes.shape import NOTHING, Shape, union


@dataclass(frozen=True)
class Copy(Operation):
    """Copy values to other places, making objects on the way. A source that is absent is passed over.

    Backwards the copy is taken away where it still equals its source, and refused where it does not; with
    `if_exists: keep` it is left.
    """

    fields: Mapping[Field, Field]
    if_exists: IfExists = "fail"

    example: ClassVar[str] = """
        step: {copy: {updated_at: seen_at}}
        before: {title: Write, updated_at: "2024-01-01T00:00:00Z"}
        after: {title: Write, updated_at: "2024-01-01T00:00:00Z", seen_at: "2024-01-01T00:00:00Z"}
    """
    only_adds: ClassVar[bool] = True

    def check(self) -> Iterator[Fault]:
        """Targets apart from each other and from the sources, both below the same list or object."""
        yield from check_pairs(self.fields)
        for source, own in self.fields.items():
            for target in self.fields.values():
                if target != source or own != source:
                    yield from overlaps((source, target))

    def forward(self) -> Change:
        """Put the value of each source at its target."""
        return in_order([self._copy(source, target) for source, target in self.fields.items()])

    def _copy(self, source: Path, target: Path) -> Change:
        """Copy one value. One after the other is the same as all at once, as no target is a source."""
        base, if_exists = source.base, self.if_exists
        source, target = source.below(base), target.below(base)
        look, find = source.looker(), target.locator()

        def change(parent: Document) -> bool:
            value = look(parent)
            taken = find(parent) if value is not ABSENT else found(find, parent)
            if taken is not None:
                if if_exists == "fail":
                    raise target_taken(parent, source, target)
                if if_exists == "keep" or value is ABSENT or equal(taken[0][taken[1]], value):
                    return False
            if value is ABSENT:
                return False
            # two places must not share one object: a change in one would be seen in the other
            target.put(parent, copied(value))
            return True

        return within_objects(base, change)

    def backward(self) -> Change:
        """Take each copy away; with ``if_exists: keep`` leave it, as some were there before."""
        if self.if_exists == "keep":
            return lambda _: False
        return in_order([_take(source, target) for source, target in self.fields.items()])

    def by_names(self) -> bool:
        """Unless values are overwritten."""
        return self.if_exists != "replace" and all_sole((*self.fields, *self.fields.values()))

    def effect(self, shape: Shape) -> Shape:
        """The values are at both places."""
        for source, target in self.fields.items():
            base = source.base
            here = source.below(base), target.below(base)
            shape = below(shape, base, partial(self._copied, *here))
        return shape

    def _copied(self, source: Path, target: Path, shape: Shape) -> Shape:
        if not names_only(source, Path(())):
            value, absent = _looked_at(shape, source)
            return union([*([shape] if absent else []), put_at(shape, target, value)])
        lacking, having = absent_at(shape, source), present_at(shape, source)
        if self.if_exists == "fail":
            lacking, having = absent_at(lacking, target, strict=False), absent_at(having, target, strict=True)
        stays, goes = (
            (present_at(having, target), absent_at(having, target)) if self.if_exists == "keep" else (NOTHING, having)
        )
        return union([lacking, stays, placed(goes, [(source, target)])])

    def effect_back(self, shape: Shape) -> Shape:
        """The copies are not there."""
        for source, target in self.fields.items() if self.if_exists != "keep" else ():
            shape = below(shape, source.base, partial(_taken, source.below(source.base), target.below(source.base)))
        return shape

    def reads(self) -> Sequence[Path]:
        """The sources and the targets."""
        return (*self.fields, *self.fields.values())

    def writes(self) -> Sequence[Path]:
        """The targets."""
        return tuple(self.fields.values())

    def losses(self) -> Sequence[Loss]:
        """Of the targets nothing by default, as they were not there; objects made on the way."""
        what = {"keep": "which records had it before", "replace": "the value it had before"}.get(self.if_exists)
        targets = tuple(self.fields.values())
        return (tuple(Loss(path, what) for path in targets) if what else ()) + made(targets)


def _take(source: Path, target: Path) -> Change:
    """Take one copy away."""
    base = source.base
    original, duplicate = source.below(base), target.below(base)

    def change(parent: Document) -> bool:
        value = duplicate.look(parent)
        if value is ABSENT:
            return False
        expected = original.look(parent)
        if expected is ABSENT or not equal(value, expected):
            raise Refused(
                f"{describe(value)} was found",
                f"the value of {str(original)!r} was expected, which it was copied from",
                "it was changed since; make the two equal or remove it first",
                path=str(duplicate),
                place=target.place,
            )
        duplicate.take(parent, prune=True)
        return True

    return within_objects(base, change)


def _taken(source: Path, target: Path, shape: Shape) -> Shape:
    """The objects without a copy, of which the source must be there."""
    copied = present_at(shape, target)
    if names_only(source, Path(())):
        copied = present_at(copied, source)
    return union([absent_at(shape, target), taken_at(copied, target, prune=True)])


def _looked_at(shape: Shape, path: Path) -> tuple[Shape, bool]:
    """What can be at a path of names and places in lists, and whether there may be nothing."""
    absent = False
    for segment in path.segments:
        if isinstance(segment, Index):
            absent |= any(one.least <= segment.index for one in shape.lists())
            shape = union([one.item(segment.index) for one in shape.lists()])
        else:
            found = [one.field(str_of(segment)) for one in shape.objects()]
            absent |= not all(known.needed for known in found)
            shape = union([known.shape for known in found])
    return shape, absent
