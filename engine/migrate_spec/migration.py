"""A migration: a spec compiled into an object, with what it needs to carry single records up and down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from migrate_spec.compiler import RecordRefused, Route, Transform, compile_downgrade
from migrate_spec.errors import RecordRejected, Rejection
from migrate_spec.operation import Loss
from migrate_spec.path import Path
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec

__all__ = ["Migration", "carried"]


@dataclass(frozen=True)
class Migration:
    """One version step of one collection.

    Attributes:
        spec: what it was made from.
        schema_before: what records fit at ``from_version``.
        schema_after: what records must fit at ``to_version``.
    """

    spec: Spec
    schema_before: Schema
    schema_after: Schema

    def __getstate__(self) -> dict[str, Any]:
        # compiled functions cannot be sent to another process; it makes its own
        return {"spec": self.spec, "schema_before": self.schema_before, "schema_after": self.schema_after}

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self.spec.collection

    @property
    def from_version(self) -> int:
        """The version it starts from."""
        return self.spec.from_version

    @property
    def to_version(self) -> int:
        """The version it leads to."""
        return self.spec.to_version

    @property
    def name(self) -> str:
        """Its name for people: ``task v1→v2``."""
        return self.spec.name

    @property
    def key_prefix(self) -> bytes:
        """What the keys of its records begin with."""
        return self.spec.key_prefix

    def losses(self) -> tuple[Loss, ...]:
        """What going up and down again does not bring back; what has no path is lost of whole records."""
        moved = [Loss(Path(()), what) for operation in self.spec.records for what in operation.losses()]
        return (*(loss for step in self.spec.steps for loss in step.losses()), *moved)

    @cached_property
    def _upgrade(self) -> Transform:
        return Transform(Route((self.spec,), self.schema_after, self.to_version, 1, self.from_version))

    @cached_property
    def _downgrade(self) -> Callable[[bytes], bytes]:
        return compile_downgrade(self.spec, self.schema_before)

    def migrate_item(self, key: bytes, value: bytes) -> bytes:
        """One record, a step up. A record without a stamp is taken to be at ``from_version``.

        Args:
            key: the record's key, for the error.
            value: its bytes.

        Returns:
            Its new bytes; the same object where it stays as it is.

        Raises:
            RecordRejected: it cannot be carried over.
        """
        return carried(key, value, self._upgrade)

    def downgrade_item(self, key: bytes, value: bytes) -> bytes:
        """One record, a step down, as :meth:`migrate_item`.

        Raises:
            RecordRejected: it cannot be carried over.
            Irreversible: the step cannot be undone.
        """
        return carried(key, value, self._downgrade)


def carried(key: bytes, value: bytes, transform: Callable[[bytes], bytes | None]) -> bytes:
    """One record through a compiled way.

    Raises:
        RecordRejected: it cannot be carried over.
    """
    try:
        result = transform(value)
    except RecordRefused as refused:
        raise RecordRejected([Rejection(key, refused.step, refused.path, refused.fault, refused.cause)], 1) from None
    return value if result is None else result
