"""What stands after a run whose records move: the frozen copy with the changes in it, counted and digested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from migrate_spec.backup import Contents
from migrate_spec.digest import Tally
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.store import KeyRange, Record, Store, ranges_of

__all__ = ["Afterwards", "contents_of"]

RECORDS_A_CHUNK = 250


class Afterwards:
    """Takes the changes of a run in the order of their keys, and knows in the end what stands under some prefixes."""

    def __init__(self, frozen: Store, prefixes: Mapping[str, str], family: str) -> None:
        """Take what was there before.

        Args:
            frozen: a column family, as it was.
            prefixes: the prefix that the keys of each collection have afterwards.
            family: the name of the column family.
        """
        self._family = family
        self._prefixes = prefixes
        self._ranges = ranges_of(prefixes.values())
        self._tallies = {name: Tally(KeyRange.of_prefix(one.encode()), family) for name, one in prefixes.items()}
        self._old = chain.from_iterable(map(frozen.scan, self._ranges))
        self._next = next(self._old, None)
        self._chunk: list[Record] = []

    def settle(self, key: bytes, value: bytes | None) -> None:
        """Take the new value of a key; ``None``: it goes."""
        self._pass(key)
        if self._next is not None and self._next[0] == key:
            self._next = next(self._old, None)
        if value is not None and any(key in keys for keys in self._ranges):
            self._take((key, value))

    def finish(self) -> dict[str, Contents]:
        """What each collection holds, when all changes were taken."""
        self._pass(None)
        self._tally()
        return {
            name: Contents(self._prefixes[name], tally.records, tally.digest.hexdigest(), [], self._family)
            for name, tally in self._tallies.items()
        }

    def _pass(self, key: bytes | None) -> None:
        """Take all that stays as it is before a key; ``None``: to the end."""
        while self._next is not None and (key is None or self._next[0] < key):
            self._take(self._next)
            self._next = next(self._old, None)

    def _take(self, record: Record) -> None:
        self._chunk.append(record)
        if len(self._chunk) == RECORDS_A_CHUNK:
            self._tally()

    def _tally(self) -> None:
        for tally in self._tallies.values():
            tally.add(self._chunk)
        self._chunk = []


def contents_of(store: Store, prefix: str, starts: Iterable[str] = (), *, family: str = DEFAULT_FAMILY) -> Contents:
    """What a database holds under a prefix, counted and digested in the parts that begin at some keys."""
    starts, keys = list(starts), KeyRange.of_prefix(prefix.encode())
    tally = Tally(keys, family, starts)
    for chunk in store.family(family).chunks(keys, RECORDS_A_CHUNK):
        tally.add(chunk)
    return Contents(prefix, tally.records, tally.digest.hexdigest(), starts, family)
