"""``nest``: fields into a new object beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.changes import by_parent
from migrate_spec.document import Change
from migrate_spec.errors import Fault
from migrate_spec.levels import beside, check_levels, down, shape_down, shape_up, up
from migrate_spec.operation import ORDER, Field, FieldName, Loss, Operation
from migrate_spec.path import Path
from migrate_spec.shapes.shape import Shape


@dataclass(frozen=True)
class Nest(Operation):
    """Put fields into a new object, which stands in the place of the first; where none is there, none is made.

    Backwards the object may have these fields alone, which return to its place.
    """

    objects: Mapping[Field, Sequence[FieldName]]

    example: ClassVar[str] = """
        step: {nest: {owner: [user, group], "parts[].size": [width, height]}}
        before: {id: 1, user: ada, group: staff, mode: 7, parts: [{width: 2, height: 3}, {}]}
        after: {id: 1, owner: {user: ada, group: staff}, mode: 7, parts: [{size: {width: 2, height: 3}}, {}]}
    """

    def check(self) -> Iterator[Fault]:
        """Objects and fields apart from each other, but an object may have the name of one of its own fields."""
        yield from check_levels(self.objects)

    def forward(self) -> Change:
        """Put the fields that are there into a new object."""
        return by_parent(self.objects, down)

    def backward(self) -> Change:
        """Put them in the place of the object."""
        return by_parent(self.objects, up)

    def effect(self, shape: Shape) -> Shape:
        """The fields are in the objects."""
        return shape_down(shape, self.objects)

    def effect_back(self, shape: Shape) -> Shape:
        """They are beside them."""
        return shape_up(shape, self.objects)

    def reads(self) -> Sequence[Path]:
        """The fields and the objects: whether they are there decides."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The fields and the objects."""
        fields = (path for home, names in self.objects.items() for path in (home, *beside(home, names)))
        return tuple(dict.fromkeys(fields))

    def losses(self) -> Sequence[Loss]:
        """Where fields stood that were not beside each other; one alone is back in its place."""
        several = [beside(home, names) for home, names in self.objects.items() if len(names) > 1]
        return tuple(Loss(path, ORDER) for paths in several for path in paths)
