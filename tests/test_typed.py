"""Documents read by types made of schemas: those that fit are read, and no others."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from random import Random

import pytest

from migrate_spec.codec import Json, decode, encode, read_plain
from migrate_spec.documents import sampled
from migrate_spec.schema import Schema, load_schema
from migrate_spec.typed import glance_at, reader_of
from tests.conftest import ROOT
from tests.proofs_support import rows
from tests.test_laws import spelled

FILES = sorted([*ROOT.glob("schemas/*/v*.json"), *ROOT.glob("tests/corpus/**/*.json")])
ODD = ["1.0", "-0.0", "1e2", "1E400", "123456789012345678901234567890", "true", '"\\u0061"', "null", '{"a":1,"a":1}']


def check(schema: Schema, values: list[bytes]) -> None:
    """See that the reader of a schema reads what is plain and fits, and nothing else."""
    read = reader_of(schema)
    for value in values:
        document = read_plain(value)
        fits = document is not None and schema.is_valid(document)
        found = read(value)
        assert (found is not None) == fits, value
        assert found is None or encode(found) == value


def mixed(document: Json, others: list[Json], random: Random) -> Json:
    """A document with a part of another one in place of one of its own, at any depth."""
    if isinstance(document, dict) and document and random.random() < 0.9:
        name = random.choice(list(document))
        fate = random.random()
        if fate < 0.15:
            return {key: part for key, part in document.items() if key != name}
        if fate < 0.3:
            return {**document, random.choice(["x", "name", *document]): random.choice(others)}
        return {**document, name: mixed(document[name], others, random)}
    if isinstance(document, list) and document and random.random() < 0.9:
        index = random.randrange(len(document))
        return [*document[:index], mixed(document[index], others, random), *document[index + 1 :]]
    return random.choice(others)


def parts(document: Json) -> list[Json]:
    """A document and all that is inside of it."""
    inside = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [document, *(part for one in inside for part in parts(one))]


def trials(schema: Schema, names: tuple[str, ...], seed: int) -> list[bytes]:
    """Records that fit, that nearly fit, that do not, and some of odd spelling."""
    random = Random(seed)  # noqa: S311 - it chooses documents
    documents = list(islice(sampled(schema, names, seed), 30))
    others = [part for document in documents for part in parts(document)] + [None, True, 0, 1.5, "", [], {}]
    documents += [mixed(document, others, random) for document in documents for _ in range(2)]
    documents += [mixed(document, others, random) for document in documents]
    odd = [spelled(document, random).encode() for document in documents[::5]]
    return [encode(document) for document in documents] + odd


def test_every_schema_of_the_table_of_verdicts() -> None:
    """For each schema before and after of each row."""
    for seed, row in enumerate(rows()):
        for schema in (row.before, row.after):
            check(schema, trials(schema, row.names, seed))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_real_schemas(file: Path) -> None:
    """For the schemas that ship and those of the corpus."""
    schema, faults = load_schema(file, str(file))
    if schema is not None:
        assert faults == []
        check(schema, trials(schema, (), 1))


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(
    "kind",
    [
        {},
        True,
        False,
        {"type": "integer"},
        {"type": "number"},
        {"type": ["integer", "null"]},
        {"type": ["number", "string", "object"]},
        {"enum": [1, "a", None]},
        {"enum": [1.0, True, 100]},
        {"const": 100, "type": "integer"},
        {"const": None},
        {"const": 123456789012345678901234567890},
        {"type": "integer", "minimum": 2},
        {"enum": []},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
    ],
)
def test_odd_values(kind: Json, value: str) -> None:
    """Numbers and texts at the edge of what a type is: whole ones with a point, those beyond 64 bits, booleans."""
    for whole in ({"properties": {"x": kind}, "type": "object"}, {"type": "object", "additionalProperties": kind}):
        check(Schema(whole), [f'{{"x":{value}}}'.encode(), f'{{"x":[{value}]}}'.encode(), value.encode()])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["object", "array"]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}}}},
        {"$id": "urn:s", "$ref": "urn:s#/$defs/a", "$defs": {"a": {"required": ["x"]}}},
        {"$id": "urn:s", "properties": {"x": {"$ref": "urn:s#/$defs/a"}}, "$defs": {"a": {"type": "string"}}},
        {"type": "object", "required": ["x"], "properties": {"y": {"minimum": 1}}, "unevaluatedProperties": False},
        {"type": "object", "properties": {"y": {"minimum": 1}}, "patternProperties": {"x": {"type": "string"}}},
        {"type": "object", "properties": {"x": {"prefixItems": [{"type": "string"}], "items": False}}},
        {"type": "object", "properties": {"x": {"type": "array", "items": {"format": "date"}, "minItems": 1}}},
        {"type": "object", "properties": {"y": {}}, "additionalProperties": {"type": "string"}},
    ],
)
@pytest.mark.parametrize(
    "value", ["{}", '{"x":1}', '{"x":"a"}', '{"x":["a"]}', '{"x":[]}', '{"x":{"x":2}}', '{"y":0}', "[]"]
)
def test_keywords_that_types_do_not_know(schema: Json, value: str) -> None:
    """What no type can ask for is asked for by what is left of the schema."""
    check(Schema(schema), [value.encode()])


def test_a_glance_reads_some_fields_as_they_are_spelled() -> None:
    """The fields that are asked for, in the order of the record; no other part of it is looked into."""
    read = glance_at(["b", "a"], "v")
    assert {name: bytes(raw) for name, raw in (read(b'{"v":1,"a": 1.10 ,"x":"\xff","b":[ ]}') or {}).items()} == {
        "v": b"1",
        "a": b"1.10",
        "b": b"[ ]",
    }
    assert read(b'{"x":1}') == {}
    for odd in (b'{"v":1,"v":2}', b'{"v":1,"x":"v"', b'{"x":1} ', b"[]", b'{"v":1,"x":{"v":2}}'):
        assert read(odd) is None
    assert decode(encode(read(b'{"a":1}'))) == {"a": 1}
