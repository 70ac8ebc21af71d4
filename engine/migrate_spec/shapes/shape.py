"""Shapes: what is known of the documents that a step is given, in a form in which it can be told what it makes of them.

A shape is a set of values, as a JSON Schema is one, told by alternatives of four kinds: scalars, lists, objects, and
references to a recursive definition. An operation's effect takes the shape of what it is given to that of what it
makes. It may tell too much, never too little: whatever is made fits. :data:`ANYTHING` is always right.
What an operation refuses belongs to no shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from migrate_spec.codec import Json
from migrate_spec.document import frozen
from migrate_spec.schema import Schema

__all__ = [
    "ANYTHING",
    "NOTHING",
    "Alternative",
    "Field",
    "ListShape",
    "ObjectShape",
    "Reference",
    "Scalars",
    "Shape",
    "one_of",
    "only",
    "union",
]

SCALARS: Final = ("null", "boolean", "number", "string")
MOST_ALTERNATIVES: Final = 128
"""Of a shape; of more, only their types are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalars:
    """Values that are no lists and no objects.

    Attributes:
        schema: a JSON Schema that they fit, and no list or object does.
    """

    schema: Mapping[str, Json]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scalars) or self.schema != other.schema:
            return False
        return self is other or bool(frozen(dict(self.schema)) == frozen(dict(other.schema)))

    def __hash__(self) -> int:
        return hash(frozen(dict(self.schema)))

    def values(self) -> Sequence[Json] | None:
        """The values themselves; ``None`` where there are too many to tell."""
        if "enum" in self.schema:
            return list(self.schema["enum"])
        if "const" in self.schema:
            return [self.schema["const"]]
        known: dict[Json, Sequence[Json]] = {"null": [None], "boolean": [False, True]}
        return known.get(self.schema["type"]) if isinstance(self.schema["type"], str) else None


