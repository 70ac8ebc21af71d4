"""``keep_fields``: take all other fields away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.codec import Document
from migrate_spec.document import Change
from migrate_spec.errors import Fault
from migrate_spec.operation import Field, Loss, Operation
from migrate_spec.path import EachValue, Path, str_of
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape

_ALL = Path((EachValue(),))


@dataclass(frozen=True)
class KeepFields(Operation):
    """Keep these fields of an object and take all others away. The version stamp must be among them.

    Backwards the object stays as it is.
    """

    fields: Sequence[Field]

    example: ClassVar[str] = """
        step: {at: author, keep_fields: [id, name]}
        before: {title: Write, author: {id: 7, name: Ada, phone: "1"}}
        after: {title: Write, author: {id: 7, name: Ada}}
    """

    def check(self) -> Iterator[Fault]:
        """Fields of the object itself; to say what is kept of an object inside takes a step ``at`` that object."""
        for path in self.fields:
            if len(path.segments) > 1:
                found, remedy = f"the path {str(path)!r} was found", "work on an object inside with `at`"
                yield Fault(found, "a field of the object itself was expected", remedy, path.place, "path-invalid")

    def forward(self) -> Change:
        """Take away what is not named."""
        kept = frozenset(str_of(path.last) for path in self.fields)

        def change(value: Document) -> bool:
            gone = [name for name in value if name not in kept]
            for name in gone:
                del value[name]
            return bool(gone)

        return change

    def backward(self) -> Change:
        """Leave the object."""
        return lambda _: False

    def by_names(self) -> bool:
        """Always."""
        return True

    def effect(self, shape: Shape) -> Shape:
        """There are no other fields."""
        return shape.of_objects(self._kept)

    def _kept(self, one: ObjectShape) -> Iterator[ObjectShape]:
        names = [str_of(path.last) for path in self.fields]
        if one.closed() and one.fields.keys() <= set(names):
            yield one
        else:
            yield ObjectShape({name: one.field(name) for name in names}, NOTHING, most=one.most)

    def effect_back(self, shape: Shape) -> Shape:
        """Nothing happens."""
        return shape

    def reads(self) -> Sequence[Path]:
        """Nothing."""
        return ()

    def writes(self) -> Sequence[Path]:
        """Each field, as there may be any; :meth:`touches` knows which stay."""
        return (_ALL,)

    def touches(self, path: Path) -> bool:
        """Whether a path leads into another field than those that are kept."""
        first = path.segments[0] if path.segments else None
        return not (first is not None and Path((first,)) in self.fields)

    def losses(self) -> Sequence[Loss]:
        """The other fields."""
        return (Loss(_ALL, "the fields that were taken away"),)
