"""How fresh what a command shows is: a line behind it, where another process may write to the database."""

from __future__ import annotations

from migrate_spec.cli.output import faint, show
from migrate_spec.freshness import Freshness

__all__ = ["show_freshness"]


def show_freshness(freshness: Freshness) -> None:
    """Say who has the database open for writing, if somebody has, and what of it is not shown."""
    if freshness.writer is None:
        return
    show(faint(f"Read at {freshness.read_at} while {freshness.writer} had the database open for writing."))
    show(faint("What that one wrote later, or has not written to its write-ahead log, is not shown."))
