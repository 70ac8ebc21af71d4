"""``migrate-spec validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from migrate_spec.cli.options import json_option
from migrate_spec.cli.output import bad, counted, emit_json, good, say, show
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.errors import Fault, Place, SpecError


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[FILE]...")
@json_option
@with_project
def command(settings: Settings, files: tuple[Path, ...], *, as_json: bool) -> int:
    """Check specs, schemas and examples, without a database.

    All that can be known from the files alone. With FILEs (or folders) only what concerns these is reported; all are
    read all the same.
    """
    _refuse_strangers(files, settings)
    faults: tuple[Fault, ...] = ()
    elsewhere = 0
    summary = "nothing wrong"
    try:
        project = settings.project()
        summary = f"{counted(len(project.registry), 'spec')} up to version {project.version}, {summary}"
    except SpecError as error:
        faults = tuple(fault for fault in error.faults if not files or _concerns(fault, files))
        elsewhere = len(error.faults) - len(faults)
    if as_json:
        emit_json({"ok": not faults, "findings": [_finding(fault) for fault in faults]})
    else:
        _show(faults, summary, f" ({counted(elsewhere, 'error')} in other files)" if elsewhere else "")
    return 1 if faults else 0


def _refuse_strangers(files: tuple[Path, ...], settings: Settings) -> None:
    """See that each file belongs to the project: of another one nothing would be reported."""
    roots = [folder.resolve() for folder in (settings.specs, settings.schemas)]
    for file in files:
        if not any(file.resolve().is_relative_to(root) for root in roots):
            raise click.BadParameter(
                f"{str(file)!r} lies neither in the folder of specs ({settings.specs}) nor in that of schemas "
                f"({settings.schemas}).",
                param_hint="'[FILE]...'",
            )


def _concerns(fault: Fault, files: tuple[Path, ...]) -> bool:
    if not isinstance(fault.where, Place):
        return False
    found = Path(fault.where.file).resolve()
    return any(found.is_relative_to(file.resolve()) for file in files)


def _show(faults: tuple[Fault, ...], summary: str, elsewhere: str) -> None:
    if not faults:
        show(good(f"✓ {summary}{elsewhere}"))
        return
    for fault in faults:
        show(str(fault))
    say(bad(f"✗ {counted(len(faults), 'error')}{elsewhere}"))


def _finding(fault: Fault) -> dict[str, Any]:
    place = fault.where if isinstance(fault.where, Place) else Place(str(fault.where or ""))
    message = str(Fault(fault.found, fault.expected, fault.remedy))
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "code": fault.code,
        "severity": fault.severity,
        "message": message,
    }
