"""What need not be asked: the fields that steps leave alone, where both schemas say the same of them.

It says nothing new, and saves most of the time: a real document has thirty fields, and a step alters three.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from migrate_spec.codec import Json
from migrate_spec.meaning import meaning
from migrate_spec.path import Definition, Name, Path
from migrate_spec.schema import Schema
from migrate_spec.shapes.normal import is_local
from migrate_spec.shapes.shape import ANYTHING, Field, ObjectShape, Shape
from migrate_spec.spec import Spec

__all__ = ["without_untouched"]

_REFERENCE: Final = re.compile(r'"\$ref": "#/\$defs/([^"]+)"')


def without_untouched(made: Shape, spec: Spec, origin: Schema, target: Schema) -> tuple[Shape, Schema]:
    """A shape and a schema that it may fit, both free in the fields that are the same all along.

    If the one fits the other so, it does so with these fields as well.

    Args:
        made: what the spec makes of the documents of ``origin``.
        spec: the spec.
        origin: the schema of the documents.
        target: the schema that the results are to fit.
    """
    objects = list(made.objects())
    alike = _same(origin, target)
    touched = _touched(spec, tuple(sorted(alike)))
    same = [name for name in alike if name not in touched]
    if spec.alters_by_records or not same or len(objects) != len(made.alternatives):
        return made, target
    content: Any = target.content
    relaxed = {**content, "properties": {**content["properties"], **dict.fromkeys(same, True)}}
    return Shape(tuple(_freed(one, same) for one in objects)), Schema(relaxed, target.file)


@lru_cache(maxsize=16)  # it is asked for the way up and for the way back
def _touched(spec: Spec, names: tuple[str, ...]) -> frozenset[str]:
    """Those of some fields that a step may alter, in any depth."""
    if any(
        isinstance(segment, Definition) for step in spec.steps for path in step.writes() for segment in path.segments
    ):
        return frozenset(names)  # the values of a definition can be in each of them
    paths = {name: Path((Name(name),)) for name in names}
    return frozenset(name for name, path in paths.items() if any(step.touches(path) for step in spec.steps))


def _freed(one: ObjectShape, names: Sequence[str]) -> ObjectShape:
    """Objects with anything in these fields, where they have them."""
    freed = {name: Field(ANYTHING, one.field(name).needed) for name in names if not one.lacks(name)}
    return replace(one, fields={**one.fields, **freed})


def _same(origin: Schema, target: Schema) -> list[str]:
    """The fields of which two schemas say the same."""
    mine, theirs = _told(origin), _told(target)
    return [
        name
        for name, text in mine.fields.items()
        if theirs.fields.get(name) == text and _same_definitions(text, mine.definitions, theirs.definitions)
    ]


class _Told(NamedTuple):
    """What a schema says of fields, and of the definitions that it refers to by name; each as a text."""

    fields: Mapping[str, str]
    definitions: Mapping[str, str]


@lru_cache(maxsize=256)
def _told(schema: Schema) -> _Told:
    content = schema.content
    if not isinstance(content, dict) or not is_local(content):
        return _Told({}, {})
    fields, definitions = (
        {name: _text(part) for name, part in content.get(key, {}).items()} for key in ("properties", "$defs")
    )
    return _Told(fields, definitions)


def _same_definitions(text: str, mine: Mapping[str, str], theirs: Mapping[str, str]) -> bool:
    """Whether all definitions that a schema refers to, there and further on, are the same."""
    waiting, seen = set(_REFERENCE.findall(text)), set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        if name not in mine or mine[name] != theirs.get(name):
            return False
        waiting |= set(_REFERENCE.findall(mine[name])) - seen
    return True


def _text(schema: Json) -> str:
    return json.dumps(meaning(schema), sort_keys=True)
