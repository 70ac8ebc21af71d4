"""``drop``: delete records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.condition import Condition
from migrate_spec.record_operation import Change, Made, Record, RecordOperation, Surroundings
from migrate_spec.shapes.cases import cases
from migrate_spec.shapes.shape import Shape


@dataclass(frozen=True)
class Which:
    """Which records.

    Attributes:
        where: what holds of them.
    """

    where: Condition


@dataclass(frozen=True)
class Drop(RecordOperation):
    """Delete the records of which a condition holds."""

    which: Which

    example: ClassVar[str] = """
        step: {drop: {where: {kind: {in: [user, user_presence]}}}}
        before: {"r:1": {kind: user}, "r:2": {kind: page}}
        after: {"r:2": {kind: page}}
    """

    deletes_records: ClassVar[bool] = True

    alters_documents: ClassVar[bool] = True

    def effect(self, shape: Shape) -> Shape:
        """The documents of which the condition does not hold."""
        return cases(shape, self.which.where)[1]

    def change(self, around: Surroundings) -> Change:
        """Nothing of what the condition holds of."""
        del around
        holds = self.which.where.judge()

        def change(record: Record) -> Made:
            return () if holds(record.document) else (record,)

        return change

    def losses(self) -> Sequence[str]:
        """The records."""
        return ("the records that are deleted",)
