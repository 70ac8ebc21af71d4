"""Waiting for a database that another process has open for writing."""

from __future__ import annotations

import time
from pathlib import Path

from migrate_spec.errors import DatabaseLocked
from migrate_spec.logs import log
from migrate_spec.progress import OnProgress, Progress
from migrate_spec.store import Store
from migrate_spec.stores.rocks import open_for_writing

__all__ = ["open_when_free"]

INTERVAL = 0.1
"""Seconds between two looks at who holds the lock."""

BLIND_INTERVAL = 1.0
"""Seconds between two looks where the system does not tell: each opens the database, which leaves a file in it."""


def open_when_free(path: Path, wait: float, on_progress: OnProgress | None = None) -> Store:
    """Open a database for writing, as soon as nobody else has it open.

    Args:
        path: its folder.
        wait: for how many seconds to wait for that, at most.
        on_progress: is told of every look, with the phase ``waiting``.

    Raises:
        DatabaseLocked: somebody has it open still.
        DatabaseError: as :func:`~migrate_spec.stores.rocks.open_for_writing`.
    """
    start, told = time.monotonic(), False
    while True:
        try:
            return open_for_writing(path)
        except DatabaseLocked as locked:
            waited = time.monotonic() - start
            if waited >= wait:
                raise
            if not told:
                told = True
                log("waiting", "info", "waiting", database=str(path), pid=locked.holder.pid if locked.holder else None)
            if on_progress is not None:
                work = f"waiting for {locked.holder or 'another process'}, which has {path} open for writing"
                on_progress(Progress("waiting", work, 0, 0, waited))
            time.sleep(min(INTERVAL if locked.holder else BLIND_INTERVAL, wait - waited))
