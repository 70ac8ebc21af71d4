"""The tests that Meridian's own migration system had, and what it never tested, on databases as it made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from tests.conftest import (
    DATA,
    HISTORY,
    ROWS,
    VERSION,
    Folder,
    beside,
    data,
    dump,
    files,
    make,
    raw,
    task,
    task_v2,
    write,
)

METADATA = json.loads((DATA / "metadata.json").read_text("utf-8"))
CASES = [json.loads(line) for line in (DATA / "task_v1_to_v2.jsonl").read_text("utf-8").splitlines()]


def manager(path: Path, project: ms.Project) -> ms.MigrationManager:
    """A manager of the database at ``path``."""
    return ms.MigrationManager(path, project)


def record(path: Path, key: bytes) -> dict[str, Any]:
    """A record of a database as a program reads it."""
    found: dict[str, Any] = json.loads(dump(path)[key])
    return found


class TestItsOwn:
    """The seed's own tests, by their names there; its version 2 is the target."""

    def test_full_migration_workflow(self, tmp_path: Path, project: ms.Project) -> None:
        """A database of version 1 needs a migration; one run with one record; version 2 does not need one."""
        stored = task("test-1", description="Test description", priority="high", tags=["test"], estimated_hours=2.0)
        path = make(tmp_path / "db", {VERSION: b"1", b"task:test-1": stored})
        it = manager(path, project)
        assert [migration.name for migration in it.plan(2).migrations] == ["task v1→v2"]
        report = it.apply(2)
        assert (report.from_version, report.to_version) == (1, 2)
        assert report.steps == [{"from_version": 1, "to_version": 2, "items_migrated": 1}]
        found = record(path, b"task:test-1")
        assert found == json.loads(stored) | {
            "schema_version": 2,
            "depends_on": [],
            "related_tasks": [],
            "started_at": None,
            "timeout_hours": None,
            "last_activity": "2024-01-01T00:00:00Z",
        }
        assert it.version() == 2
        assert it.plan(2).is_empty

    def test_migration_with_multiple_tasks(self, tmp_path: Path, project: ms.Project) -> None:
        """Of ten records each gets its two empty lists."""
        path = make(tmp_path / "db", {f"task:test-{n}".encode(): task(f"test-{n}") for n in range(1, 11)})
        assert manager(path, project).apply(2).steps == [{"from_version": 1, "to_version": 2, "items_migrated": 10}]
        found = [record(path, f"task:test-{n}".encode()) for n in range(1, 11)]
        assert [(one["id"], one["depends_on"], one["related_tasks"]) for one in found] == [
            (f"test-{n}", [], []) for n in range(1, 11)
        ]

    def test_migration_backup_and_rollback(self, tmp_path: Path, project: ms.Project) -> None:
        """A record that was overwritten with other text since comes back with the very bytes it had."""
        path = make(tmp_path / "db", {b"task:test-1": task("test-1")})
        assert manager(path, project).apply(2).backup
        write(path, {b"task:test-1": b"modified"})
        manager(path, project).rollback(undo_later_writes=True)
        assert data(path) == {b"task:test-1": task("test-1")}

    def test_backup_and_rollback(self, tmp_path: Path, project: ms.Project) -> None:
        """One record changed and one deleted since: both are back."""
        path = make(tmp_path / "db", {b"task:1": task("1"), b"task:2": task("2")})
        manager(path, project).apply(2)
        write(path, {b"task:1": b"changed", b"task:2": None})
        manager(path, project).rollback(undo_later_writes=True)
        assert data(path) == {b"task:1": task("1"), b"task:2": task("2")}

    def test_migration_history(self, tmp_path: Path, project: ms.Project) -> None:
        """An empty database has no history; after a run it has one entry, a success with its backup."""
        path = make(tmp_path / "db", {b"task:1": task("1")})
        assert manager(path, project).history().entries == ()
        report = manager(path, project).apply(2)
        [entry] = manager(path, project).history().entries
        assert (entry.from_version, entry.to_version, entry.success) == (1, 2, True)
        assert entry.backup_key == report.backup
        assert entry.fields["items_migrated"] == 1
        assert manager(path, project).history().standing()[-1] == entry

    @pytest.mark.parametrize("way", ["check_and_migrate", "apply"])
    def test_no_migration_needed(self, way: str, tmp_path: Path, project: ms.Project) -> None:
        """At the current version there is nothing to do, and no result."""
        path = make(tmp_path / "db", {VERSION: b"3", b"task:1": task("1")})
        report = ms.check_and_migrate(path, project) if way == "check_and_migrate" else manager(path, project).apply()
        assert report == ms.ApplyReport(str(path), 3, 3)
        assert dump(path) == {VERSION: b"3", b"task:1": task("1")}

    def test_new_task_has_current_schema_version(self, tmp_path: Path, project: ms.Project) -> None:
        """A record that a program of version 2 wrote stays as it is, byte for byte."""
        new = b" " + task_v2("new")
        assert json.loads(new)["schema_version"] == 2
        assert project.upgrade("task", new) == new
        path = make(tmp_path / "db", {b"task:new": new})
        assert manager(path, project).apply(2).collections == {
            "task": {"scanned": 1, "migrated": 0, "unchanged": 1, "quarantined": 0}
        }
        assert data(path) == {b"task:new": new}

    def test_backward_compatibility(self, tmp_path: Path, project: ms.Project) -> None:
        """A record without a version, but with related tasks and dependencies, keeps them."""
        stored = task("old", depends_on=["a"], related_tasks=["b", "c"])
        path = make(tmp_path / "db", {b"task:old": stored})
        manager(path, project).apply(2)
        found = record(path, b"task:old")
        assert (found["schema_version"], found["title"]) == (2, "Task old")
        assert (found["depends_on"], found["related_tasks"]) == (["a"], ["b", "c"])

    def test_version_management(self, tmp_path: Path, project: ms.Project) -> None:
        """An empty database is at version 1; once a version is set, it is at that."""
        path = make(tmp_path / "db", {})
        assert manager(path, project).version() == 1
        write(path, {VERSION: b"2"})
        assert manager(path, project).version() == 2

    def test_print_migration_status(self, tmp_path: Path, project: ms.Project) -> None:
        """The status of an empty database: version 1, pending steps, no history."""
        path = make(tmp_path / "db", {})
        status = manager(path, project).status()
        assert (status.current_version, status.target_version, status.up_to_date) == (1, 3, False)
        assert status.pending == ["task v1→v2", "episode v2→v3", "symbol v2→v3"]
        assert (status.history.entries, status.backups) == ((), [])

    def test_the_storage(self, tmp_path: Path, project: ms.Project) -> None:
        """What the storage's tests put in survives: every byte value, an empty key, an empty value, a megabyte."""
        others = {b"": b"v", b"k": b"", b"all": bytes(range(256)), b"large": bytes(1_000_000), b"prefix:1": b"\x00"}
        path = make(tmp_path / "db", others | {b"task:1": task("1")})
        manager(path, project).apply()
        assert {key: dump(path)[key] for key in others} == others
        manager(path, project).rollback()
        assert data(path) == others | {b"task:1": task("1")}


