"""``set``: overwrite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from migrate_spec.changes import in_order
from migrate_spec.codec import Json, maker
from migrate_spec.document import Change, on_object, put
from migrate_spec.errors import Irreversible
from migrate_spec.operation import Loss, Operation
from migrate_spec.path import Name, Path, within
from migrate_spec.shapes.effects import of_fields
from migrate_spec.shapes.shape import ObjectShape, Shape, only
from migrate_spec.shapes.walking import changed_at


@dataclass(frozen=True)
class Set(Operation):
    """Set fields, list items or object values, whether something is there or not.

    A parent or a place in a list that is absent is passed over. There is no way back: what was there is overwritten.
    """

    values: Mapping[Path, Json]

    example: ClassVar[str] = """
        step: {set: {state: open, "point[1]": 0, flags.*: false}}
        before: {state: done, point: [3, 4], flags: {a: true, b: false}}
        after: {state: open, point: [3, 0], flags: {a: false, b: false}}
    """
    takes_anything: ClassVar[bool] = True

    def forward(self) -> Change:
        """Put each value in place of what is there."""
        return in_order([within(path.parent, _overwrite(path, maker(value))) for path, value in self.values.items()])

    def backward(self) -> Change:
        """There is none."""
        first = next(iter(self.values))
        raise Irreversible(
            f"{str(first)!r} overwritten by `set` was found",
            "a step that can be undone was expected",
            "nothing tells what was there before",
            where=first.place,
        )

    def effect(self, shape: Shape) -> Shape:
        """Each value is there, wherever its parent is."""
        for path, value in self.values.items():
            if isinstance(path.last, Name):
                shape = of_fields(shape, {path: only(value)}, partial(ObjectShape.having, needed=True))
            else:
                shape = changed_at(shape, path, lambda _, value=value: only(value))  # type: ignore[misc]
        return shape

    def reads(self) -> Sequence[Path]:
        """Nothing."""
        return ()

    def writes(self) -> Sequence[Path]:
        """The paths."""
        return tuple(self.values)

    def losses(self) -> Sequence[Loss]:
        """What was there before."""
        return tuple(Loss(path, "the value it had before") for path in self.values)


def _overwrite(path: Path, make: Callable[[], Json]) -> Change:
    last = path.last
    if isinstance(last, Name):
        name = last.name
        return on_object(lambda parent: put(parent, name, make()))

    def change(parent: Any) -> bool:
        changed = False
        for key in last.keys(parent):
            changed |= put(parent, key, make())
        return changed

    return change
