"""Steps at the values of definitions: what they make of documents of schemas that refer to themselves was foretold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import pytest

from migrate_spec.derivation import made
from migrate_spec.documents import sampled
from migrate_spec.migration import Migration
from migrate_spec.schema import Schema
from migrate_spec.shapes.shape import ANYTHING
from migrate_spec.shapes.writing import written
from migrate_spec.spec import Spec
from migrate_spec.ways import Way
from tests import spec_of
from tests.test_laws import TIMES

DRAWN = 60 * TIMES
"""Schemas and specs for each seed."""
DOCUMENTS = 40
TOLD = 0.4
"""Of them, for how many at least more is known than that anything may come out."""
NAMES = "ABC"
"""Of the definitions."""

STEPS: list[dict[str, Any]] = [
    {"add": {"f": 1}},
    {"add": {"h": 0}, "if_exists": "replace"},
    {"default": {"x": 0}},
    {"default": {"f": 2}, "where": {"k": "p"}},
    {"remove": ["k"]},
    {"remove": ["n"]},
    {"rename": {"x": "z"}},
    {"rename": {"m": "w"}},
    {"set": {"x": 3}},
    {"map": {"k": {"p": "q", "q": "p"}}},
    {"wrap": ["x"]},
    {"move": {"m": "o2"}},
    {"copy": {"n": "nn"}},
]


def reference(name: str) -> dict[str, Any]:
    """A schema that is another one by name."""
    return {"$ref": f"#/$defs/{name}"}


def holding(random: Random) -> dict[str, Any]:
    """A schema of a field in which values of a definition are."""
    inside = reference(random.choice(NAMES))
    return random.choice(
        [
            inside,
            {"type": "array", "items": inside},
            {"type": "object", "additionalProperties": inside},
            {"anyOf": [inside, {"type": "null"}]},
            {"anyOf": [inside, reference(random.choice(NAMES))]},
        ]
    )


def an_object(random: Random, fields: str) -> dict[str, Any]:
    """A schema of objects with some of these fields that hold values of definitions."""
    own = {"x": {"type": "integer"}, "k": {"enum": ["p", "q"]}}
    properties = own | {name: holding(random) for name in fields if random.random() < 0.6}
    required = [name for name in own if random.random() < 0.5]
    closed = random.random() < 0.7
    return {"type": "object", "additionalProperties": not closed, "properties": properties, "required": required}


def a_schema(random: Random) -> Schema:
    """A schema whose definitions refer to each other; some are others by name."""
    found: dict[str, Any] = {}
    for name in NAMES:
        alias = name != "A" and random.random() < 0.25
        found[name] = reference(random.choice([*found])) if alias else an_object(random, "mn")
    root = reference("A") if random.random() < 0.3 else an_object(random, "mno")
    return Schema({**root, "$defs": found})


def a_spec(random: Random) -> Spec:
    """A spec of one to three steps, most of them at the values of a definition."""
    steps = [dict(random.choice(STEPS)) for _ in range(random.choice([1, 1, 2, 2, 3]))]
    for step in steps:
        chance = random.random()
        if chance < 0.7:
            step["at"] = f"#/$defs/{random.choice(NAMES)}{random.choice(['', '', '', '.m'])}"
        elif chance < 0.8:
            step["at"] = random.choice(["m", "n[]", "o"])
    return spec_of(steps, stamp=None)


def drawn(random: Random) -> Iterator[tuple[Migration, list[Any]]]:
    """Migrations, each with documents of its schema; what no document can be made of, or no step finds, is left out."""
    while True:
        schema, spec = a_schema(random), a_spec(random)
        try:
            documents = list(islice(sampled(schema, (), random.randrange(1000)), DOCUMENTS))
        except ValueError:
            continue
        bound, faults = spec.bound(schema, schema, None)
        if not faults:
            yield Migration(bound, schema, Schema({})), documents


@pytest.mark.parametrize("seed", range(4))
def test_what_is_made_was_foretold(seed: int) -> None:
    """Whether one definition is another by name, is inside of itself, or is told from another by nothing."""
    told = 0
    for migration, documents in islice(drawn(Random(seed)), DRAWN):  # noqa: S311 - it chooses cases
        shape = made(migration)
        if shape is ANYTHING:
            continue
        told += 1
        fits, way = Schema(written(shape)).is_valid, Way((migration,))
        for document in documents:
            acts = list(way.acts(document))
            if len(acts) == len(migration.spec.steps):
                assert fits(acts[-1].after), (migration.spec.text, migration.schema_before.text, document)
    assert told >= TOLD * DRAWN
