"""``migrate-spec plan``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from migrate_spec.cli.commands.apply import show_counts
from migrate_spec.cli.freshness import show_freshness
from migrate_spec.cli.losses import show_carried_back
from migrate_spec.cli.options import allow_pickle_option, database_argument, json_option, to_option
from migrate_spec.cli.output import counted, emit_json, good, heading, show, warn
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.in_progress import InProgress
from migrate_spec.manager import MigrationManager
from migrate_spec.migration import Migration
from migrate_spec.plan import Plan
from migrate_spec.reports import ApplyReport

PENDING = 3
LONGEST = 100


@click.command()
@database_argument
@to_option
@click.option("--scan", is_flag=True, help="Carry every record over to find out, and write nothing.")
@click.option("--check", is_flag=True, help=f"Exit with {PENDING} where something is pending.")
@allow_pickle_option
@json_option
@with_project
def command(
    settings: Settings,
    database: Path,
    to: int | None,
    *,
    scan: bool,
    check: bool,
    allow_pickle: bool,
    as_json: bool,
) -> int:
    """Show what `apply` or `downgrade` would do with DATABASE.

    Down it goes with --to and an earlier version. Shown are the steps, how much there is to read, what becomes of one
    record of each collection, and how each step can be undone. On the way down --scan says what would be lost, and by
    how many records. Writes nothing, and works beside a running program.
    """
    manager = MigrationManager(database, settings.project())
    freshness = manager.freshness()
    if to is not None and to < manager.version():
        plan = manager.plan_downgrade(to)
        down = _plan_down_json(manager, plan, settings)
        if scan:
            with ProgressDisplay() as progress:
                report = manager.scan_downgrade(to, complements=settings.complements, on_progress=progress)
            down["scan"] = asdict(report)
        if as_json:
            emit_json(down | {"freshness": freshness.to_json()})
        else:
            _show_down(plan, down, report if scan else None)
            show_freshness(freshness)
        return 0
    plan, begun = manager.plan(to, allow_pickle=allow_pickle), manager.in_progress()
    shown = _plan_json(manager, plan, settings) | {"in_progress": begun.to_json() if begun else None}
    if scan:
        with ProgressDisplay() as progress:
            shown["scan"] = asdict(manager.scan(to, allow_pickle=allow_pickle, on_progress=progress))
    if as_json:
        emit_json(shown | {"freshness": freshness.to_json()})
    else:
        _show(plan, shown, begun)
        show_freshness(freshness)
    return PENDING if check and not plan.is_empty else 0


def _plan_json(manager: MigrationManager, plan: Plan, settings: Settings) -> dict[str, Any]:
    return _head_json(manager, plan) | {
        "losses": {name: [str(loss) for loss in losses] for name, losses in plan.losses().items()},
        "way_back": _way_back(plan, settings),
        "samples": {name: asdict(sample) for name, sample in manager.samples(plan).items()},
    }


def _plan_down_json(manager: MigrationManager, plan: Plan, settings: Settings) -> dict[str, Any]:
    return _head_json(manager, plan) | {"way_back": _way_back(plan, settings)}


def _head_json(manager: MigrationManager, plan: Plan) -> dict[str, Any]:
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
        "complements": {"bytes": manager.complements_size()},
    }


def _way_back(plan: Plan, settings: Settings) -> dict[str, Any]:
    from migrate_spec.reversal import reversal  # noqa: PLC0415 - not needed where nothing is pending

    upwards = "" if settings.complements else "nothing is kept in this project"
    unkept = {(route.collection, version) for route in plan.routes for version in route.unkept}

    def why(one: Migration) -> str:
        if plan.to_version > plan.from_version:
            return upwards
        return "what it took is not kept, or not all of it" if (one.collection, one.from_version) in unkept else ""

    found = {one.name: reversal(one, unkept=why(one)) for one in plan.migrations}
    return {name: one.to_json() for name, one in found.items()}


def _show(plan: Plan, shown: dict[str, Any], begun: InProgress | None) -> None:
    if plan.is_empty:
        show(good(f"✓ Schema is up to date (v{plan.to_version})"))
        return
    _show_head(plan, shown, begun)
    for name, sample in shown["samples"].items():
        show()
        show(heading(f"For example {sample['key']} ({name})"))
        _show_difference(sample["before"], sample["after"])
    show()
    show(heading("How each step can be undone"))
    _show_way_back(shown["way_back"], up=True)
    if "scan" in shown:
        show()
        show(heading("All records, tried"))
        show_counts(shown["scan"]["collections"], "to migrate")
        show(good("✓ Every record can be carried over"))


def _show_head(plan: Plan, shown: dict[str, Any], begun: InProgress | None = None) -> None:
    show(heading(f"Plan: v{plan.from_version} -> v{plan.to_version}"))
    if begun is not None:
        show(warn(f"⚠ A run in place {begun.way} is not at its end, and goes on first: {begun.standing}"))
    for number, step in enumerate(shown["steps"], 1):
        show(f"{number}. {step['name']}  {step['description']}".rstrip())
    show()
    show(heading("To read, at most about"))
    for name, size in shown["collections"].items():
        show(f"   {name}: {counted(size['records'], 'record')}, {counted(size['bytes'], 'byte')} on disk")
    if shown["complements"]["bytes"]:
        show(f"   what is kept of records: {counted(shown['complements']['bytes'], 'byte')} on disk")


def _show_way_back(shown: dict[str, Any], *, up: bool) -> None:
    """How each step of a plan can be undone, a line each."""
    for name, one in shown.items():
        paths = ", ".join(one["paths"])
        told = {
            "exact": "exactly",
            "kept": f"exactly, by what is kept of {'the records that change' if up else 'each record'}: {paths}",
            "lossy": f"not wholly, as {one['why']}: {paths}",
            "none": f"not at all: {one['why']}",
        }[one["kind"]]
        show((warn if one["kind"] in {"lossy", "none"} else str)(f"   {name}, {told}"))


def _show_down(plan: Plan, shown: dict[str, Any], report: ApplyReport | None) -> None:
    _show_head(plan, shown)
    show()
    show(heading("How each step is undone"))
    _show_way_back(shown["way_back"], up=False)
    if report is None:
        show()
        show("`--scan` counts the records of which nothing was kept, and what they lose.")
        return
    show()
    show(heading("All records, tried"))
    show_carried_back(report)
    show(good("✓ Every record can be carried back"))


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
