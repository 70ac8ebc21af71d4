"""A database of many tasks as Meridian stored them at version 1, the same at every call."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rocksdict import Options, Rdict, SstFileWriter

STATUSES = ("pending", "in_progress", "blocked", "done", "cancelled")
PRIORITIES = ("low", "medium", "high", "critical")
WORDS = [
    "index",
    "parse",
    "cache",
    "store",
    "query",
    "graph",
    "merge",
    "split",
    "token",
    "trace",
    "route",
    "batch",
    "write",
    "check",
    "spec",
    "task",
    "code",
    "test",
]


def task(number: int) -> tuple[bytes, bytes]:
    """One task of about 600 bytes, by its number."""
    chance = random.Random(number)  # noqa: S311 - test data, not a secret
    moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    created, updated = (f"{time:%Y-%m-%dT%H:%M:%S}Z" for time in (moment, moment + timedelta(hours=5)))
    identity = f"{chance.getrandbits(32):08x}-{number:012x}"
    status = chance.choice(STATUSES)
    return f"task:{number:012x}".encode(), json.dumps(
        {
            "id": identity,
            "title": " ".join(chance.choices(WORDS, k=5)).capitalize(),
            "description": " ".join(chance.choices(WORDS, k=14)),
            "status": status,
            "priority": chance.choice(PRIORITIES),
            "spec_ref": {"spec_name": "progress-tracking", "section": chance.choice(WORDS)},
            "session_id": None,
            "active_session_id": None,
            "created_at": created,
            "updated_at": updated,
            "completed_at": None,
            "history": [{"timestamp": created, "from": None, "to": status, "note": "Task created"}],
            "tags": chance.choices(WORDS, k=2),
            "estimated_hours": chance.choice((None, 0.5, 2.0, 8.0)),
            "actual_hours": None,
            "commit_hash": None,
            "episode_id": None,
        },
        separators=(",", ":"),
    ).encode()


def build(target: Path, count: int) -> int:
    """Write so many tasks into a new database.

    Returns:
        The bytes of all values.
    """
    staged = target.with_name(f"{target.name}.sst")
    writer = SstFileWriter(Options(raw_mode=True))
    writer.open(str(staged))
    total = 0
    for number in range(count):
        key, value = task(number)
        writer[key] = value
        total += len(value)
    writer.finish()
    database = Rdict(str(target), Options(raw_mode=True))
    database.ingest_external_file([str(staged)])
    database.close()
    staged.unlink(missing_ok=True)
    return total
