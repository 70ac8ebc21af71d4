"""MigrationManager: check → freeze → carry → swap in → record; and back again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from migrate_spec.backup import (
    DATABASE,
    Backup,
    list_backups,
    new_name,
    settle_staging,
    staging_folder,
)
from migrate_spec.backup import backups_folder as folder_of_backups
from migrate_spec.codec import Json, decode
from migrate_spec.compiler import RecordRefused, Transform
from migrate_spec.errors import DatabaseChanged, DatabaseError, DatabaseReadOnly, LaterWrites, NoSpace, show_key
from migrate_spec.history import (
    HISTORY_KEY,
    TOOL,
    VERSION_KEY,
    History,
    read_history,
    read_version,
    timestamp,
)
from migrate_spec.interrupts import uninterrupted
from migrate_spec.plan import Plan, make_plan
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.project import Project
from migrate_spec.restore import choose, put_back
from migrate_spec.runner import Carried, carry, check_rejections
from migrate_spec.store import KeyRange, Size, Store
from migrate_spec.stores.rocks import open_for_reading, open_for_writing, wrap
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["ApplyReport", "MigrationManager", "RollbackReport", "Sample", "Status"]


@dataclass(frozen=True)
class ApplyReport:
    """What a run did, or what it would do.

    Attributes:
        database: the folder.
        from_version, to_version: the way; equal where nothing was to do.
        collections: for each collection touched how many records were scanned, migrated and left unchanged.
        steps: for each version step how many records it changed.
        seconds: how long it took.
        backup: the name of the backup made before; ``None`` where none was.
        dry_run: whether it was only found out, and nothing was written.
    """

    database: str
    from_version: int
    to_version: int
    collections: dict[str, dict[str, int]] = field(default_factory=dict)
    steps: list[dict[str, int]] = field(default_factory=list)
    seconds: float = 0.0
    backup: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class RollbackReport:
    """What a rollback did.

    Attributes:
        database: the folder.
        from_version, to_version: the way.
        backup: the backup that was put back.
        collections: what was put back.
        records: how many records changed.
        later_writes: how many of them had been written after the migration.
        seconds: how long it took.
    """

    database: str
    from_version: int
    to_version: int
    backup: str
    collections: list[str]
    records: int
    later_writes: int
    seconds: float


@dataclass(frozen=True)
class Status:
    """Where a database stands.

    Attributes:
        current_version, target_version: where it is, and the newest version the specs lead to.
        pending: the steps between, such as ``task v1→v2``.
        history: all that was done.
        backups: all that could be put back.
    """

    current_version: int
    target_version: int
    pending: list[str]
    history: History
    backups: list[Backup]

    @property
    def up_to_date(self) -> bool:
        """Whether nothing is pending."""
        return self.current_version == self.target_version


@dataclass(frozen=True)
class Sample:
    """One record of a database before and after."""

    key: str
    before: Json
    after: Json


class MigrationManager:
    """Carries out plans on one database."""

    def __init__(self, database: str | Path | Any, project: Project) -> None:
        """Take a database and the specs for it.

        Args:
            database: its folder, which is opened only where that is needed; or an open ``Rdict`` in raw mode, which is
                used as it is and stays open.
            project: the specs and schemas.
        """
        self._handle: Any = None if isinstance(database, str | Path) else database
        self._path = Path(database).resolve() if isinstance(database, str | Path) else None
        self._project = project

    @property
    def path(self) -> Path:
        """The database's folder."""
        return self._path or wrap(self._handle).path

    def version(self) -> int:
        """The database's version. Nothing is written.

        Raises:
            MetadataInvalid: it cannot be understood.
        """
        with self._reading() as store:
            return read_version(store)

    def plan(self, to_version: int | None = None) -> Plan:
        """What :meth:`apply` would carry out. Nothing is written.

        Raises:
            PlanError: there is no way.
            DatabaseError: the database cannot be read.
        """
        with self._reading() as store:
            return self._plan(store, to_version)

    def sizes(self, plan: Plan) -> dict[str, Size]:
        """An estimate of how much there is to read for each collection of a plan."""
        with self._reading() as store:
            return {route.collection: store.size(KeyRange.of_prefix(route.key_prefix)) for route in plan.routes}

    def samples(self, plan: Plan, among: int = 1000) -> dict[str, Sample]:
        """For each collection of a plan the first record that it changes, of so many at its beginning."""
        with self._reading() as store:
            found = {route.collection: _sample(store, Transform(route), among) for route in plan.routes}
        return {name: sample for name, sample in found.items() if sample is not None}

    def status(self) -> Status:
        """Where the database stands. Nothing is written."""
        with self._reading() as store:
            current = read_version(store)
            newest = self._project.version
            plan = make_plan(self._project, current) if current < newest else None
            pending = [migration.name for migration in plan.migrations] if plan else []
            return Status(current, newest, pending, read_history(store), list_backups(store))

    def scan(self, to_version: int | None = None, on_progress: OnProgress | None = None) -> ApplyReport:
        """Carry every record over without writing anything: what :meth:`apply` would report or refuse.

        Raises:
            RecordRejected: records cannot be carried over.
            PlanError, DatabaseError: as :meth:`plan`.
        """
        start = time.monotonic()
        with self._reading() as store:
            plan = self._plan(store, to_version)
            results = _carry_all(plan, store, None, Path(), on_progress)
            check_rejections(results, store.path)
            return replace(_report(plan, store.path, results, start), dry_run=True)

    def apply(
        self, to_version: int | None = None, *, backup: bool = True, on_progress: OnProgress | None = None
    ) -> ApplyReport:
        """Carry the database up to a version, all or nothing.

        Args:
            to_version: the newest by default.
            backup: whether the frozen copy that the run reads from is kept afterwards.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            RecordRejected: records cannot be carried over.
            PlanError: there is no way.
            DatabaseError: the database cannot be read or written.

        Whatever is raised, the database is as it was.
        """
        with self._reading() as store:
            plan = self._plan(store, to_version)
        if plan.is_empty:
            return self.settle(plan.to_version)
        with ExitStack() as swapped, self._writing() as store, _staging(store) as staging:
            plan = self._plan(store, to_version)
            if plan.is_empty:  # another process was faster
                return ApplyReport(str(store.path), plan.from_version, plan.to_version)
            return _Run(store, plan, staging, keeps_backup=backup).carry_out(on_progress, swapped)

    def settle(self, version: int) -> ApplyReport:
        """Clear away what a killed run left beside a database that is current, where that is possible.

        Args:
            version: the database's version.

        Returns:
            The report of a run that had nothing to do.
        """
        if staging_folder(self.path).exists():
            with suppress(DatabaseError), self._writing() as store, _staging(store):
                pass
        return ApplyReport(str(self.path), version, version)

    def rollback(
        self, backup: str | None = None, *, undo_later_writes: bool = False, on_progress: OnProgress | None = None
    ) -> RollbackReport:
        """Put back the collections that migrations touched, and the version, as a backup holds them.

        Args:
            backup: its name; by default the one made before the last migration in force.
            undo_later_writes: whether records written since the migration may be undone, too.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            LaterWrites: records were written since, and ``undo_later_writes`` is false.
            BackupError: there is no such backup, or it is damaged.
            DatabaseError: the database cannot be read or written.

        Whatever is raised, the database is as it was.
        """
        if not staging_folder(self.path).exists():  # else the backup may be there still, left by a killed run
            with self._reading() as store:
                choose(store, backup)
        with ExitStack() as swapped, self._writing() as store, _staging(store) as staging:
            return _roll_back(store, staging, backup, on_progress, swapped, undo_later_writes=undo_later_writes)

    def backups(self) -> list[Backup]:
        """All backups, oldest first. Nothing is written."""
        with self._reading() as store:
            return list_backups(store)

    def history(self) -> History:
        """What was done to the database. Nothing is written."""
        with self._reading() as store:
            return read_history(store)

    def _plan(self, store: Store, to_version: int | None) -> Plan:
        plan = make_plan(self._project, read_version(store), to_version)
        read_history(store).check_specs(self._project.registry)
        return plan

    def _reading(self) -> Store:
        return open_for_reading(self._path) if self._path else wrap(self._handle)

    def _writing(self) -> Store:
        return open_for_writing(self._path) if self._path else wrap(self._handle)


