"""What a run downwards makes of the model's records."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from tests.model_kept import Crossed, Document, Place
from tests.model_specs import Loss, Specs
from tests.model_state import State
from tests.model_steps import Refused, Step, collection_of


class Descent:
    """A run downwards.

    Attributes:
        rejected: the records that cannot go down.
        freed: those that leave the quarantine.
    """

    def __init__(self, specs: Specs, state: State, target: int) -> None:
        """Take the specs, what there is, and where it is to go."""
        self._specs, self._state, self._target = specs, state, target
        self._steps = specs.between(target, state.version)
        self._touched = {step.collection for step in self._steps}
        self.rejected: set[bytes] = set()
        self.freed: set[bytes] = set()
        self._held = dict(state.held)
        self._losses: list[Loss] = []
        self._known: dict[Place, Crossed] = {}
        self._records: dict[bytes, Document | None] = {
            key: document
            for key, document in state.records.items()
            if key in state.held or collection_of(key) not in self._touched
        }
        for key, document in state.records.items():
            if key not in self._records:
                self._carry(key, document, state.version)
        self._take_up()
        if not self.rejected:
            for step in reversed(self._steps):
                self._bring_back(step)

    @cached_property
    def _moves(self) -> bool:
        return any(step.moves_records for step in self._steps)

    def _carry(self, key: bytes, document: Document | None, first: int) -> None:
        """Carry a record down."""
        try:
            way = self._specs.carried_back(key, document, first, self._target, self._state)
        except Refused:
            self.rejected.add(key)
            return
        assert way.now is not None
        if way.now[0] in self._records:
            self.rejected.add(key)
        self._records |= [way.now]
        self._known |= way.known
        self._losses += way.losses

    def _take_up(self) -> None:
        """Carry the records in quarantine down that have a way before them; those that have come home leave it."""
        for key, version in self._state.held.items():
            collection, there = collection_of(key), key in self._state.records
            if collection not in self._touched or self._specs.between(version, self._target, collection):
                continue
            if there and self._specs.between(self._target, version, collection):
                if not self._moves:
                    self._try(key, version)
            else:
                self.freed.add(key)
                self._held.pop(key)

    def _try(self, key: bytes, version: int) -> None:
        before = set(self.rejected)
        document = self._records.pop(key)
        self._carry(key, document, version)
        if self.rejected != before:
            self.rejected = before
            self._records[key] = document
        else:
            self.freed.add(key)
            self._held.pop(key)

    def _bring_back(self, step: Step) -> None:
        """Bring back what a step had deleted, where nothing stands in its place."""
        version = step.from_version
        deleted = self._state.unkept.get((step.collection, version), 0)
        self._losses += [(step.collection, (version + 1, version), ".", "dropped")] * deleted
        for place, gone in self._state.kept.items():
            key = place[0]
            if place[1:] != (version, "gone") or collection_of(key) != step.collection:
                continue
            now = self._key_at(key, step)
            if now in self._records:
                self._losses.append((step.collection, (version + 1, version), ".", "conflict"))
            else:
                self._carry(key, gone.here, version)

    def _key_at(self, key: bytes, step: Step) -> bytes:
        """The key that a record has in the end which comes back in a step."""
        identity = int(key.rpartition(b":")[2])
        return self._specs.shapes[step.collection][self._target - 1].key(identity)

    def told(self, *, complements: bool) -> tuple[Loss, ...]:
        """What is lost, once for each record; what is not kept is dropped."""
        if complements:
            return tuple(self._losses)
        return tuple((*loss[:3], "dropped" if loss[3] == "kept" else loss[3]) for loss in self._losses)

    def arrived(self, *, keeps: bool) -> State:
        """What there is then."""
        served = {(step.collection, step.from_version) for step in self._steps}
        kept = {
            place: one
            for place, one in self._state.kept.items()
            if place[2] == "down" or place[0] in self._held or (collection_of(place[0]), place[1]) not in served
        }
        kept |= self._known if keeps else {}
        runs = tuple(run for run in self._state.runs if run.to_version <= self._target)
        version, unkept = self._target, self._state.unkept_below(self._target)
        return replace(
            self._state, version=version, records=self._records, held=self._held, kept=kept, runs=runs, unkept=unkept
        )
