"""The staging folder: where a run keeps its files beside the database until they are swapped in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from migrate_spec.backup import DATABASE, backups_folder, permissions, read_manifest, sync_path
from migrate_spec.errors import DatabaseChanged, DatabaseError, DatabaseReadOnly, HalfSwapped, SwapInDoubt
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import BACKUP_PREFIX, HISTORY_KEY, VERSION_KEY
from migrate_spec.in_progress import refuse_in_progress
from migrate_spec.interrupts import uninterrupted
from migrate_spec.logs import log
from migrate_spec.mending import mend, note_order
from migrate_spec.rejected import keep_list
from migrate_spec.store import Changes, KeyRange, Record, Store
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.swap import Swap, half_swapped
from migrate_spec.swapping import note_swap, prepare_swap, read_swap, settle_swap
from migrate_spec.trusted import refuse_untrusted

__all__ = ["Staging", "staging", "staging_folder"]

Doubt = tuple[str, str]
"""When an error came after which nobody knows whether a change was made, and what may be so then."""

WHOLE = "in the moment of the swap", "the database is wholly as it was, or wholly as it was to become"
IN_PARTS = WHOLE[0], "the database is as it was, or as it was to become, or in between, which the next run settles"
IN_PLACE = "at the last batch", "the run in place is at its end, or the next `apply` brings it there"


def staging_folder(database: Path) -> Path:
    """Where a run keeps its files until they are swapped in. Only the holder of the database's lock touches it."""
    return database.with_name(f"{database.name}.staging")


