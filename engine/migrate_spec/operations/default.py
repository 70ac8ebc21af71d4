"""``default``: fill fields where they are absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from migrate_spec.changes import by_parent, fill
from migrate_spec.codec import Document, Json, is_null, maker
from migrate_spec.document import Change, put
from migrate_spec.operation import Field, Loss, Operation, all_sole
from migrate_spec.path import Path, str_of
from migrate_spec.shapes.effects import of_fields
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.reading import met, without
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape, only, union

_NULL: Final = {"type": "null"}


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
    only_adds: ClassVar[bool] = True
    takes_anything: ClassVar[bool] = True

    def forward(self) -> Change:
        """Put a value in where there is none."""
        makers = {path: maker(value) for path, value in self.fields.items()}
        return by_parent(makers, _fill_null if self.also_null else fill)

    def backward(self) -> Change:
        """Leave the fields."""
        return lambda _: False

    def by_names(self) -> bool:
        """Unless null counts for nothing."""
        return not self.also_null and all_sole(self.fields)

    def effect(self, shape: Shape) -> Shape:
        """The fields are there, with the values that they had or those given here."""
        return of_fields(shape, self.fields, self._filled)

    def _filled(self, one: ObjectShape, name: str, value: Json) -> Iterator[ObjectShape]:
        old = one.field(name)
        if not self.also_null or met(old.shape, _NULL) is NOTHING:
            return one.filled(name, only(value))
        return one.having(name, union([without(old.shape, _NULL), only(value)]), needed=True)

    def effect_back(self, shape: Shape) -> Shape:
        """Nothing happens."""
        return shape

    def is_idle(self, shape: Shape) -> bool:
        """Where all the fields are always there."""
        return self._are_there(shape) and self.effect(shape) is shape

    def _are_there(self, shape: Shape) -> bool:
        return all(
            one.field(str_of(path.last)).needed
            for path in self.fields
            for parent in seen(shape, path.parent)
            for one in parent.objects()
        )

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
