"""Values put into lists and objects of one, and taken out again: what ``wrap`` and ``unwrap`` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from migrate_spec.codec import Json, is_null, opened
from migrate_spec.document import ABSENT, Refused, wrong_type
from migrate_spec.shapes.reading import met, without
from migrate_spec.shapes.shape import NOTHING, Field, ListShape, ObjectShape, Shape, only, union

__all__ = [
    "in_list",
    "in_object",
    "into_list",
    "into_object",
    "item_of_list",
    "item_or_null",
    "out_of_list",
    "out_of_object",
    "sole",
    "value_of_object",
]

_NULL: Final = {"type": "null"}


def into_list(value: Json) -> Json:
    """A list of a value; an empty one of null."""
    return [] if is_null(value) else [value]


def out_of_list(value: Json) -> Json:
    """The item of a list of one; null of an empty one."""
    item = sole(value)
    return None if item is ABSENT else item


def into_object(name: str) -> Callable[[Json], Json]:
    """What makes an object with this field alone of a value."""
    return lambda value: {name: value}


def out_of_object(name: str) -> Callable[[Json], Json]:
    """What takes a value out of an object with this field alone."""

    def inner(value: Json) -> Json:
        fields = opened(value)
        if type(fields) is not dict:
            raise wrong_type(value, "an object")
        if list(fields) != [name]:
            others = ", ".join(repr(other) for other in fields) or "no fields"
            raise Refused(f"an object with {others} was found", f"one with {name!r} alone was expected")
        return fields[name]

    return inner


def sole(value: Json, remedy: str = "") -> Json:
    """The item of a list of one; ``ABSENT`` for an empty list, which a list of null is not to be taken for."""
    items = opened(value)
    if type(items) is not list:
        raise wrong_type(value, "a list")
    if not items:
        return ABSENT
    if len(items) > 1:
        raise Refused(f"a list of {len(items)} items was found", "one item or none was expected", remedy)
    if is_null(items[0]):
        raise Refused("a list of null was found", "another item or none was expected", "null is an empty list here")
    return items[0]


def in_list(shape: Shape) -> Shape:
    """The shape of what :func:`into_list` makes."""
    item = without(shape, _NULL)
    lists = NOTHING if item is NOTHING else Shape((ListShape((item,), NOTHING, 1, 1),))
    return union([lists, NOTHING if met(shape, _NULL) is NOTHING else only([])])


def item_of_list(shape: Shape, on_many: Literal["fail", "first", "last"] = "fail") -> tuple[Shape, bool]:
    """The shape of the items of lists of one, or of what is taken of several; and whether some lists are empty."""
    lists = [one for one in shape.lists() if on_many != "fail" or one.least <= 1]
    items = [one.item(0) if on_many != "last" else _last(one) for one in lists]
    return union([without(item, _NULL) for item in items]), any(one.least == 0 for one in lists)


def item_or_null(shape: Shape) -> Shape:
    """The shape of what :func:`out_of_list` makes."""
    item, is_null = item_of_list(shape)
    return union([item, only(None)]) if is_null else item


def _last(one: ListShape) -> Shape:
    ends = range(max(one.least, 1) - 1, max(one.least, len(one.first) + 1) if one.most is None else one.most)
    return union([one.item(index) for index in ends])


def in_object(name: str, shape: Shape) -> Shape:
    """The shape of what :func:`into_object` makes."""
    return Shape((ObjectShape({name: Field(shape, needed=True)}, NOTHING),))


def value_of_object(name: str, shape: Shape) -> Shape:
    """The shape of what :func:`out_of_object` makes."""
    alone = [one for one in shape.objects() if one.least <= 1 and one.most != 0]
    return union(
        one.field(name).shape
        for one in alone
        if not any(one.fields[other].needed for other in one.fields if other != name)
    )