class Staging:
    """A database open for writing, and an empty folder for the files of one run.

    Attributes:
        store: the database.
        folder: the folder.
        completed: a run that had been cut off while it was swapped in, and now is done.
    """

    def __init__(self, open_store: Callable[[], Store], after_swap: ExitStack) -> None:
        """Open a database; ``after_swap`` is closed when nothing can be interrupted any more."""
        self.store = open_store()
        self.folder = staging_folder(self.store.path)
        try:
            _refuse_untrusted(self.store.path)
        except DatabaseError:
            self.store.close()
            raise
        self.completed: Swap | None = None
        self._open_store = open_store
        self._sequence = 0
        self._after_swap = after_swap
        self._in_doubt = False

    def prepare(self, *, goes_on: bool = False) -> None:
        """Settle what a killed run left, and make the folder.

        Args:
            goes_on: whether the database may be in the middle of a run in place, as that is to go on.

        Raises:
            RunInProgress: it is in the middle of one, and ``goes_on`` is false.
            DatabaseError: the database cannot be written, or the folder cannot be made.
        """
        if not goes_on:
            refuse_in_progress(self.store)
        self.completed = _prepare(self.store)
        self._sequence = self.store.sequence()

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
            SwapInDoubt: that could not be found out.
        """
        note_order(self.store.path, self.folder, files)
        self._put_on_disk()
        if not beside_writes:
            self._check_unchanged()
        self._swap(partial(self.store.ingest, files), WHOLE)

    def _put_on_disk(self) -> None:
        """See that the names of the folder, and of the checkpoint in it, are on the disk: the swap relies on them."""
        with SpeakingOf(self.store.path):
            sync_path(self.folder)
            sync_path(self.folder.parent)

    def swap_in_families(self, files: Mapping[str, Sequence[Path]], run: Swap) -> None:
        """Make all changes of staged files of several column families, as :meth:`swap_in` does it of one.

        Args:
            files: by the column family; the version is in those of the default one.
            run: what is swapped in; its files need not be named.

        Raises:
            DatabaseChanged: as there.
            DatabaseError: as there.
            SwapInDoubt: as there.
            HalfSwapped: some of them could not be swapped in, and the others could not be taken back.
        """
        files = {family: some for family, some in files.items() if some}
        if files.keys() == {DEFAULT_FAMILY}:
            self.swap_in(files[DEFAULT_FAMILY])
            return
        prepare_swap(self.store, self.folder, files)
        self._check_unchanged()
        sizes = {family: {file.name: file.stat().st_size for file in some} for family, some in files.items()}
        self._swap(partial(note_swap, self.store, self.folder, replace(run, files=sizes)), IN_PARTS)

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

    def _swap(self, change: Callable[[], None], doubt: Doubt) -> None:
        """Make a change that alters what the database notes about itself, or find out why not.

        Args:
            change: makes it.
            doubt: what is said where that cannot be found out.
        """
        self._after_swap.enter_context(uninterrupted())
        try:
            change()
        except DatabaseError as error:
            if not self._is_done(error, doubt):
                raise

    def _is_done(self, error: DatabaseError, doubt: Doubt) -> bool:
        """Whether a change was made in spite of an error, which may have come when all was written already.

        RocksDB goes on with what it has in memory, which is as it was before. So the database is opened anew.

        Raises:
            SwapInDoubt: that cannot be found out.
            HalfSwapped: it was made by half.
        """
        self._in_doubt = True
        before, after, swap = None, None, None
        with suppress(DatabaseError):
            before = _notes(self.store)
        with suppress(DatabaseError):
            self.store.close()
        with suppress(DatabaseError):
            mend(self.store.path, self.folder)
            with open_for_reading(self.store.path) as disk:
                after, swap = _notes(disk), read_swap(disk)
        if before is None or after is None:
            if isinstance(error, HalfSwapped):  # which says more
                return False
            raise SwapInDoubt.after(error, *doubt) from error
        seen = after
        with suppress(DatabaseError):
            self.store = self._open_store()
            seen = _notes(self.store)
            self._in_doubt = seen != after
        if seen != after:  # an application has it open, and does not see what is on the disk
            raise SwapInDoubt.after(error, *doubt) from error
        if swap is not None and not isinstance(error, HalfSwapped):
            raise half_swapped(swap, self.store.path) from error
        return after != before and swap is None

    def leave(self) -> None:
        """Clear away what is left, and close the database. Where that fails, the next run does it."""
        with uninterrupted(), suppress(OSError, DatabaseError):
            if not self._in_doubt:
                _settle(self.store)
        with suppress(DatabaseError):  # what was swapped in is on the disk, and nothing else was written
            self.store.close()

    def write_last(self, changes: Changes, others: Mapping[str, Changes]) -> None:
        """Make the last changes of a run in place, and see that all of them are on the disk: it is done.

        Args:
            changes: those to the default column family.
            others: those to others.

        Raises:
            SwapInDoubt: it cannot be found out whether they were made.
            DatabaseError: they could not be made.
        """
        self._swap(lambda: self.store.write(changes, others, sync=True), IN_PLACE)


@contextmanager
def staging(open_store: Callable[[], Store], *, goes_on: bool = False) -> Iterator[Staging]:
    """An empty staging folder, which is gone afterwards; what a killed run left is settled first.

    Args:
        open_store: opens the database for writing. It is closed at the end.
        goes_on: whether the database may be in the middle of a run in place, as that is to go on.

    Raises:
        RunInProgress: it is in the middle of one, and ``goes_on`` is false.
        DatabaseError: the database cannot be written, or the folder cannot be made.
    """
    with ExitStack() as after_swap:
        staged = Staging(open_store, after_swap)
        try:
            staged.prepare(goes_on=goes_on)
            yield staged
        finally:
            staged.leave()


def _prepare(store: Store) -> Swap | None:
    """Settle what a killed run left, and make the folders; the run that was completed, if there was one to complete."""
    folder = staging_folder(store.path)
    if folder.exists():
        log("staging", "warning", "leftovers-cleared", database=str(store.path))
    with SpeakingOf(store.path):
        try:
            completed = settle_swap(store, folder)
            _settle(store)
            mode = permissions(store.path)
            folder.mkdir(mode)
            backups_folder(store.path).mkdir(mode, exist_ok=True)  # now, as nothing may be in the way after the swap
            _refuse_untrusted(store.path)  # again, as somebody may have made one in between
        except PermissionError as error:
            raise DatabaseReadOnly(
                f"the folder {folder.parent} that cannot be written was found",
                "room for a staging folder beside the database was expected",
                "run as the user that owns it",
                where=str(store.path),
            ) from error
    return completed


def _notes(store: Store) -> list[Record]:
    """What a database notes about itself: version, history and backups."""
    own = [(key, store.get(key) or b"") for key in (VERSION_KEY, HISTORY_KEY)]
    return [*own, *store.scan(KeyRange.of_prefix(BACKUP_PREFIX))]


def _refuse_untrusted(database: Path) -> None:
    with SpeakingOf(database):
        refuse_untrusted(database, (staging_folder(database), backups_folder(database)))


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
        OSError: the checkpoint, or the list of rejected records, cannot be moved; then it is left as it is, for the
            next call.
    """
    if read_swap(store) is not None:  # the next run needs all of it
        return
    staging = staging_folder(store.path)
    backup = read_manifest(staging / "backup")
    if backup is not None and store.get(backup.name.encode()) is not None:
        _keep_checkpoint(store, backup.name)
    keep_list(store, staging)
    backups = backups_folder(store.path)
    if backups.is_dir() and not any(backups.iterdir()):
        backups.rmdir()
    # This last: whoever finds it clears up what could not be.
    shutil.rmtree(staging, ignore_errors=True)


def _keep_checkpoint(store: Store, name: str) -> None:
    """Move a run's checkpoint from the staging folder to the backups."""
    target = backups_folder(store.path) / name
    target.parent.mkdir(permissions(store.path), exist_ok=True)
    if not target.exists():  # a loss of power may have left it under both names
        (staging_folder(store.path) / "backup").rename(target)
    for folder in (target.parent, target.parent.parent):
        sync_path(folder)
