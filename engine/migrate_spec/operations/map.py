"""``map``: values looked up in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from migrate_spec.changes import by_parent, fill, in_order, rewrite
from migrate_spec.codec import Json, encode, maker
from migrate_spec.document import ABSENT, Change, describe, equal, same
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.lookups import (
    New,
    entry,
    goes,
    is_one_to_one,
    looked_up,
    lost_in_spelling,
    refuser,
    several,
    shape_looked_up,
    sources,
    stays,
    unless_equal,
)
from migrate_spec.operation import Loss, Operation, Table, Value, overlaps
from migrate_spec.path import EachValue, Name, Path
from migrate_spec.shapes.effects import of_fields, rewritten
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.shape import ObjectShape, Shape, only


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

    def _ahead(self, table: Table[Json]) -> New:
        known = tuple(old for old, _ in table.pairs) + tuple(self.absent)
        others: dict[str, New] = {
            "keep": stays,
            "absent": goes,
            "fail": refuser(known, "add it to the table, or say `else: keep`"),
        }
        other = others[self.else_] if isinstance(self.else_, str) else unless_equal(self.else_.value)
        return looked_up(table.pairs, self.absent, other)

    def backward(self) -> Change:
        """Put what led to it in place of each value, and the first value under ``absent`` where there is none."""
        changes = [rewrite(path, self._back(path, table)) for path, table in self.fields.items()]
        gone = [path for path in self.fields if self.absent and isinstance(path.last, Name)]
        return in_order([*changes, by_parent({path: maker(self.absent[0]) for path in gone}, fill)])

    def _back(self, path: Path, table: Table[Json]) -> New:
        pairs = self._pairs_back(path, table)
        refuse = refuser(tuple(new for new, _ in pairs), "it was changed since, as the table leads to no such value")
        return looked_up(pairs, (), stays if self.else_ == "keep" else refuse)

    def _pairs_back(self, path: Path, table: Table[Json]) -> Sequence[tuple[Json, Json]]:
        """What each new value becomes on the way back.

        Raises:
            Irreversible: several old values lead to one, and nothing says which it is to be.
        """
        reverse = (self.reverse or Table(())).look_up()
        pairs: list[tuple[Json, Json]] = []
        for new, olds in sources(table):
            old = reverse(new)
            if old is ABSENT and len(olds) > 1:
                raise Irreversible(
                    f"{describe(new)} was found for {several(olds, ' and for ')}",
                    "one of them was expected to be named for the way back",
                    f"write `reverse: {entry(new, encode(olds[0]).decode())}`",
                    where=path.place,
                )
            pairs.append((new, olds[0] if old is ABSENT else old))
        if isinstance(self.else_, Value):
            new = self.else_.value
            if reverse(new) is ABSENT:
                raise Irreversible(
                    f"{describe(new)} was found for all that the table lacks",
                    "a value was expected to be named for the way back",
                    f"write `reverse: {entry(new, 'VALUE')}`",
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
                partial(shape_looked_up, table.pairs, self.absent, other),
                one_to_one=is_one_to_one(table.pairs, self.else_),
            )
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """Each value is one that leads to what was there."""
        for path, table in self.fields.items():
            other = "keep" if self.else_ == "keep" else "fail"
            pairs = self._pairs_back(path, table)
            apart = is_one_to_one(pairs, other)
            shape = rewritten(shape, path, partial(shape_looked_up, pairs, (), other), one_to_one=apart)
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
        for new, leading in sources(table):
            kept = self.else_ == "keep" and not any(same(new, old) for old in (*olds, *self.absent))
            merged = [*leading, new] if kept else leading
            if len(merged) > 1 and not any(same(new, value) for value in other):
                yield f"whether it was {several(merged, ' or ')}"
        yield from (f"which value became {describe(value)}" for value in other)
        if self.else_ == "absent":
            yield "a value that the table lacks"
        if self.absent and isinstance(path.last, Name):
            yield f"whether it was {several(self.absent, ' or ')} or absent, and its place among its siblings"
        elif self.absent:
            yield f"the entries that were {several(self.absent, ' or ')}"
        yield from lost_in_spelling(table)
