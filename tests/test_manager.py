"""``plan``, ``scan`` and ``apply`` on real databases: what they change, what they leave alone, what they report."""

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
    SCHEMAS,
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

TASKS = {key: value for key, value in ROWS.items() if key.startswith(b"task:")}
DECOYS = {
    b"task9": b"must not be touched",
    b"task;": b"must not be touched",
    b"taskx:not-a-task": b"must not be touched",
}


def manager(path: Path, project: ms.Project) -> ms.MigrationManager:
    """A manager of the database at ``path``."""
    return ms.MigrationManager(path, project)


def entries(path: Path) -> list[dict[str, Any]]:
    """The history as stored."""
    stored: dict[str, list[dict[str, Any]]] = json.loads(dump(path)[HISTORY])
    return stored["migrations"]


class TestMeridian:
    """The Meridian database and the specs that ship."""

    def test_the_database_is_the_one_meant(self, meridian: Path) -> None:
        """The tests begin with 44 records of version 1: tasks, decoys beside them, and every other family."""
        assert dump(meridian) == ROWS
        assert len(ROWS) == 44
        assert {key: value for key, value in ROWS.items() if key in DECOYS} == DECOYS
        assert VERSION not in ROWS

    def test_to_version_3(self, meridian: Path, project: ms.Project) -> None:
        """One run from 1 to 3 changes the tasks, one episode and one symbol, and not a byte of any other record."""
        report = manager(meridian, project).apply()
        assert report == ms.ApplyReport(
            database=str(meridian),
            from_version=1,
            to_version=3,
            collections={
                "task": {"scanned": 5, "migrated": 5, "unchanged": 0, "quarantined": 0},
                "episode": {"scanned": 3, "migrated": 1, "unchanged": 2, "quarantined": 0},
                "symbol": {"scanned": 2, "migrated": 1, "unchanged": 1, "quarantined": 0},
            },
            steps=[
                {"from_version": 1, "to_version": 2, "items_migrated": 5},
                {"from_version": 2, "to_version": 3, "items_migrated": 2},
            ],
            seconds=report.seconds,
            backup=report.backup,
            dry_run=False,
        )
        after = data(meridian)
        changed = {key for key in ROWS if ROWS[key] != after[key]}
        assert changed == {*TASKS, b"episode:e0", b"symbol:sym-1"}
        assert set(after) == set(ROWS)
        assert {key: after[key] for key in DECOYS} == DECOYS
        assert dump(meridian)[VERSION] == b"3"
        for key in changed:
            kind, old, new = key.split(b":")[0].decode(), json.loads(ROWS[key]), json.loads(after[key])
            assert new["schema_version"] == {"task": 2}.get(kind, 3)
            assert {name: value for name, value in new.items() if name in old} == old

    def test_a_task_of_the_second_generation(self, meridian: Path, project: ms.Project) -> None:
        """What Meridian's own migration lost, ours keeps: related tasks, times, the timeout, and all byte for byte."""
        manager(meridian, project).apply(2)
        old = ROWS[b"task:gen-b"]
        filled = b'"depends_on":[]'
        assert data(meridian)[b"task:gen-b"] == b'{"schema_version":2,' + old[1:-1] + b"," + filled + b"}"

    def test_one_run_or_two(self, meridian: Path, tmp_path: Path, project: ms.Project) -> None:
        """From 1 to 3 in one run and in two gives the same records, byte for byte."""
        other = make(tmp_path / "other", ROWS)
        manager(meridian, project).apply()
        assert manager(other, project).apply(2).collections == {
            "task": {"scanned": 5, "migrated": 5, "unchanged": 0, "quarantined": 0}
        }
        assert data(other) == ROWS | {key: value for key, value in data(meridian).items() if key in TASKS}
        assert manager(other, project).apply(3).collections == {
            "episode": {"scanned": 3, "migrated": 1, "unchanged": 2, "quarantined": 0},
            "symbol": {"scanned": 2, "migrated": 1, "unchanged": 1, "quarantined": 0},
        }
        assert data(other) == data(meridian)
        assert dump(other)[VERSION] == dump(meridian)[VERSION] == b"3"

    def test_a_database_inside_the_database(self, meridian: Path, project: ms.Project) -> None:
        """A second RocksDB in the database's folder survives a run and a rollback file for file, and opens."""
        inner = make(meridian / "metrics", {b"snapshot:1": b"{}", b"task:not-ours": b"{}"})
        (meridian / "notes.txt").write_text("foreign")
        before = files(inner), files(meridian)["notes.txt"]
        manager(meridian, project).apply()
        assert (files(inner), files(meridian)["notes.txt"]) == before
        manager(meridian, project).rollback()
        assert (files(inner), files(meridian)["notes.txt"]) == before
        handle = Rdict(str(inner), raw())
        assert dict(handle.items()) == {b"snapshot:1": b"{}", b"task:not-ours": b"{}"}
        handle.close()

    def test_nothing_stray_is_left(self, meridian: Path, project: ms.Project) -> None:
        """After a run there is the database, without rocksdict's own file, and one backup; nothing else."""
        report = manager(meridian, project).apply()
        assert beside(meridian) == ["db.backups", f"db.backups/{report.backup}"]
        assert sorted(file.name for file in (meridian.parent / "db.backups" / str(report.backup)).iterdir()) == [
            "backup.json",
            "database",
        ]
        assert "rocksdict-config.json" not in files(meridian.parent)
        assert not list(meridian.parent.rglob("rocksdict-config.json"))


