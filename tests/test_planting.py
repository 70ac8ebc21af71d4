"""Values that matter come into documents, at places where the schema allows them."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from migrate_spec.codec import copied
from migrate_spec.documents import sampled
from migrate_spec.literals import literals
from migrate_spec.migration import Migration
from migrate_spec.planting import planted
from migrate_spec.proof import prove
from migrate_spec.schema import Schema
from tests import spec_of

POINT = {"type": "object", "required": ["x", "y"], "properties": {"x": {"type": "number"}, "y": {"type": "number"}}}
OPEN = Schema({"type": "object", "required": ["at", "name"], "properties": {"at": POINT, "name": {"type": "string"}}})


def test_documents_stay_and_others_come_behind_them() -> None:
    """Those that are drawn stay as they are; each of the others fits the schema."""
    drawn = list(islice(sampled(OPEN), 100))
    before = copied(drawn)
    found = list(planted(drawn, OPEN, {"": [17, "seventeen"]}))
    assert drawn == before
    assert [one for one in found if any(one is own for own in drawn)] == drawn
    assert all(OPEN.is_valid(one) for one in found)
    assert sum("17" in str(one) or "seventeen" in str(one) for one in found) >= 50


def test_without_values_there_is_nothing_to_plant() -> None:
    """The documents are all there is."""
    drawn = list(islice(sampled(OPEN), 20))
    assert list(planted(drawn, OPEN, {})) == drawn


def test_nothing_is_planted_that_does_not_fit() -> None:
    """A value that the schema does not allow does not come."""
    closed = Schema({"type": "object", "required": ["n"], "properties": {"n": {"enum": [1, 2]}}})
    assert not any(one["n"] == 3 for one in planted(islice(sampled(closed), 50), closed, {"": [3], "n": [3]}))


def test_fields_beside_each_other_get_their_values_together() -> None:
    """A condition that asks for several values holds now and then."""
    found = planted(islice(sampled(OPEN), 200), OPEN, {"": [17, 18], "x": [17], "y": [18]})
    assert sum(one["at"] == {"x": 17, "y": 18} for one in found) >= 10


def test_the_values_that_a_migration_speaks_of() -> None:
    """Each is for the fields that it stands under, and a number brings those beside it."""
    spec = spec_of([{"where": {"at.x": {"gt": 5}}, "map": {"name": {"a": "b"}}, "else": "keep"}])
    after = {"properties": {"kind": {"enum": ["c", None, True]}}}
    found = literals([Migration(spec, Schema({}), Schema(after))])
    assert found["x"] == [5, 4, 6]
    assert found["name"] == ["a", "b"]
    assert found["kind"] == ["c"]
    assert {5, 4, 6, "a", "b", "c"} <= set(found[""])


@pytest.mark.parametrize(
    ("steps", "after"),
    [
        ([{"where": {"at.x": 0.625, "at.y": -3}, "add": {"big": 1}}], {"properties": {"big": {"type": "string"}}}),
        ([{"map": {"name": {"here": 5}}, "else": "keep"}], {"properties": {"name": {"type": "string"}}}),
        ([], {"properties": {"name": {"not": {"const": "a name that is taken"}}}}),
    ],
    ids=["where", "map", "not"],
)
def test_a_counterexample_that_has_such_values_is_found(steps: list[Any], after: dict[str, Any]) -> None:
    """Of a condition, of a table and of what the newer schema forbids: by chance none would come."""
    migration = Migration(spec_of(steps, stamp=None), OPEN, Schema(after))
    assert prove(migration, seconds=60, most=2000).kind == "refuted"
