"""Killed at any instant, a database is wholly before or wholly after; interrupted, it is as it was.

The runs happen in real processes that get real signals. To begin quickly each is a fork of a process that has done
all imports already, and has never opened a database.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec import runner
from migrate_spec.executors import processes as worker_processes
from tests.conftest import (
    HISTORY,
    ROWS,
    SCHEMAS,
    SPECS,
    VERSION,
    Folder,
    beside,
    data,
    dump,
    make,
    raw,
    task,
    variables,
)
from tests.server_support import Server
from tests.test_record_operations import written
from tests.test_record_rollback import BEFORE
from tests.test_record_rollback import SPECS as MOVING

SERVER = """
import json, os, select, signal, sys, time
import migrate_spec as ms

project = ms.load(sys.argv[1], sys.argv[2])
manager = ms.MigrationManager  # imports the rest


def run(path, do, traced, said):
    result = "interrupted"
    try:
        while traced and "TracerPid:\\t0\\n" in open("/proc/self/status").read():
            time.sleep(0.001)
        getattr(manager(path, project), do)()
        result = "done"
    except KeyboardInterrupt:
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(said, result.encode())


for line in sys.stdin:
    order = json.loads(line)
    listen, say = os.pipe()
    begin = time.monotonic()
    process = os.fork()
    if not process:
        os.close(listen)
        try:
            run(order["path"], order["do"], order["traced"], say)
        except BaseException as error:
            os.write(say, repr(error).encode())
        os._exit(0)
    os.close(say)
    if order["traced"]:
        print(process, flush=True)
    elif not select.select([listen], [], [], order["seconds"])[0]:
        os.kill(process, signal.SIGKILL)
    status = os.waitpid(process, 0)[1]
    result = os.read(listen, 10_000).decode()
    os.close(listen)
    print(json.dumps([status, result, time.monotonic() - begin]), flush=True)
