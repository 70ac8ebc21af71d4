"""One record's way, step by step: what each step of a spec does to it, and in which line it says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from migrate_spec.codec import Json, NotADocument, copied, decode, plain
from migrate_spec.compiler import Leg, RecordRefused, Transform
from migrate_spec.document import ABSENT, Refused, equal
from migrate_spec.errors import Fault, Place, show_key
from migrate_spec.flow import Flow, Flows
from migrate_spec.operation import Operation
from migrate_spec.path import Index, Name, Path
from migrate_spec.record_operation import Record
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
            (an entry of an index goes with it), ``stamp`` (its version is written into it), ``written`` (somebody else
            changed it), or ``refused``.
        name: what it was, for people: the operation, the index, or where the record was found.
        where: the line of the spec that asked for it; ``None`` where none did.
        key: the record's key afterwards; ``None`` where there is none any more.
        document: the document afterwards; ``None`` where there is none.
        differences: what is not as it was.
        made: the records that were made of it, with their keys.
        fault: why it was refused.
    """

    kind: str
    name: str
    where: Place | None
    key: bytes | None
    document: Json = None
    differences: Sequence[Difference] = ()
    made: Sequence[tuple[str, Json]] = field(default_factory=tuple)
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


def trace(flows: Flows, collection: str, key: bytes, value: bytes) -> Iterator[Event]:
    """What becomes of one record on the way of its collection, in the order of the spec.

    Records that are made of it are told of, and not followed.

    Args:
        flows: the ways of all collections.
        collection: the record's own.
        key: the record's.
        value: what stands there.

    Yields:
        An event for each step that the record still has before it; the last one has what is written, or why nothing is.
    """
    tracer = _Tracer(flows, flows.transform(collection), key)
    try:
        document, version, _ = tracer.transform.read(value)
        tracer.document = decode(document)
        for leg in tracer.transform.legs_from(version):
            if tracer.key is not None:
                yield from tracer.leg(leg)
        yield from tracer.end(value)
    except (NotADocument, Refused, RecursionError) as error:
        yield tracer.refused(RecordRefused.by("", error))
    except RecordRefused as refused:
        yield tracer.refused(refused)


class _Tracer:
    """A record on its way.

    Attributes:
        transform: the compiled way.
        key: its key by now; ``None`` where it went.
        document: its document by now, in the plain form.
    """

    def __init__(self, flows: Flows, transform: Transform, key: bytes) -> None:
        self._flows = flows
        self.transform = transform
        self._start = key
        self.key: bytes | None = key
        self.document: Json = None
        self._changed_in: Spec | None = None

    def leg(self, leg: Leg) -> Iterator[Event]:
        """One version step."""
        spec, before, key = leg.spec, copied(self.document), self.key
        try:
            indexes = {name: index.key_before(before) for name, index in spec.indexes.items()}
            for step in spec.steps:
                yield self._step(step, spec)
            for number, _ in enumerate(spec.records):
                yield from self._records(spec, number)
                if self.key is None:
                    break
            if self.key != key or not equal(self.document, before):
                self._changed_in = spec
            for name, index in spec.indexes.items():
                new = index.key_after(self.document) if self.key is not None else None
                if indexes[name] != new:
                    words = f"{spec.name}: index {name}: {indexes[name] or 'no entry'} → {new or 'no entry'}"
                    yield Event("index", words, spec.place("indexes"), self.key, self.document)
        except Refused as refusal:
            refusal.place = refusal.place or spec.place("records")
            raise RecordRefused.by(spec.name, refusal) from None

    def _step(self, step: Step, spec: Spec) -> Event:
        before, after = self.document, copied(self.document)
        forward([step])(after)
        self.document = decode(after)
        name = step.body.name() if isinstance(step.body, Operation) else "do"
        found = differences(before, self.document, step)
        return Event("step", f"{spec.name}: {name}", step.place, self.key, self.document, found)

    def _records(self, spec: Spec, number: int) -> Iterator[Event]:
        assert self.key is not None  # noqa: S101 - else there is nothing to work on
        operation, before, key = spec.records[number], self.document, self.key
        record = Record(_text(key), copied(before))
        records = list(operation.change(self._flows.around(spec.from_version))(record))
        made = [(one.key, decode(one.document)) for one in records if one is not record]
        stays = any(one is record for one in records)
        self.key = record.key.encode() if stays else None
        self.document = decode(record.document) if stays else None
        place = spec.place("records")
        found = [replace(one, where=place) for one in differences(before, self.document)] if stays else []
        yield Event("records", f"{spec.name}: {operation.name()}", place, self.key, self.document, found, made)

    def end(self, value: bytes) -> Iterator[Event]:
        """What is written in the end: what a run writes, worked out as a run does."""
        if self.transform.route.moves_records:
            written = Flow(self._flows, self.transform.route.collection)(self._start, value)
        else:
            written = {self._start: self.transform(value) or value}
        if self.key is None:
            return
        before, self.document = self.document, plain(written[self.key])
        found = differences(before, self.document)
        if found:
            spec = self._changed_in or self.transform.route.specs[-1]
            place = spec.place("stamp")
            stamped = [replace(one, where=place) for one in found]
            yield Event("stamp", f"{spec.name}: stamp", place, self.key, self.document, stamped)

    def refused(self, refused: RecordRefused) -> Event:
        """The end of a record that cannot be carried over."""
        fault, where = refused.fault, refused.fault.where
        name = ", ".join(part for part in (refused.step, refused.path) if part)
        return Event("refused", name, where if isinstance(where, Place) else None, self.key, self.document, fault=fault)


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise Refused("a key that is no UTF-8 text was found", "one was expected, as the spec moves records") from None
