r"""The operations on records, by the tables in ``record_cases/<operation>.yaml``, and by their own examples.

A row of a table has a ``name``, what a spec from version 1 to 2 of the collection ``task`` says (``records``,
``indexes``, ``steps``, …) or several ``specs`` by collection and version (``task/1``), the records ``before`` by their
keys, and what becomes of them: all that is there ``after``, ``unchanged: true``, or ``refused`` with each whole
sentence. ``before`` and ``after`` are JSON documents; with ``_text`` behind it is text where each byte counts, with
``_msgpack`` MessagePack, with ``_hex`` bytes. ``\xff`` in a key is a byte. A row without records is about specs that
are refused when they are read. Rows of what must not change come first, then what changes, then what is refused.

Each row runs on a real database: a scan, which changes nothing, a run, which does what the scan has said, and a
rollback, after which each byte is what it was.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest

import migrate_spec as ms
from migrate_spec.codec import plain
from migrate_spec.errors import Fault, Rejection, show_key
from migrate_spec.record_operation import RecordOperation
from migrate_spec.record_operations import all_record_operations
from tests import rows_of, yaml
from tests.conftest import Folder, beside, compact, data, dump, files, make
from tests.test_operations import sentence

CASES = Path(__file__).parent / "record_cases"
OUTCOMES = {"unchanged", "after", "after_text", "after_msgpack", "after_hex", "refused"}
BEFORE = {"before", "before_text", "before_msgpack", "before_hex"}
SPEC = {"records", "indexes", "steps", "stamp", "encoding", "prefix"}

NEIGHBOURS = {b"": b"x", b"task": b"{}", b"task;": b"{}", b"tasks:1": b"{}", b"\xff\xff": b"", b"{": b"[]"}
"""Records of no collection, some of them beside the prefix: they are in each database and must stay."""

Row = dict[str, Any]


def table(name: str) -> list[Row]:
    """The rows of one table."""
    return rows_of(CASES / f"{name}.yaml")


TABLES = sorted(file.stem for file in CASES.glob("*.yaml"))
ROWS = [(name, row) for name in TABLES for row in table(name)]


def rows(*kinds: str, without: bool = False) -> list[Any]:
    """The rows that have one of these keys; or the refused ones that have none of them."""
    wanted = [(name, row) for name, row in ROWS if bool({*kinds} & row.keys()) != without]
    return [pytest.param(row, id=f"{name}: {row['name']}") for name, row in wanted]


def specs_of(row: Row) -> dict[str, Row]:
    """The specs of a row by collection and version; where nothing else is said their records carry no stamp."""
    given = row.get("specs") or {"task/1": {key: row[key] for key in SPEC & row.keys()}}
    return {name: {"stamp": None, **spec} for name, spec in given.items()}


def written(row: Row, folder: Folder) -> Folder:
    """The specs of a row, as files."""
    for name, spec in specs_of(row).items():
        collection, _, version = name.partition("/")
        more = {key: value for key, value in spec.items() if key != "steps"}
        folder.spec(collection, int(version), *spec.get("steps", ()), **more)
    return folder


def key_of(text: str) -> bytes:
    r"""A key as a table says it: ``\xff`` is a byte."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda byte: bytes.fromhex(byte[1].decode()), text.encode())


def records(row: Row, when: str) -> dict[bytes, bytes]:
    """All records of a row before or after, with the neighbours."""
    forms: dict[str, Callable[[Any], bytes]] = {
        when: compact,
        f"{when}_text": str.encode,
        f"{when}_msgpack": msgspec.msgpack.encode,
        f"{when}_hex": bytes.fromhex,
    }
    pairs = chain.from_iterable(
        ((key, form(value)) for key, value in row.get(name, {}).items()) for name, form in forms.items()
    )
    return NEIGHBOURS | {key_of(key): value for key, value in pairs}


def told(rejection: Rejection) -> str:
    """A rejection without the place in the spec."""
    return str(dataclasses.replace(rejection, fault=dataclasses.replace(rejection.fault, where=None)))


