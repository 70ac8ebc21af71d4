"""The benchmarks: their contenders do the same work, and each of them runs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks import apply, options, reads, report, scale, startup, validate
from benchmarks.compiled import MISSING, WAYS, program
from benchmarks.results import Result, Row, publish, read, table
from benchmarks.rounds import DATABASE, ROOT, Contender, fresh, run
from benchmarks.steps import LAST, write_project
from benchmarks.tasks import build, odd_tasks, tasks
from tests.conftest import VERSION, dump

PREFIX = b"task:"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of 2,000 tasks, every other one in an odd state."""
    path = tmp_path_factory.mktemp("odd") / "pristine"
    build(path, odd_tasks(2000))
    return path


def spelled_alike(records: Mapping[bytes, bytes]) -> dict[bytes, str]:
    """The tasks with one spelling for each number: RapidJSON respells some."""
    return {key: json.dumps(json.loads(value)) for key, value in records.items() if key.startswith(PREFIX)}


def left_by(contender: Contender) -> dict[bytes, str]:
    """The tasks after a contender has changed a fresh copy of its database."""
    assert contender.pristine
    with fresh(contender.pristine) as copy:
        words = [str(copy) if word == DATABASE else word for word in contender.command]
        run(Contender(contender.name, words))
        return spelled_alike(dump(copy))


def test_contenders_do_the_same(odd: Path) -> None:
    """All leave the same fields with the same values in every record, and the copy in C++ those that were there."""
    before = spelled_alike(dict(odd_tasks(2000)))
    ours, *others = apply.contenders(odd)
    expected = left_by(ours)
    assert expected.keys() == before.keys()
    assert 0 < sum(expected[key] == before[key] for key in before) < 1000  # those that lack nothing
    for other in others:
        assert left_by(other) == (before if other.name == WAYS["copy"] else expected), other.name
    if program() is None:
        pytest.skip(MISSING)


Main = Callable[[Sequence[str]], None]

SMALL: Mapping[str, tuple[Main, Sequence[str]]] = {
    "apply": (apply.main, ("--records", "20", "Python, ")),
    "reads": (reads.main, ("--records", "20", "--points", "5")),
    "scale": (scale.main, ("--records", "300")),
    "startup": (startup.main, ("--records", "20")),
    "validate": (validate.main, ("--specs", "1")),
}


@pytest.mark.parametrize("name", SMALL)
def test_it_runs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A benchmark prints each row, and writes what a page can be made of."""
    main, arguments = SMALL[name]
    main([*arguments, "--rounds", "1", "--json", str(tmp_path / f"{name}.json")])
    result = read(tmp_path / f"{name}.json")
    printed = capsys.readouterr().out
    assert [row.name for row in result.rows if row.name not in printed] == []
    page, *_ = report.pages(tmp_path).values()
    assert [row.name for row in result.rows if f"\n| {row.name} |" not in page] == []


def test_all_steps_are_done_in_one_pass(tmp_path: Path) -> None:
    """The project of several steps leads from the first version to the last."""
    pristine = tmp_path / "pristine"
    build(pristine, tasks(20))
    write_project(tmp_path / "project")
    by_name = {one.name: one for one in options.contenders(pristine, pristine, tmp_path / "project")}
    contender = by_name[options.ALL_STEPS]
    with fresh(pristine) as copy:
        words = [str(copy) if word == DATABASE else word for word in contender.command]
        run(Contender(contender.name, words))
        found = dump(copy)
    assert found[VERSION] == str(LAST).encode()
    names = json.loads(found[b"task:000000000000"])
    assert {"summary", "followers", "commit", "archived"} <= names.keys()


def test_one_that_fails_is_told(tmp_path: Path) -> None:
    """A contender that fails ends the benchmark with its own words, as its time is worth nothing."""
    script = "import sys; sys.exit('no room')"
    with pytest.raises(RuntimeError, match=r"^the script failed: no room$"):
        run(Contender("the script", (sys.executable, "-c", script), folder=tmp_path))


def test_memory_of_descendants_counts() -> None:
    """The peak is of a process and of what it starts, and of both at the same time."""
    hold = "import time; held = b'x' * 50_000_000; time.sleep(0.5)"
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {hold!r}]); {hold}"
    peak = run(Contender("two", (sys.executable, "-c", script)), looks=True).peak
    assert 100_000_000 < peak < 200_000_000


def test_a_table() -> None:
    """Medians, and ratios of the cost a piece; a column in which nothing stands is left out."""
    rows = [Row("ours", [3.0, 1.0, 2.0], 1000, "ours"), Row("theirs", [0.05], 10, "ours", [0.07], 2_000_000)]
    assert table(Result("Title", "About.", "record", rows)) == [
        ["", "median", "least to most", "a record", "ratio", "compared with", "processor", "memory"],
        ["ours", "2 s", "1 s to 3 s", "2 ms", "1.00", "ours", "", ""],
        ["theirs", "50 ms", "50 ms to 50 ms", "5 ms", "2.50", "ours", "70 ms", "2 MB"],
    ]


def test_others_are_told() -> None:
    """Numbers of a machine that others used meanwhile are worth less, which the reader is to know."""
    result = Result("Title", "About.", "record", [Row("ours", [1.0], 1, "ours")], {}, others=0.26)
    assert result.disturbed == "Others took 26% of the processor's time meanwhile."


def test_results_of_several_machines_are_refused(tmp_path: Path) -> None:
    """A page never compares one machine with another."""
    for name, processor in (("apply", "one"), ("scale", "two")):
        result = Result("Title", "About.", "record", [Row("ours", [1.0], 1, "ours")], {"processor": processor})
        publish(result, tmp_path / f"{name}.json")
    expected = "results of one machine were expected, of several machines found; run make bench-all"
    with pytest.raises(ValueError, match=f"^{re.escape(f'{tmp_path}: {expected}')}$"):
        report.pages(tmp_path)


def test_the_page_is_current() -> None:
    """docs/performance.md and its pictures are what the results say."""
    for page, text in report.pages(report.RESULTS).items():
        assert page.read_text("utf-8") == text, f"{page.relative_to(ROOT)}: run python -m benchmarks.report"
