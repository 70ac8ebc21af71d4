"""A process beside the test that is told, line by line, what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, Self

from tests.conftest import variables

__all__ = ["Server"]


class Server:
    """A program of Python that reads orders from its standard input, and answers on its standard output.

    Attributes:
        process: it.
    """

    def __init__(self, code: str, *words: str | Path, temporary: Path, **environment: Any) -> None:
        """Start it.

        Args:
            code: the program.
            words: its arguments.
            temporary: the folder for its temporary files.
            environment: further variables.
        """
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # no signal to a group of processes is for it
            env=variables(TMPDIR=temporary, **environment),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            _there(self.process.stdin).close()

    @property
    def output(self) -> IO[str]:
        """Where its answers come from."""
        return _there(self.process.stdout)

    def order(self, **order: Any) -> None:
        """Tell it what to do, as a line of JSON."""
        pipe = _there(self.process.stdin)
        pipe.write(json.dumps(order) + "\n")
        pipe.flush()

    def line(self) -> str:
        """The next line that it says."""
        return self.output.readline()


def _there(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
