"""A JSON Schema with its definitions put in the place of the references to them.

jsonschema-rs compares two schemas a hundred times faster so, and more often finds an answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from migrate_spec.codec import Json
from migrate_spec.schema import Schema
from migrate_spec.shapes.normal import definition_of, local

__all__ = ["inlined"]

MOST_CHARACTERS: Final = 200_000
"""Of the schema that comes out: definitions can refer to each other so that it would have no end."""
_REMARKS: Final = frozenset({"title", "description", "$comment", "examples", "default"})


@lru_cache(maxsize=256)
def inlined(schema: Schema) -> Schema:
    """The schema with its definitions inlined; those stay that contain themselves."""
    content = local(schema)
    if not isinstance(content, dict) or not isinstance(content.get("$defs"), dict):
        return schema
    inliner = _Inliner(content["$defs"])
    try:
        found: dict[str, Any] = inliner.put({key: part for key, part in content.items() if key != "$defs"})
        kept: dict[str, Json] = {}
        while missing := inliner.kept - kept.keys():
            kept |= {name: inliner.put(content["$defs"][name]) for name in missing}
    except _TooLongError:
        return schema
    return Schema({**found, "$defs": kept} if kept else found, schema.file)


class _TooLongError(Exception):
    """The schema would become too long."""


class _Inliner:
    """Puts definitions in the place of references.

    Attributes:
        kept: the definitions that references were left to.
    """

    def __init__(self, definitions: Mapping[str, Json]) -> None:
        self.kept: set[str] = set()
        self._definitions = definitions
        self._leads = {name: set(_names(part)) & definitions.keys() for name, part in definitions.items()}
        self._whole: dict[str, Json] = {}
        self._left = MOST_CHARACTERS

    def put(self, node: Json) -> Json:
        """A part of the schema with definitions in it."""
        if isinstance(node, list):
            return [self.put(part) for part in node]
        if not isinstance(node, dict):
            return node
        rest = {key: self.put(part) for key, part in node.items()}
        name = _name(node)
        if name not in self._definitions:
            return rest
        if self._contains_itself(name):
            self.kept.add(name)
            return rest
        if name not in self._whole:
            self._whole[name] = self.put(self._definitions[name])
        self._left -= len(json.dumps(self._whole[name]))
        if self._left < 0:
            raise _TooLongError
        beside = {key: part for key, part in rest.items() if key != "$ref" and key not in _REMARKS}
        return {**beside, "allOf": [*beside.get("allOf", []), self._whole[name]]} if beside else self._whole[name]

    def _contains_itself(self, name: str) -> bool:
        seen: set[str] = set()
        waiting = set(self._leads[name])
        while waiting:
            other = waiting.pop()
            if other == name:
                return True
            seen.add(other)
            waiting |= self._leads[other] - seen
        return False


def _name(node: Mapping[str, Json]) -> str:
    """The definition that a schema refers to; empty where it refers to none."""
    reference = node.get("$ref")
    return definition_of(reference) if isinstance(reference, str) else ""


def _names(node: Json) -> Iterator[str]:
    if isinstance(node, dict):
        yield _name(node)
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _names(part)
