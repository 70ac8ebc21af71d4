"""Records that move go down again: byte for byte where they were not edited, and with each edit where they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from tests.conftest import Folder, compact, data, make, write
from tests.test_record_operations import ROWS, Row, records, shown, specs_of, written

HOMELESS = {"explode", "gather"}
"""What the way down does not know."""

ALREADY = {
    "a record of the newer version",
    "a record of the newer version is where it belongs",
    "a record that moves gets a stamp",
    "beside records of the newer version",
    "there and back on the way",
    "to the edges of other collections",
}
"""Rows with records that belong to the newer version before it is there: they go down with the others."""


def goes_back(row: Row) -> bool:
    """Whether each byte of a row comes back on the way down."""
    used = {name for spec in specs_of(row).values() for one in spec.get("records", ()) for name in one}
    return "refused" not in row and row["name"] not in ALREADY and not used & HOMELESS


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


@pytest.mark.parametrize(
    "moves",
    [{"explode": {"notes": {"to": "note:{id}:{.index}"}}}, {"gather": {"notes": {"from": "note:{id}:{.index}"}}}],
    ids=["explode", "gather"],
)
def test_what_has_no_way_down(moves: Mapping[str, Any], tmp_path: Path, folder: Folder) -> None:
    """Where one record became several, or several one, the way down is refused before anything is read."""
    manager = ms.MigrationManager(make(tmp_path / "db", {}), written({"records": [moves]}, folder).load())
    manager.apply()
    with pytest.raises(ms.PlanError) as caught:
        manager.downgrade(1)
    assert str(caught.value).partition(": ")[2] == (
        "task v1→v2 was found, which makes several records of one, or one of several, "
        "steps that make one record of each were expected; `migrate-spec rollback` puts a backup back"
    )
