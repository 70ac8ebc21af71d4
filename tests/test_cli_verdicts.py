"""What ``validate`` says of the verdicts: as text, as JSON, and by its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli_support import cli, document

TEXT = {"type": "string"}
SPEC = 'collection: note\nprefix: "note:"\nfrom: 1\nto: 2\nstamp: null\ndescription: Notes change.\n'


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    """A schema of notes with these fields and no other."""
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def project(folder: Path, before: Any, steps: str, after: Any) -> None:
    """A project of one spec in a folder."""
    for kind in ("specs", "schemas"):
        (folder / kind / "note").mkdir(parents=True)
    (folder / "specs" / "note" / "v1_to_v2.yaml").write_text(f"{SPEC}steps:\n{steps}", "utf-8")
    for version, content in ((1, before), (2, after)):
        (folder / "schemas" / "note" / f"v{version}.json").write_text(json.dumps(content), "utf-8")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_proved(tmp_path: Path) -> None:
    """A line for each step; nothing else is worth a word."""
    project(tmp_path, closed(["a"], a=TEXT), "  - rename: {a: b}\n", closed(["b"], b=TEXT))
    done = cli("validate")
    assert done == (
        0,
        "note v1→v2  up: proved, down: proved\n✓ 1 spec up to version 2, nothing wrong\n",
        "",
    )


def test_refuted(tmp_path: Path) -> None:
    """The smallest document, what became of it, what that breaks and where to look; and the way back by itself."""
    project(tmp_path, closed([], a=TEXT), "  - rename: {a: b}\n", closed(["b"], b=TEXT))
    done = cli("validate")
    assert (done.code, done.err) == (1, "✗ 1 error\n")
    assert done.out.splitlines() == [
        "specs/note/v1_to_v2.yaml:8:14: error: {}, which fits schemas/note/v1.json, becomes {}: no 'b' was found, "
        "it is required (`required` in schemas/note/v2.json) [refuted]",
        "# note v1→v2, the way up: paste it under `examples:` and mend what came out",
        "- before: {}",
        "  after: {}",
        "note v1→v2  up: refuted, down: proved",
    ]


def test_refuted_as_json(tmp_path: Path) -> None:
    """Programs get the facts."""
    project(tmp_path, closed([], a=TEXT), "  - rename: {a: b}\n", closed([], b={"type": "string", "maxLength": 3}))
    (migration,) = document("validate", code=1)["migrations"]
    assert migration["up"]["verdict"] == "refuted"
    assert migration["up"]["tried"] > 0
    assert migration["up"]["counterexample"] == {
        "before": {"a": "aaaa"},
        "after": {"b": "aaaa"},
        "keyword": "maxLength",
        "path": "b",
        "line": 8,
    }
    assert migration["down"] == {"verdict": "proved", "tried": 0, "why": "", "counterexample": None}


def test_refuted_by_a_field_that_an_open_schema_lets_in(tmp_path: Path) -> None:
    """Then it is said how to keep such fields out."""
    before = {"type": "object", "properties": {"a": TEXT}}
    project(tmp_path, before, "  - default: {n: 0}\n", {"type": "object", "properties": {"n": {"type": "integer"}}})
    assert (
        "an integer was expected (`type` in schemas/note/v2.json); schemas/note/v1.json lets in fields that it does "
        "not name: close it, or use `add`, which refuses them [refuted]"
    ) in cli("validate").out


def test_refuted_on_the_way_back(tmp_path: Path) -> None:
    """A warning: who never goes back need not care."""
    project(tmp_path, closed([], a={"enum": [1]}), "  - default: {a: 1}\n", closed(["a"], a={"enum": [1, 2]}))
    done = cli("validate")
    assert done.code == 0
    assert 'warning: {"a": 2}, which fits schemas/note/v2.json, becomes {"a": 2}: an integer 2 was found at' in done.out
    assert cli("validate", "--strict").code == 1


def test_unknown(tmp_path: Path) -> None:
    """What was in the way, and how many documents were tried; a warning, which fails with ``--strict``."""
    pattern = {"type": "string", "pattern": "^[a-z ]*$"}
    steps = "  - replace: {a: {pattern: '[^a-z]', with: '', reverse: {pattern: '^x', with: y}}}\n"
    project(tmp_path, closed(["a"], a=TEXT), steps, closed(["a"], a=pattern))
    done = cli("validate", "--seconds", "0.2")
    assert done.code == 0
    assert "warning: no proof was found that what the steps make fits schemas/note/v2.json, none of " in done.out
    assert " documents broke it; in the way: `pattern` at /properties/a [unproved]" in done.out
    assert "note v1→v2  up: unknown, down: proved" in done.out
    assert cli("validate", "--seconds", "0.2", "--strict").code == 1


def test_no_way_back(tmp_path: Path) -> None:
    """Then there is no verdict on it."""
    project(tmp_path, closed([], a=TEXT), "  - remove: [a]\n", closed([]))
    assert "note v1→v2  up: proved, down: irreversible" in cli("validate").out
