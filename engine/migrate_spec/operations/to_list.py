"""``to_list``: an object of objects becomes a list of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar

from migrate_spec.changes import in_order, rewrite
from migrate_spec.codec import Json, opened
from migrate_spec.document import ABSENT, Change, Refused, describe
from migrate_spec.entries import Layout
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.operation import FieldName, Loss, Operation
from migrate_spec.path import Name, Path
from migrate_spec.shapes.effects import with_values
from migrate_spec.shapes.entries import list_of, map_of
from migrate_spec.shapes.shape import Shape

_REMEDY = "`value: NAME` makes a field of that name of it"


@dataclass(frozen=True)
class EntryOptions:
    """What of an item is the name of an entry, and what its value; and what the items are sorted by.

    Attributes:
        key: the field that the name becomes; without it, the names are dropped.
        value: the field that the value becomes; without it, the fields of the value are those of the item.
        order_by: the field of the items that they are sorted by; without it, they stand in the order of the object.
        keep_key: whether the field with the name is in each value already.
    """

    key: FieldName | None = None
    value: FieldName | None = None
    order_by: FieldName | None = None
    keep_key: bool = False

    @property
    def layout(self) -> Layout:
        """The same without the order."""
        return Layout(self.key, self.value, self.keep_key)


@dataclass(frozen=True)
class ToList(Operation):
    """Make a list of an object: the name of each entry becomes the field `key` of its item, or is dropped without it.

    With `value: NAME` the entry becomes that field of the item; without it, it must be an object, and have no field
    `key` yet, or with `keep_key: true` its own name in it. `order_by: NAME` sorts the items by a field, numbers by
    value and texts by their characters. Backwards the list becomes an object again, if the names were not dropped.
    """

    fields: Mapping[Path, EntryOptions]

    example: ClassVar[str] = """
        step: {to_list: {users: {key: id, order_by: age}, env: {key: name, value: value}}}
        before: {users: {ada: {age: 36}, bob: {age: 7}}, env: {HOME: /root}}
        after: {users: [{id: bob, age: 7}, {id: ada, age: 36}], env: [{name: HOME, value: /root}]}
    """

    def check(self) -> Iterator[Fault]:
        """Objects apart from each other, and options that go together."""
        yield from super().check()
        for path, options in self.fields.items():
            yield from options.layout.faults(path.place)
            fields = [name for name in (options.key, options.value) if name is not None]
            if options.value is not None and options.order_by not in {None, *fields}:
                found, expected = f"order_by: {options.order_by} was found", f"{' or '.join(fields)} was expected"
                yield Fault(found, expected, "the items have no other field", path.place, "options-disagree")

    def forward(self) -> Change:
        """Make a list of each object."""
        return in_order([rewrite(path, _listed(options)) for path, options in self.fields.items()])

    def backward(self) -> Change:
        """Make an object of each list."""
        for path, options in self.fields.items():
            if options.key is None:
                raise Irreversible(
                    f"{str(path)!r} made a list without the names was found",
                    "a field for them was expected",
                    "say `key: NAME`",
                    where=path.place,
                )
        return in_order([rewrite(path, options.layout.entries) for path, options in self.fields.items()])

    def effect(self, shape: Shape) -> Shape:
        """Each object is a list."""
        for path, options in self.fields.items():
            made = partial(list_of, options.layout, order_by=options.order_by)
            shape = with_values(shape, path, made)
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """Each list is an object."""
        for path, options in self.fields.items():
            made = partial(map_of, options.layout)
            shape = with_values(shape, path, made)
        return shape

    def reads(self) -> Sequence[Path]:
        """The objects."""
        return tuple(self.fields)

    def writes(self) -> Sequence[Path]:
        """The objects."""
        return tuple(self.fields)

    def losses(self) -> Sequence[Loss]:
        """The names where they are dropped, and the order of the entries where they get another."""
        lost = {
            path: [
                *(["the names of its entries"] if options.key is None else []),
                *(["the order of its entries"] if options.order_by is not None else []),
            ]
            for path, options in self.fields.items()
        }
        return tuple(Loss(path, what) for path, all_of_it in lost.items() for what in all_of_it)


def _listed(options: EntryOptions) -> Callable[[Json], Json]:
    items = options.layout.items
    if options.order_by is None:
        return lambda entries: [item for _, item in items(entries, _REMEDY)]

    def make(entries: Json) -> Json:
        ranked: list[tuple[Any, Json]] = []
        for name, item in items(entries, _REMEDY):
            try:
                ranked.append((_rank(item, options, ranked[0][0] if ranked else None), item))
            except Refused as refusal:
                raise refusal.below(str(Name(name))) from None
        return [item for _, item in sorted(ranked, key=itemgetter(0))]

    return make


def _rank(item: Json, options: EntryOptions, first: Json) -> Any:
    """What an item is sorted by: a number where the first item's is one, a text where that is one."""
    order_by, fields = options.order_by or "", opened(item)
    if type(fields) is not dict:
        raise Refused(f"{describe(fields)} was found", "an object was expected, as the items are sorted by a field")
    rank = opened(fields.get(order_by, ABSENT))
    kind = "a number or a text" if first is None else "a text" if type(first) is str else "a number"
    if type(rank) not in ({str, int, float} if first is None else {str} if type(first) is str else {int, float}):
        raise Refused(
            "nothing was found" if rank is ABSENT else f"{describe(rank)} was found",
            f"{kind} was expected, as the items are sorted by it",
            path="" if order_by == options.value else str(Name(order_by)),
        )
    return rank
