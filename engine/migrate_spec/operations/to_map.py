"""``to_map``: a list of objects becomes an object of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from migrate_spec.changes import in_order, rewrite
from migrate_spec.codec import Json
from migrate_spec.document import Change
from migrate_spec.entries import Layout
from migrate_spec.errors import Fault
from migrate_spec.operation import ORDER, FieldName, Loss, Operation
from migrate_spec.path import Each, Name, Path
from migrate_spec.shapes.effects import with_values
from migrate_spec.shapes.entries import list_of, map_of
from migrate_spec.shapes.shape import Shape


@dataclass(frozen=True)
class ItemOptions:
    """What of an item becomes the name of an entry, and what its value.

    Attributes:
        key: the field whose text becomes the name.
        value: the field that becomes the value; without it, all other fields do.
        keep_key: whether the field with the name stays among them.
    """

    key: FieldName
    value: FieldName | None = None
    keep_key: bool = False

    @property
    def layout(self) -> Layout:
        """The same for the entries."""
        return Layout(self.key, self.value, self.keep_key)


@dataclass(frozen=True)
class ToMap(Operation):
    """Make an object of a list of objects: each item stands under the text it has in the field `key`.

    The field is taken out of it, unless `keep_key: true`. With `value: NAME` an item must have these two fields alone
    and becomes the value of the second. Backwards the object becomes a list again, in its order, the key first.
    """

    fields: Mapping[Path, ItemOptions]

    example: ClassVar[str] = """
        step: {to_map: {users: {key: id}, env: {key: name, value: value}}}
        before: {users: [{id: ada, age: 36}, {id: bob}], env: [{name: HOME, value: /root}]}
        after: {users: {ada: {age: 36}, bob: {}}, env: {HOME: /root}}
    """

    def check(self) -> Iterator[Fault]:
        """Lists apart from each other, and options that go together."""
        yield from super().check()
        for path, options in self.fields.items():
            yield from options.layout.faults(path.place)

    def forward(self) -> Change:
        """Make an object of each list."""
        return in_order([rewrite(path, options.layout.entries) for path, options in self.fields.items()])

    def backward(self) -> Change:
        """Make a list of each object."""
        return in_order([rewrite(path, _listed(options.layout)) for path, options in self.fields.items()])

    def effect(self, shape: Shape) -> Shape:
        """Each list is an object."""
        for path, options in self.fields.items():
            made = partial(map_of, options.layout)
            shape = with_values(shape, path, made)
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """Each object is a list."""
        for path, options in self.fields.items():
            made = partial(list_of, options.layout)
            shape = with_values(shape, path, made)
        return shape

    def reads(self) -> Sequence[Path]:
        """The lists."""
        return tuple(self.fields)

    def writes(self) -> Sequence[Path]:
        """The lists."""
        return tuple(self.fields)

    def losses(self) -> Sequence[Loss]:
        """Where the key stood in each item, unless it stays there."""
        keys = [
            Path((*path.segments, Each(), Name(options.key)), path.place)
            for path, options in self.fields.items()
            if not options.keep_key
        ]
        return tuple(Loss(key, ORDER) for key in keys)


def _listed(layout: Layout) -> Callable[[Json], Json]:
    return lambda entries: [item for _, item in layout.items(entries)]
