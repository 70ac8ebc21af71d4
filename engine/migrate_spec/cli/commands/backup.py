"""``migrate-spec backup``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from migrate_spec.backup import Backup
from migrate_spec.cli.ages import age_type
from migrate_spec.cli.dialogue import undoing_if_agreed
from migrate_spec.cli.log_file import log_file_option
from migrate_spec.cli.options import database_argument, debug_option, folder_type, json_option, wait_option
from migrate_spec.cli.output import bad, counted, emit_json, good, show
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.errors import show_key
from migrate_spec.manager import MigrationManager
from migrate_spec.project import Project
from migrate_spec.registry import MigrationRegistry
from migrate_spec.reports import RestoreReport
from migrate_spec.retention import Retention

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
@wait_option
@log_file_option
@json_option
@with_project
def create_command(settings: Settings, database: Path, *, reason: str, wait: float, as_json: bool) -> None:
    """Make a backup of the whole of DATABASE, and change nothing else.

    All records are counted and digested, so that damage is found later. The files are links to those of the database,
    which take no room until it has other ones. The collections of the specs are counted on their own; it needs none.
    """
    manager = MigrationManager(database, settings.known_project())
    with ProgressDisplay() as progress:
        backup = manager.create_backup(reason, wait=wait, on_progress=progress)
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


@command.command("restore")
@database_argument
@click.argument("name")
@click.option("--collection", "collections", multiple=True, metavar="NAME", help="Restore only this one, or these.")
@click.option("--into", type=folder_type, metavar="DIR", help="Make a new database in this folder instead.")
@click.option("--yes", is_flag=True, help="Undo what was written since the backup, too, without asking.")
@wait_option
@json_option
@with_project
def restore_command(
    settings: Settings,
    database: Path,
    name: str,
    *,
    collections: tuple[str, ...],
    into: Path | None,
    yes: bool,
    wait: float,
    as_json: bool,
) -> int:
    """Make DATABASE again what the backup NAME holds, all at once.

    The backup is verified first. What was written since is told, and undone only if that is agreed to. With --into
    DATABASE may be lost or damaged, and stays as it is.
    """
    if into is not None and collections:
        raise click.UsageError("--into and --collection were found, one of them was expected")
    manager = MigrationManager(database, settings.known_project())

    def restore(undo: bool) -> RestoreReport:  # noqa: FBT001 - it has no other argument
        with ProgressDisplay() as progress:
            return manager.restore_backup(
                name, collections, into=into, undo_later_writes=undo, wait=wait, on_progress=progress
            )

    report = undoing_if_agreed(restore, yes=yes, as_json=as_json)
    if report is None:
        return FAILED
    if as_json:
        emit_json(asdict(report))
    else:
        records, what = counted(report.records, "record"), ", ".join(report.collections) or report.database
        show(f"v{report.from_version} -> v{report.to_version}: {records} restored in {report.seconds:.2f}s")
        show(good(f"✓ {what} as in {report.backup}"))
    return 0


@command.command("prune")
@database_argument
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Keep so many, the newest.")
@click.option("--older-than", type=age_type, metavar="AGE", help="Keep those that are not older: 12h, 30d, 4w.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@wait_option
@json_option
@with_project
def prune_command(
    settings: Settings,
    database: Path,
    *,
    keep: int | None,
    older_than: timedelta | None,
    dry_run: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Remove backups of DATABASE that need not be kept any longer.

    What one of the two options keeps is kept, and so is the last backup that was found to be whole. Without options
    [tool.migrate-spec.backups] in pyproject.toml says what is kept (keep = 5, older-than = "30d"); each apply that
    makes a backup removes others by it, too.
    """
    retention = Retention(keep, older_than) if keep or older_than else settings.retention
    if retention is None or retention.keeps_all:
        raise click.UsageError(
            "neither --keep nor --older-than was found, nor [tool.migrate-spec.backups], one of them was expected"
        )
    removed = _without_project(database).prune_backups(retention, dry_run=dry_run, wait=wait)
    if as_json:
        emit_json({"removed": [backup.to_json() for backup in removed], "dry_run": dry_run})
        return
    for backup in removed:
        _show(backup)
    what = "would be removed" if dry_run else "removed"
    show(good(f"✓ {counted(len(removed), 'backup')} {what}") if removed else "No backup need be removed")


@command.command("export")
@database_argument
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@debug_option
def export_command(database: Path, name: str, file: Path, *, as_json: bool) -> None:
    """Write the backup NAME of DATABASE into FILE, a tar archive compressed with Zstandard.

    It is verified before. FILE must not exist. DATABASE itself may be lost or damaged.
    """
    with ProgressDisplay("records and bytes") as progress:
        _without_project(database).export_backup(name, file, on_progress=progress)
    size = file.stat().st_size
    if as_json:
        emit_json({"backup": name, "file": str(file.absolute()), "bytes": size})
    else:
        show(good(f"✓ {name} exported to {file}, {counted(size, 'byte')}"))


@command.command("import")
@database_argument
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@debug_option
def import_command(database: Path, file: Path, *, as_json: bool) -> None:
    """Make FILE, which `backup export` wrote, a backup of DATABASE.

    It is verified before it counts as one. DATABASE is neither read nor written, and may be lost.
    """
    with ProgressDisplay("bytes") as progress:
        backup = _without_project(database).import_backup(file, on_progress=progress)
    if as_json:
        emit_json(backup.to_json())
    else:
        _show(backup)


def _without_project(database: Path) -> MigrationManager:
    return MigrationManager(database, Project(MigrationRegistry()))


def _show(backup: Backup) -> None:
    version = f"version {backup.version}, " if backup.version is not None else ""
    reason = f"{show_key(backup.reason.encode())}, " if backup.reason else ""
    show(f"{backup.name}  {version}{reason}{counted(backup.records, 'record')}")
    if backup.path is not None:
        show(f"   {backup.path}")
