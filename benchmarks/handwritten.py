"""What a careful developer writes by hand today: Meridian's change of its tasks, with json and a WriteBatch.

python -m benchmarks.handwritten DATABASE

No check against a schema, no backup, no history, and a kill in the middle leaves half of the tasks changed.
"""

from __future__ import annotations

import json
import sys

from rocksdict import Options, Rdict, ReadOptions, WriteBatch

RECORDS_A_BATCH = 1000

NULLS = (
    "started_at",
    "timeout_hours",
    "description",
    "spec_ref",
    "session_id",
    "active_session_id",
    "completed_at",
    "estimated_hours",
    "actual_hours",
    "commit_hash",
    "episode_id",
)
LISTS = ("depends_on", "related_tasks", "history", "tags")


def migrate(value: bytes) -> bytes:
    """One task, from version 1 to 2."""
    task = {"schema_version": 2, **json.loads(value)}
    for name in NULLS:
        task.setdefault(name, None)
    for name in LISTS:
        task.setdefault(name, [])
    task.setdefault("last_activity", task["updated_at"])
    return json.dumps(task, ensure_ascii=False, separators=(",", ":")).encode()


def main() -> None:
    """Migrate all tasks of the database that the command line names."""
    database = Rdict(sys.argv[1], Options(raw_mode=True))
    reading = ReadOptions()
    reading.set_iterate_upper_bound(b"task;")
    batch = WriteBatch(raw_mode=True)
    for key, value in database.items(from_key=b"task:", read_opt=reading):
        batch.put(key, migrate(value))
        if len(batch) == RECORDS_A_BATCH:
            database.write(batch)
            batch = WriteBatch(raw_mode=True)
    batch.put(b"_schema_version", b"2")
    database.write(batch)
    database.close()


if __name__ == "__main__":
    main()
