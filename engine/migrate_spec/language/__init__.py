"""The reader of the spec language: nodes of YAML → steps, operations and conditions, or what is wrong with them."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from migrate_spec.condition import ITSELF, Condition
from migrate_spec.document import ABSENT, describe
from migrate_spec.errors import Fault
from migrate_spec.grammar import block_judge, default_of, hints_of, key_of, operation_judge
from migrate_spec.hooks import Hook
from migrate_spec.language.conditions import nameless, read_condition
from migrate_spec.language.misfits import faults_of
from migrate_spec.language.parts import (
    distinct,
    odd_keys,
    read_literal,
    read_path,
    read_pattern,
    read_place,
    read_template,
)
from migrate_spec.language.telling import to_json
from migrate_spec.operation import Field, ObjectPath, Operation, Table
from migrate_spec.operations import all_operations
from migrate_spec.path import Path
from migrate_spec.pattern import Pattern, Replacement
from migrate_spec.record_operation import Index, RecordOperation
from migrate_spec.record_operations import all_record_operations
from migrate_spec.schema import Schema, did_you_mean
from migrate_spec.step import Step
from migrate_spec.templates import Template
from migrate_spec.yaml_nodes import Node, ScalarKey

__all__ = [
    "faults_of",
    "read_indexes",
    "read_literal",
    "read_operation",
    "read_path",
    "read_record_operations",
    "read_steps",
    "to_json",
]

_AN_OBJECT = Schema({"type": "object"})


def read_steps(nodes: Sequence[Node], faults: list[Fault]) -> tuple[Step, ...]:
    """Read steps; those that have a fault are left out."""
    return tuple(step for step in (read_step(node, faults) for node in nodes) if step is not None)


def read_step(node: Node, faults: list[Fault]) -> Step | None:
    """Read a step; ``None`` and faults where it is none."""
    operations = all_operations()
    named = _named(node, [*operations, "do"], faults)
    if named is None:
        return None
    begin = len(faults)
    body: Operation | tuple[Step, ...] | None
    if named == "do":
        body = _read_block(node, faults)
    else:
        body, more = read_operation(operations[named], node)
        faults.extend(more)
    parts = node.value
    at = (
        read_path(parts["at"], faults)
        if "at" in parts and type(parts["at"].value) is str and parts["at"].value
        else None
    )
    where = None
    if "where" in parts and len(faults) == begin:
        where = read_condition(parts["where"], faults)
        faults.extend(nameless(where, parts["where"]))
    if len(faults) > begin or body is None:
        return None
    other = parts["else"].value if named == "do" and "else" in parts else ()
    step = Step(body, at, where, read_steps(other, faults), fails=_fails(named, body, node), place=node.place)
    step = dataclasses.replace(step, **{key: parts[key].plain() for key in ("note", "allow", "forget") if key in parts})
    faults.extend(_otherwise_faults(step, node))
    return step if len(faults) == begin else None


def _fails(named: str, body: Operation | tuple[Step, ...], node: Node) -> bool:
    """Whether a step says in so many words that it refuses documents."""
    return named == "assert" or (isinstance(body, Operation) and _says_fail(body, node, named))


def _says_fail(options: Any, node: Node, first_key: str | None = None) -> bool:
    """Whether options say in so many words that documents are refused, which they do unless told otherwise."""
    for index, option in enumerate(dataclasses.fields(options)):
        value = getattr(options, option.name)
        part = node.value.get(key_of(option) if index or first_key is None else first_key)
        if part is None:
            continue
        if value == "fail" == default_of(option):
            return True
        pairs = [(value, part)]
        if isinstance(value, Mapping) and type(part.value) is dict:
            pairs = list(zip(value.values(), part.value.values(), strict=True))
        if any(
            _is_options(type(one)) and type(inside.value) is dict and _says_fail(one, inside) for one, inside in pairs
        ):
            return True
    return False


def _read_block(node: Node, faults: list[Fault]) -> tuple[Step, ...]:
    faults.extend(faults_of(block_judge(), node))
    if not {"at", "where"} & node.value.keys():
        found, remedy = "`do` alone was found", "write the steps one after the other"
        faults.append(Fault(found, "`at` or `where` was expected beside it", remedy, node.keys["do"], "do-alone"))
    do = node.value["do"].value
    return read_steps(do if type(do) is list else [], faults)


def _otherwise_faults(step: Step, node: Node) -> Iterator[Fault]:
    """What is wrong with an ``else``: on the way back it must be known which of the two was done."""
    if "else" in node.value and type(step.body) is tuple and step.where is None:
        found = "`else` without `where` was found"
        yield Fault(found, "a condition was expected beside it", "", node.keys["else"], "else-alone")
    if step.otherwise and step.moves_its_ground:
        yield Fault(
            "steps that alter what `where` asks for were found beside `else`",
            "the condition was expected to hold afterwards where it did before, or it is unknown what to undo",
            "alter that in a step of its own, after this one",
            node.keys["else"],
            "where-altered",
        )


def _named(node: Node, known: Collection[str], faults: list[Fault]) -> str | None:
    """The one operation that a step names; ``None`` and a fault where it names another number of them."""
    if type(node.value) is not dict:
        faults.extend(faults_of(_AN_OBJECT, node))
        return None
    named: list[str] = [key for key in node.value if key in known]
    if len(named) == 1:
        return named[0]
    faults.append(_not_one(node, named, known))
    return None


def _not_one(node: Node, named: Sequence[str], known: Collection[str]) -> Fault:
    if named:
        place = node.keys[named[1]]
        found = f"{' and '.join(named)} were found in one step"
        return Fault(found, "one operation was expected", "write a step for each", place, "step-operations")
    for key, place in node.keys.items():
        near = did_you_mean(key, known)
        if near:
            found = f"the unknown operation {key!r} was found"
            return Fault(found, "an operation was expected", near, place, "unknown-operation")
    keys = ", ".join(repr(str(key)) for key in node.value) or "nothing"
    remedy = "docs/operations.md lists the operations"
    return Fault(f"a step with {keys} was found", "an operation was expected", remedy, node.place, "unknown-operation")


def read_operation(operation: type[Operation | RecordOperation], node: Node) -> tuple[Any, list[Fault]]:
    """Read a step's operation, on documents or on records, and its options.

    Returns:
        The operation, or ``None``, and all that is wrong with it.
    """
    faults = list(faults_of(operation_judge(operation), node))
    if faults:
        return None, faults
    made = _read_fields(operation, operation.name(), node, faults)
    if not faults:
        argument = getattr(made, dataclasses.fields(operation)[0].name)  # type: ignore[arg-type]  # each operation is a dataclass
        faults += nameless(argument, node) if isinstance(argument, Condition) else ()
        faults += (fault.placed(node.place) for fault in made.check())
    return (None if faults else made), faults


def read_record_operations(nodes: Sequence[Node], faults: list[Fault]) -> tuple[RecordOperation, ...]:
    """Read the operations on records; those that have a fault are left out."""
    found: list[RecordOperation] = []
    operations = all_record_operations()
    for node in nodes:
        named = _named(node, operations, faults)
        if named is not None:
            made, more = read_operation(operations[named], node)
            faults.extend(more)
            found += [made] if made is not None else []
    return tuple(found)


def read_indexes(node: Node, faults: list[Fault]) -> dict[str, Index]:
    """Read the indexes of a spec, which fit their schema."""
    found: dict[str, Index] = {}
    for name, part in node.value.items():
        begin = len(faults)
        index = _read(Template | Index, part, faults)
        if len(faults) == begin:
            index = index if isinstance(index, Index) else Index(index, index)
            faults.extend(fault.placed(part.place) for fault in index.faults())
            found[name] = index
    return found


def _read_fields(kind: Any, first_key: str | None, node: Node, faults: list[Fault]) -> Any:
    """A dataclass from an object that fits its schema; ``first_key`` is another key of its first field."""
    hints, fields = hints_of(kind), dataclasses.fields(kind)
    keys = {field.name: key_of(field) for field in fields}
    if first_key is not None:
        keys[fields[0].name] = first_key
    given = {name: node.value[key] for name, key in keys.items() if key in node.value}
    begin = len(faults)
    values = {name: _read(hints[name], part, faults) for name, part in given.items()}
    return kind(**values) if len(faults) == begin else None


def _read(hint: Any, node: Node, faults: list[Fault]) -> Any:  # noqa: PLR0911 - one kind of annotation a line
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated and inner[0] is not Path:
        return _read(inner[0], node, faults)
    if kind in {Union, types.UnionType}:
        return _read(_alternative(inner, node), node, faults)
    if hint is Path or kind is Annotated:
        return ITSELF if node.value == "." and _OBJECT in inner else read_place(node, faults, field=_FIELD in inner)
    if hint is Condition:
        return read_condition(node, faults)
    if hint is Step:
        return read_step(node, faults)
    if hint in {Pattern, Template}:
        return read_pattern(node, faults) if hint is Pattern else read_template(node, faults)
    if hint in {Replacement, Hook}:
        return hint(node.value, node.place)
    if kind is not None and kind is not Literal:
        return _read_several(kind, inner, node, faults)
    if dataclasses.is_dataclass(hint):
        return _read_fields(hint, None, node, faults)
    return read_literal(node, faults)


_FIELD, _OBJECT = get_args(Field)[1], get_args(ObjectPath)[1]


def _alternative(hints: Sequence[Any], node: Node) -> Any:
    """The one of several annotations that a node is written for."""
    if node.value is None and type(None) in hints:
        return type(None)
    for hint in hints:
        kind = get_origin(hint)
        if type(node.value) is dict:
            fits = kind is Table or hint is Condition or _is_options(hint) or _is_collection(kind, Mapping)
        elif type(node.value) is list:
            fits = kind is Table or _is_collection(kind, Sequence)
        else:
            fits = not _is_options(hint) and not _is_collection(kind, Mapping) and not _is_collection(kind, Sequence)
            fits = fits and kind is not Table and (kind is not Literal or node.value in get_args(hint))
        if fits and hint is not type(None):
            return hint
    raise TypeError(hints)  # the schema has let pass what no annotation is for


def _is_options(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint) and hint not in {Path, Pattern, Replacement, Template, Hook, Condition, Step}


def _is_collection(kind: Any, wanted: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, wanted)


def _read_several(kind: Any, inner: Sequence[Any], node: Node, faults: list[Fault]) -> Any:
    """A table, a mapping or a sequence."""
    if kind is Table:
        return _read_table(inner[0], node, faults)
    if not issubclass(kind, Mapping):
        return tuple(_read(inner[0], part, faults) for part in node.value)
    faults.extend(odd_keys(node))
    pairs = [(_read(inner[0], Node(str(key), node.keys[key], {}), faults), part) for key, part in node.value.items()]
    return distinct([(key, _read(inner[1], part, faults)) for key, part in pairs], faults)


def _read_table(hint: Any, node: Node, faults: list[Fault]) -> Table[Any]:
    if type(node.value) is dict:
        keys = [key.value if isinstance(key, ScalarKey) else key for key in node.value]
        parts, places = list(node.value.values()), list(node.keys.values())
    else:
        keys = [read_literal(pair.value[0], faults) for pair in node.value]
        parts, places = [pair.value[1] for pair in node.value], [pair.place for pair in node.value]
    table = Table(tuple((key, _read(hint, part, faults)) for key, part in zip(keys, parts, strict=True)))
    for index, key in enumerate(keys):
        if Table(table.pairs[:index]).look_up()(key) is not ABSENT:
            found = f"{describe(key)} was found again in the table"
            faults.append(Fault(found, "each value was expected once", "", places[index], "duplicate-key"))
    return table
