"""A swap that RocksDB took back by half, made whole again.

Where the disk does not confirm the last word of an ingest, RocksDB reports a failure and removes the new table files
from the database's folder, though the manifest names them by then: the database does not open any more. The staged
files are the same files, and lie in the staging folder still. So they are put where they are missed, and the swap is
done.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from migrate_spec.backup import sync_path
from migrate_spec.errors import CorruptDatabase
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.trusted import refuse_untrusted

__all__ = ["mend", "note_order"]

ORDER = "order.json"


def note_order(database: Path, folder: Path, files: Sequence[Path]) -> None:
    """Note which files are about to be swapped in, in their order: :func:`mend` may need it.

    Args:
        database: where.
        folder: its staging folder, in which they are.
        files: they; those of one ingest.

    Raises:
        DatabaseError: it cannot be written.
    """
    with SpeakingOf(database):
        (folder / ORDER).write_text(json.dumps([file.name for file in files]), "utf-8")


def mend(database: Path, folder: Path) -> None:
    """Put staged files where a database misses them, as its manifest names them; a whole database stays as it is.

    Args:
        database: the database, which need not open.
        folder: its staging folder, which need not exist.

    Raises:
        DatabaseError: the database cannot be read for another reason, or not be written.
    """
    try:
        names = json.loads((folder / ORDER).read_text("utf-8"))
    except (OSError, ValueError):
        return
    with SpeakingOf(database):
        refuse_untrusted(database, [folder])
        missing = _missing(database)
        if missing is None:
            return
        files = [folder / name for name in names]
        for first in _first_numbers(database, files, missing):
            if _put_back(database, files, first):
                sync_path(database)
                return


def _missing(database: Path) -> int | None:
    """The number of a table file that the manifest names and that is not there; ``None`` where the database opens."""
    try:
        with open_for_reading(database):
            return None
    except CorruptDatabase as error:
        found = re.match(r"(\d+)\.sst is missing", error.fault.found)
        if found is None:
            raise
        return int(found[1])


def _first_numbers(database: Path, files: Sequence[Path], missing: int) -> Sequence[int]:
    """What the number of the first file can be: RocksDB numbers those of an ingest one after the other.

    Where one of them is still there it tells. Where all are missing, one would be so with any number but the right one.
    """
    there = {file.stat().st_ino: int(file.stem) for file in database.glob("*.sst")}
    found = [there[inode] - index for index, file in enumerate(files) if (inode := file.stat().st_ino) in there]
    return found[:1] or range(missing - len(files) + 1, missing + 1)


def _put_back(database: Path, files: Sequence[Path], first: int) -> bool:
    """Give the files numbers from a first one on; whether the database opens then. Otherwise they are taken back."""
    made: list[Path] = []
    for number, file in enumerate(files, first):
        target = database / f"{number:06}.sst"
        if not target.exists() and file.exists():
            made.append(target)
            _link(file, target)
    with suppress(CorruptDatabase):  # a file that is not what the manifest says
        if _missing(database) is None:
            return True
    for target in made:
        target.unlink()
    return False


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except PermissionError:  # the file system knows no second names
        shutil.copyfile(file, target)
