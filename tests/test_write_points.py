"""Faults at each single system call that changes a file: kills, full, broken and read-only disks, too few open files.

``make faults`` plays those that are no repetition of others. Here a few are drawn, the same each time.
"""

from __future__ import annotations

import errno
import json
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import CONFIG, Folder, python, variables
from tests.faults_cases import CASES, Trial, play_of
from tests.faults_choice import Choice
from tests.faults_scenes import SCENES, Play, Scene, Stage, look
from tests.faults_support import (
    CHANGES,
    FAIL,
    FAULTS,
    JUMP,
    LIBRARY,
    OPENINGS,
    Commands,
    Fault,
    Outcome,
    Point,
    Tools,
    new_tools,
    paused,
)
from tests.faults_view import plain_text
from tests.power_support import losses

Call = tuple[str, str]
"""The name of a call, and what stands in the path of its file."""

DRAWS, PLAYS = 6, 2
"""How many scenes and cases are drawn, and what is played of each."""

ALL = {**SCENES, **CASES}


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    """For all tests here."""
    with ExitStack() as stack:
        yield new_tools(stack)


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    """The databases of scenes, as they are needed."""
    return {}


@pytest.mark.parametrize("draw", range(DRAWS))
def test_drawn(draw: int, tools: Tools, stages: dict[str, Stage]) -> None:
    """Whatever happens at a point, all is wholly old or wholly new, what is said is true, and the next run is well."""
    chance = random.Random(draw)  # noqa: S311
    name = chance.choice(list(ALL)[draw::DRAWS])
    sys.stdout.write(f"{name}\n")
    played = play_of(name, tools, stages)
    counts = {kind: len(played.points(kind)) for kind in (CHANGES, OPENINGS)}
    for title in chance.sample(sorted(FAULTS), PLAYS):
        point = chance.randint(1, counts[FAULTS[title].kind])
        sys.stdout.write(f"{title} at point {point}\n")
        played.with_fault(FAULTS[title], point)


GOING_BACK = ("downgrade, what was taken", "downgrade, moving records of two families")
TURNS = [("link", "/home/db/"), ("write", "/home/db/MANIFEST-"), ("unlink", "/home/db.staging/")]
"""Calls in and behind a swap."""


@pytest.mark.parametrize("name", GOING_BACK)
def test_a_downgrade_killed_in_its_swap(name: str, tools: Tools) -> None:
    """It is wholly old or new, with what was kept of records; going down, and up again, each byte comes back."""
    trial = play_of(name, tools, {})
    assert isinstance(trial, Trial)
    points = trial.points(CHANGES)
    linked, written, unlinked = ([point for point in points if point.is_of(*call)] for call in TURNS)
    states = [trial.with_fault(FAULTS["killed after"], one.number)[1] for one in (linked[0], written[-1], unlinked[-1])]
    assert states == ["old", "new", "new"]


def test_points_that_are_no_repetition() -> None:
    """Of a loop the first turn and the last are taken, and nothing again with which another command has begun."""
    choice = Choice()

    def chosen(words: str, *calls: str) -> list[str]:
        points = [Point(number, 1, *f"{call}".split(" ", 1)) for number, call in enumerate(calls, 1)]
        return [f"{title}: {point}" for title, point in choice.of(words.split(), points, [])]

    loop = [f"{call} /x/world/s/home/{number}" for number in range(1, 5) for call in ("link", "write", "fsync")]
    assert chosen("apply $db", "mkdir /x/world/s/home/a", *loop, "write /x/world/s/home/LOG") == [
        "killed after: 1: mkdir /x/world/s/home/a",
        "killed after: 2: link /x/world/s/home/1",
        "killed after: 3: write /x/world/s/home/1",
        "killed half way: 3: write /x/world/s/home/1",
        "killed after: 5: link /x/world/s/home/2",
        "killed after: 11: link /x/world/s/home/4",
        "killed after: 12: write /x/world/s/home/4",
        "killed half way: 12: write /x/world/s/home/4",
        "disk full: 1: mkdir /x/world/s/home/a",
        "disk full: 11: link /x/world/s/home/4",
        "disk full: 12: write /x/world/s/home/4",
        "disk full: 13: fsync /x/world/s/home/4",
        "disk full: 14: write /x/world/s/home/LOG",
    ]
    assert chosen("rollback $db", "mkdir /x/world/s/home/a", "unlink /x/world/s/home/4") == [
        "killed after: 2: unlink /x/world/s/home/4",
        "disk full half way: 1: mkdir /x/world/s/home/a",
        "disk full: 2: unlink /x/world/s/home/4",
    ]


