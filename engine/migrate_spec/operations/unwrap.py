"""``unwrap``: a list of one becomes its item, an object with one field the value of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from migrate_spec.changes import by_parent, fill, in_order, rewrite
from migrate_spec.codec import Json, maker, opened
from migrate_spec.document import ABSENT, Change
from migrate_spec.errors import Fault
from migrate_spec.operation import FieldName, Loss, Operation
from migrate_spec.path import EachValue, Name, Path
from migrate_spec.shapes.effects import of_fields, rewritten, with_values
from migrate_spec.shapes.shape import ObjectShape, Shape, only, union
from migrate_spec.wraps import (
    in_list,
    in_object,
    into_list,
    into_object,
    item_of_list,
    out_of_object,
    sole,
    value_of_object,
)


@dataclass(frozen=True)
class Options:
    """What becomes of a list of several, and of one of none."""

    on_many: Literal["fail", "first", "last"] = "fail"
    empty: Literal["null", "absent"] = "null"


@dataclass(frozen=True)
class Unwrap(Operation):
    """Put the item of a list of one in place of the list, and `null` in place of an empty one.

    A list of several is refused, or with `on_many: first` or `last` one of its items stays; with `empty: absent` an
    empty list is taken away. With a name it is the value of an object that has this field alone. Backwards each value
    is put into a list, or the object, and `null` becomes an empty list.
    """

    values: Sequence[Path] | Mapping[Path, Options | FieldName]

    example: ClassVar[str] = """
        step: {unwrap: {author: {on_many: first}, "notes[].tag": {}}}
        before: {author: [Ada, Bob], notes: [{tag: [new]}, {tag: []}]}
        after: {author: Ada, notes: [{tag: new}, {tag: null}]}
    """

    def check(self) -> Iterator[Fault]:
        """Only an entry of an object can be taken away."""
        yield from super().check()
        for path, options in self._lists().items():
            if options.empty == "absent" and not isinstance(path.last, Name | EachValue):
                yield Fault(
                    f"`empty: absent` at {str(path)!r} was found",
                    "`empty: null` was expected, as the items behind it would get other places",
                    "take empty lists out with `drop_items` first",
                    path.place,
                    "item-absent",
                )

    def forward(self) -> Change:
        """Take each item out of its list."""
        lists = [rewrite(path, _out_of_list(options)) for path, options in self._lists().items()]
        return in_order([*lists, *(rewrite(path, out_of_object(name)) for path, name in self._objects().items())])

    def backward(self) -> Change:
        """Put each value into a list, with ``empty: absent`` an empty one where there is none."""
        options = self._lists()
        objects = [rewrite(path, into_object(name)) for path, name in self._objects().items()]
        gone = [path for path in options if options[path].empty == "absent" and isinstance(path.last, Name)]
        emptied = by_parent({path: maker([]) for path in gone}, fill)
        return in_order([*(rewrite(path, into_list) for path in options), *objects, emptied])

    def effect(self, shape: Shape) -> Shape:
        """Each value is the item of a list, or null or absent, or the value of an object."""
        for path, options in self._lists().items():
            shape = rewritten(shape, path, partial(_unwrapped, options))
        for path, name in self._objects().items():
            shape = with_values(shape, path, partial(value_of_object, name))
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """Each value is in a list of one or in an object; an empty list is where null or nothing was."""
        for path, options in self._lists().items():
            shape = with_values(shape, path, in_list)
            if options.empty == "absent" and isinstance(path.last, Name):
                shape = of_fields(shape, {path: only([])}, ObjectShape.filled)
        for path, name in self._objects().items():
            shape = with_values(shape, path, partial(in_object, name))
        return shape

    def reads(self) -> Sequence[Path]:
        """The values themselves."""
        return tuple(self.values)

    def writes(self) -> Sequence[Path]:
        """The values."""
        return tuple(self.values)

    def losses(self) -> Sequence[Loss]:
        """Nothing by default, as there was one item or none; else the other items, and where there were none."""
        return tuple(Loss(path, what) for path, options in self._lists().items() for what in _lost(path, options))

    def _lists(self) -> Mapping[Path, Options]:
        """The paths of lists, each with what is done with others than lists of one."""
        if not isinstance(self.values, Mapping):
            return dict.fromkeys(self.values, Options())
        return {path: options for path, options in self.values.items() if isinstance(options, Options)}

    def _objects(self) -> Mapping[Path, str]:
        """The paths of objects, each with the name of its field."""
        if not isinstance(self.values, Mapping):
            return {}
        return {path: name for path, name in self.values.items() if isinstance(name, str)}


def _out_of_list(options: Options) -> Callable[[Json], Json]:
    where = {"first": slice(0, 1), "last": slice(-1, None)}.get(options.on_many)
    empty = ABSENT if options.empty == "absent" else None

    def unwrapped(value: Json) -> Json:
        items = opened(value)
        if where and type(items) is list:
            items = items[where]
        item = sole(items, "say `on_many: first` or `on_many: last`")
        return empty if item is ABSENT else item

    return unwrapped


def _unwrapped(options: Options, shape: Shape) -> tuple[Shape, bool]:
    item, is_empty = item_of_list(shape, options.on_many)
    if not is_empty or options.empty == "absent":
        return item, is_empty
    return union([item, only(None)]), False


def _lost(path: Path, options: Options) -> Iterator[str]:
    if options.on_many != "fail":
        yield f"the items but the {options.on_many}"
    if options.empty == "absent":
        named = isinstance(path.last, Name)
        yield "which records had an empty list there, and which nothing" if named else "the entries with an empty list"
