"""What is not finished has no name that counts: it is made in a folder of its own and renamed at the end."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from migrate_spec.backup import sync_path
from migrate_spec.errors import BackupError
from migrate_spec.stores.rocks_faults import meaning_of

__all__ = ["name_finished", "refuse_existing", "unfinished"]


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A folder beside ``target``, on its file system, for what is to become it; it is gone afterwards.

    What killed processes left there is removed.

    Args:
        target: what is to be made.

    Raises:
        OSError: the folder cannot be made.
    """
    _clear_unfinished(target)
    folder, lock = _made(target.parent, _stem(target))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _clear_unfinished(target: Path) -> None:
    """Remove what killed processes left beside ``target``. Each holds a lock on its folder, which ends with it."""
    for left in target.parent.glob(f"{glob.escape(_stem(target))}*"):
        lock = _lock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


def refuse_existing(target: Path) -> None:
    """See that nothing is there yet.

    What killed processes left beside it is removed: where it is there, nobody would come to make it again.

    Raises:
        BackupError: something is.
    """
    _clear_unfinished(target)
    _refuse_existing(target)


def _refuse_existing(target: Path) -> None:
    if os.path.lexists(target):
        raise BackupError(
            "something was found", "a name that is free was expected", "choose another one", where=str(target)
        )


def name_finished(made: Path, target: Path) -> None:
    """Give what is finished its name, if that is free; both are on the disk when this returns.

    Raises:
        BackupError: something has that name.
        DatabaseError: the disk has not confirmed the name, which it has all the same.
        OSError: it cannot be given.
    """
    _refuse_existing(target)
    made.rename(target)
    try:
        sync_path(target.parent)
    except OSError as error:
        meaning = meaning_of(str(error), str(target))
        raise type(meaning)(
            f"{meaning.fault.found} when all was written",
            "it is there and whole, but a loss of power may take its name away",
            "run `sync` once the cause is removed",
            where=str(target),
        ) from error


def _stem(target: Path) -> str:
    """How the names of folders begin in which ``target`` is made."""
    return f".{target.name}.unfinished-"


def _made(parent: Path, stem: str) -> tuple[Path, int]:
    """A new folder and the lock on it."""
    while True:
        folder = Path(mkdtemp(prefix=stem, dir=parent))
        lock = _lock(folder, fcntl.LOCK_EX)
        if lock is not None and folder.exists():  # nobody took it for one that a killed process left
            return folder, lock
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, how: int) -> int | None:
    """The lock on a folder; ``None`` where somebody else has it, or the folder is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
