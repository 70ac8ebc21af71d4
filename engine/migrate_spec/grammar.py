"""The spec language as a JSON Schema, read off the operations' annotations."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from migrate_spec.accepting import BOUND
from migrate_spec.codec import Json
from migrate_spec.condition import FORMATS, TYPES, Condition
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.findings import FINDINGS
from migrate_spec.hooks import Hook
from migrate_spec.operation import Operation, Table
from migrate_spec.operations import all_operations
from migrate_spec.path import Path
from migrate_spec.pattern import Pattern, Replacement
from migrate_spec.prose import attributes, prose, sentences
from migrate_spec.record_operation import RecordOperation
from migrate_spec.record_operations import all_record_operations
from migrate_spec.schema import DIALECT, Schema
from migrate_spec.step import Step
from migrate_spec.templates import Template

__all__ = [
    "block_judge",
    "block_schema",
    "fix_judge",
    "hints_of",
    "key_of",
    "operation_judge",
    "operation_schema",
    "schema_of",
    "spec_judge",
    "spec_schema",
    "top_schema",
]

_STEP: dict[str, Json] = {"$ref": "#/$defs/step"}
_TEXT: dict[str, Json] = {"type": "string", "minLength": 1}


def _allow(*, at_step: bool) -> dict[str, Json]:
    """The schema of ``allow`` at a step, or at the top of a spec."""
    wanted = {"step"} if at_step else {"step", "spec"}
    codes = {code: finding for code, finding in FINDINGS.items() if finding.allow in wanted}
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {
            code: {"type": "string", "minLength": 1, "description": f"Why this is right: {finding.words}"}
            for code, finding in codes.items()
        },
        "additionalProperties": False,
        "description": "Findings of `validate` that are right here, each with the reason.",
    }


_STEP_KEYS: dict[str, Json] = {
    "at": _TEXT
    | {"description": "The objects in which the step works: a path, or `#/$defs/Name` for each Name of the schema."},
    "where": {"$ref": "#/$defs/condition", "description": "Which documents, or objects under `at`, the step is about."},
    "note": {"type": "string", "description": "A remark; it means nothing."},
    "allow": _allow(at_step=True),
    "forget": {
        "type": "boolean",
        "description": "Whether what the step takes from a document is forgotten, as personal data may have to be: it "
        "is not kept for the way back. Inside of another step, this is so for all that the outermost one takes.",
    },
}

_RECORD_STEP_KEYS: dict[str, Json] = {"note": _STEP_KEYS["note"]}

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
    "eq": {"type": ["string", "number", "boolean", "null", "array", "object"]}
    | {"description": "It is this value, of the same type."},
    "in": {"type": "array", "minItems": 1, "description": "It is one of these values."},
    "exists": {"type": "boolean", "description": "It is there, or it is not; null is there."},
    "type": {"anyOf": [_TYPE, {"type": "array", "minItems": 1, "items": _TYPE}], "description": "It is of this type."},
    "gt": _COMPARED | {"description": "It is greater than this number, or behind this text."},
    "ge": _COMPARED | {"description": "It is this number or greater, or this text or behind it."},
    "lt": _COMPARED | {"description": "It is less than this number, or before this text."},
    "le": _COMPARED | {"description": "It is this number or less, or this text or before it."},
    "format": {"enum": list(FORMATS), "description": "It is a text of this format, as JSON Schema has it."},
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


def _index_schema() -> dict[str, Json]:
    template = {"type": ["string", "null"], "description": "A key, with fields of the document in braces."}
    return {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"from": template, "to": template, "value": {"default": 1}},
                "required": ["from", "to"],
                "additionalProperties": False,
            },
        ]
    }


_ACCEPT: dict[str, Json] = {
    "type": "object",
    "properties": {
        "quarantined": {
            "type": ["integer", "string"],
            "description": "At most so many records of the collection, or such a share of them: `10` or `<= 0.1%`.",
        },
    },
    "required": ["quarantined"],
    "additionalProperties": False,
    "description": "How many records `apply --on-error quarantine` may set aside; without this, not all of them.",
}

INDEXES: dict[str, Json] = {
    "type": "object",
    "additionalProperties": _index_schema(),
    "description": "Keys that the program derives from its records: they follow when a record changes.",
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


@cache
def spec_judge() -> Schema:
    """What a whole spec must fit; its steps may be anything."""
    return Schema(top_schema({}, {}))


@cache
def operation_judge(operation: type[Operation | RecordOperation]) -> Schema:
    """What a step with this operation must fit; the steps inside it may be anything."""
    return Schema(_on_its_own(operation_schema(operation)))


@cache
def fix_judge() -> Schema:
    """What a fix must fit; its steps may be anything."""
    parts = top_schema({}, {})["properties"]
    properties = {name: parts[name] for name in ("collection", "description", "steps")}
    return Schema(
        {
            "type": "object",
            "properties": properties,
            "required": ["collection", "steps"],
            "additionalProperties": False,
        }
    )


@cache
def block_judge() -> Schema:
    """What several steps inside one part of the document must fit; each of them may be anything."""
    return Schema(_on_its_own(block_schema({})))


def _on_its_own(schema: dict[str, Json]) -> Json:
    return {**schema, "$defs": {**DEFINITIONS, "step": {}}}


def top_schema(step: Json, record_step: Json) -> dict[str, Json]:
    """The JSON Schema of a whole spec, with ``step`` for each step, and ``record_step`` for each after them."""
    return {
        "type": "object",
        "properties": {
            "collection": _TEXT | {"description": "The folder's name."},
            "prefix": {"type": "string", "description": "Its records are the keys that begin with it."},
            "column_family": _TEXT
            | {
                "default": DEFAULT_FAMILY,
                "description": "The column family of the database that its records are in. In one of its own, a "
                'collection may have the prefix "": then all records there are its own.',
            },
            "from": _VERSION | {"description": "The version this spec starts from."},
            "to": _VERSION | {"description": "The version it leads to: the next one."},
            "description": {"type": "string", "description": "What changes, in a sentence."},
            "stamp": _STAMP,
            "encoding": {
                "enum": ["json", "msgpack"],
                "default": "json",
                "description": "How the records are stored before this step.",
            },
            "indexes": INDEXES,
            "steps": {"type": "array", "items": step, "description": "What is done to each document, in order."},
            "records": {
                "type": "array",
                "items": record_step,
                "description": "What is done to whole records, after the steps.",
            },
            "downgrade": {
                "type": "object",
                "properties": {"refuse": _TEXT | {"description": "Why."}},
                "required": ["refuse"],
                "additionalProperties": False,
                "description": "That there is no way back from this step.",
            },
            "accept": _ACCEPT,
            "allow": _allow(at_step=False),
            "examples": {"type": "array", "items": _EXAMPLE, "description": "Documents that `validate` runs."},
        },
        "required": ["collection", "prefix", "from", "to", "steps"],
        "additionalProperties": False,
    }


def spec_schema() -> dict[str, Json]:
    """The JSON Schema of the spec language, for editors."""
    steps = {name: operation_schema(operation) for name, operation in all_operations().items()}
    steps["do"] = block_schema(_STEP) | {"anyOf": [{"required": ["at"]}, {"required": ["where"]}]}
    record_steps = {name: operation_schema(operation) for name, operation in all_record_operations().items()}
    top = top_schema(_STEP, {"$ref": "#/$defs/record_step"})
    # Who reads a spec says in plain words what is no bound; an editor has the pattern alone.
    bound = top["properties"]["accept"]["properties"]["quarantined"] | {"minimum": 0, "pattern": BOUND}
    top["properties"]["accept"] = _ACCEPT | {"properties": {"quarantined": bound}}
    return {
        "$schema": DIALECT,
        "description": "One version step of one collection, for migrate-spec.",
        **top,
        "$defs": {
            "step": _step_schema(list(steps), _STEP_KEYS),
            "record_step": _step_schema(list(record_steps), _RECORD_STEP_KEYS),
            **steps,
            **record_steps,
            **DEFINITIONS,
        },
    }


def _step_schema(names: Sequence[str], beside: Mapping[str, Json]) -> dict[str, Json]:
    """The JSON Schema of a step with any of these operations, so that an editor says what a person would say.

    With `anyOf` an editor offers the options of all operations where none is named yet, and calls a step without one a
    bad `add`. Whether one is named is asked by forbidding it, as editors pass over `required` where one still types.
    """
    named = [{"if": {"properties": {name: False}}, "else": {"$ref": f"#/$defs/{name}"}} for name in names]
    known = {name: {"$ref": f"#/$defs/{name}/properties/{name}"} for name in names}
    none_named = {
        "properties": {**known, **beside},
        "additionalProperties": False,
        "allOf": [{"enum": [], "errorMessage": "An operation was expected."}],  # VS Code's word for what nothing fits
    }
    return {
        "type": "object",
        "allOf": [*named, {"if": {"properties": dict.fromkeys(names, False)}, "then": none_named}],
    }


def block_schema(step: Json) -> dict[str, Json]:
    """The JSON Schema of several steps inside one part of the document, or under one condition."""
    do = {"type": "array", "items": step, "minItems": 1, "description": "Steps, each inside what `at` names."}
    otherwise = {
        "type": "array",
        "items": step,
        "description": "Steps where that under `where` does not hold.",
    }
    return {
        "type": "object",
        "properties": {"do": do, "else": otherwise, **_STEP_KEYS},
        "required": ["do"],
        "additionalProperties": False,
    }


def default_of(field: dataclasses.Field[Any]) -> Any:
    """What a dataclass's field is where a spec does not say it; ``MISSING`` where it must."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