@pytest.mark.parametrize("row", rows("name"))
def test_each_row_is_whole(row: Row) -> None:
    """A row says one thing, in keys the runner knows."""
    assert row.keys() <= {"name", "specs"} | SPEC | BEFORE | OUTCOMES
    assert ("specs" in row) != bool(SPEC & row.keys())
    assert all(spec.keys() <= SPEC for spec in specs_of(row).values())
    outcomes = {"after" if key.startswith("after") else key for key in OUTCOMES & row.keys()}
    assert len(outcomes) == 1
    assert row.get("unchanged", True) is True
    assert BEFORE & row.keys() or outcomes == {"refused"}


@pytest.mark.parametrize("row", rows("unchanged", "after", "after_text", "after_msgpack", "after_hex"))
def test_there_and_back(row: Row, tmp_path: Path, folder: Folder) -> None:
    """A scan says what the run does and changes nothing; a rollback brings each byte back and finds no later write."""
    before, project = records(row, "before"), written(row, folder).load()
    after = before if "unchanged" in row else records(row, "after")
    manager = ms.MigrationManager(make(tmp_path / "db", before), project)
    untouched = files(manager.path)
    scanned = manager.scan()
    for key in before.keys() - NEIGHBOURS.keys():
        explained(manager, key, before, after)
    assert files(manager.path) == untouched
    assert beside(manager.path) == []
    applied = manager.apply()
    assert shown(data(manager.path)) == shown(after)
    assert "written" not in {held.state for held in manager.audit().collections}
    assert (scanned.collections, scanned.steps) == (applied.collections, applied.steps)
    if "unchanged" in row:
        assert {counts["migrated"] for counts in applied.collections.values()} <= {0}
        assert {step["items_migrated"] for step in applied.steps} <= {0}
    if applied.backup is None:
        assert not any(counts["scanned"] for counts in applied.collections.values())
        return
    assert beside(manager.path) == ["db.backups", f"db.backups/{applied.backup}"]
    report = manager.rollback()
    assert shown(data(manager.path)) == shown(before)
    assert manager.audit().untouched
    assert (report.later_writes, report.records) == (0, len(changed(before, after)))
    assert beside(manager.path) == ["db.backups", f"db.backups/{applied.backup}"]


def explained(
    manager: ms.MigrationManager, key: bytes, before: Mapping[bytes, bytes], after: Mapping[bytes, bytes]
) -> None:
    """What `explain` tells of a record ends with what becomes of it."""
    try:
        last = manager.explain(key).events[-1]
    except ms.RecordMissing:
        return  # no spec is about it
    assert last.kind != "refused"
    if last.key is None:
        assert after.get(key) != before[key]  # another record may have its key now
    elif last.key in after:  # else it was taken into another record
        assert plain(after[last.key]) == last.document


def changed(before: Mapping[bytes, bytes], after: Mapping[bytes, bytes]) -> set[bytes]:
    """The keys whose values differ, or that only one of the two has."""
    return {key for key, _ in before.items() ^ after.items()}


def shown(found: Mapping[bytes, bytes]) -> dict[str, str]:
    """Records as a person reads them, for a comparison that fails."""
    return {show_key(key): show_key(value) for key, value in sorted(found.items())}


@pytest.mark.parametrize("row", [param for param in rows(*BEFORE) if "refused" in param.values[0]])
def test_what_is_refused(row: Row, tmp_path: Path, folder: Folder) -> None:
    """A scan and a run say the same sentences, each with its record, and change nothing."""
    project = written(row, folder).load()
    manager = ms.MigrationManager(make(tmp_path / "db", records(row, "before")), project)
    untouched, before = files(manager.path), dump(manager.path)
    with pytest.raises(ms.RecordRejected) as scanned:
        manager.scan()
    assert files(manager.path) == untouched
    with pytest.raises(ms.RecordRejected) as caught:
        manager.apply()
    assert [told(rejection) for rejection in caught.value.rejections] == refused(row)
    assert str(scanned.value) == str(caught.value)
    assert dump(manager.path) == before
    assert beside(manager.path) == []


