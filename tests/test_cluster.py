"""A real Dask cluster on this machine: a scheduler and its workers, each a process that can be killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec import worker_cluster
from migrate_spec.executors import cluster
from migrate_spec.runner import FEW_RECORDS
from migrate_spec.version import VERSION
from tests.cli_support import MERIDIAN, Done, Words, cli
from tests.conftest import ROOT, Folder, beside, data, files, make, python, variables

pytest.importorskip("distributed", reason="Dask is an extra")

DASK = str(Path(sys.executable).with_name("dask"))


class Cluster:
    """A scheduler, and as many workers as are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        words = ("--host", "127.0.0.1", "--port", str(port), "--idle-timeout", "300s")
        # A task is given up when a second worker has died of it.
        self._start("scheduler", *words, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=1)

    def of(self, count: int) -> str:
        """See that there are so many workers, and return the address of the scheduler."""
        for process in [process for process in self._workers if process.poll() is not None]:
            self._processes.remove(process)
            process.wait()
        while len(self._workers) > count:
            self.leave(self._workers[-1])
        while len(self._workers) < count:
            self.worker()
        while self.count() != count:
            time.sleep(0.02)
        return self.address

    def worker(self, under: tuple[str, ...] = (), **environment: object) -> subprocess.Popen[bytes]:
        """Start one more, by the command ``under``."""
        words = ("--nthreads", "1", "--no-nanny", "--death-timeout", "60", "--local-directory", str(self._folder))
        return self._start("worker", self.address, *words, under=under, **environment)

    def leave(self, process: subprocess.Popen[bytes]) -> None:
        """End a process."""
        process.kill()
        process.wait()
        self._processes.remove(process)

    def count(self) -> int:
        """How many workers the scheduler knows."""
        try:
            return cluster(self.address).count
        except ms.WorkerError:
            return 0

    def stop(self) -> None:
        """End all processes."""
        for process in reversed(self._processes[:]):
            self.leave(process)

    @property
    def _workers(self) -> list[subprocess.Popen[bytes]]:
        return self._processes[1:]

    def _start(
        self, kind: str, *words: str, under: tuple[str, ...] = (), **environment: object
    ) -> subprocess.Popen[bytes]:
        command = [*under, DASK, kind, *words, "--no-dashboard"]
        process = subprocess.Popen(
            command, env=variables(**environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._processes.append(process)
        return process


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster."""
    made = Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.stop()


HOOKS = """
import os, signal
from pathlib import Path
import migrate_spec

@migrate_spec.hook
def die_once(folder):
    if folder:
        try:
            Path(folder, "dead").touch(exist_ok=False)
        except FileExistsError:
            return ""
        os.kill(os.getpid(), signal.SIGKILL)
    return folder
"""


@pytest.fixture
def deadly(folder: Folder) -> tuple[Any, ...]:
    """The options for specs with a hook that kills the first process which carries a certain record."""
    folder.spec("note", 1, {"call": {"n": "deadly:die_once"}}, {"default": {"m": 1}})
    hooks = folder.specs.parent / "hooks"
    hooks.mkdir()
    (hooks / "deadly.py").write_text(HOOKS)
    return "--specs", folder.specs, "--schemas", folder.schemas


def answer(*words: Words, code: int = 0) -> Any:
    """What a command prints with ``--json``. Beside it stands how far it is, as another worker must be waited for."""
    done = cli(*words, "--json")
    assert done.code == code, done.err
    return json.loads(done.out)


def test_a_large_database(dask: Cluster, tmp_path: Path, deadly: tuple[Any, ...]) -> None:
    """Its records are carried by all workers; one is killed in the middle of it, and nothing is lost."""
    count = FEW_RECORDS + 10_000
    records = {b"note:%06d" % number: b'{"n":""}' for number in range(count)}
    last = b"note:%06d" % (count - 1)
    path = make(tmp_path / "db", records | {last: b'{"n":"%b"}' % os.fsencode(tmp_path)})
    shown = answer("apply", path, *deadly, "--cluster", dask.of(2))
    assert (tmp_path / "dead").exists()
    assert shown["collections"] == {"note": {"scanned": count, "migrated": count, "unchanged": 0, "quarantined": 0}}
    assert data(path) == dict.fromkeys(records, b'{"schema_version":2,"n":"","m":1}')
    assert beside(path) == ["db.backups", f"db.backups/{shown['backup']}"]


def test_a_fleet(dask: Cluster, tmp_path: Path, deadly: tuple[Any, ...]) -> None:
    """Each database is carried by one worker; another one takes over from one that was killed."""
    paths = [make(tmp_path / f"db{number}", {b"note:1": b'{"n":""}'}) for number in range(5)]
    paths[2] = make(tmp_path / "deadly", {b"note:1": b'{"n":"%b"}' % os.fsencode(tmp_path)})
    paths[3] = tmp_path / "none"
    shown = answer("apply", *paths, *deadly, "--cluster", dask.of(2), "--no-backup", code=1)
    assert (tmp_path / "dead").exists()
    assert [one.get("to_version") for one in shown] == [2, 2, 2, None, 2]
    assert shown[3]["error"]["code"] == "not-a-database"
    assert data(paths[2]) == {b"note:1": b'{"schema_version":2,"n":"","m":1}'}
    assert beside(paths[2]) == []


def test_work_that_kills(dask: Cluster) -> None:
    """What every worker dies of is given up."""
    with cluster(dask.of(2)).start() as workers:
        died = workers.submit(os._exit, 1)
        with pytest.raises(ms.WorkerDied) as caught:
            died.result()
    where, sentence = str(caught.value).split(": ")
    assert where.startswith("tcp://127.0.0.1:")
    assert sentence == (
        "workers that died, one after the other, were found, an answer was expected; see their logs, and run again"
    )


def test_what_is_raised(dask: Cluster) -> None:
    """It comes over as from a process of this machine."""
    with cluster(dask.of(2)).start() as workers:
        assert workers.submit(int, "7").result() == 7
        with pytest.raises(ValueError, match="invalid literal"):
            workers.submit(int, "x").result()


def test_an_exception_cancels(dask: Cluster) -> None:
    """Nobody waits for what was submitted."""
    futures: list[Future[None]] = []

    def break_off() -> None:
        with cluster(dask.of(2)).start() as workers:
            futures.extend(workers.submit(time.sleep, 600) for _ in range(3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    sentence = (
        "work that the cluster has given up was found, an answer was expected; see whether its scheduler runs, "
        "and run again"
    )
    assert [str(future.exception()) for future in futures] == [sentence] * 3
    dask.of(0)  # they still sleep


class TestWorkersThatDoNotFit:
    """One of them is named before anything is begun."""

    @pytest.fixture
    def fitting(self, dask: Cluster) -> Iterator[Cluster]:
        """A cluster with one worker that fits; the others have gone afterwards."""
        dask.of(1)
        yield dask
        dask.of(1)

    def refusal(self, cluster: Cluster, database: Path) -> str:
        """What `apply` says, once there is another worker."""
        while cluster.count() != 2:
            time.sleep(0.02)
        before = files(database.parent)
        done = cli("apply", database, database.with_name("other"), *MERIDIAN, "--cluster", cluster.address)
        assert (done.code, files(database.parent)) == (1, before)
        return re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", done.err)

    def test_another_version(self, fitting: Cluster, meridian: Path, tmp_path: Path) -> None:
        """It is another program."""
        package = tmp_path / "elsewhere" / "migrate_spec"
        shutil.copytree(ROOT / "engine" / "migrate_spec", package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / "version.py").write_text('VERSION = "0.0.1"\n')
        fitting.worker(PYTHONPATH=package.parent)
        assert self.refusal(fitting, meridian) == (
            f"✗ the worker tcp://ADDRESS: migrate-spec 0.0.1 was found, {VERSION} was expected, as here; "
            "install the same version there\n"
        )

    def test_no_package(self, fitting: Cluster, meridian: Path, tmp_path: Path) -> None:
        """A worker that cannot import what it is asked would never answer."""
        package = tmp_path / "elsewhere" / "migrate_spec"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise ImportError('there is none')\n")
        fitting.worker(PYTHONPATH=package.parent)
        assert self.refusal(fitting, meridian) == (
            f"✗ the worker tcp://ADDRESS: no migrate-spec {VERSION} was found (ImportError('there is none')), "
            "the same one as here was expected; install it there\n"
        )

    def test_another_file_system(self, fitting: Cluster, meridian: Path, mounts: tuple[str, ...]) -> None:
        """It does not see the database."""
        command = f'mount -t tmpfs none "{meridian}" && exec "$@"'
        fitting.worker(under=(*mounts, command, "sh"))
        assert self.refusal(fitting, meridian) == (
            f"✗ the worker tcp://ADDRESS: no database {meridian} was found, the same one was expected; "
            "mount the file system there under the same path\n"
        )

    def test_another_database(self, fitting: Cluster, meridian: Path, tmp_path: Path, mounts: tuple[str, ...]) -> None:
        """It sees another one in its place."""
        other = make(tmp_path / "elsewhere", {b"a": b"b"})
        fitting.worker(under=(*mounts, f'mount --bind "{other}" "{meridian}" && exec "$@"', "sh"))
        assert self.refusal(fitting, meridian) == (
            f"✗ the worker tcp://ADDRESS: another folder {meridian} than here was found, the same one was expected; "
            "mount the file system there under the same path\n"
        )


class TestNoCluster:
    """Nobody is there to carry records."""

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Half a second is enough to find that out here."""
        monkeypatch.setattr(worker_cluster, "SECONDS_TO_ANSWER", 0.5)

    def test_no_workers(self, dask: Cluster, meridian: Path) -> None:
        """There is a scheduler without any."""
        address = dask.of(0)
        done = cli("apply", meridian, *MERIDIAN, "--cluster", address)
        sentence = f"✗ {address}: no worker was found, one or more were expected; dask worker {address}\n"
        assert done == Done(1, "", sentence)

    @pytest.mark.parametrize("says", [None, b"HTTP/1.0 400 Bad Request\r\n\r\n"])
    def test_another_server(self, says: bytes | None) -> None:
        """What answers, or does not, is no scheduler."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"
            with ThreadPoolExecutor(1) as thread:
                client = thread.submit(server.accept) if says else None
                if client is not None and says is not None:
                    client.add_done_callback(lambda client: client.result()[0].sendall(says))
                with pytest.raises(ms.WorkerError) as caught:
                    cluster(address)
                if client is not None:
                    client.result()[0].close()
        assert str(caught.value).startswith(f"{address}: no answer was found")
        assert str(caught.value).endswith(", a Dask scheduler was expected; start one: dask scheduler")

    def test_no_address(self) -> None:
        """It has no port."""
        with pytest.raises(ms.WorkerError) as caught:
            cluster("somewhere")
        assert str(caught.value) == (
            "somewhere: no answer was found (missing port number in address 'somewhere'), a Dask scheduler was "
            "expected; start one: dask scheduler"
        )

    def test_no_dask(self) -> None:
        """It is an extra, and need not be installed."""
        code = """
import sys
sys.modules["distributed"] = None
import migrate_spec as ms
try:
    ms.cluster("127.0.0.1:1")
except ms.WorkerError as error:
    print(error)
"""
        assert python(code) == (
            "no Dask was found, the package `distributed` was expected, as a cluster was asked for; "
            "pip install 'migrate-spec[dask]'\n"
        )