class TestScan:
    """``scan`` finds out and writes nothing."""

    def test_as_apply(self, meridian: Path, project: ms.Project) -> None:
        """A scan reports what the run then does, and changes no file, not even a time of change."""
        before = files(meridian.parent)
        scanned = manager(meridian, project).scan()
        assert files(meridian.parent) == before
        applied = manager(meridian, project).apply()
        assert scanned.dry_run
        assert (scanned.backup, scanned.from_version, scanned.to_version) == (None, 1, 3)
        assert (scanned.collections, scanned.steps) == (applied.collections, applied.steps)

    def test_refuses_what_apply_refuses(self, tmp_path: Path, project: ms.Project) -> None:
        """A scan of records that cannot be carried over raises the very error of the run."""
        path = make(tmp_path / "db", {b"task:a": task("a", status="Done"), b"task:b": b"[]", b"task:c": task("c")})
        before = files(tmp_path)
        with pytest.raises(ms.RecordRejected) as scanned:
            manager(path, project).scan()
        assert files(tmp_path) == before
        with pytest.raises(ms.RecordRejected) as applied:
            manager(path, project).apply()
        assert str(scanned.value) == str(applied.value)

    def test_plan_and_samples_write_nothing(self, meridian: Path, project: ms.Project) -> None:
        """The plan, its sizes, samples and the status change no file."""
        before = files(meridian.parent)
        it = manager(meridian, project)
        plan = it.plan()
        assert [migration.name for migration in plan.migrations] == ["task v1→v2", "episode v2→v3", "symbol v2→v3"]
        assert {name: size.records for name, size in it.sizes(plan).items()} == {
            "task": 44,
            "episode": 44,
            "symbol": 44,
        }
        assert {name: (sample.key, sample.before, sample.after) for name, sample in it.samples(plan).items()} == {
            "task": (
                "task:9b2f6c1e-6f57-4a0b-9c1b-0d9d6f6f7c11",
                *samples(project, b"task:9b2f6c1e-6f57-4a0b-9c1b-0d9d6f6f7c11"),
            ),
            "episode": ("episode:e0", *samples(project, b"episode:e0")),
            "symbol": ("symbol:sym-1", *samples(project, b"symbol:sym-1")),
        }
        pending, status = ["task v1→v2", "episode v2→v3", "symbol v2→v3"], it.status()
        assert status == ms.Status(1, 3, pending, it.history(), [], status.freshness)
        assert it.version() == 1
        assert it.backups() == []
        assert files(meridian.parent) == before


def samples(project: ms.Project, key: bytes) -> tuple[Any, Any]:
    """A record of the Meridian database before and after."""
    return json.loads(ROWS[key]), json.loads(project.upgrade(key.split(b":")[0].decode(), ROWS[key]))


