"""Salvage: every record outside of the damaged blocks is saved, and it is told where some are lost."""

from __future__ import annotations

from pathlib import Path

import pytest

import migrate_spec as ms
from tests.backups_support import MANY, flip, manager
from tests.cli_support import cli, document
from tests.conftest import HISTORY, VERSION, data, dump, files, make


@pytest.mark.parametrize("spots", [(0.5,), (0.2, 0.5), (0.5, 0.506), (0.5, 0.502, 0.512), (0.001,), (0.93,)], ids=str)
def test_damaged_blocks(spots: tuple[float, ...], tmp_path: Path, project: ms.Project) -> None:
    """Wherever blocks are damaged, all keys that are missing lie in the gaps that are told, and few are missing."""
    path = make(tmp_path / "db", MANY | {b"zz": b"1"})
    [table] = path.glob("*.sst")
    for spot in spots:
        flip(table, spot)
    before = files(path)
    report = manager(path, project).salvage(tmp_path / "new")
    assert files(path) == before
    saved = data(tmp_path / "new")
    assert saved == {key: value for key, value in (MANY | {b"zz": b"1"}).items() if key in saved}
    missing = [key.decode() for key in MANY if key not in saved]
    told = [(loss.after or "", loss.before or "~") for loss in report.losses]
    assert all(any(after < key < before for after, before in told) for key in missing)
    assert all(any(after < key < before for key in missing) for after, before in told)
    assert 0 < len(missing) < 40 * len(spots)
    assert report.records == len(saved)
    assert all(loss.found.startswith(f"{table.name} at offset ") for loss in report.losses)


def test_a_file_that_cannot_be_opened(tmp_path: Path, project: ms.Project) -> None:
    """Where a whole file is lost the others are saved, and that it is lost is told."""
    path = make(tmp_path / "db", MANY, tables=2)
    first, second = sorted(path.glob("*.sst"))
    first.unlink()
    report = manager(path, project).salvage(tmp_path / "new")
    assert set(data(tmp_path / "new")) == set(sorted(MANY)[1500:])
    assert report.left_out == f"{first.name} is missing"
    assert (report.version, dump(tmp_path / "new")[VERSION]) == (None, b"null")
    assert second.exists()
    with pytest.raises(ms.MetadataInvalid):
        manager(tmp_path / "new", project).apply()


def test_nothing_is_damaged(meridian: Path, tmp_path: Path, project: ms.Project) -> None:
    """A whole database is copied as it is, with its version and its history, which tells of it."""
    manager(meridian, project).apply()
    report = manager(meridian, project).salvage(tmp_path / "new")
    assert (report.losses, report.left_out, report.version) == ([], "", 3)
    old, new = dump(meridian), dump(tmp_path / "new")
    assert {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)} == {HISTORY}
    it = manager(tmp_path / "new", project)
    assert it.history().entries[-1].fields["kind"] == "salvage"
    assert it.history().standing() == manager(meridian, project).history().standing()
    assert it.apply().steps == []


def test_never_over_something(meridian: Path, project: ms.Project) -> None:
    """What is there already is not touched; what a killed call left beside it goes all the same."""
    left = meridian.with_name(".db.unfinished-killed")
    left.mkdir()
    with pytest.raises(ms.BackupError, match="something was found"):
        manager(meridian, project).salvage(meridian)
    assert not left.exists()


def test_command(tmp_path: Path) -> None:
    """The command says which keys are lost, in which file, and how many records are saved."""
    path = make(tmp_path / "db", MANY)
    [table] = path.glob("*.sst")
    flip(table, 0.5)
    shown = document("salvage", path, tmp_path / "new")
    [loss] = shown["losses"]
    done = cli("salvage", path, tmp_path / "other")
    lines = done.out.splitlines()
    assert (done.code, lines[0]) == (
        0,
        f"✗ lost: all keys between {loss['after']} and {loss['before']}: {loss['found']}",
    )
    assert lines[-1].startswith(f"✓ {shown['records']:,} records saved in {tmp_path}/other, in ")
