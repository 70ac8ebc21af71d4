"""A record that was brought back over a step before, on its way up again: what was kept then is put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from migrate_spec.compiler import Leg, Transform
from migrate_spec.complement import Complement
from migrate_spec.differences import Conflict, put_back
from migrate_spec.moves import Move, record_digest
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
        conflicts: where an edit stands in the way of what is kept, once it has gone.
    """

    move: Move = Move()  # noqa: RUF009 - it cannot be altered
    complement: Complement | None = None
    key: str | None = None
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
        return cls(move, complement, move.key.decode() if same and move.key is not None else None)

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

    @property
    def spelling(self) -> bytes | None:
        """How the record was spelled, if not as it is otherwise."""
        return self.complement.spelling if self.complement is not None else None


NOTHING = Returned()
