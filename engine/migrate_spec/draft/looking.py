"""Stored documents to learn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from migrate_spec.codec import Json, NotADocument, plain
from migrate_spec.document import Refused
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import read_version
from migrate_spec.pickled import as_json
from migrate_spec.sampling import sampled_records
from migrate_spec.stamp import Stamp
from migrate_spec.stores.rocks import open_for_reading

__all__ = ["stored_documents"]

LOOKED_AT = 1000
"""Records."""


def stored_documents(  # noqa: PLR0913 - where they are, and which
    database: Path,
    prefix: str,
    stamp: Stamp,
    version: int,
    column_family: str = DEFAULT_FAMILY,
    *,
    allow_pickle: bool = False,
) -> list[Json]:
    """Documents of one version, from all over the keys of a collection. Nothing is written.

    Args:
        database: its folder.
        prefix: the beginning of the records' keys.
        stamp: where the records carry their version.
        version: the version; records of others, and what is no document, are passed over.
        column_family: the part of the database that they are in.
        allow_pickle: whether pickled documents are looked at, too.

    Raises:
        FamilyMissing: the database has no such part.
        DatabaseError: it cannot be read.
    """
    with open_for_reading(database) as store:
        unstamped = read_version(store) if stamp.path is None else 1
        records = sampled_records(store.family(column_family), prefix.encode(), LOOKED_AT)
        values = (as_json(value) if allow_pickle else value for _, value in records)
        return list(_documents(values, stamp, version, unstamped))


def _documents(values: Iterable[bytes], stamp: Stamp, version: int, unstamped: int) -> Iterator[Json]:
    for value in values:
        with suppress(NotADocument, ValueError, Refused):
            document = plain(value)
            if type(document) is dict and stamp.version_of(document, unstamped) == version:
                yield document
