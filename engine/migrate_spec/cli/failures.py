"""What a failure is told as: facts for programs, a sentence for people."""

from __future__ import annotations

from typing import Any

from migrate_spec.errors import Fault, MigrateSpecError
from migrate_spec.interrupts import RunInterrupted

__all__ = ["INTERRUPTION", "facts", "interruption", "told"]

INTERRUPTION = Fault("Interrupted: the database is as it was.", code="interrupted")


def interruption(error: BaseException) -> Fault:
    """What a Ctrl-C has come to: most often nothing, but a run in place stays where it was."""
    one: BaseException | None = error
    while one is not None and not isinstance(one, RunInterrupted):
        one = one.__cause__ or one.__context__
    if one is None:
        return INTERRUPTION
    found = f"Interrupted: the run in place {one.way} is not at its end ({one.standing})"
    return Fault(found, "", "`migrate-spec apply` goes on with it", None, "interrupted-in-place")


def told(error: Exception) -> tuple[dict[str, Any], str]:
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
    return facts(fault), str(fault)


def facts(fault: Fault) -> dict[str, Any]:
    """A fault in the shape that errors have as JSON."""
    return fault.to_json() | {"details": []}
