"""``migrate-spec explain``: one record through every step, and which line of which spec made each field what it is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec.codec import plain
from migrate_spec.compiler import Route, Transform
from migrate_spec.document import equal
from migrate_spec.errors import Place, read_key, show_key
from migrate_spec.flows import Flows
from migrate_spec.sorter import Sorter
from migrate_spec.store import Store
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.tracing import trace
from tests import families_support as families
from tests import rows_of, test_operations
from tests.cli_support import MERIDIAN, Done, cli, document, plain_json, refusal, text
from tests.conftest import Folder, compact, files, make, write

TASK = b"task:9b2f6c1e-6f57-4a0b-9c1b-0d9d6f6f7c11"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A database with nothing in it."""
    with open_for_reading(make(tmp_path_factory.mktemp("explain") / "db", {})) as store:
        yield store


@pytest.fixture
def two_steps(folder: Folder) -> ms.Project:
    """A project of two versions with a step of each kind that alters one document."""
    folder.spec("note", 1, {"rename": {"name": "title"}}, {"add": {"tags": [], "n": 0}})
    folder.spec("note", 2, {"at": "meta", "remove": ["old"]}, {"map": {"state": {"a": "open", "b": "shut"}}})
    return folder.load()


def story(path: Path, project: ms.Project, key: bytes | str) -> list[Any]:
    """What is told of a record: kind, line of the spec, and the places that changed."""
    explanation = ms.MigrationManager(path, project).explain(key)
    return [
        (event.kind, _line(event.where), [str(one.path) for one in event.differences]) for event in explanation.events
    ]


def _line(place: Place | None) -> tuple[str, int] | None:
    return None if place is None else (Path(place.file).name, place.line)


@pytest.mark.parametrize("table", sorted(test_operations.CASES.glob("*.yaml")), ids=lambda file: file.stem)
def test_step_by_step_is_what_a_run_makes(table: Path, store: Store, tmp_path: Path) -> None:
    """For each row of the operations' tables, one step after the other leads to what all of them do at once."""
    rows = [row for row in rows_of(table) if {"after", "after_text", "unchanged"} & row.keys()]
    assert rows
    with Sorter(tmp_path) as changes, Sorter(tmp_path) as taken:
        for row in rows:
            route = Route((test_operations.spec_in(row),), None, 2)
            value = row["before_text"].encode() if "before_text" in row else compact(row["before"])
            *_, last = trace(Flows([route], store, changes, taken), route.collection, b"task:1", value)
            assert last.kind == "step", row["name"]  # records without a stamp: nothing is left to do in the end
            assert equal(last.document, plain(Transform(route)(value) or value)), row["name"]


