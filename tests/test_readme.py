"""The README: what it shows is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import click

from migrate_spec.cli.group import cli
from migrate_spec.operations import all_operations
from migrate_spec.record_operations import all_record_operations
from migrate_spec.spec import parse_spec

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
    assert str(faults[0]) in README


def test_the_commands_it_names_exist() -> None:
    """Every `migrate-spec COMMAND` in the text is a command."""
    named = set(re.findall(r"migrate-spec ([a-z]+)\b", README))
    assert named - {"makes"} <= set(cli.list_commands(click.Context(cli)))
