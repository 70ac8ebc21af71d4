"""A fleet of databases on the command line: one table, or one list, of what became of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from migrate_spec.cli.failures import INTERRUPTION, facts, told
from migrate_spec.cli.output import bad, counted, emit_json, good, heading, say, show
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.errors import Fault, MigrateSpecError
from migrate_spec.fleet import Outcome
from migrate_spec.interrupts import noted_interrupts, uninterrupted
from migrate_spec.progress import OnProgress, Progress, Tracker

__all__ = ["Carry", "carry_fleet"]

FAILED = 1
INTERRUPTED = 130

WAITING = "\nInterrupted: the databases under way are finished first. Press Ctrl-C again to break them off.\n"
BROKEN_OFF = Fault(
    "Interrupted: the database is as it was, complete where its run was at its end, or in the middle of one in place.",
    code="interrupted",
)


class Carry(Protocol):
    """:func:`~migrate_spec.fleet.apply_all` with all its arguments but these."""

    def __call__(self, databases: Iterator[Path], *, on_progress: OnProgress) -> Iterator[Outcome]:
        """Carry databases over."""


def carry_fleet(databases: Sequence[Path], carry: Carry, *, dry_run: bool, as_json: bool) -> int:
    """Carry databases over, and tell what became of each.

    After a Ctrl-C none is begun any more.

    Args:
        databases: all of them.
        carry: does it.
        dry_run: whether nothing is written.
        as_json: print one list instead of a table.

    Returns:
        The exit code.
    """
    outcomes: list[Outcome] = []
    rest = INTERRUPTION
    try:
        with noted_interrupts(_announce) as interrupted, ProgressDisplay("databases") as progress:
            table = _Table(databases, "to migrate" if dry_run else "migrated", _nothing if as_json else progress.show)
            tracker = Tracker(progress, len(databases))
            wanted = takewhile(lambda _: not interrupted(), databases)
            for outcome in carry(wanted, on_progress=_inner(databases, outcomes, tracker)):
                outcomes.append(outcome)
                tracker.advance("migrating databases", 1)
                table.add(outcome)
    except KeyboardInterrupt:
        rest = BROKEN_OFF
    with uninterrupted():
        return _conclude(databases, outcomes, rest, dry_run=dry_run, as_json=as_json)


def _announce() -> None:
    os.write(2, WAITING.encode())  # at once, and whatever is being printed in this moment


def _nothing(_line: str) -> None:
    """Show nothing."""


def _inner(databases: Sequence[Path], outcomes: Sequence[Outcome], tracker: Tracker) -> OnProgress:
    """Tells of a large database, which is carried alone, while no further outcome comes."""

    def tell(progress: Progress) -> None:
        share = f", {100 * progress.done // progress.total} %" if progress.total else ""
        tracker.advance(f"migrating {databases[len(outcomes)].name}{share}", 0)

    return tell


class _Table:
    """The table of results, which is shown row by row."""

    def __init__(self, databases: Sequence[Path], migrated: str, show_line: Callable[[str], None]) -> None:
        self._width = max(len(str(database)) for database in databases)
        self._show = show_line
        show_line(heading("  " + self._row("database", "version", "scanned", migrated, "time")))

    def add(self, outcome: Outcome) -> None:
        """Show the row of a database."""
        name, report = str(outcome.database), outcome.report
        if report is None:
            self._show(bad(f"✗ {name:<{self._width}}  {_sentence(outcome)}"))
            return
        way = f"v{report.from_version} → " if report.steps else ""
        scanned, migrated = (sum(one[what] for one in report.collections.values()) for what in ("scanned", "migrated"))
        row = self._row(name, f"{way}v{report.to_version}", f"{scanned:,}", f"{migrated:,}", f"{report.seconds:.2f}s")
        self._show(f"{good('✓')} {row}")

    def _row(self, name: str, version: str, scanned: str, migrated: str, time: str) -> str:
        return f"{name:<{self._width}}  {version:<9}  {scanned:>11}  {migrated:>11}  {time:>8}"


def _sentence(outcome: Outcome) -> str:
    """The first line of what went wrong; the database is named beside it already."""
    error = outcome.error
    assert error is not None  # noqa: S101 - there is a report or an error
    if isinstance(error, MigrateSpecError):
        fault = error.fault
        named = fault.where in {str(outcome.database), str(outcome.database.resolve())}
        return fault.sentence if named else str(fault)
    return told(error)[1].split("\n")[0]


def _conclude(
    databases: Sequence[Path], outcomes: Sequence[Outcome], rest: Fault, *, dry_run: bool, as_json: bool
) -> int:
    """Tell how it ended, and return the exit code."""
    left = databases[len(outcomes) :]
    failed = sum(outcome.error is not None for outcome in outcomes)
    if as_json:
        emit_json([*map(_document, outcomes), *(_failure(database, facts(rest)) for database in left)])
    elif left:
        broken_off = "are as they were, done where the end was near, or in the middle of a run in place"
        others = "are as they were" if rest is INTERRUPTION else broken_off
        done = f"{len(outcomes) - failed:,} of {counted(len(databases), 'database')} are done, {failed:,} failed"
        say(f"Interrupted: {done}, {len(left):,} {others}.")
    elif failed:
        show(bad(f"✗ {failed:,} of {counted(len(databases), 'database')} failed; for one alone apply tells all of it"))
    else:
        show(good(_success(outcomes, dry_run=dry_run)))
    if left:
        return INTERRUPTED
    return FAILED if failed else 0


def _success(outcomes: Sequence[Outcome], *, dry_run: bool) -> str:
    version = next(outcome.report.to_version for outcome in outcomes if outcome.report is not None)
    count = counted(len(outcomes), "database")
    if dry_run:
        return f"✓ Every record of {count} can go to version {version}; nothing was written"
    return f"✓ {count} at version {version}"


def _document(outcome: Outcome) -> dict[str, Any]:
    if outcome.report is not None:
        return asdict(outcome.report)
    assert outcome.error is not None  # noqa: S101 - there is a report or an error
    return _failure(outcome.database, told(outcome.error)[0])


def _failure(database: Path, error: dict[str, Any]) -> dict[str, Any]:
    return {"database": str(database.resolve()), "error": error}
