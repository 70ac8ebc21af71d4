"""``wrap``: a value becomes a list of one, or an object with one field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from migrate_spec.changes import in_order, rewrite
from migrate_spec.document import Change
from migrate_spec.operation import FieldName, Loss, Operation
from migrate_spec.path import Path
from migrate_spec.shapes.effects import with_values
from migrate_spec.shapes.shape import Shape
from migrate_spec.wraps import (
    in_list,
    in_object,
    into_list,
    into_object,
    item_or_null,
    out_of_list,
    out_of_object,
    value_of_object,
)


@dataclass(frozen=True)
class Wrap(Operation):
    """Make a list of one of each value, and an empty list of null; with a name, an object with this field alone.

    A value that is absent is passed over. Backwards the item of the list, or the field of the object, is the value
    again; a list of several, or an object with other fields, is refused.
    """

    values: Sequence[Path] | Mapping[Path, FieldName]

    example: ClassVar[str] = """
        step: {wrap: [author, "notes[].tag"]}
        before: {author: Ada, notes: [{tag: new}, {tag: null}]}
        after: {author: [Ada], notes: [{tag: [new]}, {tag: []}]}
    """

    def forward(self) -> Change:
        """Put each value into a list or an object."""
        ways = [(path, into_list if name is None else into_object(name)) for path, name in self._names()]
        return in_order([rewrite(path, way) for path, way in ways])

    def backward(self) -> Change:
        """Take each value out again."""
        ways = [(path, out_of_list if name is None else out_of_object(name)) for path, name in self._names()]
        return in_order([rewrite(path, way) for path, way in ways])

    def effect(self, shape: Shape) -> Shape:
        """Each value is in a list of one or in an object, and null is an empty list."""
        for path, name in self._names():
            into = in_list if name is None else partial(in_object, name)
            shape = with_values(shape, path, into)
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """Each is the value in the list, the only one, or in the object."""
        for path, name in self._names():
            out_of = item_or_null if name is None else partial(value_of_object, name)
            shape = with_values(shape, path, out_of)
        return shape

    def reads(self) -> Sequence[Path]:
        """The values themselves."""
        return tuple(self.values)

    def writes(self) -> Sequence[Path]:
        """The values."""
        return tuple(self.values)

    def losses(self) -> Sequence[Loss]:
        """Nothing."""
        return ()

    def _names(self) -> Sequence[tuple[Path, str | None]]:
        """Each path with the name of the field, or none for a list."""
        if isinstance(self.values, Mapping):
            return tuple(self.values.items())
        return tuple((path, None) for path in self.values)
