"""How the tests of the command line run it: in this process, as a process of its own, and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple, Self

from migrate_spec.cli import run
from tests.conftest import ROOT, SCHEMAS, SPECS

SCRIPT = str(Path(sys.executable).with_name("migrate-spec"))
"""The command as it is installed."""

MERIDIAN = ("--specs", str(SPECS), "--schemas", str(SCHEMAS))
"""The options that name the specs and schemas that ship."""

Words = str | Path


class Done(NamedTuple):
    """What a command did: its exit code and all that it printed."""

    code: int
    out: str = ""
    err: str = ""


def cli(*words: Words) -> Done:
    """Run the command line in this process."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = run([str(word) for word in words])
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return Done(code, *texts)


def document(*words: Words, code: int = 0) -> Any:
    """What a command prints with ``--json``: the only document on standard output, and nothing beside it."""
    done = cli(*words, "--json")
    assert (done.code, done.err) == (code, "")
    return json.loads(done.out)


def refusal(*words: Words, code: int = 1) -> Any:
    """The error that a command prints with ``--json``."""
    answer = document(*words, code=code)
    assert list(answer) == ["error"]
    assert list(answer["error"]) == ["code", "message", "where", "details"]
    return answer["error"]


def place(file: Words | None = None, line: int | None = None, column: int | None = None, key: str | None = None) -> Any:
    """The ``where`` of an error."""
    return {"file": None if file is None else str(file), "line": line, "column": column, "key": key}


def process(*words: Words, under: Iterable[str] = (), cwd: Path = ROOT, **environment: str) -> Done:
    """Run the installed command as a process of its own, started by the command ``under``."""
    done = subprocess.run(
        [*under, SCRIPT, *map(str, words)],
        capture_output=True,
        check=False,
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


class Terminal:
    """The installed command on a terminal of 100 columns, where its two outputs are one."""

    def __init__(self, *words: Words, **environment: str) -> None:
        self._master, slave = pty.openpty()
        settings = {"COLUMNS": "100", "TERM": "xterm-256color"}
        kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            [SCRIPT, *map(str, words)], stdin=slave, stdout=slave, stderr=slave, env=kept | settings | environment
        )
        os.close(slave)
        self._seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:  # a test has failed
            self.process.kill()
            self.process.wait()
        self.close()

    def wait_for(self, text: str) -> None:
        """Read until the text stands there; the end of the output before that is a failure."""
        while text not in self._seen.decode(errors="replace"):
            assert self._read(), self._seen.decode()

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def finish(self) -> Done:
        """Read to the end."""
        while self._read():
            pass
        return Done(self.process.wait(), self._seen.decode().replace("\r\n", "\n"))

    def close(self) -> None:
        """Close the window."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _read(self) -> bytes:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # so a terminal says that nobody writes to it any more
            return b""
        self._seen += data
        return data


def on_terminal(*words: Words, **environment: str) -> Done:
    """Run the installed command on a terminal."""
    with Terminal(*words, **environment) as terminal:
        return terminal.finish()


def plain(text: str, folder: Path | None = None) -> str:
    """A text with placeholders for moments, durations, names of backups, who it was, and the test's own folder."""
    if folder is not None:
        text = text.replace(str(folder), "$TMP")
    text = re.sub(r"(?m)^( +By: ).* on .*, migrate-spec \d+\.\d+\.\d+$", r"\1WHO", text)
    text = re.sub(r"_backup_\d{8}_\d{6}(_\d+)?", "_backup_NAME", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "MOMENT", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "MOMENT", text)
    text = re.sub(r"[0-9,]+ bytes on disk", "N bytes on disk", text)
    return re.sub(r"\b\d+\.\d\ds\b", "S.SSs", text)


def plain_json(value: Any, folder: Path | None = None) -> Any:
    """A JSON document with the placeholders of :func:`plain`, and with ``seconds`` made 0."""
    if isinstance(value, dict):
        return {name: 0 if name == "seconds" else plain_json(part, folder) for name, part in value.items()}
    if isinstance(value, list):
        return [plain_json(part, folder) for part in value]
    return plain(value, folder) if isinstance(value, str) else value


def text(done: Done, folder: Path | None = None) -> Done:
    """What a command did, with the placeholders of :func:`plain`."""
    return Done(done.code, plain(done.out, folder), plain(done.err, folder))
