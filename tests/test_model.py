"""A real database under random calls against a model of it: records, version, history, backups, also after a crash.

The calls are drawn by Hypothesis, which makes a failure as short as it can. ``make model`` looks for an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from copy import copy

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

import migrate_spec as ms
from migrate_spec import errors
from migrate_spec.rejects import OnError
from tests.conftest import compact
from tests.faults_support import Tools, new_tools
from tests.model import Error, Model
from tests.model_backups import BackupRules
from tests.model_kept import Document
from tests.model_machine import COLLECTIONS, CRASH, CRASH_IN_PLACE, KINDS_OF_STEPS, LESS, WHICH, Crash, one_of
from tests.model_state import of
from tests.model_steps import identity_of
from tests.model_way_back import WayBackRules

NUMBERS = st.sampled_from([None, -1, 0, 1, 2, 3])
"""A field of the first records; the first one is damaged, and some steps refuse the second."""


class RunRules(BackupRules, WayBackRules):
    """Runs, the quarantine, and what can be seen of a database."""

    @initialize(
        steps=st.lists(KINDS_OF_STEPS, min_size=1, max_size=3),
        numbers=st.fixed_dictionaries(dict.fromkeys(COLLECTIONS, st.lists(NUMBERS, min_size=1, max_size=6))),
        how=st.sampled_from(["", "quarantine", "quarantine", "in place"]),
        which=WHICH,
    )
    def begin(self, steps: list[dict[str, str]], numbers: dict[str, list[int | None]], how: str, which: int) -> None:
        """A database with some records, of which some are damaged, the first specs, and a first run."""
        self.make(steps, numbers)
        self._apply(which, None, how)

    @rule(which=WHICH, less=LESS, crash=CRASH)
    def apply(self, which: int, less: str, crash: Crash | None) -> None:
        """A run to any version from here on."""
        self._apply(which, crash, less=less)

    @rule(which=WHICH, crash=CRASH)
    def apply_with_quarantine(self, which: int, crash: Crash | None) -> None:
        """A run that sets records aside which it cannot carry."""
        self._apply(which, crash, "quarantine")

    @rule(which=WHICH, crash=CRASH_IN_PLACE)
    def apply_in_place(self, which: int, crash: Crash | None) -> None:
        """A run in place, which may end in the middle; then the next one goes on."""
        self._apply(which, crash, "in place")

    def _apply(self, which: int, crash: Crash | None, how: str = "", *, less: str = "") -> None:
        backup, complements = less != "backup", less != "complements"
        target = one_of(range(self.model.specs.newest, self.state.version - 1, -1), which)
        if crash is not None and self.state.begun is not None:
            target = self.state.version

        def predict(model: Model) -> None:
            model.apply(
                target,
                backup=backup,
                complements=complements,
                quarantine=how == "quarantine",
                in_place=how == "in place",
            )

        if crash is None:
            on_error: OnError = "quarantine" if how == "quarantine" else "fail"
            self.do(
                predict,
                lambda: self.manager.apply(
                    target, backup=backup, complements=complements, on_error=on_error, in_place=how == "in place"
                ),
            )
            return
        ways = {"": [], "quarantine": ["--on-error", "quarantine"], "in place": ["--in-place"]}
        words = [*ways[how], *([f"--no-{less}"] if less else []), "--workers", "1", "--to", str(target)]
        stops = target if how == "in place" or self.state.begun is not None else 0
        self.kill(predict, crash, "apply", self.path, *words, target=stops)

    @rule(which=WHICH, n=st.none() | st.integers(-1, 1), crash=CRASH)
    def repair(self, which: int, n: int | None, crash: Crash | None) -> None:
        """A record in quarantine is deleted, or another one put in its place."""
        if not self.state.held:
            return
        key = one_of(sorted(self.state.held), which)
        document = self.stamped(key, {"id": identity_of(key), "n": n}, self.state.held[key]) if n is not None else None
        value = compact(document) if document is not None else None
        family, _, name = key.rpartition(b"/")
        file = self.path.with_name("document")
        file.write_bytes(value or b"")
        if crash is None:
            home = family.decode() or "default"
            self.do(
                lambda model: model.repair(key, document),
                lambda: self.manager.repair(name, value, column_family=home),
            )
        else:
            words = ["--delete"] if document is None else ["--with", str(file)]
            self.kill(lambda model: model.repair(key, document), crash, "repair", self.path, name.decode(), *words)

    @rule(collection=st.sampled_from(COLLECTIONS), crash=CRASH)
    def repair_by_fix(self, collection: str, crash: Crash | None) -> None:
        """A fix is done to all records of a collection that are in quarantine."""
        if collection not in self.model.specs.touched(1, self.model.specs.newest):
            return
        file = self.path.with_name("fix.yaml")
        file.write_text(f"collection: {collection}\nsteps:\n  - set: {{n: 1}}\n", "utf-8")

        def mended(document: Document) -> Document:
            return document | {"n": 1}

        if crash is None or not of({collection}, self.state.held):
            self.do(
                lambda model: model.repair_by(collection, mended),
                lambda: self.manager.repair_by(ms.load_fix(file, self.project)),
            )
        else:
            predict = lambda model: model.repair_by(collection, mended)  # noqa: E731
            self.kill(predict, crash, "repair", self.path, "--fix", str(file))

    def scan(self) -> None:
        """A scan says what a run would do."""
        model = copy(self.model)
        target = self.state.version if self.state.begun is not None else model.specs.newest
        try:
            model.apply(target)
        except Error as refusal:
            with pytest.raises(getattr(errors, refusal.kind)):
                self.manager.scan()
        else:
            assert self.manager.scan().to_version == target

    @rule(do=st.sampled_from(["scan", "verify", "compact"]))
    def look_around(self, do: str) -> None:
        """What changes nothing: a scan, a compaction, and all backups are read."""
        {"scan": self.scan, "verify": self.verify, "compact": self.manager.compact}[do]()

    @rule()
    def settle(self) -> None:
        """A run to where the database is clears up what was left; status tells what is there."""
        if not self.do(lambda model: model.apply(model.state.version), lambda: self.manager.apply(self.state.version)):
            return
        self.check_backups()
        assert len(list(self.path.parent.glob("db.rejected-*"))) == self.model.lists
        assert not self.path.with_name("db.staging").exists()
        status = self.manager.status()
        assert (status.current_version, status.target_version) == (self.state.version, self.model.specs.newest)
        assert sum(status.quarantined.values()) == len(self.state.held)
        assert [backup.name for backup in status.backups] == [self.names[one] for one in sorted(self.model.backups)]


def check_model(tools: Tools, examples: int, steps: int, *, drawn: bool = True) -> None:
    """Run so many machines of so many steps: others each time, or the same ones."""
    machine = type("Machine", (RunRules,), {"tools": tools})
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