class TestBefore:
    """A database whose steps are pending."""

    def test_each_step(self, tmp_path: Path, two_steps: ms.Project) -> None:
        """Every step is told of, with the places it changed; nothing is written."""
        value = compact({"name": "x", "meta": {"old": 1, "new": 2}, "state": "a"})
        path = make(tmp_path / "db", {b"note:1": value})
        before = files(tmp_path)
        assert story(path, two_steps, b"note:1") == [
            ("found", None, []),
            ("step", ("v1_to_v2.yaml", 1), ["name", "title"]),
            ("step", ("v1_to_v2.yaml", 1), ["tags", "n"]),
            ("step", ("v2_to_v3.yaml", 1), ["meta.old"]),
            ("step", ("v2_to_v3.yaml", 1), ["state"]),
            ("stamp", ("v2_to_v3.yaml", 1), ["schema_version"]),
        ]
        assert files(tmp_path) == before
        last = ms.MigrationManager(path, two_steps).explain("note:1").events[-1].document
        ms.MigrationManager(path, two_steps).apply()
        with open_for_reading(path) as store:
            assert plain(store.get(b"note:1") or b"") == last

    def test_a_record_of_a_later_version(self, tmp_path: Path, two_steps: ms.Project) -> None:
        """A record that says that it is at version 2 already has only the last steps before it."""
        path = make(tmp_path / "db", {b"note:1": compact({"schema_version": 2, "state": "b"})})
        assert [event[1] for event in story(path, two_steps, b"note:1")] == [
            None,
            *[("v2_to_v3.yaml", 1)] * 3,
        ]

    @pytest.mark.parametrize(
        ("value", "sentence", "steps"),
        [
            (b"[]", "a list was found, a JSON object was expected", 0),
            (b"{", None, 0),
            (b'{"meta":1}', "an integer 1 was found, an object was expected", 2),
            (b'{"schema_version":9}', "a record of version 9 was found, at most version 3 was expected", 0),
        ],
    )
    def test_a_record_that_is_refused(
        self, tmp_path: Path, two_steps: ms.Project, value: bytes, sentence: str | None, steps: int
    ) -> None:
        """The last thing told is why, in the words of a run; before it, what the steps up to there did."""
        path = make(tmp_path / "db", {b"note:1": value})
        manager = ms.MigrationManager(path, two_steps)
        *events, last = manager.explain(b"note:1").events
        assert last.kind == "refused"
        assert last.fault is not None
        with pytest.raises(ms.RecordRejected) as caught:
            manager.apply()
        assert [rejection.fault for rejection in caught.value.rejections] == [last.fault]
        if sentence is not None:
            assert sentence in str(last.fault)
        assert [event.kind for event in events] == ["found", *["step"] * steps]

    def test_keys_that_are_no_text(self, tmp_path: Path, two_steps: ms.Project) -> None:
        r"""A byte of a key is written as the errors show it; a key that has a backslash in it is found, too."""
        keys = [b"note:\xff\x80", b"note:\\xff", b"note:\x00\n\t", "note:ü\u200b".encode(), b"note:"]
        path = make(tmp_path / "db", dict.fromkeys(keys, b"{}"))
        manager = ms.MigrationManager(path, two_steps)
        for key in keys:
            assert manager.explain(show_key(key)).key == key
            assert manager.explain(os.fsdecode(key)).key == key
            assert manager.explain(key).key == key
            assert read_key(show_key(key)) == key or b"\\" in key
        shown = document("explain", path, r"note:\xff\x80", *options(tmp_path))
        assert shown["key"] == r"note:\xff\x80"

    def test_records_that_are_made_and_go(self, tmp_path: Path, folder: Folder) -> None:
        """Operations on whole records: the new key, the records made of it, its entries in indexes, its end."""
        folder.spec(
            "task",
            1,
            {"map": {"status": {"a": "open"}}},
            stamp=None,
            records=[
                {"explode": {"notes": {"to": "note:{id}:{.index}"}}},
                {"rekey": {"from": "task:{id}", "to": "job:{id}"}},
            ],
            indexes={"status": {"from": "idx:{status}:{id}", "to": "idx:{status}:{id}"}},
        )
        folder.spec("gone", 1, stamp=None, records=[{"drop": {"where": {"old": True}}}])
        value = compact({"id": "7", "status": "a", "notes": [{"text": "x"}]})
        path = make(tmp_path / "db", {b"task:7": value, b"gone:1": b'{"old":true}', b"idx:a:7": b"1"})
        manager = ms.MigrationManager(path, folder.load())
        events = manager.explain("task:7").events
        assert [(event.kind, event.name, event.key) for event in events[1:]] == [
            ("step", "task v1→v2: map", b"task:7"),
            ("records", "task v1→v2: explode", b"task:7"),
            ("records", "task v1→v2: rekey", b"job:7"),
            ("index", "task v1→v2: index status: idx:a:7 → idx:open:7", b"job:7"),
        ]
        assert events[2].made == [("note:7:0", {"text": "x"})]
        assert manager.explain("gone:1").events[-1].key is None
        assert "   the record goes\n" in cli("explain", path, "gone:1", *options(tmp_path)).out
        manager.apply()
        again = manager.explain("task:7").events
        assert [event.to_json() for event in again[1:]] == [event.to_json() for event in events[1:]]


