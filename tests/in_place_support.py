"""What the tests of runs in place share: records of four kinds with what becomes of each, and how to look at them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import msgpack

import migrate_spec as ms
from migrate_spec import in_place
from migrate_spec.interrupts import RunInterrupted
from migrate_spec.store import NO_OTHERS, Store
from migrate_spec.stores import rocks
from migrate_spec.upgrading import upgraded
from tests.conftest import HISTORY, VERSION, Folder, beside, compact, dump
from tests.test_record_operations import written

MARK = b"_migration_in_progress"

Records = dict[bytes, bytes]
Batch = Callable[[Store], None]

LONGER = {"replace": {"t": {"pattern": "^", "with": "+"}}}
"""A step that makes a text longer each time it is carried out."""

STAMP = {"stamp": "schema_version"}
SPECS: Mapping[str, Any] = {
    "note/1": {**STAMP, "steps": [{"rename": {"a": "b"}}]},
    "note/2": {**STAMP, "steps": [{"default": {"c": 1}}]},
    "plain/1": {"steps": [LONGER]},
    "plain/2": {"steps": [LONGER]},
    "row/1": {"steps": [LONGER], "records": [{"rekey": {"from": "row:{id}", "to": "line:{id}"}}]},
    "row/2": {"prefix": "line:", "steps": [LONGER]},
    "task/1": {
        **STAMP,
        "indexes": {"status": "idx_status:{status}:{id}"},
        "steps": [{"map": {"status": {"todo": "open"}}, "else": "keep"}],
        "records": [
            {"drop": {"where": {"gone": True}}},
            {"explode": {"notes": {"to": "part:{id}:{.index}", "with": {"task": "id"}}}},
            {"rekey": {"from": "task:{id}", "to": "project:{project}:task:{id}"}},
        ],
    },
    "task/2": {**STAMP, "prefix": "project:", "steps": [{"add": {"new": 1}}]},
    "part/2": {**STAMP, "steps": [{"add": {"seen": False}}]},
}
"""Records that carry a stamp or cannot, that stay where they are or do not: a project of all four."""

FOREIGN = {b"": b"x", b"aaa": b"1", b"link:1": b"{}", b"project": b"x", b"\xff": b"y"}


def note(number: int) -> tuple[Records, Records]:
    """A note before and after: one that both steps change, one of them, or none."""
    fields: dict[str, Any] = (
        {"n": number} | ({"a": number} if number % 3 else {}) | ({"c": 0} if number % 4 > 1 else {})
    )
    after = {"b" if name == "a" else name: value for name, value in fields.items()} | {"c": fields.get("c", 1)}
    reached = {"schema_version": 3 if "c" not in fields else 2} if after != fields else {}
    key = b"note:%04d" % number
    return {key: compact(fields)}, {key: compact(reached | after)}


def plain(number: int) -> tuple[Records, Records]:
    """A record that cannot carry a stamp."""
    key = b"plain:%04d" % number
    return {key: compact({"t": f"{number}"})}, {key: compact({"t": f"++{number}"})}


def row(number: int) -> tuple[Records, Records]:
    """A record that cannot carry a stamp, and gets another key."""
    identity = f"{number:04}"
    before, after = ({"id": identity, "t": f"{longer}{number}"} for longer in ("", "++"))
    return {b"row:%04d" % number: compact(before)}, {b"line:%04d" % number: compact(after)}


def part(number: int) -> tuple[Records, Records]:
    """A record among which others come to lie."""
    key = b"part:0:%04d" % number
    return {key: b'{"n":%d}' % number}, {key: b'{"schema_version":3,"n":%d,"seen":false}' % number}


def task(number: int) -> tuple[Records, Records]:
    """A task with its entry in an index: one that goes, one of which others are made, or one that gets another key."""
    identity, status = f"{number:04}", "todo" if number % 2 else "done"
    fields: dict[str, Any] = {"id": identity, "project": "p", "status": status}
    notes = [{"t": "a"}, {"t": "b"}] if number % 3 == 0 else []
    before = fields | ({"notes": notes} if notes else {}) | ({"gone": True} if number % 5 == 0 else {})
    old = {f"task:{identity}".encode(): compact(before), f"idx_status:{status}:{identity}".encode(): b"1"}
    if number % 5 == 0:
        return old, {}
    after = {"schema_version": 3, **fields, "status": "open" if number % 2 else "done", "new": 1}
    new = {
        f"project:p:task:{identity}".encode(): compact(after),
        f"idx_status:{after['status']}:{identity}".encode(): b"1",
    }
    for place, item in enumerate(notes):
        made = {"schema_version": 3, **item, "task": identity, "seen": False}
        new[f"part:{identity}:{place}".encode()] = compact(made)
    return old, new


KINDS = {"note": note, "plain": plain, "part": part, "row": row, "task": task}


class World:
    """So many records of each kind, in their order, and what becomes of each."""

    def __init__(self, count: int) -> None:
        """Make them."""
        self.count = count
        self.pairs = {name: [of(number) for number in range(1, count + 1)] for name, of in KINDS.items()}
        self.old, self.new = dict(FOREIGN), dict(FOREIGN)
        for pairs in self.pairs.values():
            for before, after in pairs:
                self.old |= before
                self.new |= after

    def behind(self, found: Mapping[bytes, bytes]) -> dict[str, int]:
        """How many records of each kind are behind: the first ones, each of them wholly; the others are untouched."""
        counts = {}
        rest = dict(found)
        for name, pairs in self.pairs.items():
            states = []
            for before, after in pairs:
                here = {key: rest.pop(key) for key in (*before, *(after.keys() - before)) if key in rest}
                assert here in (before, after), (name, here)
                states.append("" if before == after else "new" if here == after else "old")
            known = [state for state in states if state]
            assert known == sorted(known), (name, known)  # "new" comes before "old"
            counts[name] = known.count("new")
        assert {key: value for key, value in rest.items() if not key.startswith(b"_")} == FOREIGN
        return counts

    def check_readable(self, store: Store, project: ms.Project) -> None:
        """See that an application that upgrades on reading finds each record under one of its keys, as it will be."""
        for name, pairs in self.pairs.items():
            for before, after in pairs:
                if after:
                    self._check_readable(store, project, name, next(iter(before)), *next(iter(after.items())))

    @staticmethod
    def _check_readable(  # noqa: PLR0913, PLR0917 - a record before and after
        store: Store, project: ms.Project, name: str, old: bytes, new: bytes, expected: bytes
    ) -> None:
        found, key = store.get(old), old
        if found is None:
            found, key = store.get(new), new
        assert found is not None, key
        value = upgraded(store, project, name, key)
        if name in {"note", "part", "task"}:
            assert value == project.upgrade(name, found)
        if name == "task" and key == old:  # what stands in it, but for the list that becomes records
            value = compact({field: one for field, one in json.loads(value or b"").items() if field != "notes"})
        assert value == expected, key


def project_of(folder: Folder) -> ms.Project:
    """The project of :data:`SPECS`."""
    return written({"specs": dict(SPECS)}, folder).load()


def small_batches(monkeypatch: pytest.MonkeyPatch, records: int = 3) -> None:
    """Have a batch for every few records."""
    monkeypatch.setattr(in_place, "RECORDS_A_CHUNK", records)
    monkeypatch.setattr(in_place, "BYTES_A_BATCH", 1)


def is_kept(key: bytes) -> bool:
    """Whether what migrations took from records stands under a key."""
    return key.startswith(b"_complement:")


def check_done(path: Path, new: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """See that the run is at its end: the records, the version and the history, no mark, and nothing beside.

    Of each record without a stamp each step has kept something once, however often the run was stopped.

    Returns:
        All that is in the database.
    """
    everything = dump(path)
    found = {key: value for key, value in everything.items() if not is_kept(key)}
    kept = [block for key, block in everything.items() if key.startswith(b"_complement:plain/")]
    keys = [key for block in kept for _, keys in msgpack.decode(block) for key in keys]
    assert sorted(keys) == sorted(2 * [key for key in new if key.startswith(b"plain:")])
    assert {key: value for key, value in found.items() if not key.startswith(b"_")} == new
    assert {key for key in found if key.startswith(b"_")} == {VERSION, HISTORY}
    assert found[VERSION] == b"3"
    entries = json.loads(found[HISTORY])["migrations"]
    assert [(entry["from_version"], entry["to_version"], entry["in_place"]) for entry in entries] == [
        (1, 2, True),
        (2, 3, True),
    ]
    assert beside(path) == []
    return found


def after_batch(monkeypatch: pytest.MonkeyPatch, number: int, do: Batch) -> None:
    """Have something happen once a batch is written: the first, the second, …; 0: any."""
    write_batch, count = rocks._RocksStore.write, 0

    def counted(store: rocks._RocksStore, changes: Any, others: Any = NO_OTHERS, *, sync: bool = False) -> None:
        nonlocal count
        write_batch(store, changes, others, sync=sync)
        count += 1
        if number in {0, count}:
            do(store)

    monkeypatch.setattr(rocks._RocksStore, "write", counted)


def interrupt(_store: Store) -> None:
    """Press Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def interrupted(manager: ms.MigrationManager, after: int = 5, *, complements: bool = True) -> Any:
    """A run that is interrupted after so many batches; the mark that it leaves."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        after_batch(monkeypatch, after, interrupt)
        with pytest.raises(RunInterrupted):
            manager.apply(in_place=True, complements=complements)
    return json.loads(dump(manager.path)[MARK])
