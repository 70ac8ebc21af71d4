"""Collections in several column families: one run for all of them, all or nothing."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from tests.cli_support import cli, document
from tests.conftest import HISTORY, Folder, beside, files, raw, variables
from tests.families_support import BEFORE, Families, data, dump, make, version, write, written

SERVER = """
import json
import os
import signal
import sys
import migrate_spec as ms
from migrate_spec.apply import Run  # imports the rest
from migrate_spec.rollback import roll_back
from migrate_spec.stores import rocks

ingest = rocks._RocksStore.ingest


def run(path, specs, schemas, do, left):
    manager = ms.MigrationManager(path, ms.load(specs, schemas))

    def counted(store, files):
        nonlocal left
        if store.path == manager.path:
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
        ingest(store, files)

    rocks._RocksStore.ingest = counted
    getattr(manager, do)()


for line in sys.stdin:
    process = os.fork()
    if not process:
        run(*json.loads(line))
        os._exit(0)
    print(os.waitpid(process, 0)[1], flush=True)
"""
"""Makes calls, each in a process that is killed before it changes the database for the N-th time, from 0 on."""


class World:
    """A database of three families that are migrated, and one that is not.

    Attributes:
        path: the database.
        project: the specs.
        after: what it becomes.
    """

    def __init__(self, folder: Path, files: Folder, server: subprocess.Popen[str], *, moving: bool = False) -> None:
        """Make it."""
        self.path, self.files, self._server = make(folder / "db"), files, server
        self.project = written(files, moving=moving)
        self.manager = ms.MigrationManager(self.path, self.project)
        there = Path(shutil.copytree(self.path, folder / "there" / "db"))
        ms.MigrationManager(there, self.project).apply(backup=False)
        self.after = data(there)
        shutil.rmtree(folder / "there")

    def killed(self, do: str, changes: int) -> None:
        """A call that is killed after so many changes."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        order = [str(self.path), str(self.files.specs), str(self.files.schemas), do, changes]
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        assert int(self._server.stdout.readline()) == signal.SIGKILL

    def folders(self) -> tuple[str, ...]:
        """The options for the specs."""
        return ("--specs", str(self.files.specs), "--schemas", str(self.files.schemas))

    def entries(self) -> list[dict[str, object]]:
        """The history."""
        found = dump(self.path)["default"].get(HISTORY, b'{"migrations":[]}')
        return list(json.loads(found)["migrations"])


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    """What makes calls that are killed."""
    pipe, command = subprocess.PIPE, [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=variables()) as process:
        yield process


@pytest.fixture
def world(tmp_path: Path, folder: Folder, server: subprocess.Popen[str]) -> World:
    """A database whose records stay where they are."""
    return World(tmp_path, folder, server)


@pytest.fixture
def moving(tmp_path: Path, folder: Folder, server: subprocess.Popen[str]) -> World:
    """A database in which some records get other keys, and some go."""
    return World(tmp_path, folder, server, moving=True)