def refused(row: Row) -> list[str]:
    """The sentences of a row that is refused."""
    return row["refused"] if isinstance(row["refused"], list) else [row["refused"]]


@pytest.mark.parametrize("row", rows(*BEFORE, without=True))
def test_specs_that_are_refused(row: Row, folder: Folder) -> None:
    """What is wrong with specs is said when they are read, each fault with its place."""
    with pytest.raises(ms.SpecError) as caught:
        written(row, folder).load()
    assert [unplaced(fault, folder) for fault in caught.value.faults] == refused(row)


def unplaced(fault: Fault, folder: Folder) -> str:
    """A fault without its own place, and without the folder in the place of another."""
    assert str(fault.where).startswith(f"{folder.specs}/")
    return sentence(fault).replace(f"{folder.specs}/", "")


@pytest.mark.parametrize("name", TABLES)
def test_each_table_is_in_order(name: str) -> None:
    """A table has twelve rows or more with names of their own: first what stays, then what changes, then refusals."""
    order = [0 if "unchanged" in row else 2 if "refused" in row else 1 for row in table(name)]
    names = [row["name"] for row in table(name)]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2}
    assert len(names) >= 12
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", TABLES)
def test_each_row_is_about_its_operation(name: str) -> None:
    """The operation stands in each row of its table; an encoding can also stay."""
    for row in table(name):
        text = json.dumps(specs_of(row))
        assert f'"{name}"' in text or (name == "recode" and '"encoding"' in text), row["name"]


def test_no_table_is_left_behind() -> None:
    """A table belongs to an operation, or to ``indexes``."""
    assert {*TABLES} == {*all_record_operations(), "indexes"}


@pytest.mark.parametrize("name", all_record_operations())
def test_each_operation_is_whole(name: str) -> None:
    """An operation has a docstring that begins with a sentence, lies in the file of its name and says what it loses."""
    operation = all_record_operations()[name]
    assert operation.__doc__ != RecordOperation.__doc__
    assert re.match(r"[^.:]+[.:]", operation.__doc__ or "")
    assert operation.__module__ == f"migrate_spec.record_operations.{name}"


@pytest.mark.parametrize("name", all_record_operations())
def test_each_example_runs(name: str, tmp_path: Path, folder: Folder) -> None:
    """The example of an operation's documentation is true, there and back."""
    row = yaml(all_record_operations()[name].example, name)
    assert row.keys() == {"step", "before", "after"}
    assert name in row["step"]
    prefix = [*row["before"]][-1].partition(":")[0] + ":"  # the record that the step is about comes last
    project = folder.spec("task", 1, prefix=prefix, stamp=None, records=[row["step"]]).load()
    form = msgspec.msgpack.encode if project.registry["task", 1].spec.encoding_after == "msgpack" else compact
    before, after = ({key.encode(): compact(value) for key, value in row[when].items()} for when in ("before", "after"))
    manager = ms.MigrationManager(make(tmp_path / "db", before), project)
    manager.apply()
    assert data(manager.path) == {key: form(json.loads(value)) for key, value in after.items()}
    manager.rollback()
    assert data(manager.path) == before


