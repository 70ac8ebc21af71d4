"""How a plan is executed: records are read from a frozen copy, carried over, and written to staged files."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from migrate_spec.backup import Contents, Digest
from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.errors import Fault, RecordRejected, Rejection, show_key
from migrate_spec.flow import Flow, Flows
from migrate_spec.plan import Plan
from migrate_spec.progress import Tracker
from migrate_spec.sorter import Entry, Sorter
from migrate_spec.store import KeyRange, StagedFile, Store, ranges_of, stage

__all__ = ["Carried", "carry", "carry_moving", "check_rejections"]

Record = tuple[bytes, bytes]
Put = Callable[[bytes, bytes | None], None]
"""Stages a value for a key, or that it goes."""

SHOWN_REJECTIONS = 100
RECORDS_A_CHUNK = 1000
RECORDS_A_FILE = 500_000


@dataclass
class Carried:
    """What became of one collection.

    Attributes:
        route: the way its records went.
        scanned: how many there are.
        migrated: how many were written anew.
        changed_by: for each step of the route, how many it changed.
        before: what the frozen copy held.
        files: the staged files.
        rejections: the first rejected records.
        rejected: how many in all.
    """

    route: Route
    scanned: int = 0
    migrated: int = 0
    changed_by: Sequence[int] = ()
    before: Contents = Contents("", 0, "")  # noqa: RUF009 - it cannot be altered
    files: list[Path] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rejected: int = 0

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self.route.collection

    def reject(self, rejection: Rejection) -> None:
        """Note a record that is rejected."""
        self.rejected += 1
        if len(self.rejections) < SHOWN_REJECTIONS:
            self.rejections.append(rejection)

    @property
    def unchanged(self) -> int:
        """How many records stay as they are."""
        return self.scanned - self.migrated - self.rejected


def carry(route: Route, frozen: Store, target: Store | None, folder: Path, tracker: Tracker) -> Carried:
    """Carry all records of one collection.

    Args:
        route: the way.
        frozen: where to read; it must not change meanwhile.
        target: the database whose options the staged files get; ``None``: write nothing, only find out.
        folder: where the staged files go.
        tracker: is told of every chunk of records.

    Returns:
        What became of them. Records that are rejected are in it; none of the files is complete then.
    """
    result = Carried(route)
    transform = Transform(route)
    staging = _Staging(target, folder, result)
    with _without_collector():
        for chunk in _chunks(result, frozen, tracker):
            put = staging.put_for(len(chunk))
            for key, value in chunk:
                try:
                    carried = transform(value)
                except RecordRefused as refused:
                    _reject(result, key, refused, transform)
                else:
                    if carried is not None:
                        result.migrated += 1
                        put(key, carried)
        staging.close()
    result.changed_by = tuple(transform.changed_by)
    return result


def _chunks(result: Carried, frozen: Store, tracker: Tracker) -> Iterator[list[Record]]:
    """The records of a collection, some at a time; they are counted and digested, and the tracker is told of them."""
    digest, route = Digest(), result.route
    records = frozen.scan(KeyRange.of_prefix(route.key_prefix))
    while chunk := list(islice(records, RECORDS_A_CHUNK)):
        result.scanned += len(chunk)
        digest.add(chunk)
        yield chunk
        tracker.advance(f"migrating {result.collection}", len(chunk))
    result.before = Contents(route.key_prefix.decode(), result.scanned, digest.hexdigest())


def _reject(result: Carried, key: bytes, refused: RecordRefused, transform: Transform) -> None:
    """Note a record that was refused; once there are enough to show, no more are explained."""
    result.reject(Rejection(key, refused.step, refused.path, refused.fault, refused.cause))
    transform.explains = len(result.rejections) < SHOWN_REJECTIONS


def carry_moving(plan: Plan, frozen: Store, target: Store | None, folder: Path, tracker: Tracker) -> list[Carried]:
    """Carry all records of the collections whose specs move records: their changes can be of any key, in any order.

    Args:
        plan: the ways of all collections.
        frozen: where to read, as for :func:`carry`.
        target: the database, as there.
        folder: where the staged files go.
        tracker: is told of every chunk of records.

    Returns:
        What became of each collection; the staged files are with the last.
    """
    routes = [route for route in plan.routes if route.moves_records]
    if not routes:
        return []
    results = [Carried(route) for route in routes]
    with TemporaryDirectory(dir=folder if target is not None else None, prefix="sorting-") as temporary:
        place = Path(temporary)
        with Sorter(place) as changes, Sorter(place) as taken, _without_collector():
            flows = Flows(plan.known, frozen, changes, taken)
            for result in results:
                _carry_moving(result, flows, tracker)
            if not any(result.rejected for result in results):  # else it may be only a record that is rejected itself
                _check_taken(routes, flows, results[-1])
            staging = _Staging(target, folder, results[-1])
            for key, entries in changes.groups():
                _settle_key(key, entries, frozen, staging.put_for(1), results)
            staging.close()
    return results


def _carry_moving(result: Carried, flows: Flows, tracker: Tracker) -> None:
    """Carry the records of one collection; their changes are noted in the flows."""
    flow = Flow(flows, result.collection)
    for chunk in _chunks(result, flows.frozen, tracker):
        for key, value in chunk:
            try:
                result.migrated += flow.carry(key, value)
            except RecordRefused as refused:
                _reject(result, key, refused, flow.transform)
    result.changed_by = tuple(flow.transform.changed_by)


def _check_taken(routes: Sequence[Route], flows: Flows, result: Carried) -> None:
    """See that every record which was to be taken into another one was taken into one, and only one."""

    def reject(key: bytes, found: str) -> None:
        fault = Fault(found, "records of exactly one were expected", "", None, "not-gathered")
        result.reject(Rejection(key, "gather", "", fault))

    for key, entries in flows.taken.groups():
        if len(entries) > 1:
            reject(key, f"a record of {len(entries)} was found")
    taken = (key for key, _ in flows.taken.groups())
    one = next(taken, None)
    for keys in ranges_of(prefix for route in routes for spec in route.way for prefix in spec.taken):
        for key, _ in flows.frozen.scan(keys):
            while one is not None and one < key:
                one = next(taken, None)
            if one != key:
                reject(key, "a record was found that belongs to none")


def _settle_key(key: bytes, entries: Sequence[Entry], frozen: Store, put: Put, results: Sequence[Carried]) -> None:
    """Write what becomes of one key, where that is one thing."""
    values = [entry for entry in entries if entry.value is not None]
    goes = any(entry.value is None for entry in entries)
    there = None
    if values and not goes and values[0].source != key:
        there = frozen.get(key)
    if len(values) > 1 or there is not None:
        other = values[0].source if len(values) > 1 else key
        found = f"the key {show_key(key)} was found, which {show_key(other)} has"
        remedy = "make the keys of two records differ, or drop one of the two"
        fault = Fault(found, "a key that is free was expected", remedy, None, "key-taken")
        results[-1].reject(Rejection(values[-1].source, "records", "", fault))
    else:
        put(key, values[0].value if values else None)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Python's cycle collector off: documents hold no cycles, and looking for some takes a tenth of the run."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Staging:
    """The staged files of a collection: a new one every :data:`RECORDS_A_FILE` records, none after a rejection."""

    def __init__(self, target: Store | None, folder: Path, result: Carried) -> None:
        self._target = target
        self._folder = folder
        self._result = result
        self._file: StagedFile | None = None
        self._room = 0

    def put_for(self, count: int) -> Put:
        """What stages up to so many records; nothing happens to them where nothing is to be written."""
        if self._target is None or self._result.rejected:
            return lambda _key, _value: None
        if self._file is None or self._room < count:
            self.close()
            name = f"{self._result.collection}-{len(self._result.files):06}.sst"
            self._file = self._target.stage(self._folder / name)
            self._room = RECORDS_A_FILE
        self._room -= count
        file = self._file
        return lambda key, value: stage(file, key, value)

    def close(self) -> None:
        """Complete the file at hand."""
        if self._file is not None:
            path = self._file.finish()
            self._file = None
            if path is not None:
                self._result.files.append(path)


def check_rejections(results: Sequence[Carried], database: Path) -> None:
    """See that no record was rejected.

    Raises:
        RecordRejected: some were; it names them, up to a bound.
    """
    count = sum(result.rejected for result in results)
    if count:
        shown = sorted((one for result in results for one in result.rejections), key=lambda one: one.key)
        raise RecordRejected(shown[:SHOWN_REJECTIONS], count, where=str(database))
