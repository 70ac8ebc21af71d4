"""The backups that Meridian's own system keeps inside the database.

Under the name of the backup stands a list of keys, and beside it a copy of each record, under the name, a colon and the
record's key. The keys are text: what was no UTF-8 in them became U+FFFD, and two keys may have become one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrate_spec.backup import Backup
from migrate_spec.codec import decode
from migrate_spec.errors import BackupError, show_key
from migrate_spec.history import read_history, read_version
from migrate_spec.store import KeyRange, Record, Store

__all__ = ["check_inside", "copies", "keys_inside", "records_inside", "version_inside"]

LOST = "\ufffd"


def copies(backup: Backup, store: Store) -> Iterator[Record]:
    """The copies of records in a backup, each under the key of the record."""
    beginning = f"{backup.name}:".encode()
    for key, value in store.scan(KeyRange.of_prefix(beginning)):
        yield key.removeprefix(beginning), value


def keys_inside(backup: Backup, store: Store) -> Iterator[bytes]:
    """All keys of the database that are parts of a backup."""
    yield backup.name.encode()
    beginning = f"{backup.name}:".encode()
    for key, _ in store.scan(KeyRange.of_prefix(beginning)):
        yield key


def check_inside(backup: Backup, store: Store) -> None:
    """See that a backup has a copy of each record that it lists.

    Raises:
        BackupError: some are missing.
    """
    listed = Counter(key.encode() for key in decode(store.get(backup.name.encode()) or b'{"keys":[]}')["keys"])
    found = dict(copies(backup, store))
    missing = [key for key, count in listed.items() if key not in found or count > 1]
    if missing or len(listed) != backup.records:
        shown = ", ".join(map(show_key, missing[:10]))
        raise BackupError(
            f"copies of {len(found):,} records were found in {backup.name}",
            f"{backup.records:,} were expected" + (f", {shown} among them" if shown else ""),
            "the program that made it lost the others",
            where=str(store.path),
        )


def version_inside(backup: Backup, store: Store) -> int:
    """The version that the database had when a backup was made, which its history tells.

    Raises:
        BackupError: the history does not tell, or later steps touched more than the backup holds.
        MetadataInvalid: the version or the history cannot be understood.
    """
    history, version = read_history(store), read_version(store)
    made_for = [entry for entry in history.entries if entry.backup_key == backup.name]
    then = made_for[0].from_version if made_for else None
    standing = [entry for entry in history.standing() if then is not None and entry.from_version >= then]
    if then is None and version == 1:
        return version
    if then is None or any(entry not in made_for for entry in standing) or (not standing and version != then):
        raise BackupError(
            f"version {version} was found",
            "the version before or after the step that the backup was made for was expected"
            if then is not None
            else f"a step in the history that {backup.name} was made for was expected",
            "roll back what came later first" if then is not None else "put its records back by hand",
            where=str(store.path),
        )
    return then


def records_inside(backup: Backup, store: Store) -> dict[bytes, bytes]:
    """The records of a backup under the keys that they had.

    A key that was no UTF-8 is known from the database, if one there reads the same as text.

    Raises:
        BackupError: some copies are missing, or nobody can tell which key one had.
    """
    check_inside(backup, store)
    [contents] = backup.collections.values()
    found = dict(copies(backup, store))
    lossy = {key for key in found if LOST in key.decode("utf-8", "replace")}
    if lossy:
        alike: dict[bytes, list[bytes]] = {}
        for key, _ in store.scan(KeyRange.of_prefix(contents.prefix.encode())):
            alike.setdefault(key.decode("utf-8", "replace").encode(), []).append(key)
        for key in sorted(lossy):
            if len(alike.get(key, [])) != 1:
                raise BackupError(
                    f"the key {show_key(key)} was found in {backup.name}, which was no UTF-8 before",
                    "one record in the database whose key reads like it was expected, to know it from",
                    "put the record back by hand",
                    where=str(store.path),
                )
            found[alike[key][0]] = found.pop(key)
    return found
