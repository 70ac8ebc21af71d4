"""One run downwards: freeze → carry back, with what was kept → swap in → record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from migrate_spec.apply import NO_CHOICE, Run
from migrate_spec.backup import Backup
from migrate_spec.carried import Carried, held, losses_of, lost
from migrate_spec.codec import Json
from migrate_spec.compiler import Route
from migrate_spec.crossing import crossings
from migrate_spec.errors import Irreversible, LossRefused, PlanError, RecordRejected
from migrate_spec.executors import Workers
from migrate_spec.listing import Listing
from migrate_spec.losses import LossCount, not_accepted
from migrate_spec.plan import Plan, check_known
from migrate_spec.progress import OnProgress
from migrate_spec.project import Project
from migrate_spec.recount import recount
from migrate_spec.reports import ApplyReport
from migrate_spec.retaking import Retaken
from migrate_spec.retaking_down import retake_down
from migrate_spec.runner import Means, carry
from migrate_spec.spec import Spec
from migrate_spec.staging import Staging
from migrate_spec.stepwise import carry_stepwise
from migrate_spec.store import Store

__all__ = ["Downgrade", "carry_down", "plan_downgrade", "told_downwards"]


def plan_downgrade(project: Project, from_version: int, to_version: int) -> Plan:
    """The plan that leads a database downwards; an empty one where it is there already.

    Args:
        project: the specs.
        from_version: the database's version.
        to_version: an earlier one.

    Raises:
        DatabaseTooNew: the database is at a later version than the specs lead to.
        PlanError: ``to_version`` is no earlier one.
        MigrationPathMissing: no spec covers one of the steps.
        Irreversible: a step cannot be undone.
    """
    check_known(project, from_version)
    if to_version > from_version:
        raise PlanError(
            f"the target version {to_version} was found",
            f"at most {from_version} was expected, the version of the database",
            "`migrate-spec apply` leads upwards",
        )
    steps = project.registry.path(to_version, from_version)[::-1]
    touched = dict.fromkeys(migration.collection for step in steps[::-1] for migration in step)
    routes = tuple(_route(project, name, from_version, to_version) for name in touched)
    known = tuple(
        project.route(name, from_version, from_version) for name in project.registry.collections_at(from_version)
    )
    return Plan(from_version, to_version, tuple(steps), routes, known)


def _route(project: Project, collection: str, from_version: int, to_version: int) -> Route:
    """The way of a collection's records.

    Raises:
        Irreversible: a step cannot be undone.
    """
    migrations = project.registry.of(collection, from_version)
    specs, way = tuple(one.spec for one in migrations), [one for one in migrations if one.from_version >= to_version]
    for spec in reversed([one.spec for one in way]):
        _check_reversible(spec, from_version)
    unstamped = 1 if specs[-1].stamp.path is not None else from_version
    route = Route(specs, way[0].schema_before, from_version, project.registry.earliest, unstamped, to_version)
    return replace(route, down=True)


def _check_reversible(spec: Spec, from_version: int) -> None:
    """See that a step can be undone, before anything runs.

    Raises:
        Irreversible: it cannot; it names the ways out.
    """
    try:
        crossings([spec], down=True)
    except Irreversible as error:
        fault = error.fault
        ways = ["`migrate-spec rollback` puts a backup back, without what was written since"]
        if spec.to_version < from_version:
            ways.append(f"--to {spec.to_version} stops before this step")
        remedy = "; ".join([*([fault.remedy] if fault.remedy else []), " and ".join(ways)])
        raise Irreversible(
            f"{spec.name} was found, which cannot be undone ({fault.found}, {fault.expected})",
            "steps that can be undone were expected",
            remedy,
            where=fault.where or spec.place(),
        ) from None


class Downgrade(Run):
    """One ``downgrade``."""

    doing = "downgrade"

    def __init__(  # noqa: PLR0913 - as many as there are ways to run
        self,
        staging: Staging,
        plan: Plan,
        workers: Workers,
        accepted: Collection[str],
        *,
        keeps_backup: bool,
        keeps_complements: bool = True,
    ) -> None:
        """Take the database, the way, who goes it, the paths of which values may get lost, and what to keep."""
        super().__init__(
            staging, plan, workers, NO_CHOICE, keeps_backup=keeps_backup, keeps_complements=keeps_complements
        )
        self._accepted = accepted
        self._results: Sequence[Carried] = ()

    def carry_out(self, on_progress: OnProgress | None) -> ApplyReport:
        """The run.

        Raises:
            LossRefused: something would get lost that was not accepted.
            RecordRejected: records cannot be carried back.
            DatabaseError: the database cannot be read or written.
        """
        report = super().carry_out(on_progress)
        return told_downwards(report, self._results, complements=self.keeps_complements)

    def _carry_all(self, means: Means) -> tuple[list[Carried], Retaken]:
        return carry_down(self.plan, means, self.store)

    def _listed(self, listing: Listing, results: Sequence[Carried]) -> str | None:
        try:
            return super()._listed(listing, results)
        except RecordRejected as error:
            error.losses = tuple(not_accepted(self._losses(results), self._accepted))
            raise

    def _check(self, results: Sequence[Carried]) -> None:
        self._results = results
        refused = not_accepted(self._losses(results), self._accepted)
        if refused:
            raise LossRefused(refused, where=str(self.store.path))

    def _losses(self, results: Sequence[Carried]) -> list[LossCount]:
        return losses_of(results, complements=self.keeps_complements)

    def _entries(
        self, results: Sequence[Carried], retaken: Retaken, backup: Backup | None
    ) -> Iterator[dict[str, Json]]:
        del retaken
        losses = self._losses(results)
        for step in self.plan.steps:
            names, versions = {migration.collection for migration in step}, (step[0].to_version, step[0].from_version)
            own = [
                result
                for result in results
                if result.collection in names
                and any(spec.from_version == step[0].from_version for spec in result.route.specs)
            ]
            touched = {
                one.collection: one.counts() | held(one, step, self.plan) | lost(losses, one, versions) for one in own
            }
            count = sum(
                count
                for one in own
                for spec, count in zip(one.route.specs, one.changed_by, strict=True)
                if spec.from_version == step[0].from_version
            )
            yield self._entry(self.doing, versions, count, touched, backup)


def carry_down(plan: Plan, means: Means, live: Store) -> tuple[list[Carried], Retaken]:
    """Carry all records down.

    Args:
        plan: the way.
        means: what the run has to work with.
        live: the database.

    Raises:
        PlanError: nothing is to be written, and what a step finds is only known when the one before is carried out.
        DatabaseError: the database cannot be read, or the staged files not be written.
    """
    moving = next((spec for route in plan.routes for spec in route.way if spec.moves_records), None)
    if moving is None:
        results = carry(plan.routes, means)
        retaken = Retaken(results)
        retake_down(plan, means, retaken)
        recount(plan, means, results, retaken)
    elif means.folder is None and len(plan.steps) > 1:
        raise PlanError(
            f"{moving.name} was found, which moves records, on a way of {len(plan.steps)} steps",
            "a single step was expected where nothing is to be written",
            f"ask for --to {plan.from_version - 1}; `downgrade` itself stops before something gets lost",
            where=moving.place("records" if moving.records else "indexes"),
        )
    else:
        results, retaken = carry_stepwise(plan, means, live)
        if not any(result.rejected for result in results):
            retake_down(plan, means, retaken)
    means.tracker.finish()
    return results, retaken


def told_downwards(report: ApplyReport, results: Sequence[Carried], *, complements: bool = True) -> ApplyReport:
    """The report of a run downwards: its steps the other way round, what is lost, and how many come back exactly."""
    steps = [step | {"from_version": step["to_version"], "to_version": step["from_version"]} for step in report.steps]
    collections = {}
    for result in results:
        inexact = sum(count for loss, count in result.losses.items() if loss.kind == "inexact")
        counts = _counts([one for one in results if one.collection == result.collection])
        collections[result.collection] = counts | {"exact": counts["migrated"] - inexact}
    losses = losses_of(results, complements=complements)
    return replace(report, steps=steps, collections=report.collections | collections, losses=losses)


def _counts(results: Sequence[Carried]) -> dict[str, int]:
    """How many records of a collection there were at first, and how many at least one step changed, at the least."""
    counts = results[-1].counts()
    migrated = max(one.migrated for one in results)
    return counts | {"migrated": migrated, "unchanged": counts["unchanged"] + counts["migrated"] - migrated}
