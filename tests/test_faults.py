"""Damage, locks, missing rights and full disks: each is said in a sentence, and the database is as it was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from tests.conftest import (
    ROWS,
    SCHEMAS,
    SPECS,
    VERSION,
    Folder,
    beside,
    data,
    dump,
    files,
    in_use,
    make,
    named,
    python,
    raw,
    task,
    write,
)

CALLS: dict[str, Callable[[ms.MigrationManager], object]] = {
    "apply": lambda it: it.apply(),
    "scan": lambda it: it.scan(),
    "plan": lambda it: it.plan(),
    "status": lambda it: it.status(),
    "rollback": lambda it: it.rollback(),
    "backups": lambda it: it.backups(),
}


class TestDamage:
    """A block that cannot be read."""

    def damaged(self, path: Path) -> tuple[Path, str]:
        """A database of 20,000 tasks in one table file, of which a byte in the middle was flipped."""
        make(
            path, {b"task:%05d" % number: task(f"{number:05}", title=f"{number * 7919:x}") for number in range(20_000)}
        )
        [table] = path.glob("*.sst")
        content = bytearray(table.read_bytes())
        content[len(content) // 2] ^= 1
        table.write_bytes(content)
        return path, table.name

    def test_in_the_middle(self, tmp_path: Path, project: ms.Project) -> None:
        """A run and a scan over it say which file is damaged and where; nothing is changed and nothing is left."""
        path, table = self.damaged(tmp_path / "db")
        handle = Rdict(str(path), raw())
        assert 5000 < len(list(handle.keys())) < 15_000  # this is why: rocksdict itself says nothing
        handle.close()
        tables = {file.name: file.read_bytes() for file in path.glob("*.sst")}
        sentences = set()
        for do in ("apply", "scan"):
            with pytest.raises(ms.CorruptDatabase) as caught:
                CALLS[do](ms.MigrationManager(path, project))
            sentences.add(str(caught.value))
        [sentence] = sentences
        assert sentence.startswith(f"{path}: {table} at offset ")
        assert sentence.removeprefix(f"{path}: {table} at offset ").lstrip("0123456789") == (
            " cannot be read, every file must be whole; "
            "put a backup back, or save what is left with `migrate-spec salvage`"
        )
        assert {file.name: file.read_bytes() for file in path.glob("*.sst")} == tables
        assert beside(path) == []
        assert ms.MigrationManager(path, project).version() == 1

    def test_a_missing_file(self, meridian: Path, project: ms.Project) -> None:
        """A database that lacks a table file is not migrated, and not mended."""
        [table] = meridian.glob("*.sst")
        table.unlink()
        before = files(meridian.parent)
        for do in ("apply", "status"):
            with pytest.raises(ms.CorruptDatabase) as caught:
                CALLS[do](ms.MigrationManager(meridian, project))
            assert str(caught.value) == (
                f"{meridian}: {table.name} is missing, the database needs every file it names; "
                "run again if another process is writing to it, otherwise put a backup back"
            )
        assert files(meridian.parent) == before


class TestInUse:
    """Another process has the database open."""

    def test_writing_is_refused(self, meridian: Path, project: ms.Project) -> None:
        """A run and a rollback are refused, and nothing is changed; once it is free they work."""
        ms.MigrationManager(meridian, project).apply(2)
        names, before = beside(meridian), dump(meridian)
        with in_use(meridian) as program:
            for do in ("apply", "rollback"):
                with pytest.raises(ms.DatabaseLocked) as caught:
                    CALLS[do](ms.MigrationManager(meridian, project))
                assert str(caught.value) == (
                    f"{meridian}: {named(program)} has it open for writing, only one process can write to it at a "
                    "time; stop that process, or wait for it with --wait"
                )
            assert beside(meridian) == names
        assert dump(meridian) == before
        ms.MigrationManager(meridian, project).rollback()
        assert data(meridian) == ROWS

    def test_reading_works_beside_it(self, meridian: Path, project: ms.Project) -> None:
        """Plan, scan and status work beside a running program, and do not disturb it."""
        with in_use(meridian):
            before = files(meridian.parent)
            it = ms.MigrationManager(meridian, project)
            assert it.status().current_version == 1
            assert it.scan().collections["task"] == {"scanned": 5, "migrated": 5, "unchanged": 0, "quarantined": 0}
            assert it.plan().to_version == 3
            assert files(meridian.parent) == before


class TestNoDatabase:
    """What is no database is not made one."""

    @pytest.mark.parametrize("do", CALLS)
    @pytest.mark.parametrize(
        ("kind", "sentence"),
        [
            ("missing", "there is no such folder; check the path; nothing was created"),
            ("file", "it is a file, a database is a folder; check the path; nothing was created"),
            (
                "empty folder",
                "there is no file CURRENT in it, every RocksDB has one; check the path; nothing was created",
            ),
            (
                "other files",
                "there is no file CURRENT in it, every RocksDB has one; check the path; nothing was created",
            ),
        ],
    )
    def test_refused(self, kind: str, sentence: str, do: str, tmp_path: Path, project: ms.Project) -> None:
        """A missing path, a file and another folder are refused; nothing is created."""
        path = tmp_path / "db"
        if kind == "file":
            path.write_text("x")
        elif kind in {"empty folder", "other files"}:
            path.mkdir()
            if kind == "other files":
                (path / "000001.sst").write_text("x")
        before = files(tmp_path)
        with pytest.raises(ms.NotADatabase) as caught:
            CALLS[do](ms.MigrationManager(path, project))
        assert str(caught.value) == f"{path}: {sentence}"
        assert files(tmp_path) == before


RUN = """
import sys
import migrate_spec as ms
it = ms.MigrationManager(sys.argv[1], ms.load(sys.argv[2], sys.argv[3]))
for do in sys.argv[4:]:
    try:
        print(do, getattr(it, do)().to_version)
    except ms.MigrateSpecError as error:
        print(type(error).__name__, error)
