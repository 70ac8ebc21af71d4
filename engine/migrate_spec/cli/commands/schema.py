"""``migrate-spec schema``."""

from __future__ import annotations

import json

import click

from migrate_spec.cli.options import json_option
from migrate_spec.cli.output import emit_json, good, show
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.grammar import spec_schema

FILE = "spec.schema.json"


@click.command()
@click.option("--stdout", is_flag=True, help="Print it instead.")
@json_option
@with_project
def command(settings: Settings, *, stdout: bool, as_json: bool) -> None:
    """Write the JSON Schema of the spec language, for editors.

    It goes into the folder of schemas. The first line of a spec names it: `# yaml-language-server:
    $schema=../../schemas/spec.schema.json`.
    """
    if stdout:
        emit_json(spec_schema())
        return
    file = settings.schemas / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if as_json:
        emit_json({"file": str(file)})
    else:
        show(good(f"✓ {file} written"))
