"""Beside a running program: what can be read of its database, how fresh that is, and waiting until it has ended."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec import waiting
from migrate_spec.stores import lock_holders
from tests.cli_support import MERIDIAN, SCRIPT, Done, cli, document
from tests.conftest import (
    ROWS,
    Folder,
    beside,
    data,
    dump,
    holder,
    in_use,
    make,
    named,
    raw,
    unlogged,
    variables,
)

BUSY = """
import sys
from rocksdict import Options, Rdict
options = Options(raw_mode=True)
options.set_write_buffer_size(64 << 10)
handle = Rdict(sys.argv[1], options)
print("open", flush=True)
for number in range(10**9):
    if not sys.stdin.readline():
        break
    for key in range(400):
        handle[b"note:%03d" % key] = b'{"n":%d,"text":"%s"}' % (number, b"x" * 200)
    if number % 3 == 0:
        handle.flush()
    if number % 5 == 0:
        handle.compact_range(None, None)
    print(number, flush=True)
"""
"""Writes, flushes and compacts on and on: a round for each line that it is given, whose number it then tells."""

WITHOUT_LOG = """
import sys
from rocksdict import Options, Rdict, WriteOptions
handle = Rdict(sys.argv[1], Options(raw_mode=True))
unlogged = WriteOptions()
unlogged.disable_wal = True
handle.put(b"_schema_version", b"2", unlogged)
print("open", flush=True)
sys.stdin.readline()
handle.flush()
print("flushed", flush=True)
sys.stdin.read()
"""


def ask(process: subprocess.Popen[str]) -> str:
    """Have a program do one more round, and hear of it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@contextmanager
