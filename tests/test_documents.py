"""Documents from schemas: all are valid, each bound and each branch is reached, and they shrink to the simplest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from migrate_spec.codec import encode
from migrate_spec.document import equal
from migrate_spec.documents import _made, documents, sampled
from migrate_spec.documents.building import freely, unit_of
from migrate_spec.documents.patterns import samples
from migrate_spec.documents.units import Stuck, Unit
from migrate_spec.schema import Schema
from tests.conftest import SCHEMAS
from tests.test_laws import LAW, OFTEN, SELDOM

Content = Any
Wish = Any
"""A document that must come up, or what must be true of one that does."""

MANY = 3000
FORMATS = FormatChecker(set(Draft202012Validator.FORMAT_CHECKER.checkers) - {"regex"})  # it means Python's

# ------------------------------------------------------------------------------- every keyword, on both sides

INTEGER, TEXT = {"type": "integer"}, {"type": "string"}
MAP = {"type": "object", "additionalProperties": INTEGER}
CLOSED = {"type": "object", "additionalProperties": False}
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "value": INTEGER}, "required": ["value"]}
LINK = {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/link"}]}
KINDS = [
    {"properties": {"kind": {"const": "card"}, "number": TEXT}, "required": ["kind", "number"]},
    {"properties": {"kind": {"const": "cash"}}, "required": ["kind"]},
]


def has(*names: str) -> Callable[[Any], bool]:
    """Whether an object has these fields and no others."""
    return lambda document: type(document) is dict and set(document) == set(names)


def size(count: int) -> Callable[[Any], bool]:
    """Whether a list, an object or a text has so many parts."""
    return lambda document: type(document) in {list, dict, str} and len(document) == count


def of(kind: type) -> Callable[[Any], bool]:
    """Whether a document is of a type."""
    return lambda document: type(document) is kind


FORMATTED: dict[str, list[Wish]] = {
    "date-time": ["2024-01-01T00:00:00Z", "1998-12-31T23:59:60Z", "2024-01-01T05:30:00+05:30", size(30)],
    "date": ["2024-01-01", "2024-02-29", "9999-12-31"],
    "time": ["00:00:00Z", "23:59:60Z"],
    "duration": ["PT0S", "P1W"],
    "uri": ["a:", "https://example.com"],
    "uri-reference": ["", "/a/b?c#d"],
    "iri": ["https://bücher.example/ü"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "123e4567-e89b-12d3-a456-426614174000"],
    "email": ["a@b.c", "a.b+c@example.com"],
    "ipv4": ["127.0.0.1", "255.255.255.255"],
    "ipv6": ["::", "1:2:3:4:5:6:7:8"],
    "hostname": ["a", "example.com", size(63)],
    "json-pointer": ["", "/a/0"],
    "regex": ["", "[a-z]{2,3}"],
    "a-format-of-theirs": ["", "a"],
}

REACHED: dict[str, tuple[Content, list[Wish]]] = {
    "true": (True, [None, False, True, 0, 0.5, "", [], {}, size(3)]),
    "an empty schema": ({}, [None, of(bool), of(int), of(float), of(str), of(list), of(dict)]),
    "a type": (TEXT, ["", " ", "a", "null", lambda text: not text.isascii(), lambda text: len(text) > 50]),
    "types": ({"type": ["integer", "null"]}, [None, 0, 1, -1, 2**63, -(2**63) - 1, 10**20, 1.0, 0.0, -0.0]),
    "a number": ({"type": "number"}, [0, 0.5, -0.5, 1e300, 2**53 + 1, lambda number: number % 1]),
    "a boolean": ({"type": "boolean"}, [False, True]),
    "null": ({"type": "null"}, [None]),
    "enum": ({"enum": ["b", "a", None, 1, [1], {"a": {}}]}, ["b", "a", None, 1, 1.0, [1], {"a": {}}]),
    "enum and a type": ({"enum": [1, "a", 2.5], "type": "number"}, [1, 2.5]),
    "const": ({"const": {"a": [1]}}, [{"a": [1]}]),
    "minimum": ({**INTEGER, "minimum": 3}, [3, 4, 3.0, 2**63, lambda number: number > 10**19]),
    "maximum": ({**INTEGER, "maximum": -3}, [-3, -4, -3.0, lambda number: number < -(10**9)]),
    "both bounds": ({**INTEGER, "minimum": -2, "maximum": 2}, [-2, -1, 0, 1, 2, 2.0]),
    "bounds far away": ({**INTEGER, "minimum": 10**18, "maximum": 10**18 + 7}, [10**18, 10**18 + 1, 10**18 + 7]),
    "bounds of a number": (
        {"type": "number", "minimum": 0.5, "maximum": 2},
        [0.5, 1, 2, 2.0, 1.0, 1.25, lambda number: 0.5 < number < 1, lambda number: 1 < number < 2],
    ),
    "exclusive bounds": (
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        [0.5, 5e-324, 0.9999999999999999],
    ),
    "exclusive bounds of integers": ({**INTEGER, "exclusiveMinimum": 0, "exclusiveMaximum": 3}, [1, 2, 1.0]),
    "multipleOf": ({**INTEGER, "multipleOf": 7, "minimum": 1, "maximum": 30}, [7, 14, 21, 28, 28.0]),
    "multipleOf a fraction": ({"type": "number", "multipleOf": 0.25, "minimum": -1}, [-1, -0.75, 0, 0.25, 1.5]),
    "several multipleOf": ({**INTEGER, "allOf": [{"multipleOf": 4}, {"multipleOf": 6}]}, [0, 12, -12, 24]),
    "no multiple": ({**INTEGER, "not": {"multipleOf": 2}, "minimum": 0, "maximum": 4}, [1, 3]),
    "minLength": ({**TEXT, "minLength": 3}, [size(3), size(4), "aaa", lambda text: not text.isascii()]),
    "maxLength": ({**TEXT, "maxLength": 2}, ["", size(1), size(2), "😀😀"]),
    "both lengths": ({**TEXT, "minLength": 4, "maxLength": 6}, [size(4), size(5), size(6)]),
    "a long text": ({**TEXT, "minLength": 900, "maxLength": 901}, [size(900), size(901)]),
    "pattern": ({**TEXT, "pattern": r"^[a-c]{2,3}-\d+$"}, [size(4), lambda text: text.index("-") == 3, "aa-0"]),
    "pattern and lengths": (
        {**TEXT, "pattern": "^[a-z]+$", "minLength": 5, "maxLength": 9},
        [size(5), size(9), "aaaaa"],
    ),
    "two patterns": ({**TEXT, "allOf": [{"pattern": "^a"}, {"pattern": "b$"}], "minLength": 3}, ["aab", size(4)]),
    "no pattern": ({**TEXT, "not": {"pattern": "^a"}}, ["", "A", " a "]),
    "an open pattern": ({**TEXT, "pattern": "b", "minLength": 3}, [size(3), size(4)]),
    **{f"format {name}": ({**TEXT, "format": name}, wishes) for name, wishes in FORMATTED.items()},
    "a format or null": ({"type": ["string", "null"], "format": "date"}, [None, "2024-01-01"]),
    "a format and a pattern": ({**TEXT, "format": "date-time", "pattern": r"\+"}, ["2024-01-01T00:00:00+00:00"]),
    "properties": (
        {"type": "object", "properties": {"a": INTEGER, "b": TEXT}},
        [has(), has("a"), has("b"), has("a", "b"), lambda document: set(document) - {"a", "b"}],
    ),
    "required": (
        {**CLOSED, "properties": {"a": INTEGER, "b": TEXT, "c": {}}, "required": ["b"]},
        [has("b"), has("a", "b"), has("b", "c"), has("a", "b", "c")],
    ),
    "required without properties": (
        {"type": "object", "required": ["a"]},
        [has("a"), lambda document: len(document) > 1, {"a": None}, {"a": {}}],
    ),
    "additionalProperties false": ({**CLOSED, "properties": {"a": INTEGER}}, [has(), has("a"), {"a": 0}]),
    "additionalProperties": (MAP, [{}, size(1), size(3), has(""), has("a.b")]),
    "additionalProperties beside": (
        {**MAP, "properties": {"a": TEXT}},
        [has("a"), lambda document: "a" in document and len(document) > 1],
    ),
    "patternProperties": (
        {**CLOSED, "patternProperties": {"^x_": INTEGER, "_t$": TEXT}},
        [
            {},
            lambda document: any(name.startswith("x_") for name in document),
            lambda document: any(name.endswith("_t") for name in document),
            size(2),
        ],
    ),
    "patternProperties that meet": (
        {**CLOSED, "patternProperties": {"^a": {"minimum": 3}, "b$": {**INTEGER, "maximum": 3}}, "minProperties": 1},
        [lambda document: any(name.startswith("a") for name in document)],
    ),
    "patternProperties and properties": (
        {**CLOSED, "properties": {"ab": {"minimum": 3}}, "patternProperties": {"^a": {**INTEGER, "maximum": 3}}},
        [{"ab": 3}],
    ),
    "propertyNames": ({"type": "object", "propertyNames": {"pattern": "^[a-c]$"}}, [{}, has("a"), has("a", "b", "c")]),
    "propertyNames of a list": (
        {**MAP, "propertyNames": {"enum": ["p", "q"]}},
        [{}, has("p"), has("q"), has("p", "q")],
    ),
    "minProperties": ({"type": "object", "minProperties": 2}, [size(2), size(3)]),
    "minProperties of many": ({**MAP, "minProperties": 20}, [size(20)]),
    "maxProperties": ({"type": "object", "maxProperties": 2}, [{}, size(1), size(2)]),
    "maxProperties of many": ({"type": "object", "maxProperties": 9}, [{}, size(5), size(9)]),
    "both numbers of properties": (
        {**CLOSED, "properties": dict.fromkeys("abcd", INTEGER), "minProperties": 2, "maxProperties": 3},
        [has("a", "b"), has("c", "d"), has("a", "b", "c"), has("b", "c", "d")],
    ),
    "items": ({"type": "array", "items": INTEGER}, [[], [0], [1], size(2), size(3), size(5), lambda items: 5 in items]),
    "items false": ({"type": "array", "items": False}, [[]]),
    "a list of anything": ({"type": "array"}, [[], [None], [{}], [[]], size(3)]),
    "prefixItems": (
        {"type": "array", "prefixItems": [INTEGER, TEXT], "items": {"type": "null"}},
        [[], [0], [0, ""], [0, "", None], size(4)],
    ),
    "a tuple": ({"type": "array", "prefixItems": [INTEGER, TEXT], "items": False, "minItems": 2}, [[0, ""], [1, "a"]]),
    "minItems": ({"type": "array", "items": INTEGER, "minItems": 2}, [[0, 0], size(2), size(3)]),
    "maxItems": ({"type": "array", "items": INTEGER, "maxItems": 2}, [[], size(1), size(2)]),
    "maxItems of many": ({"type": "array", "items": INTEGER, "maxItems": 100}, [[], size(99), size(100)]),
    "minItems of many": ({"type": "array", "items": INTEGER, "minItems": 50, "maxItems": 51}, [size(50), size(51)]),
    "uniqueItems": ({"type": "array", "items": INTEGER, "uniqueItems": True}, [[], size(3), size(5)]),
    "uniqueItems of few": (
        {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
        [[1, 2, 3], [3, 2, 1], [3.0, 1, 2]],
    ),
    "uniqueItems of objects": (
        {
            "type": "array",
            "uniqueItems": True,
            "minItems": 4,
            "items": {**CLOSED, "properties": {"a": {"enum": [1, 2]}, "b": {"enum": [1, 2]}}, "required": ["a", "b"]},
        },
        [size(4)],
    ),
    "items twice": ({"type": "array", "not": {"uniqueItems": True}}, [[None, None], size(3)]),
    "contains": (
        {"type": "array", "contains": {"const": "x"}},
        [["x"], ["x", "x"], lambda items: items.count("x") == 1],
    ),
    "minContains": (
        {"type": "array", "items": INTEGER, "contains": {"minimum": 5}, "minContains": 2, "maxContains": 3},
        [[5, 5], lambda items: sum(item >= 5 for item in items) == 3, lambda items: min(items) < 5],
    ),
    "minContains 0": ({"type": "array", "contains": INTEGER, "minContains": 0, "maxContains": 1}, [[], [0], [None]]),
    "contains twice": (
        {"type": "array", "allOf": [{"contains": INTEGER}, {"contains": TEXT, "maxContains": 1}]},
        [[0, ""], size(3)],
    ),
    "contains behind prefixItems": (
        {"type": "array", "prefixItems": [TEXT], "contains": INTEGER, "minItems": 1},
        [["", 0], size(3)],
    ),
    "contains in prefixItems": (
        {"type": "array", "prefixItems": [{}, {}], "items": False, "contains": INTEGER},
        [[0], size(2)],
    ),
    "contains all": ({"type": "array", "not": {"contains": INTEGER}, "minItems": 1}, [[None], [""]]),
    "unevaluatedProperties": (
        {"allOf": [{"properties": {"a": INTEGER}}], "type": "object", "unevaluatedProperties": False},
        [{}, {"a": 0}],
    ),
    "unevaluatedProperties of branches": (
        {
            "type": "object",
            "anyOf": [
                {"properties": {"a": INTEGER}, "required": ["a"]},
                {"properties": {"b": TEXT}, "required": ["b"]},
            ],
            "unevaluatedProperties": {"type": "null"},
        },
        [has("a"), has("b"), {"a": 0, "b": ""}, {"a": None, "b": ""}, lambda document: set(document) - {"a", "b"}],
    ),
    "unevaluatedItems": (
        {"type": "array", "allOf": [{"prefixItems": [INTEGER]}], "unevaluatedItems": TEXT},
        [[], [0], [0, ""], size(3)],
    ),
    "unevaluatedItems that the normal form does not know": (
        {
            "type": "array",
            "prefixItems": [INTEGER],
            "unevaluatedItems": False,
            "anyOf": [{"prefixItems": [{}, TEXT]}, {"contains": {"const": 1}}],
        },
        [[], [0], [1], [0, ""]],
    ),
    "dependentRequired": (
        {**CLOSED, "properties": dict.fromkeys("abc", INTEGER), "dependentRequired": {"a": ["b"]}},
        [has(), has("b"), has("a", "b"), has("a", "b", "c"), has("c")],
    ),
    "dependentSchemas": (
        {"type": "object", "dependentSchemas": {"a": {"properties": {"b": TEXT}, "required": ["b"]}}},
        [has(), has("a", "b"), lambda document: type(document.get("b", "")) is not str],
    ),
    "anyOf": ({"anyOf": [INTEGER, {"type": "null"}, {**TEXT, "maxLength": 1}]}, [0, None, "", "a"]),
    "anyOf whose bounds the normal form loses": (
        {**INTEGER, "anyOf": [{"maximum": 1234}, {"minimum": 777}]},
        [777, 776, 1234, 1235],
    ),
    "anyOf of objects": (
        {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        [has("a"), has("b"), has("a", "b")],
    ),
    "oneOf": ({"oneOf": [{**INTEGER, "maximum": 4}, {**INTEGER, "minimum": 3}]}, [0, 2, 5, 6]),
    "oneOf of objects": (
        {**CLOSED, "properties": {"a": {}, "b": {}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        [has("a"), has("b")],
    ),
    "oneOf by a kind": (
        {"type": "object", "oneOf": KINDS},
        [{"kind": "card", "number": ""}, {"kind": "cash"}, lambda document: len(document) > 2],
    ),
    "oneOf a hundred": (
        {
            "oneOf": [
                {"properties": {"kind": {"const": f"k{n}"}, "n": INTEGER}, "required": ["kind"]} for n in range(100)
            ]
        },
        [lambda document, n=n: type(document) is dict and document.get("kind") == f"k{n}" for n in range(100)],
    ),
    "allOf": ({"allOf": [{**INTEGER, "minimum": 2}, {"maximum": 4}]}, [2, 3, 4]),
    "not": ({"not": INTEGER}, [None, "", 0.5, [], {}]),
    "not required": ({"type": "object", "not": {"required": ["a"]}}, [{}, size(1)]),
    "not additionalProperties": (
        {**MAP, "not": {"additionalProperties": {"minimum": 3}}},
        [size(1), lambda document: max(document.values()) > 3],
    ),
    "not propertyNames": ({**MAP, "not": {"propertyNames": {"minLength": 2}}}, [has("x"), size(2)]),
    "not patternProperties": (
        {"type": "object", "not": {"patternProperties": {"^a": INTEGER}}},
        [{"a": None}, lambda document: len(document) > 1],
    ),
    "if then else": (
        {
            **CLOSED,
            "properties": {"kind": {"enum": ["a", "b"]}, "x": INTEGER, "y": TEXT},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "a"}}},
            "then": {"required": ["x"]},
            "else": {"required": ["y"]},
        },
        [{"kind": "a", "x": 0}, {"kind": "b", "y": ""}, lambda document: len(document) == 3],
    ),
    "thirty ifs": (
        {
            "type": "object",
            "properties": {"kind": {"enum": [f"k{n}" for n in range(30)]}},
            "required": ["kind"],
            "allOf": [
                {"if": {"properties": {"kind": {"const": f"k{n}"}}}, "then": {"required": [f"f{n}"]}} for n in range(30)
            ],
        },
        [lambda document, n=n: document["kind"] == f"k{n}" for n in range(30)],
    ),
    "thirty dependentRequired": (
        {"type": "object", "dependentRequired": {f"a{n}": [f"b{n}"] for n in range(30)}},
        [{}, *(lambda document, n=n: f"a{n}" in document for n in range(30))],
    ),
    "twenty choices beside each other": (
        {"type": "object", "allOf": [{"oneOf": [{"required": [f"{c}{n}"]} for c in "ab"]} for n in range(20)]},
        [lambda document, name=f"{c}{n}": name in document for n in range(20) for c in "ab"],
    ),
    "$ref": ({"$ref": "#/$defs/a", "$defs": {"a": {**INTEGER, "minimum": 3}}}, [3, 4]),
    "$ref and more": ({"$ref": "#/$defs/a", "maximum": 4, "$defs": {"a": {**INTEGER, "minimum": 3}}}, [3, 4]),
    "$anchor": ({"$ref": "#here", "$defs": {"a": {"$anchor": "here", **TEXT}}}, [""]),
    "$ref to the whole": (
        {**CLOSED, "properties": {"a": {"$ref": "#"}}},
        [{}, {"a": {}}, {"a": {"a": {}}}],
    ),
    "$ref that goes on": (
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        [{"value": 0}, lambda node: "next" in node.get("next", ())],
    ),
    "$ref that must go on": (
        {"$ref": "#/$defs/link", "$defs": {"link": {**CLOSED, "properties": {"to": LINK}, "required": ["to"]}}},
        [{"to": None}, {"to": {"to": None}}, {"to": {"to": {"to": None}}}],
    ),
    "$ref in a list of lists": (
        {"type": "array", "items": {"$ref": "#"}, "maxItems": 3},
        [[], [[]], [[[]]], [[], [[]]]],
    ),
    "$ref that meets another": (
        {
            "$ref": "#/$defs/node",
            "required": ["next"],
            "properties": {"next": {"required": ["next"]}},
            "$defs": {"node": NODE},
        },
        [{"next": {"next": {"value": 0}, "value": 0}, "value": 0}],
    ),
    "oneOf with a $ref": (
        {"oneOf": [{"$ref": "#/$defs/node"}, {"type": "object", "required": ["z"]}], "$defs": {"node": NODE}},
        [{"value": 0}, {"z": None}],
    ),
    "not a $ref": ({"not": {"$ref": "#/$defs/node"}, "$defs": {"node": NODE}}, [None, {}, {"value": None}]),
    "$dynamicRef": (
        {"$dynamicAnchor": "a", **CLOSED, "properties": {"a": {"type": "array", "items": {"$dynamicRef": "#a"}}}},
        [{}, {"a": []}, {"a": [{}]}],
    ),
    "unevaluatedProperties and a condition that the normal form does not know": (
        {
            "if": {"minItems": 1, "patternProperties": {"^[a-c]{1,3}$": {"type": "boolean"}, "b$": True}},
            "else": {"const": 1},
            "unevaluatedProperties": {"type": "array"},
        },
        [{}, 0, "", lambda it: type(it) is dict and any(name.endswith("b") for name in it)],
    ),
    "dependentRequired of itself": (
        {**CLOSED, "properties": {"a": INTEGER}, "dependentRequired": {"a": ["a"]}},
        [{}, {"a": 0}],
    ),
    "keywords that say nothing of validity": (
        {
            "title": "T",
            "description": "d",
            "default": "x",
            "examples": [7],
            "$comment": "c",
            "contentEncoding": "base64",
        },
        [None, "x", 7],
    ),
    "a property called like a keyword": (
        {**CLOSED, "properties": {"properties": INTEGER, "enum": TEXT, "if": {"type": "null"}}},
        [has("properties"), has("enum", "if"), has("properties", "enum", "if")],
    ),
}


@cache
def _sampled(text: str, names: tuple[str, ...] = (), count: int = MANY) -> list[Any]:
    return list(islice(sampled(Schema(json.loads(text)), names), count))


def made(content: Content, names: Sequence[str] = (), count: int = MANY) -> list[Any]:
    """The first documents of a schema."""
    return _sampled(json.dumps(content), tuple(names), count)


def holds(wish: Wish, document: Any) -> bool:
    """Whether a document is what was wished for."""
    return bool(wish(document)) if callable(wish) else equal(wish, document)


@pytest.mark.parametrize(("content", "wishes"), REACHED.values(), ids=REACHED)
def test_what_comes_up(content: Content, wishes: list[Wish]) -> None:
    """Of every keyword both sides come up, and each branch."""
    found = made(content)
    assert [place for place, wish in enumerate(wishes) if not any(holds(wish, document) for document in found)] == []


@pytest.mark.parametrize("content", [content for content, _ in REACHED.values()], ids=REACHED)
def test_all_are_valid(content: Content) -> None:
    """Every document is valid, as two libraries see it."""
    judge, other = Schema(content), Draft202012Validator(content, format_checker=FORMATS)
    for document in made(content, count=300):
        assert judge.is_valid(document)
        assert other.is_valid(document), document


@pytest.mark.parametrize("content", [content for content, _ in REACHED.values()], ids=REACHED)
def test_none_is_refused_at_the_end(content: Content) -> None:
    """What is made is valid at once: nothing is thrown away; nor is anything checked that the normal form can say."""
    schema = Schema(content)
    assert _refused(schema, unit_of(schema), 300) == 0
    unit, left_out = freely(schema)
    assert left_out or _refused(schema, unit, 300) == 0


@pytest.mark.parametrize("content", [content for content, _ in REACHED.values()], ids=REACHED)
def test_zeros_are_the_simplest(content: Content) -> None:
    """The simplest document of all comes of zeros, and is valid."""
    unit = unit_of(Schema(content))
    document = _made(unit, bytes)
    assert equal(document, unit.least)
    assert Schema(content).is_valid(document)


def _refused(schema: Schema, unit: Unit, count: int) -> int:
    """How many of so many documents are not valid."""
    random, refused = Random(5), 0  # noqa: S311 - it chooses documents
    for _ in range(count):
        try:
            refused += not schema.is_valid(_made(unit, random.randbytes))
        except Stuck:
            refused += 1
    return refused


# ------------------------------------------------------------------------------------------------- unknown fields


def test_names_of_a_newer_version() -> None:
    """Names that are given come up wherever a schema is open, also deep inside and several at once."""
    content = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object"}}}}
    found = made(content, ("new", "newer", "newest"))
    inside = [item for document in found for item in document.get("a", ())]
    for name in ("new", "newer", "newest"):
        assert sum(name in document for document in found) > MANY // 8
        assert any(name in item for item in inside)
    assert any({"new", "newer", "newest"} <= set(document) for document in found)


def test_names_that_the_schema_forbids() -> None:
    """Names that are given do not come up where a schema is closed, or says what they may be."""
    closed = {**CLOSED, "properties": {"a": INTEGER}}
    assert {name for document in made(closed, ("a", "new")) for name in document} == {"a"}
    short = {**MAP, "propertyNames": {"maxLength": 3}}
    names = {name for document in made(short, ("new", "newer")) for name in document}
    assert "new" in names
    assert max(map(len, names)) == 3


def test_the_order_of_fields() -> None:
    """Fields stand in the order of the schema, unknown ones behind."""
    content = {"type": "object", "properties": {"z": {}, "a": {}, "m": {}}, "required": ["m"]}
    for document in made(content):
        known = [name for name in document if name in {"z", "a", "m"}]
        assert known == sorted(known, key=["z", "a", "m"].index)
        assert list(document)[: len(known)] == known


# ------------------------------------------------------------------------------------------------- shrinking

FIND = settings(LAW, max_examples=5000)
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            **CLOSED,
            "properties": {"v": INTEGER, "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["v"],
        }
    },
}


def depth(node: Any) -> int:
    """How many levels a tree has."""
    return 1 + max(map(depth, node.get("kids", ())), default=0)


SHRUNK: dict[str, tuple[Content, Callable[[Any], object], Any]] = {
    "anything": (True, lambda _: True, None),
    "anything but null": (True, lambda document: document is not None, False),
    "a field": ({"type": "object", "properties": {"a": INTEGER, "b": TEXT}}, lambda it: "b" in it, {"b": ""}),
    "a needed field besides": (
        {"type": "object", "properties": {"a": INTEGER, "b": TEXT}, "required": ["b"]},
        lambda it: it.get("a", 0) > 100,
        {"a": 101, "b": ""},
    ),
    "a greater number": (INTEGER, lambda it: it > 300, 301),
    "a number below a power of two": (INTEGER, lambda it: it > 250, 251),
    "a negative number": (INTEGER, lambda it: it < -20, -21),
    "a number in bounds": ({**INTEGER, "minimum": 50}, lambda it: it > 60, 61),
    "a fraction": ({"type": "number"}, lambda it: it % 1, 0.5),
    "a text": (TEXT, len, "a"),
    "a longer text": (TEXT, lambda it: len(it) > 3, "aaaa"),
    "a text with a blank": (TEXT, str.isspace, "\t"),
    "a long enough text": ({**TEXT, "minLength": 2}, lambda _: True, "aa"),
    "a text outside ASCII": (TEXT, lambda it: not it.isascii(), "\x80"),
    "a later value": ({"enum": ["a", "b", "c", "d"]}, lambda it: it > "b", "c"),
    "a moment": ({**TEXT, "format": "date-time"}, lambda it: it > "2024-01-01T01", "2024-01-01T01:00:00Z"),
    "an item": ({"type": "array", "items": INTEGER}, lambda it: 5 in it, [5]),
    "items": ({"type": "array", "items": INTEGER}, lambda it: len(it) >= 5, [0] * 5),
    "unlike items": ({"type": "array", "items": INTEGER, "uniqueItems": True}, lambda it: len(it) > 2, [0, 1, 2]),
    "an item in an item": (
        {"type": "array", "items": {"type": "array", "items": TEXT}},
        lambda it: any(len(item) > 1 for item in it),
        [["", ""]],
    ),
    "an unknown field": (MAP, bool, {"x": 0}),
    "two unknown fields": ({"type": "object"}, lambda it: len(it) > 1, {"x": None, "": None}),
    "a branch": ({"type": "object", "oneOf": KINDS}, lambda it: "number" in it, {"kind": "card", "number": ""}),
    "a tree": (TREE, lambda it: depth(it) > 2, {"v": 0, "kids": [{"v": 0, "kids": [{"v": 0}]}]}),
    "a tree of two": (TREE, lambda it: len(it.get("kids", ())) > 1, {"v": 0, "kids": [{"v": 0}, {"v": 0}]}),
    "a leaf of a tree": (
        TREE,
        lambda it: any(kid["v"] > 6 for kid in it.get("kids", ())),
        {"v": 0, "kids": [{"v": 7}]},
    ),
}


@pytest.mark.parametrize(("content", "wish", "expected"), SHRUNK.values(), ids=SHRUNK)
def test_it_shrinks(content: Content, wish: Callable[[Any], object], expected: Any) -> None:
    """The document that Hypothesis ends with is the simplest of all."""
    found = find(documents(Schema(content)), lambda document: bool(wish(document)), settings=FIND)
    assert equal(found, expected), found


def test_a_task_shrinks() -> None:
    """A document of a schema that ships has the simplest value in every field that does not matter."""
    moment = "2024-01-01T00:00:00Z"
    simplest: dict[str, Any] = {"id": "", "title": "", "description": None, "status": "pending", "priority": "low"}
    simplest |= dict.fromkeys(["spec_ref", "session_id", "active_session_id"])
    simplest |= {"created_at": moment, "updated_at": moment, "started_at": None, "last_activity": moment}
    simplest |= {"timeout_hours": None, "completed_at": None, "history": [], "tags": [], "estimated_hours": None}
    simplest |= {"actual_hours": None, "depends_on": [], "related_tasks": [], "commit_hash": None, "episode_id": None}
    wishes: list[tuple[Callable[[Any], object], dict[str, Any]]] = [
        (lambda _: True, {}),
        (lambda it: it["spec_ref"], {"spec_ref": {"spec_name": "", "section": ""}}),
        (
            lambda it: it["status"] == "done" and any("note" in entry for entry in it["history"]),
            {"status": "done", "history": [{"timestamp": moment, "to": "pending", "note": None}]},
        ),
        (lambda it: "new" in it and it.get("schema_version", 1) > 1, {"schema_version": 2, "new": None}),
    ]
    strategy = documents(_shipped("task/v2"), ("new",))
    for wish, changed in wishes:
        found = find(strategy, lambda document, wish=wish: bool(wish(document)), settings=FIND)  # type: ignore[misc]
        assert equal(found, simplest | changed), found


# --------------------------------------------------------------------------------------------------- recursion


def test_recursion_ends() -> None:
    """However a schema goes on, its documents are small, and some of them go deep."""
    wide = {"$ref": "#/$defs/n", "$defs": {"n": {**MAP, "additionalProperties": {"$ref": "#/$defs/n"}}}}
    needed = {"type": "array", "minItems": 2, "items": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}
    for content in (TREE, wide, needed):
        sizes = [len(encode(document)) for document in made(content)]
        assert max(sizes) < 5000
        assert max(sizes) > 100
    assert max(map(depth, made(TREE))) > 5


# ------------------------------------------------------------------------------------------- what cannot be made

NOTHING = "a schema that nothing fits was found, one that documents fit was expected"
UNMADE = "one that a value could be made for was expected"

NO_SCHEMA = "a JSON Schema was expected"

REFUSED: dict[str, tuple[Content, str]] = {
    "no schema": (
        {"type": "strin"},
        f"\"strin\" is not valid under any of the schemas listed in the 'anyOf' keyword, {NO_SCHEMA}",
    ),
    "a reference to nothing": ({"$ref": "#/$defs/a"}, f"Pointer '/$defs/a' does not exist, {NO_SCHEMA}"),
    "nine hundred levels": (
        json.loads('{"items":' * 900 + "true" + "}" * 900),
        f"Recursion limit reached, {NO_SCHEMA}",
    ),
    "what is never what it is": (
        {"not": {"$ref": "#/$defs/p"}, "$defs": {"p": {"not": {"$ref": "#/$defs/p"}}}},
        "a schema nested too deep was found, fewer levels were expected",
    ),
    "false": (False, NOTHING),
    "two types": ({"allOf": [INTEGER, TEXT]}, NOTHING),
    "bounds that cross": ({**INTEGER, "minimum": 3, "maximum": 2}, NOTHING),
    "no integer between": ({**INTEGER, "exclusiveMinimum": 1, "exclusiveMaximum": 2}, NOTHING),
    "a needed field that must not be": (
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        NOTHING,
    ),
    "recursion without an end": (
        {
            "$ref": "#/$defs/n",
            "$defs": {"n": {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["a"]}},
        },
        NOTHING,
    ),
    "a list that holds itself": ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, NOTHING),
    "too few different items": (
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3},
        NOTHING,
    ),
    "a pattern too short": (
        {**TEXT, "pattern": "^a{2}$", "minLength": 4},
        f"the keyword 'pattern' was found, {UNMADE}",
    ),
    "a pattern of a script that is seldom": (
        {"type": "object", "properties": {"a": {**TEXT, "pattern": r"^\p{Script=Cham}$"}}},
        "the keyword 'pattern' with '^\\\\p{Script=Cham}$' was found (\\p{Script=Cham} is not known), "
        "one that a text could be made for was expected",
    ),
    "a format inside of another": (
        {**TEXT, "format": "date", "not": {"format": "uri-reference"}},
        f"the keyword 'format' was found, {UNMADE}",
    ),
    "a schema that says of itself that it is wrong": (
        {"not": {"$ref": "#/$defs/p"}, "$defs": {"p": {"not": {"anyOf": [{"$ref": "#/$defs/p"}], "minimum": 5}}}},
        f"the keyword '$ref' was found, {UNMADE}",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("make", [documents, sampled])
def test_what_cannot_be_made(make: Callable[[Schema], object], content: Content, sentence: str) -> None:
    """A schema that nothing fits, or for which no way is known, is told in a sentence, and at once."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole sentence is compared below
        make(Schema(content))
    assert str(error.value) == sentence