class TestStamps:
    """A record's own stamp decides where its way begins."""

    def test_a_record_no_step_changes_is_not_written(self, tmp_path: Path, project: ms.Project) -> None:
        """A record that has every field keeps its bytes and stays without a stamp, and is counted as unchanged."""
        whole = compact({name: value for name, value in json.loads(task_v2("b")).items() if name != "schema_version"})
        odd = b' {"schema_version" : 2,' + whole[1:]
        path = make(tmp_path / "db", {b"task:a": task("a"), b"task:b": whole, b"task:c": odd})
        report = manager(path, project).apply(2)
        assert report.collections == {"task": {"scanned": 3, "migrated": 1, "unchanged": 2, "quarantined": 0}}
        assert report.steps == [{"from_version": 1, "to_version": 2, "items_migrated": 1}]
        assert data(path) == {b"task:a": task_v2("a"), b"task:b": whole, b"task:c": odd}

    def test_records_of_mixed_versions(self, tmp_path: Path, folder: Folder) -> None:
        """Records of versions 1, 2 and 3 in one database each go the rest of their own way, and no step twice."""
        for version in (1, 2, 3):
            folder.spec("note", version, {"add": {f"in_{version + 1}": version}})
        path = make(
            tmp_path / "db",
            {
                b"note:unstamped": b'{"x":0}',
                b"note:v1": b'{"x":1,"schema_version":1}',
                b"note:v2": b'{"schema_version":2,"in_2":1}',
                b"note:v3": b'{"in_2":1,"schema_version":3,"in_3":2}',
                b"note:v4": b'{"in_2":1,"schema_version":4,"in_3":2,"in_4":3}',
            },
        )
        report = manager(path, folder.load()).apply()
        assert report.collections == {"note": {"scanned": 5, "migrated": 4, "unchanged": 1, "quarantined": 0}}
        assert [step["items_migrated"] for step in report.steps] == [2, 3, 4]
        assert data(path) == {
            b"note:unstamped": b'{"schema_version":4,"x":0,"in_2":1,"in_3":2,"in_4":3}',
            b"note:v1": b'{"x":1,"schema_version":4,"in_2":1,"in_3":2,"in_4":3}',
            b"note:v2": b'{"schema_version":4,"in_2":1,"in_3":2,"in_4":3}',
            b"note:v3": b'{"in_2":1,"schema_version":4,"in_3":2,"in_4":3}',
            b"note:v4": b'{"in_2":1,"schema_version":4,"in_3":2,"in_4":3}',
        }

    def test_a_stamp_is_the_last_step_that_changed_something(self, tmp_path: Path, folder: Folder) -> None:
        """A record that only the first of two steps changes is stamped with the version of that step."""
        folder.spec("note", 1, {"default": {"a": 1}}).spec("note", 2, {"default": {"b": 2}})
        path = make(tmp_path / "db", {b"note:1": b'{"b":0}', b"note:2": b'{"a":0}', b"note:3": b'{"a":0,"b":0}'})
        report = manager(path, folder.load()).apply()
        assert [step["items_migrated"] for step in report.steps] == [1, 1]
        assert data(path) == {
            b"note:1": b'{"schema_version":2,"b":0,"a":1}',
            b"note:2": b'{"schema_version":3,"a":0,"b":2}',
            b"note:3": b'{"a":0,"b":0}',
        }

    def test_a_newer_record(self, tmp_path: Path, project: ms.Project) -> None:
        """A record that is newer than the target is refused, and so is a stamp that is no version."""
        path = make(
            tmp_path / "db",
            {
                b"task:a": task("a", schema_version=3),
                b"task:b": task("b", schema_version=0),
                b"task:c": task("c", schema_version="1"),
                b"task:d": task("d", schema_version=None),
                b"task:e": task("e", schema_version=1.0),
                b"task:f": task("f", schema_version=True),
            },
        )
        before = dump(path)
        with pytest.raises(ms.RecordRejected) as caught:
            manager(path, project).apply(2)
        assert str(caught.value) == (
            f"{path}: 6 records cannot be migrated; nothing was changed; mend these records or the spec and run again\n"
            "  task:a, schema_version: a record of version 3 was found, at most version 2 was expected; "
            "it was written by a newer program\n"
            "  task:b, schema_version: an integer 0 was found, a version was expected\n"
            '  task:c, schema_version: a text "1" was found, a version was expected\n'
            "  task:d, schema_version: null was found, a version was expected\n"
            "  task:e, schema_version: a number 1.0 was found, a version was expected\n"
            "  task:f, schema_version: a boolean true was found, a version was expected"
        )
        assert dump(path) == before
        assert beside(path) == []

    def test_records_without_a_stamp(self, tmp_path: Path, folder: Folder) -> None:
        """Records of a collection that has no stamp are at the database's version, and get none."""
        folder.spec("bare", 1, {"add": {"a": 1}}, stamp=None).spec("bare", 2, {"add": {"b": 2}}, stamp=None)
        path = make(tmp_path / "db", {b"bare:1": b'{"schema_version":7}'})
        project = folder.load()
        manager(path, project).apply(2)
        assert data(path) == {b"bare:1": b'{"schema_version":7,"a":1}'}
        manager(path, project).apply()
        assert data(path) == {b"bare:1": b'{"schema_version":7,"a":1,"b":2}'}

    def test_a_stamp_as_text(self, tmp_path: Path, folder: Folder) -> None:
        """A stamp elsewhere and as text is read and written there, as text."""
        stamp = {"path": "meta.v", "as": "string"}
        folder.spec("doc", 1, {"default": {"a": 1}}, stamp=stamp).spec("doc", 2, {"default": {"b": 2}}, stamp=stamp)
        path = make(
            tmp_path / "db",
            {
                b"doc:1": b'{"meta":{"v":"2"}}',
                b"doc:2": b'{"meta":{"by":"x"}}',
                b"doc:3": b'{"x":0}',
                b"doc:4": b'{"meta":{"v":"1","w":0}}',
            },
        )
        manager(path, folder.load()).apply()
        assert data(path) == {
            b"doc:1": b'{"meta":{"v":"3"},"b":2}',
            b"doc:2": b'{"meta":{"by":"x","v":"3"},"a":1,"b":2}',
            b"doc:3": b'{"x":0,"a":1,"b":2,"meta":{"v":"3"}}',
            b"doc:4": b'{"meta":{"v":"3","w":0},"a":1,"b":2}',
        }
        write(path, {b"doc:5": b'{"meta":{"v":1}}', b"doc:6": b'{"meta":{"v":"01"}}', VERSION: b"2"})
        with pytest.raises(ms.RecordRejected) as caught:
            manager(path, folder.load()).apply()
        assert [str(rejection) for rejection in caught.value.rejections] == [
            'doc:5, meta.v: an integer 1 was found, a version as a text, such as "1", was expected',
            'doc:6, meta.v: a text "01" was found, a version as a text, such as "1", was expected',
        ]

    def test_a_squashed_project(self, tmp_path: Path, folder: Folder) -> None:
        """Where the first spec is 3→4, a database of version 3 goes on, and records of earlier versions are refused."""
        project = folder.spec("note", 3, {"add": {"in_4": 3}}).load()
        path = make(tmp_path / "db", {b"note:1": b'{"schema_version":3}', VERSION: b"3"})
        manager(path, project).apply()
        assert data(path) == {b"note:1": b'{"schema_version":4,"in_4":3}'}
        write(path, {b"note:2": b'{"schema_version":2}', b"note:3": b"{}", VERSION: b"3", HISTORY: None})
        with pytest.raises(ms.RecordRejected) as caught:
            manager(path, project).apply()
        assert [str(rejection) for rejection in caught.value.rejections] == [
            (
                "note:2, schema_version: a record of version 2 was found, at least version 3 was expected; "
                "no spec starts from an earlier one"
            ),
            (
                "note:3, schema_version: a record of version 1 was found, at least version 3 was expected; "
                "no spec starts from an earlier one"
            ),
        ]


