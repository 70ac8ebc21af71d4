"""A plan: the way chosen for one database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from migrate_spec.compiler import Route
from migrate_spec.errors import DatabaseTooNew, PlanError
from migrate_spec.migration import Migration
from migrate_spec.operation import Loss
from migrate_spec.project import Project
from migrate_spec.spec import Spec, overlap

__all__ = ["Plan", "check_known", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """The way of a database from one version to another.

    Attributes:
        from_version, to_version: where it is and where it is to go.
        steps: for each version step the migrations of the collections it touches.
        routes: for each collection touched, the way of its records.
        known: the ways of all collections, as a step can make a record of another one.
    """

    from_version: int
    to_version: int
    steps: tuple[tuple[Migration, ...], ...]
    routes: tuple[Route, ...]
    known: tuple[Route, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps

    @property
    def migrations(self) -> tuple[Migration, ...]:
        """All migrations, step by step."""
        return tuple(migration for step in self.steps for migration in step)

    @property
    def families(self) -> tuple[str, ...]:
        """The column families of all collections."""
        return tuple(dict.fromkeys(route.column_family for route in (*self.routes, *self.known)))

    def within(self, family: str) -> Plan:
        """The ways of the collections in one column family: no record leaves it."""
        routes, known = (
            tuple(route for route in some if route.column_family == family) for some in (self.routes, self.known)
        )
        return replace(self, routes=routes, known=known)

    def without_checks(self) -> Plan:
        """The same way, on which no record is checked against a schema."""
        return self._with(lambda route: replace(route, schema=None, glances=True))

    def allowing_pickle(self) -> Plan:
        """The same way, on which pickled documents are carried over, too."""
        return self._with(lambda route: replace(route, allow_pickle=True))

    @property
    def allows_pickle(self) -> bool:
        """Whether pickled documents are carried over, too."""
        return any(route.allow_pickle for route in (*self.routes, *self.known))

    def _with(self, change: Callable[[Route], Route]) -> Plan:
        return replace(self, routes=tuple(map(change, self.routes)), known=tuple(map(change, self.known)))

    def losses(self) -> dict[str, tuple[Loss, ...]]:
        """What only the backup could bring back, by the migration that loses it."""
        return {migration.name: migration.losses() for migration in self.migrations if migration.losses()}


def make_plan(project: Project, from_version: int, to_version: int | None = None) -> Plan:
    """The plan that leads a database upwards.

    Args:
        project: the specs.
        from_version: the database's version.
        to_version: where to; the newest version by default.

    Raises:
        DatabaseTooNew: the database is at a later version than the specs lead to.
        PlanError: ``to_version`` lies behind the database, or beyond the specs; or the steps need runs of their own.
        MigrationPathMissing: no spec covers one of the steps.
    """
    check_known(project, from_version)
    newest = project.version
    target = newest if to_version is None else to_version
    if target > newest:
        found = f"the target version {target} was found"
        raise PlanError(found, f"at most {newest} was expected, the newest these specs know", "write the missing specs")
    if target < from_version:
        raise PlanError(
            f"the target version {target} was found",
            f"at least {from_version} was expected, the version of the database",
            "`migrate-spec downgrade` leads downwards, `migrate-spec rollback` puts a backup back",
        )
    steps = project.registry.path(from_version, target)
    _check_gathered([migration.spec for step in steps for migration in step])
    touched = dict.fromkeys(migration.collection for step in steps for migration in step)
    known = {name: project.route(name, target, from_version) for name in project.registry.collections_at(target)}
    taken = {prefix for name in touched for spec in known[name].way for prefix in spec.taken}
    routes = [known[name] for name in touched if not any(known[name].way[0].prefix.startswith(one) for one in taken)]
    return Plan(from_version, target, steps, tuple(routes), tuple(known.values()))


def check_known(project: Project, version: int) -> None:
    """See that the specs lead as far as a database is.

    Raises:
        DatabaseTooNew: they do not.
    """
    if version > project.version:
        raise DatabaseTooNew(
            f"a database of version {version} was found",
            f"at most version {project.version} was expected, the newest these specs know",
            "use the specs of the program that wrote it",
        )


def _check_gathered(specs: Sequence[Spec]) -> None:
    """See that what a step gathers is there when the run begins, and stays where it is until then.

    Raises:
        PlanError: an earlier step of the plan makes it, moves it or deletes some of it.
    """
    for spec in specs:
        for prefix in spec.taken:
            for other in specs:
                made = {key for one in other.records for key in one.ranges() if key not in one.taken()}
                moved = made | {other.prefix} if other.moves_records else made
                if other.from_version < spec.from_version and any(overlap(prefix, key) for key in moved):
                    raise PlanError(
                        f"{spec.name} was found, which gathers records of {prefix!r} that {other.name} makes or moves",
                        "records that stay as they are from the beginning of the run were expected",
                        f"go to version {spec.from_version} first, and from there in a second run",
                    )
