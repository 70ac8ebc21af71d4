"""The workers of a Dask cluster as an executor: the only module that imports Dask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from distributed import Client, KilledWorker, rpc

from migrate_spec.errors import WorkerDied, WorkerError
from migrate_spec.version import VERSION

__all__ = ["connected", "threads_of"]

P = ParamSpec("P")
T = TypeVar("T")

SECONDS_TO_ANSWER = 10
TELLING_FILES = ("IDENTITY", "CURRENT")


def threads_of(address: str) -> int:
    """How many tasks a cluster works on at the same time.

    Raises:
        WorkerError: there is no scheduler at this address, or it has no workers.
    """
    with ThreadPoolExecutor(1) as thread:  # as this one may have an event loop already
        count = thread.submit(asyncio.run, _asked(address)).result()
    if not count:
        raise WorkerError("no worker was found", "one or more were expected", f"dask worker {address}", where=address)
    return count


async def _asked(address: str) -> int:
    try:
        async with rpc(address, timeout=SECONDS_TO_ANSWER) as scheduler:  # type: ignore[no-untyped-call]
            answer = await asyncio.wait_for(scheduler.identity(), SECONDS_TO_ANSWER)
        return int(answer["total_threads"])
    except Exception as error:  # what comes from a server of another kind can be anything
        why = f" ({error})" if str(error) else ""
        raise WorkerError(
            f"no answer was found{why}", "a Dask scheduler was expected", "start one: dask scheduler", where=address
        ) from error


@contextmanager
def connected(address: str, folder: Path | None = None) -> Iterator[Executor]:
    """Open the workers of a cluster, as :class:`~migrate_spec.executors.Start` says.

    Raises:
        WorkerError: one of them cannot do the work.
    """
    with Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        _check_workers(client, folder)
        with _Cluster(client) as executor:
            yield executor


def _check_workers(client: Client, folder: Path | None) -> None:
    """See that every worker can do the work, as one that cannot even import its task never answers.

    Raises:
        WorkerError: one cannot.
    """
    place = None if folder is None else str(folder.resolve())
    answers: Mapping[str, object] = client.run(_look, place, on_error="return")
    version, seen = _look(place)
    for worker, answer in answers.items():
        where = f"the worker {worker}"
        if not isinstance(answer, tuple):
            found = f"no migrate-spec {version} was found ({answer})"
            raise WorkerError(found, "the same one as here was expected", "install it there", where=where)
        if answer[0] != version:
            found, expected = f"migrate-spec {answer[0]} was found", f"{version} was expected, as here"
            raise WorkerError(found, expected, "install the same version there", where=where)
        if answer[1] != seen:
            found, expected = f"another folder {place} than here was found", "the same one was expected"
            remedy = "mount the file system there under the same path"
            if not any(answer[1]):
                found = f"no database {place} was found"
            raise WorkerError(found, expected, remedy, where=where)


def _look(folder: str | None) -> tuple[str, list[str]]:
    """What tells whether two machines have the same package, and see the same database."""
    files = [Path(folder, name) for name in TELLING_FILES] if folder is not None else []
    return VERSION, [file.read_text("utf-8") if file.is_file() else "" for file in files]


class _Cluster(Executor):
    """The executor of a Dask client, whose futures raise what those of :class:`WorkerProcesses` raise."""

    def __init__(self, client: Client) -> None:
        self._tasks = client.get_executor(pure=False)  # type: ignore[no-untyped-call]

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        task: Future[T] = self._tasks.submit(fn, *args, **kwargs)
        told: Future[T] = Future()
        task.add_done_callback(partial(_tell, told))
        told.add_done_callback(lambda told: told.cancelled() and task.cancel())
        return told

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - inherited
        self._tasks.shutdown(wait=wait and not cancel_futures)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.shutdown(cancel_futures=kind is not None)


def _tell(told: Future[T], task: Future[T]) -> None:
    """What became of a task, as the caller knows it."""
    if not told.set_running_or_notify_cancel():
        return
    if task.cancelled():
        found, remedy = "work that the cluster has given up was found", "see whether its scheduler runs, and run again"
        told.set_exception(WorkerDied(found, "an answer was expected", remedy))
        return
    error = task.exception()
    if error is None:
        told.set_result(task.result())
        return
    if isinstance(error, KilledWorker):
        found, remedy = "workers that died, one after the other, were found", "see their logs, and run again"
        where = str(error.last_worker.address)
        error = WorkerDied(found, "an answer was expected", remedy, where=where)
    told.set_exception(error)
