"""Why documents do not fit a schema, told fast where many of them fail in the same way.

The mismatch that a person would name takes most of a millisecond to find. At which places of the document and of the
schema something is wrong the judge says in a small part of that. Of two documents of which it says the same, the same
mismatch is to be named, with another value in it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Final

from migrate_spec.codec import Json
from migrate_spec.schema import Broken, Mismatch, Schema

__all__ = ["Reasons"]

MOST_WAYS: Final = 1000
"""To fail that are remembered."""

MOST_BROKEN: Final = 20
"""Places of one document that are looked at."""

_BY_VALUE: Final = frozenset(["anyOf", "oneOf"])
"""Keywords of which the schema to speak of depends on more than where something is wrong."""


class Reasons:
    """Tells the mismatch of each document that does not fit a schema.

    Attributes:
        schema: the schema.
    """

    def __init__(self, schema: Schema) -> None:
        """Take the schema."""
        self.schema = schema
        self._known: dict[Hashable, Mismatch] = {}

    def best_mismatch(self, document: Json) -> Mismatch:
        """The mismatch to tell a person of a document that the schema refuses: :meth:`Schema.best_mismatch`.

        Its ``message`` may be empty, where its :meth:`Mismatch.fault` does not need it.
        """
        broken = self.schema.broken(document, MOST_BROKEN + 1)
        way = _way(broken)
        known = self._known.get(way)
        if known is not None:
            path = broken[0].path if len(broken) == 1 else known.path
            return replace(known, path=path, value=_value_at(document, path))
        found = self.schema.best_mismatch(document)
        if way is not None and len(self._known) < MOST_WAYS and found.has_own_words and _is_of(found, broken):
            self._known[way] = replace(found, value=None, message="")
        return found


def _way(broken: Sequence[Broken]) -> Hashable:
    """What two documents have in common that fail in the same way; ``None`` where there is no telling."""
    if not 0 < len(broken) <= MOST_BROKEN or any(one.keyword in _BY_VALUE for one in broken):
        return None
    return (broken[0].rule, broken[0].kind) if len(broken) == 1 else tuple(broken)


def _is_of(mismatch: Mismatch, broken: Sequence[Broken]) -> bool:
    """Whether it is one of the places that the judge tells: jsonschema knows some formats that the judge lets pass."""
    return any((one.path, one.keyword) == (mismatch.path, mismatch.keyword) for one in broken)


def _value_at(document: Json, path: Sequence[str | int]) -> Json:
    for key in path:
        document = document[key]
    return document
