"""``migrate-spec init`` and ``migrate-spec schema``: what they write, and that they overwrite nothing of anybody's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from migrate_spec.grammar import spec_schema
from tests.cli_support import Done, cli, document, place, refusal
from tests.conftest import SCHEMAS, data, dump, make

WRITTEN = [
    "specs/note/v1_to_v2.yaml",
    "schemas/note/v1.json",
    "schemas/note/v2.json",
    "schemas/spec.schema.json",
    ".pre-commit-config.yaml",
]

NEXT = """
migrate-spec validate          checks it
migrate-spec plan DATABASE     shows what it would do
migrate-spec apply DATABASE    does it
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is in its own folder."""
    monkeypatch.chdir(tmp_path)


def texts(folder: Path) -> dict[str, str]:
    """All files in a folder with what is in them."""
    return {str(file.relative_to(folder)): file.read_text("utf-8") for file in folder.rglob("*") if file.is_file()}


class TestInit:
    """A new project."""

    def test_here(self, tmp_path: Path) -> None:
        """Without an argument the project begins where one is, and every file written is named."""
        names = "".join(f"   {name}\n" for name in WRITTEN)
        assert cli("init") == Done(0, f"✓ 5 files of a project with one spec, which is yours to change:\n{names}{NEXT}")
        assert sorted(texts(tmp_path)) == sorted(WRITTEN)

    def test_elsewhere(self, tmp_path: Path) -> None:
        """A folder is made where there is none, and the way to it stands before what to do next."""
        names = "".join(f"   new/my notes/{name}\n" for name in WRITTEN)
        assert cli("init", "new/my notes") == Done(
            0,
            f"✓ 5 files of a project with one spec, which is yours to change:\n{names}\ncd 'new/my notes'{NEXT}",
        )
        assert sorted(texts(tmp_path / "new/my notes")) == sorted(WRITTEN)

    def test_as_json(self) -> None:
        """With `--json` the files are a list."""
        assert document("init", "new") == {"files": [f"new/{name}" for name in WRITTEN]}

    def test_is_without_fault(self) -> None:
        """The new project passes `validate` at once, and its schema for editors is the one of the language."""
        cli("init")
        assert cli("validate") == Done(
            0, "note v1→v2  up: proved, down: proved\n✓ 1 spec up to version 2, nothing wrong\n"
        )
        assert json.loads(Path("schemas/spec.schema.json").read_text("utf-8")) == spec_schema()

    def test_carries_records(self, tmp_path: Path) -> None:
        """The new project migrates a database as its example says."""
        cli("init")
        path = make(tmp_path / "db", {b"note:1": b'{"txt":"Buy milk"}', b"other": b"left alone"})
        assert cli("apply", path).code == 0
        assert data(path) == {
            b"note:1": b'{"schema_version":2,"text":"Buy milk","tags":[]}',
            b"other": b"left alone",
        }

    def test_the_hook_calls_a_command_that_exists(self) -> None:
        """What pre-commit is told to run is a command, with its arguments."""
        cli("init")
        entry = re.search(r"entry: migrate-spec (.*)", Path(".pre-commit-config.yaml").read_text("utf-8"))
        assert entry is not None
        assert cli(*entry[1].split()).code == 0

    @pytest.mark.parametrize("taken", ["specs", "schemas"])
    def test_refuses_an_existing_project(self, tmp_path: Path, taken: str) -> None:
        """Where there are specs or schemas already, nothing is written at all."""
        Path(taken).mkdir()
        sentence = f"{taken}: it exists already, a folder without specs and schemas was expected; name another folder"
        assert cli("init") == Done(1, "", f"✗ {sentence}\n")
        assert refusal("init")["details"] == [
            {"code": "exists", "message": sentence, "where": place(taken)},
        ]
        assert list(tmp_path.rglob("*")) == [tmp_path / taken]

    def test_refuses_to_begin_twice(self, tmp_path: Path) -> None:
        """A second call changes nothing."""
        cli("init")
        Path("specs/note/v1_to_v2.yaml").write_text("mine", "utf-8")
        before = texts(tmp_path)
        assert cli("init").code == 1
        assert texts(tmp_path) == before

    def test_keeps_the_hooks_there_are(self, tmp_path: Path) -> None:
        """An existing configuration of pre-commit stays as it is, and is not named among the files written."""
        Path(".pre-commit-config.yaml").write_text("repos: []", "utf-8")
        assert document("init") == {"files": WRITTEN[:-1]}
        assert texts(tmp_path)[".pre-commit-config.yaml"] == "repos: []"

    def test_below_a_file(self) -> None:
        """Where no folder can be made, the system's reason is told in one sentence."""
        Path("file").touch()
        assert cli("init", "file/new") == Done(1, "", "✗ file/new/specs/note: Not a directory\n")
        assert refusal("init", "file/new") == {
            "code": "system",
            "message": "file/new/specs/note: Not a directory",
            "where": place("file/new/specs/note"),
            "details": [],
        }


class TestSchema:
    """The JSON Schema of the spec language as a file."""

    def test_is_current(self) -> None:
        """The file in this repository is the one that the command writes today."""
        cli("schema")
        written = Path("schemas/spec.schema.json").read_bytes()
        assert (SCHEMAS / "spec.schema.json").read_bytes() == written, (
            "schemas/spec.schema.json is not what the language says today: run make docs"
        )

    def test_writes_into_the_folder_of_schemas(self) -> None:
        """The file goes where the editor line of a spec looks for it; an older one is replaced."""
        for _ in range(2):
            assert cli("schema", "--schemas", "new/there") == Done(0, "✓ new/there/spec.schema.json written\n")
        assert document("schema") == {"file": "schemas/spec.schema.json"}

    def test_prints(self, tmp_path: Path) -> None:
        """With `--stdout` it is printed, byte for byte what would be written, and nothing is written."""
        assert cli("schema", "--stdout") == Done(0, (SCHEMAS / "spec.schema.json").read_text("utf-8"))
        assert list(tmp_path.iterdir()) == []


def test_commands_here_need_no_database(tmp_path: Path) -> None:
    """A database beside the project is not touched by what is done with the project."""
    path = make(tmp_path / "db", {b"note:1": b"{}"})
    before = dump(path)
    for words in (["init"], ["schema"], ["validate"]):
        assert cli(*words).code == 0
    assert dump(path) == before
