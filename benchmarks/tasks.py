"""A database of many tasks as Meridian stored them at version 1, the same at every call."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from rocksdict import BlockBasedOptions, Options, Rdict, SstFileWriter

__all__ = ["build", "odd_tasks", "tasks"]

Record = tuple[bytes, bytes]

STATUSES = ("pending", "in_progress", "blocked", "done", "cancelled")
PRIORITIES = ("low", "medium", "high", "critical")
HOURS = ("null", "0.5", "2.0", "8.0")
WORDS = (
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
)
PHRASES = 4096
"""How many titles there are, and how many descriptions: a new one for each of a million tasks would take minutes."""

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
SECONDS_A_DAY = 86_400
WORKED_FOR = 5 * 3600
"""Seconds from the making of a task to its last change."""

TASK = (
    '{"id":"%08x-%012x","title":"%s","description":"%s","status":"%s","priority":"%s",'
    '"spec_ref":{"spec_name":"progress-tracking","section":"%s"},"session_id":null,"active_session_id":null,'
    '"created_at":"%s","updated_at":"%s","completed_at":null,'
    '"history":[{"timestamp":"%s","from":null,"to":"%s","note":"Task created"}],"tags":["%s","%s"],'
    '"estimated_hours":%s,"actual_hours":null,"commit_hash":null,"episode_id":null}'
)
REQUIRED = ("id", "title", "status", "priority", "created_at", "updated_at")
ODD_STATES: tuple[dict[str, Any], ...] = (
    {},
    {"schema_version": 1},
    {"related_tasks": ["a", "b"], "last_activity": "2025-10-18T21:30:00.125Z", "timeout_hours": 4},
    {"assignee": 'Zoë\t"\\/', "effort": 0.30000000000000004, "parts": [[], {}, True, -7]},
)
"""What the tasks in odd states have beside the usual fields: nothing, fields of version 2, fields of nobody's."""

WHOLE = {
    "depends_on": ["a"],
    "related_tasks": [],
    "started_at": None,
    "timeout_hours": None,
    "last_activity": "2025-10-18T21:30:00Z",
}
"""What tasks have of version 2 beside the fields of version 1, so that nothing is missing."""

FORMAT_VERSION = 5
"""Of the table files: the newest that RocksDB 7, which Debian has for the contenders in C++, reads, too."""


def tasks(count: int) -> Iterator[Record]:
    """So many tasks of about 600 bytes, in the order of their keys."""
    chance = random.Random(0)  # noqa: S311 - test data, not a secret
    titles = [" ".join(chance.choices(WORDS, k=5)).capitalize() for _ in range(PHRASES)]
    descriptions = [" ".join(chance.choices(WORDS, k=14)) for _ in range(PHRASES)]
    words = len(WORDS)
    for number in range(count):
        bits = chance.getrandbits(96)
        created, status = _moment(number), STATUSES[(bits >> 32) % len(STATUSES)]
        text = TASK % (
            bits & 0xFFFFFFFF,
            number,
            titles[(bits >> 36) % PHRASES],
            descriptions[(bits >> 48) % PHRASES],
            status,
            PRIORITIES[(bits >> 60) % len(PRIORITIES)],
            WORDS[(bits >> 62) % words],
            created,
            _moment(number + WORKED_FOR),
            created,
            status,
            WORDS[(bits >> 70) % words],
            WORDS[(bits >> 78) % words],
            HOURS[(bits >> 86) % len(HOURS)],
        )
        yield b"task:%012x" % number, text.encode()


def _moment(seconds: int) -> str:
    """So many seconds after the beginning."""
    days, second = divmod(seconds, SECONDS_A_DAY)
    return _day(days) + _times()[second]


@cache
def _day(days: int) -> str:
    return f"{BEGIN + timedelta(days=days):%Y-%m-%d}"


@cache
def _times() -> Sequence[str]:
    """The second half of a moment, for each second of a day."""
    return [f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z" for second in range(SECONDS_A_DAY)]


def odd_tasks(count: int) -> Iterator[Record]:
    """As :func:`tasks`, but every other one is in a state that an earlier program left it in.

    Some have none of the optional fields, some all of version 2 so that nothing is missing, and some those of others.
    """
    for number, (key, value) in enumerate(tasks(count)):
        task = json.loads(value)
        if number % 2:
            odd = ODD_STATES[number // 2 % len(ODD_STATES)]
            task = {name: task[name] for name in REQUIRED} | odd if number % 3 else task | WHOLE
        yield key, json.dumps(task, ensure_ascii=False, separators=(",", ":")).encode()


FILE = 64 * 2**20
"""The bytes of a table file: RocksDB's own default (``target_file_size_base``)."""


def build(target: Path, records: Iterable[Record]) -> int:
    """Write records, in the order of their keys, into a new database.

    Returns:
        The bytes of all values.
    """
    options = Options(raw_mode=True)
    tables = BlockBasedOptions()
    tables.set_format_version(FORMAT_VERSION)
    options.set_block_based_table_factory(tables)
    total, staged = 0, list[Path]()
    rest = iter(records)
    for first in rest:
        writer = SstFileWriter(options)
        staged.append(target.with_name(f"{target.name}.{len(staged)}.sst"))
        writer.open(str(staged[-1]))
        for key, value in chain([first], rest):
            writer[key] = value
            total += len(value)
            if writer.file_size() >= FILE:
                break
        writer.finish()
    database = Rdict(str(target), options)
    database.ingest_external_file([str(file) for file in staged])
    database.close()
    for file in staged:
        file.unlink()
    return total
