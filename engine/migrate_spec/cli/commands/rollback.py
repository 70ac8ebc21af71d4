"""``migrate-spec rollback``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from migrate_spec.cli.output import emit_json, good, json_option, say, show, warn
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.errors import LaterWrites
from migrate_spec.manager import MigrationManager, RollbackReport
from migrate_spec.project import Project
from migrate_spec.registry import MigrationRegistry


@click.command()
@click.argument("database", type=click.Path(path_type=Path))
@click.argument("backup", required=False)
@click.option("--yes", is_flag=True, help="Undo what was written since the migration, too, without asking.")
@json_option
def command(database: Path, backup: str | None, *, yes: bool, as_json: bool) -> None:
    """Put back the records of DATABASE as they were before a migration: those of the collections it touched.

    BACKUP is the backup to put back, by default the one made before the last migration. Needs no specs.
    """
    manager = MigrationManager(database, Project(MigrationRegistry()))
    try:
        report = _roll_back(manager, backup, undo_later_writes=yes)
    except LaterWrites as error:
        if as_json or not sys.stdin.isatty():
            raise
        say(warn(f"⚠ {error.fault.found}"))
        click.confirm("Undo that, too?", abort=True, err=True)
        report = _roll_back(manager, backup, undo_later_writes=True)
    if as_json:
        emit_json(asdict(report))
        return
    names = ", ".join(report.collections)
    show(f"v{report.from_version} -> v{report.to_version}: {report.records} records put back in {report.seconds:.2f}s")
    show(good(f"✓ {names} as in {report.backup}"))


def _roll_back(manager: MigrationManager, backup: str | None, *, undo_later_writes: bool) -> RollbackReport:
    with ProgressDisplay() as progress:
        return manager.rollback(backup, undo_later_writes=undo_later_writes, on_progress=progress)
