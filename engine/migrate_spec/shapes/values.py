"""Shapes whose values can be told one by one, and what becomes of each of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import permutations, product
from math import factorial, prod
from operator import is_
from typing import Final

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT, Refused, frozen
from migrate_spec.schema import Schema
from migrate_spec.shapes.shape import ListShape, ObjectShape, Reference, Scalars, Shape, only, union

__all__ = ["each", "of_values", "worked_out"]

MOST_VALUES: Final = 128
"""Of a shape that are told one by one."""
LARGEST_EXACT: Final = 2**53
"""Up to here a 64-bit float tells each integer from the next."""


def each(shape: Shape) -> Sequence[Json] | None:
    """All values of a shape, lists and objects too: numbers in each spelling, as 1 and as 1.0, objects in each order.

    Returns:
        ``None`` where there are too many to tell.
    """
    found: list[Json] = []
    for one in shape.alternatives:
        values = _told(one)
        if values is None or len(found) + len(values) > MOST_VALUES:
            return None
        found += values
    return found


def of_values(values: Iterable[Json]) -> Shape:
    """The shape of these values."""
    once = list({(frozen(value), _is_vast(value) and type(value)): value for value in values}.values())
    scalars = [value for value in once if not isinstance(value, list | dict)]
    found = [Shape((Scalars({"enum": scalars} if len(scalars) > 1 else {"const": scalars[0]}),))] if scalars else []
    return union([*found, *(only(value) for value in once if isinstance(value, list | dict))])


def worked_out(shape: Shape, change: Callable[[Json], Json], otherwise: Callable[[Shape], Shape]) -> Shape:
    """What becomes of values, alternative by alternative.

    Args:
        shape: the values.
        change: makes a value of one of them. What it refuses belongs to nothing.
        otherwise: gives the shape of what becomes of those that cannot be told one by one.
    """
    old = [Shape((one,)) for one in shape.plain()]
    new = [_worked_out(one, change, otherwise) for one in old]
    return shape if all(map(is_, old, new)) else union(new)


def _worked_out(shape: Shape, change: Callable[[Json], Json], otherwise: Callable[[Shape], Shape]) -> Shape:
    values = each(shape)
    if values is None:
        return otherwise(shape)
    made = [result for value in values for result in _made(change, value)]
    same = {frozen(value) for value in values} == {frozen(value) for value in made}
    return shape if same else of_values(made)


def _made(change: Callable[[Json], Json], value: Json) -> Iterator[Json]:
    try:
        yield change(value)
    except Refused:
        return


def _told(one: Scalars | ListShape | ObjectShape | Reference) -> Sequence[Json] | None:
    if isinstance(one, Scalars):
        values = one.values()
        values = _integers(one) if values is None else values
        if values is None or any(map(_is_vast, values)):
            return None
        return [spelling for value in values for spelling in _spellings(value)]
    if isinstance(one, ListShape):
        return _lists(one)
    return _objects(one) if isinstance(one, ObjectShape) else None


def _integers(one: Scalars) -> Sequence[Json] | None:
    """The integers between two bounds."""
    least, most = one.schema.get("minimum"), one.schema.get("maximum")
    if one.schema.get("type") != "integer" or least is None or most is None or most - least > MOST_VALUES:
        return None
    judge = Schema(one.schema).is_valid
    return [value for value in range(int(least) - 1, int(most) + 2) if judge(value)]


def _spellings(value: Json) -> Sequence[Json]:
    if type(value) is int:
        return [value, float(value), *([] if value else [-0.0])]
    if type(value) is float and value.is_integer():
        return [int(value), value, *([] if value else [-value])]
    return [value]


def _is_vast(value: Json) -> bool:
    """Whether it is a number of which nothing tells what a validator takes for the same number."""
    return type(value) in {int, float} and abs(value) > LARGEST_EXACT


def _lists(one: ListShape) -> Sequence[Json] | None:
    if one.most is None or one.most > MOST_VALUES:
        return None
    items = [each(one.item(index)) for index in range(one.most)]
    told = [values for values in items if values is not None]
    counts = [len(values) for values in told]
    if len(told) < len(items) or sum(prod(counts[:most]) for most in range(one.least, one.most + 1)) > MOST_VALUES:
        return None
    return [list(found) for most in range(one.least, one.most + 1) for found in product(*told[:most])]


def _objects(one: ObjectShape) -> Sequence[Json] | None:
    if not one.closed():
        return None
    parts: list[Sequence[Json]] = []
    for known in one.fields.values():
        values = each(known.shape)
        if values is None:
            return None
        parts.append([*values, *([] if known.needed else [ABSENT])])
    if prod(map(len, parts)) * factorial(min(len(parts), MOST_VALUES)) > MOST_VALUES:
        return None
    found = [
        [(name, value) for name, value in zip(one.fields, values, strict=True) if value is not ABSENT]
        for values in product(*parts)
    ]
    return [dict(ordered) for fields in found for ordered in permutations(fields)]
