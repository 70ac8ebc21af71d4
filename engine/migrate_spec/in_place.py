"""A run in place: records are changed where they are, batch by batch, without room for all of them beside the old ones.

First all records are carried without writing anything, so that what is rejected is known while the database is as it
was. Then come the batches. Each is one atomic step, and has with its records the mark of the run
(:mod:`~migrate_spec.in_progress`), which says how far it is; so a run that was killed goes on where it was, and no
record is carried twice:

- Where nobody has written in between, which the database's sequence number tells, it goes on behind the last key.
- Else all is looked at once more before it goes on. Records that can carry a stamp say themselves whether they are
  behind, so those that an application has written since are carried, too, wherever they are. Of records that cannot,
  those up to the last key are behind.

What the steps take from records is kept in the same batch; what was kept on the way down goes with the last one.

The first batch also writes the version that the run leads to: a program that only knows the old shapes is to refuse a
database with new ones in it. The last one writes the history and removes the mark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from migrate_spec.afterwards import contents_after
from migrate_spec.apply import Run, log_begun, report_of, with_proof
from migrate_spec.backup import Contents
from migrate_spec.bystanders import bystanders, entry_of_bystander
from migrate_spec.carried import Carried
from migrate_spec.carriers import carrier
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.crossing import Step
from migrate_spec.errors import (
    DatabaseChanged,
    DatabaseError,
    Fault,
    MigrateSpecError,
    RecordRejected,
    Rejection,
    SwapInDoubt,
)
from migrate_spec.executors import Workers
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.flow import Flow
from migrate_spec.flows import Flows
from migrate_spec.history import HISTORY_KEY, VERSION_KEY, read_history, timestamp
from migrate_spec.in_place_rules import in_order
from migrate_spec.in_place_scan import try_all
from migrate_spec.in_progress import MARK_KEY, InProgress, SoFar, noted, part_of, read_in_progress
from migrate_spec.interrupts import RunInterrupted
from migrate_spec.journey import RecordLoss
from migrate_spec.kept import Keeper, Put, keep_alone, kept_keys
from migrate_spec.plan import Plan
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.ranges import RECORDS_A_CHUNK, without_collector
from migrate_spec.rejects import Rejecting, Rejects, rejection
from migrate_spec.reports import ApplyReport
from migrate_spec.retaking import Retaken
from migrate_spec.runner import FEW_RECORDS
from migrate_spec.staging import Staging
from migrate_spec.store import Changes, KeyRange, Record, Store

__all__ = ["InPlace"]

BYTES_A_BATCH = 2**20
"""Of keys and values that change, about: as much goes into one batch."""

BYTES_A_STRETCH = 2**26
"""Of keys and values that were written, about: after as much the old ones are cleared away."""

Change = Callable[[Sequence[Record]], tuple[Changes, int]]
"""What becomes of records, and how many of them change. It raises :class:`RecordRejected` where one is refused."""


class InPlace(Run):
    """One run in place, from its beginning or from where another one was when it ended."""

    def __init__(
        self, staging: Staging, plan: Plan, workers: Workers, *, validate: bool, keeps_complements: bool = True
    ) -> None:
        """Take the database, the way, who finds out what is rejected, and whether the plan checks records."""
        super().__init__(staging, plan, workers, keeps_backup=False, keeps_complements=keeps_complements)
        self._routes = in_order(plan)
        self._begun = read_in_progress(self.store)
        self._is_marked = self._begun is not None
        self._quiet = self._begun is not None and self._begun.sequence == self.store.sequence()
        specs = noted([migration.spec for migration in plan.migrations])
        way = (plan.from_version, plan.to_version)
        self._mark = self._begun or InProgress(*way, self.started_at, validate, plan.allows_pickle, specs)
        self.started_at = self._mark.started_at
        families = dict.fromkeys([DEFAULT_FAMILY, *(route.column_family for route in self._routes)])
        self._changes: dict[str, dict[bytes, bytes | None]] = {family: {} for family in families}
        self._size = self._stretch = 0
        self._migrated = {route.collection: 0 for route in self._routes}
        self._base: Mapping[str, SoFar] = {}
        self._changed_by: dict[str, Sequence[int]] = {}
        self._lost: dict[str, Counter[RecordLoss]] = {}
        self._run = timestamp()  # not that of the whole: after a kill, blocks could overlap those from before

    def carry_out(self, on_progress: OnProgress | None) -> ApplyReport:
        """The run.

        Raises:
            PlanError: it cannot be carried out in place.
            RecordRejected: records cannot be carried over.
            DatabaseError: the database cannot be read or written.
            RunInterrupted: of Ctrl-C, once the first batch is written.
        """
        log_begun(self.plan, self.store.path)
        with _telling(self.staging):
            self._prepare(on_progress)
            tracker = Tracker(on_progress, self._mark.total)
            with without_collector():
                self._carry(tracker)
                tracker.finish()
                results = self._finish(Tracker(on_progress, self._mark.total))
        report = report_of(self.plan, self.store.path, results, self.start)
        resumed, losses = self._begun is not None, self._losses(results)
        return replace(report, in_place=True, resumed=resumed, losses=losses)

    def _prepare(self, on_progress: OnProgress | None) -> None:
        """Find out whether all records can be carried, unless that is known."""
        sequence = self.store.sequence()
        if not self._quiet:
            results = try_all(self.store, self.plan, self.workers, on_progress, self._begun)
            if self._begun is None:
                found = {result.collection: _nothing_of(result) for result in results}
                collections = {route.collection: found[route.collection] for route in self._routes}
                total = sum(result.scanned for result in results)
                self._mark = replace(self._mark, collections=collections, total=total)
        self._mark = replace(self._mark, sequence=sequence)
        self._base = self._mark.collections

    def _carry(self, tracker: Tracker) -> None:
        """Carry all records that are not behind; what does not fill a batch any more is left to be written."""
        moves, keeping = _Moves(), _Keeping(self._run, self._keep) if self.keeps_complements else None
        flows = {
            family: Flows(*_within(family, self.plan, self.store), moves, moves, keeping=keeping)
            for family in self._changes
        }
        if keeping is not None and self._mark.position[0] < 0:
            self._note_bystanders(keeping)
        if self._quiet:
            tracker.advance(f"migrating {self._mark.collection}", self._mark.done)
        for place, route in enumerate(self._routes):
            keys: KeyRange | None = part_of(route, place, self._begun, quiet=self._quiet)
            make = self._moving(route, Flow(flows[route.column_family], route.collection), moves)
            if not route.moves_records:
                make = self._staying(with_proof(route, self.plan) if tracker.total > FEW_RECORDS else route)
            while keys is not None:
                keys = self._carry_stretch(place, keys, make, tracker)

    def _note_bystanders(self, keeping: _Keeping) -> None:
        """Keep of the records that stand where steps make some that they were there before any was made."""
        moving = [route for route in self._routes if route.moves_records]
        for family in self._changes:
            inside = [route for route in moving if route.column_family == family]
            for spec, key in bystanders(inside, self.store.family(family)) if inside else ():
                keeping.add(*entry_of_bystander(spec, key))
                if self._size >= BYTES_A_BATCH:
                    self._write()

    def _moving(self, route: Route, flow: Flow, moves: _Moves) -> Callable[[KeyRange], Change]:
        """What carries records that do not stay where they are."""

        def change(chunk: Sequence[Record]) -> tuple[Changes, int]:
            changes, count = dict[bytes, bytes | None](), 0
            for key, value in chunk:
                try:
                    found = moves.of(flow, key, value)
                except RecordRefused as refused:
                    raise self._rejected(rejection(key, refused, route)) from None
                changes.update(found)
                count += bool(found)
            self._changed_by[route.collection] = flow.transform.changed_by
            self._lost[route.collection] = flow.losses
            return changes, count

        return lambda _keys: change

    def _staying(self, route: Route) -> Callable[[KeyRange], Change]:
        """What carries records that stay where they are; what it keeps of them goes into the same batch."""
        name, home = route.collection, self.store.family(route.column_family)

        def of_stretch(keys: KeyRange) -> Change:
            before, rejects = (
                self._changed_by.get(name, [0] * len(route.specs)),
                Rejects(route, Rejecting(), home, None),
            )
            lost = self._lost.get(name, Counter())
            keeper = Keeper(name, self._run, self._keep) if self.keeps_complements else None
            carrying = carrier(route, keys, home, rejects, keeper)

            def change(chunk: Sequence[Record]) -> tuple[Changes, int]:
                changed = carrying.carry(chunk)
                if rejects.count:
                    raise self._rejected(rejects.shown[0])
                both = zip(before, carrying.changed_by, strict=True)
                self._changed_by[name] = [one + other for one, other in both]
                self._lost[name] = lost + carrying.losses
                return dict(changed), len(changed)

            return change

        return of_stretch

    def _keep(self, step: Step, key: bytes, block: bytes) -> None:
        """Take a block of what is kept of records into the batch."""
        del step
        self._changes[DEFAULT_FAMILY][key] = block
        self._size += len(key) + len(block)

    def _rejected(self, found: Rejection) -> RecordRejected:
        """The error of a record that is refused by a hook, or a schema, that is not what it was."""
        return RecordRejected([found], 1, where=str(self.store.path))

    def _carry_stretch(
        self, place: int, keys: KeyRange, make: Callable[[KeyRange], Change], tracker: Tracker
    ) -> KeyRange | None:
        """Carry records of a collection until it is time to clear up; the keys that are left, if there are any."""
        self._stretch = 0
        route, change = self._routes[place], make(keys)
        home = self.store.family(route.column_family)
        for chunk in home.chunks(keys, RECORDS_A_CHUNK):
            self._carry_chunk(place, chunk, change)
            tracker.advance(f"migrating {route.collection}", len(chunk))
            if self._stretch >= BYTES_A_STRETCH:
                rest = KeyRange(chunk[-1][0] + b"\0", keys.stop)
                break
        else:
            return None
        del change
        # Not before here, where no iteration is under way any more: it would keep the old files.
        home.compact(KeyRange(keys.start, rest.start))
        return rest

    def _carry_chunk(self, place: int, chunk: Sequence[Record], change: Change) -> None:
        """Carry some records, and write the batch where that is large enough."""
        route = self._routes[place]
        name = route.collection
        changes, count = change(chunk)
        self._changes[route.column_family].update(changes)
        self._size += sum(len(key) + len(new or b"") for key, new in changes.items())
        self._migrated[name] += count
        last = chunk[-1][0]
        if (place, last) > self._mark.position:
            done = sum((place, key) > self._mark.position for key, _ in chunk)
            self._mark = replace(self._mark, collection=name, last_key=last.hex(), done=self._mark.done + done)
        if self._size >= BYTES_A_BATCH:
            self._write()

    def _write(self) -> None:
        """Write the batch, with the mark."""
        self._refuse_others()
        changes, others = self._gathered()
        if not self._is_marked:
            changes[VERSION_KEY] = _number(self.plan.to_version)
        count = 1 + len(changes) + sum(len(some) for some in others.values())
        self._mark = replace(self._mark, sequence=self._mark.sequence + count, collections=self._so_far())
        self.store.write({**changes, MARK_KEY: self._mark.stored()}, others)
        self._is_marked = True
        self._stretch += self._size
        self._size = 0

    def _finish(self, tracker: Tracker) -> list[Carried]:
        """Write what is left, and the history; what became of each collection."""
        so_far = self._so_far()
        changes, others = self._gathered()
        tell = partial(tracker.advance, "digesting")
        after = contents_after(self.store, self._routes, {DEFAULT_FAMILY: changes, **others}, tell)
        tracker.finish()
        results = [_carried(route, so_far[route.collection], after) for route in self._routes]
        self.keeps_complements = all(one.kept for one in so_far.values())  # in what was done before a stop, too
        entries = [entry | {"in_place": True} for entry in self._entries(results, Retaken(results), None)]
        for route in self._routes:  # not with the records: some that the way down left may come to them again
            changes |= dict.fromkeys(kept_keys(self.store, route.collection, route.kept_by))
        changes[HISTORY_KEY] = read_history(self.store).with_entries(entries)
        changes[VERSION_KEY] = _number(self.plan.to_version)
        if self._is_marked:
            changes[MARK_KEY] = None
        self._refuse_others()
        self.staging.write_last(changes, others)
        return results

    def _gathered(self) -> tuple[dict[bytes, bytes | None], dict[str, Changes]]:
        """What is gathered for a batch, of the default column family and of others; from now on for the next one."""
        found = self._changes
        self._changes = {family: {} for family in found}
        default = found.pop(DEFAULT_FAMILY)
        return default, {family: some for family, some in found.items() if some}

    def _so_far(self) -> dict[str, SoFar]:
        """What has become of each collection, the batch at hand included."""
        found = {}
        for name, before in self._base.items():
            changed_by = self._changed_by.get(name, [0] * len(before.changed_by))
            lost, kept = self._lost.get(name, Counter()), self.keeps_complements
            found[name] = before.plus(self._migrated[name], changed_by, lost, kept=kept)
        return found

    def _refuse_others(self) -> None:
        """See that nobody else has written: what he wrote could be written over with what was read before.

        Raises:
            DatabaseChanged: somebody has.
        """
        if self.store.sequence() != self._mark.sequence:
            raise DatabaseChanged(
                "writes of somebody else during the run were found",
                "none were expected",
                "stop what else writes to this database and run again",
                where=str(self.store.path),
            )


class _Moves:
    """The changes of one record at a time, of those that get other keys, go, come, or take entries along."""

    def __init__(self) -> None:
        self._found: dict[bytes, bytes | None] = {}

    def add(self, key: bytes, source: bytes, value: bytes | None) -> None:
        """Take a change; where a key has a new value and goes, too, it is the old one that goes."""
        del source
        if value is not None or key not in self._found:
            self._found[key] = value

    def of(self, flow: Flow, key: bytes, value: bytes) -> Changes:
        """What becomes of a record that a flow carries; nothing where it stays as it is.

        Raises:
            RecordRefused: it cannot be carried over.
        """
        self._found = {}
        flow.carry(key, value)
        return self._found


class _Keeping:
    """Takes what is kept of records that do not stay where they are, each as a block of its own."""

    def __init__(self, run: str, put: Put) -> None:
        self._run, self._put = run, put

    def add(self, key: bytes, source: bytes, value: bytes | None) -> None:
        """Take what is kept of a record."""
        del key, source
        if value is not None:
            keep_alone(value, self._run, self._put)


def _within(family: str, plan: Plan, store: Store) -> tuple[list[Route], Store]:
    """The ways of a column family, which no record leaves, and where its records are."""
    return [route for route in plan.known if route.column_family == family], store.family(family)


def _nothing_of(result: Carried) -> SoFar:
    """What has become of a collection before the first batch, by what will become of it."""
    return SoFar(result.before.to_json(), result.unchanged, 0, [0] * len(result.route.specs))


def _carried(route: Route, so_far: SoFar, after: Mapping[str, Contents]) -> Carried:
    """What became of a collection at the end."""
    scanned, before = so_far.unchanged + so_far.migrated, Contents(**so_far.before)
    end = after[route.collection]
    return Carried(route, scanned, so_far.migrated, so_far.changed_by, before, end, losses=so_far.lost)


def _number(version: int) -> bytes:
    """A version as the database has it."""
    return str(version).encode()


@contextmanager
def _telling(staging: Staging) -> Iterator[None]:
    """A block whose errors tell that the database is in the middle of the run, where it is."""
    try:
        yield
    except KeyboardInterrupt as error:
        found = read_in_progress(staging.store)
        if found is None:
            raise
        raise RunInterrupted(found.way, found.standing) from error
    except MigrateSpecError as error:
        with suppress(DatabaseError, ValueError):  # it may be closed
            found = read_in_progress(staging.store)
            if found is not None and not isinstance(error, SwapInDoubt):
                _tell(error, found)
        raise


def _tell(error: MigrateSpecError, found: InProgress) -> None:
    """Have an error tell how far a run in place is."""
    standing = f"the run in place {found.way} stays where it was ({found.standing})"
    if isinstance(error, RecordRejected):
        error.fault = replace(error.fault, remedy=f"{standing}; mend these records and run again")
    else:
        error.details = (*error.details, Fault(standing, "", "`migrate-spec apply` goes on with it"))
