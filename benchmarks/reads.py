"""Whether a database is as fast to read after a run as before it: point reads and scans, in turns.

python -m benchmarks.reads [--records N] [--points N] [--rounds N] [--json FILE]

Three databases are read: one before the run, one right after it, and one after it that was then compacted. Each is
opened anew for each round, and for reading only, so that RocksDB does not compact it meanwhile. Records are larger
after the run, so what counts is how right after compares with compacted.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rocksdict import AccessType, Options, Rdict

from benchmarks.apply import PROJECT
from benchmarks.results import Result, Row, parser, publish
from benchmarks.rounds import COMMAND, Contender, fresh, run
from benchmarks.tasks import build, tasks

__all__ = ["main"]

LEVELS = 7
COMPACTED = "compacted after the run"

Reading = Callable[[Rdict], None]


def opened(path: Path) -> Rdict:
    """A database open for reading."""
    return Rdict(str(path), Options(raw_mode=True), access_type=AccessType.read_only())


def apply(path: Path) -> None:
    """Migrate a database from version 1 to 2."""
    run(Contender("migrate-spec apply", (COMMAND, "apply", str(path), "--to", "2", *PROJECT)))


def compact(path: Path) -> None:
    """Compact a database."""
    database = Rdict(str(path), Options(raw_mode=True))
    database.compact_range(None, None)
    database.close()


def files(path: Path) -> str:
    """How many table files a database has at each level that has some."""
    database = opened(path)
    counts = [int(database.property_value(f"rocksdb.num-files-at-level{level}") or 0) for level in range(LEVELS)]
    database.close()
    return "files: " + ", ".join(f"{count} at level {level}" for level, count in enumerate(counts) if count)


def seconds(path: Path, reading: Reading) -> float:
    """How long it takes to read from a database."""
    database = opened(path)
    start = time.perf_counter()
    reading(database)
    took = time.perf_counter() - start
    database.close()
    return took


def measure(databases: Mapping[str, Path], keys: Sequence[bytes], records: int, rounds: int) -> list[Row]:
    """Read points and all records of each database, in turns."""

    def points(database: Rdict) -> None:
        for key in keys:
            if database.get(key) is None:
                raise LookupError(f"{key!r} is not there")

    def scan(database: Rdict) -> None:
        if sum(1 for _ in database.items(from_key=b"task:")) < records:
            raise LookupError("records are missing")

    readings: dict[str, tuple[Reading, int]] = {"point reads": (points, len(keys)), "scan": (scan, records)}
    found = {(name, when): list[float]() for name in readings for when in databases}
    for _ in range(rounds):
        for (name, when), took in found.items():
            took.append(seconds(databases[when], readings[name][0]))
    return [
        Row(f"{name} {when}", took, readings[name][1], f"{name} {COMPACTED}", note=files(databases[when]))
        for (name, when), took in found.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in turns and print the medians."""
    options = parser(__doc__, rounds=7, records=1_000_000, points=20_000).parse_args(arguments)
    with TemporaryDirectory() as folder:
        before = Path(folder, "pristine")
        build(before, tasks(options.records))
        chance = random.Random(0)  # noqa: S311 - test data, not a secret
        keys = [b"task:%012x" % chance.randrange(options.records) for _ in range(options.points)]
        with fresh(before) as after, fresh(before) as compacted:
            apply(after)
            apply(compacted)
            compact(compacted)
            databases = {"before the run": before, "right after the run": after, COMPACTED: compacted}
            found = measure(databases, keys, options.records, options.rounds)
    title = "How fast a database is to read after a run"
    about = (
        f"{options.records:,} tasks, of which {options.points:,} at random are read one by one, and all in a scan. "
        "Records are larger after the run than before it."
    )
    publish(Result(title, about, "record", found), options.json)


if __name__ == "__main__":
    main()
