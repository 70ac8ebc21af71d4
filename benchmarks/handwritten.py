"""What a careful developer writes by hand today: Meridian's change of its tasks, with json and a WriteBatch.

python -m benchmarks.handwritten [--orjson] DATABASE

No check against a schema, no backup, no history, and a kill in the middle leaves half of the tasks changed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from rocksdict import Options, Rdict, ReadOptions, WriteBatch

__all__ = ["migrate"]

RECORDS_A_BATCH = 1000

Task = dict[str, Any]

NEW: Task = {"depends_on": [], "related_tasks": [], "started_at": None, "timeout_hours": None}
"""The fields of version 2, with what is put in where they are absent."""

LEFT_OUT: Task = {
    "description": None,
    "spec_ref": None,
    "session_id": None,
    "active_session_id": None,
    "completed_at": None,
    "history": [],
    "tags": [],
    "estimated_hours": None,
    "actual_hours": None,
    "commit_hash": None,
    "episode_id": None,
}
"""The same of fields that some programs of version 1 left out."""


def migrate(old: Task) -> Task | None:
    """One task, from version 1 to 2; ``None`` where it lacks nothing and stays as it is."""
    stamp = {"schema_version": 2}
    task = old | stamp if "schema_version" in old else stamp | old
    before = len(task)
    for name, value in NEW.items():
        task.setdefault(name, value)
    task.setdefault("last_activity", task["updated_at"])
    for name, value in LEFT_OUT.items():
        task.setdefault(name, value)
    return task if len(task) > before else None


def encode(task: Task) -> bytes:
    """A task as it is stored."""
    return json.dumps(task, ensure_ascii=False, separators=(",", ":")).encode()


def run(path: str, decode: Callable[[bytes], Task], encode: Callable[[Task], bytes]) -> None:
    """Migrate all tasks of a database."""
    database = Rdict(path, Options(raw_mode=True))
    reading = ReadOptions()
    reading.set_iterate_upper_bound(b"task;")
    batch = WriteBatch(raw_mode=True)
    for key, value in database.items(from_key=b"task:", read_opt=reading):
        task = migrate(decode(value))
        if task is not None:
            batch.put(key, encode(task))
        if len(batch) == RECORDS_A_BATCH:
            database.write(batch)
            batch = WriteBatch(raw_mode=True)
    batch.put(b"_schema_version", b"2")
    database.write(batch)
    database.close()


def main() -> None:
    """Migrate the database that the command line names, with json or with orjson."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orjson", action="store_true")
    parser.add_argument("database")
    options = parser.parse_args()
    if options.orjson:
        import orjson  # noqa: PLC0415 - the script without it is not to pay for it

        run(options.database, orjson.loads, orjson.dumps)
    else:
        run(options.database, json.loads, encode)


if __name__ == "__main__":
    main()
