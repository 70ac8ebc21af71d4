"""One record's way, step by step: what each step of a spec does to it, and in which line it says so."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migrate_spec.codec import Json, NotADocument, copied, decode, plain
from migrate_spec.compiler import Leg, RecordRefused, Transform
from migrate_spec.document import ABSENT, Refused, equal
from migrate_spec.errors import Fault, Place, show_key
from migrate_spec.flow import Around, Flow
from migrate_spec.flows import Flows
from migrate_spec.operation import Operation
from migrate_spec.path import Index, Name, Path
from migrate_spec.record_operation import Record, Surroundings
from migrate_spec.spec import Spec
from migrate_spec.step import Step, forward

__all__ = ["Difference", "Event", "differences", "trace"]


@dataclass(frozen=True)
class Difference:
    """One place in a document that is not what it was.

    Attributes:
        path: the place.
        before, after: what is there; ``ABSENT`` where nothing is.
        where: the line of the spec that asked for it; ``None`` where none did.
    """

    path: Path
    before: Json
    after: Json
    where: Place | None = None

    def to_json(self) -> dict[str, Json]:
        """It as JSON; ``before`` or ``after`` is missing where nothing is there."""
        values = {
            name: value for name, value in (("before", self.before), ("after", self.after)) if value is not ABSENT
        }
        return {"path": str(self.path), **values, "where": _place_json(self.where)}


@dataclass(frozen=True)
class Event:
    """One thing that happened, or would happen, to a record.

    Attributes:
        kind: ``found`` (as it is stored, or was), ``step``, ``records`` (an operation on whole records), ``index``
            (an entry of an index goes with it), ``made`` (of another one), ``taken`` (into another one), ``stamp`` (its
            version is written into it), ``kept`` (what was kept on its way down comes back), ``written`` (somebody else
            changed it), or ``refused``.
        name: what it was, for people: the operation, the index, or where the record was found.
        where: the line of the spec that asked for it; ``None`` where none did.
        key: the record's key afterwards; ``None`` where there is none any more.
        document: the document afterwards; ``None`` where there is none.
        differences: what is not as it was.
        made: the records that were made of it, with their keys.
        took: the keys of the records that it has taken in.
        fault: why it was refused.
    """

    kind: str
    name: str
    where: Place | None
    key: bytes | None
    document: Json = None
    differences: Sequence[Difference] = ()
    made: Sequence[tuple[str, Json]] = field(default_factory=tuple)
    took: Sequence[str] = ()
    fault: Fault | None = None

    def to_json(self) -> dict[str, Json]:
        """It as JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "where": _place_json(self.where),
            "key": None if self.key is None else show_key(self.key),
            "document": self.document,
            "differences": [one.to_json() for one in self.differences],
            "made": [{"key": key, "document": document} for key, document in self.made],
            "took": list(self.took),
            "fault": self.fault.to_json() if self.fault else None,
        }


def _place_json(place: Place | None) -> dict[str, Json] | None:
    return None if place is None else {"file": place.file, "line": place.line, "column": place.column}


def differences(before: Json, after: Json, step: Step | None = None) -> list[Difference]:
    """Where two documents differ: the outermost places that one of them lacks, or where their values differ.

    Args:
        before: the one, in the plain form.
        after: the other.
        step: what made one of the other; its lines are found out.
    """
    return [Difference(path, one, other, _line(step, path)) for path, one, other in _differing(before, after, ())]


def _differing(before: Json, after: Json, path: tuple[Name | Index, ...]) -> Iterator[tuple[Path, Json, Json]]:
    if type(before) is type(after) is dict:
        for name in dict.fromkeys((*before, *after)):
            yield from _differing(before.get(name, ABSENT), after.get(name, ABSENT), (*path, Name(name)))
    elif type(before) is type(after) is list and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differing(one, other, (*path, Index(index)))
    elif before is ABSENT or after is ABSENT or not equal(before, after):
        yield Path(path), before, after


def _line(step: Step | None, path: Path) -> Place | None:
    """The line of a step that names a place, or the step itself."""
    if step is None:
        return None
    named = (written.place for written in step.writes() if written.place is not None and written.meets(path))
    return next(named, step.place)


def trace(flows: Flows, collection: str, key: bytes, value: bytes, follow: bytes | None = None) -> Iterator[Event]:
    """What becomes of one record on the way of its collection, in the order of the spec.

    Records that are made of it are told of, and not followed, but for one.

    Args:
        flows: the ways of all collections.
        collection: the record's own.
        key: the record's.
        value: what stands there.
        follow: the key of a record that is made of it: from there on what becomes of that one is told.

    Yields:
        An event for each step that the record still has before it; the last one has what is written, or why nothing is.
    """
    tracer = _Tracer(flows, flows.transform(collection), key, follow)
    try:
        document, version, _ = tracer.start.read(value)
        tracer.document = decode(document)
        yield from tracer.legs(version)
        yield from tracer.end(value)
    except (NotADocument, Refused, RecursionError) as error:
        yield tracer.refused(RecordRefused.by("", error))
    except RecordRefused as refused:
        yield tracer.refused(refused)


