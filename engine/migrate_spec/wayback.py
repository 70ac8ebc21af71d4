"""A step that moves records, compiled for the way back, and what is kept of a record that takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from migrate_spec.codec import Document, encode, encoder_of
from migrate_spec.compiler import coding
from migrate_spec.complement import Complement
from migrate_spec.crossing import crossings
from migrate_spec.document import Refused
from migrate_spec.homes import Homes
from migrate_spec.moves import GONE, Entries, Move, Passage, entries_to_keep, moved_entries
from migrate_spec.pickled import pickled
from migrate_spec.record_operation import Parts, Record
from migrate_spec.remembering import PartsMade, Remembered
from migrate_spec.spec import Spec

__all__ = ["Departure", "WayBack"]


class WayBack:
    """A version step, as what brings a record back.

    Attributes:
        spec: the step.
        exists: whether there is a way back.
    """

    def __init__(self, spec: Spec, homes: Homes, since: int) -> None:
        """Take the step.

        Args:
            spec: it.
            homes: where records belong that it makes or takes in.
            since: the version that led to the shape before it.
        """
        self.spec = spec
        self.homes = homes
        self._crossing = crossings((spec,), down=False, since=since)[0]
        self._read = coding((spec,))[0]
        self._undo = [operation.undo() for operation in reversed(spec.records)]
        self._reunite = [one for operation in reversed(spec.records) if (one := operation.reunite()) is not None]
        self._loses = any(step.losses() for step in spec.steps)
        self.exists = self._crossing.back is not None

    def key(self, key: str, document: Document) -> str:
        """The key that a record had before the step.

        Raises:
            Refused: the way back does not tell.
        """
        record = Record(key, document)
        for undo in self._undo:
            undo(record)
        return record.key

    def entries(self, before: Document, after: Document) -> list[Passage]:
        """How a record's entries in indexes go on the way back."""
        return [
            (index.key_after(after), index.key_before(before), encode(index.value))
            for index in self.spec.indexes.values()
        ]

    def departure(self, key: bytes, value: bytes) -> Departure:
        """A record that is about to take the step."""
        return Departure(self, key, value)

    def reunited(self, key: str, document: Document, parts: Parts) -> Document:
        """A document with the records in it again that the step made of it, and without those that it took into it.

        Args:
            key: the record's.
            document: what leaves the step; it is altered.
            parts: the other records.

        Raises:
            Refused: that cannot be.
        """
        record = Record(key, document)
        for reunite in self._reunite:
            reunite(record, parts)
        return record.document

    def lost(self, value: bytes, after: bytes, parts: Parts) -> bytes | None:
        """What the way back alone does not give of a record's document."""
        document, found = self._read(value)[0], None

        def left() -> Document:
            return self.reunited("", self._read(after)[0], parts)

        if value == after:  # then it keeps its spelling
            found = self._crossing.complement(document, left)
        else:
            found = self._crossing.lost(document, value, left)
        if found is None and self._loses:
            found = Complement()  # so that it is known: what the way back makes up is what there was
        return None if found is None else found.stored()

    def gone(self, value: bytes) -> bytes:
        """What is kept of a record that goes."""
        if self._crossing.forget is None:
            return value
        return encoder_of(self.spec.encoding)(self._crossing.forgotten(self._read(value)[0]))

    def gives(self, key: bytes, after: Record) -> bool:
        """Whether the way back alone gives the key that a record had."""
        try:
            return self.key(after.key, after.document).encode() == key
        except Refused:
            return False


@dataclass(slots=True)
class Departure:
    """A record that takes a step.

    Attributes:
        way: the step.
        key, value: the record before it.
        where: its key afterwards; where it goes, :data:`~migrate_spec.moves.GONE` and the one before.
        move: what is to be kept of it.
    """

    way: WayBack
    key: bytes
    value: bytes
    where: bytes = b""
    move: Move = Move()  # noqa: RUF009 - it cannot be altered

    def arrive(self, record: Record | None, value: bytes, made: PartsMade, form: bytes = b"") -> None:
        """Take what became of it.

        Args:
            record: it; ``None``: it went.
            value: the same as bytes.
            made: the records that were made of it, or taken into it.
            form: how its pickle begins, where it has one.
        """
        parts = Remembered(self.way.spec, made, self.way.homes)
        if record is None:
            gone = self.way.gone(self.value)
            self.where, self.move = (
                GONE + self.key,
                Move(gone=pickled(gone, form) if form else gone, parts=parts.kept()),
            )
            return
        self.where = record.key.encode()
        given = self.way.gives(self.key, record)
        self.move = Move(self.way.lost(self.value, value, parts), None if given else self.key)
        self.move = replace(self.move, parts=parts.kept())

    def note_entries(self, passages: list[Passage], before: Callable[[bytes], bytes | None], after: Entries) -> None:
        """Take what became of its entries in indexes.

        Args:
            passages: of these entries, upwards.
            before: what stood under a key.
            after: what stands there now, where that is something else.
        """
        back = [] if self.move.gone is not None else [(new, old, value) for old, new, value in passages]
        guess = moved_entries(back, lambda key: after[key] if key in after else before(key))
        entries, strays = entries_to_keep(passages, before, lambda key: guess.get(key, after.get(key)))
        self.move = replace(self.move, entries=entries, strays=strays)

    def stored(self) -> bytes | None:
        """What is to be kept, as it is stored; ``None``: nothing."""
        if not self.way.spec.moves_records:
            return self.move.lost
        return self.move.stored() if self.move else None
