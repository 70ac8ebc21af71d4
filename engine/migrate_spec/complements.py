"""The way down of one database, and what is kept of its records for that."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from migrate_spec.history import read_history, read_version
from migrate_spec.in_progress import refuse_in_progress
from migrate_spec.logs import logged
from migrate_spec.plan import Plan
from migrate_spec.progress import OnProgress
from migrate_spec.repairing import QuarantineKeeper
from migrate_spec.reports import ApplyReport
from migrate_spec.staging import staging, staging_folder
from migrate_spec.store import Store
from migrate_spec.swapping import read_swap

if TYPE_CHECKING:
    from migrate_spec.executors import Workers

__all__ = ["ComplementKeeper"]


class ComplementKeeper(QuarantineKeeper):
    """Carries one database down, and looks after what is kept of its records, its quarantine and its backups."""

    def plan_downgrade(self, to_version: int) -> Plan:
        """What :meth:`downgrade` would carry out. Nothing is written.

        Args:
            to_version: the earlier version.

        Raises:
            Irreversible: a step cannot be undone.
            PlanError: there is no way.
            DatabaseError: the database cannot be read.
        """
        with self._reading() as store:
            return self._plan_down(store, to_version)

    def scan_downgrade(
        self,
        to_version: int,
        *,
        accept_loss: Collection[str] | None = None,
        complements: bool = True,
        workers: Workers | None = None,
        on_progress: OnProgress | None = None,
    ) -> ApplyReport:
        """Carry every record back without writing anything: what :meth:`downgrade` would report or refuse.

        Args:
            to_version: as for :meth:`downgrade`.
            accept_loss: as there; ``None``: nothing is refused, it is only told.
            complements: as there.
            workers: as there.
            on_progress: as there.

        Raises:
            LossRefused: something else would get lost.
            RecordRejected: records cannot be carried back.
            Irreversible, PlanError, DatabaseError: as :meth:`plan_downgrade`.
        """
        from migrate_spec.dry_run import find_out_downwards  # noqa: PLC0415 - slow to import, and rarely needed
        from migrate_spec.executors import processes  # noqa: PLC0415

        with self._reading() as store:
            plan, workers = self._plan_down(store, to_version), workers or processes()
            return find_out_downwards(store, plan, workers, on_progress, accept_loss, complements=complements)

    @logged("downgrade")
    def downgrade(  # noqa: PLR0913 - as many as there are ways to run
        self,
        to_version: int,
        *,
        accept_loss: Collection[str] = (),
        backup: bool = True,
        complements: bool = True,
        workers: Workers | None = None,
        wait: float = 0.0,
        on_progress: OnProgress | None = None,
    ) -> ApplyReport:
        """Carry the database back to an earlier version, all or nothing, with all that was written since.

        Args:
            to_version: the earlier version.
            accept_loss: the paths at which something may get lost.
            backup: whether the frozen copy that the run reads from is kept afterwards.
            complements: whether what records lose is kept for the way up again.
            workers: who carries the records, where there are many; by default a process for each core.
            wait: for how many seconds to wait for a process that has the database open for writing.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            LossRefused: something else would get lost.
            RecordRejected: records cannot be carried back.
            Irreversible: a step cannot be undone.
            PlanError: there is no way.
            DatabaseLocked: another process has the database open for writing, and had it until the wait was over.
            DatabaseError: the database cannot be read or written.

        Whatever is raised, the database is as it was.
        """
        from migrate_spec.downgrade import Downgrade  # noqa: PLC0415 - as above
        from migrate_spec.executors import processes  # noqa: PLC0415

        self.mend()
        if not staging_folder(self.path).exists():  # else a killed run has to be settled first
            with self._reading() as store:
                if read_swap(store) is None and self._plan_down(store, to_version).is_empty:
                    return ApplyReport(str(self.path), to_version, to_version)
        with staging(partial(self._writing, wait, on_progress)) as staged:
            plan = self._plan_down(staged.store, to_version)
            if plan.is_empty:
                return ApplyReport(str(self.path), to_version, to_version)
            keeps = {"keeps_backup": backup, "keeps_complements": complements}
            return Downgrade(staged, plan, workers or processes(), accept_loss, **keeps).carry_out(on_progress)

    def _plan_down(self, store: Store, to_version: int) -> Plan:
        from migrate_spec.downgrade import plan_downgrade  # noqa: PLC0415 - as above

        refuse_in_progress(store)
        plan = plan_downgrade(self._project, read_version(store), to_version)
        read_history(store).check_specs(self._project.registry)
        for route in plan.routes:
            store.family(route.column_family)  # else the database lacks it
        return plan
