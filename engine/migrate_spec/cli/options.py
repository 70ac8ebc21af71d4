"""What several commands take: the database, the version to go to, ``--json`` and ``--debug``."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["database_argument", "debug_option", "folder_type", "json_option", "to_option"]


def version(text: str) -> int:
    """The version that was written; anything but a whole number from 1 on is a wrong use."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise click.BadParameter(f"{text!r} was found, a version was expected: 1, 2, 3, …")
    return int(text)


folder_type = click.Path(path_type=Path)

database_argument = click.argument("database", type=folder_type)

to_option = click.option("--to", type=version, help="The version to go to.  [default: the newest]")

# These two are looked for by whoever reports an error, too, and that one looks at the command line only.
json_option = click.option(
    "--json", "as_json", is_flag=True, allow_from_autoenv=False, help="Print exactly one JSON document."
)
debug_option = click.option(
    "--debug", is_flag=True, allow_from_autoenv=False, expose_value=False, help="Show the traceback of an error."
)
