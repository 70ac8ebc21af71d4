"""Restoring: what a backup holds comes back in one step, and what was written since is not undone unasked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rocksdict import Rdict

import migrate_spec as ms
from tests.backups_support import MANY, flip, manager, tables
from tests.conftest import (
    DATA,
    HISTORY,
    ROWS,
    VERSION,
    Folder,
    beside,
    compact,
    data,
    dump,
    files,
    make,
    raw,
    task,
    task_v2,
    write,
)
from tests.test_backup import SEEDS_OWN

METADATA = json.loads((DATA / "metadata.json").read_text("utf-8"))
SEEDS_NAME = METADATA["backup"]["index_key"]


def entries(path: Path) -> list[dict[str, Any]]:
    """The entries of the history as stored."""
    found: list[dict[str, Any]] = json.loads(dump(path)[HISTORY])["migrations"]
    return found


class TestWhole:
    """A whole database."""

    def test_what_was_written_since(self, meridian: Path, project: ms.Project) -> None:
        """Records changed, added and deleted since are told, and come back only if that is agreed to."""
        backup = manager(meridian, project).create_backup()
        write(meridian, {b"task:gen-a": b"{}", b"new": b"1", b"episode:e0": None})
        before = dump(meridian)
        with pytest.raises(ms.LaterWrites) as caught:
            manager(meridian, project).restore_backup(backup.name)
        assert str(caught.value) == (
            f"{meridian}: 3 records were written since the backup: episode:e0, new, task:gen-a; "
            "restoring would undo that; pass --yes to do it all the same"
        )
        assert dump(meridian) == before
        report = manager(meridian, project).restore_backup(backup.name, undo_later_writes=True)
        assert report == ms.RestoreReport(str(meridian), 1, 1, backup.name, [], 3, 3, report.seconds)
        assert data(meridian) == ROWS
        assert beside(meridian) == ["db.backups", f"db.backups/{backup.name}"]
        [entry] = entries(meridian)
        assert {
            name: entry[name] for name in ("kind", "from_version", "to_version", "items_migrated", "backup_key")
        } == {
            "kind": "restore",
            "from_version": 1,
            "to_version": 1,
            "items_migrated": 3,
            "backup_key": backup.name,
        }

    def test_nothing_was_written_since(self, meridian: Path, project: ms.Project) -> None:
        """Where all is as in the backup, nobody is asked and no record changes; the history tells of it."""
        backup = manager(meridian, project).create_backup()
        report = manager(meridian, project).restore_backup(backup.name)
        assert (report.records, report.later_writes) == (0, 0)
        assert data(meridian) == ROWS

    @pytest.mark.parametrize("made_by", ["create", "apply"])
    def test_before_a_migration(self, made_by: str, meridian: Path, project: ms.Project) -> None:
        """What migrations since have made is no later write: it goes back with the version, unasked."""
        it = manager(meridian, project)
        name = it.create_backup().name if made_by == "create" else ""
        applied = str(it.apply().backup)
        report = it.restore_backup(name or applied)
        assert (report.from_version, report.to_version, report.records, report.later_writes) == (3, 1, 7, 0)
        assert data(meridian) == ROWS
        assert VERSION not in dump(meridian)
        assert it.history().standing() == []
        assert it.apply().to_version == 3

    def test_other_records_since_a_migration(self, meridian: Path, project: ms.Project) -> None:
        """Unlike a rollback it brings everything back: also what no migration touches."""
        it = manager(meridian, project)
        backup = it.create_backup()
        it.apply()
        write(meridian, {b"file:/new": b"text", b"task:gen-a": b"{}"})
        with pytest.raises(ms.LaterWrites) as caught:
            it.restore_backup(backup.name)
        assert caught.value.keys == (b"file:/new", b"task:gen-a")
        it.restore_backup(backup.name, undo_later_writes=True)
        assert data(meridian) == ROWS

    def test_what_was_kept(self, tmp_path: Path, folder: Folder) -> None:
        """What a migration has kept for the way back goes with it, and comes back with it; nobody wrote it."""
        it = manager(make(tmp_path / "db", {b"note:1": b'{"x":1}'}), folder.spec("note", 1, {"remove": ["x"]}).load())
        before = it.create_backup()
        it.apply()
        after, there = it.create_backup(), dump(it.path)
        for backup, collections, kept in ((before, [], 0), (after, [], 1), (after, ["note"], 1)):
            report = it.restore_backup(backup.name, collections, undo_later_writes=backup == after)
            assert report.later_writes == (1 if report.from_version < report.to_version else 0)
            found = {key: value for key, value in dump(it.path).items() if key.startswith(b"_complement:")}
            assert len(found) == kept
            assert found.items() <= there.items()

    def test_a_later_state(self, meridian: Path, project: ms.Project) -> None:
        """A backup from behind a migration that was rolled back brings the steps into force again."""
        it = manager(meridian, project)
        applied = it.apply()
        backup, there = it.create_backup(), data(meridian)
        standing = it.history().standing()
        it.rollback()
        report = it.restore_backup(backup.name, undo_later_writes=True)
        assert (report.from_version, report.to_version) == (1, 3)
        assert data(meridian) == there
        assert it.version() == 3
        assert it.history().standing() == standing
        assert it.apply().steps == []
        assert it.rollback().backup == applied.backup
        assert data(meridian) == ROWS

    def test_of_another_history(self, meridian: Path, tmp_path: Path, project: ms.Project) -> None:
        """A backup of a database that went another way brings its steps with it; nothing of the history is lost."""
        it = manager(meridian, project)
        other = tmp_path / "other"
        shutil.copytree(meridian, other)
        there = manager(other, project)
        there.apply()
        backup = there.create_backup()
        it.apply(2, backup=False)  # else both backups may have the same name
        assert backup.path is not None
        shutil.copytree(backup.path, tmp_path / "db.backups" / backup.name)
        it.restore_backup(backup.name, undo_later_writes=True)
        assert data(meridian) == data(other)
        assert it.history().standing() == there.history().standing()
        assert [entry["to_version"] for entry in entries(meridian)] == [2, 3]
        assert len(entries(meridian)[1]["brought"]) == 2

    def test_records_that_moved(self, tmp_path: Path, folder: Folder) -> None:
        """Where a migration gave records other keys, and their index entries too, all is as it was, unasked."""
        folder.spec(
            "note",
            1,
            {"map": {"status": {"open": "todo"}}},
            records=[{"rekey": {"from": "note:{id}", "to": "n:{id}"}}],
            indexes={"status": "idx:{status}:{id}"},
        )
        records = {
            b"note:1": compact({"id": "1", "status": "open"}),
            b"idx:open:1": b"1",
            b"other": b"x",
        }
        path = make(tmp_path / "db", records)
        it = manager(path, folder.load())
        backup = it.create_backup()
        it.apply()
        assert set(data(path)) == {b"n:1", b"idx:todo:1", b"other"}
        assert it.restore_backup(backup.name).later_writes == 0
        assert data(path) == records

    def test_a_broken_version_and_history(self, meridian: Path, project: ms.Project) -> None:
        """What the system notes about itself is mended where nobody understands it any more."""
        it = manager(meridian, project)
        it.apply()
        backup = it.create_backup()
        there = data(meridian)
        write(meridian, {VERSION: b"three", HISTORY: b"gone"})
        it.restore_backup(backup.name)
        assert (it.version(), data(meridian)) == (3, there)
        assert [entry.to_version for entry in it.history().standing()] == [2, 3]

    def test_keys_that_are_no_text(self, tmp_path: Path, project: ms.Project) -> None:
        """Keys of any bytes come back, among them the first and the last that there can be."""
        records = {b"": b"", b"\xff" * 9: b"1", b"\x00": b"\x00", b"task:\xff": task("x"), b"_schema_versio": b"1"}
        path = make(tmp_path / "db", records)
        backup = manager(path, project).create_backup()
        write(path, {b"": b"2", b"\xff" * 9: None, b"\xfe": b"x", b"_schema_version_of": b"y"})
        assert manager(path, project).restore_backup(backup.name, undo_later_writes=True).records == 4
        assert data(path) == records

    def test_a_damaged_backup(self, tmp_path: Path, project: ms.Project) -> None:
        """Nothing is restored from a backup that is damaged, not even what could be read."""
        it = manager(make(tmp_path / "db", MANY), project)
        backup = it.create_backup()
        [table] = tables(backup)
        flip(table, 0.5)
        before = files(it.path)
        for into in (None, tmp_path / "new"):
            with pytest.raises(ms.CorruptDatabase, match=f"{table.name} at offset"):
                it.restore_backup(backup.name, into=into, undo_later_writes=True)
        assert {name for name in files(it.path) if name.endswith(".sst")} == {n for n in before if n.endswith(".sst")}
        assert data(it.path) == MANY
        assert not (tmp_path / "new").exists()
        assert [file.name for file in tmp_path.glob(".new*")] == []

    def test_an_open_database(self, meridian: Path, project: ms.Project) -> None:
        """A program restores through its own handle, and sees the old records at once."""
        handle: Any = Rdict(str(meridian), raw())
        it = ms.MigrationManager(handle, project)
        backup = it.create_backup()
        handle[b"task:gen-a"] = b"{}"
        it.restore_backup(backup.name, undo_later_writes=True)
        assert handle[b"task:gen-a"] == ROWS[b"task:gen-a"]
        handle.close()

    def test_written_meanwhile(self, meridian: Path, project: ms.Project) -> None:
        """Where the program writes on while a restore goes on, nothing is restored."""
        handle: Any = Rdict(str(meridian), raw())
        it = ms.MigrationManager(handle, project)
        backup = it.create_backup()
        with pytest.raises(ms.DatabaseChanged):
            it.restore_backup(backup.name, undo_later_writes=True, on_progress=lambda _: handle.put(b"meanwhile", b"1"))
        handle.close()
        assert data(meridian) == ROWS | {b"meanwhile": b"1"}

    def test_an_unknown_name(self, meridian: Path, project: ms.Project) -> None:
        """A name that no backup has is refused."""
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).restore_backup("b")
        assert str(caught.value) == f"{meridian}.backups: no backup called 'b' was found, this database has none"
        assert beside(meridian) == []


KEYS = st.one_of(st.binary(max_size=3), st.sampled_from([b"task:a", b"task:b", b"_schema_versio", b"_z"]))
CHANGES = st.dictionaries(KEYS, st.one_of(st.none(), st.binary(max_size=3)), max_size=12)


@given(before=st.dictionaries(KEYS, st.binary(max_size=3), max_size=12), changes=CHANGES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_records(
    before: dict[bytes, bytes],
    changes: dict[bytes, bytes | None],
    project: ms.Project,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whatever was written since: all of it is told, and the database is the backup afterwards, byte for byte."""
    path = make(tmp_path_factory.mktemp("any") / "db", before)
    it = manager(path, project)
    backup = it.create_backup()
    write(path, changes)
    differing = {key for key in {*before, *changes} if before.get(key) != changes.get(key, before.get(key))}
    if differing:
        with pytest.raises(ms.LaterWrites) as caught:
            it.restore_backup(backup.name)
        assert caught.value.count == len(differing)
        assert set(caught.value.keys) <= differing
    assert it.restore_backup(backup.name, undo_later_writes=True).records == len(differing)
    assert data(path) == before


