"""``check_and_migrate``: the one call at an application's start, with a path, an open handle, and from asyncio."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from rocksdict import AccessType, Rdict

import migrate_spec as ms
from tests.conftest import (
    CONFIG,
    HISTORY,
    ROWS,
    SCHEMAS,
    SPECS,
    VERSION,
    Folder,
    beside,
    data,
    dump,
    files,
    make,
    raw,
    task,
    variables,
    write,
)


class TestWithAPath:
    """The database is opened, migrated and closed again."""

    @pytest.mark.parametrize("way", ["a path", "a text", "asyncio"])
    def test_migrates(self, way: str, meridian: Path, project: ms.Project) -> None:
        """An old database is carried to the newest version, and the report says so."""
        if way == "asyncio":
            report = asyncio.run(ms.check_and_migrate_async(meridian, project))
        else:
            report = ms.check_and_migrate(meridian if way == "a path" else str(meridian), project)
        assert (report.database, report.from_version, report.to_version) == (str(meridian), 1, 3)
        assert [step["items_migrated"] for step in report.steps] == [5, 2]
        assert dump(meridian)[VERSION] == b"3"
        ms.MigrationManager(meridian, project).rollback()
        assert data(meridian) == ROWS

    @pytest.mark.parametrize("way", ["a path", "asyncio"])
    def test_a_current_database(self, way: str, meridian: Path, project: ms.Project) -> None:
        """Where the database is current nothing is written: no file and no time of change is another afterwards."""
        ms.check_and_migrate(meridian, project)
        before = files(meridian.parent)
        if way == "asyncio":
            report = asyncio.run(ms.check_and_migrate_async(meridian, project))
        else:
            report = ms.check_and_migrate(meridian, project)
        assert report == ms.ApplyReport(str(meridian), 3, 3)
        assert files(meridian.parent) == before

    def test_a_current_database_that_is_in_use(self, meridian: Path, project: ms.Project) -> None:
        """A current database that somebody has open for writing is no error."""
        ms.check_and_migrate(meridian, project)
        handle = Rdict(str(meridian), raw())
        assert ms.check_and_migrate(meridian, project) == ms.ApplyReport(str(meridian), 3, 3)
        handle.close()

    def test_an_old_database_that_is_in_use(self, meridian: Path, project: ms.Project) -> None:
        """An old database that this process has open is refused, with the advice to pass the handle."""
        handle = Rdict(str(meridian), raw())
        with pytest.raises(ms.DatabaseLocked) as caught:
            ms.check_and_migrate(meridian, project)
        assert str(caught.value) == (
            f"{meridian}: this process has it open for writing already, only one handle can write to it at a time; "
            "close the other handle, or pass that one on instead of the path"
        )
        handle.close()
        assert dump(meridian) == ROWS
        assert beside(meridian) == []

    def test_newer_than_the_program(self, meridian: Path, project: ms.Project) -> None:
        """A program that is older than its database is stopped."""
        write(meridian, {VERSION: b"4"})
        with pytest.raises(ms.DatabaseTooNew):
            ms.check_and_migrate(meridian, project)

    def test_a_relative_path_and_a_link(
        self, meridian: Path, project: ms.Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A path may be relative, and may lead over a symbolic link: the backup lies beside the database itself."""
        (meridian.parent / "links").mkdir()
        link = meridian.parent / "links" / "current"
        link.symlink_to(meridian)
        monkeypatch.chdir(link.parent)
        report = ms.check_and_migrate("current", project)
        assert report.database == str(meridian)
        assert beside(meridian) == ["db.backups", f"db.backups/{report.backup}"]
        assert os.listdir(link.parent) == ["current"]  # noqa: PTH208

    def test_tells_of_progress(self, meridian: Path, project: ms.Project) -> None:
        """The callback is told of the run; of one that is not needed it is told nothing."""
        told: list[str] = []
        ms.check_and_migrate(meridian, project, on_progress=lambda event: told.append(event.phase))
        assert [phase for phase in told if phase != "advanced"] == ["started", "finished"]
        told.clear()
        ms.check_and_migrate(meridian, project, on_progress=lambda event: told.append(event.phase))
        assert told == []


