"""Who has a database open for writing, as far as the operating system tells: Linux does, others say nothing.

Nothing here opens the file ``LOCK``. To close any handle of that file would drop the lock that this same process
may hold on the database (so say the rules of POSIX locks).
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from migrate_spec.errors import DatabaseLocked, Holder

__all__ = ["holder_of", "locked", "refuse_locked"]

PROCESSES = Path("/proc")

# https://man7.org/linux/man-pages/man5/proc_locks.5.html; RocksDB takes a lock of this kind on the whole file.
_LOCK = re.compile(r"^\d+: POSIX +\S+ +WRITE (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ", re.MULTILINE)

LONGEST_COMMAND = 80


def holder_of(path: Path) -> Holder | None:
    """The process that has the database in the folder ``path`` open for writing; ``None`` where the system tells none.

    It tells none of another machine, or outside of this container.
    """
    with suppress(OSError):
        lock = (path / "LOCK").stat()
        return next((_holder(pid) for pid in _locking(lock)), None)
    return None


def refuse_locked(path: Path) -> None:
    """See that nobody has the database open for writing, as far as can be told without opening it.

    RocksDB, when it opens a database, moves its file ``LOG`` aside before it finds the lock held.

    Raises:
        DatabaseLocked: somebody has.
    """
    holder = holder_of(path)
    if holder is not None:
        raise locked(path, holder)


def locked(path: Path, holder: Holder | None = None) -> DatabaseLocked:
    """The error for a database that is open for writing already.

    Args:
        path: the database.
        holder: who has it open; looked for where that is not known.
    """
    holder = holder or holder_of(path) or _opener_of(path)
    if holder is not None and holder.pid == os.getpid():
        return DatabaseLocked(
            "this process has it open for writing already",
            "only one handle can write to it at a time",
            "close the other handle, or pass that one on instead of the path",
            where=str(path),
            holder=holder,
        )
    return DatabaseLocked(
        f"{holder or 'another process'} has it open for writing",
        "only one process can write to it at a time",
        "stop that process, or wait for it with --wait",
        where=str(path),
        holder=holder,
    )


def _locking(lock: os.stat_result) -> Iterator[int]:
    """The processes that have a file locked.

    Some file systems (btrfs, overlays) give a file another device than the table of locks does; there it counts who has
    the file open as well.
    """
    for pid, major, minor, inode in _LOCK.findall((PROCESSES / "locks").read_text("ascii", "replace")):
        if int(inode) == lock.st_ino:
            device = os.makedev(int(major, 16), int(minor, 16))
            if device == lock.st_dev or _has_open(int(pid), lock):
                yield int(pid)


def _opener_of(path: Path) -> Holder | None:
    """Another process that has the lock's file open: where the table of locks tells nothing, it is the holder."""
    with suppress(OSError):
        lock = (path / "LOCK").stat()
        pids = (int(folder.name) for folder in PROCESSES.iterdir() if folder.name.isdigit())
        return next((_holder(pid) for pid in pids if pid != os.getpid() and _has_open(pid, lock)), None)
    return None


def _has_open(pid: int, file: os.stat_result) -> bool:
    """Whether a process has a file open; no where this user may not know."""
    with suppress(OSError):
        for link in (PROCESSES / str(pid) / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                if os.path.samestat(link.stat(), file):
                    return True
    return False


def _holder(pid: int) -> Holder:
    command = ""
    with suppress(OSError):
        words = (PROCESSES / str(pid) / "cmdline").read_bytes().decode("utf-8", "backslashreplace")
        command = " ".join(shlex.join(words.removesuffix("\0").split("\0")).split()) if words else ""
    shown = "".join(char if char.isprintable() else "?" for char in command)
    return Holder(pid, shown if len(shown) <= LONGEST_COMMAND else f"{shown[:LONGEST_COMMAND]}…")
