"""The values that a migration speaks of: documents that have them are where its mistakes show."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_spec.codec import Json
from migrate_spec.document import frozen
from migrate_spec.migration import Migration

__all__ = ["literals"]

_OF_VALUES = frozenset({"const", "enum", "default", "examples"})
"""Keywords of a schema under which values stand."""


def literals(migration: Migration) -> list[Json]:
    """The texts and numbers in the steps and under such keywords as ``const`` in the schemas, each once.

    Of a number the next ones come, too, as a bound is one.
    """
    spec = migration.spec.to_json()
    schemas = (migration.schema_before.content, migration.schema_after.content)
    found = [*_scalars(spec["steps"]), *(value for schema in schemas for value in _of_schema(schema))]
    numbers = [value for value in found if type(value) is int or type(value) is float]
    beside = [value + step for value in numbers for step in (-1, 1)]
    return list({frozen(value): value for value in [*found, *beside]}.values())


def _of_schema(schema: Json) -> Iterator[Json]:
    """The values that a schema names."""
    for key, part in schema.items() if type(schema) is dict else ():
        yield from _scalars(part) if key in _OF_VALUES else _of_schema(part)
    for part in schema if type(schema) is list else ():
        yield from _of_schema(part)


def _scalars(value: Json) -> Iterator[Json]:
    """The texts and numbers in a value; names of fields are none."""
    if type(value) is dict or type(value) is list:
        for part in value.values() if type(value) is dict else value:
            yield from _scalars(part)
    elif value is not None and type(value) is not bool:
        yield value
