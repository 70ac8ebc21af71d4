"""Where a command finds specs and schemas: flag over environment over ``pyproject.toml`` over what is usual."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli_support import MERIDIAN, Done, cli, document, place, refusal

BOTH = '[project]\nname = "other"\n\n[tool.migrate-spec]\nspecs = "a"\nschemas = "b"\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test is in its own folder, which has no file yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def specs(*words: str) -> str:
    """The folder of specs that a command uses: it is not there, and the sentence about that names it."""
    (finding,) = document(*words, *(["validate"] if "validate" not in words else []), code=1)["findings"]
    assert finding["code"] == "specs-missing"
    return str(finding["file"])


def schemas(*words: str) -> str:
    """The folder of schemas that a command uses: `schema` writes into it."""
    file = Path(document(*words, *(["schema"] if "schema" not in words else []))["file"])
    assert file.is_file()
    return str(file.parent)


def settings(text: str, folder: str = ".") -> None:
    """Write a ``pyproject.toml``."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "pyproject.toml").write_text(text, "utf-8")


class TestSources:
    """Each place that can name a folder."""

    def test_usual(self) -> None:
        """Without any setting it is `specs` and `schemas`, where one is."""
        assert (specs(), schemas()) == ("specs", "schemas")

    def test_flags(self) -> None:
        """A flag may stand before or after the command; where there are two, the later counts."""
        assert specs("--specs", "a", "validate") == specs("validate", "--specs", "a") == "a"
        assert schemas("--schemas", "b", "schema") == schemas("schema", "--schemas", "b") == "b"
        assert specs("--specs", "a", "validate", "--specs", "later") == "later"

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment names them, too."""
        monkeypatch.setenv("MIGRATE_SPEC_SPECS", "a")
        monkeypatch.setenv("MIGRATE_SPEC_SCHEMAS", "b")
        assert (specs(), schemas()) == ("a", "b")

    def test_file(self) -> None:
        """A `pyproject.toml` names them, and what else is in it does not matter."""
        settings(BOTH)
        assert (specs(), schemas()) == ("a", "b")

    def test_file_in_a_parent_folder(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The file is found from below, and its folders are meant from where it lies."""
        settings(BOTH)
        (here / "deep/down").mkdir(parents=True)
        monkeypatch.chdir("deep/down")
        assert (specs(), schemas()) == (f"{here}/a", f"{here}/b")

    def test_nearest_file(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only the nearest file counts, also where it says nothing."""
        settings(BOTH)
        settings("", "below")
        monkeypatch.chdir(here / "below")
        assert (specs(), schemas()) == ("specs", "schemas")

    def test_absolute_folders(self, here: Path) -> None:
        """An absolute folder is taken as it is."""
        settings(f'[tool.migrate-spec]\nspecs = "{here}/elsewhere"\n')
        assert specs() == f"{here}/elsewhere"

    def test_options_of_a_command(self, meridian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment can set an option of one command."""
        monkeypatch.setenv("MIGRATE_SPEC_APPLY_TO", "2")
        assert document("apply", meridian, *MERIDIAN)["to_version"] == 2
        assert document("apply", meridian, *MERIDIAN, "--to", "3")["to_version"] == 3


def test_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flag over environment over file, for each of the two by itself."""
    settings(BOTH)
    monkeypatch.setenv("MIGRATE_SPEC_SPECS", "environment")
    assert (specs(), schemas()) == ("environment", "b")
    for words in (["--specs", "flag", "validate"], ["validate", "--specs", "flag"]):
        assert specs(*words) == "flag"
    monkeypatch.setenv("MIGRATE_SPEC_SCHEMAS", "environment")
    assert schemas() == "environment"
    for words in (["--schemas", "flag", "schema"], ["schema", "--schemas", "flag"]):
        assert schemas(*words) == "flag"


UNKNOWN = (
    "pyproject.toml: the unknown setting {!r} in [tool.migrate-spec] was found, "
    "one of specs, schemas, backups, complements was expected{}"
)
OF_COMPLEMENTS = "pyproject.toml: {} in [tool.migrate-spec.complements] was found, {} was expected"
OF_BACKUPS = "pyproject.toml: {} in [tool.migrate-spec.backups] was found, {} was expected"
MISTAKES = {
    "[tool.migrate-spec]\nspec = 'a'": [UNKNOWN.format("spec", "; did you mean 'specs'?")],
    "[tool.migrate-spec]\nbackup = 'a'": [UNKNOWN.format("backup", "; did you mean 'backups'?")],
    "[tool.migrate-spec]\nbackups = 5": [
        "pyproject.toml: backups = 5 in [tool.migrate-spec] was found, a table was expected"
    ],
    "[tool.migrate-spec.backups]\nkeep = 0\nolder-than = '30'\nolder_than = 3": [
        OF_BACKUPS.format("keep = 0", "a number from 1 on"),
        OF_BACKUPS.format("older-than = '30'", "an age such as 12h, 30d or 4w"),
        OF_BACKUPS.format("the unknown setting 'older_than'", "one of keep, older-than")
        + "; did you mean 'older-than'?",
    ],
    "[tool.migrate-spec.complements]\nkeep = 1\nolder-than = 30": [
        OF_COMPLEMENTS.format("keep = 1", "true or false"),
        OF_COMPLEMENTS.format("older-than = 30", "an age such as 12h, 30d or 4w"),
    ],
    "[tool.migrate-spec.backups]\nkeep = true\nolder-than = 30": [
        OF_BACKUPS.format("keep = True", "a number from 1 on"),
        OF_BACKUPS.format("older-than = 30", "an age such as 12h, 30d or 4w"),
    ],
    "[tool.migrate-spec]\nspecs = ['a']\nshemas = 'b'": [
        "pyproject.toml: specs = ['a'] in [tool.migrate-spec] was found, a text was expected",
        UNKNOWN.format("shemas", "; did you mean 'schemas'?"),
    ],
    "[tool]\nmigrate-spec = 3": [
        "pyproject.toml: migrate-spec = 3 in [tool] was found, a table [tool.migrate-spec] was expected"
    ],
    "[tool.migrate-spec]\n\nspecs = \n": ["pyproject.toml:3:9: no TOML was found (Invalid value)"],
    "specs =": ["pyproject.toml: no TOML was found (Invalid value (at end of document))"],
}


class TestMistakes:
    """What is wrong in the file is told, and nothing is guessed."""

    @pytest.mark.parametrize(("text", "sentences"), MISTAKES.items(), ids=range(len(MISTAKES)))
    def test_sentences(self, text: str, sentences: list[str]) -> None:
        """Every mistake is named with what was expected, by each command that needs the project."""
        settings(text)
        expected = Done(1, "", "".join(f"✗ {sentence}\n" for sentence in sentences))
        assert cli("validate") == cli("status", "db") == cli("schema", "--specs", "a") == expected
        details = refusal("validate")["details"]
        assert [detail["message"] for detail in details] == sentences
        assert {detail["code"] for detail in details} == {"settings"}

    def test_place(self) -> None:
        """As JSON the file, and where it is known the line and column, stand apart."""
        settings("[tool.migrate-spec]\nspecs = \n")
        assert refusal("validate")["details"][0]["where"] == place("pyproject.toml", 2, 9)
        settings("[tool.migrate-spec]\nspec = 'a'")
        assert refusal("validate")["details"][0]["where"] == place("pyproject.toml")

    def test_another_encoding(self) -> None:
        """A file that is no UTF-8 is refused by its name."""
        Path("pyproject.toml").write_bytes(b"\xff\xfe")
        done = cli("validate")
        assert done.err.startswith("✗ pyproject.toml: no TOML was found (")

    @pytest.mark.parametrize("text", ["tool = 3", "", "[tool.other]\nspecs = 3"])
    def test_what_is_not_ours(self, text: str) -> None:
        """What stands there for other tools is none of ours."""
        settings(text)
        assert specs() == "specs"

    def test_help_needs_no_settings(self, meridian: Path) -> None:
        """Help, and commands that need no project, work beside a file with mistakes."""
        settings("[tool.migrate-spec]\nspec = 'a'")
        commands: list[list[Any]] = [["--help"], ["validate", "--help"], ["--version"], ["history", meridian]]
        for words in commands:
            assert cli(*words).code == 0
