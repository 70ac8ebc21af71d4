"""``migrate-spec plan``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from migrate_spec.cli.commands.apply import show_counts
from migrate_spec.cli.freshness import show_freshness
from migrate_spec.cli.options import database_argument, json_option, to_option
from migrate_spec.cli.output import counted, emit_json, good, heading, show, warn
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.in_progress import InProgress
from migrate_spec.manager import MigrationManager
from migrate_spec.path import names
from migrate_spec.plan import Plan

PENDING = 3
LONGEST = 100


@click.command()
@database_argument
@to_option
@click.option("--scan", is_flag=True, help="Carry every record over to find out, and write nothing.")
@click.option("--check", is_flag=True, help=f"Exit with {PENDING} where something is pending.")
@json_option
@with_project
def command(settings: Settings, database: Path, to: int | None, *, scan: bool, check: bool, as_json: bool) -> int:
    """Show what `apply` would do with DATABASE.

    Its steps, how much there is to read, what becomes of one record of each collection, and what only a backup could
    bring back. Writes nothing, and works beside a running program.
    """
    manager = MigrationManager(database, settings.project())
    freshness = manager.freshness()
    plan, begun = manager.plan(to), manager.in_progress()
    shown = _plan_json(manager, plan) | {"in_progress": begun.to_json() if begun else None}
    if scan:
        with ProgressDisplay() as progress:
            shown["scan"] = asdict(manager.scan(to, on_progress=progress))
    if as_json:
        emit_json(shown | {"freshness": freshness.to_json()})
    else:
        _show(plan, shown, begun)
        show_freshness(freshness)
    return PENDING if check and not plan.is_empty else 0


def _plan_json(manager: MigrationManager, plan: Plan) -> dict[str, Any]:
    return {
        "from_version": plan.from_version,
        "to_version": plan.to_version,
        "steps": [
            {"name": migration.name, "description": migration.spec.description, "file": migration.spec.place().file}
            for migration in plan.migrations
        ],
        "collections": {
            name: {"records": size.records, "bytes": size.bytes} for name, size in manager.sizes(plan).items()
        },
        "losses": {name: [str(loss) for loss in losses] for name, losses in plan.losses().items()},
        "samples": {name: asdict(sample) for name, sample in manager.samples(plan).items()},
    }


def _show(plan: Plan, shown: dict[str, Any], begun: InProgress | None) -> None:
    if plan.is_empty:
        show(good(f"✓ Schema is up to date (v{plan.to_version})"))
        return
    show(heading(f"Plan: v{plan.from_version} -> v{plan.to_version}"))
    if begun is not None:
        show(warn(f"⚠ A run in place {begun.way} is not at its end, and goes on first: {begun.standing}"))
    for number, step in enumerate(shown["steps"], 1):
        show(f"{number}. {step['name']}  {step['description']}".rstrip())
    show()
    show(heading("To read, at most about"))
    for name, size in shown["collections"].items():
        show(f"   {name}: {counted(size['records'], 'record')}, {counted(size['bytes'], 'byte')} on disk")
    for name, sample in shown["samples"].items():
        show()
        show(heading(f"For example {sample['key']} ({name})"))
        _show_difference(sample["before"], sample["after"])
    if shown["losses"]:
        show()
        show(heading("Only the backup brings back"))
        for name, losses in plan.losses().items():
            for what in dict.fromkeys(loss.what for loss in losses):
                places = names(loss.path for loss in losses if loss.what == what)
                show(f"   {name}, {what}{f': {places}' if places else ''}")
    if "scan" in shown:
        show()
        show(heading("All records, tried"))
        show_counts(shown["scan"]["collections"], "to migrate")
        show(good("✓ Every record can be carried over"))


def _show_difference(before: dict[str, Any], after: dict[str, Any]) -> None:
    """The fields of two documents that differ."""
    for name in dict.fromkeys((*before, *after)):
        one, other = (json.dumps(document.get(name), ensure_ascii=False) for document in (before, after))
        if name in before and (name not in after or one != other):
            show(f"   - {name}: {_shortened(one)}")
        if name in after and (name not in before or one != other):
            show(f"   + {name}: {_shortened(other)}")


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
