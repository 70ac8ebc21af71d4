"""The way down of collections whose records do not stay where they are, one version step at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from migrate_spec.afterwards import Afterwards
from migrate_spec.carried import Carried
from migrate_spec.codec import NotADocument
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.document import Refused
from migrate_spec.errors import Rejection
from migrate_spec.homeward import Home, Homeward
from migrate_spec.journey import RecordLoss
from migrate_spec.kept import keep_sorted
from migrate_spec.ranges import without_collector
from migrate_spec.rejects import rejection
from migrate_spec.runner import Means
from migrate_spec.settling import Settled, settle
from migrate_spec.sorter import Sorter

__all__ = ["carry_home"]

T = TypeVar("T")

EVERYTHING = "."
"""The path of a whole record."""


def carry_home(routes: Sequence[Route], means: Means) -> tuple[list[Carried], list[Path]]:
    """Carry the records of collections down by one step that moves some of them.

    Args:
        routes: the step of each collection of a column family.
        means: what the run has to work with, in that family.

    Returns:
        What became of the collections; and the staged files with all that stands somewhere else afterwards.
    """
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=means.folder, prefix="sorting-")))
        stack.enter_context(without_collector())
        run = _Return(means, [stack.enter_context(Sorter(place)) for _ in range(4)])
        ways = [(Homeward(route, means.frozen), Carried(route)) for route in routes]
        for way, result in ways:
            run.carry(way, result)
        for way, result in ways:
            run.bring_back(way, result)
        results = [result for _, result in ways]
        settled = run.settle(results)
    return results, settled.files


class _Return:
    """One step down."""

    def __init__(self, means: Means, sorters: Sequence[Sorter]) -> None:
        """Take what the run has to work with, and room for what changes, for strays, for what returns, and is kept."""
        self._means = means
        self._changes, self._strays, self._free, self._kept = sorters

    def carry(self, way: Homeward, result: Carried) -> None:
        """Carry the records of one collection."""
        for chunk in self._means.tried(result):
            for key, value in chunk:
                try:
                    if way.is_entry(key, value):
                        continue
                    result.migrated += self._note(key, value, way(key, value), result)
                except (NotADocument, Refused, RecordRefused) as error:
                    refused = error if isinstance(error, RecordRefused) else RecordRefused.by(way.name, error)
                    result.reject(rejection(key, refused, result.route))
        result.changed_by = [result.migrated]

    def _note(self, key: bytes, value: bytes, found: Home, result: Carried) -> bool:
        """Note what becomes of a record; whether it changes."""
        if (found.key, found.value) != (key, value):
            if found.key != key:
                self._changes.add(key, key, None)
            self._changes.add(found.key, key, found.value)
        for entry, there in found.entries.items():
            if there is not None and self._means.frozen.get(entry) == there:
                self._changes.add(entry, key, None)  # an entry that is there already is in nobody's way
            self._changes.add(entry, key, there)
        for entry, stray in found.strays.items():
            self._strays.add(entry, key, stray)
        if found.kept is not None:
            self._kept.add(*found.kept)
        result.losses.update(found.losses)
        return (found.key, found.value) != (key, value)

    def bring_back(self, way: Homeward, result: Carried) -> None:
        """Bring the records back that the step had deleted, but those in whose place there is another one now."""
        for key, move, is_free in self._places(way.gone()):
            if not is_free:
                result.losses[RecordLoss(way.step, EVERYTHING, "conflict")] += 1
                continue
            self._free.add(key, key, move.gone)
            result.migrated += 1
            for entry, there in move.entries.items():
                self._strays.add(entry, key, there)
        result.changed_by = [result.migrated]

    def _places(self, wanted: Iterable[tuple[bytes, T]]) -> Iterator[tuple[bytes, T, bool]]:
        """The keys under which something is to come back, what that is, and whether nothing else stands there then."""
        changes = self._changes.groups()
        group = next(changes, None)
        for key, what in wanted:
            while group is not None and group[0] < key:
                group = next(changes, None)
            if group is not None and group[0] == key:
                yield key, what, all(entry.value is None for entry in group[1])
            else:
                yield key, what, self._means.frozen.get(key) is None

    def _fill_places(self) -> None:
        """Put back what stood in the place of entries, where nothing else is now, and the records that had gone."""
        for key, found, is_free in self._places(self._strays.groups()):
            if is_free:
                self._free.add(key, found[0].source, found[0].value)
        for key, entries in self._free.groups():
            self._changes.add(key, entries[0].source, entries[0].value)

    def settle(self, results: Sequence[Carried]) -> Settled:
        """Write what becomes of each key, and what is kept."""
        stops = any(result.rejected for result in results)
        self._fill_places()
        prefixes = {one.collection: one.route.way[0].prefix for one in results}

        def watched() -> Afterwards:
            return Afterwards(self._means.frozen, prefixes, results[0].route.column_family)

        settled = settle(self._changes, self._means, lambda _key: False, watched, stops=stops)
        for key, collision in settled.collided.items():
            one = next((one for one in results if key.startswith(one.route.key_prefix)), results[0])
            one.reject(Rejection(key, one.route.way[0].name, "", collision.fault(), None, one.route.column_family))
        for one in results:
            one.after = settled.after.get(one.collection)
        means = self._means
        if not stops and means.folder is not None and means.run is not None:
            values = (entry.value for _, group in self._kept.groups() for entry in group if entry.value is not None)
            results[0].kept += keep_sorted(values, means.frozen, means.folder, means.run)
        return settled
