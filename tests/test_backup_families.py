"""Backups of databases with several column families: whole in every one of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import migrate_spec as ms
from tests.backups_support import MANY, flip, manager, tables
from tests.conftest import Folder
from tests.families_support import BEFORE, data, make, write, written


@pytest.fixture
def it(tmp_path: Path, folder: Folder) -> ms.MigrationManager:
    """A manager of a database with four column families."""
    return manager(make(tmp_path / "db"), written(folder))


@pytest.mark.parametrize("how", ["staying", "moving"])
def test_whole(how: str, tmp_path: Path, folder: Folder) -> None:
    """After a migration all families come back, in one swap; only what was written since is told."""
    it = manager(make(tmp_path / "db"), written(folder, moving=how == "moving"))
    backup = it.create_backup()
    assert {name: part.records for name, part in backup.whole.items()} == {
        name: len(records) for name, records in BEFORE.items()
    }
    assert {name: (part.records, part.column_family) for name, part in backup.collections.items()} == {
        "note": (40, "default"),
        "box": (40, "boxes"),
        "user": (40, "users"),
    }
    it.apply()
    write(it.path, "untouched", {b"new": b"1"})
    write(it.path, "users", {b"user:001": None})
    with pytest.raises(ms.LaterWrites) as caught:
        it.restore_backup(backup.name)
    assert caught.value.keys == (b"new", b"user:001")
    it.restore_backup(backup.name, undo_later_writes=True)
    assert data(it.path) == BEFORE
    assert it.version() == 1
    assert it.apply().to_version == 3


def test_one_collection(it: ms.MigrationManager) -> None:
    """A collection comes back in its own family; the same keys elsewhere stay."""
    backup = it.create_backup()
    for family in ("users", "untouched"):
        write(it.path, family, {b"user:1": b"{}", b"user:001": b"{}"})
    report = it.restore_backup(backup.name, ["user"], undo_later_writes=True)
    assert (report.records, it.version(), it.status().swap) == (2, 1, None)
    changed = {b"user:1": b"{}", b"user:001": b"{}"}
    assert data(it.path) == BEFORE | {"untouched": BEFORE["untouched"] | changed}


def test_into_and_archive(it: ms.MigrationManager, tmp_path: Path) -> None:
    """A new database has all families, through an archive, too."""
    backup = it.create_backup()
    it.export_backup(backup.name, tmp_path / "archive")
    shutil.rmtree(tmp_path / "db.backups")
    it.import_backup(tmp_path / "archive")
    it.restore_backup(backup.name, into=tmp_path / "new")
    assert data(tmp_path / "new") == BEFORE


def test_damage(tmp_path: Path, folder: Folder) -> None:
    """A damaged block of any family is found, and so is a record that was changed there."""
    it = manager(make(tmp_path / "db", BEFORE | {"untouched": MANY}), written(folder))
    damaged, changed = it.create_backup(), it.create_backup()
    largest = max(tables(damaged), key=lambda file: file.stat().st_size)
    flip(largest, 0.5)
    write(changed.database, "untouched", {b"task:00001": b"{}"})
    first, second = it.verify_backups()
    assert first.damage.startswith(f"{damaged.database}: {largest.name} at offset ")
    assert second.damage.startswith(f"{changed.path}: 3000 records in column family 'untouched' with the digest ")