@dataclass(frozen=True, slots=True, eq=False)
class ListShape:
    """Lists.

    Attributes:
        first: the items at the first places, as far as the list is that long.
        rest: each item behind them.
        least: the number of items that are always there.
        most: the greatest number of items; ``None`` for no limit.
        more: what else is known, as keywords of JSON Schema; it holds only as long as nothing inside is altered.
    """

    first: tuple[Shape, ...] = ()
    rest: Shape = field(default_factory=lambda: ANYTHING)
    least: int = 0
    most: int | None = None
    more: Mapping[str, Json] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ListShape) and self._all() == other._all())

    def __hash__(self) -> int:
        return hash((self.least, self.most))

    def _all(self) -> tuple[Any, ...]:
        # keywords as what can be compared: true is not 1
        return self.first, self.rest, self.least, self.most, frozen(dict(self.more))

    def item(self, index: int) -> Shape:
        """What can be at a place."""
        if self.most is not None and index >= self.most:
            return NOTHING
        return self.first[index] if index < len(self.first) else self.rest

    def items(self) -> Shape:
        """What can be at any place."""
        return union([self.item(index) for index in range(len(self.first) + 1)])

    def altered(self, change: Callable[[int | None, Shape], Shape]) -> ListShape | None:
        """The lists with each item changed: ``change`` is given its place, ``None`` for all behind the first ones.

        Returns:
            ``None`` where no list is left, as an item that must be there cannot be.
        """
        first = tuple(_inside(shape, partial(change, index)) for index, shape in enumerate(self.first))
        rest = _inside(self.rest, partial(change, None))
        if rest is self.rest and all(new is old for new, old in zip(first, self.first, strict=True)):
            return self
        ends = [index for index, shape in enumerate(first) if shape is NOTHING]
        ends += [len(first)] if rest is NOTHING else []
        ends += [self.most] if self.most is not None else []
        most = min(ends, default=None)
        if most is not None and most < self.least:
            return None
        return ListShape(first[:most], rest, self.least, most)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of objects.

    Attributes:
        shape: its values.
        needed: whether all the objects have it.
    """

    shape: Shape
    needed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ObjectShape:
    """Objects.

    Attributes:
        fields: the fields that something is known of, by name.
        others: the value of each other field that no pattern matches; nothing: there are none.
        patterns: patterns of the names of other fields, each with the values; all that match hold.
        names: a JSON Schema for the names of other fields.
        least: the number of fields that are always there.
        most: the greatest number of fields; ``None`` for no limit.
        more: what else is known, as keywords of JSON Schema; it holds only as long as nothing inside is altered.
    """

    fields: Mapping[str, Field] = field(default_factory=dict)
    others: Shape = field(default_factory=lambda: ANYTHING)
    patterns: tuple[tuple[str, Shape], ...] = ()
    names: Json = True
    least: int = 0
    most: int | None = None
    more: Mapping[str, Json] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ObjectShape) and self._all() == other._all())

    def __hash__(self) -> int:
        return hash((self.least, self.most))

    def _all(self) -> tuple[Any, ...]:
        said = frozen(self.names), frozen(dict(self.more))
        return self.fields, self.others, self.patterns, said, self.least, self.most

    def field(self, name: str) -> Field:
        """What is known of a field; its shape is nothing where no object has it."""
        known = self.fields.get(name)
        if known is not None:
            return known
        if self.names is not True and not Schema(self.names).is_valid(name):
            return Field(NOTHING)
        found = [shape for pattern, shape in self.patterns if _matches(pattern, name)]
        return Field(_in_all(found) if found else self.others)

    def lacks(self, name: str) -> bool:
        """Whether no object has a field."""
        return self.field(name).shape is NOTHING

    def closed(self) -> bool:
        """Whether there are no fields but those in :attr:`fields`."""
        return self.others is NOTHING and not self.patterns

    def having(self, name: str, shape: Shape, *, needed: bool) -> Iterator[ObjectShape]:
        """The objects with a field instead of whatever they have under its name; none where that cannot be.

        Args:
            name: the field's name.
            shape: its values; nothing for a field that is never there.
            needed: whether all have it.
        """
        if shape is NOTHING and needed:
            return
        old = self.field(name)
        if old.shape is shape and old.needed is needed:
            yield self
            return
        fields = {other: known for other, known in self.fields.items() if other != name}
        if shape is not NOTHING or not replace(self, fields=fields).lacks(name):
            fields[name] = Field(shape, needed)
        patterns = tuple(
            (pattern, union([known, shape]) if _matches(pattern, name) else known) for pattern, known in self.patterns
        )
        least, most = self._counted(old, shape, needed=needed)
        yield ObjectShape(fields, self.others, patterns, self.names, least, most)

    def _counted(self, old: Field, shape: Shape, *, needed: bool) -> tuple[int, int | None]:
        """The bounds of the number of fields, with another one in the place of ``old``."""
        fewer = int(old.shape is not NOTHING and not needed)
        more = int(not old.needed and shape is not NOTHING)
        if needed and old.shape is NOTHING:
            return self.least + 1, None if self.most is None else self.most + 1
        if old.needed and shape is NOTHING:
            return max(0, self.least - 1), None if self.most is None else max(0, self.most - 1)
        return max(0, self.least - fewer), None if self.most is None else self.most + more

    def without(self, name: str) -> Iterator[ObjectShape]:
        """The objects with a field taken away from those that have it."""
        return self.having(name, NOTHING, needed=False)

    def filled(self, name: str, shape: Shape) -> Iterator[ObjectShape]:
        """The objects with a field put in where they lack it."""
        old = self.field(name)
        return self.having(name, old.shape if old.needed else union([old.shape, shape]), needed=True)

    def narrowed(self, name: str, shape: Shape, *, needed: bool) -> Iterator[ObjectShape]:
        """Those of the objects whose field is like this: all else that is known of them stays known."""
        if shape is NOTHING and needed:
            return
        old = self.field(name)
        if old.needed and shape is NOTHING:
            return
        for found in self.having(name, shape, needed=needed or old.needed):
            yield replace(found, least=self.least, most=self.most, more=self.more)

    def present(self, name: str) -> Iterator[ObjectShape]:
        """Those of the objects that have a field."""
        return self.narrowed(name, self.field(name).shape, needed=True)

    def absent(self, name: str) -> Iterator[ObjectShape]:
        """Those of the objects that lack a field."""
        return self.narrowed(name, NOTHING, needed=False)

    def altered(self, change: Callable[[Shape], Shape]) -> ObjectShape | None:
        """The objects with the value of each field changed, the ones that nothing is known of, too.

        Returns:
            ``None`` where no object is left, as a field that must be there cannot be.
        """
        fields = {name: _field(known, _inside(known.shape, change)) for name, known in self.fields.items()}
        if any(known.needed and known.shape is NOTHING for known in fields.values()):
            return None
        patterns = tuple((pattern, _inside(shape, change)) for pattern, shape in self.patterns)
        others = _inside(self.others, change)
        pairs = [(others, self.others), *((fields[name], known) for name, known in self.fields.items())]
        pairs += [(new, old) for (_, new), (_, old) in zip(patterns, self.patterns, strict=True)]
        if all(new is old for new, old in pairs):
            return self
        return ObjectShape(fields, others, patterns, self.names, self.least, self.most)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The values of a definition that contains itself.

    Attributes:
        name: the definition's name.
        look_up: gives the definition's shape by name.
    """

    name: str
    look_up: Callable[[str], Shape]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and (self.name, self.look_up) == (other.name, other.look_up)

    def __hash__(self) -> int:
        return hash(self.name)


