"""The staging folder: where a run keeps its files beside the database until they are swapped in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from migrate_spec.backup import DATABASE, backups_folder, permissions, read_manifest, sync_folder
from migrate_spec.errors import DatabaseChanged, DatabaseError, DatabaseReadOnly
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.interrupts import uninterrupted
from migrate_spec.store import Store
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.swap import Swap
from migrate_spec.swapping import note_swap, prepare_swap, read_swap, settle_swap

__all__ = ["Staging", "staging", "staging_folder"]


def staging_folder(database: Path) -> Path:
    """Where a run keeps its files until they are swapped in. Only the holder of the database's lock touches it."""
    return database.with_name(f"{database.name}.staging")


class Staging:
    """A database open for writing, and an empty folder for the files of one run.

    Attributes:
        store: the database.
        folder: the folder.
    """

    def __init__(self, store: Store, after_swap: ExitStack) -> None:
        """Take an open database; ``after_swap`` is closed when nothing can be interrupted any more."""
        self.store = store
        self.folder = staging_folder(store.path)
        self._sequence = store.sequence()
        self._after_swap = after_swap

    def check_backups_writable(self) -> None:
        """See that a backup can be moved to where backups lie, while it is not too late.

        Raises:
            DatabaseReadOnly: it cannot.
        """
        folder = backups_folder(self.store.path)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DatabaseReadOnly(
                f"the folder {folder} that cannot be written was found",
                "room for the backup was expected",
                "run as the user that owns it",
                where=str(self.store.path),
            )

    @contextmanager
    def frozen(self) -> Iterator[Store]:
        """A frozen copy of the database, open for reading; with a manifest beside it, it can become a backup.

        Raises:
            DatabaseError: it cannot be made, or a part of it cannot be read.
        """
        checkpoint = self.backup / DATABASE
        with SpeakingOf(self.store.path):
            checkpoint.parent.mkdir()
        self.store.checkpoint(checkpoint)
        with _naming(self.store.path, checkpoint), open_for_reading(checkpoint, frozen=True) as frozen:
            yield frozen

    @property
    def backup(self) -> Path:
        """The folder that becomes a backup, if the swap brings a note of that name into the database."""
        return self.folder / "backup"

    def swap_in(self, files: Sequence[Path], *, beside_writes: bool = False) -> None:
        """Make all changes of staged files at once. From then on the run cannot be interrupted: it is done.

        Args:
            files: the staged files.
            beside_writes: whether it does no harm that somebody has written to the database meanwhile.

        Raises:
            DatabaseChanged: somebody has written to the database since the folder was made.
            DatabaseError: the files could not be swapped in; nothing was changed.
        """
        if not beside_writes:
            self._check_unchanged()
        self._after_swap.enter_context(uninterrupted())
        self.store.ingest(files)

    def swap_in_families(self, files: Mapping[str, Sequence[Path]], run: Swap) -> None:
        """Make all changes of staged files of several column families, as :meth:`swap_in` does it of one.

        Args:
            files: by the column family; the version is in those of the default one.
            run: what is swapped in; its files need not be named.

        Raises:
            DatabaseChanged: as there.
            DatabaseError: as there.
            HalfSwapped: some of them could not be swapped in, and the others could not be taken back.
        """
        files = {family: some for family, some in files.items() if some}
        if files.keys() == {DEFAULT_FAMILY}:
            self.swap_in(files[DEFAULT_FAMILY])
            return
        prepare_swap(self.store, self.folder, files)
        self._check_unchanged()
        self._after_swap.enter_context(uninterrupted())
        sizes = {family: {file.name: file.stat().st_size for file in some} for family, some in files.items()}
        note_swap(self.store, self.folder, replace(run, files=sizes))

    def _check_unchanged(self) -> None:
        """See that nobody has written to the database since the folder was made.

        Raises:
            DatabaseChanged: somebody has.
        """
        if self.store.sequence() != self._sequence:
            raise DatabaseChanged(
                "writes during the run were found",
                "none were expected between the checkpoint and the swap",
                "stop what else writes to this database and run again",
                where=str(self.store.path),
            )


@contextmanager
def staging(open_store: Callable[[], Store]) -> Iterator[Staging]:
    """An empty staging folder, which is gone afterwards; what a killed run left is settled first.

    Args:
        open_store: opens the database for writing. It is closed at the end.

    Raises:
        DatabaseError: the database cannot be written, or the folder cannot be made.
    """
    with ExitStack() as after_swap, open_store() as store:
        try:
            _prepare(store)
            yield Staging(store, after_swap)
        finally:
            with uninterrupted(), suppress(OSError, DatabaseError):
                _settle(store)
                backups_folder(store.path).rmdir()  # where no backup is in it


def _prepare(store: Store) -> None:
    folder = staging_folder(store.path)
    with SpeakingOf(store.path):
        try:
            settle_swap(store, folder)
            _settle(store)
            mode = permissions(store.path)
            backups_folder(store.path).mkdir(mode, exist_ok=True)  # now, as nothing may be in the way after the swap
            folder.mkdir(mode)
        except PermissionError as error:
            raise DatabaseReadOnly(
                f"the folder {folder.parent} that cannot be written was found",
                "room for a staging folder beside the database was expected",
                "run as the user that owns it",
                where=str(store.path),
            ) from error


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


def _settle(store: Store) -> None:
    """Clear away what a run left, finished or killed; its checkpoint becomes a backup if it got as far as the swap.

    Args:
        store: the database, open for writing: holding its lock is what entitles to this. It has a note of the backup
            from the swap on.

    Raises:
        OSError: the checkpoint cannot be moved; then all is left as it is, for the next call.
    """
    if read_swap(store) is not None:  # the next run needs all of it
        return
    staging = staging_folder(store.path)
    backup = read_manifest(staging / "backup")
    if backup is not None and store.get(backup.name.encode()) is not None:
        _keep_checkpoint(store, backup.name)
    shutil.rmtree(staging, ignore_errors=True)


def _keep_checkpoint(store: Store, name: str) -> None:
    """Move a run's checkpoint from the staging folder to the backups."""
    target = backups_folder(store.path) / name
    target.parent.mkdir(permissions(store.path), exist_ok=True)
    (staging_folder(store.path) / "backup").rename(target)
    for folder in (target.parent, target.parent.parent):
        sync_folder(folder)
