"""Lists of objects, and objects of the same under their names: what becomes of the one as the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from migrate_spec.shapes.reading import met
from migrate_spec.shapes.shape import NOTHING, Field, ListShape, ObjectShape, Scalars, Shape, only, union
from migrate_spec.shapes.writing import written

__all__ = ["list_of", "map_of"]

_TEXT: Final = {"type": "string"}
_TEXTS: Final = Shape((Scalars(_TEXT),))


class Layout(Protocol):
    """How an entry of an object looks as an item of a list: :class:`migrate_spec.entries.Layout`."""

    @property
    def key(self) -> str | None:
        """The item's field with the entry's name."""

    @property
    def value(self) -> str | None:
        """The item's field with the entry's value."""

    @property
    def keep_key(self) -> bool:
        """Whether the field with the name is in the entry's value, too."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of an object.

    Attributes:
        name: the shape of its name.
        value: the shape of its value.
    """

    name: Shape
    value: Shape


def map_of(layout: Layout, shape: Shape) -> Shape:
    """The shape of the objects that lists become."""
    return union(_map_of(layout, one) for one in shape.lists())


def _map_of(layout: Layout, one: ListShape) -> Shape:
    places = [list(_entries(layout, one.item(index))) for index in range(len(one.first) + 1)]
    # a list ends before the first place of which every item is refused
    ends = [index for index, entries in enumerate(places) if not entries]
    most = min([*ends, *([] if one.most is None else [one.most])], default=None)
    if most is not None and most < one.least:
        return NOTHING
    places = places[:most]
    if any(entry.name.values() is None for entries in places for entry in entries):
        entries = [entry for place in places for entry in place]
        names = union(entry.name for entry in entries)
        schema = True if _TEXTS.alternatives[0] in names.alternatives else written(names)
        others = union(entry.value for entry in entries)
        return Shape((ObjectShape({}, others, (), schema, one.least, most),))
    fields = _fields(one, places)
    return NOTHING if fields is None else Shape((ObjectShape(fields, NOTHING, (), True, one.least, most),))  # noqa: FBT003


def _fields(one: ListShape, places: Sequence[Sequence[_Entry]]) -> dict[str, Field] | None:
    """The fields that items become whose names are told; ``None`` where two have the same, which is refused."""
    found: dict[str, Field] = {}
    for index, entries in enumerate(places):
        names = {str(name): None for entry in entries for name in entry.name.values() or ()}
        needed = len(names) == 1 and index < min(one.least, len(one.first))
        for name in names:
            value = union(entry.value for entry in entries if name in (entry.name.values() or ()))
            old = found.get(name, Field(NOTHING))
            if old.needed and needed:
                return None
            # where one of two is always there, the other never is
            shape = old.shape if old.needed else value if needed else union([old.shape, value])
            found[name] = Field(shape, old.needed or needed)
    return found


def _entries(layout: Layout, item: Shape) -> Iterator[_Entry]:
    """The entries that an item becomes, one for each name that can be told."""
    key = layout.key or ""
    for one in item.objects():
        texts = met(one.field(key).shape, _TEXT)
        values = texts.values()
        for name in [texts] if values is None else map(only, values):
            for found in one.narrowed(key, name, needed=True):
                value = _value(layout, found)
                if value is not NOTHING:
                    yield _Entry(name, value)


def _value(layout: Layout, item: ObjectShape) -> Shape:
    """What an item with a name becomes; nothing where it is refused."""
    if layout.keep_key:
        return Shape((item,))
    if layout.value is None:
        return Shape(tuple(item.without(layout.key or "")))
    other = any(known.needed for name, known in item.fields.items() if name not in {layout.key, layout.value})
    few = item.least <= 2 and (item.most is None or item.most >= 2)  # noqa: PLR2004 - the name and the value
    return item.field(layout.value).shape if few and not other else NOTHING


def list_of(layout: Layout, shape: Shape, order_by: str | None = None) -> Shape:
    """The shape of the lists that objects become.

    Args:
        layout: how their entries look as items.
        shape: the objects.
        order_by: the field by which the items are sorted, all of them numbers or all texts.
    """
    kinds = [None] if order_by is None else ["number", "string"]
    return union(_list_of(layout, one, order_by or "", kind) for one in shape.objects() for kind in kinds)


def _list_of(layout: Layout, one: ObjectShape, order_by: str, kind: str | None) -> Shape:
    def item(entry: _Entry) -> Shape:
        made = _item(layout, entry)
        return made if kind is None else _ranked(made, order_by, kind)

    named = [(item(_Entry(only(name), known.shape)), known) for name, known in one.fields.items()]
    if any(known.needed and made is NOTHING for made, known in named):
        return NOTHING
    items = union([*(made for made, _ in named), *(item(entry) for entry in _unnamed(one))])
    least = max(one.least, sum(known.needed for _, known in named))
    most = sum(made is not NOTHING for made, _ in named) if one.closed() else one.most
    most = 0 if items is NOTHING else most if one.most is None or most is None else min(most, one.most)
    if most is not None and most < least:
        return NOTHING
    return Shape((ListShape((), items, least, most),))


def _unnamed(one: ObjectShape) -> Iterator[_Entry]:
    """The entries of which the names are not told."""
    for pattern, shape in one.patterns:
        yield _Entry(met(_TEXTS, {"pattern": pattern}), shape)
    if one.others is not NOTHING:
        yield _Entry(met(_TEXTS, one.names) if isinstance(one.names, dict) else _TEXTS, one.others)


def _item(layout: Layout, entry: _Entry) -> Shape:
    """What an entry becomes; nothing where it is refused."""
    if entry.value is NOTHING or entry.name is NOTHING:
        return NOTHING
    if layout.value is not None:
        named = {} if layout.key is None else {layout.key: Field(entry.name, needed=True)}
        return Shape((ObjectShape({**named, layout.value: Field(entry.value, needed=True)}, NOTHING),))
    if layout.key is None:
        return entry.value
    found: list[ObjectShape] = []
    for one in entry.value.objects():
        if layout.keep_key:
            found += one.narrowed(layout.key, met(one.field(layout.key).shape, _schema(entry.name)), needed=True)
        else:
            found += (
                made for free in one.absent(layout.key) for made in free.having(layout.key, entry.name, needed=True)
            )
    return union(Shape((one,)) for one in found)


def _schema(names: Shape) -> dict[str, object]:
    schema = written(names)
    return schema if isinstance(schema, dict) else {}


def _ranked(items: Shape, order_by: str, kind: str) -> Shape:
    """Those of the items that can be sorted by a field of a type."""
    return union(
        Shape((found,))
        for one in items.objects()
        for found in one.narrowed(order_by, met(one.field(order_by).shape, {"type": kind}), needed=True)
    )
