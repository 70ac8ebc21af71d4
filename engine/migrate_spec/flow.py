"""The way of records that do not stay where they are: they get other keys, go, come, and take their indexes along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Literal, Protocol

from migrate_spec.bystanders import Stations, key_at, makers_of
from migrate_spec.codec import Document, NotADocument, copied, decode, encode, encoder_of, read, says_the_same
from migrate_spec.compiler import Leg, RecordRefused, Route, Transform
from migrate_spec.document import Refused
from migrate_spec.errors import Fault
from migrate_spec.homes import Homes
from migrate_spec.journey import RecordLoss, conflicts_at
from migrate_spec.kept import KeptAnywhere, keeping_entry
from migrate_spec.moves import MADE, PART, THERE, Entries, moved_entries
from migrate_spec.pickled import FORM, is_pickled, pickled, unpickled
from migrate_spec.record_operation import Change, Record, Surroundings
from migrate_spec.remembering import PartsMade
from migrate_spec.returned import Returned
from migrate_spec.spec import Spec
from migrate_spec.store import KeyRange, Store
from migrate_spec.wayback import Departure, WayBack

__all__ = ["Changes", "Flow", "Flows"]


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

    def upto(self, key: str, value: bytes, version: int) -> Record:
        """A record as it is in a database of a version, without a stamp, to be taken into another one.

        Raises:
            NotADocument: it is no document.
            Refused, RecordRefused: it cannot be carried over.
        """
        home = self.home_of(key, version)
        if home is None:
            document = self.read(value)
            return Record(key, document, value=value)
        return Flow(self, home.route.collection).upto(key, value, version)

    def around(self, version: int) -> Surroundings:
        """What an operation on records may ask of the run, in a step from a version."""
        return _Around(self, version)

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


class Flow:
    """The way of one collection's records.

    Attributes:
        transform: the collection's compiled route.
        losses: how many records lose what, as it was edited since it was kept.
    """

    def __init__(self, flows: Flows, collection: str) -> None:
        self._flows = flows
        self.losses = Counter[RecordLoss]()
        self._conflicts: list[RecordLoss] = []
        self.transform = flows.transform(collection)
        self._allow_pickle = self.transform.route.allow_pickle
        self._form = b""
        self._operations: dict[tuple[int, int], tuple[Change, ...]] = {}

    def carry(self, key: bytes, value: bytes, stored: bytes | None = None) -> bool:
        """Carry one record over, and note what is to be written.

        Args:
            key: its key.
            value: its value.
            stored: what the database holds under the key, where that is another value.

        Returns:
            Whether something of it changes.

        Raises:
            RecordRefused: it cannot be carried over.
        """
        self._conflicts.clear()
        try:
            found = self(key, value)
        except RecordRefused:
            self._flows.forget()
            raise
        self.losses.update(dict.fromkeys(self._conflicts, 1))
        stored = value if stored is None else stored
        changed = found.get(key) != stored or len(found) != 1
        if key not in found:
            self._flows.change(key, key, None)
        for new_key, new_value in found.items():
            if (new_key, new_value) != (key, stored):
                self._flows.change(new_key, key, new_value)
        self._flows.arrive()
        return changed

    def __call__(self, key: bytes, value: bytes) -> dict[bytes, bytes]:
        """What becomes of one record. What becomes of its indexes, and of records it takes in, is noted in the flows.

        Returns:
            The keys and values that it becomes; none where it goes.

        Raises:
            RecordRefused: it cannot be carried over.
        """
        if not (self._allow_pickle and is_pickled(value)):
            return self._become(key, value, b"")
        try:
            opened = self.transform.route.opened(value)
            found = self._become(key, opened, value[:FORM])
            return {at: value if new == opened else pickled(new, value) for at, new in found.items()}
        except (NotADocument, RecursionError) as error:
            raise RecordRefused.by("", error) from None

    def _become(self, key: bytes, value: bytes, form: bytes) -> dict[bytes, bytes]:
        """What becomes of a record without its pickle, which begins like this where it has one."""
        step, self._form = "", form
        try:
            document, version, plain = self.transform.read(value)
            start = Travelling(Record(_text(key), document), self.transform, version, plain=plain, value=value)
            start.stations.append((0, start.record.key))
            found: dict[bytes, bytes] = {}
            for one in self._travel(start, key):
                step = one.transform.route.specs[-1].name if one.transform else ""
                new_key, new_value = one.record.key.encode(), self._bytes(one, value)
                if new_key in found:
                    raise _twice(new_key, step)
                found[new_key] = new_value
        except (NotADocument, Refused, RecursionError) as error:
            raise RecordRefused.by(step, error) from None
        return found

    def upto(self, key: str, value: bytes, version: int) -> Record:
        """A record as :meth:`Flows.upto` gives it: its steps leave it under its key."""
        is_open, raw = not (self._allow_pickle and is_pickled(value)), value
        value = value if is_open else self.transform.route.opened(value)
        document, start, plain = self.transform.read(value)
        one = Travelling(Record(key, document), self.transform, start, plain=plain, value=value)
        for leg in self.transform.legs_from(start):
            if leg.spec.to_version <= version:
                way = self._flows.way_back(leg.spec)
                departure = way.departure(key.encode(), one.value) if way is not None else None
                self._go(one, leg)
                if departure is not None:
                    departure.arrive(one.record, one.value, {})
                    self._keep(departure, key.encode())
        stamp, one.record.value = self.transform.route.stamp, one.value if is_open else pickled(one.value, raw)
        if stamp.path is not None:
            stamp.path.take(one.record.document)
        return one.record

    def _keep(self, departure: Departure, source: bytes) -> None:
        stored = departure.stored()
        if stored is not None:
            self._flows.keep(departure.way.spec, departure.where, source, stored)

    def _travel(self, one: Travelling, source: bytes) -> Iterator[Travelling]:
        """What becomes of a record: itself, unless it goes, and those made of it."""
        stays = True
        for leg in one.transform.legs_from(one.version) if one.transform else ():
            way = self._flows.way_back(leg.spec)
            departure = way.departure(one.record.key.encode(), one.value) if way is not None else None
            records = self._go(one, leg)
            parts, one.record.parts = one.record.parts, {}
            born = [self._born(new, leg.spec) for new in records if new is not one.record]
            stays = any(new is one.record for new in records)
            one.stations.append((leg.spec.to_version, one.record.key if stays else None))
            if departure is not None:
                departure.arrive(one.record if stays else None, one.value, _made(parts), self._form)
                for new in born:
                    self._flows.keep(leg.spec, PART + new.record.key.encode(), source, MADE)
            for new in born:
                yield from self._travel(new, source)
            one.departures.append(departure)
            if not stays:
                break
        self._note_entries(one, source)
        self._flows.keep_there(one.stations, source, one.maker)
        for departure in one.departures:
            if departure is not None:
                self._keep(departure, source)
        if stays:
            yield one

    def _born(self, record: Record, maker: Spec) -> Travelling:
        """A record that a step has made; it has a stamp where its collection had specs by then."""
        record.made = False  # from here on it is a record like any other
        version = maker.to_version
        home = self._flows.home_of(record.key, version)
        stamped = home is not None and home.route.specs[0].to_version <= version
        born = Travelling(record, home, version, version if stamped else 0, plain=False, maker=maker)
        born.stations.append((version, record.key))
        born.spelling = record.spelling
        if self._flows.keeps:
            value = self._flows.homes.written(record.key, record.document, version)
            spelled = record.spelling is not None and says_the_same(record.spelling, value)
            born.value = record.value = record.spelling if spelled and record.spelling is not None else value
        return born

    def _go(self, one: Travelling, leg: Leg) -> list[Record]:
        """One leg of one record: the record itself, unless it goes, and those made of it."""
        assert one.transform is not None  # noqa: S101 - else it has no legs
        spec, record = leg.spec, one.record
        kept = Returned.of(spec, self._flows.kept(spec, record.key.encode()), one.value)
        one.returned.append(kept)
        try:
            indexes = spec.indexes.values()
            entries = [Moved(index.key_before(record.document), None, encode(index.value)) for index in indexes]
            one.entries.append(entries)
            if kept.goes(one.transform, leg, record):
                one.reached = spec.to_version
            versions = spec.from_version, spec.to_version
            self._conflicts += conflicts_at(versions, kept.conflicts, spec.stamp.path)
            record.changed = False
            records = [record]
            for change in self._changes(one.transform, leg):
                records = [new for old in records for new in ((old,) if old.made else change(old))]
            records = kept.moved(record, records)
            kept.settle(record, spec, partial(self._written, spec.to_version))
            stays = any(new is record for new in records)
            if record.changed or not stays:
                one.transform.changed_by[leg.index] += one.reached != spec.to_version
                one.reached = spec.to_version
            if spec.records:
                one.plain = False  # they may have put raw values into it
            for index, entry in zip(indexes, entries, strict=True):
                entry.after = index.key_after(record.document) if stays else None
            if stays and one.reached == spec.to_version:
                one.spelling = kept.spelling
                one.value = self._stored(one, spec.encoding_after)
        except Refused as refusal:
            refusal.place = refusal.place or spec.place("records")
            raise RecordRefused.by(spec.name, refusal) from None
        return records

    def _changes(self, transform: Transform, leg: Leg) -> tuple[Change, ...]:
        """The compiled operations of a leg."""
        key = (id(transform), leg.index)
        if key not in self._operations:
            around = self._flows.around(leg.spec.from_version)
            self._operations[key] = tuple(operation.change(around) for operation in leg.spec.records)
        return self._operations[key]

    def _written(self, version: int, record: Record) -> bytes:
        """A record that a step to a version has made, as bytes."""
        return self._flows.homes.written(record.key, record.document, version)

    def _bytes(self, one: Travelling, before: bytes) -> bytes:
        """The value of a record at the end of its way."""
        if one.transform is None:
            value = encode(one.record.document)
        elif not one.reached and one.transform.fits(decode(one.record.document)):
            if one.maker is None:
                return before
            value = encode(one.record.document)
        else:
            value = one.transform.finish(one.record.document, one.version, one.reached, plain=one.plain)
        return one.spelling if one.spelling is not None and says_the_same(one.spelling, value) else value

    def _stored(self, one: Travelling, encoding: str) -> bytes:
        """A record as it is stored in between; nothing where nobody wants to know."""
        if not self._flows.keeps or one.transform is None:
            return b""
        document = one.transform.route.stamp.stamped(copied(one.record.document), one.reached)
        value = encoder_of(encoding)(document)
        return one.spelling if one.spelling is not None and says_the_same(one.spelling, value) else value

    def _note_entries(self, one: Travelling, source: bytes) -> None:
        """Note what becomes of a record's entries in indexes, step by step: one run does what several would do."""
        there, notes_all = cache(self._flows.frozen.get), self._flows.notes_all
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
        for key in _keys((entry for step in one.entries for entry in step), "after") if notes_all else ():
            entries.setdefault(key, there(key))
        for key, value in entries.items():
            old = there(key)
            if value is not None and old == value:
                self._flows.change(key, source, None)  # an entry that is there already is in nobody's way
            if notes_all or self._flows.notes_absent or value is not None or old is not None:
                self._flows.change(key, source, value)


