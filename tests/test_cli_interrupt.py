"""Ctrl-C in the middle of a run: the database is as it was, and one line says so."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_support import MERIDIAN, SCRIPT, Done, Terminal, place
from tests.conftest import beside, compact, dump, make

SENTENCE = "Interrupted: the database is as it was."


MOMENT = "2024-01-01T00:00:00Z"
TASK = {"title": "T", "status": "pending", "priority": "medium", "created_at": MOMENT, "updated_at": MOMENT}
RECORDS = {b"task:%06d" % number: compact({"id": str(number)} | TASK) for number in range(250_000)}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database on which the work takes seconds. It is one for all tests, as none may change it."""
    return make(tmp_path_factory.mktemp("large") / "db", RECORDS)


@pytest.fixture
def large(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The large database: afterwards it is as before, and nothing lies beside it or among the temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield database
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert beside(database) == []
    assert dump(database) == RECORDS


def interrupted(path: Path, *words: str) -> Done:
    """Run `apply`, and interrupt it once it writes new records into the staging folder."""
    command = [SCRIPT, "apply", str(path), *MERIDIAN, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not list(path.parent.glob("db.staging/*.sst")):
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    return Done(process.returncode, out.decode(), err.decode())


def test_without_a_terminal(large: Path) -> None:
    """One sentence on standard error, and exit code 130."""
    assert interrupted(large) == Done(130, "", f"\n{SENTENCE}\n")


def test_as_json(large: Path) -> None:
    """With `--json` that is a document, too."""
    done = interrupted(large, "--json")
    assert (done.code, done.err) == (130, "\n")
    assert json.loads(done.out) == {
        "error": {"code": "interrupted", "message": SENTENCE, "where": place(), "details": []}
    }


def test_on_a_terminal(large: Path) -> None:
    """Under the progress bar: it stays where it was, the cursor comes back, and the sentence stands below."""
    with Terminal("apply", large, "--workers", "1", *MERIDIAN, NO_COLOR="1") as terminal:
        terminal.wait_for("migrating task")
        terminal.process.send_signal(signal.SIGINT)
        done = terminal.finish()
    assert done.code == 130
    bar, end = done.out.split("\x1b[?25h")
    assert re.search(r"migrating task [━╸ ]+ [0-9,]+/250,000 [0-9,]+/s +\S+\n$", bar)
    assert end == f"\n{SENTENCE}\n"
    assert "Traceback" not in done.out