"""
"""Runs what it is told on its standard input, each time in a new process: one that it kills after so many seconds
(unless it is done before), or one that begins once it is traced. Tells the exit status, what the run came to, and the
time it took.
"""


@dataclass(frozen=True)
class Outcome:
    """What became of a process.

    Attributes:
        killed: whether it was killed.
        said: ``done``, ``interrupted`` or an error; nothing where it was killed before.
        seconds: how long it ran.
    """

    killed: bool
    said: str
    seconds: float


class Processes(Server):
    """Processes that carry out one call each."""

    def __init__(self, temporary: Path, specs: Path = SPECS, schemas: Path = SCHEMAS) -> None:
        super().__init__(SERVER, specs, schemas, temporary=temporary)

    def _outcome(self) -> Outcome:
        status, said, seconds = json.loads(self.line())
        assert status in {0, signal.SIGKILL}, (status, said)
        return Outcome(status == signal.SIGKILL, said, seconds)

    def killed_after(self, seconds: float, path: Path, do: str) -> Outcome:
        """A call in a process that is killed after so many seconds."""
        self.order(path=str(path), do=do, traced=False, seconds=seconds)
        return self._outcome()

    def traced(self, path: Path, do: str, *options: str) -> tuple[Outcome, list[str]]:
        """A call in a process whose main thread is traced; also what strace wrote down."""
        self.order(path=str(path), do=do, traced=True, seconds=0)
        process, log = self.line().strip(), path.parent / "strace.log"
        command = ["strace", "-p", process, "-y", "-s", "1", "-o", str(log), *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as strace:
            outcome = self._outcome()
            strace.communicate()
        return outcome, log.read_text().splitlines()


class World:
    """A database in table files and the log, as a killed program leaves it, and what it becomes."""

    def __init__(
        self, folder: Path, project: ms.Project, records: Mapping[bytes, bytes], log: Mapping[bytes, bytes], tables: int
    ) -> None:
        """Make it.

        Args:
            folder: where.
            project: what it becomes by.
            records: those in its table files.
            log: those that are only in its log.
            tables: the number of its table files: with three RocksDB begins a compaction of its own during the call,
                with less it makes the same system calls each time.
        """
        self.path = folder / "db"
        self.project = project
        self._template = folder / "template"
        self._template.mkdir()
        make(self._template / "db", records, tables=tables)
        code = (
            "import json, os, sys\nfrom rocksdict import Options, Rdict\n"
            "handle = Rdict(sys.argv[1], Options(raw_mode=True))\n"
            "for key, value in json.load(sys.stdin).items():\n    handle[key.encode()] = value.encode()\n"
            "os._exit(0)"
        )
        command = [sys.executable, "-c", code, str(self._template / "db")]
        text = json.dumps({key.decode(): value.decode() for key, value in log.items()})
        subprocess.run(command, input=text, text=True, check=True)
        (self._template / "db" / "rocksdict-config.json").unlink()
        logged = sum(len(value) for value in log.values())
        assert any(file.stat().st_size > logged for file in (self._template / "db").glob("*.log"))
        assert len(list((self._template / "db").glob("*.sst"))) == tables
        self.old = dump(self._template / "db")
        assert self.old == {**records, **log}
        self._there = folder / "there"
        shutil.copytree(self._template, self._there)
        ms.MigrationManager(self._there / "db", project).apply()
        self.new = data(self._there / "db")
        handle = Rdict(str(self._there / "db"), raw())
        handle.compact_range(None, None)
        handle.close()
        (self._there / "db" / "rocksdict-config.json").unlink()

    def restore(self, *, migrated: bool = False) -> None:
        """Put the world back to where it began: before the migration, or after it."""
        for file in self.path.parent.glob("db*"):
            shutil.rmtree(file)
        shutil.copytree(self._there if migrated else self._template, self.path.parent, dirs_exist_ok=True)

    def check(self, *, rolls_back: bool = True) -> str:
        """See that the database is ``old`` or ``new``, wholly, and say which; and that all goes on well from there."""
        state = self.state()
        manager = ms.MigrationManager(self.path, self.project)
        report = manager.apply()
        assert (report.from_version, report.to_version) == ({"old": 1, "new": 3}[state], 3)
        assert data(self.path) == self.new
        assert beside(self.path) == ["db.backups", *(f"db.backups/{name}" for name in self.backups())]
        assert self.strange() == set()
        if rolls_back:
            manager.rollback()
            assert data(self.path) == self.old
        return state

    def state(self) -> str:
        """Data, version, history and the note of the backup: all of one moment."""
        found = dump(self.path)
        records = {key: value for key, value in found.items() if not key.startswith(b"_")}
        entries = json.loads(found.get(HISTORY, b'{"migrations":[]}'))["migrations"]
        notes = sorted(key.decode() for key in found if key.startswith(b"_backup_"))
        way = [(entry["from_version"], entry["to_version"]) for entry in entries]
        assert notes == sorted({entry["backup_key"] for entry in entries})
        if VERSION in found:
            assert found[VERSION] == b"3"
            assert records == self.new
            assert way == [(1, 2), (2, 3)]
            return "new"
        assert records == self.old
        assert way in ([], [(1, 2), (2, 3), (3, 1)])
        return "old"

    def backups(self) -> list[str]:
        """The names of the backups that the history speaks of."""
        entries = json.loads(dump(self.path).get(HISTORY, b'{"migrations":[]}'))["migrations"]
        return sorted({entry["backup_key"] for entry in entries})

    def strange(self) -> set[str]:
        """What is in the database's folder and none of RocksDB's own files."""
        known = r"CURRENT|IDENTITY|LOCK|LOG(\.old\.\d+)?|MANIFEST-\d+|OPTIONS-\d+(\.dbtmp)?|\d+\.(sst|log|dbtmp)"
        return {file.name for file in self.path.iterdir() if not re.fullmatch(known, file.name)}


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory, where there is one: a signal ends a process and not the machine, so no disk is needed."""
    shared = Path("/dev/shm")  # noqa: S108 - in it a folder of our own is made
    if not os.access(shared, os.W_OK):
        yield tmp_path_factory.mktemp("crash")
        return
    with TemporaryDirectory(prefix="migrate-spec-test-", dir=shared) as folder:
        yield Path(folder)


