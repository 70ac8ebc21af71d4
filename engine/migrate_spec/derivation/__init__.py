"""What the steps of a migration make of the documents of a schema, as far as that follows from both.

The schema of the documents is taken for their shape, and each step for what it makes of a shape.
"""

from __future__ import annotations

from migrate_spec.derivation.whereabouts import finds_definitions
from migrate_spec.migration import Migration
from migrate_spec.schema import Schema
from migrate_spec.shapes.fields import put_at, taken_at
from migrate_spec.shapes.reading import shape_of
from migrate_spec.shapes.shape import ANYTHING, Shape, only
from migrate_spec.step import effect, effect_back

__all__ = ["derived", "made"]


def made(migration: Migration, *, backwards: bool = False) -> Shape:
    """The shape of what the steps of a migration make of the documents of its schema. Stamps stay as they are.

    Args:
        migration: the version step.
        backwards: whether it is undone.
    """
    schema = migration.schema_after if backwards else migration.schema_before
    return _made(migration, shape_of(schema).of_objects(lambda one: (one,)), schema, backwards=backwards)


def _made(migration: Migration, start: Shape, schema: Schema, *, backwards: bool) -> Shape:
    steps = migration.spec.steps
    if not finds_definitions(steps[::-1] if backwards else steps, start, schema):
        return ANYTHING
    return effect_back(steps, start) if backwards else effect(steps, start)


def derived(migration: Migration, *, backwards: bool = False) -> list[Shape]:
    """The shapes of what a migration makes of the documents of its schema: if one of them fits, all documents do.

    Args:
        migration: the version step.
        backwards: whether it is undone.
    """
    spec, stamp = migration.spec, migration.spec.stamp
    if not backwards:
        found = made(migration)
        for operation in spec.records:
            found = operation.effect(found)
        if stamp.path is None:
            return [found]
        return [put_at(found, stamp.path, only(stamp.mark(spec.to_version))), *([] if spec.steps else [found])]
    if stamp.path is None:
        return [made(migration, backwards=True)]
    start = shape_of(migration.schema_after).of_objects(lambda one: (one,))
    start = put_at(start, stamp.path, only(stamp.mark(spec.from_version)))
    found = _made(migration, start, migration.schema_after, backwards=True)
    return [found, *([taken_at(found, stamp.path)] if spec.from_version == 1 else [])]
