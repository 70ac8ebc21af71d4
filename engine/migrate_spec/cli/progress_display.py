"""Progress for people: a bar on a terminal, a line every few seconds elsewhere, nothing at all for short work."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from migrate_spec.cli.output import say
from migrate_spec.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["ProgressDisplay"]

SECONDS_OF_SILENCE = 0.5
SECONDS_A_LINE = 5.0


class ProgressDisplay:
    """Shows progress on standard error: pass it as ``on_progress``, inside a ``with`` block."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._next_line = SECONDS_A_LINE

    def __call__(self, progress: Progress) -> None:
        """Take an event."""
        if progress.phase == "started" or (self._bar is None and progress.seconds < SECONDS_OF_SILENCE):
            return
        if sys.stderr.isatty():
            self._draw(progress)
        elif progress.seconds >= self._next_line and progress.phase == "advanced":
            self._next_line = progress.seconds + SECONDS_A_LINE
            say(_line(progress))

    def _draw(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar, self._task = _new_bar(progress)
        if self._task is not None:
            self._bar.update(
                self._task,
                completed=progress.done,
                total=progress.total,
                description=progress.work,
                rate=_rate(progress),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _new_bar(progress: Progress) -> tuple[Bar, TaskID]:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and needed for long work only
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    task = bar.add_task(progress.work, total=progress.total, rate="")
    bar.start()
    return bar, task


def _rate(progress: Progress) -> str:
    return f"{progress.rate:,.0f}/s"


def _line(progress: Progress) -> str:
    share = f" of {progress.total:,} ({100 * progress.done // progress.total} %)" if progress.total else ""
    left = progress.seconds_left
    end = f", {left:.0f} s left" if left is not None else ""
    return f"{progress.work}: {progress.done:,} records{share}, {progress.rate:,.0f} a second{end}"
