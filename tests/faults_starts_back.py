"""More databases at which the cases of faults begin: those that go back, and those that lie in several families."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from tests.conftest import Folder, compact, make, write
from tests.faults_starts import Start, of_families, project_in, start_of
from tests.faults_view import Pair
from tests.in_place_support import interrupted, small_batches
from tests.test_record_operations import written
from tests.test_typed_store import build

COUNT = 60
"""Records: so many that two workers share them, and that there are several blocks of what is kept."""

DROPPING: list[dict[str, Any]] = [
    {"remove": ["x"]},
    {"map": {"status": {"todo": "open"}}, "else": "keep"},
    {"default": {"c": 1}},
]
MOVING: dict[str, Any] = {
    "task/1": {
        "indexes": {"n": {"from": "n:{n}:{id}", "to": "m:{m}:{id}"}},
        "steps": [{"rename": {"n": "m"}}, {"remove": ["x"]}],
        "records": [{"drop": {"where": {"gone": True}}}, {"rekey": {"from": "task:{id}", "to": "p:{project}:{id}"}}],
    },
    "task/2": {"prefix": "p:", "steps": [{"default": {"c": 1}}]},
}


def _note(number: int) -> bytes:
    added = {"c": 0} if number % 3 else {}
    return compact({"id": number, "x": number % 5, "status": ("todo", "open")[number % 2], **added})


def of_dropped(folder: Path) -> Start:
    """Notes of version 3 with what both steps took of them; one was edited since, one deleted, one added."""
    project = Folder(folder / "project").spec("note", 1, *DROPPING).spec("note", 2, {"remove": ["id"]})
    path = make(folder / "home" / "db", {b"note:%03d" % number: _note(number) for number in range(COUNT)}, tables=2)
    ms.MigrationManager(path, project.load()).apply(backup=False)
    edited, added = b'{"schema_version":3,"status":"open","c":5}', b'{"schema_version":3,"status":"done","c":2}'
    write(path, {b"note:007": edited, b"note:008": None, b"note:new": added})
    return start_of(folder, project)


def of_undone(folder: Path) -> Start:
    """The same notes at version 1 again, with what the way down took of them."""
    start = of_dropped(folder)
    ms.MigrationManager(start.home / "db", project_in(folder)).downgrade(1, backup=False)
    return start


def _task(number: int) -> bytes:
    gone = {} if number % 5 else {"gone": True}
    return compact({"id": f"{number:03}", "project": "p", "n": number % 7, "x": number, **gone})


def of_moved(folder: Path) -> Start:
    """Tasks of version 3 that got other keys, went, and took entries of indexes along; some were edited since."""
    project = written({"specs": MOVING, "stamp": None}, Folder(folder / "project"))
    tasks = {b"task:%03d" % number: _task(number) for number in range(COUNT)}
    entries = {b"n:%d:%03d" % (number % 7, number): b"1" for number in range(COUNT)}
    path = make(folder / "home" / "db", {**tasks, **entries, b"task;": b"{}"}, tables=2)
    ms.MigrationManager(path, project.load()).apply(backup=False)
    edited = b'{"id":"001","project":"p","m":9,"c":1}'
    write(path, {b"p:p:001": edited, b"m:1:001": None, b"m:9:001": b"1", b"p:p:002": None, b"m:2:002": None})
    return start_of(folder, project)


def of_moved_families(folder: Path) -> Start:
    """Records of several column families, of which those of one moved, without a backup."""
    start = of_families(folder)
    ms.MigrationManager(start.home / "db", project_in(folder)).apply(backup=False)
    return start


def of_numbers(folder: Path) -> Start:
    """Notes whose keys and values have types."""
    project = Folder(folder / "project").spec("note", 1, {"rename": {"n": "m"}}, {"remove": ["x"]}, stamp=None)
    project.spec("note", 2, {"remove": ["y"]}, stamp=None)
    (folder / "home").mkdir(exist_ok=True)
    build(folder / "home" / "db", {f"note:{count:03}": f'{{"n":{count},"x":1}}' for count in range(20)} | {5: "five"})
    return start_of(folder, project)


def typed_pairs() -> Iterator[Pair]:
    """Each of those notes before and afterwards, as a look at them shows them."""
    for count in range(20):
        key = b"note:%03d" % count
        yield "note", "default", {key: b'{"n":%d,"x":1}' % count}, {key: b'{"m":%d}' % count}


def of_typed(folder: Path) -> Start:
    """The same at version 3; one was edited since."""
    start = of_numbers(folder)
    ms.MigrationManager(start.home / "db", project_in(folder)).apply(backup=False)
    handle = Rdict(str(start.home / "db"))
    handle["note:003"] = '{"m":33}'
    handle.close()
    return start


def of_families_in_between(folder: Path) -> Start:
    """Records of several column families in the middle of a run in place."""
    start = of_families(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        small_batches(monkeypatch)
        interrupted(ms.MigrationManager(start.home / "db", project_in(folder)), 12)
    return start
