"""Records in quarantine are taken up again by each later run: those that can be carried over now lose their marks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from migrate_spec.backup import Contents
from migrate_spec.carried import Carried
from migrate_spec.carriers import carrier
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.crossing import Step
from migrate_spec.errors import Rejection
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.kept import AGAIN, Keeper, StagedKeeper, without
from migrate_spec.plan import Plan
from migrate_spec.quarantine import Mark, mark_key, read_marks
from migrate_spec.rejects import SHOWN_REJECTIONS, Rejects
from migrate_spec.runner import Means
from migrate_spec.store import KeyRange, StagedFile, stage, stage_all

__all__ = ["Again", "Files", "Retaken", "clear_kept", "open_marks", "retake", "route_of", "used_by"]


def route_of(mark: Mark, known: Iterable[Route]) -> Route | None:
    """The way that a record in quarantine has before it; ``None`` where its collection has no specs any more."""
    route = next((route for route in known if route.collection == mark.collection), None)
    if route is None:
        return None
    unstamped = 1 if route.stamp.path is not None else mark.version
    return replace(route, start=mark.version, unstamped=unstamped)


class Files:
    """The staged files of records and marks, by their kinds; nothing is staged in a run that only finds out."""

    def __init__(self, means: Means) -> None:
        """Take where to stage them."""
        self._means = means
        self._files: dict[str, StagedFile] = {}

    def file(self, kind: str) -> StagedFile | None:
        """The file of a kind: ``records``, or one for marks."""
        if self._means.folder is not None and kind not in self._files:
            frozen = self._means.frozen
            home = frozen if kind == "records" else frozen.family(DEFAULT_FAMILY)
            self._files[kind] = home.stage(self._means.folder / f"{uuid4().hex}.sst")
        return self._files.get(kind)

    def finish(self) -> tuple[list[Path], list[Path]]:
        """Complete the files: those with records, and those with marks."""
        records, marks = list[Path](), list[Path]()
        for kind, file in self._files.items():
            path = file.finish()
            (records if kind == "records" else marks).extend([path] if path is not None else [])
        return records, marks


class Retaken:
    """What becomes of records that are taken up again.

    Attributes:
        others: what became of collections that the run does not touch otherwise.
        files: the staged files, by column family.
        left: how many marks go.
        deleted: how many records go with them.
        refused: the first that cannot be repaired, or be carried over after that.
        refused_count: how many of these there are.
    """

    def __init__(self, results: Sequence[Carried]) -> None:
        """Take what became of the collections that the run touches."""
        self.files: dict[str, list[Path]] = {}
        self.left = 0
        self.deleted = 0
        self.refused: list[Rejection] = []
        self.refused_count = 0
        self.others: dict[str, Carried] = {}
        self._reached: dict[str, Carried] = {}
        self._own: Mapping[str, Carried] = {result.collection: result for result in results}

    def of(self, mark: Mark, route: Route) -> Carried:
        """Where a record counts, which is in quarantine so far."""
        own = self._own.get(mark.collection)
        if own is not None and mark.key.startswith(own.route.key_prefix):
            return own
        found = self.others.get(mark.collection)
        if found is None:
            found = self.others[mark.collection] = _other(route)
        found.scanned += 1
        found.passed += 1
        found.held += 1
        return found

    @property
    def noted(self) -> list[Carried]:
        """The collections that the history says were changed, besides those that the run touches otherwise."""
        freed = {name: one for name, one in self.others.items() if one.freed}
        return list((freed | self._reached).values())

    def note(self, route: Route) -> None:
        """Have the history say of a collection that it was changed, as records of others may have come to it."""
        self._reached[route.collection] = self.others.get(route.collection) or _other(route)

    def add(self, plan: Plan, records: Sequence[Path], marks: Sequence[Path]) -> None:
        """Take in staged files: with records of the column family that a plan is about, and with marks."""
        for family, files in ((plan.families[0], records), (DEFAULT_FAMILY, marks)):
            if files:
                self.files.setdefault(family, []).extend(files)

    def hold(self, mark: Mark, refused: RecordRefused, files: Files, means: Means) -> None:
        """Leave a record in quarantine; its mark says why that is now, as far as it is the record that was tried."""
        found = Rejection(mark.key, refused.step, refused.path, refused.fault, refused.cause, mark.column_family)
        if means.repairing is not None:
            self.refused_count += 1
            self.refused += [found] if len(self.refused) < SHOWN_REJECTIONS else []
            return
        now, marks = Mark.of(found, mark.collection, mark.version, means.rejecting.at), files.file("marks")
        if marks is not None and not now.says_the_same(mark):
            marks.put(mark_key(mark.key, mark.column_family), now.stored())

    def delete(self, result: Carried) -> None:
        """Note that a record goes."""
        result.scanned -= 1
        result.passed -= 1
        result.held -= 1
        result.deleted += 1
        self.deleted += 1

    def come_home(self, mark: Mark, route: Route, files: Files, means: Means) -> None:
        """Note that a record is of the version that the database will have; it stays as it is, and its mark goes."""
        if means.frozen.get(mark.key) is not None:
            result = self.of(mark, route)
            result.release(result.changed_by, result.changed_by, changed=False)
        self.drop(mark, files)

    def drop(self, mark: Mark, files: Files) -> None:
        """Take the mark of a record away."""
        self.drop_key(mark_key(mark.key, mark.column_family), files, "marks")

    def drop_key(self, key: bytes, files: Files, kind: str) -> None:
        """Take the mark under a key away; files of a kind are written in the order of the keys."""
        self.left += 1
        marks = files.file(kind)
        if marks is not None:
            marks.delete(key)


def _other(route: Route) -> Carried:
    """What became of a collection that the run does not touch otherwise, so far: nothing."""
    before = Contents(route.specs[-1].head_after, 0, "", column_family=route.column_family)
    return Carried(route, changed_by=(0,) * len(route.specs), before=before)


def open_marks(plan: Plan, means: Means, *, moving: bool) -> Iterator[tuple[Mark, Route]]:
    """The records in quarantine that are to be tried, each with its way.

    Those of collections without specs are left alone, and those that the run takes into other records.

    Args:
        plan: the ways of all collections.
        means: what the run has to work with.
        moving: whether those are meant whose way moves records, or those whose way does not.

    Raises:
        MetadataInvalid: a mark cannot be read.
    """
    if not means.rejecting.marked:
        return
    taken = tuple(prefix.encode() for route in plan.known for spec in route.way for prefix in spec.taken)
    for mark in read_marks(means.frozen, plan.families[0]):
        route = route_of(mark, plan.known)
        if means.repairing is not None and not means.repairing.chosen(mark):
            continue
        if route is not None and route.moves_records == moving and not mark.key.startswith(taken):
            yield mark, route


def retake(plan: Plan, means: Means, retaken: Retaken) -> None:
    """Try records in quarantine again, of collections whose records stay where they are.

    Args:
        plan: the ways of all collections.
        means: what the run has to work with.
        retaken: what becomes of them.

    Raises:
        DatabaseError: the database cannot be read, or the staged files not be written.
    """
    again, files = Again(means, retaken), Files(means)
    for mark, route in open_marks(plan, means, moving=False):
        again.try_one(mark, route, files)
    retaken.add(plan, *files.finish())
    again.finish(plan)


class Again:
    """Tries records in quarantine again, which come in the order of their keys."""

    def __init__(self, means: Means, retaken: Retaken) -> None:
        """Take what the run has to work with, and what becomes of the records."""
        self._means = means
        self._retaken = retaken
        self._tries: dict[tuple[str, int], _Trying] = {}

    def try_one(self, mark: Mark, route: Route, files: Files) -> None:
        """Try one of them on its way; where it can be carried it loses its mark."""
        means, retaken, value = self._means, self._retaken, self._means.frozen.get(mark.key)
        if value is not None:
            step = (mark.collection, mark.version)
            trying = self._tries[step] = self._tries.get(step) or _Trying(route, means)
            result = retaken.of(mark, route)
            try:
                carried = trying.carried(mark, value, result)
            except RecordRefused as refused:
                retaken.hold(mark, refused, files, means)
                return
            if carried is None:
                retaken.delete(result)
            records = files.file("records") if carried != value else None
            if records is not None:
                stage(records, mark.key, carried)
        retaken.drop(mark, files)

    def finish(self, plan: Plan) -> None:
        """Complete the files with what is kept of the records, and take away what was kept and served them."""
        for trying in self._tries.values():
            self._retaken.add(plan, [], trying.finish())
        clear_kept(plan, self._means, self._retaken, [(one.route, one.gone) for one in self._tries.values()])


def used_by(plan: Plan) -> set[tuple[str, Step]]:
    """The collections and steps of which the run clears all that was kept."""
    return {(route.collection, step) for route in plan.routes for step in route.kept_by}


def clear_kept(plan: Plan, means: Means, retaken: Retaken, gone: Iterable[tuple[Route, Collection[bytes]]]) -> None:
    """Take away what was kept of records and has served them, but for that which the run clears.

    Args:
        plan: the ways of all collections.
        means: what the run has to work with.
        retaken: what becomes of records in quarantine.
        gone: the ways of these, and the keys of those that are in quarantine no more.
    """
    used, steps, keys = used_by(plan), dict[str, set[Step]](), dict[str, set[bytes]]()
    for route, some in gone:
        steps.setdefault(route.collection, set()).update(route.kept_by)
        keys.setdefault(route.collection, set()).update(some)
    changes: dict[bytes, bytes | None] = {}
    for name, some_steps in steps.items():
        rest = [step for step in some_steps if (name, step) not in used]
        changes |= without(means.frozen, name, rest, keys[name]) if keys[name] else {}
    if changes and means.folder is not None:
        home, place = means.frozen.family(DEFAULT_FAMILY), means.folder / f"{uuid4().hex}.sst"
        retaken.add(plan, [], [stage_all(home, place, changes)])


class _Trying:
    """Carries records of one collection that were set aside at the same version, and keeps what that takes of them.

    Attributes:
        route: their way.
        gone: the keys of those that are in quarantine no more.
    """

    def __init__(self, route: Route, means: Means) -> None:
        self.route = route
        self.gone: list[bytes] = []
        self._means = means
        self._refusals = _Refusals(route, means.rejecting, means.frozen, None)
        self._refusals.explains = means.folder is not None
        keeper: Keeper | None = None
        if means.folder is not None and means.run is not None:
            keeper = StagedKeeper(means.frozen, means.folder, route.collection, f"{means.run}{AGAIN}{route.start}")
        self._result: Carried | None = None
        self._carrier = carrier(route, KeyRange(), means.frozen, self._refusals, keeper)

    def carried(self, mark: Mark, value: bytes, result: Carried) -> bytes | None:
        """What becomes of a record, which is noted in the result; ``None``: it goes.

        Raises:
            RecordRefused: it cannot be repaired, or carried over.
        """
        repaired = self._means.repaired(mark, value)
        if repaired is None:
            self.gone.append(mark.key)
            return None
        self._result, before, self._refusals.last = result, self._counts(result), None
        [(_, carried)] = self._carrier.carry([(mark.key, repaired)]) or [(mark.key, repaired)]
        if self._refusals.last is not None:
            raise self._refusals.last
        result.release(self._counts(result), before, changed=carried != value)
        self.gone.append(mark.key)
        return carried

    def _counts(self, result: Carried) -> Sequence[int]:
        """How many records each step of the collection changed; these may have but the first ones before them."""
        counts = list(self._carrier.changed_by)
        return counts + [0] * (len(result.changed_by) - len(counts))

    def finish(self) -> list[Path]:
        """Complete the files with what is kept, and note what was lost."""
        if self._result is not None:
            self._result.losses.update(self._carrier.losses)
        return self._carrier.finish()


class _Refusals(Rejects):
    """Has the last refusal instead of a list of all.

    Attributes:
        last: the last refusal.
        explains: whether it is to say why a record does not fit, which takes a thousand times as long.
    """

    last: RecordRefused | None = None
    explains = True

    @property
    def wants_reasons(self) -> bool:
        return self.explains

    def add(self, key: bytes, value: bytes, refused: RecordRefused) -> None:
        del key, value
        self.last = refused
