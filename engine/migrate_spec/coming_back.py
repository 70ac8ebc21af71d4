"""What was kept of a record on its way down and comes back to it on the way up, as `explain` tells it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from migrate_spec.carriers import carrier
from migrate_spec.codec import Json, plain
from migrate_spec.compiler import Route
from migrate_spec.kept import Kept
from migrate_spec.rejects import Rejecting, Rejects
from migrate_spec.store import KeyRange, Store
from migrate_spec.tracing import Event, differences

__all__ = ["coming_back"]


def coming_back(source: Store, route: Route, key: bytes, value: bytes, events: Sequence[Event]) -> Iterator[Event]:
    """What a run makes of a record besides what its steps alone make of it.

    Args:
        source: the database, or the column family of it that the record is in.
        route: the way of the record's collection.
        key: the record's.
        value: what stands there.
        events: what the steps alone make of it.

    Raises:
        MetadataInvalid: what is kept cannot be read.
    """
    keys = KeyRange(key, key + b"\0")
    if route.moves_records or not Kept(source, route.collection, route.kept_by, keys).of([key]):
        return
    rejects = Rejects(route, Rejecting(), source, None)
    [(_, carried)] = carrier(route, keys, source, rejects, None).carry([(key, value)]) or [(key, value)]
    last = next((event.document for event in reversed(events) if event.kind != "refused"), _document(value))
    found = differences(last, _document(carried)) if not rejects.count else []
    if found:
        yield Event("kept", "what was kept on the way down", None, key, _document(carried), found)


def _document(value: bytes) -> Json:
    """A stored document in the plain form; ``None`` for what is none."""
    with suppress(ValueError):
        return plain(value)
    return None