class TestRecords:
    """Records with what they must become, and what the seed's migration lost of them."""

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
    def test_each(self, case: dict[str, Any], tmp_path: Path, project: ms.Project) -> None:
        """A record becomes what it should, keeps every field it had, and comes back byte for byte."""
        key, before = case["key"].encode(), case["before"].encode()
        path = make(tmp_path / "db", {key: before})
        manager(path, project).apply(2)
        after = record(path, key)
        assert after == case["after"]
        assert list(after) == list(case["after"])
        old = json.loads(before)
        assert {name: after[name] for name in old if name != "schema_version"} == {
            name: value for name, value in old.items() if name != "schema_version"
        }
        manager(path, project).rollback()
        assert data(path) == {key: before}

    def test_all_in_one(self, tmp_path: Path, project: ms.Project) -> None:
        """All of them in one database, and migrated a second time: what is at version 2 is not reset."""
        records = {f"task:{case['name']}".encode(): case["before"].encode() for case in CASES}
        path = make(tmp_path / "db", records)
        manager(path, project).apply(2)
        after = data(path)
        assert {key: json.loads(value) for key, value in after.items()} == {
            f"task:{case['name']}".encode(): case["after"] for case in CASES
        }
        write(path, {VERSION: None, HISTORY: None})  # as a crash of Meridian between its two writes leaves it
        assert manager(path, project).apply(2).collections["task"]["migrated"] == 0
        assert data(path) == after


