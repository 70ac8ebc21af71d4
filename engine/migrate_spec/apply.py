"""One run upwards: freeze → carry → swap in → record."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from migrate_spec.backup import Backup, backups_folder, new_name
from migrate_spec.carried import Carried, check_rejections, held
from migrate_spec.codec import Json
from migrate_spec.compiler import Route
from migrate_spec.errors import NoSpace
from migrate_spec.executors import Workers
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import HISTORY_KEY, TOOL, VERSION_KEY, read_history, timestamp
from migrate_spec.logs import log
from migrate_spec.moving import carry_moving
from migrate_spec.plan import Plan
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.reports import ApplyReport
from migrate_spec.runner import FEW_RECORDS, Means, carry
from migrate_spec.staging import Staging
from migrate_spec.store import KeyRange, Size, Store
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.swap import Swap

__all__ = ["Run", "find_out"]


class Run:
    """One ``apply``."""

    def __init__(self, staging: Staging, plan: Plan, workers: Workers, *, keeps_backup: bool) -> None:
        self.staging = staging
        self.store = staging.store
        self.plan = plan
        self.workers = workers
        self.started_at = timestamp()
        self.start = time.monotonic()
        self.keeps_backup = keeps_backup

    def carry_out(self, on_progress: OnProgress | None) -> ApplyReport:
        """The run.

        Raises:
            RecordRejected: records cannot be carried over.
            DatabaseError: the database cannot be read or written.
        """
        _log_begun(self.plan, self.store.path)
        _check_space(self.store, self.plan)
        if self.keeps_backup:
            self.staging.check_backups_writable()
        with self.staging.frozen() as frozen:
            tracker = _tracker(self.plan, frozen, on_progress)
            means = Means(frozen, self.staging.folder, tracker, self.workers)
            results = _carry_all(self.plan, means)
        check_rejections(results, self.store.path)
        backup = self._backup(results)
        files: dict[str, list[Path]] = {}
        for result in results:
            files.setdefault(result.route.column_family, []).extend(result.files)
        files.setdefault(DEFAULT_FAMILY, []).append(self._metadata(results, backup))
        self.staging.swap_in_families(files, self._swap())
        report = _report(self.plan, self.store.path, results, self.start)
        return replace(report, backup=backup.name if backup else None)

    def _backup(self, results: Sequence[Carried]) -> Backup | None:
        """The backup that the checkpoint becomes; none where there is nothing to put back."""
        if not self.keeps_backup or not any(result.scanned for result in results):
            return None
        name = new_name(self.store)
        backup = Backup(
            name,
            self.started_at,
            self.plan.from_version,
            f"apply v{self.plan.from_version}→v{self.plan.to_version}",
            {result.collection: result.before for result in results},
            backups_folder(self.store.path) / name,
            verified_at=timestamp(),
        )
        with SpeakingOf(self.store.path):
            backup.write(self.staging.backup)
        return backup

    def _swap(self) -> Swap:
        return Swap("apply", self.plan.from_version, self.plan.to_version, self.started_at)

    def _metadata(self, results: Sequence[Carried], backup: Backup | None) -> Path:
        """The staged file with the version, the history and the note of the backup."""
        history = read_history(self.store)
        staged = self.store.stage(self.staging.folder / "metadata.sst")
        if backup is not None:
            staged.put(backup.name.encode(), backup.stored())
        staged.put(HISTORY_KEY, history.with_entries(list(self._entries(results, backup))))
        staged.put(VERSION_KEY, str(self.plan.to_version).encode())
        path = staged.finish()
        assert path is not None  # noqa: S101 - something was staged
        return path

    def _entries(self, results: Sequence[Carried], backup: Backup | None) -> Iterator[dict[str, Json]]:
        completed_at, seconds = timestamp(), round(time.monotonic() - self.start, 3)
        for step in self.plan.steps:
            specs = [migration.spec for migration in step]
            touched = {
                result.collection: _counts(result) | held(result, step, self.plan)
                for result in results
                if result.collection in {spec.collection for spec in specs}
            }
            yield {
                "from_version": step[0].from_version,
                "to_version": step[0].to_version,
                "started_at": self.started_at,
                "completed_at": completed_at,
                "items_migrated": _changed_by(results, step[0].from_version),
                "backup_key": backup.name if backup else None,
                "success": True,
                "error": None,
                "kind": "apply",
                "tool": TOOL,
                "seconds": seconds,
                "collections": touched,
                "specs": [{"collection": s.collection, "checksum": s.checksum, "text": s.text} for s in specs],
            }


def _log_begun(plan: Plan, database: Path) -> None:
    names = [route.collection for route in plan.routes]
    facts = {"from_version": plan.from_version, "to_version": plan.to_version, "collections": names}
    log("apply", "info", "apply-begun", database=str(database), **facts)


def find_out(store: Store, plan: Plan, workers: Workers, on_progress: OnProgress | None) -> ApplyReport:
    """Carry every record over without writing anything.

    Raises:
        RecordRejected: records cannot be carried over.
    """
    start = time.monotonic()
    results = _carry_all(plan, Means(store, None, _tracker(plan, store, on_progress), workers))
    check_rejections(results, store.path)
    return replace(_report(plan, store.path, results, start), dry_run=True)


def _tracker(plan: Plan, frozen: Store, on_progress: OnProgress | None) -> Tracker:
    """What counts the records of a plan."""
    return Tracker(on_progress, sum(_size(route, frozen).records for route in plan.routes))


def _size(route: Route, store: Store) -> Size:
    """How much the records of a route are."""
    return store.family(route.column_family).size(KeyRange.of_prefix(route.key_prefix))


def _carry_all(plan: Plan, means: Means) -> list[Carried]:
    """Carry the records of all collections, those that stay where they are first."""
    staying = [route for route in plan.routes if not route.moves_records]
    if means.tracker.total > FEW_RECORDS:  # with fewer the proof takes longer than it saves
        staying = [_with_proof(route, plan) for route in staying]
    results = [*carry(staying, means), *carry_moving(plan, means)]
    means.tracker.finish()
    return results


def _with_proof(route: Route, plan: Plan) -> Route:
    """The route with what its records fit now, where it is proved that all that is made of such records fits, too."""
    from migrate_spec.proof import is_proved  # noqa: PLC0415 - slow to import, and needed for large databases only

    steps = [one for one in plan.migrations if one.collection == route.collection]
    known = route.schema is not None and steps[0].spec.encoding == "json" and all(is_proved(one) for one in steps)
    return replace(route, sure=steps[0].schema_before) if known else route


def _counts(result: Carried) -> dict[str, int]:
    return {"scanned": result.scanned, "migrated": result.migrated, "unchanged": result.unchanged}


def _changed_by(results: Sequence[Carried], from_version: int) -> int:
    """How many records the step from a version changed, over all collections."""
    return sum(
        count
        for result in results
        for spec, count in zip(result.route.specs, result.changed_by, strict=True)
        if spec.from_version == from_version
    )


def _report(plan: Plan, database: Path, results: Sequence[Carried], start: float) -> ApplyReport:
    return ApplyReport(
        str(database),
        plan.from_version,
        plan.to_version,
        {result.collection: _counts(result) for result in results},
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
