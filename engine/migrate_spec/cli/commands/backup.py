"""``migrate-spec backup``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from migrate_spec.backup import Backup
from migrate_spec.cli.options import database_argument, debug_option, json_option
from migrate_spec.cli.output import bad, counted, emit_json, good, show
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.manager import MigrationManager
from migrate_spec.project import Project
from migrate_spec.registry import MigrationRegistry

FAILED = 1


@click.group()
def command() -> None:
    """Look after the backups of a database."""


@command.command("list")
@database_argument
@json_option
@debug_option
def list_command(database: Path, *, as_json: bool) -> None:
    """Show the backups of DATABASE, oldest first.

    Writes nothing, and works beside a running program.
    """
    backups = _without_project(database).backups()
    if as_json:
        emit_json([backup.to_json() for backup in backups])
        return
    if not backups:
        show("There are no backups")
    for backup in backups:
        _show(backup)


@command.command("create")
@database_argument
@click.option("--reason", default="", help="What it is made for.")
@json_option
@with_project
def create_command(settings: Settings, database: Path, *, reason: str, as_json: bool) -> None:
    """Make a backup of the whole of DATABASE, and change nothing else.

    All records are counted and digested, so that damage is found later. The files are links to those of the database,
    which take no room until it has other ones. The collections of the specs are counted on their own; it needs none.
    """
    with ProgressDisplay() as progress:
        backup = MigrationManager(database, settings.known_project()).create_backup(reason, on_progress=progress)
    if as_json:
        emit_json(backup.to_json())
    else:
        _show(backup)


@command.command("verify")
@database_argument
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@debug_option
def verify_command(database: Path, names: tuple[str, ...], *, as_json: bool) -> int:
    """Read backups of DATABASE from the first record to the last, and see that they are what they were when made.

    By default all of them. DATABASE itself may be lost or damaged. When a backup was verified is noted in it; nothing
    else is written. Exit code 1 says that one is damaged.
    """
    with ProgressDisplay() as progress:
        found = _without_project(database).verify_backups(names, on_progress=progress)
    if as_json:
        emit_json([asdict(one) for one in found])
    elif not found:
        show("There are no backups")
    else:
        for one in found:
            show(
                good(f"✓ {one.name}  {counted(one.records, 'record')}")
                if one.ok
                else bad(f"✗ {one.name}  {one.damage}")
            )
    return 0 if all(one.ok for one in found) else FAILED


def _without_project(database: Path) -> MigrationManager:
    return MigrationManager(database, Project(MigrationRegistry()))


def _show(backup: Backup) -> None:
    version = f"version {backup.version}, " if backup.version is not None else ""
    reason = f"{backup.reason}, " if backup.reason else ""
    show(f"{backup.name}  {version}{reason}{counted(backup.records, 'record')}")
    if backup.path is not None:
        show(f"   {backup.path}")
