"""Worker processes: of programs that guard nothing, ended with their parent, and each on its own when one dies."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path

import pytest

import migrate_spec as ms
from migrate_spec.errors import Fault, Place, RaisedElsewhere, Rejection
from migrate_spec.executors import processes
from migrate_spec.runner import FEW_RECORDS
from tests.conftest import VERSION, Folder, data, dump, make, variables

DIED = (
    "a worker process that {} was found, an answer was expected; see whether memory was short, and run again; "
    "with --workers 1 no other process is needed"
)


@pytest.fixture(scope="module")
def workers() -> Iterator[Executor]:
    """Two of them."""
    with processes(2).start() as executor:
        yield executor


class TestOfAProgram:
    """A program that a worker does not import is not run again by it."""

    PROGRAM = """
import os
print("begin", flush=True)
from migrate_spec.executors import processes
with processes(2).start() as workers:
    pids = set(workers.map(os.getpid().__class__, ["1", "2", "3"]))
print("end", pids)
"""

    def run(self, *words: str, cwd: Path, text: str | None = None) -> None:
        """Run it as a process."""
        done = subprocess.run(
            [sys.executable, *words], input=text, env=variables(), cwd=cwd, capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("begin\nend {1, 2, 3}\n", "")

    def test_a_module(self, tmp_path: Path) -> None:
        """It was started with -m, and its top level has no guard."""
        (tmp_path / "module.py").write_text(self.PROGRAM)
        self.run("-m", "module", cwd=tmp_path)

    def test_a_folder(self, tmp_path: Path) -> None:
        """Nor has that of `__main__.py` in a folder or an archive."""
        (tmp_path / "__main__.py").write_text(self.PROGRAM)
        self.run(".", cwd=tmp_path)

    def test_no_file(self, tmp_path: Path) -> None:
        """A program need not be in a file."""
        self.run("-c", self.PROGRAM, cwd=tmp_path)
        self.run("-", cwd=tmp_path, text=self.PROGRAM)

    def test_a_migration(self, tmp_path: Path, folder: Folder) -> None:
        """The whole of it: a script is run once, and its workers call the hooks of the project."""
        folder.spec("note", 1, {"call": {"n": "numbers:doubled"}})
        hooks = folder.specs.parent / "hooks"
        hooks.mkdir()
        hook = "import migrate_spec\n@migrate_spec.hook\ndef doubled(value):\n    return 2 * value\n"
        (hooks / "numbers.py").write_text(hook)
        count = FEW_RECORDS + 10
        path = make(tmp_path / "db", {b"note:%06d" % number: b'{"n":%d}' % number for number in range(1, count + 1)})
        script = tmp_path / "script.py"
        script.write_text(
            "import migrate_spec as ms\n"
            f"project = ms.load({str(folder.specs)!r}, {str(folder.schemas)!r})\n"
            f"report = ms.check_and_migrate({str(path)!r}, project)\n"
            "print(report.collections)\n"
        )
        done = subprocess.run(
            [sys.executable, str(script)], env=variables(), capture_output=True, text=True, check=False
        )
        counts = {"note": {"scanned": count, "migrated": count, "unchanged": 0, "quarantined": 0}}
        assert (done.stdout, done.stderr) == (f"{counts}\n", "")
        assert dump(path)[VERSION] == b"2"
        assert data(path)[b"note:%06d" % count] == b'{"schema_version":2,"n":%d}' % (2 * count)


def test_what_can_be_imported_here_can_be_imported_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from a folder that the program has added to `sys.path`."""
    (tmp_path / "only_here.py").write_text("def answer():\n    return 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore[import-not-found]  # noqa: PLC0415 - it is there only now

    with processes(1).start() as workers:
        assert workers.submit(only_here.answer).result() == 42


def test_how_many() -> None:
    """As many as there are cores for this process; one where no Python could be started."""
    assert processes().count == len(os.sched_getaffinity(0))
    assert processes(7).count == 7


def test_of_a_frozen_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """To start `sys.executable` would run it again."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "frozen", True, raising=False)
        assert processes(7).count == 1
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/usr/sbin/some-server")
        assert processes().count == 1


@pytest.mark.parametrize("work", ["workers.submit(time.sleep, 600)", "None"])
def test_of_a_killed_program(work: str) -> None:
    """Its workers end with it, at work or without."""
    program = f"""
import os, time
from migrate_spec.executors import processes
with processes(2).start() as workers:
    list(workers.map(abs, range(10)))
    {work}
    time.sleep(0.2)
    print("ready", flush=True)
    time.sleep(600)
"""
    # They have its standard error: there is no end of it before theirs.
    with subprocess.Popen(
        [sys.executable, "-c", program], env=variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        assert process.communicate(timeout=60) == (b"", b"")


def test_ctrl_c_is_the_parents() -> None:
    """The terminal sends it to all processes; a worker takes no notice."""
    with processes(1).start() as workers:
        pid = workers.submit(os.getpid).result()
        os.kill(pid, signal.SIGINT)
        assert workers.submit(os.getpid).result() == pid


@pytest.mark.parametrize(
    ("work", "end"),
    [
        (partial(os._exit, 7), "ended with the exit code 7"),
        (partial(signal.raise_signal, signal.SIGKILL), "was ended by SIGKILL"),
    ],
)
def test_one_that_dies(workers: Executor, work: Callable[[], None], end: str) -> None:
    """What it was asked fails, and nothing else does: another takes its place."""
    others = [workers.submit(operator.add, number, 1) for number in range(5)]
    died = workers.submit(work)
    others += [workers.submit(operator.add, number, 1) for number in range(5, 10)]
    with pytest.raises(ms.WorkerDied) as caught:
        died.result()
    assert str(caught.value) == DIED.format(end)
    assert [other.result() for other in others] == list(range(1, 11))


def test_an_exception_ends_what_is_under_way() -> None:
    """Nobody waits for it any more; what was not begun is cancelled."""
    futures: list[Future[None]] = []

    def break_off() -> None:
        with processes(2).start() as workers:
            futures.extend(workers.submit(time.sleep, 600) for _ in range(3))
            while not all(future.running() for future in futures[:2]):
                time.sleep(0.01)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert [type(future.exception()) for future in futures[:2]] == [ms.WorkerDied] * 2
    assert futures[2].cancelled()


def test_what_is_printed_there(capfd: pytest.CaptureFixture[str]) -> None:
    """A hook may print: it comes on standard error, and nothing can be read where messages come in."""
    with processes(1).start() as workers:
        assert workers.submit(print, "a remark").result() is None
        assert isinstance(workers.submit(input).exception(), EOFError)
    assert capfd.readouterr() == ("", "a remark\n")


class Odd(Exception):  # noqa: N818 - it stands for one that somebody else has written
    """An exception that can be pickled, and not be read again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def odd() -> None:
    """Raise one."""
    raise Odd("very ", "odd")


REJECTION = Rejection(b"task:1", "task v1→v2", "n", Fault("a", "b", "c", Place("f", 3, 4)), ValueError("of a hook"))
ERRORS = [
    ms.MigrateSpecError("found", "expected", "remedy", where="db", details=[Fault("more")]),
    ms.NotADatabase("found", where=Place("file", 1, 2)),
    ms.SpecError([Fault("a", where=Place("x", 2)), Fault("b", where=Place("x", 1))]),
    ms.RecordRejected([REJECTION], 5, where="db"),
    ms.LaterWrites([b"a", b"b"], 7, where="db"),
]


def fail(error: Exception) -> None:
    """Raise it."""
    raise error


class TestOfWhatIsRaised:
    """Errors come over with all that they hold."""

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_ours(self, workers: Executor, error: ms.MigrateSpecError) -> None:
        """Their sentences and facts are as they were."""
        found = workers.submit(fail, error).exception()
        assert type(found) is type(error)
        assert isinstance(found, ms.MigrateSpecError)
        assert (str(found), found.to_json()) == (str(error), error.to_json())

    def test_of_a_hook(self, workers: Executor) -> None:
        """What a hook raised comes as the text that `--debug` shows."""
        found = workers.submit(fail, ERRORS[3]).exception()
        assert isinstance(found, ms.RecordRejected)
        cause = found.rejections[0].cause
        assert isinstance(cause, RaisedElsewhere)
        assert str(cause) == "ValueError: of a hook"

    def test_where(self, workers: Executor) -> None:
        """The traceback there is a note of the error here."""
        with pytest.raises(ValueError, match="invalid literal for int") as caught:
            workers.submit(int, "x").result()
        (note,) = caught.value.__notes__
        assert note.startswith("In a worker process:\nTraceback (most recent call last):\n")

    def test_what_cannot_be_read_again(self, workers: Executor) -> None:
        """It is told in words."""
        with pytest.raises(ms.WorkerError) as caught:
            workers.submit(odd).result()
        assert str(caught.value) == "Odd was raised in a worker process (very odd)"

    def test_what_cannot_be_sent(self, workers: Executor) -> None:
        """A function that has no name fails here, and the worker goes on."""
        with pytest.raises(Exception, match="<lambda>"):
            workers.submit(lambda: 1).result()
        assert workers.submit(abs, -1).result() == 1
