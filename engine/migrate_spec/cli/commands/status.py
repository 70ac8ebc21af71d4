"""``migrate-spec status``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from migrate_spec.backup import Backup
from migrate_spec.cli.freshness import show_freshness
from migrate_spec.cli.options import database_argument, json_option
from migrate_spec.cli.output import bad, counted, emit_json, good, show, warn
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.history import Entry, History
from migrate_spec.manager import MigrationManager
from migrate_spec.reports import Status
from migrate_spec.swap import Swap

PENDING = 3


@click.command()
@database_argument
@click.option("--check", is_flag=True, help=f"Exit with {PENDING} where something is pending, 1 where it is too new.")
@json_option
@with_project
def command(settings: Settings, database: Path, *, check: bool, as_json: bool) -> int:
    """Show where DATABASE stands.

    Its version, what is pending, what was done and what could be put back. Writes nothing, and works beside a running
    program.
    """
    status = MigrationManager(database, settings.project()).status()
    if as_json:
        emit_json(
            {
                "current_version": status.current_version,
                "target_version": status.target_version,
                "up_to_date": status.up_to_date,
                "pending": status.pending,
                "in_progress": status.in_progress.to_json() if status.in_progress else None,
                "history": [entry.fields for entry in status.history.entries],
                "backups": [backup.to_json() for backup in status.backups],
                "freshness": status.freshness.to_json(),
                "half_swapped": status.swap.to_json() if status.swap else None,
                "quarantined": status.quarantined,
                "complements": {"bytes": status.complements},
            }
        )
    else:
        _show(status)
    if not check or status.up_to_date:
        return 0
    return PENDING if status.pending or status.swap else 1


def _show(status: Status) -> None:
    """The screen of Meridian's own system, and behind it what is pending and the backups."""
    current, target = status.current_version, status.target_version
    show("Schema Version Status")
    show("====================")
    show(f"Current version: v{current}")
    show(f"Target version:  v{target}")
    show()
    if status.swap is not None:
        show(warn(f"⚠ {cut_off(status.swap)}"))
    elif status.in_progress:
        show(warn(f"⚠ A run in place {status.in_progress.way} is not at its end: {status.in_progress.standing}"))
        show(f"  It began on {status.in_progress.started_at}; `migrate-spec apply` goes on with it.")
    elif status.up_to_date:
        show(good("✓ Schema is up to date"))
    elif current > target:
        show(bad(f"✗ Schema version is newer than supported (database: v{current}, supported: v{target})"))
    else:
        show(warn(f"⚠ Migration needed: v{current} -> v{target}"))
    show()
    show_history(status.history)
    blank_line_stands = bool(status.history.entries)
    for title, lines in _sections(status):
        if not blank_line_stands:
            show()
        blank_line_stands = False
        show("\n".join([title, "-" * len(title), *lines]))
    show_freshness(status.freshness)


def _sections(status: Status) -> Iterator[tuple[str, list[str]]]:
    """What Meridian's own screen does not have."""
    if status.pending:
        yield "Pending Steps:", [f"{number}. {name}" for number, name in enumerate(status.pending, 1)]
    if status.backups:
        yield "Backups:", [f"{backup.name}  {backup.reason}, {_records(backup)}" for backup in status.backups]
    if status.complements:
        yield "Kept For The Way Back:", [f"at most about {counted(status.complements, 'byte')} on disk"]
    if status.quarantined:
        yield "In Quarantine:", [f"{name}: {counted(count, 'record')}" for name, count in status.quarantined.items()]


def cut_off(swap: Swap) -> str:
    """A run that was cut off, and what will become of it."""
    return (
        f"The {swap.name}, begun {swap.started_at}, was cut off while it was swapped in: "
        f"some column families are as before it, some as after it; the next `{swap.command}` settles that"
    )


def _records(backup: Backup) -> str:
    return counted(backup.records, "record")


def show_history(history: History) -> None:
    """All entries, as Meridian's own system shows them."""
    if not history.entries:
        show("No migrations have been run yet")
        return
    show("Migration History:")
    show("------------------")
    for number, entry in enumerate(history.entries, 1):
        _show_entry(number, entry)


def _show_entry(number: int, entry: Entry) -> None:
    fields = entry.fields
    started, completed = (_moment(fields[name]) for name in ("started_at", "completed_at"))
    when = started.strftime("%Y-%m-%d %H:%M:%S") if started else fields["started_at"]
    kind = f" ({fields['kind']})" if fields.get("kind", "apply") != "apply" else ""
    show(f"{number}. v{entry.from_version} -> v{entry.to_version} at {when}{kind}")
    show(f"   Status: {good('✓ Success') if entry.success else bad('✗ Failed')}")
    show(f"   Items migrated: {fields['items_migrated']}")
    if started and completed:
        show(f"   Duration: {(completed - started).total_seconds():.2f}s")
    if entry.backup_key:
        show(f"   Backup: {entry.backup_key}")
    if fields.get("user"):
        show(f"   By: {fields['user']} on {fields.get('host') or 'an unknown host'}, {fields.get('tool')}")
    if fields.get("error"):
        show(f"   Error: {fields['error']}")
    show()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
