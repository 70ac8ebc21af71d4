"""The value that a new field is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT
from migrate_spec.draft.parts import Alternative, Part

__all__ = ["filling", "known_value"]

_SIMPLEST: dict[str, list[Json]] = {
    "null": [None],
    "array": [[]],
    "object": [{}],
    "string": ["", "1970-01-01T00:00:00Z", "1970-01-01"],
    "integer": [0, 1],
    "number": [0, 1],
    "boolean": [False, True],
}
_LOOKED_AT = 50
_DEEPEST = 5


def known_value(part: Part) -> Json:
    """The value that a schema itself names: its default, or the only one there is; ``ABSENT`` for none."""
    if part.default is not ABSENT and part.fits(part.default):
        return part.default
    values = [value for value in part.values or () if part.fits(value)]
    return values[0] if len(values) == 1 else ABSENT


def filling(part: Part) -> tuple[Json, bool]:
    """The value to fill a field with, and whether it goes without saying.

    What the schema names does; so do null, and an empty list or object, which say that there is nothing.
    """
    known = known_value(part)
    if known is not ABSENT:
        return known, True
    empty: list[Json] = [None, [], {}]
    for nothing in empty:
        if not part.is_anything and part.fits(nothing):
            return nothing, True
    return _simplest(part, 0), False


def _simplest(part: Part, depth: int) -> Json:
    """The simplest value that fits; null where none is found."""
    listed = [value for value in part.values or () if part.fits(value)]
    found = listed or [value for value in _candidates(part, depth) if part.fits(value)]
    return found[0] if found else next(iter(_generated(part)), None)


def _candidates(part: Part, depth: int) -> Iterator[Json]:
    for name, alternatives in part.kinds.items():
        yield from _SIMPLEST[name]
        for one in alternatives:
            yield from one.keywords.get("examples", ())
            yield from (one.keywords[key] for key in ("minimum", "maximum") if key in one.keywords)
            if name == "object" and depth < _DEEPEST:
                yield _object(one, depth)
            if name == "array" and one.items and depth < _DEEPEST:
                yield [_simplest(one.items, depth + 1)] * one.keywords.get("minItems", 1)


def _object(one: Alternative, depth: int) -> Json:
    found: dict[str, Json] = {}
    for name, part in one.properties.items():
        if name in one.required:
            known = known_value(part)
            found[name] = _simplest(part, depth + 1) if known is ABSENT else known
    return found


def _generated(part: Part) -> list[Json]:
    """The shortest of some values that are made of the schema."""
    from migrate_spec.documents import sampled  # noqa: PLC0415 - slow to import, and seldom needed

    try:
        return sorted(islice(sampled(part.alone), _LOOKED_AT), key=lambda value: len(json.dumps(value)))[:1]
    except ValueError:
        return []
