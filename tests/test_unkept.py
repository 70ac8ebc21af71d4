"""Steps of which nothing is kept, or not all: the way down tells what records may have lost in them, and asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec.losses import LossCount
from migrate_spec.reversal import Reversal, reversal
from tests.conftest import HISTORY, VERSION, Folder, data, dump, make, write
from tests.in_place_support import interrupted, small_batches

OLD = {b"note:1": b'{"gone":1,"state":"old","n":1}', b"note:2": b'{"n":2,"state":"old"}'}
STEPS = ({"remove": ["gone"]}, {"set": {"state": "new"}}, {"move": {"n": "in.n"}})
PATHS = ("gone", "in", "state")


def told(records: int) -> tuple[LossCount, ...]:
    """What so many records may have lost in the step, on the way down; the order of fields is no loss."""
    return tuple(LossCount("note", 2, 1, path, "dropped", records) for path in PATHS)


def noted(manager: ms.MigrationManager) -> list[tuple[int, str, str, int]]:
    """What the ledger says was lost: where the step begins, the path, the kind, and how many records."""
    return [(one.loss.from_version, one.loss.path, one.loss.kind, one.loss.records) for one in manager.losses().lost]


def by_another_program(manager: ms.MigrationManager) -> None:
    """The step as another program does it, which notes little and keeps nothing."""
    moment = "2024-01-01T00:00:00Z"
    entry = {"from_version": 1, "to_version": 2, "started_at": moment, "completed_at": moment, "items_migrated": 2}
    migrations = {"migrations": [entry | {"backup_key": None, "success": True, "error": None}]}
    manager.apply(backup=False, complements=False)
    write(manager.path, {HISTORY: json.dumps(migrations).encode()})


def pruned(manager: ms.MigrationManager) -> None:
    """The step, and what it kept removed."""
    manager.apply(backup=False)
    manager.prune_complements()


TAKEN = [(1, path, "dropped", 2) for path in PATHS]
WAYS: dict[str, tuple[Callable[[ms.MigrationManager], object], list[tuple[int, str, str, int]]]] = {
    "kept nothing": (lambda manager: manager.apply(complements=False), TAKEN),
    "in place": (lambda manager: manager.apply(complements=False, in_place=True), TAKEN),
    "another program": (by_another_program, []),
    "pruned": (pruned, [(1, "gone", "dropped", 1), (1, "state", "dropped", 2)]),
}


@pytest.fixture(params=["schema_version", None])
def manager(request: pytest.FixtureRequest, tmp_path: Path, folder: Folder) -> ms.MigrationManager:
    """A database of two notes of version 1, with a stamp or without."""
    return ms.MigrationManager(make(tmp_path / "db", OLD), folder.spec("note", 1, *STEPS, stamp=request.param).load())


@pytest.mark.parametrize("way", WAYS)
def test_it_is_told(way: str, manager: ms.MigrationManager) -> None:
    """By the ledger when it is done, by a trial of the way down, by its refusal, its report, and the ledger again."""
    run, lost = WAYS[way]
    run(manager)
    assert noted(manager) == lost
    before = dump(manager.path)
    assert tuple(manager.scan_downgrade(1).losses) == told(2)
    with pytest.raises(ms.LossRefused) as caught:
        manager.downgrade(1, accept_loss=["in", "state"])
    assert caught.value.losses == told(2)[:1]
    assert dump(manager.path) == before
    report = manager.downgrade(1, accept_loss=PATHS)
    assert (tuple(report.losses), report.collections["note"]["exact"]) == (told(2), 0)
    assert data(manager.path) == {b"note:1": b'{"state":"new","n":1}', b"note:2": b'{"state":"new","n":2}'}
    assert noted(manager) == [*lost, *((2, path, "dropped", 2) for path in PATHS)]
    assert dump(manager.path)[VERSION] == b"1"


@pytest.mark.parametrize("way", WAYS)
def test_what_is_kept_later_comes_back(way: str, manager: ms.MigrationManager) -> None:
    """When the step is gone once more, and all of it kept, nothing is told, but of what is new nothing need be."""
    WAYS[way][0](manager)
    manager.downgrade(1, accept_loss=PATHS)
    write(manager.path, dict(OLD))
    manager.apply()
    write(manager.path, {b"note:3": b'{"schema_version":2,"in":{"n":3},"state":"new"}'})
    assert manager.downgrade(1).losses == []
    assert {key: value for key, value in data(manager.path).items() if key in OLD} == OLD


def test_a_run_in_place_that_goes_on(manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only its first part kept nothing, that is told all the same."""
    small_batches(monkeypatch)
    write(manager.path, {b"note:%d" % number: b'{"state":"old","n":1}' for number in range(3, 30)})
    interrupted(manager, complements=False)
    manager.apply()
    lost = {(loss.path, loss.kind) for loss in manager.scan_downgrade(1).losses}
    assert lost == {(path, "dropped") for path in PATHS}


def test_a_restore_brings_back_what_was_pruned(manager: ms.MigrationManager) -> None:
    """And what the history says of that is behind then."""
    manager.apply()
    backup = manager.create_backup().name
    manager.prune_complements()
    manager.restore_backup(backup)
    assert manager.downgrade(1).losses == []
    assert data(manager.path) == OLD


def test_of_the_way_up(manager: ms.MigrationManager) -> None:
    """What the way down had kept, and was removed, is noted; the way down later has nothing to do with it."""
    manager.apply()
    write(manager.path, {b"note:1": b'{"schema_version":2,"in":{"n":1},"state":"x","gone":"new"}'})
    manager.downgrade(1, accept_loss=["gone", "state"])
    manager.prune_complements()
    assert (2, "gone", "dropped", 1) in noted(manager)
    manager.apply()
    assert manager.scan_downgrade(1).losses == []