@contextmanager
def _staging(store: Store) -> Iterator[Path]:
    """An empty staging folder, which is gone afterwards; what a killed run left is settled first."""
    folder, backups = staging_folder(store.path), folder_of_backups(store.path)
    with SpeakingOf(store.path):
        try:
            settle_staging(store, read_history(store))
            backups.mkdir(exist_ok=True)  # now, as nothing may be in the way after the swap
            folder.mkdir()
        except PermissionError as error:
            raise DatabaseReadOnly(
                f"the folder {folder.parent} that cannot be written was found",
                "room for a staging folder beside the database was expected",
                "run as the user that owns it",
                where=str(store.path),
            ) from error
    try:
        yield folder
    finally:
        with uninterrupted(), suppress(OSError, DatabaseError):
            settle_staging(store, read_history(store))
            backups.rmdir()  # where no backup is in it


class _Run:
    """One ``apply``."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        staging: Path,
        *,
        keeps_backup: bool,
    ) -> None:
        self.store = store
        self.plan = plan
        self.staging = staging
        self.started_at = timestamp()
        self.start = time.monotonic()
        self.keeps_backup = keeps_backup

    def carry_out(self, on_progress: OnProgress | None, swapped: ExitStack) -> ApplyReport:
        """The run. From the swap until ``swapped`` is closed it cannot be interrupted."""
        _check_space(self.store, self.plan)
        if self.keeps_backup:
            _check_writable(folder_of_backups(self.store.path), self.store.path)
        sequence = self.store.sequence()
        checkpoint = self.staging / "backup" / DATABASE
        with SpeakingOf(self.store.path):
            checkpoint.parent.mkdir()
        self.store.checkpoint(checkpoint)
        with _naming(self.store.path, checkpoint), open_for_reading(checkpoint) as frozen:
            results = _carry_all(self.plan, frozen, self.store, self.staging, on_progress)
        check_rejections(results, self.store.path)
        backup = self._backup(results)
        files = [file for result in results for file in result.files]
        files.append(self._metadata(results, backup))
        _check_unchanged(self.store, sequence)
        swapped.enter_context(uninterrupted())
        self.store.ingest(files)
        report = _report(self.plan, self.store.path, results, self.start)
        return replace(report, backup=backup.name if backup else None)

    def _backup(self, results: Sequence[Carried]) -> Backup | None:
        """The backup that the checkpoint becomes; none where there is nothing to put back."""
        if not self.keeps_backup or not any(result.scanned for result in results):
            return None
        name = new_name(self.store)
        backup = Backup(
            name,
            self.started_at,
            self.plan.from_version,
            f"apply v{self.plan.from_version}→v{self.plan.to_version}",
            {result.collection: result.before for result in results},
            folder_of_backups(self.store.path) / name,
        )
        with SpeakingOf(self.store.path):
            backup.write(self.staging / "backup")
        return backup

    def _metadata(self, results: Sequence[Carried], backup: Backup | None) -> Path:
        """The staged file with the version, the history and the note of the backup."""
        history = read_history(self.store)
        staged = self.store.stage(self.staging / "metadata.sst")
        if backup is not None:
            staged.put(backup.name.encode(), backup.stored())
        staged.put(HISTORY_KEY, history.with_entries(list(self._entries(results, backup))))
        staged.put(VERSION_KEY, str(self.plan.to_version).encode())
        path = staged.finish()
        assert path is not None  # noqa: S101 - something was staged
        return path

    def _entries(self, results: Sequence[Carried], backup: Backup | None) -> Iterator[dict[str, Json]]:
        completed_at = timestamp()
        for step in self.plan.steps:
            specs = [migration.spec for migration in step]
            touched = {
                result.collection: _counts(result) | {"prefix": result.before.prefix}
                for result in results
                if result.collection in {spec.collection for spec in specs}
            }
            yield {
                "from_version": step[0].from_version,
                "to_version": step[0].to_version,
                "started_at": self.started_at,
                "completed_at": completed_at,
                "items_migrated": _changed_by(results, step[0].from_version),
                "backup_key": backup.name if backup else None,
                "success": True,
                "error": None,
                "kind": "apply",
                "tool": TOOL,
                "collections": touched,
                "specs": [{"collection": s.collection, "checksum": s.checksum, "text": s.text} for s in specs],
            }


def _carry_all(
    plan: Plan, frozen: Store, target: Store | None, folder: Path, on_progress: OnProgress | None
) -> list[Carried]:
    total = sum(frozen.size(KeyRange.of_prefix(route.key_prefix)).records for route in plan.routes)
    tracker = Tracker(on_progress, total)
    results = [carry(route, frozen, target, folder, tracker) for route in plan.routes]
    tracker.finish()
    return results


def _counts(result: Carried) -> dict[str, int]:
    return {"scanned": result.scanned, "migrated": result.migrated, "unchanged": result.unchanged}


def _changed_by(results: Sequence[Carried], from_version: int) -> int:
    """How many records the step from a version changed, over all collections."""
    return sum(
        count
        for result in results
        for spec, count in zip(result.route.specs, result.changed_by, strict=True)
        if spec.from_version == from_version
    )


def _report(plan: Plan, database: Path, results: Sequence[Carried], start: float) -> ApplyReport:
    return ApplyReport(
        str(database),
        plan.from_version,
        plan.to_version,
        {result.collection: _counts(result) for result in results},
        [
            {
                "from_version": step[0].from_version,
                "to_version": step[0].to_version,
                "items_migrated": _changed_by(results, step[0].from_version),
            }
            for step in plan.steps
        ],
        time.monotonic() - start,
    )


@contextmanager
def _naming(database: Path, checkpoint: Path) -> Iterator[None]:
    """A block in which what is wrong with a database's checkpoint is said of the database: they share their files."""
    try:
        yield
    except DatabaseError as error:
        fault = error.fault
        if fault.where != str(checkpoint):
            raise
        raise type(error)(fault.found, fault.expected, fault.remedy, where=str(database)) from error


