"""``migrate-spec schema``."""

from __future__ import annotations

import json

import click

from migrate_spec.cli.output import good, show
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.language import spec_schema

FILE = "spec.schema.json"


@click.command()
@click.option("--stdout", is_flag=True, help="Print it instead.")
@with_project
def command(settings: Settings, *, stdout: bool) -> None:
    """Write the JSON Schema of the spec language into the folder of schemas, for editors.

    The first line of a spec names it: `# yaml-language-server: $schema=../../schemas/spec.schema.json`.
    """
    text = json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n"
    if stdout:
        click.echo(text, nl=False)
        return
    file = settings.schemas / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    show(good(f"✓ {file} written"))
