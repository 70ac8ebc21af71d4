"""From a shape to the JSON Schema that says the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.shapes.shape import ANYTHING, NOTHING, ListShape, ObjectShape, Reference, Scalars, Shape

__all__ = ["written"]

Key = tuple[Callable[[str], Shape], str]


def written(shape: Shape) -> Json:
    """The JSON Schema of a shape; its references lead to definitions of its own."""
    writer = _Writer()
    schema = writer.write(shape)
    while writer.waiting:
        key, name = writer.waiting.popitem()
        look_up, definition = key
        writer.definitions[name] = writer.write(look_up(definition))
    return schema | {"$defs": writer.definitions} if writer.definitions and isinstance(schema, dict) else schema


class _Writer:
    def __init__(self) -> None:
        self.definitions: dict[str, Json] = {}
        self.waiting: dict[Key, str] = {}
        self._names: dict[Key, str] = {}

    def write(self, shape: Shape) -> Json:
        if shape is ANYTHING:
            return True
        found = [self._alternative(one) for one in shape.alternatives]
        if len(found) == 1:
            return found[0]
        return {"anyOf": found} if found else False

    def _alternative(self, one: Scalars | ListShape | ObjectShape | Reference) -> dict[str, Json]:
        if isinstance(one, Scalars):
            return dict(one.schema)
        if isinstance(one, Reference):
            return {"$ref": f"#/$defs/{self._name(one)}"}
        return self._list(one) if isinstance(one, ListShape) else self._object(one)

    def _name(self, reference: Reference) -> str:
        key = (reference.look_up, reference.name)
        if key not in self._names:
            name = reference.name
            while name in self._names.values():
                name += "'"
            self._names[key] = self.waiting[key] = name
        return self._names[key]

    def _list(self, one: ListShape) -> dict[str, Json]:
        found: dict[str, Any] = {"type": "array", **one.more}
        if one.first:
            found["prefixItems"] = [self.write(shape) for shape in one.first]
        if one.rest is not ANYTHING:
            found["items"] = self.write(one.rest)
        return found | _bounds("Items", one.least, one.most)

    def _object(self, one: ObjectShape) -> dict[str, Json]:
        found: dict[str, Any] = {"type": "object", **one.more}
        if one.fields:
            found["properties"] = {name: self.write(known.shape) for name, known in one.fields.items()}
            found["required"] = [name for name, known in one.fields.items() if known.needed]
        if one.patterns:
            found["patternProperties"] = {pattern: self.write(shape) for pattern, shape in one.patterns}
        if one.others is not ANYTHING:
            found["additionalProperties"] = one.others is not NOTHING and self.write(one.others)
        if one.names is not True:
            found["propertyNames"] = {"anyOf": [one.names, {"enum": list(one.fields)}]} if one.fields else one.names
        return found | _bounds("Properties", one.least, one.most)


def _bounds(of: str, least: int, most: int | None) -> dict[str, Json]:
    return ({f"min{of}": least} if least else {}) | ({f"max{of}": most} if most is not None else {})
