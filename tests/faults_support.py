"""What the tests of faults share: commands in processes of their own, whose system calls fail, wait or never come back.

``faults/faults.c`` is loaded into those processes. Each of their calls that changes a file below a folder, or opens
one, is a point; :class:`Faults` tells which points there are, and what is to happen at which of them.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, NoReturn

import pytest

from tests.conftest import CONFIG, ROOT
from tests.server_support import Server

LIBRARY = "faults.so"
SOURCE = ROOT / "tests" / "faults" / "faults.c"

CHANGES, OPENINGS = 1, 2
KILL_BEFORE, KILL_AFTER, KILL_TORN, FAIL, FAIL_TORN, PAUSE, JUMP = range(1, 8)
FOR_EVER = 2**62
SECONDS = 300
"""How long a command may take: many times what it takes on a slow machine."""

NUMBERS, TEXTS = struct.Struct("14q"), struct.Struct("1000s100s300s1000s")
LOG_SIZE = 1 << 21


@dataclass(frozen=True)
class Fault:
    """What is to happen at a point.

    Attributes:
        action: one of the above.
        error: the number of the error with which the call fails.
        lasts: whether it happens at all later points, too.
        kind: at which calls: those that change files, or those that open one.
        seconds: by how much the clock jumps.
        whole_group: whether all processes of the command are killed.
    """

    action: int
    error: int = 0
    lasts: bool = False
    kind: int = CHANGES
    seconds: int = 0
    whole_group: bool = False

    @property
    def kills(self) -> bool:
        """Whether a process ends by it."""
        return self.action in {KILL_BEFORE, KILL_AFTER, KILL_TORN}


FAULTS = {
    "killed before": Fault(KILL_BEFORE),
    "killed after": Fault(KILL_AFTER),
    "killed half way": Fault(KILL_TORN),
    "all killed": Fault(KILL_BEFORE, whole_group=True),
    "all killed after": Fault(KILL_AFTER, whole_group=True),
    "all killed half way": Fault(KILL_TORN, whole_group=True),
    "disk full": Fault(FAIL, errno.ENOSPC, lasts=True),
    "disk full half way": Fault(FAIL_TORN, errno.ENOSPC, lasts=True),
    "disk full for a moment": Fault(FAIL, errno.ENOSPC),
    "disk broken": Fault(FAIL, errno.EIO, lasts=True),
    "disk broken for a moment": Fault(FAIL, errno.EIO),
    "disk read-only": Fault(FAIL, errno.EROFS, lasts=True),
    "too many open files": Fault(FAIL, errno.EMFILE, lasts=True, kind=OPENINGS),
    "too many open files for a moment": Fault(FAIL, errno.EMFILE, kind=OPENINGS),
    "clock set back": Fault(JUMP, seconds=-86_400),
}
"""What can happen at each point."""


@dataclass(frozen=True)
class Point:
    """A call that changes or opens a file.

    Attributes:
        number: the how manieth it is.
        process: who makes it.
        call: its name.
        path: the file.
    """

    number: int
    process: int
    call: str
    path: str

    def is_of(self, call: str, part: str) -> bool:
        """Whether it is of such a call, on such a path."""
        return self.call == call and part in self.path

    def __str__(self) -> str:
        return f"{self.number}: {self.call} {self.path}"


class Faults:
    """The control file, which all processes map that have the library loaded.

    Attributes:
        file: it.
        folder: the folder below which calls are points.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.file, self.folder = file, folder
        file.write_bytes(bytes(NUMBERS.size + TEXTS.size + LOG_SIZE))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), 0)

    def arm(  # noqa: PLR0913 - as many as there are things to ask for
        self,
        fault: Fault | None = None,
        first: int = 1,
        *,
        kind: int = CHANGES,
        call: str = "",
        part: str = "",
        journal: Path = Path(),
    ) -> None:
        """From now on count points, and have something happen from one of them on.

        Args:
            fault: what; nothing: they are only counted.
            first: at which point.
            kind: where there is no fault, which calls are points.
            call: only calls of this name are points, until something lasting happens.
            part: so are only those of files in whose path this stands.
            journal: the file that tells which calls have changed names, and which have put something on the disk;
                copies of that lie beside it.
        """
        self._set(0)  # nothing happens while this is being written
        texts = TEXTS.pack(bytes(self.folder), call.encode(), part.encode(), bytes(journal) if journal.name else b"")
        self._map[NUMBERS.size : NUMBERS.size + TEXTS.size] = texts
        if fault is None:
            self._set(1, kind)
        else:
            last = FOR_EVER if fault.lasts else first
            group = int(fault.whole_group)
            self._set(1, fault.kind, fault.action, first, last, fault.error, fault.seconds, group)

    def disarm(self) -> None:
        """From now on nothing happens."""
        self._map[:8] = bytes(8)

    def _set(self, *numbers: int) -> None:
        self._map[: NUMBERS.size] = NUMBERS.pack(*numbers, *[0] * (14 - len(numbers)))

    @property
    def fired(self) -> int:
        """How often something has happened."""
        return int(NUMBERS.unpack(self._map[: NUMBERS.size])[9])

    @property
    def paused(self) -> bool:
        """Whether a process waits at a point."""
        return bool(NUMBERS.unpack(self._map[: NUMBERS.size])[10])

    def go_on(self) -> None:
        """Let it go on."""
        self._map[10 * 8 : 11 * 8] = bytes(8)

    def points(self) -> list[Point]:
        """The points so far."""
        start = NUMBERS.size + TEXTS.size
        size = NUMBERS.unpack(self._map[: NUMBERS.size])[12]
        assert size < LOG_SIZE
        lines = self._map[start : start + size].decode("utf-8", "surrogateescape").splitlines()
        found = []
        for line in lines:
            number, process, call, path = line.split(" ", 3)
            found.append(Point(int(number), int(process), call, path))
        return sorted(found, key=lambda point: point.number)


