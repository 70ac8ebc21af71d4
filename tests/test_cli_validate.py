"""``migrate-spec validate``: all findings of all files, sorted, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli_support import MERIDIAN, Done, cli, document, place, refusal
from tests.conftest import SPECS

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


def line(sentence: str, code: str) -> str:
    """A sentence as a line of text."""
    file, number, column, message = sentence.split(":", 3)
    return f"{file}:{number}:{column}: error:{message} [{code}]\n"


def command(sentence: str, code: str) -> str:
    """A sentence as a command for GitHub."""
    file, number, column, message = sentence.split(":", 3)
    return f"::error file={file},line={number},col={column},title={code}::{message[1:]}\n"


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


def test_what_ships_is_proved() -> None:
    """The specs and schemas of this repository are proved both ways, and there is nothing else to say of them."""
    lines = (
        "episode v2→v3  up: proved, down: proved\n"
        "symbol v2→v3   up: proved, down: proved\n"
        "task v1→v2     up: proved, down: proved\n"
        "✓ 3 specs up to version 3, nothing wrong\n"
    )
    assert cli("validate", "--strict", *MERIDIAN) == Done(0, lines)
    proved = {"verdict": "proved", "tried": 0, "why": "", "counterexample": None}
    assert document("validate", *MERIDIAN) == {
        "ok": True,
        "findings": [],
        "migrations": [
            {"name": name, "file": str(SPECS / file), "up": proved, "down": proved}
            for name, file in (
                ("episode v2→v3", "episode/v2_to_v3.yaml"),
                ("symbol v2→v3", "symbol/v2_to_v3.yaml"),
                ("task v1→v2", "task/v1_to_v2.yaml"),
            )
        ],
    }


@pytest.fixture
def doubtful(project: Path) -> Path:
    """A project that has no fault, and a way back that leaves what the older schema does not know."""
    text = (project / SPEC).read_text("utf-8")
    (project / SPEC).write_text(text.replace("- add: {tags", "- default: {tags"), "utf-8")
    return project


LOSS = (
    "at 'tags' something was found that does not come back: which records had nothing there; "
    "say `allow: {loss: why}` where that is meant"
)
REFUTED = (
    '{"schema_version": 2, "text": "", "tags": []}, which fits schemas/note/v2.json, becomes {"txt": "", "tags": []}: '
    "the unknown key 'tags' was found, one of schema_version, txt was expected "
    "(`additionalProperties` in schemas/note/v1.json)"
)
VERDICT = """\
# note v1→v2, the way back: paste it under `examples:` and mend what came out
- before: {"txt": "", "tags": []}
  after: {"schema_version": 2, "text": "", "tags": []}