@pytest.fixture(scope="module")
def notes(tools: Tools) -> Stage:
    """A database so small that RocksDB does nothing in the background."""
    folder = tools.folder / "notes"
    folder.mkdir()
    project = Folder(folder / "project").spec("note", 1, {"add": {"a": 1}}).spec("note", 2, {"add": {"b": 2}})
    return Stage(folder, project, {b"note:%d" % number: b"{}" for number in range(9)}, {})


APPLY, ROLLBACK = Scene("", "old", ("apply", "--workers", "1")), Scene("", "new", ("rollback",))
COMPACT = replace(APPLY, words=(*APPLY.words, "--compact"))


def with_fault(play: Play, fault: Fault, call: Call, *, after: Call) -> Outcome:
    """What a command says where a call fails: the first of its kind after the last of another kind."""
    scene, stage, tools = play.scene, play.stage, play.tools
    points = play.points(CHANGES)
    begin = max(point.number for point in points if point.is_of(*after))
    before = sum(point.number < begin and point.is_of(*call) for point in points)
    play.restore()
    tools.faults.arm(fault, before + 1, call=call[0], part=call[1])
    outcome = tools.commands.run(*scene.command(stage))
    tools.faults.disarm()
    assert tools.faults.fired
    seen = play.check(outcome, killed=False)
    said = replace(outcome, err=without_numbers(outcome.err, stage))
    if outcome.code:
        assert seen.version == scene.versions[0] or "swap" in said.err or "is done" in said.err
    play.check_next(seen)
    return said


def without_numbers(text: str, stage: Stage | Trial) -> str:
    """A sentence without the names of folders and files that differ from run to run."""
    return re.sub(rf"{re.escape(str(stage.home))}|[0-9a-f]{{32}}|\d{{6}}(?=\.)|-\d{{6}}", "", text).strip()


BROKEN, BROKEN_FOR_GOOD = Fault(FAIL, errno.EIO), Fault(FAIL, errno.EIO, lasts=True)
FULL_FOR_GOOD = Fault(FAIL, errno.ENOSPC, lasts=True)


SWAP, END, CONFIRM = ("link", "/home/db/"), ("rmdir", "/db.staging"), ("fdatasync", "/db/MANIFEST-")
SCENES_OF_BOTH = pytest.mark.parametrize("scene", [APPLY, ROLLBACK], ids=["apply", "rollback"])


class TestInTheSwap:
    """The moment in which it is decided, and what comes after it."""

    @SCENES_OF_BOTH
    def test_an_error_that_comes_too_late(self, scene: Scene, notes: Stage, tools: Tools) -> None:
        """RocksDB says that the swap failed, as the disk did not confirm it, but it is there: so it is done."""
        done = with_fault(Play(scene, notes, tools), BROKEN, CONFIRM, after=SWAP)
        assert (done.code, done.err) == (0, "")

    @SCENES_OF_BOTH
    def test_an_error_in_time(self, scene: Scene, notes: Stage, tools: Tools) -> None:
        """Before it is decided the database is as it was, and the error is RocksDB's."""
        done = with_fault(Play(scene, notes, tools), BROKEN, ("write", "/db/MANIFEST-"), after=SWAP)
        assert done.err == (
            "✗ /db: the disk reports an error (IO error: While appending to file: /db/MANIFEST: Input/output error), "
            "it must take what is written; see what the system says about that disk, and run again once it is mended"
        )

    @SCENES_OF_BOTH
    def test_in_doubt(self, scene: Scene, notes: Stage, tools: Tools) -> None:
        """Where the disk takes nothing more, nobody knows whether it is done, and that is said; the next run mends."""
        done = with_fault(Play(scene, notes, tools), BROKEN_FOR_GOOD, CONFIRM, after=SWAP)
        assert done.err == (
            "✗ /db: the disk reports an error (IO error: While fdatasync: /db/MANIFEST: Input/output error) in the "
            "moment of the swap, whether it is done could not be found out: the database is wholly as it was, or "
            "wholly as it was to become; once the cause is removed, `migrate-spec status` shows which"
        )

    @pytest.mark.parametrize("fault", [BROKEN, FULL_FOR_GOOD], ids=["broken", "full"])
    @pytest.mark.parametrize(
        ("call", "after"), [(("fdatasync", ".log"), END), (("rename", "/db.backups/"), SWAP)], ids=["log", "backup"]
    )
    def test_an_error_after_it(self, fault: Fault, call: Call, after: Call, notes: Stage, tools: Tools) -> None:
        """What goes wrong afterwards changes nothing of what is done; the next run brings the backup to its place."""
        done = with_fault(Play(APPLY, notes, tools), fault, call, after=after)
        assert (done.code, done.err) == (0, "")

    def test_compacting_fails(self, notes: Stage, tools: Tools) -> None:
        """The migration is done, and that is said."""
        done = with_fault(Play(COMPACT, notes, tools), FULL_FOR_GOOD, ("open", "/db/"), after=END)
        assert done.err == (
            "✗ /db: the disk is full; the migration to version 3 is done, only the compaction was not; "
            "once the cause is removed, run again with --compact"
        )


