"""Whether all that is still to be carried of a run in place can be."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from migrate_spec.apply import carry_all, report_of, tracker_of
from migrate_spec.carried import Carried, check_rejections
from migrate_spec.errors import PlanError
from migrate_spec.executors import Workers
from migrate_spec.in_place_rules import check_in_place
from migrate_spec.in_progress import InProgress, parts_of
from migrate_spec.plan import Plan
from migrate_spec.progress import OnProgress, Progress
from migrate_spec.quarantine import has_marks
from migrate_spec.rejects import Choice
from migrate_spec.reports import ApplyReport
from migrate_spec.runner import Means
from migrate_spec.store import Store

__all__ = ["find_out_in_place", "refuse_choice", "try_all"]


def refuse_choice(choice: Choice) -> None:
    """See that a run in place is not to set records aside.

    Raises:
        PlanError: it is.
    """
    if choice.quarantines or choice.file is not None:
        raise PlanError(
            "a run in place that is to set rejected records aside, or to list them, was found",
            "one that fails where a record is rejected was expected",
            "mend them, or run without --in-place",
        )


def try_all(
    store: Store, plan: Plan, workers: Workers, on_progress: OnProgress | None, begun: InProgress | None
) -> list[Carried]:
    """Carry every record that is still to be carried, without writing anything.

    Args:
        store: the database.
        plan: the way.
        workers: who carries the records, where there are many.
        on_progress: is called with every :class:`~migrate_spec.progress.Progress`.
        begun: the run that is to go on, where there is one.

    Returns:
        What would become of each collection.

    Raises:
        PlanError: the plan cannot be carried out in place.
        RecordRejected: records cannot be carried over.
        DatabaseError: the database cannot be read.
    """
    check_in_place(plan)
    if has_marks(store):
        raise PlanError(
            "records in quarantine were found",
            "none were expected in place",
            "`migrate-spec repair` opens them, and without --in-place they may stay",
            where=str(store.path),
        )
    tracker = tracker_of(plan, store, _checking(on_progress))
    means = Means(store, None, tracker, workers, parts=parts_of(plan, begun), in_place=True)
    results, _ = carry_all(plan, means)
    check_rejections(results, store.path)
    return results


def find_out_in_place(
    store: Store, plan: Plan, workers: Workers, on_progress: OnProgress | None, begun: InProgress | None
) -> ApplyReport:
    """What a run in place would report or refuse; arguments and errors are those of :func:`try_all`."""
    start = monotonic()
    results = try_all(store, plan, workers, on_progress, begun)
    report = report_of(plan, store.path, results, start)
    return replace(report, dry_run=True, in_place=True, resumed=begun is not None)


def _checking(on_progress: OnProgress | None) -> OnProgress | None:
    """A callback that is told that records are checked, not migrated."""
    if on_progress is None:
        return None
    tell = on_progress
    return lambda progress: tell(_renamed(progress))


def _renamed(progress: Progress) -> Progress:
    return replace(progress, work=progress.work.replace("migrating", "checking", 1))
