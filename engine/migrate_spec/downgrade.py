"""One run downwards: freeze → carry back, with what was kept → swap in → record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from migrate_spec.apply import NO_CHOICE, Run
from migrate_spec.backup import Backup
from migrate_spec.carried import Carried, held
from migrate_spec.codec import Json
from migrate_spec.compiler import Route
from migrate_spec.crossing import crossings
from migrate_spec.errors import LossRefused, PlanError
from migrate_spec.executors import Workers
from migrate_spec.plan import Plan
from migrate_spec.project import Project
from migrate_spec.retaking import Retaken
from migrate_spec.runner import Means, carry
from migrate_spec.staging import Staging

__all__ = ["Downgrade", "check_losses", "plan_downgrade"]


def plan_downgrade(project: Project, from_version: int, to_version: int) -> Plan:
    """The plan that leads a database downwards.

    Args:
        project: the specs.
        from_version: the database's version.
        to_version: an earlier one.

    Raises:
        PlanError: ``to_version`` is no earlier one, or a step moves records.
        MigrationPathMissing: no spec covers one of the steps.
        Irreversible: a step cannot be undone.
    """
    if not 1 <= to_version < from_version:
        raise PlanError(
            f"the target version {to_version} was found",
            f"one before {from_version} was expected, the version of the database",
            "`migrate-spec apply` leads upwards",
        )
    steps = project.registry.path(to_version, from_version)[::-1]
    touched = dict.fromkeys(migration.collection for step in steps[::-1] for migration in step)
    routes = tuple(_route(project, name, from_version, to_version) for name in touched)
    return Plan(from_version, to_version, tuple(steps), routes, routes)


def _route(project: Project, collection: str, from_version: int, to_version: int) -> Route:
    """The way of a collection's records.

    Raises:
        PlanError: a step moves records.
        Irreversible: a step cannot be undone.
    """
    migrations = [one for one in project.registry.of(collection, from_version) if one.from_version >= to_version]
    specs = tuple(migration.spec for migration in migrations)
    moving = next((spec for spec in specs if spec.moves_records), None)
    if moving is not None:
        raise PlanError(
            f"{moving.name} was found, which moves records",
            "steps that change each record where it is were expected",
            "`migrate-spec rollback` puts a backup back",
            where=moving.place("records"),
        )
    crossings(specs, down=True)  # so that it is known now whether there is a way
    unstamped = 1 if specs[-1].stamp.path is not None else from_version
    route = Route(specs, migrations[0].schema_before, from_version, project.registry.earliest, unstamped, to_version)
    return replace(route, down=True)


class Downgrade(Run):
    """One ``downgrade``."""

    def __init__(
        self, staging: Staging, plan: Plan, workers: Workers, accepted: Collection[str], *, keeps_backup: bool
    ) -> None:
        """Take the database, the way, who goes it, and the paths of which values may get lost."""
        super().__init__(staging, plan, workers, NO_CHOICE, keeps_backup=keeps_backup)
        self.kind = "downgrade"
        self._accepted = accepted

    def _carry_all(self, means: Means) -> tuple[list[Carried], Retaken]:
        results = carry(self.plan.routes, means)
        means.tracker.finish()
        return results, Retaken(results)

    def _check(self, results: Sequence[Carried]) -> None:
        check_losses(results, self._accepted, str(self.store.path))

    def _entries(
        self, results: Sequence[Carried], retaken: Retaken, backup: Backup | None
    ) -> Iterator[dict[str, Json]]:
        del retaken
        for step in self.plan.steps:
            names = {migration.collection for migration in step}
            own = [result for result in results if result.collection in names]
            touched = {
                one.collection: one.counts() | held(one, step, self.plan) | _lost(one, step[0].from_version)
                for one in own
            }
            count = sum(
                count
                for one in own
                for spec, count in zip(one.route.specs, one.changed_by, strict=True)
                if spec.from_version == step[0].from_version
            )
            yield self._entry(self.kind, (step[0].to_version, step[0].from_version), count, touched, backup)


def _lost(result: Carried, version: int) -> dict[str, Json]:
    """What the history notes of losses in the step down to a version."""
    losses = [(loss, count) for loss, count in result.losses.items() if loss.step[1] == version]
    told = [{"path": loss.path, "kind": loss.kind, "records": count} for loss, count in sorted(losses, key=str)]
    return {"losses": told} if told else {}


def check_losses(results: Sequence[Carried], accepted: Collection[str], where: str) -> None:
    """See that nothing gets lost but what may.

    Args:
        results: what became of the collections.
        accepted: the paths at which something may get lost.
        where: the database.

    Raises:
        LossRefused: something else would get lost.
    """
    found = [
        (f"{result.collection} v{loss.step[0]}→v{loss.step[1]}", loss.path, loss.kind, count)
        for result in results
        for loss, count in sorted(result.losses.items(), key=str)
        if loss.kind != "kept" and loss.path not in accepted
    ]
    if found:
        raise LossRefused(found, where=where)
