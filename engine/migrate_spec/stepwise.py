"""The way down of a database in which a step moves records: one version step after the other, on a copy of its own.

What stands where after a step is known when all of it is done, as records come, go, and take others in. So each step
but the last is swapped into a copy, which the next one reads; what all of them changed is swapped in at the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from migrate_spec.carried import Carried
from migrate_spec.compiler import Route
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.migration import Migration
from migrate_spec.plan import Plan
from migrate_spec.retaking import Retaken
from migrate_spec.returning import carry_home
from migrate_spec.runner import Means, carry
from migrate_spec.spec import overlap
from migrate_spec.store import Store
from migrate_spec.stores.rocks import open_for_reading, open_for_writing
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["carry_stepwise"]

Files = Mapping[str, Sequence[Path]]
"""Staged files by their column family, in the order in which they count."""


def carry_stepwise(plan: Plan, means: Means, live: Store) -> tuple[list[Carried], Retaken]:
    """Carry all records down, step by step.

    Args:
        plan: the way.
        means: what the run has to work with.
        live: the database, which stays as it is.

    Returns:
        What became of each collection in each step, the last step first, and the staged files.

    Raises:
        DatabaseError: the database cannot be read, or the staged files not be written.
    """
    results: list[Carried] = []
    staged: dict[str, list[Path]] = {}
    copy = _Copy(live, means.folder) if means.folder is not None and len(plan.steps) > 1 else None
    for number, step in enumerate(plan.steps):
        within = _one_step(plan, step)
        with copy.opened() if copy is not None and number else _as_it_is(means.frozen) as frozen:
            found, files = _carry(within, replace(means, frozen=frozen))
        results[:0] = found
        if any(result.rejected for result in found):
            break  # nobody knows what the next step would be given
        for family, some in files.items():
            staged.setdefault(family, []).extend(some)
        if copy is not None and number + 1 < len(plan.steps):
            copy.take(files)
    retaken = Retaken(results)
    retaken.files |= staged
    return results, retaken


def _one_step(plan: Plan, step: Sequence[Migration]) -> Plan:
    """One step of a way; all collections that are known have the schemas of where it leads."""
    ways = {route.collection: route for route in plan.routes}
    routes, version = tuple(_route(ways[one.collection], one) for one in step), step[0].from_version
    schemas = {one.collection: one.schema_before for one in plan.migrations if one.from_version >= version}
    known = tuple(replace(route, schema=schemas.get(route.collection, route.schema)) for route in plan.known)
    return Plan(step[0].to_version, version, (tuple(step),), routes, known)


def _route(way: Route, step: Migration) -> Route:
    unstamped = 1 if way.stamp.path is not None else step.to_version
    whole = replace(way, specs=(step.spec,), target=step.to_version, start=step.from_version, unstamped=unstamped)
    earlier = tuple(spec for spec in way.specs if spec.to_version <= step.from_version)
    return replace(whole, schema=step.schema_before if way.schema is not None else None, earlier=earlier)


def _carry(plan: Plan, means: Means) -> tuple[list[Carried], dict[str, list[Path]]]:
    """Carry all records down by one step; those that stay where they are first, as others may take them in."""
    results: list[Carried] = []
    files: dict[str, list[Path]] = {}
    for family in plan.families:
        within, inside = plan.within(family), means.within(family)
        moving = [route for route in within.routes if route.moves_records or _is_reached(route, within.routes)]
        found = carry([route for route in within.routes if route not in moving], means)
        moved: list[Path] = []
        if moving and inside is not None:
            more, moved = carry_home(moving, inside, within.known)
            found += more
        for result in found:
            files.setdefault(family, []).extend(result.files)
            files.setdefault(DEFAULT_FAMILY, []).extend(result.kept)
            result.files, result.kept = [], []
        files.setdefault(family, []).extend(moved)
        results += found
    return results, files


def _is_reached(route: Route, routes: Sequence[Route]) -> bool:
    """Whether another collection's step has made records that stand among those of this one."""
    made = (prefix for other in routes for spec in other.way for prefix in spec.makes)
    return any(overlap(route.specs[-1].head_after, prefix) for prefix in made)


class _Copy:
    """A copy of the database that goes along step by step."""

    def __init__(self, live: Store, folder: Path) -> None:
        self._path = folder / "steps"
        self._files = folder / "steps-files"
        self._live = live

    def take(self, files: Files) -> None:
        """Bring the copy to where a step leads; its files stay where they are."""
        if not self._path.exists():
            self._live.checkpoint(self._path)
        with SpeakingOf(self._live.path):
            shutil.rmtree(self._files, ignore_errors=True)
            self._files.mkdir()
        with open_for_writing(self._path) as store:
            for family, some in files.items():
                store.family(family).ingest([self._copied(file) for file in some])

    def _copied(self, file: Path) -> Path:
        with SpeakingOf(self._live.path):
            return Path(shutil.copy(file, self._files))

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """The copy, for reading."""
        with open_for_reading(self._path, frozen=True) as store:
            yield store


@contextmanager
def _as_it_is(store: Store) -> Iterator[Store]:
    yield store
