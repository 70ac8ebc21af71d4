"""What a command prints: results to standard output, everything else to standard error; colours only on a terminal."""

from __future__ import annotations

import json
import os
from typing import Any

import click

__all__ = ["bad", "emit_error", "emit_json", "good", "heading", "json_option", "say", "show", "warn"]

json_option = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")


def show(text: str = "") -> None:
    """A line of the result."""
    click.echo(text, color=_color())


def say(text: str) -> None:
    """A line beside the result."""
    click.echo(text, err=True, color=_color())


def emit_json(document: Any) -> None:
    """The result as JSON."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def emit_error(error: dict[str, Any], text: str, *, as_json: bool) -> None:
    """An error: as JSON on standard output where that was asked for, else as text on standard error."""
    if as_json:
        emit_json({"error": error})
    else:
        first, *rest = text.split("\n")
        say("\n".join([bad(f"✗ {first}"), *rest]))


def good(text: str) -> str:
    """Text in the colour of success."""
    return click.style(text, fg="green")


def warn(text: str) -> str:
    """Text in the colour of a warning."""
    return click.style(text, fg="yellow")


def bad(text: str) -> str:
    """Text in the colour of failure."""
    return click.style(text, fg="red")


def heading(text: str) -> str:
    """Text as a heading."""
    return click.style(text, bold=True)


def _color() -> bool | None:
    """No colour where the user wants none (no-color.org); else click decides by the terminal."""
    return False if os.environ.get("NO_COLOR") else None
