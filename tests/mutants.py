"""Specs that are wrong in a small way, made of specs that are right: the mistakes that their authors could have made.

A mutant is made of what a spec says: the text is read, one thing is changed, and what comes out is written as text
again, so that it goes through the same reader. The same mutants come of the same spec, in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from migrate_spec.operations import all_operations
from migrate_spec.yaml_nodes import Node, ScalarKey
from migrate_spec.yaml_text import parse

__all__ = ["Mutant", "mutants", "without_examples"]

Pointer = tuple[str | int, ...]
Change = tuple[str, Pointer, str, Any]
"""A kind of mistake, where it is made, in words what becomes of it, and the whole spec then."""

MOVING = {"rename", "move", "copy"}
"""Operations whose entries lead from one name to another."""
FILLING = {"add", "default", "set"}
"""Operations whose entries are values."""
OPTIONS: dict[str, list[Any]] = {
    "if_exists": ["fail", "keep", "replace"],
    "else": ["fail", "keep", "absent"],
    "on_error": ["fail", "keep"],
    "on_many": ["fail", "first", "last"],
    "on_conflict": ["fail", "first", "last"],
    "ambiguous": ["fail", "accept"],
    "also_null": [False, True],
    "prune": [False, True],
    "keep_key": [False, True],
    "reverse": [],
    "absent": [],
    "restore": [],
    "order_by": [],
    "scale": [],
    "round": [],
}
"""Options, each with what it can say; one that has none of these is left out, and no more."""
KINDS = ["integer", "string", "boolean", "number"]
"""What a conversion can be said to be from and to."""


@dataclass(frozen=True)
class Mutant:
    """A spec with one mistake.

    Attributes:
        kind: what kind of mistake it is.
        where: the place in the spec, as a JSON pointer.
        what: what was done there, in words.
        text: the spec.
    """

    kind: str
    where: str
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {self.where}: {self.what}"


def mutants(text: str) -> list[Mutant]:
    """All mutants of a spec; none of them says the same as the spec or another mutant.

    Args:
        text: the spec.
    """
    content = _content(text)
    known = {_written(content)}
    found = []
    for kind, pointer, what, changed in _changes(content):
        written = _written(changed)
        if written not in known:
            known.add(written)
            found.append(Mutant(kind, "/" + "/".join(map(str, pointer)), what, _lines(changed)))
    return found


def without_examples(text: str) -> str:
    """A spec without its examples."""
    return _lines({key: part for key, part in _content(text).items() if key != "examples"})


# ------------------------------------------------------------------------------------------ what a spec says


def _content(text: str) -> Any:
    node, faults = parse(text, "")
    assert node is not None
    assert not faults
    return _plain(node)


def _plain(node: Node) -> Any:
    """A value in which a key that is no text is still none."""
    if isinstance(node.value, dict):
        return {key: _plain(part) for key, part in node.value.items()}
    return [_plain(part) for part in node.value] if isinstance(node.value, list) else node.value


def _lines(content: dict[str, Any]) -> str:
    return "".join(f"{key}: {_written(part)}\n" for key, part in content.items())


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return str(key) if isinstance(key, ScalarKey) else json.dumps(key, ensure_ascii=False)


def _in_order(value: dict[str, Any], *names: str) -> list[str]:
    """The names of an object that are among others, in its order."""
    return [name for name in value if name in names]


def _at(value: Any, pointer: Pointer) -> Any:
    for key in pointer:
        value = value[key]
    return value


def _with(value: Any, pointer: Pointer, new: Any) -> Any:
    """A value with another one at a place."""
    if not pointer:
        return new
    first, *rest = pointer
    inside = _with(value[first], tuple(rest), new)
    if isinstance(value, dict):
        return {key: inside if key == first else part for key, part in value.items()}
    return [inside if index == first else part for index, part in enumerate(value)]


def _without(value: Any, pointer: Pointer) -> Any:
    """A value without what is at a place."""
    *way, last = pointer
    parent = _at(value, tuple(way))
    kept: Any = [part for index, part in enumerate(parent) if index != last]
    if isinstance(parent, dict):
        kept = {key: part for key, part in parent.items() if key != last}
    return _with(value, tuple(way), kept)


def _swapped(value: Any, pointer: Pointer, one: str | int, other: str | int) -> Any:
    """A value in which two parts of what is at a place have changed places."""
    parent = _at(value, pointer)
    return _with(_with(value, (*pointer, one), parent[other]), (*pointer, other), parent[one])


def _renamed(value: Any, pointer: Pointer, new: str) -> Any:
    """A value with another name for what is at a place."""
    *way, last = pointer
    parent = _at(value, tuple(way))
    return _with(value, tuple(way), {new if key == last else key: part for key, part in parent.items()})


# ------------------------------------------------------------------------------------------------- mistakes


def _changes(content: Any) -> Iterator[Change]:
    yield from _of_steps(content, ("steps",))


def _of_steps(content: Any, pointer: Pointer) -> Iterator[Change]:
    """Mistakes in a list of steps, and in each of them."""
    steps = _at(content, pointer)
    for index in range(len(steps)):
        yield "step dropped", (*pointer, index), "left out", _without(content, (*pointer, index))
    for index in range(len(steps) - 1):
        swapped = _swapped(content, pointer, index, index + 1)
        yield "steps in the wrong order", (*pointer, index), "after the next", swapped
    for index in range(len(steps)):
        yield from _of_step(content, (*pointer, index))


def _of_step(content: Any, pointer: Pointer) -> Iterator[Change]:
    step = _at(content, pointer)
    yield from _of_where(content, pointer, step)
    yield from _of_options(content, pointer)
    for inner in ("do", "else"):
        if isinstance(step.get(inner), list):
            yield from _of_steps(content, (*pointer, inner))
    for operation in _in_order(step, *all_operations()):
        if operation == "switch":
            yield from _of_switch(content, (*pointer, "switch"))
        elif operation != "assert":
            yield from _of_operation(content, (*pointer, operation), operation)


def _of_where(content: Any, pointer: Pointer, step: dict[str, Any]) -> Iterator[Change]:
    """Mistakes in ``at`` and ``where``."""
    if "at" in step:
        yield from _of_path(content, (*pointer, "at"))
        higher = _higher(step["at"])
        changed = _with(content, (*pointer, "at"), higher) if higher else _without(content, (*pointer, "at"))
        yield "a level too high", (*pointer, "at"), higher or "left out", changed
    if "where" in step:
        where = (*pointer, "where")
        yield "condition dropped", where, "left out", _without(content, where)
        yield "condition negated", where, "not", _with(content, where, {"not": step["where"]})
        for key in [key for key in step["where"] if key not in {"all", "any", "not"}]:
            yield from _of_key(content, (*where, key))
            if len(step["where"]) > 1:
                yield "condition dropped", (*where, key), "left out", _without(content, (*where, key))


def _of_options(content: Any, pointer: Pointer) -> Iterator[Change]:
    """Options that are left out, or say something else; also such as stand at one of the entries."""
    for place, value in _objects(_at(content, pointer), pointer):
        for name, possible in OPTIONS.items():
            if name in value and not (name == "else" and isinstance(value[name], list)):
                option = (*place, name)
                yield "option dropped", option, "left out", _without(content, option)
                for other in possible:
                    changed = _with(content, option, other)
                    yield "option changed", option, f"{other}", changed
                if name in {"else", "restore"}:
                    yield from _of_value(content, option)
                if name == "reverse" and isinstance(value[name], dict) and "pattern" not in value[name]:
                    yield from _of_table(content, option)


def _objects(step: Any, pointer: Pointer) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """A step and the entries of its operation, as far as they are objects in which options can stand."""
    yield pointer, step
    for operation in _in_order(step, *(set(all_operations()) - {"switch", "map", "assert"} - FILLING)):
        if isinstance(step[operation], dict):
            yield from (
                ((*pointer, operation, key), entry) for key, entry in step[operation].items() if isinstance(entry, dict)
            )


def _of_switch(content: Any, pointer: Pointer) -> Iterator[Change]:
    switch = _at(content, pointer)
    yield from _of_path(content, (*pointer, "on"))
    if isinstance(switch["cases"], dict):
        yield from _of_table(content, (*pointer, "cases"), steps=True)
        for key in switch["cases"]:
            yield from _of_steps(content, (*pointer, "cases", key))
    if isinstance(switch.get("else"), list):
        yield from _of_steps(content, (*pointer, "else"))


def _of_operation(content: Any, pointer: Pointer, operation: str) -> Iterator[Change]:
    """Mistakes in what stands under the name of an operation."""
    argument = _at(content, pointer)
    if isinstance(argument, list):
        yield from _of_names(content, pointer)
        return
    if not isinstance(argument, dict):
        yield from _of_path(content, pointer)
        return
    if len(argument) > 1:
        for key in argument:
            yield "entry dropped", (*pointer, key), "left out", _without(content, (*pointer, key))
    if operation in MOVING | FILLING:
        keys = list(argument)
        for one, other in pairwise(keys):
            yield "two swapped", (*pointer, one), f"with {other}", _swapped(content, pointer, one, other)
    for key in argument:
        yield from _of_key(content, (*pointer, key))
        yield from _of_entry(content, (*pointer, key), operation)


def _of_entry(content: Any, pointer: Pointer, operation: str) -> Iterator[Change]:
    """Mistakes in one entry of an operation."""
    entry = _at(content, pointer)
    if operation in FILLING:
        yield from _of_value(content, pointer)
        for key in entry if isinstance(entry, dict) else ():
            yield "entry dropped", (*pointer, key), "left out", _without(content, (*pointer, key))
            yield from _of_key(content, (*pointer, key))
            yield from _of_value(content, (*pointer, key))
    elif operation in MOVING:
        yield from _of_path(content, pointer)
    elif operation == "map" and isinstance(entry, dict):
        yield from _of_table(content, pointer)
    elif isinstance(entry, list):
        yield from _of_names(content, pointer)
    elif isinstance(entry, dict):
        yield from _of_facts(content, pointer, operation)


def _of_facts(content: Any, pointer: Pointer, operation: str) -> Iterator[Change]:
    """Mistakes in an entry that is an object of facts, such as what a conversion is from and to."""
    entry = _at(content, pointer)
    for key in _in_order(entry, "from", "into"):
        if isinstance(entry[key], list):
            yield from _of_names(content, (*pointer, key), in_order=True)
    if operation == "convert":
        yield "conversion changed", pointer, "the other way", _swapped(content, pointer, "from", "to")
        for key in ("from", "to"):
            for other in KINDS:
                yield "conversion changed", (*pointer, key), other, _with(content, (*pointer, key), other)
    for key in _in_order(entry, "key", "value", "order_by") if operation in {"to_map", "to_list"} else ():
        yield from _of_path(content, (*pointer, key))
    for key in _in_order(entry, "template", "with", "by", "pattern"):
        yield "text changed", (*pointer, key), "a letter less", _with(content, (*pointer, key), _shorter(entry[key]))
    if "table" in entry:
        yield from _of_table(content, (*pointer, "table"))


def _of_names(content: Any, pointer: Pointer, *, in_order: bool = False) -> Iterator[Change]:
    """Mistakes in a list of names."""
    names = _at(content, pointer)
    for index, name in enumerate(names):
        if len(names) > 1:
            yield "entry dropped", (*pointer, index), f"{name} left out", _without(content, (*pointer, index))
        if isinstance(name, str):
            yield from _of_path(content, (*pointer, index))
    for index in range(len(names) - 1) if in_order else ():
        yield "two swapped", (*pointer, index), "with the next", _swapped(content, pointer, index, index + 1)


def _of_table(content: Any, pointer: Pointer, *, steps: bool = False) -> Iterator[Change]:
    """Mistakes in a table."""
    table = _at(content, pointer)
    keys = list(table)
    for index, key in enumerate(keys):
        row, other = (*pointer, key), keys[index - 1]
        yield "row forgotten", row, "left out", _without(content, row)
        if isinstance(key, str) and not isinstance(key, ScalarKey):
            yield "key of a row changed", row, "a letter less", _renamed(content, row, _shorter(key))
        yield "value of a row wrong", row, f"that of {other}", _with(content, row, table[other])
        if not steps:
            yield "value of a row wrong", row, "changed a little", _with(content, row, _altered(table[key]))


def _of_value(content: Any, pointer: Pointer) -> Iterator[Change]:
    """A value of another type."""
    for other in _others(_at(content, pointer)):
        yield "type changed", pointer, json.dumps(other), _with(content, pointer, other)


def _of_key(content: Any, pointer: Pointer) -> Iterator[Change]:
    """Mistakes in a path that is the name of an entry."""
    path = str(pointer[-1])
    for kind, other in _wrong_paths(path):
        yield kind, pointer, f"as {other}", _renamed(content, pointer, other)


def _of_path(content: Any, pointer: Pointer) -> Iterator[Change]:
    """Mistakes in a path."""
    for kind, other in _wrong_paths(_at(content, pointer)):
        if pointer[-1] != "at" or kind == "misspelled":
            yield kind, pointer, other, _with(content, pointer, other)


def _wrong_paths(path: str) -> Iterator[tuple[str, str]]:
    """A path with a letter of its last name left out; and the same name where its parent stands."""
    head, dot, name = path.rpartition(".")
    bare = name.rstrip("[]*")
    if (len(bare) > 1 and bare.isidentifier()) or "/" in bare:
        yield "misspelled", head + dot + _shorter(bare) + name[len(bare) :]
    if dot and bare.isidentifier():
        yield "a level too high", f"{_higher(head)}.{name}" if _higher(head) else name


def _higher(path: str) -> str:
    """The place around a place; empty for the document."""
    if path.endswith("[]"):
        return path.removesuffix("[]")
    return path.rpartition(".")[0]


def _shorter(text: str) -> str:
    """A text without one of its letters: the one in the middle."""
    middle = len(text) // 2
    return text[:middle] + text[middle + 1 :]


def _altered(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return _shorter(value)
    return value + 1 if isinstance(value, int | float) else value


def _others(value: Any) -> Sequence[Any]:
    """Values of other types that an author could take for the right one."""
    if isinstance(value, bool):
        return [json.dumps(value), None]
    if isinstance(value, int | float):
        return ["", None]
    if isinstance(value, str):
        return [None] if value in {"fail", "keep", "absent"} else [0, None]
    if isinstance(value, list):
        return [{}, None]
    return ["", 0] if value is None else [[], None]
