"""The reader of what a step is made of: paths, patterns, templates, and values that mean themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.errors import Fault, PathError, Place, TemplateError
from migrate_spec.path import Definition, Name, Path
from migrate_spec.pattern import Pattern
from migrate_spec.templates import Template
from migrate_spec.yaml_nodes import Node

__all__ = ["distinct", "odd_keys", "read_literal", "read_path", "read_pattern", "read_place", "read_template"]

_NOTHING = Node(None, Place(""), {})


def read_path(node: Node, faults: list[Fault]) -> Path | None:
    """Read a path; ``None`` and a fault where it is none."""
    try:
        return Path.parse(node.value, node.place)
    except PathError as error:
        faults.append(error.fault)
        return None


def read_literal(node: Node, faults: list[Fault]) -> Json:
    """Read a value that means itself."""
    faults.extend(node.odd_keys())
    return node.plain()


def read_place(node: Node, faults: list[Fault], *, field: bool) -> Path | None:
    """Read a path that an operation works on; one that ends in a name, where it must be a field."""
    path = read_path(node, faults)
    if path is None:
        return None
    found = f"the path {node.value!r} was found"
    if isinstance(path.segments[0], Definition):
        remedy = f"write `at: {path.segments[0]!s}` and the rest here"
        faults.append(Fault(found, "a path that begins with a name was expected", remedy, node.place, "path-invalid"))
    elif field and not isinstance(path.last, Name):
        faults.append(Fault(found, "a path that ends in a name was expected", "", node.place, "path-invalid"))
    return path


def read_pattern(node: Node, faults: list[Fault]) -> Pattern:
    """Read a regular expression; a fault where it is none."""
    pattern = Pattern(node.value, node.place)
    fault = pattern.fault()
    faults.extend([fault] if fault else [])
    return pattern


def read_template(node: Node, faults: list[Fault]) -> Template | None:
    """Read a template; ``None`` and a fault where it is none."""
    try:
        return Template.parse(node.value, node.place)
    except TemplateError as error:
        faults.append(error.fault)
        return None


def odd_keys(node: Node) -> Iterator[Fault]:
    """The faults of keys that are no texts, of the object itself and not of what is in it."""
    return Node(dict.fromkeys(node.value, _NOTHING), node.place, node.keys).odd_keys()


def distinct(pairs: Sequence[tuple[Any, Any]], faults: list[Fault]) -> dict[Any, Any]:
    """The pairs as a dictionary; the same path written in two ways is a fault."""
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found and key is not None:
            words = f"the path {str(key)!r} was found again"
            faults.append(Fault(words, "each path was expected once", "", getattr(key, "place", None), "duplicate-key"))
        found[key] = value
    return found
