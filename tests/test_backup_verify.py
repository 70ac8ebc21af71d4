"""Backups of a whole database, and how damage of any backup is found."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec.backup import Contents
from tests.backups_support import MANY, flip, manager, manifest, tables
from tests.conftest import HISTORY, ROWS, VERSION, beside, data, dump, files, make, raw, task, write
from tests.test_backup import SEEDS_OWN, digest

NO_UTF8 = {b"\xff\xfe": b"1", b"": b"", b"task:\xff": task("x")}


class TestCreate:
    """A backup that nobody made a migration for."""

    def test_what_it_holds(self, meridian: Path, project: ms.Project) -> None:
        """It holds every key, counted and digested as a whole and by collections; the database gets a note only."""
        backup = manager(meridian, project).create_backup("before the fair")
        assert dump(backup.database) == ROWS
        assert (backup.version, backup.reason, backup.records) == (1, "before the fair", 44)
        assert backup.whole == {"default": Contents("", 44, digest(ROWS))}
        assert {name: (part.records, part.digest) for name, part in backup.collections.items()} == {
            name: (count, digest(ROWS, f"{name}:".encode()))
            for name, count in (("episode", 3), ("symbol", 2), ("task", 5))
        }
        assert manager(meridian, project).backups() == [backup]
        assert set(dump(meridian)) == {*ROWS, backup.name.encode()}
        assert data(meridian) == ROWS
        assert beside(meridian) == ["db.backups", f"db.backups/{backup.name}"]

    def test_keys_that_are_no_text(self, tmp_path: Path, project: ms.Project) -> None:
        """Keys that are no UTF-8, an empty key and an empty value are counted and kept as they are."""
        backup = manager(make(tmp_path / "db", NO_UTF8), project).create_backup()
        assert dump(backup.database) == NO_UTF8
        assert backup.whole["default"].digest == digest(NO_UTF8)
        assert [one.damage for one in manager(tmp_path / "db", project).verify_backups()] == [""]

    def test_an_empty_database(self, tmp_path: Path, project: ms.Project) -> None:
        """A database without any record has a backup, too."""
        backup = manager(make(tmp_path / "db", {}), project).create_backup()
        assert (backup.records, backup.collections, dump(backup.database)) == (0, {}, {})

    def test_several_in_one_second(self, meridian: Path, project: ms.Project) -> None:
        """Each has a name of its own, and they are listed in the order in which they were made."""
        made = [manager(meridian, project).create_backup(str(number)) for number in range(4)]
        assert len({backup.name for backup in made}) == 4
        assert manager(meridian, project).backups() == made

    def test_of_an_open_database(self, meridian: Path, project: ms.Project) -> None:
        """A program that has the database open makes one through its own handle, and writes on meanwhile."""
        handle: Any = Rdict(str(meridian), raw())
        it = ms.MigrationManager(handle, project)
        backup = it.create_backup(on_progress=lambda _: handle.put(b"meanwhile", b"1"))
        assert handle[b"meanwhile"] == b"1"
        assert b"meanwhile" not in dump(backup.database)
        assert [one.ok for one in it.verify_backups()] == [True]
        handle.close()

    def test_while_another_process_writes(self, meridian: Path, project: ms.Project) -> None:
        """Without the lock there is none, and nothing is left."""
        handle = Rdict(str(meridian), raw())
        with pytest.raises(ms.DatabaseLocked):
            manager(meridian, project).create_backup()
        handle.close()
        assert beside(meridian) == []

    def test_a_version_that_nobody_understands(self, meridian: Path, project: ms.Project) -> None:
        """What is wrong with the database's own notes keeps nobody from making a backup of it."""
        write(meridian, {VERSION: b"two", HISTORY: b"none"})
        backup = manager(meridian, project).create_backup()
        assert backup.version is None
        assert dump(backup.database) == {**ROWS, VERSION: b"two", HISTORY: b"none"}
        assert [one.ok for one in manager(meridian, project).verify_backups()] == [True]

    def test_a_damaged_database(self, tmp_path: Path, project: ms.Project) -> None:
        """Of what cannot be read there is no backup; the sentence names the file."""
        path = make(tmp_path / "db", MANY)
        [table] = path.glob("*.sst")
        flip(table, 0.5)
        with pytest.raises(ms.CorruptDatabase, match=rf"^{path}: {table.name} at offset \d+ cannot be read") as caught:
            manager(path, project).create_backup()
        assert beside(path) == []
        assert caught.value.code == "database-corrupt"


