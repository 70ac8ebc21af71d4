"""Restoring: a whole database, or collections of it, become what a backup holds, in one atomic step."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from migrate_spec.afterwards import contents_of
from migrate_spec.backup import Backup
from migrate_spec.backups.chronicle import restored_history, restoring_entry
from migrate_spec.backups.collections import Chosen, choose_collections
from migrate_spec.backups.inside import records_inside, version_inside
from migrate_spec.backups.verify import check
from migrate_spec.codec import Json
from migrate_spec.errors import BackupError, LaterWrites, MetadataInvalid
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import BACKUP_PREFIX, HISTORY_KEY, VERSION_KEY, read_history, read_version, timestamp
from migrate_spec.kept import kept_range
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.quarantine import MARKS, mark_range
from migrate_spec.registry import MigrationRegistry
from migrate_spec.reports import RestoreReport
from migrate_spec.rollback import put_back
from migrate_spec.staging import Staging
from migrate_spec.store import KeyRange, Store, ranges_of, stage, stage_all
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.swap import Swap
from migrate_spec.undoing import Restored, Undoing, both

__all__ = ["Restoring", "restore"]

OURS = [
    KeyRange.of_prefix(BACKUP_PREFIX),  # or later backups would be forgotten
    KeyRange(HISTORY_KEY, HISTORY_KEY + b"\0"),
    KeyRange(VERSION_KEY, VERSION_KEY + b"\0"),
]
"""What the system keeps for itself in a database, and does not simply restore."""

BESIDE = [kept_range(), MARKS]
"""What comes and goes with records: restored with them, and not counted."""

Pair = tuple[bytes, bytes | None, bytes | None]
"""A key, with its value in a backup and in the database."""


class Restoring:
    """What a restore changes, staged before any of it is done.

    Attributes:
        staging: the database.
        backup: what is put back.
    """

    def __init__(self, staging: Staging, backup: Backup, *, undo_later_writes: bool) -> None:
        """Take the database, the backup, and whether records written since the backup may be undone."""
        self.staging = staging
        self.backup = backup
        self._undo_later_writes = undo_later_writes
        self._start, self._started_at = time.monotonic(), timestamp()
        self._files: dict[str, list[Path]] = {}
        self._staged = 0
        self._restored = Restored()

    def put_back(self, family: str, pairs: Iterable[Pair], *, counted: bool = True) -> None:
        """Stage what makes the records of the database those of the backup.

        Args:
            family: the column family.
            pairs: in ascending order of their keys.
            counted: whether a record that differs counts, and was written since.
        """
        self._staged += 1
        changes = self.staging.store.family(family).stage(self.staging.folder / f"restored-{self._staged}.sst")
        for key, old, new in pairs:
            if old != new:
                stage(changes, key, old)
                if counted:
                    self._restored.records += 1
                    self._restored.note_later(key)
        self._add(family, changes.finish())

    def take_back(self, undoing: Undoing, frozen: Store, tracker: Tracker) -> None:
        """Stage what takes migrations back; only what they do not explain was written since."""
        restored, files = put_back(undoing, frozen, self.staging, tracker)
        self._restored.add(restored)
        for family, some in files.items():
            for path in some:
                self._add(family, path)

    def _add(self, family: str, path: Path | None) -> None:
        if path is not None:
            self._files.setdefault(family, []).append(path)

    def swap_in(self, collections: Sequence[str], version: int | None, whole: Store | None = None) -> RestoreReport:
        """Make all changes at once, with the version and the history.

        Args:
            collections: what is restored, for the report; none: everything.
            version: of the database afterwards; ``None``: it stays, or is that of ``whole``.
            whole: the backup, where the whole database becomes what it holds.

        Raises:
            LaterWrites: records were written since the backup, and they may not be undone.
            DatabaseError: the database cannot be written.
        """
        found, store = self._restored, self.staging.store
        if found.later_count and not self._undo_later_writes:
            raise LaterWrites(
                sorted(found.later), found.later_count, since="the backup", doing="restoring", where=str(store.path)
            )
        then = _version(whole) if whole is not None else version
        now = _version(store) or then or 1
        report = RestoreReport(
            str(store.path),
            now,
            then or now,
            self.backup.name,
            list(collections),
            found.records,
            found.later_count,
        )
        report = replace(report, seconds=time.monotonic() - self._start)
        entry = restoring_entry(report, self._started_at, self._held(collections))
        changes: dict[bytes, bytes | None] = {HISTORY_KEY: restored_history(store, whole, entry)}
        if version is not None:
            changes[VERSION_KEY] = str(version).encode()
        else:  # where it stays, too: over several column families a note takes its place until all is swapped in
            changes[VERSION_KEY] = (store if whole is None else whole).get(VERSION_KEY)
        self._add(DEFAULT_FAMILY, stage_all(store, self.staging.folder / "metadata.sst", changes))
        run = Swap("restore", report.from_version, report.to_version, self._started_at)
        self.staging.swap_in_families(self._files, run)
        return replace(report, seconds=time.monotonic() - self._start)

    def _held(self, collections: Sequence[str]) -> dict[str, Json]:
        """What the collections hold, before they are restored and afterwards, as far as the backup says."""
        found: dict[str, Json] = {}
        for name, after in self.backup.collections.items():
            if after.digest and (not collections or name in collections):
                place, after_json = {"prefix": after.prefix}, after.to_json()
                if "column_family" in after_json:
                    place["column_family"] = after.column_family
                before = contents_of(self.staging.store, after.prefix, family=after.column_family)
                found[name] = place | {"before": before.to_json(), "after": after_json}
        return found


def restore(
    restoring: Restoring, collections: Sequence[str], registry: MigrationRegistry, on_progress: OnProgress | None
) -> RestoreReport:
    """Make a database again what a backup holds, which is verified before.

    Args:
        restoring: the database and the backup.
        collections: restore these alone; none: everything.
        registry: the project's migrations.
        on_progress: is told of every record.

    Raises:
        LaterWrites: records were written since that no migration explains, and they may not be undone.
        BackupError: the backup is damaged, or does not fit.
        DatabaseError: the database or the backup cannot be read, or the database not be written.
    """
    backup, store = restoring.backup, restoring.staging.store
    if backup.is_inside:
        return _restore_inside(restoring, collections)
    check(backup, on_progress)
    with open_for_reading(backup.database, frozen=True) as frozen:
        if collections:
            chosen = choose_collections(backup, collections, frozen, store, registry)
            sizes = (frozen.family(one.column_family).size(one.keys) for one in chosen)
            tracker = Tracker(on_progress, sum(size.records for size in sizes))
            _put_collections_back(restoring, frozen, chosen, tracker)
        else:
            sizes = (frozen.family(name).size(KeyRange()) for name in frozen.families)
            tracker = Tracker(on_progress, sum(size.records for size in sizes))
            _put_all_back(restoring, frozen, _since(restoring, frozen, registry), tracker)
        tracker.finish()
        return restoring.swap_in(collections, None, None if collections else frozen)


def _restore_inside(restoring: Restoring, collections: Sequence[str]) -> RestoreReport:
    """Make the records of a prefix again those of a backup that Meridian keeps inside the database."""
    backup, store = restoring.backup, restoring.staging.store
    [prefix] = backup.collections
    if any(name != prefix for name in collections):
        raise BackupError(
            f"the collection {next(name for name in collections if name != prefix)!r} was found",
            f"{prefix!r} was expected, as the backup holds nothing else",
            where=backup.name,
        )
    version, records = version_inside(backup, store), records_inside(backup, store)
    now = dict(store.scan(KeyRange.of_prefix(prefix.encode())))
    pairs = ((key, records.get(key), now.get(key)) for key in sorted({*records, *now}))
    restoring.put_back(DEFAULT_FAMILY, pairs)
    return restoring.swap_in([prefix], version)


def _put_all_back(restoring: Restoring, frozen: Store, undoing: Undoing | None, tracker: Tracker) -> None:
    """Everything but what the system keeps for itself; entries of indexes that a migration moved are not counted."""
    if undoing is not None:
        restoring.take_back(undoing, frozen, tracker)
    store = restoring.staging.store
    for family in sorted({*frozen.families, *store.families}):
        frozen_part = frozen.family(family) if family in frozen.families else None
        live, apart = store.family(family), [*OURS, *BESIDE] if family == DEFAULT_FAMILY else []
        for keys in BESIDE if family == DEFAULT_FAMILY else ():
            restoring.put_back(family, _tracked(frozen_part, live, keys, tracker), counted=False)
        if undoing is not None and frozen_part is not None and family in undoing.families:
            within = undoing.within(family)
            moved = {key for spec in within.undone for operation in spec.records for key in operation.ranges()}
            indexes = {key for spec in within.undone for index in spec.indexes.values() for key in index.ranges}
            for keys in ranges_of(indexes):
                restoring.put_back(family, _tracked(frozen_part, live, keys, tracker), counted=False)
            apart += ranges_of({*within.prefixes.values(), *moved, *indexes})
        for keys in _others(apart):
            restoring.put_back(family, _tracked(frozen_part, live, keys, tracker))


def _put_collections_back(restoring: Restoring, frozen: Store, chosen: Sequence[Chosen], tracker: Tracker) -> None:
    """Their records, and the entries of their indexes, which are not counted."""
    for one in chosen:
        family = one.column_family
        then, now = frozen.family(family), restoring.staging.store.family(family)
        with one.following(restoring.staging.folder) as following:
            restoring.put_back(family, following.noted(_tracked(then, now, one.keys, tracker)))
            entries = ((key, then.get(key), now.get(key)) for key in following.entries())
            restoring.put_back(family, entries, counted=False)
        homes = frozen.family(DEFAULT_FAMILY), restoring.staging.store.family(DEFAULT_FAMILY)
        for keys in (kept_range(one.name), mark_range(family, one.keys)):
            restoring.put_back(DEFAULT_FAMILY, _tracked(*homes, keys, tracker), counted=False)


def _since(restoring: Restoring, frozen: Store, registry: MigrationRegistry) -> Undoing | None:
    """The steps that were carried out since the backup; ``None`` where there are none, or not only ours."""
    try:
        history = read_history(restoring.staging.store)
        then, now = read_history(frozen).standing(), history.standing()
    except MetadataInvalid:
        return None
    entries = tuple(now[len(then) :])
    if now[: len(then)] != then or not entries or not all(entry.collections and entry.specs for entry in entries):
        return None
    known = {one.spec.checksum: one.spec for one in registry}
    return Undoing(restoring.backup, entries, tuple(now), known, allow_pickle=history.allows_pickle)


def _version(store: Store) -> int | None:
    """The version of a database; ``None`` where it cannot be understood."""
    with suppress(MetadataInvalid):
        return read_version(store)
    return None


def _tracked(frozen: Store | None, live: Store, keys: KeyRange, tracker: Tracker) -> Iterator[Pair]:
    """Each key of a range; ``frozen`` is ``None`` where the column family was not there yet."""
    pairs = both(frozen, live, keys) if frozen is not None else ((key, None, new) for key, new in live.scan(keys))
    for pair in pairs:
        tracker.advance("restoring", 1)
        yield pair


def _others(ranges: Iterable[KeyRange]) -> Iterator[KeyRange]:
    """All keys but those of some ranges apart from each other, as ranges in order."""
    start = b""
    for keys in sorted(ranges, key=lambda one: one.start):
        if start < keys.start:
            yield KeyRange(start, keys.start)
        if keys.stop is None:
            return
        start = keys.stop
    yield KeyRange(start)