Alternative = Scalars | ListShape | ObjectShape | Reference


@dataclass(frozen=True, slots=True)
class Shape:
    """A set of values.

    Attributes:
        alternatives: each a set of values; a value is in the shape that is in one of them.
    """

    alternatives: tuple[Alternative, ...]

    def plain(self) -> Iterator[Scalars | ListShape | ObjectShape]:
        """The alternatives, those that a reference leads to in its place."""
        seen: set[str] = set()
        waiting = list(reversed(self.alternatives))
        while waiting:
            alternative = waiting.pop()
            if not isinstance(alternative, Reference):
                yield alternative
            elif alternative.name not in seen:
                seen.add(alternative.name)
                waiting.extend(reversed(alternative.look_up(alternative.name).alternatives))

    def objects(self) -> Iterator[ObjectShape]:
        """The alternatives that are objects."""
        return (one for one in self.plain() if isinstance(one, ObjectShape))

    def lists(self) -> Iterator[ListShape]:
        """The alternatives that are lists."""
        return (one for one in self.plain() if isinstance(one, ListShape))

    def scalars(self) -> Shape:
        """The values that are no objects and no lists."""
        return one_of([one for one in self.plain() if isinstance(one, Scalars)])

    def values(self) -> Sequence[Json] | None:
        """All values, where they are scalars and not too many to tell."""
        found: list[Json] = []
        for one in self.plain():
            values = one.values() if isinstance(one, Scalars) else None
            if values is None:
                return None
            found += values
        return found

    def of_objects(self, change: Callable[[ObjectShape], Iterable[ObjectShape]]) -> Shape:
        """What becomes of objects, alternative by alternative; all else is refused."""
        return self._of_each(change, ObjectShape)

    def of_lists(self, change: Callable[[ListShape], Iterable[Alternative]]) -> Shape:
        """What becomes of lists, alternative by alternative; all else is refused."""
        return self._of_each(change, ListShape)

    def _of_each(self, change: Callable[[Any], Iterable[Alternative]], kind: type) -> Shape:
        old = tuple(self.plain())
        new = [made for one in old if isinstance(one, kind) for made in change(one)]
        if len(new) == len(old) and all(one is other for one, other in zip(new, old, strict=True)):
            return self
        return one_of(new)


def _field(known: Field, shape: Shape) -> Field:
    return known if known.shape is shape else Field(shape, known.needed)


def _inside(shape: Shape, change: Callable[[Shape], Shape]) -> Shape:
    return shape if shape is NOTHING else change(shape)


def _matches(pattern: str, name: str) -> bool:
    return Schema({"pattern": pattern}).is_valid(name)


def _in_all(shapes: Sequence[Shape]) -> Shape:
    if len(shapes) == 1:
        return shapes[0]
    from migrate_spec.shapes.reading import all_of  # noqa: PLC0415 - reading makes shapes, which ask it in turn

    return all_of(shapes)


def one_of(alternatives: Sequence[Alternative]) -> Shape:
    """A shape of these alternatives, each once; of too many only the types stay."""
    found: list[Alternative] = []
    for one in alternatives:
        if not any(one is other or one == other for other in found):
            found.append(one)
    if len(found) > MOST_ALTERNATIVES:
        return union([_of_same_type(one) for one in found])
    return Shape(tuple(found)) if found else NOTHING


def _of_same_type(one: Alternative) -> Shape:
    if isinstance(one, Reference):
        return union([_of_same_type(inner) for inner in Shape((one,)).plain()])
    kinds: dict[type, int] = {Scalars: 0, ListShape: 1, ObjectShape: 2}
    return Shape((ANYTHING.alternatives[kinds[type(one)]],))


def union(shapes: Iterable[Shape]) -> Shape:
    """The values that are in one of several shapes."""
    found = [shape for shape in shapes if shape is not NOTHING]
    if any(shape is ANYTHING for shape in found):
        return ANYTHING
    if len(found) == 1:
        return found[0]
    whole = one_of([one for shape in found for one in shape.alternatives])
    return ANYTHING if all(part in whole.alternatives for part in ANYTHING.alternatives) else whole


def only(value: Json) -> Shape:
    """The shape of one value."""
    if type(value) is list:
        return Shape((ListShape(tuple(map(only, value)), NOTHING, len(value), len(value)),))
    if type(value) is dict:
        return Shape((ObjectShape({name: Field(only(part), needed=True) for name, part in value.items()}, NOTHING),))
    return Shape((Scalars({"const": value}),))


NOTHING: Final[Shape] = Shape(())
"""No value at all."""
ANYTHING: Final[Shape] = Shape(())
"""Every value."""
object.__setattr__(ANYTHING, "alternatives", (Scalars({"type": list(SCALARS)}), ListShape(), ObjectShape()))
