"""``migrate-spec test`` and the same as tests of pytest: what they run, what they print of a broken law, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.laws import LAWS
from migrate_spec.trials import generated, ways_of
from tests.cli_support import MERIDIAN, Done, cli, document, refusal, text
from tests.conftest import ROOT, Folder, compact, make, variables

NAMES = [law.name for law in LAWS]
OF_STEPS = [law.name for law in LAWS if law.of_steps]
OF_WAYS = [law.name for law in LAWS if law.of_ways]

TASK = {"type": "object", "additionalProperties": False, "required": ["status"]}
STAMP = {"schema_version": {"type": "integer"}}


def task(*status: str, **more: Any) -> dict[str, Any]:
    """A schema of tasks of these statuses."""
    return TASK | {"properties": STAMP | {"status": {"enum": list(status)}} | more}


@pytest.fixture
def wrong(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A project whose table has a value that the new schema does not know, in the folder where we are."""
    folder.schema("task", 1, task("open", "done")).schema("task", 2, task("OPEN", "DONE"))
    folder.spec("task", 1, {"map": {"status": {"open": "OPEN", "done": "Done"}}})
    monkeypatch.chdir(folder.specs.parent)
    return folder


@pytest.fixture
def right(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A project of two steps that keep all laws, the second without a way back, in the folder where we are."""
    number = {"size": {"const": 0}}
    folder.schema("task", 1, task("open")).schema("task", 2, task("open", **number)).schema("task", 3, task("open"))
    folder.spec("task", 1, {"add": {"size": 0}}).spec("task", 2, {"remove": ["size"]})
    monkeypatch.chdir(folder.specs.parent)
    return folder


TOLD = """\
task v1→v2 breaks the law 'typed': What comes out fits the schema of the new version.
  specs/task/v1_to_v2.yaml:1:82: a text "Done" was found at 'status', one of "OPEN", "DONE" was expected \
(by schemas/task/v2.json)
  before: {"status": "done"}
  after:  {"schema_version": 2, "status": "Done"}
  to reproduce: migrate-spec test specs/task/v1_to_v2.yaml --law typed --document '{"status": "done"}'
"""
INDENTED = "".join(f"  {line}\n" for line in TOLD.splitlines())
IRREVERSIBLE = (
    "specs/task/v2_to_v3.yaml:1:85: the removal of 'size' was found, a value to put back was expected; "
    "write `remove: {size: {restore: VALUE}}`"
)


def test_the_shipped_specs_keep_all_laws() -> None:
    """One line for each spec."""
    done = cli("test", "--documents", "30", *MERIDIAN)
    lines = [f"✓ {name}: 8 laws, 30 documents\n" for name in ("episode v2→v3", "symbol v2→v3", "task v1→v2")]
    assert done == Done(0, "".join(lines))


def test_a_broken_law(wrong: Folder) -> None:
    """The law, the line, the document before and after, and the command, which shows the same."""
    assert wrong.file("task", 1).is_file()
    assert cli("test") == Done(1, f"✗ task v1→v2: 8 laws, 200 documents\n{INDENTED}", "✗ 1 law broken\n")
    command = ["test", "specs/task/v1_to_v2.yaml", "--law", "typed", "--document", '{"status": "done"}']
    assert cli(*command) == Done(1, f"✗ task v1→v2: 1 law, 1 document\n{INDENTED}", "✗ 1 law broken\n")


def test_a_broken_law_as_json(wrong: Folder) -> None:
    """All that the text says, and the law that was tried."""
    found = document("test", "specs", "--law", "typed", "--law", "total", code=1)
    (trial,) = found["trials"]
    (failure,) = trial.pop("failures")
    assert found["ok"] is False
    assert trial == {
        "name": "task v1→v2",
        "files": [str(wrong.file("task", 1).relative_to(wrong.specs.parent))],
        "laws": ["total", "typed"],
        "left_out": [],
        "irreversible": None,
        "documents": 200,
        "refused": 0,
        "strangers": 0,
        "why": None,
    }
    assert failure.pop("fault")["where"] == {
        "file": "specs/task/v1_to_v2.yaml",
        "line": 1,
        "column": 82,
        "key": None,
    }
    assert failure == {
        "law": "typed",
        "words": "What comes out fits the schema of the new version.",
        "document": {"status": "done"},
        "documents": {"before": {"status": "done"}, "after": {"schema_version": 2, "status": "Done"}},
        "command": TOLD.splitlines()[-1].removeprefix("  to reproduce: "),
    }


@pytest.mark.usefixtures("right")
def test_whole_ways_and_what_has_no_way_back() -> None:
    """All steps of a collection are tried behind each other; laws about a way back that is not there are named."""
    left_out = f"  not tried: there-and-back, back-and-there, as there is no way back: {IRREVERSIBLE}"
    lines = ["✓ task v1→v2: 8 laws, 20 documents", "✓ task v2→v3: 6 laws, 20 documents", left_out]
    lines += ["✓ task v1→v3: 2 laws, 20 documents", left_out]
    assert cli("test", "--documents", "20") == Done(0, "".join(f"{line}\n" for line in lines))
    trials = document("test", "--documents", "5")["trials"]
    assert [trial["laws"] for trial in trials][2] == [name for name in OF_WAYS if "-and-" not in name]
    assert [trial["left_out"] for trial in trials][1:] == [["there-and-back", "back-and-there"]] * 2


@pytest.mark.usefixtures("right")
def test_only_the_specs_that_are_named() -> None:
    """A spec and the ways that it is a part of; a law that is not about a way leaves nothing to try on it."""
    names = [trial["name"] for trial in document("test", "specs/task/v2_to_v3.yaml")["trials"]]
    assert names == ["task v2→v3", "task v1→v3"]
    laws = [trial["laws"] for trial in document("test", "--law", "fusion")["trials"]]
    assert laws == [[], [], ["fusion"]]


def test_another_seed_makes_other_documents(folder: Folder) -> None:
    """The same documents are made each time, and others with another seed; all fit the schema, as many as wanted."""
    schema = {"type": ["object", "null"], "required": ["n"], "properties": {"n": {"type": "integer"}}}
    (way,) = ways_of(folder.schema("task", 1, schema).spec("task", 1).load().registry)
    made = [list(generated(way, 20, seed)) for seed in (0, 0, 1)]
    assert made[0] == made[1] != made[2]
    assert [len(documents) for documents in made] == [20, 20, 20]
    assert all(way.record(document) is not None for document in made[0])


@pytest.mark.usefixtures("right")
def test_a_bound_of_time() -> None:
    """When the time is over no further document is tried; each spec has its own time."""
    assert [trial["documents"] for trial in document("test", "--seconds", "0.000001")["trials"]] == [1, 1, 1]


def test_no_document_can_be_made(folder: Folder) -> None:
    """That is told, and breaks no law."""
    folder.schema("task", 1, {"type": "object", "required": ["n"], "properties": {"n": False}}).spec("task", 1)
    why = "a schema that nothing fits was found, one that documents fit was expected"
    lines = [f"⚠ task v1→v2: no document could be made: {why}", "⚠ no documents were found to try"]
    assert cli("test", "--specs", folder.specs, "--schemas", folder.schemas) == Done(
        0, "".join(f"{line}\n" for line in lines)
    )


# -------------------------------------------------------------------------------------------------- real records


def test_records_of_a_database(wrong: Folder, tmp_path: Path) -> None:
    """Records are tried as they are stored, each on the steps that its own version has before it; none is written."""
    records = {"task:1": {"status": "open"}, "task:2": {"schema_version": 2, "status": "OPEN"}}
    records |= {"task:3": {"status": "lost"}, "task:4": {"schema_version": 1, "status": "done"}}
    stored = {key.encode(): compact(value) for key, value in records.items()} | {b"task:5": b"no JSON"}
    database = make(tmp_path / "db", stored)
    before = sorted((file.name, file.read_bytes()) for file in database.iterdir())
    done = cli("test", "--from", database)
    remarks = "(2 records left out that do not fit the schema)"
    assert done == Done(1, f"✗ task v1→v2: 8 laws, 2 documents {remarks}\n{INDENTED}", "✗ 1 law broken\n")
    assert sorted((file.name, file.read_bytes()) for file in database.iterdir()) == before
    assert wrong.specs.is_dir()


@pytest.mark.usefixtures("right")
def test_records_of_several_versions(tmp_path: Path) -> None:
    """A record of version 2 goes the second step alone; a sample has no more records than are asked for."""
    records = {f"task:{index:02}": {"schema_version": 1 + index % 3, "status": "open"} for index in range(30)}
    database = make(tmp_path / "db", {key.encode(): compact(value) for key, value in records.items()})
    shown = [(one["name"], one["documents"]) for one in document("test", "--from", database)["trials"]]
    assert shown == [("task v1→v2", 10), ("task v1→v3", 10), ("task v2→v3", 10)]
    shown = [(one["name"], one["documents"]) for one in document("test", "--from", database, "--sample", "6")["trials"]]
    assert sum(number for name, number in shown if name != "task v1→v3") <= 6


@pytest.mark.usefixtures("right")
def test_a_database_without_such_records(tmp_path: Path) -> None:
    """There is nothing to try, which is told."""
    database = make(tmp_path / "db", {b"other:1": b"{}"})
    assert cli("test", "--from", database) == Done(0, "⚠ no documents were found to try\n")


# -------------------------------------------------------------------------------------------------- wrong use


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--law", "tipped"],
            f"Invalid value for --law: 'tipped' was found, one of {', '.join(NAMES)} was expected; did you mean "
            "'typed'?",
        ),
        (
            ["--document", '{"status": 1}'],
            "Invalid value for --document: a document was found that fits none of schemas/task/v1.json, one that a "
            "spec starts from was expected.",
        ),
        (["--document", "{}", "--from", "db"], "--document and --from were found, one of them was expected."),
        (["schemas"], "Invalid value for '[FILE]...': no spec of the project was found at '$TMP/schemas'."),
    ],
)
def test_wrong_use(wrong: Folder, words: list[str], message: str) -> None:
    """What cannot be meant is told in a sentence, and nothing is tried."""
    done = text(cli("test", *words), wrong.specs.parent)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == f"Error: {message}"
    assert refusal("test", *words, code=2)["code"] == "usage"


def test_a_document_that_is_no_json(wrong: Folder) -> None:
    """The reader's own words are passed on."""
    message = refusal("test", "--document", '{"status', code=2)["message"]
    assert message.startswith("Invalid value for --document: no JSON was found (")
    assert wrong.specs.is_dir()


# ------------------------------------------------------------------------------------------------------- pytest


def run_pytest(folder: Folder, *words: str, settings: str = "") -> Done:
    """Run pytest in a project, as a process of its own, with no settings but these."""
    (folder.specs.parent / "pytest.ini").write_text(f"[pytest]\n{settings}", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *words],
        capture_output=True,
        check=False,
        cwd=folder.specs.parent,
        env=variables() | {"COLUMNS": "300", "NO_COLOR": "1"},
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_laws_as_tests_of_pytest(wrong: Folder) -> None:
    """Each law is a test; one that is broken shows what the command shows, and no traceback."""
    done = run_pytest(wrong, "--migrate-spec", "--migrate-spec-documents", "50")
    assert done.code == 1
    assert TOLD in done.out
    assert "Traceback" not in done.out
    assert "pytest_plugin.py" not in done.out
    assert done.out.splitlines()[-1].startswith("1 failed, 7 passed")
    assert "FAILED specs/task/v1_to_v2.yaml::typed" in done.out


def test_each_law_has_a_name_for_pytest(right: Folder) -> None:
    """Those of several steps behind each other stand at the first; what does not apply is skipped and says why."""
    done = run_pytest(right, "-vv", "-rs", settings="migrate_spec = true\n")
    found = {line.split(" ")[0]: line.split(" ")[1] for line in done.out.splitlines() if line.startswith("specs/")}
    names = [f"specs/task/v1_to_v2.yaml::{name}" for name in [*OF_STEPS, *(f"{name}[v1-v3]" for name in OF_WAYS)]]
    assert list(found) == names + [f"specs/task/v2_to_v3.yaml::{name}" for name in OF_STEPS]
    skipped = [name.partition("::")[2] for name, outcome in found.items() if outcome == "SKIPPED"]
    assert skipped == ["there-and-back[v1-v3]", "back-and-there[v1-v3]", "there-and-back", "back-and-there"]
    assert f"there is no way back: {IRREVERSIBLE}" in done.out
    assert done.code == 0


def test_a_project_that_cannot_be_read(wrong: Folder) -> None:
    """Its faults are told as `validate` tells them."""
    wrong.file("task", 1).write_text("collection: task\n", "utf-8")
    done = run_pytest(wrong, "--migrate-spec")
    assert done.code == 2
    assert "specs/task/v1_to_v2.yaml:1:1: " in done.out
    assert "Traceback" not in done.out


def test_pytest_without_being_asked(wrong: Folder) -> None:
    """Where nobody asks for the laws there are no tests, and nothing of the package is imported but the plugin."""
    code = """
import sys, pytest
class Look:
    def pytest_sessionfinish(self):
        print(sorted({name.split(".")[0] for name in sys.modules} & {"hypothesis", "rocksdict", "msgspec", "click"}))
pytest.main(["-q", "-p", "no:cacheprovider", "."], plugins=[Look()])
"""
    (wrong.specs.parent / "pytest.ini").write_text("[pytest]\n", "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(ROOT / "engine")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, cwd=wrong.specs.parent, env=environment
    )
    assert done.stdout.decode().splitlines()[0] == "[]"
    assert "no tests ran" in done.stdout.decode()
