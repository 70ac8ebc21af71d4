"""The one call that an application makes at its start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrate_spec.errors import HalfSwapped
from migrate_spec.executors import Workers
from migrate_spec.manager import MigrationManager
from migrate_spec.progress import OnProgress
from migrate_spec.project import Project
from migrate_spec.rejects import OnError
from migrate_spec.reports import ApplyReport

__all__ = ["check_and_migrate", "check_and_migrate_async"]


def check_and_migrate(  # noqa: PLR0913 - they are those of `MigrationManager.apply`
    database: str | Path | Any,
    project: Project,
    *,
    complements: bool = True,
    allow_pickle: bool = False,
    on_error: OnError = "fail",
    workers: Workers | None = None,
    wait: float = 0.0,
    on_progress: OnProgress | None = None,
) -> ApplyReport:
    """See that a database is at the newest version of the specs, and carry it there where it is not.

    Where it is current this costs two reads, and writes nothing. Where it is in the middle of a run in place, that goes
    on. Records in quarantine are taken up again.

    Args:
        database: its folder, or an open ``Rdict``, which stays open.
        project: from :func:`migrate_spec.load`.
        complements: whether what records lose is kept in the database, for
            :meth:`MigrationManager.downgrade <migrate_spec.manager.MigrationManager.downgrade>`.
        allow_pickle: whether pickled documents are carried over, too, as for
            :meth:`MigrationManager.apply <migrate_spec.manager.MigrationManager.apply>`.
        on_error: what is done about records that cannot be carried over: ``fail``, or ``quarantine``, as for
            :meth:`MigrationManager.apply <migrate_spec.manager.MigrationManager.apply>`.
        workers: who carries the records, where there are many; by default a process for each core.
        wait: for how many seconds to wait for a process that has the database open for writing.
        on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

    Raises:
        MigrateSpecError: it could not be carried over (the subclass says why); the database is as it was.
    """
    manager = MigrationManager(database, project)
    manager.mend()
    try:
        if manager.is_current():
            return manager.settle(project.version)
    except HalfSwapped:  # `apply` settles that first
        pass
    return manager.apply(
        complements=complements,
        allow_pickle=allow_pickle,
        on_error=on_error,
        workers=workers,
        wait=wait,
        on_progress=on_progress,
    )


async def check_and_migrate_async(  # noqa: PLR0913 - as above
    database: str | Path | Any,
    project: Project,
    *,
    complements: bool = True,
    allow_pickle: bool = False,
    on_error: OnError = "fail",
    workers: Workers | None = None,
    wait: float = 0.0,
    on_progress: OnProgress | None = None,
) -> ApplyReport:
    """As :func:`check_and_migrate`, in a thread of its own; ``on_progress`` is called there."""
    from asyncio import to_thread  # noqa: PLC0415 - who awaits has it already, and it is slow to import for others

    return await to_thread(
        check_and_migrate,
        database,
        project,
        complements=complements,
        allow_pickle=allow_pickle,
        on_error=on_error,
        workers=workers,
        wait=wait,
        on_progress=on_progress,
    )
