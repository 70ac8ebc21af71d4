"""The way of records that do not stay where they are: they get other keys, go, come, and take their indexes along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from migrate_spec.codec import Document, NotADocument, encode, read
from migrate_spec.compiler import TOO_DEEP, Leg, RecordRefused, Route, Transform
from migrate_spec.document import Refused
from migrate_spec.errors import Fault
from migrate_spec.record_operation import Change, Record
from migrate_spec.sorter import Sorter
from migrate_spec.store import KeyRange, Store

__all__ = ["Flow", "Flows"]


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
        indexes: its entries, by the names of the indexes.
    """

    record: Record
    transform: Transform | None
    version: int
    reached: int = 0
    plain: bool = True
    indexes: dict[str, Moved] = field(default_factory=dict)


class Flows:
    """What the flows of one run share.

    Attributes:
        routes: of all collections that have specs, touched or not: a record may come to any of them.
        frozen: where to read.
        changes: what is to be written, and the keys that go.
        taken: the keys that an operation took for another record.
    """

    def __init__(self, routes: Sequence[Route], frozen: Store, changes: Sorter, taken: Sorter) -> None:
        self.frozen = frozen
        self.changes = changes
        self.taken = taken
        self._transforms = {route.collection: Transform(route) for route in routes}

    def transform(self, collection: str) -> Transform:
        """The compiled route of a collection."""
        return self._transforms[collection]

    def home_of(self, key: str, version: int) -> Transform | None:
        """The compiled route of the collection that a key belongs to in a database of a version."""
        for transform in self._transforms.values():
            specs = transform.route.specs
            at = next((spec for spec in specs if spec.from_version >= version), None)
            if key.startswith(at.prefix if at else specs[-1].head_after):
                return transform
        return None


class Flow:
    """The way of one collection's records."""

    def __init__(self, flows: Flows, collection: str) -> None:
        self._flows = flows
        self._transform = flows.transform(collection)
        self._operations: dict[tuple[int, int], tuple[Change, ...]] = {}

    @property
    def changed_by(self) -> list[int]:
        """For each step of the route, how many records it has changed so far."""
        return self._transform.changed_by

    def carry(self, key: bytes, value: bytes) -> bool:
        """Carry one record over, and note what is to be written.

        Returns:
            Whether something of it changes.

        Raises:
            RecordRefused: it cannot be carried over.
        """
        found = self(key, value)
        if found.get(key) == value and len(found) == 1:
            return False
        if key not in found:
            self._flows.changes.add(key, key, None)
        for new_key, new_value in found.items():
            if (new_key, new_value) != (key, value):
                self._flows.changes.add(new_key, key, new_value)
        return True

    def __call__(self, key: bytes, value: bytes) -> dict[bytes, bytes]:
        """What becomes of one record. What becomes of its indexes, and of records it takes in, is noted in the flows.

        Returns:
            The keys and values that it becomes; none where it goes.

        Raises:
            RecordRefused: it cannot be carried over.
        """
        step = ""
        try:
            document, version, plain = self._transform.read(value)
            start = Travelling(Record(_text(key), document), self._transform, version, plain=plain)
            found: dict[bytes, bytes] = {}
            for one in self._travel(start):
                step = one.transform.route.specs[-1].name if one.transform else ""
                new_key, new_value = one.record.key.encode(), self._bytes(one, value)
                if new_key in found:
                    raise _twice(new_key, step)
                found[new_key] = new_value
            self._note_indexes(start, key, gone=start.record.key.encode() not in found)
        except NotADocument as error:
            raise RecordRefused(step, "", Fault(error.found, error.expected, "", None, "not-a-document")) from None
        except Refused as refusal:
            raise RecordRefused.by(step, refusal) from None
        except RecursionError:
            raise RecordRefused("", "", TOO_DEEP) from None
        return found

    def _travel(self, one: Travelling) -> Iterator[Travelling]:
        """What becomes of a record: itself, unless it goes, and those made of it."""
        for leg in one.transform.legs_from(one.version) if one.transform else ():
            records = self._go(one, leg)
            for new in records:
                if new is not one.record:
                    home = self._flows.home_of(new.key, leg.spec.to_version)
                    yield from self._travel(
                        Travelling(new, home, leg.spec.to_version, leg.spec.to_version, plain=False)
                    )
            if one.record not in records:
                return
        yield one

    def _go(self, one: Travelling, leg: Leg) -> list[Record]:
        """One leg of one record: the record itself, unless it goes, and those made of it."""
        assert one.transform is not None  # noqa: S101 - else it has no legs
        spec, record = leg.spec, one.record
        try:
            for name, index in spec.indexes.items():
                if name not in one.indexes:
                    one.indexes[name] = Moved(index.key_before(record.document), None, encode(index.value))
            if one.transform.run(leg, record.document):
                one.reached = spec.to_version
            record.changed = False
            records = [record]
            for change in self._changes(one.transform, leg):
                records = [new for old in records for new in ((old,) if old.made else change(old))]
            if record.changed or record not in records:
                one.transform.changed_by[leg.index] += one.reached != spec.to_version
                one.reached = spec.to_version
            for name, index in spec.indexes.items():
                one.indexes[name].after = index.key_after(record.document)
        except Refused as refusal:
            refusal.place = refusal.place or spec.place("records")
            raise RecordRefused.by(spec.name, refusal) from None
        return records

    def _changes(self, transform: Transform, leg: Leg) -> tuple[Change, ...]:
        """The compiled operations of a leg."""
        key = (id(transform), leg.index)
        if key not in self._operations:
            around = _Around(self._flows, leg.spec.from_version)
            self._operations[key] = tuple(operation.change(around) for operation in leg.spec.records)
        return self._operations[key]

    def _bytes(self, one: Travelling, before: bytes) -> bytes:
        """The value of a record at the end of its way."""
        if one.transform is None:
            return encode(one.record.document)
        if one.record.made or one.reached:
            return one.transform.finish(one.record.document, one.version, one.reached, plain=one.plain)
        carried = one.transform(before)
        return before if carried is None else carried

    def _note_indexes(self, one: Travelling, source: bytes, *, gone: bool) -> None:
        """Note what becomes of a record's entries in indexes."""
        for moved in one.indexes.values():
            after = None if gone else moved.after
            if moved.before == after:
                continue
            old = self._flows.frozen.get(moved.before.encode()) if moved.before is not None else None
            if moved.before is not None and old is not None:
                self._flows.changes.add(moved.before.encode(), source, None)
            if after is not None:
                self._flows.changes.add(after.encode(), source, moved.value if old is None else old)


class _Around:
    """What operations on records may ask of the run."""

    def __init__(self, flows: Flows, version: int) -> None:
        self._flows = flows
        self._version = version

    def take(self, prefix: str) -> Iterator[Record]:
        """The records under a prefix, carried to the version before the step; they are noted as taken."""
        for key, value in self._flows.frozen.scan(KeyRange.of_prefix(prefix.encode())):
            text = _text(key)
            self._flows.taken.add(key, key, None)
            self._flows.changes.add(key, key, None)
            home = self._flows.home_of(text, self._version)
            yield Record(text, _carried(home, value, self._version))


def _carried(home: Transform | None, value: bytes, upto: int) -> Document:
    """A document as it is in a database of a version, without a stamp."""
    if home is None:
        return read(value)[0]
    document, version, _ = home.read(value)
    for leg in home.legs_from(version):
        if leg.spec.to_version <= upto:
            home.run(leg, document)
    if home.route.stamp.path is not None:
        home.route.stamp.path.take(document)
    return document


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