class TestBytes:
    """What no step names keeps its bytes."""

    KEPT = (
        b'{"z":123456789012345678901234567890,"a":1.10,"m":-0.0,"u":"\\u0041\\/","e":1E5,"k":{"b":1,"a":2},"t":"\xc3\xa9",'
        b'"s" : [ 1,2 ],"deep":' + b'{"a":[' * 30 + b"0" + b"]}" * 30 + b"}"
    )

    def test_untouched_values(self, tmp_path: Path, folder: Folder) -> None:
        """Numbers, escapes, key order and nesting of untouched fields come out of a run as they went in."""
        path = make(tmp_path / "db", {b"note:1": self.KEPT})
        manager(path, folder.spec("note", 1, {"add": {"new": 0}}).load()).apply()
        kept = self.KEPT.replace(b'"s" : ', b'"s":')  # blanks around a value are no part of it
        assert data(path) == {b"note:1": b'{"schema_version":2,' + kept[1:-1] + b',"new":0}'}

    def test_beside_a_change(self, tmp_path: Path, folder: Folder) -> None:
        """Where a step changes one field of a nested object, its siblings keep their bytes."""
        path = make(tmp_path / "db", {b"note:1": b'{"k":{"b":1.10,"old":[1.0,2E0],"a":12345678901234567890123}}'})
        manager(path, folder.spec("note", 1, {"rename": {"k.old": "new"}}).load()).apply()
        assert data(path) == {
            b"note:1": b'{"schema_version":2,"k":{"b":1.10,"new":[1.0,2E0],"a":12345678901234567890123}}'
        }

    def test_keys_of_all_kinds(self, tmp_path: Path, project: ms.Project) -> None:
        """Keys that are not UTF-8, have colons or are only the prefix are migrated; odd ones beside them stay."""
        others = {
            b"": b"the empty key",
            b"empty:1": b"",
            b"all:bytes": bytes(range(256)),
            b"large:1": b"x" * 1_000_000,
            b"task": b"no record",
            b"\xff\xff": b"",
        }
        keys = [b"task:", b"task:\xff\xfe", b"task:\xff\xfd", b"task:a:b:c", b"task:\x00", "task:é".encode()]
        path = make(tmp_path / "db", others | {key: task(str(number)) for number, key in enumerate(keys)})
        assert manager(path, project).apply().collections["task"] == {
            "scanned": 6,
            "migrated": 6,
            "unchanged": 0,
            "quarantined": 0,
        }
        assert data(path) == others | {key: task_v2(str(number)) for number, key in enumerate(keys)}