# ---------------------------------------------------------------------------------------------------- patterns

PATTERNS = r"""
a  ^$  ^a|b$  (a|b)c  (?:ab){2}  a?b*c+  a{0}  a{2}  a{1,}  a{2,3}?  .  ^.{3}$  ^(a|)$
[abc]  [^abc]  [a-z0-9_]  [a\]]  [-a]  [a-]  [\d-]  [\s\S]  [^\W_]  [☃-★]  [\p{Nd}_]
\d{3}  \D  \w+  \W  \s  \S  \.  \/  \t\n\r\f\v  \x41  \u0041  \u{1F600}  \cJ  \bword\b
\p{L}  \p{Lu}{2}  \P{L}  \p{Script=Greek}+  \p{Uppercase_Letter}  \p{Han}
^(?=.*\d)[a-z\d]{4}$  a(?!b).  (?<!a)b\d(?=c)  (?<year>\d{4})-\d\d  (?i:a)b  (a|b)\1  ((a)|b)\1\2
^[A-Z]{2,5}-\d+$  ^#[0-9a-fA-F]{6}$  ^v?\d+\.\d+\.\d+(-[a-z]+)?$  ^[^@\s]+@[^@\s]+\.[a-z]{2,}$
^task:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$  ^(\+|-)?[1-9]\d*$  ^/([^/]+/)*[^/]*$
""".split()  # noqa: SIM905 - a list would hide them among quotes


