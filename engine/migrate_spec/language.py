"""The spec language, read off the operations' annotations: its JSON Schema, and the reader of their arguments."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from migrate_spec.codec import Json
from migrate_spec.document import Name, Path
from migrate_spec.errors import Fault, PathError, Place
from migrate_spec.operation import Operation
from migrate_spec.operations import all_operations
from migrate_spec.schema import DIALECT, Mismatch, Schema
from migrate_spec.yaml_text import Node

__all__ = ["faults_of", "operation_schema", "read_operation", "read_path", "spec_schema", "to_json"]

_STEP_KEYS: dict[str, Json] = {
    "at": {"type": "string", "minLength": 1, "description": "The objects in which the operation works: a path."},
    "note": {"type": "string", "description": "A remark; it means nothing."},
}

_VERSION = {"type": "integer", "minimum": 1, "maximum": 4_294_967_295}

_STAMP = {
    "description": "The field that holds a record's version; null where records cannot carry one.",
    "anyOf": [
        {"type": "null"},
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "properties": {"path": {"type": "string", "minLength": 1}, "as": {"enum": ["integer", "string"]}},
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


def top_schema(step: Json) -> dict[str, Json]:
    """The JSON Schema of a whole spec, with ``step`` for each of its steps."""
    return {
        "type": "object",
        "properties": {
            "collection": {"type": "string", "minLength": 1, "description": "The folder's name."},
            "prefix": {"type": "string", "minLength": 1, "description": "Its records are the keys that begin with it."},
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
    steps["do"] = block_schema({"$ref": "#/$defs/step"})
    return {
        "$schema": DIALECT,
        "title": "migrate-spec: one version step of one collection",
        **top_schema({"$ref": "#/$defs/step"}),
        "$defs": {"step": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in steps]}, **steps},
    }


def block_schema(step: Json) -> dict[str, Json]:
    """The JSON Schema of several steps inside one part of the document."""
    do = {"type": "array", "items": step, "minItems": 1, "description": "Steps, each inside what `at` names."}
    return {
        "type": "object",
        "properties": {"do": do, **_STEP_KEYS},
        "required": ["at", "do"],
        "additionalProperties": False,
    }


@cache
def operation_schema(operation: type[Operation]) -> dict[str, Json]:
    """The JSON Schema of a step with this operation."""
    argument, *options = dataclasses.fields(operation)  # type: ignore[arg-type]  # each operation is a dataclass
    hints = get_type_hints(operation, include_extras=True)
    words = inspect.cleandoc(operation.__doc__ or "")
    properties = {operation.name(): _schema_of(hints[argument.name]) | {"description": words}}
    for option in options:
        properties[option.name] = _schema_of(hints[option.name]) | {"default": option.default}
    return {
        "type": "object",
        "properties": properties | _STEP_KEYS,
        "required": [operation.name()],
        "additionalProperties": False,
    }


_SIMPLE: dict[Any, dict[str, Json]] = {
    bool: {"type": "boolean"},
    str: {"type": "string"},
    Path: {"type": "string", "minLength": 1},
}


def _schema_of(hint: Any) -> dict[str, Json]:  # noqa: PLR0911 - one kind of annotation a line
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return _schema_of(inner[0])
    if kind is Literal:
        return {"enum": list(inner)}
    if kind in {Union, types.UnionType}:
        return {"anyOf": [_schema_of(part) for part in inner]}
    if kind is not None and issubclass(kind, Mapping):
        return {"type": "object", "minProperties": 1, "additionalProperties": _schema_of(inner[1])}
    if kind is not None and issubclass(kind, Sequence):
        return {"type": "array", "minItems": 1, "items": _schema_of(inner[0])}
    if dataclasses.is_dataclass(hint) and hint is not Path:
        return _options_schema(hint)
    return dict(_SIMPLE.get(hint, {}))


def _options_schema(kind: Any) -> dict[str, Json]:
    hints = get_type_hints(kind, include_extras=True)
    fields = dataclasses.fields(kind)
    return {
        "type": "object",
        "properties": {field.name: _schema_of(hints[field.name]) for field in fields},
        "required": [field.name for field in fields if field.default is dataclasses.MISSING],
        "additionalProperties": False,
    }


def read_operation(operation: type[Operation], node: Node) -> tuple[Operation | None, list[Fault]]:
    """Read a step's operation and its options.

    Returns:
        The operation, or ``None``, and all that is wrong with it.
    """
    faults = list(faults_of(operation_schema(operation), node))
    if faults:
        return None, faults
    hints = get_type_hints(operation, include_extras=True)
    argument, *options = dataclasses.fields(operation)  # type: ignore[arg-type]  # each operation is a dataclass
    given = {argument.name: node.value[operation.name()]}
    given |= {option.name: node.value[option.name] for option in options if option.name in node.value}
    values = {name: _read(hints[name], part, faults) for name, part in given.items()}
    if faults:
        return None, faults
    made = operation(**values)
    faults += made.check()
    return made, faults


def read_path(node: Node, faults: list[Fault]) -> Path | None:
    """Read a path; ``None`` and a fault where it is none."""
    return _path(node.value, node.place, faults)


def _path(text: str, place: Place, faults: list[Fault]) -> Path | None:
    try:
        return Path.parse(text, place)
    except PathError as error:
        faults.append(error.fault)
        return None


def _read(hint: Any, node: Node, faults: list[Fault]) -> Any:
    kind, inner = get_origin(hint), get_args(hint)
    if kind in {Union, types.UnionType}:
        wanted = Mapping if type(node.value) is dict else Sequence
        return _read(next(part for part in inner if issubclass(get_origin(part), wanted)), node, faults)
    if kind is not None and kind not in {Annotated, Literal} and issubclass(kind, Mapping):
        pairs = [(_read(inner[0], Node(key, node.keys[key], {}), faults), part) for key, part in node.value.items()]
        return _distinct([(key, _read(inner[1], part, faults)) for key, part in pairs], faults)
    if kind is not None and kind not in {Annotated, Literal} and issubclass(kind, Sequence):
        return tuple(_read(inner[0], part, faults) for part in node.value)
    if dataclasses.is_dataclass(hint) and hint is not Path:
        hints = get_type_hints(hint, include_extras=True)
        return hint(**{name: _read(hints[name], part, faults) for name, part in node.value.items()})  # type: ignore[operator]
    if hint is Path or (kind is Annotated and inner[0] is Path):
        path = read_path(node, faults)
        if path is not None and kind is Annotated and not isinstance(path.last, Name):
            found = f"the path {node.value!r} was found"
            faults.append(Fault(found, "a path that ends in a name was expected", "", node.place, "path-invalid"))
        return path
    return node.plain()


def _distinct(pairs: Sequence[tuple[Any, Any]], faults: list[Fault]) -> dict[Any, Any]:
    """The pairs as a dictionary; the same path written in two ways is a fault."""
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found and key is not None:
            words = f"the path {str(key)!r} was found again"
            faults.append(Fault(words, "each path was expected once", "", getattr(key, "place", None), "duplicate-key"))
        found[key] = value
    return found


def faults_of(schema: Json, node: Node) -> Iterator[Fault]:
    """Where a node does not fit a schema of the language, each at its own line and column."""
    judge, document = Schema(schema), node.plain()
    mismatches = [] if judge.is_valid(document) else judge.mismatches(document)
    yield from dict.fromkeys(fault for mismatch in mismatches for fault in _located(mismatch, node))


def _located(mismatch: Mismatch, node: Node) -> Iterator[Fault]:
    if mismatch.keyword == "anyOf":
        yield from _nearest(mismatch, node)
        return
    inside = node.at(list(mismatch.path))
    if mismatch.keyword == "required":  # one mismatch a name, none of which says its own
        for name in mismatch.argument:
            if name not in mismatch.value:
                yield dataclasses.replace(mismatch, argument=[name]).fault(inside.place, "spec-required")
        return
    if mismatch.keyword != "additionalProperties" or not isinstance(mismatch.value, dict):
        yield mismatch.fault(inside.place, f"spec-{mismatch.keyword}")
        return
    for extra in sorted(set(mismatch.value) - set(mismatch.properties)):
        known = {name: None for name in mismatch.properties if name not in mismatch.value}
        one = dataclasses.replace(mismatch, value={extra: None}, properties=tuple(known) or mismatch.properties)
        yield one.fault(inside.keys.get(extra, inside.place), "unknown-key")


def _nearest(mismatch: Mismatch, node: Node) -> Iterator[Fault]:
    """The faults of the alternative that was meant: the one whose type fits, else all types as one choice."""
    wrong = {inner.branch for inner in mismatch.context if inner.keyword == "type" and inner.path == mismatch.path}
    typed = [inner for inner in mismatch.context if inner.branch not in wrong]
    if typed:
        for inner in typed:
            yield from _located(inner, node)
        return
    wanted = [inner.argument for inner in mismatch.context if isinstance(inner.argument, str)]
    one = dataclasses.replace(mismatch, keyword="type", argument=wanted, context=())
    yield from _located(one, node)


def to_json(value: Any) -> Json:
    """An operation's argument or option as JSON, as a spec would say it in full."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
