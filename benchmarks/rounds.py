"""Whole processes that do the same work, run in turns, each on a fresh copy of a database: how long, how much memory.

The time is of the whole process, from its start to its end. The memory is the peak of what the process and all that it
started hold together, looked up in /proc every 20 ms. To look takes time of the process that is looked at, so it is
done in a round of its own, the first, whose time does not count.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import NamedTuple

__all__ = ["COMMAND", "DATABASE", "ROOT", "Contender", "Measured", "Ran", "fresh", "in_turns", "run"]

ROOT = Path(__file__).parent.parent
COMMAND = str(Path(sys.executable).with_name("migrate-spec"))
"""Our own command, of the Python that measures."""

DATABASE = "DATABASE"
"""The word of a command line that stands for the copy of the database."""

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Where modules are compiled once, as in use, and not at each start."""

SECONDS_BETWEEN_LOOKS = 0.02
BYTES_A_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Contender:
    """One of the processes that are compared.

    Attributes:
        name: what it is called in the results.
        command: the words of its command line, with :data:`DATABASE` for the copy.
        pristine: the database of which it gets a fresh copy for each run, if it needs one.
        folder: where it is run.
    """

    name: str
    command: Sequence[str]
    pristine: Path | None = None
    folder: Path = ROOT


@dataclass
class Measured:
    """What was measured of a contender.

    Attributes:
        seconds: of each round, from the start of the process to its end.
        processor: of each round, how many seconds all cores together worked for it.
        peak: the most bytes of memory it held.
    """

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peak: int = 0


class Ran(NamedTuple):
    """One run: as in :class:`Measured`. The peak is 0 where nobody looked."""

    seconds: float
    processor: float
    peak: int


def in_turns(contenders: Sequence[Contender], rounds: int) -> list[Measured]:
    """Run all contenders one after the other, so many rounds.

    Returns:
        What was measured of each, in their order.

    Raises:
        RuntimeError: one of them failed; with its own words.
    """
    found = [Measured() for _ in contenders]
    for number in range(rounds + 1):
        for contender, measured in zip(contenders, found, strict=True):
            ran = run(contender, looks=number == 0)
            if number:
                measured.seconds.append(ran.seconds)
                measured.processor.append(ran.processor)
            else:
                measured.peak = ran.peak
    return found


def run(contender: Contender, *, looks: bool = False) -> Ran:
    """Run a contender once, and look at its memory or not.

    Raises:
        RuntimeError: it failed; with its own words.
    """
    if contender.pristine is None:
        return _run(contender, contender.command, looks=looks)
    with fresh(contender.pristine) as copy:
        command = [str(copy) if word == DATABASE else word for word in contender.command]
        return _run(contender, command, looks=looks)


def _run(contender: Contender, command: Sequence[str], *, looks: bool) -> Ran:
    with TemporaryFile() as told:
        start, worked = time.perf_counter(), _worked()
        with subprocess.Popen(  # noqa: S603 - our own commands
            command, cwd=contender.folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=told
        ) as process:
            peak = _watch(process) if looks else 0
            process.wait()
            seconds = time.perf_counter() - start
        if process.returncode:
            told.seek(0)
            raise RuntimeError(f"{contender.name} failed: {told.read().decode(errors='replace').strip()}")
    return Ran(seconds, _worked() - worked, peak)


def _worked() -> float:
    """The seconds that all cores worked for processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def fresh(pristine: Path) -> Iterator[Path]:
    """A copy of a database in a folder of its own, which is gone afterwards with all that was put beside the copy.

    Table files never change: the copy has them by a second name. So the system holds them in memory in the same way
    for everyone, and is busy with writing none of them back.
    """
    with TemporaryDirectory(dir=pristine.parent) as folder:
        copy = Path(folder, "database")
        shutil.copytree(pristine, copy, copy_function=_link_or_copy)
        os.sync()
        yield copy


def _link_or_copy(source: str, target: str) -> None:
    if source.endswith(".sst"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _watch(process: subprocess.Popen[bytes]) -> int:
    """The most bytes that a process and its descendants hold until it ends."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_memory, _family(process.pid))))
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return peak


def _family(process: int) -> Iterator[int]:
    """A process and its descendants."""
    yield process
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # a thread that has ended meanwhile
            for child in thread.read_text("ascii").split():
                yield from _family(int(child))


def _memory(process: int) -> int:
    """The bytes that a process holds, with its share of what it shares; all of that where the share is not told."""
    folder = Path(f"/proc/{process}")
    with suppress(OSError):  # a process that has ended meanwhile, or a system that does not tell
        for line in (folder / "smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError):
        return int((folder / "statm").read_text("ascii").split()[1]) * BYTES_A_PAGE
    return 0
