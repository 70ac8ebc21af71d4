"""The way of records step by step, where something is kept of them, or is to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from migrate_spec.codec import (
    Document,
    Json,
    NotADocument,
    copied,
    decode,
    encode,
    encoder_of,
    opened,
    plain,
)
from migrate_spec.compiler import RecordRefused, Route, coding, misfit, out_of_range
from migrate_spec.complement import Complement
from migrate_spec.crossing import Crossing, Step, crossings, upwards
from migrate_spec.differences import Conflict, Places, differences, put_back_in, values_lost
from migrate_spec.document import Refused, equal
from migrate_spec.forgetting import forgotten, lossy
from migrate_spec.path import Each, Name, Path
from migrate_spec.pickled import is_pickled, unpickled
from migrate_spec.reasons import Reasons

__all__ = ["Arrived", "Journey", "RecordLoss", "conflicts_at", "path_of"]


INEXACT = {"placeholder", "conflict", "forgotten", "unkept"}
"""The ways to lose something after which a record may not be what it was."""


@dataclass(frozen=True, slots=True)
class RecordLoss:
    """What records lose in a step.

    Attributes:
        step: the step.
        path: where.
        kind: ``placeholder``: nothing was kept, and the way back made a value up; ``kept``: the value is kept for the
            way back to here; ``dropped``: it is not; ``conflict``: it was edited, and so what was kept is not put back;
            ``forgotten``: the step forgets it; ``unkept``: nothing is kept of what the step may have taken;
            ``inexact``: one or more of these but ``kept`` and ``dropped``, on the whole way, told once, without a path.
    """

    step: Step
    path: str
    kind: str


@dataclass(slots=True)
class Arrived:
    """A record at the end of its way.

    Attributes:
        document: what became of it.
        value: the same as bytes.
        lost: what is to be kept of it, by the step that took it.
        losses: what it loses.
        changed_by: the places, among the specs of the route, of those that changed it.
    """

    document: Document
    value: bytes
    lost: list[tuple[Step, Complement]] = field(default_factory=list)
    losses: list[RecordLoss] = field(default_factory=list)
    changed_by: list[int] = field(default_factory=list)


class Journey:
    """The way of a collection's records, step by step.

    Attributes:
        changed_by: for each step of the route, how many records it has changed so far.
        explains: whether a record that does not fit the schema is told why, which takes a thousand times as long.
    """

    def __init__(self, route: Route) -> None:
        """Take the way.

        Raises:
            Irreversible: it goes down, and a step cannot be undone.
        """
        self.route = route
        self.changed_by = [0] * len(route.specs)
        self.explains = True
        self._reasons = Reasons(route.schema) if route.schema else None
        self._read, _ = coding(route.specs)
        self._stamp = route.stamp
        self._crossings = crossings(route.specs, route.start, down=route.down, since=route.since)
        self._lossy = {one.step: lossy(one.spec.steps) for one in self._crossings}
        self._forgotten = {one.step: lossy(forgotten(one.spec.steps)) for one in self._crossings if route.down}

    def __call__(self, value: bytes, kept: Mapping[Step, bytes]) -> Arrived:
        """Carry a record over.

        Args:
            value: its bytes.
            kept: what is kept of it, by the step in the other direction that took it.

        Where what is kept does not fit any more, as the record was edited or a spec altered, it is carried without
        that, and what had been kept is told as a conflict.

        Raises:
            RecordRefused: it cannot be carried over.
            Unreadable: what is kept cannot be read.
        """
        try:
            found = self._arrived(value, kept)
        except RecordRefused as refused:
            if not kept:
                raise
            try:
                found = self._arrived(value, {})
            except RecordRefused:
                raise refused from None
            found.losses += _all_of(kept)
        found.losses = self.told(found.losses)
        self.count(found.changed_by)
        return found

    def told(self, losses: list[RecordLoss]) -> list[RecordLoss]:
        """What is told of a record that loses something on its way: this, and whether it is inexact by that."""
        if any(loss.kind in INEXACT for loss in losses):
            return [*losses, RecordLoss((self.route.target, self.route.start), "", "inexact")]
        return losses

    def count(self, changed_by: Iterable[int]) -> None:
        """Count a record as changed by some steps."""
        for place in changed_by:
            self.changed_by[place] += 1

    def _arrived(self, value: bytes, kept: Mapping[Step, bytes]) -> Arrived:
        """A record at the end of its way, which fits there.

        Raises:
            RecordRefused: it cannot be carried over.
        """
        try:
            found = self.unchecked(value, kept)
            self._check(found)
        except (NotADocument, Refused, RecursionError) as error:
            raise RecordRefused.by("", error) from None
        return found

    def unchecked(self, value: bytes, kept: Mapping[Step, bytes]) -> Arrived:
        """A record at the end of its way, whether or not it fits the schema there.

        Raises:
            NotADocument: it is no document.
            Refused: its stamp is no version.
            RecordRefused: it cannot be carried over.
            Unreadable: what is kept cannot be read.
        """
        document, version = self.read(value)
        found = Arrived(document, value)
        for crossing in self.way(version):
            self._cross(crossing, found, kept.get(crossing.step[::-1]))
        return found

    def read(self, value: bytes) -> tuple[Document, int]:
        """A record's document, and its version.

        Raises:
            NotADocument: it is no document.
            Refused: its stamp is no version.
            RecordRefused: the route does not know the version.
        """
        try:
            document, _ = self._read(value)
        except NotADocument:
            if self.route.allow_pickle and is_pickled(value):
                unpickled(value)  # which says what is in it
            raise
        version, route = self._stamp.version_of(document, self.route.unstamped), self.route
        if self._stamp.path is not None and not route.earliest <= version <= route.target:
            raise out_of_range(self._stamp, version, route.earliest, route.target)
        return document, version

    def way(self, version: int) -> Sequence[Crossing]:
        """The steps that a record of a version may have before it."""
        if self.route.down:
            return self._crossings
        return [crossing for crossing in self._crossings if crossing.step[0] >= version]

    def _cross(self, crossing: Crossing, found: Arrived, kept: bytes | None) -> None:
        """Go one step."""
        before, complement = found.document, Complement.of(kept) if kept is not None else None
        after, conflicts = self._over(crossing, before, self._document(found.value), complement)
        found.losses += conflicts_at(crossing.step, conflicts, self._stamp.path)
        value = self._written(crossing, after)
        if complement is not None and (spelled := complement.spelled(value)) is not value:
            value, after = spelled, self._document(spelled)
        if value == found.value or (complement is None and crossing.only_respells(found.value, value)):
            if self.route.down and self._stamp.path is None:  # then the way up does not know that it is to stay so
                lost = self.lost(crossing, before, found.value, found.value)
                if lost is not None and (lost.differences or not lost.comes_back):
                    found.lost.append((crossing.step, lost))
                found.losses += _told_once(crossing, self._made_up(crossing, before, before, complement))
            return
        found.changed_by.append(self.route.specs.index(crossing.spec))
        lost = self.lost(crossing, before, found.value, value)
        if lost is not None:
            found.lost.append((crossing.step, lost))
        found.losses += _told_once(crossing, self._told(lost))
        found.losses += _told_once(crossing, self._made_up(crossing, before, after, complement))
        found.document, found.value = after, value

    def _over(
        self, crossing: Crossing, upper: Document, document: Document, complement: Complement | None
    ) -> tuple[Document, Sequence[Conflict]]:
        """A document on the other side, what was kept of it put back where it is not edited."""
        try:
            if complement is None or complement.comes_back:
                document = crossing.forth(document)
        except Refused as refusal:
            raise RecordRefused.by(crossing.name, refusal) from None
        if complement is None:
            return document, ()
        root = [document]
        conflicts = put_back_in(root, complement.differences)
        return self._stamped(crossing, upper, root[0]), conflicts

    def _stamped(self, crossing: Crossing, upper: Document, lower: Document) -> Document:
        """A document with its stamp, where that was put back; it says which steps have not changed the document.

        An edit may have made one of it that they would have changed: then it is of the version that it comes to.
        """
        version = crossing.step[1]
        if not self.route.down or self._stamp.path is None or (said := self._stamp.version_of(lower)) >= version:
            return lower
        older = [spec for spec in (*self.route.earlier, *self.route.specs) if said <= spec.from_version < version]
        if not older:
            return lower
        for way, made in ((older, lower), ([*older, crossing.spec], upper)):  # the second is of an older program
            found = upwards(way, lower)
            if found is not None and equal(decode(found), decode(made)):
                return lower
        return self._stamp.stamped(lower, older[-1].to_version)

    def _document(self, value: bytes) -> Document:
        """A new document of bytes: that takes less time than to copy one."""
        return self._read(value)[0]

    def lost(self, crossing: Crossing, before: Document, value: bytes, after: bytes) -> Complement | None:
        """What a record loses in a step.

        Args:
            crossing: the step.
            before: the document that comes to it.
            value: the same as bytes.
            after: what leaves it, as bytes.
        """
        complement = crossing.lost(before, value, partial(self._document, after))
        if complement is None and crossing.back is not None and crossing.forget is None and not self.route.down:
            sides = self._document(after), before
            if any(_is_new(path, *sides) for path in self._lossy[crossing.step]):
                return Complement()  # which says that what the way back makes up is what was there
        return complement

    def _written(self, crossing: Crossing, document: Document) -> bytes:
        return encoder_of(crossing.encodings[1])(document)

    def _told(self, lost: Complement | None) -> Iterator[tuple[str, Path]]:
        """What a record loses that takes a step, with the way in which it does."""
        for place in values_lost(lost.differences) if lost is not None else ():
            if path_of(place) != self._stamp.path:
                yield "kept", path_of(place)

    def _made_up(
        self, crossing: Crossing, before: Document, after: Document, complement: Complement | None
    ) -> Iterator[tuple[str, Path]]:
        """What the way back makes up of a record where nothing is kept, or does not bring back."""
        if not self.route.down:
            return
        forgets = self._forgotten[crossing.step]
        yield from (("forgotten", path) for path in forgets)
        for path in self._lossy[crossing.step] if complement is None else ():
            if path not in forgets and _is_new(path, before, after):
                yield "placeholder", path
            elif path not in forgets and crossing.spec.from_version in self.route.unkept:
                yield "unkept", path
        if crossing.forget is not None:
            for place in values_lost(differences(crossing.forgotten(before), before)):
                yield "dropped", path_of(place)

    def _check(self, found: Arrived) -> None:
        """See that a record fits the schema; its stamp is left where the schema of version 1 demands one."""
        reasons = self._reasons
        if reasons is None or reasons.schema.is_valid(plain(found.value)):
            return
        if self._stamp.path is not None and self._crossings:
            last = self._crossings[-1]
            document = self._stamp.stamped(copied(found.document), last.step[1])
            if reasons.schema.is_valid(decode(document)):
                found.document, found.value = document, self._written(last, document)
                return
        name = self._crossings[-1].name if self._crossings else ""
        raise misfit(name, decode(found.document), reasons, explains=self.explains)


def _all_of(kept: Mapping[Step, bytes]) -> list[RecordLoss]:
    """Conflicts about all that was kept of a record."""
    return [
        RecordLoss(step[::-1], str(path_of(place)), "conflict")
        for step, stored in kept.items()
        for place in values_lost(Complement.of(stored).differences)
    ]


def conflicts_at(step: Step, conflicts: Iterable[Conflict], stamp: Path | None) -> list[RecordLoss]:
    """Conflicts as what a record loses, each path once; its stamp says the version, whatever was kept."""
    paths = dict.fromkeys(path_of(conflict.place) for conflict in conflicts)
    return [RecordLoss(step, str(path), "conflict") for path in paths if path != stamp]


def _told_once(crossing: Crossing, told: Iterable[tuple[str, Path]]) -> Iterable[RecordLoss]:
    """What a record loses in a step, each place once."""
    return dict.fromkeys(RecordLoss(crossing.step, str(path), kind) for kind, path in told)


def path_of(place: Places) -> Path:
    """The path of a place, for which all items of a list are alike."""
    return Path(tuple(Name(key) if type(key) is str else Each() for key in place))


def _is_new(path: Path, before: Document, after: Document) -> bool:
    """Whether a document has something at a path that was not there before."""
    found = [encode(value) for value in _values(path, after)]
    return bool(found) and found != [encode(value) for value in _values(path, before)]


def _values(path: Path, value: Json) -> Iterator[Json]:
    """All that is at a path."""
    if not path.segments:
        yield value
        return
    parent, rest = opened(value), Path(path.segments[1:])
    try:
        keys = path.segments[0].keys(parent)
    except (Refused, TypeError):  # of a definition, nothing can be said of one parent
        return
    for key in keys:
        yield from _values(rest, parent[key])
