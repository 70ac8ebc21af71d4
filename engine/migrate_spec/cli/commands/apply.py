"""``migrate-spec apply``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from migrate_spec.cli.output import emit_json, good, json_option, say, show
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.manager import ApplyReport, MigrationManager
from migrate_spec.project import load


@click.command()
@click.argument("database", type=click.Path(path_type=Path))
@click.option("--to", type=click.IntRange(min=1), help="The version to go to.  [default: the newest]")
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
    manager = MigrationManager(database, load(settings.specs, settings.schemas))
    with ProgressDisplay() as progress:
        if dry_run:
            report = manager.scan(to, progress)
        else:
            report = manager.apply(to, backup=not no_backup, on_progress=progress)
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
        verb = "would be migrated" if report.dry_run else "migrated"
        show(f"v{step['from_version']} -> v{step['to_version']}: {items} items {verb} in {seconds:.2f}s")
    for name, counts in report.collections.items():
        show(f"  {name}: {counts['scanned']} scanned, {counts['migrated']} migrated, {counts['unchanged']} unchanged")
    if report.dry_run:
        show(good(f"✓ Every record can go to version {report.to_version}; nothing was written"))
        return
    show(good(f"✓ Schema is at version {report.to_version}"))
    if report.backup:
        say(f"Backup: {report.backup} (`migrate-spec rollback {report.database}` puts it back)")