def _check_unchanged(store: Store, sequence: int) -> None:
    """See that nobody has written to a database since it had a sequence number.

    Raises:
        DatabaseChanged: somebody has.
    """
    if store.sequence() != sequence:
        raise DatabaseChanged(
            "writes during the run were found",
            "none were expected between the checkpoint and the swap",
            "stop what else writes to this database and run again",
            where=str(store.path),
        )


def _check_writable(backups: Path, database: Path) -> None:
    """See that a backup can be moved to where backups lie, while it is not too late.

    Raises:
        DatabaseReadOnly: it cannot.
    """
    if not os.access(backups, os.W_OK | os.X_OK):
        raise DatabaseReadOnly(
            f"the folder {backups} that cannot be written was found",
            "room for the backup was expected",
            "run as the user that owns it",
            where=str(database),
        )


def _check_space(store: Store, plan: Plan) -> None:
    """See that the staged files have room: about as much as the records take now.

    Raises:
        NoSpace: they have not.
    """
    needed = sum(store.size(KeyRange.of_prefix(route.key_prefix)).bytes for route in plan.routes)
    free = shutil.disk_usage(store.path.parent).free
    if needed > free:
        raise NoSpace(
            f"{free:,} bytes of free space were found",
            f"about {needed:,} were expected, for the new records beside the old ones",
            "make room and run again",
            where=str(store.path),
        )