class TestVerify:
    """What damages a backup is found and named; when it was verified last is remembered."""

    def test_whole_ones(self, meridian: Path, project: ms.Project) -> None:
        """Whole backups of each kind are found to be whole, and say since when."""
        write(meridian, SEEDS_OWN)
        it = manager(meridian, project)
        created = it.create_backup()
        applied = it.apply().backup
        before = it.backups()
        found = it.verify_backups()
        assert [(one.name, one.records, one.damage) for one in found] == [
            ("_backup_20251019_120500", 2, ""),
            (created.name, 47, ""),
            (applied, 10, ""),
        ]
        moments = [backup.verified_at for backup in it.backups()]
        assert moments == [None, *(one.verified_at for one in found[1:])]
        assert all(
            after > str(earlier.verified_at) for after, earlier in zip(moments[1:], before[1:], strict=True) if after
        )

    def test_only_manifests_are_written(self, meridian: Path, project: ms.Project) -> None:
        """The database and the records of the backup are left alone, to the byte and the time."""
        backup = manager(meridian, project).create_backup()
        seen = files(meridian), files(backup.database)
        manager(meridian, project).verify_backups([backup.name])
        assert (files(meridian), files(backup.database)) == seen

    @pytest.mark.parametrize("at", [0.02, 0.5, 0.9])
    def test_a_damaged_block(self, at: float, tmp_path: Path, project: ms.Project) -> None:
        """A changed bit anywhere is found, the file named; the backup does not count as verified any more."""
        it = manager(make(tmp_path / "db", MANY), project)
        backup = it.create_backup()
        [table] = tables(backup)
        flip(table, at)
        [found] = it.verify_backups()
        assert re.fullmatch(
            rf"{backup.database}: {table.name} at offset \d+ cannot be read, every file must be whole; "
            r"put a backup back, or save what is left with `migrate-spec salvage`",
            found.damage,
        )
        assert not found.ok
        assert it.backups()[0].verified_at is None
        assert data(it.path) == MANY

    def test_all_damaged_blocks(self, tmp_path: Path, project: ms.Project) -> None:
        """Each damaged block is named, also where one follows the other, and in several files."""
        it = manager(make(tmp_path / "db", MANY, tables=3), project)
        backup = it.create_backup()
        first, _, third = tables(backup)
        for table, spots in ((first, (0.3, 0.31, 0.6)), (third, (0.5,))):
            for spot in spots:
                flip(table, spot)
        [found] = it.verify_backups()
        assert [re.sub(r"\d+ cannot", "N cannot", place) for place in found.places] == [
            *[f"{first.name} at offset N cannot be read"] * 3,
            f"{third.name} at offset N cannot be read",
        ]
        assert len(set(found.places)) == 4
        assert found.damage == (
            f"{backup.database}: {', '.join(found.places)}, every file must be whole; put a backup back, or save what "
            "is left with `migrate-spec salvage`"
        )
        report = it.salvage(tmp_path / "new")
        assert report.losses == []  # the database has files of its own where a bit of the backup's was changed

    def test_files_that_do_not_open(self, tmp_path: Path, project: ms.Project) -> None:
        """Of files that RocksDB does not even open each is named."""
        it = manager(make(tmp_path / "db", MANY, tables=4), project)
        backup = it.create_backup()
        names = [table.name for table in tables(backup)[1:3]]
        for table in tables(backup)[1:3]:
            flip(table, 1 - 20 / table.stat().st_size)
        [found] = it.verify_backups()
        assert sorted(place.split()[0] for place in found.places) == names
        assert found.damage.startswith(f"{backup.database}: {', '.join(found.places)}, every file must be whole; ")

    def test_a_damaged_block_elsewhere(self, tmp_path: Path, project: ms.Project) -> None:
        """A block of records that no migration touched is read, too."""
        others = {b"zother:" + key: value for key, value in MANY.items()}
        it = manager(make(tmp_path / "db", {b"task:a": task("a")} | others), project)
        it.apply()
        [backup] = it.backups()
        flip(max(tables(backup), key=lambda file: file.stat().st_size), 0.5)
        [found] = it.verify_backups()
        assert "cannot be read" in found.damage

    def test_a_record_changed(self, meridian: Path, project: ms.Project) -> None:
        """A record that was changed, or is gone, is found by the digest of its collection or of the whole."""
        it = manager(meridian, project)
        for key, what in ((b"task:gen-a", "5 records of task"), (b"file:/odd", "46 records in all")):
            backup = it.create_backup()
            write(backup.database, {key: b"{}"})
            [found] = it.verify_backups([backup.name])
            assert found.damage.startswith(f"{backup.path}: {what} with the digest ")
            assert found.damage.endswith("… were expected, as when it was made; the backup was changed since")

    def test_another_version(self, meridian: Path, project: ms.Project) -> None:
        """A backup whose version was changed is found."""
        it = manager(meridian, project)
        it.apply()
        [backup] = it.backups()
        write(backup.database, {VERSION: b"2"})
        [found] = it.verify_backups()
        assert found.damage == (
            f"{backup.path}: the version 2 was found in {backup.name}, 1 was expected, as when it was made; "
            "the backup was changed since"
        )

    def test_no_database_in_it(self, meridian: Path, project: ms.Project) -> None:
        """A backup whose database is gone is found; one that is whole is verified all the same."""
        it = manager(meridian, project)
        lost, whole = it.create_backup(), it.create_backup()
        database = lost.database
        shutil.rmtree(database)
        assert [(one.name, one.damage) for one in it.verify_backups()] == [
            (
                lost.name,
                f"the backup {lost.name} without a checkpoint was found, a RocksDB in {database} was expected; "
                "`migrate-spec backup list` shows what there is",
            ),
            (whole.name, ""),
        ]

    def test_no_manifest(self, meridian: Path, project: ms.Project) -> None:
        """A folder whose manifest cannot be read is no backup, and is told of."""
        it = manager(meridian, project)
        backup = it.create_backup()
        assert backup.path is not None
        (backup.path / "backup.json").write_text("{")
        assert it.backups() == []
        [found] = it.verify_backups()
        assert (found.name, found.damage) == (
            backup.name,
            f"{backup.path}/backup.json: a manifest that cannot be read was found, "
            "what the backup holds was expected in it; remove the folder, or put the file back from a copy",
        )

    def test_a_lost_database(self, meridian: Path, project: ms.Project) -> None:
        """Where the database is gone its backups are listed and verified all the same."""
        it = manager(meridian, project)
        backup = it.create_backup()
        shutil.rmtree(meridian)
        assert it.backups() == [backup]
        assert [one.ok for one in it.verify_backups()] == [True]
        shutil.rmtree(meridian.with_name("db.backups"))
        with pytest.raises(ms.NotADatabase):
            it.backups()

    def test_a_manifest_of_an_earlier_version(self, meridian: Path, project: ms.Project) -> None:
        """A manifest that says nothing of verifying is that of a backup verified when it was made."""
        it = manager(meridian, project)
        it.apply()
        [backup] = it.backups()
        shown = manifest(backup)
        del shown["whole"], shown["verified_at"]
        assert backup.path is not None
        (backup.path / "backup.json").write_text(json.dumps(shown))
        [found] = it.backups()
        assert (found.verified_at, found.whole) == (backup.created_at, {})
        assert [one.ok for one in it.verify_backups()] == [True]

    def test_an_unknown_name(self, meridian: Path, project: ms.Project) -> None:
        """A name that no backup has is refused, before any is read."""
        backup = manager(meridian, project).create_backup()
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).verify_backups([backup.name, "b"])
        assert str(caught.value) == (
            f"{meridian}.backups: no backup called 'b' was found, one of {backup.name} was expected"
        )

    @pytest.mark.parametrize(
        ("lost", "sentence"),
        [
            (
                "_backup_20251019_120500:task:é",
                "copies of 1 records were found in _backup_20251019_120500, 2 were expected, task:é among them; "
                "the program that made it lost the others",
            ),
        ],
    )
    def test_of_meridian(self, lost: str, sentence: str, tmp_path: Path, project: ms.Project) -> None:
        """Of the backups that Meridian keeps inside the database each copy must be there."""
        path = make(tmp_path / "db", SEEDS_OWN)
        write(path, {lost.encode(): None})
        [found] = manager(path, project).verify_backups()
        assert found.damage == f"{path}: {sentence}"
