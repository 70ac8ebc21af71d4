"""Killed at any instant, a run in place leaves each record as it was or as it will be, and the next one goes on.

The runs happen in real processes. To begin quickly each is a fork of a process that has done all imports already, and
has never opened a database. MIGRATE_SPEC_KILLS is the number of kills at random.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec.stores.rocks import open_for_reading
from tests.conftest import HISTORY, VERSION, Folder, dump, make
from tests.in_place_support import MARK, World, check_done, is_kept, project_of
from tests.server_support import Server

KILLS = int(os.environ.get("MIGRATE_SPEC_KILLS", "25"))

SERVER = """
import ctypes, json, os, signal, struct, sys
import migrate_spec as ms
from migrate_spec import in_place
from migrate_spec.stores import rocks

in_place.RECORDS_A_CHUNK, in_place.BYTES_A_BATCH, in_place.BYTES_A_STRETCH = 3, 1, 2000
project = ms.load(sys.argv[1], sys.argv[2])
manager = ms.MigrationManager  # imports the rest
libc = ctypes.CDLL(None, use_errno=True)


def kill_after(seconds):
    # timer_create(CLOCK_PROCESS_CPUTIME_ID) with a struct sigevent of SIGKILL, SIGEV_SIGNAL
    timer, event = ctypes.c_void_p(), struct.pack("=Qii48x", 0, signal.SIGKILL, 0)
    assert not libc.timer_create(2, event, ctypes.byref(timer)), os.strerror(ctypes.get_errno())
    moment = struct.pack("=qqqq", 0, 0, int(seconds), int(seconds % 1 * 1e9) or 1)
    assert not libc.timer_settime(timer, 0, moment, None), os.strerror(ctypes.get_errno())


def run(path, seconds, at, when):
    write, count = rocks._RocksStore.write, 0

    def counted(store, changes, others, sync=False):
        nonlocal count
        count += 1
        if (count, "before") == (at, when):
            os.kill(os.getpid(), signal.SIGKILL)
        write(store, changes, others, sync=sync)
        if (count, "after") == (at, when):
            os.kill(os.getpid(), signal.SIGKILL)

    rocks._RocksStore.write = counted
    if seconds is not None:
        kill_after(seconds)
    manager(path, project).apply(in_place=True)
    return str(count)


for line in sys.stdin:
    order = json.loads(line)
    listen, say = os.pipe()
    process = os.fork()
    if not process:
        os.close(listen)
        try:
            os.write(say, run(**order).encode())
        except BaseException as error:
            os.write(say, repr(error).encode())
        os._exit(0)
    os.close(say)
    _, status, usage = os.wait4(process, 0)
    said = os.read(listen, 10_000).decode()
    print(json.dumps([status, said, usage.ru_utime + usage.ru_stime]), flush=True)
    os.close(listen)
