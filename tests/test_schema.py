"""JSON Schema: what fits, the words where something does not, and what is no schema."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.schema import DIALECT, Schema, did_you_mean, load_schema

WORDS: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "integer"}, "5", 'a text "5" was found, an integer was expected'),
    ({"type": "integer"}, 5.5, "a number 5.5 was found, an integer was expected"),
    ({"type": ["string", "null"]}, 5, "an integer 5 was found, a text or null was expected"),
    ({"type": "object"}, None, "null was found, an object was expected"),
    ({"type": "array"}, {}, "an object was found, a list was expected"),
    ({"type": "boolean"}, 0, "an integer 0 was found, true or false was expected"),
    ({"type": "number"}, True, "a boolean true was found, a number was expected"),
    ({"required": ["a"]}, {}, "no 'a' was found, it is required"),
    ({"required": ["a", "b"]}, {"a": 1}, "no 'b' was found, it is required"),
    (
        {"enum": ["open", "done"]},
        "opn",
        'a text "opn" was found, one of "open", "done" was expected; did you mean \'open\'?',
    ),
    ({"enum": [1, None]}, "x", 'a text "x" was found, one of 1, null was expected'),
    ({"const": [1]}, 1, "an integer 1 was found, [1] was expected"),
    (
        {"properties": {"title": {}, "n": {}}, "additionalProperties": False},
        {"titel": 1},
        "the unknown key 'titel' was found, one of n, title was expected; did you mean 'title'?",
    ),
    (
        {"properties": {"n": {}}, "additionalProperties": False},
        {"x": 1},
        "the unknown key 'x' was found, only n was expected",
    ),
    ({"additionalProperties": False}, {"x": 1}, "the unknown key 'x' was found, no keys were expected"),
    ({"minimum": 0}, -1, "an integer -1 was found, at least 0 was expected"),
    ({"maximum": 4}, 5.5, "a number 5.5 was found, at most 4 was expected"),
    ({"exclusiveMinimum": 0}, 0, "an integer 0 was found, more than 0 was expected"),
    ({"exclusiveMaximum": 0}, 0, "an integer 0 was found, less than 0 was expected"),
    ({"minLength": 1}, "", 'a text "" was found, a text that is not empty was expected'),
    ({"minLength": 3}, "ab", 'a text "ab" was found, at least 3 characters were expected'),
    ({"maxLength": 1}, "ab", 'a text "ab" was found, at most 1 characters were expected'),
    ({"minItems": 1}, [], "a list with no entries was found, at least 1 was expected"),
    ({"minItems": 2}, [1], "a list with 1 entry was found, at least 2 was expected"),
    ({"maxItems": 1}, [1, 2], "a list with 2 entries was found, at most 1 was expected"),
    ({"maxProperties": 0}, {"a": 1}, "an object with 1 entry was found, at most 0 was expected"),
    ({"multipleOf": 5}, 7, "an integer 7 was found, a multiple of 5 was expected"),
    ({"minProperties": 1}, {}, "an object with no entries was found, at least 1 was expected"),
    ({"pattern": "^t"}, "x", 'a text "x" was found, a text that matches ^t was expected'),
    (
        {"format": "date-time"},
        "2024-01-01",
        'a text "2024-01-01" was found, a text of the format date-time was expected',
    ),
    ({"format": "uuid"}, "x", 'a text "x" was found, a text of the format uuid was expected'),
    ({"not": {"type": "null"}}, None, 'null was found, a value that does not fit {"type": "null"} was expected'),
    ({"uniqueItems": True}, [1, 1], "a list with the same item twice was found, each was expected once"),
    ({"contains": {"const": 1}}, [2], "a list was found, [2] does not contain items matching the given schema"),
]

INVALID: list[tuple[bytes, str]] = [
    (b"", "v1.json:1:1: text that cannot be read was found (expecting value), JSON was expected"),
    (
        b'{"a":1,\n "b":}',
        "v1.json:2:6: text that cannot be read was found (expecting value), JSON was expected",
    ),
    (
        b'{"type": "object" "x"}',
        "v1.json:1:19: text that cannot be read was found (expecting ',' delimiter), JSON was expected",
    ),
    (b'{"a":"\xff"}', "v1.json:1:1: a byte that is not UTF-8 was found at offset 6, UTF-8 text was expected"),
    (b'{"minimum":NaN}', "v1.json:1:1: NaN was found, JSON was expected"),
    (
        b'{"type":"object","type":"object"}',
        "v1.json:1:1: the key 'type' was found twice in one object, JSON was expected",
    ),
    (
        b'{"not":' * 100_000 + b"{}" + b"}" * 100_000,
        "v1.json:1:1: a schema nested too deep was found, JSON was expected",
    ),
    (b"[]", "v1.json:1:1: a list was found, an object was expected"),
    (b"true", "v1.json:1:1: a boolean true was found, an object was expected"),
    (
        b'{"$schema":"http://json-schema.org/draft-07/schema#"}',
        'v1.json:1:1: "$schema": "http://json-schema.org/draft-07/schema#" was found, '
        f'"$schema": "{DIALECT}" was expected',
    ),
    (b'{"$schema":null}', f'v1.json:1:1: "$schema": null was found, "$schema": "{DIALECT}" was expected'),
    (
        b'{"properties":{"a":{"type":"strin"}}}',
        "v1.json:1:1: a text \"strin\" was found at 'properties.a.type', one of "
        '"array", "boolean", "integer", "null", "number", "object", "string" was expected; did you mean \'string\'?',
    ),
    (
        b'{"minLength":-1}',
        "v1.json:1:1: an integer -1 was found at 'minLength', at least 0 was expected",
    ),
    (b'{"$ref":"#/$defs/X"}', "v1.json:1:1: Pointer '/$defs/X' does not exist, a JSON Schema was expected"),
    (b'{"pattern":"("}', 'v1.json:1:1: "(" is not a "regex", a JSON Schema was expected'),
]


@pytest.mark.parametrize(("content", "document", "sentence"), WORDS, ids=[sentence for *_, sentence in WORDS])
def test_what_does_not_fit(content: dict[str, Any], document: Any, sentence: str) -> None:
    """Both judges refuse what does not fit, and it is told in one sentence."""
    schema = Schema(content)
    assert not schema.is_valid(document)
    assert str(schema.best_mismatch(document).fault()) == sentence


def test_each_place_is_told() -> None:
    """All that does not fit is found, each with its path in the document."""
    schema = Schema(
        {"properties": {"a.b": {"type": "integer"}, "l": {"items": {"required": ["x"]}}}, "required": ["c"]}
    )
    mismatches = schema.mismatches({"a.b": "x", "l": [{"x": 1}, {}]})
    assert [(found.where, str(found.fault())) for found in mismatches] == [
        ("", "no 'c' was found, it is required"),
        ('["a.b"]', 'a text "x" was found, an integer was expected'),
        ("l[1]", "no 'x' was found, it is required"),
    ]
    assert schema.mismatches({"c": 1}) == []


def test_the_best_of_several() -> None:
    """Of several mismatches the outermost is told."""
    schema = Schema({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["b"]})
    assert str(schema.best_mismatch({"a": "x"}).fault()) == "no 'b' was found, it is required"


def test_a_large_integer_keeps_its_value() -> None:
    """An integer beyond 64 bits is compared whole."""
    schema = Schema({"const": 123456789012345678901234567890})
    assert schema.is_valid(123456789012345678901234567890)
    assert not schema.is_valid(123456789012345678901234567891)


@pytest.mark.parametrize(("content", "sentence"), INVALID, ids=[str(content)[:30] for content, _ in INVALID])
def test_what_is_no_schema(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A file that is no schema of the one dialect is refused with the place and the reason."""
    file = tmp_path / "v1.json"
    file.write_bytes(content)
    schema, faults = load_schema(file, "v1.json")
    assert (schema, [str(fault) for fault in faults]) == (None, [sentence])


