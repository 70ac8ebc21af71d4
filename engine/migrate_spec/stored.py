"""Documents of a database: a sample of its records, with the way that each has before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from migrate_spec.codec import Json, plain
from migrate_spec.document import Refused
from migrate_spec.history import read_version
from migrate_spec.migration import Migration
from migrate_spec.pickled import as_json
from migrate_spec.project import Project
from migrate_spec.sampling import sampled_records
from migrate_spec.store import Store
from migrate_spec.ways import Way

__all__ = ["stored"]


def stored(
    store: Store, project: Project, most: int, *, allow_pickle: bool = False
) -> Iterator[tuple[Way, list[Json]]]:
    """A sample of each collection, as the ways that its records have before them.

    Args:
        store: the database.
        project: the specs.
        most: how many records of a collection.
        allow_pickle: whether pickled documents are read, too.

    Returns:
        For each version that a record has, the next step and all steps behind each other, with the documents; ``None``
        for a record that cannot be read, at the first of them.

    Raises:
        MetadataInvalid: the database's version cannot be understood.
        CorruptDatabase: a part cannot be read.
    """
    version = read_version(store)
    for collection in project.registry.collections:
        migrations = project.registry.of(collection, project.version)
        route = project.route(collection, project.version, version)
        documents: dict[int, list[Json]] = defaultdict(list)
        for _, value in sampled_records(store.family(route.column_family), route.key_prefix, most):
            shown = as_json(value) if allow_pickle else value
            document, own = _read(shown, migrations, route.unstamped)
            documents[own].append(document)
        for own in sorted(documents):
            rest = tuple(one for one in migrations if one.from_version >= own)
            yield from ((Way(way), documents[own]) for way in dict.fromkeys((rest[:1], rest)) if way)


def _read(value: bytes, migrations: Sequence[Migration], unstamped: int) -> tuple[Json, int]:
    """A record's document and version; ``None`` and the first version where it has none."""
    try:
        document = plain(value)
        if type(document) is dict:
            return document, migrations[0].spec.stamp.version_of(document, unstamped)
    except (ValueError, Refused):  # `apply` refuses it, too, and says why
        pass
    return None, migrations[0].from_version