def library(folder: Path) -> Path:
    """The library, compiled; the test is skipped where that is not possible."""
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("system calls are made to fail by a library in C, for Linux: no C compiler is here")
    target = folder / LIBRARY
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(target), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the library that makes system calls fail could not be compiled: {done.stderr.splitlines()[0]}")
    return target


SERVER = """
import importlib, json, os, resource, sys, tempfile, traceback
import migrate_spec.cli as cli
from migrate_spec import in_place, runner

tempfile.gettempdir()
for module in (
    *("apply", "manager", "rollback", "executors", "worker_processes", "moving", "startup", "fix", "repairing"),
    *("downgrade", "journey", "stepwise", "homeward", "ledger", "forgetting"),
    *(f"backups.{name}" for name in ("archive", "create", "prune", "restore", "restore_into", "salvage", "verify")),
):
    importlib.import_module(f"migrate_spec.{module}")
for module in (
    *("apply", "rollback", "downgrade", "backup", "repair", "complement", "salvage"), *("status", "history", "plan")
):
    importlib.import_module(f"migrate_spec.cli.commands.{module}")


def command(words, files, small_jobs, out, err):
    os.setpgid(0, 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, 256)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
    if small_jobs:
        runner.FEW_RECORDS, runner.LEAST_IN_A_JOB = 0, 20
        in_place.RECORDS_A_CHUNK, in_place.BYTES_A_BATCH, in_place.BYTES_A_STRETCH = 3, 1, 300
    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    sys.argv = ["migrate-spec", *words]
    cli.main()


def write(path, family, changes):
    from rocksdict import Options, Rdict

    part = Rdict(path, *Options.load_latest(path)).get_column_family(family)
    for key, value in changes.items():
        part[bytes.fromhex(key)] = bytes.fromhex(value)
    os.kill(os.getpid(), 9)


def text(file):
    with os.fdopen(file, "rb") as opened:
        return opened.read().decode(errors="replace")


for line in sys.stdin:
    order = json.loads(line)
    (out, out_there), (err, err_there) = os.pipe(), os.pipe()
    process = os.fork()
    if not process:
        try:
            if order["changes"]:
                write(*order["words"], order["changes"])
            command(order["words"], order["files"], order["small_jobs"], out_there, err_there)
        except BaseException:
            traceback.print_exc()
        os._exit(99)
    os.close(out_there)
    os.close(err_there)
    print(process, flush=True)
    said = text(out), text(err)  # there is no end of the latter before that of all workers
    status = os.waitpid(process, 0)[1]
    print(json.dumps([os.waitstatus_to_exitcode(status), *said]), flush=True)
"""
"""Runs commands, each in a fork that has all imports behind it and has never opened a database."""


@dataclass(frozen=True)
class Outcome:
    """What became of a command.

    Attributes:
        code: its exit code; negative: the signal that ended it.
        out, err: what it printed.
    """

    code: int
    out: str
    err: str


