"""Saving what is left of a damaged database: a new one with every record that can still be read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from migrate_spec.backup import permissions
from migrate_spec.backups.unfinished import name_finished, refuse_existing, unfinished
from migrate_spec.codec import Json
from migrate_spec.errors import MetadataInvalid, show_key
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import HISTORY_KEY, VERSION_KEY, History, new_entry, read_history, read_version, timestamp
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.reports import Loss, SalvageReport
from migrate_spec.store import Gap, KeyRange, Record, StagedFile, Store, stage_all
from migrate_spec.stores.rocks import create, open_remains
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["salvage"]

BYTES_A_FILE = 2**30

NOBODY_KNOWS = b"null"
"""In the place of a version that is lost: whoever reads it is told so, and does not take the database for new."""


def salvage(database: Path, target: Path, on_progress: OnProgress | None) -> SalvageReport:
    """Make a new database of every record that can still be read. The damaged one is not changed.

    Args:
        database: the damaged database.
        target: the folder of the new one, which must not exist.
        on_progress: is told of every record.

    Raises:
        BackupError: something is at ``target``.
        DatabaseError: there is nothing left of the database, or the new one cannot be written.
    """
    start, started_at = time.monotonic(), timestamp()
    refuse_existing(target)
    store, left_out = open_remains(database)
    with store, SpeakingOf(target), unfinished(target) as place:
        folder = place / "database"
        tracker = Tracker(on_progress, sum(store.family(name).size(KeyRange()).records for name in store.families))
        with create(folder, store) as new:
            saved = [_Saved(name, store.family(name), new.family(name), place) for name in store.families]
            for one in saved:
                one.save(tracker)
            losses = [loss for one in saved for loss in one.losses]
            report = SalvageReport(
                str(database), str(target), sum(one.records for one in saved), losses, ", ".join(left_out), None
            )
            lost = [gap for one in saved if one.family == DEFAULT_FAMILY for gap in one.gaps]
            report = _note(new, place, report, lost, started_at)
        folder.chmod(permissions(database))
        name_finished(folder, target)
        tracker.finish()
    return replace(report, seconds=time.monotonic() - start)


class _Saved:
    """What is saved of a column family.

    Attributes:
        family: its name.
        records: how many were saved.
        gaps: where some are lost.
    """

    def __init__(self, family: str, remains: Store, new: Store, place: Path) -> None:
        self.family = family
        self.records = 0
        self.gaps: list[Gap] = []
        self._remains = remains
        self._new = new
        self._place = place

    @property
    def losses(self) -> Iterator[Loss]:
        """The gaps, as they are reported."""
        for gap in self.gaps:
            after, before = (None if key is None else show_key(key) for key in (gap.after, gap.before))
            yield Loss(after, before, ", ".join(gap.found), self.family)

    def save(self, tracker: Tracker) -> None:
        """Write all that can be read into the new database."""
        files: list[Path | None] = []
        staged: StagedFile | None = None
        for chunk in self._chunks():
            staged = staged or self._new.stage(self._place / f"{len(files)}.sst")
            staged.put_all(chunk)
            tracker.advance("saving", len(chunk))
            if staged.size() >= BYTES_A_FILE:
                files.append(staged.finish())
                staged = None
        if staged is not None:
            files.append(staged.finish())
        self._new.ingest([file for file in files if file is not None])

    def _chunks(self) -> Iterator[Sequence[Record]]:
        for part in self._remains.remains():
            if isinstance(part, Gap):
                self.gaps.append(part)
            else:
                self.records += len(part)
                yield part


def _note(new: Store, place: Path, report: SalvageReport, lost: Sequence[Gap], started_at: str) -> SalvageReport:
    """Write into the history of the new database what it is, and into its version what that must be."""
    history = History()
    with suppress(MetadataInvalid):
        history = read_history(new)
    version: int | None = None
    standing = history.standing()
    is_lost = (bool(report.left_out) and new.get(VERSION_KEY) is None) or any(VERSION_KEY in gap for gap in lost)
    if is_lost:
        version = standing[-1].to_version if standing else None  # the two are always written together
    else:
        with suppress(MetadataInvalid):
            version = read_version(new)
    report = replace(report, version=version)
    changes: dict[bytes, bytes | None] = {HISTORY_KEY: history.with_entries([_entry(report, started_at)])}
    if is_lost:
        changes[VERSION_KEY] = NOBODY_KNOWS if version is None else str(version).encode()
    new.ingest([stage_all(new, place / "metadata.sst", changes)])
    return report


def _entry(report: SalvageReport, started_at: str) -> dict[str, Json]:
    versions = report.version or 1, report.version or 1
    lost = {"lost": [asdict(loss) for loss in report.losses], "left_out": report.left_out or None}
    return new_entry("salvage", versions, started_at, records=report.records) | lost
