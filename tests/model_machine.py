"""What the rules of the model test share: a real database, a model of it, and how both do the same call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import migrate_spec as ms
from migrate_spec import errors
from migrate_spec.retention import Retention
from tests import families_support as families
from tests.conftest import Folder, compact
from tests.faults_support import FAULTS, Outcome, Tools
from tests.model import Error, Model
from tests.model_kept import Document
from tests.model_seen import Seen, flat, look
from tests.model_state import State, differing
from tests.model_steps import FAMILIES, KINDS

T = TypeVar("T")

COLLECTIONS = tuple(FAMILIES)
WHICH = st.integers(0, 3)
"""Which of several things; how many there are may depend on how far a crash got, and nothing that is drawn may."""

CRASHES = sorted(set(FAULTS) - {"clock set back"})

Crash = tuple[str, int, tuple[str, str]]
"""What happens to a command, and at which point, of those of a call on files in whose path something stands."""

POINTS = {("", ""): 330, ("write", ".log"): 8, ("link", "/db/"): 8, ("fsync", ""): 30, ("rename", ""): 12}
"""About how many points of such calls a run has; later ones are none, and the run is complete."""

CRASH: st.SearchStrategy[Crash | None] = st.one_of(
    *(st.none() for _ in POINTS),
    *(st.tuples(st.sampled_from(CRASHES), st.integers(1, last), st.just(site)) for site, last in POINTS.items()),
)
"""What happens to every other command."""

LESS = st.sampled_from(["", "", "", "complements", "backup"])
"""What a run does not keep."""

BATCHES = st.just(("write", ".log"))

CRASH_IN_PLACE: st.SearchStrategy[Crash | None] = st.integers(0, 2).flatmap(
    lambda which: CRASH if not which else st.tuples(st.sampled_from(CRASHES), st.integers(1, 8), BATCHES)
)
"""What happens to a run in place: most often at one of its batches."""

KINDS_OF_STEPS = st.dictionaries(st.sampled_from(COLLECTIONS), st.sampled_from(KINDS), min_size=1)

FIELDS: Mapping[int, Document] = {
    -1: {},
    0: {"extra": "x", "mood": "a", "title": "t"},
    1: {"left": 1, "right": 2, "size": 2.5, "gone": False},
    2: {"title": "u", "right": 0, "extra": None, "mood": "b"},
    3: {"gone": True, "size": 1, "mood": "c"},
}
"""What the first records have besides their number, by that."""


def predicted(model: Model, predict: Callable[[Model], None]) -> tuple[Model, Error | None]:
    """The model after a call, and how that is refused, if it is."""
    after = copy(model)
    try:
        predict(after)
    except Error as refusal:
        return after, refusal
    return after, None


def one_of(things: Sequence[T], which: int) -> T:
    """One of several things."""
    return things[which % len(things)]


class Machine(RuleBasedStateMachine):
    """A database, and a model that does the same.

    Attributes:
        tools: what commands are run, and killed, with.
        path: the database.
        folder: the files of the project.
        project: it.
        model: what there should be.
        names: those of the backups, by their numbers in the model.
        stored: what each of them holds, as bytes, where that is known.
    """

    tools: ClassVar[Tools]

    def __init__(self) -> None:
        super().__init__()
        self._home = TemporaryDirectory(dir=self.tools.folder)
        self.path = Path(self._home.name, "db")
        self.folder = Folder(Path(self._home.name, "project"))
        self.project = ms.Project(ms.MigrationRegistry())
        self.model = Model()
        self.names: dict[int, str] = {}
        self.stored: dict[int, dict[bytes, bytes]] = {}

    def teardown(self) -> None:
        """Remove it."""
        self._home.cleanup()

    @property
    def manager(self) -> ms.MigrationManager:
        """A manager of the specs so far."""
        return ms.MigrationManager(self.path, self.project)

    @property
    def state(self) -> State:
        """What the database should hold."""
        return self.model.state

    def make(self, steps: list[dict[str, str]], numbers: dict[str, list[int | None]]) -> None:
        """Make a database with some records, of which some are damaged, and the first specs."""
        shapes = {name: shapes[0] for name, shapes in self.model.specs.shapes.items()}
        records = {
            shapes[name].key(identity): None if n is None else {"id": identity, "n": n} | FIELDS[n]
            for name, some in numbers.items()
            for identity, n in enumerate(some)
        }
        others = {b"item": b"x", b"other:1": b"\xff", b"note;": b"{}"}
        others |= {b"boxes/box": b"{}", b"boxes/note:1": b"{", b"boxes/box;": b"x"}
        self.model.state = State(records=records, others=others)
        there = others | {key: b"{" if document is None else compact(document) for key, document in records.items()}
        boxes = {key.removeprefix(b"boxes/"): value for key, value in there.items() if b"/" in key}
        families.make(
            self.path, {"default": {key: value for key, value in there.items() if b"/" not in key}, "boxes": boxes}
        )
        for kinds in steps:
            self.add_steps(kinds)

    @rule(kinds=KINDS_OF_STEPS)
    def add_specs(self, kinds: dict[str, str]) -> None:
        """Specs for the next version."""
        self.add_steps(kinds)

    def add_steps(self, kinds: dict[str, str]) -> None:
        """Write specs for the next version."""
        for step in self.model.specs.add(kinds):
            spec = dict(step.spec)
            self.folder.spec(step.collection, step.from_version, *spec.pop("steps"), **spec)
        self.project = self.folder.load()

    def write(self, key: bytes, value: bytes | None, *, killed: bool = False) -> None:
        """Change a record as the program does; it may be killed when that is in the log only."""
        family, name = (b"default", key) if b"/" not in key else key.split(b"/", 1)
        if killed and value is not None:
            self.tools.commands.write_and_die(self.path, {name: value}, family.decode())
        else:
            families.write(self.path, family.decode(), {name: value})

    def do(self, predict: Callable[[Model], None], call: Callable[[], object]) -> bool:
        """Do a call, which is refused where the model says so, and changes nothing then; whether it went well."""
        stored = flat(self.path)
        after, refusal = predicted(self.model, predict)
        if refusal is None:
            call()
            self._become(after, look(self.path), stored)
            return True
        with pytest.raises(getattr(errors, refusal.kind)) as caught:
            call()
        assert type(caught.value).__name__ == refusal.kind
        assert not refusal.count or caught.value.count == refusal.count
        assert after.state is not self.state or flat(self.path) == stored
        self.model = after
        return False

    def kill(self, predict: Callable[[Model], None], crash: Crash, *words: str | Path, target: int = 0) -> None:
        """Do a call as a command that is killed, or whose disk fails, at a point: it is all or nothing.

        Args:
            predict: what it does.
            crash: what happens.
            words: the command, without the options that name the project.
            target: the version to which it goes, where it may stop in the middle of a run in place.
        """
        stored = flat(self.path)
        after, error = predicted(self.model, predict)
        outcome = self.run_command(crash, *words, small_jobs=bool(target))
        seen = look(self.path)
        half = seen.version is None
        if half:
            assert outcome.code == -9 or "swapped in" in outcome.err, outcome
            assert self.manager.prune_backups(Retention(keep=1000)) == []  # whatever writes next settles it
            seen = look(self.path)
        if seen.begun and target:
            assert outcome.code == -9 or (outcome.code == 1 and "the run in place" in outcome.err), outcome
            self.model = copy(self.model)
            self.model.stop(target, seen.records)
            return
        done = len(seen.way) != len(self.model.way) or len(seen.notes) != len(self.model.noted)
        assert not done or not error
        assert not done or half or outcome.code != 1 or "could not be found out" in outcome.err, outcome
        assert outcome.code != 0 or not error, outcome
        if done or outcome.code == 0:
            self._become(after, seen, stored)

    def run_command(self, crash: Crash, *words: str | Path, small_jobs: bool = False) -> Outcome:
        """Run a command, without the options that name the project, to which something happens."""
        fault, point, (call, part) = crash
        self.tools.faults.arm(FAULTS[fault], point, call=call, part=part)
        options = ("--specs", self.folder.specs, "--schemas", self.folder.schemas)
        outcome = self.tools.commands.run(*words, *options, small_jobs=small_jobs)
        self.tools.faults.disarm()
        assert outcome.code in {0, 1, -9}, outcome
        assert "unexpected" not in outcome.err, outcome
        assert "Traceback" not in outcome.err, outcome
        return outcome

    def _become(self, after: Model, seen: Seen, stored: dict[bytes, bytes]) -> None:
        """A call was done: the model is the one after it, and a backup that it made has a name."""
        before, self.model = self.model, after
        if after.made > before.made:
            [self.names[after.made]] = seen.notes - {self.names[number] for number in before.noted}
            if after.backups[after.made] is before.state:
                self.stored[after.made] = stored

    @invariant()
    def holds_what_it_should(self) -> None:
        """All that the database holds is what the model says."""
        if not self.path.exists():
            return
        seen, state = look(self.path), self.state
        assert seen.version == state.version
        assert seen.way == self.model.way
        assert seen.notes == {self.names[number] for number in self.model.noted}
        assert seen.begun == (state.begun is not None)
        assert seen.held == state.held.keys()
        expected = {**state.records, **state.waiting}
        different = differing(seen.records, expected)
        assert not different, [(key, seen.records.get(key), expected.get(key)) for key in sorted(different)]
        assert seen.others == state.others
        self.model.state = state.spelled(seen.records)