class TestMadeOfOthers:
    """Records that steps make of others, or take into others: the story begins with those, or ends with them."""

    @pytest.fixture
    def manager(self, tmp_path: Path, folder: Folder) -> ms.MigrationManager:
        """Tasks that get other keys, whose notes become records, which get other keys in turn."""
        stamped: dict[str, Any] = {"stamp": "schema_version"}
        folder.spec(
            "task",
            1,
            **stamped,
            indexes={"status": {"from": None, "to": "idx:{status}:{id}"}},
            records=[
                {"explode": {"notes": {"to": "note:{id}:{.index}", "with": {"task": "id"}}}},
                {"rekey": {"from": "task:{id}", "to": "job:{id}"}},
            ],
        )
        folder.spec("note", 2, {"add": {"seen": False}}, **stamped, records=[_rekey("note:{t}:{n}", "n:{n}:{t}")])
        folder.spec("task", 2, {"rename": {"status": "state"}}, prefix="job:", **stamped)
        rows = {
            b"task:%d" % number: compact({"id": f"{number}", "status": "a", "notes": [{"x": "p"}, {"x": "q"}]})
            for number in range(6, 9)
        }
        return ms.MigrationManager(make(tmp_path / "db", rows), folder.load())

    def told(self, manager: ms.MigrationManager, key: str) -> list[tuple[str, str, bytes | None]]:
        """What is told of a record, without the names of backups."""
        events = manager.explain(key).events
        return [(event.kind, re.sub(r"_backup_\w+", "BACKUP", event.name), event.key) for event in events]

    def test_another_key(self, manager: ms.MigrationManager) -> None:
        """Under its new key a record has the story that it has under its old one, before the run and after it."""
        for where in ("in the database, at version 1", "in BACKUP, at version 1"):
            found = ("found", f"{where}, as task:7", b"task:7")
            assert self.told(manager, "job:7") == [found, *self.told(manager, "task:7")[1:]]
            manager.apply()

    def test_one_of_a_list(self, manager: ms.MigrationManager) -> None:
        """The record that it is made of comes first, up to where it was made; then its own steps."""
        for where in ("in the database, at version 1", "in BACKUP, at version 1"):
            assert self.told(manager, "n:1:7") == [
                ("found", f"{where}, as task:7", b"task:7"),
                ("records", "task v1→v2: explode", b"task:7"),
                ("made", "task v1→v2: note:7:1, made of task:7", b"note:7:1"),
                ("step", "note v2→v3: add", b"note:7:1"),
                ("records", "note v2→v3: rekey", b"n:1:7"),
                ("stamp", "note v2→v3: stamp", b"n:1:7"),
            ]
            manager.apply()
        told = manager.explain("n:1:7")
        assert told.events[-1].document == {"schema_version": 3, "x": "q", "task": "7", "seen": False}
        kinds = {name: origin and origin[0].kind for name, origin in told.fields.items()}
        assert kinds == {"schema_version": "stamp", "x": "made", "task": "made", "seen": "step"}
        with open_for_reading(manager.path) as store:
            assert plain(store.get(b"n:1:7") or b"") == told.events[-1].document

    def test_an_entry_of_an_index(self, manager: ms.MigrationManager) -> None:
        """The story is that of the record that the entry is of."""
        manager.apply()
        assert self.told(manager, "idx:a:8")[0] == ("found", "in BACKUP, at version 1, as task:8", b"task:8")

    def test_one_that_came_later(self, manager: ms.MigrationManager) -> None:
        """What another program wrote since is not taken for something that a step made."""
        manager.apply()
        write(manager.path, {b"job:9": b'{"schema_version":3,"id":"9"}', b"n:9:9": b'{"schema_version":3}'})
        for key in ("job:9", "n:9:9"):
            assert self.told(manager, key) == [("found", "in the database, at version 3", key.encode())]

    def test_taken_into_another(self, tmp_path: Path, folder: Folder) -> None:
        """A record that was gathered into another one says which, and that one says what it took."""
        folder.spec(
            "task", 1, stamp=None, records=[{"gather": {"notes": {"from": "note:{id}:{.index}", "without": ["task"]}}}]
        )
        rows = {b"task:7": b'{"id":"7"}', b"task:8": b'{"id":"8"}', b"note:8:0": b'{"x":1}', b"note:8:1": b'{"x":2}'}
        manager = ms.MigrationManager(make(tmp_path / "db", rows), folder.load())
        for where in ("in the database, at version 1", "in BACKUP, at version 1"):
            assert self.told(manager, "note:8:1") == [
                ("found", where, b"note:8:1"),
                ("taken", "taken into task:8", None),
            ]
            manager.apply()
        event = manager.explain("task:8").events[-1]
        assert (event.name, event.took) == ("task v1→v2: gather", ["note:8:0", "note:8:1"])
        shown = cli("explain", manager.path, "task:8", *options(tmp_path)).out
        assert "   - record note:8:0\n   - record note:8:1\n" in shown
        shown = cli("explain", manager.path, "note:8:0", *options(tmp_path)).out
        assert "Taken into task:8\n   the record goes\n" in shown


def _rekey(old: str, new: str) -> dict[str, Any]:
    return {"rekey": {"from": old, "to": new}}


