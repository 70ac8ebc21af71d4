"""The list of all rejected records: a file of JSON lines, beside the database or where the user says.

A line has ``key`` as a person reads it and ``key_hex``, which is exact, ``step``, ``path`` (the place inside the
document), ``place`` (the line of the spec, or the schema), ``reason``, ``column_family`` where it is not the default
one, and the record: as ``value`` where it is JSON or MessagePack, as ``text`` where it is other UTF-8, else as ``hex``.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from migrate_spec.codec import encode, plain
from migrate_spec.errors import DatabaseReadOnly, NoSpace, Rejection, show_key
from migrate_spec.families import named
from migrate_spec.history import read_history
from migrate_spec.store import Store

__all__ = ["bring", "check_place", "check_room", "default_place", "gather", "keep_list", "line", "put", "staged_name"]


def line(rejection: Rejection, value: bytes) -> bytes:
    """The line about one record."""
    fault = rejection.fault
    shown = {
        "key": show_key(rejection.key),
        "key_hex": rejection.key.hex(),
        "step": rejection.step,
        "path": rejection.path,
        "place": str(fault.where or ""),
        "reason": fault.sentence,
    }
    place = {"column_family": rejection.column_family} if named(rejection.column_family) else {}
    return encode(shown | place | shown_value(value)) + b"\n"


def shown_value(value: bytes) -> dict[str, Any]:
    """A stored value in the form that suits it: ``value``, ``text`` or ``hex``."""
    try:
        return {"value": plain(value)}
    except ValueError:
        pass
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"hex": value.hex()}


def default_place(database: Path, started_at: str) -> Path:
    """The file beside a database for the list of a run that began then; none that is there already."""
    moment = datetime.fromisoformat(started_at).strftime("%Y%m%d_%H%M%S")
    number, free = 1, database.with_name(f"{database.name}.rejected-{moment}.jsonl")
    while free.exists():
        number += 1
        free = database.with_name(f"{database.name}.rejected-{moment}_{number}.jsonl")
    return free


def check_place(file: Path) -> None:
    """See that a list can be put somewhere, while it is not too late.

    Raises:
        DatabaseReadOnly: it cannot.
    """
    found = None
    if file.is_dir():
        found = "a folder was found"
    elif file.exists() and not file.is_file():
        found = "a device or a pipe was found"
    elif not file.parent.is_dir():
        found = f"no folder {file.parent} was found"
    elif not os.access(file.parent, os.W_OK | os.X_OK):
        found = f"the folder {file.parent} that cannot be written was found"
    if found is not None:
        expected, remedy = "room for the list of rejected records was expected", "name another file"
        raise DatabaseReadOnly(found, expected, remedy, where=str(file))


def check_room(staged: Path, target: Path) -> None:
    """See that there is room for a list where it is to be moved, while it is not too late.

    Raises:
        NoSpace: there is none.
        OSError: that cannot be found out.
    """
    if staged.stat().st_dev == target.parent.stat().st_dev:
        return
    needed, free = staged.stat().st_size, shutil.disk_usage(target.parent).free
    if needed > free:
        raise NoSpace(
            f"{free:,} bytes of free space were found",
            f"at least {needed:,} were expected, for the list of rejected records",
            "make room, or name another file",
            where=str(target),
        )


def gather(parts: Iterable[Path], target: Path, database: Path) -> None:
    """Put the parts of a list together to one file, which those can read who can read the database.

    Raises:
        OSError: it cannot be written.
    """
    with target.open("wb") as whole:
        os.fchmod(whole.fileno(), (database / "CURRENT").stat().st_mode & 0o666)
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole, 2**20)
            part.unlink()
        whole.flush()
        os.fsync(whole.fileno())


def put(staged: Path, target: Path) -> None:
    """Move a list to its place, at once and whole, in the place of what is there.

    Raises:
        OSError: it cannot be moved.
    """
    try:
        staged.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        near = target.with_name(f".{target.name}.{uuid4().hex}")
        try:
            shutil.copy2(staged, near)
            near.replace(target)
        finally:
            near.unlink(missing_ok=True)


def staged_name(started_at: str) -> str:
    """What the list of a run is called among its staged files."""
    return f"rejected-{started_at}.jsonl"


def bring(staged: Path, target: Path, database: Path, started_at: str) -> Path:
    """Move the list of a run to its place, or beside the database, where that is gone by now. Returns where it is.

    Raises:
        OSError: it cannot be put beside the database either.
    """
    try:
        put(staged, target)
    except OSError:
        target = default_place(database, started_at)
        put(staged, target)
    return target


def keep_list(store: Store, staging: Path) -> None:
    """Put the list of the last run to its place, if that got as far as the swap.

    Raises:
        OSError: it cannot be put beside the database either.
        MetadataInvalid: the history cannot be understood.
    """
    entries = read_history(store).entries[-1:] if any(staging.glob(staged_name("*"))) else ()
    for entry in entries:
        staged, file = staging / staged_name(entry.fields["started_at"]), entry.fields.get("rejected")
        if type(file) is str and staged.exists():
            bring(staged, Path(file), store.path, entry.fields["started_at"])
