"""``flatten``: the fields of an object in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.changes import by_parent
from migrate_spec.document import Change
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.levels import beside, check_levels, down, shape_down, shape_up, up
from migrate_spec.operation import Field, FieldName, Loss, Operation, overlaps
from migrate_spec.path import Path
from migrate_spec.shapes.shape import Shape


@dataclass(frozen=True)
class Flatten(Operation):
    """Put the fields of an object in its place, beside its siblings; a name that one of these has is refused.

    `{object: [names]}` says which fields it can have, and any other is refused; backwards they go into an object
    again. `[object]` takes whatever is there, and there is no way back.
    """

    objects: Sequence[Field] | Mapping[Field, Sequence[FieldName]]

    example: ClassVar[str] = """
        step: {flatten: {meta: [author, size]}}
        before: {id: 1, meta: {author: Ada, size: 3}, tags: []}
        after: {id: 1, author: Ada, size: 3, tags: []}
    """

    def check(self) -> Iterator[Fault]:
        """Objects and their fields apart from each other, but an object may have a field of its own name."""
        yield from check_levels(self.objects) if isinstance(self.objects, Mapping) else overlaps(self.objects)

    def forward(self) -> Change:
        """Put what is in each object in its place."""
        if isinstance(self.objects, Mapping):
            return by_parent(self.objects, up)
        return by_parent(dict.fromkeys(self.objects), up)

    def backward(self) -> Change:
        """Put the fields into an object again."""
        if isinstance(self.objects, Mapping):
            return by_parent(self.objects, down)
        first = self.objects[0]
        raise Irreversible(
            f"{str(first)!r} flattened was found",
            "the names of its fields were expected",
            "`flatten: {OBJECT: [NAMES]}` can be undone",
            where=first.place,
        )

    def effect(self, shape: Shape) -> Shape:
        """The fields of the objects are in their place."""
        return shape_up(shape, self.objects if isinstance(self.objects, Mapping) else dict.fromkeys(self.objects))

    def effect_back(self, shape: Shape) -> Shape:
        """They are in the objects."""
        return shape_down(shape, self.objects) if isinstance(self.objects, Mapping) else shape

    def reads(self) -> Sequence[Path]:
        """The objects, and the fields that may be in them or beside them."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The objects, and the fields that come beside them, as far as it is said which; no other can be there yet."""
        if not isinstance(self.objects, Mapping):
            return self.objects
        fields = (path for home, names in self.objects.items() for path in (home, *beside(home, names)))
        return tuple(dict.fromkeys(fields))

    def losses(self) -> Sequence[Loss]:
        """An object with nothing in it; without names, which fields were in which object."""
        what = "whether it was there with nothing in it"
        if not isinstance(self.objects, Mapping):
            what = "which fields were in it"
        return tuple(Loss(path, what) for path in self.objects)
