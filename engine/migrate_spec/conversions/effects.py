"""What conversions make of the values of a shape."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal

from migrate_spec.codec import Json
from migrate_spec.conversions.numbers import LARGEST_EXACT
from migrate_spec.conversions.terms import ROUND, Terms
from migrate_spec.conversions.times import END, FIRST
from migrate_spec.shapes.reading import met
from migrate_spec.shapes.shape import ANYTHING, ListShape, Scalars, Shape, only, union

__all__ = [
    "Effect",
    "any_value",
    "count",
    "digits",
    "item_texts",
    "items",
    "json_text",
    "number_text",
    "numeric",
    "of_values",
    "scaled",
    "time",
]

Made = Callable[[Terms, Shape], Shape]
"""What becomes of values that are of the type expected."""

_TEXT: Final[Mapping[str, Json]] = {"type": "string"}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a conversion makes of values of a shape.

    Attributes:
        taken: a JSON Schema that all fit which it takes.
        made: what it makes of them.
        sure: whether it takes all that fit; else it may refuse some.
    """

    taken: Mapping[str, Json]
    made: Made
    sure: bool = False


def _of(schema: Mapping[str, Json]) -> Shape:
    return Shape((Scalars(schema),))


def _schemas(shape: Shape) -> Iterator[Mapping[str, Any]]:
    return (one.schema for one in shape.plain() if isinstance(one, Scalars))


_UNSIGNED_TEXTS: Final = (r"^(0|[1-9][0-9]*)$", "^[0-9]+$", r"^\d+$", "^[0-9]*$", r"^\d*$")
_INTEGER_TEXTS: Final = (r"^-?(0|[1-9][0-9]*)$", r"^(0|-?[1-9][0-9]*)$", "^-?[0-9]+$", r"^-?\d+$")
"""The usual patterns that all these texts match: of one pattern alone nothing tells that it says what another does."""
_NUMBER_TEXT: Final = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$"
_BEGINS_WITH_DIGIT: Final = re.compile(r"\^(?:\[[01]-9\]|\\d)(?![*?]|\{0|\{,)[^|]*|\^\(0\|\[1-9\](?:\[0-9\]|\\d)\*\)\$")
"""Patterns of which it is plain that the texts begin with a digit, and so with no sign."""


def digits(_: Terms, integers: Shape) -> Shape:
    """Texts of integers."""
    return union(_of(_digits(schema)) for schema in _schemas(integers))


def _digits(schema: Mapping[str, Any]) -> Mapping[str, Json]:
    is_unsigned = schema.get("minimum", schema.get("exclusiveMinimum", -1)) >= 0
    patterns = (*(_UNSIGNED_TEXTS if is_unsigned else ()), *_INTEGER_TEXTS)
    return {"type": "string", "minLength": 1, "allOf": [{"pattern": pattern} for pattern in patterns]}


def number_text(_: Terms, _numbers: Shape) -> Shape:
    """Texts of numbers."""
    return _of({"type": "string", "minLength": 1, "pattern": _NUMBER_TEXT})


def numeric(kind: Literal["integer", "number"]) -> Made:
    """What texts of numbers say."""

    def made(_: Terms, texts: Shape) -> Shape:
        return union(_of(_numeric(kind, schema)) for schema in _schemas(texts))

    return made


def _numeric(kind: str, schema: Mapping[str, Any]) -> Mapping[str, Json]:
    patterns = [schema.get("pattern"), *(part.get("pattern") for part in schema.get("allOf", ()))]
    is_unsigned = any(_BEGINS_WITH_DIGIT.fullmatch(pattern) for pattern in patterns if pattern is not None)
    return {"type": kind, **({"minimum": 0} if is_unsigned else {})}


def scaled(start: Literal["integer", "number"], to: Literal["integer", "number"]) -> Made:
    """Numbers that are multiplied and rounded."""

    def made(terms: Terms, numbers: Shape) -> Shape:
        return union(_of(_scaled(schema, start, to, terms)) for schema in _schemas(numbers))

    return made


