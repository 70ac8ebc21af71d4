"""Databases of rocksdict's default mode in which documents are pickled: `--allow-pickle`."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec import in_place
from migrate_spec.stores.rocks_typed import Pickled
from tests.cli_support import cli, document, plain, refusal
from tests.conftest import Folder, files
from tests.runner_support import set_jobs
from tests.test_typed_store import Typed, build, contents, tagged

SHARED: list[Any] = ["x"]

RECORDS: Typed = {
    "task:01": '{"a":1}',
    "task:02": b'{"a":2}',
    "task:03": {"a": 3, "deep": [{"ü": -0.0, "big": 10**30}, None, True]},
    "task:04": {"c": 4},
    "task:05": {"schema_version": 2, "b": 5},
    "task:06": {"a": SHARED, "same": SHARED},
    "other:1": {"a": (1, 2)},
    b"bytes": {"a": 1},
    7: {"a": 1},
}
"""Of all that becomes of a record; and what is in no collection."""

AFTER: Typed = {
    "task:01": '{"schema_version":2,"b":1}',
    "task:02": b'{"schema_version":2,"b":2}',
    "task:03": {"schema_version": 2, "b": 3, "deep": [{"ü": -0.0, "big": 10**30}, None, True]},
    "task:06": {"schema_version": 2, "b": ["x"], "same": ["x"]},
}

REFUSED = (
    "a pickled object was found, a JSON object was expected, as to unpickle can run code of whoever wrote it; "
    "--allow-pickle (`allow_pickle`) carries over what holds nothing but what JSON has, and runs nothing"
)

RENAME = {"rename": {"a": "b"}}
MOVE = {"rekey": {"from": "task:{id}", "to": "job:{id}"}}


def records(path: Path) -> Typed:
    """All that is in a database but for what the system keeps for itself; what is pickled stays so."""
    return {key: value for key, value in contents(path).items() if not str(key[1]).startswith("_")}


def read(path: Path) -> Typed:
    """What a program finds in a collection that opens the database as it always does."""
    handle = Rdict(str(path))
    found = {key: value for key, value in handle.items() if str(key).startswith("task:")}
    handle.close()
    return found


def put(path: Path, changes: Mapping[Any, Any], protocol: int = 4) -> None:
    """Change records as a program does."""
    handle = Rdict(str(path))
    handle.set_dumps(partial(pickle.dumps, protocol=protocol))
    for key, value in changes.items():
        handle[key] = value
    handle.close()


@pytest.fixture
def project(folder: Folder) -> ms.Project:
    """A step that gives a field another name, and leaves records without it."""
    return folder.spec("task", 1, RENAME).load()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with texts, bytes and pickled objects."""
    return build(tmp_path / "db", RECORDS)


@pytest.fixture
def manager(database: Path, project: ms.Project) -> ms.MigrationManager:
    """Of that database."""
    return ms.MigrationManager(database, project)


