"""What became of a collection in a run, gathered from its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migrate_spec.backup import Contents
from migrate_spec.codec import Json
from migrate_spec.compiler import Route
from migrate_spec.digest import joined
from migrate_spec.errors import RecordRejected, Rejection, TooManyRejected
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.forgetting import forgotten, lossy
from migrate_spec.journey import RecordLoss
from migrate_spec.losses import LossCount
from migrate_spec.migration import Migration
from migrate_spec.plan import Plan
from migrate_spec.ranges import Part
from migrate_spec.rejects import SHOWN_REJECTIONS
from migrate_spec.spec import overlap

__all__ = ["Carried", "check_rejections", "held", "losses_of", "lost", "not_kept", "noted"]


@dataclass
class Carried:
    """What became of one collection.

    Attributes:
        route: the way its records went.
        scanned: how many there are.
        migrated: how many were written anew.
        changed_by: for each step of the route, how many it changed.
        before: what the frozen copy held.
        after: what the database holds afterwards; ``None`` where nothing was to be written, or that is not known.
        files: the staged files.
        marks: the staged files with the marks of those that are set aside.
        rejections: the first rejected records.
        rejected: how many in all.
        listed: the files that list all of them, where that was asked for.
        passed: how many were in quarantine before.
        held: how many of these stay there.
        deleted: how many of these were deleted, and are counted nowhere else.
        kept: the staged files with what is kept of records for the way back.
        losses: how many records lose what.
    """

    route: Route
    scanned: int = 0
    migrated: int = 0
    changed_by: Sequence[int] = ()
    before: Contents = Contents("", 0, "")  # noqa: RUF009 - it cannot be altered
    after: Contents | None = None
    files: list[Path] = field(default_factory=list)
    marks: list[Path] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rejected: int = 0
    listed: list[Path] = field(default_factory=list)
    passed: int = 0
    held: int = 0
    deleted: int = 0
    kept: list[Path] = field(default_factory=list)
    losses: Counter[RecordLoss] = field(default_factory=Counter)

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self.route.collection

    def reject(self, rejection: Rejection) -> None:
        """Note a record that is rejected."""
        self.rejected += 1
        if len(self.rejections) < SHOWN_REJECTIONS:
            self.rejections.append(rejection)

    def release(self, changed_by: Sequence[int], before: Sequence[int], *, changed: bool) -> None:
        """Note a record that leaves the quarantine.

        Args:
            changed_by: for each step of the route, how many records it changed with this one.
            before: and how many without it.
            changed: whether the record was written anew.
        """
        self.held -= 1
        self.migrated += changed
        self.after = None if changed else self.after  # it was digested with the record as it was
        self.changed_by = [
            count + now - then for count, now, then in zip(self.changed_by, changed_by, before, strict=True)
        ]

    @property
    def freed(self) -> int:
        """How many records left the quarantine."""
        return self.passed - self.held + self.deleted

    @property
    def unchanged(self) -> int:
        """How many records stay as they are."""
        return self.scanned - self.migrated - self.quarantined

    @property
    def quarantined(self) -> int:
        """How many records are in quarantine afterwards."""
        return self.rejected + self.held

    def counts(self) -> dict[str, int]:
        """How many records there are, and what became of them."""
        return {
            "scanned": self.scanned,
            "migrated": self.migrated,
            "unchanged": self.unchanged,
            "quarantined": self.quarantined,
        }

    @classmethod
    def of_parts(cls, route: Route, parts: Sequence[Part]) -> Carried:
        """What became of a collection whose records were carried in parts."""
        # A part without records may begin where the next one does, and no record tells a digest where it ends.
        parts = sorted((part for part in parts if part.scanned), key=lambda part: part.start) or parts[:1]
        changed_by = [sum(counts) for counts in zip(*(part.changed_by for part in parts), strict=True)]
        found = cls(route, sum(part.scanned for part in parts), sum(part.migrated for part in parts), changed_by)
        found.before = _contents(route, parts, [part.digest for part in parts])
        digests_after = [part.digest_after for part in parts]
        found.after = _contents(route, parts, digests_after) if all(digests_after) else None
        found.files = [file for part in parts for file in part.files]
        found.marks = [file for part in parts for file in part.marks]
        found.held = found.passed = sum(part.passed for part in parts)
        found.kept = [file for part in parts for file in part.kept]
        found.losses = sum((part.losses for part in parts), Counter[RecordLoss]())
        found.rejected = sum(part.rejected for part in parts)
        found.listed = [part.listed for part in parts if part.listed is not None]
        found.rejections = [one for part in parts for one in part.rejections][:SHOWN_REJECTIONS]
        return found


def _contents(route: Route, parts: Sequence[Part], digests: Sequence[str]) -> Contents:
    """What the parts of a collection hold together; their keys stay as they are."""
    digest, starts = joined(digests) if all(digests) else "", [part.start.hex() for part in parts[1:]]
    count = sum(part.scanned for part in parts)
    return Contents(route.key_prefix.decode(), count, digest, starts if digest else [], route.column_family)


def check_rejections(results: Sequence[Carried], database: Path, *, quarantines: bool = False) -> None:
    """See that no record was rejected, or, where those are set aside, not too many.

    Raises:
        RecordRejected: some were; it names them, up to a bound.
        TooManyRejected: more of a collection were than a spec accepts.
    """
    count = sum(result.rejected for result in results)
    if not count:
        return
    if not quarantines:
        shown = sorted((one for result in results for one in result.rejections), key=lambda one: one.key)
        raise RecordRejected(shown[:SHOWN_REJECTIONS], count, where=str(database))
    for result in results:
        _check_accepted(result, database)


def _check_accepted(result: Carried, database: Path) -> None:
    """See that no more records of a collection were rejected than each spec on its way accepts.

    Raises:
        TooManyRejected: more were.
    """
    tried = result.scanned - result.passed
    for spec in result.route.way:
        if spec.taken:
            expected, admits = f"none were expected, as {spec.name} gathers records, all or none", False
        elif spec.accept is None:
            expected = "not all of them were expected, as no spec accepts that (`accept: {quarantined: 100%}`)"
            admits = result.rejected < tried
        else:
            expected = f"at most {spec.accept} were expected, as {spec.place('accept')} says"
            admits = spec.accept.admits(result.rejected, tried)
        if result.rejected and not admits:
            found = f"{result.rejected:,} of {tried:,} records of {result.collection} cannot be migrated"
            raise TooManyRejected(found, expected, result.rejections, result.rejected, where=str(database))


def held(result: Carried, step: Sequence[Migration], plan: Plan) -> dict[str, Json]:
    """What the history notes of a collection with a step: its prefix, and what it held.

    Args:
        result: what became of the collection in the run.
        step: the migrations of the step.
        plan: of the run. What was there before is noted with the first of its steps, what is there after with the last.
    """
    own = [migration for migration in plan.migrations if migration.collection == result.collection]
    found = _place(result)
    if own[0] in step:
        found["before"] = result.before.to_json()
    if own[-1] in step and result.after is not None and not _may_get_more(result, plan):
        found["after"] = result.after.to_json()
    return found


def noted(result: Carried) -> dict[str, Json]:
    """What the history notes of a collection that the run only took up records in quarantine of."""
    contents = {"before": result.before.to_json(), "after": result.after.to_json()} if result.after else {}
    return result.counts() | _place(result) | contents


def lost(losses: Sequence[LossCount], result: Carried, version: int) -> dict[str, Json]:
    """What the history notes of the losses of a collection in the step to a version."""
    told = [
        {"path": loss.path, "kind": loss.kind, "records": loss.records}
        for loss in losses
        if (loss.collection, loss.to_version) == (result.collection, version)
    ]
    return {"losses": told} if told else {}


def losses_of(results: Sequence[Carried], *, complements: bool = True) -> list[LossCount]:
    """What the records of a run lose, in the order of the steps.

    Args:
        results: what became of the collections.
        complements: whether what they lose is kept.
    """
    found: Counter[tuple[str, int, int, str, str]] = Counter()
    for result in results:
        for loss, count in result.losses.items():
            if loss.kind != "inexact":
                is_gone = loss.kind == "unkept" or (loss.kind == "kept" and not complements)
                kind = "dropped" if is_gone else loss.kind
                found[result.collection, *loss.step, loss.path, kind] += count
    counts = [LossCount(*facts, count) for facts, count in found.items()]
    return sorted(counts, key=lambda one: (-one.from_version, one))


def not_kept(results: Sequence[Carried], *, complements: bool) -> list[LossCount]:
    """What the steps upwards take and is not kept, of at most so many records.

    Args:
        results: what became of the collections.
        complements: whether what steps take is kept, but for those that forget.
    """
    found: dict[LossCount, None] = {}
    for result in results:
        for spec, count in zip(result.route.specs, result.changed_by, strict=True):
            step, forgets = (result.collection, spec.from_version, spec.to_version), lossy(forgotten(spec.steps))
            taken = () if complements else (*lossy(spec.steps), *spec.lists_of_records)
            told = [(path, "forgotten") for path in forgets]
            told += [(path, "dropped") for path in taken if path not in forgets]
            found |= dict.fromkeys(LossCount(*step, str(path), kind, count) for path, kind in told if count)
    return sorted(found)


def _place(result: Carried) -> dict[str, Json]:
    """Where a collection was, as the history notes it."""
    family = result.route.column_family
    return {"prefix": result.before.prefix} | ({"column_family": family} if family != DEFAULT_FAMILY else {})


def _may_get_more(result: Carried, plan: Plan) -> bool:
    """Whether the records of another collection may become some of a collection whose own stay where they are."""
    family = result.route.column_family
    moving = [spec for one in plan.routes if one.moves_records and one.column_family == family for spec in one.specs]
    written = {prefix for spec in moving for prefix in spec.ranges}
    return not result.route.moves_records and any(overlap(result.before.prefix, prefix) for prefix in written)