"""


class TestWithoutRights:
    """Folders that this user may not write."""

    def run(self, path: Path, under: tuple[str, ...], *calls: str) -> list[str]:
        """What the calls say in a process without any rights of root."""
        return python(RUN, path, SPECS, SCHEMAS, *calls, under=under).splitlines()

    def test_beside_the_database(self, meridian: Path, unprivileged: tuple[str, ...], project: ms.Project) -> None:
        """Where nothing can be made beside the database, neither run nor rollback begins."""
        ms.MigrationManager(meridian, project).apply(2)
        names, before = beside(meridian), dump(meridian)
        meridian.parent.chmod(0o555)
        said = self.run(meridian, unprivileged, "apply", "rollback", "scan")
        meridian.parent.chmod(0o755)
        told = (
            f"DatabaseReadOnly {meridian}: the folder {meridian.parent} that cannot be written was found, "
            "room for a staging folder beside the database was expected; run as the user that owns it"
        )
        assert said == [told, told, "scan 3"]
        assert (beside(meridian), dump(meridian)) == (names, before)

    def test_in_the_database(self, meridian: Path, unprivileged: tuple[str, ...]) -> None:
        """Where the database's own folder cannot be written the run does not begin; a scan works."""
        before = files(meridian.parent)
        meridian.chmod(0o555)
        said = self.run(meridian, unprivileged, "apply", "scan")
        meridian.chmod(0o755)
        assert said == [
            (
                f"DatabaseReadOnly {meridian}: the operating system denies this user access, "
                "the work needs the folder and every file in it; run as their owner or correct their permissions"
            ),
            "scan 3",
        ]
        assert files(meridian.parent) == before

    def test_in_the_folder_of_backups(self, meridian: Path, unprivileged: tuple[str, ...]) -> None:
        """Where the folder of backups cannot be written the run does not begin: after the swap it would be too late."""
        backups = meridian.with_name("db.backups")
        backups.mkdir()
        (backups / "other").mkdir()
        backups.chmod(0o555)
        before = dump(meridian)
        said = self.run(meridian, unprivileged, "apply")
        backups.chmod(0o755)
        assert said == [
            (
                f"DatabaseReadOnly {meridian}: the folder {backups} that cannot be written was found, "
                "room for the backup was expected; run as the user that owns it"
            )
        ]
        assert dump(meridian) == before
        assert beside(meridian) == ["db.backups", "db.backups/other"]

    def test_on_a_read_only_file_system(self, meridian: Path, mounts: tuple[str, ...]) -> None:
        """On a file system that is mounted for reading a run does not begin; a scan works."""
        folder = meridian.parent
        before = files(folder)
        under = (*mounts, f'mount --bind -o ro "{folder}" "{folder}" && exec "$@"', "sh")
        assert self.run(meridian, under, "apply", "scan") == [
            (
                f"DatabaseReadOnly {meridian}: the file system is read-only, the work has to write there; "
                "mount it for writing or work on a copy of the database"
            ),
            "scan 3",
        ]
        assert files(folder) == before

    def test_a_database_that_is_a_mount(self, meridian: Path, mounts: tuple[str, ...]) -> None:
        """A database on a file system of its own, as a container's volume is, is migrated and rolled back."""
        target = meridian.parent / "volume"
        target.mkdir()
        script = f'mount -t tmpfs none "{target}" && cp -r "{meridian}"/. "{target}" && exec "$@"'
        code = (
            RUN + "from tests.conftest import ROWS, beside, data\nfrom pathlib import Path\npath = Path(sys.argv[1])\n"
        )
        code += "print(data(path) == ROWS, [name.split('/')[0] for name in beside(path)])"
        said = python(code, target, SPECS, SCHEMAS, "apply", "rollback", under=(*mounts, script, "sh")).splitlines()
        assert said == ["apply 3", "rollback 1", "True ['volume.backups', 'volume.backups']"]