def test_full_between_two_families(tools: Tools) -> None:
    """A disk that is full once some families are swapped in is said, with what completes the run; the next one does."""
    trial = play_of("apply, two families", tools, {})
    assert isinstance(trial, Trial)
    points = [one for one in trial.points(CHANGES) if one.is_of("mkdir", "/db.staging/links")]
    outcome, state = trial.with_fault(FULL_FOR_GOOD, points[-1].number)
    assert (state, outcome.err.replace(str(trial.home), "")) == (
        "middle",
        "✗ /db: the disk is full, while the apply v1→v3 was swapped in, the work needs more room; "
        "mend that, and `migrate-spec apply` completes it\n",
    )


def test_a_list_that_cannot_be_moved(tools: Tools) -> None:
    """A run that is done puts its list beside the database where the user's folder takes it no more, and says so."""
    trial = Trial(CASES["apply, setting records aside"], tools, tools.folder / "list")
    trial.restore()
    tools.faults.arm(Fault(FAIL, errno.EACCES), call="rename", part="/list.jsonl")
    file, words = trial.home / "list.jsonl", trial.words(f"{trial.case.words} --json --rejected $home/list.jsonl")
    outcome = tools.commands.run(*words)
    tools.faults.disarm()
    assert (outcome.code, outcome.err, tools.faults.fired) == (0, "", 1)
    [found] = trial.home.glob("db.rejected-*.jsonl")
    assert json.loads(outcome.out)["rejected"] == str(found)
    assert len(found.read_bytes().splitlines()) == 2
    assert not file.exists()


FULL = "the disk is full, the work needs more room; make room and run again"
READ_ONLY = (
    "the file system is read-only, the work has to write there; mount it for writing or work on a copy of the database"
)
EACH = 3
"""Of so many losses of power one is looked at."""

Trials = Callable[[str], Trial]
"""Gives the trial of a case, which is made once."""

NumberedCall = tuple[int, str, str]
"""The how manieth call of a name on a file in whose path something stands."""


def broken(what: str) -> str:
    """What is said of a disk that takes something no more."""
    return (
        f"the disk reports an error (IO error: {what}: Input/output error), it must take what is written; see what the "
        "system says about that disk, and run again once it is mended"
    )


@pytest.fixture(scope="module")
def trial_of(tools: Tools) -> Trials:
    """The trial of a case, which is made once."""
    return cache(lambda name: Trial(CASES[name], tools, tools.folder / f"{name}, once"))


