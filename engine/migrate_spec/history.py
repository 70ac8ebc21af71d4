"""What was done to a database, kept in the database. Reading it never writes.

The keys and their JSON are those of Meridian's migration system, so that each can read what the other wrote:

``_schema_version``
    the database's version, a bare number: ``2``. Missing: version 1. While a run is swapped into several column
    families a note stands there, see :mod:`~migrate_spec.swap`.
``_migration_history``
    ``{"migrations": [ENTRY, …]}``, one entry a version step, oldest first. An entry has ``from_version``,
    ``to_version``, ``started_at``, ``completed_at`` (RFC 3339, UTC), ``items_migrated``, ``backup_key``, ``success``
    and ``error``. Ours have further fields after those, which Meridian's reader ignores: ``kind`` (``apply``,
    ``downgrade``, ``rollback``, ``restore``, or what is no step: ``retry`` and ``repair`` of records in quarantine, and
    ``prune`` of what was kept, with what records had lost that was ``pruned``: ``collection``, versions, ``losses``),
    ``tool``, ``seconds``, ``collections`` (for each its ``prefix`` and counts, what it held ``before`` and ``after``:
    records and their digest, and its ``losses``: ``path``, ``kind``, how many ``records``, and the versions of the step
    where records in quarantine may have taken an earlier one, too), ``specs``
    (``collection``, ``checksum``, canonical ``text``), ``rejected`` (the list of records that were set aside),
    ``in_place`` and ``allow_pickle`` where it was so, ``complements`` (``false``) where nothing was kept for the way
    back, and by whom: ``user`` and ``host``. The entries of one run have
    the same ``started_at``. Where a whole database was restored the history goes on, and the entry says which steps are
    in force again: the first ``kept`` entries, and those ``brought`` from the backup, which this history does not have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from migrate_spec.codec import Json, NotADocument, decode, encode, read, type_names
from migrate_spec.errors import MetadataInvalid, SpecChanged
from migrate_spec.registry import MigrationRegistry
from migrate_spec.signature import signature
from migrate_spec.spec import Spec
from migrate_spec.store import Store
from migrate_spec.swap import half_swapped, parse_swap
from migrate_spec.version import VERSION

__all__ = [
    "BACKUP_PREFIX",
    "HISTORY_KEY",
    "TOOL",
    "VERSION_KEY",
    "Entry",
    "History",
    "new_entry",
    "read_history",
    "read_version",
    "timestamp",
    "version_of",
]

VERSION_KEY = b"_schema_version"
HISTORY_KEY = b"_migration_history"
BACKUP_PREFIX = b"_backup_"
TOOL = f"migrate-spec {VERSION}"

_VERSION = re.compile(rb"[ \t\r\n]*([1-9][0-9]{0,9})[ \t\r\n]*")
_LARGEST = 2**32 - 1

_FIELDS: dict[str, type] = {
    "from_version": int,
    "to_version": int,
    "started_at": str,
    "completed_at": str,
    "items_migrated": int,
    "success": bool,
}
"""What every entry has; ``backup_key`` and ``error`` may be null or absent."""


def timestamp(moment: datetime | None = None) -> str:
    """A moment (now, by default) as the history writes it: ``2026-01-31T12:00:00.123456Z``."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_version(store: Store) -> int:
    """The version of a database; 1 where it says nothing.

    Raises:
        MetadataInvalid: what stands under the key is no version.
        HalfSwapped: a run was cut off while it was swapped in, and the database is between two versions.
    """
    value = store.get(VERSION_KEY)
    return 1 if value is None else version_of(store, value)


def version_of(store: Store, value: bytes) -> int:
    """The version that a database has under :data:`VERSION_KEY`.

    Raises:
        MetadataInvalid: it is none.
        HalfSwapped: a run was cut off while it was swapped in, and the database is between two versions.
    """
    number = _VERSION.fullmatch(value)
    if number is None or int(number[1]) > _LARGEST:
        swap = parse_swap(value)
        if swap is not None:
            raise half_swapped(swap, store.path)
        raise MetadataInvalid(
            f"{value.decode('utf-8', 'backslashreplace')!r} was found under {VERSION_KEY.decode()}",
            f"a whole number from 1 to {_LARGEST} was expected",
            "put the version of the program that wrote the database there",
            where=str(store.path),
        )
    return int(number[1])


