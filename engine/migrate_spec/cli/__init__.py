"""The command line: click in, text or JSON out, errors to exit codes. No rules live here.

Exit codes: 0 done; 1 refused or failed, and the database is as it was; 2 used wrongly; 3 something is pending
(``--check``); 130 interrupted, and the database is as it was.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

import click

from migrate_spec.cli.group import cli
from migrate_spec.cli.options import asks_for_json
from migrate_spec.cli.output import emit_error, emit_json, print_whatever_comes, say
from migrate_spec.errors import Fault, MigrateSpecError, RecordRejected

__all__ = ["cli", "main", "run"]

FAILED = 1
INTERRUPTED = 130


def main() -> None:
    """Run the command line of this process and leave it with the exit code."""
    print_whatever_comes()
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """Run one command.

    Args:
        words: the arguments, without the program's name.

    Returns:
        The exit code. No exception leaves this function.
    """
    options = words[: words.index("--")] if "--" in words else words
    as_json = asks_for_json(options)
    try:
        result = cli.main(words, prog_name="migrate-spec", standalone_mode=False)
    except click.ClickException as error:
        if as_json:
            emit_json({"error": _facts(Fault(error.format_message(), code="usage"))})
        else:
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        fault = Fault("Interrupted: the database is as it was.", code="interrupted")
        if as_json:
            emit_json({"error": _facts(fault)})
        else:
            say(str(fault))
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: nobody is to meet a wall of text
        if "--debug" in options:
            traceback.print_exc()
            for cause in _causes(error):
                traceback.print_exception(cause)
        emit_error(*_told(error), as_json=as_json)
        return FAILED
    return result if isinstance(result, int) else 0


def _causes(error: Exception) -> list[BaseException]:
    """What hooks raised, the first of it."""
    rejections = error.rejections if isinstance(error, RecordRejected) else ()
    return [rejection.cause for rejection in rejections if rejection.cause is not None][:1]


def _told(error: Exception) -> tuple[dict[str, Any], str]:
    """An error as JSON and as text."""
    if isinstance(error, MigrateSpecError):
        return error.to_json(), str(error)
    if isinstance(error, OSError) and error.strerror:
        where = str(error.filename) if error.filename is not None else None
        fault = Fault(error.strerror, where=where, code="system")
    else:
        fault = Fault(
            f"an unexpected {type(error).__name__} was met ({error})",
            "this is a fault of migrate-spec",
            "run again with --debug and report what it prints",
            code="internal",
        )
    return _facts(fault), str(fault)


def _facts(fault: Fault) -> dict[str, Any]:
    return fault.to_json() | {"details": []}