class TestAfter:
    """A database that was migrated: the backups tell where its records came from."""

    def test_what_is_behind_and_what_is_before(self, tmp_path: Path, two_steps: ms.Project) -> None:
        """First what was done, from the oldest backup on; then what somebody wrote; then what is pending."""
        path = make(tmp_path / "db", {b"note:1": compact({"name": "x", "state": "a"})})
        manager = ms.MigrationManager(path, two_steps)
        manager.apply(2)
        assert story(path, two_steps, b"note:1")[:4] == [
            ("found", None, []),
            ("step", ("v1_to_v2.yaml", 1), ["name", "title"]),
            ("step", ("v1_to_v2.yaml", 1), ["tags", "n"]),
            ("stamp", ("v1_to_v2.yaml", 1), ["schema_version"]),
        ]
        value = compact({"schema_version": 2, "title": "mine", "state": "b", "tags": [], "n": 0})
        write(path, {b"note:1": value})
        explanation = manager.explain(b"note:1")
        assert [event.kind for event in explanation.events] == [
            *("found", "step", "step", "stamp"),
            "written",
            *("step", "step", "stamp"),
        ]
        assert explanation.pending == 3
        assert {name: origin and origin[0].kind for name, origin in explanation.fields.items()} == {
            "schema_version": "stamp",
            "title": "written",
            "state": "step",
            "tags": "step",
            "n": "step",
        }
        manager.apply()
        done = manager.explain(b"note:1")
        assert done.pending == 0
        assert [event.kind for event in done.events] == ["found", *["step"] * 4, "stamp", "written"]
        write(path, {b"note:1": None})
        assert manager.explain(b"note:1").events[-1].name == "deleted since by another program"

    def test_without_a_backup(self, tmp_path: Path, two_steps: ms.Project) -> None:
        """Where no backup was kept, or the record is newer, only what it is now is known."""
        path = make(tmp_path / "db", {b"note:1": b'{"name":"x","state":"a"}'})
        manager = ms.MigrationManager(path, two_steps)
        manager.apply(backup=False)
        (event,) = manager.explain(b"note:1").events
        assert (event.kind, event.name) == ("found", "in the database, at version 3")


class TestRefusals:
    """What cannot be explained."""

    def test_no_such_record(self, meridian: Path) -> None:
        """A key that is not there is said to be missing; nothing is written."""
        before = files(meridian.parent)
        error = refusal("explain", meridian, "task:none", *MERIDIAN)
        assert (error["code"], error["message"]) == (
            "record-missing",
            f"{meridian}: no record with the key 'task:none' was found, one in the database, or in a backup of a "
            "migration in force, was expected",
        )
        assert files(meridian.parent) == before

    def test_of_no_collection(self, meridian: Path) -> None:
        """A record that no spec is about."""
        error = refusal("explain", meridian, "_schema_version", *MERIDIAN)
        assert error["message"] == (
            f"{meridian}: no record with the key '_schema_version' was found, one in the database, or in a backup of a "
            "migration in force, was expected"
        )
        write(meridian, {b"else:1": b"{}"})
        assert refusal("explain", meridian, "else:1", *MERIDIAN)["message"] == (
            f"{meridian}: the key 'else:1' was found, one that begins with 'episode:', 'symbol:', 'task:' was "
            "expected, as no spec is about others"
        )


