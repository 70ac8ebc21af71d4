"""Whether all values of a shape fit a JSON Schema.

jsonschema-rs answers for the whole; where it cannot, parts are asked for: alternative by alternative, by the values of
the fields that tell cases apart in the schema, and definition by definition.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import cached_property

from migrate_spec.codec import Json
from migrate_spec.proof.inlining import inlined
from migrate_spec.schema import Schema
from migrate_spec.shapes.normal import local
from migrate_spec.shapes.shape import ObjectShape, Shape, only
from migrate_spec.shapes.writing import written

__all__ = ["fits", "in_the_way"]

SECONDS = 0.3
"""That are spent on parts, or on keywords in the way, before the answer is that it is not known."""
MOST_VALUES = 16
"""Of a field that tells cases apart."""
DEPTH = 3
"""Fields by which a case is divided."""
MOST_NAMED = 3
"""Keywords that are told."""

_OF_NAMES = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
"""Keywords under which names stand, and schemas under those."""
_CASES = frozenset({"anyOf", "oneOf", "if", "then", "else", "not", "dependentRequired", "dependentSchemas"})


def fits(shape: Shape, schema: Schema) -> bool:
    """Whether it is known that all values of a shape fit a schema."""
    wanted = inlined(schema)
    return _covers(wanted, shape) or _by_definitions(shape, schema) or _Parts(wanted).fit(shape)


def _covers(schema: Schema, shape: Shape) -> bool:
    return schema.covers(inlined(Schema(written(shape))))


def in_the_way(shape: Shape, schema: Schema) -> str:
    """The keywords of a schema without which a shape would be known to fit, for a sentence; empty where none is."""
    whole = inlined(Schema(written(shape)))
    found: list[str] = []
    end = time.monotonic() + SECONDS
    for pointer, keyword, relaxed in _relaxed(schema.content, ""):
        if len(found) == MOST_NAMED or time.monotonic() > end:
            break
        if inlined(Schema(relaxed)).covers(whole):
            found.append(f"`{keyword}` at {pointer or 'the top'}")
    return " and ".join(found)


class _Parts:
    """Asks about parts of shapes whether they fit one schema, so long and no longer."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._end = time.monotonic() + SECONDS

    def fit(self, shape: Shape) -> bool:
        """Whether all alternatives are known to fit."""
        return all(self._fits(Shape((one,)), DEPTH) for one in shape.plain())

    @cached_property
    def _telling(self) -> frozenset[str]:
        """The names of the fields that tell cases apart in the schema."""
        return frozenset(_named(self._schema.content, among_cases=False))

    def _fits(self, shape: Shape, depth: int) -> bool:
        if time.monotonic() > self._end:
            return False
        if _covers(self._schema, shape):
            return True
        (one,) = shape.alternatives
        return (
            depth > 0
            and isinstance(one, ObjectShape)
            and any(all(self._fits(Shape((part,)), depth - 1) for part in parts) for parts in self._divided(one))
        )

    def _divided(self, one: ObjectShape) -> Iterator[list[ObjectShape]]:
        """The objects by one of the fields that tell cases apart: its values, its types, whether it is there."""
        for name in self._telling & one.fields.keys():
            known = one.fields[name]
            values = known.shape.values() or ()
            kinds = [only(value) for value in values] if len(values) <= MOST_VALUES else []
            kinds = kinds or [Shape((kind,)) for kind in known.shape.plain()]
            if len(kinds) + (not known.needed) > 1:
                made = [part for kind in kinds for part in one.narrowed(name, kind, needed=True)]
                yield [*made, *([] if known.needed else one.absent(name))]


def _named(node: Json, *, among_cases: bool) -> Iterator[str]:
    """The names of fields that are told of where a schema tells cases apart."""
    for key, part in node.items() if isinstance(node, dict) else ():
        inside = among_cases or key in _CASES
        if inside and key in {"properties", "dependentRequired", "dependentSchemas", "required"}:
            yield from part
        yield from _named(part, among_cases=inside)
    for part in node if isinstance(node, list) else ():
        yield from _named(part, among_cases=among_cases)


def _by_definitions(shape: Shape, schema: Schema) -> bool:
    """:func:`fits` where both refer to definitions of the same names.

    Each definition is compared with its namesake as if all that they refer to were the namesakes already. That proves
    it, as a document that did not fit would have, somewhere inside of it, a smallest part that did not.
    """
    whole = written(shape)
    mine = whole.pop("$defs", {}) if isinstance(whole, dict) else {}
    wanted = local(schema)
    theirs = wanted.get("$defs", {}) if isinstance(wanted, dict) else {}
    if not mine or not mine.keys() <= theirs.keys():
        return False
    pairs = [(whole, wanted), *((part, theirs[name]) for name, part in mine.items())]
    return all(Schema(_with(outer, theirs)).covers(Schema(_with(inner, theirs))) for inner, outer in pairs)


def _with(schema: Json, definitions: Mapping[str, Json]) -> Json:
    """A schema beside definitions; one that is only a name of another is that one."""
    seen: set[str] = set()
    while isinstance(schema, dict) and isinstance(name := schema.get("$ref"), str) and name not in seen:
        if schema.keys() - {"$ref", "$schema", "$id", "$defs", "title", "description"}:
            break
        seen.add(name)
        schema = definitions.get(name.removeprefix("#/$defs/"), schema)
    return {**schema, "$defs": definitions} if isinstance(schema, dict) else schema


def _relaxed(schema: Json, pointer: str, *, named: bool = False) -> Iterator[tuple[str, str, Json]]:
    """A schema without each one of its keywords in turn, with the place and the name of the one that is left out."""
    if isinstance(schema, list):
        for index, part in enumerate(schema):
            for place, keyword, relaxed in _relaxed(part, f"{pointer}/{index}"):
                yield place, keyword, [*schema[:index], relaxed, *schema[index + 1 :]]
    elif isinstance(schema, dict):
        for key, part in schema.items():
            if not named and key not in _OF_NAMES:
                yield pointer, key, {other: value for other, value in schema.items() if other != key}
            if isinstance(part, dict | list):
                for place, keyword, relaxed in _relaxed(part, f"{pointer}/{key}", named=not named and key in _OF_NAMES):
                    yield place, keyword, {**schema, key: relaxed}
