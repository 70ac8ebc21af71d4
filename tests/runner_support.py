"""What the tests of runs by several workers share: executors of this very process, small jobs, and how runs compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest

import migrate_spec as ms
from migrate_spec import ranges, runner
from migrate_spec.executors import Workers
from migrate_spec.ranges import Job, Part
from migrate_spec.reports import ApplyReport
from tests.conftest import HISTORY, VERSION, Folder, compact, data, dump

P = ParamSpec("P")
T = TypeVar("T")


class Direct(Executor):
    """An executor that does at once what is submitted, in the thread that submits it.

    Attributes:
        jobs: what was asked of it, and what came of that.
    """

    def __init__(self) -> None:
        self.jobs: list[tuple[Job, Part]] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function."""
        future: Future[T] = Future()
        try:
            result = fn(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)
        else:
            future.set_result(result)
            for job in args:
                if isinstance(job, Job) and isinstance(result, Part):
                    self.jobs.append((job, result))
        return future


def direct(count: int, executor: Direct | None = None) -> Workers:
    """So many workers that work one after the other in this process."""
    return _with(count, lambda: executor or Direct())


def threads(count: int) -> Workers:
    """So many workers that are threads of this process."""
    return _with(count, lambda: ThreadPoolExecutor(count))


def _with(count: int, executor: Callable[[], Executor]) -> Workers:
    def start(folder: Path | None = None) -> Executor:
        assert folder is not None
        assert (folder / "CURRENT").is_file()  # what workers on other machines must see
        return executor()

    return Workers(count, start)


@pytest.fixture
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of records is carried by workers, in jobs of some ten records."""
    set_jobs(monkeypatch, least=10, chunk=5)


def set_jobs(monkeypatch: pytest.MonkeyPatch, *, least: int, chunk: int = ranges.RECORDS_A_CHUNK) -> None:
    """Have any number of records carried by workers.

    Args:
        monkeypatch: takes it back.
        least: records of a job, where there are as many.
        chunk: records that are carried at a time; that of processes stays as it is.
    """
    monkeypatch.setattr(runner, "FEW_RECORDS", 0)
    monkeypatch.setattr(runner, "LEAST_IN_A_JOB", least)
    monkeypatch.setattr(ranges, "RECORDS_A_CHUNK", chunk)


def written(folder: Folder, collections: Iterable[str] = ("note",)) -> ms.Project:
    """A project of two steps: the first alters records with a field ``a``, the second those without a field ``c``."""
    for name in collections:
        folder.spec(name, 1, {"rename": {"a": "b"}}).spec(name, 2, {"default": {"c": 1}})
    return folder.load()


def document(number: int) -> bytes:
    """A document that a first, a second, both or none of the steps of :func:`written` alter."""
    fields = {"n": number} | ({"a": number} if number % 3 else {}) | ({"c": 0} if number % 4 > 1 else {})
    return compact(fields)


def told(report: ApplyReport) -> ApplyReport:
    """What a run reports, but for its database, its time and the name of its backup."""
    return replace(report, database="", seconds=0, backup=None)


def outcome(path: Path) -> tuple[dict[bytes, bytes], bytes, Any, Any]:
    """What a run leaves: records, version, history but for times and names, and what the backup is said to hold."""
    found = dump(path)
    entries = json.loads(found[HISTORY])["migrations"]
    for entry in entries:
        del entry["started_at"], entry["completed_at"], entry["backup_key"], entry["seconds"]
        for counts in entry["collections"].values():
            for held in (counts[when] for when in ("before", "after") if when in counts):
                del held["digest"], held["starts"]
    notes = [json.loads(value)["collections"] for key, value in found.items() if key.startswith(b"_backup_")]
    for contents in notes:
        for collection in contents.values():
            del collection["digest"], collection["starts"]
    return data(path), found[VERSION], entries, notes
