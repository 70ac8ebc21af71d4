"""The way down of one database, and what is kept of its records for that."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from migrate_spec.history import HISTORY_KEY, read_history, read_version, timestamp
from migrate_spec.in_progress import refuse_in_progress
from migrate_spec.kept import Block, kept_blocks, kept_size
from migrate_spec.logs import logged
from migrate_spec.plan import Plan
from migrate_spec.progress import OnProgress
from migrate_spec.repairing import QuarantineKeeper
from migrate_spec.reports import ApplyReport
from migrate_spec.staging import staging, staging_folder
from migrate_spec.store import Store, stage_all
from migrate_spec.swapping import read_swap
from migrate_spec.unkept import knowing_unkept

if TYPE_CHECKING:
    from migrate_spec.executors import Workers
    from migrate_spec.ledger import KeptRun, Ledger

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

    def losses(self, *, keys: bool = False) -> Ledger:
        """What records lost, and what is kept of them now. All that is kept is read, and nothing is written.

        Args:
            keys: whether the keys of records are wanted, too.

        Raises:
            MetadataInvalid: the history, or a block of what is kept, cannot be read.
            DatabaseError: the database cannot be read.
        """
        from migrate_spec.ledger import ledger_of  # noqa: PLC0415 - as above

        with self._reading() as store:
            return ledger_of(read_history(store), kept_blocks(store), keys=keys)

    def complements_size(self) -> int:
        """At most about how many bytes are kept of records for the way back. Little is read, nothing is written."""
        with self._reading() as store:
            return kept_size(store)

    def complements(self) -> list[KeptRun]:
        """What each run has kept, the earliest first. All of it is read, and nothing is written.

        Raises:
            DatabaseError: the database cannot be read.
        """
        from migrate_spec.ledger import runs_of  # noqa: PLC0415 - as above

        with self._reading() as store:
            return runs_of(kept_blocks(store))

    @logged("complement")
    def prune_complements(
        self, older_than: timedelta | None = None, *, dry_run: bool = False, wait: float = 0.0
    ) -> list[KeptRun]:
        """Remove what runs have kept: then the way back makes values up for it, or leaves them away, and says so.

        Args:
            older_than: what was kept by runs that began longer ago; by default all.
            dry_run: whether nothing is removed.
            wait: for how many seconds to wait for a process that has the database open for writing.

        Returns:
            What was removed, or would be, the earliest run first.

        Raises:
            DatabaseError: the database cannot be read or written.
        """
        from migrate_spec.ledger import older_than as is_older  # noqa: PLC0415 - as above
        from migrate_spec.ledger import runs_of, with_pruned  # noqa: PLC0415

        now = datetime.now(UTC)

        def outlived(store: Store) -> Iterator[Block]:
            return (one for one in kept_blocks(store) if older_than is None or is_older(one.run, older_than, now))

        with self._reading() as store:
            found = runs_of(outlived(store))
        if dry_run or not (found or staging_folder(self.path).exists()):  # which a killed call may have left
            return found
        with staging(partial(self._writing, wait)) as staged:
            found = runs_of(outlived(staged.store))
            if found:
                changes: dict[bytes, bytes | None] = {block.key: None for block in outlived(staged.store)}
                changes[HISTORY_KEY] = with_pruned(staged.store, outlived(staged.store), timestamp(now))
                staged.swap_in(
                    [stage_all(staged.store, staged.folder / "complements.sst", changes)], beside_writes=True
                )
        return found

    def _plan_down(self, store: Store, to_version: int) -> Plan:
        from migrate_spec.downgrade import plan_downgrade  # noqa: PLC0415 - as above

        refuse_in_progress(store)
        plan = plan_downgrade(self._project, read_version(store), to_version)
        history = read_history(store)
        history.check_specs(self._project.registry)
        for route in plan.routes:
            store.family(route.column_family)  # else the database lacks it
        plan = knowing_unkept(plan, history)
        return plan.allowing_pickle() if history.allows_pickle else plan
