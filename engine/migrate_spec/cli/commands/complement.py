"""``migrate-spec complement``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from migrate_spec.cli.ages import age_type
from migrate_spec.cli.options import database_argument, debug_option, json_option, wait_option
from migrate_spec.cli.output import counted, emit_json, good, show
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.ledger import KeptRun
from migrate_spec.manager import MigrationManager
from migrate_spec.project import Project
from migrate_spec.registry import MigrationRegistry


@click.group()
def command() -> None:
    """Look after what is kept of records for the way back."""


@command.command("list")
@database_argument
@json_option
@debug_option
def list_command(database: Path, *, as_json: bool) -> None:
    """Show what each run has kept of the records of DATABASE, and how much that is.

    Writes nothing, and works beside a running program.
    """
    runs = _without_project(database).complements()
    if as_json:
        emit_json([run.to_json() for run in runs])
        return
    if not runs:
        show("Nothing is kept")
    for run in runs:
        _show(run)


@command.command("prune")
@database_argument
@click.option("--older-than", type=age_type, metavar="AGE", help="Keep what is not older: 12h, 30d, 4w.")
@click.option("--all", "all_of_it", is_flag=True, help="Keep nothing.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@wait_option
@json_option
@with_project
def prune_command(
    settings: Settings,
    database: Path,
    *,
    older_than: timedelta | None,
    all_of_it: bool,
    dry_run: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Remove what is kept of the records of DATABASE by runs that began long ago.

    A downgrade makes values up for what was removed, or leaves it away, and says so before. Without options
    [tool.migrate-spec.complements] in pyproject.toml says how old it may get (older-than = "90d").
    """
    limit = None if all_of_it else older_than or settings.complements_age
    if all_of_it and older_than is not None:
        raise click.UsageError("--all and --older-than were found, one of them was expected")
    if not all_of_it and limit is None:
        raise click.UsageError(
            "neither --older-than nor --all was found, nor older-than in [tool.migrate-spec.complements], one of them "
            "was expected"
        )
    removed = _without_project(database).prune_complements(limit, dry_run=dry_run, wait=wait)
    if as_json:
        emit_json({"removed": [run.to_json() for run in removed], "dry_run": dry_run})
        return
    for run in removed:
        _show(run)
    what, size = "would be removed" if dry_run else "removed", counted(sum(run.bytes for run in removed), "byte")
    show(good(f"✓ {size} {what}") if removed else "Nothing that is kept need be removed")


def _without_project(database: Path) -> MigrationManager:
    return MigrationManager(database, Project(MigrationRegistry()))


def _show(run: KeptRun) -> None:
    show(f"{run.step}  kept by the run of {run.run}: {counted(run.records, 'record')}, {counted(run.bytes, 'byte')}")
