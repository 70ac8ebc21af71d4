"""``migrate-spec init``."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import click

from migrate_spec.cli.output import good, show
from migrate_spec.errors import Fault, Place, SpecError
from migrate_spec.language import spec_schema
from migrate_spec.schema import DIALECT

SPEC = """\
# yaml-language-server: $schema=../../schemas/spec.schema.json
collection: note
prefix: "note:"                # its records are the keys from note: on
from: 1
to: 2
description: Notes get tags, and their text a better name.
steps:
  - rename: {txt: text}
  - default: {tags: []}
examples:                      # `migrate-spec validate` runs them
  - before: {txt: Buy milk}
    after: {schema_version: 2, text: Buy milk, tags: []}
"""

HOOK = """\
repos:
  - repo: local
    hooks:
      - id: migrate-spec
        name: migrate-spec validate
        entry: migrate-spec validate
        language: system
        files: ^(specs|schemas)/
        pass_filenames: false
"""


def _schema(fields: dict[str, object], required: list[str]) -> str:
    properties = {"schema_version": {"type": "integer"}, **fields}
    content = {"$schema": DIALECT, "type": "object", "properties": properties, "required": required}
    return json.dumps(content, indent=2) + "\n"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
def command(folder: Path) -> None:
    """Begin a project in FOLDER (this one by default): folders, a first spec with its schemas, an editor schema.

    Nothing that exists is overwritten.
    """
    text = {"type": "string"}
    files = {
        folder / "specs/note/v1_to_v2.yaml": SPEC,
        folder / "schemas/note/v1.json": _schema({"txt": text}, ["txt"]),
        folder / "schemas/note/v2.json": _schema(
            {"text": text, "tags": {"type": "array", "items": text}}, ["text", "tags"]
        ),
        folder / "schemas/spec.schema.json": json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n",
    }
    for taken in (folder / "specs", folder / "schemas"):
        if taken.exists():
            found, expected = "it exists already", "a folder without specs and schemas was expected"
            raise SpecError([Fault(found, expected, "name another folder", Place(str(taken)), "exists")])
    if not (folder / ".pre-commit-config.yaml").exists():
        files[folder / ".pre-commit-config.yaml"] = HOOK
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        show(f"  {file}")
    show(good("✓ A project with one spec; it is yours to change"))
    show(
        dedent("""
        migrate-spec validate          checks it
        migrate-spec plan DATABASE     shows what it would do
        migrate-spec apply DATABASE    does it""")
    )
