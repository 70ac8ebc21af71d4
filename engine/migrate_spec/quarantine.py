"""Quarantine: records that cannot be carried over stay as they were, each with a mark in the database.

A mark stands in the default column family under ``_quarantine:<the record's key>``; where the record is in another
family under ``_quarantine@<the family's name, as in a URL>:<the record's key>``. It is compact JSON, and comes and goes
in the same atomic step as all else that a run changes. Its ``version`` is the database's when the record was set aside:
where the way of a record begins that cannot say its own.

Where the keys of a database have types (:mod:`~migrate_spec.stores.rocks_typed`) marks stand under texts. Those of keys
that are no texts have a character for each byte, see :func:`_spelled`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from migrate_spec.codec import decode, encode
from migrate_spec.errors import MetadataInvalid, Rejection, show_key
from migrate_spec.families import DEFAULT_FAMILY, named
from migrate_spec.history import VERSION_KEY, read_version, version_of
from migrate_spec.store import KeyRange, Record, Store, successor

__all__ = [
    "MARKS",
    "Mark",
    "Passing",
    "count_marks",
    "has_marks",
    "mark_key",
    "mark_range",
    "marked_families",
    "marked_key",
    "read_mark",
    "read_marks",
    "read_standing",
]

MARKS = KeyRange(b"_quarantine:", b"_quarantineA")
"""Where marks stand: ``@`` comes between ``:`` and ``A``."""

_OF_BYTES = b"\x01"
"""What typed keys begin with that are bytes."""

_LAST = "\U0010ffff".encode()
"""The last character: of typed keys only texts that begin with it, numbers and booleans do not come before it."""


@dataclass(frozen=True)
class Mark:
    """What the database notes of a record in quarantine.

    Attributes:
        key: the record's key.
        collection: the record's collection.
        version: the database's when the record was set aside.
        step: the step that refused it, such as ``task v1→v2``; empty where it could not even be read.
        path: the place inside the document; empty for the whole.
        place: the line of the spec, or the schema; empty where none asked.
        reason: what was found there and expected.
        at: when, RFC 3339, UTC.
        column_family: the part of the database that the record is in.
    """

    key: bytes
    collection: str
    version: int
    step: str
    path: str
    place: str
    reason: str
    at: str
    column_family: str = DEFAULT_FAMILY

    @classmethod
    def of(cls, rejection: Rejection, collection: str, version: int, at: str) -> Mark:
        """The mark of a record that was rejected."""
        place, reason = rejection.fault.where, rejection.fault.sentence
        told = (rejection.step, rejection.path, str(place or ""), reason)
        return cls(rejection.key, collection, version, *told, at, rejection.column_family)

    @property
    def is_whole(self) -> bool:
        """Whether its parts are of their types."""
        texts = (self.collection, self.step, self.path, self.place, self.reason, self.at)
        return all(type(text) is str for text in texts) and type(self.version) is int and self.version > 0

    def stored(self) -> bytes:
        """The mark as the database has it."""
        return encode({name: getattr(self, name) for name in _STORED})

    def says_the_same(self, other: Mark) -> bool:
        """Whether two marks differ in nothing but their time."""
        return replace(self, at="") == replace(other, at="")

    def to_json(self) -> dict[str, Any]:
        """The mark as the command line shows it."""
        return {"key": show_key(self.key), "key_hex": self.key.hex()} | {**asdict(self), "key": show_key(self.key)}

    def __str__(self) -> str:
        parts = [show_key(self.key), named(self.column_family), self.step, self.path]
        before = f"{self.place}: " if self.place else ""
        return ", ".join(part for part in parts if part) + f": {before}{self.reason}"


_STORED = ("collection", "version", "step", "path", "place", "reason", "at")
"""Its parts that stand in the value; the others are in the key."""


def _head(family: str) -> bytes:
    """What the keys of the marks of records in a column family begin with."""
    return b"_quarantine:" if family == DEFAULT_FAMILY else f"_quarantine@{quote(family, safe='')}:".encode()


def mark_key(key: bytes, family: str = DEFAULT_FAMILY) -> bytes:
    """Where the mark of a record in a column family stands."""
    return _head(family) + _spelled(key)


def marked_key(where: bytes, family: str = DEFAULT_FAMILY) -> bytes:
    """The key of the record in a column family whose mark stands there."""
    name = where.removeprefix(_head(family))
    try:
        return _unspelled(name)
    except UnicodeError:  # nobody has spelled it
        return name


def _unspelled(name: bytes) -> bytes:
    if name.startswith(_OF_BYTES):
        return name.decode().encode("latin-1")
    return name.removeprefix(_LAST).decode().encode("latin-1") if name.startswith(_LAST) else name


def _spelled(key: bytes) -> bytes:
    """A key as it stands in that of its mark; the order of keys is kept.

    Of one that may be no text each byte becomes a character.
    """
    if key.startswith(_OF_BYTES):
        return key.decode("latin-1").encode()
    return _LAST + key.decode("latin-1").encode() if key >= _LAST else key


def mark_range(family: str = DEFAULT_FAMILY, keys: KeyRange | None = None) -> KeyRange:
    """Where the marks of the records in a range of a column family stand; by default all of it."""
    head = _head(family)
    if keys is None or keys.stop is None:
        return KeyRange(mark_key(keys.start, family) if keys is not None else head, successor(head))
    return KeyRange(mark_key(keys.start, family), mark_key(keys.stop, family))


def has_marks(store: Store) -> bool:
    """Whether any record is in quarantine; it takes one look."""
    return next(store.family(DEFAULT_FAMILY).scan(MARKS), None) is not None


def read_standing(store: Store) -> tuple[int, bool]:
    """The version of a database, and whether any record is in quarantine: one read where there is none.

    Raises:
        MetadataInvalid: what stands under the key is no version.
        HalfSwapped: a run was cut off while it was swapped in, and the database is between two versions.
    """
    # Marks stand right before the version, so that one look finds either.
    first = next(store.scan(KeyRange(MARKS.start, VERSION_KEY + b"\0")), None)
    if first is None:
        return 1, False
    key, value = first
    if key == VERSION_KEY:
        return version_of(store, value), False
    return read_version(store), key in MARKS


def read_marks(store: Store, family: str = DEFAULT_FAMILY) -> Iterator[Mark]:
    """The marks of the records in a column family, in the order of their keys.

    Raises:
        MetadataInvalid: what stands there is no mark.
    """
    keys = mark_range(family)
    for key, value in store.family(DEFAULT_FAMILY).scan(keys):
        yield _read(store, family, key, value)


def read_mark(store: Store, key: bytes, family: str = DEFAULT_FAMILY) -> Mark | None:
    """The mark of a record; ``None`` where it is not in quarantine.

    Raises:
        MetadataInvalid: what stands there is no mark.
    """
    where = mark_key(key, family)
    value = store.family(DEFAULT_FAMILY).get(where)
    return None if value is None else _read(store, family, where, value)


def marked_families(store: Store) -> list[str]:
    """The column families that have records in quarantine, in the order of their marks."""
    found, home, start = list[str](), store.family(DEFAULT_FAMILY), MARKS.start
    while (first := next(home.scan(KeyRange(start, MARKS.stop)), None)) is not None:
        name = first[0].removeprefix(b"_quarantine@").partition(b":")[0].decode("utf-8", "replace")
        found.append(DEFAULT_FAMILY if first[0].startswith(b"_quarantine:") else unquote(name))
        start = max(mark_range(found[-1]).stop or b"", first[0] + b"\0")
    return found


def count_marks(store: Store) -> dict[str, int]:
    """How many records of each collection are in quarantine.

    Raises:
        MetadataInvalid: what stands there is no mark.
    """
    marks = (mark for family in marked_families(store) for mark in read_marks(store, family))
    return dict(sorted(Counter(mark.collection for mark in marks).items()))


def _read(store: Store, family: str, key: bytes, value: bytes) -> Mark:
    try:
        fields = decode(value)
        found = Mark(marked_key(key, family), **fields, column_family=family)
    except (ValueError, TypeError):
        found = None
    if found is None or not found.is_whole:
        raise MetadataInvalid(
            f"a mark that cannot be read was found under {show_key(key)}",
            "an object with collection, version, step, path, place, reason and at was expected",
            "delete that key: the record is then carried over, or refused, like any other",
            where=str(store.path),
        )
    return found


class Passing:
    """Passes over the records of a range that are in quarantine."""

    def __init__(self, store: Store, family: str, keys: KeyRange) -> None:
        """Take the database, and the range in a column family."""
        marks = store.family(DEFAULT_FAMILY).scan(mark_range(family, keys))
        self._keys = (marked_key(where, family) for where, _ in marks)
        self._next = next(self._keys, None)

    def others(self, chunk: Sequence[Record]) -> Sequence[Record]:
        """The records of a chunk that are not in quarantine. Chunks come in the order of their keys."""
        last, found = chunk[-1][0], set()
        while self._next is not None and self._next <= last:
            found.add(self._next)
            self._next = next(self._keys, None)
        return [record for record in chunk if record[0] not in found] if found else chunk
