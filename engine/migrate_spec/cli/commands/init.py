"""``migrate-spec init``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from migrate_spec.cli.options import debug_option, folder_type, json_option
from migrate_spec.cli.output import counted, emit_json, good, show
from migrate_spec.errors import Fault, SpecError
from migrate_spec.grammar import spec_schema
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
  - add: {tags: []}
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
    content = {
        "$schema": DIALECT,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return json.dumps(content, indent=2) + "\n"


@click.command()
@click.argument("folder", type=folder_type, default=Path())
@json_option
@debug_option
def command(folder: Path, *, as_json: bool) -> None:
    """Begin a project in FOLDER, by default in this one.

    Writes a first spec with its schemas, the schema of the spec language for editors, and an entry for pre-commit.
    Nothing that exists is overwritten.
    """
    for taken in (folder / "specs", folder / "schemas"):
        if taken.exists():
            found, expected = "it exists already", "a folder without specs and schemas was expected"
            raise SpecError([Fault(found, expected, "name another folder", str(taken), "exists")])
    files = _files(folder)
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    if as_json:
        emit_json({"files": [str(file) for file in files]})
    else:
        _show(folder, list(files))


def _files(folder: Path) -> dict[Path, str]:
    """What a new project consists of."""
    text = {"type": "string"}
    files = {
        folder / "specs/note/v1_to_v2.yaml": SPEC,
        folder / "schemas/note/v1.json": _schema({"txt": text}, ["txt"]),
        folder / "schemas/note/v2.json": _schema(
            {"text": text, "tags": {"type": "array", "items": text}}, ["text", "tags"]
        ),
        folder / "schemas/spec.schema.json": json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n",
    }
    if not (folder / ".pre-commit-config.yaml").exists():
        files[folder / ".pre-commit-config.yaml"] = HOOK
    return files


def _show(folder: Path, files: list[Path]) -> None:
    show(good(f"✓ {counted(len(files), 'file')} of a project with one spec, which is yours to change:"))
    for file in files:
        show(f"   {file}")
    show()
    if folder.resolve() != Path.cwd():
        show(f"cd {shlex.quote(str(folder))}")
    show("migrate-spec validate          checks it")
    show("migrate-spec plan DATABASE     shows what it would do")
    show("migrate-spec apply DATABASE    does it")
