"""The run of collections whose records do not stay where they are: changes are sorted before they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from migrate_spec.afterwards import Afterwards
from migrate_spec.backup import Contents
from migrate_spec.carried import Carried
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.digest import Digest
from migrate_spec.errors import Fault, Rejection, show_key
from migrate_spec.flow import Flow, Flows
from migrate_spec.plan import Plan
from migrate_spec.ranges import RECORDS_A_CHUNK, SHOWN_REJECTIONS, rejection, without_collector
from migrate_spec.runner import Means
from migrate_spec.sorter import Entry, Sorter
from migrate_spec.store import KeyRange, Record, StagedFile, Store, ranges_of, stage

__all__ = ["carry_moving"]

Put = Callable[[bytes, bytes | None], None]
"""Stages a value for a key, or that it goes."""

RECORDS_A_FILE = 500_000


def carry_moving(plan: Plan, means: Means) -> list[Carried]:
    """Carry all records of the collections whose specs move records: their changes can be of any key, in any order.

    Args:
        plan: the ways of all collections.
        means: what the run has to work with; this process carries all of them.

    Returns:
        What became of each collection; the staged files are with the last of its column family.
    """
    routes = [route for route in plan.routes if route.moves_records]
    families = dict.fromkeys(route.column_family for route in routes)
    return [result for family in families for result in _carry_family(family, routes, plan, means)]


def _carry_family(family: str, routes: Sequence[Route], plan: Plan, means: Means) -> list[Carried]:
    """Carry what is in one column family: no record leaves it."""
    routes, known = ([route for route in some if route.column_family == family] for some in (routes, plan.known))
    means = replace(means, frozen=means.frozen.family(family))
    results = [Carried(route) for route in routes]
    with TemporaryDirectory(dir=means.folder, prefix="sorting-") as temporary:
        place = Path(temporary)
        with Sorter(place) as changes, Sorter(place) as taken, without_collector():
            flows = Flows(known, means.frozen, changes, taken)
            for result in results:
                _carry_moving(result, flows, means)
            if not any(result.rejected for result in results):  # else it may be only a record that is rejected itself
                _check_taken(routes, flows, results[-1])
            staging = _Staging(means, results[-1])
            after = _Watched(means, results)
            for key, entries in changes.groups():
                _settle_key(key, entries, means.frozen, after.watching(staging.put_for(1)), results)
            staging.close()
            after.finish()
    return results


def _carry_moving(result: Carried, flows: Flows, means: Means) -> None:
    """Carry the records of one collection; their changes are noted in the flows."""
    flow = Flow(flows, result.collection)
    for chunk in _chunks(result, means):
        for key, value in chunk:
            try:
                result.migrated += flow.carry(key, value)
            except RecordRefused as refused:
                result.reject(rejection(key, refused, result.route))
                flow.transform.explains = len(result.rejections) < SHOWN_REJECTIONS
    result.changed_by = tuple(flow.transform.changed_by)


def _check_taken(routes: Sequence[Route], flows: Flows, result: Carried) -> None:
    """See that every record which was to be taken into another one was taken into one, and only one."""

    def reject(key: bytes, found: str) -> None:
        fault = Fault(found, "records of exactly one were expected", "", None, "not-gathered")
        result.reject(Rejection(key, "gather", "", fault, None, result.route.column_family))

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
        family = results[-1].route.column_family
        results[-1].reject(Rejection(values[-1].source, "records", "", fault, None, family))
    else:
        put(key, values[0].value if values else None)


class _Watched:
    """What stands afterwards, known from all that is staged; nothing where nothing is to be written."""

    def __init__(self, means: Means, results: Sequence[Carried]) -> None:
        self._results = results
        self._afterwards: Afterwards | None = None
        if means.folder is not None and not any(result.rejected for result in results):
            heads = {result.collection: result.route.specs[-1].head_after for result in results}
            self._afterwards = Afterwards(means.frozen, heads, results[0].route.column_family)

    def watching(self, put: Put) -> Put:
        """What stages as ``put`` does, and takes note of it."""
        afterwards = self._afterwards
        if afterwards is None:
            return put

        def put_and_note(key: bytes, value: bytes | None) -> None:
            put(key, value)
            afterwards.settle(key, value)

        return put_and_note

    def finish(self) -> None:
        """Note with each collection what it holds afterwards."""
        if self._afterwards is not None:
            found = self._afterwards.finish()
            for result in self._results:
                result.after = found[result.collection]


def _chunks(result: Carried, means: Means) -> Iterator[list[Record]]:
    """The records of a collection, some at a time; they are counted and digested, and the tracker is told of them."""
    digest, route = Digest(), result.route
    for chunk in means.frozen.chunks(KeyRange.of_prefix(route.key_prefix), RECORDS_A_CHUNK):
        result.scanned += len(chunk)
        if means.folder is not None:
            digest.add(chunk)
        yield chunk
        means.tracker.advance(f"migrating {result.collection}", len(chunk))
    result.before = Contents(
        route.key_prefix.decode(), result.scanned, digest.hexdigest(), column_family=route.column_family
    )


class _Staging:
    """The staged files of a collection: a new one every :data:`RECORDS_A_FILE` records, none after a rejection."""

    def __init__(self, means: Means, result: Carried) -> None:
        self._frozen = means.frozen
        self._folder = means.folder
        self._result = result
        self._file: StagedFile | None = None
        self._room = 0

    def put_for(self, count: int) -> Put:
        """What stages up to so many records; nothing happens to them where nothing is to be written."""
        if self._folder is None or self._result.rejected:
            return lambda _key, _value: None
        if self._file is None or self._room < count:
            self.close()
            self._file = self._frozen.stage(self._folder / f"{uuid4().hex}.sst")
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
