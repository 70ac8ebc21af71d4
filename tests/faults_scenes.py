"""What the tests of faults do with databases: scenes, each a command on one, and what must hold afterwards."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rocksdict import Rdict

import migrate_spec as ms
from tests.conftest import HISTORY, ROWS, SCHEMAS, SPECS, VERSION, Folder, dump, files, make, raw, task
from tests.faults_support import Fault, Outcome, Point, Tools
from tests.test_record_operations import written
from tests.test_record_rollback import BEFORE
from tests.test_record_rollback import SPECS as MOVING

LOG = {b"task:log-%02d" % number: task(f"log-{number:02}") for number in range(20)}
"""Records that are in the log of a database only."""

OWN_FILES = r"CURRENT|IDENTITY|LOCK|LOG(\.old\.\d+)?|MANIFEST-\d+|OPTIONS-\d+(\.dbtmp)?|\d+\.(sst|log|dbtmp)"
"""Of RocksDB, in its folder."""


@dataclass(frozen=True)
class Seen:
    """What a database holds.

    Attributes:
        version: its version.
        records: all but what the system keeps for itself.
        entries: its history.
        notes: what it tells of its backups.
    """

    version: int
    records: Mapping[bytes, bytes]
    entries: list[Any]
    notes: Mapping[str, Any]

    @property
    def backups(self) -> list[str]:
        """The backups that the history names."""
        return sorted({entry["backup_key"] for entry in self.entries if entry["backup_key"]})


def look(path: Path, *, only_of_runs: bool = True) -> Seen:
    """What a database holds; version, history and notes must agree. With ``only_of_runs`` all backups are of runs."""
    found = dump(path)
    version = int(found.get(VERSION, b"1"))
    entries = json.loads(found.get(HISTORY, b'{"migrations":[]}'))["migrations"]
    notes = {key.decode(): json.loads(value) for key, value in found.items() if key.startswith(b"_backup_")}
    records = {
        key: value
        for key, value in found.items()
        if not key.startswith((VERSION, HISTORY, b"_backup_", b"_complement:"))
    }
    seen = Seen(version, records, entries, notes)
    at = 1
    for entry in entries:
        assert entry["success"]
        assert entry["from_version"] == at
        at = entry["to_version"]
    assert at == version
    assert not only_of_runs or sorted(notes) == seen.backups
    return seen


class Stage:
    """A database before and after its migration, with files of others in and beside it.

    Attributes:
        home: the folder around it.
        path: the database.
        states: what it holds before and after, by version.
    """

    def __init__(
        self, folder: Path, project: Folder | None, records: Mapping[bytes, bytes], log: Mapping[bytes, bytes]
    ) -> None:
        """Make it; without a project it is that which ships. Some records are in the log only."""
        self.home = folder / "home"
        self.path = self.home / "db"
        self.specs, self.schemas = (project.specs, project.schemas) if project else (SPECS, SCHEMAS)
        self.project = ms.load(self.specs, self.schemas)
        self._templates = {name: folder / name for name in ("old", "new")}
        old = self._templates["old"]
        old.mkdir()
        make(old / "db", records)
        if log:
            _leave_in_log(old / "db", log)
        _add_foreign(old)
        shutil.copytree(old, self._templates["new"])
        ms.MigrationManager(self._templates["new"] / "db", self.project).apply()
        seen = [look(self._templates[name] / "db") for name in ("old", "new")]
        assert [one.version for one in seen] == [1, 3]
        self.states = {one.version: one.records for one in seen}
        self._foreign = self.foreign(old)

    def restore(self, name: str) -> None:
        """Put it back to where it was before the migration, or after it."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self._templates[name], self.home)

    def foreign(self, home: Path) -> Any:
        """The files of others; not when their folders were changed."""
        return {
            name: content if content is None else (changed, content)
            for place in (home / "db" / "metrics", home / "db.txt", home / "other", home / "db" / "notes.txt")
            for name, (changed, content) in (files(place) if place.is_dir() else {".": _file(place)}).items()
        }

    def check_beside(self, seen: Seen) -> None:
        """See that only its backups lie beside the database, that they are whole, and others' files untouched."""
        assert self.foreign(self.home) == self._foreign
        names = {file.name for file in self.home.iterdir()}
        assert names - {"db.backups"} == {"db", "db.txt", "other"}
        backups = self.path.with_name("db.backups")
        assert sorted(file.name for file in backups.glob("*")) == seen.backups
        assert backups.exists() == bool(seen.backups)
        strange = {file.name for file in self.path.iterdir() if not re.fullmatch(OWN_FILES, file.name)}
        assert strange == {"metrics", "notes.txt"}
        for name in seen.backups:
            manifest = json.loads((backups / name / "backup.json").read_text("utf-8"))
            held = look(backups / name / "database")
            assert (manifest["name"], manifest["version"], held.version) == (name, 1, 1)
            assert held.records == self.states[1]
            assert manifest["collections"] == seen.notes[name]["collections"]
            for contents in manifest["collections"].values():
                prefix = contents["prefix"].encode()
                assert contents["records"] == sum(key.startswith(prefix) for key in held.records)


