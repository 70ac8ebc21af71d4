"""The way down of collections whose records do not stay where they are, one version step at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from migrate_spec.afterwards import Afterwards
from migrate_spec.carried import Carried
from migrate_spec.claims import Claims
from migrate_spec.codec import NotADocument
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.document import Refused
from migrate_spec.errors import Fault, Rejection, show_key
from migrate_spec.homes import Homes
from migrate_spec.homeward import Home, Homeward
from migrate_spec.journey import RecordLoss
from migrate_spec.kept import keep_sorted
from migrate_spec.losses import EVERYTHING
from migrate_spec.moves import Move
from migrate_spec.ranges import without_collector
from migrate_spec.rejects import rejection
from migrate_spec.runner import Means
from migrate_spec.settling import Settled, settle
from migrate_spec.sorter import Sorter

__all__ = ["carry_home"]

T = TypeVar("T")


def carry_home(routes: Sequence[Route], means: Means, known: Sequence[Route]) -> tuple[list[Carried], list[Path]]:
    """Carry the records of collections down by one step that moves some of them.

    Args:
        routes: the step of each collection of a column family.
        means: what the run has to work with, in that family.
        known: the ways of all collections, as a step can make a record of another one.

    Returns:
        What became of the collections; and the staged files with all that stands somewhere else afterwards.
    """
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=means.folder, prefix="sorting-")))
        stack.enter_context(without_collector())
        run = _Return(means, [stack.enter_context(Sorter(place)) for _ in range(4)])
        homes = Homes(known)
        ways = [(Homeward(route, means.frozen, homes), Carried(route)) for route in routes]
        run.claims = Claims(
            [way for way, _ in ways], means.frozen, homes, [stack.enter_context(Sorter(place)) for _ in range(2)]
        )
        for way, result in ways:
            run.carry(way, result)
        for way, result in ways:
            run.bring_back(way, result)
        run.check_claims(ways)
        results = [result for _, result in ways]
        settled = run.settle(results)
    return results, settled.files


class _Return:
    """One step down.

    Attributes:
        claims: the records that go into others.
    """

    claims: Claims

    def __init__(self, means: Means, sorters: Sequence[Sorter]) -> None:
        """Take what the run has to work with, and room for what changes, for strays, for what returns, and is kept."""
        self._means = means
        self._changes, self._strays, self._free, self._kept = sorters

    def carry(self, way: Homeward, result: Carried) -> None:
        """Carry the records of one collection."""
        for key, value in self.claims.others(self._means.tried(result)):
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
        for part in found.taken:
            self._changes.add(part, key, None)
            self.claims.take(part, key)
        for part, written in found.given.items():
            self._changes.add(part, key, written)
        for entry, there in found.entries.items():
            if there is not None and self._means.frozen.get(entry) == there:
                self._changes.add(entry, key, None)  # an entry that is there already is in nobody's way
            self._changes.add(entry, key, there)
        for entry, stray in found.strays.items():
            self._strays.add(entry, key, stray)
        if found.kept is not None:
            self._kept.add(*found.kept)
        result.losses.update(found.losses)
        return (found.key, found.value) != (key, value) or bool(found.taken or found.given)

    def bring_back(self, way: Homeward, result: Carried) -> None:
        """Bring the records back that the step had deleted, but those in whose place there is another one now."""
        for key, move, is_free in self._places(way.gone()):
            if not is_free:
                result.losses[RecordLoss(way.step, EVERYTHING, "conflict")] += 1
                continue
            self._free.add(key, key, move.gone)
            self._bring_parts_back(way, key, move, result)
            result.migrated += 1
            for entry, there in move.entries.items():
                self._strays.add(entry, key, there)
        result.changed_by = [result.migrated]
        deleted = dict(result.route.deleted).get(way.spec.from_version)
        if deleted is not None and way.spec.deletes_records:
            result.losses[RecordLoss(way.step, EVERYTHING, "unkept")] += deleted

    def _bring_parts_back(self, way: Homeward, key: bytes, move: Move, result: Carried) -> None:
        """Bring back what had gone into a record that had gone then; and what was made of it goes with it again."""
        for slot, parts in zip(way.spec.lists_of_records, move.parts, strict=False):
            for part in parts or ():
                there = self._means.frozen.get(part.key)
                if part.lost is not None:
                    self._free.add(part.key, key, part.lost)
                elif there is None:
                    result.losses[RecordLoss(way.step, f"{slot}[]", "conflict")] += 1
                elif way.village.is_as_made(part, there):
                    self._free.add(part.key, key, None)
                    self.claims.take(part.key, key)
                else:
                    fault = Fault(
                        f"a record was found that is edited, and was made of {show_key(key)}, which the step deleted",
                        "what the step had made of it was expected",
                        "delete it, or give it a key that the step does not make",
                        code="refused",
                    )
                    result.reject(Rejection(part.key, way.name, "", fault, None, result.route.column_family))

    def check_claims(self, ways: Sequence[tuple[Homeward, Carried]]) -> None:
        """See that no record goes into two, and tell of those that stay, though the older version has no such ones."""
        makers = [(way, result) for way, result in ways if way.spec.makes_records]
        if not makers:
            return
        for key, found in self.claims.wrongly_taken():
            way, result = makers[-1]
            fault = Fault(found, "records of exactly one were expected", "", None, "not-gathered")
            result.reject(Rejection(key, way.name, "", fault, None, result.route.column_family))
        results = {way.name: result for way, result in makers}
        for way, slot in self.claims.homeless():
            results[way.name].losses[RecordLoss(way.step, f"{slot}[]", "kept")] += 1

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
            for entry in entries:
                self._changes.add(key, entry.source, entry.value)

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