class TestWithAnOpenHandle:
    """The handle of the application is used, and stays open."""

    def test_migrates(self, meridian: Path, project: ms.Project) -> None:
        """The run goes through the handle, which sees its result and can go on writing; the report names the folder."""
        handle = Rdict(str(meridian), raw())
        report = ms.check_and_migrate(handle, project)
        assert (report.database, report.from_version, report.to_version) == (str(meridian), 1, 3)
        assert handle[VERSION] == b"3"
        assert handle[b"task:gen-a"] != ROWS[b"task:gen-a"]
        handle[b"after"] = b"x"
        handle.close()
        assert dump(meridian)[b"after"] == b"x"
        assert beside(meridian) == ["db.backups", f"db.backups/{report.backup}"]
        assert (meridian / CONFIG).exists()  # as the application, which is one of rocksdict, left it

    def test_what_was_not_flushed(self, tmp_path: Path, project: ms.Project) -> None:
        """Records that the application has just written, and not flushed, are migrated and in the backup."""
        handle = Rdict(str(tmp_path / "db"), raw())
        handle[b"task:a"] = task("a")
        report = ms.check_and_migrate(handle, project)
        assert report.collections["task"] == {"scanned": 1, "migrated": 1, "unchanged": 0, "quarantined": 0}
        handle.close()
        assert dump(tmp_path / "db.backups" / str(report.backup) / "database") == {b"task:a": task("a")}

    def test_a_current_database(self, meridian: Path, project: ms.Project) -> None:
        """Where the database is current nothing is written through the handle, and no file changes."""
        ms.check_and_migrate(meridian, project)
        options = raw()
        options.set_disable_auto_compactions(True)  # or RocksDB itself may write, at any time after it opened
        handle = Rdict(str(meridian), options)
        number, before = handle.latest_sequence_number(), files(meridian.parent)
        assert ms.check_and_migrate(handle, project) == ms.ApplyReport(str(meridian), 3, 3)
        assert asyncio.run(ms.check_and_migrate_async(handle, project)) == ms.ApplyReport(str(meridian), 3, 3)
        assert files(meridian.parent) == before
        assert handle.latest_sequence_number() == number
        handle.close()

    def test_from_asyncio(self, meridian: Path, project: ms.Project) -> None:
        """Other tasks of the event loop go on during the run, and the callback is called in the run's own thread."""
        handle = Rdict(str(meridian), raw())
        threads: set[int] = set()
        reached = threading.Event()

        async def main() -> ms.ApplyReport:
            loop, begun = asyncio.get_running_loop(), asyncio.Event()

            def on_progress(event: ms.Progress) -> None:
                threads.add(threading.get_ident())
                if event.phase == "started":
                    loop.call_soon_threadsafe(begun.set)
                    assert reached.wait(60)  # only the event loop, going on, can bring this about

            run = asyncio.create_task(ms.check_and_migrate_async(handle, project, on_progress=on_progress))
            await begun.wait()
            reached.set()
            return await run

        report = asyncio.run(main())
        assert report.to_version == 3
        assert threading.get_ident() not in threads
        assert len(threads) == 1
        handle.close()

    def test_opened_over_a_link(self, meridian: Path, project: ms.Project) -> None:
        """A handle that was opened over a symbolic link and a path finds the same backups."""
        link = meridian.parent / "links" / "current"
        link.parent.mkdir()
        link.symlink_to(meridian)
        handle = Rdict(str(link), raw())
        report = ms.check_and_migrate(handle, project)
        assert report.database == str(meridian)
        handle.close()
        assert beside(meridian) == ["db.backups", f"db.backups/{report.backup}"]
        assert os.listdir(link.parent) == ["current"]  # noqa: PTH208
        ms.MigrationManager(meridian, project).rollback()
        assert data(meridian) == ROWS

    def test_a_handle_for_reading(self, meridian: Path, project: ms.Project) -> None:
        """A handle that was opened for reading cannot carry the run, and nothing is changed."""
        handle = Rdict(str(meridian), raw(), access_type=AccessType.read_only(error_if_log_file_exist=False))
        with pytest.raises(ms.DatabaseReadOnly) as caught:
            ms.check_and_migrate(handle, project)
        assert str(caught.value) == (
            f"{meridian}: it was opened for reading, the work has to write to it; open it for writing"
        )
        handle.close()
        assert dump(meridian) == ROWS
        assert beside(meridian) == []

    def test_a_refused_record(self, meridian: Path, project: ms.Project) -> None:
        """Where a record cannot be carried over the handle stays open, and the database is as it was."""
        handle = Rdict(str(meridian), raw())
        handle[b"task:x"] = b"{"
        number = handle.latest_sequence_number()
        with pytest.raises(ms.RecordRejected):
            ms.check_and_migrate(handle, project)
        assert handle.latest_sequence_number() == number
        assert handle[b"task:gen-a"] == ROWS[b"task:gen-a"]
        handle.close()
        assert dump(meridian) == ROWS | {b"task:x": b"{"}
        assert beside(meridian) == []


