"""What a run would do, found out without writing to the database."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from migrate_spec.apply import NO_CHOICE, carry_all, report_of, tracker_of
from migrate_spec.carried import check_rejections, losses_of
from migrate_spec.downgrade import carry_down, told_downwards
from migrate_spec.errors import LossRefused, RecordRejected
from migrate_spec.executors import Workers
from migrate_spec.history import timestamp
from migrate_spec.listing import listed_in
from migrate_spec.losses import not_accepted
from migrate_spec.plan import Plan
from migrate_spec.progress import OnProgress
from migrate_spec.quarantine import has_marks
from migrate_spec.rejected import check_place, gather, put
from migrate_spec.rejects import Choice, Rejecting
from migrate_spec.reports import ApplyReport
from migrate_spec.runner import Means
from migrate_spec.store import Store
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["find_out", "find_out_downwards", "try_again"]


def find_out(
    store: Store, plan: Plan, workers: Workers, on_progress: OnProgress | None, choice: Choice = NO_CHOICE
) -> ApplyReport:
    """Carry every record over without writing anything but the list of rejected records, where that is asked for.

    Raises:
        RecordRejected: records cannot be carried over.
        DatabaseReadOnly: there is no room for the list.
    """
    start = time.monotonic()
    with _room_beside(choice.file) as lists:
        about, marked = choice.file or store.path, has_marks(store)
        rejecting = Rejecting(choice.quarantines, lists, about, plan.from_version, timestamp(), marked)
        means = Means(store, None, tracker_of(plan, store, on_progress), workers, rejecting=rejecting)
        results, retaken = carry_all(plan, means)
        parts = listed_in(results)
        if choice.file is not None and lists is not None and parts:
            gather(parts, lists / "all", store.path)
            put(lists / "all", choice.file)
    check_rejections(results, store.path, quarantines=choice.quarantines)
    report = report_of(plan, store.path, [*results, *retaken.others.values()], start)
    return replace(report, dry_run=True, rejected=str(choice.file) if parts else None)


def find_out_downwards(  # noqa: PLR0913 - they are the options of a command
    store: Store,
    plan: Plan,
    workers: Workers,
    on_progress: OnProgress | None,
    accepted: Collection[str] | None,
    *,
    complements: bool = True,
) -> ApplyReport:
    """Carry every record back without writing anything.

    Args:
        store: the database.
        plan: the way down.
        workers: who goes it.
        on_progress: is called with every :class:`~migrate_spec.progress.Progress`.
        accepted: the paths at which something may get lost; ``None``: anywhere.
        complements: whether what records lose is to be kept.

    Raises:
        LossRefused: something else would get lost.
        RecordRejected: records cannot be carried back.
    """
    start = time.monotonic()
    rejecting = Rejecting(version=plan.from_version, at=timestamp(), marked=has_marks(store))
    means = Means(store, None, tracker_of(plan, store, on_progress), workers, rejecting=rejecting)
    results, _ = carry_down(plan, means, store)
    refused = not_accepted(losses_of(results, complements=complements), accepted or ())
    try:
        check_rejections(results, store.path)
    except RecordRejected as error:
        error.losses = tuple(refused)
        raise
    if refused and accepted is not None:
        raise LossRefused(refused, where=str(store.path))
    report = replace(report_of(plan, store.path, results, start), dry_run=True)
    return told_downwards(report, results, complements=complements)


def try_again(store: Store, plan: Plan, workers: Workers) -> tuple[ApplyReport, bool]:
    """Try the records in quarantine of a database that is current, without writing anything.

    Returns:
        What a run would report, and whether it would change anything.
    """
    rejecting = Rejecting(version=plan.from_version, at=timestamp(), marked=True)
    retaken = carry_all(plan, Means(store, None, tracker_of(plan, store, None), workers, rejecting=rejecting))[1]
    return report_of(plan, store.path, list(retaken.others.values()), time.monotonic()), retaken.left > 0


@contextmanager
def _room_beside(file: Path | None) -> Iterator[Path | None]:
    """A folder for the parts of a list, on the file system of the whole; none where there is no list."""
    if file is None:
        yield None
        return
    check_place(file)
    with SpeakingOf(file), TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
        yield Path(folder)
