"""The way of records that do not stay where they are: they get other keys, go, come, and take their indexes along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from migrate_spec.codec import NotADocument, copied, decode, encode, encoder_of, says_the_same
from migrate_spec.compiler import Leg, RecordRefused, Transform
from migrate_spec.document import Refused
from migrate_spec.errors import Fault
from migrate_spec.flows import Flows, Moved, Travelling
from migrate_spec.journey import RecordLoss, conflicts_at
from migrate_spec.losses import EVERYTHING
from migrate_spec.moves import MADE, PART
from migrate_spec.pickled import FORM, is_pickled, pickled
from migrate_spec.record_operation import Change, Record
from migrate_spec.remembering import PartsMade
from migrate_spec.returned import Returned
from migrate_spec.spec import Spec
from migrate_spec.store import KeyRange
from migrate_spec.wayback import Departure

__all__ = ["Around", "Flow"]


class Flow:
    """The way of one collection's records.

    Attributes:
        transform: the collection's compiled route.
        losses: how many records lose what, as it was edited since it was kept, or as they go.
    """

    def __init__(self, flows: Flows, collection: str) -> None:
        self._flows = flows
        self.losses = Counter[RecordLoss]()
        self._losses: list[RecordLoss] = []
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
        self._losses.clear()
        try:
            found = self(key, value)
        except RecordRefused:
            self._flows.forget()
            raise
        self.losses.update(dict.fromkeys(self._losses, 1))
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
        """A record as it is in a database of a version, without a stamp: its steps leave it under its key."""
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
        self._flows.note_entries(one, source)
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
            self._losses += conflicts_at(versions, kept.conflicts, spec.stamp.path)
            record.changed = False
            records = [record]
            for change in self._changes(one.transform, leg):
                records = [new for old in records for new in ((old,) if old.made else change(old))]
            records = kept.moved(record, records)
            kept.settle(record, spec, partial(self._written, spec.to_version))
            stays = any(new is record for new in records)
            if not stays:
                self._losses.append(RecordLoss(versions, EVERYTHING, "kept"))
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
            around = Around(self._flows, leg.spec.from_version)
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


def _made(parts: Mapping[str, Sequence[Record]]) -> PartsMade:
    """What an operation has made of a record, or taken into it, as it is remembered."""
    return {slot: [(one.key, one.value) for one in some] for slot, some in parts.items()}


class Around:
    """What operations on records may ask of the run."""

    def __init__(self, flows: Flows, version: int) -> None:
        """Take the flows, and the version that a step leads from."""
        self._flows = flows
        self._version = version

    def take(self, prefix: str) -> Iterator[Record]:
        """The records under a prefix, carried to the version before the step; they are noted as taken."""
        for key, value in self._flows.frozen.scan(KeyRange.of_prefix(prefix.encode())):
            text = _text(key)
            self._flows.take(key)
            self._flows.change(key, key, None)
            try:
                yield self._upto(text, value)
            except NotADocument as error:
                raise Refused(f"{error.found} in the record {text!r}", error.expected, error.remedy) from None
            except RecordRefused as refused:
                path = f"{refused.path} of {text!r}" if refused.path else repr(text)
                raise RecordRefused(refused.step, path, refused.fault, refused.cause) from None

    def _upto(self, key: str, value: bytes) -> Record:
        """A record as it is in a database of the version, without a stamp, to be taken into another one.

        Raises:
            NotADocument: it is no document.
            Refused, RecordRefused: it cannot be carried over.
        """
        home = self._flows.home_of(key, self._version)
        if home is None:
            return Record(key, self._flows.read(value), value=value)
        return Flow(self._flows, home.route.collection).upto(key, value, self._version)


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