class TestInPlace:
    """A disk that fails in the middle of a run in place: it is said how far it is, and the next run goes on."""

    @pytest.mark.parametrize(
        ("error", "call", "sentence"),
        [
            (errno.ENOSPC, (5, "write", ".log"), FULL),
            (errno.EROFS, (5, "write", ".log"), READ_ONLY),
            (errno.EIO, (5, "write", ".log"), broken("While appending to file: /db/.log")),
            (errno.ENOSPC, (2, "fdatasync", ".sst"), FULL),
            (errno.EIO, (2, "fdatasync", "/db/MANIFEST-"), broken("While fdatasync: /db/MANIFEST")),
        ],
        ids=["full", "read-only", "broken", "full in the background", "broken in the background"],
    )
    def test_in_the_middle(self, error: int, call: NumberedCall, sentence: str, trial_of: Trials) -> None:
        """Between two batches, whether it is the log that cannot be written or a table file."""
        trial = trial_of("apply in place")
        outcome, state = trial.with_fault(Fault(FAIL, error, lasts=True), *call)
        said, standing = without_numbers(outcome.err, trial).split("\n")
        assert (state, said) == ("middle", f"✗ /db: {sentence}")
        assert re.fullmatch(
            r"  the run in place v1 -> v3 stays where it was \(\d+ of about 20 records are behind\); "
            "`migrate-spec apply` goes on with it",
            standing,
        ), standing

    def test_at_the_end(self, trial_of: Trials) -> None:
        """Where the disk fails with the last batch it is said that the run may be done."""
        trial = trial_of("apply in place")
        outcome, _ = trial.with_fault(FULL_FOR_GOOD, 1, "fdatasync", ".log")
        assert without_numbers(outcome.err, trial) == (
            "✗ /db: the disk is full at the last batch, whether it is done could not be found out: the run in place is "
            "at its end, or the next `apply` brings it there; once the cause is removed, `migrate-spec status` shows "
            "which"
        )


@pytest.mark.parametrize(
    ("name", "call", "sentence"),
    [
        (
            "backup prune",
            (2, "rename", "/db.staging/_backup_"),
            "/db: the disk is full when the notes of 2 backups and the folders of 1 were removed, the work needs more "
            "room; make room and run again",
        ),
        (
            "backup export",
            (4, "fsync", "/home"),
            "/archive: the disk is full when all was written, it is there and whole, but a loss of power may take its "
            "name away; run `sync` once the cause is removed",
        ),
    ],
)
def test_after_the_last_step_but_one(name: str, call: NumberedCall, sentence: str, trial_of: Trials) -> None:
    """What is done is said where an error comes after it."""
    trial = trial_of(name)
    outcome, state = trial.with_fault(Fault(FAIL, errno.ENOSPC), *call)
    assert (state, plain_text(without_numbers(outcome.err, trial))) == ("new", f"✗ {sentence}")


def test_in_doubt_over_families(trial_of: Trials) -> None:
    """Over several column families it is said that the database may be in between, which the next run settles."""
    trial = trial_of("rollback, two families")
    outcome, _ = trial.with_fault(BROKEN_FOR_GOOD, 2, *CONFIRM)
    assert without_numbers(outcome.err, trial) == (
        "✗ /db: the disk reports an error (IO error: While fdatasync: /db/MANIFEST: Input/output error) in the moment "
        "of the swap, whether it is done could not be found out: the database is as it was, or as it was to become, or "
        "in between, which the next run settles; once the cause is removed, `migrate-spec status` shows which"
    )


def test_too_many_open_files_to_see_backups(trial_of: Trials) -> None:
    """Where the manifest of a backup cannot be opened it is not said that there is none."""
    trial = trial_of("backup prune")
    outcome, state = trial.with_fault(FAULTS["too many open files for a moment"], 1, "open64", "/backup.json")
    assert (state, plain_text(without_numbers(outcome.err, trial))) == (
        "old",
        "✗ /db.backups/_backup_NAME: this process has too many files open, it must be able to open every file of the "
        "database; raise the limit (ulimit -n) and run again",
    )


def test_a_loss_of_power(notes: Stage, tools: Tools) -> None:
    """Whatever is lost that was not on the disk, all is wholly old or new; new once the command has ended."""
    play, versions = Play(APPLY, notes, tools), set[int]()
    for number, loss in enumerate(losses(play, tools)):
        if number % EACH and not loss.is_last:
            continue
        seen = play.check(loss.outcome, killed=True)
        versions.add(seen.version)
        if loss.is_last:
            play.check_next(seen)
    assert versions == {1, 3}


