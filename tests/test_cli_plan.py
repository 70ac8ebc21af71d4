"""``migrate-spec plan``: what it says is what ``apply`` does, and it writes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli_support import MERIDIAN, Done, cli, document, plain_json
from tests.conftest import ROWS, SPECS, Folder, beside, compact, data, files, make

TASK, EPISODE, SYMBOL = "task:9b2f6c1e-6f57-4a0b-9c1b-0d9d6f6f7c11", "episode:e0", "symbol:sym-1"

PLAN = """\
Plan: v1 -> v3
1. task v1→v2  Tasks can depend on each other, be related, and time out.
2. episode v2→v3  Each episode says how often it was asked for and what it is worth as a pattern.
3. symbol v2→v3  Each symbol says whether it has an embedding.

To read, at most about
   task: 44 records, N bytes on disk
   episode: 44 records, N bytes on disk
   symbol: 44 records, N bytes on disk

For example task:9b2f6c1e-6f57-4a0b-9c1b-0d9d6f6f7c11 (task)
   + schema_version: 2
   + depends_on: []
   + related_tasks: []
   + started_at: null
   + timeout_hours: null
   + last_activity: "2025-10-18T16:45:00.250Z"

For example episode:e0 (episode)
   + schema_version: 3
   + access_count: 0
   + pattern_value: 0.0

For example symbol:sym-1 (symbol)
   + schema_version: 3
   + embedding: null

How each step can be undone
   task v1→v2, exactly, by what is kept of the records that change: depends_on, related_tasks, started_at, \
timeout_hours, last_activity, description, spec_ref, session_id, active_session_id, completed_at, history, tags, \
estimated_hours, actual_hours, commit_hash, episode_id
   episode v2→v3, exactly, by what is kept of the records that change: access_count, pattern_value
   symbol v2→v3, exactly, by what is kept of the records that change: embedding
"""

SCAN = """
All records, tried
   task: 5 scanned, 5 to migrate, 0 unchanged
   episode: 3 scanned, 1 to migrate, 2 unchanged
   symbol: 2 scanned, 1 to migrate, 1 unchanged
