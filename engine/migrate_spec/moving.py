"""The run of collections whose records do not stay where they are: changes are sorted before they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from migrate_spec.afterwards import Afterwards
from migrate_spec.bystanders import bystanders, entry_of_bystander, makers_of, may_be_part
from migrate_spec.carried import Carried
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.errors import Fault, Rejection
from migrate_spec.flow import Flow
from migrate_spec.flows import Flows
from migrate_spec.kept import keep_sorted, keeping_entry
from migrate_spec.plan import Plan
from migrate_spec.quarantine import Mark, mark_key, read_mark
from migrate_spec.ranges import without_collector
from migrate_spec.rejects import Rejects
from migrate_spec.retaking import Files, Retaken, clear_kept, open_marks, used_by
from migrate_spec.runner import Means
from migrate_spec.settling import Collision, settle
from migrate_spec.sorter import Nowhere, Sorter
from migrate_spec.spec import Spec
from migrate_spec.store import ranges_of

__all__ = ["carry_moving"]

REFUSED, UNCHANGED, CHANGED, DELETED = b"refused", b"unchanged", b"changed", b"deleted"
"""What becomes of a record that is taken up again; nothing is said of one that is gone."""


def carry_moving(plan: Plan, means: Means, results: Sequence[Carried], retaken: Retaken) -> None:
    """Carry all records of the collections whose specs move records: their changes can be of any key, in any order.

    Args:
        plan: the ways of all collections.
        means: what the run has to work with; this process carries all of them.
        results: what becomes of these collections; the staged files are with the last.
        retaken: what becomes of records in quarantine.
    """
    marked = next(_marks(plan, means), None) is not None
    if not results and not marked:
        return
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(dir=means.folder, prefix="sorting-")))
        sorters = [stack.enter_context(Sorter(place)) for _ in range(5)]
        stack.enter_context(without_collector())
        run = _Moving(plan, means, results, *sorters)
        for result in results:
            run.carry(result)
        run.note_bystanders()
        if marked:
            run.try_again()
        run.check_taken()
        run.write(retaken)


def _marks(plan: Plan, means: Means) -> Iterator[tuple[Mark, Route]]:
    """The records in quarantine whose own way moves records."""
    return open_marks(plan, means, moving=True)


class _Moving:
    """One run of collections that move.

    Attributes:
        flows: what carries the records.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - of four sorters
        self,
        plan: Plan,
        means: Means,
        results: Sequence[Carried],
        changes: Sorter,
        taken: Sorter,
        refused: Sorter,
        tried: Sorter,
        kept: Sorter,
    ) -> None:
        self._kept = kept if means.run is not None and means.folder is not None else None
        self.flows = Flows(plan.known, means.frozen, changes, taken, notes_absent=means.in_place, keeping=self._kept)
        self._again = Flows(plan.known, means.frozen, Nowhere(), Nowhere())
        self._plan, self._means, self._results = plan, means, results
        self._changes, self._taken, self._refused, self._tried = changes, taken, refused, tried
        self._collided: dict[bytes, Collision] = {}
        self._makers = makers_of([result.route for result in results])

    def carry(self, result: Carried) -> None:
        """Carry the records of one collection; their changes are noted in the flows."""
        flow = Flow(self.flows, result.collection)
        flow.transform.explains = False
        for chunk in self._means.tried(result):
            for key, value in chunk:
                try:
                    result.migrated += flow.carry(key, value)
                except RecordRefused:
                    result.rejected += 1
                    self._refused.add(key, key, None)
                    self._stays(key)
        result.changed_by = tuple(flow.transform.changed_by)
        result.losses.update(flow.losses)

    def try_again(self) -> None:
        """Carry the records in quarantine; what becomes of each is noted."""
        flows: dict[tuple[str, int], Flows] = {}
        for mark, route in _marks(self._plan, self._means):
            value, outcome = self._means.frozen.get(mark.key), None
            if value is not None:
                step = (mark.collection, mark.version)
                flows[step] = flows.get(step) or self._flows_of(route, self._changes, self._taken)
                outcome = self._try(mark, value, Flow(flows[step], mark.collection))
            self._tried.add(mark.key, mark.key, outcome)

    def _try(self, mark: Mark, value: bytes, flow: Flow) -> bytes:
        """What becomes of one record in quarantine."""
        flow.transform.explains = False
        try:
            repaired = self._means.repaired(mark, value)
            if repaired is None:
                self._changes.add(mark.key, mark.key, None)
                return DELETED
            return CHANGED if flow.carry(mark.key, repaired, value) else UNCHANGED
        except RecordRefused:
            self._stays(mark.key)
            return REFUSED

    def _flows_of(self, route: Route, changes: Sorter, taken: Sorter) -> Flows:
        """Flows in which the records of a collection go another way than most."""
        others = [one for one in self._plan.known if one.collection != route.collection]
        keeping = self._kept if changes is self._changes else None
        return Flows([*others, route], self._means.frozen, changes, taken, keeping=keeping)

    def check_taken(self) -> None:
        """See that every record which was to be taken into another one was taken into one, and only one."""
        gathering = [result for result in self._results if any(spec.taken for spec in result.route.way)]
        concerned = gathering if self._means.rejecting.quarantines else self._results
        if not gathering or any(result.rejected for result in concerned):
            return  # where some are rejected it may be only such a one that takes it in
        for key, found in _wrongly_taken(gathering, self._taken, self._means):
            fault = Fault(found, "records of exactly one were expected", "", None, "not-gathered")
            gathering[-1].reject(Rejection(key, "gather", "", fault, None, gathering[-1].route.column_family))

    def write(self, retaken: Retaken) -> None:
        """Write what becomes of each key, and what becomes of the records that are rejected or taken up again."""
        quarantines = self._means.rejecting.quarantines
        stops = not quarantines and any(result.rejected for result in self._results)

        def stays(key: bytes) -> bool:
            return quarantines or self._result_of(key) is None

        settled = settle(self._changes, self._means, stays, self._watched, stops=stops)
        self._collided = settled.collided
        for key in self._collided:
            self._stays(key)
            result = self._result_of(key)
            if result is not None:
                result.rejected += 1
                result.migrated -= 1
                self._refused.add(key, key, None)
        self._keep_aside()
        retaken.add(self._plan, settled.files, [] if stops else self._write_kept())
        self._settle_marks(retaken)
        for one in self._results:
            one.after = settled.after.get(one.collection)
        self._tell_rejected()

    def note_bystanders(self) -> None:
        """Keep of the records that stand where steps make some, and are not carried, that they were there before."""
        if self._kept is not None:
            for spec, key in bystanders([result.route for result in self._results], self._means.frozen):
                self._kept.add(*entry_of_bystander(spec, key))

    def _stays(self, key: bytes) -> None:
        """Keep of a record that is set aside that it was there before."""
        if self._kept is not None and self._means.rejecting.quarantines:
            for spec in self._makers:
                if may_be_part(spec, key):
                    self._kept.add(*entry_of_bystander(spec, key))

    def _keep_aside(self) -> None:
        """Keep on what is kept of the records that are set aside, or stay so, for when they are taken up again."""
        if self._kept is None:
            return
        used = used_by(self._plan)
        for key, spec in ((key, spec) for key, way in self._staying() for spec in way):
            stored, step = self.flows.kept(spec, key), (spec.to_version, spec.from_version)
            if stored is not None and (spec.collection, step) in used:
                self._kept.add(*keeping_entry(spec.collection, step, key, b"", stored))

    def _staying(self) -> Iterator[tuple[bytes, Sequence[Spec]]]:
        """The records that are set aside, or stay so, each with the steps before it."""
        for key, _ in self._refused.groups():
            result = self._result_of(key)
            if result is not None:
                yield key, result.route.way
        for (_, route), (key, entries) in zip(_marks(self._plan, self._means), self._tried.groups(), strict=True):
            if entries[0].value == REFUSED or key in self._collided:
                yield key, route.way

    def _write_kept(self) -> list[Path]:
        """Write what is kept for the way back of the records that are not set aside."""
        means = self._means
        if self._kept is None or means.folder is None or means.run is None:
            return []
        entries = (entry for _, group in self._kept.groups() for entry in group)
        values = (entry.value for entry in entries if entry.source not in self._collided and entry.value is not None)
        return keep_sorted(values, means.frozen, means.folder, means.run)

    def _watched(self) -> Afterwards:
        """What knows in the end what stands there afterwards."""
        heads = {result.collection: result.route.specs[-1].head_after for result in self._results}
        return Afterwards(self._means.frozen, heads, self._plan.families[0])

    def _result_of(self, key: bytes) -> Carried | None:
        """What becomes of the collection of a record that was carried in this run; nothing of one taken up again."""
        if self._is_marked(key):
            return None
        return next((one for one in self._results if key.startswith(one.route.key_prefix)), None)

    def _is_marked(self, key: bytes) -> bool:
        """Whether a record was in quarantine before."""
        family = self._plan.families[0]
        return self._means.rejecting.marked and read_mark(self._means.frozen, key, family) is not None

    def _tell_rejected(self) -> None:
        """Say of each rejected record why, in the order of their keys."""
        means = self._means
        rejects = {
            one.collection: Rejects(one.route, means.rejecting, means.frozen, means.folder) for one in self._results
        }
        for key, _ in self._refused.groups():
            result, value = self._result_of(key), means.frozen.get(key)
            if result is not None and value is not None:
                told, flow = rejects[result.collection], Flow(self._again, result.collection)
                flow.transform.explains = told.wants_reasons
                told.add(key, value, self._refusal(flow, key, value))
        for result in self._results:
            told, counted = rejects[result.collection], self._again.transform(result.collection).changed_by
            result.marks += [path for path in (told.finish(),) if path is not None]
            result.listed += [told.listed] if told.listed is not None else []
            result.rejections += told.shown
            result.changed_by = [count - less for count, less in zip(result.changed_by, counted, strict=True)]

    def _refusal(self, flow: Flow, key: bytes, value: bytes, mark: Mark | None = None) -> RecordRefused:
        """Why a record is rejected; with its mark where it was in quarantine before."""
        try:
            repaired = value if mark is None else self._means.repaired(mark, value)
            if repaired is not None:
                flow.carry(key, repaired)
        except RecordRefused as refused:
            return refused
        found, expected = (
            "a record that was refused at first, and not again, was found",
            "hooks that keep to it were expected",
        )
        collision = self._collided.get(key)
        return RecordRefused("records", "", collision.fault() if collision else Fault(found, expected, code="refused"))

    def _settle_marks(self, retaken: Retaken) -> None:
        """Bring the marks of the records up to date that were taken up again, or taken into others."""
        files = Files(self._means)
        again: dict[tuple[str, int], Flows] = {}
        gone: list[tuple[Route, tuple[bytes]]] = []
        for (mark, route), (key, entries) in zip(_marks(self._plan, self._means), self._tried.groups(), strict=True):
            value, outcome = self._means.frozen.get(key), entries[0].value
            gone += [(route, (key,))] if outcome != REFUSED and key not in self._collided else []
            if value is None or outcome is None:
                retaken.drop(mark, files)
                continue
            step, result = (mark.collection, mark.version), retaken.of(mark, route)
            again[step] = again.get(step) or self._flows_of(route, Nowhere(), Nowhere())
            flow = Flow(again[step], mark.collection)
            flow.transform.explains = self._means.folder is not None
            counts = flow.transform.changed_by[:]
            why = self._refusal(flow, key, value, mark)
            if outcome == REFUSED or key in self._collided:
                retaken.hold(mark, why, files, self._means)
                continue
            if outcome == DELETED:
                retaken.delete(result)
            else:
                result.release(flow.transform.changed_by, counts, changed=outcome == CHANGED)
                result.losses.update(flow.losses)
            retaken.drop(mark, files)
        for key, _ in self._taken.groups() if self._means.rejecting.marked else ():
            if self._is_marked(key):
                retaken.drop_key(mark_key(key, self._plan.families[0]), files, "taken")
        retaken.add(self._plan, *files.finish())
        clear_kept(self._plan, self._means, retaken, gone)


def _wrongly_taken(gathering: Sequence[Carried], taken: Sorter, means: Means) -> Iterator[tuple[bytes, str]]:
    """The records that were not taken into exactly one other, each with what was found."""
    for key, entries in taken.groups():
        if len(entries) > 1:
            yield key, f"a record of {len(entries)} was found"
    keys = (key for key, _ in taken.groups())
    one = next(keys, None)
    for prefix in ranges_of(prefix for result in gathering for spec in result.route.way for prefix in spec.taken):
        for key, _ in means.frozen.scan(prefix):
            while one is not None and one < key:
                one = next(keys, None)
            if one != key:
                yield key, "a record was found that belongs to none"
