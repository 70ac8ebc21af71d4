"""What carries the records of a job: upwards all steps at once, and step by step where something was kept of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby, repeat
from operator import itemgetter
from pathlib import Path
from typing import Protocol

from migrate_spec.codec import NotADocument
from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.complement import Unreadable
from migrate_spec.crossing import Step
from migrate_spec.errors import RecordRejected
from migrate_spec.journey import Journey, RecordLoss
from migrate_spec.keeping import Keeping, Kind
from migrate_spec.kept import Keeper, Kept
from migrate_spec.pickled import is_pickled, pickled
from migrate_spec.rehearsal import Outcome, Rehearsal
from migrate_spec.rejects import Again, Rejects, rejection
from migrate_spec.shortcut import PASSED
from migrate_spec.store import KeyRange, Record, Store

__all__ = ["Carrier", "carrier"]


class Carrier(Protocol):
    """Carries records, which come in the order of their keys.

    Attributes:
        changed_by: for each step of the route, how many records it has changed.
        losses: how many records lose what.
    """

    changed_by: Sequence[int]
    losses: Counter[RecordLoss]

    def carry(self, chunk: Sequence[Record]) -> list[Record]:
        """The records that change, as they are afterwards; those that are rejected are noted."""

    def finish(self) -> list[Path]:
        """Complete the staged files of what is kept."""


def carrier(route: Route, keys: KeyRange, frozen: Store, rejects: Rejects, keeper: Keeper | None) -> Carrier:
    """What carries the records of a range.

    Args:
        route: their way.
        keys: the range.
        frozen: the database, or the column family of it that the route is of.
        rejects: is told of those that are rejected.
        keeper: takes what is to be kept of them; ``None``: nothing is.
    """
    kept = Kept(frozen, route.collection, route.kept_by, keys)
    found = (_Slow if route.down else _Fast)(route, kept, rejects, keeper)
    return _OfPickled(found, route) if route.allow_pickle else found


class _OfPickled(Carrier):
    """Has pickled documents carried as JSON, and pickles what becomes of them; others are carried as they are."""

    def __init__(self, carrier: Carrier, route: Route) -> None:
        self._carrier, self._route = carrier, route
        self.losses = carrier.losses

    @property
    def changed_by(self) -> Sequence[int]:  # type: ignore[override]  # whoever carries counts
        return self._carrier.changed_by

    def carry(self, chunk: Sequence[Record]) -> list[Record]:
        olds = {key: value for key, value in chunk if is_pickled(value)}
        changed = self._carrier.carry([(key, self._opened(value)) for key, value in chunk] if olds else chunk)
        return [(key, self._pickled(key, new, olds[key]) if key in olds else new) for key, new in changed]

    def _opened(self, value: bytes) -> bytes:
        """A value without its pickle; as it is where it has none, or one that is to be rejected."""
        if is_pickled(value):
            with suppress(NotADocument):
                return self._route.opened(value)
        return value

    def _pickled(self, key: bytes, document: bytes, old: bytes) -> bytes:
        """A document like the one that it comes of.

        Raises:
            RecordRejected: it is nested too deep by now.
        """
        try:
            return pickled(document, old)
        except RecursionError as error:
            raise RecordRejected([rejection(key, RecordRefused.by("", error), self._route)], 1) from None

    def finish(self) -> list[Path]:
        return self._carrier.finish()


class _Slow(Carrier):
    """Goes step by step, and rehearses that where it can."""

    def __init__(self, route: Route, kept: Kept, rejects: Rejects, keeper: Keeper | None) -> None:
        self.losses = Counter[RecordLoss]()
        self._journey = Journey(route)
        self._rehearsal = Rehearsal(self._journey)
        self._kept, self._rejects, self._keeper = kept, rejects, keeper
        self.changed_by = self._journey.changed_by

    def carry(self, chunk: Sequence[Record]) -> list[Record]:
        kept = self._kept.of([key for key, _ in chunk]) if self._kept and chunk else {}
        changed = self.carry_some(chunk, kept)
        if self._keeper is not None:
            self._keeper.end_block()
        return changed

    def carry_some(self, chunk: Sequence[Record], kept: Mapping[bytes, Mapping[Step, bytes]]) -> list[Record]:
        """The same, where it is known what is kept; the block does not end with them."""
        carried = [(key, value, self._carried(key, value, kept.get(key, {}))) for key, value in chunk]
        return [(key, found.value) for key, value, found in carried if found is not None and found.value != value]

    def _carried(self, key: bytes, value: bytes, kept: Mapping[Step, bytes]) -> Outcome | None:
        """What becomes of one record; ``None`` where it is rejected."""
        found = self._rehearsal(value, kept) or self._gone(key, value, kept)
        if found is None:
            return None
        if found.losses:
            self.losses.update(found.losses)
        if self._keeper is not None:
            for step, stored in found.lost:
                self._keeper.add(step, stored, (key,))
        return found

    def _gone(self, key: bytes, value: bytes, kept: Mapping[Step, bytes]) -> Outcome | None:
        """The same of a record that goes the journey itself."""
        self._journey.explains = self._rejects.wants_reasons
        try:
            found = self._journey(value, kept)
        except RecordRefused as refused:
            self._rejects.add(key, value, refused)
            if self._keeper is not None:  # for when it is taken up again
                for step, stored in kept.items():
                    self._keeper.add(step, stored, (key,))
            return None
        except Unreadable as error:
            raise self._kept.unreadable(key, error) from None
        return Outcome(found.value, [(step, complement.stored()) for step, complement in found.lost], found.losses)

    def finish(self) -> list[Path]:
        return self._keeper.finish() if self._keeper is not None else []


class _Fast(Carrier):
    """Goes all steps upwards at once, but with records of which something was kept on their way down."""

    def __init__(self, route: Route, kept: Kept, rejects: Rejects, keeper: Keeper | None) -> None:
        self._transform = Transform(route)
        self._transform.explains = False
        self._rejects, self._keeper = rejects, keeper
        self._again = Again(route)
        self._keeping, self._glances = Keeping(route), route.glances
        self._kept = kept
        self._back = _Slow(route, kept, rejects, keeper) if kept else None
        self.losses = self._back.losses if self._back is not None else Counter[RecordLoss]()

    @property
    def changed_by(self) -> Sequence[int]:  # type: ignore[override]  # it is counted in two places
        counts = self._again.without(self._transform.changed_by)
        others = self._back.changed_by if self._back is not None else [0] * len(counts)
        return [count + other for count, other in zip(counts, others, strict=True)]

    def carry(self, chunk: Sequence[Record]) -> list[Record]:
        kept = self._kept.of([key for key, _ in chunk]) if self._back is not None and chunk else {}
        changed = self._carry([record for record in chunk if record[0] not in kept] if kept else chunk)
        if self._back is not None and kept:
            changed += self._back.carry_some([record for record in chunk if record[0] in kept], kept)
            changed.sort()
        if self._keeper is not None:
            self._keeper.end_block()
        return changed

    def _carry(self, chunk: Sequence[Record]) -> list[Record]:
        """Carry records of which nothing is kept."""
        short = self._transform.shortcut
        changed: list[Record] = []
        kinds: list[Kind | bool] = []  # of those that change; where one went the long way, whether each step changed it
        stayed: list[Record] = []
        place = 0
        while place < len(chunk):
            if short is not None:
                first, place = place, short.alike(chunk, place, changed)
                kinds += repeat(short.kind or False, place - first)
            for key, value in chunk[place : place + 1]:
                place += 1
                try:
                    carried, kind = self._carried(value)
                except RecordRefused as refused:
                    again = self._again.refusal(value, refused, explains=self._rejects.wants_reasons)
                    self._rejects.add(key, value, again)
                    continue
                if carried is not None:
                    changed.append((key, carried))
                    kinds.append(kind)
                else:
                    stayed.append((key, value))
        if self._keeper is not None:
            self._keep(self._keeper, chunk, (changed, stayed), kinds)
        return changed

    def _carried(self, value: bytes) -> tuple[bytes | None, Kind | bool]:
        """What becomes of a record by itself; its kind, or whether each step changed it."""
        short = self._transform.shortcut
        if short is not None and (found := short.other(value)) is not PASSED:
            return found, short.kind or False
        return self._transform.carry_long(value), self._transform.passed_all

    def _keep(
        self,
        keeper: Keeper,
        chunk: Sequence[Record],
        carried: tuple[Sequence[Record], Sequence[Record]],
        kinds: Sequence[Kind | bool],
    ) -> None:
        """Keep what is to be kept of records that changed, which come with their kinds, and of those that did not."""
        changed, stayed = carried
        keeping, values = self._keeping, dict[bytes, bytes]()
        alone: list[Record] = []
        if self._glances:
            values = dict(chunk)
        for kind, records in _by_kind(changed, kinds):
            same = keeping.of_kind(kind) if type(kind) is tuple else () if kind and keeping.exact else None
            if same is None or (self._glances and _has_blanks(values[records[0][0]])):
                alone += records
                continue
            for template in same:
                if not template.names:
                    keeper.add(template.step, template.parts[0], [key for key, _ in records])
                    continue
                values = values or dict(chunk)
                for key, _ in records:
                    keeper.add(template.step, template.filled(values[key]), (key,))
        if keeping.keeps_unchanged:
            alone += stayed
        values = values or (dict(chunk) if alone else {})
        for key, value in alone:
            for step, complement in keeping.of(values[key], value):
                keeper.add(step, complement.stored(), (key,))

    def finish(self) -> list[Path]:
        return self._keeper.finish() if self._keeper is not None else []


def _by_kind(changed: Sequence[Record], kinds: Sequence[Kind | bool]) -> Iterator[tuple[Kind | bool, Sequence[Record]]]:
    """Records that follow each other and are of the same kind, most often all of them."""
    if kinds and kinds.count(kinds[0]) == len(kinds):
        yield kinds[0], changed
        return
    for kind, some in groupby(zip(kinds, changed, strict=True), key=itemgetter(0)):
        yield kind, [record for _, record in some]


def _has_blanks(value: bytes) -> bool:
    """Whether a record has blanks between its fields, as far as its first field tells.

    Where records are not checked, it is asked of the first of those that follow each other: to be sure of each would
    take as long as all else that is done with it.
    """
    colon = value.find(b'":')
    return value[1:2] != b'"' or value[colon + 2 : colon + 3].isspace() or b"\n" in value
