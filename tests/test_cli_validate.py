"""``migrate-spec validate``: all findings of all files, sorted, for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli_support import MERIDIAN, Done, cli, document, place, refusal

SPEC = "specs/note/v1_to_v2.yaml"

BROKEN = """\
collection: note
prefix: "note:"
from: 1
to: 2
steps:
  - renam: {txt: text}
  - default: {tags: []}
  - rename: {txt: 3}
"""

MISPLACED = (
    "schemas/note/first.json:1:1: a file called first.json was found here, <collection>/vN.json was expected; "
    "rename or move it"
)
MISTYPED = (
    "specs/note/v1_to_v2.yaml:6:5: the unknown operation 'renam' was found, an operation was expected; "
    "did you mean 'rename'?"
)
NUMBER = "specs/note/v1_to_v2.yaml:8:19: an integer 3 was found, a text was expected"


def finding(sentence: str, code: str) -> dict[str, Any]:
    """A sentence as a finding."""
    file, line, column, message = sentence.split(":", 3)
    shown = {"file": file, "line": int(line), "column": int(column), "code": code}
    return shown | {"severity": "error", "message": message[1:]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without fault; the test is in its folder."""
    monkeypatch.chdir(tmp_path)
    cli("init")
    return tmp_path


@pytest.fixture
def broken(project: Path) -> Path:
    """A project with two faults in its spec and one among its schemas."""
    (project / SPEC).write_text(BROKEN, "utf-8")
    (project / "schemas/note/first.json").touch()
    return project


def test_what_ships_is_without_fault() -> None:
    """The specs and schemas of this repository pass."""
    assert cli("validate", *MERIDIAN) == Done(0, "✓ 3 specs up to version 3, nothing wrong\n")
    assert document("validate", *MERIDIAN) == {"ok": True, "findings": []}


@pytest.mark.usefixtures("broken")
def test_all_findings() -> None:
    """Every fault of every file is told, sorted by file, line and column; how many they are stands beside it."""
    assert cli("validate") == Done(1, f"{MISPLACED}\n{MISTYPED}\n{NUMBER}\n", "✗ 3 errors\n")


@pytest.mark.usefixtures("broken")
def test_all_findings_as_json() -> None:
    """The same as one document, with the place apart from the sentence."""
    assert document("validate", code=1) == {
        "ok": False,
        "findings": [
            finding(MISPLACED, "file-name"),
            finding(MISTYPED, "unknown-operation"),
            finding(NUMBER, "spec-type"),
        ],
    }


@pytest.mark.usefixtures("broken")
def test_of_one_file() -> None:
    """With a file only what concerns it is told; what is wrong elsewhere is counted."""
    assert cli("validate", SPEC) == Done(1, f"{MISTYPED}\n{NUMBER}\n", "✗ 2 errors (1 error in other files)\n")
    assert document("validate", SPEC, code=1) == {
        "ok": False,
        "findings": [finding(MISTYPED, "unknown-operation"), finding(NUMBER, "spec-type")],
    }
    assert cli("validate", "schemas/note/v1.json") == Done(0, "✓ nothing wrong (3 errors in other files)\n")


@pytest.mark.usefixtures("broken")
def test_of_a_folder() -> None:
    """A folder stands for all files in it, however it is written."""
    assert cli("validate", "schemas/../schemas") == Done(1, f"{MISPLACED}\n", "✗ 1 error (2 errors in other files)\n")


@pytest.mark.usefixtures("project")
def test_of_files_without_fault() -> None:
    """Where nothing is wrong at all, that is said with or without files."""
    assert cli("validate", SPEC, "schemas") == Done(0, "✓ 1 spec up to version 2, nothing wrong\n")


def test_of_a_file_that_is_none(project: Path) -> None:
    """A mistyped file, or one of another project, is a wrong use: nothing would ever be found wrong with it."""
    usage = (
        "Usage: migrate-spec validate [OPTIONS] [FILE]...\nTry 'migrate-spec validate --help' for help.\n\n"
        "Error: Invalid value for '[FILE]...': "
    )
    assert cli("validate", "specs/nota") == Done(2, "", f"{usage}Path 'specs/nota' does not exist.\n")
    assert cli("validate", "--specs", "specs/note", "specs") == Done(
        2,
        "",
        f"{usage}'specs' lies neither in the folder of specs (specs/note) nor in that of schemas (schemas).\n",
    )
    assert project.is_dir()


@pytest.mark.usefixtures("project")
def test_an_example_that_does_not_hold() -> None:
    """The examples are carried out, and the difference is told with its place."""
    text = Path(SPEC).read_text("utf-8").replace("after: {schema_version: 2, text: Buy milk", "after: {text: Buy")
    Path(SPEC).write_text(text, "utf-8")
    assert cli("validate") == Done(
        1,
        f'{SPEC}:11:5: "Buy milk" came out at \'text\', "Buy" was expected by `after`; mend the example or the steps\n',
        "✗ 1 error\n",
    )


def test_without_specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no specs at all, the way to get some is told; so it is by the commands that need them."""
    monkeypatch.chdir(tmp_path)
    sentence = (
        "specs:1:1: no such folder was found, a folder with <collection>/vN_to_vM.yaml was expected; "
        "`migrate-spec init` makes one, --specs names another"
    )
    assert cli("validate") == Done(1, f"{sentence}\n", "✗ 1 error\n")
    assert document("validate", code=1) == {"ok": False, "findings": [finding(sentence, "specs-missing")]}
    assert cli("status", "db") == Done(1, "", f"✗ {sentence}\n")
    assert refusal("status", "db") == {
        "code": "spec-invalid",
        "message": "1 error in the specs and schemas; nothing was changed",
        "where": place(),
        "details": [{"code": "specs-missing", "message": sentence, "where": place("specs", 1, 1)}],
    }


@pytest.mark.usefixtures("broken")
def test_broken_specs_stop_every_command_that_needs_them() -> None:
    """All faults are told, each marked, before the database is even looked for."""
    for command in ("plan", "apply", "status"):
        assert cli(command, "db") == Done(1, "", f"✗ {MISPLACED}\n✗ {MISTYPED}\n✗ {NUMBER}\n")
        assert [detail["message"] for detail in refusal(command, "db")["details"]] == [MISPLACED, MISTYPED, NUMBER]
