"""Values of a document: what a step does to them, how it refuses them, and what they are called in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from migrate_spec.codec import Json, Raw, decode, opened, type_names
from migrate_spec.errors import Place

__all__ = [
    "ABSENT",
    "Change",
    "Refused",
    "Unbound",
    "describe",
    "equal",
    "frozen",
    "on_object",
    "open_in",
    "put",
    "same",
    "wrong_type",
]

ABSENT: Final = object()
"""Stands for a field that is not there; ``None`` is a value."""

LONGEST_SHOWN = 40
"""Characters of a value in an error."""

Change = Callable[[Any], bool]
"""What a step does to a value it may alter in place; true where it changed something."""


class Refused(Exception):  # noqa: N818 - the word of the language: a step refuses a document
    """A step cannot do its work on this document.

    Attributes:
        path: the place in the document; each walker on the way out puts its own segment before it.
        found, expected, remedy: as in :class:`~migrate_spec.errors.Fault`.
        place: the line of the spec that asked.
        cause: what a hook raised, where it was one.
    """

    def __init__(
        self, found: str, expected: str, remedy: str = "", *, path: str = "", place: Place | None = None
    ) -> None:
        super().__init__(found, expected, remedy)
        self.found = found
        self.expected = expected
        self.remedy = remedy
        self.path = path
        self.place = place
        self.cause: BaseException | None = None

    def below(self, segment: str) -> Refused:
        """The same refusal as seen from one level further out."""
        joint = "" if not segment or not self.path or self.path.startswith("[") else "."
        self.path = f"{segment}{joint}{self.path}"
        return self


class Unbound(LookupError):  # noqa: N818 - the opposite of a bound spec
    """A spec names a hook or a definition of a schema that it does not hold itself, and that is not there.

    Attributes:
        found, expected: as in :class:`~migrate_spec.errors.Fault`.
    """

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found, expected)
        self.found = found
        self.expected = expected


def on_object(change: Change) -> Change:
    """``change``, refused where the value it is given is no object."""

    def visit(value: Json) -> bool:
        if type(value) is not dict:
            raise wrong_type(value, "an object")
        return change(value)

    return visit


def open_in(parent: Any, key: Any) -> Json:
    """The value under ``key``, opened; an object or a list stays open in its parent, so that a change in it is kept."""
    value = parent[key]
    if type(value) is Raw:
        value = opened(value)
        if type(value) in {dict, list}:
            parent[key] = value
    return value


def wrong_type(value: Json, expected: str) -> Refused:
    """The refusal of a value of another type than a path or an operation needs."""
    return Refused(f"{describe(value)} was found", f"{expected} was expected")


def describe(value: Json) -> str:
    """A value for a sentence: its kind, and the value itself where it is short."""
    value = decode(value)
    if value is None:
        return "null"
    if type(value) in {dict, list}:
        return type_names[type(value)]
    text = json.dumps(value, ensure_ascii=False)
    return f"{type_names[type(value)]} {text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + '…'}"


_PLAIN = frozenset([str, int, bool, type(None)])
"""The types of which two values are the same JSON where Python takes them for equal."""


def equal(one: Json, other: Json) -> bool:
    """Whether two values are the same JSON, whatever the order of keys: ``true`` is not ``1``, nor ``1`` ``1.0``."""
    if type(one) is type(other) and type(one) in _PLAIN:
        return bool(one == other)
    return _key(decode(one)) == _key(decode(other))


def same(one: Json, other: Json) -> bool:
    """Whether two plain values are the same as JSON Schema sees it: ``1`` is ``1.0``, and ``true`` is neither."""
    return bool(frozen(one) == frozen(other))


def frozen(value: Json) -> Any:
    """A plain value as something that can be looked up, equal for two values that are the :func:`same`."""
    if type(value) is bool:
        return (bool, value)
    if type(value) is list:
        return (list, *map(frozen, value))
    if type(value) is dict:
        return frozenset((name, frozen(part)) for name, part in value.items())
    return value


def _key(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def put(parent: Any, key: Any, value: Json) -> bool:
    """Set a field or an item; false where the same JSON is there already, which then keeps its own spelling."""
    if (type(parent) is list or key in parent) and equal(parent[key], value):
        return False
    parent[key] = value
    return True
