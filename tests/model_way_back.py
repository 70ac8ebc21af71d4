"""The rules of the model test about the way down, and the law of what comes back there and back.

The law knows nothing of steps: what a record was at a version, byte for byte, it is again there, until somebody writes
it. Where a run says that something gets lost as many records may be something else as it says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from migrate_spec import errors
from migrate_spec.losses import LossCount
from tests.conftest import compact
from tests.model import Model
from tests.model_machine import CRASH, LESS, WHICH, Crash, one_of, predicted
from tests.model_program import VALUES, ProgramRules
from tests.model_seen import Seen, flat
from tests.model_specs import Loss
from tests.model_state import State
from tests.model_steps import collection_of, identity_of

Change = tuple[str, tuple[Any] | None]
"""A field, and what it becomes; none: it goes."""

CHANGES: st.SearchStrategy[Change] = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.tuples(st.just(name), st.none() | st.tuples(VALUES[name]))
)

Record = tuple[str, int]
"""A record wherever it is: its collection and its identity."""

Was = dict[int, bytes]
"""What a record was at versions since it was written last."""


class WayBackRules(ProgramRules):
    """Runs downwards, edits between them, and what is kept.

    Attributes:
        was: what records were at versions since they were written last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.was: dict[Record, Was] = {}

    def write(self, key: bytes, value: bytes | None, *, killed: bool = False) -> None:
        """The program writes a record, which is no more what it was."""
        if collection_of(key) and flat(self.path).get(key) != value:
            self.was.pop(record_of(key), None)
        super().write(key, value, killed=killed)

    def _become(self, after: Model, seen: Seen, stored: dict[bytes, bytes]) -> None:
        before = self.model
        super()._become(after, seen, stored)
        if after.ran > before.ran and after.keeps and before.state.begun is None:
            self._came_back(before, stored)
        elif after.ran > before.ran or len(after.way) > len(before.way):
            self.was.clear()

    def _came_back(self, before: Model, stored: Mapping[bytes, bytes]) -> None:
        """See that records are again what they were."""
        version, now = self.state.version, flat(self.path)
        others, different = Counter[str](), Counter[str]()
        for old, state in ((stored, before.state), (now, self.state)):
            for record, value in alone(old, state):
                was = self.was.setdefault(record, {})
                if was.setdefault(state.version, value) != value:
                    assert state is self.state, (record, was, value)
                    different[record[0]] += 1
                    self.was[record] = {version: value}
        for held in {**before.state.held, **self.state.held}:
            self.was.pop(record_of(held), None)
        for collection, _, _, kind in self.model.losses:
            others[collection] += kind != "kept"
        assert different <= others, (different, self.was, self.model.losses)

    @rule(which=WHICH, accepts=st.booleans(), less=LESS, crash=CRASH)
    def downgrade(self, which: int, *, accepts: bool, less: str, crash: Crash | None) -> None:
        """A run to an earlier version; what gets lost may be agreed to."""
        self._downgrade(which, accepts=accepts, less=less, crash=crash)

    @rule(
        which=WHICH,
        edits=st.tuples(*[st.lists(st.tuples(WHICH, CHANGES), max_size=2)] * 3),
        accepts=st.sampled_from([True, True, False]),
        crash=CRASH,
    )
    def there_and_back(
        self, which: int, edits: Sequence[Sequence[tuple[int, Change]]], *, accepts: bool, crash: Crash | None
    ) -> None:
        """Edits between a run up, one down, and one up again."""
        for number, some in enumerate(edits):
            self._apply(0, None, "quarantine")
            for one, change in some:
                self.edit(one, change)
            if number < len(edits) - 1:
                self.holds_what_it_should()
                self._downgrade(which, accepts=accepts, crash=crash)
                self.holds_what_it_should()
                crash = None

    def _apply(self, which: int, crash: Crash | None, how: str = "") -> None:
        """A run to any version from here on."""
        raise NotImplementedError

    def _downgrade(self, which: int, *, accepts: bool, less: str = "", crash: Crash | None = None) -> None:
        lower = range(self.state.version - 1, 0, -1)
        target = one_of([*lower, self.state.version], which)
        keeps = {"complements": less != "complements", "backup": less != "backup"}

        def predict(model: Model) -> None:
            model.downgrade(target, accepts=accepts, **keeps)

        paths = sorted({loss[2] for loss in predicted(self.model, predict)[0].losses}) if accepts else []
        if crash is None:
            self.do(predict, lambda: self._down(target, paths, keeps))
        else:
            words = [word for path in paths for word in ("--accept-loss", path)]
            words += [f"--no-{name}" for name, kept in keeps.items() if not kept] + ["--workers", "1"]
            self.kill(predict, crash, "downgrade", self.path, "--to", str(target), *words)

    def _down(self, target: int, paths: list[str], keeps: Mapping[str, bool]) -> None:
        """Go down, and see that what is told is what gets lost."""
        model, refusal = copy(self.model), None
        try:
            told: Sequence[LossCount] = self.manager.downgrade(
                target, accept_loss=paths, backup=keeps["backup"], complements=keeps["complements"]
            ).losses
        except errors.LossRefused as error:
            told, refusal = error.losses, error
        model.downgrade(target, accepts=True, complements=keeps["complements"])
        found, expected = (
            Counter(loss for loss in some.elements() if loss[3] != "kept")
            for some in (counted(told), Counter(model.losses))
        )
        assert found == expected, (found - expected, expected - found)
        if refusal is not None:
            raise refusal

    @rule(which=WHICH, change=CHANGES)
    def edit_field(self, which: int, change: Change) -> None:
        """The program changes one field of a record, or takes it away."""
        self.edit(which, change)

    def edit(self, which: int, change: Change) -> None:
        """Change one field."""
        state = self.state
        keys = sorted(key for key, document in state.records.items() if document is not None and key not in state.held)
        if not keys or state.begun is not None or change == ("n", None):
            return
        key, (name, value) = one_of(keys, which), change
        document = dict(state.records[key] or {})
        shape = self.model.specs.shapes[collection_of(key)][state.version - 1]
        place = shape.title if name == "title" else name
        home = document
        if shape.paired and name in {"left", "right"}:
            home = document["pair"] = dict(document.get("pair", {}))
        home.pop(place, None)
        home |= {place: math.floor(value[0]) if name == "size" and shape.whole else value[0]} if value else {}
        if document.get("pair") == {}:
            del document["pair"]
        document = self.stamped(key, document, state.version)
        self.write(key, compact(document))
        self.model.state = state.put(key, document)

    @rule()
    def prune_complements(self) -> None:
        """What is kept goes."""
        if self.state.begun is None and self.manager.complements():
            self.do(Model.forget_kept, self.manager.prune_complements)


def record_of(key: bytes) -> Record:
    """The record that has a key."""
    return collection_of(key), identity_of(key)


def alone(stored: Mapping[bytes, bytes], state: State) -> Iterator[tuple[Record, bytes]]:
    """The records that are not in quarantine, but for those of which there are two with the same identity."""
    keys = [key for key in state.records if key in stored]
    count = Counter(map(record_of, keys))
    return ((record_of(key), stored[key]) for key in keys if key not in state.held and count[record_of(key)] == 1)


def counted(told: Iterable[LossCount]) -> Counter[Loss]:
    """What a run says that records lose, once for each of them."""
    facts = {(one.collection, (one.from_version, one.to_version), one.path, one.kind): one.records for one in told}
    return Counter(facts)