ODD = {
    row["name"]: (bytes.fromhex(row["value_hex"]), row["accepted"])
    for row in map(json.loads, (DATA / "task_refused.jsonl").read_text("utf-8").splitlines())
}


SCHEMA = f"{SCHEMAS}/task/v2.json"
STEP = "task v1→v2"
REASONS = {
    "empty_value": ("", "", "an empty value was found, a JSON object was expected"),
    "not_json": ("", "", "'modified' was found (expecting value at offset 0), JSON was expected"),
    "truncated": ("", "", "'al_hours\":nu' was found (expecting value at offset 297), JSON was expected"),
    "missing_id": (STEP, "", f"{SCHEMA}: no 'id' was found, it is required"),
    "status_capital": (
        STEP,
        "status",
        (
            f'{SCHEMA}: a text "Done" was found, one of "pending", "in_progress", "blocked", "done", "cancelled" was '
            "expected; did you mean 'done'?"
        ),
    ),
    "hours_1e400": (
        "",
        "",
        "the number 1e400 was found, a number within the range of a 64-bit float was expected",
    ),
    "date_epoch_int": (STEP, "created_at", f"{SCHEMA}: an integer 1704067200 was found, a text was expected"),
    "duplicate_key": ("", "", "the key 'title' was found twice in one object, each key was expected once"),
    "root_number": ("", "", "an integer was found, a JSON object was expected"),
    "not_utf8": ("", "", "the byte 0xff at offset 19 was found, UTF-8 text was expected"),
    "root_array": ("", "", "a list was found, a JSON object was expected"),
    "priority_unknown": (
        STEP,
        "priority",
        f'{SCHEMA}: a text "urgent" was found, one of "low", "medium", "high", "critical" was expected',
    ),
    "spec_ref_half": (STEP, "spec_ref", f"{SCHEMA}: no 'section' was found, it is required"),
    "history_entry_half": (STEP, "history[0]", f"{SCHEMA}: no 'to' was found, it is required"),
    "timeout_negative": (STEP, "timeout_hours", f"{SCHEMA}: an integer -1 was found, at least 0 was expected"),
    "timeout_too_large": (
        STEP,
        "timeout_hours",
        f"{SCHEMA}: an integer 4294967296 was found, at most 4294967295 was expected",
    ),
    "last_activity_null": (STEP, "last_activity", f"{SCHEMA}: null was found, a text was expected"),
    "depends_on_text": (STEP, "depends_on", f'{SCHEMA}: a text "a" was found, a list was expected'),
    "date_without_zone": (
        STEP,
        "created_at",
        f'{SCHEMA}: a text "2024-01-01T00:00:00" was found, a text of the format date-time was expected',
    ),
    "date_impossible": (
        STEP,
        "updated_at",
        f'{SCHEMA}: a text "2024-02-30T00:00:00Z" was found, a text of the format date-time was expected',
    ),
}


