"""What several commands take: the database, the version to go to, ``--json``, ``--format`` and ``--debug``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.decorators import FC

__all__ = [
    "allow_pickle_option",
    "asks_for_json",
    "database_argument",
    "databases_argument",
    "debug_option",
    "folder_type",
    "format_option",
    "json_option",
    "no_complements_option",
    "to_option",
    "wait_option",
    "workers_option",
]


def version(text: str) -> int:
    """The version that was written; anything but a whole number from 1 on is a wrong use."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise click.BadParameter(f"{text!r} was found, a version was expected: 1, 2, 3, …")
    return int(text)


def seconds(text: str) -> float:
    """The number of seconds that was written; anything but a number from 0 on is a wrong use."""
    with suppress(ValueError):
        if float(text) >= 0:
            return float(text)
    raise click.BadParameter(f"{text!r} was found, a number of seconds was expected: 0, 0.5, 60, …")


folder_type = click.Path(path_type=Path)

database_argument = click.argument("database", type=folder_type)
databases_argument = click.argument("databases", metavar="DATABASE...", type=folder_type, nargs=-1, required=True)

to_option = click.option("--to", type=version, help="The version to go to.  [default: the newest]")

no_complements_option = click.option(
    "--no-complements",
    is_flag=True,
    help="Keep nothing of what records lose: what goes does not come back the other way.",
)

workers_option = click.option(
    "--workers",
    "count",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many processes carry records.  [default: one for each core]",
)

wait_option = click.option(
    "--wait",
    type=seconds,
    default="0",
    metavar="SECONDS",
    help="How long to wait for a process that has the database open for writing.  [default: 0]",
)

allow_pickle_option = click.option(
    "--allow-pickle",
    is_flag=True,
    help="Take documents that rocksdict has pickled, too: what is more than JSON has is rejected, and nothing is run.",
)

# These are looked for by whoever reports an error, too, and that one looks at the command line only.
json_option = click.option(
    "--json", "as_json", is_flag=True, allow_from_autoenv=False, help="Print exactly one JSON document."
)
debug_option = click.option(
    "--debug", is_flag=True, allow_from_autoenv=False, expose_value=False, help="Show the traceback of an error."
)


def format_option(command: FC) -> FC:
    """Give a command ``--format``, and ``--json`` as a short form of one of its choices; the last of them counts."""
    short = click.option(
        "--json", "output", flag_value="json", allow_from_autoenv=False, help="The same as --format json."
    )
    choices = click.option(
        "--format",
        "output",
        type=click.Choice(["text", "json", "github"]),
        default="text",
        show_default=True,
        allow_from_autoenv=False,
        help="Print text, exactly one JSON document, or workflow commands for GitHub Actions.",
    )
    return choices(short(command))


def asks_for_json(words: Sequence[str]) -> bool:
    """Whether a command line asks for one JSON document, errors among them."""
    return "--json" in words or "--format=json" in words or ("--format", "json") in pairwise(words)
