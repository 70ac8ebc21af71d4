"""Migrations → a function from bytes to bytes: the only place that makes functions out of specs.

All steps of a collection's way are fused: a record is read once, changed by every step that its own version still
has before it, checked against the target's schema, and written once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from migrate_spec.codec import (
    Document,
    Json,
    NotADocument,
    copied,
    decode,
    encode,
    encoder_of,
    looks_like_msgpack,
    read,
    read_msgpack,
    read_plain,
)
from migrate_spec.document import ABSENT, Change, Refused
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.pickled import is_pickled, pickled, unpickled
from migrate_spec.reasons import Reasons
from migrate_spec.schema import Schema
from migrate_spec.shortcut import PASSED, Reading, Shortcut, looks_at, names_alone
from migrate_spec.spec import Spec
from migrate_spec.stamp import Stamp
from migrate_spec.step import backward, forward
from migrate_spec.typed import Outline, checked_outline, glance_at, glance_over, glanced_outline

__all__ = [
    "Leg",
    "RecordRefused",
    "Route",
    "Transform",
    "change_of",
    "coding",
    "compile_downgrade",
    "misfit",
    "out_of_range",
]


TOO_DEEP = Fault("a value nested too deep to work on was found", "fewer than 500 levels were expected", code="too-deep")


class RecordRefused(Exception):  # noqa: N818 - the run makes errors of them, with the record's key
    """A record cannot be carried over.

    Attributes:
        step: the step that refused it, such as ``task v1→v2``; empty where it could not be read.
        path: the place inside the document.
        fault: what was found there and expected.
        cause: what a hook raised, where it was one.
    """

    def __init__(self, step: str, path: str, fault: Fault, cause: BaseException | None = None) -> None:
        super().__init__(step, path, fault)
        self.step = step
        self.path = path
        self.fault = fault
        self.cause = cause

    @classmethod
    def by(cls, step: str, error: Refused | NotADocument | RecursionError) -> RecordRefused:
        """What a step, or the reading before it, met in a record."""
        if isinstance(error, Refused):
            fault = Fault(error.found, error.expected, error.remedy, error.place, "refused")
            return cls(step, error.path, fault, error.cause)
        if isinstance(error, NotADocument):
            return cls(step, "", Fault(error.found, error.expected, error.remedy, None, "not-a-document"))
        return cls("", "", TOO_DEEP)

    def below(self, segment: str) -> RecordRefused:
        """The same refusal as seen from the record that this one is, or becomes, a part of."""
        path = Refused("", "", path=self.path).below(segment).path
        return RecordRefused(self.step, path, self.fault, self.cause)


@dataclass(frozen=True)
class Route:
    """The way of one collection's records up to a version: all that a worker needs to carry them.

    Attributes:
        specs: the collection's steps, first to last.
        schema: what the results must fit; ``None``: no check.
        target: the version the database is to have; a record of a later one is refused.
        start: the version the database has.
        earliest: the first version the project knows; a record of an earlier one is refused.
        unstamped: the version of a record that says none.
        sure: where it is known that what the steps make of documents of the database's version fits, what these fit.
        glances: whether a record need be looked at only as far as the steps look.
        down: whether it is gone from the last step to the first; then ``target`` is where it begins.
        allow_pickle: whether pickled documents are carried over, too.
        unkept: the steps, on a way down, of which not all is kept, by the version that each begins with.
        earlier: steps of the collection before ``specs``, which a record may say not to have behind.
        deleted: how many records these have deleted of which nothing is kept, by that version; 0: nobody knows.
    """

    specs: tuple[Spec, ...]
    schema: Schema | None
    target: int
    earliest: int = 1
    unstamped: int = 1
    start: int = 1
    sure: Schema | None = None
    glances: bool = False
    down: bool = False
    allow_pickle: bool = False
    unkept: frozenset[int] = frozenset()
    earlier: tuple[Spec, ...] = ()
    deleted: tuple[tuple[int, int], ...] = ()

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self.specs[-1].collection

    @property
    def key_prefix(self) -> bytes:
        """What its keys begin with, in a database of the version that the run begins with."""
        if self.down:
            return self.specs[-1].head_after.encode()
        return self.way[0].key_prefix if self.way else self.specs[-1].head_after.encode()

    def at(self, version: int) -> tuple[str, str]:
        """What its keys begin with in a database of a version, and how its records are encoded there."""
        spec = next((spec for spec in self.specs if spec.from_version >= version), None)
        last = self.specs[-1]
        return (spec.prefix, spec.encoding) if spec is not None else (last.head_after, last.encoding_after)

    @property
    def column_family(self) -> str:
        """The part of the database that its records are in."""
        return self.specs[-1].column_family

    @property
    def way(self) -> tuple[Spec, ...]:
        """The steps that a database of the version that the route starts from has before it."""
        return tuple(spec for spec in self.specs if spec.from_version >= self.start)

    @property
    def since(self) -> int:
        """The version that led to the shape before the first of the steps; the earliest one where none is known."""
        return self.earlier[-1].to_version if self.earlier else self.earliest

    @property
    def kept_by(self) -> list[tuple[int, int]]:
        """The steps, in the other direction, of which what they kept of records serves this way."""
        up = [(spec.from_version, spec.to_version) for spec in self.way]
        return up if self.down else [(end, start) for start, end in up]

    @property
    def moves_records(self) -> bool:
        """Whether a step does more than alter each document where it is: of the way, or for a record that came late."""
        return any(spec.moves_records for spec in (self.way if self.stamp.path is None else self.specs))

    @property
    def stamp(self) -> Stamp:
        """Where the records carry their version."""
        return self.specs[-1].stamp

    def opened(self, value: bytes) -> bytes:
        """A pickled document in the encoding that others have where the way begins.

        Raises:
            NotADocument: it is no document.
        """
        encoding = self.specs[-1].encoding_after if self.down else self.specs[0].encoding
        return encoder_of(encoding)(unpickled(value))


@dataclass(frozen=True, slots=True)
class Leg:
    """One version step of a route, compiled.

    Attributes:
        index: its place in the route.
        spec: what it was made from.
        change: what its steps do to a document.
    """

    index: int
    spec: Spec
    change: Change


class Transform:
    """A route, compiled: call it with a record's bytes.

    It carries over what stands in a record; the record's key and other records are not its concern.

    Attributes:
        changed_by: for each step of the route, how many records it has changed so far.
        fits: whether a document in the plain form fits the schema at the end of the route.
        shortcut: the short way; to be asked first, where there is one.
        explains: whether a record that does not fit the schema is told why, which takes a thousand times as long.
        passed_all: whether the last record had the version that it seems to come from when it is brought back: each
            step has changed it, and it is spelled as the engine spells it.
    """

    def __init__(self, route: Route) -> None:
        self.route = route
        self.passed_all = False
        self.changed_by = [0] * len(route.specs)
        self.explains = True
        self._stamp = route.stamp
        self._latest = route.specs[-1].to_version
        self.fits: Callable[[Document], bool] = route.schema.is_valid if route.schema else lambda _: True
        self._reasons = Reasons(route.schema) if route.schema else None
        self._read, self._encode = coding(route.specs)
        self._legs = [Leg(index, spec, change_of(spec)) for index, spec in enumerate(route.specs)]
        self._legs_from: dict[int, tuple[Leg, ...]] = {}  # for the versions met so far
        self.shortcut = self._short_way()
        # What goes the long way although there is a short one is most often not in the plain form, or does not fit.
        self._read_sure = _fitting(route.sure) if route.sure is not None and self.shortcut is None else None

    def __call__(self, value: bytes) -> bytes | None:
        """Carry one record over.

        Returns:
            The record's new bytes; ``None`` where it stays as it is.

        Raises:
            RecordRefused: it cannot be carried over.
        """
        if self.shortcut is not None and (found := self.shortcut(value)) is not PASSED:
            return found
        return self.carry_long(value)

    def carry_long(self, value: bytes) -> bytes | None:
        """The same as a call, without the short way."""
        try:
            document = self._read_sure(value) if self._read_sure is not None else None
            sure, plain = document is not None, True
            if document is None:
                document, plain = self._read(value)
            version = self._stamp.version_of(document, self.route.unstamped)
            is_usual = plain and self._encode is encode and self._is_usual(document, version)
            changed_by = self._run(document, version)
            self.passed_all = is_usual and len(changed_by) == len(self._legs_from[version])
            reached = changed_by[-1].to_version if changed_by else 0
            if sure and reached == self._latest and changed_by[0].from_version >= self.route.start >= version:
                return self._encode(self._stamp.stamped(document, reached))
            if not reached and self.fits(document if plain else decode(value)):
                return None
            return self.finish(document, version, reached, plain=plain)
        except (NotADocument, Refused, RecursionError) as error:
            if not self._opens(value):
                raise RecordRefused.by("", error) from None
        return self._carry_pickled(value)

    def _opens(self, value: bytes) -> bool:
        """Whether a value is to be unpickled. That is asked of what is no document only: it takes no others time."""
        return self.route.allow_pickle and is_pickled(value)

    def _carry_pickled(self, value: bytes) -> bytes | None:
        """Carry a pickled document over, which stays one."""
        try:
            opened = self.route.opened(value)
            carried = self(opened)
            if carried is None:
                return None
            return value if carried == opened else pickled(carried, value)
        except (NotADocument, RecursionError) as error:
            raise RecordRefused.by("", error) from None

    def read(self, value: bytes) -> tuple[Document, int, bool]:
        """A record's document, its version, and whether it is in the plain form.

        Raises:
            NotADocument: it is no document.
            Refused: its stamp is no version.
        """
        try:
            document, plain = self._read(value)
        except NotADocument:
            if not self._opens(value):
                raise
            document, plain = self._read(self.route.opened(value))
        return document, self._stamp.version_of(document, self.route.unstamped), plain

    def legs_from(self, version: int) -> tuple[Leg, ...]:
        """The steps that a record of a version has before it.

        Raises:
            RecordRefused: the route does not know the version.
        """
        legs = self._legs_from.get(version)
        if legs is None:
            if not self.route.earliest <= version <= self.route.target:
                raise out_of_range(self._stamp, version, self.route.earliest, self.route.target)
            legs = tuple(leg for leg in self._legs if leg.spec.from_version >= version)
            self._legs_from[version] = legs
        return legs

    def run(self, leg: Leg, document: Document) -> bool:
        """Do the steps of one leg.

        Raises:
            RecordRefused: one of them cannot work on the document.
        """
        try:
            changed = leg.change(document)
        except Refused as refusal:
            raise RecordRefused.by(leg.spec.name, refusal) from None
        if changed:
            self.changed_by[leg.index] += 1
        return changed

    def finish(self, document: Document, version: int, reached: int, *, plain: bool) -> bytes:
        """The bytes of a record that has gone its way.

        Args:
            document: what became of it.
            version: which it came with.
            reached: the version of the last step that changed it; 0 where none did.
            plain: whether it is in the plain form.

        Raises:
            RecordRefused: it does not fit the schema.
        """
        if reached:
            document = self._stamp.stamped(document, reached)
            result = self._encode(document)
            if self.fits(document if plain else decode(result if self._encode is encode else document)):
                return result
        return self._restamped(document, version)

    def _short_way(self) -> Shortcut | None:
        """The short way, where there is one."""
        route = self.route
        if not ((route.glances or route.sure is not None) and names_alone(route.specs)):
            return None
        steps = [(leg.spec, leg.change) for leg in self._legs]
        return Shortcut(steps, (route.start, route.unstamped, route.earliest), self._reading(), self.changed_by)

    def _reading(self) -> Reading:
        """How the records are read that take the short way."""
        sure, names, stamp = self.route.sure, looks_at(self.route.specs), self._stamp.path
        if sure is not None:
            return Reading(_fitting(sure), partial(checked_outline, sure), self.fits)
        if names is None:
            return Reading(glance_over(), lambda _names, _known: None, lambda _: True)
        mark = stamp.sole_name if stamp is not None else None
        needed = names | ({mark} if mark is not None else set())

        def outline(names: Sequence[str], known: Mapping[str, Json]) -> Outline | None:
            return glanced_outline(names, sorted(needed - set(names)), known)

        return Reading(glance_at(names, mark), outline, lambda _: True)

    def _run(self, document: Document, version: int) -> list[Spec]:
        """Run the steps from ``version`` on; those that changed something."""
        legs = self._legs_from.get(version) or self.legs_from(version)
        return [leg.spec for leg in legs if self.run(leg, document)]

    def _is_usual(self, document: Document, version: int) -> bool:
        """Whether a record has the stamp that it would have if it had come back from the end of the route."""
        path = self._stamp.path
        if path is None:
            return True
        legs = self._legs_from.get(version) or self.legs_from(version)
        says = path.look(document) is not ABSENT
        return bool(legs) and legs[0].spec.from_version == version and says == (version > 1)

    def _restamped(self, document: Document, version: int) -> bytes:
        """A record that does not fit as it is, with the latest stamp, as the schema may demand that."""
        if self._stamp.path is not None and self.legs_from(version):
            document = self._stamp.stamped(document, self._latest)
        result = self._encode(document)
        final = decode(document)
        if self._reasons is None or self.fits(final):
            return result
        raise misfit(self.route.specs[-1].name, final, self._reasons, explains=self.explains)


def misfit(step: str, document: Document, reasons: Reasons, *, explains: bool) -> RecordRefused:
    """The refusal of a document that does not fit a schema."""
    if not explains:
        return RecordRefused(step, "", Fault("a record that does not fit was found", code="schema"))
    mismatch = reasons.best_mismatch(document)
    return RecordRefused(step, mismatch.where, mismatch.fault(reasons.schema.file))


def coding(specs: Sequence[Spec]) -> tuple[Callable[[bytes], tuple[Document, bool]], Callable[[Document], bytes]]:
    """What reads the records of a route, and what writes them."""
    used = {encoding for spec in specs for encoding in (spec.encoding, spec.encoding_after)}
    readers = {"json": read, "msgpack": read_msgpack}
    reader = _read_either if len(used) > 1 else readers[specs[-1].encoding_after]
    return reader, encoder_of(specs[-1].encoding_after)


def _read_either(value: bytes) -> tuple[Document, bool]:
    """A document in whichever encoding; a record that was carried over before may be in the new one already."""
    return read_msgpack(value) if looks_like_msgpack(value) else read(value)


def change_of(spec: Spec) -> Change:
    """What a spec does to a document. Another encoding is a change, too, whatever stands in the document."""
    change = forward(spec.steps)
    return change if spec.encoding == spec.encoding_after else lambda document: change(document) or True


def _fitting(schema: Schema) -> Callable[[bytes], Document | None]:
    """A function that reads a record in the plain form that fits a schema; ``None`` for any other."""
    fits = schema.is_valid

    def read(value: bytes) -> Document | None:
        document = read_plain(value)
        return document if document is not None and fits(document) else None

    return read


def out_of_range(stamp: Stamp, version: int, earliest: int, latest: int) -> RecordRefused:
    """The refusal of a record of a version before the earliest or after the latest."""
    if version > latest:
        expected, remedy = f"at most version {latest} was expected", "it was written by a newer program"
    else:
        expected, remedy = f"at least version {earliest} was expected", "no spec starts from an earlier one"
    found = f"a record of version {version} was found"
    return RecordRefused("", str(stamp.path), Fault(found, expected, remedy, None, "version"))


def _backwards(spec: Spec) -> Change:
    if spec.refuses_downgrade:
        found = "a step that refuses to be undone was found"
        raise Irreversible(found, spec.refuses_downgrade, where=spec.place("downgrade"))
    return backward(spec.steps)


def _unstamped(document: Document, stamp: Stamp, schema: Schema | None) -> Document:
    """A record without its stamp; with it where its schema demands that."""
    if stamp.path is None:
        return document
    bare = copied(document)
    stamp.path.take(bare)
    demanded = schema is not None and not schema.is_valid(decode(bare)) and schema.is_valid(decode(document))
    return document if demanded else bare


def compile_downgrade(spec: Spec, schema: Schema | None, *, explains: bool = True) -> Callable[[bytes], bytes]:
    """One step backwards, compiled: from the bytes of a record at its ``to_version`` to one at its ``from_version``.

    A record of an earlier version stays as it is. One of version 1 carries no stamp, unless its schema demands that.

    Args:
        spec: the step.
        schema: what the results must fit; ``None``: no check.
        explains: whether a record that does not fit is told why, which takes a thousand times as long.

    Raises:
        Irreversible: a step cannot be undone.
    """
    change, reader = _backwards(spec), coding((spec,))[0]
    writer, reasons = encoder_of(spec.encoding), Reasons(schema) if schema is not None else None

    def downgrade(value: bytes) -> bytes:
        try:
            document, _ = reader(value)
            if spec.stamp.path is not None:
                version = spec.stamp.version_of(document)
                if version < spec.to_version:
                    return value
                if version > spec.to_version:
                    raise out_of_range(spec.stamp, version, 1, spec.to_version)
                document = spec.stamp.stamped(document, spec.from_version)
            change(document)
            if spec.from_version == 1:
                document = _unstamped(document, spec.stamp, schema)
            result = writer(document)
            final = decode(document)
        except Refused as refusal:
            raise RecordRefused.by(f"{spec.name} backwards", refusal) from None
        except (NotADocument, RecursionError) as error:
            raise RecordRefused.by("", error) from None
        if reasons is not None and not reasons.schema.is_valid(final):
            raise misfit(f"{spec.name} backwards", final, reasons, explains=explains)
        return result

    return downgrade
