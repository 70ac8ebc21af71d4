"""One record of a database as it is at the newest version, also in the middle of a run in place."""

from __future__ import annotations

from dataclasses import replace

from migrate_spec.compiler import Transform
from migrate_spec.history import read_version
from migrate_spec.in_progress import MARK_KEY, InProgress, read_in_progress
from migrate_spec.migration import carried
from migrate_spec.pickled import as_json
from migrate_spec.project import Project
from migrate_spec.store import KeyRange, Store

__all__ = ["upgraded"]


def upgraded(
    store: Store, project: Project, collection: str, key: bytes, *, allow_pickle: bool = False
) -> bytes | None:
    """One record, from whatever version it has to the newest.

    Where records can carry a stamp this is what :meth:`Project.upgrade` makes of its value. Where they cannot, the
    database tells their version, and in the middle of a run in place the mark tells which of them are behind.

    Args:
        store: the database. A run in place may be going on in another thread.
        project: the specs.
        collection: the collection's name.
        key: where the record is now.
        allow_pickle: whether it may be a pickled document, which is given as JSON.

    Returns:
        Its bytes; ``None`` where there is no such record.

    Raises:
        RecordRejected: it cannot be carried over.
        MigrationPathMissing: there is no such collection.
        MetadataInvalid: the database's version cannot be understood.
    """
    route = project.route(collection, project.version)
    home = store.family(route.column_family)
    while True:
        mark, version, begun, value = store.get(MARK_KEY), read_version(store), read_in_progress(store), home.get(key)
        if store.get(MARK_KEY) == mark:  # else a batch was written in between
            break
    if value is None:
        return None
    if begun is not None and not _is_behind(begun, collection, key):
        version = begun.from_version
    route = replace(project.route(collection, project.version, version), allow_pickle=allow_pickle)
    found = carried(key, value, Transform(route))
    return as_json(found) if allow_pickle else found


def _is_behind(begun: InProgress, collection: str, key: bytes) -> bool:
    """Whether a record is one that the run has carried, or none that it will."""
    names = list(begun.collections)
    if collection not in names:
        return True
    keys = KeyRange.of_prefix(begun.collections[collection].prefix.encode())
    return key not in keys or (names.index(collection), key) <= begun.position
