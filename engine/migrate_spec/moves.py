"""What is kept of a record whose step moves it: what the way back alone does not give of its key and its entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from xxhash import xxh3_64_hexdigest

from migrate_spec.codec import packed, unpacker

__all__ = [
    "GONE",
    "MADE",
    "PART",
    "THERE",
    "Entries",
    "KeptPart",
    "Move",
    "PartsKept",
    "Passage",
    "entries_to_keep",
    "moved_entries",
    "record_digest",
]

Entries = Mapping[bytes, bytes | None]
"""Entries of indexes by their keys; ``None``: there is none."""

GONE = b"\xff"
"""What is kept of a record that the step deletes stands under its key behind this, which no text begins with."""

Passage = tuple[str | None, str | None, bytes]
"""An entry of an index on its way: its key before and after, and what a new one holds."""

PART = b"\xfe"
"""Stands before the key of a record in a place where a step makes records: what is kept under it says whence it is."""

MADE, THERE = b"made", b"there"
"""A record that the step has made; one that was there before."""


class KeptPart(NamedTuple):
    """What is kept of a record that was made of another one, or taken into it.

    Attributes:
        key: its key.
        digest: of what the step gives, by which it is known again.
        lost: what the way back alone does not give of it, as a :class:`~migrate_spec.complement.Complement` is stored.
        form: how its pickle begins, where it is pickled.
    """

    key: bytes
    digest: str
    lost: bytes | None = None
    form: bytes = b""


PartsKept = tuple[tuple[KeptPart, ...] | None, ...]
"""What is kept of such records, list by list of the operations of a step; ``None``: there was no list."""

_unpacked = unpacker(
    tuple[
        bytes | None,
        bytes | None,
        dict[bytes, bytes | None],
        dict[bytes, bytes],
        bytes | None,
        str,
        PartsKept,
        bytes | None,
    ]
)


@dataclass(frozen=True, slots=True)
class Move:
    """What is kept of one record.

    Attributes:
        lost: what its document lost, as a :class:`~migrate_spec.complement.Complement` is stored; ``None``: nothing.
        key: its key on the other side, where the way there gives another one, or none.
        entries: what its entries held on the other side, where the way there gives something else.
        strays: what stood on the other side where its entries are on this one.
        gone: the whole record, where the step deletes it.
        digest: of the record on this side, where its key is kept only for as long as the record stays the same.
        parts: the records that were made of it, or went into it.
        rest: what its document lost by operations on records, as ``lost`` is stored.
    """

    lost: bytes | None = None
    key: bytes | None = None
    entries: Entries = field(default_factory=dict)
    strays: Mapping[bytes, bytes] = field(default_factory=dict)
    gone: bytes | None = None
    digest: str = ""
    parts: PartsKept = ()
    rest: bytes | None = None

    def __bool__(self) -> bool:
        return self != Move()

    def put_back(self, moved: Entries) -> dict[bytes, bytes | None]:
        """What becomes of the record's own entries, with those put back that were kept, where it is this without."""
        return {key: self.entries.get(key, new) for key, new in moved.items()}

    def stored(self) -> bytes:
        """The move as it is stored."""
        found = (self.lost, self.key, self.entries, self.strays, self.gone, self.digest, self.parts, self.rest)
        return packed(found)

    @classmethod
    def of(cls, stored: bytes) -> Move:
        """The move that was stored."""
        return cls(*_unpacked(stored))


def moved_entries(passages: Iterable[Passage], there: Callable[[bytes], bytes | None]) -> dict[bytes, bytes | None]:
    """What becomes of entries of indexes when a record goes a step.

    Args:
        passages: its entries.
        there: gives what stands under a key before.

    Returns:
        What stands there afterwards, by the keys that change.
    """
    moved = [one for one in passages if one[0] != one[1]]
    olds = {before.encode(): there(before.encode()) for before, _, _ in moved if before is not None}
    found: dict[bytes, bytes | None] = dict.fromkeys(olds)
    for before, after, value in moved:
        if after is not None:
            old = olds[before.encode()] if before is not None else None
            found[after.encode()] = value if old is None else old
    return found


def entries_to_keep(
    passages: Iterable[Passage], before: Callable[[bytes], bytes | None], back: Callable[[bytes], bytes | None]
) -> tuple[dict[bytes, bytes | None], dict[bytes, bytes]]:
    """What is to be kept of entries of indexes for the way back: a record's own, and those in whose place they come.

    Args:
        passages: the record's own.
        before: gives what stands under a key before.
        back: gives what the way back alone would leave there.
    """
    moved = [one for one in passages if one[0] != one[1]]
    own = {old.encode() for old, _, _ in moved if old is not None}
    found = {key: before(key) for key in sorted(own) if before(key) != back(key)}
    others = {new.encode() for _, new, _ in moved if new is not None} - own
    strays = {key: old for key in sorted(others) if (old := before(key)) is not None and old != back(key)}
    return found, strays


def record_digest(value: bytes) -> str:
    """The digest of a record, by which it is known again."""
    return xxh3_64_hexdigest(value)