def _scaled(schema: Mapping[str, Any], start: str, to: str, terms: Terms) -> Mapping[str, Json]:
    factor = terms.factor or Fraction(1)
    starts_whole = "integer" in {start, schema.get("type")}
    is_whole = to == "integer" or (starts_whole and factor.denominator == 1)
    found: dict[str, Json] = {"type": "integer" if is_whole else "number"}
    if to == "integer" and starts_whole and factor.denominator == 1 and abs(factor) > 1:
        found["multipleOf"] = abs(factor.numerator)
    low, high = (_bound(schema, name) for name in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")))
    if factor < 0:
        low, high = high, low
    if low is not None:
        found |= _limit("minimum", low * factor, terms, is_whole=is_whole)
    if high is not None:
        found |= _limit("maximum", high * factor, terms, is_whole=is_whole)
    return found


def _bound(schema: Mapping[str, Any], names: tuple[str, str]) -> Fraction | None:
    """A bound; what is bound exclusively is so inclusively, too."""
    found = next((schema[name] for name in names if name in schema), None)
    return None if found is None else Fraction(found if isinstance(found, int) else Decimal(repr(found)))


def _limit(name: str, exact: Fraction, terms: Terms, *, is_whole: bool) -> Mapping[str, Json]:
    """A bound that surely holds after scaling, as a JSON Schema; none where floats are too coarse for it."""
    if abs(exact) > LARGEST_EXACT:
        return {}
    if is_whole:
        to_integer = ROUND[terms.rounding] if terms.rounding else math.ceil if name == "minimum" else math.floor
        return {name: to_integer(exact)}
    near = float(exact)
    outwards = -math.inf if name == "minimum" else math.inf
    return {name: near if Fraction(Decimal(repr(near))) == exact else math.nextafter(near, outwards)}


def of_values(values: Sequence[Json]) -> Effect:
    """For a conversion of these values alone, which are told one by one."""
    return Effect({"enum": list(values)}, lambda _, __: ANYTHING)


def count(rate: int) -> Made:
    """Counts of units, so many of which are a second."""
    return lambda _, __: _of({"type": "integer", "minimum": FIRST * rate, "maximum": END * rate - 1})


def time(rate: int) -> Made:
    """Texts of times."""
    fraction = r"\.[0-9]{3}" if rate > 1 else ""
    pattern = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}{fraction}Z$"
    size = len("0001-01-01T00:00:00Z") + (len(".000") if rate > 1 else 0)
    schema = {"type": "string", "format": "date-time", "pattern": pattern, "minLength": size, "maxLength": size}
    return lambda _, __: _of(schema)


def items(_: Terms, texts: Shape) -> Shape:
    """What stands between separators."""
    return union(
        Shape((ListShape((), _of({**_TEXT, **_longest(schema)}), min(schema.get("minLength", 0), 1)),))
        for schema in _schemas(texts)
    )


def _longest(schema: Mapping[str, Any]) -> Mapping[str, Json]:
    return {"maxLength": schema["maxLength"]} if "maxLength" in schema else {}


def item_texts(terms: Terms, lists: Shape) -> Shape:
    """Texts with separators."""
    found = [one.altered(lambda _, item: met(item, _TEXT)) for one in lists.lists()]
    return union(_joined(one, terms.separator) for one in found if one is not None)


def _joined(one: ListShape, separator: str) -> Shape:
    if one.most == 0:
        return only("")
    # a list of one empty text is refused
    return _of({"type": "string", "minLength": max(min(one.least, 1), (one.least - 1) * len(separator))})


def any_value(_: Terms, _texts: Shape) -> Shape:
    """What texts of JSON say."""
    return ANYTHING


def json_text(_: Terms, _values: Shape) -> Shape:
    """Texts of JSON."""
    return _of({"type": "string", "minLength": 1})
