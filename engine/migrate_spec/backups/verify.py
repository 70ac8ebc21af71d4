"""Verifying a backup: everything is read, and what was counted and digested when it was made is so again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from migrate_spec.backup import DATABASE, MANIFEST, Backup, Contents, folders_of_backups, read_manifest
from migrate_spec.backups.damage import all_damage
from migrate_spec.backups.inside import check_inside
from migrate_spec.backups.reading import read_through
from migrate_spec.digest import Tally
from migrate_spec.errors import BackupError, CorruptDatabase, ForeignDatabase, MetadataInvalid, NotADatabase
from migrate_spec.families import named
from migrate_spec.history import timestamp
from migrate_spec.progress import OnProgress
from migrate_spec.reports import Verification
from migrate_spec.store import KeyRange, Store
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.undoing import verify, verify_contents, verify_version

__all__ = ["check", "unreadable", "verify_all"]

DAMAGE = (BackupError, CorruptDatabase, ForeignDatabase, MetadataInvalid, NotADatabase)
"""What is wrong with the backup itself; all other errors are of the system that reads it."""


def verify_all(
    backups: Sequence[Backup], opened: Callable[[], Store], on_progress: OnProgress | None
) -> Iterator[Verification]:
    """Verify backups, and note in each when that was.

    Args:
        backups: which.
        opened: opens the database, for the backups inside of it.
        on_progress: is told of every record.

    Yields:
        What was found in each.

    Raises:
        DatabaseError: something else than damage was in the way.
    """
    for backup in backups:
        moment, damage, places = timestamp(), "", list[str]()
        try:
            if backup.is_inside:
                with opened() as store:
                    check_inside(backup, store)
            else:
                check(backup, on_progress)
        except DAMAGE as error:
            damage = str(error)
            if isinstance(error, CorruptDatabase) and backup.path is not None:
                all_of_it, places = all_damage(error, backup.path / DATABASE)
                damage = str(all_of_it)
        found = replace(backup, verified_at=None if damage or backup.is_inside else moment)
        _remember(found)
        yield Verification(backup.name, backup.records, damage, None if damage else moment, places)


def check(backup: Backup, on_progress: OnProgress | None) -> None:
    """Read all of a backup, and see that it is what it was when it was made. Nothing is written.

    Raises:
        BackupError: it holds something else.
        DatabaseError: a part of it cannot be read.
    """
    parts = {name: _tally(contents) for name, contents in backup.collections.items()}
    whole = {family: _tally(contents) for family, contents in backup.whole.items()}
    with open_for_reading(backup.database, frozen=True) as frozen:
        verify_version(backup, frozen)
        read_through(frozen, [*parts.values(), *whole.values()], f"verifying {backup.name}", on_progress)
    for name, tally in parts.items():
        verify(backup, name, tally.records, tally.digest)
    for family, tally in whole.items():
        what = f"in {named(family)}" if named(family) else "in all"
        verify_contents(backup, backup.whole[family], what, tally.records, tally.digest)


def unreadable(database: Path) -> Iterator[Verification]:
    """The backups of a database of which not even the manifest can be read."""
    for folder in folders_of_backups(database):
        if read_manifest(folder) is None:
            error = BackupError(
                "a manifest that cannot be read was found",
                "what the backup holds was expected in it",
                "remove the folder, or put the file back from a copy",
                where=str(folder / MANIFEST),
            )
            yield Verification(folder.name, 0, str(error), None)


def _tally(contents: Contents) -> Tally:
    return Tally(KeyRange.of_prefix(contents.prefix.encode()), contents.column_family, contents.starts)


def _remember(backup: Backup) -> None:
    """Write into the manifest when the backup was verified, where that can be written."""
    if backup.path is not None:
        with suppress(OSError):
            backup.write(backup.path)
