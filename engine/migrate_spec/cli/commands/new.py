"""``migrate-spec new``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate_spec.cli import findings
from migrate_spec.cli.dialogue import Asking, is_terminal
from migrate_spec.cli.options import allow_pickle_option, folder_type, json_option, version
from migrate_spec.cli.output import bad, counted, emit_json, good, say, show, warn
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.draft import Decisions, Draft, Gap, draft, find_gap, following, nothing_to_do
from migrate_spec.errors import Fault, PathError, SpecError
from migrate_spec.freeze import load_model, schema_text
from migrate_spec.path import Path as FieldPath

if TYPE_CHECKING:
    from migrate_spec.validation import Report

EDITOR_SCHEMA = "spec.schema.json"
SECONDS = 1.0
"""For the search of a counterexample."""


@click.command()
@click.argument("collection")
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="A field and what it is now; paths, too.")
@click.option("--db", "database", type=folder_type, metavar="DIR", help="Look at the values stored there. Only read.")
@click.option("--prefix", default="", help="What the records' keys begin with.  [default: as before, or COLLECTION:]")
@click.option("--from-model", "model", metavar="MODULE:CLASS", help="Write the next schema first, from this class.")
@click.option("--to", type=version, help="The version of that schema.  [default: the next one of the project]")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a version step is missing.")
@click.option("--dry-run", is_flag=True, help="Print what would be written.")
@allow_pickle_option
@json_option
@with_project
def command(
    settings: Settings,
    *,
    collection: str,
    renames: Sequence[str],
    database: Path | None,
    allow_pickle: bool,
    prefix: str,
    model: str | None,
    to: int | None,
    check: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Draft the spec that leads to COLLECTION's newest schema.

    It is made of the difference between two schemas. What they leave open is asked for on a terminal, and is a comment
    that begins with TODO elsewhere. A class can be a pydantic model, a dataclass, an attrs class, a TypedDict or a
    msgspec Struct; its module is imported from the current folder.
    """
    if to is not None and model is None:
        raise click.UsageError("--to is for --from-model; else the file of the newest schema says which version it is.")
    decided = _renames(renames)
    gap = _gap(settings, collection, model, to)
    if check:
        return _check(collection, model, gap, as_json=as_json)
    if gap is None and model is None:
        raise SpecError([nothing_to_do(settings.specs, settings.schemas, collection)])
    asking = Asking() if is_terminal() and not as_json else None
    files: dict[Path, str] = {}
    if gap is not None and gap.is_frozen:
        files[Path(gap.after.file)] = schema_text(gap.after)
    made = text = None
    if gap is not None and gap.before is not None:
        decisions = Decisions(decided, asking) if asking else Decisions(decided)
        made = draft(gap, decisions, prefix, database, allow_pickle=allow_pickle)
        description = asking.describe(made.sentence) if asking else made.sentence
        text = files[gap.file] = made.text(description, settings.schemas / EDITOR_SCHEMA)
    report = _validated(made, text) if made and text and (as_json or not dry_run) else None
    if not dry_run:
        _write(files)
    if as_json:
        emit_json(_shown(files, made, report, written=not dry_run))
    elif dry_run:
        show("\n".join(files.values()).removesuffix("\n"))
    elif files:
        _show(files, made, report)
    else:
        show(good(f"✓ {collection}: nothing to do, as its newest schema says what {model} says"))
    return 0


def _renames(texts: Sequence[str]) -> dict[FieldPath, FieldPath]:
    """The renames that were asked for."""
    found: dict[FieldPath, FieldPath] = {}
    for text in texts:
        old, _, new = text.partition("=")
        if not old or not new:
            raise click.BadParameter(f"{text!r} was found, OLD=NEW was expected.", param_hint="'--rename'")
        try:
            source, target = FieldPath.parse(old), FieldPath.parse(new)
        except PathError as error:
            raise click.BadParameter(f"{error}.", param_hint="'--rename'") from None
        if source in found or target in found.values():
            raise click.BadParameter(f"{text!r} names a field that another one names, too.", param_hint="'--rename'")
        found[source] = target
    return found


def _gap(settings: Settings, collection: str, model: str | None, to: int | None) -> Gap | None:
    """The step that is missing."""
    if model is None:
        return find_gap(settings.specs, settings.schemas, collection)
    return following(settings.specs, settings.schemas, collection, load_model(model, Path.cwd()), to or 0)


def _check(collection: str, model: str | None, gap: Gap | None, *, as_json: bool) -> int:
    """Say whether each change has its version step."""
    fault = None if gap is None else _missing(collection, model, gap)
    if as_json:
        emit_json({"ok": fault is None, "findings": [] if fault is None else [fault.to_json()]})
    elif fault is not None:
        say(bad(f"✗ {fault}"))
    else:
        show(
            good(f"✓ {collection}: {f'its newest schema is what {model} says, and ' if model else ''}each has its spec")
        )
    return 0 if fault is None else 1


def _missing(collection: str, model: str | None, gap: Gap) -> Fault:
    call = f"`migrate-spec new {collection}{f' --from-model {model}' if model else ''}`"
    if not gap.is_frozen:
        found, expected = (
            f"the schema {gap.after.file} was found",
            f"the spec {gap.file} was expected, which leads to it",
        )
        return Fault(found, expected, f"{call} drafts it", None, "spec-missing")
    if gap.before is None:
        found, expected = f"{model} was found without a schema", f"{gap.after.file} was expected"
        return Fault(found, expected, f"{call} writes it", None, "schema-missing")
    found = f"{model} was found to have changed since {gap.before.file}"
    expected = f"{gap.after.file} and {gap.file} were expected"
    return Fault(found, expected, f"{call} writes them", None, "model-changed")


def _validated(made: Draft, text: str) -> Report:
    from migrate_spec.validation import validated  # noqa: PLC0415 - slow to import, and not needed for --check

    return validated(made.migration(text), seconds=SECONDS)


def _write(files: dict[Path, str]) -> None:
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:  # nobody's file is overwritten
            stream.write(text)


def _shown(files: dict[Path, str], made: Draft | None, report: Report | None, *, written: bool) -> dict[str, Any]:
    return {
        "written": written,
        "files": [{"file": str(file), "text": text} for file, text in files.items()],
        "todo": list(made.todo) if made else [],
        "verdicts": {"up": report.up.kind, "down": report.down.kind} if report else None,
        "findings": [findings.as_json(fault) for fault in report.findings] if report else [],
    }


def _show(files: dict[Path, str], made: Draft | None, report: Report | None) -> None:
    for file in files:
        show(good(f"✓ {file} written"))
    if made and made.todo:
        show(warn(f"! {counted(len(made.todo), 'thing')} left for you to decide:"))
        for remark in made.todo:
            show(f"   {remark}")
    if report:
        for fault in report.findings:
            show(findings.as_text(fault))
        if report.up.kind == "proved":
            show(good("✓ proved: what it makes of a valid record is valid"))
