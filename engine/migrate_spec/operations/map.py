"""``map``: values looked up in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from migrate_spec.codec import Json, Raw, decode, encode, maker
from migrate_spec.document import ABSENT, Change, Refused, describe, equal, frozen, same
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.operation import Loss, Operation, Table, Value, by_parent, fill, in_order, overlaps, rewrite
from migrate_spec.path import EachValue, Name, Path
from migrate_spec.schema import Schema
from migrate_spec.shapes.effects import of_fields, rewritten
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.reading import without
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape, only, union
from migrate_spec.shapes.writing import written

MOST_SHOWN = 8
"""Values of a table in a sentence."""

_New = Callable[[Json], Json]
"""What becomes of a value, as it is; ``ABSENT`` where it is taken away."""


@dataclass(frozen=True)
class Map(Operation):
    """Look values up in a table, type-strictly: `true` is not `1`. A value that no key matches is refused.

    With `else: keep` it stays, with `else: absent` it is taken away, and with `else: {value: v}` it becomes `v`. The
    values listed under `absent` are taken away, too. Backwards the table is read the other way; where several values
    became one, `reverse: {new: old}` says which; where there is none, the first value under `absent` is put in.
    """

    fields: Mapping[Path, Table[Json]]
    else_: Literal["fail", "keep", "absent"] | Value = "fail"
    absent: Sequence[Json] = ()
    reverse: Table[Json] | None = None

    example: ClassVar[str] = """
        step: {map: {state: {open: todo, closed: done}, "votes[]": [[0, against], [1, for]]}}
        before: {title: Write, state: open, votes: [1, 0]}
        after: {title: Write, state: todo, votes: [for, against]}
    """
    by_table: ClassVar[bool] = True

    def check(self) -> Iterator[Fault]:
        """Each old value once, ``absent`` where something can be, and a ``reverse`` that leads to where it says."""
        yield from overlaps(self.writes())
        for path, table in self.fields.items():
            yield from self._table_faults(path, table)
        for new, old in self.reverse.pairs if self.reverse else ():
            yield from self._reverse_faults(new, old)

    def _table_faults(self, path: Path, table: Table[Json]) -> Iterator[Fault]:
        named = [*(old for old, _ in table.pairs), *self.absent]
        for index, value in enumerate(self.absent, len(table.pairs)):
            if any(same(value, other) for other in named[:index]):
                found = f"{describe(value)} was found again in `absent`"
                yield Fault(found, "each value was expected once", "", path.place, "duplicate-key")
        for old, new in table.pairs:
            if same(old, new) and not equal(old, new):
                found = f"{describe(old)} that becomes {describe(new)} was found"
                expected = "another value was expected, as the two are the same here"
                yield Fault(found, expected, "`convert` writes a number in another way", path.place, "no-effect")
        if not named and isinstance(self.else_, str) and self.else_ != "absent":
            found = f"an empty table for {str(path)!r} was found"
            yield Fault(found, "an entry was expected", "", path.place, "no-effect")
        if (self.absent or self.else_ == "absent") and not isinstance(path.last, Name | EachValue):
            yield Fault(
                f"the path {str(path)!r} was found for values that become absent",
                "one that ends in a name or * was expected, as the items behind it would get other places",
                "map them to `null`, or take the items out in another step",
                path.place,
                "item-absent",
            )

    def _reverse_faults(self, new: Json, old: Json) -> Iterator[Fault]:
        giving = {path: table for path, table in self.fields.items() if self._gives(table, new)}
        if not giving:
            found = f"{describe(new)} was found as a key of `reverse`"
            first = next(iter(self.fields))
            yield Fault(found, "a new value of the table was expected", "", first.place, "reverse-unknown")
        for path, table in giving.items():
            result = self._leads_to(table, old)
            if result is ABSENT or not same(result, new):
                found = f"{describe(old)} was found in `reverse` for {describe(new)}"
                expected = f"a value was expected that becomes {describe(new)} at {str(path)!r}"
                yield Fault(found, expected, "", path.place, "reverse-wrong")

    def _gives(self, table: Table[Json], new: Json) -> bool:
        """Whether ``new`` is a new value of a table, or the value of ``else``."""
        other = isinstance(self.else_, Value) and same(self.else_.value, new)
        return other or any(same(value, new) for _, value in table.pairs)

    def _leads_to(self, table: Table[Json], old: Json) -> Json:
        """What becomes of an old value; ``ABSENT`` where it goes or is refused."""
        found = table.look_up()(old)
        if found is not ABSENT or any(same(old, value) for value in self.absent):
            return found
        if isinstance(self.else_, Value):
            return self.else_.value
        return old if self.else_ == "keep" else ABSENT

    def forward(self) -> Change:
        """Put what the table leads to in place of each value."""
        return in_order([rewrite(path, self._ahead(table)) for path, table in self.fields.items()])

    def _ahead(self, table: Table[Json]) -> _New:
        known = tuple(old for old, _ in table.pairs) + tuple(self.absent)
        ways: dict[str, _New] = {
            "keep": _stays,
            "absent": _goes,
            "fail": _refuser(known, "add it to the table, or say `else: keep`"),
        }
        other = ways[self.else_] if isinstance(self.else_, str) else _unless_equal(self.else_.value)
        return _looked_up([*_ways(table.pairs), *((old, _goes) for old in self.absent)], other)

    def backward(self) -> Change:
        """Put what led to it in place of each value, and the first value under ``absent`` where there is none."""
        changes = [rewrite(path, self._back(path, table)) for path, table in self.fields.items()]
        gone = [path for path in self.fields if self.absent and isinstance(path.last, Name)]
        return in_order([*changes, by_parent({path: maker(self.absent[0]) for path in gone}, fill)])

    def _back(self, path: Path, table: Table[Json]) -> _New:
        pairs = self._pairs_back(path, table)
        refuse = _refuser(tuple(new for new, _ in pairs), "it was changed since, as the table leads to no such value")
        return _looked_up(_ways(pairs), _stays if self.else_ == "keep" else refuse)

    def _pairs_back(self, path: Path, table: Table[Json]) -> Sequence[tuple[Json, Json]]:
        """What each new value becomes on the way back.

        Raises:
            Irreversible: several old values lead to one, and nothing says which it is to be.
        """
        reverse = (self.reverse or Table(())).look_up()
        pairs: list[tuple[Json, Json]] = []
        for new, olds in _sources(table):
            old = reverse(new)
            if old is ABSENT and len(olds) > 1:
                raise Irreversible(
                    f"{describe(new)} was found for {_several(olds, ' and for ')}",
                    "one of them was expected to be named for the way back",
                    f"write `reverse: {_entry(new, encode(olds[0]).decode())}`",
                    where=path.place,
                )
            pairs.append((new, olds[0] if old is ABSENT else old))
        if isinstance(self.else_, Value):
            new = self.else_.value
            if reverse(new) is ABSENT:
                raise Irreversible(
                    f"{describe(new)} was found for all that the table lacks",
                    "a value was expected to be named for the way back",
                    f"write `reverse: {_entry(new, 'VALUE')}`",
                    where=path.place,
                )
            pairs.append((new, reverse(new)))
        return pairs

    def effect(self, shape: Shape) -> Shape:
        """Each value is one that the table leads to from what was there."""
        for path, table in self.fields.items():
            other = self.else_ if isinstance(self.else_, str) else only(self.else_.value)
            shape = rewritten(
                shape,
                path,
                partial(_looked_up_in, table.pairs, self.absent, other),
                one_to_one=_is_one_to_one(table.pairs, self.else_),
            )
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """Each value is one that leads to what was there."""
        for path, table in self.fields.items():
            other = "keep" if self.else_ == "keep" else "fail"
            pairs = self._pairs_back(path, table)
            apart = _is_one_to_one(pairs, other)
            shape = rewritten(shape, path, partial(_looked_up_in, pairs, (), other), one_to_one=apart)
            if self.absent and isinstance(path.last, Name):
                shape = of_fields(shape, {path: only(self.absent[0])}, ObjectShape.filled)
        return shape

    def is_idle(self, shape: Shape) -> bool:
        """Where each value that there can be leads to itself."""
        return all(
            self._leads_to_itself(table, found) for path, table in self.fields.items() for found in seen(shape, path)
        )

    def _leads_to_itself(self, table: Table[Json], shape: Shape) -> bool:
        values = shape.values()
        return values is not None and all(same(self._leads_to(table, value), value) for value in values)

    def reads(self) -> Sequence[Path]:
        """The values themselves."""
        return tuple(self.fields)

    def writes(self) -> Sequence[Path]:
        """The values."""
        return tuple(self.fields)

    def losses(self) -> Sequence[Loss]:
        """Nothing where the table is one to one; else which of several values it was, or whether it was there."""
        return tuple(Loss(path, what) for path, table in self.fields.items() for what in self._lost(path, table))

    def _lost(self, path: Path, table: Table[Json]) -> Iterator[str]:
        other = [self.else_.value] if isinstance(self.else_, Value) else []
        olds = [old for old, _ in table.pairs]
        for new, sources in _sources(table):
            kept = self.else_ == "keep" and not any(same(new, old) for old in (*olds, *self.absent))
            merged = [*sources, new] if kept else sources
            if len(merged) > 1 and not any(same(new, value) for value in other):
                yield f"whether it was {_several(merged, ' or ')}"
        yield from (f"which value became {describe(value)}" for value in other)
        if self.else_ == "absent":
            yield "a value that the table lacks"
        if self.absent and isinstance(path.last, Name):
            yield f"whether it was {_several(self.absent, ' or ')} or absent, and its place among its siblings"
        elif self.absent:
            yield f"the entries that were {_several(self.absent, ' or ')}"
        altered = [old for old, new in table.pairs if not same(old, new)]
        if any(_has(old, _is_whole) for old in altered):
            yield "whether a number was written with a fraction"
        if any(_has(old, _is_ordered) for old in altered):
            yield "the order of the fields in it"


def _looked_up_in(
    pairs: Sequence[tuple[Json, Json]], absent: Sequence[Json], other: str | Shape, shape: Shape
) -> tuple[Shape, bool]:
    """The shape of what a table makes of values, and whether some of them go."""
    is_there = Schema(written(shape)).is_valid
    known = [*(old for old, _ in pairs), *absent]
    rest = without(shape, {"enum": known}) if known else shape
    kept = rest if other == "keep" else other if isinstance(other, Shape) and rest is not NOTHING else NOTHING
    gone = (other == "absent" and rest is not NOTHING) or any(map(is_there, absent))
    return union([*(only(new) for old, new in pairs if is_there(old)), kept]), gone


def _is_one_to_one(pairs: Sequence[tuple[Json, Json]], other: str | Value) -> bool:
    """Whether no two values become one, be they in a table or not."""
    olds, news = ({frozen(pair[side]) for pair in pairs} for side in (0, 1))
    return len(news) == len(pairs) and (other == "fail" or (other == "keep" and news <= olds))


def _sources(table: Table[Json]) -> Sequence[tuple[Json, Sequence[Json]]]:
    """Each new value of a table, with the old ones that lead to it."""
    found: dict[Any, tuple[Json, list[Json]]] = {}
    for old, new in table.pairs:
        found.setdefault(frozen(new), (new, []))[1].append(old)
    return tuple(found.values())


def _looked_up(ways: Sequence[tuple[Json, _New]], other: _New) -> _New:
    look_up = Table(tuple(ways)).look_up()

    def new(value: Json) -> Json:
        way = look_up(decode(value) if type(value) in {Raw, list, dict} else value)
        return way(value) if callable(way) else other(value)

    return new


def _ways(pairs: Sequence[tuple[Json, Json]]) -> Sequence[tuple[Json, _New]]:
    """What is done with the values of a table; what leads to itself stays, in its own spelling."""
    return [(old, _stays if same(old, new) else _puts(maker(new))) for old, new in pairs]


def _puts(make: Callable[[], Json]) -> _New:
    return lambda _: make()


def _unless_equal(new: Json) -> _New:
    make = maker(new)
    return lambda value: value if equal(value, new) else make()


def _stays(value: Json) -> Json:
    return value


def _goes(_: Json) -> Json:
    return ABSENT


def _refuser(known: Sequence[Json], remedy: str) -> _New:
    expected = f"{'one of ' if len(known) > 1 else ''}{_several(known, ', ') or 'no value'} was expected"

    def refuse(value: Json) -> Json:
        raise Refused(f"{describe(value)} was found", expected, remedy)

    return refuse


def _several(values: Sequence[Json], joint: str) -> str:
    """Values for a sentence: no more than a reader takes in."""
    rest = [f"{len(values) - MOST_SHOWN} more"] if len(values) > MOST_SHOWN else []
    return joint.join([*(describe(value) for value in values[:MOST_SHOWN]), *rest])


def _entry(key: Json, value: str) -> str:
    """A table of one entry, as a spec says it."""
    text = encode(key).decode()
    return f"[[{text}, {value}]]" if type(key) in {list, dict} else f"{{{text}: {value}}}"


def _has(value: Json, judge: Callable[[Json], bool]) -> bool:
    """Whether a value, or a part of it, is of a kind."""
    parts = value.values() if type(value) is dict else value if type(value) is list else ()
    return judge(value) or any(_has(part, judge) for part in parts)


def _is_whole(value: Json) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _is_ordered(value: Json) -> bool:
    return type(value) is dict and len(value) > 1
