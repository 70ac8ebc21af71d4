"""A record that was brought back over a step before, on its way up again: what was kept then is put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from migrate_spec.compiler import Leg, Transform
from migrate_spec.complement import Complement
from migrate_spec.differences import Conflict, put_back
from migrate_spec.moves import KeptPart, Move, record_digest
from migrate_spec.record_operation import Record
from migrate_spec.spec import Spec

__all__ = ["Returned"]


@dataclass(frozen=True, slots=True)
class Returned:
    """A record that takes a step, and what is kept of it.

    Attributes:
        move: of its key and its entries.
        complement: of its document.
        key: the key it had, where the step gives another one to what it is now.
        rest: of its document, by the operations on records.
        conflicts: where an edit stands in the way of what is kept, once it has gone.
    """

    move: Move = Move()  # noqa: RUF009 - it cannot be altered
    complement: Complement | None = None
    key: str | None = None
    rest: Complement | None = None
    conflicts: list[Conflict] = field(default_factory=list)

    @classmethod
    def of(cls, spec: Spec, stored: bytes | None, value: bytes) -> Returned:
        """What is kept of a record.

        Args:
            spec: the step.
            stored: as it is stored; ``None``: nothing is kept.
            value: the record as it is now.
        """
        if stored is None:
            return NOTHING
        move = Move.of(stored) if spec.moves_records else Move(stored)
        complement = Complement.of(move.lost) if move.lost is not None else None
        same = move.key is not None and record_digest(value) == move.digest
        rest = Complement.of(move.rest) if move.rest is not None else None
        return cls(move, complement, move.key.decode() if same and move.key is not None else None, rest)

    def goes(self, transform: Transform, leg: Leg, record: Record) -> bool:
        """Take a record over the steps of a leg; whether they changed it."""
        if self.complement is None:
            return transform.run(leg, record.document)
        changed = self.complement.comes_back and transform.run(leg, record.document)
        document = transform.route.stamp.stamped(record.document, leg.spec.to_version) if changed else record.document
        record.document, found = put_back(document, self.complement.differences)
        self.conflicts.extend(found)
        transform.changed_by[leg.index] += not changed
        return True

    def moved(self, record: Record, records: Sequence[Record]) -> list[Record]:
        """The records that the step made of one, which stays under the key that it had."""
        if self.key is None:
            return list(records)
        record.changed |= record.key != self.key
        record.key = self.key
        return [record, *(one for one in records if one is not record)]

    def settle(self, record: Record, spec: Spec, written: Callable[[Record], bytes]) -> None:
        """Put back what operations on records lost of a record, and of those that they have made of it.

        Args:
            record: the record, when they are done.
            spec: the step.
            written: gives a record that was made as bytes.
        """
        if self.rest is not None:
            stamped = spec.stamp.stamped(record.document, spec.to_version)
            record.document, _ = put_back(stamped, self.rest.differences)
            record.changed = True
        for path, kept in zip(spec.lists_of_records, self.move.parts, strict=False):
            if kept is not None and str(path) in record.parts:
                _settle(record.parts[str(path)], kept, written)

    @property
    def spelling(self) -> bytes | None:
        """How the record was spelled, if not as it is otherwise."""
        complement = self.rest or self.complement
        return complement.spelling if complement is not None else None


NOTHING = Returned()


def _settle(made: Sequence[Record], kept: Sequence[KeptPart], written: Callable[[Record], bytes]) -> None:
    """Give records that were made of a list what they had before.

    Each has its key again where there are as many as there were, and what is kept of it where it is what it was.
    """
    left = list(kept)
    for one in made:
        digest = record_digest(written(one))
        found = next((part for part in left if part.digest == digest), None)
        if found is None or found.lost is None:
            continue
        left.remove(found)
        complement = Complement.of(found.lost)
        one.document, _ = put_back(one.document, complement.differences)
        one.spelling = complement.spelling
    if len(made) == len(kept):
        for one, part in zip(made, kept, strict=True):
            one.key = part.key.decode()
