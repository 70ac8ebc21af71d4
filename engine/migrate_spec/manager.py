"""MigrationManager: check → back up → run → swap in → record; and back again."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrate_spec.backup import list_backups
from migrate_spec.codec import plain
from migrate_spec.compiler import RecordRefused, Transform
from migrate_spec.complements import ComplementKeeper
from migrate_spec.errors import DatabaseError, NotCompacted, read_key, show_key
from migrate_spec.freshness import Freshness
from migrate_spec.history import History, read_history, read_version
from migrate_spec.in_progress import InProgress, parts_of, read_in_progress
from migrate_spec.interrupts import uninterrupted
from migrate_spec.kept import kept_size
from migrate_spec.logs import logged
from migrate_spec.pickled import as_json
from migrate_spec.plan import Plan, make_plan
from migrate_spec.progress import OnProgress
from migrate_spec.project import Project
from migrate_spec.quarantine import count_marks, has_marks, read_standing
from migrate_spec.rejects import Choice, OnError
from migrate_spec.reports import ApplyReport, RollbackReport, Sample, Status
from migrate_spec.staging import staging, staging_folder
from migrate_spec.store import KeyRange, Size, Store
from migrate_spec.stores.rocks_folder import left_half_open
from migrate_spec.swapping import read_swap

if TYPE_CHECKING:
    from migrate_spec.audit import Audit
    from migrate_spec.executors import Workers
    from migrate_spec.explain import Explanation
    from migrate_spec.retention import Retention

__all__ = ["MigrationManager"]


class MigrationManager(ComplementKeeper):
    """Carries out plans on one database, and looks after its backups, its quarantine and what is kept of records."""

    def __init__(self, database: str | Path | Any, project: Project) -> None:
        """Take a database and the specs for it.

        Args:
            database: its folder, which is opened only where that is needed; or an open ``Rdict``, which is used
                as it is and stays open.
            project: the specs and schemas.
        """
        super().__init__(database, project)

    def version(self) -> int:
        """The database's version. Nothing is written.

        Raises:
            MetadataInvalid: it cannot be understood.
        """
        with self._reading() as store:
            return read_version(store)

    def is_current(self) -> bool:
        """Whether :meth:`apply` would find nothing to do, and no record in quarantine. Nothing is written.

        Raises:
            MetadataInvalid: the database's version cannot be understood.
        """
        with self._reading() as store:
            return read_standing(store) == (self._project.version, False) and read_in_progress(store) is None

    def in_progress(self) -> InProgress | None:
        """The run in place that is not at its end, if there is one; :meth:`apply` goes on with it. Nothing is written.

        Raises:
            MetadataInvalid: its mark cannot be understood.
        """
        with self._reading() as store:
            return read_in_progress(store)

    def plan(self, to_version: int | None = None, *, allow_pickle: bool = False) -> Plan:
        """What :meth:`apply` would carry out: a run in place that is under way, else all steps. Nothing is written.

        Args:
            to_version: as for :meth:`apply`.
            allow_pickle: as there.

        Raises:
            PlanError: there is no way.
            DatabaseError: the database cannot be read.
        """
        with self._reading() as store:
            return self._plan(store, to_version, allow_pickle=allow_pickle)

    def sizes(self, plan: Plan) -> dict[str, Size]:
        """An estimate of how much there is to read for each collection of a plan."""
        with self._reading() as store:
            ranges = [(route, KeyRange.of_prefix(route.key_prefix)) for route in plan.routes]
            return {route.collection: store.family(route.column_family).size(keys) for route, keys in ranges}

    def samples(self, plan: Plan, among: int = 1000) -> dict[str, Sample]:
        """For each collection of a plan the first record that it changes, of so many at its beginning."""
        with self._reading() as store:
            keys = parts_of(plan, read_in_progress(store))
            found = {one.collection: _sample(store, keys[one.collection], Transform(one), among) for one in plan.routes}
        return {name: sample for name, sample in found.items() if sample is not None}

    def status(self) -> Status:
        """Where the database stands. Nothing is written."""
        freshness = self.freshness()
        with self._reading() as store:
            swap, begun = read_swap(store), read_in_progress(store)
            current = read_version(store) if swap is None else swap.from_version
            newest, start = self._project.version, begun.from_version if begun else current
            plan = make_plan(self._project, start) if start < newest and current <= newest else None
            pending = [migration.name for migration in plan.migrations] if plan else []
            history, backups, held = read_history(store), list_backups(store), count_marks(store)
            kept = kept_size(store)
            return Status(current, newest, pending, history, backups, freshness, swap, held, begun, kept)

    def freshness(self) -> Freshness:
        """How fresh it is what the other methods read from now on, and who may write to the database meanwhile."""
        return Freshness.of(self.path)

    def explain(self, key: str | bytes, *, column_family: str | None = None, allow_pickle: bool = False) -> Explanation:
        r"""What each step made, or would make, of one record: which line of which spec. Nothing is written.

        Args:
            key: the record's key; as a text it may have bytes as ``\xNN`` in it.
            column_family: the part of the database that it is in; by default that of the collection it belongs to.
            allow_pickle: as for :meth:`apply`; it need not be said where a run has been told so before.

        Raises:
            RecordMissing: there is no such record, no spec is about it, or several column families have one.
            FamilyMissing: the database has no such column family.
            PlanError: there is no way to the newest version.
            DatabaseError: the database cannot be read.
        """
        from migrate_spec.explain import explain  # noqa: PLC0415 - as for `scan`, below

        with self._reading() as store:
            plan = self._plan(store, None, allow_pickle=allow_pickle)
            candidates = [key] if isinstance(key, bytes) else [os.fsencode(key), read_key(key)]
            return explain(store, self._project, plan, candidates, column_family)

    def scan(  # noqa: PLR0913 - they are the options of a command
        self,
        to_version: int | None = None,
        *,
        validate: bool = True,
        allow_pickle: bool = False,
        on_error: OnError = "fail",
        rejected: str | Path | None = None,
        in_place: bool = False,
        workers: Workers | None = None,
        on_progress: OnProgress | None = None,
    ) -> ApplyReport:
        """Carry every record over without writing anything: what :meth:`apply` would report or refuse.

        Args:
            to_version: as for :meth:`apply`.
            validate: as there.
            allow_pickle: as there.
            on_error: as there.
            rejected: as there; it is all that is written.
            in_place: as there.
            workers: as there.
            on_progress: as there.

        Raises:
            RecordRejected: records cannot be carried over.
            PlanError, DatabaseError: as :meth:`plan`.
        """
        from migrate_spec.dry_run import find_out  # noqa: PLC0415 - slow to import, and not needed to look at a database
        from migrate_spec.executors import processes  # noqa: PLC0415

        choice = Choice.of(on_error, rejected)
        with self._reading() as store:
            plan = self._plan(store, to_version, validate=validate, allow_pickle=allow_pickle)
            begun = read_in_progress(store)
            if not (in_place or begun):
                return find_out(store, plan, workers or processes(), on_progress, choice)
            from migrate_spec.in_place_scan import find_out_in_place, refuse_choice  # noqa: PLC0415 - rarely needed

            refuse_choice(choice)
            return find_out_in_place(store, plan, workers or processes(), on_progress, begun)

    @logged("apply")
    def apply(  # noqa: PLR0913 - as many as there are ways to run
        self,
        to_version: int | None = None,
        *,
        backup: bool = True,
        complements: bool = True,
        retention: Retention | None = None,
        in_place: bool = False,
        validate: bool = True,
        allow_pickle: bool = False,
        on_error: OnError = "fail",
        rejected: str | Path | None = None,
        workers: Workers | None = None,
        wait: float = 0.0,
        on_progress: OnProgress | None = None,
    ) -> ApplyReport:
        """Carry the database up to a version, all or nothing. Records in quarantine are taken up again.

        Where it is in the middle of a run in place, that is brought to its end first, in place, and by what that run
        was told to do.

        Args:
            to_version: the newest by default.
            backup: whether the frozen copy that the run reads from is kept afterwards; in place there is none.
            complements: whether what records lose is kept in the database, for :meth:`downgrade`.
            retention: how long backups are kept; where a new one was made, the others are pruned by it.
            in_place: change records where they are, batch by batch, where there is no room for the new ones beside the
                old ones. There is no backup then, and so no rollback, and until all records are behind the database
                has old ones and new ones.
            validate: whether every record is checked against the schema. Without that, a record is looked at only as
                far as the steps need.
            allow_pickle: whether documents that rocksdict has pickled are carried over, too, and stay pickled. Nothing
                of them is run: what is more than JSON has is rejected.
            on_error: what is done about records that cannot be carried over: ``fail``, or ``quarantine`` to leave them
                as they are, marked in the database, and carry all others, as far as the specs ``accept`` that.
            rejected: the file for a list of all records that are rejected; with ``quarantine`` there is always one, by
                default beside the database.
            workers: who carries the records, where there are many; by default a process for each core.
            wait: for how many seconds to wait for a process that has the database open for writing.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            RecordRejected: records cannot be carried over.
            TooManyRejected: with ``quarantine``, more than the specs accept.
            PlanError: there is no way.
            DatabaseLocked: another process has the database open for writing, and had it until the wait was over.
            DatabaseError: the database cannot be read or written.

        Whatever is raised, the database is as it was. Only where a run in place is under way, which the error then
        says, it is in the middle of that, and the next call goes on.
        """
        self.mend()
        choice = Choice.of(on_error, rejected)
        plan_of = partial(self._plan, to_version=to_version, validate=validate, allow_pickle=allow_pickle)
        with self._reading() as store:
            begun = read_in_progress(store)
            plan = plan_of(store) if read_swap(store) is None else None
            marked = plan is not None and plan.is_empty and has_marks(store)
        if plan is not None and plan.is_empty and not marked:
            return self.settle(plan.to_version)
        if (in_place and not marked) or begun is not None:
            from migrate_spec.in_place_scan import refuse_choice  # noqa: PLC0415 - rarely needed

            refuse_choice(choice)
            report = self._apply_in_place(
                plan_of, workers, wait, on_progress, validate=validate, complements=complements
            )
            if begun is None or report.to_version == (self._project.version if to_version is None else to_version):
                return report
            rest = self.apply(
                to_version,
                backup=backup,
                complements=complements,
                retention=retention,
                in_place=in_place,
                validate=validate,
                allow_pickle=allow_pickle,
                workers=workers,
                wait=wait,
                on_progress=on_progress,
            )
            return report.then(rest)
        from migrate_spec.apply import Run  # noqa: PLC0415 - as for `scan`
        from migrate_spec.dry_run import try_again  # noqa: PLC0415
        from migrate_spec.executors import processes  # noqa: PLC0415

        workers = workers or processes()
        if plan is not None and plan.is_empty:
            with self._reading() as store:
                report, changes = try_again(store, plan, workers)
            if not changes:
                self.settle(plan.to_version)
                return report
        with staging(partial(self._writing, wait, on_progress)) as staged:
            plan = plan_of(staged.store)
            if plan.is_empty and not has_marks(staged.store):  # another process was faster
                return ApplyReport(str(self.path), plan.from_version, plan.to_version)
            run = Run(staged, plan, workers, choice, keeps_backup=backup, keeps_complements=complements)
            report = run.carry_out(on_progress)
        return self._pruned(report, retention) if report.backup and retention else report

    def _pruned(self, report: ApplyReport, retention: Retention) -> ApplyReport:
        """The report of a run after backups are pruned; where they cannot be, the next run does it: this is done."""
        with uninterrupted(), suppress(DatabaseError):
            pruned = self.prune_backups(retention)
            return replace(report, pruned=[backup.name for backup in pruned])
        return report

    def _apply_in_place(  # noqa: PLR0913 - as `apply`, which alone calls it
        self,
        plan_of: Callable[[Store], Plan],
        workers: Workers | None,
        wait: float,
        on_progress: OnProgress | None,
        *,
        validate: bool,
        complements: bool,
    ) -> ApplyReport:
        from migrate_spec.executors import processes  # noqa: PLC0415 - as for `scan`
        from migrate_spec.in_place import InPlace  # noqa: PLC0415

        with staging(partial(self._writing, wait, on_progress), goes_on=True) as staged:
            plan = plan_of(staged.store)
            if plan.is_empty:  # another process was faster
                return ApplyReport(str(self.path), plan.from_version, plan.to_version)
            run = InPlace(staged, plan, workers or processes(), validate=validate, keeps_complements=complements)
            return run.carry_out(on_progress)

    def settle(self, version: int) -> ApplyReport:
        """Clear away what a killed run left beside a database that is current, where that is possible.

        Args:
            version: the database's version.

        Returns:
            The report of a run that had nothing to do.
        """
        if staging_folder(self.path).exists() or (self._path is not None and left_half_open(self._path)):
            with suppress(DatabaseError), staging(self._writing):
                pass
        return ApplyReport(str(self.path), version, version)

    @logged("rollback")
    def rollback(
        self,
        backup: str | None = None,
        *,
        undo_later_writes: bool = False,
        wait: float = 0.0,
        on_progress: OnProgress | None = None,
    ) -> RollbackReport:
        """Put back the collections that migrations touched, and the version, as a backup holds them.

        Where a rollback was cut off while it was swapped in, that one is completed, and no other is made.

        Args:
            backup: its name; by default the one made before the last migration in force.
            undo_later_writes: whether records written since the migration may be undone, too.
            wait: as for :meth:`apply`.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            LaterWrites: records were written since, and ``undo_later_writes`` is false.
            BackupError: there is no such backup, or it is damaged.
            DatabaseError: the database cannot be read or written.

        Whatever is raised, the database is as it was.
        """
        from migrate_spec.rollback import choose, completed, roll_back  # noqa: PLC0415 - as for `scan`

        self.mend()
        if not staging_folder(self.path).exists():  # else the backup may be there still, left by a killed run
            with self._reading() as store:
                if read_swap(store) is None:
                    choose(store, backup, self._project.registry)
        with staging(partial(self._writing, wait, on_progress)) as staged:
            done = completed(staged, backup)
            if done is not None:  # another one would take the migration before it back, too
                return done
            undoing = choose(staged.store, backup, self._project.registry)
            return roll_back(staged, undoing, on_progress, undo_later_writes=undo_later_writes)

    def upgraded(self, collection: str, key: bytes, *, allow_pickle: bool = False) -> bytes | None:
        """One record as it is at the newest version, at any moment of a run in place, too. Nothing is written.

        Where records carry stamps, ``project.upgrade`` does it with the value alone.

        Args:
            collection: the collection's name.
            key: where the record is now.
            allow_pickle: whether it may be a pickled document, which is given as JSON.

        Returns:
            Its bytes; ``None`` where there is no such record.

        Raises:
            RecordRejected: it cannot be carried over.
            MigrationPathMissing: there is no such collection.
            DatabaseError: the database cannot be read.
        """
        from migrate_spec.upgrading import upgraded  # noqa: PLC0415 - most read with `project.upgrade`

        with self._reading() as store:
            return upgraded(store, self._project, collection, key, allow_pickle=allow_pickle)

    @logged("compact")
    def compact(self, *, wait: float = 0.0) -> None:
        """Have the database write its files anew, without what was replaced: as fast to read as it can be.

        A run leaves the old records behind the new ones, as any other write does, and RocksDB gets rid of them in time.
        This does it now. It takes about as long as to copy the database.

        Args:
            wait: as for :meth:`apply`.

        Raises:
            DatabaseError: the database cannot be written, or the disk is full; it holds what it held.
        """
        with self._writing(wait) as store:
            store.compact()

    def compact_after(self, report: ApplyReport, *, wait: float = 0.0) -> None:
        """Do what :meth:`compact` does after a run that reports this.

        Args:
            report: of the run.
            wait: as for :meth:`apply`.

        Raises:
            NotCompacted: the database cannot be written, or the disk is full; what the run did stays.
            DatabaseError: so it is where the run had nothing to do.
        """
        try:
            self.compact(wait=wait)
        except DatabaseError as error:
            if not report.steps:
                raise
            raise NotCompacted.after(error, report.to_version) from error

    def history(self) -> History:
        """What was done to the database. Nothing is written."""
        with self._reading() as store:
            return read_history(store)

    def audit(self) -> Audit:
        """Whether each collection still holds what its last change left. All its records are read, nothing is written.

        Raises:
            DatabaseError: the database cannot be read.
        """
        from migrate_spec.audit import audit  # noqa: PLC0415 - as for `scan`

        with self._reading() as store:
            return audit(store, read_history(store))

    def _plan(
        self, store: Store, to_version: int | None = None, *, validate: bool = True, allow_pickle: bool = False
    ) -> Plan:
        begun = read_in_progress(store)
        if begun is None:
            plan = make_plan(self._project, read_version(store), to_version)
        else:
            plan = begun.plan(self._project, to_version, str(store.path))
            validate, allow_pickle = begun.validate, begun.allow_pickle
        plan = plan if validate else plan.without_checks()
        plan = plan.allowing_pickle() if allow_pickle else plan
        read_history(store).check_specs(self._project.registry)
        for route in plan.routes:
            store.family(route.column_family)  # else the database lacks it
        return plan


def _sample(store: Store, keys: KeyRange, transform: Transform, among: int) -> Sample | None:
    records = store.family(transform.route.column_family).scan(keys)
    for key, value in islice(records, among):
        try:
            carried = transform(value)
        except RecordRefused:
            continue  # `--scan` names what is rejected; a sample shows what goes well
        if carried is not None:
            return Sample(show_key(key), plain(as_json(value)), plain(as_json(carried)))
    return None
