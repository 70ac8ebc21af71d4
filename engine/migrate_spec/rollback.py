"""Going back: the records that a migration touched become what its backup holds, and nothing else changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from migrate_spec.backup import Backup, Digest, find_backup
from migrate_spec.codec import Json, NotADocument, decode, read
from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.document import Refused, equal
from migrate_spec.errors import BackupError, LaterWrites
from migrate_spec.history import HISTORY_KEY, TOOL, VERSION_KEY, Entry, read_history, read_version, timestamp
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.reports import RollbackReport
from migrate_spec.staging import Staging
from migrate_spec.store import KeyRange, StagedFile, Store
from migrate_spec.stores.rocks import open_for_reading

__all__ = ["choose", "roll_back"]

SHOWN_KEYS = 10


@dataclass(frozen=True)
class Undoing:
    """What a rollback takes back.

    Attributes:
        backup: the backup it puts back.
        entries: the steps that are in force and end with it, oldest first.
        standing: these and the steps before, which records of earlier versions went through as well.
    """

    backup: Backup
    entries: tuple[Entry, ...]
    standing: tuple[Entry, ...]

    @property
    def prefixes(self) -> dict[str, str]:
        """The key prefix of each collection that the steps touched."""
        return {name: counts["prefix"] for entry in self.entries for name, counts in entry.collections.items()}


@dataclass
class Restored:
    """What putting back a collection comes to.

    Attributes:
        records: how many records differ from the backup.
        later: the first keys that were written after the migration.
        later_count: how many there are.
    """

    records: int = 0
    later: list[bytes] = field(default_factory=list)
    later_count: int = 0

    def note_later(self, key: bytes) -> None:
        """Take note of a key that was written after the migration."""
        self.later_count += 1
        if len(self.later) < SHOWN_KEYS:
            self.later.append(key)


def choose(store: Store, name: str | None) -> Undoing:
    """What a rollback to a backup takes back.

    Args:
        store: the database.
        name: of the backup; ``None``: the one made before the last migration that is in force.

    Raises:
        BackupError: no migration that is in force made such a backup, or another program went on from there.
    """
    standing = read_history(store).standing()
    if name is None:
        name = standing[-1].backup_key if standing else None
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
        if not entry.collections:
            raise BackupError(
                f"a step v{entry.from_version}→v{entry.to_version} that another program carried out was found",
                "steps of migrate-spec were expected, which say what they touched",
                "use that program to take it back",
                where=str(store.path),
            )
    return Undoing(find_backup(store, name), entries, tuple(standing))


def roll_back(
    staging: Staging, name: str | None, on_progress: OnProgress | None, *, undo_later_writes: bool
) -> RollbackReport:
    """Put a backup's collections and version back.

    Args:
        staging: the database.
        name: of the backup; ``None``: the one made before the last migration that is in force.
        on_progress: is told of every record.
        undo_later_writes: whether records written since the migration may be undone, too.

    Raises:
        LaterWrites: records were written since, and ``undo_later_writes`` is false.
        BackupError: there is no such backup, or it is damaged.
        DatabaseError: the database cannot be read or written.
    """
    start, started_at, store = time.monotonic(), timestamp(), staging.store
    undoing, current = choose(store, name), read_version(store)
    changes = store.stage(staging.folder / "records.sst")
    tracker = Tracker(on_progress, undoing.backup.records)
    with open_for_reading(undoing.backup.database) as frozen:
        restored = _put_back(undoing, frozen, store, changes, tracker)
        old_version, version = frozen.get(VERSION_KEY), read_version(frozen)
    tracker.finish()
    files = [changes.finish()]
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
    metadata = store.stage(staging.folder / "metadata.sst")
    metadata.put(HISTORY_KEY, read_history(store).with_entries([_entry(undoing, report, started_at)]))
    if old_version is None:
        metadata.delete(VERSION_KEY)
    else:
        metadata.put(VERSION_KEY, old_version)
    files.append(metadata.finish())
    staging.swap_in([path for path in files if path is not None])
    return replace(report, seconds=time.monotonic() - start)


def _entry(undoing: Undoing, report: RollbackReport, started_at: str) -> dict[str, Json]:
    return {
        "from_version": report.from_version,
        "to_version": report.to_version,
        "started_at": started_at,
        "completed_at": timestamp(),
        "items_migrated": report.records,
        "backup_key": report.backup,
        "success": True,
        "error": None,
        "kind": "rollback",
        "tool": TOOL,
        "collections": {name: {"prefix": prefix} for name, prefix in undoing.prefixes.items()},
    }


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
    _verify_version(undoing.backup, frozen)
    restored = Restored()
    for name, prefix in sorted(undoing.prefixes.items(), key=lambda item: item[1].encode()):
        outcome = _Outcome(undoing, name)
        digest, count = Digest(), 0
        for key, old, new in _both(frozen, live, KeyRange.of_prefix(prefix.encode())):
            tracker.advance(f"putting {name} back", 1)
            if old is not None:
                digest.add([(key, old)])
                count += 1
            if old == new:
                continue
            restored.records += 1
            if not outcome.explains(old, new):
                restored.note_later(key)
            if old is None:
                staged.delete(key)
            else:
                staged.put(key, old)
        _verify(undoing.backup, name, count, digest)
    return restored


def _verify_version(backup: Backup, frozen: Store) -> None:
    version = read_version(frozen)
    if backup.version not in {None, version}:
        raise BackupError(
            f"the version {version} was found in {backup.name}",
            f"{backup.version} was expected, as when it was made",
            "the backup was changed since; nothing was put back",
            where=str(backup.path),
        )


def _verify(backup: Backup, name: str, count: int, digest: Digest) -> None:
    contents = backup.collections.get(name)
    if contents is not None and (count, digest.hexdigest()) != (contents.records, contents.digest):
        raise BackupError(
            f"{count} records of {name} with the digest {digest.hexdigest()[:12]}… were found in {backup.name}",
            f"{contents.records} with the digest {contents.digest[:12]}… were expected, as when it was made",
            "the backup was changed since; nothing was put back",
            where=str(backup.path),
        )


def _both(frozen: Store, live: Store, keys: KeyRange) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
    """Each key that one of two stores has, in ascending order, with its value in each."""
    olds, news = frozen.scan(keys), live.scan(keys)
    old, new = next(olds, None), next(news, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old[0] < new[0]):
            assert old is not None  # noqa: S101 - the loop goes on only while one is there
            yield old[0], old[1], None
            old = next(olds, None)
        elif old is None or new[0] < old[0]:
            yield new[0], None, new[1]
            new = next(news, None)
        else:
            yield old[0], old[1], new[1]
            old, new = next(olds, None), next(news, None)


class _Outcome:
    """What the migration made of a record, to tell it from what was written afterwards."""

    def __init__(self, undoing: Undoing, collection: str) -> None:
        specs = tuple(spec for entry in undoing.standing for spec in entry.specs if spec.collection == collection)
        self._stamp = specs[-1].stamp
        unstamped = 1 if self._stamp.path is not None else undoing.backup.version or 1
        self._transform = Transform(Route(specs, None, specs[-1].to_version, 1, unstamped))

    def explains(self, old: bytes | None, new: bytes | None) -> bool:
        """Whether the migration alone made ``new`` of ``old``. The stamp does not count: a schema may ask for it."""
        if old is None or new is None:
            return False
        try:
            carried = self._transform(old) or old
            if carried == new:
                return True
            made, found = decode(carried), decode(new)
            read(new)
            made, found = (self._stamp.stamped(document, 1) for document in (made, found))
        except (RecordRefused, NotADocument, Refused, ValueError, AttributeError, TypeError):
            return False
        return equal(made, found)
