"""Backups: checkpoints beside the database, on its file system.

``<database>.backups/<name>/`` holds ``database/``, a complete RocksDB made of hard links, and ``backup.json``, which
says what it is. A name is ``_backup_YYYYMMDD_HHMMSS`` (UTC); a second one in the same second gets ``_2`` behind it.

The database itself notes each backup of a migration under its name, in the form of Meridian's own backups
(``timestamp``, ``prefix``, ``item_count``, ``keys``) with ``checkpoint`` and ``collections`` behind. Its ``prefix`` is
one that no key has: Meridian's rollback deletes what is under the prefix, and must find nothing there.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from migrate_spec.codec import Json, decode, encode
from migrate_spec.digest import Digest
from migrate_spec.errors import BackupError, MetadataInvalid
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import BACKUP_PREFIX, TOOL, read_history
from migrate_spec.store import KeyRange, Store
from migrate_spec.stores.rocks_faults import meaning_of

__all__ = [
    "Backup",
    "Contents",
    "backups_folder",
    "find_backup",
    "folders_of_backups",
    "in_order",
    "kept_beside",
    "list_backups",
    "named",
    "new_name",
    "permissions",
    "read_manifest",
    "sync_path",
]

MANIFEST = "backup.json"
DATABASE = "database"


@dataclass(frozen=True)
class Contents:
    """What a backup holds of one collection.

    Attributes:
        prefix: the beginning of its keys.
        records: how many.
        digest: their :class:`Digest`; empty where nobody asked for it.
        starts: where its parts begin, but for the first.
        column_family: the part of the database that it is in.
    """

    prefix: str
    records: int
    digest: str
    starts: Sequence[str] = field(default_factory=list)
    column_family: str = DEFAULT_FAMILY

    def to_json(self) -> dict[str, Json]:
        """The contents as a manifest shows them, where the default column family goes without saying."""
        shown = asdict(self)
        if self.column_family == DEFAULT_FAMILY:
            del shown["column_family"]
        return shown


@dataclass(frozen=True)
class Backup:
    """One backup.

    Attributes:
        name: its name, which is its key in the database.
        created_at: when, RFC 3339, UTC.
        version: the database's version then.
        reason: what it was made for.
        collections: what the migration touched, or all that the project knows, counted and digested when it was made.
        path: its folder; ``None`` for the backups that Meridian keeps inside the database.
        tool: what made it.
        whole: all keys of each column family, counted and digested when it was made; empty: not asked for.
        verified_at: when it was last found to hold what it held when it was made, which it was then, too; ``None``:
            it was found damaged, or says nothing that could be verified.
    """

    name: str
    created_at: str
    version: int | None
    reason: str
    collections: Mapping[str, Contents] = field(default_factory=dict)
    path: Path | None = None
    tool: str = TOOL
    whole: Mapping[str, Contents] = field(default_factory=dict)
    verified_at: str | None = None

    @property
    def is_inside(self) -> bool:
        """Whether it is one of those that Meridian keeps inside the database."""
        return self.path is None

    @property
    def database(self) -> Path:
        """The folder of the checkpoint.

        Raises:
            BackupError: it is kept inside the database, or its folder is gone.
        """
        folder = self.path / DATABASE if self.path else None
        if folder is None or not (folder / "CURRENT").is_file():
            raise BackupError(
                f"the backup {self.name} without a checkpoint was found",
                f"a RocksDB in {folder or 'a folder of its own'} was expected",
                "`migrate-spec backup list` shows what there is",
            )
        return folder

    @property
    def records(self) -> int:
        """How many records were counted when it was made."""
        return sum(contents.records for contents in (self.whole or self.collections).values())

    def digest(self, collection: str) -> Digest:
        """What digests the records of a collection as they were digested when the backup was made."""
        contents = self.collections.get(collection)
        return Digest(contents.starts if contents else ())

    def to_json(self) -> dict[str, Json]:
        """The backup as ``backup.json`` and the command line show it."""
        shown = asdict(self) | {"collections": _shown(self.collections), "whole": _shown(self.whole)}
        return shown | {"path": str(self.path) if self.path else None, "records": self.records}

    def stored(self) -> bytes:
        """What the database notes about it."""
        return encode(
            {
                "timestamp": self.created_at,
                "prefix": f"{self.name}:",
                "item_count": self.records,
                "keys": [],
                "checkpoint": f"{self.path.parent.name}/{self.path.name}" if self.path else None,
                "version": self.version,
                "collections": _shown(self.collections),
                "tool": self.tool,
            }
        )

    def write(self, folder: Path) -> None:
        """Write the manifest into ``folder``, so that it is on the disk when this returns."""
        new = folder / f"{MANIFEST}.new"
        with new.open("w", encoding="utf-8") as file:
            json.dump(self.to_json(), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / MANIFEST)
        sync_path(folder)


def _shown(contents: Mapping[str, Contents]) -> dict[str, Json]:
    return {name: one.to_json() for name, one in contents.items()}


def sync_path(path: Path) -> None:
    """See that what is in a file, or the names in a folder, are on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def backups_folder(database: Path) -> Path:
    """Where a database's backups lie."""
    return database.with_name(f"{database.name}.backups")