def waiting_command(*words: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The installed command, under way."""
    command, pipe = [SCRIPT, *map(str, words)], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=variables()) as process:
        yield process


class TestReading:
    """Looking at a database that another process has open, and goes on writing to."""

    def test_commands(self, meridian: Path) -> None:
        """Each shows a state that the database has had, and says who is writing to it and when it looked."""
        ms.MigrationManager(meridian, ms.load(*MERIDIAN[1::2])).apply(2)
        commands = (["status", *MERIDIAN], ["plan", "--scan", *MERIDIAN], ["history"], ["backup", "list"])
        with in_use(meridian, BUSY) as program:
            assert program.stdin is not None
            for _ in range(3):
                for words in commands:
                    program.stdin.write("\n" * 3)  # it is at work while the command looks
                    program.stdin.flush()
                    before = datetime.now(UTC)
                    done = cli(*words, meridian, "--json")
                    assert (done.code, done.err) == (0, "")
                    if words[0] != "backup":
                        freshness = json.loads(done.out)["freshness"]
                        assert freshness["writer"] == holder(program)
                        assert before <= datetime.fromisoformat(freshness["read_at"]) <= datetime.now(UTC)
                    lines = cli(*words, meridian).out.splitlines()
                    if words[0] != "backup":
                        assert lines[-1] == (
                            "What that one wrote later, or has not written to its write-ahead log, is not shown."
                        )
                        assert lines[-2].startswith("Read at 20")
                        assert lines[-2].endswith(f" while {named(program)} had the database open for writing.")

    def test_all_that_was_written_is_seen(self, tmp_path: Path, folder: Folder) -> None:
        """Whatever the program has written when the look begins is seen, in its log or in its tables."""
        path = make(tmp_path / "db", {b"task:t": b"{}"})
        project = folder.spec("note", 1, {"add": {"seen": True}}).load()
        manager = ms.MigrationManager(path, project)
        with in_use(path, BUSY) as program:
            for _ in range(12):
                told = int(ask(program))
                (sample,) = manager.samples(manager.plan(), among=1).values()
                assert sample.before["n"] == told
                assert manager.scan().collections["note"]["scanned"] == 400

    def test_what_has_no_log(self, tmp_path: Path, folder: Folder) -> None:
        """What a program wrote without a log is seen only once it is in a table file, as the commands say."""
        path = make(tmp_path / "db", {})
        project = folder.spec("note", 1, {"add": {"seen": True}}).load()
        manager = ms.MigrationManager(path, project)
        with in_use(path, WITHOUT_LOG) as program:
            assert manager.status().current_version == 1
            assert ask(program) == "flushed"
            assert manager.status().current_version == 2

    def test_of_nobody(self, meridian: Path, project: ms.Project) -> None:
        """Where nobody has the database open, none is named; of an open handle that is this very process."""
        freshness = ms.MigrationManager(meridian, project).freshness()
        assert freshness.writer is None
        assert "Read at" not in cli("status", meridian, *MERIDIAN).out


class TestTheHolder:
    """Who has a database open for writing."""

    def test_without_a_table_of_locks(
        self, meridian: Path, project: ms.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the system has no table of locks, the holder is the process that has the lock's file open."""
        with in_use(meridian) as program:
            processes = tmp_path / "proc"
            processes.mkdir()
            (processes / str(program.pid)).symlink_to(f"/proc/{program.pid}")
            (processes / str(os.getpid())).symlink_to("/proc/self")
            monkeypatch.setattr(lock_holders, "PROCESSES", processes)
            with pytest.raises(ms.DatabaseLocked) as caught:
                ms.MigrationManager(meridian, project).apply()
            assert caught.value.holder == ms.Holder(**holder(program))

    def test_where_the_system_does_not_tell(
        self, meridian: Path, project: ms.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without either, the sentence names nobody, and waiting works all the same."""
        monkeypatch.setattr(lock_holders, "PROCESSES", tmp_path / "none")
        monkeypatch.setattr(waiting, "BLIND_INTERVAL", 0.05)
        with in_use(meridian) as program:
            with pytest.raises(ms.DatabaseLocked) as caught:
                ms.MigrationManager(meridian, project).apply()
            assert caught.value.holder is None
            assert str(caught.value) == (
                f"{meridian}: another process has it open for writing, only one process can write to it at a time; "
                "stop that process, or wait for it with --wait"
            )

            def end(progress: ms.Progress) -> None:
                if progress.phase == "waiting" and program.stdin is not None:
                    program.stdin.close()

            assert ms.check_and_migrate(meridian, project, wait=600, on_progress=end).to_version == 3

    def test_this_process(
        self, meridian: Path, project: ms.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A handle of this very process is told apart from that of another one, with the table of locks or without."""
        with closing(Rdict(str(meridian), raw())):
            for known in (lock_holders.PROCESSES, tmp_path / "none"):
                monkeypatch.setattr(lock_holders, "PROCESSES", known)
                with pytest.raises(ms.DatabaseLocked, match="this process has it open for writing already") as caught:
                    ms.MigrationManager(meridian, project).apply()
                assert caught.value.holder is not None
                assert caught.value.holder.pid == os.getpid()

    def test_is_kept_when_it_is_sent_to_another_process(self) -> None:
        """The error of a worker still names the holder."""
        error = ms.DatabaseLocked("found", "expected", "remedy", where="db", holder=ms.Holder(7, "app serve"))
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - from this very test
        assert (str(copy), copy.holder, copy.to_json()) == (str(error), ms.Holder(7, "app serve"), error.to_json())
        assert error.to_json()["holder"] == {"pid": 7, "command": "app serve"}
        assert ms.DatabaseLocked("found").to_json()["holder"] is None
        assert str(ms.Holder(7)) == "process 7"


class TestWaiting:
    """`--wait` and `wait=`."""

    def test_goes_on_when_the_program_ends(self, meridian: Path) -> None:
        """The command says for whom it waits, and migrates as soon as that one has ended; so does a rollback."""
        for command_name in ("apply", "rollback"):
            words = (command_name, meridian, *MERIDIAN)
            with in_use(meridian) as program, waiting_command(*words, "--wait", "600") as command:
                assert command.stderr is not None
                told = f"waiting for {named(program)}, which has {meridian} open for writing"
                assert command.stderr.readline().startswith(told)
                assert program.stdin is not None
                program.stdin.close()
                out, err = command.communicate()
            assert (command.returncode, err) == (0, "")
            assert "✓" in out
        assert data(meridian) == ROWS

    def test_no_longer_than_said(self, meridian: Path, project: ms.Project) -> None:
        """When the time is over, the run is refused as it is without waiting, and nothing was touched."""
        with in_use(meridian) as program:
            before, told = unlogged(meridian.parent), list[ms.Progress]()
            with pytest.raises(ms.DatabaseLocked) as caught:
                ms.MigrationManager(meridian, project).apply(wait=2, on_progress=told.append)
            assert caught.value.holder == ms.Holder(**holder(program))
            assert {event.phase for event in told} == {"waiting"}
            assert all(0 <= event.seconds < 2 for event in told)
            assert unlogged(meridian.parent) == before

    def test_interrupted(self, meridian: Path) -> None:
        """Ctrl-C ends the waiting at once; the database is as it was."""
        with in_use(meridian):
            before = unlogged(meridian.parent)
            with waiting_command("apply", meridian, *MERIDIAN, "--wait", "600") as command:
                assert command.stderr is not None
                assert command.stderr.readline().startswith("waiting for process ")
                command.send_signal(signal.SIGINT)
                out, err = command.communicate()
            assert Done(command.returncode, out, err) == Done(130, "", "\nInterrupted: the database is as it was.\n")
            assert unlogged(meridian.parent) == before

    def test_of_a_fleet(self, meridian: Path, tmp_path: Path, project: ms.Project) -> None:
        """Each database of a fleet is waited for; one that stays locked fails alone."""
        other = make(tmp_path / "other", dump(meridian))
        with in_use(meridian):
            first, second = ms.apply_all([meridian, other], project, wait=0.2)
        assert isinstance(first.error, ms.DatabaseLocked)
        assert second.report is not None
        assert beside(meridian) == []

    @pytest.mark.parametrize("seconds", ["-1", "soon", "nan"])
    def test_wrong_seconds(self, meridian: Path, seconds: str) -> None:
        """What is no number of seconds is a wrong use."""
        done = cli("apply", meridian, *MERIDIAN, "--wait", seconds)
        assert done.code == 2
        sentence = f"{seconds!r} was found, a number of seconds was expected: 0, 0.5, 60, …"
        assert done.err.endswith(f"Error: Invalid value for '--wait': {sentence}\n")


def test_compact_waits(meridian: Path, project: ms.Project) -> None:
    """So does compacting."""
    with in_use(meridian), pytest.raises(ms.DatabaseLocked):
        ms.MigrationManager(meridian, project).compact(wait=0.1)


def test_the_documents_of_the_commands(meridian: Path) -> None:
    """The freshness stands in the documents of all commands that read only."""
    for words in (["status", *MERIDIAN], ["plan", *MERIDIAN], ["history"]):
        assert set(document(*words, meridian)["freshness"]) == {"read_at", "writer"}
