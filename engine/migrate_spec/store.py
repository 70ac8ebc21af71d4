"""The seam to the database: all that the rest of the package may ask of one.

A store speaks bytes and knows no specs. There are two ways to change a database, each of them atomic:
:meth:`Store.ingest` swaps in any number of staged files, :meth:`Store.write` makes as many changes as memory holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

__all__ = [
    "ALL_KEYS",
    "NO_OTHERS",
    "Changes",
    "Gap",
    "KeyRange",
    "Record",
    "Size",
    "StagedFile",
    "Store",
    "ranges_of",
    "stage",
    "stage_all",
    "successor",
]

Record = tuple[bytes, bytes]
"""A key and its value."""

Changes = Mapping[bytes, bytes | None]
"""New values by their keys; ``None``: the key goes."""

NO_OTHERS: Mapping[str, Changes] = MappingProxyType({})
"""No changes of other column families."""


@dataclass(frozen=True, slots=True, order=True)
class KeyRange:
    """The keys from ``start`` (included) up to ``stop`` (not included; ``None``: to the end)."""

    start: bytes = b""
    stop: bytes | None = None

    @classmethod
    def of_prefix(cls, prefix: bytes) -> KeyRange:
        """All keys that begin with ``prefix``: ``task:`` gives ``task:`` up to ``task;``."""
        return cls(prefix, successor(prefix))

    def __contains__(self, key: bytes) -> bool:
        return self.start <= key and (self.stop is None or key < self.stop)


ALL_KEYS = KeyRange()


def successor(prefix: bytes) -> bytes | None:
    """The first key after all keys that begin with ``prefix``; ``None`` where there is none (only 0xFF bytes)."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


def ranges_of(prefixes: Iterable[str]) -> list[KeyRange]:
    """The keys that begin with any of these, as ranges apart from each other, in order."""
    known = set(prefixes)
    outermost = [one for one in known if not any(one != other and one.startswith(other) for other in known)]
    return sorted(KeyRange.of_prefix(prefix.encode()) for prefix in outermost)