def new_entry(
    kind: str, versions: tuple[int, int], started_at: str, *, records: int = 0, backup: str | None = None
) -> dict[str, Json]:
    """What every entry of ours has, of something that ends well now; what else is known of it goes behind.

    Args:
        kind: what was done.
        versions: of the database, before and after.
        started_at: when it began.
        records: how many it changed.
        backup: the backup made before it, or, of what puts one back, that one.
    """
    return {
        "from_version": versions[0],
        "to_version": versions[1],
        "started_at": started_at,
        "completed_at": timestamp(),
        "items_migrated": records,
        "backup_key": backup,
        "success": True,
        "error": None,
        "kind": kind,
        "tool": TOOL,
    }


@dataclass(frozen=True)
class Entry:
    """One entry of the history: what was done in one version step.

    Attributes:
        fields: the entry as stored.
    """

    fields: dict[str, Json]

    @property
    def from_version(self) -> int:
        """Where it started."""
        return int(self.fields["from_version"])

    @property
    def to_version(self) -> int:
        """Where it led."""
        return int(self.fields["to_version"])

    @property
    def success(self) -> bool:
        """Whether it was carried out (Meridian's system notes failures, too)."""
        return bool(self.fields["success"])

    @property
    def backup_key(self) -> str | None:
        """The backup made before it, or, of a rollback, the one that was put back."""
        key = self.fields.get("backup_key")
        return key if isinstance(key, str) else None

    @property
    def in_place(self) -> bool:
        """Whether it was carried out in place, and so without a backup."""
        return self.fields.get("in_place") is True

    @cached_property
    def specs(self) -> list[Spec]:
        """The specs it carried out; none where Meridian's system did it.

        Raises:
            SpecError: a spec's text is of a later version of this tool.
        """
        source = f"the history of v{self.to_version}"
        return [Spec.from_text(spec["text"], source) for spec in self.fields.get("specs", [])]

    @property
    def collections(self) -> dict[str, Json]:
        """What it touched, by the collection's name: counts and the key prefix."""
        found = self.fields.get("collections")
        return found if isinstance(found, dict) else {}

    @property
    def pruned(self) -> list[Json]:
        """What was removed of what had been kept for the way back, by step: how many records had lost what."""
        found: list[Json] = self.fields.get("pruned", [])
        return found

    @property
    def kept(self) -> int | None:
        """Of a restore of the whole database: how many of the first entries the history of the backup has, too."""
        return self.fields.get("kept")

    @property
    def brought(self) -> list[Entry]:
        """Of a restore of the whole database: what the history of the backup has behind those."""
        return [Entry(fields) for fields in self.fields.get("brought", [])]


@dataclass(frozen=True)
class History:
    """All entries, oldest first."""

    entries: tuple[Entry, ...] = ()

    def with_entries(self, added: Sequence[dict[str, Json]]) -> bytes:
        """The stored form of the history with further entries, which say who made them."""
        signed = [entry | signature() for entry in added]
        return encode({"migrations": [*(entry.fields for entry in self.entries), *signed]})

    def in_force(self) -> list[Entry]:
        """All that was done, but for what a restore of the whole database took back."""
        found: list[Entry] = []
        for entry in self.entries:
            if entry.kept is not None:
                found = History((*self.entries[: entry.kept], *entry.brought)).in_force()
            else:
                found.append(entry)
        return found

    def standing(self) -> list[Entry]:
        """The steps that are in force: carried out, and not taken back by a later rollback or restore."""
        steps: list[Entry] = []
        for entry in self.in_force():
            if not entry.success or entry.to_version == entry.from_version:
                continue
            if entry.to_version < entry.from_version:
                steps = [step for step in steps if step.to_version <= entry.to_version]
            else:
                steps.append(entry)
        return steps

    @property
    def allows_pickle(self) -> bool:
        """Whether a run was allowed to carry pickled documents over."""
        return any(entry.fields.get("allow_pickle") is True for entry in self.entries)

    @property
    def backups(self) -> list[str]:
        """The names of the backups that runs have made, in this order."""
        put_back = {"rollback", "restore"}
        made = (
            entry.backup_key
            for entry in self.entries
            if entry.fields.get("kind") not in put_back
            and (entry.to_version >= entry.from_version or entry.fields.get("kind") == "downgrade")
        )
        return list(dict.fromkeys(name for name in made if name))

    def check_specs(self, registry: MigrationRegistry) -> None:
        """See that what was applied still means what it meant.

        Raises:
            SpecChanged: a spec that is in force has another meaning now, or came later for a step that is behind.
        """
        for entry in self.standing():
            if "specs" not in entry.fields:
                continue
            applied = {spec["collection"]: spec for spec in entry.fields["specs"]}
            for migration in registry.step(entry.from_version):
                _check_spec(migration.spec, applied.get(migration.collection), entry, registry)


