"""What collections hold that records have left the quarantine for: counted and digested, as the history notes it.

A run that carries all records of a collection digests them on its way. Where it carries only some that were in
quarantine, the others are read for that: in a copy of the database, by links, that gets the staged files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from migrate_spec.afterwards import contents_of
from migrate_spec.backup import Contents
from migrate_spec.carried import Carried
from migrate_spec.compiler import Route
from migrate_spec.plan import Plan
from migrate_spec.retaking import Retaken
from migrate_spec.runner import Means
from migrate_spec.spec import overlap
from migrate_spec.store import KeyRange, Store
from migrate_spec.swapping import changed_copy

__all__ = ["MOST_RECORDS", "recount"]

MOST_RECORDS: Final = 2_500_000
"""Of a collection that are read for the history alone, which takes seconds. This is compared with an estimate, in which
those count, too, that were replaced since the last compaction; so a million is read in any case."""


def recount(plan: Plan, means: Means, results: Sequence[Carried], retaken: Retaken) -> None:
    """Count and digest what collections hold of which the run does not know it; of large ones it stays unknown.

    Args:
        plan: the ways of all collections.
        means: what the run has to work with.
        results: what became of the collections that the run touches.
        retaken: what became of records in quarantine.

    Raises:
        DatabaseError: the database cannot be read, or its copy not be made.
    """
    stops = not means.rejecting.quarantines and any(one.rejected for one in results)
    if means.folder is None or not retaken.left or stops:
        return
    freed = [one.route for one in retaken.others.values() if one.freed]
    reached = {route.collection for route in plan.known if _is_reached(route, freed)}
    own = {one.collection for one in results}
    for route in plan.known:
        if route.collection in reached - own:
            retaken.note(route)
    staying = [one for one in results if not one.route.moves_records]
    stale = [one for one in staying if one.collection in reached or (one.freed and one.after is None)]
    for one in stale:
        one.after = None
    noted = [one for one in retaken.noted if _is_small(one.route, means.frozen)]
    small = [*noted, *(one for one in stale if _is_small(one.route, means.frozen))]
    if small:
        _digest(small, means.frozen, means.folder / "recount", _files(stale, retaken))
    for one in noted:
        one.before = _contents(one.route, means.frozen)


def _is_reached(route: Route, freed: Iterable[Route]) -> bool:
    """Whether records of other collections that left the quarantine may have become some of this one."""
    moving = [one for one in freed if one.moves_records and one.column_family == route.column_family]
    written = {key for one in moving if one.collection != route.collection for spec in one.specs for key in spec.ranges}
    return any(overlap(route.specs[-1].head_after, key) for key in written)


def _is_small(route: Route, frozen: Store) -> bool:
    keys = KeyRange.of_prefix(route.specs[-1].head_after.encode())
    return frozen.family(route.column_family).size(keys).records <= MOST_RECORDS


def _files(stale: Iterable[Carried], retaken: Retaken) -> Mapping[str, Sequence[Path]]:
    """The staged files by their column family; of those of the run itself only what is asked for."""
    files = {family: list(some) for family, some in retaken.files.items()}
    for one in stale:
        files.setdefault(one.route.column_family, []).extend(one.files)
    return files


def _digest(concerned: Iterable[Carried], frozen: Store, place: Path, files: Mapping[str, Sequence[Path]]) -> None:
    with changed_copy(frozen.path, files, place, frozen.path) as changed:
        for one in concerned:
            one.after = _contents(one.route, changed)


def _contents(route: Route, store: Store) -> Contents:
    return contents_of(store, route.specs[-1].head_after, family=route.column_family)
