"""The example: Meridian's database, the scripts around it, and the demo that a newcomer runs first."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from meridian import show_record
from meridian.build_database import build, main, read_rows
from tests.cli_support import SCRIPT
from tests.conftest import CONFIG, ROOT, ROWS, dump, files, make

ROW = b'{"key":"task:1","value":"{}"}\n'


class TestDemo:
    """``make demo``."""

    def test_runs_there_and_back(self, tmp_path: Path) -> None:
        """The script succeeds, goes to version 3, back to 1, there again and down, and leaves nothing behind."""
        path = f"{Path(SCRIPT).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [ROOT / "examples/meridian/demo.sh"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PATH": path, "TMPDIR": str(tmp_path)},
        )
        assert (done.returncode, done.stderr) == (0, "")
        shown = re.findall(
            r"^(?:Current version: v|✓ Schema is at version |v\d -> v(?=\d+: \d+ records put back))(\d+)",
            done.stdout,
            re.MULTILINE,
        )
        assert [version for version, _ in groupby(shown)] == ["1", "3", "1", "3", "1"]
        assert str(tmp_path) not in done.stdout
        assert list(tmp_path.iterdir()) == []


class TestBuildDatabase:
    """``meridian.build_database``."""

    def test_builds(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The database has the rows and nothing else, as a program of another language would have made it."""
        path = tmp_path / "new" / "db"
        assert main([str(path)]) == 0
        assert capsys.readouterr() == (f"{path}: 44 records written\n", "")
        assert dump(path) == ROWS
        assert not (path / CONFIG).exists()

    @pytest.mark.parametrize("taken", ["database", "folder", "file", "link"])
    def test_refuses_an_existing_target(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], taken: str) -> None:
        """Whatever lies at the target is left alone: a database, a folder, a file, a link into nowhere."""
        path = tmp_path / "db"
        match taken:
            case "database":
                make(path, {b"mine": b"1"})
            case "folder":
                path.mkdir()
            case "file":
                path.touch()
            case _:
                path.symlink_to("nowhere")
        before = files(tmp_path) if path.exists() else {}
        assert main([str(path)]) == 1
        assert capsys.readouterr() == ("", f"{path}: it exists already; name a path where there is nothing yet\n")
        assert (files(tmp_path) if path.exists() else {}) == before
        assert [file.name for file in tmp_path.iterdir()] == ["db"]

    def test_other_rows(self, tmp_path: Path) -> None:
        """Rows can come from another file, and can hold bytes that are no text."""
        rows = tmp_path / "rows"
        rows.write_bytes(ROW + b'\n{"key_hex":"ff","value_hex":"00"}')
        assert build(tmp_path / "db", rows) == 2
        assert dump(tmp_path / "db") == read_rows(rows) == {b"task:1": b"{}", b"\xff": b"\0"}

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"{", "this is not a row ("),
            (b"[]", "this is not a row (it has no text 'key' or 'key_hex')"),
            (b'{"key":"a"}', "this is not a row (it has no text 'value' or 'value_hex')"),
            (b'{"key_hex":"0","value":""}', "this is not a row ("),
            (ROW.strip(), "the key b'task:1' is in an earlier row already"),
        ],
        ids=["no JSON", "no object", "no value", "no hexadecimal", "twice"],
    )
    def test_wrong_rows(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: bytes, reason: str) -> None:
        """A line that is no row is named, and no database is begun."""
        rows = tmp_path / "rows"
        rows.write_bytes(ROW + line)
        assert main([str(tmp_path / "db"), "--rows", str(rows)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"{rows}:2: {reason}")
        assert list(tmp_path.iterdir()) == [rows]

    def test_no_rows(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A file of rows that is not there is named, and no database is begun."""
        assert main([str(tmp_path / "db"), "--rows", str(tmp_path / "rows")]) == 1
        assert str(tmp_path / "rows") in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []


class TestShowRecord:
    """``meridian.show_record``."""

    def test_shows(self, meridian: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A record is printed field by field, as JSON, and the database is not touched."""
        before = files(meridian.parent)
        monkeypatch.setattr(sys, "argv", ["show_record", str(meridian), "episode:e1"])
        assert show_record.main() == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.splitlines()[:3] == ["  schema_version: 1", '  id: "e1"', '  timestamp: "2025-10-18T16:45:00.250Z"']
        assert files(meridian.parent) == before

    def test_no_such_record(
        self, meridian: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A key that is not there is told."""
        monkeypatch.setattr(sys, "argv", ["show_record", str(meridian), "episode:none"])
        assert show_record.main() == 1
        assert capsys.readouterr() == ("", "episode:none: there is no such record\n")