class TestSchemas:
    """What records become must fit the schema of where they come to."""

    def test_items_in_any_spelling(self, tmp_path: Path, folder: Folder) -> None:
        """The schema sees the items that a record has taken in, however they were spelled."""
        schema = {"type": "object", "properties": {"notes": {"items": {"properties": {"n": {"type": "integer"}}}}}}
        folder.spec("task", 1, records=[{"gather": {"notes": {"from": "note:{id}:{.index}"}}}])
        folder.schema("task", 2, schema)
        before = {b"task:7": b'{"id":7}', b"task:8": b'{"id" : 8}', b"note:7:0": b'{ "n":1 }', b"note:8:0": b'{"n":1}'}
        manager = ms.MigrationManager(make(tmp_path / "db", before), folder.load())
        manager.scan()
        folder.schema("task", 2, json.loads(json.dumps(schema).replace("integer", "string")))
        with pytest.raises(ms.RecordRejected) as caught:
            ms.MigrationManager(manager.path, folder.load()).apply()
        assert [told(rejection) for rejection in caught.value.rejections] == [
            f"task:{key}, task v1→v2, notes[0].n: an integer 1 was found, a text was expected" for key in (7, 8)
        ]

    def test_of_another_collection(self, tmp_path: Path, folder: Folder) -> None:
        """A record that was made of an item fits the schema of its own collection, or is refused."""
        folder.spec("task", 1, records=[{"explode": {"notes": {"to": "note:{id}:{.index}"}}}])
        folder.spec("note", 1).schema("note", 2, {"type": "object", "required": ["schema_version", "text"]})
        good = {b"task:7": b'{"id":7,"notes":[{"text":"a"}]}'}
        manager = ms.MigrationManager(make(tmp_path / "db", good), folder.load())
        manager.apply()
        assert data(manager.path)[b"note:7:0"] == b'{"schema_version":2,"text":"a"}'
        bad = {b"task:7": b'{"id":7,"notes":[{"text":"a"},{"n":1}]}'}
        with pytest.raises(ms.RecordRejected) as caught:
            ms.MigrationManager(make(tmp_path / "other", bad), folder.load()).apply()
        assert [told(rejection) for rejection in caught.value.rejections] == [
            "task:7, note v1→v2: no 'text' was found, it is required"
        ]


RECODED = {"records": [{"recode": {"from": "json", "to": "msgpack"}}]}


class TestMessagePack:
    """Documents that are no JSON, shown as JSON."""

    def test_samples(self, tmp_path: Path, folder: Folder) -> None:
        """A sample of a record in either encoding, or on the way from one to the other, is one."""
        folder.spec("task", 1, **RECODED)
        folder.spec("note", 1, {"add": {"n": 1}}, encoding="msgpack")
        before = {b"task:1": b'{"a":1.5}', b"note:1": msgspec.msgpack.encode({"b": [None]})}
        manager = ms.MigrationManager(make(tmp_path / "db", before), folder.load())
        found = {name: (sample.before, sample.after) for name, sample in manager.samples(manager.plan()).items()}
        assert found == {
            "task": ({"a": 1.5}, {"schema_version": 2, "a": 1.5}),
            "note": ({"b": [None]}, {"schema_version": 2, "b": [None], "n": 1}),
        }

    @pytest.mark.parametrize("more", [{"encoding": "msgpack"}, RECODED], ids=["msgpack", "recode"])
    def test_examples(self, more: Mapping[str, Any], folder: Folder) -> None:
        """The examples of a spec are documents, however the records are stored."""
        pair = {"before": {"a": 1}, "after": {"schema_version": 2, "b": 1}}
        folder.spec("task", 1, {"rename": {"a": "b"}}, examples=[pair], **more).load()
        folder.spec("task", 1, {"rename": {"a": "c"}}, examples=[pair], **more)
        with pytest.raises(ms.SpecError) as caught:
            folder.load()
        assert [unplaced(fault, folder) for fault in caught.value.faults] == [
            "nothing came out at 'b', 1 was expected by `after`; mend the example or the steps"
        ]

    def test_an_example_that_cannot_be_stored(self, folder: Folder) -> None:
        """An example with an integer that MessagePack cannot hold is a fault of the spec."""
        folder.spec("task", 1, encoding="msgpack", examples=[{"before": {"a": 2**64}, "after": {"a": 2**64}}])
        with pytest.raises(ms.SpecError) as caught:
            folder.load()
        assert [unplaced(fault, folder) for fault in caught.value.faults] == [
            "an integer of more than 64 bits was found in `before`, one that MessagePack can hold was expected"
        ]
