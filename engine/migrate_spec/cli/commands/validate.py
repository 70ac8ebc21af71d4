"""``migrate-spec validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from migrate_spec.cli.output import bad, emit_json, good, json_option, say, show
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.errors import Fault, Place, SpecError
from migrate_spec.project import load


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@json_option
@with_project
def command(settings: Settings, files: tuple[Path, ...], *, as_json: bool) -> int:
    """Check all that can be known from the files alone: specs, schemas, the path, the examples.

    With FILES only what concerns these is reported; all are read all the same.
    """
    faults: tuple[Fault, ...] = ()
    summary = ""
    try:
        project = load(settings.specs, settings.schemas)
        count = len(project.registry)
        summary = f"{count} spec{'s' if count != 1 else ''} up to version {project.version}, nothing wrong"
    except SpecError as error:
        faults = tuple(fault for fault in error.faults if not files or _concerns(fault, files))
    if as_json:
        emit_json({"ok": not faults, "findings": [_finding(fault) for fault in faults]})
    elif faults:
        for fault in faults:
            show(str(fault))
        say(bad(f"✗ {len(faults)} error{'s' if len(faults) != 1 else ''}"))
    else:
        show(good(f"✓ {summary or 'nothing wrong with these files'}"))
    return 1 if faults else 0


def _concerns(fault: Fault, files: tuple[Path, ...]) -> bool:
    return isinstance(fault.where, Place) and Path(fault.where.file).resolve() in {file.resolve() for file in files}


def _finding(fault: Fault) -> dict[str, Any]:
    place = fault.where if isinstance(fault.where, Place) else Place(str(fault.where or ""))
    message = str(Fault(fault.found, fault.expected, fault.remedy))
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "code": fault.code,
        "severity": "error",
        "message": message,
    }