class TestRejectedRecords:
    """Records that cannot be carried over: all are named, and nothing is changed."""

    def test_all_are_tested(self) -> None:
        """Every record of the file is either refused below, or is one of the two that are migrated."""
        assert {name for name, (_, accepted) in ODD.items() if not accepted} == set(REASONS)
        assert {name for name, (_, accepted) in ODD.items() if accepted} == {"missing_history", "missing_tags"}

    @pytest.mark.parametrize("name", REASONS)
    def test_refused(self, name: str, tmp_path: Path, project: ms.Project) -> None:
        """A record no program could have written is refused with its key, the step, the place and the reason."""
        path = make(tmp_path / "db", {b"task:a": task("a"), b"task:\xfe": ODD[name][0], b"task9": b"x"})
        before = dump(path)
        with pytest.raises(ms.RecordRejected) as caught:
            manager(path, project).apply()
        [rejection] = caught.value.rejections
        assert caught.value.count == 1
        assert rejection.key == b"task:\xfe"
        assert (rejection.step, rejection.path, str(rejection.fault)) == REASONS[name]
        head = f"{path}: 1 record cannot be migrated; nothing was changed; mend these records or the spec and run again"
        parts = ", ".join(part for part in ("task:\\xfe", *REASONS[name][:2]) if part)
        assert str(caught.value) == f"{head}\n  {parts}: {REASONS[name][2]}"
        assert dump(path) == before
        assert beside(path) == []

    @pytest.mark.parametrize("name", ["missing_history", "missing_tags"])
    def test_accepted(self, name: str, tmp_path: Path, project: ms.Project) -> None:
        """A record at which Meridian's own migration stopped, although its programs took it, is migrated."""
        path = make(tmp_path / "db", {b"task:a": ODD[name][0]})
        assert manager(path, project).apply(2).collections == {
            "task": {"scanned": 1, "migrated": 1, "unchanged": 0, "quarantined": 0}
        }
        assert json.loads(data(path)[b"task:a"]) == json.loads(task_v2("e"))

    def test_as_json(self, tmp_path: Path, project: ms.Project) -> None:
        """The error tells a program what it tells a person."""
        path = make(tmp_path / "db", {b"task:\xfe": ODD["spec_ref_half"][0]})
        with pytest.raises(ms.RecordRejected) as caught:
            manager(path, project).apply()
        assert caught.value.to_json() == {
            "code": "record-rejected",
            "message": str(caught.value).split("\n")[0],
            "where": {"file": str(path), "line": None, "column": None, "key": None},
            "details": [
                {
                    "code": "schema",
                    "message": f"task:\\xfe, task v1→v2, spec_ref: {SCHEMA}: no 'section' was found, it is required",
                    "where": {"file": SCHEMA, "line": None, "column": None, "key": "task:\\xfe"},
                    "step": "task v1→v2",
                    "path": "spec_ref",
                }
            ],
        }

    def test_more_than_are_shown(self, tmp_path: Path, project: ms.Project) -> None:
        """Of 150 rejected records the first hundred are named, in the order of their keys, and all are counted."""
        path = make(tmp_path / "db", {b"task:%03d" % number: b"[]" for number in range(150)} | {b"task:x": task("x")})
        with pytest.raises(ms.RecordRejected) as caught:
            manager(path, project).apply()
        assert caught.value.count == 150
        assert [rejection.key for rejection in caught.value.rejections] == [
            b"task:%03d" % number for number in range(100)
        ]
        assert str(caught.value).split("\n") == [
            f"{path}: 150 records cannot be migrated; nothing was changed; "
            "mend these records or the spec and run again",
            *(f"  task:{number:03}: a list was found, a JSON object was expected" for number in range(100)),
            "  … and 50 more",
        ]
        assert beside(path) == []

    def test_of_several_collections(self, tmp_path: Path, folder: Folder) -> None:
        """Rejected records of several collections are named in the order of their keys, whichever steps they are of."""
        folder.spec("b", 1).spec("a", 2)
        path = make(
            tmp_path / "db", {b"a:%03d" % n: b"1" for n in range(60)} | {b"b:%03d" % n: b"1" for n in range(70)}
        )
        with pytest.raises(ms.RecordRejected) as caught:
            manager(path, folder.load()).apply()
        assert caught.value.count == 130
        assert [rejection.key for rejection in caught.value.rejections] == [
            *(b"a:%03d" % number for number in range(60)),
            *(b"b:%03d" % number for number in range(40)),
        ]

    def test_in_the_second_of_two_steps(self, tmp_path: Path, folder: Folder) -> None:
        """Where the second step refuses a record the first is not carried out either; the error names the second."""
        folder.spec("note", 1, {"add": {"a": 1}}).spec("note", 2, {"add": {"b": 2}}).spec("note", 3, {"add": {"c": 3}})
        path = make(tmp_path / "db", {b"note:1": b"{}", b"note:2": b'{"b":0}', b"other": b"1"})
        before = dump(path)
        with pytest.raises(ms.RecordRejected) as caught:
            manager(path, folder.load()).apply()
        place = f"{folder.file('note', 2)}:1:"
        [rejection] = caught.value.rejections
        assert (rejection.key, rejection.step, rejection.path) == (b"note:2", "note v2→v3", "b")
        assert str(rejection.fault).startswith(place)
        assert str(rejection.fault).partition(": ")[2] == (
            "an integer 0 was found, no such field was expected; "
            "say `if_exists: keep` or `if_exists: replace`, or use `default`"
        )
        assert dump(path) == before
        assert beside(path) == []
        assert manager(path, folder.load()).apply(2).to_version == 2


