"""Migrations → a function from bytes to bytes: the only place that makes functions out of specs.

All steps of a collection's way are fused: a record is read once, changed by every step that its own version still
has before it, checked against the target's schema, and written once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migrate_spec.codec import Document, NotADocument, decode, encode, read
from migrate_spec.document import Change, Refused
from migrate_spec.errors import Fault
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec
from migrate_spec.stamp import Stamp
from migrate_spec.step import backward, forward

__all__ = ["RecordRefused", "Route", "Transform", "compile_downgrade"]


TOO_DEEP = Fault("a value nested too deep to work on was found", "fewer than 500 levels were expected", code="too-deep")


class RecordRefused(Exception):  # noqa: N818 - the run makes errors of them, with the record's key
    """A record cannot be carried over.

    Attributes:
        step: the step that refused it, such as ``task v1→v2``; empty where it could not be read.
        path: the place inside the document.
        fault: what was found there and expected.
    """

    def __init__(self, step: str, path: str, fault: Fault) -> None:
        super().__init__(step, path, fault)
        self.step = step
        self.path = path
        self.fault = fault

    @classmethod
    def by(cls, step: str, refusal: Refused) -> RecordRefused:
        """The refusal of a step."""
        fault = Fault(refusal.found, refusal.expected, refusal.remedy, refusal.place, "refused")
        return cls(step, refusal.path, fault)


@dataclass(frozen=True)
class Route:
    """The way of one collection's records up to a version: all that a worker needs to carry them.

    Attributes:
        specs: the collection's steps, first to last.
        schema: what the results must fit; ``None``: no check.
        target: the version the database is to have; a record of a later one is refused.
        earliest: the first version the project knows; a record of an earlier one is refused.
        unstamped: the version of a record that says none.
    """

    specs: tuple[Spec, ...]
    schema: Schema | None
    target: int
    earliest: int = 1
    unstamped: int = 1

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self.specs[-1].collection

    @property
    def key_prefix(self) -> bytes:
        """What its keys begin with."""
        return self.specs[-1].key_prefix

    @property
    def stamp(self) -> Stamp:
        """Where the records carry their version."""
        return self.specs[-1].stamp


class Transform:
    """A route, compiled: call it with a record's bytes.

    Attributes:
        changed_by: for each step of the route, how many records it has changed so far.
        explains: whether a record that does not fit the schema is told why, which takes a thousand times as long.
    """

    def __init__(self, route: Route) -> None:
        self.route = route
        self.changed_by = [0] * len(route.specs)
        self.explains = True
        self._stamp = route.stamp
        self._latest = route.specs[-1].to_version
        self._valid: Callable[[Document], bool] = route.schema.is_valid if route.schema else lambda _: True
        self._steps = [
            (index, spec.to_version, spec.name, forward(spec.steps)) for index, spec in enumerate(route.specs)
        ]
        self._steps_from: dict[int, tuple[tuple[int, int, str, Change], ...]] = {}  # for the versions met so far

    def __call__(self, value: bytes) -> bytes | None:
        """Carry one record over.

        Returns:
            The record's new bytes; ``None`` where it stays as it is.

        Raises:
            RecordRefused: it cannot be carried over.
        """
        try:
            document, plain = read(value)
            version = self._stamp.version_of(document, self.route.unstamped)
            reached = self._change(document, version)
            if reached:
                document = self._stamp.stamped(document, reached)
                result = encode(document)
                if self._valid(document if plain else decode(result)):
                    return result
            elif self._valid(document if plain else decode(value)):
                return None
            return self._restamped(document, version)
        except NotADocument as error:
            raise RecordRefused("", "", Fault(error.found, error.expected, "", None, "not-a-document")) from None
        except Refused as refusal:
            raise RecordRefused.by("", refusal) from None
        except RecursionError:
            raise RecordRefused("", "", TOO_DEEP) from None

    def _change(self, document: Document, version: int) -> int:
        """Run the steps from ``version`` on; the version of the last that changed something, 0 where none did."""
        steps = self._steps_from.get(version)
        if steps is None:
            steps = self._way_from(version)
        reached = 0
        for index, to_version, name, change in steps:
            try:
                if change(document):
                    self.changed_by[index] += 1
                    reached = to_version
            except Refused as refusal:
                raise RecordRefused.by(name, refusal) from None
        return reached

    def _way_from(self, version: int) -> tuple[tuple[int, int, str, Change], ...]:
        """The steps that a record of a version has before it."""
        if not self.route.earliest <= version <= self.route.target:
            raise _out_of_range(self._stamp, version, self.route.earliest, self.route.target)
        steps = zip(self._steps, self.route.specs, strict=True)
        self._steps_from[version] = tuple(step for step, spec in steps if spec.from_version >= version)
        return self._steps_from[version]

    def _restamped(self, document: Document, version: int) -> bytes:
        """A record that does not fit as it is, with the latest stamp, as the schema may demand that."""
        if self._stamp.path is not None and self._steps_from[version]:
            document = self._stamp.stamped(document, self._latest)
        result = encode(document)
        final = decode(result)
        if self._valid(final) or self.route.schema is None:
            return result
        if not self.explains:
            raise RecordRefused(self.route.specs[-1].name, "", Fault("a record that does not fit was found"))
        mismatch = self.route.schema.best_mismatch(final)
        raise RecordRefused(self.route.specs[-1].name, mismatch.where, mismatch.fault(self.route.schema.file))


def _out_of_range(stamp: Stamp, version: int, earliest: int, latest: int) -> RecordRefused:
    if version > latest:
        expected, remedy = f"at most version {latest} was expected", "it was written by a newer program"
    else:
        expected, remedy = f"at least version {earliest} was expected", "no spec starts from an earlier one"
    found = f"a record of version {version} was found"
    return RecordRefused("", str(stamp.path), Fault(found, expected, remedy, None, "version"))


def compile_downgrade(spec: Spec, schema: Schema | None) -> Callable[[bytes], bytes]:
    """One step backwards, compiled: from the bytes of a record at its ``to_version`` to one at its ``from_version``.

    A record of an earlier version stays as it is. At version 1 a record carries no stamp.

    Raises:
        Irreversible: a step cannot be undone.
    """
    change: Change = backward(spec.steps)

    def downgrade(value: bytes) -> bytes:
        try:
            document, _ = read(value)
            if spec.stamp.path is not None:
                version = spec.stamp.version_of(document)
                if version < spec.to_version:
                    return value
                if version > spec.to_version:
                    raise _out_of_range(spec.stamp, version, 1, spec.to_version)
                if spec.from_version == 1:
                    spec.stamp.path.take(document)
                else:
                    document = spec.stamp.stamped(document, spec.from_version)
            change(document)
            result = encode(document)
            final = decode(result)
        except NotADocument as error:
            raise RecordRefused("", "", Fault(error.found, error.expected, "", None, "not-a-document")) from None
        except Refused as refusal:
            raise RecordRefused.by(f"{spec.name} backwards", refusal) from None
        except RecursionError:
            raise RecordRefused("", "", TOO_DEEP) from None
        if schema is not None and not schema.is_valid(final):
            mismatch = schema.best_mismatch(final)
            raise RecordRefused(f"{spec.name} backwards", mismatch.where, mismatch.fault(schema.file))
        return result

    return downgrade
