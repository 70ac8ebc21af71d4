"""``migrate-spec validate``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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
    from migrate_spec.proof import Verdict
    from migrate_spec.validation import Report


@dataclass(frozen=True)
class Examination:
    """What `validate` has to say.

    Attributes:
        summary: what the project is, in words.
        findings: what is wrong with it, or worth knowing.
        reports: what was found out about its version steps.
    """

    summary: str = ""
    findings: Sequence[Fault] = ()
    reports: Sequence[Report] = ()


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[FILE]...")
@click.option("--strict", is_flag=True, help="Let warnings fail, too.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="How long to search for a document that breaks a step, each way, where there is no proof.",
)
@format_option
@with_project
def command(settings: Settings, files: tuple[Path, ...], output: str, *, strict: bool, seconds: float) -> int:
    """Check specs, schemas and examples, and prove each step.

    No database is needed. A step is proved where all that it makes of the documents of the schema before must fit the
    schema after; refuted where a document shows that it does not; else documents are made and tried.

    With FILEs (or folders) only what concerns these is reported; all are read all the same. Warnings do not fail
    without --strict.
    """
    _refuse_strangers(files, settings)
    examined = _examined(settings, seconds)
    here = Examination(
        examined.summary,
        [fault for fault in examined.findings if not files or _concerns(fault.where, files)],
        [report for report in examined.reports if not files or _concerns(report.migration.spec.place(), files)],
    )
    elsewhere = tally(fault for fault in examined.findings if fault not in here.findings)
    failing = {"error", "warning"} if strict else {"error"}
    failed = any(fault.severity in failing for fault in here.findings)
    if output == "json":
        emit_json(_json(here, failed=failed))
    else:
        _show(here, f" ({elsewhere} in other files)" if elsewhere else "", failed=failed, github=output == "github")
    return 1 if failed else 0


def _examined(settings: Settings, seconds: float) -> Examination:
    """The whole project, loaded and looked into."""
    from migrate_spec.upkeep import project_findings  # noqa: PLC0415 - slow to import, and not needed for help
    from migrate_spec.validation import validated  # noqa: PLC0415

    try:
        project = settings.project()
        of_files = list(project_findings(project.registry, settings.specs, settings.schemas))
    except SpecError as error:
        return Examination(findings=error.faults)
    reports = [validated(migration, seconds=seconds) for migration in project.registry]
    summary = f"{counted(len(reports), 'spec')} up to version {project.version}"
    findings = [*of_files, *(fault for report in reports for fault in report.findings)]
    return Examination(summary, sorted(findings, key=by_place), reports)


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
    for report in examined.reports:
        for verdict in (report.up, report.down):
            if verdict.counterexample is not None and not github:
                _show_example(report, verdict)
    width = max((len(report.migration.name) for report in examined.reports), default=0)
    for report in examined.reports:
        show(f"{report.migration.name:{width}}  up: {_shown(report.up)}, down: {_shown(report.down)}")
    found = tally(examined.findings)
    parts = [part for part in (examined.summary, found or "nothing wrong") if part]
    if failed:
        say(bad(f"✗ {found}{elsewhere}"))
    else:
        doubtful = any(fault.severity == "warning" for fault in examined.findings)
        show((warn if doubtful else good)(f"✓ {', '.join(parts)}{elsewhere}"))


def _shown(verdict: Verdict) -> str:
    colours: dict[str, Callable[[str], str]] = {"proved": good, "refuted": bad, "unknown": warn}
    return colours.get(verdict.kind, str)(verdict.kind)


def _show_example(report: Report, verdict: Verdict) -> None:
    """A counterexample as an example of the spec, with what is wrong with it."""
    found = verdict.counterexample
    if found is None:
        return
    before, after = (found.after, found.before) if verdict.backwards else (found.before, found.after)
    here = "way back" if verdict.backwards else "way up"
    show(f"# {report.migration.name}, the {here}: paste it under `examples:` and mend what came out")
    show(f"- before: {_dumped(before)}\n  after: {_dumped(after)}")


def _dumped(document: Any) -> str:
    """A document in one line of JSON, which is YAML as well."""
    return json.dumps(document, ensure_ascii=False)


def _json(examined: Examination, *, failed: bool) -> dict[str, Any]:
    return {
        "ok": not failed,
        "findings": [as_json(fault) for fault in examined.findings],
        "migrations": [
            {
                "name": report.migration.name,
                "file": report.migration.spec.place().file,
                "up": _verdict(report.up),
                "down": _verdict(report.down),
            }
            for report in examined.reports
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    found = verdict.counterexample
    counterexample = found and {
        "before": found.before,
        "after": found.after,
        "keyword": found.mismatch.keyword,
        "path": found.mismatch.where,
        "line": found.place.line,
    }
    return {"verdict": verdict.kind, "tried": verdict.tried, "why": verdict.why, "counterexample": counterexample}