class TestNoWay:
    """Versions between which there is no way."""

    @pytest.mark.parametrize("do", ["apply", "scan", "plan"])
    def test_missing_path(self, do: str, tmp_path: Path, folder: Folder) -> None:
        """Specs that begin at a later version than the database say which steps are missing."""
        project = folder.spec("note", 3).load()
        path = make(tmp_path / "db", {b"note:1": b"{}"})
        before = files(tmp_path / "db")
        with pytest.raises(ms.MigrationPathMissing) as caught:
            getattr(manager(path, project), do)()
        assert str(caught.value) == (
            "no spec for v1→v2, v2→v3 was found, one was expected on the way from version 1 to 4 (there are: v3→v4); "
            "add the missing spec, or pass the folder that has it with --specs"
        )
        assert files(tmp_path / "db") == before
        assert beside(path) == []

    @pytest.mark.parametrize("do", ["apply", "scan", "plan"])
    @pytest.mark.parametrize(
        "case",
        [
            (
                b"4",
                None,
                (
                    "a database of version 4 was found, at most version 3 was expected, the newest these specs know; "
                    "use the specs of the program that wrote it"
                ),
            ),
            (
                b"4294967295",
                2,
                (
                    "a database of version 4294967295 was found, at most version 3 was expected, "
                    "the newest these specs know; use the specs of the program that wrote it"
                ),
            ),
            (
                b"2",
                4,
                (
                    "the target version 4 was found, at most 3 was expected, the newest these specs know; "
                    "write the missing specs"
                ),
            ),
            (
                b"2",
                1,
                (
                    "the target version 1 was found, at least 2 was expected, the version of the database; "
                    "`migrate-spec downgrade` leads downwards, `migrate-spec rollback` puts a backup back"
                ),
            ),
            (
                b"1",
                0,
                (
                    "the target version 0 was found, at least 1 was expected, the version of the database; "
                    "`migrate-spec downgrade` leads downwards, `migrate-spec rollback` puts a backup back"
                ),
            ),
        ],
    )
    def test_versions(self, do: str, case: tuple[bytes, int | None, str], tmp_path: Path, project: ms.Project) -> None:
        """A newer database, a target beyond the specs and one behind the database are refused; nothing is written."""
        version, target, sentence = case
        path = make(tmp_path / "db", ROWS | {VERSION: version})
        before = files(tmp_path)
        with pytest.raises(ms.PlanError) as caught:
            getattr(manager(path, project), do)(target)
        assert type(caught.value) is (ms.DatabaseTooNew if version.startswith(b"4") else ms.PlanError)
        assert str(caught.value) == sentence
        assert files(tmp_path) == before

    def test_nothing_to_do(self, tmp_path: Path, project: ms.Project) -> None:
        """At the target already a run does nothing and writes nothing."""
        path = make(tmp_path / "db", ROWS | {VERSION: b"2"})
        before = files(tmp_path)
        assert manager(path, project).apply(2) == ms.ApplyReport(str(path), 2, 2)
        assert files(tmp_path) == before


METADATA = json.loads((DATA / "metadata.json").read_text("utf-8"))