class TestMigrating:
    """Up and back, without any accident."""

    def test_up_and_back(self, world: World) -> None:
        """Each collection is carried over in its family; what has the same keys in another one stays as it is."""
        before = files(world.path)
        assert world.manager.plan().to_version == 3
        assert {name: size.records for name, size in world.manager.sizes(world.manager.plan()).items()} == {
            "note": 41,
            "user": 42,
            "box": 40,
        }
        samples = world.manager.samples(world.manager.plan())
        assert {name: sample.key for name, sample in samples.items()} == {
            "box": "000",
            "note": "note:000",
            "user": "user:000",
        }
        scanned = world.manager.scan()
        assert files(world.path) == before
        report = world.manager.apply()
        assert report.collections == scanned.collections
        assert {name: counts["migrated"] for name, counts in report.collections.items()} == {
            "box": 40,
            "note": 40,
            "user": 40,
        }
        found = data(world.path)
        assert found["default"] == {b"other": b"1"} | {
            b"note:%03d" % number: b'{"schema_version":3,"b":%d,"c":1}' % number for number in range(40)
        }
        assert found["users"] == {b"\xfe": b"\x00", b"a": b"2"} | {
            b"user:%03d" % number: b'{"schema_version":2,"b":%d}' % number for number in range(40)
        }
        assert found["boxes"] == {
            b"%03d" % number: b'{"schema_version":3,"id":"%03d","b":%d}' % (number, number) for number in range(40)
        }
        assert found["untouched"] == BEFORE["untouched"]
        world.manager.rollback()
        assert (data(world.path), version(world.path)) == (BEFORE, None)
        assert not (world.path.parent / "db.staging").exists()
        world.manager.apply()
        assert data(world.path) == world.after

    def test_up_and_back_while_records_move(self, moving: World) -> None:
        """So it is where records get other keys or go: they stay in their family."""
        moving.manager.apply()
        found = data(moving.path)
        assert sorted(found["boxes"]) == [b"box:%03d" % number for number in range(40) if number != 3]
        moving.manager.rollback()
        assert (data(moving.path), version(moving.path)) == (BEFORE, None)

    def test_one_family_that_is_not_the_default_one(self, tmp_path: Path, folder: Folder) -> None:
        """The collections may all be in one family; the version is in another one even then."""
        project = folder.spec("user", 1, {"rename": {"a": "b"}}, column_family="users").load()
        path = make(tmp_path / "db")
        ms.check_and_migrate(path, project)
        assert version(path) == b"2"
        assert data(path)["users"][b"user:007"] == b'{"schema_version":2,"b":7}'
        assert {name: part for name, part in data(path).items() if name != "users"} == {
            name: part for name, part in BEFORE.items() if name != "users"
        }

    def test_by_an_open_handle(self, world: World) -> None:
        """An application passes the handle of the database; its handles of families see the new records."""
        handle = Rdict(str(world.path), raw(), dict.fromkeys(BEFORE, raw()))
        users = handle.get_column_family("users")
        ms.check_and_migrate(handle, world.project)
        assert users[b"user:001"] == b'{"schema_version":2,"b":1}'
        users.close()
        handle.close()
        assert data(world.path) == world.after

    def test_what_is_noted(self, world: World) -> None:
        """History and backup say in which family a collection is, where that is not the default one."""
        world.manager.apply()
        [first, second] = world.entries()
        places = {
            name: {part: counts[part] for part in counts if part in {"prefix", "column_family"}}
            for entry in (first, second)
            for name, counts in entry["collections"].items()  # type: ignore[attr-defined]
        }
        assert places == {
            "note": {"prefix": "note:"},
            "user": {"prefix": "user:", "column_family": "users"},
            "box": {"prefix": "", "column_family": "boxes"},
        }
        [backup] = world.manager.backups()
        assert {name: (part.column_family, part.records) for name, part in backup.collections.items()} == {
            "note": ("default", 40),
            "user": ("users", 40),
            "box": ("boxes", 40),
        }

    def test_later_writes_in_a_family(self, world: World) -> None:
        """A rollback asks before it undoes what was written since, in whichever family that is."""
        world.manager.apply()
        write(world.path, "users", {b"user:005": b'{"schema_version":2,"b":55}'})
        write(world.path, "untouched", {b"user:005": b"new"})
        with pytest.raises(ms.LaterWrites) as caught:
            world.manager.rollback()
        assert (caught.value.count, caught.value.keys) == (1, (b"user:005",))
        assert version(world.path) == b"3"
        world.manager.rollback(undo_later_writes=True)
        assert data(world.path) == BEFORE | {"untouched": BEFORE["untouched"] | {b"user:005": b"new"}}

    def test_a_changed_backup(self, world: World) -> None:
        """A backup in which a family was changed is not put back."""
        world.manager.apply()
        [backup] = world.manager.backups()
        write(backup.database, "users", {b"user:005": b"{}"})
        with pytest.raises(ms.BackupError, match="records of user with the digest"):
            world.manager.rollback()
        assert data(world.path) == world.after


