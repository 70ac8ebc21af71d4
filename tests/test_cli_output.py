"""What goes where: results, what stands beside them, colours, characters, and a reader that has gone."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli_support import MERIDIAN, SCRIPT, Done, Terminal, cli, on_terminal, plain_json, process
from tests.conftest import VERSION, dump

COLOUR = re.compile(r"\x1b\[[0-9;]*m")

PROVED = "note v1→v2  up: proved, down: proved\n✓ 1 spec up to version 2, nothing wrong\n"
"""What `validate` says of a project that has just begun."""


def without_reader(*words: str | Path, stream: str = "stdout") -> Done:
    """Run the command with an output whose reader has gone before the first word; the other output is read."""
    reader, writer = os.pipe()
    os.close(reader)
    out, err = (writer if stream == name else subprocess.PIPE for name in ("stdout", "stderr"))
    command = [SCRIPT, *map(str, words)]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    os.close(writer)
    return Done(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())


class TestColours:
    """For eyes only."""

    def test_on_a_terminal(self, meridian: Path) -> None:
        """Good, doubtful and bad news have their colours on a terminal, around the text that stands elsewhere."""
        for words, codes in (
            (["validate", *MERIDIAN], (32,)),
            (["status", meridian, *MERIDIAN], (33,)),
            (["history", meridian / "none"], (31,)),
        ):
            done, elsewhere = on_terminal(*words), cli(*words)
            assert set(COLOUR.findall(done.out)) == {f"\x1b[{code}m" for code in (0, *codes)}
            assert COLOUR.sub("", done.out) == elsewhere.out + elsewhere.err
            assert done.code == elsewhere.code

    def test_severities(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Warnings, remarks and verdicts have colours of their own, and codes are faint."""
        monkeypatch.chdir(tmp_path)
        cli("init")
        spec = Path("specs/note/v1_to_v2.yaml")
        spec.write_text(spec.read_text("utf-8").replace("- add:", "- default:"), "utf-8")
        shown = on_terminal("validate").out.splitlines()
        assert [COLOUR.findall(line) for line in shown if "\x1b" in line] == [
            ["\x1b[34m", "\x1b[0m", "\x1b[2m", "\x1b[0m"],
            ["\x1b[33m", "\x1b[0m", "\x1b[2m", "\x1b[0m"],
            ["\x1b[32m", "\x1b[0m", "\x1b[31m", "\x1b[0m"],
            ["\x1b[33m", "\x1b[0m"],
        ]

    def test_no_color(self, meridian: Path) -> None:
        """Who sets NO_COLOR gets the text alone, on a terminal, too."""
        done = on_terminal("plan", meridian, *MERIDIAN, NO_COLOR="1")
        assert done.out == cli("plan", meridian, *MERIDIAN).out


class TestJson:
    """One document on standard output, whatever happens."""

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["status", "DB", *MERIDIAN], 0),
            (["status", "DB", *MERIDIAN, "--check"], 3),
            (["apply", "DB", *MERIDIAN], 0),
            (["history", "DB/none"], 1),
            (["apply", "DB", "--specs", "none"], 1),
            (["apply", "DB", *MERIDIAN, "--to", "none"], 2),
            (["aply"], 2),
        ],
        ids=lambda value: " ".join(value[:1]) if isinstance(value, list) else str(value),
    )
    def test_one_document(self, meridian: Path, words: list[str], code: int) -> None:
        """Whatever the command and its end, one JSON object is printed and, beside it, nothing."""
        done = cli(*(word.replace("DB", str(meridian)) for word in words), "--json")
        assert (done.code, done.err) == (code, "")
        assert isinstance(json.loads(done.out), dict)
        assert done.out.startswith("{\n")
        assert done.out.endswith("\n}\n")


class TestGoneReader:
    """``migrate-spec … | head -1``: nobody reads on, and that is no reason to complain or to stop half-way."""

    def test_exit_codes_stay(self, meridian: Path) -> None:
        """The exit code still tells how the work ended, and nothing is printed elsewhere instead."""
        assert without_reader("status", meridian, *MERIDIAN, "--check", "--json") == Done(3)

    def test_the_work_is_done(self, meridian: Path) -> None:
        """`apply` carries the database over all the same."""
        assert without_reader("apply", meridian, *MERIDIAN) == Done(0)
        assert dump(meridian)[VERSION] == b"3"

    def test_errors(self, meridian: Path) -> None:
        """So it is with the reader of standard error."""
        assert without_reader("history", meridian / "none", stream="stderr") == Done(1)

    def test_help(self) -> None:
        """Help for nobody makes no noise."""
        assert without_reader("--help").err == ""


class TestCharacters:
    """Terminals and names that are not UTF-8."""

    def test_a_terminal_without_the_character(self, tmp_path: Path) -> None:
        """What the encoding lacks is printed as its number; the work does not fail for a tick."""
        cli("init", tmp_path)
        done = process("validate", cwd=tmp_path, PYTHONIOENCODING="latin-1")
        assert done == Done(0, PROVED.replace("✓", r"\u2713").replace("→", r"\u2192"))

    def test_json_in_another_encoding(self, meridian: Path) -> None:
        """A document is JSON in every encoding, with the same content."""
        words = ("status", meridian, *MERIDIAN, "--json")
        done = process(*words, PYTHONIOENCODING="latin-1")
        assert done.out.isascii()
        assert plain_json(json.loads(done.out)) == plain_json(json.loads(cli(*words).out))

    def test_without_a_locale(self, tmp_path: Path) -> None:
        """In an empty environment, as in a container, the text is UTF-8."""
        cli("init", tmp_path)
        assert process("validate", cwd=tmp_path, LC_ALL="C", LANG="", PYTHONIOENCODING="") == Done(0, PROVED)

    def test_a_name_that_is_no_text(self, tmp_path: Path) -> None:
        """A path may hold any bytes, also where it has to be named."""
        name = os.fsdecode(b"\xff")
        told = "\\udcff: there is no such folder; check the path; nothing was created"
        done = process("history", tmp_path / name)
        assert done == Done(1, "", f"✗ {tmp_path}/{told}\n")
        done = process("history", tmp_path / name, "--json")
        assert json.loads(done.out)["error"]["message"] == f"{tmp_path}/{told}".replace("\\udcff", "\udcff")


def test_results_and_remarks(meridian: Path) -> None:
    """A result goes to standard output and an error to standard error, so that each can be had by itself."""
    for words, expected in (
        (["validate", *MERIDIAN], (True, False)),
        (["apply", meridian, *MERIDIAN], (True, False)),
        (["history", meridian / "none"], (False, True)),
        (["aply"], (False, True)),
    ):
        done = cli(*words)
        assert (bool(done.out), bool(done.err)) == expected


def test_completion(tmp_path: Path) -> None:
    """The shell completion that click makes works through our entry point."""
    done = process("", cwd=tmp_path, _MIGRATE_SPEC_COMPLETE="bash_source")
    assert done.code == 0
    assert "complete -o nosort -F _migrate_spec_completion migrate-spec" in done.out


def test_a_terminal_that_is_closed(meridian: Path) -> None:
    """Progress and results survive a terminal that goes away, and the database is carried over."""
    with Terminal("apply", meridian, *MERIDIAN) as terminal:
        terminal.close()
        assert terminal.process.wait() == 0
    assert dump(meridian)[VERSION] == b"3"
