"""The databases at which the cases of faults begin."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from meridian.build_database import build as build_meridian
from tests import families_support as families
from tests.conftest import SCHEMAS, SPECS, Folder, make, task_v2, write
from tests.in_place_support import World, interrupted, project_of, small_batches
from tests.test_typed_store import build

IN_PLACE = World(4)
"""What is carried in place."""


@dataclass(frozen=True)
class Start:
    """A database at which commands begin.

    Attributes:
        home: the folder around it.
        options: those that name the project.
    """

    home: Path
    options: tuple[str, ...]


def start_of(folder: Path, project: Folder) -> Start:
    """Where commands begin, by the folder of it all and the project."""
    return Start(folder / "home", ("--specs", str(project.specs), "--schemas", str(project.schemas)))


def project_in(folder: Path) -> ms.Project:
    """The project in the folder of it all."""
    return ms.load(folder / "project" / "specs", folder / "project" / "schemas")


def of_families(folder: Path) -> Start:
    """Records of several column families, of which those of one move."""
    project = Folder(folder / "project")
    families.written(project, moving=True)
    families.make(folder / "home" / "db")
    return start_of(folder, project)


def of_migrated(folder: Path) -> Start:
    """The same after its migration."""
    start, project = of_families(folder), project_in(folder)
    ms.MigrationManager(start.home / "db", project).apply()
    return start


def of_edited(folder: Path) -> Start:
    """The same where no record moves, with records that were edited, added and deleted since."""
    project = Folder(folder / "project")
    families.written(project)
    path = families.make(folder / "home" / "db")
    ms.MigrationManager(path, project_in(folder)).apply()
    families.write(path, "users", {b"user:007": b'{"schema_version":2,"b":"edited"}', b"user:008": None})
    write_new = {b"note:new": b'{"schema_version":3,"b":1,"c":2}', b"note:001": b'{"schema_version":3,"b":1,"c":3}'}
    families.write(path, "default", write_new)
    return start_of(folder, project)


def of_meridian(folder: Path) -> Start:
    """Meridian's database at version 3, with a task that was edited since."""
    build_meridian(folder / "home" / "db")
    ms.MigrationManager(folder / "home" / "db", ms.load(SPECS, SCHEMAS)).apply()
    write(folder / "home" / "db", {b"task:gen-a": task_v2("gen-a", title="edited")})
    return Start(folder / "home", ("--specs", str(SPECS), "--schemas", str(SCHEMAS)))


def of_all_kinds(folder: Path) -> Start:
    """Records with stamps and without, that move and that do not."""
    project = Folder(folder / "project")
    project_of(project)
    make(folder / "home" / "db", IN_PLACE.old, tables=2)
    return start_of(folder, project)


def in_between(folder: Path) -> Start:
    """The same in the middle of a run in place."""
    start, project = of_all_kinds(folder), project_in(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        small_batches(monkeypatch)
        interrupted(ms.MigrationManager(start.home / "db", project), 3)
    return start


def _numbered(folder: Path) -> Folder:
    number = {"type": "object", "properties": {"m": {"type": "integer"}}, "required": ["m"]}
    return Folder(folder / "project").schema("note", 2, number).spec("note", 1, {"rename": {"n": "m"}})


def with_misfits(folder: Path) -> Start:
    """Notes, of which some cannot be carried over."""
    project = _numbered(folder)
    notes = {b"note:%02d" % number: b'{"n":%d}' % number for number in range(20)}
    make(folder / "home" / "db", {**notes, b"note:b": b'{"n":"1"}', b"note:\xff": b'{"n', b"other": b"x"})
    return start_of(folder, project)


def with_quarantine(folder: Path) -> Start:
    """The same with these in quarantine, and a fix for one of them."""
    start, project = with_misfits(folder), project_in(folder)
    ms.MigrationManager(start.home / "db", project).apply(on_error="quarantine")
    (start.home / "fix.yaml").write_text("collection: note\nsteps:\n  - set: {n: 1}\n", "utf-8")
    return start


def with_mended(folder: Path) -> Start:
    """The same, of which the program has mended one."""
    start = with_quarantine(folder)
    write(start.home / "db", {b"note:b": b'{"n":1}'})
    return start


def of_types(folder: Path) -> Start:
    """Notes whose keys and values have types, of which some cannot be carried over."""
    project = _numbered(folder)
    number = json.loads((project.schemas / "note" / "v2.json").read_text("utf-8"))
    project.schema("raw", 2, number).spec("raw", 1, {"rename": {"n": "m"}}, prefix="\x01note:")
    (folder / "home").mkdir(exist_ok=True)
    notes: dict[Any, Any] = {f"note:{count:02}": f'{{"n":{count}}}' for count in range(20)}
    more = {"note:b": b'{"n":"1"}', "note:c": 5, b"note:a": '{"n":1}', b"note:\xff": '{"n":"1"}'}
    build(folder / "home" / "db", notes | more)
    return start_of(folder, project)


def of_types_mended(folder: Path) -> Start:
    """The same with these in quarantine, of which the program has mended one, and a fix for another."""
    start, project = of_types(folder), project_in(folder)
    ms.MigrationManager(start.home / "db", project).apply(on_error="quarantine")
    handle = Rdict(str(start.home / "db"))
    handle["note:b"] = b'{"n":1}'
    handle.close()
    (start.home / "fix.yaml").write_text("collection: raw\nsteps:\n  - set: {n: 1}\n", "utf-8")
    return start


def with_backups(folder: Path) -> Start:
    """Notes with three backups, one of them of the time before a migration; and a note written since."""
    project = Folder(folder / "project").spec("note", 1, {"add": {"a": 1}})
    path = make(folder / "home" / "db", {b"note:%02d" % number: b"{}" for number in range(20)})
    manager = ms.MigrationManager(path, project.load())
    manager.apply()
    manager.create_backup("one")
    write(path, {b"note:new": b'{"schema_version":2}'})
    manager.create_backup("two")
    return start_of(folder, project)


def with_archive(folder: Path) -> Start:
    """The same with an archive of one of the backups, which is gone."""
    start = with_backups(folder)
    manager = ms.MigrationManager(start.home / "db", project_in(folder))
    last = manager.backups()[-1]
    manager.export_backup(last.name, start.home / "archive")
    shutil.rmtree(start.home / "db.backups" / last.name)
    return start