class TestNeverTested:
    """What the seed's own tests left out, most of which went wrong there."""

    def test_a_failing_migration(self, meridian: Path, project: ms.Project) -> None:
        """One bad record among the 44 others: nothing is changed, and no backup is added, however often it is tried."""
        write(meridian, {b"task:bad": b'{"id":"bad"'})
        before = dump(meridian)
        for _ in range(3):
            with pytest.raises(ms.RecordRejected) as caught:
                ms.check_and_migrate(meridian, project)
            assert [rejection.key for rejection in caught.value.rejections] == [b"task:bad"]
        assert dump(meridian) == before
        assert beside(meridian) == []
        write(meridian, {b"task:bad": task("bad")})
        assert ms.check_and_migrate(meridian, project).collections["task"]["migrated"] == 6

    def test_keys_that_are_not_utf8(self, tmp_path: Path, project: ms.Project) -> None:
        """Two keys that become the same when read as text stay two, through the run and the rollback."""
        records = {b"task:\xff": task("1"), b"task:\xfe": task("2"), "task:\ufffd".encode(): task("3")}
        path = make(tmp_path / "db", records)
        manager(path, project).apply()
        assert {key: json.loads(value)["id"] for key, value in data(path).items()} == {
            b"task:\xff": "1",
            b"task:\xfe": "2",
            "task:\ufffd".encode(): "3",
        }
        manager(path, project).rollback()
        assert data(path) == records

    def test_ids_with_colons(self, tmp_path: Path, project: ms.Project) -> None:
        """Ids with colons are ids, and the markers of the indexes are not touched."""
        records = {b"task:a:b": task("a:b"), b"task::": task(":"), b"idx_status:pending:a:b": b"1"}
        path = make(tmp_path / "db", records)
        assert manager(path, project).apply().collections["task"] == {
            "scanned": 2,
            "migrated": 2,
            "unchanged": 0,
            "quarantined": 0,
        }
        assert data(path)[b"idx_status:pending:a:b"] == b"1"

    def test_two_steps_of_which_the_second_fails(self, meridian: Path, project: ms.Project) -> None:
        """Where the second step cannot be done the first is not done either: there is no version in between."""
        write(meridian, {b"symbol:bad": b"[]"})
        before = dump(meridian)
        with pytest.raises(ms.RecordRejected):
            ms.check_and_migrate(meridian, project)
        assert dump(meridian) == before
        assert VERSION not in before

    def test_several_collections_in_one_step(self, tmp_path: Path, folder: Folder) -> None:
        """Two collections in one step are both migrated; in the seed the second replaced the first."""
        folder.spec("a", 1, {"add": {"x": 1}}).spec("b", 1, {"add": {"y": 2}})
        path = make(tmp_path / "db", {b"a:1": b"{}", b"b:1": b"{}"})
        report = manager(path, folder.load()).apply()
        assert report.steps == [{"from_version": 1, "to_version": 2, "items_migrated": 2}]
        assert data(path) == {b"a:1": b'{"schema_version":2,"x":1}', b"b:1": b'{"schema_version":2,"y":2}'}

    def test_the_version_goes_back_with_the_records(self, tmp_path: Path, project: ms.Project) -> None:
        """After a rollback the records are of version 1, and so is the database; the next run works again."""
        path = make(tmp_path / "db", {VERSION: b"1", b"task:1": task("1")})
        manager(path, project).apply(2)
        manager(path, project).rollback()
        assert dump(path)[VERSION] == b"1"
        assert manager(path, project).apply(2).steps == [{"from_version": 1, "to_version": 2, "items_migrated": 1}]

    def test_a_database_that_the_seed_migrated(self, tmp_path: Path, project: ms.Project) -> None:
        """A database as the seed left it, with its version, history and backups inside, goes on from there."""
        backup, index = METADATA["backup"], METADATA["backup"]["index_key"].encode()
        kept = {index: backup["index_value"].encode()} | {key.encode(): task("x") for key in backup["item_keys"]}
        history = METADATA["history"]["one_failed_one_done"].encode()
        path = make(tmp_path / "db", {**kept, VERSION: b"2", HISTORY: history, **ROWS})
        report = manager(path, project).apply()
        assert report.collections == {
            "episode": {"scanned": 3, "migrated": 1, "unchanged": 2, "quarantined": 0},
            "symbol": {"scanned": 2, "migrated": 1, "unchanged": 1, "quarantined": 0},
        }
        found = dump(path)
        assert {key: found[key] for key in kept} == kept
        assert {key: found[key] for key in ROWS if key.startswith(b"task")} == {
            key: value for key, value in ROWS.items() if key.startswith(b"task")
        }
        manager(path, project).rollback()
        assert {key: dump(path)[key] for key in ROWS} == ROWS
        assert dump(path)[VERSION] == b"2"

    def test_what_the_seed_reads(self, meridian: Path, project: ms.Project) -> None:
        """What is written can be read by the seed: its fields have its types, and its rollback would find no key."""
        report = manager(meridian, project).apply()
        found = dump(meridian)
        assert found[VERSION] == b"3"
        for entry in json.loads(found[HISTORY])["migrations"]:
            assert [type(entry[name]) for name in METADATA["history"]["entry_fields"]] == [
                *[int, int, str, str, int, str, bool],
                type(None),
            ]
        noted = json.loads(found[str(report.backup).encode()])
        assert [type(noted[name]) for name in METADATA["backup"]["index_fields"]] == [str, str, int, list]

    def test_a_task_in_use(self, meridian: Path, project: ms.Project) -> None:
        """A program that holds the database open sees old records before the call and new ones after it."""
        handle: Any = Rdict(str(meridian), raw())
        assert "depends_on" not in json.loads(handle[b"task:gen-a"])
        ms.check_and_migrate(handle, project)
        assert json.loads(handle[b"task:gen-a"])["depends_on"] == []
        assert json.loads(handle[b"task:gen-a"])["related_tasks"] == json.loads(ROWS[b"task:gen-a"])["related_tasks"]
        handle.close()

    def test_nothing_grows(self, meridian: Path, project: ms.Project) -> None:
        """Starts of a program with a current database add nothing, however many there are."""
        ms.check_and_migrate(meridian, project)
        before = files(meridian.parent)
        for _ in range(5):
            ms.check_and_migrate(meridian, project)
        assert files(meridian.parent) == before
