"""The stamp: the field in which a record carries its own version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from migrate_spec.codec import Document, Json
from migrate_spec.document import ABSENT, Refused, describe
from migrate_spec.path import Name, Path

__all__ = ["Stamp"]

_DIGITS = re.compile(r"[1-9][0-9]{0,9}")


TOP = Path((Name("schema_version"),))


@dataclass(frozen=True)
class Stamp:
    """Where and how the records of a collection carry their version.

    Attributes:
        path: the field; ``None`` for records that cannot carry one, which then are at the database's version.
        as_text: whether the version is stored as a text.
    """

    path: Path | None = TOP
    as_text: bool = False

    @cached_property
    def _name(self) -> str | None:
        """The stamp's name, where it is a field of the document itself."""
        return self.path.sole_name if self.path else None

    def version_of(self, document: Document, unstamped: int = 1) -> int:
        """The version a record says it has; ``unstamped`` where it says nothing.

        Raises:
            Refused: what stands there is no version.
        """
        if self.path is None or (self._name is not None and self._name not in document):
            return unstamped
        value = self.path.get(document)
        if value is ABSENT:
            return unstamped
        number = int(value) if self.as_text and type(value) is str and _DIGITS.fullmatch(value) else value
        if type(number) is not int or number < 1 or (self.as_text and type(value) is not str):
            wanted = 'a version as a text, such as "1", was expected' if self.as_text else "a version was expected"
            raise Refused(f"{describe(value)} was found", wanted, path=str(self.path))
        return number

    def mark(self, version: int) -> Json:
        """A version as a record carries it."""
        return str(version) if self.as_text else version

    def stamped(self, document: Document, version: int) -> Document:
        """A record with a stamp: in place where it has one, else at its beginning (or the end of the stamp's parent).

        Returns:
            The document itself, altered, or a new one; the other is not to be used any more.
        """
        if self.path is None:
            return document
        value = self.mark(version)
        if self._name is None:
            self.path.put(document, value)
        elif self._name in document:
            document[self._name] = value
        else:
            return {self._name: value, **document}
        return document

    def to_json(self) -> Json:
        """The stamp as a spec says it."""
        if self.path is None:
            return None
        return {"path": str(self.path), "as": "string"} if self.as_text else str(self.path)
