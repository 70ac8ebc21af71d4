"""The command line: click in, text or JSON out, errors to exit codes. No rules live here.

Exit codes: 0 done; 1 refused or failed, and the database is as it was; 2 used wrongly; 3 something is pending
(``--check``); 130 interrupted, and the database is as it was. A run in place that was under way stays where it was, and
1 and 130 say so.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

import click

from migrate_spec.cli.failures import facts, interruption, told
from migrate_spec.cli.group import cli
from migrate_spec.cli.options import asks_for_json
from migrate_spec.cli.output import emit_error, emit_json, print_whatever_comes, say
from migrate_spec.errors import Fault, RecordRejected
from migrate_spec.interrupts import interrupts_until_done

__all__ = ["cli", "main", "run"]

FAILED = 1
INTERRUPTED = 130

OBJECTS_A_COLLECTION = 50_000


def main() -> None:
    """Run the command line of this process and leave it with the exit code."""
    gc.set_threshold(OBJECTS_A_COLLECTION)  # by default modules are searched for cycles all the time they are imported
    print_whatever_comes()
    try:
        interrupts_until_done()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before the first word, or after the last
        code = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process at once: to take every module apart before would be a tenth of a short command's time."""
    with suppress(OSError):  # nobody reads on
        atexit._run_exitfuncs()  # noqa: SLF001 - it has no other name
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


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
            emit_json({"error": facts(Fault(error.format_message(), code="usage"))})
        else:
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        fault = interruption(error)
        if as_json:
            emit_json({"error": facts(fault)})
        else:
            say(str(fault))
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: nobody is to meet a wall of text
        if "--debug" in options:
            traceback.print_exc()
            for cause in _causes(error):
                traceback.print_exception(cause)
        emit_error(*told(error), as_json=as_json)
        return FAILED
    return result if isinstance(result, int) else 0


def _causes(error: Exception) -> list[BaseException]:
    """What hooks raised, the first of it."""
    rejections = error.rejections if isinstance(error, RecordRejected) else ()
    return [rejection.cause for rejection in rejections if rejection.cause is not None][:1]