note v1→v2  up: proved, down: refuted
"""


@pytest.mark.usefixtures("doubtful")
def test_warnings_and_remarks() -> None:
    """Neither fails; with --strict warnings do. What is refuted is shown as an example to begin with."""
    lines = f"{SPEC}:9:15: info: {LOSS} [loss]\n{SPEC}:9:15: warning: {REFUTED} [refuted-downgrade]\n{VERDICT}"
    assert cli("validate") == Done(0, f"{lines}✓ 1 spec up to version 2, 1 warning, 1 remark\n")
    assert cli("validate", "--strict") == Done(1, lines, "✗ 1 warning, 1 remark\n")


@pytest.mark.usefixtures("doubtful")
def test_a_verdict_as_json() -> None:
    """The counterexample is there with its keyword, its place in the document and its line in the spec."""
    answer = document("validate")
    assert answer["ok"] is True
    assert [(found["severity"], found["code"], found["message"]) for found in answer["findings"]] == [
        ("info", "loss", LOSS),
        ("warning", "refuted-downgrade", REFUTED),
    ]
    assert [migration["down"] for migration in answer["migrations"]] == [
        {
            "verdict": "refuted",
            "tried": 1,
            "why": "",
            "counterexample": {
                "before": {"schema_version": 2, "text": "", "tags": []},
                "after": {"txt": "", "tags": []},
                "keyword": "additionalProperties",
                "path": "",
                "line": 9,
            },
        }
    ]


@pytest.mark.usefixtures("broken")
def test_all_findings() -> None:
    """Every fault of every file is told, sorted by file, line and column; how many they are stands beside it."""
    lines = line(MISPLACED, "file-name") + line(MISTYPED, "unknown-operation") + line(NUMBER, "spec-type")
    assert cli("validate") == cli("validate", "--format", "text") == Done(1, lines, "✗ 3 errors\n")


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
        "migrations": [],
    }


@pytest.mark.usefixtures("broken")
def test_the_forms() -> None:
    """`--json` is a short form of `--format json`, and the last of several counts."""
    asked = cli("validate", "--json")
    assert cli("validate", "--format", "json") == cli("validate", "--format=json") == asked
    assert cli("validate", "--format", "github", "--json") == asked
    assert cli("validate", "--json", "--format", "text") == cli("validate")


@pytest.mark.parametrize("form", [["--json"], ["--format", "json"], ["--format=json"]])
def test_wrong_use_as_json(form: list[str]) -> None:
    """An error is one JSON document, too, however that is asked for."""
    done = cli("validate", *form, "--formt")
    assert (done.code, done.err) == (2, "")
    assert json.loads(done.out)["error"]["code"] == "usage"


@pytest.mark.usefixtures("broken")
def test_for_github(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow command a finding; files are named from the root of the repository, wherever the command runs."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    lines = command(MISTYPED, "unknown-operation") + command(NUMBER, "spec-type")
    assert cli("validate", "--format", "github", SPEC) == Done(1, lines, "✗ 2 errors (1 error in other files)\n")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.parent))
    assert cli("validate", "--format", "github", SPEC).out == lines.replace("=specs", f"={project.name}/specs")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project / "elsewhere"))
    assert cli("validate", "--format", "github", SPEC).out == lines


@pytest.mark.usefixtures("broken")
def test_of_one_file() -> None:
    """With a file only what concerns it is told; what is wrong elsewhere is counted."""
    lines = line(MISTYPED, "unknown-operation") + line(NUMBER, "spec-type")
    assert cli("validate", SPEC) == Done(1, lines, "✗ 2 errors (1 error in other files)\n")
    assert document("validate", SPEC, code=1) == {
        "ok": False,
        "findings": [finding(MISTYPED, "unknown-operation"), finding(NUMBER, "spec-type")],
        "migrations": [],
    }
    assert cli("validate", "schemas/note/v1.json") == Done(0, "✓ nothing wrong (3 errors in other files)\n")


@pytest.mark.usefixtures("broken")
def test_of_a_folder() -> None:
    """A folder stands for all files in it, however it is written."""
    done = cli("validate", "schemas/../schemas")
    assert done == Done(1, line(MISPLACED, "file-name"), "✗ 1 error (2 errors in other files)\n")


@pytest.mark.usefixtures("project")
def test_of_files_without_fault() -> None:
    """Where nothing is wrong at all, that is said with or without files."""
    assert cli("validate", SPEC, "schemas") == Done(
        0, "note v1→v2  up: proved, down: proved\n✓ 1 spec up to version 2, nothing wrong\n"
    )


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
        f'{SPEC}:11:5: error: "Buy milk" came out at \'text\', "Buy" was expected by `after`; '
        "mend the example or the steps [example-differs]\n",
        "✗ 1 error\n",
    )


def test_without_specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no specs at all, the way to get some is told; so it is by the commands that need them."""
    monkeypatch.chdir(tmp_path)
    sentence = (
        "specs:1:1: no such folder was found, a folder with <collection>/vN_to_vM.yaml was expected; "
        "`migrate-spec init` makes one, --specs names another"
    )
    assert cli("validate") == Done(1, line(sentence, "specs-missing"), "✗ 1 error\n")
    assert document("validate", code=1)["findings"] == [finding(sentence, "specs-missing")]
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
