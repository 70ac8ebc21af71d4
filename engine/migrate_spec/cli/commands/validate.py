"""``migrate-spec validate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate_spec.cli.findings import as_github, as_json, as_text, tally
from migrate_spec.cli.options import format_option
from migrate_spec.cli.output import bad, counted, emit_json, good, say, show, warn
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.errors import Fault, Place, SpecError, by_place

if TYPE_CHECKING:
    from migrate_spec.project import Project


@dataclass(frozen=True)
class Verdicts:
    """What is known of one migration.

    Attributes:
        migration: its name.
        file: its spec.
        up: the verdict on the way up.
        down: the verdict on the way back.
    """

    migration: str
    file: str
    up: str
    down: str


@dataclass(frozen=True)
class Examination:
    """What `validate` has to say.

    Attributes:
        summary: what the project is, in words.
        findings: what is wrong with it, or worth knowing.
        verdicts: what is known of its migrations.
    """

    summary: str = ""
    findings: Sequence[Fault] = ()
    verdicts: Sequence[Verdicts] = ()


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[FILE]...")
@click.option("--strict", is_flag=True, help="Let warnings fail, too.")
@format_option
@with_project
def command(settings: Settings, files: tuple[Path, ...], output: str, *, strict: bool) -> int:
    """Check specs, schemas and examples, without a database.

    All that can be known from the files alone. With FILEs (or folders) only what concerns these is reported; all are
    read all the same. Warnings do not fail without --strict.
    """
    _refuse_strangers(files, settings)
    examined = _examined(settings)
    here = Examination(
        examined.summary,
        [fault for fault in examined.findings if not files or _concerns(fault.where, files)],
        [verdicts for verdicts in examined.verdicts if not files or _concerns(Place(verdicts.file), files)],
    )
    elsewhere = tally(fault for fault in examined.findings if fault not in here.findings)
    failing = {"error", "warning"} if strict else {"error"}
    failed = any(fault.severity in failing for fault in here.findings)
    if output == "json":
        emit_json(_json(here, failed=failed))
    else:
        _show(here, f" ({elsewhere} in other files)" if elsewhere else "", failed=failed, github=output == "github")
    return 1 if failed else 0


def _examined(settings: Settings) -> Examination:
    """The whole project, loaded and looked into."""
    try:
        project = settings.project()
    except SpecError as error:
        return Examination(findings=error.faults)
    summary = f"{counted(len(project.registry), 'spec')} up to version {project.version}"
    findings, verdicts = _looked_into(project)
    return Examination(summary, sorted(findings, key=by_place), verdicts)


def _looked_into(project: Project) -> tuple[Sequence[Fault], Sequence[Verdicts]]:
    """The findings and the verdicts of a project that can be loaded."""
    del project
    return [], []


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


def _concerns(where: Place | str | None, files: tuple[Path, ...]) -> bool:
    if not isinstance(where, Place):
        return False
    found = Path(where.file).resolve()
    return any(found.is_relative_to(file.resolve()) for file in files)


def _show(examined: Examination, elsewhere: str, *, failed: bool, github: bool) -> None:
    for fault in examined.findings:
        show(as_github(fault) if github else as_text(fault))
    width = max((len(verdicts.migration) for verdicts in examined.verdicts), default=0)
    for verdicts in examined.verdicts:
        show(f"{verdicts.migration:{width}}  up: {verdicts.up}, down: {verdicts.down}")
    found = tally(examined.findings)
    parts = [part for part in (examined.summary, found or "nothing wrong") if part]
    if failed:
        say(bad(f"✗ {found}{elsewhere}"))
    else:
        doubtful = any(fault.severity == "warning" for fault in examined.findings)
        show((warn if doubtful else good)(f"✓ {', '.join(parts)}{elsewhere}"))


def _json(examined: Examination, *, failed: bool) -> dict[str, Any]:
    return {
        "ok": not failed,
        "findings": [as_json(fault) for fault in examined.findings],
        "migrations": [
            {"name": verdicts.migration, "file": verdicts.file, "up": verdicts.up, "down": verdicts.down}
            for verdicts in examined.verdicts
        ],
    }
