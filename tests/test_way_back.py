"""There and back through a real database: Meridian's own, and what its programs would say of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice, product
from pathlib import Path
from random import Random
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec.codec import encode
from migrate_spec.documents import sampled
from migrate_spec.schema import Schema
from migrate_spec.store import Store
from tests.conftest import ROWS, VERSION, Folder, compact, data, dump, make, write
from tests.way_back_support import Way, goes_back_and_there, goes_there_and_back, nowhere

__all__ = ["nowhere"]

COLLECTIONS = ("task:", "episode:", "symbol:")
FIXED = {"status", "priority", "kind", "outcome"}

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")


def is_moment(value: Any) -> bool:
    """Whether Meridian reads a value as a moment."""
    return isinstance(value, str) and MOMENT.fullmatch(value) is not None


def is_text(value: Any) -> bool:
    """Whether a value is a text."""
    return isinstance(value, str)


def is_hours(value: Any) -> bool:
    """Whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_spec(value: Any) -> bool:
    """Whether a value names a part of a specification."""
    return isinstance(value, dict) and is_text(value.get("spec_name")) and is_text(value.get("section"))


STATUS = {"pending", "in_progress", "blocked", "done", "cancelled"}


def is_entry(value: Any) -> bool:
    """Whether a value is an entry of a task's history."""
    known = isinstance(value, dict) and is_moment(value.get("timestamp")) and value.get("to") in STATUS
    return known and value.get("from") in {*STATUS, None} and isinstance(value.get("note"), str | None)


