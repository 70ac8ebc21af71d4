"""What a command prints: results to standard output, everything else to standard error; colours only on a terminal."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from typing import Any

import click

__all__ = [
    "bad",
    "counted",
    "emit_error",
    "emit_json",
    "emit_json_list",
    "faint",
    "good",
    "heading",
    "print_whatever_comes",
    "remark",
    "say",
    "show",
    "warn",
]

_PIECE = 2**16
"""Characters that are printed at once."""


def show(text: str = "") -> None:
    """A line of the result."""
    _print(text, err=False)


def say(text: str) -> None:
    """A line beside the result."""
    _print(text, err=True)


def emit_json(document: Any) -> None:
    """The result as JSON."""
    show(json.dumps(document, indent=2, ensure_ascii=not _is_utf8()))


def emit_json_list(parts: Iterable[Any]) -> None:
    """The result as a list in JSON, however long it is: nothing is printed before the last part is known."""
    from tempfile import TemporaryFile  # noqa: PLC0415 - slow to import, and needed for this only

    with TemporaryFile("w+", encoding="utf-8", errors="backslashreplace") as whole:
        for number, part in enumerate(parts):
            lines = json.dumps(part, indent=2, ensure_ascii=not _is_utf8()).replace("\n", "\n  ")
            whole.write(f"{',' if number else '['}\n  {lines}")
        whole.write("\n]" if whole.tell() else "[]")
        whole.seek(0)
        while text := whole.read(_PIECE):
            _print(text, err=False, ends=False)
    show()


def emit_error(error: dict[str, Any], text: str, *, as_json: bool) -> None:
    """An error: as JSON on standard output where that was asked for, else as text on standard error."""
    if as_json:
        emit_json({"error": error})
    else:
        for line in text.split("\n"):
            say(line if line.startswith(" ") else bad(f"✗ {line}"))


def good(text: str) -> str:
    """Text in the colour of success."""
    return click.style(text, fg="green")


def warn(text: str) -> str:
    """Text in the colour of a warning."""
    return click.style(text, fg="yellow")


def bad(text: str) -> str:
    """Text in the colour of failure."""
    return click.style(text, fg="red")


def remark(text: str) -> str:
    """Text in the colour of a remark."""
    return click.style(text, fg="blue")


def faint(text: str) -> str:
    """Text that stands back."""
    return click.style(text, dim=True)


def heading(text: str) -> str:
    """Text as a heading."""
    return click.style(text, bold=True)


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 record``, ``1,234 records``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def print_whatever_comes() -> None:
    """From now on a character that the terminal's encoding lacks is printed as its number, and no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _print(text: str, *, err: bool, ends: bool = True) -> None:
    try:
        click.echo(text, err=err, nl=ends, color=_color())
    except OSError as error:
        if error.errno not in {errno.EPIPE, errno.EIO}:
            raise
        # Nobody reads on (`| head -1`, a closed window). The work does, and the exit code tells how it ended.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, (sys.stderr if err else sys.stdout).fileno())
        os.close(nowhere)


def _color() -> bool | None:
    """No colour where the user wants none (no-color.org); else click decides by the terminal."""
    return False if os.environ.get("NO_COLOR") else None
