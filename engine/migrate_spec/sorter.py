"""Sorting more than memory holds: entries go in in any order and come out by key.

What does not fit into memory is written to sorted files, which are merged at the end
(https://en.wikipedia.org/wiki/External_sorting). A file is a sequence of entries: the lengths of key, source and value
(4 bytes each, big endian; the value's is one more than it is, and 0 for none), then the three.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

__all__ = ["Entry", "Nowhere", "Sorter"]

LARGEST_BUFFER = 64 * 2**20
"""Bytes of keys and values that are kept in memory."""

MOST_FILES = 256
"""That are merged at once; more are merged into one before."""

ENTRY_OVERHEAD = 200
"""Bytes that an entry takes in memory, about, beside what is in it."""

_LENGTHS = struct.Struct(">III")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        key: what it is sorted by.
        source: the key of the record that it comes from.
        value: the value; ``None`` where the key is to go away.
    """

    key: bytes
    source: bytes
    value: bytes | None


class Sorter:
    """Takes entries, and gives them back in the order of their keys; for each key in the order they came in."""

    def __init__(self, folder: Path, buffer: int = LARGEST_BUFFER) -> None:
        """Take the folder for files, which must exist, and the size of what is kept in memory, in bytes."""
        self._folder = folder
        self._buffer = buffer
        self._entries: list[Entry] = []
        self._size = 0
        self._files: list[Path] = []
        self._count = 0
        self._open: list[BinaryIO] = []

    def add(self, key: bytes, source: bytes, value: bytes | None) -> None:
        """Take an entry.

        Raises:
            OSError: it cannot be written.
        """
        self._entries.append(Entry(key, source, value))
        self._size += len(key) + len(source) + len(value or b"") + ENTRY_OVERHEAD
        if self._size > self._buffer:
            self._spill()

    def groups(self) -> Iterator[tuple[bytes, list[Entry]]]:
        """Each key in ascending order, with its entries in the order they came in."""
        for key, entries in groupby(self._merged(), key=_key):
            yield key, list(entries)

    def _merged(self) -> Iterator[Entry]:
        self._entries.sort(key=_key)  # a stable sort keeps the order of those with the same key
        return heapq.merge(*(self._read(file) for file in self._files), iter(self._entries), key=_key)

    def _spill(self) -> None:
        self._entries.sort(key=_key)
        self._write(iter(self._entries))
        self._entries, self._size = [], 0
        if len(self._files) >= MOST_FILES:
            files = self._files
            merged = heapq.merge(*(self._read(file) for file in files), key=_key)
            self._files = []
            self._write(merged)
            self.close()
            for file in files:
                file.unlink()

    def _write(self, entries: Iterator[Entry]) -> None:
        path = self._folder / f"sorted-{id(self)}-{self._count:06}"
        self._count += 1
        with path.open("wb", buffering=2**20) as file:
            for entry in entries:
                length = 0 if entry.value is None else len(entry.value) + 1
                file.write(_LENGTHS.pack(len(entry.key), len(entry.source), length))
                file.write(entry.key + entry.source + (entry.value or b""))
        self._files.append(path)

    def _read(self, path: Path) -> Iterator[Entry]:
        file = path.open("rb", buffering=2**18)
        self._open.append(file)
        while head := file.read(_LENGTHS.size):
            key, source, value = _LENGTHS.unpack(head)
            yield Entry(file.read(key), file.read(source), file.read(value - 1) if value else None)

    def close(self) -> None:
        """Close the files that were read."""
        for file in self._open:
            file.close()
        self._open = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Nowhere(Sorter):
    """Takes entries, and forgets them."""

    def __init__(self) -> None:
        """Make one; it needs no folder."""
        super().__init__(Path())

    def add(self, key: bytes, source: bytes, value: bytes | None) -> None:
        """Forget an entry."""


def _key(entry: Entry) -> bytes:
    return entry.key
