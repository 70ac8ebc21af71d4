"""``migrate-spec salvage``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from migrate_spec.cli.options import database_argument, debug_option, folder_type, json_option
from migrate_spec.cli.output import bad, counted, emit_json, good, show, warn
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.families import named
from migrate_spec.manager import MigrationManager
from migrate_spec.project import Project
from migrate_spec.registry import MigrationRegistry
from migrate_spec.reports import Loss, SalvageReport


@click.command()
@database_argument
@click.argument("new", type=folder_type)
@json_option
@debug_option
def command(database: Path, new: Path, *, as_json: bool) -> None:
    """Save what is left of a damaged DATABASE into a NEW one.

    Every record that can still be read is in it, and where some are lost is told: between which keys, and why. DATABASE
    is not changed. Where there is a backup, `migrate-spec backup restore --into` loses only what was written since.
    """
    with ProgressDisplay() as progress:
        report = MigrationManager(database, Project(MigrationRegistry())).salvage(new, on_progress=progress)
    if as_json:
        emit_json(asdict(report))
    else:
        _show(report)


def _show(report: SalvageReport) -> None:
    for loss in report.losses:
        show(bad(f"✗ lost: {_keys(loss)}: {loss.found}"))
    if report.left_out:
        show(bad(f"✗ lost: files that could not even be opened: {report.left_out}"))
        show(warn("⚠ Where these had newer values of a record, the new database has the older one"))
    if report.version is None:
        show(warn("⚠ The version of the database is lost, too: put it under the key _schema_version"))
    show(good(f"✓ {counted(report.records, 'record')} saved in {report.new}, in {report.seconds:.2f}s"))


def _keys(loss: Loss) -> str:
    where = f" in {named(loss.column_family)}" if named(loss.column_family) else ""
    if loss.after is None and loss.before is None:
        return f"all keys{where}"
    if loss.after is None:
        return f"all keys before {loss.before}{where}"
    if loss.before is None:
        return f"all keys after {loss.after}{where}"
    return f"all keys between {loss.after} and {loss.before}{where}"
