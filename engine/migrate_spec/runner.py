"""How a plan is executed: records are read from a frozen copy, carried over, and written to staged files."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from migrate_spec.backup import Contents, Digest
from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.errors import RecordRejected, Rejection
from migrate_spec.progress import Tracker
from migrate_spec.store import KeyRange, StagedFile, Store

__all__ = ["Carried", "carry", "check_rejections"]

Record = tuple[bytes, bytes]
Put = Callable[[bytes, bytes], None]

SHOWN_REJECTIONS = 100
RECORDS_A_CHUNK = 1000
RECORDS_A_FILE = 500_000


@dataclass
class Carried:
    """What became of one collection.

    Attributes:
        route: the way its records went.
        scanned: how many there are.
        migrated: how many were written anew.
        changed_by: for each step of the route, how many it changed.
        before: what the frozen copy held.
        files: the staged files.
        rejections: the first rejected records.
        rejected: how many in all.
    """

    route: Route
    scanned: int = 0
    migrated: int = 0
    changed_by: Sequence[int] = ()
    before: Contents = Contents("", 0, "")  # noqa: RUF009 - it cannot be altered
    files: list[Path] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rejected: int = 0

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self.route.collection

    @property
    def unchanged(self) -> int:
        """How many records stay as they are."""
        return self.scanned - self.migrated - self.rejected


def carry(route: Route, frozen: Store, target: Store | None, folder: Path, tracker: Tracker) -> Carried:
    """Carry all records of one collection.

    Args:
        route: the way.
        frozen: where to read; it must not change meanwhile.
        target: the database whose options the staged files get; ``None``: write nothing, only find out.
        folder: where the staged files go.
        tracker: is told of every chunk of records.

    Returns:
        What became of them. Records that are rejected are in it; none of the files is complete then.
    """
    result = Carried(route)
    transform, digest = Transform(route), Digest()
    records = frozen.scan(KeyRange.of_prefix(route.key_prefix))
    staging = _Staging(target, folder, result)
    with _without_collector():
        while chunk := list(islice(records, RECORDS_A_CHUNK)):
            result.scanned += len(chunk)
            digest.add(chunk)
            _carry_chunk(chunk, transform, staging.put_for(len(chunk)), result)
            tracker.advance(f"migrating {result.collection}", len(chunk))
        staging.close()
    result.changed_by = tuple(transform.changed_by)
    result.before = Contents(route.key_prefix.decode(), result.scanned, digest.hexdigest())
    return result


@contextmanager
def _without_collector() -> Iterator[None]:
    """Python's cycle collector off: documents hold no cycles, and looking for some takes a tenth of the run."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _carry_chunk(chunk: Sequence[Record], transform: Transform, put: Put, result: Carried) -> None:
    """Carry records over; what becomes of them is noted in ``result``."""
    for key, value in chunk:
        try:
            carried = transform(value)
        except RecordRefused as refused:
            result.rejected += 1
            if len(result.rejections) < SHOWN_REJECTIONS:
                result.rejections.append(Rejection(key, refused.step, refused.path, refused.fault))
            transform.explains = len(result.rejections) < SHOWN_REJECTIONS
        else:
            if carried is not None:
                result.migrated += 1
                put(key, carried)


class _Staging:
    """The staged files of a collection: a new one every :data:`RECORDS_A_FILE` records, none after a rejection."""

    def __init__(self, target: Store | None, folder: Path, result: Carried) -> None:
        self._target = target
        self._folder = folder
        self._result = result
        self._file: StagedFile | None = None
        self._room = 0

    def put_for(self, count: int) -> Put:
        """What stages up to so many records; nothing happens to them where nothing is to be written."""
        if self._target is None or self._result.rejected:
            return lambda _key, _value: None
        if self._file is None or self._room < count:
            self.close()
            name = f"{self._result.collection}-{len(self._result.files):06}.sst"
            self._file = self._target.stage(self._folder / name)
            self._room = RECORDS_A_FILE
        self._room -= count
        return self._file.put

    def close(self) -> None:
        """Complete the file at hand."""
        if self._file is not None:
            path = self._file.finish()
            self._file = None
            if path is not None:
                self._result.files.append(path)


def check_rejections(results: Sequence[Carried], database: Path) -> None:
    """See that no record was rejected.

    Raises:
        RecordRejected: some were; it names them, up to a bound.
    """
    count = sum(result.rejected for result in results)
    if count:
        shown = sorted((one for result in results for one in result.rejections), key=lambda one: one.key)
        raise RecordRejected(shown[:SHOWN_REJECTIONS], count, where=str(database))
