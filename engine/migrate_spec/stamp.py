"""The stamp: the field in which a record carries its own version."""

from __future__ import annotations

import re
from dataclasses import dataclass

from migrate_spec.codec import Document, Json
from migrate_spec.document import ABSENT, Name, Path, Refused, describe

__all__ = ["Stamp"]

_DIGITS = re.compile(r"[1-9][0-9]*")


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

    def version_of(self, document: Document, unstamped: int = 1) -> int:
        """The version a record says it has; ``unstamped`` where it says nothing.

        Raises:
            Refused: what stands there is no version.
        """
        value = ABSENT if self.path is None else self.path.get(document)
        if value is ABSENT:
            return unstamped
        number = int(value) if self.as_text and type(value) is str and _DIGITS.fullmatch(value) else value
        if type(number) is not int or number < 1 or (self.as_text and type(value) is not str):
            wanted = 'a version as a text, such as "1", was expected' if self.as_text else "a version was expected"
            raise Refused(f"{describe(value)} was found", wanted, path=str(self.path))
        return number

    def write(self, document: Document, version: int) -> None:
        """Stamp a record: in place where it has a stamp, else at its beginning (or the end of the stamp's parent)."""
        if self.path is None:
            return
        value = str(version) if self.as_text else version
        if len(self.path.segments) > 1 or self.path.locate(document) is not None:
            self.path.put(document, value)
            return
        rest = dict(document)
        document.clear()
        self.path.put(document, value)
        document.update(rest)

    def to_json(self) -> Json:
        """The stamp as a spec says it."""
        if self.path is None:
            return None
        return {"path": str(self.path), "as": "string"} if self.as_text else str(self.path)
