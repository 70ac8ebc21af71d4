"""Which records go into which others on the way down, so that each goes into one, and into no other as itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_spec.homes import Homes
from migrate_spec.homeward import Homeward
from migrate_spec.moves import MADE, THERE
from migrate_spec.sorter import Sorter
from migrate_spec.spec import overlap
from migrate_spec.store import KeyRange, Record, Store, ranges_of

__all__ = ["Claims"]


class Claims:
    """The records that others take in, in one step down."""

    def __init__(self, ways: Sequence[Homeward], frozen: Store, homes: Homes, sorters: Sequence[Sorter]) -> None:
        """Take the ways of the collections, the database, where records belong, and room for keys, twice."""
        self._ways = [way for way in ways if way.spec.makes_records]
        self._frozen, self._homes = frozen, homes
        self._claimed, self._taken = sorters
        made = [prefix for way in self._ways for prefix in way.spec.makes]
        if any(overlap(way.spec.head_after, prefix) for way in ways for prefix in made):
            self._claim()

    def _claim(self) -> None:
        """Find out which records of the collections go into others: they are not carried down as themselves."""
        for way in self._ways:
            for key, value in self._frozen.scan(KeyRange.of_prefix(way.spec.head_after.encode())):
                for part in way.claims(key, value):
                    self._claimed.add(part, key, None)

    def others(self, chunks: Iterator[Sequence[Record]]) -> Iterator[Record]:
        """The records that go into no others; they come and leave in the order of their keys."""
        keys = (key for key, _ in self._claimed.groups())
        claimed = next(keys, None)
        for chunk in chunks:
            for key, value in chunk:
                while claimed is not None and claimed < key:
                    claimed = next(keys, None)
                if claimed != key:
                    yield key, value

    def take(self, part: bytes, owner: bytes) -> None:
        """Note that a record goes into another one."""
        self._taken.add(part, owner, None)

    def wrongly_taken(self) -> Iterator[tuple[bytes, str]]:
        """The records that do not go into exactly one other, each with what was found."""
        claims = self._claimed.groups()
        claimed = next(claims, None)
        for key, entries in self._taken.groups():
            while claimed is not None and claimed[0] < key:
                yield claimed[0], "a record was found that belongs to one which goes into another itself"
                claimed = next(claims, None)
            if claimed is not None and claimed[0] == key:
                claimed = next(claims, None)
            if len(entries) > 1:
                yield key, f"a record of {len(entries)} was found"
        for key, _ in [] if claimed is None else [claimed, *claims]:
            yield key, "a record was found that belongs to one which goes into another itself"

    def homeless(self) -> Iterator[tuple[Homeward, str]]:
        """The records that look as if a step had made them, and go into none: each with the step, and the list."""
        for way in self._ways:
            keys = (key for key, _ in self._taken.groups())
            taken = next(keys, None)
            for keys_made in ranges_of(way.spec.makes):
                for key, _ in self._frozen.scan(keys_made):
                    while taken is not None and taken < key:
                        taken = next(keys, None)
                    slot = way.spec.part_of(key.decode(errors="replace"))
                    if taken != key and slot is not None and self._is_lost(way, key):
                        yield way, slot

    def _is_lost(self, way: Homeward, key: bytes) -> bool:
        """Whether a record is for no other program than that of the newer version."""
        origin = way.village.origin(key)
        if origin in {MADE, THERE}:
            return origin == MADE
        return self._homes.of(key.decode(errors="replace"), way.spec.from_version) is None