def below(folder: Path, name: str) -> Path:
    """A new folder."""
    (folder / name).mkdir()
    return folder / name


def records(tasks: int) -> dict[bytes, bytes]:
    """The records of Meridian, and more tasks and episodes."""
    more = {b"task:%05d" % number: task(f"{number:05}") for number in range(tasks)}
    return ROWS | more | {b"episode:%04d" % number: ROWS[b"episode:e0"] for number in range(200)}


LOG = {b"task:log-%03d" % number: task(f"{number:03}") for number in range(300)}


@pytest.fixture(scope="module")
def world(memory: Path, project: ms.Project) -> World:
    """A world in which RocksDB works in the background, too."""
    return World(below(memory, "world"), project, records(1500), LOG, tables=3)


@pytest.fixture(scope="module")
def calm(memory: Path, project: ms.Project) -> World:
    """A world in which the same calls make the same system calls."""
    return World(below(memory, "calm"), project, records(100), LOG, tables=1)


@pytest.fixture(scope="module")
def processes(memory: Path) -> Iterator[Processes]:
    """Processes, on the project that ships."""
    with Processes(below(memory, "temporary")) as running:
        yield running


def tell(what: object) -> None:
    """Say something for the report of a failure."""
    sys.stdout.write(f"{what}\n")


class TestKilledAtRandom:
    """SIGKILL, spread evenly over the whole of a call, from its first moment to its end."""

    @pytest.mark.parametrize(("do", "kills"), [("apply", 10), ("rollback", 5)])
    def test_killed(self, do: str, kills: int, world: World, processes: Processes) -> None:
        """Each time the database opens, is wholly old or wholly new, and the next run and rollback go well."""
        seed = int.from_bytes(os.urandom(4))
        tell(f"seed {seed}")
        chance, seconds, killed = random.Random(seed), 0.0, 0  # noqa: S311
        for _ in range(3):
            world.restore(migrated=do == "rollback")
            whole = processes.killed_after(60, world.path, do)
            assert (whole.killed, whole.said) == (False, "done")
            seconds = max(seconds, whole.seconds)
        while killed < kills:
            world.restore(migrated=do == "rollback")
            moment = seconds * (killed + chance.random()) / kills
            outcome = processes.killed_after(moment, world.path, do)
            if outcome.killed:
                tell(f"killed after {moment:.4f} s of {seconds:.4f} s")
                world.check()
                killed += 1
            else:  # it was faster than the ones before
                assert outcome.said == "done"
                seconds = min(seconds, outcome.seconds) * 0.97


CALLS = ("mkdir", "link", "linkat", "rename", "renameat", "renameat2", "rmdir", "unlinkat", "fdatasync", "fsync")


@pytest.fixture(scope="module")
def strace() -> None:
    """There is strace, and it may trace the processes of this user."""
    if not shutil.which("strace"):
        pytest.skip("no strace here, and without it no signal comes at a chosen system call")
    probe = [sys.executable, "-c", "while 'TracerPid:\\t0\\n' in open('/proc/self/status').read(): pass"]
    with subprocess.Popen(probe) as process:
        tracer = subprocess.run(["strace", "-o", os.devnull, "-p", str(process.pid)], capture_output=True, check=False)
        process.kill()
    if tracer.returncode:
        pytest.skip(f"strace may not trace other processes here: {tracer.stderr.decode().strip()}")


@dataclass(frozen=True)
class Point:
    """A moment in a call: the ``index``-th time (from 1) that its main thread makes a system call.

    Attributes:
        call, index: the system call.
        line: what strace says about it.
        swap: whether it belongs to the swap or comes after it.
    """

    call: str
    index: int
    line: str
    swap: bool

    def inject(self, number: signal.Signals) -> tuple[str, str]:
        """Options of strace, by which the process gets a signal as it is about to make the system call."""
        return "-e", f"inject={self.call}:signal={number.name}:when={self.index}"


