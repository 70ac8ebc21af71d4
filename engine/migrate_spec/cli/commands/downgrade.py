"""``migrate-spec downgrade``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate_spec.cli.log_file import log_file_option
from migrate_spec.cli.losses import show_carried_back
from migrate_spec.cli.options import (
    database_argument,
    json_option,
    no_complements_option,
    version,
    wait_option,
    workers_option,
)
from migrate_spec.cli.output import emit_json, good, say, show, warn
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.errors import LossRefused
from migrate_spec.manager import MigrationManager
from migrate_spec.reports import ApplyReport

if TYPE_CHECKING:
    from migrate_spec.executors import Workers

REFUSED = 1

Carry = Callable[[Collection[str]], ApplyReport]
"""Carries the database back, told the paths at which something may get lost."""


@click.command()
@database_argument
@click.option("--to", type=version, required=True, help="The earlier version to go to.")
@click.option(
    "--accept-loss",
    "accepted",
    multiple=True,
    metavar="PATH",
    help="Something may get lost at PATH, as the table of losses names it; can be given several times.",
)
@click.option("--dry-run", is_flag=True, help="Carry every record back, and write nothing.")
@click.option("--no-backup", is_flag=True, help="Keep no backup.")
@no_complements_option
@workers_option
@wait_option
@log_file_option
@json_option
@with_project
def command(
    settings: Settings,
    database: Path,
    to: int,
    *,
    accepted: tuple[str, ...],
    dry_run: bool,
    no_backup: bool,
    no_complements: bool,
    count: int | None,
    wait: float,
    as_json: bool,
) -> int:
    """Carry DATABASE back to an earlier version, all or nothing.

    Each step is undone, and what it took from a record is put back: a record that nobody has changed since is byte for
    byte the old one. What was written since stays. If something would get lost that --accept-loss does not name, or a
    record cannot be carried back, all of that is told and nothing is changed; on a terminal you are asked.
    """
    manager = MigrationManager(database, settings.project())
    complements = settings.complements and not no_complements
    workers = _workers(count)
    carry_back = (
        partial(manager.scan_downgrade, workers=workers)
        if dry_run
        else partial(manager.downgrade, backup=not no_backup, workers=workers, wait=wait)
    )

    def carry(accepted: Collection[str]) -> ApplyReport:
        with ProgressDisplay() as progress:
            return carry_back(to, accept_loss=accepted, complements=complements, on_progress=progress)

    report = _losing_if_agreed(carry, accepted, asks=not (as_json or dry_run))
    if report is None:
        return REFUSED
    if as_json:
        emit_json(asdict(report))
    else:
        _show(report)
    return 0


def _workers(count: int | None) -> Workers | None:
    if count is None:
        return None
    from migrate_spec import executors  # noqa: PLC0415 - not needed for few records

    return executors.processes(count)


def _losing_if_agreed(carry: Carry, accepted: Collection[str], *, asks: bool) -> ApplyReport | None:
    """Carry back; where something would get lost, whoever sits at the terminal is asked.

    Args:
        carry: does it.
        accepted: the paths at which something may get lost in any case.
        asks: whether somebody may be asked.

    Returns:
        The report; ``None`` where it was not agreed to, and nothing was changed.

    Raises:
        LossRefused: nobody is there to be asked.
    """
    try:
        return carry(accepted)
    except LossRefused as error:
        if not (asks and sys.stdin.isatty()):
            raise
        for loss in error.losses:
            say(warn(f"⚠ {loss}"))
        if not _agreed():
            say("Nothing was changed.")
            return None
        accepted = [*accepted, *error.paths]
    return carry(accepted)


def _agreed() -> bool:
    try:
        return click.confirm("Go down all the same?", err=True)
    except click.Abort:
        say("")  # the end of the line with the question
        raise


def _show(report: ApplyReport) -> None:
    for step in report.steps:
        items = f"{step['items_migrated']} items {'would be ' if report.dry_run else ''}carried back"
        tried = ", tried" if report.dry_run else ""
        show(f"v{step['from_version']} -> v{step['to_version']}: {items}{tried} in {report.seconds:.2f}s")
    show_carried_back(report)
    if report.dry_run and report.steps:
        show(good(f"✓ Every record can go back to version {report.to_version}; nothing was written"))
    else:
        show(good(f"✓ Schema is at version {report.to_version}"))
    if report.backup:
        show(f"Backup: {report.backup} (`migrate-spec backup restore {shlex.quote(report.database)} {report.backup}`)")