FULL = """
import os, sys
from pathlib import Path
import migrate_spec as ms
from tests.conftest import beside, dump

path, when = Path(sys.argv[1]), sys.argv[4]
it, filler = ms.MigrationManager(path, ms.load(sys.argv[2], sys.argv[3])), path.parent / "filler"


def fill(left):
    with filler.open("wb", buffering=0) as file:
        try:
            while os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize > left:
                file.write(bytes(4096))
        except OSError:
            pass


def on_progress(event):
    if event.phase == when:
        fill(0)


before = dump(path)
if when == "before":
    fill(1_000_000)
try:
    print(it.apply(on_progress=on_progress).to_version)
except ms.MigrateSpecError as error:
    print(type(error).__name__, error)
print(dump(path) == before, beside(path))
filler.unlink(missing_ok=True)
try:
    print(it.apply(backup=False).to_version, beside(path))
except ms.MigrateSpecError as error:
    print(type(error).__name__, error)
"""


class TestFullDisk:
    """A disk without room, made of a small file system of its own."""

    def run(self, tmp_path: Path, mounts: tuple[str, ...], project: Folder, when: str) -> list[str]:
        """What a run says on a disk of 12 MB, of which the database takes a third, that is full at a moment."""
        texts = (hashlib.shake_256(b"%d" % number).hexdigest(320).encode() for number in range(5000))
        make(tmp_path / "db", {b"note:%05d" % number: b'{"text":"%s"}' % text for number, text in enumerate(texts)})
        small = tmp_path / "small"
        small.mkdir()
        script = f'mount -t tmpfs -o size=12m none "{small}" && cp -r "{tmp_path}/db" "{small}" && exec "$@"'
        under = (*mounts, script, "sh")
        return python(FULL, small / "db", project.specs, project.schemas, when, under=under).splitlines()

    def test_seen_before_the_run(self, tmp_path: Path, mounts: tuple[str, ...], folder: Folder) -> None:
        """Where the new records would not fit beside the old ones that is said before anything is written."""
        said, *rest = self.run(tmp_path, mounts, folder.spec("note", 1, {"add": {"a": 1}}), "before")
        numbers = [int(number.replace(",", "")) for number in re.findall(r" ([\d,]+) ", said)]
        assert re.sub(r" [\d,]+ ", " N ", said) == (
            f"NoSpace {tmp_path}/small/db: N bytes of free space were found, at least about N were expected, "
            "for the new records beside the old ones; make room and run again"
        )
        [table] = (tmp_path / "db").glob("*.sst")
        assert numbers[0] < 1_000_000 < table.stat().st_size == numbers[1]
        assert rest == ["True []", "2 []"]

    def test_in_the_middle(self, tmp_path: Path, mounts: tuple[str, ...], folder: Folder) -> None:
        """A disk that is full in the middle, as the new records are larger than the old ones, is told from all else."""
        grown = hashlib.shake_256(b"grown").hexdigest(2000)
        assert self.run(tmp_path, mounts, folder.spec("note", 1, {"add": {"a": grown}}), "never") == [
            f"NoSpace {tmp_path}/small/db: the disk is full, the work needs more room; make room and run again",
            "True []",
            f"NoSpace {tmp_path}/small/db: the disk is full, the work needs more room; make room and run again",
        ]

    def test_at_the_end(self, tmp_path: Path, mounts: tuple[str, ...], folder: Folder) -> None:
        """A disk that is full when only the version and what is known of the backup are left to write is no other."""
        assert self.run(tmp_path, mounts, folder.spec("note", 1, {"add": {"a": 1}}), "finished") == [
            f"NoSpace {tmp_path}/small/db: the disk is full, the work needs more room; make room and run again",
            "True []",
            "2 []",
        ]