def _file(path: Path) -> tuple[int, bytes]:
    return path.stat().st_mtime_ns, path.read_bytes()


def _leave_in_log(path: Path, records: Mapping[bytes, bytes]) -> None:
    """Write records as a program does that is killed: they are in the log only."""
    copy = path.with_name("copy")
    handle = Rdict(str(path), raw())
    for key, value in records.items():
        handle[key] = value
    shutil.copytree(path, copy)
    handle.close()
    shutil.rmtree(path)
    copy.rename(path)
    (path / "rocksdict-config.json").unlink()
    assert any(file.stat().st_size for file in path.glob("*.log"))


def _add_foreign(home: Path) -> None:
    """Files of others: a second database inside the folder, as Meridian had, and names that begin alike."""
    make(home / "db" / "metrics", {b"metrics:1": b"{}"})
    (home / "db" / "notes.txt").write_text("mine", "utf-8")
    (home / "db.txt").write_text("mine", "utf-8")
    (home / "other").mkdir()
    (home / "other" / "db.staging").write_text("mine", "utf-8")


def staying(folder: Path) -> Stage:
    """Records that stay where they are: Meridian's."""
    folder.mkdir()
    return Stage(folder, None, ROWS, LOG)


def moving(folder: Path) -> Stage:
    """Records that get other keys, go, come, and take entries of indexes along."""
    folder.mkdir()
    log = {b"task:log": b'{"id":"log","project":"p"}'}
    return Stage(folder, written({"specs": dict(MOVING)}, Folder(folder / "project")), BEFORE, log)


STAGES = {"staying": staying, "moving": moving}


@dataclass(frozen=True)
class Scene:
    """A command on a database.

    Attributes:
        stage: which database.
        start: where it begins: ``old`` or ``new``.
        words: the command, but for the database and the specs.
        small_jobs: whether records are carried by workers.
    """

    stage: str
    start: str
    words: tuple[str, ...]
    small_jobs: bool = False

    def command(self, stage: Stage) -> tuple[str | Path, ...]:
        """The whole command."""
        name, *options = self.words
        return (name, stage.path, *options, "--specs", stage.specs, "--schemas", stage.schemas)

    @property
    def versions(self) -> tuple[int, int]:
        """The version before and after."""
        after = 1 if self.words[0] == "rollback" else 3
        return (1 if self.start == "old" else 3), after


SCENES = {
    "apply": Scene("staying", "old", ("apply", "--workers", "1")),
    "apply, keeping no backup": Scene("staying", "old", ("apply", "--workers", "1", "--no-backup")),
    "apply, compacting": Scene("staying", "old", ("apply", "--workers", "1", "--compact")),
    "apply, by two workers": Scene("staying", "old", ("apply", "--workers", "2"), small_jobs=True),
    "apply, moving records": Scene("moving", "old", ("apply", "--workers", "1")),
    "rollback": Scene("staying", "new", ("rollback",)),
    "rollback, moving records": Scene("moving", "new", ("rollback",)),
    "apply, nothing to do": Scene("staying", "new", ("apply",)),
}
"""The commands that change a database. One more row is one more command at all points."""

