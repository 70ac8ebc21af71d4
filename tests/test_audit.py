"""``history --verify``: whether the records are still what the last change left."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec import recount
from tests.cli_support import MERIDIAN, cli, document, plain, text
from tests.conftest import HISTORY, VERSION, Folder, dump, files, in_use, make, raw, write
from tests.runner_support import direct, set_jobs, threads, written
from tests.runner_support import document as note
from tests.test_quarantine import quarantined

DONE = """\
✓ episode: 3 records, as version 3 left them at MOMENT
✓ symbol: 2 records, as version 3 left them at MOMENT
✓ task: 5 records, as version 2 left them at MOMENT
"""


def states(manager: ms.MigrationManager) -> dict[str, str]:
    """The state of each collection."""
    return {held.collection: held.state for held in manager.audit().collections}


class TestWhatStands:
    """What is there, against what the history says."""

    @pytest.mark.parametrize("backup", [True, False])
    def test_as_the_run_left_it(self, meridian: Path, project: ms.Project, *, backup: bool) -> None:
        """After a run all is as it left it, with a backup or without; looking writes nothing."""
        manager = ms.MigrationManager(meridian, project)
        manager.apply(backup=backup)
        before = files(meridian.parent)
        found = manager.audit()
        assert (found.version, found.last_version, found.untouched) == (3, 3, True)
        assert [(held.collection, held.version, held.records_now) for held in found.collections] == [
            ("episode", 3, 3),
            ("symbol", 3, 2),
            ("task", 2, 5),
        ]
        assert files(meridian.parent) == before

    def test_after_a_rollback(self, meridian: Path, project: ms.Project) -> None:
        """After a rollback all is as that left it, and a further run again."""
        manager = ms.MigrationManager(meridian, project)
        for do in (manager.apply, manager.rollback, manager.apply):
            do()
            assert manager.audit().untouched

    def test_after_a_restore(self, meridian: Path, project: ms.Project) -> None:
        """After a restore all is as the backup held it, and what the backup does not say is not claimed."""
        manager = ms.MigrationManager(meridian, project)
        backup = manager.create_backup()
        first = str(manager.apply(2).backup)
        manager.apply()
        manager.restore_backup(backup.name)
        assert manager.audit().untouched
        assert states(manager) == {"episode": "unchanged", "symbol": "unchanged", "task": "unchanged"}
        manager.apply()
        manager.restore_backup(first)
        assert states(manager) == {"episode": "unknown", "symbol": "unknown", "task": "unchanged"}
        write(meridian, {b"task:new": b"{}"})
        assert states(manager)["task"] == "written"

    @pytest.mark.parametrize(
        ("changes", "state", "now"),
        [
            ({b"task:new": b"{}"}, "written", 6),
            ({b"task:zz": None}, "unchanged", 5),
            ({b"else:1": b"{}"}, "unchanged", 5),
        ],
        ids=["a new record", "one that was never there", "another collection"],
    )
    def test_written_since(
        self, meridian: Path, project: ms.Project, changes: dict[bytes, bytes | None], state: str, now: int
    ) -> None:
        """What other programs wrote since is told for each collection."""
        manager = ms.MigrationManager(meridian, project)
        manager.apply()
        write(meridian, changes)
        assert states(manager) == {"episode": "unchanged", "symbol": "unchanged", "task": state}
        task = manager.audit().collections[-1]
        assert (task.records_then, task.records_now) == (5, now)

    def test_one_byte(self, meridian: Path, project: ms.Project) -> None:
        """A single byte that differs is noticed, and one that was put back is not."""
        manager = ms.MigrationManager(meridian, project)
        manager.apply()
        for key, value in [(key, value) for key, value in dump(meridian).items() if key.startswith(b"symbol:")]:
            write(meridian, {key: value + b" "})
            assert states(manager)["symbol"] == "written"
            write(meridian, {key: value})
            assert states(manager)["symbol"] == "unchanged"

    def test_the_version(self, meridian: Path, project: ms.Project) -> None:
        """A version that no change has led to is told, too."""
        manager = ms.MigrationManager(meridian, project)
        manager.apply()
        write(meridian, {VERSION: b"2"})
        assert (manager.audit().version, manager.audit().last_version, manager.audit().untouched) == (2, 3, False)
        assert (
            "⚠ The database is at version 2, and the last change led to 3\n" in cli("history", "--verify", meridian).out
        )

    def test_no_change_yet(self, meridian: Path, project: ms.Project) -> None:
        """Where nothing was done there is nothing to compare."""
        assert asdict(ms.MigrationManager(meridian, project).audit()) == {
            "version": 1,
            "last_version": None,
            "collections": (),
        }


class TestHowItIsWorkedOut:
    """The digests are those of the records, whoever carried them."""

    def test_column_families(self, tmp_path: Path, folder: Folder) -> None:
        """Each collection is looked for where it is, also where another family has the same keys."""
        folder.spec("note", 1, {"add": {"a": 1}}, column_family="notes")
        folder.spec("task", 1, {"add": {"a": 1}})
        path = tmp_path / "db"
        handle = Rdict(str(path), raw())
        notes = handle.create_column_family("notes", raw())
        notes[b"note:1"] = handle[b"note:1"] = handle[b"task:1"] = b"{}"
        notes.close()
        handle.close()
        manager = ms.MigrationManager(path, folder.load())
        for do in (manager.apply, manager.rollback, manager.apply):
            do()
            assert manager.audit().untouched
        write(path, {b"note:2": b"{}"})
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}

    @pytest.mark.parametrize("workers", [direct(3), threads(2)], ids=["one by one", "at once"])
    def test_in_parts(
        self, tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch, workers: ms.Workers
    ) -> None:
        """Records that several have carried are digested in their parts, before and after."""
        set_jobs(monkeypatch, least=10, chunk=5)
        path = make(tmp_path / "db", {b"note:%03d" % number: note(number) for number in range(100)})
        manager = ms.MigrationManager(path, written(folder))
        manager.apply(workers=workers)
        first, last = (entry.fields["collections"]["note"] for entry in manager.history().entries)
        assert "before" in first
        assert "after" not in first
        assert "before" not in last
        assert len(last["after"]["starts"]) > 3
        assert first["before"]["starts"] == last["after"]["starts"]
        assert manager.audit().untouched
        write(path, {b"note:050x": b"{}"})
        assert states(manager) == {"note": "written"}
        manager.rollback(undo_later_writes=True)
        assert manager.audit().untouched

    def test_records_that_another_collection_may_get(self, tmp_path: Path, folder: Folder) -> None:
        """What is not known is not claimed: of a collection that a step of another one makes records for."""
        folder.spec("note", 1, {"add": {"a": 1}}, stamp=None)
        folder.spec("task", 1, stamp=None, records=[{"explode": {"notes": {"to": "note:{id}:{.index}"}}}])
        path = make(tmp_path / "db", {b"note:1": b"{}", b"task:7": b'{"id":"7","notes":[{"b":1}]}'})
        manager = ms.MigrationManager(path, folder.load())
        manager.apply()
        assert states(manager) == {"note": "unknown", "task": "unchanged"}
        shown = text(cli("history", "--verify", path)).out
        assert plain(shown).endswith(
            "? note: the history does not say what it held when version 2 left it at MOMENT\n"
            "✓ task: 1 record, as version 2 left them at MOMENT\n"
        )

    def test_records_that_a_later_run_may_have_made(self, tmp_path: Path, folder: Folder) -> None:
        """Nor of one that a later run made records for, which it does not name."""
        folder.spec("note", 1, {"add": {"a": 1}}, stamp=None)
        path = make(tmp_path / "db", {b"note:1": b"{}", b"task:7": b'{"id":"7","notes":[{"b":1}]}'})
        ms.MigrationManager(path, folder.load()).apply()
        folder.spec("task", 2, stamp=None, records=[{"explode": {"notes": {"to": "note:{id}:{.index}"}}}])
        folder.schema("task", 1, {"type": "object"})
        manager = ms.MigrationManager(path, folder.load())
        manager.apply()
        assert states(manager) == {"note": "unknown", "task": "unchanged"}

    @pytest.mark.parametrize(
        "after",
        [
            None,
            1,
            {},
            {"prefix": "task:"},
            {"prefix": "task:", "records": "5", "digest": "", "starts": []},
            {"prefix": "task:", "records": 5, "digest": "", "starts": ["x"]},
        ],
        ids=str,
    )
    def test_what_others_wrote(self, meridian: Path, project: ms.Project, after: Any) -> None:
        """An entry that says nothing of what was left, or not as we do, is no error."""
        manager = ms.MigrationManager(meridian, project)
        manager.apply(2)
        history = json.loads(dump(meridian)[HISTORY])
        collections = history["migrations"][0]["collections"]["task"]
        del collections["after"]
        write(meridian, {HISTORY: json.dumps(history | {}).encode()})
        assert states(manager) == {"task": "unknown"}
        collections["after"] = after
        write(meridian, {HISTORY: json.dumps(history).encode()})
        assert states(manager) == {"task": "unknown"}


class TestQuarantine:
    """Records that are set aside, taken up again and repaired."""

    @pytest.fixture
    def notes(self, tmp_path: Path, folder: Folder) -> tuple[Path, ms.MigrationManager]:
        """Notes of version 2, of which two are in quarantine."""
        rows = {b"note:a": b'{"n":1}', b"note:b": b'{"n":"x"}', b"note:c": b'{"n":"y"}', b"task:a": b"{}"}
        path = make(tmp_path / "db", rows)
        folder.schema("note", 2, {"properties": {"m": {"type": "integer"}}}).spec("note", 1, {"rename": {"n": "m"}})
        folder.spec("task", 1, {"add": {"k": 0}})
        quarantined(path, folder.load())
        return path, ms.MigrationManager(path, folder.load())

    def test_taken_up_again(self, notes: tuple[Path, ms.MigrationManager]) -> None:
        """Before that, and after it, all is as the last change left it; in between the program has written."""
        path, manager = notes
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}
        write(path, {b"note:b": b'{"n":2}'})
        assert states(manager) == {"note": "written", "task": "unchanged"}
        manager.apply()
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}
        [note_now, _] = manager.audit().collections
        assert (note_now.records_then, note_now.records_now) == (3, 3)
        write(path, {b"note:a": b"{}"})
        assert states(manager) == {"note": "written", "task": "unchanged"}

    def test_mended_by_the_program(self, notes: tuple[Path, ms.MigrationManager]) -> None:
        """A retry that only takes a mark away, as the record fits by now, counts as a change, too."""
        path, manager = notes
        write(path, {b"note:b": b'{"schema_version":2,"m":5}', b"note:c": None})
        manager.apply()
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}
        assert manager.audit().collections[0].records_then == 2

    def test_repaired(self, notes: tuple[Path, ms.MigrationManager]) -> None:
        """A repair says what it leaves, be it another record or one less, and what was there before."""
        _, manager = notes
        for value, count in ((b'{"n":2}', 3), (None, 2)):
            before = manager.history().entries[-1].collections
            manager.repair(b"note:b" if value else b"note:c", value)
            told = manager.history().entries[-1].collections["note"]
            assert (told["after"]["records"], told["before"]) == (count, before["note"]["after"])
            assert states(manager) == {"note": "unchanged", "task": "unchanged"}

    def test_taken_up_by_a_further_step(self, notes: tuple[Path, ms.MigrationManager], folder: Folder) -> None:
        """So does a run with further steps, of the collection itself or of another one."""
        path, _ = notes
        write(path, {b"note:b": b'{"n":2}'})
        folder.spec("task", 2, {"add": {"l": 0}})
        manager = ms.MigrationManager(path, folder.load())
        manager.apply()
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}
        write(path, {b"note:c": b'{"n":3}'})
        folder.spec("note", 3, {"add": {"l": 0}})
        manager = ms.MigrationManager(path, folder.load())
        manager.apply()
        assert manager.status().quarantined == {}
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}
        assert dump(path)[b"note:c"] == b'{"schema_version":4,"m":3,"l":0}'

    def test_nothing_taken_up(self, notes: tuple[Path, ms.MigrationManager], folder: Folder) -> None:
        """A run of another collection, that leaves all of them where they are, says nothing of theirs."""
        path, _ = notes
        manager = ms.MigrationManager(path, folder.spec("task", 2, {"add": {"l": 0}}).load())
        manager.apply()
        assert [list(entry.collections) for entry in manager.history().entries] == [["note", "task"], ["task"]]
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}

    def test_records_that_move(self, tmp_path: Path, folder: Folder) -> None:
        """Also where a record that is taken up makes some of another collection, which the same run may carry."""
        folder.spec("note", 1, {"add": {"a": 1}}, stamp=None)
        folder.spec("task", 1, stamp=None, records=[{"explode": {"notes": {"to": "note:{id}:{.index}"}}}])
        rows = {b"note:1": b"{}", b"task:6": b'{"id":6,"notes":[]}', b"task:7": b'{"id":7,"notes":1}'}
        mended = {b"task:7": b'{"id":7,"notes":[{"c":1}]}'}
        path = make(tmp_path / "db", rows)
        manager = ms.MigrationManager(path, folder.load())
        manager.apply(on_error="quarantine")
        assert states(manager) == {"note": "unknown", "task": "unchanged"}
        write(path, mended)
        manager.apply()
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}
        manager.rollback(undo_later_writes=True)
        manager.apply(on_error="quarantine")
        write(path, mended)
        folder.spec("note", 2, {"add": {"b": 1}}, stamp=None)
        manager = ms.MigrationManager(path, folder.load())
        manager.apply()
        assert dump(path)[b"note:7:0"] == b'{"c":1,"b":1}'
        assert states(manager) == {"note": "unchanged", "task": "unchanged"}

    def test_too_large(self, notes: tuple[Path, ms.MigrationManager], monkeypatch: pytest.MonkeyPatch) -> None:
        """What is too much to be read for a few records is not claimed."""
        path, manager = notes
        monkeypatch.setattr(recount, "MOST_RECORDS", 1)
        manager.repair(b"note:b", b'{"n":2}')
        assert states(manager) == {"note": "unknown", "task": "unchanged"}
        assert (
            "? note: the history does not say what it held when version 2 left it at"
            in cli("history", "--verify", path).out
        )


def test_as_text(meridian: Path) -> None:
    """A line for each collection, behind the history; what was written since stands out."""
    cli("apply", meridian, *MERIDIAN)
    shown = plain(cli("history", "--verify", meridian).out)
    assert shown == plain(cli("history", meridian).out) + DONE
    write(meridian, {b"task:new": b"{}"})
    assert "⚠ task: written since version 2 left them at MOMENT (5 records then, 6 now)\n" in plain(
        cli("history", "--verify", meridian).out
    )


def test_as_json(meridian: Path, project: ms.Project) -> None:
    """The document has it beside the history; also beside a running program."""
    cli("apply", meridian, *MERIDIAN)
    with in_use(meridian):
        shown = document("history", "--verify", meridian)
    assert list(shown) == ["migrations", "audit", "freshness"]
    assert shown["audit"] == ms.MigrationManager(meridian, project).audit().to_json()
    assert shown["audit"]["untouched"] is True
    assert list(shown["audit"]["collections"][0]) == [
        "collection",
        "state",
        "version",
        "since",
        "records_then",
        "records_now",
    ]
