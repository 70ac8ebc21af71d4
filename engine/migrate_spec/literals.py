"""The values that migrations speak of: documents that have them are where mistakes show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_spec.codec import Json
from migrate_spec.document import frozen
from migrate_spec.errors import PathError
from migrate_spec.migration import Migration
from migrate_spec.path import Name, Path
from migrate_spec.planting import Values

__all__ = ["literals"]

_OF_VALUES = ("const", "enum", "default", "examples")
"""Keywords of a schema under which values stand."""


def literals(migrations: Sequence[Migration]) -> Values:
    """The texts and numbers in steps, and under such keywords as ``const`` in the schemas.

    Of a number the next ones come, too, as a bound is one. Each is for the fields whose names it stands under.
    """
    found: dict[str, dict[object, Json]] = {}
    for migration in migrations:
        pairs = [*_of_steps(migration.spec.to_json()["steps"], ("",))]
        for schema in (migration.schema_before, migration.schema_after):
            pairs += _of_schema(schema.content, ("",))
        for names, value in pairs:
            for one in (value,) if type(value) is str else (value, value - 1, value + 1):
                for name in names:
                    found.setdefault(name, {})[frozen(one)] = one
    return {name: list(values.values()) for name, values in found.items()}


def _of_schema(schema: Json, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    """The values that a schema names, each with the names that it stands under."""
    for key, part in schema.items() if type(schema) is dict else ():
        if key in _OF_VALUES:
            yield from _of_steps(part, names)
        else:
            yield from _of_schema(part, (*names, key))
    for part in schema if type(schema) is list else ():
        yield from _of_schema(part, names)


def _of_steps(value: Json, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    """The texts and numbers in a value, each with the names that it stands under; a path counts for its last name."""
    if type(value) is dict:
        for key, part in value.items():
            yield from _of_steps(part, (*names, *_last(key)))
    elif type(value) is list:
        for part in value:
            yield from _of_steps(part, names)
    elif value is not None and type(value) is not bool:
        yield names, value


def _last(path: str) -> Iterator[str]:
    try:
        yield from [segment.name for segment in Path.parse(path).segments if isinstance(segment, Name)][-1:]
    except PathError:
        return
