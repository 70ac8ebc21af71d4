"""Shapes of lists and of objects that are put together or taken apart, and alternatives that become fewer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, Final, Literal

from migrate_spec.codec import Json
from migrate_spec.shapes.reading import met
from migrate_spec.shapes.shape import NOTHING, Field, ListShape, ObjectShape, Shape, union

__all__ = ["OnConflict", "few", "joined", "merged", "together", "without_ends", "without_entries"]

OnConflict = Literal["fail", "first", "last"]
"""Whose value stays under a name that two objects have; ``fail``: there is no such name."""

MOST_PLACES: Final = 32
"""Of a list whose items are told apart."""
MOST_OBJECTS: Final = 32
"""Alternatives that are told apart, as there can be twice as many behind the next step."""


def _appended(one: ListShape, other: ListShape) -> ListShape:
    """The lists that begin with the items of one list and go on with those of another."""
    least = one.least + other.least
    most = None if one.most is None or other.most is None else one.most + other.most
    if one.least == one.most and one.least <= MOST_PLACES:
        return ListShape((*map(one.item, range(one.least)), *other.first), other.rest, least, most)
    known = one.first[: one.least]
    behind = [one.item(index) for index in range(len(known), len(one.first) + 1)]
    return ListShape(known, union([*behind, other.items()]), least, most)


def joined(one: ObjectShape, other: ObjectShape, on_conflict: OnConflict) -> Iterator[ObjectShape]:
    """The objects that have the fields of one object and those of another; none where that cannot be."""
    turned: dict[OnConflict, OnConflict] = {"fail": "fail", "first": "last", "last": "first"}
    if not other.closed() and one.closed():
        one, other, on_conflict = other, one, turned[on_conflict]
    fields: dict[str, Field] = {}
    for name in other.fields if other.closed() else dict.fromkeys([*one.fields, *other.fields]):
        known = _one_of(one.field(name), other.field(name), on_conflict)
        if known is None:
            return
        fields[name] = known
    if not other.closed():
        patterns = [shape for side in (one, other) for _, shape in side.patterns]
        yield ObjectShape(fields, union([one.others, other.others, *patterns]))
        return
    found = [one]
    for name, known in fields.items():
        found = [made for part in found for made in part.having(name, known.shape, needed=known.needed)]
    yield from found


def _one_of(one: Field, other: Field, on_conflict: OnConflict) -> Field | None:
    """What is known of a field that two objects may have; ``None`` where both have it, and it may be in one only."""
    if on_conflict == "last":
        one, other = other, one
    if on_conflict == "fail" and other.needed:
        return None if one.needed else other
    return one if one.needed else Field(union([one.shape, other.shape]), other.needed)


def together(values: Sequence[Shape], on_conflict: OnConflict) -> Shape:
    """The lists that are put together of lists, and the objects of objects; all else is refused."""
    lists = list(values[0].lists())
    objects = list(values[0].objects())
    for value in values[1:]:
        lists = [_appended(one, other) for one in lists for other in value.lists()]
        objects = [made for one in objects for other in value.objects() for made in joined(one, other, on_conflict)]
    return union([*(Shape((one,)) for one in lists), *(Shape((one,)) for one in objects)])


def without_ends(head: Sequence[Json], tail: Sequence[Json], value: Shape) -> Shape:
    """Lists without the items that were put at their ends; all else is refused."""

    def change(one: ListShape) -> Iterator[ListShape]:
        more = len(head) + len(tail)
        if not more:
            yield one
        elif (one.most is None or one.most >= more) and _may_end(one, head, tail):
            kept = one.first[len(head) :]
            if one.most == one.least:
                kept = kept[: one.least - more]
            yield ListShape(kept, one.rest, max(0, one.least - more), None if one.most is None else one.most - more)

    return value.of_lists(change)


def _may_end(one: ListShape, head: Sequence[Json], tail: Sequence[Json]) -> bool:
    """Whether lists can have such items at their ends."""
    fixed = one.least == one.most
    last = [one.item(one.least - place) if fixed else one.items() for place in range(len(tail), 0, -1)]
    pairs = zip([*map(one.item, range(len(head))), *last], (*head, *tail), strict=True)
    return all(met(place, {"const": put}) is not NOTHING for place, put in pairs)


def without_entries(entries: Mapping[str, Json], value: Shape) -> Shape:
    """Objects without the entries that were put there, which are still what they were; all else is refused."""

    def change(one: ObjectShape) -> Iterator[ObjectShape]:
        found = [one]
        for name, put in entries.items():
            there = [
                made
                for part in found
                for made in part.narrowed(name, met(part.field(name).shape, {"const": put}), needed=True)
            ]
            found = [made for part in there for made in part.without(name)]
        yield from found

    return value.of_objects(change)


def few(shape: Shape) -> Shape:
    """The shape with fewer alternatives of objects: those that differ in one field become one, and too many do."""
    objects = list(shape.objects())
    found = merged(objects)
    if len(found) > MOST_OBJECTS:
        found = [reduce(_either, found)]
    if len(found) == len(objects):
        return shape
    return union([shape.scalars(), *(Shape((one,)) for one in shape.lists()), *(Shape((one,)) for one in found)])


def merged(objects: Iterable[ObjectShape]) -> list[ObjectShape]:
    """Alternatives of objects, where two that differ in one field alone are one: it allows no more than they do."""
    found: list[ObjectShape] = []
    for new in objects:
        one = new
        index = 0
        while index < len(found):
            if _alike(found[index], one):
                one, index = _either(found.pop(index), one), 0
            else:
                index += 1
        found.append(one)
    return found


def _alike(one: ObjectShape, other: ObjectShape) -> bool:
    """Whether two objects differ in one field at most."""
    if _rest(one) != _rest(other):
        return False
    names = one.fields.keys() | other.fields.keys()
    return sum(one.field(name) != other.field(name) for name in names) <= 1


def _rest(one: ObjectShape) -> tuple[Any, ...]:
    """What is known of objects beside their fields, without what these imply."""
    needed = sum(known.needed for known in one.fields.values())
    least = one.least if one.least > needed else 0
    most = None if one.closed() and one.most is not None and one.most >= len(one.fields) else one.most
    # as text, where 1 is not true
    said = json.dumps([one.names, one.more], sort_keys=True)
    return one.others, one.patterns, said, least, most


def _either(one: ObjectShape, other: ObjectShape) -> ObjectShape:
    """The objects that fit one of two shapes, and perhaps more."""
    fields: dict[str, Field] = {}
    for name in dict.fromkeys([*one.fields, *other.fields]):
        mine, theirs = one.field(name), other.field(name)
        fields[name] = Field(union([mine.shape, theirs.shape]), mine.needed and theirs.needed)
    patterns, others = one.patterns, union([one.others, other.others])
    if patterns != other.patterns:
        others = union([others, *(shape for side in (one, other) for _, shape in side.patterns)])
        patterns = ()
    most = None if one.most is None or other.most is None else max(one.most, other.most)
    found = ObjectShape(fields, others, patterns, least=min(one.least, other.least), most=most)
    same = json.dumps([one.names, one.more], sort_keys=True) == json.dumps([other.names, other.more], sort_keys=True)
    return replace(found, names=one.names, more=one.more) if same else found
