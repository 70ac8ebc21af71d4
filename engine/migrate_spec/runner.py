"""How a plan is executed: records are read from a frozen copy, carried over, and written to staged files.

The records of a collection are shared out in ranges of keys. As little is known of how they are spread, a range is
carried up to a number of records, which gets smaller towards the end, and what is left of it is shared out again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from migrate_spec.backup import Contents
from migrate_spec.carried import Carried
from migrate_spec.compiler import Route
from migrate_spec.digest import Digest
from migrate_spec.errors import FamilyMissing
from migrate_spec.executors import Workers
from migrate_spec.interrupts import deferred_interrupts
from migrate_spec.progress import Tracker
from migrate_spec.quarantine import Mark, Passing
from migrate_spec.ranges import RECORDS_A_CHUNK, Job, Part, carry_job, carry_range, read_notes
from migrate_spec.rejects import Rejecting, Repairing
from migrate_spec.store import KeyRange, Record, Store
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["FEW_RECORDS", "Means", "carry"]

FEW_RECORDS = 50_000
FEW_BYTES = 16 * 2**20
"""Up to so many, as they are stored, are carried in less time than it takes to start another process."""

LEAST_IN_A_JOB = 10_000
"""Records, where there are several workers: each job makes a file, and takes a hundredth of a second to begin."""

MOST_IN_A_JOB = 1_000_000
"""Records: all of a job go into one file."""

INTERVAL = 0.1
"""Seconds between two looks at how far the workers are."""


@dataclass(frozen=True)
class Means:
    """What a run has to work with.

    Attributes:
        frozen: where to read; it does not change meanwhile.
        folder: where staged files go; ``None``: write nothing, only find out.
        tracker: is told of records that are behind.
        workers: who carries records, where there are many.
        rejecting: what is done about records that cannot be carried over.
        repairing: what is done to records in quarantine before they are tried again.
        parts: the keys that are to be carried of a collection, where those are not all.
        run: the start of the run, by which what it takes from records is kept; ``None``: nothing is kept.
        in_place: whether records are to be changed one after the other, so that no key may be changed for two of them.
    """

    frozen: Store
    folder: Path | None
    tracker: Tracker
    workers: Workers
    rejecting: Rejecting = Rejecting()  # noqa: RUF009 - it cannot be altered
    repairing: Repairing | None = None
    parts: Mapping[str, KeyRange] = field(default_factory=dict)
    run: str | None = None
    in_place: bool = False

    @property
    def digests(self) -> bool:
        """Whether what is read is digested, for the history of what is written now or will be."""
        return self.folder is not None or self.in_place

    def repaired(self, mark: Mark, value: bytes) -> bytes | None:
        """A record in quarantine as it is to be tried; ``None`` where it is to go.

        Raises:
            RecordRefused: it cannot be repaired.
        """
        return value if self.repairing is None else self.repairing.repair(mark, value)

    def within(self, family: str) -> Means | None:
        """The same in one column family; nothing where the database has no such family, and so no records in it."""
        try:
            return replace(self, frozen=self.frozen.family(family))
        except FamilyMissing:
            return None

    def keys_of(self, route: Route) -> KeyRange:
        """The keys of a collection that are to be carried."""
        return self.parts.get(route.collection) or KeyRange.of_prefix(route.key_prefix)

    def home_of(self, route: Route) -> Store:
        """Where to read the records of a route."""
        return self.frozen.family(route.column_family)

    def tried(self, result: Carried) -> Iterator[Sequence[Record]]:
        """The records of a collection, some at a time; they are counted and digested, and the tracker is told of them.

        Those in quarantine are counted, and passed over.
        """
        keys, digest, family = self.keys_of(result.route), Digest(), result.route.column_family
        passing = Passing(self.frozen, family, keys) if self.rejecting.marked else None
        for chunk in self.frozen.chunks(keys, RECORDS_A_CHUNK):
            if self.digests:
                digest.add(chunk)
            tried = chunk if passing is None else passing.others(chunk)
            result.scanned += len(chunk)
            result.passed += len(chunk) - len(tried)
            yield tried
            self.tracker.advance(f"migrating {result.collection}", len(chunk))
        result.held = result.passed
        digested = digest.hexdigest() if self.digests else ""
        result.before = Contents(result.route.key_prefix.decode(), result.scanned, digested, column_family=family)


def carry(routes: Sequence[Route], means: Means) -> list[Carried]:
    """Carry all records of collections whose records stay where they are.

    Returns:
        What became of each collection. Records that are rejected are in it; not all files are there then.

    Raises:
        DatabaseError: the database cannot be read, or the staged files not be written.
        WorkerDied: a worker ended in the middle of its work.
    """
    shares = _Shares(routes, means)
    if means.workers.count == 1 or shares.are_few:
        for job in iter(lambda: shares.next(1), None):
            shares.take(job, carry_range(job, means.home_of(job.route), _teller(means.tracker, job)))
    else:
        with SpeakingOf(means.frozen.path):
            folder = TemporaryDirectory(dir=means.folder, prefix="notes-", ignore_cleanup_errors=True)
        with (
            deferred_interrupts() as release,
            folder as notes,
            means.workers.start(means.frozen.path) as executor,
        ):
            _Team(shares, executor, means, Path(notes)).work(release)
    return [Carried.of_parts(route, shares.parts[route.collection]) for route in routes]


class _Shares:
    """What is still to be carried, and what was.

    Attributes:
        left: about how many records are left.
        are_few: whether it is not worth while to have others help.
        parts: what became of the others, for each collection.
    """

    def __init__(self, routes: Sequence[Route], means: Means) -> None:
        ranges = [(route, means.keys_of(route)) for route in routes]
        sizes = [means.home_of(route).size(keys) for route, keys in ranges]
        # A file that holds several collections is in the size of each.
        families = {route.column_family for route in routes}
        wholes = [means.frozen.family(family).size(KeyRange()) for family in families]
        self.left = min(sum(size.records for size in sizes), sum(whole.records for whole in wholes))
        size = min(sum(size.bytes for size in sizes), sum(whole.bytes for whole in wholes))
        self.are_few = self.left <= FEW_RECORDS and size <= FEW_BYTES
        self.parts: dict[str, list[Part]] = {route.collection: [] for route in routes}
        self._waiting = deque(ranges)
        self._means = means

    def next(self, free: int, notes: Path | None = None) -> Job | None:
        """A job for one of so many workers that have nothing to do; ``None`` where nothing waits."""
        if not self._waiting:
            return None
        route, keys = self._waiting.popleft()
        if len(self._waiting) + 1 < free and self.left > LEAST_IN_A_JOB:
            middle = self._means.home_of(route).middle(keys)
            if middle is not None:
                self._waiting.append((route, KeyRange(middle, keys.stop)))
                keys = KeyRange(keys.start, middle)
        means, least = self._means, LEAST_IN_A_JOB if self._means.workers.count > 1 else MOST_IN_A_JOB
        most = min(max(self.left // (2 * means.workers.count), least), MOST_IN_A_JOB)
        return Job(
            route, keys, most, means.frozen.path, means.folder, notes, means.rejecting, means.run, digests=means.digests
        )

    def take(self, job: Job, part: Part) -> None:
        """Note what became of a job."""
        self.left = max(0, self.left - part.scanned)
        self.parts[job.route.collection].append(part)
        if part.rest is not None:
            self._waiting.appendleft((job.route, part.rest))
        if part.rejected and not self._means.rejecting.quarantines:
            # Nothing will be written any more, but the other records are to be heard of, too.
            self._means = replace(self._means, folder=None)


class _Team:
    """Workers on their jobs."""

    def __init__(self, shares: _Shares, executor: Executor, means: Means, notes: Path) -> None:
        self._shares = shares
        self._executor = executor
        self._count = means.workers.count
        self._tracker = means.tracker
        self._notes = notes
        self._jobs: dict[Future[Part], tuple[Job, Teller]] = {}

    def work(self, release: Callable[[], None]) -> None:
        """See that all is carried; ``release`` is called when a Ctrl-C may come."""
        try:
            while self._hand_out():
                release()
                done, _ = wait(self._jobs, INTERVAL, FIRST_COMPLETED)
                for future in done:
                    job, teller = self._jobs.pop(future)
                    part = future.result()
                    teller(part.scanned)
                    self._shares.take(job, part)
                for job, teller in self._jobs.values():
                    teller(read_notes(job.notes) if job.notes else 0)
        finally:
            for job, _ in self._jobs.values():
                with suppress(OSError):
                    (job.notes or self._notes).unlink()

    def _hand_out(self) -> bool:
        """Give every worker a job, as far as there are any; whether somebody works now."""
        while len(self._jobs) < self._count:
            notes = self._notes / uuid4().hex
            job = self._shares.next(self._count - len(self._jobs), notes)
            if job is None:
                break
            with SpeakingOf(job.frozen):
                notes.touch()
            self._jobs[self._executor.submit(carry_job, job)] = job, _total(self._tracker, job)
        return bool(self._jobs)


Teller = Callable[[int], None]


def _teller(tracker: Tracker, job: Job) -> Teller:
    """What tells a tracker of further records of a job."""
    return lambda count: tracker.advance(f"migrating {job.route.collection}", count)


def _total(tracker: Tracker, job: Job) -> Teller:
    """What tells a tracker of all records of a job that are behind so far."""
    tell, told = _teller(tracker, job), 0

    def teller(total: int) -> None:
        nonlocal told
        if total > told:
            tell(total - told)
            told = total

    return teller