class TestCollections:
    """Single collections."""

    def test_only_its_records(self, meridian: Path, project: ms.Project) -> None:
        """Of one collection the records come back; all other records stay, later writes among them."""
        it = manager(meridian, project)
        backup = it.create_backup()
        write(meridian, {b"task:gen-a": b"{}", b"task:new": b"{}", b"episode:e0": b"{}", b"file:/x": b"y"})
        with pytest.raises(ms.LaterWrites) as caught:
            it.restore_backup(backup.name, ["task"])
        assert caught.value.keys == (b"task:gen-a", b"task:new")
        report = it.restore_backup(backup.name, ["task"], undo_later_writes=True)
        assert (report.collections, report.records, report.later_writes) == (["task"], 2, 2)
        assert data(meridian) == ROWS | {b"episode:e0": b"{}", b"file:/x": b"y"}
        assert [(entry["kind"], entry["restored"]) for entry in entries(meridian)] == [("restore", ["task"])]
        assert it.history().standing() == []

    def test_of_the_same_shape(self, meridian: Path, project: ms.Project) -> None:
        """A collection that no step between the two versions touches is restored; the version and all steps stay."""
        it = manager(meridian, project)
        it.apply(2)
        backup = it.create_backup()
        it.apply(3)
        standing = it.history().standing()
        write(meridian, {b"task:gen-a": None})
        report = it.restore_backup(backup.name, ["task"], undo_later_writes=True)
        assert (report.from_version, report.to_version, report.records) == (3, 3, 1)
        assert json.loads(data(meridian)[b"task:gen-a"])["schema_version"] == 2
        assert it.history().standing() == standing
        assert it.rollback().to_version == 2

    def test_of_another_shape(self, meridian: Path, project: ms.Project) -> None:
        """A collection that a step between touches is refused, whatever the step is known from."""
        applied = manager(meridian, project).apply().backup
        before = dump(meridian)
        nothing_known = ms.Project(ms.MigrationRegistry())
        for it in (manager(meridian, project), manager(meridian, nothing_known)):
            with pytest.raises(ms.BackupError) as caught:
                it.restore_backup(str(applied), ["task"], undo_later_writes=True)
            assert str(caught.value) == (
                f"{meridian}: records of task of version 1 were found in {applied}, those of version 3 have another "
                "shape since v1→v2; restore the whole database, or go to that version first"
            )
        assert dump(meridian) == before

    def test_with_its_index(self, tmp_path: Path, folder: Folder) -> None:
        """The entries of an index come back with the records, and those of later records go."""
        folder.spec("note", 1, {"map": {"s": {"a": "b"}}}, indexes={"s": "idx:{s}:{id}"})
        records = {b"note:1": compact({"id": "1", "s": "a"}), b"idx:a:1": b"1", b"idx:a:x": b"of another"}
        path = make(tmp_path / "db", records)
        it = manager(path, folder.load())
        backup = it.create_backup()
        write(
            path,
            {
                b"note:1": compact({"id": "1", "s": "c"}),
                b"idx:a:1": None,
                b"idx:c:1": b"1",
                b"note:2": compact({"id": "2", "s": "a"}),
                b"idx:a:2": b"1",
            },
        )
        assert it.restore_backup(backup.name, ["note"], undo_later_writes=True).records == 2
        assert data(path) == records

    def test_an_unknown_one(self, meridian: Path, project: ms.Project) -> None:
        """A collection that neither the backup nor the project tells of is refused."""
        backup = manager(meridian, project).create_backup()
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).restore_backup(backup.name, ["task", "note"])
        assert str(caught.value) == (
            f"{backup.name}: the collection 'note' was found, one of episode, symbol, task was expected; "
            "name the folder of specs with --specs if it is one of these"
        )


