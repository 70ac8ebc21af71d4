"""Proof that a step makes no invalid document, or a document that shows that it does.

From the schema before and the steps follows the shape of what they make; it must fit inside the schema after. Where it
does the step is *proved*. Where that cannot be shown, documents are made of the schema before and carried over: if one
becomes invalid the step is *refuted*, by the smallest such document; else its verdict is *unknown*.
What a step refuses is not made, and not invalid: a run stops there and the database stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from migrate_spec.codec import Json
from migrate_spec.compiler import compile_downgrade
from migrate_spec.errors import Irreversible
from migrate_spec.migration import Migration
from migrate_spec.refutation import Counterexample, refutation
from migrate_spec.schema import Schema
from migrate_spec.shapes.reading import shape_of
from migrate_spec.shapes.shape import ANYTHING, ObjectShape, Shape, only
from migrate_spec.step import effect, effect_back
from migrate_spec.whereabouts import finds_definitions

__all__ = ["Verdict", "derived", "fits", "prove"]

Kind = Literal["proved", "refuted", "unknown", "irreversible"]

MOST_VALUES = 16
"""Of a field that tells cases apart."""
MOST_NAMED = 3
"""Keywords that a verdict names."""
KEYWORDS = frozenset(
    [
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependentRequired",
        "unevaluatedProperties",
        "unevaluatedItems",
        "properties",
        "patternProperties",
        "additionalProperties",
        "propertyNames",
        "required",
        "minProperties",
        "maxProperties",
        "items",
        "prefixItems",
        "contains",
        "minItems",
        "maxItems",
        "uniqueItems",
        "type",
        "enum",
        "const",
        "format",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "$ref",
        "$dynamicRef",
    ]
)
"""Those that say what fits."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a step, upwards or backwards.

    Attributes:
        kind: ``proved``, ``refuted`` or ``unknown``; ``irreversible`` where there is no way back to speak of.
        backwards: whether it is about the way back.
        counterexample: what refutes it.
        tried: how many documents were put to the test.
        why: what could not be reasoned about, or why there is no way back.
    """

    kind: Kind
    backwards: bool = False
    counterexample: Counterexample | None = None
    tried: int = 0
    why: str = ""


def prove(migration: Migration, *, backwards: bool = False, seconds: float = 1.0, most: int | None = None) -> Verdict:
    """Find out whether a step can make an invalid document.

    Args:
        migration: the step.
        backwards: whether it is undone.
        seconds: how long to search for a counterexample where there is no proof.
        most: how many documents to try at most.
    """
    if backwards:
        try:
            compile_downgrade(migration.spec, None)
        except Irreversible as error:
            return Verdict("irreversible", backwards, why=str(error))
    schema = migration.schema_before if backwards else migration.schema_after
    shapes = derived(migration, backwards=backwards)
    if any(fits(shape, schema) for shape in shapes):
        return Verdict("proved", backwards)
    found = refutation(migration, backwards=backwards, seconds=seconds, most=most)
    if found.counterexample is not None:
        return Verdict("refuted", backwards, found.counterexample, found.tried)
    return Verdict("unknown", backwards, None, found.tried, _in_the_way(shapes[0], schema) or found.why)


def _in_the_way(shape: Shape, schema: Schema) -> str:
    """The keywords of a schema without which a shape would be known to fit."""
    found = [
        f"{keyword!r} at {pointer or '/'}"
        for pointer, keyword, relaxed in _relaxed(schema.content, "")
        if fits(shape, Schema(relaxed))
    ]
    return " and ".join(found[:MOST_NAMED])


def _relaxed(schema: Json, pointer: str) -> Iterator[tuple[str, str, Json]]:
    """A schema without each one of its keywords in turn, with the place and the name of the one that is left out."""
    parts = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, part in parts:
        if isinstance(schema, dict) and key in KEYWORDS:
            yield pointer, str(key), {other: value for other, value in schema.items() if other != key}
        for place, keyword, relaxed in _relaxed(part, f"{pointer}/{key}"):
            if isinstance(schema, dict):
                yield place, keyword, {**schema, key: relaxed}
            else:
                yield place, keyword, [*schema[:key], relaxed, *schema[key + 1 :]]


def derived(migration: Migration, *, backwards: bool = False) -> list[Shape]:
    """The shapes of what a migration makes of the documents of its schema: all of one of them fit, or none is known to.

    Args:
        migration: the step.
        backwards: whether it is undone.
    """
    spec, stamp = migration.spec, migration.spec.stamp
    schema = migration.schema_after if backwards else migration.schema_before
    start = shape_of(schema).of_objects(lambda one: (one,))
    if not finds_definitions(spec.steps[::-1] if backwards else spec.steps, start, schema):
        return [ANYTHING]
    if stamp.path is None:
        return [effect_back(spec.steps, start) if backwards else effect(spec.steps, start)]
    if not backwards:
        found = effect(spec.steps, start)
        return [found.put(stamp.path, only(stamp.mark(spec.to_version))), *([] if spec.steps else [found])]
    found = effect_back(spec.steps, start.put(stamp.path, only(stamp.mark(spec.from_version))))
    return [found, *([found.take(stamp.path)] if spec.from_version == 1 else [])]


def fits(shape: Shape, schema: Schema) -> bool:
    """Whether it is known that all values of a shape fit a schema."""
    if schema.covers(Schema(shape.to_schema())):
        return True
    parts = list(shape.plain())
    return all(_fits(Shape((one,)), schema, 2) for one in parts) or _fits_by_definitions(shape, schema)


def _fits_by_definitions(shape: Shape, schema: Schema) -> bool:
    """:func:`fits` where both refer to definitions of the same names.

    Each definition is compared with its namesake as if all that they refer to were the namesakes already. That proves
    it, as a document that did not fit would have, somewhere inside of it, a smallest part that did not.
    """
    whole = shape.to_schema()
    mine = whole.pop("$defs", {}) if isinstance(whole, dict) else {}
    theirs = schema.content.get("$defs", {})
    if not mine or not mine.keys() <= theirs.keys():
        return False
    pairs = [(whole, schema.content), *((part, theirs[name]) for name, part in mine.items())]
    return all(Schema(_with(wanted, theirs)).covers(Schema(_with(found, theirs))) for found, wanted in pairs)


def _with(schema: Json, definitions: Mapping[str, Json]) -> Json:
    return {**schema, "$defs": definitions} if isinstance(schema, dict) else schema


def _fits(shape: Shape, schema: Schema, depth: int) -> bool:
    if schema.covers(Schema(shape.to_schema())):
        return True
    if not depth:
        return False
    (one,) = shape.alternatives
    return isinstance(one, ObjectShape) and any(
        all(_fits(Shape((part,)), schema, depth - 1) for part in parts) for parts in _divided(one)
    )


def _divided(one: ObjectShape) -> Iterator[list[ObjectShape]]:
    """The objects by the values of one of their fields, for each field that has few, or that only some have."""
    for name, known in one.fields.items():
        values = known.shape.values()
        if values is not None and 1 < len(values) <= MOST_VALUES:
            made = [part for value in values for part in one.narrowed(name, only(value), needed=True)]
        elif values is None and len(known.shape.alternatives) > 1:
            made = [
                part for kind in known.shape.alternatives for part in one.narrowed(name, Shape((kind,)), needed=True)
            ]
        elif known.needed:
            continue
        else:
            made = list(one.present(name))
        yield [*made, *([] if known.needed else one.absent(name))]
