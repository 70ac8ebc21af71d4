"""The search for a document that a step makes invalid, and the line of the spec that is most likely at fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migrate_spec.codec import Json, NotADocument, copied, encoder_of, plain
from migrate_spec.compiler import RecordRefused, Route, Transform, compile_downgrade
from migrate_spec.document import Refused
from migrate_spec.errors import Place
from migrate_spec.literals import literals
from migrate_spec.migration import Migration
from migrate_spec.refusals import names_of
from migrate_spec.schema import Mismatch
from migrate_spec.search import counterexample
from migrate_spec.ways import Way, broken_place

__all__ = ["Counterexample", "Refutation", "refutation"]


@dataclass(frozen=True)
class Counterexample:
    """A document that a step makes invalid.

    Attributes:
        before: the document, which fits the schema that it is carried from.
        after: what becomes of it.
        mismatch: how that does not fit the schema that it is carried to.
        place: the line of the spec that is most likely at fault.
    """

    before: Json
    after: Json
    mismatch: Mismatch
    place: Place


@dataclass(frozen=True)
class Refutation:
    """How a search for a counterexample went.

    Attributes:
        counterexample: the smallest document that was found; ``None`` where none was.
        tried: how many documents were put to the test.
        why: why there was nothing to try, in a sentence; empty where there was.
    """

    counterexample: Counterexample | None
    tried: int
    why: str = ""


def refutation(migration: Migration, *, backwards: bool, seconds: float, most: int | None = None) -> Refutation:
    """Search for the smallest document that a step makes invalid.

    Args:
        migration: the step.
        backwards: whether it is undone.
        seconds: how long to search at most; to make what was found smaller comes on top.
        most: how many documents to try at most.

    Raises:
        Irreversible: the step cannot be undone.
    """
    schema = migration.schema_after if backwards else migration.schema_before
    carrier = _Carrier(migration, backwards=backwards)
    names = tuple(dict.fromkeys([*names_of(migration.schema_before), *names_of(migration.schema_after)]))
    values = literals([migration])
    found = counterexample(schema, carrier.breaks, names=names, values=values, seconds=seconds, most=most)
    document = None if found.document is None else carrier.record(found.document)
    return Refutation(None if document is None else carrier.told(document), found.tried, found.why)


class _Carrier:
    """Carries documents one step, up or down, and says whether they fit then."""

    def __init__(self, migration: Migration, *, backwards: bool) -> None:
        spec = migration.spec
        self._migration = migration
        self._backwards = backwards
        self._version = spec.to_version if backwards else spec.from_version
        self._here = migration.schema_after if backwards else migration.schema_before
        self._there = migration.schema_before if backwards else migration.schema_after
        self._write = encoder_of(spec.encoding_after if backwards else spec.encoding)
        self._carry: Callable[[bytes], bytes | None]
        if backwards:
            self._carry = compile_downgrade(spec, self._there, explains=False)
        else:
            upgrade = Transform(Route((spec,), self._there, spec.to_version, 1, spec.from_version))
            upgrade.explains = False
            self._carry = upgrade

    def record(self, document: Json) -> Json:
        """A document as a record of the version it is carried from; ``None`` where it cannot be one."""
        stamp = self._migration.spec.stamp
        try:
            version = stamp.version_of(document, self._version)
            if stamp.path is None or version == self._version or (version < self._version and not self._backwards):
                return document
            document = stamp.stamped(copied(document), self._version)
        except Refused:
            return None
        return document if self._here.is_valid(document) else None

    def breaks(self, document: Json) -> bool:
        """Whether a document is carried over, and does not fit then."""
        found = self.record(document)
        if found is None:
            return False
        try:
            self._carry(self._write(found))
        except RecordRefused as refused:
            return refused.fault.code == "schema"
        except NotADocument:  # a number that the encoding does not have
            return False
        return False

    def told(self, document: Json) -> Counterexample:
        """A document that breaks the schema, with all that a person wants to know of it."""
        spec = self._migration.spec
        if self._backwards:
            after = plain(compile_downgrade(spec, None)(self._write(document)))
        else:
            made = Transform(Route((spec,), None, spec.to_version, 1, spec.from_version))(self._write(document))
            after = document if made is None else plain(made)
            after = spec.stamp.stamped(copied(after), spec.to_version)
        mismatch = self._there.best_mismatch(after)
        return Counterexample(document, after, mismatch, Way((self._migration,)).blame(broken_place(mismatch)))
