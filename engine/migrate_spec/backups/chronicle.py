"""What the history of a database says about a restore."""

from __future__ import annotations

from contextlib import suppress
from itertools import takewhile

from migrate_spec.codec import Json
from migrate_spec.errors import MetadataInvalid
from migrate_spec.history import History, new_entry, read_history
from migrate_spec.reports import RestoreReport
from migrate_spec.store import Store

__all__ = ["restored_history", "restoring_entry"]


def restoring_entry(report: RestoreReport, started_at: str, held: dict[str, Json]) -> dict[str, Json]:
    """The entry of a restore.

    Args:
        report: of it.
        started_at: when it began.
        held: what is known of what its collections held before and hold afterwards.
    """
    versions = report.from_version, report.to_version
    entry = new_entry("restore", versions, started_at, records=report.records, backup=report.backup)
    return entry | {
        "seconds": round(report.seconds, 3),
        "collections": held,
        "restored": report.collections or None,
    }


def restored_history(store: Store, whole: Store | None, entry: dict[str, Json]) -> bytes:
    """The history after a restore: all that was done before stays in it.

    Args:
        store: the database.
        whole: the backup, where the whole database becomes what it holds: then its steps are in force again.
        entry: of the restore.
    """
    now = _history(store)
    if whole is not None:
        then = _history(whole)
        both = zip(now.entries, then.entries, strict=False)
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))
        entry = entry | {"kept": kept, "brought": [one.fields for one in then.entries[kept:]]}
    return now.with_entries([entry])


def _history(store: Store) -> History:
    """The history; an empty one where it cannot be understood, which a restore is to mend."""
    with suppress(MetadataInvalid):
        return read_history(store)
    return History()
