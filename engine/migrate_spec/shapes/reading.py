"""From a JSON Schema to the shape of what fits it.

What a schema says plainly is taken as it stands, so that its definitions keep their names. Where keywords such as
``allOf``, ``if``, ``not`` or ``dependentRequired`` speak together, jsonschema-rs is asked for a normal form that says
the same by alternatives. A shape may allow more than its schema where the two cannot say the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final

from migrate_spec.codec import Json
from migrate_spec.schema import Schema
from migrate_spec.shapes.normal import NAMES, NUMBER, PLAIN, SILENT, STRING, definition_of, is_local, normal_form
from migrate_spec.shapes.shape import (
    ANYTHING,
    NOTHING,
    Alternative,
    Field,
    ListShape,
    ObjectShape,
    Reference,
    Scalars,
    Shape,
    only,
    union,
)
from migrate_spec.shapes.writing import written

__all__ = ["all_of", "met", "shape_of", "without"]

_OF_TYPE: Final[Mapping[str, Sequence[str]]] = {
    "null": (),
    "boolean": (),
    "integer": NUMBER,
    "number": NUMBER,
    "string": STRING,
}
_ALL: Final = ("null", "boolean", "number", "string", "array", "object")


@lru_cache(maxsize=256)
def shape_of(schema: Schema) -> Shape:
    """The shape of what fits a schema.

    Raises:
        ValueError: it is no schema.
    """
    content = schema.content
    return _Reader(content).whole if is_local(content) else _normal(content)


def _normal(content: Json) -> Shape:
    """The shape, read from the normal form."""
    return _Reader(normal_form(Schema(content)), normal=True).whole


@lru_cache(maxsize=4096)
def _met(text: str) -> Shape:
    return _normal(json.loads(text))


def all_of(shapes: Sequence[Shape]) -> Shape:
    """Values that are in all of several shapes, and perhaps others."""
    return shape_of(Schema({"allOf": [written(shape) for shape in shapes]}))


def met(shape: Shape, schema: Mapping[str, Json]) -> Shape:
    """Those of a shape's values that fit a schema."""
    return _split(shape, schema, fits=True)


def without(shape: Shape, schema: Mapping[str, Json]) -> Shape:
    """Those of a shape's values that do not fit a schema."""
    return _split(shape, schema, fits=False)


def _split(shape: Shape, schema: Mapping[str, Json], *, fits: bool) -> Shape:
    wanted = schema if fits else {"not": schema}
    return union(_part(one, schema, wanted, fits=fits) for one in shape.plain())


def _part(
    one: Scalars | ListShape | ObjectShape, schema: Mapping[str, Json], wanted: Mapping[str, Json], *, fits: bool
) -> Shape:
    values = one.values() if isinstance(one, Scalars) else None
    if values is not None:
        fitting = [value for value in values if Schema(wanted).is_valid(value)]
        return Shape((Scalars({"enum": fitting}),)) if fitting else NOTHING
    whole = Shape((one,))
    kind = {Scalars: "", ListShape: "array", ObjectShape: "object"}[type(one)]
    if kind and _is_about_scalars(schema):
        types = schema.get("type", [])
        named = kind in ([types] if isinstance(types, str) else types)
        return whole if named is fits else NOTHING
    found = _met(json.dumps({"allOf": [written(whole), wanted]}))
    return NOTHING if found is NOTHING else found


def _is_about_scalars(schema: Mapping[str, Json]) -> bool:
    """Whether a schema says of lists and objects only whether their type will do."""
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return not any(isinstance(value, list | dict) for value in values)
    return "type" in schema and schema.keys() <= {"type", *NUMBER, *STRING}


