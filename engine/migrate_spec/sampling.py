"""A sample of stored records that is spread over all of their keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from migrate_spec.store import KeyRange, Store, successor

__all__ = ["sampled_records"]

Record = tuple[bytes, bytes]

MOST_BEGINNINGS = 128
"""Of keys, that are told apart."""


def sampled_records(store: Store, prefix: bytes, most: int) -> list[Record]:
    """Records whose keys begin with a prefix: all of them, or so many from all over.

    As many records are taken of each of the beginnings that keys have, and how these go on is looked up: a few hundred
    places of the database are read, however large it is.

    Args:
        store: the database; it is only read.
        prefix: what the keys begin with.
        most: how many records at most.

    Returns:
        The records, in the order of their keys.
    """
    few = list(islice(store.scan(KeyRange.of_prefix(prefix)), most + 1))
    if len(few) <= most:
        return few
    beginnings = _beginnings(store, prefix, min(most, MOST_BEGINNINGS))
    scans = deque(store.scan(KeyRange.of_prefix(beginning)) for beginning in beginnings)
    found: list[Record] = []
    while scans and len(found) < most:  # in turns, as some beginnings have few records
        scan = scans.popleft()
        record = next(scan, None)
        if record is not None:
            found.append(record)
            scans.append(scan)
    return sorted(found)


def _beginnings(store: Store, prefix: bytes, wanted: int) -> list[bytes]:
    """Beginnings of keys, apart from each other, that together stand for all keys with a prefix; about so many."""
    ends: list[bytes] = []
    open_ones = deque([prefix])
    while open_ones and len(ends) + len(open_ones) < wanted:
        beginning = open_ones.popleft()
        longer = list(_longer(store, beginning))
        if longer:
            open_ones.extend(longer)
        else:
            ends.append(beginning)
    return sorted([*ends, *open_ones])


def _longer(store: Store, beginning: bytes) -> Iterator[bytes]:
    """The beginnings that are one byte longer; none where a key ends here, or where there is but one key."""
    stop = successor(beginning)
    start: bytes | None = beginning
    first = list(islice(store.scan(KeyRange(beginning, stop)), 2))
    if len(first) <= 1 or first[0][0] == beginning:
        return
    while start is not None:
        key, _ = next(store.scan(KeyRange(start, stop)), (None, None))
        if key is None:
            return
        longer = key[: len(beginning) + 1]
        yield longer
        start = successor(longer)
        if stop is not None and start is not None and start >= stop:
            return
