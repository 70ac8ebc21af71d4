"""What the system did that this project starts from: one task at a time, each copied to a backup beside it before.

python -m benchmarks.seed DATABASE

It lists the keys from the first one of the database on, once for the backup and once for the run. Each value is got and
put by itself, twice. Nothing is atomic: a kill in the middle leaves half of the tasks changed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

from rocksdict import Options, Rdict

from benchmarks.handwritten import encode, migrate

__all__ = ["run"]

PREFIX = b"task:"


def keys_of_tasks(database: Rdict) -> list[bytes]:
    """The keys of all tasks; everything before them is read, too."""
    found = []
    records = cast("Iterator[tuple[bytes, bytes]]", database.items())
    for key, _ in records:  # the values were read, too
        if key.startswith(PREFIX):
            found.append(key)
        elif found:
            break
    return found


def back_up(database: Rdict, moment: str) -> str:
    """Copy each task to a key that begins with the name of the backup.

    Returns:
        This name.
    """
    name = f"_backup_{moment}"
    keys = keys_of_tasks(database)
    index = {"timestamp": moment, "prefix": PREFIX.decode(), "item_count": len(keys)}
    database[name.encode()] = json.dumps(index | {"keys": [key.decode() for key in keys]}).encode()
    for key in keys:
        database[name.encode() + b":" + key] = database[key]
    return name


def run(path: str) -> None:
    """Migrate all tasks of a database."""
    database = Rdict(path, Options(raw_mode=True))
    moment = f"{datetime.now(UTC):%Y%m%d_%H%M%S}"
    backup = back_up(database, moment)
    keys = keys_of_tasks(database)
    for key in keys:
        task = migrate(json.loads(cast("bytes", database[key])))
        if task is not None:
            database[key] = encode(task)
    database[b"_schema_version"] = b"2"
    entry = {"from_version": 1, "to_version": 2, "started_at": moment, "items_migrated": len(keys)}
    database[b"_migration_history"] = json.dumps({"migrations": [entry | {"backup_key": backup}]}).encode()
    database.close()


if __name__ == "__main__":
    run(sys.argv[1])
