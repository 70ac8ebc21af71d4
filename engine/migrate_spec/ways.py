"""A way: one migration or several behind each other, as what becomes of one document on it, up and down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from migrate_spec.codec import Json, NotADocument, copied, encoder_of, plain
from migrate_spec.compiler import RecordRefused, Route, Transform, compile_downgrade
from migrate_spec.derivation import made
from migrate_spec.document import Change, Refused
from migrate_spec.errors import Irreversible, Place
from migrate_spec.migration import Migration
from migrate_spec.path import Index, Name, Path
from migrate_spec.schema import Mismatch, Schema
from migrate_spec.shapes.writing import written
from migrate_spec.spec import Spec
from migrate_spec.step import Step, backward, forward

__all__ = ["Act", "Carried", "Way", "broken_place"]

Carried = Json | RecordRefused
"""What becomes of a document: another one, or the refusal that it met."""

Carry = Callable[[bytes], bytes | None]


@dataclass(frozen=True)
class Act:
    """One step, and what it did to one document.

    Attributes:
        step: the step.
        before, after: the document, as it came to the step and as it left it.
    """

    step: Step
    before: Json
    after: Json


@dataclass(frozen=True, eq=False)
class Way:
    """The way of a collection's documents from one version to a later one, and back.

    Of the operations on records (``records:``) it knows what they do to the encoding, and nothing else.

    Attributes:
        migrations: the version steps, first to last.
    """

    migrations: tuple[Migration, ...]

    @property
    def first(self) -> Spec:
        """The spec that the way begins with."""
        return self.migrations[0].spec

    @property
    def last(self) -> Spec:
        """The spec that the way ends with."""
        return self.migrations[-1].spec

    @property
    def name(self) -> str:
        """Its name for people: ``task v1→v3``."""
        return f"{self.first.collection} v{self.first.from_version}→v{self.last.to_version}"

    @property
    def is_one_step(self) -> bool:
        """Whether it is a single migration."""
        return len(self.migrations) == 1

    @property
    def alters_by_records(self) -> bool:
        """Whether operations on records alter what stands in the records, or take some away."""
        return any(migration.spec.alters_by_records for migration in self.migrations)

    @property
    def schema_before(self) -> Schema:
        """What its documents fit."""
        return self.migrations[0].schema_before

    @property
    def schema_after(self) -> Schema:
        """What they must fit at its end."""
        return self.migrations[-1].schema_after

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All steps, first to last."""
        return tuple(step for migration in self.migrations for step in migration.spec.steps)

    @cached_property
    def is_lossy(self) -> bool:
        """Whether a step declares a loss."""
        return any(step.losses() for step in self.steps)

    @cached_property
    def foretells(self) -> Callable[[Json], bool]:
        """Whether a document is one that the steps of a single migration can make, as far as is known of them."""
        (migration,) = self.migrations
        return Schema(written(made(migration))).is_valid

    @cached_property
    def irreversible(self) -> str:
        """Why there is no way back, in a sentence; empty where there is one."""
        try:
            _ = self._down
        except Irreversible as error:
            return str(error)
        return ""

    # ------------------------------------------------------------------------------------------ whole documents

    def record(self, document: Json) -> Json:
        """A document as a record at the beginning of the way.

        Returns:
            The document, its stamp made that of the version where it says another one; ``None`` where it is none that
            a database of that version can hold.
        """
        if type(document) is not dict or not self.schema_before.is_valid(document):
            return None
        stamp, version = self.first.stamp, self.first.from_version
        try:
            if stamp.path is not None and stamp.version_of(document, version) > version:
                document = stamp.stamped(copied(document), version)
            encoder_of(self.first.encoding)(document)
        except (Refused, NotADocument):
            return None
        return document if self.schema_before.is_valid(document) else None

    def up(self, document: Json) -> Carried:
        """What becomes of a document all the way up, in one pass."""
        return self._carried(document, self._up, self.first.encoding)

    def up_step_by_step(self, document: Json) -> Carried:
        """What becomes of a document that is written and read again at each version."""
        return self._through(document, self._ups, [one.spec.encoding for one in self.migrations])

    def made(self, document: Json) -> Json:
        """What the steps make of a document that they take, whether it fits the schema or not."""
        return self._carried(document, _carrier(self._specs, None), self.first.encoding)

    def unmade(self, document: Json) -> tuple[Json, Schema]:
        """What the steps backwards make of a document, up to where it does not fit; and the schema of that version.

        Raises:
            Irreversible: there is no way back.
        """
        schema = self.schema_before
        for migration, carry in zip(reversed(self.migrations), self._down, strict=True):
            encoding, schema = migration.spec.encoding_after, migration.schema_before
            found = self._carried(document, carry, encoding)
            if isinstance(found, RecordRefused):
                return self._carried(document, compile_downgrade(migration.spec, None), encoding), schema
            document = found
        return document, schema

    def again(self, document: Json) -> Carried:
        """What becomes of a document that is at the end of the way already."""
        unstamped = self.last.to_version if self.last.stamp.path is None else self.first.from_version
        return self._carried(document, _carrier(self._specs, self.schema_after, unstamped), self.last.encoding_after)

    def down(self, document: Json) -> Carried:
        """What becomes of a document all the way back, version by version.

        Raises:
            Irreversible: there is no way back.
        """
        return self._through(document, self._down, [one.spec.encoding_after for one in reversed(self.migrations)])

    def bare(self, document: Json) -> Json:
        """A document without its version, which comes and goes with the steps."""
        found = copied(document)
        if self.first.stamp.path is not None:
            self.first.stamp.path.take(found, prune=True)
        return found

    # ------------------------------------------------------------------------------------------------ by steps

    def acts(self, document: Json) -> Iterator[Act]:
        """Each step in turn with what it does to a document, up to one that refuses it. Stamps stay as they are."""
        for step, change in self._changes:
            before = copied(document)
            try:
                change(document := copied(document))
            except Refused:
                return
            yield Act(step, before, document)

    def undone(self, act: Act) -> Json | Refused | Irreversible:
        """What one step backwards makes of what it made; or why it makes nothing of it."""
        document = copied(act.after)
        try:
            backward([act.step])(document)
        except (Refused, Irreversible) as refusal:
            return refusal
        return document

    def refuses_back(self, document: Json) -> Step | None:
        """The step that refuses a document on its way back; ``None`` where it is none of the steps."""
        document = copied(document)
        for step in reversed(self.steps):
            try:
                backward([step])(document)
            except Refused:
                return step
        return None

    def blame(self, path: Path) -> Place:
        """The line to look at for what is wrong at a place: of the last step that touches it; else of all steps."""
        for step in reversed(self.steps):
            if step.touches(path):
                entries = (written.place for written in step.writes() if written.meets(path) and written.place)
                return next(entries, step.place) or self.last.place("steps")
        return self.last.place("steps")

    # ------------------------------------------------------------------------------------------------- compiled

    @cached_property
    def _specs(self) -> tuple[Spec, ...]:
        return tuple(migration.spec for migration in self.migrations)

    @cached_property
    def _up(self) -> Carry:
        return _carrier(self._specs, self.schema_after)

    @cached_property
    def _ups(self) -> list[Carry]:
        return [_carrier((one.spec,), one.schema_after) for one in self.migrations]

    @cached_property
    def _down(self) -> list[Carry]:
        return [compile_downgrade(one.spec, one.schema_before, explains=False) for one in reversed(self.migrations)]

    @cached_property
    def _changes(self) -> list[tuple[Step, Change]]:
        return [(step, forward([step])) for step in self.steps]

    def _through(self, document: Json, ways: Sequence[Carry], encodings: Sequence[str]) -> Carried:
        for carry, encoding in zip(ways, encodings, strict=True):
            document = self._carried(document, carry, encoding)
            if isinstance(document, RecordRefused):
                break
        return document

    def _carried(self, document: Json, carry: Carry, encoding: str) -> Carried:
        try:
            value = encoder_of(encoding)(document)
            result = carry(value)
            return plain(value if result is None else result)
        except RecordRefused as refused:
            return refused
        except NotADocument as error:
            return RecordRefused.by("", error)


def _carrier(specs: tuple[Spec, ...], schema: Schema | None, unstamped: int | None = None) -> Carry:
    start = specs[0].from_version
    transform = Transform(Route(specs, schema, specs[-1].to_version, 1, unstamped or start, start))
    transform.explains = False  # what does not fit is explained once it is as small as can be
    return transform


def broken_place(mismatch: Mismatch) -> Path:
    """The place that a mismatch is about: of what is missing or too much, the field itself."""
    place: list[str | int] = list(mismatch.path)
    if mismatch.keyword == "required":
        place += [name for name in mismatch.argument if name not in mismatch.value][:1]
    elif mismatch.keyword == "additionalProperties":
        place += [name for name in mismatch.value if name not in mismatch.properties][:1]
    return Path(tuple(Name(key) if isinstance(key, str) else Index(key) for key in place))