class TestMeanwhile:
    """What others do in the middle of a run: it waits at a chosen call, and then goes on."""

    @pytest.mark.parametrize(
        ("call", "part"),
        [("mkdir", "/database.tmp"), ("fdatasync", "/db.staging/"), ("open64", "backup.json"), ("link", "/home/db/")],
    )
    def test_the_staging_folder_vanishes(self, call: str, part: str, notes: Stage, tools: Tools) -> None:
        """Whoever removes it ends the run, which says what is missing, and changes nothing."""
        play = Play(APPLY, notes, tools)
        play.restore()
        with paused(tools, *APPLY.command(notes), call=call, part=part) as finish:
            shutil.rmtree(notes.path.with_name("db.staging"))
            outcome = finish()
        assert (outcome.code, without_numbers(outcome.err, notes)) == (
            1,
            "✗ /db: a part of the run's staging folder is missing, nobody else may change that folder; run again",
        )
        seen = play.check(outcome, killed=False)
        assert seen.version == 1
        play.check_next(seen)

    @pytest.mark.parametrize("part", ["/db.staging/backup", "/db.staging"], ids=["in the middle", "at the beginning"])
    def test_a_second_run(self, part: str, notes: Stage, tools: Tools, others: Commands) -> None:
        """Of two at the same time one is refused, and changes nothing; the other one does all."""
        play = Play(APPLY, notes, tools)
        play.restore()
        with paused(tools, *APPLY.command(notes), call="mkdir", part=part) as finish:
            second = others.run(*APPLY.command(notes))
            first = finish()
        assert second.code == 1
        assert re.fullmatch(
            r"✗ /db: .* has it open for writing, only one process can write to it at a time; stop that process.*",
            without_numbers(second.err, notes),
        )
        assert play.check(first, killed=False).version == 3
        play.check_next(look(notes.path))

    def test_a_second_run_that_is_faster(self, notes: Stage, tools: Tools, others: Commands) -> None:
        """A run that has looked at the database, but not begun, finds nothing to do any more."""
        play = Play(APPLY, notes, tools)
        play.restore()
        with paused(tools, *APPLY.command(notes), call="symlink", part="/migrate-spec-") as finish:
            second = others.run(*APPLY.command(notes))
            first = finish()
        assert (second.code, first.code, first.out) == (0, 0, "✓ Schema is up to date (v3)\n")
        play.check_next(look(notes.path))

    def test_a_program_that_opens_the_database(self, notes: Stage, tools: Tools) -> None:
        """A program that comes in the middle is turned away by the lock, and the run goes on."""
        play = Play(APPLY, notes, tools)
        play.restore()
        with paused(tools, *APPLY.command(notes), call="mkdir", part="/db.staging/backup") as finish:
            said = python(PROGRAM, notes.path)
            outcome = finish()
        assert "Resource temporarily unavailable" in said
        assert play.check(outcome, killed=False).version == 3
        (notes.path / CONFIG).unlink(missing_ok=True)  # which the program made, as rocksdict does everywhere
        play.check_next(look(notes.path))

    def test_a_program_that_opens_it_between_two_looks(self, notes: Stage, tools: Tools) -> None:
        """What a program writes before the run takes the lock is carried over with all else."""
        play = Play(APPLY, notes, tools)
        play.restore()
        with paused(tools, *APPLY.command(notes), call="symlink", part="/migrate-spec-") as finish:
            assert python(PROGRAM, notes.path) == "written\n"
            (notes.path / CONFIG).unlink()
            outcome = finish()
        assert outcome.code == 0
        assert look(notes.path).records == {**notes.states[3], b"note:new": b'{"schema_version":3,"a":1,"b":2}'}

    def test_a_clock_that_is_set_back(self, notes: Stage, tools: Tools) -> None:
        """Names of backups are apart, and the history is in the order of what was done; a rollback finds the last."""
        play = Play(APPLY, notes, tools)
        play.restore()
        day = 86_400
        for version, seconds in ((2, 0), (3, -day)):
            tools.faults.arm(Fault(JUMP, seconds=seconds))
            words = ("apply", notes.path, "--to", str(version), *APPLY.command(notes)[2:])
            assert tools.commands.run(*words).code == 0
            tools.faults.disarm()
        seen = look(notes.path)
        assert [entry["to_version"] for entry in seen.entries] == [2, 3]
        first, second = (entry["backup_key"] for entry in seen.entries)
        assert first > second
        assert tools.commands.run(*ROLLBACK.command(notes)).code == 0
        again = look(notes.path)
        assert (again.version, again.entries[-1]["backup_key"]) == (2, second)


