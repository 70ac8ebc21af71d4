"""What many records make of each key, settled and written: no two may leave something under the same one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from migrate_spec.afterwards import Afterwards
from migrate_spec.backup import Contents
from migrate_spec.errors import Fault, show_key
from migrate_spec.runner import Means
from migrate_spec.sorter import Entry, Sorter
from migrate_spec.store import StagedFile, Store, stage

__all__ = ["Collision", "Settled", "settle"]

RECORDS_A_FILE = 500_000


@dataclass(frozen=True, slots=True)
class Collision:
    """What is wrong with a record that cannot have a key. There may be as many as records, so it is kept small.

    Attributes:
        key: the key.
        other: the key of the record that has it.
        source: in place, where two records cannot have to do with one key, that of the record.
    """

    key: bytes
    other: bytes
    source: bytes | None = None

    def fault(self) -> Fault:
        """It as a fault."""
        if self.source is not None:
            both = f"{show_key(self.other)} and {show_key(self.source)}"
            found, expected = f"the key {show_key(self.key)} was found, which {both} change", "a key for each record"
            return Fault(found, f"{expected} was expected in place", "run without --in-place", None, "key-shared")
        found = f"the key {show_key(self.key)} was found, which {show_key(self.other)} has"
        remedy = "make the keys of two records differ, or drop one of the two"
        return Fault(found, "a key that is free was expected", remedy, None, "key-taken")


@dataclass
class Settled:
    """What was settled.

    Attributes:
        collided: what is wrong with records that would land on a key of another, by their keys.
        files: the staged files.
        after: what each collection holds afterwards, where something is written.
    """

    collided: dict[bytes, Collision] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    after: dict[str, Contents] = field(default_factory=dict)


def settle(
    changes: Sorter, means: Means, stays: Callable[[bytes], bool], watched: Callable[[], Afterwards], *, stops: bool
) -> Settled:
    """Write what becomes of each key, where that is one thing.

    A record that is set aside stays where it was, so that its old key may be in the way of another, which is then set
    aside, too: that goes on until nothing is in the way of anything.

    Args:
        changes: what is to be written, and by which record.
        means: what the run has to work with.
        stays: whether the record of a key may be set aside; else it stops the run.
        watched: makes what is told of all that is written.
        stops: whether nothing is written, and all is only to be heard of.

    Raises:
        DatabaseError: the staged files cannot be written.
    """
    settled = Settled()
    while True:
        found: dict[bytes, Collision] = {}
        staging = _Staging(means, watched, writes=not stops)
        for key, entries in changes.groups():
            left = [entry for entry in entries if entry.source not in settled.collided]
            collisions = dict(_collisions(key, left, means.frozen))
            if means.in_place and left and not collisions:
                collisions = dict(_shared(key, left))
            for source, fault in collisions.items():
                found[source] = fault
                staging.stop()
            if left and not found:
                staging.put(key, next((entry.value for entry in left if entry.value is not None), None))
        settled.files, settled.after = staging.close()
        changes.close()
        settled.collided |= found
        if not found or not all(map(stays, found)):
            return settled


def _collisions(key: bytes, entries: Sequence[Entry], frozen: Store) -> Iterator[tuple[bytes, Collision]]:
    """The records that cannot have a key, as another has it."""
    values = [entry for entry in entries if entry.value is not None]
    if not values:
        return
    first = next((entry for entry in values if entry.source == key), values[0])
    for entry in values:
        if entry is not first:
            yield entry.source, Collision(key, first.source)
    goes = any(entry.value is None for entry in entries)
    if len(values) == 1 and not goes and first.source != key and frozen.get(key) is not None:
        yield first.source, Collision(key, key)


def _shared(key: bytes, entries: Sequence[Entry]) -> Iterator[tuple[bytes, Collision]]:
    """The records but for the first that have to do with a key: in place they would find it changed already."""
    first, *others = sorted({entry.source for entry in entries})
    for source in others:
        yield source, Collision(key, first, source)


class _Staging:
    """The staged files: a new one every :data:`RECORDS_A_FILE` records."""

    def __init__(self, means: Means, watched: Callable[[], Afterwards], *, writes: bool) -> None:
        self._frozen = means.frozen
        self._folder = means.folder if writes else None
        self._after = watched() if self._folder is not None else None
        self._files: list[Path] = []
        self._file: StagedFile | None = None
        self._room = 0

    def put(self, key: bytes, value: bytes | None) -> None:
        """Stage a value, or that a key goes."""
        if self._folder is None or self._after is None:
            return
        if self._file is None or not self._room:
            self._finish()
            self._file = self._frozen.stage(self._folder / f"{uuid4().hex}.sst")
            self._room = RECORDS_A_FILE
        self._room -= 1
        stage(self._file, key, value)
        self._after.settle(key, value)

    def stop(self) -> None:
        """Write nothing any more, and keep nothing of what was written."""
        self._finish()
        self._folder = self._after = None
        for file in self._files:
            file.unlink()
        self._files = []

    def close(self) -> tuple[list[Path], dict[str, Contents]]:
        """Complete the file at hand; all files, and what each collection holds with them."""
        self._finish()
        return self._files, self._after.finish() if self._after is not None else {}

    def _finish(self) -> None:
        if self._file is not None:
            path, self._file = self._file.finish(), None
            self._files += [path] if path is not None else []
