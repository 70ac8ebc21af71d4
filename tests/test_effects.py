"""The effect of operations on shapes, by the rows of ``cases/<operation>.yaml``: what is made fits what was foretold.

A row's document is taken for several shapes that it belongs to: itself alone, documents like it, any document.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from migrate_spec.codec import Json
from migrate_spec.schema import Schema
from migrate_spec.shapes.reading import shape_of
from migrate_spec.shapes.shape import Shape, only
from migrate_spec.shapes.writing import written
from migrate_spec.spec import Spec
from migrate_spec.step import effect, effect_back
from tests.test_operations import Row, downwards, rows, spec_in, texts, upwards

TYPES = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}


def like(value: Json) -> dict[str, Any]:
    """A schema of documents like one: values of the same types under the same names, any of which may be absent."""
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: like(part) for name, part in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": {"anyOf": [like(part) for part in value]} if value else False}
    return {"type": TYPES[type(value)]}


SHAPES: dict[str, Callable[[Json], Shape]] = {
    "itself": only,
    "like": lambda value: shape_of(Schema(like(value))),
    "closed": lambda value: shape_of(Schema({**like(value), "additionalProperties": False, "required": list(value)})),
    "any": lambda _: shape_of(Schema({"type": "object"})),
}


def fits(shape: Shape, document: Json) -> bool:
    """Whether a document belongs to a shape."""
    return Schema(written(shape)).is_valid(document)


def foretold(spec: Spec, effects: Callable[..., Shape], start: bytes, result: bytes) -> list[str]:
    """The names of the shapes from which what became of a document was not foretold."""
    before, after = json.loads(start), json.loads(result)
    starts = {name: make(before) for name, make in SHAPES.items()}
    assert all(fits(shape, before) for shape in starts.values())
    return [name for name, shape in starts.items() if not fits(effects(spec.steps, shape), after)]


@pytest.mark.parametrize("row", [param for param in rows() if {"before", "before_text"} & param.values[0].keys()])
def test_what_is_made_was_foretold(row: Row) -> None:
    """Forwards, and where there is a way back, backwards from what was made and from what became of it since."""
    spec, starts = spec_in(row), texts(row, "before")
    start = starts.get("plain", starts.get("as it is", b""))
    result = upwards(row, start)
    if isinstance(result, str):
        return
    assert foretold(spec, effect, start, result) == []
    edited = texts(row, "edited") if {"edited", "edited_text"} & row.keys() else {}
    for changed in (result, *edited.values()):
        back = downwards(row, changed)
        if not isinstance(back, str):
            assert foretold(spec, effect_back, changed, back) == []


def exact(row: Row) -> bool:
    """Whether the effect on a row's document alone is what becomes of it alone."""
    starts = texts(row, "before")
    start = starts.get("plain", starts.get("as it is", b""))
    result = upwards(row, start)
    made = effect(spec_in(row).steps, only(json.loads(start)))
    if isinstance(result, str):
        return made.alternatives == ()
    return Schema(written(only(json.loads(result)))).covers(Schema(written(made)))
