"""Runs by several workers: all comes out as with one, and whatever goes wrong leaves the database as it was."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migrate_spec as ms
from migrate_spec import progress, runner
from migrate_spec.errors import RaisedElsewhere
from migrate_spec.executors import Workers, processes
from migrate_spec.rejects import SHOWN_REJECTIONS
from tests.conftest import VERSION, Folder, beside, data, dump, make, python, task
from tests.runner_support import Direct, direct, document, outcome, set_jobs, small_jobs, threads, told, written

__all__ = ["small_jobs"]

BINARY = st.text("01", max_size=8).map(str.encode)
CHANCE = random.Random(7)  # noqa: S311 - nothing secret

KEYS = {
    "empty": [],
    "one": [b"x"],
    "counter": [b"%06d" % number for number in range(150)],
    "uuid": [str(UUID(int=CHANCE.getrandbits(128), version=4)).encode() for _ in range(150)],
    "bytes": [number.to_bytes(2) for number in range(0, 1 << 16, 600)] + [b"\xff" * 3, b"\xff" * 9, b""],
    "alike": [b"a" * number for number in range(60)] + [b"a" * 50 + bytes([byte]) for byte in range(256)],
    "skewed": [b"a", b"z", *(b"m" * 40 + b"%04d" % number for number in range(200))],
}


def records(keys: dict[str, list[bytes]]) -> dict[bytes, bytes]:
    """Documents under keys of collections, in no order; and others beside them."""
    whole = sorted({name.encode() + b":" + key for name, some in keys.items() for key in some})
    found = {key: document(number) for number, key in enumerate(whole)}
    CHANCE.shuffle(whole)
    return {b"": b"first", b"zzz": b"last", b"one;": b"between"} | {key: found[key] for key in whole}


def applied(template: Path, path: Path, project: ms.Project, workers: Workers) -> ms.ApplyReport:
    """Make a database like another one, and migrate it."""
    shutil.copytree(template, path)
    return ms.MigrationManager(path, project).apply(workers=workers)


@dataclass(frozen=True)
class Example:
    """A database, and what one worker makes of it.

    Attributes:
        project: by what.
        path: where it lies; it is to be copied.
        report: what that worker reports.
        outcome: what it leaves.
    """

    project: ms.Project
    path: Path
    report: ms.ApplyReport
    outcome: object

    def applied(self, path: Path, workers: Workers) -> ms.ApplyReport:
        """Have a copy carried by others."""
        return applied(self.path, path, self.project, workers)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Collections with keys of all kinds."""
    folder = tmp_path_factory.mktemp("example")
    project = written(Folder(folder / "project"), KEYS)
    path = make(folder / "db", records(KEYS), tables=3)
    report = applied(path, folder / "alone", project, processes(1))
    counts = report.collections
    assert (counts["empty"]["scanned"], counts["one"]["scanned"], counts["alike"]["scanned"]) == (0, 1, 315)
    assert min(step["items_migrated"] for step in report.steps) > 300
    return Example(project, path, told(report), outcome(folder / "alone"))