@cache
def hints_of(kind: Any) -> Mapping[str, Any]:
    """What the fields of a dataclass are annotated with, by their names."""
    return get_type_hints(kind, include_extras=True)


def key_of(field: dataclasses.Field[Any]) -> str:
    """The key of a dataclass's field in a spec: ``else`` for ``else_``, which Python keeps for itself."""
    return field.name.removesuffix("_")


@cache
def operation_schema(operation: type[Operation | RecordOperation]) -> dict[str, Json]:
    """The JSON Schema of a step with this operation."""
    beside = _STEP_KEYS if issubclass(operation, Operation) else _RECORD_STEP_KEYS
    options = _properties(operation)
    argument = options.pop(next(iter(options)))
    words, example = prose(operation), inspect.cleandoc(operation.example)
    _explain({"properties": options, "items": argument}, sentences(words))
    # what VS Code shows of a description has no code in it
    words_with_code = {"description": words, "markdownDescription": f"{words}\n\n```yaml\n{example}\n```"}
    return {
        "type": "object",
        "properties": {operation.name(): argument | words_with_code, **options, **beside},
        "required": [operation.name()],
        "additionalProperties": False,
    }


def _explain(schema: Json, told: Sequence[str]) -> None:
    """Add to what a schema says of each key the sentences that name it."""
    keys = schema.get("properties", {})
    for key, part in keys.items():
        own = [part["description"]] if "description" in part else []
        words = [*own, *(sentence for sentence in told if re.search(rf"`{key}\b", sentence))]
        part.update({"description": " ".join(words)} if words else {})
    inside = [schema.get("items"), schema.get("additionalProperties"), *schema.get("prefixItems", ())]
    for part in (*keys.values(), *schema.get("anyOf", ()), *inside):
        if type(part) is dict:
            _explain(part, told)