class TestRefusing:
    """What is refused, and in which words."""

    def test_a_family_that_is_not_there(self, tmp_path: Path, folder: Folder) -> None:
        """Plan and apply say which families there are; nothing is changed."""
        project = folder.spec("user", 1, column_family="user").load()
        path = make(tmp_path / "db")
        before = files(path)
        manager = ms.MigrationManager(path, project)
        for do in (manager.plan, manager.scan, manager.apply):
            with pytest.raises(ms.FamilyMissing) as caught:
                do()
            assert str(caught.value) == (
                f"{path}: no column family 'user' was found (there are: boxes, default, untouched, users), one was "
                "expected, as a spec names it; mend `column_family` in the specs, or have the program that needs it "
                "make it"
            )
        assert files(path) == before

    def test_rejected_records(self, world: World) -> None:
        """A rejected record is named with its family, where that is not the default one."""
        for family, key in (("default", b"note:005"), ("users", b"user:005")):
            write(world.path, family, {key: b"5"})
        with pytest.raises(ms.RecordRejected) as caught:
            world.manager.apply()
        assert str(caught.value).splitlines()[1:] == [
            "  note:005: an integer was found, a JSON object was expected",
            "  user:005, column family 'users': an integer was found, a JSON object was expected",
        ]
        places = [rejection["where"] for rejection in caught.value.to_json()["details"]]
        assert [place.get("column_family") for place in places] == [None, "users"]

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            (
                {"prefix": ""},
                "the empty prefix was found in the default column family, a prefix apart from _schema_version, "
                "_migration_history, _migration_in_progress, _backup_, _quarantine, "
                "_complement: was expected, which the system "
                "keeps for itself; "
                "`column_family` names another one, in which a collection may have all keys",
            ),
            ({"column_family": ""}, 'a text "" was found, a text that is not empty was expected'),
            ({"column_family": 1}, "an integer 1 was found, a text was expected"),
        ],
    )
    def test_specs(self, more: dict[str, object], sentence: str, folder: Folder) -> None:
        """What a spec cannot say of a column family."""
        with pytest.raises(ms.SpecError) as caught:
            folder.spec("note", 1, **more).load()
        assert sentence in str(caught.value)

    def test_collections(self, folder: Folder) -> None:
        """A collection stays in its family, and collections share no keys in the same one; in two they may."""
        folder.spec("note", 1, column_family="a").spec("note", 2, column_family="b")
        folder.spec("more", 1, column_family="a", prefix="").spec("other", 1, prefix="note:")
        with pytest.raises(ms.SpecError) as caught:
            folder.load()
        found = {fault.code for fault in caught.value.faults}
        assert found == {"column-family-differs", "prefixes-overlap"}
        assert "column_family: 'b' was found, column_family: 'a' was expected, as in" in str(caught.value)

    def test_reserved_keys_in_another_family(self, folder: Folder) -> None:
        """Only in the default family are keys reserved."""
        folder.spec("note", 1, column_family="a", prefix="_backup_").load()


CHANGES = 4
"""The note, two families, and the default one with the version."""


def said(path: Path, name: str, begun: object) -> str:
    """The sentence of whatever needs a version."""
    command = f"migrate-spec {name.split(maxsplit=1)[0]}"
    return (
        f"{path}: a run that was cut off while it was swapped in was found ({name}, begun {begun}), a database that is "
        f"wholly of one version was expected; `{command}` completes it, or takes it back where records were written "
        "since, and goes on from there"
    )


