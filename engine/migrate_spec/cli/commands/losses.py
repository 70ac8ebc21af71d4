"""``migrate-spec losses``."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import click

from migrate_spec.cli.freshness import show_freshness
from migrate_spec.cli.losses import rows
from migrate_spec.cli.options import database_argument, debug_option, json_option
from migrate_spec.cli.output import emit_json, faint, heading, show
from migrate_spec.ledger import KEPT_KINDS, KeptCount, Ledger
from migrate_spec.losses import KINDS
from migrate_spec.manager import MigrationManager
from migrate_spec.project import Project
from migrate_spec.registry import MigrationRegistry


@click.command()
@database_argument
@click.option("--keys", is_flag=True, help="Name the records of which something is kept.")
@json_option
@debug_option
def command(database: Path, *, keys: bool, as_json: bool) -> None:
    """Show what records of DATABASE lost, and what is kept of them.

    What is kept comes back when the step is gone the other way. What was lost in a downgrade stands in the history.
    Needs no specs, writes nothing, and works beside a running program.
    """
    manager = MigrationManager(database, Project(MigrationRegistry()))
    freshness, ledger = manager.freshness(), manager.losses(keys=keys)
    if as_json:
        emit_json(ledger.to_json(keys=keys) | {"freshness": freshness.to_json()})
    else:
        _show(ledger)
        show_freshness(freshness)


def _show(ledger: Ledger) -> None:
    if not (ledger.lost or ledger.kept):
        show("Nothing was lost, and nothing is kept")
    for at, noted in groupby(ledger.lost, lambda one: one.at):
        losses = [one.loss for one in noted]
        show(heading(f"In the run of {at}"))
        for line in rows([(one.step, one.path, one.counted) for one in losses], [KINDS[one.kind] for one in losses]):
            show(line)
        show()
    if ledger.kept:
        show(heading("Kept now"))
        cells = [(one.step, one.path or "(the whole)", f"{one.records:,}") for one in ledger.kept]
        lines = rows(cells, [KEPT_KINDS[one.kind] for one in ledger.kept])
        for line, one in zip(lines, ledger.kept, strict=True):
            show(line)
            _show_keys(one)


def _show_keys(one: KeptCount) -> None:
    for key in one.keys:
        show(faint(f"      {key}"))
