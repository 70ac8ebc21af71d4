"""``wrap``: a value becomes a list of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.codec import Json, is_null
from migrate_spec.document import ABSENT, Change
from migrate_spec.operation import Loss, Operation, in_order, rewrite, sole
from migrate_spec.path import Path


@dataclass(frozen=True)
class Wrap(Operation):
    """Make a list of one of each value, and an empty list of null. A value that is absent is passed over.

    Backwards the item of the list is the value again; a list of several is refused.
    """

    values: Sequence[Path]

    example: ClassVar[str] = """
        step: {wrap: [author, "notes[].tag"]}
        before: {author: Ada, notes: [{tag: new}, {tag: null}]}
        after: {author: [Ada], notes: [{tag: [new]}, {tag: []}]}
    """

    def forward(self) -> Change:
        """Put each value into a list."""
        return in_order([rewrite(path, _wrapped) for path in self.values])

    def backward(self) -> Change:
        """Take each value out of its list."""
        return in_order([rewrite(path, _unwrapped) for path in self.values])

    def reads(self) -> Sequence[Path]:
        """The values themselves."""
        return self.values

    def writes(self) -> Sequence[Path]:
        """The values."""
        return self.values

    def losses(self) -> Sequence[Loss]:
        """Nothing."""
        return ()


def _wrapped(value: Json) -> Json:
    return [] if is_null(value) else [value]


def _unwrapped(value: Json) -> Json:
    item = sole(value)
    return None if item is ABSENT else item