"""
"""Carries databases in place, in small batches, each in a new process: one that is killed after so many seconds of its
processor time, however busy the machine is, or before or after so many batches. Tells the exit status, the number of
batches or an error, and the processor time it took.
"""


class Runs(Server):
    """Runs in place in processes that get killed."""

    def __init__(self, temporary: Path, folder: Folder) -> None:
        super().__init__(SERVER, folder.specs, folder.schemas, temporary=temporary)

    def run(self, path: Path, *, seconds: float | None = None, at: int = 0, when: str = "") -> tuple[bool, str, float]:
        """One run; whether it was killed, what it said, and the processor time it took."""
        self.order(path=str(path), seconds=seconds, at=at, when=when)
        status, said, took = json.loads(self.line())
        assert status in {0, signal.SIGKILL}, (status, said)
        return status == signal.SIGKILL, said, took


class Scene:
    """A database of a world, which a run in place begins with or goes on with."""

    def __init__(self, memory: Path, count: int) -> None:
        """Make it."""
        self.path = memory / "db"
        self.folder = Folder(memory / "project")
        self.project = project_of(self.folder)
        self.world = World(count)
        make(memory / "template", self.world.old, tables=2)
        (memory / "temporary").mkdir()

    def restore(self) -> None:
        """Put it back to where it began."""
        for file in self.path.parent.glob("db*"):
            shutil.rmtree(file)
        shutil.copytree(self.path.with_name("template"), self.path)

    def check(self) -> str:
        """See that it is wholly old, in the middle or at its end, and say which, and that all can be read meanwhile."""
        found = {key: value for key, value in dump(self.path).items() if not is_kept(key)}
        counts = self.world.behind(found)
        if VERSION not in found:
            assert not any(counts.values())
            assert MARK not in found
            return "old"
        if MARK not in found:
            assert found.keys() == {*self.world.new, VERSION, HISTORY}
            return "new"
        assert found[VERSION] == b"3"
        assert HISTORY not in found
        collections = json.loads(found[MARK])["collections"]
        assert {name: so_far["migrated"] for name, so_far in collections.items()} == counts
        with open_for_reading(self.path) as store:
            self.world.check_readable(store, self.project)
        return "middle"

    def finish(self) -> None:
        """See that the next run comes to the end, counts as one that was never killed, and clears up."""
        ms.MigrationManager(self.path, self.project).apply(in_place=True)
        found = check_done(self.path, self.world.new)
        assert self._counts(found) == self.counts

    @cached_property
    def counts(self) -> list[Any]:
        """What the history says of each collection, counted and digested, where nothing is killed."""
        other = shutil.copytree(self.path.with_name("template"), self.path.with_name("other"))
        ms.MigrationManager(other, self.project).apply()
        return self._counts(dump(other))

    @staticmethod
    def _counts(found: dict[bytes, bytes]) -> list[Any]:
        return [entry["collections"] for entry in json.loads(found[HISTORY])["migrations"]]


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory, where there is one: a signal ends a process and not the machine, so no disk is needed."""
    shared = Path("/dev/shm")  # noqa: S108 - in it a folder of our own is made
    if not os.access(shared, os.W_OK):
        yield tmp_path_factory.mktemp("kills")
        return
    with TemporaryDirectory(prefix="migrate-spec-test-", dir=shared) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def scene(memory: Path) -> Scene:
    """A database of eight records of each kind."""
    return Scene(memory, 8)


@pytest.fixture(scope="module")
def runs(scene: Scene) -> Iterator[Runs]:
    """Runs on that database's project."""
    with Runs(scene.path.with_name("temporary"), scene.folder) as running:
        yield running


def test_before_and_after_each_batch(scene: Scene, runs: Runs) -> None:
    """Killed before or after any batch; so often in a row, that each run comes one batch further."""
    scene.restore()
    killed, batches, _ = runs.run(scene.path)
    assert not killed
    check_done(scene.path, scene.world.new)
    for when in ("before", "after"):
        scene.restore()
        states = []
        for number in range(1, int(batches) + 1):
            killed, said, _ = runs.run(scene.path, at=2 if when == "before" and number > 1 else 1, when=when)
            assert killed, said
            states.append(scene.check())
        between = ["middle"] * (int(batches) - 1)
        assert states == (["old", *between] if when == "before" else [*between, "new"])
        scene.finish()


def test_at_random(scene: Scene, runs: Runs) -> None:
    """Killed at any moment, several times in a row, from the first moment of a run to its end."""
    seed = int.from_bytes(os.urandom(4))
    sys.stdout.write(f"seed {seed}\n")
    chance, kills, states = random.Random(seed), 0, dict.fromkeys(("old", "middle", "new"), 0)  # noqa: S311
    scene.restore()
    _, _, whole = runs.run(scene.path)
    while kills < KILLS:
        scene.restore()
        state = "old"
        while state != "new" and kills < KILLS:
            moment = chance.uniform(0, whole)
            killed, said, _ = runs.run(scene.path, seconds=moment)
            sys.stdout.write(f"killed {killed} after {moment:.4f} s of {whole:.4f} s: {said}\n")
            assert killed or said.isdigit()
            kills += killed
            state = scene.check()
            states[state] += 1
        scene.finish()
    sys.stdout.write(f"{states}\n")