def points(world: World, processes: Processes, do: str) -> list[Point]:
    """The moments at which the main thread changes names of files in or beside the database, or waits for the disk.

    For the disk it waits often before the swap has begun, and nothing of that is in the database: those are left out.
    """
    world.restore(migrated=do == "rollback")
    outcome, lines = processes.traced(world.path, do, "-e", f"trace={','.join(f'?{call}' for call in CALLS)}")
    assert outcome.said == "done"
    found, counts, swap = [], dict.fromkeys(CALLS, 0), False
    for line in lines:
        call = line.partition("(")[0]
        if call in counts:
            counts[call] += 1
            swap |= call.startswith("link") and f'"{world.path}.staging/' in line.partition(",")[0]
            if str(world.path) in line and line.endswith("= 0") and (swap or not call.endswith("sync")):
                found.append(Point(call, counts[call], line.replace(str(world.path), "DB"), swap))
    return found


def some(found: Sequence[Point]) -> list[Point]:
    """Every third moment, from a first one that is drawn, and the last: `make faults` takes all."""
    return [*found[random.randrange(3) : -1 : 3], found[-1]]  # noqa: S311


def killed_at_single_steps(world: World, processes: Processes, do: str) -> None:
    """Kill a call before many a step; the database is wholly old or new, and the next run leaves nothing of it."""
    states = []
    for point in some(points(world, processes, do)):
        tell(point)
        world.restore(migrated=do == "rollback")
        outcome, _ = processes.traced(world.path, do, *point.inject(signal.SIGKILL))
        assert outcome.killed
        states.append(world.check(rolls_back=False))
    before, after = ("old", "new") if do == "apply" else ("new", "old")
    assert set(states) == {before, after}
    assert states == sorted(states, key=lambda state: state == after)


@pytest.mark.usefixtures("strace")
class TestAtASingleStep:
    """A signal before a single step by which a call changes files."""

    @pytest.mark.parametrize("do", ["apply", "rollback"])
    def test_killed(self, do: str, calm: World, processes: Processes) -> None:
        """Killed before any step the database is wholly old or wholly new, and the next run leaves nothing of it."""
        killed_at_single_steps(calm, processes, do)

    @pytest.mark.parametrize("do", ["apply", "rollback"])
    def test_killed_while_records_move(self, do: str, memory: Path) -> None:
        """So it is where records get other keys, go, come and take entries along: none is moved twice, none is left."""
        folder = below(memory, f"moved-{do}")
        files = written({"specs": dict(MOVING)}, Folder(folder / "project"))
        log = {
            b"task:log": b'{"id":"log","project":"p","status":"todo","notes":[{"t":"c"}]}',
            b"idx_status:todo:log": b"1",
        }
        world = World(below(folder, "world"), files.load(), BEFORE, log, tables=1)
        assert b"project:p:task:log" in world.new
        assert not [key for key in world.new if key.startswith(b"task:")]
        with Processes(below(folder, "temporary"), files.specs, files.schemas) as processes:
            killed_at_single_steps(world, processes, do)

    @pytest.mark.parametrize("do", ["apply", "rollback"])
    def test_interrupted(self, do: str, calm: World, processes: Processes) -> None:
        """Interrupted before the swap the call says so and has changed nothing; from then on it is done and says so."""
        before, after = ("old", "new") if do == "apply" else ("new", "old")
        seen = set()
        for point in some(points(calm, processes, do)):
            tell(point)
            calm.restore(migrated=do == "rollback")
            names = beside(calm.path)
            outcome, _ = processes.traced(calm.path, do, *point.inject(signal.SIGINT))
            assert outcome.said == ("done" if point.swap else "interrupted")
            assert calm.state() == (after if point.swap else before)
            backups = [f"db.backups/{name}" for name in calm.backups()]
            assert beside(calm.path) == (["db.backups", *backups] if point.swap or do == "rollback" else names)
            assert calm.strange() == set()
            seen.add(outcome.said)
        assert seen == {"done", "interrupted"}


