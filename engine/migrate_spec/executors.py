"""Who carries records: processes of this machine, or a Dask cluster of many machines."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from migrate_spec.errors import WorkerError

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

__all__ = ["Start", "Workers", "cluster", "processes"]


class Start(Protocol):
    """Opens workers as an executor."""

    def __call__(self, folder: Path | None = None) -> AbstractContextManager[Executor]:
        """Open them.

        Args:
            folder: a database that all of them must see.

        Returns:
            What takes functions of modules with arguments that can be pickled. An exception that leaves its block
            cancels what was submitted, and ends what is under way where that is possible.

        Raises:
            WorkerError: they are not there, or do not fit.
        """


@dataclass(frozen=True)
class Workers:
    """Who carries ranges of records, or whole databases.

    Attributes:
        count: how many work at the same time. One: this very process does the work, and nothing is started.
        start: opens them.
    """

    count: int
    start: Start


def processes(count: int | None = None) -> Workers:
    """Processes of this machine. The program that calls needs no ``if __name__ == "__main__"``.

    Args:
        count: how many; by default as many as there are cores that this process may use. It is one all the same where
            no Python is at hand to start: in a program frozen into one file, or within another program.
    """
    count = (count or _cores()) if _can_start() else 1

    return Workers(count, partial(_start, count))


def _start(count: int, folder: Path | None = None) -> AbstractContextManager[Executor]:
    from migrate_spec.worker_processes import WorkerProcesses  # noqa: PLC0415 - where there are few records, none starts

    del folder  # what this process sees, they see
    return WorkerProcesses(count)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _can_start() -> bool:
    """Whether another process can be started: ``sys.executable`` is a Python."""
    name = Path(sys.executable or "").name.lower()
    return not getattr(sys, "frozen", False) and name.startswith(("python", "pypy"))


def cluster(address: str) -> Workers:
    """The workers of a Dask cluster. They share this machine's file system, and have the same migrate-spec.

    Where a worker dies, the cluster has another one do its work.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises:
        WorkerError: Dask is not installed, nobody answers there, or there are no workers.
    """
    try:
        from migrate_spec.worker_cluster import connected, threads_of  # noqa: PLC0415 - slow to import, and an extra
    except ImportError as error:
        raise WorkerError(
            "no Dask was found",
            "the package `distributed` was expected, as a cluster was asked for",
            "pip install 'migrate-spec[dask]'",
        ) from error
    return Workers(threads_of(address), partial(connected, address))
