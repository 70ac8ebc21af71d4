"""What a JSON Schema says, without the remarks in it: two schemas of the same meaning judge alike."""

from __future__ import annotations

from typing import Any, Final

from migrate_spec.codec import Json

__all__ = ["meaning"]

_REMARKS: Final = frozenset(
    {"$schema", "$comment", "title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"}
)
_OF_NAMES: Final = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "dependentRequired", "$defs", "definitions"}
)
"""Keywords under which names stand that the author chose."""
_OF_VALUES: Final = frozenset({"const", "enum"})


def meaning(schema: Json) -> Any:
    """A schema without its remarks."""
    if isinstance(schema, list):
        return [meaning(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _part(key, part) for key, part in schema.items() if key not in _REMARKS}


def _part(key: str, part: Json) -> Json:
    if key in _OF_VALUES:
        return part
    if key in _OF_NAMES and isinstance(part, dict):
        return {name: meaning(inner) for name, inner in part.items()}
    return sorted(part) if key == "required" and isinstance(part, list) else meaning(part)
