"""``rollback``: what a migration touched comes back byte for byte, and nothing else moves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from tests.conftest import HISTORY, ROWS, VERSION, Folder, beside, data, dump, files, make, raw, task, task_v2, write


def manager(path: Path, project: ms.Project) -> ms.MigrationManager:
    """A manager of the database at ``path``."""
    return ms.MigrationManager(path, project)


def history(path: Path) -> list[dict[str, Any]]:
    """The entries of the history as stored."""
    stored: dict[str, list[dict[str, Any]]] = json.loads(dump(path)[HISTORY])
    return stored["migrations"]


class TestMeridian:
    """The Meridian database there and back."""

    def test_one_run_back(self, meridian: Path, project: ms.Project) -> None:
        """After a run from 1 to 3 and its rollback all 44 records are there again byte for byte, and no version is."""
        applied = manager(meridian, project).apply()
        assert data(meridian) != ROWS
        report = manager(meridian, project).rollback()
        assert report == ms.RollbackReport(
            database=str(meridian),
            from_version=3,
            to_version=1,
            backup=str(applied.backup),
            collections=["episode", "symbol", "task"],
            records=7,
            later_writes=0,
            seconds=report.seconds,
        )
        assert data(meridian) == ROWS
        assert set(dump(meridian)) == {*ROWS, HISTORY, str(applied.backup).encode()}
        assert [(entry["from_version"], entry["to_version"]) for entry in history(meridian)] == [(1, 2), (2, 3), (3, 1)]
        assert beside(meridian) == ["db.backups", f"db.backups/{applied.backup}"]

    def test_two_runs_back_one_by_one(self, meridian: Path, project: ms.Project) -> None:
        """Two runs are taken back by two rollbacks, the last run first, each byte for byte."""
        first = manager(meridian, project).apply(2)
        between = data(meridian)
        second = manager(meridian, project).apply(3)
        report = manager(meridian, project).rollback()
        assert (report.backup, report.from_version, report.to_version) == (second.backup, 3, 2)
        assert (report.collections, report.records) == (["episode", "symbol"], 2)
        assert data(meridian) == between
        assert dump(meridian)[VERSION] == b"2"
        report = manager(meridian, project).rollback()
        assert (report.backup, report.from_version, report.to_version) == (first.backup, 2, 1)
        assert (report.collections, report.records) == (["task"], 5)
        assert data(meridian) == ROWS
        assert VERSION not in dump(meridian)

    def test_two_runs_back_at_once(self, meridian: Path, project: ms.Project) -> None:
        """A rollback to the backup of the first of two runs takes back both."""
        first = manager(meridian, project).apply(2)
        manager(meridian, project).apply(3)
        report = manager(meridian, project).rollback(first.backup)
        assert (report.from_version, report.to_version, report.records, report.later_writes) == (3, 1, 7, 0)
        assert report.collections == ["episode", "symbol", "task"]
        assert data(meridian) == ROWS

    def test_there_and_back_again(self, meridian: Path, project: ms.Project) -> None:
        """Forth, back, forth and back again: each time the same records."""
        manager(meridian, project).apply()
        there = data(meridian)
        manager(meridian, project).rollback()
        second = manager(meridian, project).apply()
        assert data(meridian) == there
        assert manager(meridian, project).rollback().backup == second.backup
        assert data(meridian) == ROWS
        assert len(manager(meridian, project).backups()) == 2


class TestBytes:
    """What comes back are the bytes that were there."""

    def test_odd_values(self, tmp_path: Path, folder: Folder) -> None:
        """Spellings of numbers and texts, blanks, key order and deep nesting come back as they were."""
        records = {
            b"note:1": b'{"z" : 1.10, "a":123456789012345678901234567890,"m":-0.0,"u":"\\u0041"}',
            b"note:2": b'{"deep":' + b'{"a":[' * 30 + b"1E5" + b"]}" * 30 + b"}\n",
            b"note:\xff\xfe": b'{"schema_version":1 }',
            b"note:": b"{}",
            b"": b"1",
        }
        path = make(tmp_path / "db", records)
        project = folder.spec("note", 1, {"add": {"new": []}}).load()
        manager(path, project).apply()
        assert manager(path, project).rollback().records == 4
        assert data(path) == records

    @pytest.mark.parametrize("stored", [b"1", b" 1\n"])
    def test_the_version(self, stored: bytes, tmp_path: Path, project: ms.Project) -> None:
        """The version comes back as it was stored, blanks included."""
        path = make(tmp_path / "db", {VERSION: stored, b"task:a": task("a")})
        manager(path, project).apply()
        manager(path, project).rollback()
        assert dump(path)[VERSION] == stored

    def test_a_step_that_loses(self, tmp_path: Path, folder: Folder) -> None:
        """What a step takes away for good, and could not bring back itself, the rollback brings back."""
        records = {b"note:1": b'{"a":1,"b":2}', b"note:2": b'{"b":[1.0]}'}
        path = make(tmp_path / "db", records)
        project = folder.spec("note", 1, {"remove": ["a"]}, {"set": {"b": None}}).load()
        manager(path, project).apply()
        assert data(path) == {
            b"note:1": b'{"schema_version":2,"b":null}',
            b"note:2": b'{"schema_version":2,"b":null}',
        }
        assert manager(path, project).rollback().later_writes == 0
        assert data(path) == records


class TestLaterWrites:
    """What was written after the migration is not undone unasked."""

    @pytest.mark.parametrize(
        ("change", "keys", "told"),
        [
            ({b"task:new": task_v2("new")}, [b"task:new"], "1 record was written since the migration: task:new"),
            ({b"task:\xff": b"{}"}, [b"task:\xff"], r"1 record was written since the migration: task:\xff"),
            (
                {b"task:1": task_v2("1", title="edited")},
                [b"task:1"],
                "1 record was written since the migration: task:1",
            ),
            ({b"task:1": b"no JSON"}, [b"task:1"], "1 record was written since the migration: task:1"),
            ({b"task:0": None}, [b"task:0"], "1 record was written since the migration: task:0"),
            (
                {b"task:0": None, b"task:1": b"{}", b"task:9": task("9")},
                [b"task:0", b"task:1", b"task:9"],
                "3 records were written since the migration: task:0, task:1, task:9",
            ),
            (
                {b"task:new%02d" % number: task("x") for number in range(12)},
                [b"task:new%02d" % number for number in range(10)],
                "12 records were written since the migration: "
                + ", ".join(f"task:new{number:02}" for number in range(10))
                + " and 2 more",
            ),
        ],
        ids=["added", "added, not UTF-8", "edited", "made unreadable", "deleted", "all of it", "more than are shown"],
    )
    def test_refused_and_then_undone(
        self, change: dict[bytes, bytes | None], keys: list[bytes], told: str, tmp_path: Path, project: ms.Project
    ) -> None:
        """Records added, edited or deleted since are named and nothing is changed; asked to, a rollback undoes them."""
        path = make(tmp_path / "db", ROWS | {b"task:%d" % number: task(str(number)) for number in range(3)})
        before = dump(path)
        applied = manager(path, project).apply()
        write(path, change)
        after = dump(path)
        with pytest.raises(ms.LaterWrites) as caught:
            manager(path, project).rollback()
        assert str(caught.value) == f"{path}: {told}; rolling back would undo that; pass --yes to do it all the same"
        assert (list(caught.value.keys), caught.value.count) == (keys, len(change))
        assert dump(path) == after
        assert beside(path) == ["db.backups", f"db.backups/{applied.backup}"]
        report = manager(path, project).rollback(undo_later_writes=True)
        assert report.later_writes == len(change)
        assert data(path) == before

    def test_an_edit_that_only_looks_the_same(self, tmp_path: Path, folder: Folder) -> None:
        """A later edit of a large number by one, of a type, or of the last of many digits is seen."""
        path = make(tmp_path / "db", {b"note:%d" % n: b'{"n":123456789012345678901234567890}' for n in range(3)})
        project = folder.spec("note", 1, {"add": {"a": 1}}).load()
        manager(path, project).apply()
        value = data(path)[b"note:0"]
        write(
            path,
            {
                b"note:0": value.replace(b"890", b"891"),
                b"note:1": value.replace(b'"a":1', b'"a":1.0'),
                b"note:2": value.replace(b'"a":1', b'"a":true'),
            },
        )
        with pytest.raises(ms.LaterWrites) as caught:
            manager(path, project).rollback()
        assert list(caught.value.keys) == [b"note:0", b"note:1", b"note:2"]

    def test_put_back_by_hand(self, tmp_path: Path, project: ms.Project) -> None:
        """A record that somebody has put back himself is no later write, as nothing of it is undone."""
        path = make(tmp_path / "db", {b"task:a": task("a"), b"task:b": task("b")})
        manager(path, project).apply()
        write(path, {b"task:a": task("a")})
        assert manager(path, project).rollback().records == 1
        assert data(path) == {b"task:a": task("a"), b"task:b": task("b")}

    def test_other_collections(self, tmp_path: Path, project: ms.Project) -> None:
        """What was added, edited and deleted since in other collections and beside the prefix stays as it is now."""
        others = {b"task9": b"x", b"task;": b"y", b"note:1": b"{}", b"episode:1": b'{"id":"not migrated yet"}'}
        path = make(tmp_path / "db", others | {b"task:a": task("a")})
        manager(path, project).apply(2)
        now = {b"task9": b"edited", b"note:2": b"added", b"episode:1": b"edited", b"episode:2": b"added", b"": b"new"}
        write(path, {**now, b"task;": None})
        assert manager(path, project).rollback().later_writes == 0
        assert data(path) == {**now, b"note:1": b"{}", b"task:a": task("a")}

    def test_between_two_runs(self, tmp_path: Path, folder: Folder) -> None:
        """What was written between two runs is undone only by the rollback to the first, and only when asked."""
        project = folder.spec("note", 1, {"add": {"a": 1}}).spec("note", 2, {"add": {"b": 2}}).load()
        path = make(tmp_path / "db", {b"note:1": b"{}"})
        first = manager(path, project).apply(2)
        write(path, {b"note:2": b'{"schema_version":2,"a":5}'})
        manager(path, project).apply(3)
        with pytest.raises(ms.LaterWrites) as caught:
            manager(path, project).rollback(first.backup)
        assert list(caught.value.keys) == [b"note:2"]
        manager(path, project).rollback()
        assert data(path) == {b"note:1": b'{"schema_version":2,"a":1}', b"note:2": b'{"schema_version":2,"a":5}'}
        manager(path, project).rollback(undo_later_writes=True)
        assert data(path) == {b"note:1": b"{}"}


class TestWhatTheMigrationMade:
    """What the migration itself made of a record is never taken for a later write."""

    def test_a_record_older_than_the_database(self, tmp_path: Path, folder: Folder) -> None:
        """A record that an old program wrote into a migrated database went through both steps, and comes back."""
        project = folder.spec("note", 1, {"add": {"a": 1}}).spec("note", 2, {"add": {"b": 2}}).load()
        path = make(tmp_path / "db", {b"note:1": b"{}"})
        manager(path, project).apply(2)
        write(path, {b"note:2": b"{}", b"note:3": b'{"schema_version":1}'})
        between = data(path)
        manager(path, project).apply(3)
        assert data(path)[b"note:2"] == b'{"schema_version":3,"a":1,"b":2}'
        report = manager(path, project).rollback()
        assert (report.records, report.later_writes) == (3, 0)
        assert data(path) == between

    @pytest.mark.parametrize("stamp", ["schema_version", "meta.v", {"path": "meta.v", "as": "string"}])
    def test_a_stamp_the_schema_asks_for(self, stamp: Any, tmp_path: Path, folder: Folder) -> None:
        """A record that got a stamp and nothing else, as its schema asks for one, comes back."""
        path_of_stamp = stamp if isinstance(stamp, str) else stamp["path"]
        schema: dict[str, Any] = {"type": "object", "required": [path_of_stamp.split(".")[0]]}
        project = folder.spec("doc", 1, {"default": {"a": 1}}, stamp=stamp).schema("doc", 2, schema).load()
        records = {b"doc:1": b'{"a":0}', b"doc:2": b"{}"}
        path = make(tmp_path / "db", records)
        assert manager(path, project).apply().collections == {
            "doc": {"scanned": 2, "migrated": 2, "unchanged": 0, "quarantined": 0}
        }
        assert manager(path, project).rollback().later_writes == 0
        assert data(path) == records

    def test_records_without_a_stamp(self, tmp_path: Path, folder: Folder) -> None:
        """Records that carry no version come back, step by step and all at once."""
        for version in (1, 2):
            folder.spec("bare", version, {"add": {f"f{version}": 0}}, stamp=None)
        project, records = folder.load(), {b"bare:1": b"{}", b"bare:2": b'{"x":1.0}'}
        path = make(tmp_path / "db", records)
        first = manager(path, project).apply(2)
        manager(path, project).apply(3)
        manager(path, project).rollback()
        assert data(path) == {b"bare:1": b'{"f1":0}', b"bare:2": b'{"x":1.0,"f1":0}'}
        manager(path, project).apply(3)
        assert manager(path, project).rollback(first.backup).later_writes == 0
        assert data(path) == records


class TestSpecsThatChanged:
    """A rollback needs the history and the backup, and not the specs."""

    def test_another_project(self, meridian: Path, project: ms.Project, folder: Folder) -> None:
        """A run is taken back although the specs of today know nothing of it."""
        manager(meridian, project).apply()
        strangers = folder.spec("other", 7, {"remove": ["x"]}).load()
        assert manager(meridian, strangers).rollback().to_version == 1
        assert data(meridian) == ROWS

    def test_a_spec_that_means_something_else_now(self, tmp_path: Path, folder: Folder) -> None:
        """A run is taken back although its spec was changed since; no record is mistaken for a later write."""
        path = make(tmp_path / "db", {b"note:1": b'{"a":1}'})
        manager(path, folder.spec("note", 1, {"rename": {"a": "b"}}).load()).apply()
        changed = folder.spec("note", 1, {"remove": ["a"]}, stamp=None).load()
        assert manager(path, changed).rollback().later_writes == 0
        assert data(path) == {b"note:1": b'{"a":1}'}


NOTHING = (
    "no migration with a backup was found, a backup that a migration made was expected; "
    "`migrate-spec history` shows what was done, `migrate-spec backup list` what can be put back"
)


class TestNothingToPutBack:
    """Where there is nothing to put back, that is said, and nothing is written."""

    def test_never_migrated(self, meridian: Path, project: ms.Project) -> None:
        """A database that was never migrated has no backup."""
        before = files(meridian.parent)
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback()
        assert str(caught.value) == NOTHING
        assert files(meridian.parent) == before

    @pytest.mark.parametrize("records", [{}, {b"task:a": task("a")}], ids=["empty", "without a backup"])
    def test_no_backup_was_made(self, records: dict[bytes, bytes], tmp_path: Path, project: ms.Project) -> None:
        """A run over no records, and one that was told to keep no backup, cannot be taken back."""
        path = make(tmp_path / "db", records)
        assert manager(path, project).apply(backup=not records).backup is None
        assert beside(path) == []
        before = files(tmp_path)
        with pytest.raises(ms.BackupError) as caught:
            manager(path, project).rollback()
        assert str(caught.value) == NOTHING
        assert files(tmp_path) == before

    def test_taken_back_already(self, meridian: Path, project: ms.Project) -> None:
        """A backup that was put back is not put back a second time."""
        name = manager(meridian, project).apply().backup
        manager(meridian, project).rollback()
        before = dump(meridian)
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback()
        assert str(caught.value) == NOTHING
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback(name)
        assert str(caught.value) == (
            f"no migration in force with the backup {name!r} was found, a backup that a migration made was expected; "
            "`migrate-spec history` shows what was done, `migrate-spec backup list` what can be put back"
        )
        assert dump(meridian) == before

    def test_an_unknown_name(self, meridian: Path, project: ms.Project) -> None:
        """A name that no backup has is refused."""
        manager(meridian, project).apply()
        before = files(meridian.parent)
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback("_backup_20200101_000000")
        assert str(caught.value) == (
            "no migration in force with the backup '_backup_20200101_000000' was found, "
            "a backup that a migration made was expected; "
            "`migrate-spec history` shows what was done, `migrate-spec backup list` what can be put back"
        )
        assert files(meridian.parent) == before


class TestDamagedBackups:
    """A backup that is not what it was is found out, and nothing is put back."""

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({b"task:gen-a": b"{}"}, "5 records of task"),
            ({b"task:gen-a": None}, "4 records of task"),
            ({b"task:more": b"{}"}, "6 records of task"),
            ({b"symbol:sym-1": b"{}"}, "2 records of symbol"),
        ],
        ids=["altered", "deleted", "added", "of another collection"],
    )
    def test_an_altered_record(
        self, change: dict[bytes, bytes | None], found: str, meridian: Path, project: ms.Project
    ) -> None:
        """A record altered in the backup since is found by its digest."""
        name = manager(meridian, project).apply().backup
        backup = meridian.parent / "db.backups" / str(name)
        manifest = json.loads((backup / "backup.json").read_text())
        write(backup / "database", change)
        before = dump(meridian)
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback(undo_later_writes=True)
        collection = found.rsplit(maxsplit=1)[-1]
        expected = manifest["collections"][collection]
        digest = str(caught.value).split("digest ")[1][:12]
        assert digest != expected["digest"][:12]
        assert str(caught.value) == (
            f"{backup}: {found} with the digest {digest}… were found in {name}, {expected['records']} with the digest "
            f"{expected['digest'][:12]}… were expected, as when it was made; "
            "the backup was changed since"
        )
        assert dump(meridian) == before
        assert beside(meridian) == ["db.backups", f"db.backups/{name}"]

    def test_other_records_do_not_matter(self, meridian: Path, project: ms.Project) -> None:
        """What is altered in the backup of collections that are not put back is neither looked at nor put back."""
        name = manager(meridian, project).apply().backup
        write(meridian.parent / "db.backups" / str(name) / "database", {b"note:1": b"new", b"task;": None})
        manager(meridian, project).rollback()
        assert data(meridian) == ROWS

    def test_a_missing_table_file(self, meridian: Path, project: ms.Project) -> None:
        """A backup that lacks a file is refused."""
        name = manager(meridian, project).apply().backup
        checkpoint = meridian.parent / "db.backups" / str(name) / "database"
        [table] = checkpoint.glob("*.sst")
        table.unlink()
        before = dump(meridian)
        with pytest.raises(ms.CorruptDatabase) as caught:
            manager(meridian, project).rollback()
        assert str(caught.value) == (
            f"{checkpoint}: {table.name} is missing, the database needs every file it names; "
            "run again if another process is writing to it, otherwise put a backup back"
        )
        assert dump(meridian) == before

    def test_a_damaged_block(self, tmp_path: Path, project: ms.Project) -> None:
        """A block of the backup that cannot be read is an error, and not the end of its records."""
        path = make(tmp_path / "db", {b"task:%05d" % number: task(str(number)) for number in range(2000)})
        name = manager(path, project).apply().backup
        checkpoint = path.parent / "db.backups" / str(name) / "database"
        [table] = checkpoint.glob("*.sst")
        content = bytearray(table.read_bytes())
        content[len(content) // 3] ^= 255
        table.unlink()  # it is a link to the database's own file
        table.write_bytes(content)
        before = dump(path)
        with pytest.raises(ms.CorruptDatabase) as caught:
            manager(path, project).rollback(undo_later_writes=True)
        assert str(caught.value).startswith(f"{checkpoint}: {table.name} at offset ")
        assert str(caught.value).endswith(
            " cannot be read, every file must be whole; "
            "put a backup back, or save what is left with `migrate-spec salvage`"
        )
        assert dump(path) == before

    def test_without_its_checkpoint(self, meridian: Path, project: ms.Project) -> None:
        """A backup whose database is gone is refused."""
        name = manager(meridian, project).apply().backup
        checkpoint = meridian.parent / "db.backups" / str(name) / "database"
        shutil.rmtree(checkpoint)
        before = dump(meridian)
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback()
        assert str(caught.value) == (
            f"the backup {name} without a checkpoint was found, a RocksDB in {checkpoint} was expected; "
            "`migrate-spec backup list` shows what there is"
        )
        assert dump(meridian) == before

    @pytest.mark.parametrize("left", ["nothing", "no manifest", "half a manifest"])
    def test_gone(self, left: str, meridian: Path, project: ms.Project) -> None:
        """A backup that was deleted, or has no manifest that can be read, is not there."""
        name = manager(meridian, project).apply().backup
        backup = meridian.parent / "db.backups" / str(name)
        if left == "nothing":
            shutil.rmtree(backup)
        elif left == "no manifest":
            (backup / "backup.json").unlink()
        else:
            (backup / "backup.json").write_text('{"name": "')
        before = dump(meridian)
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback()
        assert str(caught.value) == (f"{backup.parent}: no backup called {name!r} was found, this database has none")
        assert dump(meridian) == before
        assert manager(meridian, project).backups() == []

    def test_another_version(self, meridian: Path, project: ms.Project) -> None:
        """A backup whose database says another version than its manifest is refused."""
        name = manager(meridian, project).apply().backup
        backup = meridian.parent / "db.backups" / str(name)
        write(backup / "database", {VERSION: b"7"})
        before = dump(meridian)
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback()
        assert str(caught.value) == (
            f"{backup}: the version 7 was found in {name}, 1 was expected, as when it was made; "
            "the backup was changed since"
        )
        assert dump(meridian) == before


class TestOpenHandle:
    """A rollback through the handle of an application."""

    def test_through_an_open_handle(self, meridian: Path, project: ms.Project) -> None:
        """The application's own handle is used, stays open and sees the old records."""
        handle = Rdict(str(meridian), raw())
        it = ms.MigrationManager(handle, project)
        it.apply()
        assert handle[VERSION] == b"3"
        it.rollback()
        assert {key: handle[key] for key in ROWS} == ROWS
        assert handle.get(VERSION) is None
        handle[b"task:after"] = b"x"
        handle.close()
        assert data(meridian) == ROWS | {b"task:after": b"x"}

    def test_writes_during_the_rollback(self, meridian: Path, project: ms.Project) -> None:
        """What the application writes while the rollback is under way is not overwritten: the rollback gives up."""
        handle = Rdict(str(meridian), raw())
        it = ms.MigrationManager(handle, project)
        name = it.apply().backup

        def interfere(event: ms.Progress) -> None:
            if event.phase == "finished":
                handle[b"task:gen-a"] = b"edited"

        before = dump(meridian)
        with pytest.raises(ms.DatabaseChanged) as caught:
            it.rollback(undo_later_writes=True, on_progress=interfere)
        assert str(caught.value) == (
            f"{meridian}: writes during the run were found, none were expected between the checkpoint and the swap; "
            "stop what else writes to this database and run again"
        )
        handle.close()
        assert dump(meridian) == before | {b"task:gen-a": b"edited"}
        assert beside(meridian) == ["db.backups", f"db.backups/{name}"]
