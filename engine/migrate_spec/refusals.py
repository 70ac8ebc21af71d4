"""Which refusals a spec names: a document that is refused so breaks no law, as its author decided it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as FilePath

from migrate_spec.codec import Json
from migrate_spec.compiler import RecordRefused
from migrate_spec.errors import Fault, PathError, Place
from migrate_spec.lints import allowed
from migrate_spec.path import Name, Path
from migrate_spec.schema import Schema
from migrate_spec.ways import Way
from migrate_spec.yaml_nodes import Node
from migrate_spec.yaml_text import parse

__all__ = ["is_allowed", "is_named", "names_of"]

OPTIONS = ("if_exists", "else", "on_error", "on_many", "on_conflict", "ambiguous", "rest")
"""That say what becomes of a document which a step cannot work on; ``fail`` is what each of them says unless told."""


def is_named(way: Way, refused: RecordRefused) -> bool:
    """Whether a refusal is one that the spec or the schema tells of.

    It is where the step is an ``assert``, where it says in so many words that it is to ``fail``, where ``refuses`` is
    allowed, and where the field is one that the schema before does not know, so that only its openness lets it in.
    """
    place = refused.fault.where
    step = _step_at(place) if isinstance(place, Place) else None
    says_so = step is not None and _says_so(step)
    return says_so or is_allowed(way, "refuses", place) or _is_unknown(way.schema_before, refused.path)


def is_allowed(way: Way, code: str, place: Place | str | None) -> bool:
    """Whether a spec allows a finding, for the whole or at the step of a place."""
    fault = Fault("", where=place, code=code)
    return any(allowed(migration.spec, fault) for migration in way.migrations)


def names_of(schema: Schema) -> tuple[str, ...]:
    """The names of all fields that a schema tells of, in its order."""
    return tuple(dict.fromkeys(_names(schema.content)))


def _names(content: Json) -> Iterator[str]:
    if type(content) is dict:
        for keyword in ("properties", "dependentRequired", "dependentSchemas"):
            yield from content[keyword] if type(content.get(keyword)) is dict else ()
        yield from (name for name in content.get("required", ()) if type(name) is str)
    inner = content.values() if type(content) is dict else content if type(content) is list else ()
    for part in inner:
        yield from _names(part)


def _is_unknown(schema: Schema, path: str) -> bool:
    try:
        segments = Path.parse(path).segments if path else ()
    except PathError:
        return False
    names = [segment.name for segment in segments if isinstance(segment, Name)]
    return bool(names) and names[-1] not in names_of(schema)


def _step_at(place: Place) -> Node | None:
    """The innermost step of a file that holds a place."""
    steps = [node for node in _steps_of(place.file) if _sort_key(node.place) <= _sort_key(place)]
    return max(steps, key=lambda node: _sort_key(node.place), default=None)


def _sort_key(place: Place) -> tuple[int, int]:
    return place.line, place.column


@lru_cache
def _steps_of(file: str) -> tuple[Node, ...]:
    """All steps in a file; none where it is no spec that can be read."""
    try:
        node, _ = parse(FilePath(file).read_text(encoding="utf-8"), file)
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(_steps(node.value.get("steps"))) if node is not None and type(node.value) is dict else ()


def _steps(node: Node | None) -> Iterator[Node]:
    for step in node.value if node is not None and type(node.value) is list else ():
        if type(step.value) is dict:
            yield step
            for inside in _inner(step):
                yield from _steps(inside)


def _inner(step: Node) -> Iterator[Node]:
    """The lists of steps inside a step."""
    yield from (step.value[key] for key in ("do", "else") if key in step.value)
    switch = step.value.get("switch")
    if switch is not None and type(switch.value) is dict:
        yield from (switch.value[key] for key in ("else",) if key in switch.value)
        cases = switch.value.get("cases")
        yield from cases.value.values() if cases is not None and type(cases.value) is dict else ()


def _says_so(step: Node) -> bool:
    """Whether a step says in so many words that it refuses documents."""
    return "assert" in step.value or any(_says_fail(part) for part in _options(step))


def _options(step: Node) -> Iterator[Node]:
    """The objects in a step in which an option can stand; a table of values is none."""
    yield step
    for key, argument in step.value.items():
        if key != "map" and type(argument.value) is dict:
            yield argument
            yield from (part for part in argument.value.values() if type(part.value) is dict)


def _says_fail(node: Node) -> bool:
    return any(node.value[name].value == "fail" for name in OPTIONS if name in node.value)
