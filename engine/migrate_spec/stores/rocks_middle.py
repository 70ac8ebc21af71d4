"""A key in the middle of a range of a RocksDB, found without reading the range."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, Protocol

from migrate_spec.store import successor

__all__ = ["Keys", "middle_of"]

GROUPS = 8
"""With so many groups of keys it matters little that the first and the last may be small."""

DEPTH = 32
"""Bytes: where keys that begin differently have that much in common again, fewer groups must do."""


class Keys(Protocol):
    """What is used of rocksdict's ``RdictIter``, which only one module may import."""

    def seek(self, key: bytes, /) -> None:
        """Go to a key, or to the one that follows it."""

    def seek_to_last(self) -> None:
        """Go to the last key."""

    def valid(self) -> bool:
        """Whether there is a key here."""

    def key(self) -> Any:
        """The key here."""

    def status(self) -> None:
        """Raise what went wrong on the way here."""


def middle_of(keys: Keys, start: bytes, tables: Iterable[Mapping[str, Any]]) -> bytes | None:
    """A key with about as much before it as from it on.

    Keys are looked at in groups that begin alike: numbers, whatever their base, and random texts make groups of the
    same size. Where table files are not spread over all groups in the same way, their sizes count.

    Args:
        keys: an iterator over the range.
        start: the beginning of the range.
        tables: the table files with keys in the range, as ``Rdict.live_files`` tells of them.

    Returns:
        The key; ``None`` where there are less than two.
    """
    firsts = _first_keys(keys, start)
    if len(firsts) < 2:  # noqa: PLR2004 - as it is said above
        return None
    bytes_of = [1.0] * len(firsts)
    for table in tables:
        low = max(bisect_right(firsts, table["start_key"]) - 1, 0)
        high = max(bisect_right(firsts, table["end_key"]), low + 1)
        for index in range(low, high):
            bytes_of[index] += table["size"] / (high - low)
    *before, total = accumulate(bytes_of)
    return min(zip(before, firsts[1:], strict=True), key=lambda one: abs(one[0] - total / 2))[1]


def _first_keys(keys: Keys, start: bytes) -> list[bytes]:
    """The first key of each group of keys that begin alike; they are as large as that there are enough of them."""
    keys.seek(start)
    if not keys.valid():
        keys.status()
        return []
    first: bytes = keys.key()
    keys.seek_to_last()
    keys.status()
    last: bytes = keys.key()
    alike = next((at for at, byte in enumerate(first) if byte != last[at]), len(first))
    for length in range(alike + 1, alike + 1 + DEPTH):
        firsts = _groups(keys, first, length)
        if len(firsts) >= GROUPS or length > max(map(len, firsts)):
            break
    return firsts


def _groups(keys: Keys, first: bytes, length: int) -> list[bytes]:
    """The first key of each group of keys with the same first bytes."""
    found: list[bytes] = []
    following: bytes | None = first
    while following is not None:
        keys.seek(following)
        if not keys.valid():
            keys.status()
            break
        key: bytes = keys.key()
        found.append(key)
        following = successor(key[:length]) if len(key) >= length else key + b"\0"
    return found