class Commands(Server):
    """Commands of ``migrate-spec``, each as a process of its own."""

    def __init__(self, temporary: Path, preload: Path | None = None, control: Path | None = None) -> None:
        """Start what starts them.

        Args:
            temporary: the folder for their temporary files.
            preload: the library that is loaded into them.
            control: the control file of that.
        """
        extra = {"LD_PRELOAD": preload, "FAULTS_CONTROL": control} if preload else {}
        super().__init__(SERVER, temporary=temporary, **extra)
        self._read = b""

    def line(self) -> str:
        """The next line that it says; one that does not come is a failure."""
        while b"\n" not in self._read:  # all that is there is read at once, or it would be waited for in vain
            if not select.select([self.output], [], [], SECONDS)[0]:
                self.process.kill()
                pytest.fail("a command hangs")
            found = os.read(self.output.fileno(), 1 << 16)
            if not found:
                self._fail()
            self._read += found
        line, _, self._read = self._read.partition(b"\n")
        return line.decode()

    def _fail(self) -> NoReturn:
        pytest.fail(f"what starts commands has ended with {self.process.wait()}")

    def start(self, *words: str | Path, files: int = 0, small_jobs: bool = False) -> int:
        """Begin a command; :meth:`finish` waits for it.

        Args:
            words: it.
            files: how many it may have open.
            small_jobs: whether any number of records is carried by workers, and in place in many batches.

        Returns:
            The number of its process.
        """
        return self._begin([str(word) for word in words], files=files, small_jobs=small_jobs)

    def write_and_die(self, path: Path, changes: Mapping[bytes, bytes], family: str = "default") -> None:
        """Change records as a program does that is killed then: they are in the log of the database only."""
        had_config = (path / CONFIG).exists()
        self._begin([str(path), family], changes={key.hex(): value.hex() for key, value in changes.items()})
        outcome = self.finish()
        assert outcome.code == -signal.SIGKILL, outcome
        if not had_config:
            (path / CONFIG).unlink()

    def _begin(
        self, words: list[str], *, files: int = 0, small_jobs: bool = False, changes: Mapping[str, str] | None = None
    ) -> int:
        try:
            self.order(words=words, files=files, small_jobs=small_jobs, changes=changes)
        except BrokenPipeError:
            self._fail()
        return int(self.line())

    def finish(self) -> Outcome:
        """What became of the command that was begun."""
        return Outcome(*json.loads(self.line()))

    def run(self, *words: str | Path, files: int = 0, small_jobs: bool = False) -> Outcome:
        """What becomes of a command."""
        self.start(*words, files=files, small_jobs=small_jobs)
        return self.finish()


class Tools(NamedTuple):
    """What tests work with.

    Attributes:
        folder: for databases and temporary files; calls below it are points.
        faults: what is to happen to the commands.
        commands: they.
    """

    folder: Path
    faults: Faults
    commands: Commands

    @property
    def temporary(self) -> Path:
        """The folder of the commands' temporary files."""
        return self.folder / "tmp"


def new_tools(stack: ExitStack) -> Tools:
    """Tools for as long as the stack is open, in memory where there is one: no machine ends here, only processes."""
    shared = Path("/dev/shm")  # noqa: S108 - in it a folder of our own is made
    place = shared if os.access(shared, os.W_OK) else None
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="migrate-spec-test-", dir=place)))
    faults = Faults(folder / "control", folder / "world")
    (faults.folder / "tmp").mkdir(parents=True)
    commands = stack.enter_context(Commands(faults.folder / "tmp", library(folder), faults.file))
    return Tools(faults.folder, faults, commands)


@contextmanager
def paused(tools: Tools, *words: str | Path, call: str, part: str) -> Iterator[Callable[[], Outcome]]:
    """A command that waits at the first point of such a call.

    Args:
        tools: what runs it.
        words: the command.
        call: the name of the call.
        part: what stands in the path of its file.

    Yields:
        What lets it go on and tells what became of it; at the end of the block it goes on in any case.
    """
    tools.faults.arm(Fault(PAUSE), call=call, part=part)
    process = tools.commands.start(*words)
    end = time.monotonic() + SECONDS
    while not tools.faults.paused:
        assert time.monotonic() < end, "the point was not reached"
        time.sleep(0.0005)
    ended: list[Outcome] = []

    def finish() -> Outcome:
        if not ended:
            tools.faults.go_on()
            ended.append(tools.commands.finish())
        return ended[0]

    try:
        yield finish
    except BaseException:
        os.kill(process, signal.SIGKILL)
        raise
    finally:
        finish()
        tools.faults.disarm()
