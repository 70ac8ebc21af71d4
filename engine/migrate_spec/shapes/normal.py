"""JSON Schemas in the forms that can be read as shapes: their references by plain names, or the normal form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from migrate_spec.codec import Json
from migrate_spec.schema import Schema

__all__ = [
    "NAMES",
    "NUMBER",
    "PLAIN",
    "SILENT",
    "STRING",
    "definition_of",
    "is_local",
    "keeps_names",
    "local",
    "normal_form",
]

NUMBER: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
STRING: Final = ("minLength", "maxLength", "pattern", "format")
_LIST: Final = ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains")
_OBJECT: Final = ("properties", "required", "additionalProperties", "minProperties", "maxProperties")
NAMES: Final = ("patternProperties", "propertyNames")
SILENT: Final = frozenset(
    [
        "$schema",
        "$id",
        "$defs",
        "definitions",
        "$comment",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
    ]
)
"""Keywords that say nothing of what fits."""
PLAIN: Final = frozenset({"type", "enum", "const", *NUMBER, *STRING, *_LIST, *_OBJECT})
"""Keywords that are read as they stand."""

_WHOLE: Final = "whole"
_TO_WHOLE: Final = f"#/$defs/{_WHOLE}"
"""What a reference to the whole schema becomes."""


def is_local(content: Json) -> bool:
    """Whether all references of a schema lead to its own definitions, by their names."""
    if isinstance(content, list):
        return all(map(is_local, content))
    if not isinstance(content, dict):
        return True
    reference = content.get("$ref")
    if isinstance(reference, str) and not definition_of(reference):
        return False
    return not content.keys() & {"$dynamicRef", "$anchor", "$dynamicAnchor"} and all(map(is_local, content.values()))


def definition_of(reference: str) -> str:
    """The name of the definition that a reference leads to; empty where it leads elsewhere."""
    name = reference.removeprefix("#/$defs/")
    return "" if name == reference or any(sign in name for sign in "/~%") else name


def local(schema: Schema) -> Json:
    """A schema that says the same, whose references all lead to definitions of its own by plain names."""
    return schema.content if is_local(schema.content) else normal_form(schema)


def normal_form(schema: Schema) -> Json:
    """The normal form of a schema, with plain names; ``True`` where jsonschema-rs has none."""
    try:
        normal: Any = schema.canonical.to_json_schema()
    except ValueError:
        return True
    definitions = {_plain_name(name): _renamed(part) for name, part in normal.pop("$defs", {}).items()}
    whole = _renamed(normal)
    if json.dumps(_TO_WHOLE) in json.dumps([whole, definitions]):
        definitions[_WHOLE] = whole
    return {**whole, "$defs": definitions} if definitions else whole


def _renamed(node: Json) -> Json:
    """A part of a schema with its references led to plain names."""
    if isinstance(node, list):
        return [_renamed(part) for part in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _renamed(part) for key, part in node.items()}
    reference = node.get("$ref")
    if isinstance(reference, str):
        name = unquote(unquote(reference.removeprefix("#").removeprefix("/$defs/")))
        renamed["$ref"] = f"#/$defs/{_plain_name(name)}" if name else _TO_WHOLE
    return renamed


def _plain_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", unquote(name))


def keeps_names(schema: Schema) -> bool:
    """Whether the shape of a schema has all its definitions by their names."""
    return is_local(schema.content) and _keeps_names(schema.content)


def _keeps_names(node: Json) -> bool:
    if isinstance(node, list):
        return all(map(_keeps_names, node))
    if not isinstance(node, dict):
        return True
    said = node.keys() - SILENT
    plain = said <= PLAIN or said in ({"$ref"}, {"anyOf"}, {"oneOf"})
    if not plain and "$ref" in json.dumps({key: node[key] for key in said}):
        return False
    parts = [node[key] for key in ("properties", "$defs") if key in node]
    return all(map(_keeps_names, [*(part for named in parts for part in named.values()), *_others(node)]))


def _others(node: Mapping[str, Any]) -> Iterator[Json]:
    """The schemas right inside of one that have no names."""
    yield from (node[key] for key in ("items", "additionalProperties", "anyOf", "oneOf", "prefixItems") if key in node)
