"""Parts of a schema as a draft sees them: the types that a value can have, and what is inside of objects and lists.

A proof needs to know exactly which values fit; a draft needs what an author meant and where it is written: the names
of definitions, the defaults, and each part as a schema of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any
from urllib.parse import unquote

from migrate_spec.codec import Json
from migrate_spec.condition import TYPES
from migrate_spec.document import ABSENT
from migrate_spec.schema import Schema

__all__ = ["Alternative", "Part"]

Pointer = tuple[str, ...]

_ALL = ("object", "array", "string", "number", "boolean", "null")
_IMPLIED = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
}
"""Keywords that an author who names no type writes for a type alone."""
_LEADING = ("$ref", "allOf", "anyOf", "oneOf")
_DEEPEST = 50
"""References that lead to each other without a value between them."""


@dataclass(frozen=True)
class Alternative:
    """One of the shapes that a value can have.

    Attributes:
        types: the types of its values.
        keywords: what is said of them, without what the other attributes say.
        properties: the fields of an object, by name.
        required: the fields that are always there.
        items: the items of a list; ``None`` where nothing is said of them all.
        others: the other fields of an object; ``None`` where nothing is said of them.
        closed: whether an object has no other fields.
        definition: the name under ``$defs`` of what it is; empty for none.
    """

    types: tuple[str, ...]
    keywords: Mapping[str, Json]
    properties: Mapping[str, Part]
    required: frozenset[str]
    items: Part | None = None
    others: Part | None = None
    closed: bool = False
    definition: str = ""

    @property
    def values(self) -> Sequence[Json] | None:
        """All values, where the schema lists them."""
        if "const" in self.keywords:
            return [self.keywords["const"]]
        found: Sequence[Json] | None = self.keywords.get("enum")
        return found

    def met(self, other: Alternative) -> Alternative | None:
        """What is one and the other; ``None`` where nothing is."""
        types = tuple(name for name in self.types if name in other.types)
        if "integer" not in types and _one_each("integer", "number", self.types, other.types):
            types += ("integer",)
        if not types:
            return None
        return Alternative(
            types,
            {**self.keywords, **other.keywords},
            {**other.properties, **self.properties},
            self.required | other.required,
            self.items or other.items,
            self.others or other.others,
            self.closed or other.closed,
            self.definition or other.definition,
        )


@dataclass(frozen=True)
class Part:
    """A part of a schema.

    Attributes:
        schema: the whole.
        pointer: the way to the part: keys, and places in lists as texts.
    """

    schema: Schema
    pointer: Pointer = ()

    @cached_property
    def node(self) -> Json:
        """What is written there."""
        return _at(self.schema.content, self.pointer)

    @cached_property
    def alone(self) -> Schema:
        """The part as a schema of its own."""
        return self.schema.part(self.pointer) if self.pointer else self.schema

    @cached_property
    def not_null(self) -> Schema:
        """The part as a schema of its own, for values other than null."""
        return Schema({**self.alone.content, "not": {"type": "null"}}) if self.pointer else self.schema

    @cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """The shapes that a value can have."""
        return tuple(_alternatives(self.schema, self.pointer, 0))

    @cached_property
    def kinds(self) -> Mapping[str, tuple[Alternative, ...]]:
        """The types that a value can have, each with the shapes of that type."""
        found: dict[str, tuple[Alternative, ...]] = {}
        for one in self.alternatives:
            for name in one.types:
                values = one.values
                if values is None or any(TYPES[name](value) for value in values):
                    found[name] = (*found.get(name, ()), one)
        return found

    @property
    def nullable(self) -> bool:
        """Whether the value may be null."""
        return "null" in self.kinds

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The types that a value can have, but for null."""
        return tuple(name for name in self.kinds if name != "null")

    @property
    def is_anything(self) -> bool:
        """Whether nothing is said of the value."""
        return set(_ALL) <= self.kinds.keys()

    @property
    def default(self) -> Json:
        """The default that is said beside it; ``ABSENT`` for none."""
        return self._said("default", self.pointer, 0)

    def _said(self, keyword: str, pointer: Pointer, depth: int) -> Json:
        node = _at(self.schema.content, pointer)
        if not isinstance(node, dict) or depth > _DEEPEST:
            return ABSENT
        if keyword in node:
            return node[keyword]
        below = [(*pointer, "allOf", str(index)) for index in range(len(node.get("allOf", ())))]
        if "$ref" in node:
            below += [_target(self.schema, node["$ref"])]
        found = (self._said(keyword, one, depth + 1) for one in below)
        return next((value for value in found if value is not ABSENT), ABSENT)

    @cached_property
    def values(self) -> Sequence[Json] | None:
        """All values, where the schema lists them."""
        found: list[Json] = []
        for one in self.alternatives:
            if one.values is None and one.types != ("null",):
                return None
            found += [None] if one.values is None else one.values
        return found or None

    def fits(self, value: Json) -> bool:
        """Whether a plain value fits."""
        return self.alone.is_valid(value)

    def takes(self, other: Schema) -> bool:
        """Whether all that fits another schema is known to fit."""
        return self.alone.covers(other)

    def recursive(self, definition: str) -> bool:
        """Whether a definition can hold values of its own kind."""
        seen: set[str] = set()
        waiting = [f"#/$defs/{definition}"]
        goal = waiting[0]
        while waiting:
            node = _at(self.schema.content, _target(self.schema, waiting.pop()))
            for reference in _references(node):
                if reference == goal:
                    return True
                if reference not in seen:
                    seen.add(reference)
                    waiting.append(reference)
        return False


