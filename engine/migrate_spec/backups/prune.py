"""Removing backups that need not be kept, by number and by age, but never the last one that is known to be whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from migrate_spec.backup import Backup
from migrate_spec.backups.inside import keys_inside
from migrate_spec.errors import DatabaseError
from migrate_spec.retention import Retention
from migrate_spec.staging import Staging
from migrate_spec.stores.rocks_faults import meaning_of

__all__ = ["outlived", "remove"]


def outlived(backups: Sequence[Backup], retention: Retention, now: datetime) -> list[Backup]:
    """Those of a database's backups that need not be kept any longer.

    The newest one that was found to be whole is kept in any case, and so is the one for which that was found last;
    where none was, the newest.

    Args:
        backups: all of them, oldest first.
        retention: how long they are kept.
        now: the time.
    """
    if retention.keeps_all:
        return []
    verified = [backup for backup in backups if backup.verified_at]
    newest = (verified or backups)[-1:]
    spared = {backup.name for backup in [*newest, *sorted(verified, key=lambda one: one.verified_at or "")[-1:]]}
    beyond = backups[: max(0, len(backups) - (retention.keep or 0))]
    return [backup for backup in beyond if backup.name not in spared and _is_older(backup, retention.older_than, now)]


def _is_older(backup: Backup, limit: timedelta | None, now: datetime) -> bool:
    if limit is None:
        return True
    try:
        made = datetime.fromisoformat(backup.created_at)
    except ValueError:  # a moment that nobody understands is none that is long ago
        return False
    return now - (made if made.tzinfo else made.replace(tzinfo=UTC)) > limit


def remove(staging: Staging, backups: Sequence[Backup]) -> None:
    """Remove backups: the database's notes of them, then their folders. What is killed in between can be done again.

    Args:
        staging: the database.
        backups: which.

    Raises:
        DatabaseError: the database cannot be written, or a folder not be removed.
    """
    store, files = staging.store, []
    for number, backup in enumerate(backups):
        staged = store.stage(staging.folder / f"notes-{number}.sst")
        for key in keys_inside(backup, store):
            staged.delete(key)
        files.append(staged.finish())
    staging.swap_in([file for file in files if file is not None], beside_writes=True)
    for number, backup in enumerate(backups):
        try:
            if backup.path is not None:
                backup.path.rename(staging.folder / backup.name)  # at once; what is in that folder goes with it
        except OSError as error:
            fault = meaning_of(str(error), str(store.path)).fault
            notes = f"the notes of {len(backups)} backup{'s' if len(backups) != 1 else ''}"
            found = f"{fault.found} when {notes} and the folders of {number} were removed"
            raise DatabaseError(found, fault.expected, fault.remedy, where=str(store.path)) from error
