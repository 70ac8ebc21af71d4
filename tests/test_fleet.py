"""Fleets: many databases at once, where what one meets leaves the others alone."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rocksdict import AccessType, Rdict

import migrate_spec as ms
from migrate_spec import fleet
from migrate_spec.executors import processes
from migrate_spec.fleet import AHEAD, Outcome
from migrate_spec.interrupts import noted_interrupts, uninterrupted
from migrate_spec.progress import Progress
from tests.cli_support import MERIDIAN, SCRIPT, Done, cli, document, on_terminal, place, plain_json, refusal, text
from tests.conftest import VERSION, Folder, beside, data, dump, files, make, raw, write
from tests.test_cli_apply import NOTHING_TO_DO, REPORT

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])
"""In this process one after the other, and by two others side by side."""

HERE = (*MERIDIAN, "--workers", "1")
"""Where it does not matter who does it."""


@pytest.fixture
def three(meridian: Path) -> list[Path]:
    """Three databases of Meridian: a, b and c."""
    paths = [meridian.with_name(name) for name in "abc"]
    for path in paths:
        shutil.copytree(meridian, path)
    shutil.rmtree(meridian)
    return paths


def report_of(name: str, **more: Any) -> dict[str, Any]:
    """The report of one of them."""
    return REPORT | {"database": f"$TMP/{name}"} | more


class TestTable:
    """What `apply` prints of several databases."""

    def test_all_done(self, three: list[Path]) -> None:
        """A row for each, and a sentence."""
        done = cli("apply", *three, *MERIDIAN)
        assert text(done, three[0].parent) == Done(
            0,
            self.header(three) + "✓ $TMP/a  v1 → v3             10            7     S.SSs\n"
            "✓ $TMP/b  v1 → v3             10            7     S.SSs\n"
            "✓ $TMP/c  v1 → v3             10            7     S.SSs\n"
            "✓ 3 databases at version 3\n",
        )
        assert [dump(path)[VERSION] for path in three] == [b"3"] * 3
        assert [len(beside(path)) for path in three] == [2] * 3  # the folder of backups, and one in it

    @WORKERS
    def test_failures(self, three: list[Path], workers: str) -> None:
        """One that fails is named with the first line of what is wrong, and the others are carried over."""
        missing, broken, new = three[0].with_name("none"), three[1], three[2]
        write(broken, {b"task:odd": b"[1]", b"task:odder": b"{"})
        write(new, {VERSION: b"9"})
        before = dump(broken), dump(new)
        done = cli("apply", missing, three[0], broken, new, *MERIDIAN, "--workers", workers)
        gap = " " * 3
        assert text(done, new.parent) == Done(
            1,
            self.header([missing]) + "✗ $TMP/none  there is no such folder; check the path; nothing was created\n"
            f"✓ $TMP/a{gap}  v1 → v3             10            7     S.SSs\n"
            f"✗ $TMP/b{gap}  2 records cannot be migrated; nothing was changed; mend these records or the spec and "
            "run again\n"
            f"✗ $TMP/c{gap}  a database of version 9 was found, at most version 3 was expected, the newest these "
            "specs know; use the specs of the program that wrote it\n"
            "✗ 3 of 4 databases failed; for one alone apply tells all of it\n",
        )
        assert (dump(broken), dump(new)) == before
        assert beside(broken) == beside(new) == []

    def test_dry_run(self, three: list[Path]) -> None:
        """The counts are those of the real run, and nothing is written."""
        before = files(three[0].parent)
        done = cli("apply", *three[:2], *HERE, "--dry-run")
        assert text(done, three[0].parent) == Done(
            0,
            self.header(three, "to migrate") + "✓ $TMP/a  v1 → v3             10            7     S.SSs\n"
            "✓ $TMP/b  v1 → v3             10            7     S.SSs\n"
            "✓ Every record of 2 databases can go to version 3; nothing was written\n",
        )
        assert files(three[0].parent) == before

    def test_nothing_to_do(self, three: list[Path]) -> None:
        """A second call touches no byte."""
        cli("apply", *three[:2], *HERE)
        before = files(three[0].parent)
        done = cli("apply", *three[:2], *HERE)
        assert done.out.splitlines()[1:] == [
            f"✓ {three[0]}  v3                   0            0     0.00s",
            f"✓ {three[1]}  v3                   0            0     0.00s",
            "✓ 2 databases at version 3",
        ]
        assert files(three[0].parent) == before

    def test_on_a_terminal(self, three: list[Path]) -> None:
        """Each row comes once, above the bar where there is one."""
        done = on_terminal("apply", *three, *MERIDIAN, NO_COLOR="1")
        rows = re.findall(r"^(?:\x1b\[[0-9;?]*\w)*✓ (\S+)", done.out.replace("\r", "\n"), re.MULTILINE)
        assert (done.code, rows) == (0, [*map(str, three), "3"])

    def header(self, paths: Sequence[Path], migrated: str = "migrated") -> str:
        """The first line; the path is as wide as the longest."""
        name = f"{'database':<{len(str(paths[0]))}}"
        return f"  {name}  version        scanned  {migrated:>11}      time\n"


class TestDocument:
    """`--json` prints one list, in the order in which the databases were given."""

    @WORKERS
    def test_reports_and_errors(self, three: list[Path], workers: str) -> None:
        """What a single database gives, or its error."""
        write(three[1], {b"task:odd": b"[1]"})
        missing = three[0].with_name("none")
        shown = document("apply", three[2], missing, three[1], three[0], *MERIDIAN, "--workers", workers, code=1)
        error = refusal("apply", three[1], *MERIDIAN)
        assert error["details"][0]["where"] == place(key="task:odd") | {"file": error["details"][0]["where"]["file"]}
        assert plain_json(shown, missing.parent) == plain_json(
            [
                report_of("c"),
                {"database": str(missing), "error": refusal("apply", missing, *MERIDIAN)},
                {"database": str(three[1]), "error": error},
                report_of("a"),
            ],
            missing.parent,
        )

    def test_the_database_is_named(self, three: list[Path]) -> None:
        """Also where what is wrong is that there is no way."""
        shown = document("apply", *three[:2], *HERE, "--to", "7", code=1)
        sentence = (
            "the target version 7 was found, at most 3 was expected, the newest these specs know; "
            "write the missing specs"
        )
        for path, found in zip(three, shown, strict=False):
            error = {"code": "plan-error", "message": f"{path}: {sentence}", "where": place(path), "details": []}
            assert found == {"database": str(path), "error": error}


class TestNaming:
    """Which databases are meant."""

    def test_a_pattern(self, three: list[Path]) -> None:
        """It is expanded, in alphabetical order; what lies beside a database is none, and neither is a file."""
        folder = three[0].parent
        cli("apply", three[1], *HERE)
        (folder / "readme").write_text("")
        shown = document("apply", folder / "*", *HERE)
        expected = [report_of("a"), NOTHING_TO_DO | {"database": "$TMP/b"}, report_of("c")]
        assert plain_json(shown, folder) == expected

    def test_as_a_shell_expands_it(self, three: list[Path]) -> None:
        """What lies beside a database is left out of the words, too."""
        folder = three[0].parent
        cli("apply", three[0], *HERE)
        done = document("apply", *sorted(folder.iterdir()), *HERE)
        assert [plain_json(one, folder)["database"] for one in done] == ["$TMP/a", "$TMP/b", "$TMP/c"]

    def test_twice(self, three: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
        """A database that is named twice is carried once, where it was named first."""
        folder = three[0].parent
        monkeypatch.chdir(folder)
        shown = document("apply", "b", folder / "?", "./b/", *HERE)
        assert plain_json(shown, folder) == [report_of("b"), report_of("a"), report_of("c")]

    def test_one_that_a_pattern_matches(self, three: list[Path]) -> None:
        """The answer to a pattern is a list, however many it matches."""
        assert plain_json(document("apply", three[0].with_name("[a]"), *HERE), three[0].parent) == [report_of("a")]

    def test_a_name_that_looks_like_a_pattern(self, three: list[Path]) -> None:
        """Where there is such a folder, it is meant."""
        path = three[0].rename(three[0].with_name("[b]"))
        assert plain_json(document("apply", path, *HERE), path.parent) == report_of("[b]")
        assert VERSION not in dump(three[1])

    def test_no_match(self, three: list[Path]) -> None:
        """That is an error, and nothing is begun."""
        before = files(three[0].parent)
        pattern = three[0].with_name("x*")
        sentence = f"{pattern}: no folder that matches this pattern was found, one or more were expected"
        assert refusal("apply", three[0], pattern, *HERE) == {
            "code": "not-a-database",
            "message": sentence,
            "where": place(pattern),
            "details": [],
        }
        assert files(three[0].parent) == before


class TestOptions:
    """Those for the workers."""

    def test_two_kinds(self, meridian: Path) -> None:
        """They exclude each other."""
        done = cli("apply", meridian, *MERIDIAN, "--workers", "2", "--cluster", "127.0.0.1:1")
        assert done.code == 2
        assert done.err.endswith("\nError: --workers and --cluster were found, one of them was expected\n")

    def test_none(self, meridian: Path) -> None:
        """There must be one worker."""
        done = cli("apply", meridian, *MERIDIAN, "--workers", "0")
        assert done.code == 2
        assert done.err.endswith("\nError: Invalid value for '--workers': 0 is not in the range x>=1.\n")

    def test_compact_and_nothing(self, meridian: Path) -> None:
        """What writes nothing compacts nothing."""
        done = cli("apply", meridian, *MERIDIAN, "--compact", "--dry-run")
        assert done.code == 2
        assert done.err.endswith("\nError: --compact and --dry-run were found, one of them was expected\n")

    @pytest.mark.parametrize("count", [1, 2])
    def test_compact(self, three: list[Path], count: int) -> None:
        """Nothing is left of what was replaced, also where the run was before."""
        assert cli("apply", three[0], *MERIDIAN).code == 0
        before = dump(three[0])
        assert cli("apply", *three[:count], *HERE, "--compact").code == 0
        assert dump(three[0]) == before
        for path in three[:count]:
            handle = Rdict(str(path), raw(), access_type=AccessType.read_only())
            assert {file["level"] for file in handle.live_files()} == {6}
            handle.close()

    def test_no_validate(self, tmp_path: Path, folder: Folder) -> None:
        """What does not fit is carried over; without that option it is not."""
        folder.spec("note", 1, {"default": {"n": 1}}).schema("note", 2, {"properties": {"m": {"type": "string"}}})
        paths = [make(tmp_path / name, {b"note:1": b'{"m":1}'}) for name in ("a", "b")]
        options = ("--specs", folder.specs, "--schemas", folder.schemas, "--workers", "2")
        for words in (paths, paths[:1]):
            assert cli("apply", *words, *options).code == 1
            assert data(paths[0]) == {b"note:1": b'{"m":1}'}
        for words in (paths[:1], paths):
            assert cli("apply", *words, *options, "--no-validate").code == 0
            assert data(words[-1]) == {b"note:1": b'{"schema_version":2,"m":1,"n":1}'}


HOOKS = """
import os, signal, time
from pathlib import Path
import migrate_spec

