"""Which refusals a spec names: a document that is refused so breaks no law, as its author decided it."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_spec.allowing import allowed
from migrate_spec.codec import Json
from migrate_spec.compiler import RecordRefused
from migrate_spec.document import ABSENT, Refused
from migrate_spec.errors import Fault, PathError, Place
from migrate_spec.path import Name, Path
from migrate_spec.schema import Schema
from migrate_spec.step import steps_at
from migrate_spec.ways import Way

__all__ = ["is_allowed", "is_named", "names_of"]


def is_named(way: Way, refused: RecordRefused, document: Json) -> bool:
    """Whether a refusal is one that the spec or the schema tells of.

    It is where the step is an ``assert``, where it says in so many words that it is to ``fail``, where ``refuses`` is
    allowed, and where the document has a field there that the schema before does not know, so that only its openness
    lets it in.
    """
    place = refused.fault.where
    says_so = _says_so(way, place) or any(is_allowed(way, code, place) for code in ("refuses", "table-incomplete"))
    return says_so or _is_unknown(way.schema_before, refused.path, document)


def is_allowed(way: Way, code: str, place: Place | str | None) -> bool:
    """Whether a spec allows a finding, for the whole or at the step of a place."""
    fault = Fault("", where=place, code=code)
    return any(allowed(migration.spec, fault) for migration in way.migrations)


def _says_so(way: Way, place: Place | str | None) -> bool:
    """Whether the step of a place says in so many words that it refuses documents."""
    steps = [list(steps_at(migration.spec.steps, place)) for migration in way.migrations if isinstance(place, Place)]
    return any(around[-1].fails for around in steps if around)


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


def _is_unknown(schema: Schema, path: str, document: Json) -> bool:
    """Whether a document has something at a path whose last name the schema does not tell of."""
    try:
        place = Path.parse(path) if path else Path(())
        is_there = place.look(document) is not ABSENT
    except (PathError, Refused):
        return False
    names = [segment.name for segment in place.segments if isinstance(segment, Name)]
    return is_there and bool(names) and names[-1] not in names_of(schema)
