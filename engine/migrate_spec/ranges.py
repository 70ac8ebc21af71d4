"""A range of a collection's records, carried over by whoever has the time: this process, another, another machine."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from migrate_spec.carriers import carrier
from migrate_spec.compiler import Route
from migrate_spec.digest import Digest
from migrate_spec.errors import Rejection
from migrate_spec.journey import RecordLoss
from migrate_spec.kept import StagedKeeper
from migrate_spec.quarantine import Passing
from migrate_spec.rejects import Rejecting, Rejects
from migrate_spec.store import KeyRange, Record, StagedFile, Store
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = [
    "Job",
    "Part",
    "carry_job",
    "carry_range",
    "read_notes",
    "without_collector",
]

RECORDS_A_CHUNK = 250
BYTES_A_FILE = 2**30

Tell = Callable[[int], None]
"""Is told of records that are behind."""


@dataclass(frozen=True)
class Job:
    """Records to carry over. It can be sent to another process.

    Attributes:
        route: their way.
        keys: where they are.
        most: after about how many records to stop.
        frozen: the database to read, which does not change meanwhile.
        folder: where staged files go; ``None``: write nothing, only find out.
        notes: a file that is there, for the number of records that are behind; who removes it stops the job. Temporary
            files of the job lie beside it. ``None``: nobody asks.
        rejecting: what is done about records that cannot be carried over.
        run: the start of the run, by which what it takes from records is kept; ``None``: nothing is kept.
        digests: whether the records are digested where nothing is written, too.
    """

    route: Route
    keys: KeyRange
    most: int
    frozen: Path
    folder: Path | None = None
    notes: Path | None = None
    rejecting: Rejecting = Rejecting()  # noqa: RUF009 - it cannot be altered
    run: str | None = None
    digests: bool = False


@dataclass
class Part:
    """What became of the records of a job.

    Attributes:
        start: where they begin.
        rest: the keys that the job did not get to.
        scanned: how many there are.
        passed: how many of these are in quarantine already, and were not tried.
        migrated: how many were written anew.
        changed_by: for each step of the route, how many it changed.
        digest: of the records as they were; empty where nobody asked for it.
        digest_after: of the records as they are afterwards, in the same way.
        files: the staged files.
        marks: the staged files with the marks of those that are set aside.
        rejections: the first rejected records.
        rejected: how many in all.
        listed: the file that lists all of them, where that was asked for.
        kept: the staged files with what is kept of records for the way back.
        losses: how many records lose what.
    """

    start: bytes
    rest: KeyRange | None = None
    scanned: int = 0
    passed: int = 0
    migrated: int = 0
    changed_by: Sequence[int] = ()
    digest: str = ""
    digest_after: str = ""
    files: list[Path] = field(default_factory=list)
    marks: list[Path] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rejected: int = 0
    listed: Path | None = None
    kept: list[Path] = field(default_factory=list)
    losses: Counter[RecordLoss] = field(default_factory=Counter)


class Stopped(Exception):  # noqa: N818 - nothing is wrong, and nobody waits for it any more
    """The job is not wanted any more."""


def carry_range(job: Job, frozen: Store, tell: Tell) -> Part:
    """Carry over the records of a job.

    Args:
        job: which records.
        frozen: the open database that the job names, or the column family of it that the route is of.
        tell: is told of every chunk of records.

    Returns:
        What became of them. Records that are rejected are in it; there is no complete file then.

    Raises:
        DatabaseError: the database cannot be read, or the staged file not be written.
    """
    part, rejects = Part(job.keys.start), Rejects(job.route, job.rejecting, frozen, job.folder)
    keeper: StagedKeeper | None = None
    if job.folder is not None and job.run is not None:
        keeper = StagedKeeper(frozen, job.folder, job.route.collection, job.run)
    carrying = carrier(job.route, job.keys, frozen, rejects, keeper)
    passing = Passing(frozen, job.route.column_family, job.keys) if job.rejecting.marked else None
    before, after, digests = Digest(), Digest(), job.digests or job.folder is not None
    staged: StagedFile | None = None
    with without_collector():
        for chunk in frozen.chunks(job.keys, RECORDS_A_CHUNK):
            tried = chunk if passing is None else passing.others(chunk)
            carried = carrying.carry(tried)
            part.scanned += len(chunk)
            part.passed += len(chunk) - len(tried)
            part.migrated += len(carried)
            if digests and not rejects.stops:
                before.add(chunk)
                after.add(_merged(chunk, carried))
                if carried and job.folder is not None:
                    staged = staged or frozen.stage(job.folder / f"{uuid4().hex}.sst")
                    staged.put_all(carried)
            tell(len(chunk))
            if part.scanned >= job.most or (staged is not None and staged.size() >= BYTES_A_FILE):
                part.rest = KeyRange(chunk[-1][0] + b"\0", job.keys.stop)
                break
    finished = staged.finish() if staged is not None else None
    part.files = [finished] if finished is not None else []
    part.marks = [path for path in (rejects.finish(),) if path is not None]
    part.kept, part.changed_by, part.losses = carrying.finish(), tuple(carrying.changed_by), carrying.losses
    part.rejections, part.rejected, part.listed = rejects.shown, rejects.count, rejects.listed
    if digests:
        part.digest, part.digest_after = before.hexdigest(), after.hexdigest()
    return part


def _merged(chunk: list[Record], changed: list[Record]) -> list[Record]:
    """The records of a chunk as they are after some of them were changed."""
    if len(changed) in {0, len(chunk)}:
        return changed or chunk
    values = dict(changed)
    return [(key, values.get(key, value)) for key, value in chunk]


def carry_job(job: Job) -> Part:
    """:func:`carry_range` in a process that has nothing open yet.

    Raises:
        Stopped: the job is not wanted any more.
        DatabaseError: as :func:`carry_range`.
    """
    notes = job.notes if job.notes is not None and job.notes.parent.is_dir() else None
    # This process may be killed at any moment: its temporary files go with the notes.
    place = notes.parent if notes is not None else None
    writes = job.folder is not None  # and so the database is a checkpoint
    with SpeakingOf(job.frozen), open_for_reading(job.frozen, place, frozen=writes) as frozen, _notes(notes) as tell:
        return carry_range(job, frozen.family(job.route.column_family), tell)


def read_notes(notes: Path) -> int:
    """How many records of a job are behind."""
    try:
        return int.from_bytes(notes.read_bytes(), "big")
    except OSError:  # not begun, or on another machine that has not shown it yet
        return 0


@contextmanager
def _notes(file: Path | None) -> Iterator[Tell]:
    """What writes the number of records that are behind into a file, for as long as that is there."""
    if file is None:
        yield lambda _count: None
        return
    try:
        done, descriptor = 0, os.open(file, os.O_WRONLY)
    except FileNotFoundError:
        raise Stopped from None

    def tell(count: int) -> None:
        nonlocal done
        done += count
        os.pwrite(descriptor, done.to_bytes(8, "big"), 0)
        if not file.exists():
            raise Stopped

    try:
        yield tell
    finally:
        os.close(descriptor)


@contextmanager
def without_collector() -> Iterator[None]:
    """Python's cycle collector off: documents hold no cycles, and looking for some takes a tenth of the run."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