@migrate_spec.hook
def pause(folder):
    Path(folder, "begun").touch()
    while not Path(folder, "go").exists():
        time.sleep(0.01)
    return folder

@migrate_spec.hook
def die(value):
    if value == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return value
"""


def hooked(tmp_path: Path, folder: Folder, hook: str, values: Sequence[str]) -> tuple[list[Path], tuple[Any, ...]]:
    """A database for each value, with one note that has it; and the options for specs that give it to a hook."""
    folder.spec("note", 1, {"call": {"value": f"acting:{hook}"}}, {"default": {"n": 1}})
    (folder.specs.parent / "hooks").mkdir()
    (folder.specs.parent / "hooks" / "acting.py").write_text(HOOKS)
    records = [json.dumps({"value": value}).encode() for value in values]
    paths = [make(tmp_path / f"db{number}", {b"note:1": record}) for number, record in enumerate(records)]
    return paths, ("--specs", folder.specs, "--schemas", folder.schemas)


def test_a_worker_that_dies(tmp_path: Path, folder: Folder) -> None:
    """The database that it was at has failed, and is as it was; the others go on."""
    paths, options = hooked(tmp_path, folder, "die", ["1", "2", "die", "4", "5"])
    shown = document("apply", *paths, *options, "--workers", "2", code=1)
    assert [one.get("to_version") for one in shown] == [2, 2, None, 2, 2]
    assert shown[2]["error"]["code"] == "worker-died"
    assert shown[2]["error"]["message"] == (
        f"{paths[2]}: a worker process that was ended by SIGKILL was found, an answer was expected; see whether memory "
        "was short, and run again; with --workers 1 no other process is needed"
    )
    assert data(paths[2]) == {b"note:1": b'{"value": "die"}'}
    write(paths[2], {b"note:1": b'{"value":"live"}'})
    assert cli("apply", paths[2], *options).code == 0


class TestInterrupted:
    """Ctrl-C in the middle of a fleet."""

    @pytest.fixture
    def paused(self, tmp_path: Path, folder: Folder) -> tuple[list[Path], tuple[Any, ...]]:
        """Seven databases that are under way until there is a file."""
        return hooked(tmp_path, folder, "pause", [str(tmp_path)] * 7)

    @pytest.mark.parametrize("words", [(), ("--json",)])
    def test_once(self, paused: tuple[list[Path], tuple[Any, ...]], words: tuple[str, ...]) -> None:
        """What was handed out is finished and told, the others are untouched; and the sentence has the numbers."""
        paths, options = paused
        with self.running(paths, *options, *words) as process:
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            assert process.stderr.readline() == "\n"
            assert process.stderr.readline() == (
                "Interrupted: the databases under way are finished first. Press Ctrl-C again to break them off.\n"
            )
            (paths[0].parent / "go").touch()
            out, err = process.communicate(timeout=60)
        done = 2 * AHEAD
        assert process.returncode == 130
        assert [VERSION in dump(path) for path in paths] == [True] * done + [False] * (7 - done)
        if words:
            shown = json.loads(out)
            assert [one.get("to_version") for one in shown] == [2] * done + [None] * (7 - done)
            sentence = "Interrupted: the database is as it was."
            error = {"code": "interrupted", "message": sentence, "where": place(), "details": []}
            assert shown[-1] == {"database": str(paths[-1]), "error": error}
        else:
            assert len(re.findall("^✓", out, re.MULTILINE)) == done
            assert err == "Interrupted: 4 of 7 databases are done, 0 failed, 3 are as they were.\n"

    def test_twice(self, paused: tuple[list[Path], tuple[Any, ...]]) -> None:
        """All is broken off; the next run clears up and does it."""
        paths, options = paused
        with self.running(paths, *options) as process:
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            assert process.stderr.readline() == "\n"
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert err == (
            "Interrupted: 0 of 7 databases are done, 0 failed, 7 are as they were, "
            "done where the end was near, or in the middle of a run in place.\n"
        )
        assert [VERSION in dump(path) for path in paths] == [False] * 7
        (paths[0].parent / "go").touch()
        assert cli("apply", *paths, *options, "--no-backup").code == 0
        assert [beside(path) for path in paths] == [[]] * 7

    @contextmanager
    def running(self, paths: Sequence[Path], *options: Any) -> Iterator[subprocess.Popen[str]]:
        """The command, when the first database is under way."""
        command = [SCRIPT, "apply", *map(str, paths), *map(str, options), "--workers", "2"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                while not (paths[0].parent / "begun").exists():
                    assert process.poll() is None
                    time.sleep(0.01)
                yield process
            finally:
                process.kill()

    def test_noted(self) -> None:
        """The first one is noted, also in a block that cannot be interrupted; the second one is raised."""
        told: list[str] = []
        with noted_interrupts(lambda: told.append("once")) as interrupted:
            assert not interrupted()
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            assert interrupted()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert told == ["once"]
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


class TestApplyAll:
    """The same for a program."""

    def test_bounded(self, tmp_path: Path, folder: Folder) -> None:
        """No more databases are asked for than are under way, and what one has opened is closed."""
        project = folder.spec("note", 1, {"default": {"n": 1}}).load()
        first = make(tmp_path / "db", {b"note:1": b"{}"})
        asked: list[Path] = []

        def databases() -> Iterator[Path]:
            for number in range(12):
                asked.append(shutil.copytree(first, tmp_path / f"db{number}"))
                yield asked[-1]

        ahead, opened, outcomes = [], [], []
        for outcome in ms.apply_all(databases(), project, workers=processes(2)):
            outcomes.append(outcome)
            ahead.append(len(asked) - len(outcomes))
            opened.append(len(list(Path("/proc/self/fd").iterdir())))
        assert [outcome.database for outcome in outcomes] == asked
        assert all(outcome.report is not None and outcome.error is None for outcome in outcomes)
        assert max(ahead) <= 2 * AHEAD
        assert max(opened) - min(opened) <= 4

    def test_stopped(self, three: list[Path], project: ms.Project) -> None:
        """Who asks for no more leaves those alone that were not handed out; none is left in the middle."""
        outcomes = ms.apply_all([*three, *three], project, workers=processes(2), backup=False)
        assert next(outcomes).database == three[0]
        del outcomes
        assert [beside(path) for path in three] == [[]] * 3

    def test_large_ones(self, three: list[Path], project: ms.Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that is not small is carried alone, in its turn, and tells how far it is."""
        monkeypatch.setattr(fleet, "SMALL", fleet._bytes(three[0]))
        write(three[1], {b"more": b"0" * 1000})
        told: list[Progress] = []
        outcomes = list(ms.apply_all(three, project, workers=processes(2), on_progress=told.append))
        assert outcomes == [Outcome(path, outcome.report) for path, outcome in zip(three, outcomes, strict=True)]
        assert [dump(path)[VERSION] for path in three] == [b"3"] * 3
        assert [event.phase for event in told] == ["started", "finished"]

    def test_what_may_go_wrong(self, three: list[Path], project: ms.Project) -> None:
        """Whatever it is, it is the outcome of that database alone."""
        (three[1] / "CURRENT").unlink()
        outcomes = list(ms.apply_all(map(str, three), project, 2, dry_run=True))
        assert [outcome.report.to_version if outcome.report else None for outcome in outcomes] == [2, None, 2]
        assert isinstance(outcomes[1].error, ms.NotADatabase)
