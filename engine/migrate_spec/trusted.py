"""Whom the folders beside a database are believed: what lies in them was made by its owner, or it is not looked at."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from migrate_spec.errors import UntrustedFolder

__all__ = ["refuse_untrusted"]


def refuse_untrusted(database: Path, folders: Iterable[Path]) -> None:
    """See that folders beside a database, as far as they are there, are of who may write to the database anyway.

    Their names can be known beforehand, and where others may write to the folder around the database they can make
    them first: what a run finds there would be theirs, and what it writes would go where they want it.

    Raises:
        UntrustedFolder: one is a link or a file, or belongs to somebody else than the database, this user and root.
        OSError: the database cannot be looked at; where it is lost, it has no owner.
    """
    trusted = {0} | ({os.geteuid()} if hasattr(os, "geteuid") else set())
    with suppress(FileNotFoundError):
        trusted.add(database.stat().st_uid)
    for folder in folders:
        try:
            found = folder.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(found.st_mode):
            raise _untrusted(database, f"the link {folder} was found")
        if not stat.S_ISDIR(found.st_mode):
            raise _untrusted(database, f"the file {folder} was found")
        if found.st_uid not in trusted:
            raise _untrusted(database, f"the folder {folder} of the user {found.st_uid} was found")


def _untrusted(database: Path, found: str) -> UntrustedFolder:
    expected = "a folder of the database's owner, or none, was expected"
    return UntrustedFolder(found, expected, "find out who made it, and move it away", where=str(database))
