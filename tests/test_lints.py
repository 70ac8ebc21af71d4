"""What is odd about specs: the tables in ``lints/<code>.yaml``, and what a spec allows.

A row has the properties of the schemas ``before`` and ``after``, ``steps`` as they stand in a spec, and what it
``says``: each finding of the code with its line among the steps (0: above them). A property is a schema, or its types;
``!`` behind the name says that it is required. The schemas are closed, unless ``open`` says that they are not. The keys
``stamp``, ``allow`` and ``downgrade`` are those of the spec; records carry no stamp, but for those of a ``stamp``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.allowing import allowed
from migrate_spec.codec import Json
from migrate_spec.errors import Fault, Place
from migrate_spec.findings import FINDINGS, Finding
from migrate_spec.lints import all_checks, lints
from migrate_spec.migration import Migration
from migrate_spec.project import load
from migrate_spec.schema import Schema
from migrate_spec.spec import parse_spec
from migrate_spec.upkeep import project_findings
from migrate_spec.validation import validated
from tests import spec_of, yaml
from tests.conftest import SCHEMAS, SPECS

TABLES = Path(__file__).parent / "lints"
ROWS: list[tuple[str, dict[str, Any]]] = [
    (file.stem, row) for file in sorted(TABLES.glob("*.yaml")) for row in yaml(file.read_text("utf-8"), str(file))
]

SECONDS = 0.1
"""That a search for a counterexample may take."""


def schema(row: Mapping[str, Any], side: str) -> Schema:
    """A schema of a row."""
    given: dict[str, Any] = row[side]
    content: dict[str, Json] = (
        {"type": "object"} if row.get("open") else {"type": "object", "additionalProperties": False}
    )
    content |= {"properties": {name.rstrip("!"): _property(part) for name, part in given.items()}}
    content |= {"required": [name[:-1] for name in given if name.endswith("!")]}
    content |= {
        keyword: row[key] for key, keyword in (("patterns", "patternProperties"), ("defs", "$defs")) if key in row
    }
    return Schema(content, f"schemas/task/{side}.json")


def _property(given: Json) -> Json:
    return given if isinstance(given, dict) else {"type": given}


def migration(row: Mapping[str, Any]) -> tuple[Migration, int]:
    """The migration of a row, and the line in which its steps begin."""
    keys = {key: row[key] for key in ("allow", "downgrade") if key in row}
    head = {"collection": "task", "prefix": "task:", "from": 1, "to": 2, "stamp": row.get("stamp"), **keys}
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items()) + "steps:\n"
    steps = "".join(f"  {line}\n" for line in row["steps"].splitlines())
    before, after = schema(row, "before"), schema(row, "after")
    spec, faults = parse_spec(text + steps, "spec.yaml")
    assert [str(fault) for fault in faults] == []
    assert spec is not None
    bound, faults = spec.bound(before, after, Path(__file__).parent)
    assert [str(fault) for fault in faults] == []
    return Migration(bound, before, after), len(head) + 1


def findings(row: Mapping[str, Any], code: str) -> list[str]:
    """What is found of a code, each with its line."""
    made, first = migration(row)
    by_verdict = code == "unused-allow"
    said = validated(made, seconds=SECONDS).findings if by_verdict else lints(made)
    found = [fault for fault in said if fault.code == code and not allowed(made.spec, fault)]
    return [f"{max(_line(fault) - first, 0)}: {replace(fault, where=None)}" for fault in found]


def _line(fault: Fault) -> int:
    assert isinstance(fault.where, Place)
    return fault.where.line


@pytest.mark.parametrize(("code", "row"), ROWS, ids=[f"{code}: {row['name']}" for code, row in ROWS])
def test_what_is_found(code: str, row: dict[str, Any]) -> None:
    """All that is found of the code, in its line and in whole sentences; and nothing more."""
    assert findings(row, code) == row.get("says", [])


@pytest.mark.parametrize("code", sorted({code for code, _ in ROWS}))
def test_each_code_has_its_rows(code: str) -> None:
    """Six specs and more of which nothing is to be said, and as many of which something is."""
    rows = [row for other, row in ROWS if other == code]
    assert len([row for row in rows if "says" in row]) >= 6
    assert len([row for row in rows if "says" not in row]) >= 6


def test_each_check_has_a_code() -> None:
    """A check is called as what it finds, and has a table."""
    assert set(all_checks()) <= set(FINDINGS)
    assert set(all_checks()) <= {code for code, _ in ROWS}


EXAMPLES = {code: finding for code, finding in FINDINGS.items() if finding.example}


@pytest.mark.parametrize(("code", "finding"), EXAMPLES.items(), ids=EXAMPLES)
def test_an_example_is_true(code: str, finding: Finding) -> None:
    """In the example of a code it is found, and nothing else that is as grave."""
    example = yaml(cleandoc(finding.example), "findings.py")
    before, after = (Schema(example[side], f"schemas/task/{side}.json") for side in ("before", "after"))
    found = validated(Migration(spec_of(example["steps"], stamp=None), before, after), seconds=SECONDS).findings
    assert [fault.code for fault in found if fault.severity == finding.severity and fault.code != "loss"] == (
        [code] if code != "loss" else []
    )
    assert code in {fault.code for fault in found}


def test_the_shipped_specs_are_proved_and_not_odd() -> None:
    """Of the specs that ship there is nothing to say that would be a fault."""
    project = load(SPECS, SCHEMAS)
    for one in project.registry:
        report = validated(one)
        assert (report.up.kind, [fault for fault in report.findings if fault.severity != "info"]) == ("proved", [])
    assert list(project_findings(project.registry, SPECS, SCHEMAS)) == []


def test_what_is_odd_is_told_without_hypothesis() -> None:
    """To look at specs about which there is nothing to say imports nothing that is slow to start."""
    code = f"""
