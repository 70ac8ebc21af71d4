"""More commands that the tests of faults play: each row says where it begins, and what must hold wherever it ends."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from pprint import pformat
from string import Template
from typing import Any

import migrate_spec as ms
from migrate_spec.stores.rocks_folder import is_typed
from tests import families_support as families
from tests import faults_starts as starts
from tests import faults_starts_back as back
from tests import test_typed_store as typed
from tests.faults_scenes import IN_DOUBT, SCENES, STAGES, Play, Stage, check_sentence
from tests.faults_support import Fault, Outcome, Point, Tools
from tests.faults_view import Middle, View, contents, half_swapped, in_order, in_the_middle, never, unfinished, view


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
        again: a command behind the next run, after which the records must be those of the beginning, byte for byte.
    """

    start: Callable[[Path], starts.Start]
    words: str
    decides: str = "database"
    middle: Middle = never
    then: str = "apply $db --workers 1 $project"
    done: str = ""
    says: str = IN_DOUBT
    again: str = ""


TAKEN = "something was found, a name that is free was expected; choose another one"
THERE = "it is there and whole, but a loss of power may take its name away"
REMOVED = r"when the notes of \d+ backups? and the folders of \d+ were removed|" + IN_DOUBT
HALF = r"was cut off while it was swapped|while the .* was swapped in|" + IN_DOUBT
WITH_QUARANTINE = "apply $db --workers 1 --on-error quarantine $project"
IN_PLACE = "apply $db --in-place --workers 1 $project"
IN_PLACE_SAYS = "the run in place|" + IN_DOUBT
EXPORT, IMPORT = "backup export $db $first $home/archive", "backup import $db $home/archive"
DOWNGRADE = "downgrade $db --to 1 --workers 1 $project"
TWO_DOWN = DOWNGRADE.replace("1 $", "2 $")
FORGET = "complement prune $db --all $project"
OF_FAMILIES, OF_TYPED = in_order(list(families.pairs())), in_order(list(back.typed_pairs()))
PRUNE = "backup prune $db --keep 1 $project"

UP = "apply $db --workers 1 $project"
INTO, SALVAGE = "backup restore $db $first --into $home/new $project", "salvage $db $home/new"

CASES = {
    "apply, two families": Case(starts.of_families, UP, middle=half_swapped, says=HALF),
    "rollback, two families": Case(starts.of_migrated, "rollback $db $project", middle=half_swapped, says=HALF),
    "downgrade": Case(starts.of_meridian, DOWNGRADE, then=DOWNGRADE, again=UP),
    "downgrade, what was taken": Case(back.of_dropped, DOWNGRADE, then=DOWNGRADE, again=UP),
    "downgrade, by two workers": Case(back.of_dropped, TWO_DOWN, then=DOWNGRADE, again=UP),
    "downgrade, moving records": Case(back.of_moved, DOWNGRADE, then=DOWNGRADE, again=UP),
    "downgrade, two families": Case(
        starts.of_edited, DOWNGRADE, middle=half_swapped, then=DOWNGRADE, says=HALF, again=UP
    ),
    "downgrade, moving records of two families": Case(
        back.of_moved_families, DOWNGRADE, middle=half_swapped, then=DOWNGRADE, says=HALF, again=UP
    ),
    "downgrade, typed records": Case(back.of_typed, DOWNGRADE, then=DOWNGRADE, again=UP),
    "downgrade, with records set aside": Case(starts.with_quarantine, DOWNGRADE, then=DOWNGRADE),
    "apply, once more": Case(back.of_undone, UP, again=DOWNGRADE),
    "complement prune": Case(back.of_dropped, FORGET, then=FORGET),
    "apply in place": Case(starts.of_all_kinds, IN_PLACE, middle=in_the_middle, says=IN_PLACE_SAYS),
    "apply in place, going on": Case(starts.in_between, IN_PLACE, middle=in_the_middle, says=IN_PLACE_SAYS),
    "apply in place, two families": Case(
        starts.of_families, IN_PLACE, middle=OF_FAMILIES, says=IN_PLACE_SAYS, again=DOWNGRADE
    ),
    "apply in place, going on in two families": Case(
        back.of_families_in_between, IN_PLACE, middle=OF_FAMILIES, says=IN_PLACE_SAYS
    ),
    "apply in place, typed records": Case(
        back.of_numbers, IN_PLACE, middle=OF_TYPED, says=IN_PLACE_SAYS, again=DOWNGRADE
    ),
    "apply, setting records aside": Case(starts.with_misfits, WITH_QUARANTINE, then=WITH_QUARANTINE),
    "apply, setting records aside by two workers": Case(
        starts.with_misfits, "apply $db --workers 2 --on-error quarantine $project", then=WITH_QUARANTINE
    ),
    "apply, setting typed records aside": Case(starts.of_types, WITH_QUARANTINE, then=WITH_QUARANTINE),
    "apply, taking records up again": Case(starts.with_mended, UP),
    "apply, taking typed records up again": Case(starts.of_types_mended, UP),
    "repair of typed records": Case(starts.of_types_mended, "repair $db --fix $home/fix.yaml $project"),
    "repair, deleting": Case(starts.with_quarantine, "repair $db note:b --delete $project"),
    "repair by a fix": Case(starts.with_quarantine, "repair $db note:b --fix $home/fix.yaml $project"),
    "backup create": Case(starts.with_backups, "backup create $db $project"),
    "backup restore": Case(starts.with_backups, "backup restore $db $first --yes $project"),
    "backup restore into a new one": Case(
        starts.with_backups, INTO, decides="beside", middle=unfinished, then=INTO, done=TAKEN, says=THERE
    ),
    "backup prune": Case(starts.with_backups, PRUNE, then=PRUNE, says=REMOVED),
    "backup export": Case(
        starts.with_backups, EXPORT, decides="beside", middle=unfinished, then=EXPORT, done=TAKEN, says=THERE
    ),
    "backup import": Case(starts.with_archive, IMPORT, decides="backups", then=IMPORT, done=TAKEN, says=THERE),
    "salvage": Case(
        starts.of_migrated, SALVAGE, decides="beside", middle=unfinished, then=SALVAGE, done=TAKEN, says=THERE
    ),
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
        self._project = ms.load(self._start.options[1], self._start.options[3])
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

    def _end(self, *, leads_back: bool = True) -> View:
        """What the next run makes of what is there; it must go well, and leave backups that are whole."""
        outcome = self._run(self.case.then)
        if not (self.case.done and self.case.done in outcome.err):
            assert (outcome.code, outcome.err) == (0, ""), outcome
        manager = ms.MigrationManager(self.home / "db", self._project)
        seen = view(self.home)
        assert [found.damage for found in manager.verify_backups() if found.damage] == []
        if self.case.again and leads_back:
            self._lead_back()
        if is_typed(self.home / "db"):
            typed.contents(self.home / "db")  # as a program opens it that knows of nothing
        return seen

    @property
    def command(self) -> list[str]:
        """The words of the command that is played, with what stands for others."""
        return self.case.words.split()

    def _lead_back(self) -> None:
        """See that all records can become again what they were at the beginning."""
        outcome = self._run(self.case.again)
        assert (outcome.code, outcome.err) == (0, ""), outcome
        there, expected = contents(self.home / "db"), self._before.database
        for family, records in expected.items():
            kept = {key: value for key, value in records.items() if not key.startswith(b"_")}
            assert {key: value for key, value in there[family].items() if not key.startswith(b"_")} == kept

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
        end = self._end(leads_back=state != "old")  # else it was the same run that began at the same records
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