def _one_each(name: str, wider: str, one: Sequence[str], other: Sequence[str]) -> bool:
    return (name in one and wider in other) or (wider in one and name in other)


def _at(content: Json, pointer: Pointer) -> Json:
    node = content
    for key in pointer:
        if isinstance(node, list):
            node = node[int(key)] if key.isdigit() and int(key) < len(node) else True
        else:
            node = node.get(key, True) if isinstance(node, dict) else True
    return node


def _target(schema: Schema, reference: str) -> Pointer:
    """Where a reference leads; to nowhere, of which nothing is said, for one that is no way from the schema's top."""
    local = reference.removeprefix(schema.content.get("$id", "").removesuffix("#"))
    if not local.startswith("#") or (local != "#" and not local.startswith("#/")):
        return ("$defs", "", "")
    return tuple(unquote(key).replace("~1", "/").replace("~0", "~") for key in local.split("/")[1:])


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)


def _alternatives(schema: Schema, pointer: Pointer, depth: int) -> Iterator[Alternative]:
    """The shapes of what stands at a pointer, with all that it refers to and combines."""
    node = _at(schema.content, pointer)
    if node is False:
        return
    if not isinstance(node, dict) or depth > _DEEPEST:
        yield Alternative(_ALL, {}, {}, frozenset())
        return
    choices: list[list[Alternative]] = [[_own(schema, pointer, node)]]
    if "$ref" in node:
        target = _target(schema, node["$ref"])
        name = target[1] if len(target) == 2 and target[0] == "$defs" else ""  # noqa: PLR2004 - $defs and a name
        found = _alternatives(schema, target, depth + 1)
        choices.append([replace(one, definition=one.definition or name) for one in found])
    together = range(len(node.get("allOf", ())))
    choices += [list(_alternatives(schema, (*pointer, "allOf", str(index)), depth + 1)) for index in together]
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            branches = [(*pointer, keyword, str(index)) for index in range(len(node[keyword]))]
            choices.append([one for branch in branches for one in _alternatives(schema, branch, depth + 1)])
    for first, *rest in product(*choices):
        met: Alternative | None = first
        for one in rest:
            met = met.met(one) if met else None
        if met:
            yield met


def _own(schema: Schema, pointer: Pointer, node: Mapping[str, Json]) -> Alternative:
    """What a schema says itself."""

    def part(*keys: str) -> Part:
        return Part(schema, (*pointer, *keys))

    keywords = {
        key: value
        for key, value in node.items()
        if key not in {*_LEADING, "type", "properties", "required", "items", "additionalProperties", "default", "$defs"}
    }
    others = node.get("additionalProperties", node.get("unevaluatedProperties"))
    return Alternative(
        _types(node),
        keywords,
        {name: part("properties", name) for name in node.get("properties", {})},
        frozenset(node.get("required", ())),
        part("items") if isinstance(node.get("items"), dict) and "prefixItems" not in node else None,
        part("additionalProperties") if isinstance(others, dict) and others else None,
        closed=others is False and not node.get("patternProperties"),
    )


def _types(node: Mapping[str, Json]) -> tuple[str, ...]:
    if "type" in node:
        return (node["type"],) if isinstance(node["type"], str) else tuple(node["type"])
    if "const" in node or "enum" in node:
        values = node.get("enum", [node.get("const")])
        fitting = [name for name in ("integer", *_ALL) if any(TYPES[name](value) for value in values)]
        return tuple(name for name in fitting if name != "number" or not all(map(TYPES["integer"], _numbers(values))))
    implied = tuple(name for name, keywords in _IMPLIED.items() if any(key in node for key in keywords))
    return implied or _ALL


def _numbers(values: Sequence[Json]) -> list[Json]:
    return [value for value in values if TYPES["number"](value)]
