"""The README: what it shows is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from migrate_spec.cli.findings import as_text
from migrate_spec.cli.group import cli
from migrate_spec.operations import all_operations
from migrate_spec.record_operations import all_record_operations
from migrate_spec.spec import parse_spec
from tests.cli_support import cli as run

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_every_operation_has_a_row() -> None:
    """The tables of the language have each operation once, and none that does not exist."""
    rows = re.findall(r"^\| \[`(\w+)`\]", README, re.MULTILINE)
    assert rows == [*all_operations(), *all_record_operations()]


def test_the_first_spec_is_one() -> None:
    """The spec that a newcomer reads first is without fault."""
    block = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert block is not None
    spec, faults = parse_spec(block[1], "specs/task/v1_to_v2.yaml")
    assert faults == []
    assert spec is not None
    assert spec.name == "task v1→v2"


def test_the_error_it_quotes_is_real() -> None:
    """The sentence shown for a mistyped operation is the one that `validate` prints."""
    text = 'collection: note\nprefix: "note:"\nfrom: 1\nto: 2\n\n\nsteps:\n  - renam: {txt: text}\n'
    _, faults = parse_spec(text, "specs/note/v1_to_v2.yaml")
    assert len(faults) == 1
    assert click.unstyle(as_text(faults[0])) in README


def test_the_refutation_it_shows_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it shows of `validate` is what `validate` prints of the spec that it tells of, but for remarks."""
    block = re.search(r"```\n(specs/note/.*?)```", README, re.DOTALL)
    assert block is not None
    monkeypatch.chdir(tmp_path)
    priority = {"enum": ["low", "high"]}
    text = {"type": "string"}
    write(tmp_path, 1, {"titel": text, "priority": priority}, ["titel"])
    stamped = {"schema_version": {"const": 2}, "title": text, "priority": priority}
    write(tmp_path, 2, stamped, ["schema_version", "title", "priority"])
    steps = "steps:\n  - rename: {titel: title}\n  - default: {priority: none}\n"
    spec = f'collection: note\nprefix: "note:"\nfrom: 1\nto: 2\ndescription: Notes have a priority.\n{steps}'
    (tmp_path / "specs" / "note").mkdir(parents=True)
    (tmp_path / "specs" / "note" / "v1_to_v2.yaml").write_text(spec, "utf-8")
    done = run("validate")
    shown = [line for line in done.out.splitlines() if ": info: " not in line]
    assert shown == block[1].splitlines()
    assert done.code == 1


def write(folder: Path, version: int, properties: dict[str, Any], required: list[str]) -> None:
    """A schema of notes, closed."""
    content = {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
    file = folder / "schemas" / "note" / f"v{version}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), "utf-8")


def test_the_commands_it_names_exist() -> None:
    """Every `migrate-spec COMMAND` in the text is a command."""
    named = set(re.findall(r"migrate-spec ([a-z]+)\b", README))
    assert named - {"makes"} <= set(cli.list_commands(click.Context(cli)))