INTERRUPTED = """
import sys
import migrate_spec as ms

def tell(event):
    if event.phase == "advanced" and event.done:
        print(event.done, flush=True)

try:
    ms.check_and_migrate(sys.argv[1], ms.load(sys.argv[2], sys.argv[3]), on_progress=tell)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_interrupted_in_the_middle(tmp_path: Path) -> None:
    """A Ctrl-C in the middle of 100,000 records reaches the caller; nothing is changed and no file is left anywhere."""
    path, temporary = tmp_path / "db", tmp_path / "tmp"
    temporary.mkdir()
    make(path, {b"task:%06d" % number: task(f"{number:06}") for number in range(100_000)}, tables=3)
    before = dump(path)
    command = [sys.executable, "-c", INTERRUPTED, str(path), str(SPECS), str(SCHEMAS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables(TMPDIR=temporary)) as process:
        assert process.stdout is not None
        done = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        said = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert said[-1] == "interrupted"
    assert 0 < done < 100_000
    assert dump(path) == before
    assert beside(path) == []
    assert list(temporary.iterdir()) == []


MEETING = """
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from migrate_spec import hook


@hook
def met(name):
    place = Path(name)
    with suppress(FileNotFoundError):
        (place / "kill").unlink()  # for one process only
        os.kill(os.getpid(), signal.SIGKILL)
    if (place / "wait").exists():
        (place / f"{os.getpid()}.pid").touch()
        time.sleep(600)
    return None
"""
"""A hook by which two workers meet their end, or each other, in the middle of their work."""

BY_WORKERS = """
import sys
from migrate_spec import runner
from migrate_spec.cli import main

