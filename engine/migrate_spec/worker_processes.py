"""An executor over Python processes that a library may use: the program that calls it needs no guard.

`multiprocessing` starts its workers by importing the program's main module once more, so a script without
``if __name__ == "__main__"`` would migrate its database again in each of them; and where one worker dies, all that was
asked of the others is lost. So the processes are started here: each runs :func:`serve` and nothing of the program, and
takes what it is asked from its standard input. They are never forked, as RocksDB's threads would be missing there.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, ParamSpec, TypeVar

from migrate_spec.errors import WorkerDied, WorkerError
from migrate_spec.logs import log

__all__ = ["WorkerProcesses", "serve"]

P = ParamSpec("P")
T = TypeVar("T")

HEAD = 8  # bytes that say how long a message is
SECONDS_TO_END = 5.0


class WorkerProcesses(Executor):
    """So many processes that carry out what is submitted: functions of modules, with arguments that can be pickled.

    A process starts when there is work for it. One that dies fails with :class:`~migrate_spec.errors.WorkerDied` what
    it was asked, and nothing else: another takes its place. An exception that leaves the ``with`` block ends what is
    under way at once; without one the block waits for it.
    """

    def __init__(self, count: int) -> None:
        """Take how many work at the same time."""
        # Each thread asks one process, and waits for its answer.
        self._threads = ThreadPoolExecutor(count, "migrate-spec", initializer=_hold_interrupts_back)
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._ended = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called in one of the processes.

        Returns:
            The future of what it returns or raises.
        """
        return self._threads.submit(self._ask, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - inherited
        """Take no more work; with ``wait`` all is done, and the processes have ended, on return."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait:
            for worker in self._workers:
                worker.leave()
            for worker in self._workers:
                worker.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            with self._lock:
                self._ended = True
                for worker in self._workers:
                    worker.kill()
        self.shutdown()

    def _ask(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        message = pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)
        worker: _Worker | None = getattr(self._mine, "worker", None)
        if worker is None or not worker.lives:
            self._mine.worker = worker = self._started()
        done, value = pickle.loads(worker.ask(message))  # noqa: S301 - from our own process
        if not done:
            raise value
        result: T = value
        return result

    def _started(self) -> _Worker:
        with self._lock:
            if self._ended:
                raise WorkerDied("no worker process was found", "the work was given up")
            self._workers = [worker for worker in self._workers if worker.lives]
            worker = _Worker()
            self._workers.append(worker)
            return worker


class _Worker:
    """One process, and the two pipes to it."""

    def __init__(self) -> None:
        # All that can be imported here can be imported there; nothing is read from a pipe before.
        program = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        command = [sys.executable, "-c", program]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ours
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        assert self._process.stdout is not None  # noqa: S101 - as above
        self._asking, self._answering = self._process.stdin, self._process.stdout

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def ask(self, message: bytes) -> bytes:
        """The answer to a message.

        Raises:
            WorkerDied: the process has ended instead.
        """
        try:
            _send(self._asking, message)
            return _received(self._answering)
        except (EOFError, OSError):
            self.leave()
            self._answering.close()
            raise _died(self._process.wait()) from None

    def leave(self) -> None:
        """Let the process know that nothing more will be asked."""
        with suppress(OSError):  # what could not be sent is still waiting there
            self._asking.close()

    def wait(self) -> None:
        """Wait for the end of the process, and see that it comes."""
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:  # a thread of a hook goes on
            self.kill()
            self._process.wait()
        self._answering.close()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()


def serve() -> None:
    """What a worker process does: it calls what it is asked to call, and answers, until its parent has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the parent decides
    asking, answering = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a hook prints, or reads, must not get in between.
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    messages: SimpleQueue[bytes | None] = SimpleQueue()
    idle = threading.Event()
    idle.set()
    threading.Thread(target=_listen, args=(asking, messages, idle), daemon=True).start()
    while (message := messages.get()) is not None:
        answer = _answer(message)
        sys.stdout.flush()
        idle.set()
        with suppress(OSError):  # the parent has gone
            _send(answering, answer)
    os._exit(0)  # to take all modules apart takes as long as some thousand records


def _listen(asking: IO[bytes], messages: SimpleQueue[bytes | None], idle: threading.Event) -> None:
    """Pass on what is asked, until the parent has gone, also by SIGKILL: then work under way is for nobody."""
    with suppress(EOFError):
        while True:
            message = _received(asking)
            idle.clear()
            messages.put(message)
    if not idle.is_set():
        os._exit(1)
    messages.put(None)


def _answer(message: bytes) -> bytes:
    """Whether the function has returned, and what it has returned or raised."""
    try:
        function, args, kwargs = pickle.loads(message)  # noqa: S301 - from our own parent
        return pickle.dumps((True, function(*args, **kwargs)), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # noqa: BLE001 - all of it is the parent's
        error.add_note(f"In a worker process:\n{traceback.format_exc().rstrip()}")
        return _pickled(error)


def _pickled(error: BaseException) -> bytes:
    """An exception as an answer; one that cannot be pickled, or not be read again, is told in words."""
    try:
        answer = pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        pickle.loads(answer)  # noqa: S301 - ours
    except Exception:  # noqa: BLE001 - it is a class of whoever wrote the hook
        told = WorkerError(f"{type(error).__name__} was raised in a worker process ({error})")
        for note in error.__notes__:
            told.add_note(note)
        return pickle.dumps((False, told), pickle.HIGHEST_PROTOCOL)
    return answer


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(len(message).to_bytes(HEAD))
    pipe.write(message)
    pipe.flush()


def _received(pipe: IO[bytes]) -> bytes:
    """The next message.

    Raises:
        EOFError: the other side has gone.
    """
    head = pipe.read(HEAD)
    length = int.from_bytes(head)
    message = pipe.read(length) if len(head) == HEAD else b""
    if len(head) < HEAD or len(message) < length:
        raise EOFError
    return message


def _died(code: int) -> WorkerDied:
    log("workers", "error", "worker-died", exit_code=code)
    end = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with the exit code {code}"
    return WorkerDied(
        f"a worker process that {end} was found",
        "an answer was expected",
        "see whether memory was short, and run again; with --workers 1 no other process is needed",
    )


def _hold_interrupts_back() -> None:
    """Have this thread, and the processes that it starts, get no SIGINT, from their very first moment on."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