✓ Every record can be carried over
"""

NOTHING_THERE = "which records had nothing there"

FILLED = {
    "task v1→v2": [
        *("depends_on", "related_tasks", "started_at", "timeout_hours", "last_activity", "description", "spec_ref"),
        *("session_id", "active_session_id", "completed_at", "history", "tags", "estimated_hours", "actual_hours"),
        *("commit_hash", "episode_id"),
    ],
    "episode v2→v3": ["access_count", "pattern_value"],
    "symbol v2→v3": ["embedding"],
}
"""What the steps fill where it is absent."""


def sample(key: str, added: dict[str, Any], version: int) -> dict[str, Any]:
    """A record before and after, where fields were only added."""
    before = json.loads(ROWS[key.encode()])
    return {"key": key, "before": before, "after": {"schema_version": version} | before | added}


DOCUMENT = {
    "from_version": 1,
    "to_version": 3,
    "steps": [
        {
            "name": "task v1→v2",
            "description": "Tasks can depend on each other, be related, and time out.",
            "file": str(SPECS / "task/v1_to_v2.yaml"),
        },
        {
            "name": "episode v2→v3",
            "description": "Each episode says how often it was asked for and what it is worth as a pattern.",
            "file": str(SPECS / "episode/v2_to_v3.yaml"),
        },
        {
            "name": "symbol v2→v3",
            "description": "Each symbol says whether it has an embedding.",
            "file": str(SPECS / "symbol/v2_to_v3.yaml"),
        },
    ],
    "collections": {name: {"records": 44, "bytes": "N"} for name in ("task", "episode", "symbol")},
    "in_progress": None,
    "losses": {
        name: [
            f"{path}: {NOTHING_THERE if path != 'last_activity' else 'which records had it before'}" for path in paths
        ]
        for name, paths in FILLED.items()
    },
    "way_back": {name: {"kind": "kept", "paths": paths, "why": ""} for name, paths in FILLED.items()},
    "samples": {
        "task": sample(
            TASK,
            {
                "depends_on": [],
                "related_tasks": [],
                "started_at": None,
                "timeout_hours": None,
                "last_activity": "2025-10-18T16:45:00.250Z",
            },
            2,
        ),
        "episode": sample(EPISODE, {"access_count": 0, "pattern_value": 0.0}, 3),
        "symbol": sample(SYMBOL, {"embedding": None}, 3),
    },
}

SCAN_DOCUMENT = {
    "database": "$TMP/db",
    "from_version": 1,
    "to_version": 3,
    "collections": {
        "task": {"scanned": 5, "migrated": 5, "unchanged": 0, "quarantined": 0},
        "episode": {"scanned": 3, "migrated": 1, "unchanged": 2, "quarantined": 0},
        "symbol": {"scanned": 2, "migrated": 1, "unchanged": 1, "quarantined": 0},
    },
    "steps": [
        {"from_version": 1, "to_version": 2, "items_migrated": 5},
        {"from_version": 2, "to_version": 3, "items_migrated": 2},
    ],
    "seconds": 0,
    "backup": None,
    "dry_run": True,
    "pruned": [],
    "rejected": None,
    "in_place": False,
    "resumed": False,
    "losses": [],
}


def plan(path: Path, *words: str) -> Done:
    """What the command prints, without the sizes of files."""
    done = cli("plan", path, *MERIDIAN, *words)
    return Done(done.code, re.sub(r"[0-9,]+ bytes", "N bytes", done.out), done.err)


def plan_json(path: Path, *words: str, code: int = 0) -> Any:
    """The document of the command, without the sizes of files."""
    shown = document("plan", path, *MERIDIAN, *words, code=code)
    for size in shown["collections"].values():
        assert size["bytes"] > 0
        size["bytes"] = "N"
    kept = shown.pop("complements")["bytes"]
    assert (kept > 0) is (shown["from_version"] > 1)
    assert plain_json(shown.pop("freshness")) == {"read_at": "MOMENT", "writer": None}
    if "scan" in shown:
        shown["scan"] = plain_json(shown["scan"], path.parent)
    return shown


@pytest.fixture
def untouched(meridian: Path) -> Any:
    """The Meridian database, of which not a byte may have changed at the end of the test."""
    before = files(meridian)
    yield meridian
    assert files(meridian) == before
    assert beside(meridian) == []


def test_says_what_would_be_done(untouched: Path) -> None:
    """Steps, counts, one record of each collection before and after, and what is lost without a backup."""
    assert plan(untouched) == Done(0, PLAN)


def test_as_json(untouched: Path) -> None:
    """The same as one document, with the sample records whole."""
    assert plan_json(untouched) == DOCUMENT


def test_scan(untouched: Path) -> None:
    """With `--scan` every record is carried over, without a byte being written, and counted."""
    assert plan(untouched, "--scan") == Done(0, PLAN + SCAN)
    assert plan_json(untouched, "--scan") == {**DOCUMENT, "scan": SCAN_DOCUMENT}


def test_check(untouched: Path) -> None:
    """With `--check` the exit code says that something is pending; what is printed stays the same."""
    assert plan(untouched, "--check") == Done(3, PLAN)
    assert plan_json(untouched, "--check", code=3) == DOCUMENT


def test_to_a_version(untouched: Path) -> None:
    """With `--to` only the steps up to that version are planned; to the version it has there are none."""
    assert [step["name"] for step in plan_json(untouched, "--to", "2")["steps"]] == ["task v1→v2"]
    assert plan(untouched, "--to", "1", "--check") == Done(0, "✓ Schema is up to date (v1)\n")


def test_of_a_current_database(meridian: Path) -> None:
    """Where nothing is pending that is said, with `--check` by exit code 0; with `--scan` nothing is to be read."""
    cli("apply", meridian, *MERIDIAN)
    for words in ([], ["--check"], ["--scan"]):
        assert plan(meridian, *words) == Done(0, "✓ Schema is up to date (v3)\n")
    assert plan_json(meridian, "--check") == {
        "from_version": 3,
        "to_version": 3,
        "steps": [],
        "collections": {},
        "losses": {},
        "way_back": {},
        "samples": {},
        "in_progress": None,
    }


def test_tells_the_truth(meridian: Path) -> None:
    """The records shown as examples are afterwards what they were shown to become."""
    samples = plan_json(meridian)["samples"].values()
    cli("apply", meridian, *MERIDIAN)
    assert {shown["key"]: json.loads(data(meridian)[shown["key"].encode()]) for shown in samples} == {
        shown["key"]: shown["after"] for shown in samples
    }


def test_changes_of_all_kinds(tmp_path: Path, folder: Folder) -> None:
    """A field that goes, one that comes and one that changes are told apart; a long value is cut short."""
    folder.spec("note", 1, {"remove": ["old"]}, {"rename": {"txt": "text"}}, {"set": {"state": "done"}})
    record = {"schema_version": 1, "old": None, "txt": "é" * 200, "state": "new", "same": [1]}
    path = make(tmp_path / "db", {b"note:\xff": compact(record)})
    options = ("--specs", folder.specs, "--schemas", folder.schemas)
    done = cli("plan", path, *options)
    assert done.code == 0, done.err
    assert done.out.split("\n\n")[2] == (
        "For example note:\\xff (note)\n"
        "   - schema_version: 1\n"
        "   + schema_version: 2\n"
        "   - old: null\n"
        f'   - txt: "{"é" * 99}…\n'
        '   - state: "new"\n'
        '   + state: "done"\n'
        f'   + text: "{"é" * 99}…'
    )


def test_without_records(tmp_path: Path, folder: Folder) -> None:
    """Of an empty collection no example is shown, and of a spec that loses nothing no loss."""
    folder.spec("note", 1)
    path = make(tmp_path / "db", {b"other": b"1"})
    done = cli("plan", path, "--specs", folder.specs, "--schemas", folder.schemas, "--scan")
    assert done == Done(
        0,
        "Plan: v1 -> v2\n1. note v1→v2\n\nTo read, at most about\n   note: 0 records, 0 bytes on disk\n\n"
        "How each step can be undone\n   note v1→v2, exactly\n\n"
        "All records, tried\n   note: 0 scanned, 0 to migrate, 0 unchanged\n✓ Every record can be carried over\n",
    )