_SIMPLE: dict[Any, dict[str, Json]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Path: _TEXT,
    Pattern: {"type": "string"},
    Replacement: {"type": "string"},
    Template: {"type": "string"},
    Hook: {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"},
    Condition: {"$ref": "#/$defs/condition"},
    Step: _STEP,
}


def schema_of(hint: Any) -> dict[str, Json]:  # noqa: PLR0911 - one kind of annotation a line
    """The JSON Schema of what a field of an operation is annotated with."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return schema_of(inner[0]) | {"description": inner[-1]}
    if kind is Literal:
        return {"enum": list(inner)}
    if kind in {Union, types.UnionType}:
        parts = [schema_of(part) for part in inner if part is not type(None)]
        return parts[0] if len(parts) == 1 else {"anyOf": parts}
    if kind is Table:
        pair = {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{}, schema_of(inner[0])]}
        by_key = {"type": "object", "additionalProperties": schema_of(inner[0])}
        return {"anyOf": [by_key, {"type": "array", "items": pair}]}
    if kind is not None and issubclass(kind, Mapping):
        return {"type": "object", "minProperties": 1, "additionalProperties": schema_of(inner[1])}
    if kind is not None and issubclass(kind, Sequence):
        least = {} if inner[0] is Step else {"minItems": 1}  # no steps are a way of doing nothing
        return {"type": "array", **least, "items": schema_of(inner[0])}
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    return _options_schema(hint) if dataclasses.is_dataclass(hint) else {}


def _options_schema(kind: Any) -> dict[str, Json]:
    schema = {
        "type": "object",
        "properties": _properties(kind),
        "required": [key_of(field) for field in dataclasses.fields(kind) if default_of(field) is dataclasses.MISSING],
        "additionalProperties": False,
    }
    _explain(schema, sentences(prose(kind)))
    return schema


def _properties(kind: Any) -> dict[str, Json]:
    """The schema of each field of a dataclass, by its key in a spec, with its default and what its docstring says."""
    hints, told, properties = hints_of(kind), attributes(kind), {}
    for field in dataclasses.fields(kind):
        default = {} if field.default in {dataclasses.MISSING, None, ()} else {"default": field.default}
        words = {"description": told[field.name]} if field.name in told else {}
        properties[key_of(field)] = schema_of(hints[field.name]) | default | words
    return properties