class TestInto:
    """A new database."""

    @pytest.mark.parametrize("how", ["whole", "lost", "damaged"])
    def test_a_database(self, how: str, meridian: Path, tmp_path: Path, project: ms.Project) -> None:
        """Whatever became of the old one, the new one has every record, the version, and tells where it is from."""
        it = manager(meridian, project)
        it.apply(2)
        backup, there = it.create_backup(), data(meridian)
        if how == "lost":
            shutil.rmtree(meridian)
        elif how == "damaged":
            (meridian / "CURRENT").write_text("MANIFEST-999999\n")
        kept = files(backup.database)
        report = it.restore_backup(backup.name, into=tmp_path / "new")
        assert report == ms.RestoreReport(
            str(tmp_path / "new"), 2, 2, backup.name, [], backup.records, 0, report.seconds
        )
        new = manager(tmp_path / "new", project)
        assert data(new.path) == there
        assert [entry.fields.get("kind") for entry in new.history().entries] == ["apply", "restore"]
        assert new.apply().to_version == 3
        assert files(backup.database) == kept
        assert [one.ok for one in it.verify_backups([backup.name])] == [True]
        assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []

    @pytest.mark.parametrize("there", ["folder", "file", "link"])
    def test_never_over_something(self, there: str, meridian: Path, tmp_path: Path, project: ms.Project) -> None:
        """What exists already, be it an empty folder or a link to nowhere, is never touched; what was left goes."""
        backup = manager(meridian, project).create_backup()
        new, left = tmp_path / "new", tmp_path / ".new.unfinished-killed"
        left.mkdir()
        if there == "folder":
            new.mkdir()
        elif there == "file":
            new.touch()
        else:
            new.symlink_to("nowhere")
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).restore_backup(backup.name, into=new)
        assert str(caught.value) == f"{new}: something was found, a name that is free was expected; choose another one"
        assert not left.exists()

    def test_no_room_for_it(self, meridian: Path, tmp_path: Path, project: ms.Project) -> None:
        """A folder in a folder that is not there is refused, and nothing is made."""
        backup = manager(meridian, project).create_backup()
        with pytest.raises(ms.DatabaseError, match=f"^{tmp_path}/none/new: the work on it failed"):
            manager(meridian, project).restore_backup(backup.name, into=tmp_path / "none" / "new")
        assert not (tmp_path / "none").exists()