@pytest.mark.parametrize("entry", [{"pruned": [{}]}, {"pruned": 1}])
def test_a_history_that_says_something_else(entry: dict[str, object], manager: ms.MigrationManager) -> None:
    """What was removed has the form that a run writes."""
    pruned(manager)
    history = json.loads(dump(manager.path)[HISTORY])
    history["migrations"][-1] |= entry
    write(manager.path, {HISTORY: json.dumps(history).encode()})
    with pytest.raises(ms.MetadataInvalid, match=r"entry 2: pruned is no list of steps with their losses"):
        manager.losses()


GONE = {"drop": {"where": {"gone": True}}}
MOVES = {"explode": {"notes": {"to": "part:{id}:{.index}"}}}, {"gather": {"tags": {"from": "tag:{id}:{.index}"}}}
RECORDS = {
    b"note:1": b'{"id":1,"notes":[{"t":"a"}],"by":"x"}',
    b"note:2": b'{"id":2,"gone":true}',
    b"note:3": b'{"id":3,"gone":true}',
    b"by:x": b"5",
    b"tag:1:0": b'{"t":"a"}',
}
GIVEN_UP = {"by": {"from": "by:{by}", "to": None}}


@pytest.mark.parametrize("way", WAYS)
def test_records_that_move(way: str, tmp_path: Path, folder: Folder) -> None:
    """Records that were deleted are told, as many as the history knows, and what else nothing is kept of."""
    steps = [GONE] if way == "in place" else [*MOVES, GONE]
    project = folder.spec("note", 1, records=steps, indexes=GIVEN_UP).load()
    manager = ms.MigrationManager(make(tmp_path / "db", RECORDS), project)
    WAYS[way][0](manager)
    paths = ["indexes.by"] if way == "in place" else ["indexes.by", "notes", "tags[]"]
    lost = [] if way == "another program" else [(1, ".", "dropped", 2)]
    assert [one for one in noted(manager) if one[1] == "."] == lost
    expected = [(".", 2 if lost else 0), *((path, 1) for path in paths)]
    before = dump(manager.path)
    assert [(one.path, one.records) for one in manager.scan_downgrade(1).losses if one.kind == "dropped"] == expected
    with pytest.raises(ms.LossRefused) as caught:
        manager.downgrade(1, accept_loss=paths)
    count = "2" if lost else "?"
    assert str(caught.value).splitlines()[1:] == [
        f"  note v2→v1, .: what was there is not kept, and does not come back, in {count} records"
    ]
    assert dump(manager.path) == before
    report = manager.downgrade(1, accept_loss=[".", *paths])
    assert [(one.path, one.records) for one in report.losses if one.kind == "dropped"] == expected
    assert report.collections["note"]["exact"] == 0
    assert [one for one in noted(manager) if one[1] == "."] == [*lost, (2, ".", "dropped", 2 if lost else 0)]
    assert data(manager.path).keys() == {b"note:1", b"by:x", b"tag:1:0"}
    manager.apply()
    assert manager.downgrade(1).losses == []


def test_some_of_what_was_deleted_is_kept(tmp_path: Path, folder: Folder) -> None:
    """What comes back is not told, nor is that told any more which was told on an earlier way down."""
    manager = ms.MigrationManager(make(tmp_path / "db", RECORDS), folder.spec("note", 1, records=[GONE]).load())
    manager.apply(complements=False)
    manager.downgrade(1, accept_loss=["."])
    write(manager.path, dict(RECORDS))
    manager.apply()
    assert manager.downgrade(1).losses == []
    assert data(manager.path) == RECORDS


EXACT = Reversal("exact")
MOVED = {"rekey": {"from": "note:{id}:{at}", "to": "n:{id}"}}
RECODED = {"recode": {"from": "json", "to": "msgpack"}}
NOT_TOLD = "it is off, and the keys do not tell those before"
REVERSALS: dict[str, tuple[dict[str, Any], Reversal, Reversal]] = {
    "a key with all parts": ({"records": [{"rekey": {"from": "note:{id}", "to": "n:{id}:{by}"}}]}, EXACT, EXACT),
    "a key without a part": ({"records": [MOVED]}, Reversal("kept", (".",)), Reversal("none", (".",), NOT_TOLD)),
    "records that go": ({"records": [GONE]}, Reversal("kept", (".",)), Reversal("lossy", (".",), "it is off")),
    "another encoding": ({"records": [RECODED]}, Reversal("kept", (".",)), Reversal("lossy", (".",), "it is off")),
    "an index that moves": ({"indexes": {"by": {"from": "a:{by}", "to": "b:{by}"}}}, EXACT, EXACT),
    "lists, and an index that is given up": (
        {"records": list(MOVES), "indexes": GIVEN_UP},
        Reversal("kept", ("notes", "tags[]", "indexes.by")),
        Reversal("lossy", ("notes", "tags[]", "indexes.by"), "it is off"),
    ),
}


@pytest.mark.parametrize("case", REVERSALS)
def test_whether_it_can_be_undone(case: str, folder: Folder) -> None:
    """What `plan` says of steps that move records, where something is kept, and where nothing is."""
    spec, kept, unkept = REVERSALS[case]
    [migration] = folder.spec("note", 1, **spec).load().registry.step(1)
    assert (reversal(migration), reversal(migration, unkept="it is off")) == (kept, unkept)
