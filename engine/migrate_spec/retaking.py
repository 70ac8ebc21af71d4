"""Records in quarantine are taken up again by each later run: those that can be carried over now lose their marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from migrate_spec.backup import Contents
from migrate_spec.carried import Carried
from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.errors import Rejection
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.plan import Plan
from migrate_spec.quarantine import Mark, mark_key, read_marks
from migrate_spec.rejects import SHOWN_REJECTIONS
from migrate_spec.runner import Means
from migrate_spec.store import StagedFile, stage

__all__ = ["Files", "Retaken", "open_marks", "retake", "route_of"]


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
    files = Files(means)
    transforms: dict[tuple[str, int], Transform] = {}
    for mark, route in open_marks(plan, means, moving=False):
        step = (mark.collection, mark.version)
        transforms[step] = transforms.get(step) or Transform(route)
        transforms[step].explains = means.folder is not None
        _retake(mark, transforms[step], retaken, means, files)
    retaken.add(plan, *files.finish())


def _retake(mark: Mark, transform: Transform, retaken: Retaken, means: Means, files: Files) -> None:
    """Try one record again."""
    value = means.frozen.get(mark.key)
    if value is not None:
        result, counts = retaken.of(mark, transform.route), transform.changed_by[:]
        try:
            repaired = means.repaired(mark, value)
            carried = (transform(repaired) or repaired) if repaired is not None else None
        except RecordRefused as refused:
            transform.changed_by[:] = counts
            retaken.hold(mark, refused, files, means)
            return
        if carried is None:
            retaken.delete(result)
        else:
            result.release(transform.changed_by, counts, changed=carried != value)
        records = files.file("records") if carried != value else None
        if records is not None:
            stage(records, mark.key, carried)
    retaken.drop(mark, files)