@dataclass(frozen=True, slots=True)
class Size:
    """How much a range holds. All are estimates, for progress and for planning space.

    Attributes:
        records, bytes: at most about so many: all that stands in files with keys of the range.
        own_bytes: at least about so many: the files that hold nothing else.
    """

    records: int
    bytes: int
    own_bytes: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Where records of a damaged database cannot be read.

    Attributes:
        after: the last key before it; ``None``: there is none.
        before: the first key behind it; ``None``: there is none.
        found: what is wrong there, for each damaged block.
    """

    after: bytes | None
    before: bytes | None
    found: Sequence[str]

    def __contains__(self, key: bytes) -> bool:
        return (self.after is None or self.after < key) and (self.before is None or key < self.before)


class StagedFile(Protocol):
    """A file of changes that is not part of the database yet.

    Keys must come in strictly ascending order, or ``ValueError`` is raised. After any error there is no file.
    """

    def put(self, key: bytes, value: bytes) -> None:
        """Stage a new value for ``key``."""

    def put_all(self, records: Iterable[Record]) -> None:
        """Stage many new values."""

    def delete(self, key: bytes) -> None:
        """Stage the removal of ``key``; the key need not exist."""

    def size(self) -> int:
        """About how many bytes the file has so far."""

    def finish(self) -> Path | None:
        """Complete the file. Returns its path, or ``None`` where nothing was staged (then there is no file).

        Raises:
            NoSpace: the disk is full.
        """


def stage(file: StagedFile, key: bytes, value: bytes | None) -> None:
    """Stage a new value for ``key``; ``None``: its removal."""
    if value is None:
        file.delete(key)
    else:
        file.put(key, value)


def stage_all(store: Store, path: Path, changes: Changes) -> Path:
    """A staged file of at least one change, in whatever order they are given.

    Args:
        store: the database.
        path: the file.
        changes: what changes.
    """
    staged = store.stage(path)
    for key, value in sorted(changes.items()):
        stage(staged, key, value)
    finished = staged.finish()
    assert finished is not None  # noqa: S101 - something was staged
    return finished


class Store(Protocol):
    """An open database. Use it as a context manager, or close it yourself.

    Every method that reads raises :class:`~migrate_spec.errors.CorruptDatabase` where a part cannot be read, and every
    method raises ``ValueError`` once the store is closed, also a scan that was begun before.
    """

    @property
    def path(self) -> Path:
        """The database's folder."""

    @property
    def families(self) -> Sequence[str]:
        """The names of all column families of the database, in alphabetical order."""

    def family(self, name: str) -> Store:
        """The records of a column family of this database, as a store that is closed with this one.

        What is not of records (its path, its sequence, a checkpoint) is of the whole database.

        Raises:
            FamilyMissing: the database has no such family.
        """

    def get(self, key: bytes) -> bytes | None:
        """The value of ``key``, or ``None``."""

    def scan(self, keys: KeyRange) -> Iterator[Record]:
        """Each key and value in ``keys``, in ascending order.

        The end of the iteration is a proof that all of it was read: a block that cannot be read raises.
        """

    def chunks(self, keys: KeyRange, size: int) -> Iterator[list[Record]]:
        """What :meth:`scan` gives, ``size`` records at a time; the last time fewer."""

    def remains(self) -> Iterator[list[Record] | Gap]:
        """All that can still be read of a damaged database, some records at a time, and the gaps between them."""

    def middle(self, keys: KeyRange) -> bytes | None:
        """A key with about as much before it in ``keys`` as from it on; ``None`` where less than two keys are there."""

    def size(self, keys: KeyRange) -> Size:
        """An estimate of what ``keys`` holds, without reading it."""

    def sequence(self) -> int:
        """A number that grows with every write of a record; :meth:`ingest` need not make it grow."""

    def checkpoint(self, target: Path) -> None:
        """Make ``target`` a frozen copy of the database, by hard links where possible; nothing of it where that fails.

        Raises:
            DatabaseError: ``target`` exists already.
            NoSpace: the disk is full.
            DatabaseReadOnly: the folder around ``target`` cannot be written, or the store was opened for reading.
        """

    def stage(self, path: Path) -> StagedFile:
        """Begin a staged file at ``path``, written with this database's own options (compression, filters)."""

    def ingest(self, files: Sequence[Path]) -> None:
        """Swap in all changes of ``files`` as one atomic step and take the files over (they are moved).

        A reader or a crash sees all of it or none. Where two files change the same key, the later file counts. An
        empty sequence does nothing.

        Raises:
            NoSpace: the disk is full; nothing was swapped in.
        """

    def write(self, changes: Changes, others: Mapping[str, Changes] = NO_OTHERS, *, sync: bool = False) -> None:
        """Make all changes as one atomic step; a reader or a crash sees all of it or none.

        Once this returns they survive the end of this process, however it comes. A loss of power can undo the last
        writes, whole ones from the end on, up to the last one that was made with ``sync``.

        Args:
            changes: the new values by their keys; ``None``: the key goes, and need not exist.
            others: those to other column families of the database, by the name of the family.
            sync: whether this and all writes before are to be on the disk when it returns.

        Raises:
            NoSpace: the disk is full; nothing was changed.
            DatabaseReadOnly: the store was opened for reading.
            FamilyMissing: the database lacks a family of ``others``; nothing was changed.
        """

    def compact(self, keys: KeyRange = ALL_KEYS) -> None:
        """Write the files that hold keys of a range anew, without what was replaced or removed.

        It takes as long as to copy them.

        Args:
            keys: the range; by default all.

        Raises:
            NoSpace: the disk is full; the database holds what it held.
        """

    def close(self) -> None:
        """Let go of the database and its lock. A second call does nothing."""

    def __enter__(self) -> Self:
        """The store itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the store."""