def _check_spec(spec: Spec, applied: Json, entry: Entry, registry: MigrationRegistry) -> None:
    if applied is None:
        raise SpecChanged(
            f"a spec for {spec.name} was found",
            f"none was expected, as this database went to version {entry.to_version} without it on "
            f"{entry.fields['completed_at']}",
            f"make it the step v{registry.latest}→v{registry.latest + 1}",
            where=spec.place(),
        )
    if applied["checksum"] != spec.checksum:
        raise SpecChanged(
            f"another meaning of {spec.name} was found than the one applied on {entry.fields['completed_at']}",
            "an applied spec was expected to stay as it is",
            f"undo the change, and write what is new as a further step\n    applied: {applied['text']}"
            f"\n    now:     {spec.text}",
            where=spec.place(),
        )


def read_history(store: Store) -> History:
    """The history of a database; an empty one where it has none.

    Raises:
        MetadataInvalid: what stands under the key is no history.
    """
    value = store.get(HISTORY_KEY)
    if value is None:
        return History()
    try:
        read(value)
    except NotADocument as error:
        raise _invalid(store, f"{error.found}, {error.expected}") from None
    entries = decode(value).get("migrations")
    if type(entries) is not list:
        raise _invalid(store, "no list of migrations is in it")
    for number, fields in enumerate(entries, 1):
        wrong = _wrong_in(fields)
        if wrong:
            raise _invalid(store, f"entry {number}: {wrong}")
    return History(tuple(Entry(fields) for fields in entries))


def _invalid(store: Store, reason: str) -> MetadataInvalid:
    return MetadataInvalid(
        f"a history that cannot be read was found under {HISTORY_KEY.decode()} ({reason})",
        'an object {"migrations": […]} was expected',
        "restore it from a backup, or delete the key and lose the history",
        where=str(store.path),
    )


def _wrong_in(fields: Json) -> str:
    """What is wrong with an entry; empty where nothing is."""
    if type(fields) is not dict:
        return f"{type_names[type(fields)]} is no entry"
    for name, kind in _FIELDS.items():
        if name not in fields:
            return f"{name} is absent"
        if type(fields[name]) is not kind:
            return f"{name} is {type_names[type(fields[name])]}, not {type_names[kind]}"
    further = {
        "specs is no list of objects with collection, checksum and text": _is_specs(fields.get("specs", [])),
        "collections is no object of objects with a prefix": _is_collections(fields.get("collections", {})),
        "kept is no number of entries, or brought no list of them": _is_restore(fields),
        "pruned is no list of steps with their losses": _is_pruned(fields.get("pruned", [])),
    }
    return next((wrong for wrong, is_right in further.items() if not is_right), "")


def _is_restore(fields: dict[str, Json]) -> bool:
    kept, brought = fields.get("kept", 0), fields.get("brought", [])
    return type(kept) is int and kept >= 0 and type(brought) is list and not any(map(_wrong_in, brought))


def _is_pruned(value: Json) -> bool:
    return type(value) is list and all(
        type(one) is dict
        and type(one.get("collection")) is str
        and all(type(one.get(name)) is int for name in ("from_version", "to_version"))
        and type(one.get("losses")) is list
        for one in value
    )


def _is_specs(value: Json) -> bool:
    return type(value) is list and all(
        type(spec) is dict and all(type(spec.get(name)) is str for name in ("collection", "checksum", "text"))
        for spec in value
    )


def _is_collections(value: Json) -> bool:
    return type(value) is dict and all(
        type(counts) is dict and type(counts.get("prefix")) is str for counts in value.values()
    )
