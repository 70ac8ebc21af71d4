"""``remove``: take fields away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.changes import by_parent, fill, take
from migrate_spec.codec import Json, maker
from migrate_spec.document import Change
from migrate_spec.errors import Irreversible
from migrate_spec.operation import Field, Loss, Operation, all_sole
from migrate_spec.path import Path
from migrate_spec.shapes.effects import of_fields
from migrate_spec.shapes.shape import Shape, only


@dataclass(frozen=True)
class Restore:
    """What a removed field is filled with on the way back."""

    restore: Json


@dataclass(frozen=True)
class Remove(Operation):
    """Take fields away. A record without them is passed over.

    Backwards each field is filled with its `restore` value; without one there is no way back.
    """

    fields: Sequence[Field] | Mapping[Field, Restore]

    example: ClassVar[str] = """
        step: {remove: [draft, meta.cache]}
        before: {title: Write, draft: true, meta: {cache: 1, kept: 2}}
        after: {title: Write, meta: {kept: 2}}
    """
    takes_anything: ClassVar[bool] = True

    def forward(self) -> Change:
        """Take each field away where it is there."""
        return by_parent(dict.fromkeys(self.fields), take)

    def backward(self) -> Change:
        """Fill each field with its ``restore`` value."""
        if not isinstance(self.fields, Mapping):
            first = self.fields[0]
            path = str(first)
            key = path if path.replace(".", "").replace("_", "").isalnum() else "'{}'".format(path.replace("'", "''"))
            raise Irreversible(
                f"the removal of {path!r} was found",
                "a value to put back was expected",
                f"write `remove: {{{key}: {{restore: VALUE}}}}`",
                where=first.place,
            )
        return by_parent({path: maker(option.restore) for path, option in self.fields.items()}, fill)

    def by_names(self) -> bool:
        """Where they are fields of the object itself."""
        return all_sole(self.fields)

    def effect(self, shape: Shape) -> Shape:
        """The fields are not there."""
        return of_fields(shape, dict.fromkeys(self.fields), lambda one, name, _: one.without(name))

    def effect_back(self, shape: Shape) -> Shape:
        """Each is there, with the value that it has or its ``restore`` value."""
        fields = self.fields if isinstance(self.fields, Mapping) else {}
        return of_fields(shape, fields, lambda one, name, option: one.filled(name, only(option.restore)))

    def reads(self) -> Sequence[Path]:
        """Nothing."""
        return ()

    def writes(self) -> Sequence[Path]:
        """The fields."""
        return tuple(self.fields)

    def losses(self) -> Sequence[Loss]:
        """The values, and which records had them."""
        return tuple(Loss(path, "the removed value") for path in self.fields)
