"""Documents with values planted in them that matter: such as a schema allows, and would hardly ever come by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from migrate_spec.codec import Json, copied
from migrate_spec.schema import Schema

__all__ = ["Values", "planted"]

Values = Mapping[str, Sequence[Json]]
"""Values to plant, by the names of the fields that they are for; all of them under ``""``."""

OFTEN = 0.75
"""How often a field gets a value that is for it, where a field beside it does."""


def planted(documents: Iterable[Json], schema: Schema, values: Values, seed: int = 0) -> Iterator[Json]:
    """Documents, and behind each the same with other values in one of its objects, where that is valid, too.

    A value stands in place of one of its type. Fields beside each other get theirs together, as conditions ask for.

    Args:
        documents: the documents; they stay as they are.
        schema: what all of them fit.
        values: what to plant; without any the documents are all there is.
        seed: another one plants in other places.
    """
    random = Random(seed)  # noqa: S311 - it chooses places
    for document in documents:
        yield document
        if values:
            other = copied(document)
            parents = list(_parents(other))
            if parents and _plant(random.choice(parents), values, random) and schema.is_valid(other):
                yield other


def _parents(value: Json) -> Iterator[Json]:
    """The objects and lists in a value that have something in them."""
    if value and (type(value) is dict or type(value) is list):
        yield value
        for part in value.values() if type(value) is dict else value:
            yield from _parents(part)


def _plant(parent: Json, values: Values, random: Random) -> bool:
    """Alter an object or a list; false where nothing of it could be."""
    keys: list[Any] = list(parent) if type(parent) is dict else list(range(len(parent)))
    own = {key: _like(parent[key], values[key]) for key in keys if key in values and key}
    chosen = {key: found for key, found in own.items() if found and random.random() < OFTEN}
    if not chosen:
        key = random.choice(keys)
        chosen = {key: _like(parent[key], values[""])}
    for key, found in chosen.items():
        if found:
            parent[key] = random.choice(found)
    return any(chosen.values())


def _like(value: Json, values: Sequence[Json]) -> list[Json]:
    """Those of the same type."""
    return [other for other in values if _kind(other) is _kind(value)]


def _kind(value: Json) -> type:
    """The type of a value; there is one for all numbers."""
    return float if type(value) is int else type(value)
