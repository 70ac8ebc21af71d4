"""Hostile input is harmless: what is deep, large or sly gets an error, soon, and a database stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import migrate_spec as ms
from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.spec import parse_spec
from tests import spec_of
from tests.conftest import Folder, data, make

HEAD = 'collection: task\nprefix: "task:"\nfrom: 1\nto: 2\n'
DEEP, LARGE = 100_000, 50_000_000

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{inner}'] * 9)}]\n"
    for inner, name in zip("abcdefghij", "bcdefghijk", strict=True)
)

SPECS = {
    "deep lists": (
        HEAD + "steps: " + "[" * DEEP,
        "5:108: more than 100 levels were found, aliases written out, fewer were expected",
    ),
    "deep objects": (
        HEAD + "steps: " + "{a: " * DEEP,
        "5:405: more than 100 levels were found, aliases written out, fewer were expected",
    ),
    "deep blocks": (
        HEAD + "steps:\n" + "".join(f"{' ' * depth}-\n" for depth in range(1000)),
        "106:101: more than 100 levels were found, aliases written out, fewer were expected",
    ),
    "deep conditions": (
        HEAD + "steps: [{where: " + "{not: " * DEEP,
        "5:600: more than 100 levels were found, aliases written out, fewer were expected",
    ),
    "a large text": (
        HEAD + 'description: "' + "a" * LARGE + '"',
        "1:1: a file of 50000062 characters was found, at most 5000000 were expected",
    ),
    "many values": (
        HEAD + "steps: [" + "1," * 100_000 + "]",
        "5:199987: more than 100000 values were found, aliases written out, fewer were expected",
    ),
    "a billion laughs": (
        LAUGHS,
        "6:8: more than 100000 values were found, aliases written out, fewer were expected",
    ),
    "an alias of itself": ("a: &a [*a]", "1:8: the alias *a was found, an anchor &a before it was expected"),
}


@pytest.mark.parametrize(("text", "sentence"), SPECS.values(), ids=SPECS)
def test_a_hostile_spec(text: str, sentence: str) -> None:
    """A spec that is too deep or too large is one fault at the place where it becomes so."""
    spec, faults = parse_spec(text, "f.yaml")
    assert spec is None
    assert [str(fault) for fault in faults] == [f"f.yaml:{sentence}"]


@pytest.mark.parametrize("level", ["[", '{"a":'])
def test_a_deep_record(level: str, tmp_path: Path, folder: Folder) -> None:
    """A record that is too deep is refused by its key, and the database is as it was."""
    folder.spec("task", 1, {"add": {"n": 1}}).schema("task", 1, {}).schema("task", 2, {})
    end = {"[": "]", '{"a":': "}"}[level]
    records = {b"task:1": b'{"id":1}', b"task:2": f'{{"a":{level * DEEP}1{end * DEEP}}}'.encode()}
    make(tmp_path / "db", records)
    with pytest.raises(ms.RecordRejected) as caught:
        ms.MigrationManager(tmp_path / "db", folder.load()).apply()
    assert [str(rejection) for rejection in caught.value.rejections] == [
        "task:2: a value nested too deep to read was found, fewer than 1000 levels were expected"
    ]
    assert data(tmp_path / "db") == records


def test_a_large_record() -> None:
    """A record of 50 MB is a record as any other, also under a pattern that other engines never come back from."""
    step = {"at": "a", "where": {"x": {"matches": "(a*)*b$"}}, "add": {"y": 1}}
    carry = Transform(Route((spec_of([step], stamp=None),), None, 2))
    for text, changes in (("a" * LARGE, False), ("a" * LARGE + "b", True)):
        assert (carry(json.dumps({"a": {"x": text}}).encode()) is not None) == changes


@pytest.mark.parametrize(
    "value", [b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\x81\xa1a\xdf\xff\xff\xff\xff", b"\x81\xa1a" * DEEP]
)
def test_messagepack_that_promises_more_than_there_is(value: bytes) -> None:
    """A length that is a lie takes no memory, and depth no stack."""
    carry = Transform(Route((spec_of([], stamp=None, encoding="msgpack"),), None, 2))
    with pytest.raises(RecordRefused):
        carry(value)


@pytest.mark.parametrize("collection", ["..", "../evil", "a/b", "."])
def test_a_collection_is_no_way_out(collection: str, tmp_path: Path) -> None:
    """A spec cannot name a folder other than its own."""
    file = tmp_path / "specs/task/v1_to_v2.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(HEAD.replace("task\n", f"{json.dumps(collection)}\n", 1) + "steps: []", encoding="utf-8")
    (tmp_path / "schemas").mkdir()
    with pytest.raises(ms.SpecError) as caught:
        ms.load(tmp_path / "specs", tmp_path / "schemas")
    assert "name-disagrees" in {fault.code for fault in caught.value.faults}
