"""What can still be read of a RocksDB with damaged blocks: the records before, between and behind them.

An iterator ends at a damaged block, and a search for a key in the block fails with an error that says where the block
is. Errors that are alike are of the same block; so its end is found from behind, and where another block is damaged
there, by trying keys in between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from migrate_spec.store import Gap, Record
from migrate_spec.stores.rocks_middle import Keys

__all__ = ["Cursor", "remains"]

RECORDS_A_CHUNK = 1000

BYTES_TRIED = 64
"""Of keys between two, behind what these have in common; records that differ only later may not be found."""

_FILE = re.compile(r"[^/\s]+\.(?:sst|ldb|blob)\b")


class Cursor(Keys, Protocol):
    """What else is used of rocksdict's ``RdictIter``, which only one module may import."""

    def seek_for_prev(self, key: bytes, /) -> None:
        """Go to a key, or to the one before it."""

    def next(self) -> None:
        """Go to the following key."""

    def prev(self) -> None:
        """Go to the key before."""

    def value(self) -> Any:
        """The value here."""


def remains(
    fresh: Callable[[], Cursor], tables: Sequence[Mapping[str, Any]], meant: Callable[[str], str]
) -> Iterator[list[Record] | Gap]:
    """Each record that can still be read, and where some are missing, in the order of their keys.

    Args:
        fresh: gives an iterator over everything; one that met a damaged block may go on to fail at others.
        tables: the table files, as ``Rdict.live_files`` tells of them.
        meant: makes a sentence of what RocksDB says is wrong.

    Yields:
        Records, some at a time, and the gaps between them.
    """
    ends = {str(table["name"]).lstrip("/"): bytes(table["end_key"]) for table in tables}
    search = _Search(fresh, ends)
    start: bytes | None = b""
    last: bytes | None = None
    while start is not None:
        cursor = fresh()
        for chunk in _readable(cursor, start):
            last = chunk[-1][0]
            yield chunk
        fault = _fault(cursor)
        if not fault:
            return
        low = start if last is None or last < start else last + b"\0"
        start, faults = search.behind(low, fault)
        yield Gap(last, start, list(dict.fromkeys(map(meant, faults))))


def _readable(cursor: Cursor, start: bytes) -> Iterator[list[Record]]:
    """The records from a key on, up to the end or to a damaged block."""
    chunk: list[Record] = []
    cursor.seek(start)
    while cursor.valid():
        chunk.append((cursor.key(), cursor.value()))
        if len(chunk) == RECORDS_A_CHUNK:
            yield chunk
            chunk = []
        cursor.next()
    if chunk:
        yield chunk


def _fault(cursor: Cursor) -> str:
    """What is wrong where the cursor is; empty where nothing is."""
    try:
        cursor.status()
    except Exception as error:  # noqa: BLE001 - rocksdict raises nothing narrower
        return str(error)
    return ""


class _Search:
    """Finds the next key that can be read behind a damaged block."""

    def __init__(self, fresh: Callable[[], Cursor], ends: Mapping[str, bytes]) -> None:
        """Take what gives an iterator over everything, and the last key of each table file."""
        self._fresh = fresh
        self._ends = ends

    def behind(self, low: bytes, fault: str) -> tuple[bytes | None, list[str]]:
        """The first key that can be read behind a damaged block.

        Args:
            low: a key in the block.
            fault: what is said of keys in it.

        Returns:
            The key, ``None`` where there is none; and what is said of keys in this block, and in those that follow it.
        """
        faults = [fault]
        first, other, bound = self._from_behind(low, fault)
        while True:
            key, inside, other = self._between(low, bound, fault, other)
            if key is not None:  # there is more before what was found
                first = bound = self._stretch(key, key)[0] or key
                other = ""
            elif other in {"", fault}:
                return first, faults
            else:  # another damaged block follows
                low, fault, other = inside, other, ""
                faults.append(fault)
                if first is None:
                    first, other, bound = self._from_behind(low, fault)

    def _from_behind(self, low: bytes, fault: str) -> tuple[bytes | None, str, bytes]:
        """The last keys of a block's file that can be read.

        Returns:
            The first of them, or of those behind the file; what is wrong where there is none; and a key that is not
            before them.
        """
        high = max(self._end_of(fault), low) + b"\0"
        key, other = self._try(high)
        if other:
            return None, other, high
        first, before = self._stretch(high, key)
        return first, "" if first is not None else before, high if first is None else first

    def _end_of(self, fault: str) -> bytes:
        """The last key of the file that a fault names."""
        file = _FILE.search(fault)
        return self._ends.get(file[0] if file else "", max(self._ends.values(), default=b""))

    def _try(self, key: bytes) -> tuple[bytes | None, str]:
        """The first key from here on, and what is wrong where it cannot be read."""
        cursor = self._fresh()
        cursor.seek(key)
        return (cursor.key(), "") if cursor.valid() else (None, _fault(cursor))

    def _stretch(self, key: bytes, found: bytes | None) -> tuple[bytes | None, str]:
        """The first of the keys up to one that can be read one after the other, and what is wrong before it.

        Going back RocksDB does not find the first key behind a damaged block, as it looks for other values of it there.

        Args:
            key: where to begin.
            found: the first key from there on.
        """
        cursor = self._fresh()
        cursor.seek_for_prev(key)
        first = found
        while cursor.valid():
            first = cursor.key()
            cursor.prev()
        return first, _fault(cursor)

    def _between(self, low: bytes, high: bytes, fault: str, other: str) -> tuple[bytes | None, bytes, str]:
        """A key that can be read between two damaged blocks.

        Args:
            low: a key in the one.
            high: a key behind the one.
            fault: what is said of the one.
            other: what is said of ``high``; empty where it can be read.

        Returns:
            The key; or ``None``, with a key in the damaged block that follows the one, and what is said of that.
        """
        inside = high
        while (middle := _middle(low, inside)) is not None:
            found, wrong = self._try(middle)
            if wrong == fault:
                low = middle
            elif wrong:
                inside, other = middle, wrong
            elif found is not None and found < high:
                return found, inside, other
            else:
                inside = middle  # nothing is between that and what can be read
        return None, inside, other


def _middle(low: bytes, high: bytes) -> bytes | None:
    """A key between two, as far as their first bytes go; ``None`` where there is none."""
    alike = next((at for at, (one, two) in enumerate(zip(low, high, strict=False)) if one != two), len(low))
    length = min(max(len(low), len(high)) + 1, alike + BYTES_TRIED)
    one, two = (int.from_bytes(key[:length].ljust(length, b"\0")) for key in (low, high))
    one += len(low) > length
    return ((one + two) // 2).to_bytes(length) if two - one > 1 else None
