"""The spec language as a JSON Schema, read off the operations' annotations."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from migrate_spec.codec import Json
from migrate_spec.condition import COMBINED, TESTS, TYPES, Condition
from migrate_spec.operation import Operation, Table
from migrate_spec.operations import all_operations
from migrate_spec.path import Path
from migrate_spec.pattern import Pattern, Replacement
from migrate_spec.schema import DIALECT
from migrate_spec.step import Step

__all__ = ["block_schema", "key_of", "operation_schema", "spec_schema", "top_schema", "with_definitions"]

_STEP: dict[str, Json] = {"$ref": "#/$defs/step"}
_TEXT: dict[str, Json] = {"type": "string", "minLength": 1}

_STEP_KEYS: dict[str, Json] = {
    "at": _TEXT
    | {"description": "The objects in which the step works: a path, or `#/$defs/Name` for each Name of the schema."},
    "where": {"$ref": "#/$defs/condition", "description": "Which documents, or objects under `at`, the step is about."},
    "note": {"type": "string", "description": "A remark; it means nothing."},
}

_VERSION = {"type": "integer", "minimum": 1, "maximum": 4_294_967_295}

_STAMP = {
    "description": "The field that holds a record's version; null where records cannot carry one.",
    "anyOf": [
        {"type": "null"},
        _TEXT,
        {
            "type": "object",
            "properties": {"path": _TEXT, "as": {"enum": ["integer", "string"]}},
            "required": ["path"],
            "additionalProperties": False,
        },
    ],
    "default": "schema_version",
}

_EXAMPLE = {
    "type": "object",
    "description": "A document before and after the steps.",
    "properties": {"before": {"type": "object"}, "after": {"type": "object"}, "note": {"type": "string"}},
    "required": ["before", "after"],
    "additionalProperties": False,
}

_COMPARED = {"type": ["number", "string"]}
_TYPE = {"enum": list(TYPES)}
_TESTS: dict[str, Json] = {
    "eq": {"description": "It is this value, of the same type."},
    "in": {"type": "array", "minItems": 1, "description": "It is one of these values."},
    "exists": {"type": "boolean", "description": "It is there, or it is not; null is there."},
    "type": {"anyOf": [_TYPE, {"type": "array", "minItems": 1, "items": _TYPE}], "description": "It is of this type."},
    "gt": _COMPARED | {"description": "It is greater than this number, or behind this text."},
    "ge": _COMPARED | {"description": "It is this number or greater, or this text or behind it."},
    "lt": _COMPARED | {"description": "It is less than this number, or before this text."},
    "le": _COMPARED | {"description": "It is this number or less, or this text or before it."},
    "matches": {"type": "string", "description": "It is a text in which this regular expression (RE2) matches."},
}


def _combinations(of: str) -> dict[str, Json]:
    part: Json = {"$ref": f"#/$defs/{of}"}
    several = {"type": "array", "minItems": 1, "items": part}
    return {
        "all": several | {"description": "All of these hold."},
        "any": several | {"description": "One of these holds."},
        "not": part | {"description": "This does not hold."},
    }


DEFINITIONS: dict[str, Json] = {
    "condition": {
        "type": "object",
        "minProperties": 1,
        "properties": _combinations("condition"),
        "additionalProperties": {"$ref": "#/$defs/test"},
    },
    "test": {
        "description": "A value to equal, or tests by name.",
        "anyOf": [
            {"type": ["null", "boolean", "number", "string", "array"]},
            {
                "type": "object",
                "minProperties": 1,
                "properties": _TESTS | _combinations("test"),
                "additionalProperties": False,
            },
        ],
    },
}
"""What the schemas of steps refer to."""

if set(_TESTS) != {*TESTS, "exists"} or set(_combinations("test")) != set(COMBINED):  # pragma: no cover
    raise AssertionError(set(_TESTS))


def with_definitions(schema: Json) -> Json:
    """A schema of a step on its own, with all that it refers to; the steps inside it may be anything."""
    return {**schema, "$defs": {**DEFINITIONS, "step": {}}}


def top_schema(step: Json) -> dict[str, Json]:
    """The JSON Schema of a whole spec, with ``step`` for each of its steps."""
    return {
        "type": "object",
        "properties": {
            "collection": _TEXT | {"description": "The folder's name."},
            "prefix": _TEXT | {"description": "Its records are the keys that begin with it."},
            "from": _VERSION | {"description": "The version this spec starts from."},
            "to": _VERSION | {"description": "The version it leads to: the next one."},
            "description": {"type": "string", "description": "What changes, in a sentence."},
            "stamp": _STAMP,
            "steps": {"type": "array", "items": step, "description": "What is done to each record, in order."},
            "examples": {"type": "array", "items": _EXAMPLE, "description": "Documents that `validate` runs."},
        },
        "required": ["collection", "prefix", "from", "to", "steps"],
        "additionalProperties": False,
    }


def spec_schema() -> dict[str, Json]:
    """The JSON Schema of the spec language, for editors."""
    steps = {name: operation_schema(operation) for name, operation in all_operations().items()}
    steps["do"] = block_schema(_STEP) | {"anyOf": [{"required": ["at"]}, {"required": ["where"]}]}
    return {
        "$schema": DIALECT,
        "title": "migrate-spec: one version step of one collection",
        **top_schema(_STEP),
        "$defs": {"step": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in steps]}, **steps, **DEFINITIONS},
    }


def block_schema(step: Json) -> dict[str, Json]:
    """The JSON Schema of several steps inside one part of the document, or under one condition."""
    do = {"type": "array", "items": step, "minItems": 1, "description": "Steps, each inside what `at` names."}
    return {
        "type": "object",
        "properties": {"do": do, **_STEP_KEYS},
        "required": ["do"],
        "additionalProperties": False,
    }


def key_of(field: dataclasses.Field[Any]) -> str:
    """The key of a dataclass's field in a spec: ``else`` for ``else_``, which Python keeps for itself."""
    return field.name.removesuffix("_")


