"""Questions on a terminal about what two schemas leave open."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from migrate_spec.cli.output import say, warn
from migrate_spec.codec import Json
from migrate_spec.document import ABSENT
from migrate_spec.errors import LaterWrites

__all__ = ["Asking", "is_terminal", "undoing_if_agreed"]


Report = TypeVar("Report")


def is_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


class Asking:
    """Asks whoever sits at the terminal; the likely answer is the one that the Enter key gives."""

    def is_renamed(self, old: str, new: str, *, likely: bool) -> bool:
        """Whether one field became the other."""
        return click.confirm(f"Is {new} what {old} was?", default=likely, err=True)

    def becomes(self, path: str, old: Json, among: Sequence[Json]) -> Json:
        """What an old value becomes; ``ABSENT`` where that is left open."""
        shown = {_shown(value): value for value in among}
        if not shown:
            return ABSENT
        question = f"What becomes of {_shown(old)} in {path}? ({', '.join(shown)}; Enter leaves it open)"
        while True:
            answer = click.prompt(question, default="", show_default=False, err=True).strip()
            if not answer:
                return ABSENT
            if answer in shown:
                return shown[answer]
            click.echo(f"{answer!r} is none of them.", err=True)

    def describe(self, sentence: str) -> str:
        """What changes, in a sentence."""
        answer: str = click.prompt("What changes, in a sentence", default=sentence, err=True)
        return answer.strip()


def _shown(value: Json) -> str:
    """A value as it is typed: a text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def undoing_if_agreed(put_back: Callable[[bool], Report], *, yes: bool, as_json: bool) -> Report | None:
    """Put something back; where that would undo later writes, whoever sits at the terminal is asked.

    Args:
        put_back: does it, told whether later writes may be undone.
        yes: whether that was agreed to beforehand.
        as_json: whether the answer is for a program, which is not asked.

    Returns:
        What ``put_back`` returns; ``None`` where it was not agreed to, and nothing was changed.

    Raises:
        LaterWrites: nobody is there to be asked.
    """
    try:
        return put_back(yes)
    except LaterWrites as error:
        if as_json or not sys.stdin.isatty():
            raise
        if not _undoes_later_writes(error):
            say("Nothing was changed.")
            return None
    return put_back(True)  # noqa: FBT003 - it takes nothing else


def _undoes_later_writes(error: LaterWrites) -> bool:
    """Ask whether what was written since may be undone."""
    say(warn(f"⚠ {error.fault.found}"))
    try:
        return click.confirm("Undo that, too?", err=True)
    except click.Abort:
        say("")  # the end of the line with the question
        raise
