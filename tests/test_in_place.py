"""``apply(in_place=True)``: batches of records, each one atomic step; a run that ends in the middle goes on."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec import in_place
from migrate_spec.interrupts import RunInterrupted
from migrate_spec.store import Store
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.upgrading import upgraded
from tests import families_support, rows_of
from tests.conftest import VERSION, Folder, beside, data, dump, files, make, raw, without_times, write
from tests.in_place_support import (
    MARK,
    SPECS,
    World,
    after_batch,
    check_done,
    interrupt,
    interrupted,
    project_of,
    small_batches,
)
from tests.runner_support import told
from tests.test_record_operations import written

WORLD = World(8)
CASES = Path(__file__).parent / "in_place_cases.yaml"


@pytest.fixture
def project(folder: Folder) -> ms.Project:
    """All kinds of records."""
    return project_of(folder)


@pytest.fixture
def manager(tmp_path: Path, project: ms.Project, monkeypatch: pytest.MonkeyPatch) -> ms.MigrationManager:
    """A database of all of them, and small batches."""
    small_batches(monkeypatch)
    return ms.MigrationManager(make(tmp_path / "db", WORLD.old), project)


class TestTheWhole:
    """A run that nothing interrupts."""

    def test_as_the_other_way(self, manager: ms.MigrationManager, tmp_path: Path) -> None:
        """It makes of each record, byte for byte, what a run with a staging folder makes of it, and says the same."""
        other = ms.MigrationManager(make(tmp_path / "other", WORLD.old), manager._project)
        report, expected = manager.apply(in_place=True), other.apply()
        assert data(other.path) == WORLD.new
        check_done(manager.path, WORLD.new)
        assert told(report) == replace(told(expected), in_place=True)
        assert held_by(manager) == held_by(other)
        assert states_of(manager) == HELD

    def test_one_batch(self, tmp_path: Path, project: ms.Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """What fits into one batch is one write, which no mark needs."""
        seen: list[bytes | None] = []
        after_batch(monkeypatch, 0, lambda store: seen.append(store.get(MARK)))
        path = make(tmp_path / "db", WORLD.old)
        ms.MigrationManager(path, project).apply(in_place=True)
        assert seen == [None]
        check_done(path, WORLD.new)

    def test_over_a_handle(self, manager: ms.MigrationManager) -> None:
        """It works on the handle that an application has open, which stays open."""
        handle = Rdict(str(manager.path), raw())
        ms.MigrationManager(handle, manager._project).apply(in_place=True)
        assert handle[VERSION] == b"3"
        handle.close()
        check_done(manager.path, WORLD.new)

    def test_by_processes(self, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """Several processes find out what is rejected, where there is much to look at."""
        monkeypatch.setattr("migrate_spec.runner.FEW_RECORDS", 0)
        manager.apply(in_place=True, workers=ms.processes(2))
        check_done(manager.path, WORLD.new)

    def test_cleared_up_on_the_way(self, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the old records are cleared away after each batch, too, none is passed over."""
        monkeypatch.setattr(in_place, "BYTES_A_STRETCH", 1)
        manager.apply(in_place=True)
        check_done(manager.path, WORLD.new)

    def test_there_is_no_way_back(self, manager: ms.MigrationManager) -> None:
        """A rollback says why there is none."""
        manager.apply(in_place=True)
        with pytest.raises(ms.BackupError) as caught:
            manager.rollback()
        assert str(caught.value) == (
            "the step v2→v3 was found, which was carried out in place, a step with a backup was expected, and in place "
            "none is made; `migrate-spec backup list` shows what was backed up by hand"
        )

    def test_rejected(self, manager: ms.MigrationManager) -> None:
        """What is rejected is named, and the database stays as it was, as the other way."""
        write(manager.path, {b"note:0002": b"[]", b"task:0007": b'{"id":"0007"}'})
        before = dump(manager.path)
        with pytest.raises(ms.RecordRejected) as expected:
            manager.scan()
        for do in (manager.apply, manager.scan):
            with pytest.raises(ms.RecordRejected) as caught:
                do(in_place=True)
            assert str(caught.value) == str(expected.value)
        assert dump(manager.path) == before
        assert beside(manager.path) == []

    def test_tried(self, manager: ms.MigrationManager) -> None:
        """A scan says what would be done, and writes nothing."""
        untouched = files(manager.path)
        scanned = manager.scan(in_place=True)
        assert files(manager.path) == untouched
        assert told(scanned) == replace(told(manager.apply(in_place=True)), dry_run=True)