@pytest.mark.parametrize("pattern", PATTERNS)
def test_texts_of_a_pattern(pattern: str) -> None:
    """For a pattern there are texts, all of which match it; most of what is tried does."""
    schema = Schema({**TEXT, "pattern": pattern})
    assert all(map(schema.is_valid, made(schema.content, count=100)))
    tried = list(samples(pattern, 0, 60))
    assert sum(map(schema.is_valid, tried)) > 5


def test_a_repetition_reaches_its_bounds() -> None:
    """The fewest and the most repetitions come up, and every branch."""
    found = set(made({**TEXT, "pattern": "^(a{2,5}|b{3}|c+)$"}))
    assert {"aa", "aaaaa", "bbb", "c", "ccc"} <= found


# ------------------------------------------------------------------------------------------ the schemas that ship


def _shipped(name: str) -> Schema:
    return Schema(json.loads((SCHEMAS / f"{name}.json").read_text("utf-8")))


SHIPPED = sorted(str(path.relative_to(SCHEMAS).with_suffix("")) for path in SCHEMAS.glob("*/*.json"))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_schema_that_ships(name: str) -> None:
    """Its documents are valid, none is refused; with needed fields only and with all, and each value of each enum."""
    schema = _shipped(name)
    properties, needed = schema.content["properties"], set(schema.content["required"])
    found = made(schema.content, ("new",))
    other = Draft202012Validator(schema.content, format_checker=FORMATS)
    assert all(map(other.is_valid, found[:200]))
    assert _refused(schema, unit_of(schema), MANY) == 0
    assert any(set(document) == needed for document in found)
    assert any(set(document) == set(properties) for document in found)
    assert any("new" in document for document in found)
    for optional in set(properties) - needed:
        assert any(optional in document for document in found)
        assert any(optional not in document for document in found)
    for values in (part["enum"] for part in _parts(schema.content) if "enum" in part):
        everywhere = {value for document in found for value in _scalars(document)}
        assert set(values) <= everywhere


