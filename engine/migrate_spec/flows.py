"""What the ways of all records share in a run in which they do not stay where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, Protocol

from migrate_spec.bystanders import Stations, key_at, makers_of
from migrate_spec.codec import Document, read
from migrate_spec.compiler import Route, Transform
from migrate_spec.homes import Homes
from migrate_spec.kept import KeptAnywhere, keeping_entry
from migrate_spec.moves import PART, THERE, Entries, moved_entries
from migrate_spec.pickled import is_pickled, unpickled
from migrate_spec.record_operation import Record
from migrate_spec.returned import Returned
from migrate_spec.spec import Spec
from migrate_spec.store import Store
from migrate_spec.wayback import Departure, WayBack

__all__ = ["Changes", "Flows", "Moved", "Travelling"]


@dataclass(slots=True)
class Moved:
    """An entry of an index that goes with a record: its key before and after, and what a new one holds."""

    before: str | None
    after: str | None
    value: bytes


@dataclass(slots=True)
class Travelling:
    """A record on its way, with what must be known at the end of it.

    Attributes:
        record: the record.
        transform: the compiled route of its collection; ``None`` for a record of no collection that has specs.
        version: which it came with.
        reached: the version of the last step that changed it; 0 where none did.
        plain: whether its document is in the plain form.
        maker: the step that made it of another record; ``None``: none did.
        stations: the keys that it has on its way.
        entries: what became of its entries in indexes, step by step.
        value: its bytes as they are stored at the version that it has reached.
        spelling: how it was spelled at the version that it has reached, if not as it is otherwise.
        returned: what was kept of it when it came down, step by step.
        departures: what is to be kept of it, step by step; none of a step that cannot be undone.
    """

    record: Record
    transform: Transform | None
    version: int
    reached: int = 0
    plain: bool = True
    maker: Spec | None = None
    stations: list[tuple[int, str | None]] = field(default_factory=list)
    entries: list[list[Moved]] = field(default_factory=list)
    value: bytes = b""
    spelling: bytes | None = None
    returned: list[Returned] = field(default_factory=list)
    departures: list[Departure | None] = field(default_factory=list)


class Changes(Protocol):
    """Takes changes: a :class:`~migrate_spec.sorter.Sorter`, or what needs none."""

    def add(self, key: bytes, source: bytes, value: bytes | None) -> None:
        """Take the new value of a key, or that it goes, for the record that is the reason."""


class Flows:
    """What the flows of one run share.

    Attributes:
        routes: of all collections that have specs, touched or not: a record may come to any of them.
        frozen: where to read.
        homes: where records belong that steps make, or take into others.
        notes_all: whether entries of indexes are noted among the changes, too, that stay as they are.
        notes_absent: whether those are, too, that would go and are not there.
    """

    def __init__(  # noqa: PLR0913 - the last two are switches
        self,
        routes: Sequence[Route],
        frozen: Store,
        changes: Changes,
        taken: Changes,
        *,
        notes_all: bool = False,
        notes_absent: bool = False,
        keeping: Changes | None = None,
    ) -> None:
        """Take the routes, the database, and where to note what is to be written, taken, and kept for the way back."""
        self.frozen = frozen
        self.notes_all = notes_all
        self.notes_absent = notes_absent
        self._changes = changes
        self._taken = taken
        self._keeping = keeping
        self.homes = Homes(routes)
        self._ways = cache(lambda spec, since: WayBack(spec, self.homes, since))
        self._kept: dict[str, KeptAnywhere] = {}
        self._notes: list[tuple[Changes, bytes, bytes, bytes | None]] = []
        self._transforms = {route.collection: Transform(route) for route in routes}
        self._allow_pickle = any(route.allow_pickle for route in routes)
        self._makers = makers_of(routes) if keeping is not None else []

    def transform(self, collection: str) -> Transform:
        """The compiled route of a collection."""
        return self._transforms[collection]

    def read(self, value: bytes) -> Document:
        """A document of no collection that has specs.

        Raises:
            NotADocument: it is no document.
        """
        return unpickled(value) if self._allow_pickle and is_pickled(value) else read(value)[0]

    def change(self, key: bytes, source: bytes, value: bytes | None) -> None:
        """Note what is to be written under a key, or that it goes, for the record that is on its way."""
        self._notes.append((self._changes, key, source, value))

    def take(self, key: bytes) -> None:
        """Note that the record that is on its way takes another one in."""
        self._notes.append((self._taken, key, key, None))

    @property
    def keeps(self) -> bool:
        """Whether something is kept for the way back."""
        return self._keeping is not None

    def way_back(self, spec: Spec) -> WayBack | None:
        """A step as what brings records back, where there is such a way, and something is kept for it."""
        if self._keeping is None:
            return None
        route = self.transform(spec.collection).route
        before = [one.to_version for one in route.specs if one.to_version <= spec.from_version]
        way = self._ways(spec, before[-1] if before else route.since)
        return way if way.exists else None

    def kept(self, spec: Spec, key: bytes) -> bytes | None:
        """What is kept of a record since it was brought back over a step."""
        found = self._kept.get(spec.collection)
        if found is None:
            steps = [(one.to_version, one.from_version) for one in self._transforms[spec.collection].route.specs]
            found = self._kept[spec.collection] = KeptAnywhere(self.frozen, spec.collection, steps)
        return found.of((spec.to_version, spec.from_version), key) if found else None

    def keep(self, spec: Spec, key: bytes, source: bytes, stored: bytes) -> None:
        """Note what is to be kept of a record for its way back over a step."""
        if self._keeping is not None:
            self._notes.append(
                (
                    self._keeping,
                    *keeping_entry(spec.collection, (spec.from_version, spec.to_version), key, source, stored),
                )
            )

    def keep_there(self, stations: Stations, source: bytes, maker: Spec | None) -> None:
        """Note of a record that it is no other step's than its maker's, wherever it stands where one makes some."""
        for spec in self._makers:
            key = key_at(spec.to_version, stations)
            if key is not None and spec is not maker and spec.part_of(key) is not None:
                self.keep(spec, PART + key.encode(), source, THERE)

    def note_entries(self, one: Travelling, source: bytes) -> None:
        """Note what becomes of a record's entries in indexes, step by step: one run does what several would do."""
        there = cache(self.frozen.get)
        entries: dict[bytes, bytes | None] = {}
        for step, returned, departure in zip(one.entries, one.returned, one.departures, strict=True):
            passages = [(entry.before, entry.after, entry.value) for entry in step]
            now = entries.copy()

            def before(key: bytes, now: Entries = now) -> bytes | None:
                return now[key] if key in now else there(key)

            moved = returned.move.put_back(moved_entries(passages, before))
            entries |= moved
            if departure is not None:
                departure.note_entries(passages, before, moved)
        for key in _keys((entry for step in one.entries for entry in step), "after") if self.notes_all else ():
            entries.setdefault(key, there(key))
        for key, value in entries.items():
            old = there(key)
            if value is not None and old == value:
                self.change(key, source, None)  # an entry that is there already is in nobody's way
            if self.notes_all or self.notes_absent or value is not None or old is not None:
                self.change(key, source, value)

    def arrive(self) -> None:
        """Keep what was noted: the record has come to the end of its way."""
        for sorter, key, source, value in self._notes:
            sorter.add(key, source, value)
        self._notes.clear()

    def forget(self) -> None:
        """Drop what was noted: the record stays where it is."""
        self._notes.clear()

    def home_of(self, key: str, version: int) -> Transform | None:
        """The compiled route of the collection that a key belongs to in a database of a version."""
        route = self.homes.of(key, version)
        return self._transforms[route.collection] if route is not None else None


def _keys(entries: Iterable[Moved], when: Literal["before", "after"]) -> list[bytes]:
    """The keys that entries have before or after a step."""
    return [key.encode() for key in (getattr(entry, when) for entry in entries) if key is not None]
