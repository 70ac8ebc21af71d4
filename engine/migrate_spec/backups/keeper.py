"""All that can be done with the backups of one database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from migrate_spec.backup import Backup, backups_folder, find_backup, in_order, kept_beside, list_backups, named
from migrate_spec.errors import CorruptDatabase, NotADatabase
from migrate_spec.logs import logged
from migrate_spec.mending import mend
from migrate_spec.progress import OnProgress
from migrate_spec.registry import MigrationRegistry
from migrate_spec.reports import RestoreReport, SalvageReport, Verification
from migrate_spec.retention import Retention
from migrate_spec.staging import staging, staging_folder
from migrate_spec.store import Store
from migrate_spec.stores.rocks import open_for_reading, wrap
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.trusted import refuse_untrusted
from migrate_spec.waiting import open_when_free

__all__ = ["BackupKeeper"]


class BackupKeeper:
    """Looks after the backups of one database."""

    def __init__(self, database: str | Path | Any, registry: MigrationRegistry) -> None:
        """Take a database.

        Args:
            database: its folder, which is opened only where that is needed; or an open ``Rdict`` in raw mode, which is
                used as it is and stays open.
            registry: the project's migrations, which tell its collections.
        """
        self._handle: Any = None if isinstance(database, str | Path) else database
        self._path = Path(database).resolve() if isinstance(database, str | Path) else None
        self._registry = registry

    @property
    def path(self) -> Path:
        """The database's folder."""
        return self._path or wrap(self._handle).path

    def backups(self) -> list[Backup]:
        """All backups, oldest first. Nothing is written.

        Where the database is lost or damaged, those that lie beside it.
        """
        try:
            with self._reading() as store:
                return list_backups(store)
        except (CorruptDatabase, NotADatabase):
            if not backups_folder(self.path).is_dir():
                raise
            return in_order(kept_beside(self.path))

    @logged("backup")
    def create_backup(self, reason: str = "", *, wait: float = 0.0, on_progress: OnProgress | None = None) -> Backup:
        """Make a backup of the whole database, counted and digested. Nothing else is changed.

        Args:
            reason: what it is made for.
            wait: for how many seconds to wait for a process that has the database open for writing.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            DatabaseError: the database cannot be read or written.
        """
        from migrate_spec.backups.create import create  # noqa: PLC0415 - not needed to look at a database

        with staging(partial(self._writing, wait, on_progress)) as staged:
            return create(staged, self._registry, reason, on_progress)

    def verify_backups(self, names: Sequence[str] = (), *, on_progress: OnProgress | None = None) -> list[Verification]:
        """Read backups from the first record to the last, and see that they hold what they held when they were made.

        When each was verified is noted in its manifest; nothing else is written.

        Args:
            names: which; by default all of them, those of which the manifest cannot be read among them.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Returns:
            What was found in each, oldest first.

        Raises:
            BackupError: there is no backup of such a name.
            UntrustedFolder: somebody else can have made them.
            DatabaseError: something else than damage was in the way.
        """
        from migrate_spec.backups.verify import unreadable, verify_all  # noqa: PLC0415 - as above

        known = self._trusted()
        chosen = [named(known, name, self.path) for name in names] or known
        found = list(verify_all(chosen, self._reading, on_progress))
        return found if names else [*found, *unreadable(self.path)]

    @logged("restore")
    def restore_backup(  # noqa: PLR0913 - as many as there are ways to restore
        self,
        name: str,
        collections: Sequence[str] = (),
        *,
        into: str | Path | None = None,
        undo_later_writes: bool = False,
        wait: float = 0.0,
        on_progress: OnProgress | None = None,
    ) -> RestoreReport:
        """Make the database again what a backup holds, in one atomic step; the backup is verified first.

        What the database notes about backups stays, and so does its history, which gets an entry.

        Args:
            name: the backup.
            collections: restore these alone; by default everything.
            into: make a new database of the backup in this folder instead; then this one may be lost or damaged.
            undo_later_writes: whether records written since, not by a migration, may be undone.
            wait: as for :meth:`create_backup`.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            LaterWrites: records were written since, and ``undo_later_writes`` is false.
            BackupError: there is no such backup, it is damaged, or does not fit.
            UntrustedFolder: somebody else can have made it.
            DatabaseError: the database cannot be read or written.

        Whatever is raised, the database is as it was.
        """
        if into is not None:
            from migrate_spec.backups.restore_into import restore_into  # noqa: PLC0415 - as above

            if collections:
                raise ValueError("a new database is restored as a whole: pass no collections with `into`")
            return restore_into(named(self._trusted(), name, self.path), Path(into).absolute(), on_progress)
        from migrate_spec.backups.restore import Restoring, restore  # noqa: PLC0415 - as above

        with staging(partial(self._writing, wait, on_progress)) as staged:
            restoring = Restoring(staged, find_backup(staged.store, name), undo_later_writes=undo_later_writes)
            return restore(restoring, collections, self._registry, on_progress)

    def prune_backups(self, retention: Retention, *, dry_run: bool = False, wait: float = 0.0) -> list[Backup]:
        """Remove backups that need not be kept any longer, with what the database notes about them.

        The last one that was found to be whole is never removed.

        Args:
            retention: how long they are kept.
            dry_run: whether nothing is removed.
            wait: as for :meth:`create_backup`.

        Returns:
            Those that were removed, or would be, oldest first.

        Raises:
            DatabaseError: the database cannot be read or written.
        """
        from migrate_spec.backups.prune import outlived, remove  # noqa: PLC0415 - as above

        now = datetime.now(UTC)
        with self._reading() as store:
            found = outlived(list_backups(store), retention, now)
        if dry_run or not (found or staging_folder(self.path).exists()):  # which a killed call may have left
            return found
        with staging(partial(self._writing, wait)) as staged:
            found = outlived(list_backups(staged.store), retention, now)
            remove(staged, found)
        return found

    def export_backup(self, name: str, target: str | Path, *, on_progress: OnProgress | None = None) -> None:
        """Write a backup into one file, a compressed archive, after it is verified.

        Args:
            name: the backup; one that is kept inside the database cannot be exported.
            target: the file, which must not exist.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            BackupError: there is no such backup, it is damaged, or something is at ``target``.
            UntrustedFolder: somebody else can have made it.
            DatabaseError: the backup cannot be read, or the file not be written.
        """
        from migrate_spec.backups.archive import export_backup  # noqa: PLC0415 - as above

        export_backup(named(self._trusted(), name, self.path), Path(target).absolute(), on_progress)

    def import_backup(self, source: str | Path, *, on_progress: OnProgress | None = None) -> Backup:
        """Make an archive that :meth:`export_backup` wrote a backup of this database, which may be lost.

        It is verified, and only then counts as a backup. The database is neither read nor written.

        Args:
            source: the file.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            BackupError: it is no such archive, it is damaged, or there is a backup of its name already.
            DatabaseError: the files cannot be written.
        """
        from migrate_spec.backups.archive import import_backup  # noqa: PLC0415 - as above

        return import_backup(self.path, Path(source).absolute(), on_progress)

    def mend(self) -> None:
        """Make whole what a run left by half whose disk failed in the moment of the swap. A whole database stays.

        Raises:
            DatabaseError: the database cannot be read for another reason, or not be written.
        """
        if self._path is not None:  # else somebody has it open, and so it is whole
            mend(self._path, staging_folder(self._path))

    def salvage(self, target: str | Path, *, on_progress: OnProgress | None = None) -> SalvageReport:
        """Make a new database of every record that can still be read of this one, which is damaged and not changed.

        Args:
            target: the folder of the new database, which must not exist.
            on_progress: is called with every :class:`~migrate_spec.progress.Progress`.

        Raises:
            BackupError: something is at ``target``.
            DatabaseError: there is nothing left of the database, or the new one cannot be written.
        """
        from migrate_spec.backups.salvage import salvage  # noqa: PLC0415 - as above

        return salvage(self.path, Path(target).absolute(), on_progress)

    def _trusted(self) -> list[Backup]:
        """All backups, oldest first, where nobody else can have put them there.

        Raises:
            UntrustedFolder: somebody can.
        """
        with SpeakingOf(self.path):
            refuse_untrusted(self.path, [backups_folder(self.path)])
        return self.backups()

    def _reading(self) -> Store:
        return open_for_reading(self._path) if self._path else wrap(self._handle)

    def _writing(self, wait: float = 0.0, on_progress: OnProgress | None = None) -> Store:
        self.mend()
        return open_when_free(self._path, wait, on_progress) if self._path else wrap(self._handle)