@cache
def operation_schema(operation: type[Operation]) -> dict[str, Json]:
    """The JSON Schema of a step with this operation."""
    argument, *options = dataclasses.fields(operation)  # type: ignore[arg-type]  # each operation is a dataclass
    hints = get_type_hints(operation, include_extras=True)
    words = inspect.cleandoc(operation.__doc__ or "")
    properties = {operation.name(): _schema_of(hints[argument.name]) | {"description": words}}
    for option in options:
        properties[key_of(option)] = _schema_of(hints[option.name])
        if option.default is not None:
            properties[key_of(option)] |= {"default": option.default}
    return {
        "type": "object",
        "properties": properties | _STEP_KEYS,
        "required": [operation.name()],
        "additionalProperties": False,
    }


_SIMPLE: dict[Any, dict[str, Json]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
    Path: _TEXT,
    Pattern: {"type": "string"},
    Replacement: {"type": "string"},
    Condition: {"$ref": "#/$defs/condition"},
    Step: _STEP,
}


def _schema_of(hint: Any) -> dict[str, Json]:  # noqa: PLR0911 - one kind of annotation a line
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return _schema_of(inner[0])
    if kind is Literal:
        return {"enum": list(inner)}
    if kind in {Union, types.UnionType}:
        parts = [_schema_of(part) for part in inner if part is not type(None)]
        return parts[0] if len(parts) == 1 else {"anyOf": parts}
    if kind is Table:
        pair = {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{}, _schema_of(inner[0])]}
        by_key = {"type": "object", "additionalProperties": _schema_of(inner[0])}
        return {"anyOf": [by_key, {"type": "array", "items": pair}]}
    if kind is not None and issubclass(kind, Mapping):
        return {"type": "object", "minProperties": 1, "additionalProperties": _schema_of(inner[1])}
    if kind is not None and issubclass(kind, Sequence):
        least = {} if inner[0] is Step else {"minItems": 1}  # no steps are a way of doing nothing
        return {"type": "array", **least, "items": _schema_of(inner[0])}
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    return _options_schema(hint) if dataclasses.is_dataclass(hint) else {}


def _options_schema(kind: Any) -> dict[str, Json]:
    hints = get_type_hints(kind, include_extras=True)
    fields = dataclasses.fields(kind)
    return {
        "type": "object",
        "properties": {key_of(field): _schema_of(hints[field.name]) for field in fields},
        "required": [key_of(field) for field in fields if field.default is dataclasses.MISSING],
        "additionalProperties": False,
    }