class TestCutOff:
    """Killed between two changes."""

    @pytest.mark.parametrize("changes", range(CHANGES))
    @pytest.mark.parametrize("do", ["apply", "rollback"])
    def test_completed(self, do: str, changes: int, world: World) -> None:
        """The next run completes what was begun, in the history, too; before the first change nothing was begun."""
        if do == "rollback":
            world.manager.apply()
        entries = world.entries()
        world.killed(do, changes)
        self._looked_at(world, do, changes)
        if do == "apply" or changes == 0:
            report = world.manager.apply()
            assert report.from_version == (1 if do == "apply" and changes == 0 else 3)
            assert data(world.path) == world.after
        else:
            write(world.path, "untouched", {b"a": b"1"})  # nobody's concern
            report = ms.check_and_migrate(world.path, world.project)
            assert (report.from_version, report.to_version) == (1, 3)
            assert data(world.path) == world.after | {"untouched": BEFORE["untouched"] | {b"a": b"1"}}
            write(world.path, "untouched", {b"a": None})
        way = [(entry["from_version"], entry["to_version"], entry["success"]) for entry in world.entries()]
        back = [(3, 1, True), (1, 2, True), (2, 3, True)] if do == "rollback" and changes else []
        assert way == [(1, 2, True), (2, 3, True), *back]
        assert len(entries) == (2 if do == "rollback" else 0)
        assert [name for name in beside(world.path) if "staging" in name] == []
        world.manager.rollback()
        assert (data(world.path), version(world.path)) == (BEFORE, None)

    def test_a_rollback_goes_no_further(self, world: World) -> None:
        """A rollback after one that was cut off completes that, and does not take the migration before it back, too."""
        first = world.manager.apply(2)
        second = world.manager.apply()
        world.killed("rollback", 1)
        report = world.manager.rollback()
        assert (report.from_version, report.to_version, report.backup) == (3, 2, second.backup)
        assert (report.collections, report.records) == (["box", "note"], 80)
        assert world.manager.version() == 2
        assert world.manager.rollback(first.backup).to_version == 1
        assert data(world.path) == BEFORE

    @staticmethod
    def _looked_at(world: World, do: str, changes: int) -> None:
        """What reads says where the database stands, and changes nothing."""
        before, begin = files(world.path), 1 if do == "apply" else 3
        status = world.manager.status()
        assert status.current_version == begin
        if not changes:
            assert status.swap is None
            return
        assert status.swap is not None
        assert not status.up_to_date
        name = "apply v1→v3" if do == "apply" else "rollback v3→v1"
        for look in (world.manager.version, world.manager.plan, world.manager.scan):
            with pytest.raises(ms.HalfSwapped) as caught:
                look()
            assert str(caught.value) == said(world.path, name, status.swap.started_at)
        line = (
            f"⚠ The {name}, begun {status.swap.started_at}, was cut off while it was swapped in: some column families "
            f"are as before it, some as after it; the next `migrate-spec {do}` settles that"
        )
        assert line in cli("status", world.path, *world.folders()).out
        assert line in cli("history", world.path).err
        shown = document("status", world.path, *world.folders(), "--check", code=3)
        assert shown["half_swapped"]["from_version"] == begin
        assert files(world.path) == before

    @pytest.mark.parametrize(("family", "changes"), [("default", 1), ("default", 3), ("boxes", 2), ("users", 2)])
    def test_written_since(self, family: str, changes: int, world: World) -> None:
        """What an application wrote since is kept: the run is taken back, noted, and the next one carries all over."""
        world.killed("apply", changes)
        prefix = {"default": b"note:", "boxes": b"", "users": b"user:"}[family]
        later: dict[bytes, bytes | None] = {
            prefix + b"005": b'{"a":55}',
            prefix + b"006": None,
            prefix + b"new": b'{"a":1}',
        }
        write(world.path, family, later)
        expected: Families = {name: dict(part) for name, part in world.after.items()}
        stamp = b"2" if family == "users" else b"3"
        more = b',"c":1' if family == "default" else b""
        expected[family][prefix + b"005"] = b'{"schema_version":%s,"b":55%s}' % (stamp, more)
        expected[family][prefix + b"new"] = b'{"schema_version":%s,"b":1%s}' % (stamp, more)
        del expected[family][prefix + b"006"]
        world.manager.apply()
        assert data(world.path) == expected
        taken_back, *rest = world.entries()
        assert taken_back["error"] == "records were written before the run, which was cut off, could be completed"
        assert (taken_back["success"], taken_back["from_version"], taken_back["to_version"]) == (False, 1, 3)
        assert [entry["success"] for entry in rest] == [True, True]
        world.manager.rollback()
        before = {name: dict(part) for name, part in BEFORE.items()}
        before[family] |= {key: value for key, value in later.items() if value is not None}
        del before[family][prefix + b"006"]
        assert data(world.path) == before

    @pytest.mark.parametrize("changes", [2, 3])
    def test_records_that_moved_are_taken_back(self, changes: int, moving: World) -> None:
        """Where records got other keys, or went, they are taken back to where they were."""
        moving.killed("apply", changes)
        write(moving.path, "users", {b"user:005": b"5"})
        with pytest.raises(ms.RecordRejected):
            moving.manager.apply()
        before = BEFORE | {"users": BEFORE["users"] | {b"user:005": b"5"}}
        assert data(moving.path) == before
        assert version(moving.path) is None
        write(moving.path, "users", {b"user:005": BEFORE["users"][b"user:005"]})
        moving.manager.apply()
        assert data(moving.path) == moving.after

    @pytest.mark.parametrize("changes", [1, 2])
    def test_killed_while_it_is_taken_back(self, changes: int, world: World) -> None:
        """Killed once more while it is taken back, that goes on, too."""
        world.killed("apply", 3)
        write(world.path, "users", {b"user:new": b'{"a":1}'})
        world.killed("apply", changes)
        world.manager.apply()
        expected = world.after["users"] | {b"user:new": b'{"schema_version":2,"b":1}'}
        assert data(world.path) == world.after | {"users": expected}

    def test_what_is_needed_is_gone(self, world: World) -> None:
        """Without the staging folder nobody can settle it: that is said, and nothing is changed."""
        world.killed("apply", 2)
        staging = world.path.with_name("db.staging")
        aside = staging.rename(world.path.with_name("aside"))
        before = dump(world.path)
        for do in (world.manager.apply, world.manager.rollback):
            with pytest.raises(ms.HalfSwapped) as caught:
                do()
            assert str(caught.value) == (
                f"{world.path}: no whole {staging}/before was found, which the apply v1→v3 left that was cut off while "
                "it was swapped in, all of the folder was expected, as the run left it; put the folder back, or a "
                "backup in the place of the database"
            )
        assert dump(world.path) == before
        shutil.rmtree(staging, ignore_errors=True)
        aside.rename(staging)
        world.manager.apply()
        assert data(world.path) == world.after
