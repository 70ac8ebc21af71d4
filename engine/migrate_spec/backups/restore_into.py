"""Restoring a backup into a new folder, for a database that is lost or damaged."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

from migrate_spec.backup import Backup, sync_path
from migrate_spec.backups.chronicle import restored_history, restoring_entry
from migrate_spec.backups.unfinished import name_finished, refuse_existing, unfinished
from migrate_spec.backups.verify import check
from migrate_spec.history import HISTORY_KEY, timestamp
from migrate_spec.progress import OnProgress
from migrate_spec.reports import RestoreReport
from migrate_spec.store import stage_all
from migrate_spec.stores.rocks import open_for_writing
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["restore_into"]

NEVER_CHANGED = (".sst", ".blob", ".ldb")
"""Files that RocksDB never writes to again: a link will do."""

NOT_TAKEN = ("LOCK", "LOG")


def restore_into(backup: Backup, target: Path, on_progress: OnProgress | None) -> RestoreReport:
    """Make a backup a database of its own. It comes into being as a whole.

    Args:
        backup: the backup.
        target: the folder of the new database, which must not exist.
        on_progress: is told of every record.

    Raises:
        BackupError: something is at ``target``, or the backup is damaged.
        DatabaseError: the backup cannot be read, or the folder not be written.
    """
    start, started_at = time.monotonic(), timestamp()
    refuse_existing(target)
    check(backup, on_progress)
    version = backup.version or 1
    report = RestoreReport(str(target), version, version, backup.name, [], backup.records, 0)
    with SpeakingOf(target), unfinished(target) as place:
        folder = place / "database"
        folder.mkdir()
        for file in backup.database.iterdir():
            if not file.name.startswith(NOT_TAKEN):
                _take_over(file, folder / file.name)
        _note(folder, report, started_at)
        for path in (*folder.iterdir(), folder):
            sync_path(path)
        folder.chmod(backup.database.stat().st_mode & 0o777)
        name_finished(folder, target)
    return replace(report, seconds=time.monotonic() - start)


def _take_over(file: Path, target: Path) -> None:
    """Copy a file of a database; by a link where it is never written to again, and where there can be one.

    Raises:
        OSError: it cannot be copied.
    """
    if file.suffix in NEVER_CHANGED:
        try:
            os.link(file, target)
        except OSError:  # another file system
            pass
        else:
            return
    shutil.copy2(file, target)


def _note(folder: Path, report: RestoreReport, started_at: str) -> None:
    """Write the restore into the history of the new database."""
    with open_for_writing(folder) as store:
        history = restored_history(store, None, restoring_entry(report, started_at, {}))
        store.ingest([stage_all(store, folder / "restored.sst", {HISTORY_KEY: history})])
