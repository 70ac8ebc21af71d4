"""``rollback`` after operations on records: all that they touched comes back, and later writes are found and named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

import migrate_spec as ms
from tests.conftest import VERSION, Folder, beside, compact, data, dump, make, write
from tests.test_record_operations import shown, written

STAMP = {"stamp": "schema_version"}
SPECS: Mapping[str, Any] = {
    "task/1": {
        **STAMP,
        "indexes": {"status": "idx_status:{status}:{id}", "priority": "idx_priority:{priority}:{id}"},
        "steps": [{"map": {"status": {"todo": "open"}}, "else": "keep"}],
        "records": [
            {"drop": {"where": {"gone": True}}},
            {"explode": {"notes": {"to": "note:{id}:{.index}", "with": {"task": "id"}}}},
            {"rekey": {"from": "task:{id}", "to": "project:{project}:task:{id}"}},
        ],
    },
    "task/2": {**STAMP, "prefix": "project:", "steps": [{"add": {"new": 1}}]},
    "note/2": {**STAMP, "prefix": "note:", "steps": [{"add": {"seen": False}}]},
}

FOREIGN = {b"idx_status:valid": b'["l1"]', b"idx_status:open": b'["l2"]', b"link:1": b"{}", b"project": b"x", b"": b"y"}


def before(identity: str, **fields: Any) -> bytes:
    """A task of version 1."""
    return compact({"id": identity, "project": "p", **fields})


def after(identity: str, **fields: Any) -> bytes:
    """A task of version 3."""
    return compact({"schema_version": 3, "id": identity, "project": "p", **fields, "new": 1})


BEFORE = FOREIGN | {
    b"task:1": before("1", status="todo", priority="high", notes=[{"t": "a"}, {"t": "b"}]),
    b"task:2": before("2", status="done", priority="low"),
    b"task:3": before("3", status="todo", priority="low", gone=True),
    b"note:0:0": b'{"t" : "old"}',
    b"idx_status:todo:1": b"1",
    b"idx_status:done:2": b'["kept"]',
    b"idx_status:todo:3": b"1",
    b"idx_priority:high:1": b"1",
    b"idx_priority:low:2": b"1",
    b"idx_priority:low:3": b"1",
}
AFTER = FOREIGN | {
    b"project:p:task:1": after("1", status="open", priority="high"),
    b"project:p:task:2": after("2", status="done", priority="low"),
    b"note:0:0": b'{"schema_version":3,"t":"old","seen":false}',
    b"note:1:0": b'{"schema_version":3,"t":"a","task":"1","seen":false}',
    b"note:1:1": b'{"schema_version":3,"t":"b","task":"1","seen":false}',
    b"idx_status:open:1": b"1",
    b"idx_status:done:2": b'["kept"]',
    b"idx_priority:high:1": b"1",
    b"idx_priority:low:2": b"1",
}


@pytest.fixture
def migrated(tmp_path: Path, folder: Folder) -> ms.MigrationManager:
    """A database after its run, and what has carried it there."""
    manager = ms.MigrationManager(make(tmp_path / "db", BEFORE), written({"specs": dict(SPECS)}, folder).load())
    manager.apply()
    assert shown(data(manager.path)) == shown(AFTER)
    return manager


Changes = Mapping[bytes, bytes | None]

ONE, TWO = b"project:p:task:1", b"project:p:task:2"

LATER: dict[str, tuple[Changes, list[bytes]]] = {
    "a record edited": ({ONE: after("1", status="open", priority="high", title="x")}, [ONE]),
    "a record edited whose entry the run has moved": (
        {
            ONE: after("1", status="done", priority="high"),
            b"idx_status:open:1": None,
            b"idx_status:done:1": b"1",
        },
        [b"idx_status:open:1", ONE],
    ),
    "a record edited whose entry the run has left alone": (
        {TWO: after("2", status="closed", priority="low"), b"idx_status:done:2": None, b"idx_status:closed:2": b"1"},
        [b"idx_status:done:2", TWO],
    ),
    "a record edited back to what its entry was": (
        {ONE: after("1", status="todo", priority="high"), b"idx_status:open:1": None, b"idx_status:todo:1": b"1"},
        [b"idx_status:open:1", ONE],
    ),
    "a record edited that had no new key before": (
        {TWO: before("2", status="done", priority="low")},
        [TWO],
    ),
    "a record made unreadable": ({ONE: b"no JSON"}, [ONE]),
    "a record added": (
        {
            b"project:q:task:9": after("9", status="open", priority="low"),
            b"idx_status:open:9": b"1",
            b"idx_priority:low:9": b"1",
        },
        [b"project:q:task:9"],
    ),
    "a record added that is no document": ({b"project:\xff": b"\xff"}, [b"project:\xff"]),
    "a record added by an old program": (
        {
            b"task:9": before("9", status="todo", priority="low"),
            b"idx_status:todo:9": b"1",
            b"idx_priority:low:9": b"1",
        },
        [b"task:9"],
    ),
    "a record deleted": (
        {ONE: None, b"idx_status:open:1": None, b"idx_priority:high:1": None},
        [b"idx_priority:high:1", b"idx_status:open:1", ONE],
    ),
    "the last record deleted, with its entries that the run has left alone": (
        {TWO: None, b"idx_status:done:2": None, b"idx_priority:low:2": None},
        [b"idx_priority:low:2", b"idx_status:done:2", TWO],
    ),
    "all records deleted": ({ONE: None, TWO: None}, [ONE, TWO]),
    "a record moved on": (
        {ONE: None, b"project:q:task:1": after("1", status="open", priority="high")},
        [ONE, b"project:q:task:1"],
    ),
    "an item's record edited": (
        {b"note:1:0": b'{"schema_version":3,"t":"A","task":"1","seen":true}'},
        [b"note:1:0"],
    ),
    "an item's record added": ({b"note:1:2": b"{}"}, [b"note:1:2"]),
    "an item's record deleted": ({b"note:1:0": None}, [b"note:1:0"]),
    "the last item's record deleted": ({b"note:1:1": None}, [b"note:1:1"]),
    "a record among the items edited, deleted": ({b"note:0:0": None}, [b"note:0:0"]),
    "an entry edited": ({b"idx_status:open:1": b"2"}, [b"idx_status:open:1"]),
    "an entry edited that the run has left alone": ({b"idx_priority:high:1": b"2"}, [b"idx_priority:high:1"]),
    "an entry deleted": ({b"idx_status:open:1": None}, [b"idx_status:open:1"]),
    "more than are shown": (
        {b"project:q:task:%02d" % number: after("9") for number in range(12)},
        [b"project:q:task:%02d" % number for number in range(12)],
    ),
    "a bit of everything": (
        {
            b"idx_status:open:1": b"2",
            b"note:1:1": None,
            ONE: after("1", status="odd", priority="high"),
            b"idx_status:odd:1": b"1",
            b"project:q:task:9": after("9", status="done", priority="low"),
            b"idx_status:done:9": b"1",
            b"link:1": b"edited",
            b"idx_status:valid": b"[]",
        },
        [b"idx_status:open:1", b"note:1:1", ONE, b"project:q:task:9"],
    ),
}

KEPT = {b"link:1": b"edited", b"link:2": b"{}", b"idx_status:valid": b"[]", b"idx_status:x": b"1", b"": None}
"""Changes in what the run has not touched."""


class TestLaterWrites:
    """What an application wrote after the run is found wherever it belongs now."""

    @pytest.mark.parametrize("name", LATER)
    def test_refused_and_then_undone(self, name: str, migrated: ms.MigrationManager) -> None:
        """Later writes are named and nothing is changed; asked to, a rollback undoes them, with entries of indexes."""
        changes, keys = LATER[name]
        path = migrated.path
        write(path, {**changes, **KEPT})
        there = dump(path)
        with pytest.raises(ms.LaterWrites) as caught:
            migrated.rollback()
        assert (list(caught.value.keys), caught.value.count) == (keys[:10], len(keys))
        assert dump(path) == there
        report = migrated.rollback(undo_later_writes=True)
        assert report.later_writes == len(keys)
        kept = {**BEFORE, **KEPT}
        assert shown(data(path)) == shown({key: value for key, value in kept.items() if value is not None})

    @pytest.mark.parametrize(
        "changes",
        [
            KEPT,
            {b"task:1": BEFORE[b"task:1"], b"task:3": BEFORE[b"task:3"], b"idx_status:todo:1": b"1"},
            {b"note:0:0": BEFORE[b"note:0:0"]},
        ],
        ids=["of others", "put back beside the new", "put back"],
    )
    def test_what_is_no_later_write(self, changes: Changes, migrated: ms.MigrationManager) -> None:
        """What belongs to others, and what somebody has put back himself, is not undone, and not named."""
        write(migrated.path, changes)
        assert migrated.rollback().later_writes == 0
        there = {**BEFORE, **{key: value for key, value in changes.items() if key in KEPT}}
        assert shown(data(migrated.path)) == shown({key: value for key, value in there.items() if value is not None})

    def test_the_sentence(self, migrated: ms.MigrationManager) -> None:
        """The error says which keys."""
        write(migrated.path, {b"project:q:task:\xff": b"{}", b"note:1:1": None})
        with pytest.raises(ms.LaterWrites) as caught:
            migrated.rollback()
        assert str(caught.value) == (
            rf"{migrated.path}: 2 records were written since the migration: note:1:1, project:q:task:\xff; "
            "rolling back would undo that; pass --yes to do it all the same"
        )

    def test_between_two_runs(self, tmp_path: Path, folder: Folder) -> None:
        """What was written between two runs is undone only by the rollback to the first, and only when asked."""
        manager = ms.MigrationManager(make(tmp_path / "db", BEFORE), written({"specs": dict(SPECS)}, folder).load())
        first = manager.apply(2)
        new = b'{"schema_version":2,"id":"9","project":"q","status":"open","priority":"low"}'
        write(manager.path, {b"project:q:task:9": new, b"idx_status:open:9": b"1", b"idx_priority:low:9": b"1"})
        between = data(manager.path)
        manager.apply(3)
        with pytest.raises(ms.LaterWrites) as caught:
            manager.rollback(first.backup)
        assert list(caught.value.keys) == [b"project:q:task:9"]
        assert manager.rollback().later_writes == 0
        assert data(manager.path) == between
        manager.apply(3)
        assert manager.rollback(first.backup, undo_later_writes=True).later_writes == 1
        assert shown(data(manager.path)) == shown(BEFORE)


class TestGathered:
    """Records that have become items of others."""

    SPECS: Mapping[str, Any] = {
        "note/1": {**STAMP, "prefix": "note:", "steps": [{"add": {"a": 1}}]},
        "task/2": {**STAMP, "records": [{"gather": {"notes": {"from": "note:{id}:{.index}", "without": ["a"]}}}]},
    }
    BEFORE: Mapping[bytes, bytes] = {
        b"task:1": b'{"id" : 1}',
        b"task:2": b'{"id":2}',
        b"note:1:0": b'{"t":0 }',
        b"note:1:1": b'{"schema_version":2,"t":1,"a":5}',
        b"notes": b"x",
    }

    def manager(self, path: Path, folder: Folder) -> ms.MigrationManager:
        """A manager of such a database."""
        return ms.MigrationManager(make(path, self.BEFORE), written({"specs": dict(self.SPECS)}, folder).load())

    @pytest.mark.parametrize("runs", [[3], [2, 3]])
    def test_there_and_back(self, runs: list[int], tmp_path: Path, folder: Folder) -> None:
        """They come back, also when they were migrated by a run of their own before."""
        manager = self.manager(tmp_path / "db", folder)
        first, *_ = [manager.apply(version) for version in runs]
        assert data(manager.path) == {
            b"task:1": b'{"schema_version":3,"id":1,"notes":[{"t":0},{"t":1}]}',
            b"task:2": b'{"id":2}',
            b"notes": b"x",
        }
        report = manager.rollback(first.backup)
        assert (report.records, report.later_writes, report.to_version) == (3, 0, 1)
        assert data(manager.path) == self.BEFORE

    def test_later_writes(self, tmp_path: Path, folder: Folder) -> None:
        """A record under their keys was written since, and so was one whose items were edited."""
        manager = self.manager(tmp_path / "db", folder)
        manager.apply()
        changes = {b"note:1:0": b"{}", b"note:9:9": b"{}", b"task:1": b'{"schema_version":3,"id":1,"notes":[]}'}
        write(manager.path, {**changes, b"notes": b"y"})
        with pytest.raises(ms.LaterWrites) as caught:
            manager.rollback()
        assert list(caught.value.keys) == [*changes]
        manager.rollback(undo_later_writes=True)
        assert data(manager.path) == {**self.BEFORE, b"notes": b"y"}


class TestRecoded:
    """Records in another encoding."""

    SPECS: Mapping[str, Any] = {"task/1": {**STAMP, "records": [{"recode": {"from": "json", "to": "msgpack"}}]}}

    @pytest.mark.parametrize("value", ["81a16e02", "7b7d", "c1", ""])
    def test_later_writes(self, value: str, tmp_path: Path, folder: Folder) -> None:
        """An edited record is found, whether it can be read or not; asked to, a rollback brings back each byte."""
        records = {b"task:1": b'{ "n":1.0 }', b"task:2": b'{"n":2}'}
        manager = ms.MigrationManager(
            make(tmp_path / "db", records), written({"specs": dict(self.SPECS)}, folder).load()
        )
        manager.apply()
        write(manager.path, {b"task:1": bytes.fromhex(value)})
        with pytest.raises(ms.LaterWrites) as caught:
            manager.rollback()
        assert list(caught.value.keys) == [b"task:1"]
        manager.rollback(undo_later_writes=True)
        assert data(manager.path) == records

    @pytest.mark.parametrize("steps", [[], [{"default": {"n": 0}}]])
    @pytest.mark.parametrize("indexes", [{}, {"n": "idx_n:{n}"}])
    def test_a_stamp_the_schema_asks_for(self, indexes: Any, steps: Any, tmp_path: Path, folder: Folder) -> None:
        """A record in MessagePack that got a stamp and nothing else, as its schema asks for one, is no later write."""
        spec = {**STAMP, "encoding": "msgpack", "steps": steps, "indexes": indexes}
        folder.schema("task", 2, {"type": "object", "required": ["schema_version"]})
        records = {b"task:1": msgspec.msgpack.encode({"n": 1})}
        manager = ms.MigrationManager(
            make(tmp_path / "db", records), written({"specs": {"task/1": spec}}, folder).load()
        )
        manager.apply()
        assert data(manager.path) == {b"task:1": msgspec.msgpack.encode({"schema_version": 2, "n": 1})}
        assert manager.rollback().later_writes == 0
        assert data(manager.path) == records


class TestWhatTheHistoryDoesNotTell:
    """Steps that a database went before its history began are known from the specs."""

    SPECS: Mapping[str, Any] = {
        "task/1": {**STAMP, "steps": [{"add": {"a": 1}}]},
        "note/1": {**STAMP, "prefix": "note:", "steps": [{"add": {"b": 1}}]},
        "task/2": {**STAMP, "records": [{"explode": {"notes": {"to": "note:{id}:{.index}"}}}]},
    }

    def test_a_collection_that_others_come_to(self, tmp_path: Path, folder: Folder) -> None:
        """A record made of another one has the stamp of its collection, and is no later write for that."""
        records = {VERSION: b"2", b"task:7": b'{"schema_version":2,"id":7,"notes":[{"t":1}]}', b"task:8": b'{"id":8}'}
        manager = ms.MigrationManager(
            make(tmp_path / "db", records), written({"specs": dict(self.SPECS)}, folder).load()
        )
        manager.apply()
        assert data(manager.path) == {
            b"task:7": b'{"schema_version":3,"id":7}',
            b"task:8": b'{"schema_version":2,"id":8,"a":1}',
            b"note:7:0": b'{"schema_version":3,"t":1}',
        }
        assert manager.rollback().later_writes == 0
        assert dump(manager.path).items() >= records.items()
        assert data(manager.path).keys() == {b"task:7", b"task:8"}

    def test_records_of_an_earlier_version(self, tmp_path: Path, folder: Folder) -> None:
        """A record that came late went through the earlier step, too, where no step moves records."""
        specs = {"task/1": self.SPECS["task/1"], "task/2": {**STAMP, "steps": [{"default": {"c": 1}}]}}
        records = {VERSION: b"2", b"task:8": b'{"c":8}', b"task:9": b"{}"}
        manager = ms.MigrationManager(make(tmp_path / "db", records), written({"specs": specs}, folder).load())
        manager.apply()
        assert data(manager.path)[b"task:8"] == b'{"schema_version":2,"c":8,"a":1}'
        assert manager.rollback().later_writes == 0
        assert dump(manager.path).items() >= records.items()


class TestWithoutTheSpecs:
    """A rollback needs the history and the backup, and not the specs."""

    def test_another_project(self, migrated: ms.MigrationManager, tmp_path: Path) -> None:
        """A run is taken back although the specs of today know nothing of it."""
        strangers = Folder(tmp_path / "other").spec("other", 7, {"remove": ["x"]}).load()
        assert ms.MigrationManager(migrated.path, strangers).rollback().later_writes == 0
        assert shown(data(migrated.path)) == shown(BEFORE)

    def test_an_altered_backup(self, migrated: ms.MigrationManager) -> None:
        """A record altered in the backup since is found by its digest, and nothing is put back."""
        [backup] = migrated.backups()
        write(backup.database, {b"task:2": b"{}"})
        there = dump(migrated.path)
        contents = backup.collections["task"]
        with pytest.raises(ms.BackupError) as caught:
            migrated.rollback(undo_later_writes=True)
        found = json.dumps(str(caught.value)).split("digest ")[1][:12]
        assert str(caught.value) == (
            f"{backup.path}: 3 records of task with the digest {found}… were found in {backup.name}, 3 with the digest "
            f"{contents.digest[:12]}… were expected, as when it was made; "
            "the backup was changed since"
        )
        assert found != contents.digest[:12]
        assert dump(migrated.path) == there
        assert beside(migrated.path) == ["db.backups", f"db.backups/{backup.name}"]
