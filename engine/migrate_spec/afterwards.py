"""What stands after a run: what was there before, with the changes in it, counted and digested."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from migrate_spec.backup import Contents
from migrate_spec.compiler import Route
from migrate_spec.digest import Tally
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.store import Changes, KeyRange, Record, Store, ranges_of

__all__ = ["Afterwards", "contents_after", "contents_of"]

RECORDS_A_CHUNK = 250


def _nobody(_count: int) -> None:
    """Nobody is told of the records."""


class Afterwards:
    """Takes the changes of a run in the order of their keys, and knows in the end what stands under some prefixes."""

    def __init__(
        self, before: Store, prefixes: Mapping[str, str], family: str, tell: Callable[[int], None] = _nobody
    ) -> None:
        """Take what was there before.

        Args:
            before: a column family, as it was.
            prefixes: the prefix that the keys of each collection have afterwards.
            family: the name of the column family.
            tell: is told how many further records are digested.
        """
        self._family = family
        self._prefixes = prefixes
        self._tell = tell
        self._ranges = ranges_of(prefixes.values())
        self._tallies = {name: Tally(KeyRange.of_prefix(one.encode()), family) for name, one in prefixes.items()}
        self._chunks = chain.from_iterable(before.chunks(keys, RECORDS_A_CHUNK) for keys in self._ranges)
        self._old: list[Record] = next(self._chunks, [])
        self._taken: list[Record] = []

    def settle(self, key: bytes, value: bytes | None) -> None:
        """Take the new value of a key; ``None``: it goes."""
        self._pass(key)
        if self._old and self._old[0][0] == key:
            self._skip(1)
        if value is not None and any(key in keys for keys in self._ranges):
            self._take([(key, value)])

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
        while self._old and (key is None or self._old[0][0] < key):
            count = len(self._old) if key is None else bisect_left(self._old, (key,))
            self._take(self._old[:count])
            self._skip(count)

    def _skip(self, count: int) -> None:
        """Go on behind so many of the old records."""
        self._old = self._old[count:] or next(self._chunks, [])

    def _take(self, records: list[Record]) -> None:
        self._taken += records
        if len(self._taken) >= RECORDS_A_CHUNK:
            self._tally()

    def _tally(self) -> None:
        for tally in self._tallies.values():
            tally.add(self._taken)
        self._tell(len(self._taken))
        self._taken = []


def contents_after(
    store: Store, routes: Sequence[Route], changes: Mapping[str, Changes], tell: Callable[[int], None]
) -> dict[str, Contents]:
    """What collections hold once further changes are made: all of it is read.

    Args:
        store: the database.
        routes: the ways of the collections, which lead to where they are then.
        changes: what is still to be written, by the column family.
        tell: is told how many further records are digested.
    """
    found: dict[str, Contents] = {}
    for family in dict.fromkeys(route.column_family for route in routes):
        heads = {one.collection: one.specs[-1].head_after for one in routes if one.column_family == family}
        after = Afterwards(store.family(family), heads, family, tell)
        for key, value in sorted(changes.get(family, {}).items()):
            after.settle(key, value)
        found |= after.finish()
    return found


def contents_of(store: Store, prefix: str, starts: Iterable[str] = (), *, family: str = DEFAULT_FAMILY) -> Contents:
    """What a database holds under a prefix, counted and digested in the parts that begin at some keys."""
    starts, keys = list(starts), KeyRange.of_prefix(prefix.encode())
    tally = Tally(keys, family, starts)
    for chunk in store.family(family).chunks(keys, RECORDS_A_CHUNK):
        tally.add(chunk)
    return Contents(prefix, tally.records, tally.digest.hexdigest(), starts, family)