class TestColumnFamilies:
    """Records of collections that are in another column family than the default one."""

    def test_behind_and_before(self, tmp_path: Path, folder: Folder) -> None:
        """A record is found where its collection is, in the database and in its backup."""
        project = families.written(folder, moving=True)
        path = families.make(tmp_path / "db")
        manager = ms.MigrationManager(path, project)
        assert [event.kind for event in manager.explain("003").events] == ["found", "step", "records"]
        assert story(path, project, "user:001")[1] == ("step", ("v1_to_v2.yaml", 1), ["a", "b"])
        manager.apply()
        told = manager.explain("007")
        assert (told.column_family, told.pending) == ("boxes", 0)
        ends = [(event.kind, event.key) for event in told.events][-2:]
        assert ends == [
            ("records", b"box:007"),
            ("stamp", b"box:007"),
        ]
        assert manager.explain("note:001").column_family == "default"
        shown = plain_json(document("explain", path, "user:001", *options(tmp_path)))
        assert list(shown)[:3] == ["key", "column_family", "events"]
        assert cli("explain", path, "user:001", *options(tmp_path)).out.startswith(
            "user:001 (in column family 'users')\n"
        )

    def test_in_two(self, tmp_path: Path, folder: Folder) -> None:
        """Where two column families have such a record, the option says which."""
        project = families.written(folder)
        path = families.make(tmp_path / "db", families.BEFORE | {"boxes": {b"note:001": b'{"id":"x","a":1}'}})
        with pytest.raises(ms.RecordMissing) as caught:
            ms.MigrationManager(path, project).explain("note:001")
        assert str(caught.value) == (
            f"{path}: 2 records with the key 'note:001' were found (in the column families default, boxes), one was "
            "expected; say which with --column-family (`column_family`)"
        )
        shown = document("explain", path, "note:001", "--column-family", "boxes", *options(tmp_path))
        assert shown["events"][0]["document"] == {"id": "x", "a": 1}

    @pytest.mark.parametrize(
        ("key", "family", "message"),
        [
            (
                "user:1",
                "untouched",
                "the column family 'untouched' was found, one of 'default', 'users', 'boxes' was expected, as no spec "
                "is about others",
            ),
            (
                "user:1",
                "none",
                "no column family 'none' was found (there are: boxes, default, untouched, users), one was expected, as "
                "a spec names it; mend `column_family` in the specs, or have the program that needs it make it",
            ),
            (
                "note:001",
                "users",
                "no record with the key 'note:001' was found, one in the database, or in a backup of a migration in "
                "force, was expected",
            ),
        ],
    )
    def test_refused(self, tmp_path: Path, folder: Folder, key: str, family: str, message: str) -> None:
        """A column family that is not there, that no spec is about, or that has no such record."""
        families.written(folder)
        path = families.make(tmp_path / "db")
        error = refusal("explain", path, key, "--column-family", family, *options(tmp_path))
        assert error["message"] == f"{path}: {message}"


SHOWN = """\
note:1

In _backup_NAME, at version 1
   {
     "name": "x",
     "state": "a"
   }

note v1→v2: rename  $TMP/project/specs/note/v1_to_v2.yaml:1
   - name: "x"
   + title: "x"

note v1→v2: add  $TMP/project/specs/note/v1_to_v2.yaml:1
   + tags: []
   + n: 0

note v1→v2: stamp  $TMP/project/specs/note/v1_to_v2.yaml:1
   + schema_version: 2

Written since by another program
   ~ title: "x" → "mine"

Pending

note v2→v3: remove  $TMP/project/specs/note/v2_to_v3.yaml:1
   no change

note v2→v3: map  $TMP/project/specs/note/v2_to_v3.yaml:1
   ~ state: "a" → "open"

note v2→v3: stamp  $TMP/project/specs/note/v2_to_v3.yaml:1
   ~ schema_version: 2 → 3

In the end
   schema_version  $TMP/project/specs/note/v2_to_v3.yaml:1
   title           written since by another program
   tags            $TMP/project/specs/note/v1_to_v2.yaml:1
   n               $TMP/project/specs/note/v1_to_v2.yaml:1
   state           $TMP/project/specs/note/v2_to_v3.yaml:1

"""


def options(tmp_path: Path) -> tuple[str, ...]:
    """The options that name the folders of the project of a test."""
    return ("--specs", str(tmp_path / "project/specs"), "--schemas", str(tmp_path / "project/schemas"))


def test_as_text(tmp_path: Path, two_steps: ms.Project) -> None:
    """The whole screen."""
    path = make(tmp_path / "db", {b"note:1": compact({"name": "x", "state": "a"})})
    ms.MigrationManager(path, two_steps).apply(2)
    write(path, {b"note:1": compact({"schema_version": 2, "title": "mine", "tags": [], "n": 0, "state": "a"})})
    assert text(cli("explain", path, "note:1", *options(tmp_path)), tmp_path) == Done(0, SHOWN)


def test_as_json(meridian: Path) -> None:
    """The document has every event, and for each field in the end what made it."""
    shown = plain_json(document("explain", meridian, TASK.decode(), *MERIDIAN))
    assert list(shown) == ["key", "events", "pending", "fields", "freshness"]
    assert [event["kind"] for event in shown["events"]] == ["found", "step", "step", "step", "stamp"]
    assert shown["pending"] == 4
    added = shown["events"][1]
    assert list(added) == ["kind", "name", "where", "key", "document", "differences", "made", "took", "fault"]
    assert [list(one) for one in added["differences"]] == [["path", "after", "where"]] * 4
    line = {"file": MERIDIAN[1] + "/task/v1_to_v2.yaml", "line": 12, "column": 15}
    assert added["differences"][0] == {"path": "depends_on", "after": [], "where": line}
    assert shown["fields"]["depends_on"] == {"kind": "step", "where": line}
    assert shown["fields"]["title"] is None
    assert json.loads(json.dumps(shown)) == shown