class TestOfMeridian:
    """The backups that Meridian's own system keeps inside the database."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """A database that Meridian has migrated, with its backup inside."""
        history = METADATA["history"]["one_failed_one_done"].encode()
        records = {b"task:a": task_v2("a"), b"task:new": task_v2("new"), b"episode:e0": ROWS[b"episode:e0"]}
        return make(tmp_path / "db", {**SEEDS_OWN, **records, VERSION: b"2", HISTORY: history})

    def test_restored(self, path: Path, project: ms.Project) -> None:
        """Its records come back, later ones of the prefix go, with the version from before; all else stays."""
        it = manager(path, project)
        with pytest.raises(ms.LaterWrites) as caught:
            it.restore_backup(SEEDS_NAME)
        assert caught.value.keys == (b"task:a", b"task:new", "task:é".encode())
        report = it.restore_backup(SEEDS_NAME, undo_later_writes=True)
        assert (report.from_version, report.to_version, report.collections) == (2, 1, ["task:"])
        found = dump(path)
        assert {key: found[key] for key in found if key.startswith((b"task", b"episode"))} == {
            b"task:a": task("a"),
            "task:é".encode(): task("é"),
            b"episode:e0": ROWS[b"episode:e0"],
        }
        assert {key: found[key] for key in SEEDS_OWN} == SEEDS_OWN
        assert found[VERSION] == b"1"
        assert it.apply().to_version == 3

    def test_after_steps_of_ours(self, path: Path, project: ms.Project) -> None:
        """Where steps came later that touched more, these must be rolled back first."""
        it = manager(path, project)
        it.apply()
        with pytest.raises(ms.BackupError) as caught:
            it.restore_backup(SEEDS_NAME, undo_later_writes=True)
        assert str(caught.value) == (
            f"{path}: version 3 was found, the version before or after the step that the backup was made for was "
            "expected; roll back what came later first"
        )
        it.rollback()
        assert it.restore_backup(SEEDS_NAME, undo_later_writes=True).to_version == 1

    def test_without_its_history(self, path: Path, project: ms.Project) -> None:
        """Where nobody knows which version its records have, they are not put back."""
        write(path, {HISTORY: None})
        with pytest.raises(ms.BackupError) as caught:
            manager(path, project).restore_backup(SEEDS_NAME, undo_later_writes=True)
        assert str(caught.value) == (
            f"{path}: version 2 was found, a step in the history that {SEEDS_NAME} was made for was expected; "
            "put its records back by hand"
        )

    def test_another_collection(self, path: Path, project: ms.Project) -> None:
        """It holds one prefix only."""
        with pytest.raises(ms.BackupError) as caught:
            manager(path, project).restore_backup(SEEDS_NAME, ["episode"])
        assert str(caught.value) == (
            f"{SEEDS_NAME}: the collection 'episode' was found, 'task:' was expected, as the backup holds nothing else"
        )

    def test_into(self, path: Path, tmp_path: Path, project: ms.Project) -> None:
        """It is no database of its own."""
        with pytest.raises(ms.BackupError, match=f"^the backup {SEEDS_NAME} without a checkpoint was found"):
            manager(path, project).restore_backup(SEEDS_NAME, into=tmp_path / "new")

    def test_keys_that_are_no_text(self, tmp_path: Path, project: ms.Project) -> None:
        """A key that Meridian could not write down is known again from the database, and refused where it is not."""
        name, shown = "_backup_20251019_120500", "task:\ufffd"
        inside = {
            name.encode(): compact({"timestamp": "t", "prefix": "task:", "item_count": 1, "keys": [shown]}),
            f"{name}:{shown}".encode(): task("1"),
        }
        path = make(tmp_path / "db", inside | {b"task:\xff": task("changed")})
        it = manager(path, project)
        it.restore_backup(name, undo_later_writes=True)
        assert {key: value for key, value in data(path).items() if key.startswith(b"task")} == {b"task:\xff": task("1")}
        write(path, {b"task:\xfe": task("2")})
        before = dump(path)
        with pytest.raises(ms.BackupError) as caught:
            it.restore_backup(name, undo_later_writes=True)
        assert str(caught.value) == (
            f"{path}: the key {shown} was found in {name}, which was no UTF-8 before, one record in the database whose "
            "key reads like it was expected, to know it from; put the record back by hand"
        )
        assert dump(path) == before