@pytest.mark.parametrize("reference", ["https://example.com/x.json", "other.json", "file:///etc/passwd"])
def test_nothing_is_fetched(tmp_path: Path, reference: str) -> None:
    """A reference to another file is a fault: what a schema means lies in one file."""
    file = tmp_path / "v1.json"
    file.write_text(f'{{"$ref":"{reference}"}}')
    (tmp_path / "other.json").write_text("{}")
    schema, (fault,) = load_schema(file, "v1.json")
    assert (schema, fault.code, fault.expected) == (None, "schema-invalid", "a JSON Schema was expected")


def test_several_faults_of_one_schema(tmp_path: Path) -> None:
    """All faults of a schema are found at once."""
    file = tmp_path / "v1.json"
    file.write_text('{"required":"a","minimum":"x"}')
    _, faults = load_schema(file, "v1.json")
    assert sorted(str(fault) for fault in faults) == [
        "v1.json:1:1: a text \"a\" was found at 'required', a list was expected",
        "v1.json:1:1: a text \"x\" was found at 'minimum', a number was expected",
    ]


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is a fault, too."""
    _, faults = load_schema(tmp_path / "v1.json", "v1.json")
    assert [str(fault) for fault in faults] == ["v1.json:1:1: No such file or directory, a readable file was expected"]


@pytest.mark.parametrize(
    "content", ["{}", f'{{"$schema":"{DIALECT}"}}', '{"$ref":"#"}', '{"propertys":{}}', '{"format":"nonsense"}']
)
def test_what_is_a_schema(tmp_path: Path, content: str) -> None:
    """A schema without the name of its dialect is of ours, and unknown words in it say nothing."""
    file = tmp_path / "v1.json"
    file.write_text(content)
    schema, faults = load_schema(file, "schemas/v1.json")
    assert schema is not None
    assert (faults, schema.file, schema.is_valid({"a": 1})) == ([], "schemas/v1.json", True)


def test_a_schema_travels() -> None:
    """A schema is equal to one of the same content, and goes to another process although it was compiled here."""
    schema = Schema({"required": ["a"], "type": "object"}, "v1.json")
    assert schema.is_valid({"a": 1})
    sent = pickle.loads(pickle.dumps(schema))  # noqa: S301 - our own bytes
    assert (sent, hash(sent), sent.file) == (schema, hash(schema), "v1.json")
    assert (sent.is_valid({"a": 1}), sent.is_valid({})) == (True, False)
    assert schema == Schema({"type": "object", "required": ["a"]})
    assert Schema({"const": 1}) != Schema({"const": True})


@pytest.mark.parametrize(
    ("word", "known", "question"),
    [("titel", ["title", "id"], "did you mean 'title'?"), ("xyz", ["title"], ""), ("a", [], "")],
)
def test_did_you_mean(word: str, known: list[str], question: str) -> None:
    """A word is asked back only where one that is known is near."""
    assert did_you_mean(word, known) == question
