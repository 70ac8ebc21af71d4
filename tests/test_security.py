"""What SECURITY.md claims: no code from data, nothing readable by others, and nothing that others put in the way."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import migrate_spec as ms
from tests.cli_support import MERIDIAN, cli, document
from tests.conftest import HISTORY, ROWS, Folder, beside, compact, data, dump, files, make, write

EVIL = """
import pathlib
from migrate_spec import hook
pathlib.Path(__file__).with_name("ran").touch()
@hook
def run(value):
    return value
"""
"""A module of hooks that leaves a trace as soon as it is imported."""


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """A process whose files everybody may read and write, as far as it says nothing else."""
    before = os.umask(0)
    yield
    os.umask(before)


class TestPermissions:
    """Whoever is shut out of the database is shut out of all that is made beside it."""

    @pytest.mark.usefixtures("open_to_all")
    @pytest.mark.parametrize("mode", [0o700, 0o750])
    def test_of_all_that_is_made(self, tmp_path: Path, meridian: Path, project: ms.Project, mode: int) -> None:
        """The staging folder, while a run is under way, and the backups afterwards, whatever the process's umask is."""
        meridian.chmod(mode)
        manager, seen = ms.MigrationManager(meridian, project), set[int]()

        def look(_progress: ms.Progress) -> None:
            folders = [tmp_path / "db.staging", tmp_path / "db.backups"]
            seen.update(folder.stat().st_mode & 0o777 for folder in folders if folder.exists())

        manager.apply(on_progress=look)
        manager.create_backup(on_progress=look)
        manager.rollback(on_progress=look)
        manager.restore_backup(manager.backups()[-1].name, undo_later_writes=True, on_progress=look)
        assert seen == {mode}
        assert (tmp_path / "db.backups").stat().st_mode & 0o777 == mode

    @pytest.mark.usefixtures("open_to_all")
    def test_of_temporary_files(
        self, meridian: Path, project: ms.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is made where the system has its temporary files is its maker's alone, and gone afterwards."""
        place = tmp_path / "temporary"
        place.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(place))
        modes = set[int]()
        manager = ms.MigrationManager(meridian, project)
        manager.scan(on_progress=lambda _: modes.update(path.stat().st_mode & 0o777 for path in place.iterdir()))
        assert modes == {0o700}
        assert list(place.iterdir()) == []


class TestPlanted:
    """Folders with known names that somebody else has made before."""

    @pytest.mark.parametrize("name", ["db.staging", "db.backups"])
    @pytest.mark.parametrize("kind", ["link", "dangling link", "file"])
    def test_a_link_or_a_file(self, meridian: Path, project: ms.Project, tmp_path: Path, name: str, kind: str) -> None:
        """Nothing is read through it, written through it or removed; the sentence names it."""
        elsewhere, planted = tmp_path / "elsewhere", tmp_path / name
        if kind == "file":
            planted.write_text("precious")
        else:
            planted.symlink_to(elsewhere)
        if kind == "link":
            (elsewhere / "backup").mkdir(parents=True)
            (elsewhere / "precious").write_text("kept")
        before = dump(meridian), files(elsewhere) if kind == "link" else None
        for do in (ms.MigrationManager.apply, ms.MigrationManager.create_backup):
            with pytest.raises(ms.UntrustedFolder) as caught:
                do(ms.MigrationManager(meridian, project))
            assert str(caught.value) == (
                f"{meridian}: the {'file' if kind == 'file' else 'link'} {planted} was found, a folder of the "
                "database's owner, or none, was expected; find out who made it, and move it away"
            )
        assert (dump(meridian), files(elsewhere) if kind == "link" else None) == before
        assert planted.is_symlink() == (kind != "file")
        planted.unlink()
        assert ms.MigrationManager(meridian, project).apply().to_version == 3

    @pytest.mark.parametrize("kind", ["link", "dangling link", "file"])
    @pytest.mark.parametrize("is_lost", [False, True])
    def test_an_archive(self, meridian: Path, project: ms.Project, tmp_path: Path, kind: str, *, is_lost: bool) -> None:
        """No backup is imported through a link, also where the database is lost."""
        manager, elsewhere, planted = (
            ms.MigrationManager(meridian, project),
            tmp_path / "elsewhere",
            tmp_path / "db.backups",
        )
        manager.export_backup(manager.create_backup().name, tmp_path / "archive")
        shutil.rmtree(planted)
        if is_lost:
            shutil.rmtree(meridian)
        if kind == "link":
            elsewhere.mkdir()
        if kind == "file":
            planted.write_text("precious")
        else:
            planted.symlink_to(elsewhere)
        with pytest.raises(ms.UntrustedFolder) as caught:
            manager.import_backup(tmp_path / "archive")
        assert str(caught.value) == (
            f"{meridian}: the {'file' if kind == 'file' else 'link'} {planted} was found, a folder of the "
            "database's owner, or none, was expected; find out who made it, and move it away"
        )
        assert planted.is_symlink() == (kind != "file")
        assert not elsewhere.exists() or list(elsewhere.iterdir()) == []
        planted.unlink()
        assert manager.import_backup(tmp_path / "archive").verified_at

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
    def test_backups_of_somebody_else(self, meridian: Path, project: ms.Project, tmp_path: Path) -> None:
        """No backup is opened that somebody else may have made, for whatever it is; what there is can be listed."""
        manager = ms.MigrationManager(meridian, project)
        name = manager.create_backup().name
        os.chown(tmp_path / "db.backups", 12345, -1)
        before = files(tmp_path)
        for do in (
            lambda: manager.restore_backup(name, into=tmp_path / "new"),
            lambda: manager.export_backup(name, tmp_path / "archive"),
            manager.verify_backups,
            lambda: manager.explain("task:gen-a"),
        ):
            with pytest.raises(ms.UntrustedFolder, match="of the user 12345 was found"):
                do()
        assert files(tmp_path) == before
        assert [backup.name for backup in manager.backups()] == [name]

    def test_files_of_a_run_that_never_was(self, meridian: Path, project: ms.Project, tmp_path: Path) -> None:
        """A database that lacks a file is not given one that somebody has laid ready for it."""
        [table, *_] = meridian.glob("*.sst")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        shutil.move(table, elsewhere / table.name)
        (elsewhere / "order.json").write_text(json.dumps([table.name]))
        (tmp_path / "db.staging").symlink_to(elsewhere)
        with pytest.raises(ms.UntrustedFolder):
            ms.MigrationManager(meridian, project).apply()
        assert not table.exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
    @pytest.mark.parametrize("name", ["db.staging", "db.backups"])
    def test_a_folder_of_somebody_else(self, meridian: Path, project: ms.Project, tmp_path: Path, name: str) -> None:
        """What lies in it is not believed: no run uses it, and none removes it."""
        planted = tmp_path / name
        planted.mkdir(mode=0o777)
        (planted / "precious").write_text("kept")
        os.chown(planted, 12345, -1)
        before = files(planted)
        with pytest.raises(ms.UntrustedFolder, match=f"the folder {planted} of the user 12345 was found"):
            ms.MigrationManager(meridian, project).apply()
        assert files(planted) == before
        assert data(meridian) == ROWS
        os.chown(meridian, 12345, -1)  # then it is the owner of the database who made it
        assert ms.MigrationManager(meridian, project).apply().to_version == 3

    def test_a_database_that_is_a_link(self, meridian: Path, project: ms.Project, tmp_path: Path) -> None:
        """The database that the link leads to is worked on: its backups lie beside it, not beside the link."""
        (tmp_path / "links").mkdir()
        link = tmp_path / "links" / "db"
        link.symlink_to(meridian)
        backup = ms.MigrationManager(link, project).apply().backup
        assert beside(meridian) == ["db.backups", f"db.backups/{backup}"]
        assert [path.name for path in (tmp_path / "links").iterdir()] == ["db"]
        assert document("status", link, *MERIDIAN) | {"freshness": 0} == document("status", meridian, *MERIDIAN) | {
            "freshness": 0
        }
        ms.MigrationManager(link, project).rollback()
        assert data(meridian) == ROWS


