"""A real database under random calls against a model of it: records, version, history, backups, also after a crash.

The calls are drawn by Hypothesis, which makes a failure as short as it can. ``make model`` looks for an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import migrate_spec as ms
from migrate_spec.retention import Retention
from tests.conftest import Folder, beside, compact, data, dump, make, write
from tests.faults_scenes import look
from tests.faults_support import FAULTS, Tools, new_tools
from tests.model import KINDS, Model, Shape, collection_of, read, step_of

T = TypeVar("T")

COLLECTIONS = ("item", "note")
IDENTITIES = st.integers(0, 5)
WHICH = st.integers(0, 3)
"""Which of several things; how many there are may depend on how far a crash got, and nothing that is drawn may."""

CRASHES = sorted(set(FAULTS) - {"clock set back"})
LAST_POINT = 330
"""About the last point of a run: later ones are none, and the run is complete."""


def one_of(things: Sequence[T], which: int) -> T:
    """One of several things."""
    return things[which % len(things)]


class Machine(RuleBasedStateMachine):
    """A database, and a model that does the same."""

    tools: ClassVar[Tools]

    def __init__(self) -> None:
        super().__init__()
        self._home = TemporaryDirectory(dir=self.tools.folder)
        self.path = Path(self._home.name, "db")
        self.folder = Folder(Path(self._home.name, "project"))
        self.model = Model({name: [Shape(f"{name}:{{id}}", "title")] for name in COLLECTIONS})

    def teardown(self) -> None:
        """Remove it."""
        self._home.cleanup()

    @property
    def manager(self) -> ms.MigrationManager:
        """A manager of the specs so far."""
        return ms.MigrationManager(self.path, self.folder.load())

    @initialize(first=st.sampled_from(KINDS))
    def begin(self, first: str) -> None:
        """A database, and a first spec."""
        self.model.others = {b"item": b"x", b"other:1": b"\xff", b"note;": b"{}"}
        make(self.path, self.model.others)
        self._add_step("note", first)
        self.model.newest = 2

    def _add_step(self, collection: str, kind: str) -> None:
        version, shapes = self.model.newest, self.model.shapes[collection]
        step = step_of(kind, collection, version, shapes[version - 1])
        self.model.steps.append(step)
        spec = dict(step.spec)
        self.folder.spec(collection, version, *spec.pop("steps"), **spec)
        for name in COLLECTIONS:
            if len(self.model.shapes[name]) == version:
                self.model.shapes[name].append(self.model.shapes[name][-1])
        shapes[version] = step.shape

    @rule(kinds=st.dictionaries(st.sampled_from(COLLECTIONS), st.sampled_from(KINDS), min_size=1))
    def add_specs(self, kinds: dict[str, str]) -> None:
        """Specs for the next version."""
        for collection, kind in kinds.items():
            self._add_step(collection, kind)
        self.model.newest += 1

    @rule(
        collection=st.sampled_from(COLLECTIONS),
        identity=IDENTITIES,
        fields=st.fixed_dictionaries(
            {"n": st.integers(-5, 5)}, optional={"extra": st.none() | st.text("aä", max_size=2), "gone": st.booleans()}
        ),
        titled=st.booleans(),
        killed=st.booleans(),
    )
    def put(self, collection: str, identity: int, fields: dict[str, Any], *, titled: bool, killed: bool) -> None:
        """The program writes a record of its version; it may be killed when that is in the log only."""
        shape = self.model.shapes[collection][self.model.version - 1]
        document = {"id": identity, **fields} | ({shape.title: "t"} if titled else {})
        stamp = {"schema_version": self.model.version} if self.model.version > 1 else {}
        self._write(shape.key(identity), compact(document | stamp), killed=killed)
        self.model.records[shape.key(identity)] = document

    def _write(self, key: bytes, value: bytes, *, killed: bool) -> None:
        if killed:
            self.tools.commands.write_and_die(self.path, {key: value})
        else:
            write(self.path, {key: value})

    @rule(collection=st.sampled_from(COLLECTIONS), killed=st.booleans())
    def put_damaged(self, collection: str, *, killed: bool) -> None:
        """A value that is no document, which no run takes."""
        key = f"{collection}:damaged".encode()
        self._write(key, b"{", killed=killed)
        self.model.records[key] = None

    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        """The program deletes a record."""
        if self.model.records:
            key = one_of(sorted(self.model.records), which)
            write(self.path, {key: None})
            del self.model.records[key]

    @rule(value=st.binary(max_size=3))
    def put_other(self, value: bytes) -> None:
        """The program writes what belongs to no collection."""
        write(self.path, {b"other:2": value})
        self.model.others[b"other:2"] = value

    @rule(which=WHICH, backup=st.booleans())
    def apply(self, which: int, *, backup: bool) -> None:
        """A run to any version from here on."""
        target = one_of(range(self.model.newest, self.model.version - 1, -1), which)
        stored = dump(self.path)
        if self.model.is_rejected(target):
            with pytest.raises(ms.RecordRejected):
                self.manager.apply(target, backup=backup)
            assert dump(self.path) == stored
            return
        report = self.manager.apply(target, backup=backup)
        if target > self.model.version:
            expects = backup and bool(self.model.of(self.model.touched(self.model.version, target), self.model.records))
            assert (report.backup is not None) == expects
            self.model.apply(target, stored, report.backup)

    @rule(fault=st.sampled_from(CRASHES), point=st.integers(1, LAST_POINT))
    def crash(self, fault: str, point: int) -> None:
        """A run to the newest version that is killed, or whose disk fails, at any point: it is all or nothing."""
        stored = dump(self.path)
        self.tools.faults.arm(FAULTS[fault], point)
        words = ("apply", self.path, "--workers", "1", "--specs", self.folder.specs, "--schemas", self.folder.schemas)
        outcome = self.tools.commands.run(*words)
        self.tools.faults.disarm()
        assert outcome.code in {0, 1, -9}, outcome
        assert "unexpected" not in outcome.err, outcome
        seen = look(self.path, only_of_runs=False)
        if seen.version != self.model.version:
            assert outcome.code != 1 or "could not be found out" in outcome.err, outcome
            self.model.apply(self.model.newest, stored, seen.entries[-1]["backup_key"])
        elif outcome.code == 0:
            assert self.model.version == self.model.newest

    @rule(which=st.none() | WHICH, agreed=st.booleans())
    def rollback(self, which: int | None, *, agreed: bool) -> None:
        """A rollback to any backup, or to the last one of a run."""
        name = None if which is None or not self.model.backups else one_of(self.model.backups, which)
        runs = self.model.undoing(name)
        before = dump(self.path)
        if not runs:
            with pytest.raises(ms.BackupError):
                self.manager.rollback(name)
            assert dump(self.path) == before
            return
        later = self.model.later(runs)
        if later and not agreed:
            with pytest.raises(ms.LaterWrites) as caught:
                self.manager.rollback(name)
            assert caught.value.count == len(later), (caught.value.keys, later)
            assert dump(self.path) == before
            return
        self.manager.rollback(name, undo_later_writes=agreed)
        touched = frozenset[str]().union(*(run.collections for run in runs))
        self.model.roll_back(runs)
        assert self.model.of(touched, dump(self.path)) == self.model.of(touched, runs[0].stored)

    @rule()
    def create_backup(self) -> None:
        """A backup is made, which changes nothing else."""
        before = data(self.path)
        self.model.backups.append(self.manager.create_backup().name)
        assert data(self.path) == before

    @rule(keep=st.integers(1, 3))
    def prune(self, keep: int) -> None:
        """All backups but the newest ones go."""
        removed = self.manager.prune_backups(Retention(keep=keep))
        assert [backup.name for backup in removed] == self.model.backups[:-keep]
        del self.model.backups[:-keep]

    @rule()
    def compact(self) -> None:
        """The database is compacted, which changes nothing."""
        self.manager.compact()

    @rule()
    def scan(self) -> None:
        """A scan says what a run would do."""
        if self.model.is_rejected(self.model.newest):
            with pytest.raises(ms.RecordRejected):
                self.manager.scan()
        else:
            assert self.manager.scan().to_version == self.model.newest

    @rule(content=st.sampled_from(["", "{", '{"name": "x"}']))
    def leave_staging_folder(self, content: str) -> None:
        """Somebody left a staging folder with something in it."""
        folder = self.path.with_name("db.staging")
        (folder / "backup" / "database").mkdir(parents=True, exist_ok=True)
        (folder / "left.sst").write_text("left", "utf-8")
        if not (folder / "backup" / "backup.json").exists():
            (folder / "backup" / "backup.json").write_text(content, "utf-8")

    @rule()
    def settle(self) -> None:
        """A run that has nothing to do clears up what was left; all backups are there and hold what was there then."""
        manager = self.manager
        assert manager.apply(self.model.version).steps == []
        names = self.model.backups
        assert beside(self.path) == (["db.backups", *(f"db.backups/{name}" for name in sorted(names))] if names else [])
        assert sorted(backup.name for backup in manager.backups()) == sorted(names)
        status = manager.status()
        assert (status.current_version, status.target_version) == (self.model.version, self.model.newest)
        for run in self.model.runs:
            if run.backup in names:
                assert run.backup is not None
                assert dump(self.path.with_name("db.backups") / run.backup / "database") == run.stored

    @invariant()
    def holds_what_it_should(self) -> None:
        """Records, version and history are those of the model."""
        if not self.path.exists():
            return
        seen = look(self.path, only_of_runs=False)
        assert seen.version == self.model.version
        assert sorted(seen.notes) == sorted(self.model.backups)
        assert [(entry["from_version"], entry["to_version"]) for entry in seen.entries] == self.model.way
        own = {key for key in seen.records if collection_of(key) in COLLECTIONS and b":" in key}
        assert {key: read(seen.records[key]) for key in own} == self.model.records
        assert {key: value for key, value in seen.records.items() if key not in own} == self.model.others


def check_model(tools: Tools, examples: int, steps: int, *, drawn: bool = True) -> None:
    """Run so many machines of so many steps: others each time, or the same ones."""
    machine = type("Machine", (Machine,), {"tools": tools})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=not drawn,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )


@pytest.fixture
def tools() -> Iterator[Tools]:
    """For one test."""
    with ExitStack() as stack:
        yield new_tools(stack)


def test_model(tools: Tools) -> None:
    """Whatever is done, in whatever order, the database holds what it should; `make model` goes on with it."""
    check_model(tools, 6, 25, drawn=False)
