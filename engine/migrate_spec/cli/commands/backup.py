"""``migrate-spec backup``."""

from __future__ import annotations

from pathlib import Path

import click

from migrate_spec.backup import list_backups
from migrate_spec.cli.options import database_argument, debug_option, json_option
from migrate_spec.cli.output import counted, emit_json, show
from migrate_spec.stores.rocks import open_for_reading


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
    with open_for_reading(database.resolve()) as store:
        backups = list_backups(store)
    if as_json:
        emit_json([backup.to_json() for backup in backups])
        return
    if not backups:
        show("There are no backups")
    for backup in backups:
        version = f"version {backup.version}, " if backup.version is not None else ""
        show(f"{backup.name}  {version}{backup.reason}, {counted(backup.records, 'record')}")
        if backup.path is not None:
            show(f"   {backup.path}")
