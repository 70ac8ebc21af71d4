"""Progress of a run: typed events for a callback."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["OnProgress", "Progress", "Tracker"]

INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        phase: ``waiting`` (for the database, before all others), ``started``, ``advanced`` or ``finished``.
        work: what is being done, such as ``migrating task``.
        done: the records behind.
        total: the records in all, an estimate until the end.
        seconds: since the start.
    """

    phase: str
    work: str
    done: int
    total: int
    seconds: float

    @property
    def rate(self) -> float:
        """Records a second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """An estimate of the time to go; ``None`` where nothing can be said yet."""
        return max(0, self.total - self.done) / self.rate if self.rate else None


OnProgress = Callable[[Progress], None]


class Tracker:
    """Counts records and tells a callback, at most ten times a second.

    Attributes:
        total: the records in all, an estimate until the end.
    """

    def __init__(self, on_progress: OnProgress | None, total: int) -> None:
        self._tell = on_progress
        self.total = total
        self._done = 0
        self._work = ""
        self._start = time.monotonic()
        self._next = self._start + INTERVAL
        self._event("started")

    def advance(self, work: str, count: int) -> None:
        """``count`` more records are behind."""
        self._done += count
        self._work = work
        if self._tell is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + INTERVAL
            self._event("advanced")

    def finish(self) -> None:
        """All records are behind."""
        self.total = self._done
        self._event("finished")

    def _event(self, phase: str) -> None:
        if self._tell is not None:
            seconds = time.monotonic() - self._start
            self._tell(Progress(phase, self._work, self._done, max(self.total, self._done), seconds))