class _Reader:
    """Reads one schema.

    Args:
        content: the schema.
        normal: whether it is in jsonschema-rs's normal form.
    """

    def __init__(self, content: Json, *, normal: bool = False) -> None:
        self._content = content
        self._normal = normal
        self._definitions: dict[str, Shape] = {}

    @cached_property
    def whole(self) -> Shape:
        """The shape of the whole schema."""
        return self.read(self._content)

    def definition(self, name: str) -> Shape:
        """The shape of a definition."""
        if name not in self._definitions:
            self._definitions[name] = self.read(self._content.get("$defs", {}).get(name, False))
        return self._definitions[name]

    def read(self, node: Json) -> Shape:
        """The shape of a part of the schema."""
        if isinstance(node, bool):
            return ANYTHING if node else NOTHING
        said = {key: value for key, value in node.items() if key not in SILENT}
        if said == {"not": {}}:
            return NOTHING
        if said.keys() == {"$ref"} and definition_of(said["$ref"]):
            return Shape((Reference(definition_of(said["$ref"]), self.definition),))
        if said.keys() in ({"anyOf"}, {"oneOf"}):
            return union([self.read(part) for part in next(iter(said.values()))])
        if self._normal or said.keys() <= PLAIN:
            return union(self._alternatives(said))
        definitions = {"$defs": self._content["$defs"]} if "$defs" in self._content else {}
        return _normal({**said, **definitions})

    def _alternatives(self, said: dict[str, Any]) -> Iterator[Shape]:
        if "const" in said or "enum" in said:
            yield from self._values(said)
            return
        types = said.get("type", _ALL)
        rest = {key: value for key, value in said.items() if key not in PLAIN and key not in NAMES}
        scalars: list[str] = []
        for name in [types] if isinstance(types, str) else types:
            if name == "array":
                yield _shaped(self._list(said, rest))
            elif name == "object":
                yield _shaped(self._object(said, rest))
            else:
                bounds = {key: said[key] for key in _OF_TYPE[name] if key in said}
                if bounds or rest:
                    yield Shape((Scalars({"type": name, **bounds, **rest}),))
                else:
                    scalars.append(name)
        if scalars:
            yield Shape((Scalars({"type": scalars[0] if len(scalars) == 1 else scalars}),))

    def _values(self, said: Mapping[str, Json]) -> Iterator[Shape]:
        values = said.get("enum", [said.get("const")])
        if len(said) > 1:
            judge = Schema({**said, **({"$defs": self._content["$defs"]} if "$defs" in self._content else {})}).is_valid
            values = [value for value in values if judge(value)]
        scalars = [value for value in values if not isinstance(value, list | dict)]
        if scalars:
            yield Shape((Scalars({"enum": scalars} if len(scalars) > 1 else {"const": scalars[0]}),))
        yield from (only(value) for value in values if isinstance(value, list | dict))

    def _list(self, said: Mapping[str, Any], rest: Mapping[str, Json]) -> ListShape | None:
        more = _kept(
            {key: said[key] for key in ("uniqueItems", "contains", "minContains", "maxContains") if key in said}
        )
        first = [self.read(part) for part in said.get("prefixItems", ())]
        items = self.read(said.get("items", True))
        bounds = ListShape(tuple(first), items, said.get("minItems", 0), said.get("maxItems"), more | _kept(rest))
        nowhere = [index for index, shape in enumerate([*first, items]) if shape is NOTHING]
        most = min([*nowhere, *([bounds.most] if bounds.most is not None else [])], default=None)
        if most is not None and most < bounds.least:
            return None
        return ListShape(bounds.first[:most], items, bounds.least, most, bounds.more)

    def _object(self, said: Mapping[str, Any], rest: Mapping[str, Json]) -> ObjectShape | None:
        required = said.get("required", ())
        others = self.read(said.get("additionalProperties", True))
        patterns = tuple((pattern, self.read(part)) for pattern, part in said.get("patternProperties", {}).items())
        shapes = {name: self.read(part) for name, part in said.get("properties", {}).items()}
        names, listed = _names(said.get("propertyNames", True))
        free = ObjectShape({name: Field(shape) for name, shape in shapes.items()}, others, patterns)
        fields: dict[str, Field] = {}
        for name in dict.fromkeys([*shapes, *required, *listed]):
            allowed = name in listed or (names is not False and Schema(names).is_valid(name))
            fields[name] = Field(free.field(name).shape if allowed else NOTHING, name in required)
        if any(known.needed and known.shape is NOTHING for known in fields.values()):
            return None
        if names is False:
            others, patterns, names = NOTHING, (), True
        bare = ObjectShape({}, others, patterns, names)
        fields = {name: known for name, known in fields.items() if known.shape is not NOTHING or not bare.lacks(name)}
        least, most = said.get("minProperties", 0), said.get("maxProperties")
        return ObjectShape(fields, others, patterns, names, least, most, _kept(rest))


def _names(schema: Json) -> tuple[Json, Sequence[str]]:
    """What a schema of names says of those that it does not list, and those that it lists."""
    parts = schema["anyOf"] if isinstance(schema, dict) and schema.keys() == {"anyOf"} else [schema]
    listed: list[str] = []
    rest: list[Json] = []
    for part in parts:
        if isinstance(part, dict) and part.keys() in ({"enum"}, {"const"}):
            listed += part.get("enum", [part.get("const")])
        else:
            rest.append(part)
    return (rest[0] if len(rest) == 1 else {"anyOf": rest} if rest else False), listed


def _shaped(one: Alternative | None) -> Shape:
    if one is None:
        return NOTHING
    anything = isinstance(one, ListShape | ObjectShape) and one in ANYTHING.alternatives
    return Shape((next(part for part in ANYTHING.alternatives if part == one),)) if anything else Shape((one,))


def _kept(more: Mapping[str, Json]) -> dict[str, Json]:
    """What can be kept of keywords as it stands: what refers to definitions cannot."""
    return {key: value for key, value in more.items() if "$ref" not in json.dumps(value)}
