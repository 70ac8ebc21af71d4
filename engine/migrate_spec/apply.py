"""One run upwards: freeze → carry → swap in → record."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from migrate_spec.backup import Backup, backups_folder, new_name
from migrate_spec.carried import Carried, held, losses_of, lost, not_kept, noted
from migrate_spec.codec import Json
from migrate_spec.compiler import Route
from migrate_spec.errors import NoSpace
from migrate_spec.executors import Workers
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import HISTORY_KEY, VERSION_KEY, new_entry, read_history, timestamp
from migrate_spec.kept import kept_keys
from migrate_spec.listing import Listing
from migrate_spec.logs import log
from migrate_spec.losses import EVERYTHING, LossCount
from migrate_spec.moving import carry_moving
from migrate_spec.plan import Plan
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.quarantine import has_marks
from migrate_spec.recount import recount
from migrate_spec.rejects import Choice, Rejecting, Repairing
from migrate_spec.reports import ApplyReport
from migrate_spec.retaking import Retaken, retake
from migrate_spec.runner import FEW_RECORDS, Means, carry
from migrate_spec.staging import Staging
from migrate_spec.store import KeyRange, Size, Store, stage_all
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.swap import Swap

__all__ = ["NO_CHOICE", "Run", "carry_all", "log_begun", "report_of", "tracker_of", "with_proof"]

NO_CHOICE = Choice()


class Run:
    """One ``apply``."""

    doing = "apply"
    """What it is called, by the one who runs it."""

    def __init__(  # noqa: PLR0913 - as many as there are ways to run
        self,
        staging: Staging,
        plan: Plan,
        workers: Workers,
        choice: Choice = NO_CHOICE,
        *,
        keeps_backup: bool,
        keeps_complements: bool = True,
    ) -> None:
        """Take the database, the way and who goes it, what to do about records that are rejected, and what to keep."""
        self.staging = staging
        self.store = staging.store
        self.plan = plan
        self.workers = workers
        self.started_at = timestamp()
        self.start = time.monotonic()
        self.keeps_backup = keeps_backup
        self.keeps_complements = keeps_complements
        self.choice = choice
        self.kind = "retry"
        self._used: Sequence[bytes] = ()

    def carry_out(self, on_progress: OnProgress | None) -> ApplyReport:
        """The run.

        Raises:
            RecordRejected: records cannot be carried over.
            DatabaseError: the database cannot be read or written.
        """
        log_begun(self.plan, self.store.path, self.doing)
        _check_space(self.store, self.plan)
        if self.keeps_backup:
            self.staging.check_backups_writable()
        choice, listing = self.choice, Listing(self.choice, self.store.path, self.staging.folder, self.started_at)
        with self.staging.frozen() as frozen:
            tracker = tracker_of(self.plan, frozen, on_progress)
            marked, version = has_marks(frozen), self.plan.from_version
            rejecting = Rejecting(choice.quarantines, listing.folder, self.store.path, version, self.started_at, marked)
            means = Means(frozen, self.staging.folder, tracker, self.workers, rejecting, run=self._keeping)
            results, retaken = self._carry_all(means)
            self._used = [
                key for route in self.plan.routes for key in kept_keys(frozen, route.collection, route.kept_by)
            ]
        listed = self._listed(listing, results)
        self._check(results)
        report = report_of(self.plan, self.store.path, [*results, *retaken.others.values()], self.start)
        if self.plan.is_empty and not retaken.left:
            return report
        backup = self._swap_in(results, retaken, listed)
        listed = listing.bring(listed) if listed else None
        return replace(report, backup=backup, rejected=listed, losses=self._losses([*results, *retaken.noted]))

    def _carry_all(self, means: Means) -> tuple[list[Carried], Retaken]:
        """Carry the records of all collections."""
        return carry_all(self.plan, means)

    def _listed(self, listing: Listing, results: Sequence[Carried]) -> str | None:
        """Complete the list of rejected records; where it will be, if there is one."""
        return listing.complete(results)

    def _check(self, results: Sequence[Carried]) -> None:
        """See that nothing speaks against it to swap the results in."""

    def _losses(self, results: Sequence[Carried]) -> list[LossCount]:
        """What is lost: what cannot be put back, as something else stands there now, and what is taken and not kept."""
        lost = losses_of(results, complements=self.keeps_complements)
        told = [one for one in lost if one.kind == "conflict" or (one.kind, one.path) == ("dropped", EVERYTHING)]
        return [*told, *not_kept(results, complements=self.keeps_complements)]

    @property
    def _keeping(self) -> str | None:
        """The name by which what the run takes from records is kept; ``None``: nothing is kept."""
        return self.started_at if self.keeps_complements else None

    def repair_all(self, repairing: Repairing) -> tuple[Retaken, str | None]:
        """Repair records in quarantine, and carry them over; the plan is one that has nothing to do.

        Returns:
            What became of them, and the name of the backup.

        Raises:
            DatabaseError: the database cannot be read or written.
        """
        if self.keeps_backup:
            self.staging.check_backups_writable()
        self.kind = "repair"
        with self.staging.frozen() as frozen:
            rejecting = Rejecting(version=self.plan.from_version, at=self.started_at, marked=True)
            tracker = tracker_of(self.plan, frozen, None)
            means = Means(
                frozen,
                self.staging.folder,
                tracker,
                self.workers,
                rejecting=rejecting,
                repairing=repairing,
                run=self._keeping,
            )
            retaken = carry_all(self.plan, means)[1]
        return retaken, self._swap_in([], retaken, None) if retaken.left else None

    def _swap_in(self, results: Sequence[Carried], retaken: Retaken, listed: str | None) -> str | None:
        """Swap in what was staged; the name of the backup."""
        backup = self._backup(results, retaken)
        files = {family: list(some) for family, some in retaken.files.items()}
        for result in results:
            files.setdefault(result.route.column_family, []).extend(result.files)
            files.setdefault(DEFAULT_FAMILY, []).extend([*result.marks, *result.kept])
        files.setdefault(DEFAULT_FAMILY, []).append(self._metadata(results, retaken, backup, listed))
        self.staging.swap_in_families(files, self._swap())
        return backup.name if backup else None

    def _backup(self, results: Sequence[Carried], retaken: Retaken) -> Backup | None:
        """The backup that the checkpoint becomes; none where there is nothing to put back."""
        if not self.keeps_backup or not (retaken.left or any(result.scanned for result in results)):
            return None
        name = new_name(self.store)
        backup = Backup(
            name,
            self.started_at,
            self.plan.from_version,
            f"{self.doing} v{self.plan.from_version}→v{self.plan.to_version}"
            if results
            else f"{self.kind} of records in quarantine",
            {result.collection: result.before for result in results},
            backups_folder(self.store.path) / name,
            verified_at=timestamp(),
        )
        with SpeakingOf(self.store.path):
            backup.write(self.staging.backup)
        return backup

    def _swap(self) -> Swap:
        return Swap(self.doing, self.plan.from_version, self.plan.to_version, self.started_at)

    def _metadata(
        self, results: Sequence[Carried], retaken: Retaken, backup: Backup | None, listed: str | None
    ) -> Path:
        """The staged file with the version, the history and the note of the backup."""
        history = read_history(self.store)
        entries = [
            entry | ({"rejected": listed} if listed else {}) for entry in self._entries(results, retaken, backup)
        ]
        changes: dict[bytes, bytes | None] = dict.fromkeys(self._used)
        changes |= {HISTORY_KEY: history.with_entries(entries), VERSION_KEY: str(self.plan.to_version).encode()}
        if backup is not None:
            changes[backup.name.encode()] = backup.stored()
        return stage_all(self.store, self.staging.folder / "metadata.sst", changes)

    def _entries(
        self, results: Sequence[Carried], retaken: Retaken, backup: Backup | None
    ) -> Iterator[dict[str, Json]]:
        losses = self._losses(results)
        for step in self.plan.steps:
            specs, versions = [migration.spec for migration in step], (step[0].from_version, step[0].to_version)
            touched = {
                result.collection: result.counts()
                | held(result, step, self.plan)
                | lost(losses, result, versions, earlier=step == self.plan.steps[0])
                for result in results
                if result.collection in {spec.collection for spec in specs}
            }
            count = _changed_by(results, step[0].from_version)
            yield self._entry("apply", versions, count, touched, backup) | {
                "specs": [{"collection": s.collection, "checksum": s.checksum, "text": s.text} for s in specs]
            }
        others, version = retaken.noted, self.plan.to_version
        if others or (retaken.left and self.plan.is_empty):
            again = self._losses(others)
            touched = {
                one.collection: noted(one) | lost(again, one, (version, version), earlier=True) for one in others
            }
            yield self._entry(self.kind, (version, version), sum(one.migrated for one in others), touched, backup)

    def _entry(
        self, kind: str, versions: tuple[int, int], count: int, touched: dict[str, Json], backup: Backup | None
    ) -> dict[str, Json]:
        """An entry of the history."""
        name, seconds = backup.name if backup else None, round(time.monotonic() - self.start, 3)
        entry = new_entry(kind, versions, self.started_at, records=count, backup=name)
        allowed = {"allow_pickle": True} if self.plan.allows_pickle else {}
        unkept = {} if self.keeps_complements else {"complements": False}
        return entry | {"seconds": seconds, "collections": touched} | allowed | unkept


def log_begun(plan: Plan, database: Path, doing: str = "apply") -> None:
    """Tell the log that a run begins."""
    names = [route.collection for route in plan.routes]
    facts = {"from_version": plan.from_version, "to_version": plan.to_version, "collections": names}
    log(doing, "info", f"{doing}-begun", database=str(database), **facts)


def tracker_of(plan: Plan, frozen: Store, on_progress: OnProgress | None) -> Tracker:
    """What counts the records of a plan."""
    return Tracker(on_progress, sum(_size(route, frozen).records for route in plan.routes))


def _size(route: Route, store: Store) -> Size:
    """How much the records of a route are."""
    return store.family(route.column_family).size(KeyRange.of_prefix(route.key_prefix))


def carry_all(plan: Plan, means: Means) -> tuple[list[Carried], Retaken]:
    """Carry the records of all collections, those that stay where they are first."""
    staying = [route for route in plan.routes if not route.moves_records]
    if means.tracker.total > FEW_RECORDS:  # with fewer the proof takes longer than it saves
        staying = [with_proof(route, plan) for route in staying]
    results = [*carry(staying, means), *(Carried(route) for route in plan.routes if route.moves_records)]
    retaken = Retaken(results)
    for family in plan.families:
        within, inside = plan.within(family), means.within(family)
        if inside is not None:
            moving = [one for one in results[len(staying) :] if one.route.column_family == family]
            carry_moving(within, inside, moving, retaken)
            retake(within, inside, retaken)
    recount(plan, means, results, retaken)
    means.tracker.finish()
    return results, retaken


def with_proof(route: Route, plan: Plan) -> Route:
    """The route with what its records fit now, where it is proved that all that is made of such records fits, too."""
    from migrate_spec.proof import is_proved  # noqa: PLC0415 - slow to import, and needed for large databases only

    steps = [one for one in plan.migrations if one.collection == route.collection]
    known = route.schema is not None and steps[0].spec.encoding == "json" and all(is_proved(one) for one in steps)
    return replace(route, sure=steps[0].schema_before) if known else route


def _changed_by(results: Sequence[Carried], from_version: int) -> int:
    """How many records the step from a version changed, over all collections."""
    return sum(
        count
        for result in results
        for spec, count in zip(result.route.specs, result.changed_by, strict=True)
        if spec.from_version == from_version
    )


def report_of(plan: Plan, database: Path, results: Sequence[Carried], start: float) -> ApplyReport:
    """What is reported of a run that began then; a collection may be in the results twice."""
    collections: dict[str, dict[str, int]] = {}
    for result in results:
        before = collections.get(result.collection, {})
        collections[result.collection] = {name: before.get(name, 0) + n for name, n in result.counts().items()}
    return ApplyReport(
        str(database),
        plan.from_version,
        plan.to_version,
        collections,
        [
            {
                "from_version": step[0].from_version,
                "to_version": step[0].to_version,
                "items_migrated": _changed_by(results, step[0].from_version),
            }
            for step in plan.steps
        ],
        time.monotonic() - start,
    )


def _check_space(store: Store, plan: Plan) -> None:
    """See that the staged files have room: at least about as much as the records take now, and more to sort them.

    Raises:
        NoSpace: they have not.
    """
    needed = sum(_size(route, store).own_bytes * (2 if route.moves_records else 1) for route in plan.routes)
    free = shutil.disk_usage(store.path.parent).free
    if needed > free:
        raise NoSpace(
            f"{free:,} bytes of free space were found",
            f"at least about {needed:,} were expected, for the new records beside the old ones",
            "make room and run again",
            where=str(store.path),
        )
