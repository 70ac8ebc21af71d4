"""``migrate-spec apply``."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate_spec.cli.databases import databases_of, is_pattern
from migrate_spec.cli.dialogue import is_terminal
from migrate_spec.cli.log_file import log_file_option
from migrate_spec.cli.losses import show_losses
from migrate_spec.cli.options import (
    allow_pickle_option,
    databases_argument,
    folder_type,
    json_option,
    no_complements_option,
    to_option,
    wait_option,
    workers_option,
)
from migrate_spec.cli.output import counted, emit_json, good, say, show, warn
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.manager import MigrationManager
from migrate_spec.reports import ApplyReport

if TYPE_CHECKING:
    from migrate_spec.executors import Workers
    from migrate_spec.rejects import OnError


REFUSED = 1


@click.command()
@databases_argument
@to_option
@click.option("--dry-run", is_flag=True, help="Carry every record over, and write nothing.")
@click.option("--no-backup", is_flag=True, help="Keep no backup.")
@no_complements_option
@click.option(
    "--in-place",
    is_flag=True,
    help="Change records where they are, batch by batch, where there is no room for the new ones beside the old ones: "
    "without a backup, and so without `rollback`. When it is interrupted, the next `apply` goes on.",
)
@click.option("--yes", is_flag=True, help="Do not ask before a run in place.")
@click.option(
    "--no-validate",
    is_flag=True,
    help="Check no record against the schemas: what does not fit them is carried over as far as the steps can.",
)
@allow_pickle_option
@click.option(
    "--on-error",
    type=click.Choice(["fail", "quarantine"]),
    default="fail",
    show_default=True,
    help="What is done about records that cannot be carried over. With quarantine they stay as they are, marked in the "
    "database, and all others are carried, unless it is all of a collection, or more than its spec accepts.",
)
@click.option(
    "--rejected",
    type=folder_type,
    metavar="FILE",
    help="List all records that are rejected in FILE, as JSON lines.  [default: with quarantine, beside the database]",
)
@click.option(
    "--compact", is_flag=True, help="Compact the database afterwards: it is then as fast to read as it can be."
)
@workers_option
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="The scheduler of a Dask cluster whose workers carry records; they share this file system.",
)
@wait_option
@log_file_option
@json_option
@with_project
def command(
    settings: Settings,
    databases: tuple[Path, ...],
    to: int | None,
    *,
    dry_run: bool,
    no_backup: bool,
    no_complements: bool,
    in_place: bool,
    yes: bool,
    no_validate: bool,
    allow_pickle: bool,
    on_error: OnError,
    rejected: Path | None,
    compact: bool,
    count: int | None,
    cluster: str | None,
    wait: float,
    as_json: bool,
) -> int:
    """Carry each DATABASE to a version, all or nothing.

    Every record goes through the steps it still has before it and is checked against the schema. If one cannot be
    carried over, all that cannot are named and nothing is changed. Records in quarantine are taken up again, and a run
    in place that was interrupted goes on.

    A DATABASE is a folder, or a pattern such as 'data/*.db'. Several are carried each on its own: where one fails, the
    others go on.
    """
    if compact and dry_run:
        raise click.UsageError("--compact and --dry-run were found, one of them was expected")
    workers, project = _workers(count, cluster), settings.project()
    if in_place and not dry_run and not yes and not as_json and is_terminal() and not _agreed():
        say("Nothing was changed.")
        return REFUSED
    if len(databases) > 1 or is_pattern(databases[0]):
        if rejected is not None:
            raise click.UsageError("--rejected and several databases were found, one database was expected")
        from migrate_spec.cli.fleet import carry_fleet  # noqa: PLC0415 - one database is the rule
        from migrate_spec.fleet import apply_all  # noqa: PLC0415

        carry = partial(
            apply_all,
            project=project,
            to_version=to,
            backup=not no_backup,
            complements=settings.complements and not no_complements,
            retention=settings.retention,
            in_place=in_place,
            validate=not no_validate,
            allow_pickle=allow_pickle,
            on_error=on_error,
            compact=compact,
            dry_run=dry_run,
            wait=wait,
            workers=workers,
        )
        return carry_fleet(databases_of(databases), carry, dry_run=dry_run, as_json=as_json)
    manager = MigrationManager(databases[0], project)
    carry_one = (
        manager.scan
        if dry_run
        else partial(
            manager.apply,
            backup=not no_backup,
            complements=settings.complements and not no_complements,
            retention=settings.retention,
            wait=wait,
        )
    )
    with ProgressDisplay() as progress:
        report = carry_one(
            to,
            in_place=in_place,
            validate=not no_validate,
            allow_pickle=allow_pickle,
            on_error=on_error,
            rejected=rejected,
            workers=workers,
            on_progress=progress,
        )
    if compact:
        manager.compact_after(report, wait=wait)
    if as_json:
        emit_json(asdict(report))
    else:
        _show(report)
    return 0


def _agreed() -> bool:
    """Ask whoever sits at the terminal whether the records may be changed in place."""
    say(warn("⚠ In place no backup is made, and so there is no rollback; `migrate-spec backup create` makes a backup."))
    return click.confirm("Go on?", err=True)


def _workers(count: int | None, cluster: str | None) -> Workers | None:
    """Who carries records, as the options say; ``None`` where they say nothing."""
    if count is None and cluster is None:
        return None
    if count is not None and cluster is not None:
        raise click.UsageError("--workers and --cluster were found, one of them was expected")
    from migrate_spec import executors  # noqa: PLC0415 - not needed for few records

    return executors.processes(count) if cluster is None else executors.cluster(cluster)


def _show(report: ApplyReport) -> None:
    if report.resumed:
        under_way = "is under way" if report.dry_run else "was under way, and is at its end now"
        show(f"A run in place {under_way}:")
    for step in report.steps:
        items, seconds = step["items_migrated"], report.seconds
        what = f"{items} items would be migrated, tried" if report.dry_run else f"{items} items migrated"
        show(f"v{step['from_version']} -> v{step['to_version']}: {what} in {seconds:.2f}s")
    show_counts(report.collections, "to migrate" if report.dry_run else "migrated")
    if not report.steps:
        show(good(f"✓ Schema is up to date (v{report.to_version})"))
    elif report.dry_run:
        what = "Every record" if not report.quarantined else "Every other record"
        show(good(f"✓ {what} can go to version {report.to_version}; nothing was written"))
    else:
        show(good(f"✓ Schema is at version {report.to_version}"))
    if report.in_place and not report.dry_run:
        show("Carried out in place, without a backup.")
    if report.backup:
        show(f"Backup: {report.backup} (`migrate-spec rollback {shlex.quote(report.database)}` puts it back)")
    if report.pruned:
        show(f"Removed, as [tool.migrate-spec.backups] says: {', '.join(report.pruned)}")
    _show_quarantine(report)
    show_losses(report.losses)


def _show_quarantine(report: ApplyReport) -> None:
    """What was set aside, and what can be done about it."""
    if report.quarantined:
        number = counted(report.quarantined, "record")
        verb = "would be" if report.dry_run else "is" if report.quarantined == 1 else "are"
        show(warn(f"⚠ {number} {verb} in quarantine (`migrate-spec repair {shlex.quote(report.database)}` opens them)"))
    if report.rejected:
        show(f"Rejected: {report.rejected}")


def show_counts(collections: dict[str, dict[str, int]], migrated: str) -> None:
    """A line for each collection."""
    for name, counts in collections.items():
        scanned, changed, unchanged, held = (f"{count:,}" for count in counts.values())
        quarantined = f", {held} in quarantine" if counts["quarantined"] else ""
        show(f"   {name}: {scanned} scanned, {changed} {migrated}, {unchanged} unchanged{quarantined}")
