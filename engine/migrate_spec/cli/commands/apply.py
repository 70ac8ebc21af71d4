"""``migrate-spec apply``."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

import click

from migrate_spec.cli.options import database_argument, json_option, to_option
from migrate_spec.cli.output import emit_json, good, show
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.interrupts import uninterrupted
from migrate_spec.manager import MigrationManager
from migrate_spec.reports import ApplyReport


@click.command()
@database_argument
@to_option
@click.option("--dry-run", is_flag=True, help="Carry every record over, and write nothing.")
@click.option("--no-backup", is_flag=True, help="Keep no backup.")
@json_option
@with_project
def command(
    settings: Settings, database: Path, to: int | None, *, dry_run: bool, no_backup: bool, as_json: bool
) -> None:
    """Carry DATABASE to a version, all or nothing.

    Every record goes through the steps it still has before it and is checked against the schema. If one cannot be
    carried over, all that cannot are named and nothing is changed.
    """
    manager = MigrationManager(database, settings.project())
    with ProgressDisplay() as progress:
        if dry_run:
            report = manager.scan(to, progress)
        else:
            report = manager.apply(to, backup=not no_backup, on_progress=progress)
    with uninterrupted():  # it is done, and must not be told otherwise
        if as_json:
            emit_json(asdict(report))
        else:
            _show(report)


def _show(report: ApplyReport) -> None:
    if not report.steps:
        show(good(f"✓ Schema is up to date (v{report.to_version})"))
        return
    for step in report.steps:
        items, seconds = step["items_migrated"], report.seconds
        what = f"{items} items would be migrated, tried" if report.dry_run else f"{items} items migrated"
        show(f"v{step['from_version']} -> v{step['to_version']}: {what} in {seconds:.2f}s")
    show_counts(report.collections, "to migrate" if report.dry_run else "migrated")
    if report.dry_run:
        show(good(f"✓ Every record can go to version {report.to_version}; nothing was written"))
        return
    show(good(f"✓ Schema is at version {report.to_version}"))
    if report.backup:
        show(f"Backup: {report.backup} (`migrate-spec rollback {shlex.quote(report.database)}` puts it back)")


def show_counts(collections: dict[str, dict[str, int]], migrated: str) -> None:
    """A line for each collection."""
    for name, counts in collections.items():
        scanned, changed, unchanged = (f"{counts[what]:,}" for what in ("scanned", "migrated", "unchanged"))
        show(f"   {name}: {scanned} scanned, {changed} {migrated}, {unchanged} unchanged")