class TestAfterAKilledRun:
    """What a killed run left is cleared away at the next start, also where the database is current."""

    def leave(self, path: Path, project: ms.Project) -> str:
        """What a run leaves that was killed between its swap and its end; returns the name of its backup."""
        name = str(ms.check_and_migrate(path, project).backup)
        staging = path.with_name("db.staging")
        staging.mkdir()
        (staging / "task-000000.sst").write_bytes(b"left")
        path.with_name("db.backups").joinpath(name).rename(staging / "backup")
        path.with_name("db.backups").rmdir()
        return name

    @pytest.mark.parametrize("way", ["check_and_migrate", "apply", "an open handle"])
    def test_behind_the_swap(self, way: str, meridian: Path, project: ms.Project) -> None:
        """The checkpoint of a run that had got as far as the swap becomes its backup, and can be put back."""
        name = self.leave(meridian, project)
        if way == "check_and_migrate":
            report = ms.check_and_migrate(meridian, project)
        elif way == "apply":
            report = ms.MigrationManager(meridian, project).apply()
        else:
            handle = Rdict(str(meridian), raw())
            report = ms.check_and_migrate(handle, project)
            handle.close()
        assert report == ms.ApplyReport(str(meridian), 3, 3)
        assert beside(meridian) == ["db.backups", f"db.backups/{name}"]
        assert [backup.name for backup in ms.MigrationManager(meridian, project).backups()] == [name]
        ms.MigrationManager(meridian, project).rollback()
        assert data(meridian) == ROWS

    def test_rollback_at_once(self, meridian: Path, project: ms.Project) -> None:
        """A rollback finds the backup of a killed run without any other call before it."""
        name = self.leave(meridian, project)
        assert ms.MigrationManager(meridian, project).rollback().backup == name
        assert data(meridian) == ROWS
        assert beside(meridian) == ["db.backups", f"db.backups/{name}"]

    def test_before_the_swap(self, meridian: Path, project: ms.Project) -> None:
        """What a run left that had not got as far as the swap is removed, and no backup is made of it."""
        staging = meridian.with_name("db.staging")
        (staging / "backup" / "database").mkdir(parents=True)
        (staging / "backup" / "database" / "CURRENT").write_text("half")
        (staging / "metadata.sst").write_bytes(b"left")
        write(meridian, {VERSION: b"3"})
        ms.check_and_migrate(meridian, project)
        assert beside(meridian) == []

    def test_while_it_was_opened(self, meridian: Path, project: ms.Project) -> None:
        """What a process leaves that was killed while it opened the database is removed; rocksdict's own file stays."""
        ms.check_and_migrate(meridian, project)
        names = {file.name for file in meridian.iterdir() if file.name.startswith(CONFIG)}
        assert names == set()
        (meridian / CONFIG).write_text("{")
        (meridian / f"{CONFIG}.absent").touch()
        assert ms.check_and_migrate(meridian, project) == ms.ApplyReport(str(meridian), 3, 3)
        assert {file.name for file in meridian.iterdir() if file.name.startswith(CONFIG)} == set()
        Rdict(str(meridian), raw()).close()
        before = (meridian / CONFIG).read_bytes()
        ms.MigrationManager(meridian, project).rollback()
        assert (meridian / CONFIG).read_bytes() == before

    def test_while_another_program_has_it_open(self, meridian: Path, project: ms.Project) -> None:
        """Where the database is in use, and current, what was left stays, and the start goes well."""
        name = self.leave(meridian, project)
        handle = Rdict(str(meridian), raw())
        assert ms.check_and_migrate(meridian, project) == ms.ApplyReport(str(meridian), 3, 3)
        handle.close()
        assert beside(meridian) == ["db.staging"]
        ms.check_and_migrate(meridian, project)
        assert beside(meridian) == ["db.backups", f"db.backups/{name}"]


def test_a_new_step_at_every_start(tmp_path: Path, folder: Folder) -> None:
    """A program that grows by a step at a time carries its database along, start by start."""
    path = make(tmp_path / "db", {b"note:1": b"{}"})
    for version in range(1, 6):
        project = folder.spec("note", version, {"add": {f"in_{version + 1}": version}}).load()
        assert ms.check_and_migrate(path, project).to_version == version + 1
        assert ms.check_and_migrate(path, project).steps == []
    assert data(path) == {b"note:1": b'{"schema_version":6,"in_2":1,"in_3":2,"in_4":3,"in_5":4,"in_6":5}'}
    for _ in range(5):
        ms.MigrationManager(path, project).rollback()
    assert data(path) == {b"note:1": b"{}"}


class TestAtTheSameTime:
    """Several processes that start at once on one old database."""

    CODE = (
        "import sys\nimport migrate_spec as ms\n"
        "project, start = ms.load(sys.argv[2], sys.argv[3]), ms.check_and_migrate\n"
        "print('ready', flush=True)\nsys.stdin.read()\n"
        "try:\n    print(start(sys.argv[1], project).from_version)\n"
        "except ms.DatabaseLocked:\n    print('locked')\n"
    )

    def test_one_migrates(self, meridian: Path, project: ms.Project) -> None:
        """One carries the database over; each other finds it locked or current; nothing is done twice or left."""
        command = [sys.executable, "-c", self.CODE, str(meridian), str(SPECS), str(SCHEMAS)]
        with ExitStack() as stack:
            running = [
                stack.enter_context(
                    subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables())
                )
                for _ in range(4)
            ]
            assert [process.stdout.readline() for process in running if process.stdout] == ["ready\n"] * 4
            for process in running:
                assert process.stdin is not None
                process.stdin.close()
            said = [process.stdout.read().strip() for process in running if process.stdout]
        assert said.count("1") == 1
        assert set(said) <= {"1", "3", "locked"}
        assert len(json.loads(dump(meridian)[HISTORY])["migrations"]) == 2
        [backup] = ms.MigrationManager(meridian, project).backups()
        assert beside(meridian) == ["db.backups", f"db.backups/{backup.name}"]
        ms.MigrationManager(meridian, project).rollback()
        assert data(meridian) == ROWS
