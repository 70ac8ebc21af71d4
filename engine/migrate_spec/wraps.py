"""Values put into lists and objects of one, and taken out again: what ``wrap`` and ``unwrap`` share."""

from __future__ import annotations

from collections.abc import Callable

from migrate_spec.codec import Json, is_null, opened
from migrate_spec.document import ABSENT, Refused, wrong_type

__all__ = ["into_list", "into_object", "out_of_list", "out_of_object", "sole"]


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
