"""Ctrl-C at the wrong moment: held back while a database is being switched over."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["uninterrupted"]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold SIGINT back for the block, and forget it: the block's work is done, and cannot be interrupted any more.

    Without this a Ctrl-C that comes during the swap would be reported as an interruption that left the database as it
    was. Outside the main thread Python delivers no signals, and there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _forget)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)  # None: not installed by Python


def _forget(_number: int, _frame: FrameType | None) -> None:
    """Take no notice of the signal."""
