"""A sample of stored records that is spread over all of their keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from migrate_spec.store import KeyRange, Store, successor

__all__ = ["sampled_records"]

Record = tuple[bytes, bytes]

FEW = 8
"""Records that are taken as they come; more are taken from all over."""
DEEPEST = 100
"""Bytes of keys that are told apart."""


def sampled_records(store: Store, prefix: bytes, most: int) -> list[Record]:
    """Records whose keys begin with a prefix: all of them, or so many from all over.

    Each beginning that is one byte longer has the same share, or all its records where these are fewer; and so on
    inside of each. Only a few hundred places of the database are read, however large it is.

    Args:
        store: the database; it is only read.
        prefix: what the keys begin with.
        most: how many records at most.

    Returns:
        The records, in the order of their keys.
    """
    return sorted(_spread(store, prefix, most, 0))


def _spread(store: Store, beginning: bytes, most: int, depth: int) -> list[Record]:
    found = _first(store, beginning, most + 1)
    if len(found) <= most or most < FEW or depth == DEEPEST:
        return found[:most]
    own = [record for record in found[:1] if record[0] == beginning]
    longer = list(_longer(store, beginning))
    left = most - len(own)
    if len(longer) > left:
        longer = [longer[index * len(longer) // left] for index in range(left)]
    while longer:
        share = left // len(longer)
        small = {one: found for one in longer if len(found := _first(store, one, share + 1)) <= share}
        if not small:
            break
        own += [record for found in small.values() for record in found]
        longer = [one for one in longer if one not in small]
        left = most - len(own)
    for index, one in enumerate(longer):
        share = (index + 1) * left // len(longer) - index * left // len(longer)
        own += _spread(store, one, share, depth + 1)
    return own


def _first(store: Store, beginning: bytes, most: int) -> list[Record]:
    return list(islice(store.scan(KeyRange.of_prefix(beginning)), most))


def _longer(store: Store, beginning: bytes) -> Iterator[bytes]:
    """The beginnings of keys that are one byte longer."""
    stop = successor(beginning)
    start: bytes | None = beginning + b"\0"
    while start is not None and (stop is None or start < stop):
        record = next(store.scan(KeyRange(start, stop)), None)
        if record is None:
            return
        longer = record[0][: len(beginning) + 1]
        yield longer
        start = successor(longer)
