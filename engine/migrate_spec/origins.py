"""Where a record comes from that a migration made of another one, and where one went that another one has taken in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.flow import Flow
from migrate_spec.flows import Flows
from migrate_spec.sorter import Nowhere
from migrate_spec.spec import Spec
from migrate_spec.store import KeyRange, Record, Store

__all__ = ["Located", "source_of", "taker_of"]


@dataclass(frozen=True)
class Located:
    """A record that another one is made of, or that takes another one in.

    Attributes:
        collection: its own.
        key: its key before.
        value: what stands there.
    """

    collection: str
    key: bytes
    value: bytes


def source_of(key: bytes, routes: Sequence[Route], store: Store) -> Located | None:
    """The record that gets a key, or that the one with this key is made of; nothing where there is none.

    Where the key itself does not tell, all records are looked at that may be it.

    Args:
        key: the key afterwards.
        routes: the ways of all collections.
        store: the database before.
    """
    moving, before = [route for route in routes if route.moves_records], _keys_before(key, routes)
    made = _Watch(key, gone=False)
    flows = Flows(routes, store, made, Nowhere())
    for route in moving:
        for record in _all(route, store) if before is None else _some(before, route, store):
            if _is_met(Flow(flows, route.collection), record, made):
                return Located(route.collection, *record)
    return None


def taker_of(key: bytes, routes: Sequence[Route], store: Store) -> Located | None:
    """The record that takes another one in; nothing where there is none.

    Args:
        key: of the record that is taken in.
        routes: the ways of all collections.
        store: the database before.
    """
    taken = _Watch(key, gone=True)
    flows = Flows(routes, store, Nowhere(), taken)
    for route in routes:
        if any(_begins(key.decode(errors="replace"), spec.taken) for spec in route.way):
            for record in _all(route, store):
                if _is_met(Flow(flows, route.collection), record, taken):
                    return Located(route.collection, *record)
    return None


class _Watch:
    """Sees whether a key is among what is noted."""

    def __init__(self, key: bytes, *, gone: bool) -> None:
        """Take the key, and whether a note that it goes counts, too."""
        self._key = key
        self._gone = gone
        self.met = False

    def add(self, key: bytes, source: bytes, value: bytes | None) -> None:
        """Take a note."""
        del source
        self.met |= key == self._key and (self._gone or value is not None)


def _is_met(flow: Flow, record: Record, watch: _Watch) -> bool:
    """Whether the key is among what is noted of one record."""
    with suppress(RecordRefused):
        flow.carry(*record)
    return watch.met


def _all(route: Route, store: Store) -> Iterator[Record]:
    return store.scan(KeyRange.of_prefix(route.key_prefix))


def _some(keys: Sequence[str], route: Route, store: Store) -> Iterator[Record]:
    """The records of a collection among those with some keys."""
    for key in keys:
        value = store.get(key.encode()) if key.encode().startswith(route.key_prefix) else None
        if value is not None:
            yield key.encode(), value


def _keys_before(key: bytes, routes: Sequence[Route]) -> list[str] | None:
    """The keys that the record of a key may have had, or the one that it is made of; ``None``: that cannot be told."""
    try:
        found = {key.decode()}
    except UnicodeDecodeError:  # what moves has keys that are text
        return []
    specs = [spec for route in routes for spec in route.specs]
    for spec in sorted(specs, key=lambda spec: -spec.from_version):
        for one in tuple(found):
            before = _before(one, spec)
            if before is None:
                return None
            found.update(before)
    return sorted(found)


def _before(key: str, spec: Spec) -> Sequence[str] | None:
    """The keys that a record may have had before a step, where it has this one afterwards, in the same way."""
    found: Sequence[str] = (key,)
    made = (operation.keys_before(key) is None for operation in spec.records)  # what is made meets no later operation
    if any(made) or any(_begins(key, index.ranges) for index in spec.indexes.values()):
        return None
    for operation in reversed(spec.records):
        several = [operation.keys_before(one) for one in found]
        if None in several:
            return None
        found = [one for some in several for one in some or ()]
    return found


def _begins(key: str, prefixes: Sequence[str]) -> bool:
    return key.startswith(tuple(prefixes))
