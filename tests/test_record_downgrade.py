"""Records that move go down again: byte for byte where they were not edited, and with each edit where they were."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from tests import families_support
from tests.conftest import Folder, compact, data, make, write
from tests.test_record_operations import ROWS, Row, records, shown, told, written

ALREADY = {
    "a record of the newer version",
    "a record of the newer version is where it belongs",
    "a record that moves gets a stamp",
    "beside records of the newer version",
    "into a collection with a stamp",
    "of a collection with specs and a stamp, at whatever version",
    "there and back on the way",
    "to the edges of other collections",
}
"""Rows with records that belong to the newer version before it is there: they go down with the others."""


ALIKE = {
    "a whole number in either spelling",
    "where something is absent",
    "an id with colons, in another alphabet",
    "several conditions",
    "by what a later step makes",
    "ids with colons, in other alphabets",
    "swap",
    "a chain",
}
"""Rows that differ from others in what the way up finds, and not in what comes back."""


def goes_back(name: str, row: Row) -> bool:
    """Whether each byte of a row comes back on the way down; where none changes only entries of indexes could alter."""
    changes = "unchanged" not in row or name == "indexes"
    return changes and "refused" not in row and row["name"] not in ALREADY | ALIKE


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{name}: {row['name']}") for name, row in ROWS if goes_back(name, row)]
)
def test_each_row_there_and_back(row: Row, tmp_path: Path, folder: Folder) -> None:
    """Each byte comes back on the way down, and again on the way up."""
    before, project = records(row, "before"), written(row, folder).load()
    manager = ms.MigrationManager(make(tmp_path / "db", before), project)
    first = manager.version()
    manager.apply()
    after = data(manager.path)
    manager.downgrade(first)
    assert shown(data(manager.path)) == shown(before)
    assert manager.version() == first
    manager.apply()
    assert shown(data(manager.path)) == shown(after)


@dataclass(frozen=True)
class Edit:
    """A database that is edited between the way up and the way down.

    Attributes:
        before: the records at version 1.
        edits: what changes at version 2.
        after: the records when they are at version 1 again.
        losses: what is told, by path, kind and number of records.
        spec: what the spec says.
    """

    before: Mapping[str, Any]
    edits: Mapping[str, Any]
    after: Mapping[str, Any]
    losses: list[tuple[str, str, int]] = field(default_factory=list)
    spec: Mapping[str, Any] = field(default_factory=dict)


MOVE = {"records": [{"rekey": {"from": "task:{id}:{at}", "to": "p:{project}:{id}"}}]}
DROP = {"records": [{"drop": {"where": {"gone": True}}}], "indexes": {"n": "by:{n}"}}
INDEX = {"indexes": {"n": {"from": "n:{n}:{id}", "to": "m:{m}:{id}"}, "old": {"from": "o:{n}:{id}", "to": None}}}
RENAMED = {**INDEX, "steps": [{"rename": {"n": "m"}}, {"remove": ["x"]}]}
CONFLICT = "conflict"
EXPLODE = {"records": [{"explode": {"notes": {"to": "note:{id}:{.index}", "with": {"task": "id"}}}}]}
BY_NAME = {"records": [{"explode": {"notes": {"to": "note:{item.n}"}}}]}
WITHIN = {"records": [{"explode": {"parts": {"to": "task:{id}:{.index}", "with": {"of": "id"}}}}]}
GATHER = {"records": [{"gather": {"notes": {"from": "note:{id}:{.index}", "without": ["task"]}}}]}
GATHER_BY_NAME = {"records": [{"gather": {"notes": {"from": "note:{id}:{item.n}", "order_by": "at"}}}]}
NOTED = {"task:1": {"id": 1, "notes": [{"t": "a"}, {"t": "b"}], "x": 1}}
NOTES = {"task:1": {"id": 1}, "note:1:0": {"task": 1, "t": "a"}, "note:1:1": {"task": 1, "t": "b"}}

EDITS = {
    "a field of a record under a key that does not tell all": Edit(
        {"task:1:a": {"project": "p", "n": 1}},
        {"p:p:1": {"project": "p", "n": 2}},
        {"task:1:a": {"project": "p", "n": 2}},
        spec=MOVE,
    ),
    "a record that goes": Edit({"task:1:a": {"project": "p"}}, {"p:p:1": None}, {}, spec=MOVE),
    "a key like none that the step makes": Edit(
        {"task:1:a": {"project": "p"}}, {"p:x": {"n": 1}}, {"task:1:a": {"project": "p"}, "p:x": {"n": 1}}, spec=MOVE
    ),
    "a record in the place of one that was deleted": Edit(
        {"task:1": {"gone": True, "n": 1}, "task:2": {"gone": True, "n": 2}, "by:1": 1, "by:2": 1},
        {"task:1": {"n": 3}, "by:3": 1},
        {"task:1": {"n": 3}, "task:2": {"gone": True, "n": 2}, "by:2": 1, "by:3": 1},
        [(".", CONFLICT, 1)],
        DROP,
    ),
    "a record that would have been deleted": Edit(
        {}, {"task:1": {"gone": True, "n": 1}, "by:1": 1}, {"task:1": {"gone": True, "n": 1}, "by:1": 1}, spec=DROP
    ),
    "an entry that is given up, of a record that stays as it is, and says its version or not": Edit(
        {"task:1": {"id": 1, "n": "a"}, "o:a:1": 7, "task:2": {"id": 2, "n": "b"}, "o:b:1": 8, "o:b:2": 1},
        {"task:1": {"id": 1, "n": "c"}, "task:3": {"v": 2, "id": 3, "n": "d"}},
        {
            "task:1": {"id": 1, "n": "c"},
            "o:c:1": 1,
            "task:2": {"id": 2, "n": "b"},
            "o:b:1": 8,
            "o:b:2": 1,
            "task:3": {"id": 3, "n": "d"},
            "o:d:3": 1,
        },
        spec={"stamp": "v", "indexes": {"old": {"from": "o:{n}:{id}", "to": None}}},
    ),
    "entries follow an edit, and a new record": Edit(
        {"task:1": {"id": 1, "n": "a", "x": 5}, "n:a:1": 7, "o:a:1": 1},
        {"task:1": {"id": 1, "m": "b"}, "m:a:1": None, "m:b:1": 7, "task:2": {"id": 2, "m": "c"}, "m:c:2": 8},
        {
            "task:1": {"id": 1, "n": "b", "x": 5},
            "n:b:1": 7,
            "o:b:1": 1,
            "task:2": {"id": 2, "n": "c"},
            "n:c:2": 8,
            "o:c:2": 1,
        },
        spec=RENAMED,
    ),
    "items that were edited, added and deleted as records": Edit(
        NOTED,
        {
            "task:1": {"id": 1, "x": 2},
            "note:1:0": None,
            "note:1:1": {"t": "c", "task": 1},
            "note:1:2": {"task": 1, "t": "d"},
            "note:1:10": {"t": "e", "task": 1},
        },
        {"task:1": {"id": 1, "notes": [{"t": "c"}, {"t": "d"}, {"t": "e"}], "x": 2}},
        spec=EXPLODE,
    ),
    "records of a new record": Edit(
        {},
        {"task:2": {"id": 2}, "note:2:0": {"t": "a", "task": 2}, "task:3": {"id": 3}},
        {"task:2": {"id": 2, "notes": [{"t": "a"}]}, "task:3": {"id": 3}},
        spec=EXPLODE,
    ),
    "a copied field that was edited": Edit(
        NOTED,
        {"note:1:1": {"t": "b", "task": "other"}},
        NOTED,
        spec=EXPLODE,
    ),
    "a field that was copied, edited where it came from": Edit(
        NOTED,
        {"task:1": {"id": 5, "x": 1}, "note:5:0": {"t": "c", "task": 5}},
        {"task:1": {"id": 5, "notes": [{"t": "a"}, {"t": "c"}, {"t": "b"}], "x": 1}},
        spec=EXPLODE,
    ),
    "an item in a list of which nothing was left": Edit(
        {"task:1": {"notes": [], "id": 1}, "task:2": {"id": 2}},
        {"note:1:0": {"t": "a", "task": 1}},
        {"task:1": {"notes": [{"t": "a"}], "id": 1}, "task:2": {"id": 2}},
        spec=EXPLODE,
    ),
    "records of one that is gone, and of none": Edit(
        NOTED,
        {"task:1": None, "note:x": {}, "note:9:0": {"t": "c"}},
        {"note:1:0": {"t": "a", "task": 1}, "note:1:1": {"t": "b", "task": 1}, "note:x": {}, "note:9:0": {"t": "c"}},
        spec=EXPLODE,
    ),
    "beside records that were there before": Edit(
        {**NOTED, "note:1:2": {"t": "old", "task": 1}},
        {"note:1:2": {"t": "old", "task": 1, "n": 1}, "note:1:3": {"t": "new", "task": 1}},
        {
            "task:1": {"id": 1, "notes": [{"t": "a"}, {"t": "b"}, {"t": "new"}], "x": 1},
            "note:1:2": {"t": "old", "task": 1, "n": 1},
        },
        spec=EXPLODE,
    ),
    "keys that do not say whose they are": Edit(
        {"task:1": {"notes": [{"n": "a"}, {"n": "b"}]}},
        {"note:b": {"n": "b", "x": 1}, "note:c": {"n": "c"}},
        {"task:1": {"notes": [{"n": "a"}, {"n": "b", "x": 1}]}, "note:c": {"n": "c"}},
        spec=BY_NAME,
    ),
    "a name in the key that was edited": Edit(
        {"task:1": {"notes": [{"n": "a"}, {"n": "b"}]}},
        {"note:b": {"n": "c"}},
        {"task:1": {"notes": [{"n": "a"}, {"n": "c"}]}},
        spec=BY_NAME,
    ),
    "records among those that they were made of": Edit(
        {"task:1": {"id": 1, "parts": [{"n": 1}, {"parts": [{}]}]}},
        {"task:1:0": {"n": 5, "of": 1}, "task:1:2": {"n": 7, "of": 1}, "task:1:3": {"id": "1:3"}},
        {"task:1": {"id": 1, "parts": [{"n": 5}, {"parts": [{}]}, {"n": 7}]}, "task:1:3": {"id": "1:3"}},
        spec=WITHIN,
    ),
    "items that were records, edited, deleted and added": Edit(
        {**NOTES, "note:1:2": {"t": "c", "task": 1}},
        {"task:1": {"id": 1, "notes": [{"t": "b"}, {"t": "c"}, {"t": "d"}]}},
        {
            "task:1": {"id": 1},
            "note:1:1": {"task": 1, "t": "b"},
            "note:1:2": {"t": "c", "task": 1},
            "note:1:3": {"t": "d"},
        },
        spec=GATHER,
    ),
    "an item that was a record, edited": Edit(
        NOTES,
        {"task:1": {"id": 1, "notes": [{"t": "c"}, {"t": "b"}]}},
        {**NOTES, "note:1:0": {"task": 1, "t": "c"}},
        spec=GATHER,
    ),
    "items in another order": Edit(
        NOTES,
        {"task:1": {"id": 1, "notes": [{"t": "b"}, {"t": "new"}, {"t": "a"}]}},
        {
            "task:1": {"id": 1},
            "note:1:0": {"task": 1, "t": "b"},
            "note:1:1": {"t": "new"},
            "note:1:2": {"task": 1, "t": "a"},
        },
        spec=GATHER,
    ),
    "an item that has the field again that was left out": Edit(
        NOTES,
        {"task:1": {"id": 1, "notes": [{"t": "a", "task": "other"}, {"t": "b"}]}},
        {**NOTES, "note:1:0": {"t": "a", "task": "other"}},
        [("notes[].task", CONFLICT, 1)],
        GATHER,
    ),
    "a list in a new record, and an empty one": Edit(
        {},
        {"task:2": {"id": 2, "notes": [{"t": "a"}]}, "task:3": {"notes": [], "id": 3}},
        {"task:2": {"id": 2}, "note:2:0": {"t": "a"}, "task:3": {"id": 3}},
        spec=GATHER,
    ),
    "a list that was there without records": Edit(
        {"task:1": {"id": 1, "notes": ["x"]}},
        {"task:1": {"id": 1, "notes": ["x", "y"]}},
        {"task:1": {"id": 1, "notes": ["x", "y"]}},
        spec=GATHER,
    ),
    "items by a name of theirs, in another order": Edit(
        {"task:1": {"id": 1}, "note:1:a": {"n": "a", "at": 1}, "note:1:b": {"n": "b", "at": 2}},
        {"task:1": {"id": 1, "notes": [{"n": "b", "at": 2}, {"n": "a", "at": 3}, {"n": "c", "at": 0}]}},
        {
            "task:1": {"id": 1},
            "note:1:a": {"n": "a", "at": 3},
            "note:1:b": {"n": "b", "at": 2},
            "note:1:c": {"n": "c", "at": 0},
        },
        spec=GATHER_BY_NAME,
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edits(edit: Edit, tmp_path: Path, folder: Folder) -> None:
    """What was edited stays, all else comes back, and what cannot is told; up again nothing of it is lost."""
    row = {"stamp": None, **edit.spec}
    before = {key.encode(): compact(value) for key, value in edit.before.items()}
    manager = ms.MigrationManager(make(tmp_path / "db", {b"task;": b"{}"} | before), written(row, folder).load())
    manager.apply()
    write(manager.path, {key.encode(): None if value is None else compact(value) for key, value in edit.edits.items()})
    edited = data(manager.path)
    if edit.losses:
        with pytest.raises(ms.LossRefused) as caught:
            manager.downgrade(1)
        assert [(one.path, one.kind, one.records) for one in caught.value.losses] == edit.losses
        assert data(manager.path) == edited
    manager.downgrade(1, accept_loss={path for path, _, _ in edit.losses})
    assert shown(data(manager.path)) == shown(
        {b"task;": b"{}"} | {key.encode(): compact(value) for key, value in edit.after.items()}
    )
    manager.apply()
    assert shown(data(manager.path)) == shown(edited)


STEPS: Mapping[str, Mapping[str, Any]] = {
    "task/1": {"steps": [{"rename": {"n": "m"}}], **EXPLODE},
    "note/1": {"prefix": "note:", "steps": [{"rename": {"t": "text"}}]},
    "note/2": {"prefix": "note:", "steps": [{"remove": ["text"]}]},
    "task/2": {"records": [{"rekey": {"from": "task:{id}", "to": "job:{id}"}}]},
    "task/3": {
        "prefix": "job:",
        "steps": [{"remove": ["m"]}],
        "records": [{"gather": {"parts": {"from": "part:{id}:{.index}"}}}],
    },
    "part/1": {"prefix": "part:", "steps": [{"remove": ["x"]}]},
}
THERE = {
    b"task:1": b'{"n":1,"notes":[{"text":"a"},{"text":"b"}],"id":1}',
    b"task:2": b'{"id":2,"notes":[]}',
    b"note:7:7": b'{"t":"x"}',
    b"part:1:0": b'{"x":1,"y":2}',
    b"part:1:1": b'{ "x": 1, "y": 1.0}',
}


@pytest.mark.parametrize(("stops", "down"), [((2, 3, 4), (3, 2, 1)), ((3, 4), (2, 1))], ids=str)
def test_several_steps(stops: Sequence[int], down: Sequence[int], tmp_path: Path, folder: Folder) -> None:
    """However many steps a run takes at once, up or down, the database is the same wherever it stops."""
    specs = {name: {"stamp": "v", **spec} for name, spec in STEPS.items()}
    manager = ms.MigrationManager(make(tmp_path / "db", THERE), written({"specs": specs}, folder).load())
    seen = {1: data(manager.path)}
    for version in stops:
        manager.apply(to_version=version)
        seen[version] = data(manager.path)
    for version in down:
        manager.downgrade(version)
        assert shown(data(manager.path)) == shown(seen.setdefault(version, data(manager.path)))
    for version in stops:
        manager.apply(to_version=version)
        assert shown(data(manager.path)) == shown(seen[version])
    manager.downgrade(1)
    assert shown(data(manager.path)) == shown(THERE)


THREE_LISTS = {f"{name}s": {"to": f"{name}:{{id}}:{{.index}}"} for name in ("note", "tag", "mark")}
BYSTANDERS: Mapping[str, Mapping[str, Any]] = {
    "memo/1": {"prefix": "memo:", "records": [{"rekey": {"from": "memo:{id}:{n}", "to": "note:{id}:{n}"}}]},
    "log/1": {"prefix": "log:", "records": [{"explode": {"lines": {"to": "note:{task}:{.index}"}}}]},
    "old/1": {"prefix": "tag:", "records": [{"rekey": {"from": "tag:{n}", "to": "old:{n}"}}]},
    "task/2": {"records": [{"explode": THREE_LISTS}]},
}
THERE_BEFORE = {
    b"memo:1:8": b"{}",
    b"log:1": b'{"task":1,"lines":[{},{},{"a":1}]}',
    b"tag:1:7": b"{}",
    b"mark:1:0": b"{}",
    b"task:1": b'{"id":1,"notes":[],"tags":[],"marks":[]}',
}


@pytest.mark.parametrize("in_place", [False, True], ids=["staged", "in place"])
def test_what_earlier_steps_bring(tmp_path: Path, folder: Folder, *, in_place: bool) -> None:
    """A record that comes, by whatever step, to where a later one makes some was there before these."""
    specs = {name: {"stamp": "v", **spec} for name, spec in BYSTANDERS.items()}
    manager = ms.MigrationManager(make(tmp_path / "db", THERE_BEFORE), written({"specs": specs}, folder).load())
    manager.apply(in_place=in_place)
    write(manager.path, {b"tag:1:7": b'{"new":true}'})
    manager.downgrade(2)
    assert data(manager.path)[b"task:1"] == b'{"id":1,"notes":[],"tags":[{"new":true}],"marks":[]}'
    write(manager.path, {b"task:1": THERE_BEFORE[b"task:1"]})
    manager.downgrade(1)
    assert shown(data(manager.path)) == shown(THERE_BEFORE)


UNKEPT = {
    "explode": Edit(
        NOTED | {"task:2": {"id": 2}, "note:1:5": {"task": 1}},
        {},
        {"task:1": {"id": 1, "x": 1, "notes": [{"t": "a"}, {"t": "b"}, {}]}, "task:2": {"id": 2}},
        [("notes", "dropped", 2)],
        EXPLODE,
    ),
    "gather": Edit(
        {"task:1": {"id": 1}, "task:2": {"id": 2}, "note:1:5": {"task": 1}},
        {},
        {"task:1": {"id": 1}, "task:2": {"id": 2}, "note:1:0": {}},
        [("notes[]", "dropped", 1)],
        GATHER,
    ),
}


@pytest.mark.parametrize(("name", "prunes"), [("explode", False), ("gather", True)])
def test_nothing_is_kept(name: str, tmp_path: Path, folder: Folder, *, prunes: bool) -> None:
    """Whose a list and its items were nobody can tell then: that is noted, and asked before it goes."""
    edit = UNKEPT[name]
    before = {key.encode(): compact(value) for key, value in edit.before.items()}
    manager = ms.MigrationManager(make(tmp_path / "db", before), written({"stamp": None, **edit.spec}, folder).load())
    manager.apply(complements=prunes)
    if prunes:
        manager.prune_complements()
    else:
        assert [(one.loss.path, one.loss.kind) for one in manager.losses().lost] == [("notes", "dropped")]
    edited = data(manager.path)
    with pytest.raises(ms.LossRefused) as caught:
        manager.downgrade(1)
    assert [(one.path, one.kind, one.records) for one in caught.value.losses] == edit.losses
    assert data(manager.path) == edited
    manager.downgrade(1, accept_loss=[path for path, _, _ in edit.losses])
    assert shown(data(manager.path)) == shown({key.encode(): compact(value) for key, value in edit.after.items()})


DEMANDED = {"type": "object", "required": ["notes"], "properties": {"notes": {"type": "array"}}}


def test_a_list_that_the_older_version_demands(tmp_path: Path, folder: Folder) -> None:
    """A record that came since, without any records of its own, gets an empty list where it must have one."""
    written({"stamp": None, **EXPLODE}, folder).schema("task", 1, DEMANDED).schema("task", 2, {"type": "object"})
    manager = ms.MigrationManager(make(tmp_path / "db", {}), folder.load())
    manager.apply()
    write(manager.path, {b"task:1": b'{"id":1}'})
    manager.downgrade(1)
    assert data(manager.path) == {b"task:1": b'{"id":1,"notes":[]}'}
    manager.apply()
    assert data(manager.path) == {b"task:1": b'{"id":1}'}


def test_records_of_a_record_that_was_deleted(tmp_path: Path, folder: Folder) -> None:
    """What was made of a record goes when it comes back, what was taken into it comes back with it, an edit is told."""
    moves = [EXPLODE["records"][0], {"gather": {"tags": {"from": "tag:{id}:{.index}"}}}, {"drop": {"where": {"id": 1}}}]
    before = {b"task:1": compact(NOTED["task:1"]), b"tag:1:0": b'{"a": 1}'}
    manager = ms.MigrationManager(
        make(tmp_path / "db", before), written({"stamp": None, "records": moves}, folder).load()
    )
    manager.apply()
    after = data(manager.path)
    assert {(one.path, one.kind) for one in manager.losses().kept} == {("", "deleted"), ("", "records")}
    manager.downgrade(1)
    assert shown(data(manager.path)) == shown(before)
    manager.apply()
    assert shown(data(manager.path)) == shown(after)
    write(manager.path, {b"note:1:0": b"{}", b"note:1:1": None})
    with pytest.raises(ms.RecordRejected) as caught:
        manager.downgrade(1)
    assert str(caught.value.rejections[0]) == (
        "note:1:0, task v1→v2 backwards: a record was found that is edited, and was made of task:1, which the step "
        "deleted, what the step had made of it was expected; delete it, or give it a key that the step does not make"
    )
    assert [(one.path, one.kind) for one in caught.value.losses] == [("notes[]", CONFLICT)]


REFUSED: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], str]] = {
    "a record that two would take": (
        EXPLODE,
        {"task:1": {"id": 1}, "task:2": {"id": 1}, "note:1:0": {"task": 1}},
        "note:1:0, task v1→v2 backwards: a record of 2 was found, records of exactly one were expected",
    ),
    "a list where records go": (
        EXPLODE,
        {"task:1": {"id": 1, "notes": []}, "note:1:0": {"task": 1}},
        "task:1, task v1→v2 backwards, notes: a list was found, no such field was expected, as records go there on the "
        "way back",
    ),
    "an item that is no object": (
        GATHER,
        {"task:1": {"id": 1, "notes": [{}, "x"]}},
        'task:1, task v1→v2 backwards, notes[1]: a text "x" was found, an object was expected',
    ),
    "an item without what its key is made of": (
        GATHER_BY_NAME,
        {"task:1": {"id": 1, "notes": [{"n": "a"}, {}]}},
        "task:1, task v1→v2 backwards, notes[1]: nothing was found, what makes a key of its own was expected",
    ),
    "two items with one key": (
        GATHER_BY_NAME,
        {"task:1": {"id": 1, "notes": [{"n": "a"}, {"n": "a"}]}},
        "task:1, task v1→v2 backwards, notes[1]: the key 'note:1:a' was found, which another item has, what makes a "
        "key of its own was expected",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, tmp_path: Path, folder: Folder) -> None:
    """What cannot be told is refused with its key, and nothing is changed."""
    spec, since, sentence = REFUSED[case]
    manager = ms.MigrationManager(make(tmp_path / "db", {}), written({"stamp": None, **spec}, folder).load())
    manager.apply()
    write(manager.path, {key.encode(): compact(value) for key, value in since.items()})
    edited = data(manager.path)
    for call in (manager.scan_downgrade, manager.downgrade):
        with pytest.raises(ms.RecordRejected) as caught:
            call(1)
        assert [told(one) for one in caught.value.rejections] == [sentence]
        assert data(manager.path) == edited


NOTE = {"type": "object", "required": ["v", "task"]}
GATHERED_NOTES = {
    "note/1": {"stamp": "v", "prefix": "note:", "steps": [{"rename": {"t": "text"}}]},
    "task/2": {"stamp": "v", **GATHER},
}


def test_items_fit_the_schema_of_what_they_become(tmp_path: Path, folder: Folder) -> None:
    """What comes out of a list is checked as a record of its collection at that version, and named by its item."""
    written({"specs": GATHERED_NOTES}, folder).schema("note", 2, NOTE)
    before = {b"task:1": b'{"id":1}', b"note:1:0": b'{ "t":"a", "task":1 }'}
    manager = ms.MigrationManager(make(tmp_path / "db", before), folder.load())
    manager.apply()
    write(manager.path, {b"task:1": b'{"v":3,"id":1,"notes":[{"text":"a"},{"text":"b"}]}'})
    edited = data(manager.path)
    for call, down in ((manager.scan_downgrade, 2), (manager.downgrade, 1)):
        with pytest.raises(ms.RecordRejected) as caught:
            call(down)
        sentence = "task:1, task v2→v3 backwards, notes[1]: no 'task' was found, it is required"
        assert [told(one) for one in caught.value.rejections] == [sentence]
        assert data(manager.path) == edited
    write(manager.path, {b"task:1": b'{"v":3,"id":1,"notes":[{"text":"a"},{"text":"b","task":2}]}'})
    manager.downgrade(1)
    assert shown(data(manager.path)) == shown(before | {b"note:1:1": b'{"t":"b","task":2}'})


def test_items_get_the_stamp_that_the_schema_demands(tmp_path: Path, folder: Folder) -> None:
    """A record of version 1 has none, unless it must."""
    specs = {"note/1": GATHERED_NOTES["note/1"], "task/1": {"stamp": "v", **GATHER}}
    written({"specs": specs}, folder).schema("note", 1, NOTE)
    before = {b"task:1": b'{"id":1}', b"note:1:0": b'{"v":1,"task":1}'}
    manager = ms.MigrationManager(make(tmp_path / "db", before), folder.load())
    manager.apply()
    write(manager.path, {b"task:1": b'{"v":2,"id":1,"notes":[{},{"task":3}]}'})
    manager.downgrade(1)
    assert shown(data(manager.path)) == shown(before | {b"note:1:1": b'{"v":1,"task":3}'})


def test_quarantine_among_parts(tmp_path: Path, folder: Folder) -> None:
    """A record in quarantine is no item, wherever it stands; nor does one go down of which the way up is not done."""
    specs = {"note/1": GATHERED_NOTES["note/1"], "task/2": {"stamp": "v", **EXPLODE}}
    written({"specs": specs}, folder).schema("note", 2, {"properties": {"text": {"type": "string"}}})
    before = {
        b"task:1": b'{"id":1,"notes":[{"text":"a"}]}',
        b"task:2": b'{"id":2,"notes":[5]}',
        b"note:1:5": b'{"t":5,"task":1}',
        b"note:7:7": b'{"t":"x"}',
    }
    manager = ms.MigrationManager(make(tmp_path / "db", before), folder.load())
    manager.apply(on_error="quarantine")
    assert {key: data(manager.path)[key] for key in (b"task:2", b"note:1:5")}.items() <= before.items()
    write(manager.path, {b"note:1:6": b'{"v":2,"text":"b","task":1}'})
    manager.downgrade(2)
    assert data(manager.path)[b"task:1"] == b'{"id":1,"notes":[{"text":"a"},{"text":"b"}]}'
    manager.downgrade(1)
    assert shown(data(manager.path)) == shown(before | {b"task:1": b'{"id":1,"notes":[{"text":"a"},{"text":"b"}]}'})


def test_several_column_families(tmp_path: Path, folder: Folder) -> None:
    """What goes into a record, or comes out of it, is looked for in its column family."""
    folder.spec("task", 1, stamp=None, column_family="jobs", **EXPLODE)
    folder.spec("job", 2, stamp=None, column_family="jobs", **GATHER)
    folder.spec("note", 3, {"rename": {"t": "text"}}, stamp=None)
    before = {
        "default": {b"note:1:0": b'{"t":"other"}', b"note:1:1": b"{}"},
        "jobs": {b"task:1": compact(NOTED["task:1"]), b"job:2": b'{"id":2}', b"note:1:7": b'{"task":1}'},
    }
    manager = ms.MigrationManager(families_support.make(tmp_path / "db", before), folder.load())
    manager.apply(to_version=2)
    after = families_support.data(manager.path)
    assert after["jobs"].keys() == {b"task:1", b"job:2", b"note:1:0", b"note:1:1", b"note:1:7"}
    families_support.write(manager.path, "jobs", {b"note:1:2": b'{"task":1}'})
    families_support.write(manager.path, "default", {b"note:1:3": b'{"task":1}'})
    manager.downgrade(1)
    before["default"][b"note:1:3"] = b'{"task":1}'
    before["jobs"][b"task:1"] = b'{"id":1,"notes":[{"t":"a"},{"t":"b"},{}],"x":1}'
    assert families_support.data(manager.path) == before


DOWN = """
import sys
import migrate_spec as ms

manager = ms.MigrationManager(sys.argv[1], ms.load(sys.argv[2], sys.argv[3]))
print("begins", flush=True)
manager.downgrade(1)
"""


def test_killed(tmp_path: Path, folder: Folder) -> None:
    """Killed at some moment, a database is wholly old or wholly new, with what is kept of it; a second run does it."""
    specs = {name: {"stamp": "v", **spec} for name, spec in STEPS.items()}
    manager = ms.MigrationManager(make(tmp_path / "db", THERE), written({"specs": specs}, folder).load())
    manager.apply()
    after = data(manager.path)
    for share in (0.3, 0.6):
        command = [sys.executable, "-c", DOWN, *map(str, (manager.path, folder.specs, folder.schemas))]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(share)
            process.kill()
        assert (manager.version(), shown(data(manager.path))) in [(4, shown(after)), (1, shown(THERE))]
        manager.downgrade(1)
        assert shown(data(manager.path)) == shown(THERE)
        manager.apply()
        assert shown(data(manager.path)) == shown(after)