class TestNoCodeFromData:
    """Records, histories, schemas and archives are data, and stay so."""

    def test_a_spec_in_the_history(self, tmp_path: Path, folder: Folder) -> None:
        """A hook that only the database names is not called, and its module is not even imported."""
        hooks = folder.specs.parent / "hooks"
        hooks.mkdir()
        (hooks / "evil.py").write_text(EVIL)
        folder.spec("note", 1, {"add": {"a": 1}})
        path = make(tmp_path / "db", {b"note:1": b"{}"})
        manager = ms.MigrationManager(path, folder.load())
        manager.apply()
        history = json.loads(dump(path)[HISTORY])
        [spec] = history["migrations"][0]["specs"]
        spec["text"] = json.dumps({**json.loads(spec["text"]), "steps": [{"call": {"a": "evil:run"}}]})
        spec["checksum"] = "0" * 64
        write(path, {HISTORY: compact(history)})
        for words in (["history", "--verify"], ["backup", "list"], ["rollback", "--yes"]):
            cli(*words, path)
        assert not (hooks / "ran").exists()

    @pytest.mark.parametrize("reference", ["http://127.0.0.1:9/x.json", "file:///etc/hostname", "other.json"])
    def test_a_schema_of_elsewhere(self, folder: Folder, reference: str) -> None:
        """A schema is one file: nothing is fetched from the network or read from another one."""
        folder.spec("note", 1, {"add": {"a": 1}}).schema("note", 2, {"$ref": reference})
        with pytest.raises(ms.SpecError, match="is not present in a registry"):
            folder.load()

    @pytest.mark.parametrize(
        "name", ["../evil:run", "/evil:run", "..evil:run", "evil.py:run", "a b:run", ":run", "evil:"]
    )
    def test_a_hook_is_no_path(self, folder: Folder, name: str) -> None:
        """A spec names a module and a function; no path leads out of the folder of hooks."""
        (folder.specs.parent / "evil.py").write_text(EVIL)
        folder.spec("note", 1, {"call": {"a": name}})
        with pytest.raises(ms.SpecError):
            folder.load()
        assert not (folder.specs.parent / "ran").exists()

    def test_the_names_of_temporary_files(self, meridian: Path, project: ms.Project, tmp_path: Path) -> None:
        """They lie in folders that only their maker can look into, or beside the database, and cannot be foretold."""
        names: list[set[str]] = []
        for number in range(2):
            copy = shutil.copytree(meridian, tmp_path / f"copy{number}", ignore=shutil.ignore_patterns("LOCK"))
            found, staged = set[str](), tmp_path / f"copy{number}.staging"

            def look(_: ms.Progress, found: set[str] = found, staged: Path = staged) -> None:
                found.update(path.name for path in staged.glob("*.sst"))

            ms.MigrationManager(copy, project).apply(on_progress=look)
            names.append(found)
        assert all(names)
        assert not names[0] & names[1]
