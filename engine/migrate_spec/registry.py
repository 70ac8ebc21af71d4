"""All migrations of a project, filled from data alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from migrate_spec.errors import MigrationPathMissing
from migrate_spec.migration import Migration

__all__ = ["MigrationRegistry"]

MOST_SHOWN = 3
"""Of the steps that are missing on a way."""


class MigrationRegistry:
    """The migrations by collection and version: ``registry["task", 1]`` leads tasks from version 1 to 2."""

    def __init__(self, migrations: Iterable[Migration] = ()) -> None:
        """Take the migrations of a project that was found to be without fault: one for each step and collection."""
        ordered = sorted(migrations, key=lambda migration: (migration.collection, migration.from_version))
        self._migrations: Mapping[tuple[str, int], Migration] = {
            (migration.collection, migration.from_version): migration for migration in ordered
        }

    def __getitem__(self, step: tuple[str, int]) -> Migration:
        return self._migrations[step]

    def __iter__(self) -> Iterator[Migration]:
        return iter(self._migrations.values())

    def __len__(self) -> int:
        return len(self._migrations)

    @property
    def collections(self) -> tuple[str, ...]:
        """The names of all collections, in alphabetical order."""
        return tuple(dict.fromkeys(collection for collection, _ in self._migrations))

    def collections_at(self, version: int) -> tuple[str, ...]:
        """The names of the collections that have a migration which leads to a version or less."""
        return tuple(name for name in self.collections if self.of(name, version))

    @property
    def earliest(self) -> int:
        """The first version a migration starts from; 1 where there is none."""
        return min((migration.from_version for migration in self), default=1)

    @property
    def latest(self) -> int:
        """The last version a migration leads to; 1 where there is none."""
        return max((migration.to_version for migration in self), default=1)

    def of(self, collection: str, upto: int) -> tuple[Migration, ...]:
        """The migrations of one collection that lead to ``upto`` or less, first to last."""
        return tuple(found for found in self if found.collection == collection and found.to_version <= upto)

    def step(self, from_version: int) -> tuple[Migration, ...]:
        """The migrations of all collections that start from one version."""
        return tuple(migration for migration in self if migration.from_version == from_version)

    def path(self, from_version: int, to_version: int) -> tuple[tuple[Migration, ...], ...]:
        """The way between two versions: for each step the migrations of all collections that it touches.

        Raises:
            MigrationPathMissing: no spec covers one of the steps.
        """
        versions = range(from_version, to_version)  # which may be dates, millions apart
        starts = {migration.from_version for migration in self}
        missing = (f"v{version}→v{version + 1}" for version in versions if version not in starts)
        shown = list(islice(missing, MOST_SHOWN))
        if shown:
            listed = ", ".join([*shown, "…"] if next(missing, None) else shown)
            known = ", ".join(f"v{version}→v{version + 1}" for version in sorted(starts)) or "none"
            raise MigrationPathMissing(
                f"no spec for {listed} was found",
                f"one was expected on the way from version {from_version} to {to_version} (there are: {known})",
                "add the missing spec, or pass the folder that has it with --specs",
            )
        return tuple(self.step(version) for version in versions)
