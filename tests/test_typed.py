"""Documents read by types made of schemas: those that fit are read, and no others."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from migrate_spec.codec import Json, decode, encode, read_plain
from migrate_spec.documents import sampled
from migrate_spec.schema import Schema, load_schema
from migrate_spec.typed import checked_outline, glance_at, glance_over, glanced_outline
from tests.conftest import ROOT
from tests.proofs_support import rows
from tests.test_laws import spelled

FILES = sorted([*ROOT.glob("schemas/*/v*.json"), *ROOT.glob("tests/corpus/**/*.json")])
ODD = ["1.0", "-0.0", "1e2", "1E400", "123456789012345678901234567890", "true", '"\\u0061"', "null", '{"a":1,"a":1}']


def check(schema: Schema, values: list[bytes]) -> Counter[bool]:
    """See that what is read by outlines of a schema is plain and fits; how many that fit are read, and are not."""
    found: Counter[bool] = Counter()
    documents = [(value, read_plain(value)) for value in values]
    outlines = {names: checked_outline(schema, names, {}) for names in {tuple(one) for _, one in documents if one}}
    for names, outline in outlines.items():
        for value, document in documents if outline is not None else ():
            assert outline is not None
            fits = document is not None and tuple(document) == names and schema.is_valid(document)
            read = outline.read(value)
            assert read is None or (fits and encode(read) == value), value
            if read is not None and len(names) > 1:
                assert outline.getter(*names)(read) == tuple((document or {}).values())
            found[read is not None] += fits
    return found


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
    documents = list(islice(sampled(schema, names, seed), 15))
    others = [part for document in documents for part in parts(document)] + [None, True, 0, 1.5, "", [], {}]
    documents += [mixed(document, others, random) for document in documents for _ in range(2)]
    documents += [mixed(document, others, random) for document in documents]
    odd = [spelled(document, random).encode() for document in documents[::5]]
    return [encode(document) for document in documents] + odd


def test_every_schema_of_the_table_of_verdicts() -> None:
    """For each schema before and after of each row."""
    found: Counter[bool] = Counter()
    for seed, row in enumerate(rows()):
        for schema in (row.before, row.after):
            found += check(schema, trials(schema, row.names, seed))
    assert found[True] > 1000
    assert found[False] < found[True] / 20  # such as those with a field inside that the schema does not name


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


def test_an_outline_reads_documents_with_its_fields_only() -> None:
    """In this order, each once, in the plain form, with the values that are known; and a name may be odd."""
    outline = checked_outline(Schema({"properties": {"a": {"type": "integer"}}}), ["v", "a", "ü b"], {"v": 1})
    assert outline is not None
    assert outline.getter("a", "v")(outline.read('{"v":1,"a":2,"ü b":[{}]}'.encode())) == (2, 1)
    assert outline.getter("ü b")(outline.read('{"v":1,"a":2,"ü b":[{}]}'.encode())) == [{}]
    for other in (
        '{"v":2,"a":2,"ü b":3}',
        '{"v":true,"a":2,"ü b":3}',
        '{"v":1,"a":"2","ü b":3}',
        '{"v":1,"a":2}',
        '{"a":2,"v":1,"ü b":3}',
        '{"v":1,"a":2,"ü b":3,"c":4}',
        '{"v":1,"a":2,"a":2,"ü b":3}',
        '{"v":1,"a":2,"ü b":{"x":1,"x":1}}',
        '{"v":1,"a":2, "ü b":3}',
        '{"v":1,"a":2,"ü b":1E5}',
        "[1,2,3]",
        "",
    ):
        assert outline.read(other.encode()) is None
    assert checked_outline(Schema({}), ['q"'], {}) is None
    assert checked_outline(Schema({"minProperties": 1}), ["a"], {}) is None
    assert checked_outline(Schema({"required": ["b"]}), ["a"], {}) is None


def test_a_glanced_outline() -> None:
    """Fields that must be there, as they are spelled, and others that must not; all else is passed over."""
    outline = glanced_outline(["v", "a"], ["b", "c"], {"v": "1"})
    assert outline is not None
    assert bytes(outline.getter("a")(outline.read(b'{"x":"\xff","v":"1","a": 1.10 , "d":{"b":1}}'))) == b"1.10"
    for other in (
        b'{"v":"2","a":1}',
        b'{"v":"1"}',
        b'{"v":"1","a":1,"b":null}',
        b'{"v":"1","a":1,"c":1}',
        b'{"v":"1","a":1,"v":"1"}',
        b'{"v":"1","a":1} ',
        b'{"v":"1","a":1',
    ):
        assert outline.read(other) is None
    assert glanced_outline(["a"], ['q"'], {}) is None


def test_a_glance_over_all_fields() -> None:
    """Each as it is spelled; blanks and fields that are there twice are more than the fields."""
    read = glance_over()
    assert {name: bytes(raw) for name, raw in (read(b'{"a":1.10,"b":[ ]}') or {}).items()} == {
        "a": b"1.10",
        "b": b"[ ]",
    }
    for odd in (b'{"a": 1}', b'{"a":1,"a":1}', b"[]", b'{"a":1'):
        assert read(odd) is None


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
