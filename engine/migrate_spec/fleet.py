"""A fleet: many databases of one project, each carried on its own, so that what one meets leaves the others alone."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import chain, groupby
from pathlib import Path

from migrate_spec.errors import MigrateSpecError
from migrate_spec.executors import Workers, processes
from migrate_spec.interrupts import deferred_interrupts
from migrate_spec.logs import log_refusal, log_report
from migrate_spec.manager import MigrationManager
from migrate_spec.progress import OnProgress
from migrate_spec.project import Project
from migrate_spec.rejects import Choice, OnError
from migrate_spec.reports import ApplyReport
from migrate_spec.retention import Retention

__all__ = ["Outcome", "apply_all"]

SMALL = 32 << 20
"""A database of at most so many bytes is carried by one worker, beside others; a larger one by all, alone."""

AHEAD = 2
"""How many databases are handed out for each worker: it never waits, and what is under way stays little."""


INTERVAL = 0.1
"""Seconds after which a Ctrl-C is noticed."""


@dataclass(frozen=True)
class Outcome:
    """What became of one database of a fleet.

    Attributes:
        database: its folder, as it was given.
        report: what was done, or would be.
        error: why it failed instead; the database is as it was, or in the middle of a run in place, as the error says.
    """

    database: Path
    report: ApplyReport | None = None
    error: Exception | None = None


def apply_all(  # noqa: PLR0913 - they are those of `MigrationManager.apply`
    databases: Iterable[str | Path],
    project: Project,
    to_version: int | None = None,
    *,
    backup: bool = True,
    complements: bool = True,
    retention: Retention | None = None,
    in_place: bool = False,
    validate: bool = True,
    allow_pickle: bool = False,
    on_error: OnError = "fail",
    compact: bool = False,
    dry_run: bool = False,
    wait: float = 0.0,
    workers: Workers | None = None,
    on_progress: OnProgress | None = None,
) -> Iterator[Outcome]:
    """Carry many databases up to a version, each of them all or nothing.

    Small ones are carried side by side, large ones one after the other by all workers. Neither memory nor open files
    grow with their number.

    Args:
        databases: their folders, each of them once. No more are asked for than are under way.
        project: from :func:`migrate_spec.load`.
        to_version: the newest by default.
        backup: whether the frozen copies that the runs read from are kept afterwards.
        complements: whether what records lose is kept, for the way back.
        retention: how long backups are kept; where a new one was made, the others are pruned by it.
        in_place: change records where they are, as :meth:`~migrate_spec.manager.MigrationManager.apply` does.
        validate: whether every record is checked against the schema.
        allow_pickle: whether pickled documents are carried over, too.
        on_error: ``fail``, or ``quarantine`` to set records aside that cannot be carried over.
        compact: whether each is compacted afterwards.
        dry_run: carry every record over, and write nothing.
        wait: for how many seconds to wait for a process that has a database open for writing.
        workers: who carries them; by default a process for each core.
        on_progress: is called with every :class:`~migrate_spec.progress.Progress` of a database carried alone.

    Yields:
        What became of each, in their order, as soon as it is known. Who asks for no more leaves those untouched that
        were not handed out; those that were are waited for.

    Raises:
        WorkerError: the workers are not there, or do not fit.
        KeyboardInterrupt: of Ctrl-C. It breaks off what is under way: each database is as it was, or complete; in place
            it is where it was, and the next call goes on.
    """
    Choice.of(on_error)  # now, and not with the first database
    pickled = pickle.dumps(project, pickle.HIGHEST_PROTOCOL)
    order = _Order(
        pickled,
        to_version,
        backup,
        complements,
        retention,
        in_place,
        validate,
        allow_pickle,
        on_error,
        compact,
        dry_run,
        wait,
    )
    workers = workers or processes()
    for abreast, group in groupby(map(Path, databases), lambda path: workers.count > 1 and _bytes(path) <= SMALL):
        if abreast:
            yield from _side_by_side(group, order, workers)
        else:
            for database in group:
                yield _outcome(database, partial(order.carry, database, workers, on_progress))


@dataclass(frozen=True)
class _Order:
    """What is to be done with each database. It can be sent to another process.

    Attributes:
        project: pickled, so that a process that gets it again with every database needs to read it only once.
        to_version, backup, complements, retention, in_place, validate, allow_pickle, on_error, compact, dry_run, wait:
            as for :func:`apply_all`.
    """

    project: bytes
    to_version: int | None
    backup: bool
    complements: bool
    retention: Retention | None
    in_place: bool
    validate: bool
    allow_pickle: bool
    on_error: OnError
    compact: bool
    dry_run: bool
    wait: float

    def carry(self, database: Path, workers: Workers, on_progress: OnProgress | None = None) -> ApplyReport:
        """Do it with one."""
        manager = MigrationManager(database, _project(self.project))
        apply = partial(
            manager.apply,
            backup=self.backup,
            complements=self.complements,
            retention=self.retention,
            wait=self.wait,
        )
        carry = manager.scan if self.dry_run else apply
        report = carry(
            self.to_version,
            in_place=self.in_place,
            validate=self.validate,
            allow_pickle=self.allow_pickle,
            on_error=self.on_error,
            workers=workers,
            on_progress=on_progress,
        )
        if self.compact and not self.dry_run:
            manager.compact_after(report, wait=self.wait)
        return report


@lru_cache(maxsize=1)
def _project(pickled: bytes) -> Project:
    found: Project = pickle.loads(pickled)  # noqa: S301 - from our own process
    return found


_Window = deque[tuple[Path, Future[ApplyReport]]]


def _carry_here(order: _Order, database: Path) -> ApplyReport:
    """Carry a database in this process alone: what a worker is asked."""
    return order.carry(database, processes(1))


def _side_by_side(group: Iterator[Path], order: _Order, workers: Workers) -> Iterator[Outcome]:
    """Carry databases, each by one worker."""
    first = next(group)
    window: _Window = deque()
    with deferred_interrupts() as release, workers.start(first.absolute()) as executor:
        try:
            for database in chain([first], group):
                window.append((database, executor.submit(_carry_here, order, database.absolute())))
                while window and (len(window) >= AHEAD * workers.count or window[0][1].done()):
                    yield _next(window, release)
            while window:
                yield _next(window, release)
        except GeneratorExit:  # nobody asks for more, but no database is left in the middle of its run
            for _, future in window:
                future.cancel()
            wait([future for _, future in window])
            raise


def _next(window: _Window, release: Callable[[], None]) -> Outcome:
    """What became of the first database; it stays in the window until that is known."""
    database, future = window[0]
    release()
    while not wait([future], INTERVAL).done:
        release()
    outcome = _outcome(database, future.result)
    window.popleft()
    if outcome.error is not None:  # nobody listens to the loggers of the process that has tried
        log_refusal("apply", str(database), outcome.error)
    elif outcome.report is not None and not outcome.report.dry_run:
        log_report("apply", str(database), outcome.report, outcome.report.seconds)
    return outcome


def _outcome(database: Path, carried: Callable[[], ApplyReport]) -> Outcome:
    try:
        return Outcome(database, carried())
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        if isinstance(error, MigrateSpecError) and error.fault.where is None:
            error.fault = replace(error.fault, where=str(database))
        return Outcome(database, error=error)


def _bytes(database: Path) -> int:
    """The size of a database's files; none where it cannot be read, which is told when it is opened."""
    try:
        return sum(file.stat(follow_symlinks=False).st_size for file in os.scandir(database))
    except OSError:
        return 0
