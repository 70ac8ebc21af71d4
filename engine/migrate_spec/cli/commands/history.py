"""``migrate-spec history``."""

from __future__ import annotations

from pathlib import Path

import click

from migrate_spec.audit import Audit, audit
from migrate_spec.cli.commands.status import cut_off, show_history
from migrate_spec.cli.freshness import show_freshness
from migrate_spec.cli.options import database_argument, debug_option, json_option
from migrate_spec.cli.output import counted, emit_json, good, say, show, warn
from migrate_spec.freshness import Freshness
from migrate_spec.history import read_history
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.swapping import read_swap


@click.command()
@database_argument
@click.option("--verify", is_flag=True, help="Read all records, and tell which are still what the last change left.")
@json_option
@debug_option
def command(database: Path, *, verify: bool, as_json: bool) -> None:
    """Show what was done to DATABASE, when and by whom.

    Writes nothing, and works beside a running program.
    """
    path = database.resolve()
    freshness = Freshness.of(path)
    with open_for_reading(path) as store:
        history, swap = read_history(store), read_swap(store)
        found = audit(store, history) if verify else None
    if swap is not None:
        say(warn(f"⚠ {cut_off(swap)}"))
    if as_json:
        entries, verification = [entry.fields for entry in history.entries], {"audit": found.to_json()} if found else {}
        emit_json({"migrations": entries, **verification, "freshness": freshness.to_json()})
    else:
        show_history(history)
        if found is not None:
            _show(found)
        show_freshness(freshness)


def _show(found: Audit) -> None:
    """What stands, against what the changes left."""
    if found.last_version not in {None, found.version}:
        show(warn(f"⚠ The database is at version {found.version}, and the last change led to {found.last_version}"))
    for held in found.collections:
        then = f"version {held.version} left {'it' if held.state == 'unknown' else 'them'} at {held.since}"
        if held.state == "unchanged":
            show(good(f"✓ {held.collection}: {counted(held.records_now or 0, 'record')}, as {then}"))
        elif held.state == "written":
            counts = f"{counted(held.records_then or 0, 'record')} then, {held.records_now or 0:,} now"
            show(warn(f"⚠ {held.collection}: written since {then} ({counts})"))
        else:
            show(f"? {held.collection}: the history does not say what it held when {then}")