class _Tracer:
    """A record on its way.

    Attributes:
        start: the compiled way of the record that it begins with.
        key: its key by now; ``None`` where it went.
        document: its document by now, in the plain form.
    """

    def __init__(self, flows: Flows, start: Transform, key: bytes, follow: bytes | None) -> None:
        self._flows = flows
        self.start = start
        self._transform: Transform | None = start  # a record of no collection that has specs has no way
        self._start_key = key
        self._follow = follow
        self.key: bytes | None = key
        self.document: Json = None
        self._changed_in: Spec | None = None

    def legs(self, version: int) -> Iterator[Event]:
        """All version steps from a version on."""
        for leg in self._transform.legs_from(version) if self._transform is not None else ():
            heir = yield from self._leg(leg)
            if heir is not None:
                yield from heir
                return
            if self.key is None:
                return

    def _leg(self, leg: Leg) -> Generator[Event, None, list[Event] | None]:
        """One version step; what becomes of the record that is to be followed, where that was made of it."""
        spec, before, key = leg.spec, copied(self.document), self.key
        try:
            indexes = {name: index.key_before(before) for name, index in spec.indexes.items()}
            for step in spec.steps:
                yield self._step(step, spec)
            for number, _ in enumerate(spec.records):
                event = self._records(spec, number)
                yield event
                heir = self._heir(event, spec)
                if heir is not None:
                    return heir
                if self.key is None:
                    break
            if self.key != key or not equal(self.document, before):
                self._changed_in = spec
            yield from self._entries(spec, indexes)
        except Refused as refusal:
            refusal.place = refusal.place or spec.place("records")
            raise RecordRefused.by(spec.name, refusal) from None
        return None

    def _entries(self, spec: Spec, before: Mapping[str, str | None]) -> Iterator[Event]:
        """What becomes of its entries in indexes, by the keys that these had before."""
        for name, index in spec.indexes.items():
            new = index.key_after(self.document) if self.key is not None else None
            if before[name] != new:
                words = f"{spec.name}: index {name}: {before[name] or 'no entry'} → {new or 'no entry'}"
                yield Event("index", words, spec.place("indexes"), self.key, self.document)

    def _heir(self, event: Event, spec: Spec) -> list[Event] | None:
        """What becomes of the record that is to be followed, where it comes of one that was made; then it is that."""
        for key, document in event.made if self._follow is not None else ():
            one = _Tracer(self._flows, self.start, self._start_key, self._follow)
            one._transform, one.key, one.document = self._flows.home_of(key, spec.to_version), key.encode(), document
            words = f"{spec.name}: {show_key(one.key)}, made of {show_key(self._start_key)}"
            place, found = spec.place("records"), differences({}, document)
            born = Event("made", words, place, one.key, document, [replace(each, where=place) for each in found])
            events = [born, *one.legs(spec.to_version)]
            if one.key == self._follow:
                self._transform, self.key, self.document = one._transform, one.key, one.document
                self._changed_in = one._changed_in
                return events
        return None

    def _step(self, step: Step, spec: Spec) -> Event:
        before, after = self.document, copied(self.document)
        forward([step])(after)
        self.document = decode(after)
        name = step.body.name() if isinstance(step.body, Operation) else "do"
        found = differences(before, self.document, step)
        return Event("step", f"{spec.name}: {name}", step.place, self.key, self.document, found)

    def _records(self, spec: Spec, number: int) -> Event:
        assert self.key is not None  # noqa: S101 - else there is nothing to work on
        operation, before, key = spec.records[number], self.document, self.key
        record, around = Record(_text(key), copied(before)), _Watched(Around(self._flows, spec.from_version))
        records = list(operation.change(around)(record))
        made = [(one.key, decode(one.document)) for one in records if one is not record]
        stays = any(one is record for one in records)
        self.key = record.key.encode() if stays else None
        self.document = decode(record.document) if stays else None
        place = spec.place("records")
        found = [replace(one, where=place) for one in differences(before, self.document)] if stays else []
        name = f"{spec.name}: {operation.name()}"
        return Event("records", name, place, self.key, self.document, found, made, around.took)

    def end(self, value: bytes) -> Iterator[Event]:
        """What is written in the end: what a run writes, worked out as a run does."""
        if self.start.route.moves_records:
            written = Flow(self._flows, self.start.route.collection)(self._start_key, value)
        else:
            written = {self._start_key: self.start(value) or value}
        if self.key is None:
            return
        before, self.document = self.document, plain(written[self.key])
        found = differences(before, self.document)
        if found:
            spec = self._changed_in or (self._transform or self.start).route.specs[-1]
            place = spec.place("stamp")
            stamped = [replace(one, where=place) for one in found]
            yield Event("stamp", f"{spec.name}: stamp", place, self.key, self.document, stamped)

    def refused(self, refused: RecordRefused) -> Event:
        """The end of a record that cannot be carried over."""
        fault, where = refused.fault, refused.fault.where
        name = ", ".join(part for part in (refused.step, refused.path) if part)
        return Event("refused", name, where if isinstance(where, Place) else None, self.key, self.document, fault=fault)


class _Watched(Surroundings):
    """What operations may ask of a run, and the keys of the records that one has taken."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.took: list[str] = []

    def take(self, prefix: str) -> Iterator[Record]:
        for record in self._around.take(prefix):
            self.took.append(record.key)
            yield record


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise Refused("a key that is no UTF-8 text was found", "one was expected, as the spec moves records") from None
