"""More commands that the tests of faults play: each row says where it begins, and what must hold wherever it ends."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from pprint import pformat
from string import Template
from typing import Any

import migrate_spec as ms
from migrate_spec.codec import unpacker
from migrate_spec.stores.rocks_folder import is_typed
from tests import families_support as families
from tests import faults_starts as starts
from tests import test_typed_store as typed
from tests.conftest import HISTORY, VERSION
from tests.faults_scenes import IN_DOUBT, SCENES, STAGES, Play, Stage, check_sentence
from tests.faults_support import Fault, Outcome, Point, Tools
from tests.in_place_support import MARK

NAME = re.compile(r"(_backup_|\.rejected-)\d{8}_\d{6}(_\d+)?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
DIGEST = re.compile(r"[0-9a-f]{32,}")
KEPT = b"_complement:"
"""What the keys begin with of what a run keeps for the way back."""

VOLATILE = {"duration_seconds", "seconds", "process", "pid", "items_per_second", "starts"}
"""What differs from run to run in a history: how long it took, by which process, and how the records were shared."""


@dataclass(frozen=True)
class View:
    """All that is there, without times and names that differ from run to run.

    Attributes:
        database: the records of each column family; what the system notes among them, too.
        backups: what each backup says of itself and holds.
        beside: all other names in the folder around the database, and in that of the backups; lists with their lines.
    """

    database: Mapping[str, Any]
    backups: list[Any]
    beside: Mapping[str, Any]


def plain(value: Any) -> Any:
    """A part of a JSON document without what differs from run to run."""
    if isinstance(value, dict):
        return {plain(name): plain(part) for name, part in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return plain_text(value) if isinstance(value, str) else value


def plain_text(text: str) -> str:
    """A text without what differs from run to run."""
    return DIGEST.sub("DIGEST", MOMENT.sub("MOMENT", NAME.sub(r"\1NAME", text)))


def contents(path: Path) -> dict[str, Any]:
    """What a database holds."""
    found: dict[str, Any] = {}
    for family, records in ({"default": as_bytes(path)} if is_typed(path) else families.dump(path)).items():
        shown = found[family] = {key: value for key, value in records.items() if not key.startswith(b"_")}
        own = [key for key in records if key.startswith(b"_") and not key.startswith(KEPT)]
        kept = [(key, value) for key, value in records.items() if key.startswith(KEPT)]
        shown[KEPT] = sorted(one for key, value in kept for one in kept_in(key, value))
        shown |= {key: plain(json.loads(records[key])) for key in own if not key.startswith(b"_backup_")}
        notes = [plain(json.loads(records[key])) for key in own if key.startswith(b"_backup_")]
        shown[b"_backup_"] = sorted(notes, key=str)
    return found


def as_bytes(path: Path) -> dict[bytes, bytes]:
    """What a database holds whose keys and values have types, also where rocksdict's own file was left half written."""
    config = '{"raw_mode":false,"prefix_extractors":{}}'
    return {spelled(key): spelled(value) for (_, key), value in typed.contents(path, config).items()}


def spelled(part: Any) -> bytes:
    """A key or value as bytes: a text as it is, any other so that it is no text."""
    return part.encode() if type(part) is str else b"\xff" + repr(part).encode()


