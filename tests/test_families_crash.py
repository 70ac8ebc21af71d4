"""Killed at any instant of a run over several column families, a database is wholly old or wholly new after the next.

Between two changes it is neither, and says so: the next run settles that.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import migrate_spec as ms
from tests.conftest import HISTORY, VERSION, Folder, beside
from tests.families_support import BEFORE, data, dump, make, written
from tests.test_crash import CALLS, Processes, below, memory, strace, tell

__all__ = ["memory", "strace"]

KILLS = int(os.environ.get("KILLS", "0"))
"""How many at random; then each call is killed before all of its steps, too. 0: some of both, as time is short."""


class World:
    """A database of several families, and what it becomes."""

    def __init__(self, folder: Path, project: ms.Project) -> None:
        """Make it."""
        self.path, self.project = folder / "db", project
        self._template, self._there = folder / "template", folder / "there"
        self._template.mkdir()
        make(self._template / "db")
        shutil.copytree(self._template, self._there)
        ms.MigrationManager(self._there / "db", project).apply()
        self.after = data(self._there / "db")

    def restore(self, do: str) -> None:
        """Put the world back to where it was before a call."""
        for file in self.path.parent.glob("db*"):
            shutil.rmtree(file)
        shutil.copytree(self._there if do == "rollback" else self._template, self.path.parent, dirs_exist_ok=True)

    def check(self) -> str:
        """Say whether the database is ``old``, ``new`` or ``half`` swapped; see that all goes on well from there."""
        state = self._state()
        manager = ms.MigrationManager(self.path, self.project)
        manager.apply()
        assert data(self.path) == self.after
        assert self._state() == "new"
        entries = json.loads(dump(self.path)["default"][HISTORY])["migrations"]
        assert all(entry["success"] for entry in entries)
        backups = sorted({entry["backup_key"] for entry in entries})
        assert beside(self.path) == ["db.backups", *(f"db.backups/{name}" for name in backups)]
        return state

    def _state(self) -> str:
        found = dump(self.path)
        stored = found["default"].get(VERSION)
        if stored is not None and stored.startswith(b"{"):
            for family, records in data(self.path).items():
                assert records in (BEFORE[family], self.after[family])
            return "half"
        assert stored in {None, b"3"}
        assert data(self.path) == (BEFORE if stored is None else self.after)
        return "old" if stored is None else "new"


@pytest.fixture(scope="module")
def world(memory: Path) -> World:
    """A world in which the records of one family move."""
    return World(below(memory, "families"), written(Folder(memory / "project"), moving=True))


@pytest.fixture(scope="module")
def processes(memory: Path, world: World) -> Iterator[Processes]:
    """Processes that know its specs."""
    assert world.project.version
    specs, schemas = (memory / "project" / name for name in ("specs", "schemas"))
    with Processes(below(memory, "families-temporary"), specs, schemas) as running:
        yield running


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("do", ["apply", "rollback"])
def test_at_each_step(do: str, world: World, processes: Processes) -> None:
    """Killed before each single step by which a call changes names of files, or waits for the disk, once it swaps."""
    states = []
    for call, index in points(world, processes, do)[:: 1 if KILLS else 24]:
        world.restore(do)
        outcome, lines = processes.traced(world.path, do, "-e", f"inject={call}:signal=KILL:when={index}")
        assert outcome.killed
        tell(f"{call} {index} {lines[-2:]}")
        states.append(world.check())
    before, after = ("old", "new") if do == "apply" else ("new", "old")
    assert set(states) == {before, "half", after}
    assert states == sorted(states, key=[before, "half", after].index)


def points(world: World, processes: Processes, do: str) -> list[tuple[str, int]]:
    """The steps from the frozen copy on that is made for the swap."""
    world.restore(do)
    outcome, lines = processes.traced(world.path, do, "-e", f"trace={','.join(f'?{call}' for call in CALLS)}")
    assert outcome.said == "done"
    found, counts, begun = [], dict.fromkeys(CALLS, 0), False
    for line in lines:
        call = line.partition("(")[0]
        if call in counts:
            counts[call] += 1
            begun |= f"{world.path}.staging/before" in line
            if begun and str(world.path) in line and line.endswith("= 0"):
                found.append((call, counts[call]))
    return found


@pytest.mark.parametrize("do", ["apply", "rollback"])
def test_at_random(do: str, world: World, processes: Processes) -> None:
    """Killed at any moment of a call."""
    seed = int.from_bytes(os.urandom(4))
    tell(f"seed {seed}")
    chance, killed, kills = random.Random(seed), 0, KILLS or 3  # noqa: S311
    world.restore(do)
    seconds = processes.killed_after(60, world.path, do).seconds
    while killed < kills:
        world.restore(do)
        outcome = processes.killed_after(seconds * (killed + chance.random()) / kills, world.path, do)
        if outcome.killed:
            world.check()
            killed += 1
        else:
            assert outcome.said == "done"
            seconds = min(seconds, outcome.seconds) * 0.97