class TestInterrupted:
    """A run that ends in the middle, and what is possible then."""

    def test_goes_on(self, manager: ms.MigrationManager) -> None:
        """The next call goes on, whether it was told to work in place or not, and says so."""
        mark = interrupted(manager)
        assert 0 < mark["done"] < mark["total"] == 40
        report = manager.apply()
        assert (report.in_place, report.resumed, report.backup) == (True, True, None)
        check_done(manager.path, WORLD.new)
        assert states_of(manager) == HELD
        assert manager.apply().steps == []

    def test_at_the_start_of_an_application(self, manager: ms.MigrationManager) -> None:
        """`check_and_migrate` goes on with it, although the version is the newest."""
        interrupted(manager)
        assert manager.version() == 3
        assert ms.check_and_migrate(manager.path, manager._project).resumed
        check_done(manager.path, WORLD.new)

    def test_what_is_raised(self, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ctrl-C is a KeyboardInterrupt that tells how far the run is; before the first batch it is the usual one."""

        def raising(_progress: ms.Progress) -> None:
            raise KeyboardInterrupt

        before = dump(manager.path)
        with pytest.raises(KeyboardInterrupt) as usual:
            manager.apply(in_place=True, on_progress=raising)
        assert type(usual.value) is KeyboardInterrupt
        assert dump(manager.path) == before
        after_batch(monkeypatch, 2, interrupt)
        with pytest.raises(RunInterrupted) as caught:
            manager.apply(in_place=True)
        assert str(caught.value) == ("the run in place v1 -> v3 was interrupted: 6 of about 40 records are behind")

    def test_during_the_last_batch(self, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Ctrl-C that comes when all is done is forgotten."""
        monkeypatch.setattr(in_place, "BYTES_A_BATCH", 2**20)
        after_batch(monkeypatch, 1, interrupt)
        manager.apply(in_place=True)
        check_done(manager.path, WORLD.new)

    def test_nobody_has_written_since(self, manager: ms.MigrationManager) -> None:
        """Then it goes on at once behind the last key, and does not look at all records again."""
        mark, works = interrupted(manager), []
        manager.apply(on_progress=lambda progress: works.append((progress.phase, progress.work, progress.done)))
        assert works == [
            ("started", "", 0),
            ("finished", "migrating task", mark["total"]),
            ("started", "", 0),
            ("finished", "digesting", sum(key.startswith(HEADS) for key in WORLD.new)),
        ]

    def test_status(self, manager: ms.MigrationManager) -> None:
        """The status tells of the run, which is pending, and so does the plan."""
        mark = interrupted(manager)
        status = manager.status()
        assert not status.up_to_date
        assert not manager.is_current()
        assert status.in_progress == manager.in_progress()
        assert status.in_progress is not None
        assert (status.in_progress.done, status.in_progress.collection) == (mark["done"], mark["collection"])
        assert [migration.name for migration in manager.plan().migrations] == status.pending
        assert (manager.plan().from_version, manager.plan().to_version) == (1, 3)
        assert manager.scan().resumed
        assert set(manager.samples(manager.plan())) >= {"row", "task"}

    def test_nothing_else_is_done(self, manager: ms.MigrationManager) -> None:
        """No other change of the database is made before the run is at its end."""
        interrupted(manager, after=2)
        before = dump(manager.path)
        with pytest.raises(ms.PlanError) as lower:
            manager.apply(2)
        assert str(lower.value) == (
            f"{manager.path}: the target version 2 was found in the middle of a run in place v1 -> v3, "
            "at least 3 was expected, as such a run must come to its end"
        )
        with pytest.raises(ms.RunInProgress) as caught:
            manager.rollback()
        assert str(caught.value) == (
            f"{manager.path}: a run in place v1 -> v3 that is not at its end was found (6 of about 40 records are "
            "behind), none was expected; `migrate-spec apply` goes on with it"
        )
        assert dump(manager.path) == before
        assert beside(manager.path) == []

    def test_an_older_program(self, manager: ms.MigrationManager, tmp_path: Path) -> None:
        """A program that only knows the old version refuses the database, as there are new records in it."""
        interrupted(manager)
        older = written(
            {"specs": {name: spec for name, spec in SPECS.items() if name.endswith("1")}}, Folder(tmp_path / "old")
        )
        with pytest.raises(ms.DatabaseTooNew):
            ms.check_and_migrate(manager.path, older.load())

    def test_further_steps(self, manager: ms.MigrationManager, folder: Folder) -> None:
        """Steps that were written in between come in a run of their own, behind the one in place."""
        interrupted(manager)
        folder.spec("note", 3, {"default": {"later": True}})
        newer = ms.MigrationManager(manager.path, folder.load())
        report = newer.apply()
        assert (report.from_version, report.to_version, report.in_place, report.resumed) == (1, 4, True, True)
        assert [step["from_version"] for step in report.steps] == [1, 2, 3]
        assert report.backup is not None
        newer.rollback()
        assert data(manager.path) == WORLD.new

    @pytest.mark.parametrize("now", ["changed", "further", "missing"])
    def test_changed_specs(self, now: str, manager: ms.MigrationManager, folder: Folder) -> None:
        """Specs that are not those that it began with are refused, and both are shown."""
        interrupted(manager)
        before, path = dump(manager.path), folder.file("plain", 1)
        old = manager._project.registry["plain", 1].spec.text
        name, shown = "plain v1→v2", old
        if now == "changed":
            folder.spec("plain", 1, {"set": {"t": "x"}}, stamp=None)
        elif now == "further":
            folder.spec("other", 1)
            path, name, shown = folder.file("other", 1), "other v1→v2", "(no such spec)"
        else:
            path.unlink()
            folder.file("plain", 2).unlink()
        project = folder.load()
        spec = {"changed": ("plain", 1), "further": ("other", 1)}.get(now)
        with pytest.raises(ms.SpecChanged) as caught:
            ms.MigrationManager(manager.path, project).apply()
        assert without_times(str(caught.value)) == (
            f"{manager.path if now == 'missing' else f'{path}:1:1'}: another meaning of {name} was found than the one "
            "that a run in place began with on MOMENT, the same one was expected until it is at its end; undo the "
            "change, have `migrate-spec apply` go on with the run, and write what is new as a further step\n"
            f"    begun with: {shown}\n"
            f"    now:        {project.registry[spec].spec.text if spec else '(no such spec)'}"
        )
        assert dump(manager.path) == before

    @pytest.mark.parametrize(
        ("mark", "reason"),
        [
            (b"[]", "a list is no mark"),
            (b"{}", "from_version is not an integer"),
            (b"x", "JSON is malformed: invalid character (byte 0)"),
        ],
    )
    def test_a_mark_that_cannot_be_read(self, mark: bytes, reason: str, manager: ms.MigrationManager) -> None:
        """A mark that is none is refused."""
        write(manager.path, {MARK: mark})
        for do in (manager.apply, manager.status, manager.rollback):
            with pytest.raises(ms.MetadataInvalid) as caught:
                do()
            assert str(caught.value) == (
                f"{manager.path}: the mark of a run in place that cannot be read was found under "
                f"_migration_in_progress ({reason}), what the run has written was expected; put a backup back that was "
                "made before the run"
            )


class TestWrittenMeanwhile:
    """What an application writes between an interruption and the next call, by the table in ``in_place_cases.yaml``."""

    @pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in rows_of(CASES)])
    def test_written(self, row: dict[str, Any], manager: ms.MigrationManager, folder: Folder) -> None:
        """A stamp decides wherever the record is; without one the last key does; what does not go on is named."""
        mark = interrupted(manager, row["after"])
        assert (mark["collection"], bytes.fromhex(mark["last_key"]).decode()) == (row["collection"], row["last_key"])
        found = dump(manager.path)
        assert all((key.encode() in found) == there for key, there in row.get("there", {}).items())
        write(manager.path, changes(row["written"]))
        if "refused" in row:
            before = dump(manager.path)
            with pytest.raises(ms.RecordRejected) as caught:
                manager.apply()
            said = str(caught.value).replace(str(folder.specs), "SPECS").replace(str(manager.path), "DB")
            assert said == row["refused"].rstrip()
            assert dump(manager.path) == before
            return
        manager.apply()
        expected: dict[bytes, bytes | None] = {**WORLD.new, **changes(row["becomes"])}
        assert data(manager.path) == {key: value for key, value in expected.items() if value is not None}


