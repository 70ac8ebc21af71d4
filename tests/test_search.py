"""The search for a document that breaks a rule, and the smallest such one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.codec import copied, encode
from migrate_spec.schema import Schema
from migrate_spec.search import MOST_TRIES, MOST_WORK, Found, counterexample, size, smallest
from tests.test_laws import DOCUMENTS, LAW, SELDOM

TASK = Schema(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "status"],
        "properties": {
            "id": {"type": "string"},
            "status": {"enum": ["open", "done"]},
            "size": {"type": "integer"},
            "notes": {"type": "array", "items": {"type": "object", "required": ["text"], "properties": {"text": True}}},
        },
    }
)
MOMENT = Schema({"type": "object", "required": ["at"], "properties": {"at": {"type": "string", "format": "date-time"}}})


def holds(text: str) -> Callable[[Any], bool]:
    """A rule that an object breaks which holds a text somewhere."""
    return lambda document: type(document) is dict and text in json.dumps(document, ensure_ascii=False)


def number(name: str, rule: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A rule about a field that is a number."""
    return lambda one: type(one) is dict and type(one.get(name)) in {int, float} and rule(one[name])


@pytest.mark.parametrize(
    ("document", "fails", "expected"),
    [
        ({"a": 1}, holds(""), {}),
        ({"a": [1, {"b": 2, "c": "x"}], "d": {}}, holds('"b"'), {"a": [{"b": None}]}),
        ({"a": 1, "b": {"c": 2}, "d": 3}, lambda one: type(one) is dict and "b" in one, {"b": None}),
        (
            {"l": [1, 2, 3, 4, 5, 6, 7]},
            lambda one: type(one) is dict and len(one.get("l") or "") > 2,
            {"l": [None] * 3},
        ),
        ({"n": 10**20}, number("n", lambda n: n > 1234), {"n": 1235}),
        ({"n": -75}, number("n", lambda n: n < -3), {"n": -4}),
        ({"n": 2.125}, number("n", lambda n: n != int(n)), {"n": 2.1}),
        ({"n": 9.0}, number("n", lambda n: n > 3), {"n": 4}),
        ({"at": "2024-12-31T23:59:59.123Z"}, MOMENT.is_valid, {"at": "0000-10-01T00:00:00Z"}),
        ({"t": "hello wörld!"}, holds("ö"), {"t": "ö"}),
        ({"a": {"n": 1, "a": {"n": 2, "a": {"n": [3, [4, [5]]]}}}}, holds("5"), {"n": [5]}),
        ({"b": True, "n": None}, lambda one: type(one) is dict and list(one) == ["b", "n"], {"b": None, "n": None}),
        ({"b": True}, lambda one: type(one) is dict and type(one.get("b")) is bool, {"b": False}),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_the_smallest(document: Any, fails: Callable[[Any], bool], expected: Any) -> None:
    """Parts go, then values become simpler; the document itself stays as it is."""
    before = encode(document)
    found = smallest(document, fails)
    assert encode(found) == encode(expected)
    assert encode(document) == before


@LAW
@given(DOCUMENTS, st.sampled_from(['"a"', "1", "null", "[", "-", '""']))
def test_nothing_can_go(document: Any, text: str) -> None:
    """What is left breaks the rule, is no larger, comes again, and breaks it no more without any one of its parts."""
    fails = holds(text)
    if not fails(document):
        assert smallest(document, lambda _: False) is document
        return
    found = smallest(document, fails)
    assert fails(found)
    assert size(found) <= size(document)
    assert encode(smallest(document, fails)) == encode(found)
    for name in found:
        assert not fails({other: value for other, value in found.items() if other != name})


@SELDOM
@given(DOCUMENTS)
def test_what_is_tried_belongs_to_the_rule(document: Any) -> None:
    """A rule that alters what it is given does no harm."""

    def fails(one: Any) -> bool:
        result = type(one) is dict and "a" in one
        if result:
            one.clear()
        return result

    assert smallest({"a": document, "b": 1}, fails) == {"a": None}


def test_a_large_document_takes_a_bound_number_of_tries() -> None:
    """A document in which everything matters is tried so often and no more; one in which little does gets small."""
    item = {"id": "x" * 20, "numbers": [1, 2, 3], "parts": {"a": 1.5, "b": None}}
    document = {f"k{index}": copied(item) for index in range(1500)}
    tried: list[int] = []

    def fails(one: Any) -> bool:
        tried.append(len(encode(one)))
        return type(one) is dict and tried[-1] > 100_000

    assert len(encode(document)) > 100_000
    smallest(document, fails)
    assert len(tried) <= MOST_TRIES
    assert sum(tried) <= MOST_WORK + tried[0]
    tried.clear()
    assert smallest(document, holds('"k777"')) == {"k777": None}


def test_a_document_nested_too_deep_stays() -> None:
    """What cannot be worked on is left as it is."""
    document: Any = {}
    for _ in range(900):
        document = {"a": document}
    assert holds('"a"')(smallest(document, lambda one: type(one) is dict and "a" in one))


# ------------------------------------------------------------------------------------------------------- the search


def test_a_counterexample() -> None:
    """The smallest document of the schema that breaks the rule, and how many were tried before."""
    found = counterexample(
        TASK, lambda one: any(type(note["text"]) is int for note in one.get("notes", ())), seconds=20
    )
    assert found.document == {"id": "", "status": found.document["status"], "notes": [{"text": 0}]}
    assert found.tried > 0
    assert found.why == ""


def test_no_counterexample() -> None:
    """A rule that nothing breaks is put to as many tests as were asked for; a bound of time is a bound, too."""
    assert counterexample(TASK, lambda _: False, seconds=60, most=50) == Found(None, 50)
    assert counterexample(TASK, lambda _: False, seconds=0) == Found(None, 1)


def test_only_objects_are_tried() -> None:
    """Values that are no records are passed over, and are nothing to become either."""
    schema = Schema({"type": ["object", "null", "integer"], "minProperties": 1})
    assert counterexample(schema, lambda _: True, seconds=20, names=["x"]).document == {"x": None}
    assert counterexample(Schema({"type": "string"}), lambda _: True, seconds=20, most=30) == Found(None, 0)


def test_names_are_tried() -> None:
    """Fields that the schema does not know may have the names that are given."""
    found = counterexample(Schema({"type": "object"}), lambda one: "status" in one, names=["status"], seconds=20)
    assert found.document == {"status": None}


def test_no_documents() -> None:
    """Where no document can be made the reason is told."""
    schema = Schema({"type": "object", "required": ["a"], "properties": {"a": False}})
    why = "a schema that nothing fits was found, one that documents fit was expected"
    assert counterexample(schema, lambda _: True, seconds=20) == Found(None, 0, why)
