"""The command line: click in, text or JSON out, errors to exit codes. No rules live here.

Exit codes: 0 done; 1 refused or failed, and the database is as it was; 2 used wrongly; 3 something is pending
(``--check``); 130 interrupted, and the database is as it was.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import click

from migrate_spec.cli.group import cli
from migrate_spec.cli.output import emit_error, say
from migrate_spec.cli.settings import read_settings
from migrate_spec.errors import Fault, MigrateSpecError

__all__ = ["cli", "main"]

FAILED = 1
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run one command.

    Args:
        words: the arguments, without the program's name.

    Returns:
        The exit code. No exception leaves this function.
    """
    as_json, debug = "--json" in words, "--debug" in words
    try:
        settings = read_settings(Path.cwd())
        result = cli.main(words, prog_name="migrate-spec", standalone_mode=False, default_map=settings)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        say("Interrupted: the database is as it was.")
        return INTERRUPTED
    except MigrateSpecError as error:
        if debug:
            traceback.print_exc()
        emit_error(error.to_json(), str(error), as_json=as_json)
        return FAILED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123, PLW1514 - so that the interpreter's flush is quiet
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a fault of ours is no reason for a wall of text
        if debug:
            raise
        fault = Fault(
            f"an unexpected {type(error).__name__} was met ({error})",
            "this is a fault of migrate-spec",
            "run again with --debug and report what it prints",
            code="internal",
        )
        emit_error(fault.to_json() | {"details": []}, str(fault), as_json=as_json)
        return FAILED
    return result if isinstance(result, int) else 0