def list_of(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a value is a list of such values."""
    return lambda value: isinstance(value, list) and all(map(is_one, value))


DEMANDED: dict[str, Callable[[Any], bool]] = {
    "id": is_text,
    "title": is_text,
    "status": STATUS.__contains__,
    "priority": {"low", "medium", "high", "critical"}.__contains__,
    "created_at": is_moment,
    "updated_at": is_moment,
    "history": list_of(is_entry),
    "tags": list_of(is_text),
}
OPTIONAL: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("description", "session_id", "active_session_id", "commit_hash", "episode_id"), is_text),
    "spec_ref": is_spec,
    "completed_at": is_moment,
    "estimated_hours": is_hours,
    "actual_hours": is_hours,
}


def is_read(value: bytes) -> bool:
    """Whether Meridian's reader of tasks of version 1 takes a record; it passes over fields that it does not know."""
    task = json.loads(value)
    demanded = all(name in task and fits(task[name]) for name, fits in DEMANDED.items())
    return demanded and all(task.get(name) is None or fits(task[name]) for name, fits in OPTIONAL.items())


@pytest.mark.parametrize("collection", ["task", "episode", "symbol"])
def test_made_records(collection: str, project: ms.Project, nowhere: Store) -> None:
    """Records made of the schemas of each version go up and down, or down and up, and come back to the byte."""
    migrations = [one for one in project.registry if one.collection == collection]
    first, last = migrations[0].from_version, migrations[-1].to_version
    schemas = {one.from_version: one.schema_before for one in migrations} | {last: migrations[-1].schema_after}
    way = Way(tuple(one.spec for one in migrations), nowhere, schemas)
    ups = [goes_there_and_back(way, one, range(first, last + 1)) for one in made(schemas[first], first)]
    downs = [goes_back_and_there(way, one, last) for one in made(schemas[last], last)]
    assert min(sum(ups), sum(downs)) > NUMBER / 2


NUMBER = 60


def made(schema: Schema, version: int) -> Iterator[bytes]:
    """Records of a version, made of its schema."""
    for document in islice(sampled(schema), NUMBER):
        document.pop("schema_version", None)
        yield encode(document | ({"schema_version": version} if version > 1 else {}))


def test_meridian_there_and_back(meridian: Path, project: ms.Project) -> None:
    """1 → 3 → 1 → 3 → 2 → 1: each time the bytes that were there, and at the end nothing is left of the way."""
    manager = ms.MigrationManager(meridian, project)
    manager.apply(2)
    second = data(meridian)
    manager.apply()
    third = data(meridian)
    assert len({key for key in third if third[key] != ROWS[key]}) > 5
    for version, expected in ((1, ROWS), (3, third), (2, second), (1, ROWS), (3, third), (1, ROWS)):
        report = manager.apply(3) if version == 3 else manager.downgrade(version)
        assert report.to_version == version
        assert data(meridian) == expected
    assert dump(meridian)[VERSION] == b"1"
    assert all(is_read(value) for key, value in data(meridian).items() if key.startswith(b"task:"))


def test_meridian_with_edits(meridian: Path, project: ms.Project) -> None:
    """With a hundred edits, new records and deleted ones between, exactly those differ, at both ends."""
    manager, chance = ms.MigrationManager(meridian, project), Random(7)  # noqa: S311
    manager.apply()
    before = data(meridian)
    own = sorted(key for key in before if key.decode().startswith(COLLECTIONS))
    changes: dict[bytes, bytes | None] = {}
    for number in range(100):
        key = chance.choice(own)
        base = json.loads(changes.get(key) or before[key])
        if chance.random() < 0.2:
            key = key.split(b":")[0] + b":new-%02d" % number
        name = chance.choice([name for name in base if isinstance(base[name], str) and name not in FIXED])
        moment = f"2026-01-01T00:00:{number % 60:02}Z"
        changes[key] = compact(base | {name: moment if is_moment(base[name]) else f"edit {number}"})
    changes[chance.choice(own)] = None
    write(meridian, changes)
    edited = data(meridian)
    for _ in range(2):
        manager.downgrade(1, accept_loss=["title"])
        first = data(meridian)
        assert {key for key in {*first, *ROWS} if first.get(key) != ROWS.get(key)} == changes.keys()
        assert all(is_read(value) for key, value in first.items() if key.startswith(b"task:"))
        manager.apply()
        assert data(meridian) == edited


def test_records_of_several_kinds(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record comes back, whatever the kinds of those before it: with a field, without, refused, spelled oddly."""
    kinds = ['{"n":%d,"z":1}', '{"n":%d,"tags":["x"]}', '{"n":%d,"tags":7}', '{ "n":%d}']
    # What is done with a record depends on the last ones: all kinds behind all that were three before.
    turns = [one for four in product(kinds, repeat=4) for one in four]
    monkeypatch.setattr("migrate_spec.apply.FEW_RECORDS", 0)  # all are carried as many are
    records = {b"note:%06d" % number: (text % number).encode() for number, text in enumerate(turns)}
    folder.spec("note", 1, {"default": {"tags": []}}, {"remove": ["z"]})
    known: dict[str, Any] = {"n": {"type": "integer"}, "tags": {"type": "array"}}
    for version, names in ((1, {"z": {"type": "integer"}}), (2, {"schema_version": {"const": 2}})):
        properties = {**known, **names}
        folder.schema("note", version, {"type": "object", "properties": properties, "additionalProperties": False})
    manager = ms.MigrationManager(make(tmp_path / "db", records), folder.load())
    manager.apply(on_error="quarantine")
    manager.downgrade(1)
    assert data(manager.path) == records


class TestStamps:
    """What a record says its version is, after the way down."""

    def test_an_edit_that_an_untouched_step_would_take(self, tmp_path: Path, folder: Folder) -> None:
        """A record that a step left alone, and another one did not, is edited: it goes back over the first one, too."""
        folder.spec("note", 1, {"nest": {"size": ["width"]}}).spec("note", 2, {"default": {"tags": []}})
        manager = ms.MigrationManager(make(tmp_path / "db", {b"note:1": b'{"a":1}'}), folder.load())
        manager.apply()
        edited = b'{"schema_version":3,"a":1,"tags":[],"size":{"width":4}}'
        write(manager.path, {b"note:1": edited})
        manager.downgrade(2)
        assert data(manager.path) == {b"note:1": b'{"schema_version":2,"a":1,"size":{"width":4}}'}
        manager.downgrade(1)
        assert data(manager.path) == {b"note:1": b'{"a":1,"width":4}'}
        manager.apply()
        assert json.loads(data(manager.path)[b"note:1"]) == json.loads(edited)

    def test_versions_without_a_step(self, tmp_path: Path, folder: Folder) -> None:
        """A record of a collection that has no step in between goes down one version at a time, up and down again."""
        for version in (1, 4):
            folder.spec("note", version, {"add": {f"new_{version}": 1}})
        for version in (2, 3):
            folder.spec("item", version, {"add": {f"new_{version}": 1}})
        manager = ms.MigrationManager(make(tmp_path / "db", {b"note:1": b'{"a":1}'}), folder.load())
        manager.apply()
        write(manager.path, {b"note:2": b'{"a":2,"new_1":1,"new_4":1,"schema_version":5}'})
        stamps = []
        for version in (4, 3, 2, 1):
            manager.downgrade(version)
            stamps.append({json.loads(value).get("schema_version") for value in data(manager.path).values()})
        assert stamps == [{2}, {2}, {2}, {None}]
        assert data(manager.path) == {b"note:1": b'{"a":1}', b"note:2": b'{"a":2}'}
