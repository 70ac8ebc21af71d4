"""``drop_items``: take items out of lists, and entries out of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import is_
from typing import Any, ClassVar

from migrate_spec.changes import in_order
from migrate_spec.condition import Condition
from migrate_spec.document import Change, Refused, wrong_type
from migrate_spec.operation import Loss, ObjectPath, Operation
from migrate_spec.path import Name, Path, within
from migrate_spec.shapes.cases import cases, pattern_of_names
from migrate_spec.shapes.shape import NOTHING, Field, ListShape, ObjectShape, Shape, union
from migrate_spec.shapes.walking import changed_at


@dataclass(frozen=True)
class DropItems(Operation):
    """Take out the items of a list, or the entries of an object, of which a condition holds.

    In the condition `.` is the item itself, a path leads into it, and `.key` is the name of an entry. The path `.` is
    the object that the step is given. Backwards what was taken out stays away.
    """

    conditions: Mapping[ObjectPath, Condition]

    example: ClassVar[str] = """
        step: {drop_items: {notes: {text: ""}, labels: {.key: {matches: "^x-"}}}}
        before: {notes: [{text: ""}, {text: a}], labels: {x-old: 1, new: 2}}
        after: {notes: [{text: a}], labels: {new: 2}}
    """

    def forward(self) -> Change:
        """Keep what the condition does not hold of."""
        return in_order([within(path, _drop(condition)) for path, condition in self.conditions.items()])

    def backward(self) -> Change:
        """Leave the list or the object."""
        return lambda _: False

    def effect(self, shape: Shape) -> Shape:
        """The condition holds of no item and of no entry."""
        for path, condition in self.conditions.items():
            shape = changed_at(shape, path, partial(_dropped, condition))
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """Nothing happens."""
        return shape

    def reads(self) -> Sequence[Path]:
        """The lists and objects themselves."""
        return tuple(self.conditions)

    def writes(self) -> Sequence[Path]:
        """The lists and objects."""
        return tuple(self.conditions)

    def touches(self, path: Path) -> bool:
        """Whether entries that a path leads through may be taken out: not those whose name tells that they stay."""
        return any(_may_drop(condition, at, path) for at, condition in self.conditions.items())

    def losses(self) -> Sequence[Loss]:
        """What was taken out."""
        return tuple(Loss(path, "the items and entries that were taken out") for path in self.conditions)


def _may_drop(condition: Condition, at: Path, path: Path) -> bool:
    if not at.meets(path):
        return False
    name = path.segments[len(at.segments)] if len(path.segments) > len(at.segments) else None
    return bool(condition.reads()) or not isinstance(name, Name) or condition.judge_entry()((name.name, None))


def _drop(condition: Condition) -> Change:
    item_falls, entry_falls = condition.judge(), condition.judge_entry()
    asks_name = condition.asks_name

    def change(value: Any) -> bool:
        before = len(value) if type(value) in {list, dict} else 0
        if type(value) is dict:
            for name in [name for name, part in value.items() if entry_falls((name, part))]:
                del value[name]
        elif type(value) is not list:
            raise wrong_type(value, "an object" if asks_name else "a list or an object")
        elif asks_name:
            raise Refused("a list was found", "an object was expected", "the items of a list have no `.key`")
        else:
            value[:] = [item for item in value if not item_falls(item)]
        return len(value) < before

    return change


def _dropped(condition: Condition, shape: Shape) -> Shape:
    """The shape of lists and objects without what a condition holds of."""
    lists = [] if condition.asks_name else list(shape.lists())
    new = [_shorter(condition, one) for one in lists]
    objects = list(shape.objects())
    reduced = [_reduced(condition, one) for one in objects]
    same = all(map(is_, (*lists, *objects), (*new, *reduced)))
    if same and len(lists) + len(objects) == len(list(shape.plain())):
        return shape
    return union([*(Shape((one,)) for one in new), *(Shape((one,)) for one in reduced)])


def _shorter(condition: Condition, one: ListShape) -> ListShape:
    """The lists without the items that a condition holds of."""
    found = [cases(item, condition) for item in (*one.first, one.rest)]
    places, (falling, rest) = found[:-1], found[-1]
    if all(falls is NOTHING for falls, _ in found):
        return one
    kept: list[Shape] = []
    moved = False  # whether an item may come to a place before its own, or not
    least = sum(falls is NOTHING for falls, _ in places[: one.least])
    for falls, stays in places:
        moved = moved or (falls is not NOTHING and stays is not NOTHING)
        if stays is not NOTHING and not moved:
            kept.append(stays)
    others = [stays for falls, stays in places[_first_loose(places) :]] if moved else []
    if falling is NOTHING:
        least += max(0, one.least - len(places))
    most = None if one.most is None else one.most - sum(stays is NOTHING for _, stays in places[: one.most])
    if rest is NOTHING:
        standing = sum(stays is not NOTHING for _, stays in places)
        most = standing if most is None else min(most, standing)
    more = {key: value for key, value in one.more.items() if key == "uniqueItems"}
    return ListShape(tuple(kept), union([*others, rest]), least, most, more)


def _first_loose(places: Sequence[tuple[Shape, Shape]]) -> int:
    """The first place of an item that may fall and may stay."""
    return next(index for index, (falls, stays) in enumerate(places) if falls is not NOTHING and stays is not NOTHING)


def _reduced(condition: Condition, one: ObjectShape) -> ObjectShape:
    """The objects without the entries that a condition holds of."""
    parts = {name: cases(known.shape, condition, name) for name, known in one.fields.items()}
    others = [cases(shape, condition) for shape in (one.others, *(shape for _, shape in one.patterns))]
    if all(falls is NOTHING for falls, _ in (*parts.values(), *others)):
        return one
    fields = {
        name: Field(stays, one.fields[name].needed and falls is NOTHING) for name, (falls, stays) in parts.items()
    }
    patterns = tuple((pattern, stays) for (pattern, _), (_, stays) in zip(one.patterns, others[1:], strict=True))
    gone = pattern_of_names(condition)
    if gone is not None:
        patterns = tuple(pair for pair in patterns if pair[0] != gone)
        patterns += () if others[0][1] is NOTHING and not patterns else ((gone, NOTHING),)
    return ObjectShape(fields, others[0][1], patterns, one.names, most=one.most)