def _made(parts: Mapping[str, Sequence[Record]]) -> PartsMade:
    """What an operation has made of a record, or taken into it, as it is remembered."""
    return {slot: [(one.key, one.value) for one in some] for slot, some in parts.items()}


def _keys(entries: Iterable[Moved], when: Literal["before", "after"]) -> list[bytes]:
    """The keys that entries have before or after a step."""
    return [key.encode() for key in (getattr(entry, when) for entry in entries) if key is not None]


class _Around:
    """What operations on records may ask of the run."""

    def __init__(self, flows: Flows, version: int) -> None:
        self._flows = flows
        self._version = version

    def take(self, prefix: str) -> Iterator[Record]:
        """The records under a prefix, carried to the version before the step; they are noted as taken."""
        for key, value in self._flows.frozen.scan(KeyRange.of_prefix(prefix.encode())):
            text = _text(key)
            self._flows.take(key)
            self._flows.change(key, key, None)
            try:
                yield self._flows.upto(text, value, self._version)
            except NotADocument as error:
                raise Refused(f"{error.found} in the record {text!r}", error.expected, error.remedy) from None
            except RecordRefused as refused:
                path = f"{refused.path} of {text!r}" if refused.path else repr(text)
                raise RecordRefused(refused.step, path, refused.fault, refused.cause) from None


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise Refused("a key that is no UTF-8 text was found", "one was expected, as the spec moves records") from None


def _twice(key: bytes, step: str) -> RecordRefused:
    fault = Fault(
        f"the key {key.decode()!r} was found for two records", "a key of its own was expected", "", None, "key-taken"
    )
    return RecordRefused(step, "", fault)
