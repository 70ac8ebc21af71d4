"""Progress for people: a bar on a terminal, a line every few seconds elsewhere, nothing at all for short work."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from migrate_spec.cli.output import say, show
from migrate_spec.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["ProgressDisplay"]

SECONDS_OF_SILENCE = 0.5
SECONDS_A_LINE = 5.0


class ProgressDisplay:
    """Shows progress on standard error: pass it as ``on_progress``, inside a ``with`` block."""

    def __init__(self, noun: str = "records") -> None:
        """Take what is counted."""
        self._noun = noun
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._next_line = SECONDS_A_LINE
        self._next_wait = 0.0

    def __call__(self, progress: Progress) -> None:
        """Take an event."""
        if progress.phase == "waiting":
            if progress.seconds >= self._next_wait:
                self._next_wait = progress.seconds + SECONDS_A_LINE
                say(f"{progress.work} ({progress.seconds:.0f} s)")
        elif self._bar is not None:
            self._draw(self._bar, progress)
        elif progress.phase != "advanced" or progress.seconds < SECONDS_OF_SILENCE:
            return
        elif sys.stderr.isatty():
            self._bar, self._task = _new_bar(progress)
            self._bar.start()  # only now, so that it is stopped whatever comes in between
        elif progress.seconds >= self._next_line:
            self._next_line = progress.seconds + SECONDS_A_LINE
            say(_line(progress, self._noun))

    def show(self, text: str) -> None:
        """A line of the result; on a terminal it comes to stand above the bar."""
        if self._bar is not None and sys.stdout.isatty():
            from rich.text import Text  # noqa: PLC0415 - there is a bar, and so it is imported already

            self._bar.console.print(Text.from_ansi(text), soft_wrap=True)
        else:
            show(text)

    def _draw(self, bar: Bar, progress: Progress) -> None:
        if self._task is not None:
            bar.update(self._task, **_fields(progress))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _new_bar(progress: Progress) -> tuple[Bar, TaskID]:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and needed for long work only
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,}/{task.total:,}"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    return bar, bar.add_task(**_fields(progress))


def _fields(progress: Progress) -> dict[str, Any]:
    return {
        "description": progress.work,
        "completed": progress.done,
        "total": progress.total,
        "rate": progress.rate,
    }


def _line(progress: Progress, noun: str) -> str:
    share = f" ({100 * progress.done // progress.total} %)" if progress.total else ""
    left = progress.seconds_left
    end = f", {left:.0f} s left" if left is not None else ""
    return f"{progress.work}: {progress.done:,} of {progress.total:,} {noun}{share}, {progress.rate:,.0f} a second{end}"
