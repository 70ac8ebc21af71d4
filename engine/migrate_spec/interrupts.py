"""Ctrl-C at the wrong moment: held back while a database is being switched over, or until it does no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["RunInterrupted", "deferred_interrupts", "interrupts_until_done", "noted_interrupts", "uninterrupted"]


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a run in place: what is done is done, and the next ``apply`` goes on from there.

    Attributes:
        way: the run's way, such as ``v1 -> v3``.
        standing: how far it is, in words.
    """

    def __init__(self, way: str, standing: str) -> None:
        self.way = way
        self.standing = standing
        super().__init__(f"the run in place {way} was interrupted: {standing}")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold SIGINT back for the block, and forget it: the block's work is done, and cannot be interrupted any more.

    Without this a Ctrl-C that comes during the swap would be reported as an interruption that left the database as it
    was. Outside the main thread Python delivers no signals, and there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    with _handling(before.note if isinstance(before, _Note) else _forget):
        yield
        if isinstance(before, _UntilDone):
            before.done = True


def interrupts_until_done() -> None:
    """For the rest of the process, forget each SIGINT that comes after what `uninterrupted` held together.

    For a program that makes one change and then only says what it has done: to be interrupted while it says so would be
    reported as an interruption that left the database as it was.
    """
    signal.signal(signal.SIGINT, _UntilDone())


@contextmanager
def deferred_interrupts() -> Iterator[Callable[[], None]]:
    """Hold SIGINT back until it does no harm.

    ``KeyboardInterrupt`` in the middle of what waits for another thread can leave a lock taken, for which that thread
    then waits for ever: so it was seen in `concurrent.futures.wait`, once in a hundred times.

    Yields:
        What does for each SIGINT so far what would have been done at once; at the end of the block so is the rest.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before, held = signal.getsignal(signal.SIGINT), 0

    def hold(_number: int, _frame: FrameType | None) -> None:
        nonlocal held
        held += 1

    def release() -> None:
        nonlocal held
        while held:
            held -= 1
            if callable(before):
                before(signal.SIGINT, None)

    with _handling(hold):
        yield release
    release()


@contextmanager
def noted_interrupts(tell: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Take note of the first SIGINT in the block, which goes on; a second one raises ``KeyboardInterrupt``.

    Args:
        tell: is called at the first one, and may be called in the middle of anything.

    Yields:
        What says whether there was one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    note = _Note(tell)
    with _handling(note):
        yield lambda: note.taken


class _Note:
    """A handler that takes note of the first signal."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.taken = False
        self._tell = tell

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.taken:
            signal.default_int_handler(number, frame)
        self.note(number, frame)

    def note(self, _number: int, _frame: FrameType | None) -> None:
        """Take note, whether it is the first one or not."""
        if not self.taken:
            self.taken = True
            self._tell()


class _UntilDone:
    """A handler that raises ``KeyboardInterrupt`` until the work is done."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.done:
            signal.default_int_handler(number, frame)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)  # None: not installed by Python


def _forget(_number: int, _frame: FrameType | None) -> None:
    """Take no notice of the signal."""