class TestChangedDuringTheRun:
    """The application goes on writing through its handle while the run reads from the checkpoint."""

    @pytest.mark.parametrize("phase", ["started", "finished"])
    @pytest.mark.parametrize(
        "change",
        [{b"task:gen-a": b"edited"}, {b"task:new": b"added"}, {b"task:gen-a": None}, {b"unrelated": b"x"}],
        ids=["edited", "added", "deleted", "unrelated"],
    )
    def test_written_to(
        self, phase: str, change: dict[bytes, bytes | None], meridian: Path, project: ms.Project
    ) -> None:
        """Any write during the run stops it before the swap; the write is kept, and nothing else is another."""
        handle = Rdict(str(meridian), raw())

        def interfere(event: ms.Progress) -> None:
            if event.phase == phase:
                for key, value in change.items():
                    if value is None:
                        del handle[key]
                    else:
                        handle[key] = value

        with pytest.raises(ms.DatabaseChanged) as caught:
            ms.check_and_migrate(handle, project, on_progress=interfere)
        assert str(caught.value) == (
            f"{meridian}: writes during the run were found, none were expected between the checkpoint and the swap; "
            "stop what else writes to this database and run again"
        )
        expected = {key: value for key, value in (ROWS | change).items() if value is not None}
        assert dump(meridian) == expected
        assert beside(meridian) == []
        handle.close()

    def test_flushed_and_compacted(self, meridian: Path, project: ms.Project) -> None:
        """What RocksDB does on its own, writing nothing new, is no change."""
        write(meridian, {b"in the log": b"x"})
        handle = Rdict(str(meridian), raw())

        def tidy(_: ms.Progress) -> None:
            handle.flush()
            handle.compact_range(None, None)

        assert ms.check_and_migrate(handle, project, on_progress=tidy).to_version == 3
        handle.close()
        ms.MigrationManager(meridian, project).rollback()
        assert data(meridian) == ROWS | {b"in the log": b"x"}
        assert VERSION not in dump(meridian)