HEADS = (b"note:", b"plain:", b"part:", b"line:", b"project:")
"""What the keys of all records begin with afterwards."""

HELD = {"note": "unchanged", "part": "unknown", "plain": "unchanged", "row": "unchanged", "task": "unchanged"}
"""What the history says of the collections afterwards; nothing is claimed of one that another one makes records for."""


def states_of(manager: ms.MigrationManager) -> dict[str, str]:
    """Whether each collection holds what the last run left."""
    return {held.collection: held.state for held in manager.audit().collections}


def held_by(manager: ms.MigrationManager) -> list[dict[str, Any]]:
    """What the history says of the collections, step by step: what they held before and after, counted and digested."""
    return [entry.collections for entry in manager.history().entries]


def changes(listed: dict[str, str | None]) -> dict[bytes, bytes | None]:
    """Keys and values, as they are in a row."""
    return {key.encode(): None if value is None else value.encode() for key, value in listed.items()}


class TestOthersMeanwhile:
    """Programs beside a run that goes on."""

    def test_a_reader(self, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """After each batch a program that opens the database for reading finds every record as it will be."""
        looks = 0

        def look(_store: Store) -> None:
            nonlocal looks
            with open_for_reading(manager.path) as store:
                WORLD.check_readable(store, manager._project)
            looks += 1

        after_batch(monkeypatch, 0, look)
        manager.apply(in_place=True)
        assert looks > 10

    def test_readers_at_any_moment(self, manager: ms.MigrationManager) -> None:
        """So does a thread that reads over the same handle all the time, whatever the moment."""
        handle = Rdict(str(manager.path), raw())
        running = ms.MigrationManager(handle, manager._project)
        thread = Thread(target=running.apply, kwargs={"in_place": True})
        thread.start()
        while thread.is_alive():
            for number in (1, 4, 8):
                key = b"plain:%04d" % number
                assert running.upgraded("plain", key) == WORLD.new[key]
        thread.join()
        handle.close()
        check_done(manager.path, WORLD.new)

    def test_a_writer(self, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where somebody writes over the same handle the run ends before its next batch; the next call goes on."""
        handle = Rdict(str(manager.path), raw())
        running = ms.MigrationManager(handle, manager._project)
        written = b'{"schema_version":3,"n":8,"c":9}'
        with monkeypatch.context() as once:
            after_batch(once, 2, lambda _store: handle.put(b"note:0008", written))
            with pytest.raises(ms.DatabaseChanged) as caught:
                running.apply(in_place=True)
        assert str(caught.value) == (
            f"{manager.path}: writes of somebody else during the run were found, none were expected; stop what else "
            "writes to this database and run again\n"
            "  the run in place v1 -> v3 stays where it was (6 of about 40 records are behind); `migrate-spec apply` "
            "goes on with it"
        )
        running.apply()
        handle.close()
        check_done(manager.path, WORLD.new | {b"note:0008": written})


PLAIN: dict[str, Any] = {"stamp": None}

TWICE = {
    "several records become one": (
        {"task/1": {"records": [{"gather": {"notes": {"from": "note:{id}:{.index}"}}}]}},
        "task/v1_to_v2.yaml: task v1→v2 was found, which puts several records into one, in place each record was "
        "expected to change on its own; run without --in-place",
    ),
    "records without stamps come to lie among others to come": (
        {"task/1": {"records": [{"rekey": {"from": "task:{id}", "to": "task:p:{id}"}}], **PLAIN}},
        "task/v1_to_v2.yaml: keys that begin with 'task:p:' were found, which task v1→v2 makes among those of task, "
        "in place no such keys were expected, as no stamp tells them apart; run without --in-place",
    ),
    "entries of an index come to lie among records": (
        {"task/1": {"indexes": {"status": {"from": None, "to": "task:by:{status}:{id}"}}, "stamp": "schema_version"}},
        "task/v1_to_v2.yaml: keys that begin with 'task:by:' were found, which task v1→v2 makes among those of task, "
        "in place no such keys were expected, as no stamp tells them apart; run without --in-place",
    ),
}
"""Specs that cannot be carried out in place."""


class TestWhatIsRefused:
    """What would go wrong in place is refused before anything is written; the other way it works."""

    @pytest.mark.parametrize("name", TWICE)
    def test_specs(self, name: str, tmp_path: Path, folder: Folder) -> None:
        """Specs are refused by what they say."""
        specs, sentence = TWICE[name]
        before = {b"task:1": b'{"id":"1","status":"s"}', b"note:1:0": b"{}"}
        manager = ms.MigrationManager(make(tmp_path / "db", before), written({"specs": specs}, folder).load())
        for do in (manager.apply, manager.scan):
            with pytest.raises(ms.PlanError) as caught:
                do(in_place=True)
            assert re.sub(r":\d+:\d+:", ":", str(caught.value)) == f"{folder.specs}/{sentence}"
        assert dump(manager.path) == before
        assert beside(manager.path) == []
        manager.apply()

    @pytest.mark.parametrize(
        ("before", "sentence"),
        [
            (
                {"task:1": '{"new":"2"}', "task:2": '{"new":"3"}'},
                "task:2, records: the key task:2 was found, which task:1 and task:2 change",
            ),
            (
                {"task:1": '{"new":"2"}', "task:2": '{"new":"1"}'},
                "task:2, records: the key task:2 was found, which task:1 and task:2 change",
            ),
        ],
        ids=["handed on", "swapped"],
    )
    def test_keys_that_are_handed_on(
        self, before: dict[str, str], sentence: str, tmp_path: Path, folder: Folder
    ) -> None:
        """A key that one record leaves and another one gets is named: it would be lost, or not be free."""
        specs = {
            "task/1": {"stamp": "schema_version", "records": [{"rekey": {"from": "task:{id}", "to": "task:{new}"}}]}
        }
        rows = {key.encode(): value.encode() for key, value in before.items()}
        manager = ms.MigrationManager(make(tmp_path / "db", rows), written({"specs": specs}, folder).load())
        with pytest.raises(ms.RecordRejected) as caught:
            manager.apply(in_place=True)
        assert f"  {sentence}, a key for each record was expected in place; run without --in-place" in str(
            caught.value
        ).split("\n")
        assert dump(manager.path) == rows
        manager.apply()
        assert len(data(manager.path)) == 2

    def test_an_index_that_records_share(self, tmp_path: Path, folder: Folder) -> None:
        """An entry that two records would take away is named, as the second one would not find it any more."""
        specs = {
            "task/1": {"stamp": "schema_version", "indexes": {"status": {"from": "all:{status}", "to": "by:{id}"}}}
        }
        rows = {b"task:1": b'{"id":"1","status":"s"}', b"task:2": b'{"id":"2","status":"s"}', b"all:s": b"5"}
        manager = ms.MigrationManager(make(tmp_path / "db", rows), written({"specs": specs}, folder).load())
        with pytest.raises(ms.RecordRejected) as caught:
            manager.apply(in_place=True)
        assert str(caught.value) == (
            f"{manager.path}: 1 record cannot be migrated; nothing was changed; mend these records or the spec and run "
            "again\n  task:2, records: the key all:s was found, which task:1 and task:2 change, a key for each record "
            "was expected in place; run without --in-place"
        )
        manager.apply()
        assert dump(manager.path)[b"by:2"] == b"5"


@pytest.mark.parametrize("moving", [False, True], ids=["staying", "moving"])
def test_column_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, moving: bool) -> None:
    """Records of several column families are carried like others, also interrupted at each batch; and all go back."""
    project = families_support.written(Folder(tmp_path / "project"), moving=moving)
    expected = ms.MigrationManager(families_support.make(tmp_path / "other"), project)
    expected.apply()
    manager = ms.MigrationManager(families_support.make(tmp_path / "db"), project)
    small_batches(monkeypatch, 16)
    runs = 0
    while not manager.is_current():
        with pytest.MonkeyPatch.context() as once:
            after_batch(once, 1, interrupt)
            with suppress(RunInterrupted):
                manager.apply(in_place=True)
        runs += 1
        with open_for_reading(manager.path) as store:
            for number in range(40):
                assert upgraded(store, project, "note", b"note:%03d" % number) is not None
                assert upgraded(store, project, "user", b"user:%03d" % number) is not None
    assert runs > 5
    assert families_support.data(manager.path) == families_support.data(expected.path)
    assert held_by(manager) == held_by(expected)
    assert manager.audit().untouched
    assert manager.downgrade(1).losses == []
    assert families_support.data(manager.path) == families_support.BEFORE


class TestQuarantine:
    """In place no record is set aside: all that fails is known before, and the database is as it was."""

    def test_asked_for(self, manager: ms.MigrationManager) -> None:
        """To ask for both is refused."""
        for do in (manager.apply, manager.scan):
            with pytest.raises(ms.PlanError) as caught:
                do(in_place=True, on_error="quarantine")
            assert str(caught.value) == (
                "a run in place that is to set rejected records aside, or to list them, was found, one that fails "
                "where a record is rejected was expected; mend them, or run without --in-place"
            )
        assert dump(manager.path) == WORLD.old

    def test_records_in_it(self, manager: ms.MigrationManager) -> None:
        """Records that are in quarantine are to be mended first."""
        write(manager.path, {b"note:0002": b"[]"})
        manager.apply(2, on_error="quarantine")
        before = dump(manager.path)
        with pytest.raises(ms.PlanError) as caught:
            manager.apply(in_place=True)
        assert str(caught.value) == (
            f"{manager.path}: records in quarantine were found, none were expected in place; `migrate-spec repair` "
            "opens them, and without --in-place they may stay"
        )
        assert dump(manager.path) == before
