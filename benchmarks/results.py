"""What a benchmark found: rows with medians and ratios, printed as a table and kept as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rocksdict import Options, Rdict

from benchmarks.rounds import Contender, Measured

__all__ = ["Result", "Row", "machine", "parser", "publish", "read", "rows", "spelled", "table"]


def machine() -> dict[str, str]:
    """What there is to know of this machine, so that numbers can be compared with those of another."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": f"{len(os.sched_getaffinity(0))} cores of {_processor()}",
        "memory": f"{memory / 2**30:.0f} GiB",
        "Python": platform.python_version(),
        "RocksDB": f"{_rocksdb()} (rocksdict {version('rocksdict')})",
    }


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _rocksdb() -> str:
    """The version of RocksDB in rocksdict, which tells it only to the databases that it makes."""
    with TemporaryDirectory() as folder:
        Rdict(folder, Options(raw_mode=True)).close()
        options = next(Path(folder).glob("OPTIONS-*")).read_text("utf-8")
    found = re.search(r"rocksdb_version=(\S+)", options)
    return found[1] if found else "unknown"


def _busy() -> float:
    """The seconds that all cores have worked so far for anybody, other virtual machines on them included."""
    user, nice, system, _idle, _waiting, *rest = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]
    return sum(map(int, (user, nice, system, *rest))) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """The seconds that they have worked for this process and those that it started."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


START = time.monotonic(), _busy() - _own()


def others() -> float:
    """The part of all cores' time that others took since this process began to measure."""
    began, before = START
    share = (_busy() - _own() - before) / (time.monotonic() - began) / len(os.sched_getaffinity(0))
    return round(max(share, 0.0), 2)


@dataclass(frozen=True)
class Row:
    """One contender.

    Attributes:
        name: what it is called.
        seconds: of each round.
        units: how many pieces of work it did in each.
        against: the row with whose cost a piece its own is compared.
        processor: how many seconds all cores together worked for it in each round; none where that is not known.
        peak: the most bytes of memory it held; 0 where nobody looked.
        note: what else is to be known.
    """

    name: str
    seconds: Sequence[float]
    units: int
    against: str
    processor: Sequence[float] = ()
    peak: int = 0
    note: str = ""

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def cost(self) -> float:
        """The seconds that a piece of work takes."""
        return self.median / self.units


@dataclass(frozen=True)
class Result:
    """What one benchmark found.

    Attributes:
        title: what was compared.
        about: how, in sentences.
        unit: what a piece of work is called.
        rows: the contenders.
        machine: where, as :func:`machine` tells.
        others: how much others disturbed it, as :func:`others` tells.
    """

    title: str
    about: str
    unit: str
    rows: Sequence[Row]
    machine: dict[str, str] = field(default_factory=machine)
    others: float = field(default_factory=others)

    @property
    def disturbed(self) -> str:
        """A sentence on how much others disturbed it."""
        return f"Others took {self.others:.0%} of the processor's time meanwhile."


def parser(about: str | None, rounds: int, **counts: int) -> argparse.ArgumentParser:
    """What every benchmark takes: how much of each thing, how many rounds, and where the results go."""
    words = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, count in counts.items():
        words.add_argument(f"--{name}", type=int, default=count)
    words.add_argument("--rounds", type=int, default=rounds)
    words.add_argument("--json", type=Path, metavar="FILE", help="write the results here, too")
    return words


def rows(contenders: Iterable[Contender], measured: Iterable[Measured], units: int) -> list[Row]:
    """A row for each contender, compared with the first."""
    pairs = list(zip(contenders, measured, strict=True))
    first = pairs[0][0].name
    return [Row(one.name, found.seconds, units, first, found.processor, found.peak) for one, found in pairs]


def publish(result: Result, file: Path | None) -> None:
    """Print a result, and write it as JSON where a file is named."""
    print(f"{result.title}\n{result.about} {result.disturbed}\n")
    lines = table(result)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print()
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(result), ensure_ascii=False, indent=1) + "\n", "utf-8")


def read(file: Path) -> Result:
    """A result that was written as JSON."""
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return Result(**found | {"rows": [Row(**row) for row in found["rows"]]})


def table(result: Result) -> list[list[str]]:
    """The cells of a result, line by line, the heading first; without the columns in which nothing stands."""
    costs = {row.name: row.cost for row in result.rows}
    lines = [["", "median", "least to most", f"a {result.unit}", "ratio", "compared with", "processor", "memory", ""]]
    lines += [
        [
            row.name,
            spelled(row.median),
            f"{spelled(min(row.seconds))} to {spelled(max(row.seconds))}",
            spelled(row.cost) if row.units > 1 else "",
            f"{row.cost / costs[row.against]:.2f}",
            row.against,
            spelled(statistics.median(row.processor)) if row.processor else "",
            f"{row.peak / 1e6:.0f} MB" if row.peak else "",
            row.note,
        ]
        for row in result.rows
    ]
    kept = [index for index in range(len(lines[0])) if any(line[index] for line in lines[1:])]
    return [[line[index] for index in kept] for line in lines]


def spelled(seconds: float) -> str:
    """A time in the unit that suits it, with three digits or more."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 100 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds * 1e6:.3g} µs"
