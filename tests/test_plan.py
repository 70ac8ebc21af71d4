"""Plans: the way chosen for a database, as data."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from migrate_spec.compiler import Transform
from migrate_spec.errors import DatabaseTooNew, MigrationPathMissing, PlanError
from migrate_spec.migration import Migration
from migrate_spec.plan import Plan, make_plan
from migrate_spec.project import Project
from migrate_spec.registry import MigrationRegistry
from migrate_spec.schema import Schema
from tests import spec_of


def migration(collection: str, start: int, steps: Any, **keys: Any) -> Migration:
    """A migration of a collection from one version to the next."""
    spec = spec_of(
        steps, **{"collection": collection, "prefix": f"{collection}:", "from": start, "to": start + 1, **keys}
    )
    return Migration(spec, Schema({"title": f"{collection} {start}"}), Schema({"title": f"{collection} {start + 1}"}))


PROJECT = Project(
    MigrationRegistry(
        [
            migration("task", 2, [{"remove": ["a"]}, {"at": "notes[]", "default": {"n": 0}}]),
            migration("task", 3, [{"rename": {"b": "c"}}]),
            migration("note", 3, [{"set": {"n": 0}}], stamp=None),
            migration("log", 4, []),
        ]
    )
)


def told(plan: Plan) -> Any:
    """A plan for reading: its versions, its steps, and its routes with steps, target and the rest."""
    steps = [[found.name for found in step] for step in plan.steps]
    routes = [
        (
            [spec.name for spec in route.specs],
            route.target,
            route.earliest,
            route.unstamped,
            str(route.schema.content["title"]) if route.schema else "",
        )
        for route in plan.routes
    ]
    return plan.from_version, plan.to_version, steps, routes


@pytest.mark.parametrize(
    ("start", "target", "expected"),
    [
        (
            2,
            None,
            (
                2,
                5,
                [["task v2→v3"], ["note v3→v4", "task v3→v4"], ["log v4→v5"]],
                [
                    (["task v2→v3", "task v3→v4"], 5, 2, 1, "task 4"),
                    (["note v3→v4"], 5, 2, 2, "note 4"),
                    (["log v4→v5"], 5, 2, 1, "log 5"),
                ],
            ),
        ),
        (2, 3, (2, 3, [["task v2→v3"]], [(["task v2→v3"], 3, 2, 1, "task 3")])),
        (
            # a record of an older version may be left in a database, so a route has all the steps of its collection
            3,
            4,
            (
                3,
                4,
                [["note v3→v4", "task v3→v4"]],
                [(["note v3→v4"], 4, 2, 3, "note 4"), (["task v2→v3", "task v3→v4"], 4, 2, 1, "task 4")],
            ),
        ),
        (4, 5, (4, 5, [["log v4→v5"]], [(["log v4→v5"], 5, 2, 1, "log 5")])),
        (5, None, (5, 5, [], [])),
        (3, 3, (3, 3, [], [])),
    ],
)
def test_the_way_of_a_database(start: int, target: int | None, expected: Any) -> None:
    """A plan has each step on the way and, for each collection that one touches, the route of its records."""
    plan = make_plan(PROJECT, start, target)
    assert told(plan) == expected
    assert plan.is_empty == (not expected[2])
    assert [found.name for found in plan.migrations] == [name for step in expected[2] for name in step]


@pytest.mark.parametrize(
    ("start", "target", "kind", "sentence"),
    [
        (
            6,
            None,
            DatabaseTooNew,
            "a database of version 6 was found, at most version 5 was expected, the newest these specs know; "
            "use the specs of the program that wrote it",
        ),
        (
            6,
            5,
            DatabaseTooNew,
            "a database of version 6 was found, at most version 5 was expected, the newest these specs know; "
            "use the specs of the program that wrote it",
        ),
        (
            2,
            6,
            PlanError,
            "the target version 6 was found, at most 5 was expected, the newest these specs know; "
            "write the missing specs",
        ),
        (
            4,
            3,
            PlanError,
            "the target version 3 was found, at least 4 was expected, the version of the database; "
            "`migrate-spec downgrade` leads downwards, `migrate-spec rollback` puts a backup back",
        ),
        (
            1,
            None,
            MigrationPathMissing,
            "no spec for v1→v2 was found, one was expected on the way from version 1 to 5 "
            "(there are: v2→v3, v3→v4, v4→v5); add the missing spec, or pass the folder that has it with --specs",
        ),
    ],
)
def test_no_way(start: int, target: int | None, kind: type[PlanError], sentence: str) -> None:
    """Where there is no way, it is said why not and what to do."""
    with pytest.raises(kind) as caught:
        make_plan(PROJECT, start, target)
    assert (type(caught.value), str(caught.value)) == (kind, sentence)


def test_what_is_lost() -> None:
    """What only a backup could bring back is told by the migration that loses it; those that lose nothing are not."""
    losses = make_plan(PROJECT, 2).losses()
    assert {name: [str(loss) for loss in found] for name, found in losses.items()} == {
        "task v2→v3": ["a: the removed value", "notes[].n: which records had nothing there"],
        "note v3→v4": ["n: the value it had before"],
    }


def test_a_plan_travels() -> None:
    """A plan is data: it goes to another process, is equal there, and becomes functions there."""
    plan = make_plan(PROJECT, 2)
    sent = pickle.loads(pickle.dumps(plan))  # noqa: S301 - our own bytes
    assert sent == plan
    assert Transform(sent.routes[0])(b'{"schema_version":3,"b":1}') == b'{"schema_version":4,"c":1}'


def test_a_project_without_specs() -> None:
    """Without specs a database of version 1 is where it should be."""
    assert told(make_plan(Project(MigrationRegistry()), 1)) == (1, 1, [], [])
