"""Reasons that are told fast are those that are told slowly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.reasons import Reasons
from migrate_spec.schema import Schema

ITEM = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 0}, "kind": {"const": "x"}, "at": {"format": "date"}},
    "required": ["n"],
}
SCHEMA = Schema(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "a": {"type": "integer", "maximum": 3},
            "b": {"enum": ["x", "y", None]},
            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "maxItems": 2},
            "either": {"anyOf": [{"type": "integer"}, {"type": "object", "required": ["n"]}]},
            "map": {"type": "object", "additionalProperties": {"$ref": "#/$defs/item"}, "minProperties": 1},
            "none": False,
            "text": {"type": "string", "minLength": 1, "pattern": "^a", "not": {"const": "ab"}},
        },
        "required": ["a", "b"],
        "additionalProperties": False,
        "$defs": {"item": ITEM},
    }
)

SCALARS = st.sampled_from([None, True, 0, 1, 2.0, 2.5, 9, -1, "", "x", "ab", "2024-13-01", "2024-01-01"])
ITEMS = st.dictionaries(st.sampled_from(["n", "kind", "at", "else"]), SCALARS, max_size=3) | SCALARS
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "a": SCALARS,
    "b": SCALARS,
    "items": st.lists(ITEMS, max_size=3),
    "either": ITEMS,
    "map": st.dictionaries(st.sampled_from(["p", "q", "r"]), ITEMS, max_size=2),
    "none": SCALARS,
    "text": SCALARS,
    "other": SCALARS,
}
DOCUMENTS = st.fixed_dictionaries({}, optional=PARTS)

REASONS = Reasons(SCHEMA)


@given(DOCUMENTS)
def test_like_the_slow_ones(document: Any) -> None:
    """Whatever was told of others before, the place and the words are those of the schema itself."""
    if SCHEMA.is_valid(document):
        return
    slow, fast = SCHEMA.best_mismatch(document), REASONS.best_mismatch(document)
    assert (fast.where, fast.keyword, fast.value, fast.fault()) == (slow.where, slow.keyword, slow.value, slow.fault())


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        ({"a": "1", "b": "x"}, {"a": "2", "b": "x"}, 'a text "2" was found, an integer was expected'),
        (
            {"a": 1, "b": "x", "map": {"p": {"n": -5}}},
            {"a": 1, "b": "x", "map": {"q": {"n": -6}}},
            "an integer -6 was found, at least 0 was expected",
        ),
        ({"b": "x", "c": 1}, {"b": "x", "d": 2}, "no 'a' was found, it is required"),
        (
            {"a": 1, "b": "x", "either": "p"},
            {"a": 1, "b": "x", "either": "q"},
            "a text \"q\" was found, 'q' is not valid under any of the given schemas",
        ),
        ({"a": 1, "b": "x", "none": "p"}, {"a": 1, "b": "x", "none": "q"}, 'a text "q" was found'),
    ],
)
def test_another_value(one: Any, other: Any, sentence: str) -> None:
    """A document that fails like another is told with its own value, and nothing of the other's."""
    reasons = Reasons(SCHEMA)
    reasons.best_mismatch(one)
    told = reasons.best_mismatch(other)
    assert str(told.fault()).startswith(sentence)
    assert told == SCHEMA.best_mismatch(other) or not told.message


def test_a_schema_that_nothing_fits() -> None:
    """It is told, too."""
    reasons = Reasons(Schema(content=False))
    for document in ({}, {"a": 1}):
        assert reasons.best_mismatch(document).value == document