def _parts(content: Content) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        yield content
    for part in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _parts(part)


def _scalars(document: Any) -> Iterator[Any]:
    if isinstance(document, dict | list):
        for part in document.values() if isinstance(document, dict) else document:
            yield from _scalars(part)
    else:
        yield document


@pytest.mark.parametrize("name", SHIPPED)
def test_a_document_costs_few_draws(name: str) -> None:
    """Hypothesis is asked for two blocks of bytes for a document, or three, not for each of its values."""
    unit, random = unit_of(_shipped(name)), Random(1)  # noqa: S311 - it chooses documents
    sizes: list[int] = []

    def block(size: int) -> bytes:
        sizes.append(size)
        return random.randbytes(size)

    for _ in range(300):
        _made(unit, block)
    assert len(sizes) / 300 < 3
    assert sum(sizes) / 300 < 300


# --------------------------------------------------------------------------------------------------------- laws


def test_nothing_is_shared() -> None:
    """Whoever alters a document alters no other."""
    content = {"enum": [{"a": [1]}, [{}]]}
    for document in islice(sampled(Schema(content)), 100):
        assert document in content["enum"]
        document.clear()
    for schema in (True, {"type": "object"}, {"type": "array"}, TREE):
        before = [encode(document) for document in islice(sampled(Schema(schema)), 300)]
        after = []
        for document in islice(sampled(Schema(schema)), 300):
            after.append(encode(document))
            _spoil(document)
        assert after == before


