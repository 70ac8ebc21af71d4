"""What the model of a database under migrations takes it to hold. No call alters a state: each makes a new one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tests.model_kept import Document, Kept
from tests.model_steps import collection_of

T = TypeVar("T")

Records = Mapping[bytes, Document | None]
"""Documents by their keys, without stamps; ``None`` is a value that is no document."""

NOTHING: Any = object()
"""What is under a key that is not there."""


@dataclass(frozen=True, eq=False)
class Run:
    """A step that is in force.

    Attributes:
        collections: those that it is about.
        before: what there was before the run that took it.
        backup: the number of the backup of that; none where there was nothing to put back, or none was wanted.
        to_version: where it leads.
    """

    collections: frozenset[str]
    before: State
    backup: int | None = None
    to_version: int = 0


@dataclass(frozen=True, eq=False)
class State:
    """What a database holds.

    Attributes:
        version: of the database.
        records: those of the collections.
        others: what belongs to no collection, as bytes.
        held: the records in quarantine, which may be gone since, and from which version each has still to go its way.
        runs: the steps in force, oldest first.
        begun: in the middle of a run in place what there was before it.
        waiting: in the middle of a run in place those records that are still to be carried; ``records`` has the others.
        kept: what is known of records that went a step, but where nothing of them is to be kept.
        unkept: the steps in force of which not all is known, as collections and the versions from which they lead, with
            how many records they have deleted for good.
    """

    version: int = 1
    records: Records = field(default_factory=dict)
    others: Mapping[bytes, bytes] = field(default_factory=dict)
    held: Mapping[bytes, int] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    begun: State | None = None
    waiting: Records = field(default_factory=dict)
    kept: Kept = field(default_factory=dict)
    unkept: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def put(self, key: bytes, document: Document | None) -> State:
        """The same after a program has written a record, of this version."""
        held = {**self.held, key: self.version} if key in self.held and document is not None else self.held
        return replace(self.without(key), records={**self.records, key: document}, held=held)

    def without(self, key: bytes) -> State:
        """The same after a program has deleted a record; its mark stays."""
        records, waiting = (without(key, records) for records in (self.records, self.waiting))
        return replace(self, records=records, waiting=waiting, kept=self.kept_after_edit(key))

    def kept_after_edit(self, key: bytes) -> Kept:
        """What is known of records once somebody has written one."""
        return {
            place: replace(one, key=None) if (place[0], place[2]) == (key, "down") else one
            for place, one in self.kept.items()
        }

    def spelled(self, records: Records) -> State:
        """The same, where it is seen in which order the fields of records stand."""
        there, waiting = ({key: records[key] for key in some} for some in (self.records, self.waiting))
        return replace(self, records=there, waiting=waiting)

    def unkept_below(self, version: int) -> dict[tuple[str, int], int]:
        """The steps in force up to a version of which not all is known."""
        return {step: count for step, count in self.unkept.items() if step[1] < version}

    def unkept_with(self, steps: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """The steps in force of which not all is known, with these, and how many records more they have deleted."""
        return {step: self.unkept.get(step, 0) + steps.get(step, 0) for step in {*self.unkept, *steps}}

    def with_part(self, collections: frozenset[str], other: State) -> State:
        """The same, but some collections as they are in another state."""
        records = but(collections, self.records) | of(collections, other.records)
        held = but(collections, self.held) | of(collections, other.held)
        kept = {place: one for place, one in self.kept.items() if collection_of(place[0]) not in collections}
        kept |= {place: one for place, one in other.kept.items() if collection_of(place[0]) in collections}
        return replace(self, records=records, held=held, kept=kept)


def of(collections: Iterable[str], records: Mapping[bytes, T]) -> dict[bytes, T]:
    """The records of some collections."""
    return {key: value for key, value in records.items() if collection_of(key) in collections}


def but(collections: Iterable[str], records: Mapping[bytes, T]) -> dict[bytes, T]:
    """The records of all other collections."""
    return {key: value for key, value in records.items() if collection_of(key) not in collections}


def collections_of(runs: Iterable[Run]) -> frozenset[str]:
    """The collections that runs have touched."""
    return frozenset[str]().union(*(run.collections for run in runs))


def differing(one: Mapping[bytes, Any], other: Mapping[bytes, Any]) -> set[bytes]:
    """The keys under which two databases do not hold the same."""
    return {key for key in {*one, *other} if one.get(key, NOTHING) != other.get(key, NOTHING)}


def rewritten(one: Records, other: Records) -> set[bytes]:
    """The keys under which two databases do not hold the same bytes: fields may have another order."""
    return {key for key in {*one, *other} if _spelled(key, one) != _spelled(key, other)}


def _spelled(key: bytes, records: Records) -> str:
    return json.dumps(records[key]) if key in records else ""


def without(key: bytes, records: Mapping[bytes, T]) -> dict[bytes, T]:
    """Records but for one."""
    return {one: value for one, value in records.items() if one != key}
