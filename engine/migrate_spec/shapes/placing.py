"""What a shape says that can be at a path, kind by kind, and the values in which one of these kinds is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migrate_spec.codec import Json
from migrate_spec.path import Each, EachValue, Index, Name, Path, Segment
from migrate_spec.shapes.shape import (
    ANYTHING,
    NOTHING,
    Field,
    ListShape,
    ObjectShape,
    Scalars,
    Shape,
    only,
    union,
)

__all__ = ["Kind", "kinds_at", "placed"]

MOST_VALUES = 32
"""Of a place that are looked at one by one."""

_WORDS = {"null": "null", "boolean": "true or false", "integer": "an integer", "number": "a number", "string": "a text"}


@dataclass(frozen=True)
class Kind:
    """Values that can be at a place: one, or all of a type.

    Attributes:
        shape: the values.
        words: what they are, for a sentence; empty for a single one.
        value: that one.
    """

    shape: Shape
    words: str = ""
    value: Json = None

    @property
    def holds_others(self) -> bool:
        """Whether it is objects or lists."""
        return self.words in {"an object", "a list"}


def kinds_at(shape: Shape, path: Path) -> Iterator[Kind]:
    """What a shape says that can be at a path; nothing of what it lets be there without naming it."""
    values = union(_named(shape, path.segments))
    if values is not ANYTHING:
        for one in values.plain():
            yield from _kinds(one)


def _kinds(one: Scalars | ListShape | ObjectShape) -> Iterator[Kind]:
    if not isinstance(one, Scalars):
        yield Kind(Shape((one,)), "a list" if isinstance(one, ListShape) else "an object")
        return
    values = one.values()
    types = one.schema.get("type")
    if values is not None and len(values) <= MOST_VALUES:
        yield from (Kind(only(value), value=value) for value in values)
    elif isinstance(types, list):
        yield from (kind for name in types for kind in _kinds(Scalars({**one.schema, "type": name})))
    elif isinstance(types, str):
        yield Kind(Shape((one,)), _WORDS[types])


def _named(shape: Shape, segments: Sequence[Segment]) -> Iterator[Shape]:
    if not segments:
        yield shape
        return
    first, rest = segments[0], segments[1:]
    for one in () if shape is ANYTHING else shape.plain():
        if isinstance(one, ObjectShape) and isinstance(first, Name) and first.name in one.fields:
            yield from _named(one.fields[first.name].shape, rest)
        elif isinstance(one, ObjectShape) and isinstance(first, EachValue):
            for inner in (*(known.shape for known in one.fields.values()), one.others):
                yield from _named(inner, rest)
        elif isinstance(one, ListShape) and isinstance(first, Each | Index):
            yield from _named(one.items() if isinstance(first, Each) else one.item(first.index), rest)


def placed(shape: Shape, path: Path, value: Shape) -> Shape:
    """Those of a shape's values in which all that is at a path is of another shape, and something is there."""
    return _placed(shape, path.segments, value)


def _placed(shape: Shape, segments: Sequence[Segment], value: Shape) -> Shape:
    if not segments:
        return value
    first, rest = segments[0], segments[1:]
    return union(Shape((made,)) for one in shape.plain() for made in _with(one, first, rest, value))


def _with(
    one: Scalars | ListShape | ObjectShape, first: Segment, rest: Sequence[Segment], value: Shape
) -> Iterator[ListShape | ObjectShape]:
    if isinstance(one, ObjectShape) and isinstance(first, Name) and first.name in one.fields:
        inner = _placed(one.fields[first.name].shape, rest, value)
        yield from one.narrowed(first.name, inner, needed=True)
    elif isinstance(one, ObjectShape) and isinstance(first, EachValue):
        inner = _placed(union([*(known.shape for known in one.fields.values()), one.others]), rest, value)
        if inner is not NOTHING:
            yield ObjectShape({"": Field(inner, needed=True)}, NOTHING)
    elif isinstance(one, ListShape) and isinstance(first, Each):
        inner = _placed(one.items(), rest, value)
        if inner is not NOTHING:
            yield ListShape((), inner, 1)
    elif isinstance(one, ListShape) and isinstance(first, Index):
        inner = _placed(one.item(first.index), rest, value)
        if inner is not NOTHING:
            before = tuple(one.item(index) for index in range(first.index))
            yield ListShape((*before, inner), one.rest, first.index + 1)
