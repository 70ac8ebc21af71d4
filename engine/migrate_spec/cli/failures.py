"""What a failure is told as: facts for programs, a sentence for people."""

from __future__ import annotations

from typing import Any

from migrate_spec.errors import Fault, MigrateSpecError

__all__ = ["INTERRUPTION", "facts", "told"]

INTERRUPTION = Fault("Interrupted: the database is as it was.", code="interrupted")


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
