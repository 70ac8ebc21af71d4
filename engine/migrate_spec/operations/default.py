"""``default``: fill fields where they are absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.codec import Document, Json, is_null, maker
from migrate_spec.document import Change, put
from migrate_spec.operation import Field, Loss, Operation, by_parent, fill
from migrate_spec.path import Path


@dataclass(frozen=True)
class Default(Operation):
    """Fill fields where they are absent; what is there stays as it is, `null` too unless `also_null: true`.

    Backwards the fields are left, as nothing tells which were filled.
    """

    fields: Mapping[Field, Json]
    also_null: bool = False

    example: ClassVar[str] = """
        step: {default: {tags: [], rating: 0}}
        before: {title: Write, rating: 5}
        after: {title: Write, rating: 5, tags: []}
    """

    def forward(self) -> Change:
        """Put a value in where there is none."""
        makers = {path: maker(value) for path, value in self.fields.items()}
        return by_parent(makers, _fill_null if self.also_null else fill)

    def backward(self) -> Change:
        """Leave the fields."""
        return lambda _: False

    def reads(self) -> Sequence[Path]:
        """The fields themselves: whether they are there decides."""
        return tuple(self.fields)

    def writes(self) -> Sequence[Path]:
        """The fields."""
        return tuple(self.fields)

    def losses(self) -> Sequence[Loss]:
        """Which records lacked the field."""
        what = "which records had null or nothing there" if self.also_null else "which records had nothing there"
        return tuple(Loss(path, what) for path in self.fields)


def _fill_null(fields: list[tuple[str, Callable[[], Json], Path]]) -> Change:
    def change(parent: Document) -> bool:
        changed = False
        for name, make, _ in fields:
            if name not in parent or is_null(parent[name]):
                changed |= put(parent, name, make())
        return changed

    return change