def kept_in(key: bytes, block: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """What a block keeps of each record: where blocks end differs where a run in place has gone on."""
    head = plain_text(key.rpartition(b"/")[0].decode())
    for complement, records in unpacker(list[tuple[bytes, list[bytes]]])(block):
        for record in records:
            yield head, record, complement


def view(home: Path) -> View:
    """All that is in a folder with a database."""
    backups = []
    beside: dict[str, Any] = {}
    for file in (home / "db.backups").glob("*"):
        if NAME.fullmatch(file.name):
            manifest = json.loads((file / "backup.json").read_text("utf-8"))
            assert manifest["name"] == file.name
            backups.append([plain(manifest), contents(file / "database")])
        else:
            beside[f"db.backups/{plain_text(file.name)}"] = None
    for file in home.iterdir():
        lines = sorted(file.read_text("utf-8").splitlines()) if file.suffix == ".jsonl" else None
        beside[plain_text(file.name)] = lines
    return View(contents(home / "db"), sorted(backups, key=str), beside)


Middle = Callable[[View, View, View], str]
"""What is so where not all is as before or afterwards: ``middle``, ``old`` or ``new``; nothing where that is wrong."""


def never(_seen: View, _before: View, _after: View) -> str:
    """There is no middle."""
    return ""


def half_swapped(seen: View, before: View, after: View) -> str:
    """Some families are swapped in, each of them wholly, and the version says so."""
    note = seen.database["default"].get(VERSION)
    parts = [
        {key: value for key, value in one.items() if not key.startswith(b"_")}
        == {key: value for key, value in of.database[family].items() if not key.startswith(b"_")}
        for family, one in seen.database.items()
        for of in (before, after)
    ]
    is_right = isinstance(note, dict) and all(old or new for old, new in zip(parts[::2], parts[1::2], strict=True))
    return "middle" if is_right else ""


def unfinished(seen: View, before: View, after: View) -> str:
    """Only what was not finished, which has a name of its own, is there besides."""
    rest = {name: lines for name, lines in seen.beside.items() if ".unfinished-" not in name}
    return "old" if rest == before.beside else "new" if rest == after.beside else ""


def in_the_middle(seen: View, _before: View, _after: View) -> str:
    """Each record is wholly old or wholly new, the first ones of each collection new, and the mark counts them."""
    found = seen.database["default"]
    if MARK not in found or found[VERSION] != 3 or HISTORY in found:
        return ""
    records = {key: value for key, value in found.items() if not key.startswith(b"_")}
    so_far = {name: counts["migrated"] for name, counts in found[MARK]["collections"].items()}
    return "middle" if so_far == starts.IN_PLACE.behind(records) else ""


@dataclass(frozen=True)
class Case:
    """A command, and what must hold wherever it ends.

    Attributes:
        start: makes what it begins with.
        words: the command: ``$db`` is the database, ``$first`` its oldest backup, ``$home`` the folder around it, and
            ``$project`` stands for the options that name the specs.
        decides: what of a :class:`View` is wholly old or wholly new; what the command does not change stays.
        middle: what else may be, until the next run.
        then: the next run, after which nothing is left.
        done: what the next run says where the command was done, and cannot be done twice.
        says: what errors must say that come although it is not wholly old.
    """

    start: Callable[[Path], starts.Start]
    words: str
    decides: str = "database"
    middle: Middle = never
    then: str = "apply $db --workers 1 $project"
    done: str = ""
    says: str = IN_DOUBT


TAKEN = "something was found, a name that is free was expected; choose another one"
THERE = "it is there and whole, but a loss of power may take its name away"
REMOVED = r"when the notes of \d+ backups? and the folders of \d+ were removed|" + IN_DOUBT
HALF = r"was cut off while it was swapped|while the .* was swapped in|" + IN_DOUBT
WITH_QUARANTINE = "apply $db --workers 1 --on-error quarantine $project"
IN_PLACE = "apply $db --in-place --workers 1 $project"
IN_PLACE_SAYS = "the run in place|" + IN_DOUBT
EXPORT, IMPORT = "backup export $db $first $home/archive", "backup import $db $home/archive"
DOWNGRADE = "downgrade $db --to 1 --workers 1 $project"
PRUNE = "backup prune $db --keep 1 $project"

CASES = {
    "apply, two families": Case(starts.of_families, "apply $db --workers 1 $project", middle=half_swapped, says=HALF),
    "rollback, two families": Case(starts.of_migrated, "rollback $db $project", middle=half_swapped, says=HALF),
    "downgrade": Case(starts.of_meridian, DOWNGRADE, then=DOWNGRADE),
    "downgrade, by two workers": Case(starts.of_meridian, DOWNGRADE.replace("1 $", "2 $"), then=DOWNGRADE),
    "downgrade, two families": Case(starts.of_edited, DOWNGRADE, middle=half_swapped, then=DOWNGRADE, says=HALF),
    "apply in place": Case(starts.of_all_kinds, IN_PLACE, middle=in_the_middle, says=IN_PLACE_SAYS),
    "apply in place, going on": Case(starts.in_between, IN_PLACE, middle=in_the_middle, says=IN_PLACE_SAYS),
    "apply, setting records aside": Case(starts.with_misfits, WITH_QUARANTINE, then=WITH_QUARANTINE),
    "apply, setting records aside by two workers": Case(
        starts.with_misfits, "apply $db --workers 2 --on-error quarantine $project", then=WITH_QUARANTINE
    ),
    "apply, setting typed records aside": Case(starts.of_types, WITH_QUARANTINE, then=WITH_QUARANTINE),
    "apply, taking records up again": Case(starts.with_mended, "apply $db --workers 1 $project"),
    "apply, taking typed records up again": Case(starts.of_types_mended, "apply $db --workers 1 $project"),
    "repair of typed records": Case(starts.of_types_mended, "repair $db --fix $home/fix.yaml $project"),
    "repair, deleting": Case(starts.with_quarantine, "repair $db note:b --delete $project"),
    "repair by a fix": Case(starts.with_quarantine, "repair $db note:b --fix $home/fix.yaml $project"),
    "backup create": Case(starts.with_backups, "backup create $db $project"),
    "backup restore": Case(starts.with_backups, "backup restore $db $first --yes $project"),
    "backup prune": Case(starts.with_backups, PRUNE, then=PRUNE, says=REMOVED),
    "backup export": Case(
        starts.with_backups, EXPORT, decides="beside", middle=unfinished, then=EXPORT, done=TAKEN, says=THERE
    ),
    "backup import": Case(starts.with_archive, IMPORT, decides="backups", then=IMPORT, done=TAKEN, says=THERE),
}
"""The commands that are played so. One more row is one more command at all points."""


class Trial:
    """A case, played with faults.

    Attributes:
        case: the command.
        home: the folder around the database.
    """

    def __init__(self, case: Case, tools: Tools, folder: Path) -> None:
        """Make the database, and see what becomes of it where nothing happens.

        Args:
            case: the command.
            tools: what runs it.
            folder: a new one, of this trial alone.
        """
        folder.mkdir()
        (folder / "home").mkdir()
        self.case, self._tools, self.home = case, tools, folder / "home"
        self._start = case.start(folder)
        self._template = shutil.copytree(self.home, folder / "template")
        backups = sorted(file.name for file in (self.home / "db.backups").glob("*"))
        self._places = {"db": str(self.home / "db"), "home": str(self.home), "first": next(iter(backups), "")}
        self._before = view(self.home)
        self._ends = {"old": self._end()}
        self.restore()
        self.run_well()
        self._after = view(self.home)
        self._ends["new"] = self._end()
        assert self._part(self._before) != self._part(self._after)

    def _end(self) -> View:
        """What the next run makes of what is there; it must go well, and leave backups that are whole."""
        outcome = self._run(self.case.then)
        if not (self.case.done and self.case.done in outcome.err):
            assert (outcome.code, outcome.err) == (0, ""), outcome
        manager = ms.MigrationManager(self.home / "db", ms.load(self._start.options[1], self._start.options[3]))
        seen = view(self.home)
        assert [found.damage for found in manager.verify_backups() if found.damage] == []
        if is_typed(self.home / "db"):
            typed.contents(self.home / "db")  # as a program opens it that knows of nothing
        return seen

    def words(self, words: str) -> list[str]:
        """The words of a command, with what stands for others replaced."""
        found: list[str] = []
        for word in words.split():
            found += self._start.options if word == "$project" else [Template(word).substitute(self._places)]
        return found

    def _run(self, words: str) -> Outcome:
        return self._tools.commands.run(*self.words(words), small_jobs="--in-place" in words or "--workers 2" in words)

    def run_well(self) -> None:
        """Carry the command out where nothing happens."""
        outcome = self._run(self.case.words)
        assert (outcome.code, outcome.err) == (0, ""), outcome

    def _part(self, seen: View) -> Any:
        return getattr(seen, self.case.decides)

    def restore(self) -> None:
        """Put all back to where the case begins."""
        shutil.rmtree(self.home)
        shutil.copytree(self._template, self.home)
        shutil.rmtree(self._tools.temporary)
        self._tools.temporary.mkdir()

    def points(self, kind: int) -> list[Point]:
        """The points of the command where nothing happens."""
        self.restore()
        self._tools.faults.arm(kind=kind)
        self.run_well()
        self._tools.faults.disarm()
        return self._tools.faults.points()

    def with_fault(self, fault: Fault, point: int, call: str = "", part: str = "") -> tuple[Outcome, str]:
        """Play the case with a fault at a point, and see that all is well; ``old``, ``new`` or in the ``middle``.

        Args:
            fault: the fault.
            point: its number; where a call and a part of a path are named, among those alone.
            call: only calls of this name are points.
            part: so are only those of files in whose path this stands.
        """
        self.restore()
        self._tools.faults.arm(fault, point, call=call, part=part)
        outcome = self._run(self.case.words)
        self._tools.faults.disarm()
        return outcome, self.check(outcome, killed=fault.kills)

    def check(self, outcome: Outcome, *, killed: bool) -> str:
        """See that all is well after a command that came to this end; ``old``, ``new`` or in the ``middle``."""
        state = self._state(outcome)
        self._check_said(outcome, state, killed=killed)
        end = self._end()
        expected = [self._ends[state]] if state in self._ends else list(self._ends.values())
        assert end in expected, "\n".join(_differences(expected[-1], end))
        return state

    def _state(self, outcome: Outcome) -> str:
        seen = view(self.home)
        if self._before.database == self._after.database:
            assert seen.database == self._before.database, outcome
        if self._part(seen) == self._part(self._before):
            return "old"
        if self._part(seen) == self._part(self._after):
            return "new"
        state = self.case.middle(seen, self._before, self._after)
        assert state, (outcome, *_differences(self._after, seen))
        return state

    def _check_said(self, outcome: Outcome, state: str, *, killed: bool) -> None:
        """See that what was said is true."""
        if outcome.code == 0:
            assert (state, outcome.err) == ("new", "")
        elif not (killed and outcome.code == -9):
            assert (outcome.code, outcome.out) == (1, ""), outcome
            lines = outcome.err.splitlines(keepends=True)
            for line in [lines[0], *(line for line in lines[1:] if "run in place" not in line)]:
                check_sentence(line)
            assert state == "old" or re.search(self.case.says, outcome.err), outcome.err


def play_of(name: str, tools: Tools, stages: dict[str, Stage]) -> Play | Trial:
    """A scene or a case, to be played.

    Args:
        name: of it.
        tools: what runs it.
        stages: the databases of scenes so far; one that is missing is made.
    """
    if name in CASES:
        return Trial(CASES[name], tools, tools.folder / name)
    scene = SCENES[name]
    if scene.stage not in stages:
        stages[scene.stage] = STAGES[scene.stage](tools.folder / scene.stage)
    return Play(scene, stages[scene.stage], tools)


def _differences(one: View, other: View) -> list[str]:
    """The lines in which two views differ."""
    before, after = (pformat(vars(view), width=120).splitlines() for view in (one, other))
    return list(unified_diff(before, after, n=0, lineterm=""))