def _spoil(document: Any) -> None:
    if isinstance(document, dict | list):
        for part in list(document.values()) if isinstance(document, dict) else list(document):
            _spoil(part)
        document.clear()


def test_another_seed() -> None:
    """The same seed gives the same documents, another one others."""
    schema = _shipped("task/v2")
    first, again, other = (list(islice(sampled(schema, seed=seed), 50)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


@given(st.data())
@SELDOM
def test_documents_within_a_test(data: st.DataObject) -> None:
    """A strategy of documents can be made and drawn from where Hypothesis is at work already."""
    name = data.draw(st.sampled_from(SHIPPED))
    schema = _shipped(name)
    assert schema.is_valid(data.draw(documents(schema)))


NAMES = st.sampled_from(["a", "b", "c", "kind"])
KINDS_OF = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
VALUES = st.sampled_from([None, True, 0, 1, -3, 1.5, "", "a", "xyz", [], [1], {"a": 1}])
BOUNDS = st.sampled_from([0, 1, 2, 3, 5, -2, 0.5, 10])
COUNTS = st.integers(0, 4)
REGEXES = st.sampled_from(["^a", "b$", "^[a-c]{1,3}$", "\\d", "^x", "^\\p{Lu}", "a|b"])


def _extended(inner: st.SearchStrategy[Content]) -> st.SearchStrategy[Content]:
    several = st.lists(inner, min_size=1, max_size=3)
    fields = st.dictionaries(NAMES, inner, max_size=3)
    names = st.lists(NAMES, max_size=2, unique=True)
    keywords: dict[str, st.SearchStrategy[Any]] = {
        "type": KINDS_OF | st.lists(KINDS_OF, min_size=1, max_size=3, unique=True),
        "const": VALUES,
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "multipleOf": st.sampled_from([1, 2, 3, 0.5, 0.25]),
        "pattern": REGEXES,
        "format": st.sampled_from(["date-time", "date", "uuid", "email", "ipv4", "uri", "hostname"]),
        "required": names,
        "patternProperties": st.dictionaries(REGEXES, inner, max_size=2),
        "dependentRequired": st.dictionaries(NAMES, names, max_size=2),
        "uniqueItems": st.booleans(),
        "$ref": st.sampled_from(["#/$defs/p", "#/$defs/q", "#"]),
        **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], BOUNDS),
        **dict.fromkeys(["minLength", "maxLength", "minProperties", "maxProperties"], COUNTS),
        **dict.fromkeys(["minItems", "maxItems", "minContains", "maxContains"], COUNTS),
        **dict.fromkeys(["properties", "dependentSchemas"], fields),
        **dict.fromkeys(["prefixItems", "anyOf", "oneOf", "allOf"], several),
        **dict.fromkeys(["additionalProperties", "propertyNames", "unevaluatedProperties", "items", "contains"], inner),
        **dict.fromkeys(["unevaluatedItems", "not", "if", "then", "else"], inner),
    }
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=5, unique=True)
    return chosen.flatmap(lambda words: st.fixed_dictionaries({word: keywords[word] for word in words}))


