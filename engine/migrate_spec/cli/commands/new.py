"""``migrate-spec new``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate_spec.cli.dialogue import Asking, is_terminal
from migrate_spec.cli.options import folder_type, json_option, version
from migrate_spec.cli.output import bad, counted, emit_json, good, say, show, warn
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.draft import Decisions, Draft, Following, Gap, draft, find_gap, following
from migrate_spec.errors import Fault, PathError, SpecError
from migrate_spec.freeze import load_model, schema_text
from migrate_spec.migration import Migration
from migrate_spec.path import Path as FieldPath
from migrate_spec.spec import parse_spec

if TYPE_CHECKING:
    from migrate_spec.proof import Verdict

EDITOR_SCHEMA = "spec.schema.json"


def _renames(texts: Sequence[str]) -> dict[FieldPath, FieldPath]:
    """The renames that were asked for."""
    found: dict[FieldPath, FieldPath] = {}
    for text in texts:
        old, equals, new = text.partition("=")
        if not equals or not old or not new:
            raise click.BadParameter(f"{text!r} was found, old=new was expected.", param_hint="'--rename'")
        try:
            source, target = FieldPath.parse(old), FieldPath.parse(new)
        except PathError as error:
            raise click.BadParameter(f"{error}.", param_hint="'--rename'") from None
        if source in found or target in found.values():
            raise click.BadParameter(f"{text!r} names a field that another one names, too.", param_hint="'--rename'")
        found[source] = target
    return found


@click.command()
@click.argument("collection")
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="A field and what it is now; paths, too.")
@click.option("--db", "database", type=folder_type, metavar="DIR", help="Look at the values stored there. Only read.")
@click.option("--prefix", default="", help="What the records' keys begin with.  [default: as before, or COLLECTION:]")
@click.option("--from-model", "model", metavar="MODULE:CLASS", help="Write the next schema first, from this class.")
@click.option("--to", type=version, help="The version of that schema.  [default: the next one of the project]")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a version step is missing.")
@click.option("--dry-run", is_flag=True, help="Print what would be written.")
@json_option
@with_project
def command(
    settings: Settings,
    collection: str,
    renames: Sequence[str],
    database: Path | None,
    prefix: str,
    model: str | None,
    to: int | None,
    *,
    check: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Draft the spec that leads to COLLECTION's newest schema.

    It is made of the difference between the two schemas. What they leave open is asked for on a terminal, and is a
    comment that begins with TODO elsewhere. A class can be a pydantic model, a dataclass, an attrs class, a TypedDict or
    a msgspec Struct; its module is imported from the current folder.
    """
    if to is not None and model is None:
        raise click.UsageError("--to is of use beside --from-model only: else the schema's file names the version.")
    decided = _renames(renames)
    next_one = _followed(settings, collection, model, to)
    if check:
        return _check(settings, collection, model, next_one, as_json=as_json)
    gap = next_one.gap if next_one else find_gap(settings.specs, settings.schemas, collection)
    asking = Asking() if is_terminal() and not as_json else None
    decisions = Decisions(decided, asking) if asking else Decisions(decided)
    made = draft(gap, decisions, prefix, database) if gap else None
    description = "" if made is None else asking.describe(made.sentence) if asking else made.sentence
    files = dict(_files(settings, next_one, made, description))
    if not dry_run:
        _write(files)
    verdict = _verdict(made, description, settings) if made else None
    shown = _json(made, verdict, files, written=not dry_run)
    if as_json:
        emit_json(shown)
    elif dry_run:
        show("\n".join(files.values()).removesuffix("\n"))
    else:
        _show(shown)
    return 0