import sys
from migrate_spec.lints import lints
from migrate_spec.project import load
assert all(fault.code == "loss" for one in load({str(SPECS)!r}, {str(SCHEMAS)!r}).registry for fault in lints(one))
print([name for name in ("hypothesis", "rocksdict", "jsonschema") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ---------------------------------------------------------------------------------------------------------- allow

HEAD = 'collection: task\nprefix: "task:"\nfrom: 1\nto: 2\n'

OF_STEPS = "irreversible, loss, no-effect, overwritten, refuses, refuted, refuted-downgrade, "
AT_A_STEP = f"one of {OF_STEPS}table-incomplete, unknown-path was expected"
AT_THE_TOP = (
    f"one of {OF_STEPS}released-changed, schema-unchanged, table-incomplete, unknown-path, unproved, "
    "unproved-downgrade was expected"
)

REFUSED = {
    "allow: {loss: ''}\nsteps: []": '5:15: a text "" was found, a text that is not empty was expected',
    "allow: {}\nsteps: []": "5:8: an object with no entries was found, at least 1 was expected",
    "allow: loss\nsteps: []": '5:8: a text "loss" was found, an object was expected',
    "steps: [{add: {a: 1}, allow: {lost: why}}]": (
        f"5:31: the unknown key 'lost' was found, {AT_A_STEP}; did you mean 'loss'?"
    ),
    "steps: [{add: {a: 1}, allow: {unproved: why}}]": f"5:31: the unknown key 'unproved' was found, {AT_A_STEP}",
    "allow: {unused-allow: why}\nsteps: []": f"5:9: the unknown key 'unused-allow' was found, {AT_THE_TOP}",
    "allow: {schema-without-spec: why}\nsteps: []": (
        f"5:9: the unknown key 'schema-without-spec' was found, {AT_THE_TOP}"
    ),
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items(), ids=[repr(text) for text in REFUSED])
def test_what_cannot_be_allowed(text: str, sentence: str) -> None:
    """A finding that there is not, one that has no place there, and one without a reason."""
    _, faults = parse_spec(HEAD + text, "f.yaml")
    assert [str(fault).removeprefix("f.yaml:") for fault in faults] == [sentence]


def test_what_is_allowed_is_no_part_of_the_meaning() -> None:
    """A spec that was applied can be allowed more afterwards."""
    bare, allowing = (
        spec_of([{"add": {"a": 1}} | step], **keys)
        for step, keys in (({}, {}), ({"allow": {"loss": "it is meant"}}, {"allow": {"no-effect": "so it is"}}))
    )
    assert bare == allowing
    assert bare.text == allowing.text