def _sample(store: Store, transform: Transform, among: int) -> Sample | None:
    records = store.scan(KeyRange.of_prefix(transform.route.key_prefix))
    for key, value in islice(records, among):
        try:
            carried = transform(value)
        except RecordRefused:
            continue  # `--scan` names what is rejected; a sample shows what goes well
        if carried is not None:
            return Sample(show_key(key), decode(value), decode(carried))
    return None


def _roll_back(
    store: Store,
    staging: Path,
    name: str | None,
    on_progress: OnProgress | None,
    swapped: ExitStack,
    *,
    undo_later_writes: bool,
) -> RollbackReport:
    start, started_at, sequence = time.monotonic(), timestamp(), store.sequence()
    history, current = read_history(store), read_version(store)
    undoing = choose(store, name)
    backup = undoing.backup
    tracker = Tracker(on_progress, backup.records)
    changes = store.stage(staging / "records.sst")
    with open_for_reading(backup.database) as frozen:
        restored = put_back(undoing, frozen, store, changes, tracker)
        version, old_version = read_version(frozen), frozen.get(VERSION_KEY)
    files = [path for path in [changes.finish()] if path is not None]
    tracker.finish()
    if restored.later_count and not undo_later_writes:
        raise LaterWrites(restored.later, restored.later_count, where=str(store.path))
    entry = {
        "from_version": current,
        "to_version": version,
        "started_at": started_at,
        "completed_at": timestamp(),
        "items_migrated": restored.records,
        "backup_key": backup.name,
        "success": True,
        "error": None,
        "kind": "rollback",
        "tool": TOOL,
        "collections": {name: {"prefix": prefix} for name, prefix in undoing.prefixes.items()},
    }
    metadata = store.stage(staging / "metadata.sst")
    metadata.put(HISTORY_KEY, history.with_entries([entry]))
    if old_version is None:
        metadata.delete(VERSION_KEY)
    else:
        metadata.put(VERSION_KEY, old_version)
    files += [path for path in [metadata.finish()] if path is not None]
    _check_unchanged(store, sequence)
    swapped.enter_context(uninterrupted())
    store.ingest(files)
    return RollbackReport(
        str(store.path),
        current,
        version,
        backup.name,
        sorted(undoing.prefixes),
        restored.records,
        restored.later_count,
        time.monotonic() - start,
    )
