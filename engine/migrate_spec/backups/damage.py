"""All that is damaged in a database, not only what is met first."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from migrate_spec.errors import CorruptDatabase, ForeignDatabase
from migrate_spec.store import Gap
from migrate_spec.stores.rocks import open_remains

__all__ = ["all_damage", "damaged_places"]

SHOWN_PLACES = 10


def damaged_places(database: Path) -> list[str]:
    """Each file, and each block of one, that cannot be read, as far as it can be found; in words.

    Raises:
        DatabaseError: nothing can be found out; it is in rocksdict's default mode, say.
    """
    store, found = open_remains(database)
    with store:
        for family in store.families:
            parts = store.family(family).remains()
            found += [one for part in parts if isinstance(part, Gap) for one in part.found]
    return list(dict.fromkeys(found))


def all_damage(error: CorruptDatabase, database: Path) -> tuple[CorruptDatabase, list[str]]:
    """What was met first in a database, told with all else that is damaged there.

    Args:
        error: what was met.
        database: the database.

    Returns:
        The error that tells of it, up to a bound, and each damaged place.
    """
    fault, places = error.fault, [error.fault.found]
    with suppress(ForeignDatabase):
        places = damaged_places(database) or places
    more = len(places) - SHOWN_PLACES
    shown = ", ".join(places[:SHOWN_PLACES]) + (f" and {more} more" if more > 0 else "")
    return CorruptDatabase(shown, fault.expected, fault.remedy, where=str(database)), places