ONE = st.recursive(
    st.booleans() | st.builds(lambda kind: {"type": kind}, KINDS_OF) | _extended(st.just(value=True)),
    _extended,
    max_leaves=8,
)
SCHEMAS_OF_ALL_KINDS = st.builds(lambda one, p, q: {"allOf": [one], "$defs": {"p": p, "q": q}}, ONE, ONE, ONE)


@given(SCHEMAS_OF_ALL_KINDS)
@OFTEN
def test_any_schema(content: Content) -> None:
    """For any schema, documents are made that are valid, hardly any of them in vain, or it is told why not."""
    schema = Schema(content)
    try:
        refused, why = _refused(schema, unit_of(schema), 20), ""
    except ValueError as error:
        refused, why = 0, str(error)
    assert refused <= 2
    assert why.endswith(" expected") if why else all(map(schema.is_valid, islice(sampled(schema, ("new",)), 20)))


@given(SCHEMAS_OF_ALL_KINDS, st.data())
@OFTEN
def test_a_document_is_not_missed(content: Content, data: st.DataObject) -> None:
    """Where one of a few values fits a schema, it is not said that nothing does."""
    schema = Schema(content)
    fitting = [value for value in ([], {}, None, False, 0, "", "a", [0], {"a": 0}) if schema.is_valid(value)]
    try:
        strategy, why = documents(schema), ""
    except ValueError as error:
        strategy, why = st.nothing(), str(error)
    assert why != NOTHING or not fitting
    assert why or schema.is_valid(data.draw(strategy))
