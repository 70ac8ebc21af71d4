"""What carries the records of a job: upwards all steps at once, and step by step where something was kept of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.journey import Arrived, Journey, RecordLoss
from migrate_spec.keeping import Keeping, Kind
from migrate_spec.kept import Keeper, Kept
from migrate_spec.rejects import Again, Rejects
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
    if route.down:
        return _Slow(route, kept, rejects, keeper)
    return _Fast(route, kept, rejects, keeper)


class _Slow(Carrier):
    """Goes step by step."""

    def __init__(self, route: Route, kept: Kept, rejects: Rejects, keeper: Keeper | None) -> None:
        self.losses = Counter[RecordLoss]()
        self._journey = Journey(route)
        self._kept, self._rejects, self._keeper = kept, rejects, keeper
        self.changed_by = self._journey.changed_by

    def carry(self, chunk: Sequence[Record]) -> list[Record]:
        kept = self._kept.of([key for key, _ in chunk]) if self._kept and chunk else {}
        carried = [(key, value, self.carry_one(key, value, kept.get(key, {}))) for key, value in chunk]
        if self._keeper is not None:
            self._keeper.end_block()
        return [(key, found.value) for key, value, found in carried if found is not None and found.value != value]

    def carry_one(self, key: bytes, value: bytes, kept: dict[tuple[int, int], bytes]) -> Arrived | None:
        """What becomes of one record; ``None`` where it is rejected."""
        self._journey.explains = self._rejects.wants_reasons
        try:
            found = self._journey(value, kept)
        except RecordRefused as refused:
            self._rejects.add(key, value, refused)
            return None
        self.losses.update(found.losses)
        if self._keeper is not None:
            for step, complement in found.lost:
                self._keeper.add(step, complement.stored(), (key,))
        return found

    def finish(self) -> list[Path]:
        return self._keeper.finish() if self._keeper is not None else []


class _Fast(Carrier):
    """Goes all steps upwards at once, but with records of which something was kept on their way down."""

    def __init__(self, route: Route, kept: Kept, rejects: Rejects, keeper: Keeper | None) -> None:
        self._transform = Transform(route)
        self._transform.explains = False
        self._rejects, self._keeper = rejects, keeper
        self._again = Again(route)
        self._keeping = Keeping(route) if keeper is not None else None
        self._kept = kept
        self._back = _Slow(route, kept, rejects, keeper) if kept else None
        self._same: dict[Kind, list[bytes]] = {}
        self.losses = self._back.losses if self._back is not None else Counter[RecordLoss]()

    @property
    def changed_by(self) -> Sequence[int]:  # type: ignore[override]  # it is counted in two places
        counts = self._again.without(self._transform.changed_by)
        others = self._back.changed_by if self._back is not None else [0] * len(counts)
        return [count + other for count, other in zip(counts, others, strict=True)]

    def carry(self, chunk: Sequence[Record]) -> list[Record]:
        kept = self._kept.of([key for key, _ in chunk]) if self._back is not None and chunk else {}
        changed: list[Record] = []
        short, transform, keeping = self._transform.shortcut, self._transform, self._keeping
        for key, value in chunk:
            if kept and key in kept:
                assert self._back is not None  # noqa: S101 - else nothing is kept
                found = self._back.carry_one(key, value, kept[key])
                if found is not None and found.value != value:
                    changed.append((key, found.value))
                continue
            try:
                carried = short(value) if short is not None else PASSED
                by_kind = carried is not PASSED
                if not by_kind:
                    carried = transform(value)
            except RecordRefused as refused:
                again = self._again.refusal(value, refused, explains=self._rejects.wants_reasons)
                self._rejects.add(key, value, again)
            else:
                if carried is not None:
                    changed.append((key, carried))
                if keeping is not None and (carried is not None or keeping.keeps_unchanged):
                    if by_kind and short is not None and short.kind is not None:
                        same = self._same.get(short.kind)
                        if same is None:
                            same = self._same[short.kind] = []
                        same.append(key)
                    elif not (keeping.exact and transform.passed_all):
                        self._keep(key, value, carried or value)
        if self._keeper is not None:
            self._keep_same(dict(changed), chunk)
            self._keeper.end_block()
        return changed

    def _keep(self, key: bytes, value: bytes, carried: bytes) -> None:
        """Keep what is to be kept of one record."""
        if self._keeping is not None and self._keeper is not None:
            for step, complement in self._keeping.of(value, carried):
                self._keeper.add(step, complement.stored(), (key,))

    def _keep_same(self, changed: dict[bytes, bytes], chunk: Sequence[Record]) -> None:
        """Keep what is to be kept of records of the same kinds."""
        assert self._keeping is not None  # noqa: S101 - there is a keeper
        assert self._keeper is not None  # noqa: S101 - as above
        for kind, keys in self._same.items():
            lost = self._keeping.of_kind(kind)
            if lost is None:
                values = dict(chunk)
                for key in keys:
                    self._keep(key, values[key], changed.get(key, values[key]))
            else:
                for step, complement in lost:
                    self._keeper.add(step, complement.stored(), keys)
        self._same.clear()

    def finish(self) -> list[Path]:
        return self._keeper.finish() if self._keeper is not None else []
