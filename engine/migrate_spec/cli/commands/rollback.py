"""``migrate-spec rollback``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from migrate_spec.cli.dialogue import undoing_if_agreed
from migrate_spec.cli.log_file import log_file_option
from migrate_spec.cli.options import database_argument, json_option, wait_option
from migrate_spec.cli.output import counted, emit_json, good, show
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.manager import MigrationManager
from migrate_spec.reports import RollbackReport

REFUSED = 1


@click.command()
@database_argument
@click.argument("backup", required=False)
@click.option("--yes", is_flag=True, help="Undo what was written since the migration, too, without asking.")
@wait_option
@log_file_option
@json_option
@with_project
def command(settings: Settings, database: Path, backup: str | None, *, yes: bool, wait: float, as_json: bool) -> int:
    """Put DATABASE back to where it was before a migration.

    All records of the collections that the migration touched become again what they were; other collections stay as
    they are. BACKUP is the backup to put back, by default the one made before the last migration. Needs no specs.
    """
    # The hooks of a project, where there is one, help to tell what was written since.
    manager = MigrationManager(database, settings.known_project())

    def roll_back(undo: bool) -> RollbackReport:  # noqa: FBT001 - it has no other argument
        with ProgressDisplay() as progress:
            return manager.rollback(backup, undo_later_writes=undo, wait=wait, on_progress=progress)

    report = undoing_if_agreed(roll_back, yes=yes, as_json=as_json)
    if report is None:
        return REFUSED
    if as_json:
        emit_json(asdict(report))
    else:
        _show(report)
    return 0


def _show(report: RollbackReport) -> None:
    way, records = f"v{report.from_version} -> v{report.to_version}", counted(report.records, "record")
    show(f"{way}: {records} put back in {report.seconds:.2f}s")
    show(good(f"✓ {', '.join(report.collections)} as in {report.backup}"))