def permissions(database: Path) -> int:
    """What a folder beside a database is made with: whom the database's own shuts out is shut out there, too."""
    try:
        return database.stat().st_mode & 0o777
    except OSError:  # it is lost
        return 0o777


def new_name(store: Store, moment: datetime | None = None) -> str:
    """A name that no backup of this database has, and none had of which its history tells: a rollback goes by that."""
    name = (moment or datetime.now(UTC)).strftime(f"{BACKUP_PREFIX.decode()}%Y%m%d_%H%M%S")
    folder, number, free, told = backups_folder(store.path), 1, name, set[str | None]()
    with suppress(MetadataInvalid):  # backups are what helps then
        told = {entry.backup_key for entry in read_history(store).entries}
    while free in told or (folder / free).exists() or store.get(free.encode()) is not None:
        number += 1
        free = f"{name}_{number}"
    return free


def read_manifest(folder: Path) -> Backup | None:
    """The backup in a folder; ``None`` where there is no manifest that can be read.

    Raises:
        DatabaseError: this process has too many files open to tell.
    """
    try:
        shown = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        contents = {name: _read_contents(fields) for name, fields in shown["collections"].items()}
        whole = {name: _read_contents(fields) for name, fields in shown.get("whole", {}).items()}
        version, verified = shown["version"], shown.get("verified_at", shown["created_at"])
        return Backup(
            _text(shown["name"]),
            _text(shown["created_at"]),
            None if version is None else _number(version),
            _text(shown["reason"]),
            contents,
            folder,
            _text(shown["tool"]),
            whole,
            None if verified is None else _text(verified),
        )
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE}:
            raise meaning_of(str(error), str(folder)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None


def _read_contents(fields: Mapping[str, Json]) -> Contents:
    starts = [bytes.fromhex(start).hex() for start in fields["starts"]]
    family = _text(fields.get("column_family", DEFAULT_FAMILY))
    return Contents(_text(fields["prefix"]), _number(fields["records"]), _text(fields["digest"]), starts, family)


def _text(value: Json) -> str:
    if type(value) is not str:
        raise TypeError
    value.encode()  # or ValueError
    return value


def _number(value: Json) -> int:
    if type(value) is not int or value < 0:
        raise TypeError
    return value


def folders_of_backups(database: Path) -> list[Path]:
    """The folders of a database's backups, the database itself may be lost."""
    return sorted(backups_folder(database).glob(f"{BACKUP_PREFIX.decode()}*"))


def kept_beside(database: Path) -> list[Backup]:
    """The backups in a database's folder of backups; the database itself may be lost."""
    read = map(read_manifest, folders_of_backups(database))
    return [backup for backup in read if backup is not None]


def list_backups(store: Store) -> list[Backup]:
    """All backups of a database, oldest first: those in its folder, and those Meridian keeps inside the database.

    Those that runs made have the order that the history tells, also where the clock was set back in between.
    """
    found = {backup.name: backup for backup in kept_beside(store.path)}
    for backup in _noted(store):
        found.setdefault(backup.name, backup)
    made: Iterable[str] = ()
    with suppress(MetadataInvalid):  # backups are what helps then
        made = read_history(store).backups
    return in_order(found.values(), made)


def in_order(backups: Iterable[Backup], made: Iterable[str] = ()) -> list[Backup]:
    """Backups from the oldest to the newest.

    Args:
        backups: some backups.
        made: the names of some in the order in which they were made: each counts as made no earlier than those before
            it, whatever the clock said.
    """
    found, latest = {backup.name: (backup.created_at, 0, backup.name) for backup in backups}, ""
    for place, name in enumerate(made, 1):
        if name in found:
            latest = max(found[name][0], latest)
            found[name] = latest, place, name
    return sorted(backups, key=lambda backup: found[backup.name])


def _noted(store: Store) -> Iterator[Backup]:
    """The backups that the database itself tells of."""
    for key, value in store.scan(KeyRange.of_prefix(BACKUP_PREFIX)):
        if b":" in key:
            continue  # a record inside one of Meridian's backups
        try:
            noted = decode(value)
            name, prefix, when = key.decode(), noted["prefix"], noted["timestamp"]
            count, checkpoint = int(noted["item_count"]), noted.get("checkpoint")
            if not (type(prefix) is type(when) is str):
                continue
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if checkpoint is not None:
            continue  # one of ours, whose folder is gone
        contents = {prefix: Contents(prefix, count, "")}
        yield Backup(name, when, None, "kept inside the database", contents, None, "")


def find_backup(store: Store, name: str) -> Backup:
    """The backup of a name.

    Raises:
        BackupError: there is none.
    """
    return named(list_backups(store), name, store.path)


def named(backups: Sequence[Backup], name: str, database: Path) -> Backup:
    """The one of a name among the backups of a database.

    Raises:
        BackupError: there is none.
    """
    for backup in backups:
        if backup.name == name:
            return backup
    known = ", ".join(backup.name for backup in backups)
    raise BackupError(
        f"no backup called {name!r} was found",
        f"one of {known} was expected" if known else "this database has none",
        "",
        where=str(backups_folder(database)),
    )