PROGRAM = """
import sys
from rocksdict import Options, Rdict

try:
    handle = Rdict(sys.argv[1], Options(raw_mode=True))
    handle[b"note:new"] = b"{}"
    handle.close()
    print("written")
except Exception as error:
    print(error)
"""


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Commands to which nothing happens."""
    with Commands(tmp_path_factory.mktemp("others")) as commands:
        yield commands


@pytest.mark.parametrize("files", range(10, 40, 3))
def test_few_open_files(files: int, notes: Stage, tools: Tools) -> None:
    """With a limit of so few open files a run is refused, or goes well; some of the limits do each."""
    play = Play(APPLY, notes, tools)
    play.restore()
    outcome = tools.commands.run(*APPLY.command(notes), files=files)
    play.check_next(play.check(outcome, killed=False))


CALLS = {
    "open": "open",
    "openat": "open",
    "creat": "open",
    "write": "write",
    "pwrite64": "write",
    "writev": "write",
    "pwritev": "write",
    "sendfile": "write",
    "copy_file_range": "write",
    "fsync": "sync",
    "fdatasync": "sync",
    "sync_file_range": "sync",
    "msync": "sync",
    "ftruncate": "truncate",
    "truncate": "truncate",
    "fallocate": "allocate",
    "rename": "rename",
    "renameat": "rename",
    "renameat2": "rename",
    "link": "link",
    "linkat": "link",
    "symlink": "link",
    "symlinkat": "link",
    "unlink": "remove",
    "unlinkat": "remove",
    "rmdir": "remove",
    "mkdir": "make",
    "mkdirat": "make",
    "utimensat": "times",
}
"""System calls that change files, by what they do."""
OF_FILES = {"write", "sync", "truncate", "allocate"}


def told_by_strace(line: str) -> tuple[str, str] | None:
    """What a system call does and to which file, in a line that strace wrote; nothing where it changes none."""
    call, _, rest = line.partition("(")
    kind = CALLS.get(call)
    if kind is None or (kind == "open" and call != "creat" and not re.search("O_CREAT|O_TRUNC|O_TMPFILE", rest)):
        return None
    if kind in OF_FILES:
        place = re.match(r"\d+<(.*?)>", rest)
        return (kind, place[1]) if place else None
    names = re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"', rest)
    folder, name = names[-1]
    return kind, str(Path(folder, name))


def test_no_call_is_missed(notes: Stage, tools: Tools) -> None:
    """All that strace sees change files below the folder are points; they go through the functions that were taken."""
    if not shutil.which("strace"):
        pytest.skip("no strace here, and without it nobody tells which calls there are")
    play, log = Play(COMPACT, notes, tools), tools.folder.parent / "strace"
    play.restore()
    log.mkdir()
    tools.faults.arm()
    trace = [
        "strace",
        "-ff",
        "-y",
        "-s",
        "500",
        "-o",
        str(log / "log"),
        "-e",
        f"trace={','.join(f'?{c}' for c in CALLS)}",
    ]
    extra = [f"-ELD_PRELOAD={tools.folder.parent / LIBRARY}", f"-EFAULTS_CONTROL={tools.faults.file}"]
    program = [sys.executable, "-c", "from migrate_spec.cli import main; main()", *map(str, COMPACT.command(notes))]
    environment = variables(TMPDIR=tools.temporary)
    done = subprocess.run([*trace, *extra, *program], env=environment, capture_output=True, text=True, check=False)
    tools.faults.disarm()
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    lines = [line for file in log.iterdir() for line in file.read_text("utf-8", "replace").splitlines()]
    seen = Counter(told for line in lines if (told := told_by_strace(line)) and told[1].startswith(str(tools.folder)))
    points = tools.faults.points()
    counted = Counter(
        (CALLS[re.sub("64$", "", point.call.replace("pwrite64", "pwrite6464"))], point.path) for point in points
    )
    for told in [*counted, *seen]:
        if Path(told[1]).parent == tools.temporary:  # names that Python draws, and what it tries there first
            counted.pop(told, None)
            seen.pop(told, None)
    assert len(points) > 150
    assert counted == seen