class TestMetadata:
    """The version as stored."""

    @pytest.mark.parametrize("row", METADATA["schema_version"]["accepted"], ids=lambda row: repr(row["stored"]))
    def test_accepted(self, row: dict[str, Any], tmp_path: Path, project: ms.Project) -> None:
        """A bare number is a version, also with blanks around it."""
        path = make(tmp_path / "db", {VERSION: row["stored"].encode()})
        assert manager(path, project).version() == row["version"]

    @pytest.mark.parametrize(
        "stored", [*map(str.encode, METADATA["schema_version"]["refused"]), b"0", b"+1", b"\xff", b"\xd9\xa1"]
    )
    def test_refused(self, stored: bytes, tmp_path: Path, project: ms.Project) -> None:
        """Whatever else stands there is refused, and nothing is written."""
        path = make(tmp_path / "db", ROWS | {VERSION: stored})
        before = files(tmp_path)
        for do in (manager(path, project).apply, manager(path, project).scan, manager(path, project).status):
            with pytest.raises(ms.MetadataInvalid) as caught:
                do()
            assert str(caught.value) == (
                f"{path}: {stored.decode('utf-8', 'backslashreplace')!r} was found under _schema_version, "
                "a whole number from 1 to 4294967295 was expected; "
                "put the version of the program that wrote the database there"
            )
        assert files(tmp_path) == before

    def test_blanks_are_replaced(self, tmp_path: Path, project: ms.Project) -> None:
        """A version with blanks around it is a way's beginning like any other; the new one is bare."""
        path = make(tmp_path / "db", {VERSION: b" 2\n"})
        assert manager(path, project).apply().from_version == 2
        assert dump(path)[VERSION] == b"3"


class TestEmpty:
    """A database without records."""

    def test_an_empty_database(self, tmp_path: Path, project: ms.Project) -> None:
        """The version and the history are written, and no backup is made, as there is nothing to put back."""
        path = make(tmp_path / "db", {})
        report = manager(path, project).apply()
        nothing = {"scanned": 0, "migrated": 0, "unchanged": 0, "quarantined": 0}
        assert (report.from_version, report.to_version, report.backup) == (1, 3, None)
        assert report.collections == {"task": nothing, "episode": nothing, "symbol": nothing}
        assert set(dump(path)) == {VERSION, HISTORY}
        assert dump(path)[VERSION] == b"3"
        assert [(entry["from_version"], entry["to_version"], entry["backup_key"]) for entry in entries(path)] == [
            (1, 2, None),
            (2, 3, None),
        ]
        assert beside(path) == []

    def test_without_records_of_the_collections(self, tmp_path: Path, project: ms.Project) -> None:
        """Where only other records are there, they stay, and no backup is made."""
        path = make(tmp_path / "db", {b"task9": b"x", b"task;": b"y"})
        assert manager(path, project).apply().backup is None
        assert data(path) == {b"task9": b"x", b"task;": b"y"}
        assert beside(path) == []

    def test_steps_without_operations(self, tmp_path: Path, folder: Folder) -> None:
        """A spec without steps raises the version alone; every record keeps its bytes."""
        path = make(tmp_path / "db", {b"note:1": b' {"a" : 1.0}', b"note:2": b'{"schema_version":1}'})
        report = manager(path, folder.spec("note", 1).load()).apply()
        assert report.collections == {"note": {"scanned": 2, "migrated": 0, "unchanged": 2, "quarantined": 0}}
        assert data(path) == {b"note:1": b' {"a" : 1.0}', b"note:2": b'{"schema_version":1}'}
        assert dump(path)[VERSION] == b"2"


class TestProgress:
    """What a callback is told."""

    def test_events(self, meridian: Path, project: ms.Project) -> None:
        """A run begins with ``started``, ends with ``finished`` and counts every record it looked at."""
        events: list[ms.Progress] = []
        manager(meridian, project).apply(on_progress=events.append)
        assert [event.phase for event in events if event.phase != "advanced"] == ["started", "finished"]
        assert (events[0].phase, events[0].done) == ("started", 0)
        assert (events[-1].phase, events[-1].done, events[-1].total) == ("finished", 10, 10)

    def test_an_error_in_the_callback(self, meridian: Path, project: ms.Project) -> None:
        """What the callback raises comes out of the run as it is, and the database is as it was."""

        def fail(event: ms.Progress) -> None:
            if event.phase == "finished":
                raise ZeroDivisionError(event.phase)

        before = dump(meridian)
        for do in (manager(meridian, project).apply, manager(meridian, project).scan):
            with pytest.raises(ZeroDivisionError, match="finished"):
                do(on_progress=fail)
        assert dump(meridian) == before
        assert beside(meridian) == []
