"""The specs that ship: Meridian's records, as its own programs wrote them, through the real specs and schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.codec import Raw as RawJson
from migrate_spec.codec import decode, encode, opened
from migrate_spec.compiler import RecordRefused, Transform
from migrate_spec.project import Project, load
from migrate_spec.proof import prove

ROOT = Path(__file__).parents[1]
V2 = "schemas/task/v2.json"

REFUSED = {
    "empty_value": ("", "", "an empty value was found, a JSON object was expected"),
    "not_json": ("", "", "'modified' was found (expecting value at offset 0), JSON was expected"),
    "truncated": ("", "", "'al_hours\":nu' was found (expecting value at offset 297), JSON was expected"),
    "missing_id": ("task v1→v2", "", f"{V2}: no 'id' was found, it is required"),
    "status_capital": (
        "task v1→v2",
        "status",
        f'{V2}: a text "Done" was found, one of "pending", "in_progress", "blocked", "done", "cancelled" was expected; '
        "did you mean 'done'?",
    ),
    "hours_1e400": ("", "", "the number 1e400 was found, a number within the range of a 64-bit float was expected"),
    "date_epoch_int": ("task v1→v2", "created_at", f"{V2}: an integer 1704067200 was found, a text was expected"),
    "duplicate_key": ("", "", "the key 'title' was found twice in one object, each key was expected once"),
    "root_number": ("", "", "an integer was found, a JSON object was expected"),
    "not_utf8": ("", "", "the byte 0xff at offset 19 was found, UTF-8 text was expected"),
    "root_array": ("", "", "a list was found, a JSON object was expected"),
    "priority_unknown": (
        "task v1→v2",
        "priority",
        f'{V2}: a text "urgent" was found, one of "low", "medium", "high", "critical" was expected',
    ),
    "spec_ref_half": ("task v1→v2", "spec_ref", f"{V2}: no 'section' was found, it is required"),
    "history_entry_half": ("task v1→v2", "history[0]", f"{V2}: no 'to' was found, it is required"),
    "timeout_negative": ("task v1→v2", "timeout_hours", f"{V2}: an integer -1 was found, at least 0 was expected"),
    "timeout_too_large": (
        "task v1→v2",
        "timeout_hours",
        f"{V2}: an integer 4294967296 was found, at most 4294967295 was expected",
    ),
    "last_activity_null": ("task v1→v2", "last_activity", f"{V2}: null was found, a text was expected"),
    "depends_on_text": ("task v1→v2", "depends_on", f'{V2}: a text "a" was found, a list was expected'),
    "date_without_zone": (
        "task v1→v2",
        "created_at",
        f'{V2}: a text "2024-01-01T00:00:00" was found, a text of the format date-time was expected',
    ),
    "date_impossible": (
        "task v1→v2",
        "updated_at",
        f'{V2}: a text "2024-02-30T00:00:00Z" was found, a text of the format date-time was expected',
    ),
}


def rows(name: str) -> list[Any]:
    """The records of a file in ``data``."""
    lines = (ROOT / "tests" / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [pytest.param(row, id=row["name"]) for row in map(json.loads, lines)]


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Transform:
    """The way of a task to version 2."""
    return Transform(shipped(monkeypatch).route("task", 2))


def shipped(monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project of this repository, its files named as from its root."""
    monkeypatch.chdir(ROOT)
    return _loaded()


@cache
def _loaded() -> Project:
    return load("specs", "schemas")


def fields(value: bytes) -> dict[str, bytes]:
    """The fields of a record with the very bytes of their values."""
    document = opened(RawJson(value))
    return {name: bytes(part) for name, part in document.items()}


def test_what_ships_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways: no record of a version can become one that does not fit the next."""
    project = shipped(monkeypatch)
    verdicts = [prove(migration, backwards=back).kind for migration in project.registry for back in (False, True)]
    assert verdicts == ["proved"] * 6


def test_what_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three collections have specs, and their examples hold, as reading them shows."""
    project = shipped(monkeypatch)
    assert [(found.name, found.key_prefix) for found in project.registry] == [
        ("episode v2→v3", b"episode:"),
        ("symbol v2→v3", b"symbol:"),
        ("task v1→v2", b"task:"),
    ]
    assert all(found.spec.examples for found in project.registry)


@pytest.mark.parametrize("row", rows("task_v1_to_v2"))
def test_a_task_becomes_what_it_should(tasks: Transform, row: Any) -> None:
    """A task of version 1 becomes the record of version 2 that was written down for it, key for key in that order."""
    value = row["before"].encode()
    result = tasks(value)
    assert encode(decode(value if result is None else result)) == encode(row["after"])
    assert (result is None) == (row["name"] == "nothing_missing")


@pytest.mark.parametrize("row", rows("task_v1_to_v2"))
def test_nothing_of_a_task_is_lost(tasks: Transform, row: Any) -> None:
    """Each field that was there is there again with the very same bytes, also those that Meridian's own step lost."""
    value = row["before"].encode()
    before = fields(value)
    after = fields(tasks(value) or value)
    assert {name: after[name] for name in before if name != "schema_version"} == {
        name: part for name, part in before.items() if name != "schema_version"
    }
    assert set(row["lost_by_original"]) <= before.keys()


@pytest.mark.parametrize("row", rows("task_v1_to_v2"))
def test_a_task_is_migrated_once(tasks: Transform, row: Any) -> None:
    """A second pass finds nothing to do."""
    value = row["before"].encode()
    assert tasks(tasks(value) or value) is None


@pytest.mark.parametrize("row", rows("task_v1_to_v2"))
def test_a_task_goes_back(monkeypatch: pytest.MonkeyPatch, tasks: Transform, row: Any) -> None:
    """A task of version 2 goes back to one that fits version 1: all it had, and what was filled in, without a stamp."""
    migration = shipped(monkeypatch).registry["task", 1]
    value = row["before"].encode()
    after = tasks(value) or value
    back = migration.downgrade_item(row["key"].encode(), after)
    expected = {name: part for name, part in fields(after).items() if name != "schema_version"}
    assert fields(back) == (fields(value) if after is value else expected)
    assert migration.schema_before.is_valid(decode(back))


@pytest.mark.parametrize("row", rows("task_refused"))
def test_what_is_refused_and_what_is_not(tasks: Transform, row: Any) -> None:
    """A value that is no task of version 1 is refused in these words; one that only lacks what may be absent is not."""
    value = bytes.fromhex(row["value_hex"])
    if row["accepted"]:
        assert json.loads(tasks(value) or b"")["schema_version"] == 2
        return
    with pytest.raises(RecordRefused) as caught:
        tasks(value)
    assert (caught.value.step, caught.value.path, str(caught.value.fault)) == REFUSED[row["name"]]


def test_each_refusal_is_in_the_table() -> None:
    """The table names all values that must be refused, and no other."""
    refused = {param.values[0]["name"] for param in rows("task_refused") if not param.values[0]["accepted"]}
    assert set(REFUSED) == refused
