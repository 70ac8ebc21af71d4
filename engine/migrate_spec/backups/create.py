"""Making a backup of a whole database, without any other change to it."""

from __future__ import annotations

from contextlib import suppress

from migrate_spec.backup import Backup, Contents, backups_folder, new_name
from migrate_spec.backups.reading import read_through
from migrate_spec.digest import Tally
from migrate_spec.errors import MetadataInvalid
from migrate_spec.history import read_version, timestamp
from migrate_spec.progress import OnProgress
from migrate_spec.registry import MigrationRegistry
from migrate_spec.staging import Staging
from migrate_spec.store import KeyRange, Store, stage_all
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["create", "places_at"]


def create(staging: Staging, registry: MigrationRegistry, reason: str, on_progress: OnProgress | None) -> Backup:
    """Make a backup of a database: all keys counted and digested, and those of each collection on their own.

    What is written to the database meanwhile is not in it, and does no harm.

    Args:
        staging: the database.
        registry: tells the collections.
        reason: what it is made for.
        on_progress: is told of every record.

    Raises:
        DatabaseError: the database cannot be read or written.
    """
    staging.check_backups_writable()
    created_at, name = timestamp(), new_name(staging.store)
    with staging.frozen() as frozen:
        version = _version(frozen)
        places = places_at(registry, version or 1)
        whole = {family: Tally(KeyRange(), family) for family in frozen.families}
        parts = {one: Tally(KeyRange.of_prefix(key.encode()), family) for one, (key, family) in places.items()}
        read_through(frozen, [*whole.values(), *parts.values()], f"reading for {name}", on_progress)
    backup = Backup(
        name,
        created_at,
        version,
        reason,
        {one: _contents(places[one][0], tally) for one, tally in parts.items() if tally.records},
        backups_folder(staging.store.path) / name,
        whole={family: _contents("", tally) for family, tally in whole.items()},
        verified_at=timestamp(),
    )
    with SpeakingOf(staging.store.path):
        backup.write(staging.backup)
    note = stage_all(staging.store, staging.folder / "note.sst", {name.encode(): backup.stored()})
    staging.swap_in([note], beside_writes=True)
    return backup


def places_at(registry: MigrationRegistry, version: int) -> dict[str, tuple[str, str]]:
    """The key prefix, and the column family, that each collection has at a version of the database."""
    found: dict[str, tuple[str, str]] = {}
    for name in registry.collections:
        *_, last = registry.of(name, registry.latest)
        later = [migration for migration in registry.of(name, registry.latest) if migration.from_version >= version]
        spec = (later[0] if later else last).spec
        found[name] = spec.prefix if later else spec.head_after, spec.column_family
    return found


def _version(frozen: Store) -> int | None:
    """The version; ``None`` where it cannot be understood, which is no reason to make no backup."""
    with suppress(MetadataInvalid):
        return read_version(frozen)
    return None


def _contents(prefix: str, tally: Tally) -> Contents:
    return Contents(prefix, tally.records, tally.digest.hexdigest(), column_family=tally.column_family)
