"""``migrate-spec history``."""

from __future__ import annotations

from pathlib import Path

import click

from migrate_spec.cli.commands.status import cut_off, show_history
from migrate_spec.cli.freshness import show_freshness
from migrate_spec.cli.options import database_argument, debug_option, json_option
from migrate_spec.cli.output import emit_json, say, warn
from migrate_spec.freshness import Freshness
from migrate_spec.history import read_history
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.swapping import read_swap


@click.command()
@database_argument
@json_option
@debug_option
def command(database: Path, *, as_json: bool) -> None:
    """Show what was done to DATABASE.

    Writes nothing, and works beside a running program.
    """
    path = database.resolve()
    freshness = Freshness.of(path)
    with open_for_reading(path) as store:
        history, swap = read_history(store), read_swap(store)
    if swap is not None:
        say(warn(f"⚠ {cut_off(swap)}"))
    if as_json:
        entries = [entry.fields for entry in history.entries]
        emit_json({"migrations": entries, "freshness": freshness.to_json()})
    else:
        show_history(history)
        show_freshness(freshness)