class TestTheSame:
    """Whoever carries the records, and in whatever jobs, the database becomes the same."""

    @pytest.mark.parametrize("count", [2, 3])
    @pytest.mark.parametrize(("least", "chunk"), [(1, 3), (20, 5), (10_000, 250)])
    def test_here(self, count: int, least: int, chunk: int, example: Example, tmp_path: Path) -> None:
        """With few jobs and with many."""
        executor = Direct()
        with pytest.MonkeyPatch.context() as patch:
            set_jobs(patch, least=least, chunk=chunk)
            report = example.applied(tmp_path / "db", direct(count, executor))
        assert (told(report), outcome(tmp_path / "db")) == (example.report, example.outcome)
        assert len(executor.jobs) >= (20 if least == 1 else len(KEYS))
        assert beside(tmp_path / "db") == ["db.backups", f"db.backups/{report.backup}"]

    @pytest.mark.parametrize("workers", [processes(2), processes(3), threads(3)], ids=["two", "three", "threads"])
    def test_at_the_same_time(
        self, workers: Workers, example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In processes, and in threads."""
        set_jobs(monkeypatch, least=10)
        report = example.applied(tmp_path / "db", workers)
        assert (told(report), outcome(tmp_path / "db")) == (example.report, example.outcome)
        manager = ms.MigrationManager(tmp_path / "db", example.project)
        assert manager.rollback().backup == report.backup
        assert data(tmp_path / "db") == data(example.path)

    @settings(max_examples=4, deadline=None)
    @given(
        keys=st.dictionaries(st.sampled_from(["a", "b", "ab"]), st.lists(st.binary(max_size=5) | BINARY), min_size=1),
        sizes=st.tuples(st.integers(2, 5), st.integers(1, 9), st.integers(1, 4)),
    )
    def test_any_keys(
        self, keys: dict[str, list[bytes]], sizes: tuple[int, int, int], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """For any keys; and a rollback finds in the backup what is said to be there."""
        project = written(Folder(tmp_path_factory.mktemp("project")), ["a", "ab", "b"])
        count, least, chunk = sizes
        with TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as patch:
            folder = Path(temporary)
            make(folder / "db", records(keys), tables=2)
            alone = applied(folder / "db", folder / "alone", project, processes(1))
            set_jobs(patch, least=least, chunk=chunk)
            together = applied(folder / "db", folder / "together", project, direct(count))
            assert told(together) == told(alone)
            assert outcome(folder / "together") == outcome(folder / "alone")
            if any(keys.values()):  # else there is nothing to keep
                ms.MigrationManager(folder / "together", project).rollback()
                assert data(folder / "together") == data(folder / "db")

    @pytest.mark.parametrize("count", [2, 3])
    def test_jobs_that_end_with_the_collection(
        self, count: int, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where a job stops at the very end there is an empty one behind it, which no rollback stumbles over."""
        set_jobs(monkeypatch, least=1, chunk=1)
        project, executor = written(folder), Direct()
        # There is no key between two of these: where a job stops another one begins.
        path = make(tmp_path / "db", {b"note:" + bytes(number): document(number) for number in range(12)})
        before = dump(path)
        ms.MigrationManager(path, project).apply(workers=direct(count, executor))
        assert 0 in [part.scanned for _, part in executor.jobs]
        assert len({part.start for _, part in executor.jobs}) < len(executor.jobs)
        ms.MigrationManager(path, project).rollback()
        assert data(path) == before

    @pytest.mark.usefixtures("small_jobs")
    def test_a_dry_run(self, example: Example) -> None:
        """A run that writes nothing reports the same."""
        report = ms.MigrationManager(example.path, example.project).scan(workers=direct(3))
        assert told(report) == replace(example.report, dry_run=True)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files, of this process and its workers; it is empty again afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert list(folder.iterdir()) == []


CALLS: dict[str, Callable[[ms.MigrationManager, Workers], object]] = {
    "apply": lambda manager, workers: manager.apply(workers=workers),
    "scan": lambda manager, workers: manager.scan(workers=workers),
}

WORKERS = {"one": processes(1), "several": direct(3), "threads": threads(3), "processes": processes(2)}


@pytest.mark.usefixtures("small_jobs")
class TestRejected:
    """Records that cannot be carried over."""

    @pytest.mark.parametrize("do", CALLS)
    @pytest.mark.parametrize("bad", [{17, 18, 77}, set(range(40, 200))], ids=["few", "many"])
    def test_in_several_ranges(self, do: str, bad: set[int], folder: Folder, tmp_path: Path, temporary: Path) -> None:
        """All are counted, and the first of them named, in the order of their keys; nothing else happens."""
        names = ["a", "b"]
        project, good = written(folder, names), {number: document(number) for number in range(200)}
        path = make(
            tmp_path / "db",
            {
                b"%s:%04d" % (name.encode(), number): b"{" if number in bad else value
                for name in names
                for number, value in good.items()
            },
        )
        before, errors = dump(path), []
        for workers in WORKERS.values():
            with pytest.raises(ms.RecordRejected) as caught:
                CALLS[do](ms.MigrationManager(path, project), workers)
            errors.append(caught.value)
            assert dump(path) == before
            assert beside(path) == []
            assert list(temporary.iterdir()) == []
        assert errors[0].count == 2 * len(bad)
        keys = [b"%s:%04d" % (name.encode(), number) for name in names for number in sorted(bad)]
        assert [one.key for one in errors[0].rejections] == keys[:SHOWN_REJECTIONS]
        assert {str(error) for error in errors} == {str(errors[0])}
        assert [error.to_json() for error in errors] == [errors[0].to_json()] * len(errors)

    HOOKS = """
import threading
from migrate_spec import hook


class Odd(Exception):
    def __init__(self, number):
        super().__init__(f"the number {number} is odd")
        self.lock = threading.Lock()


@hook
def even(number):
    if number % 50 == 3:
        raise Odd(number)
    return number
"""

    def test_by_a_hook(self, folder: Folder, tmp_path: Path) -> None:
        """What a hook raises may be of any class, also of one that cannot leave its process."""
        hooks = folder.specs.parent / "hooks"
        hooks.mkdir()
        (hooks / "numbers.py").write_text(self.HOOKS)
        project = folder.spec("note", 1, {"call": {"n": "numbers:even"}}).load()
        path = make(tmp_path / "db", {b"note:%03d" % number: document(number) for number in range(150)})
        before, said, causes = dump(path), set(), {}
        for name, workers in WORKERS.items():
            with pytest.raises(ms.RecordRejected) as caught:
                ms.MigrationManager(path, project).apply(workers=workers)
            said.add(str(caught.value))
            causes[name] = [one.cause for one in caught.value.rejections]
            assert (dump(path), beside(path)) == (before, [])
        assert {type(cause).__name__ for cause in causes["one"]} == {"Odd"}
        assert {type(cause) for cause in causes["processes"]} == {RaisedElsewhere}
        assert str(causes["processes"][2]).splitlines()[-1].endswith("Odd: the number 103 is odd")
        [sentence] = said
        assert sentence.count("the number") == 3


class TestDamage:
    """A block that cannot be read."""

    @pytest.mark.parametrize("do", CALLS)
    def test_in_one_range(
        self, do: str, tmp_path: Path, project: ms.Project, temporary: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is told as with one worker, of the database and not of the copy that was read."""
        path = make(
            tmp_path / "db",
            {b"task:%05d" % number: task(f"{number:05}", title=f"{number * 7919:x}") for number in range(4000)},
        )
        [table] = path.glob("*.sst")
        content = bytearray(table.read_bytes())
        content[len(content) * 2 // 3] ^= 1
        table.write_bytes(content)
        said = set()
        for workers in WORKERS.values():
            with pytest.raises(ms.CorruptDatabase) as caught:
                CALLS[do](ms.MigrationManager(path, project), workers)
            said.add(str(caught.value))
            assert beside(path) == []
            assert list(temporary.iterdir()) == []
            set_jobs(monkeypatch, least=250)
        [sentence] = said
        assert sentence.startswith(f"{path}: {table.name} at offset ")
        assert sentence.removeprefix(f"{path}: {table.name} at offset ").lstrip("0123456789") == (
            " cannot be read, every file must be whole; "
            "put a backup back, or save what is left with `migrate-spec salvage`"
        )
        assert table.read_bytes() == content
        assert ms.MigrationManager(path, project).version() == 1


FULL = """
import sys
from pathlib import Path
import migrate_spec as ms
from migrate_spec import runner
from migrate_spec.executors import processes
from tests.conftest import beside, dump

path, before = Path(sys.argv[1]), dump(Path(sys.argv[1]))
manager = ms.MigrationManager(path, ms.load(sys.argv[2], sys.argv[3]))
runner.FEW_RECORDS, runner.LEAST_IN_A_JOB = 0, 500
for count in (1, 2):
    try:
        print(manager.apply(workers=processes(count)).to_version)
    except ms.MigrateSpecError as error:
        print(type(error).__name__, error)
    print(dump(path) == before, beside(path))
"""


def test_a_full_disk(tmp_path: Path, mounts: tuple[str, ...], folder: Folder) -> None:
    """A disk that is full in the middle is told as with one worker; nothing is left."""
    folder.spec("note", 1, {"add": {"a": hashlib.shake_256(b"grown").hexdigest(2000)}})
    texts = (hashlib.shake_256(b"%d" % number).hexdigest(320).encode() for number in range(5000))
    make(tmp_path / "db", {b"note:%05d" % number: b'{"text":"%s"}' % text for number, text in enumerate(texts)})
    (tmp_path / "small").mkdir()
    script = f'mount -t tmpfs -o size=12m none "{tmp_path}/small" && cp -r "{tmp_path}/db" "{tmp_path}/small"'
    under = (*mounts, f'{script} && exec "$@"', "sh")
    said = python(FULL, tmp_path / "small" / "db", folder.specs, folder.schemas, under=under).splitlines()
    full = f"NoSpace {tmp_path}/small/db: the disk is full, the work needs more room; make room and run again"
    assert said == [full, "True []"] * 2


class TestProgress:
    """What a callback is told."""

    @pytest.mark.usefixtures("small_jobs")
    @pytest.mark.parametrize("workers", WORKERS.values(), ids=WORKERS)
    @pytest.mark.parametrize("do", CALLS)
    def test_how_it_goes(
        self, do: str, workers: Workers, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The number of records behind never goes down, and is theirs in the end."""
        monkeypatch.setattr(progress, "INTERVAL", 0)
        project, events = written(folder, ["a", "b"]), list[ms.Progress]()
        keys = [b"%s:%03d" % (name, number) for name in (b"a", b"b") for number in range(150)]
        manager = ms.MigrationManager(make(tmp_path / "db", dict.fromkeys(keys, b"{}")), project)
        getattr(manager, do)(workers=workers, on_progress=events.append)
        done = [event.done for event in events]
        assert done == sorted(done)
        assert (done[0], events[-1].phase, done[-1], events[-1].total) == (0, "finished", 300, 300)
        assert len(set(done)) > 2
        assert {event.work for event in events} == {"", "migrating a", "migrating b"}

    HOOKS = """
import time
from pathlib import Path
from migrate_spec import hook

@hook
def told(file):
    for _ in range(2000):
        if Path(file).exists():
            return "told"
        time.sleep(0.01)
    raise TimeoutError
"""

    def test_in_the_middle_of_a_job(self, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is told while the workers are at work: here they go on only when it was."""
        set_jobs(monkeypatch, least=100_000)
        monkeypatch.setattr(runner, "INTERVAL", 0.01)
        monkeypatch.setattr(progress, "INTERVAL", 0)
        hooks, file = folder.specs.parent / "hooks", tmp_path / "told"
        hooks.mkdir()
        (hooks / "files.py").write_text(self.HOOKS)
        folder.spec("note", 1, {"call": {"file": "files:told"}})
        rows = {b"note:%04d" % number: b"{}" for number in range(2000)}
        rows |= {key: b'{"file":"%s"}' % str(file).encode() for key in (b"note:0600", b"note:1700")}
        path = make(tmp_path / "db", rows)

        def tell(event: ms.Progress) -> None:
            if event.done >= 500:
                file.touch()

        report = ms.MigrationManager(path, folder.load()).apply(workers=processes(2), on_progress=tell)
        assert report.collections["note"] == {"scanned": 2000, "migrated": 2, "unchanged": 1998, "quarantined": 0}


@pytest.mark.usefixtures("small_jobs")
class TestWhatIsLeft:
    """Nothing."""

    @pytest.mark.parametrize("workers", WORKERS.values(), ids=WORKERS)
    def test_when_all_goes_well(self, workers: Workers, folder: Folder, tmp_path: Path, temporary: Path) -> None:
        """Neither beside the database nor among the temporary files, with a run that writes nothing either."""
        project = written(folder)
        path = make(tmp_path / "db", {b"note:%03d" % number: document(number) for number in range(100)})
        manager = ms.MigrationManager(path, project)
        manager.scan(workers=workers)
        assert (beside(path), list(temporary.iterdir())) == ([], [])
        manager.apply(workers=workers, backup=False)
        assert beside(path) == []
        assert dump(path)[VERSION] == b"3"

    def test_when_the_callback_raises(
        self, folder: Folder, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What it raises comes to the caller as it is; the workers have gone."""
        project, before = written(folder), {b"note:%03d" % number: document(number) for number in range(100)}
        path = make(tmp_path / "db", before)

        def tell(event: ms.Progress) -> None:
            if event.done:
                raise BrokenPipeError

        manager = ms.MigrationManager(path, project)
        monkeypatch.setattr(progress, "INTERVAL", 0)
        for do in (manager.scan, manager.apply):
            for workers in WORKERS.values():
                with pytest.raises(BrokenPipeError):
                    do(workers=workers, on_progress=tell)
                assert (dump(path), beside(path), list(temporary.iterdir())) == (before, [], [])

    HOOKS = """
import time
from pathlib import Path
from migrate_spec import hook

@hook
def stopped(folder):
    for _ in range(2000):
        if not any(file.is_file() for file in Path(folder).glob("db.staging/notes-*/*")):
            return "stopped"
        time.sleep(0.01)
    Path(folder, "too late").touch()
"""

    def test_jobs_that_nobody_waits_for(self, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where workers cannot be ended, as those of a cluster, their jobs end: here they wait for nothing else."""
        monkeypatch.setattr(progress, "INTERVAL", 0)
        monkeypatch.setattr(runner, "INTERVAL", 0.01)
        hooks = folder.specs.parent / "hooks"
        hooks.mkdir()
        (hooks / "files.py").write_text(self.HOOKS)
        project = folder.spec("note", 1, {"call": {"folder": "files:stopped"}}).load()
        before = {b"note:%03d" % number: b"{}" for number in range(100)}
        before |= {key: b'{"folder":"%s"}' % bytes(tmp_path) for key in (b"note:020", b"note:060")}
        path = make(tmp_path / "db", before)

        def tell(event: ms.Progress) -> None:
            if event.done >= 20:
                raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            ms.MigrationManager(path, project).apply(workers=threads(2), on_progress=tell)
        assert (dump(path), beside(path)) == (before, [])
        assert not (tmp_path / "too late").exists()