runner.FEW_RECORDS, runner.LEAST_IN_A_JOB = 0, 100
main()
"""
"""The command line, with two workers for any number of records."""


ROUNDS = 2


class Meeting:
    """A database of 4000 notes, and a spec that has its workers meet in the middle of the first and the second half.

    Attributes:
        path: the database.
        project: the specs.
        before: the records.
        place: where the hook finds what it is to do.
        temporary: the folder of temporary files.
    """

    def __init__(self, path: Path) -> None:
        """Make it."""
        self.path, self.place, self.temporary = path / "db", path / "place", path / "temporary"
        self.place.mkdir()
        self.temporary.mkdir()
        self._files = Folder(path / "project")
        (self._files.specs.parent / "hooks").mkdir()
        (self._files.specs.parent / "hooks" / "meeting.py").write_text(MEETING)
        self.project = self._files.spec("note", 1, {"call": {"place": "meeting:met"}}, {"add": {"a": 1}}).load()
        self.before = {b"note:%04d" % number: b"{}" for number in range(4000)}
        self.before |= dict.fromkeys((b"note:1000", b"note:3000"), b'{"place":"%s"}' % bytes(self.place))
        make(self.path, self.before)

    def start(self) -> subprocess.Popen[str]:
        """Begin a run by two workers, in a group of processes of its own. Its workers have its standard error."""
        folders = ("--specs", str(self._files.specs), "--schemas", str(self._files.schemas))
        command = [sys.executable, "-c", BY_WORKERS, "apply", str(self.path), "--workers", "2", *folders]
        pipe, environment = subprocess.PIPE, variables(TMPDIR=self.temporary)
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True)

    def met(self, process: subprocess.Popen[str]) -> None:
        """Wait until both workers are in the middle of their work, and have files under way."""
        while len(list(self.place.glob("*.pid"))) < 2:
            assert process.poll() is None
            time.sleep(0.005)
        assert len(list(self.path.parent.glob("db.staging/*.sst"))) == 2

    def check(self) -> None:
        """See that the next run goes well, by workers, and clears all up."""
        for file in self.place.iterdir():
            file.unlink()
        with self.start() as process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, ""), out
        self.check_new()
        ms.MigrationManager(self.path, self.project).rollback()
        assert data(self.path) == self.before

    def check_new(self) -> None:
        """See that the database is wholly migrated, and nothing but one backup lies beside it."""
        found = data(self.path)
        assert found.keys() == self.before.keys()
        assert sorted(set(found.values())) == [
            b'{"schema_version":2,"a":1}',
            b'{"schema_version":2,"place":null,"a":1}',
        ]
        [backup] = ms.MigrationManager(self.path, self.project).backups()
        assert beside(self.path) == ["db.backups", f"db.backups/{backup.name}"]

    def check_old(self) -> None:
        """See that nothing has happened, and nothing is left."""
        assert dump(self.path) == self.before
        assert (beside(self.path), list(self.temporary.iterdir())) == ([], [])


@pytest.fixture
def meeting(tmp_path: Path) -> Meeting:
    """Of two workers."""
    return Meeting(tmp_path)


class TestWithWorkers:
    """Signals in the middle of a run by several processes."""

    def test_a_killed_worker(self, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
        """The run ends, says so and leaves nothing; the next one goes well."""
        monkeypatch.setattr(runner, "FEW_RECORDS", 0)
        monkeypatch.setattr(runner, "LEAST_IN_A_JOB", 100)
        monkeypatch.setenv("TMPDIR", str(meeting.temporary))
        monkeypatch.setattr(tempfile, "tempdir", None)
        manager = ms.MigrationManager(meeting.path, meeting.project)
        for do in (manager.apply, manager.scan):
            (meeting.place / "kill").touch()
            with pytest.raises(ms.WorkerDied) as caught:
                do(workers=worker_processes(2))
            assert str(caught.value) == (
                "a worker process that was ended by SIGKILL was found, an answer was expected; "
                "see whether memory was short, and run again; with --workers 1 no other process is needed"
            )
            meeting.check_old()
        meeting.check()

    def test_killed(self, meeting: Meeting) -> None:
        """Where the program is killed its workers end at once, and the next run clears up what they have left."""
        (meeting.place / "wait").touch()
        with meeting.start() as process:
            meeting.met(process)
            process.kill()
            # There is no end of its standard error before that of the workers.
            assert process.communicate(timeout=60) == ("", "")
        assert dump(meeting.path) == meeting.before
        assert beside(meeting.path) == ["db.backups", "db.staging"]
        meeting.check()

    def test_interrupted(self, meeting: Meeting) -> None:
        """Ctrl-C, which a terminal sends to all processes, ends all of them, and nothing is left."""
        (meeting.place / "wait").touch()
        with meeting.start() as process:
            meeting.met(process)
            os.killpg(process.pid, signal.SIGINT)
            said = process.communicate(timeout=60)
        assert (process.returncode, said) == (130, ("", "\nInterrupted: the database is as it was.\n"))
        meeting.check_old()
        meeting.check()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
    def test_at_random(self, number: signal.Signals, meeting: Meeting) -> None:
        """Whenever a signal comes, the database is wholly old or wholly new, and the next run goes well."""
        seed = int.from_bytes(os.urandom(4))
        tell(f"seed {seed}")
        chance = random.Random(seed)  # noqa: S311
        for _ in range(ROUNDS):
            with meeting.start() as process:
                while not meeting.path.with_name("db.staging").exists():
                    assert process.poll() is None
                    time.sleep(0.001)
                time.sleep(moment := chance.uniform(0, 0.5))
                tell(f"{number.name} after {moment:.4f} s")
                with suppress(ProcessLookupError):
                    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
                _, err = process.communicate(timeout=60)
            assert process.returncode in {0, 130 if number == signal.SIGINT else -number}
            # Where nothing can be raised (in an import, in what goes away) Python loses an interrupt, and says so.
            err = re.sub(r"Exception ignored in: .*\n(.*\n)*?KeyboardInterrupt: \n", "", err)
            assert err == ("\nInterrupted: the database is as it was.\n" if process.returncode == 130 else "")
            if process.returncode == 130:
                meeting.check_old()
            ms.MigrationManager(meeting.path, meeting.project).apply()
            meeting.check_new()
            for file in meeting.path.parent.glob("db*"):
                shutil.rmtree(file)
            make(meeting.path, meeting.before)
