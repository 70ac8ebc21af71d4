"""Where records belong that a step makes, or takes into others: to which collection, and how they are stored there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from migrate_spec.codec import Document, copied, decode, encoder_of, plain, read
from migrate_spec.compiler import Route, coding, misfit
from migrate_spec.document import Refused
from migrate_spec.pickled import is_pickled, unpickled
from migrate_spec.reasons import Reasons

__all__ = ["Homes"]


class Homes:
    """The collections of a database."""

    def __init__(self, routes: Sequence[Route]) -> None:
        """Take the ways of all collections."""
        self._routes = routes
        self._reasons = cache(Reasons)
        self._allow_pickle = any(route.allow_pickle for route in routes)

    def of(self, key: str, version: int) -> Route | None:
        """The way of the collection that a key belongs to in a database of a version."""
        return next((route for route in self._routes if key.startswith(route.at(version)[0])), None)

    def encoding(self, key: str, version: int) -> str:
        """How a record is encoded in a database of a version."""
        home = self.of(key, version)
        return home.at(version)[1] if home is not None else "json"

    def opened(self, key: str, value: bytes, version: int) -> bytes:
        """A record of a database of a version without its pickle, where it has one and that is allowed.

        Raises:
            NotADocument: what is pickled is none.
        """
        if not self._allow_pickle or not is_pickled(value):
            return value
        return encoder_of(self.encoding(key, version))(unpickled(value))

    def read(self, key: str, value: bytes, version: int) -> Document:
        """A record of a database of a version, without a stamp.

        Raises:
            NotADocument: it is none.
            Refused: it says that it is of another version.
        """
        home, document = self.of(key, version), self.document(key, value, version)
        if home is not None and home.stamp.path is not None:
            found = home.stamp.version_of(document, version)
            since = max((spec.to_version for spec in home.specs if spec.to_version <= version), default=version)
            if not since <= found <= version:
                raise Refused(f"version {found} was found in the record {key!r}", f"version {version} was expected")
            home.stamp.path.take(document)
        return document

    def document(self, key: str, value: bytes, version: int) -> Document:
        """A record of a database of a version, as it is.

        Raises:
            NotADocument: it is none.
        """
        home = self.of(key, version)
        return (coding(home.specs)[0] if home is not None else read)(self.opened(key, value, version))[0]

    def stamped(self, key: str, document: Document, version: int) -> Document:
        """A document as it is stored in a database of a version: with a stamp where its collection had specs by then.

        It is not altered.
        """
        home = self.of(key, version)
        document = copied(document)
        if home is None or home.specs[0].to_version > version:
            return document
        return home.stamp.stamped(document, version)

    def written(self, key: str, document: Document, version: int) -> bytes:
        """The same as bytes."""
        return encoder_of(self.encoding(key, version))(self.stamped(key, document, version))

    def fitting(self, key: str, value: bytes, version: int, step: str) -> bytes:
        """A record that has come to a database of the version whose schemas the ways have.

        Args:
            key: its key.
            value: its bytes.
            version: that of the database.
            step: the step that led there, for the error.

        Returns:
            Its bytes, with a stamp where nothing but that is missing.

        Raises:
            RecordRefused: it does not fit its collection's schema.
        """
        home = self.of(key, version)
        if home is None or home.schema is None or version < home.specs[0].from_version:
            return value
        reasons = self._reasons(home.schema)
        if reasons.schema.is_valid(plain(value)):
            return value
        document = self.document(key, value, version)
        if home.stamp.path is not None:
            stamped = home.stamp.stamped(copied(document), version)
            if reasons.schema.is_valid(decode(stamped)):
                return encoder_of(self.encoding(key, version))(stamped)
        raise misfit(step, decode(document), reasons, explains=True)
