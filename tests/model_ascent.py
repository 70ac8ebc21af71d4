"""What a run upwards makes of the model's records, and which of them were written since a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from tests.model_kept import Crossed, Document, Place
from tests.model_specs import Loss, Specs, Way
from tests.model_state import Records, State, differing, of, rewritten
from tests.model_steps import Refused, bare, collection_of

Mend = Callable[[Document | None], Document | None]


class Ascent:
    """A run upwards, or of records in quarantine alone.

    Attributes:
        records: what there is afterwards.
        rejected: those that cannot go up.
        left: those that leave the quarantine.
        known: what is known of records that went up.
        losses: what they lose.
    """

    def __init__(self, specs: Specs, state: State, last: int, held: Mapping[bytes, int]) -> None:
        """Take the specs, what there is, where it is to go, and the records in quarantine that are to be tried."""
        self._specs, self._state, self._last, self._held = specs, state, last, held
        self.records: dict[bytes, Document | None] = {}
        self.rejected: set[bytes] = set()
        self.left: set[bytes] = set()
        self.known: dict[Place, Crossed] = {}
        self.losses: list[Loss] = []

    def carry_all(self) -> Ascent:
        """Carry all records."""
        state = self._state
        touched = self._specs.touched(state.version, self._last)
        for key, document in state.records.items():
            if key in state.held:
                continue
            self.records[key] = document
            if collection_of(key) in touched:
                try:
                    way = self._specs.carried(key, document, state.version, self._last, state.kept)
                except Refused:
                    self.rejected.add(key)
                else:
                    del self.records[key]
                    self._arrive(way)
        return self.take_up()

    def take_up(self, mend: Mend = lambda document: document) -> Ascent:
        """Carry records in quarantine where that is possible, mended before; the others are there already."""
        there = {key: document for key, document in self._state.records.items() if key in self._held}
        self.left |= self._held.keys() - there.keys()
        moving: dict[bytes, Way] = {}
        for key, document in there.items():
            try:
                way = self._specs.carried(key, mend(document), self._held[key], self._last, self._state.kept)
            except Refused:
                self.records[key] = document
                continue
            if way.now is not None and way.now[0] != key:
                moving[key] = way
            else:
                self.left.add(key)
                self._arrive(way)
        for key, way in sorted(moving.items()):
            if way.now is not None and way.now[0] in self.records:  # a key that is taken
                self.records[key] = there[key]
            else:
                self.left.add(key)
                self._arrive(way)
        return self

    def unkept(self) -> dict[tuple[str, int], int]:
        """The steps of which nothing is known if the run keeps nothing, and how many records they delete."""
        steps = {(step.collection, step.from_version) for step in self._specs.between(self._state.version, self._last)}
        gone = Counter((collection_of(key), version) for key, version, way in self.known if way == "gone")
        return dict.fromkeys(steps, 0) | gone

    def among_others(self, others: Iterable[bytes]) -> Ascent:
        """The same, where these are there already."""
        self.records |= {key: self._state.records[key] for key in others}
        return self

    def _arrive(self, way: Way) -> None:
        self.records |= [way.now] if way.now is not None else []
        self.known |= way.known
        self.losses += way.losses


def kept_after(
    specs: Specs, state: State, target: int, held: Iterable[bytes], left: Collection[bytes]
) -> dict[Place, Crossed]:
    """What is known of records after a run to a version, but what the run itself has learned.

    Args:
        specs: of the project.
        state: before the run.
        target: the version.
        held: the records in quarantine, of which all that is known stays so.
        left: those that leave it.
    """
    served = {(step.collection, step.from_version) for step in specs.between(state.version, target)}
    return {
        place: one
        for place, one in state.kept.items()
        if place[0] not in left
        and (place[2] != "down" or place[0] in held or (collection_of(place[0]), place[1]) not in served)
    }


def written_since(specs: Specs, state: State, then: State, collections: frozenset[str]) -> set[bytes]:
    """The keys of collections under which something else stands than runs have made of what was there then."""
    old, now = of(collections, then.records), of(collections, state.records)
    made: dict[bytes, Document | None] = {}
    gone = set()
    for key, document in sorted(old.items()):
        try:
            start = then.held.get(key, then.version)
            found = specs.carried(key, document, start, state.version, then.kept).now
        except Refused:
            continue
        if key not in state.held:  # which stay where they are
            gone |= {key} if found is None or found[0] != key else set()
            if found is not None:
                made.setdefault(*found)
    expected: Records = {key: document for key, document in old.items() if key not in gone} | made
    different = differing(_unstamped(expected), _unstamped(now))
    return different & (rewritten(old, now) | (different - now.keys()))


def _unstamped(records: Records) -> Records:
    """Records without their stamps."""
    return {key: document and bare(document) for key, document in records.items()}
