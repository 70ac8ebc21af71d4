"""Records that move go down again: byte for byte where they were not edited, and with each edit where they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from tests.conftest import Folder, compact, data, make, write
from tests.test_record_operations import ROWS, Row, records, shown, written

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


def goes_back(row: Row) -> bool:
    """Whether each byte of a row comes back on the way down."""
    return "refused" not in row and row["name"] not in ALREADY


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{name}: {row['name']}") for name, row in ROWS if goes_back(row)]
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
