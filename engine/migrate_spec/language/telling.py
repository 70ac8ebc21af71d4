"""From steps, operations and conditions back to the JSON that says them, one way for all spellings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.condition import ITSELF, Condition
from migrate_spec.grammar import default_of, key_of
from migrate_spec.hooks import Hook
from migrate_spec.operation import Operation, Table
from migrate_spec.path import Path
from migrate_spec.pattern import Pattern, Replacement
from migrate_spec.record_operation import RecordOperation
from migrate_spec.step import Step
from migrate_spec.templates import Template

__all__ = ["to_json"]


def to_json(value: Any) -> Json:  # noqa: PLR0911 - one kind of value a line
    """A step, an operation on records, or a part of one, as JSON: without remarks and what is so anyway."""
    if isinstance(value, Step):
        return _step_to_json(value)
    if isinstance(value, RecordOperation):
        return _operation_to_json(value)
    if isinstance(value, Path | Pattern | Replacement | Template | Hook):
        return _key(value)
    if isinstance(value, Condition):
        return value.to_json()
    if isinstance(value, Table):
        return [[key, to_json(part)] for key, part in value.pairs]
    if isinstance(value, Mapping):
        return {_key(key): to_json(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields_to_json(value)
    return value


def _key(value: Any) -> str:
    """A path or another text as a spec says it."""
    return "." if value == ITSELF else str(value)


def _step_to_json(step: Step) -> Json:
    shown: dict[str, Json] = {} if step.at is None else {"at": str(step.at)}
    shown |= {} if step.where is None else {"where": step.where.to_json()}
    if isinstance(step.body, tuple):
        return shown | {"do": to_json(step.body)} | ({"else": to_json(step.otherwise)} if step.otherwise else {})
    return shown | _operation_to_json(step.body)


def _operation_to_json(operation: Operation | RecordOperation) -> dict[str, Json]:
    argument, *_ = dataclasses.fields(operation)  # type: ignore[arg-type]  # each operation is a dataclass
    options = _fields_to_json(operation)
    return {operation.name(): options.pop(key_of(argument)), **options}


def _fields_to_json(value: Any) -> dict[str, Json]:
    # an option that says what is so anyway is left out: a later version with a further option reads the same text
    fields = [(field, getattr(value, field.name)) for field in dataclasses.fields(value)]
    return {key_of(field): to_json(given) for field, given in fields if given != default_of(field)}
