"""Going back: the records that a migration touched become what its backup holds, and nothing else changes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from migrate_spec.afterwards import contents_of
from migrate_spec.backup import find_backup
from migrate_spec.carriers import Carrier, carrier
from migrate_spec.codec import Json
from migrate_spec.document import Unbound
from migrate_spec.errors import BackupError, LaterWrites
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import HISTORY_KEY, VERSION_KEY, Entry, new_entry, read_history, read_version, timestamp
from migrate_spec.in_progress import refuse_in_progress
from migrate_spec.kept import kept_range
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.quarantine import Mark
from migrate_spec.registry import MigrationRegistry
from migrate_spec.rejects import Rejecting, Rejects
from migrate_spec.reports import RollbackReport
from migrate_spec.rollback_marks import Marked, put_marks_back, quarantined_since
from migrate_spec.rollback_moved import put_back_moved
from migrate_spec.staging import Staging
from migrate_spec.store import KeyRange, StagedFile, Store, stage, stage_all
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.swap import Swap
from migrate_spec.undoing import Restored, Undoing, both, same_but_for_stamp, verified, verify_version

__all__ = ["choose", "completed", "put_back", "roll_back"]


def choose(store: Store, name: str | None, registry: MigrationRegistry) -> Undoing:
    """What a rollback to a backup takes back.

    Args:
        store: the database.
        name: of the backup; ``None``: the one made before the last migration that is in force.
        registry: the project's migrations.

    Raises:
        RunInProgress: the database is in the middle of a run in place.
        BackupError: no migration that is in force made such a backup, or another program went on from there.
    """
    refuse_in_progress(store)
    history = read_history(store)
    standing = history.standing()
    if name is None:
        name = standing[-1].backup_key if standing else None
        _refuse_in_place(standing)
    first = next((index for index, entry in enumerate(standing) if entry.backup_key == name), None)
    if name is None or first is None:
        raise BackupError(
            f"no migration in force with the backup {name!r} was found"
            if name
            else "no migration with a backup was found",
            "a backup that a migration made was expected",
            "`migrate-spec history` shows what was done, `migrate-spec backup list` what can be put back",
        )
    entries = tuple(standing[first:])
    for entry in entries:
        if not entry.collections and not entry.specs:
            raise BackupError(
                f"a step v{entry.from_version}→v{entry.to_version} that another program carried out was found",
                "steps of migrate-spec were expected, which say what they touched",
                "use that program to take it back",
                where=str(store.path),
            )
    known = {migration.spec.checksum: migration.spec for migration in registry}
    found = find_backup(store, name)
    return Undoing(found, entries, tuple(standing), known, allow_pickle=history.allows_pickle)


def _refuse_in_place(standing: Sequence[Entry]) -> None:
    """See that the last of the steps in force was not carried out in place.

    Raises:
        BackupError: it was.
    """
    last = standing[-1] if standing else None
    if last is not None and last.in_place:
        raise BackupError(
            f"the step v{last.from_version}→v{last.to_version} was found, which was carried out in place",
            "a step with a backup was expected, and in place none is made",
            "`migrate-spec backup list` shows what was backed up by hand",
        )


def completed(staging: Staging, name: str | None) -> RollbackReport | None:
    """The report of a rollback that had been cut off while it was swapped in, and now is done.

    Args:
        staging: the database.
        name: of the backup to put back; ``None``: any.

    Returns:
        It; nothing where there was none, or one to another backup.
    """
    if staging.completed is None or staging.completed.kind != "rollback":
        return None
    entry = read_history(staging.store).entries[-1]
    if name not in {None, entry.backup_key}:
        return None
    return RollbackReport(
        str(staging.store.path),
        entry.from_version,
        entry.to_version,
        entry.backup_key or "",
        sorted(entry.collections),
        entry.fields["items_migrated"],
        0,
        entry.fields.get("seconds", 0.0),
    )


def roll_back(
    staging: Staging, undoing: Undoing, on_progress: OnProgress | None, *, undo_later_writes: bool
) -> RollbackReport:
    """Put a backup's collections and version back.

    Args:
        staging: the database.
        undoing: what to take back.
        on_progress: is told of every record.
        undo_later_writes: whether records written since the migration may be undone, too.

    Raises:
        LaterWrites: records were written since, and ``undo_later_writes`` is false.
        BackupError: there is no such backup, or it is damaged.
        DatabaseError: the database cannot be read or written.
    """
    start, started_at, store = time.monotonic(), timestamp(), staging.store
    current = read_version(store)
    tracker = Tracker(on_progress, undoing.backup.records)
    with open_for_reading(undoing.backup.database, frozen=True) as frozen:
        verify_version(undoing.backup, frozen)
        restored, files = put_back(undoing, frozen, staging, tracker)
        old_version, version = frozen.get(VERSION_KEY), read_version(frozen)
    tracker.finish()
    if restored.later_count and not undo_later_writes:
        raise LaterWrites(restored.later, restored.later_count, where=str(store.path))
    report = RollbackReport(
        str(store.path),
        current,
        version,
        undoing.backup.name,
        sorted(undoing.prefixes),
        restored.records,
        restored.later_count,
    )
    report = replace(report, seconds=time.monotonic() - start)
    entry = _entry(report, started_at) | {"collections": _collections(undoing, store, restored)}
    changes = {HISTORY_KEY: read_history(store).with_entries([entry]), VERSION_KEY: old_version}
    files.setdefault(DEFAULT_FAMILY, []).append(stage_all(store, staging.folder / "metadata.sst", changes))
    staging.swap_in_families(files, Swap("rollback", current, version, started_at))
    return replace(report, seconds=time.monotonic() - start)


def put_back(
    undoing: Undoing, frozen: Store, staging: Staging, tracker: Tracker
) -> tuple[Restored, dict[str, list[Path]]]:
    """Stage what makes all that a migration touched again what the backup holds.

    Args:
        undoing: the backup, and the steps to take back.
        frozen: the backup's checkpoint.
        staging: the database, and room for the staged files.
        tracker: is told of every record.

    Returns:
        What it comes to, and the staged files by their column family.

    Raises:
        BackupError: the backup does not hold what it held when it was made.
    """
    restored, files, store = Restored(), dict[str, list[Path]](), staging.store
    for number, family in enumerate(undoing.families):
        changes = store.family(family).stage(staging.folder / f"records-{number}.sst")
        within, parts = undoing.within(family), (frozen.family(family), store.family(family))
        put_back_there = put_back_moved if within.moves_records else _put_back
        restored.add(put_back_there(within, *parts, changes, tracker))
        elsewhere, marks = put_marks_back(within, *parts, staging.folder / f"marks-{number}")
        path = changes.finish()
        files.setdefault(family, []).extend([path, *elsewhere] if path is not None else elsewhere)
        files.setdefault(DEFAULT_FAMILY, []).extend(marks)
    kept = _put_kept_back(undoing, frozen, staging)
    files.setdefault(DEFAULT_FAMILY, []).extend([kept] if kept is not None else [])
    return restored, files


def _put_kept_back(undoing: Undoing, frozen: Store, staging: Staging) -> Path | None:
    """Stage what makes that again what the backup holds which is kept of the collections for their way back."""
    homes = frozen.family(DEFAULT_FAMILY), staging.store.family(DEFAULT_FAMILY)
    staged = homes[1].stage(staging.folder / "kept.sst")
    for name in sorted(undoing.prefixes, key="{}/".format):
        for key, old, new in both(*homes, kept_range(name)):
            if old != new:
                stage(staged, key, old)
    return staged.finish()


def _entry(report: RollbackReport, started_at: str) -> dict[str, Json]:
    versions = report.from_version, report.to_version
    entry = new_entry("rollback", versions, started_at, records=report.records, backup=report.backup)
    return entry | {"seconds": round(report.seconds, 3)}


def _collections(undoing: Undoing, store: Store, restored: Restored) -> dict[str, Json]:
    """What the collections hold, before they are put back and afterwards."""
    found: dict[str, Json] = {}
    for name, place in undoing.places.items():
        specs, after = undoing.specs.get(name), restored.after[name]
        head = specs[-1].head_after if specs else after.prefix
        before = contents_of(store, head, family=after.column_family)
        found[name] = place | {"before": before.to_json(), "after": after.to_json()}
    return found


def _put_back(undoing: Undoing, frozen: Store, live: Store, staged: StagedFile, tracker: Tracker) -> Restored:
    """Stage what makes the collections of a migration again what the backup holds.

    Args:
        undoing: the backup, and the steps to take back.
        frozen: the backup's checkpoint.
        live: the database.
        staged: where the changes go.
        tracker: is told of every record.

    Raises:
        BackupError: the backup does not hold what it held when it was made.
    """
    restored, marked = Restored(), Marked(undoing, frozen, live)
    for name, prefix in sorted(undoing.prefixes.items(), key=lambda item: item[1].encode()):
        outcome = _Outcome(undoing, name, frozen)
        digest, count = undoing.backup.digest(name), 0
        for key, old, new in both(frozen, live, KeyRange.of_prefix(prefix.encode())):
            tracker.advance(f"putting {name} back", 1)
            if old is not None:
                digest.add([(key, old)])
                count += 1
            if old == new:
                continue
            restored.records += 1
            if not outcome.explains(key, old, new, marked.were(key)):
                restored.note_later(key)
            stage(staged, key, old)
        restored.after[name] = verified(undoing, name, count, digest)
    return restored


class _Outcome:
    """What the migration made of records, which come in the order of their keys, to tell what was written since."""

    def __init__(self, undoing: Undoing, collection: str, frozen: Store) -> None:
        self._route = undoing.route(undoing.specs[collection])
        self._frozen = frozen
        self._rejects = Rejects(self._route, Rejecting(), frozen, None)
        self._carriers: dict[int, Carrier | None] = {}

    def _carrier(self, mark: Mark | None) -> Carrier | None:
        """What did the same as the migration; for a record that was in quarantine that began earlier."""
        version = 0 if mark is None else mark.version
        if version not in self._carriers:
            try:
                route = self._route if mark is None else quarantined_since(mark.version, self._route)
                self._carriers[version] = carrier(route, KeyRange(), self._frozen, self._rejects, None)
            except Unbound:  # then nobody knows any more what the migration made, and all counts as written since
                self._carriers[version] = None
        return self._carriers[version]

    def explains(self, key: bytes, old: bytes | None, new: bytes | None, mark: Mark | None) -> bool:
        """Whether the migration alone made ``new`` of ``old``. The stamp does not count: a schema may ask for it."""
        carrying = self._carrier(mark)
        if old is None or new is None or carrying is None:
            return False
        rejected = self._rejects.count
        [(_, carried)] = carrying.carry([(key, old)]) or [(key, old)]
        return self._rejects.count == rejected and same_but_for_stamp(carried, new, self._route)