class TestUpAndBack:
    """Each record keeps the form that it has."""

    def test_up_and_back(self, manager: ms.MigrationManager) -> None:
        """What no step changes keeps its bytes; a program reads dicts again; and back all is as it was to the byte."""
        path = manager.path
        with pytest.raises(ms.RecordRejected) as caught:
            manager.apply()
        assert [str(one) for one in caught.value.rejections] == [f"task:0{n}: {REFUSED}" for n in (3, 4, 5, 6)]
        before = files(path)
        tried = manager.scan(allow_pickle=True)
        assert manager.samples(manager.plan(allow_pickle=True))["task"].before == {"a": 1}
        assert files(path) == before
        report = manager.apply(allow_pickle=True)
        assert tried.collections == report.collections
        assert report.collections == {"task": {"scanned": 6, "migrated": 4, "unchanged": 2, "quarantined": 0}}
        assert read(path) == {key: value for key, value in RECORDS.items() if str(key).startswith("task:")} | AFTER
        unchanged = {key: value for key, value in tagged(RECORDS).items() if key[1] not in AFTER}
        assert unchanged.items() <= records(path).items()
        assert manager.history().entries[-1].fields["allow_pickle"] is True
        assert manager.audit().untouched
        manager.rollback()
        assert records(path) == tagged(RECORDS)
        assert "allow_pickle" not in manager.history().entries[-1].fields

    def test_two_workers(self, tmp_path: Path, project: ms.Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """Processes are told, too."""
        set_jobs(monkeypatch, least=10)
        path = build(tmp_path / "db", {f"task:{n:02}": {"a": n} if n % 2 else f'{{"a":{n}}}' for n in range(40)})
        ms.check_and_migrate(path, project, allow_pickle=True, workers=ms.processes(2))
        assert read(path) == {
            f"task:{n:02}": {"schema_version": 2, "b": n} if n % 2 else f'{{"schema_version":2,"b":{n}}}'
            for n in range(40)
        }

    def test_the_protocol(self, tmp_path: Path, project: ms.Project) -> None:
        """Who wrote a document can read it again: it is pickled in the same way."""
        path = build(tmp_path / "db", {})
        for protocol in range(2, 6):
            put(path, {f"task:{protocol}": {"a": 1}}, protocol)
        ms.check_and_migrate(path, project, allow_pickle=True)
        after = {"schema_version": 2, "b": 1}
        assert records(path) == {("str", f"task:{n}"): Pickled(pickle.dumps(after, n)) for n in range(2, 6)}

    def test_a_handle_that_is_open(self, database: Path, project: ms.Project) -> None:
        """It gives dicts afterwards, and before."""
        handle = Rdict(str(database))
        assert handle["task:04"] == {"c": 4}
        ms.check_and_migrate(handle, project, allow_pickle=True)
        assert handle["task:03"] == AFTER["task:03"]
        handle.close()

    def test_a_fleet(self, tmp_path: Path, project: ms.Project) -> None:
        """All databases are told."""
        paths = [build(tmp_path / name, {"task:1": {"a": 1}}) for name in ("one", "two")]
        outcomes = list(ms.apply_all(paths, project, allow_pickle=True, workers=ms.processes(1)))
        assert [outcome.error for outcome in outcomes] == [None, None]
        assert [read(path) for path in paths] == [{"task:1": {"schema_version": 2, "b": 1}}] * 2

    def test_encodings(self, tmp_path: Path, folder: Folder) -> None:
        """Pickled documents stay pickled, whatever encoding others have or get."""
        recode = {"records": [{"recode": {"from": "json", "to": "msgpack"}}]}
        folder.spec("task", 1, RENAME, **recode).spec("task", 2, {"add": {"c": 1}}, encoding="msgpack")
        path = build(tmp_path / "db", {"task:1": {"a": 1}, "task:2": {"a": 10**30}})
        with pytest.raises(ms.RecordRejected) as caught:
            ms.check_and_migrate(path, folder.load(), allow_pickle=True)
        assert [one.key for one in caught.value.rejections] == [b"task:2"]
        put(path, {"task:2": {"a": 2}})
        ms.check_and_migrate(path, folder.load(), allow_pickle=True)
        assert read(path) == {f"task:{n}": {"schema_version": 3, "b": n, "c": 1} for n in (1, 2)}
        folder.spec("task", 3, {"rename": {"c": "d"}}, encoding="msgpack")
        (folder.specs / "task" / "v1_to_v2.yaml").unlink()
        with pytest.raises(ms.RecordRejected) as caught:
            ms.check_and_migrate(path, folder.load())
        assert str(caught.value.rejections[0]) == f"task:1: {REFUSED.replace('JSON object', 'MessagePack map')}"
        ms.check_and_migrate(path, folder.load(), allow_pickle=True)
        assert read(path)["task:1"] == {"schema_version": 4, "b": 1, "d": 1}

    def test_down_and_up(self, tmp_path: Path, folder: Folder) -> None:
        """What a step takes of a pickled document is kept for the way down, which knows of the option."""
        project = folder.spec("task", 1, RENAME, {"remove": {"x": {"restore": 0}}}).load()
        values: Typed = {"task:1": {"a": 1, "x": [1, 2]}, "task:2": '{"a":2,"x":{"k":1}}', "task:3": {"a": 3, "x": 3}}
        manager = ms.MigrationManager(build(tmp_path / "db", values), project)
        manager.apply(allow_pickle=True)
        after = read(manager.path)
        assert after["task:1"] == {"schema_version": 2, "b": 1}
        manager.downgrade(1)
        assert read(manager.path) == values
        manager.apply(allow_pickle=True)
        assert read(manager.path) == after


class TestRejected:
    """What is no document, and what does not fit."""

    def test_what_would_run(self, tmp_path: Path, project: ms.Project) -> None:
        """Nothing of a pickle is run, with the option and without; with it, what it would call is named."""

        class Trap:
            """What runs a command where it is unpickled."""

            def __reduce__(self) -> tuple[Any, ...]:
                """The command."""
                return os.system, (f"touch {tmp_path}/ran",)

        path = build(tmp_path / "db", {"task:1": Trap(), "task:2": {"a": Trap()}, "task:3": {"a": 1}})
        manager, before = ms.MigrationManager(path, project), contents(path)
        calls = (
            "task:{}: the class or function 'posix.system' was found, pickled, nothing but what JSON has was expected"
        )
        for allow_pickle, sentence in ((False, f"task:{{}}: {REFUSED}"), (True, calls)):
            for do in (manager.scan, manager.apply):
                with pytest.raises(ms.RecordRejected) as caught:
                    do(allow_pickle=allow_pickle)
                assert [str(one).split(" (dict")[0] for one in caught.value.rejections][:2] == [
                    sentence.format(number) for number in (1, 2)
                ]
        assert manager.samples(manager.plan(allow_pickle=True))["task"].key == "task:3"
        manager.apply(allow_pickle=True, on_error="quarantine")
        list(manager.quarantine(allow_pickle=True))
        assert [event.kind for event in manager.explain("task:1", allow_pickle=True).events][1] == "refused"
        manager.rollback()
        assert {key: value for key, value in contents(path).items() if key in before} == before
        assert not (tmp_path / "ran").exists()

    def test_what_does_not_fit(self, tmp_path: Path, folder: Folder) -> None:
        """Pickled documents are checked as others are, and listed as JSON."""
        folder.schema("task", 2, {"type": "object", "properties": {"b": {"type": "integer"}}})
        path = build(tmp_path / "db", {"task:1": {"a": "x"}, "task:2": {"a": 2}})
        manager, listed = ms.MigrationManager(path, folder.spec("task", 1, RENAME).load()), tmp_path / "list"
        with pytest.raises(ms.RecordRejected) as caught:
            manager.apply(allow_pickle=True, rejected=listed)
        schema = folder.schemas / "task" / "v2.json"
        assert str(caught.value.rejections[0]) == (
            f'task:1, task v1→v2, b: {schema}: a text "x" was found, an integer was expected'
        )
        assert json.loads(listed.read_text())["value"] == {"a": "x"}
        manager.apply(allow_pickle=True, validate=False)
        assert read(path)["task:1"] == {"schema_version": 2, "b": "x"}


class TestWrittenSince:
    """A rollback tells what a program wrote after the run."""

    def test_the_same_in_another_form(self, manager: ms.MigrationManager) -> None:
        """Two pickles of equal dicts are no difference; a text in the place of a dict is one."""
        manager.apply(allow_pickle=True)
        put(manager.path, {key: read(manager.path)[key] for key in ("task:03", "task:04")}, protocol=5)
        manager.rollback()
        assert records(manager.path) == tagged(RECORDS)

    def test_another_value(self, manager: ms.MigrationManager) -> None:
        """What was written is named: another document, an equal one that is a text, and what is no document."""
        manager.apply(allow_pickle=True)
        put(manager.path, {"task:04": {"c": 5}, "task:05": '{"schema_version":2,"b":5}', "task:06": {"b": {1}}})
        with pytest.raises(ms.LaterWrites) as caught:
            manager.rollback()
        assert caught.value.keys == (b"task:04", b"task:05", b"task:06")
        manager.rollback(undo_later_writes=True)
        assert records(manager.path) == tagged(RECORDS)


class TestMoved:
    """Records that get other keys, are made of others, or go into others."""

    def test_there_and_back(self, tmp_path: Path, folder: Folder) -> None:
        """What is made of a pickled document is pickled; entries of indexes go along."""
        gather = {"gather": {"parts": {"from": "part:{id}:{.index}"}}}
        explode = {"explode": {"notes": {"to": "note:{id}:{.index}"}}}
        more = {"indexes": {"status": "idx:{status}:{id}"}, "records": [gather, explode, MOVE]}
        folder.spec("task", 1, RENAME, {"map": {"status": {"todo": "open"}}}, **more)
        values: Typed = {
            "idx:todo:1": "1",
            "idx:todo:2": "1",
            "part:1:0": {"n": 1},
            "part:1:1": '{"n":2}',
            "part:2:0": {"n": 3},
            "task:1": {"id": "1", "a": 1, "status": "todo", "notes": [{"t": "x"}, {"t": "y"}]},
            "task:2": '{"id":"2","status":"todo"}',
        }
        manager = ms.MigrationManager(build(tmp_path / "db", values), folder.load())
        with pytest.raises(ms.RecordRejected) as caught:
            manager.apply()
        assert [one.key for one in caught.value.rejections] == [b"task:1", b"task:2"]
        manager.apply(allow_pickle=True)
        after: Typed = {
            "idx:open:1": "1",
            "idx:open:2": "1",
            "job:1": {"schema_version": 2, "id": "1", "b": 1, "status": "open", "parts": [{"n": 1}, {"n": 2}]},
            "job:2": '{"schema_version":2,"id":"2","status":"open","parts":[{"n":3}]}',
            "note:1:0": {"t": "x"},
            "note:1:1": {"t": "y"},
        }
        assert records(manager.path) == tagged(after)
        manager.downgrade(1)
        assert records(manager.path) == tagged(values)
        manager.apply(allow_pickle=True)
        assert records(manager.path) == tagged(after)
        put(manager.path, {"job:1": after["job:1"]}, protocol=5)
        manager.rollback()
        assert records(manager.path) == tagged(values)

    def test_down_with_edits(self, tmp_path: Path, folder: Folder) -> None:
        """What comes out of a pickled document is pickled, what goes into it is opened, what was deleted is back."""
        gather = {"gather": {"parts": {"from": "part:{id}:{.index}"}}}
        explode = {"explode": {"notes": {"to": "note:{id}:{.index}"}}}
        folder.spec("task", 1, records=[gather, explode, {"drop": {"where": {"gone": True}}}])
        values: Typed = {
            "part:1:0": {"n": 1},
            "part:2:0": {"n": 2},
            "task:1": {"id": "1", "notes": [{"t": "x"}]},
            "task:2": {"id": "2", "gone": True, "notes": [{"t": "v"}]},
        }
        manager = ms.MigrationManager(build(tmp_path / "db", values), folder.load())
        manager.apply(allow_pickle=True)
        put(manager.path, {"note:1:1": {"t": "y"}, "note:1:0": {"t": "z"}})
        put(manager.path, {"task:1": {"schema_version": 2, "id": "1", "parts": [{"n": 1}, {"n": 3}]}})
        manager.downgrade(1)
        edits = {"part:1:1": {"n": 3}, "task:1": {"id": "1", "notes": [{"t": "z"}, {"t": "y"}]}}
        assert records(manager.path) == tagged({**values, **edits})

    def test_another_key_alone(self, tmp_path: Path, folder: Folder) -> None:
        """A document that stays as it is keeps its bytes under the new key."""
        folder.spec("task", 1, stamp=None, records=[MOVE])
        path = build(tmp_path / "db", {})
        put(path, {"task:1": {"id": "1", "a": SHARED, "b": SHARED}}, protocol=3)
        before = records(path)["str", "task:1"]
        ms.check_and_migrate(path, folder.load(), allow_pickle=True)
        assert records(path) == {("str", "job:1"): before}

    def test_entries_of_an_index(self, tmp_path: Path, folder: Folder) -> None:
        """They go along where a collection is restored from a backup, once a run had the option."""
        folder.spec("task", 1, RENAME, indexes={"status": "idx:{status}:{id}"})
        path = build(tmp_path / "db", {"task:1": {"id": "1", "a": 1, "status": "open"}, "idx:open:1": "1"})
        manager = ms.MigrationManager(path, folder.load())
        manager.apply(allow_pickle=True)
        backup, before = manager.create_backup(), records(path)
        put(path, {"task:1": {"schema_version": 2, "id": "1", "status": "done"}, "idx:done:1": "1"})
        manager.restore_backup(backup.name, collections=["task"], undo_later_writes=True)
        assert records(path) == before


class TestQuarantine:
    """Records that were set aside."""

    def test_taken_up_again(self, manager: ms.MigrationManager) -> None:
        """What was set aside without the option is carried over with it, and a rollback knows."""
        manager.apply(on_error="quarantine")
        assert {held.mark.reason for held in manager.quarantine()} == {REFUSED}
        assert [held.value for held in manager.quarantine(allow_pickle=True)][1] == b'{"c":4}'
        assert manager.apply().quarantined == 4
        assert manager.apply(allow_pickle=True).quarantined == 0
        assert read(manager.path)["task:03"] == AFTER["task:03"]
        manager.rollback()
        assert records(manager.path) == tagged(RECORDS)

    def test_repaired(self, tmp_path: Path, folder: Folder) -> None:
        """By a document or a fix; what takes the place of a pickled document is pickled, too."""
        folder.schema("task", 2, {"type": "object", "properties": {"b": {"type": "integer"}}})
        project = folder.spec("task", 1, RENAME).load()
        path = build(tmp_path / "db", {f"task:{n}": {"a": "1"} for n in range(4)} | {"task:4": {"a": 1}})
        manager = ms.MigrationManager(path, project)
        manager.apply(allow_pickle=True, on_error="quarantine")
        manager.repair(b"task:0", b'{"a": 5}', allow_pickle=True)
        manager.repair(b"task:1", b'{"a": 6}')
        fix = tmp_path / "fix.yaml"
        fix.write_text("collection: task\nsteps: [{convert: {a: {from: string, to: integer}}}]")
        refused = manager.repair_by(ms.load_fix(fix, project))
        assert [str(one) for one in refused.refused] == [f"task:{n}, {fix}: {REFUSED}" for n in (2, 3)]
        assert manager.repair_by(ms.load_fix(fix, project), allow_pickle=True).repaired == 2
        assert read(path) == {
            "task:0": {"schema_version": 2, "b": 5},
            "task:1": '{"schema_version":2,"b":6}',
            **{f"task:{n}": {"schema_version": 2, "b": 1} for n in (2, 3, 4)},
        }


def test_in_place(manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches keep the forms, and a run that goes on does what it was told at its beginning."""
    monkeypatch.setattr(in_place, "BYTES_A_BATCH", 1)
    monkeypatch.setattr(in_place, "RECORDS_A_CHUNK", 1)
    write, batches = in_place.InPlace._write, []

    def interrupted(run: in_place.InPlace) -> None:
        write(run)
        batches.append(run)
        if len(batches) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(in_place.InPlace, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        manager.apply(allow_pickle=True, in_place=True)
    for key in ("task:03", "task:06"):  # one that is behind, and one that is not
        upgraded = manager.upgraded("task", key.encode(), allow_pickle=True)
        assert json.loads(upgraded or b"") == AFTER[key]
    report = manager.apply()
    assert (report.resumed, manager.history().entries[-1].fields["allow_pickle"]) == (True, True)
    assert read(manager.path) == {key: value for key, value in RECORDS.items() if str(key).startswith("task:")} | AFTER


def test_explained(manager: ms.MigrationManager) -> None:
    """As JSON, what is to come and what was; without the option it is no document, until a run was told."""
    assert manager.explain("task:03").events[0].document is None
    told = manager.explain("task:03", allow_pickle=True)
    assert [event.kind for event in told.events] == ["found", "step", "stamp"]
    manager.apply(allow_pickle=True)
    put(manager.path, {"task:03": AFTER["task:03"]}, protocol=5)
    told = manager.explain("task:03")
    assert [event.kind for event in told.events] == ["found", "step", "stamp"]
    assert (told.events[-1].document, told.pending) == (AFTER["task:03"], 0)
    put(manager.path, {"task:03": {"schema_version": 2, "b": 4}})
    assert [event.kind for event in manager.explain("task:03").events][-1] == "written"


class TestCommands:
    """The option on the command line."""

    def test_each(self, database: Path, folder: Folder, project: ms.Project, tmp_path: Path) -> None:
        """`plan`, `apply`, `explain`, `repair`, `test` and `new` have it."""
        assert project.version == 2
        of = ("--specs", folder.specs, "--schemas", folder.schemas)
        assert refusal("plan", database, "--scan", *of)["code"] == "record-rejected"
        shown = document("plan", database, "--scan", "--allow-pickle", *of)
        assert shown["scan"]["collections"]["task"]["migrated"] == 4
        tried = document("test", "--from", database, "--allow-pickle", "--law", "total", *of)
        assert tried["trials"][0]["documents"] == 5
        folder.schema("task", 2, {"type": "object", "properties": {"b": {}}}).schema("task", 3, {"type": "object"})
        drafted = cli("new", "task", "--db", database, "--allow-pickle", "--dry-run", *of).out
        assert "# 1 of the 1 records looked at has b" in drafted
        (folder.schemas / "task" / "v3.json").unlink()
        document("apply", database, "--on-error", "quarantine", *of)
        assert "value" not in document("repair", database, *of)[0]
        assert document("repair", database, "--allow-pickle", *of)[1]["value"] == {"c": 4}
        document("apply", database, "--allow-pickle", *of)
        assert document("explain", database, "task:03", "--allow-pickle", *of)["pending"] == 0
        assert document("rollback", database, *of)["records"] == 4
        assert records(database) == tagged(RECORDS)
        assert plain(cli("apply", database, "--allow-pickle", *of).out, tmp_path).startswith(
            "v1 -> v2: 4 items migrated"
        )