IN_DOUBT = "whether it is done could not be found out"

NOT_COMPACTED = "the migration to version 3 is done, only the compaction was not"

NEXT = Scene("", "", ("apply", "--workers", "1"))


class Play:
    """A scene, played with faults.

    Attributes:
        scene: the command.
        stage: the database.
        tools: what runs it.
    """

    def __init__(self, scene: Scene, stage: Stage, tools: Tools) -> None:
        self.scene, self.stage, self.tools = scene, stage, tools

    @property
    def home(self) -> Path:
        """The folder around the database."""
        return self.stage.home

    @property
    def command(self) -> list[str]:
        """The words of the command that is played, but for the database and the specs."""
        return list(self.scene.words)

    def points(self, kind: int) -> list[Point]:
        """The points of the command where nothing happens."""
        self.restore()
        self.tools.faults.arm(kind=kind)
        self.run_well()
        self.tools.faults.disarm()
        return self.tools.faults.points()

    def restore(self) -> None:
        """Put all back to where the scene begins."""
        self.stage.restore(self.scene.start)
        shutil.rmtree(self.tools.temporary)
        self.tools.temporary.mkdir()

    def run_well(self) -> None:
        """Carry the command out where nothing happens."""
        outcome = self._run(self.scene)
        assert (outcome.code, outcome.err) == (0, ""), outcome

    def _run(self, scene: Scene) -> Outcome:
        return self.tools.commands.run(*scene.command(self.stage), small_jobs=scene.small_jobs)

    def with_fault(self, fault: Fault, point: int) -> tuple[Outcome, Seen]:
        """Play the scene with a fault at a point, and see that all is well; what became of it."""
        self.restore()
        self.tools.faults.arm(fault, point)
        outcome = self._run(self.scene)
        self.tools.faults.disarm()
        seen = self.check(outcome, killed=fault.kills)
        self.check_next(seen)
        return outcome, seen

    def check(self, outcome: Outcome, *, killed: bool) -> Seen:
        """See that a database is wholly old or wholly new, and that what was said of it is true."""
        seen = look(self.stage.path)
        assert seen.records == self.stage.states[seen.version]
        before, after = self.scene.versions
        assert len(seen.entries) == (0 if self.scene.start == "old" else 2) + self._steps(seen.version)
        if outcome.code == 0:
            assert seen.version == after
            assert outcome.err == ""
        elif not (killed and outcome.code == -9):
            assert outcome.code == 1, outcome
            assert outcome.out == ""
            check_sentence(outcome.err)
            assert seen.version == before or IN_DOUBT in outcome.err or NOT_COMPACTED in outcome.err, outcome.err
        return seen

    def _steps(self, version: int) -> int:
        """How many entries the command has written, as the database has this version now."""
        before, after = self.scene.versions
        return 0 if version == before else {1: 1, 3: 2}[after]

    def check_next(self, seen: Seen) -> None:
        """See that the next run goes well, and that nothing of the last one is left."""
        outcome = self._run(NEXT)
        assert (outcome.code, outcome.err) == (0, ""), outcome
        there = look(self.stage.path)
        assert (there.version, there.records) == (3, self.stage.states[3])
        assert len(there.entries) == len(seen.entries) + (2 if seen.version == 1 else 0)
        self.stage.check_beside(there)


def check_sentence(text: str) -> None:
    """See that an error is one sentence for people, which names a file or a database."""
    assert text.count("\n") == 1, text
    assert text.endswith("\n")
    assert "Traceback" not in text
    assert "unexpected" not in text, text
    assert "/" in text or "worker process" in text, text
