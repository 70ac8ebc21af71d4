"""Values looked up in tables: what ``map`` does with each, and what becomes of their shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from migrate_spec.codec import Json, Raw, decode, encode, maker
from migrate_spec.document import ABSENT, Refused, describe, equal, frozen, same
from migrate_spec.operation import Table, Value
from migrate_spec.schema import Schema
from migrate_spec.shapes.reading import without
from migrate_spec.shapes.shape import NOTHING, Shape, only, union
from migrate_spec.shapes.writing import written

__all__ = [
    "New",
    "entry",
    "goes",
    "is_one_to_one",
    "looked_up",
    "lost_in_spelling",
    "refuser",
    "several",
    "shape_looked_up",
    "sources",
    "stays",
    "unless_equal",
]

MOST_SHOWN = 8
"""Values of a table in a sentence."""

New = Callable[[Json], Json]
"""What becomes of a value, as it is; ``ABSENT`` where it is taken away."""


def sources(table: Table[Json]) -> Sequence[tuple[Json, Sequence[Json]]]:
    """Each new value of a table, with the old ones that lead to it."""
    found: dict[Any, tuple[Json, list[Json]]] = {}
    for old, new in table.pairs:
        found.setdefault(frozen(new), (new, []))[1].append(old)
    return tuple(found.values())


def looked_up(pairs: Sequence[tuple[Json, Json]], absent: Sequence[Json], other: New) -> New:
    """What becomes of a value: what it leads to; what leads to itself stays, in its own spelling.

    Args:
        pairs: values, each with what it leads to.
        absent: values that are taken away.
        other: what becomes of all other values.
    """
    ways = [(old, stays if same(old, new) else _puts(maker(new))) for old, new in pairs]
    look_up = Table((*ways, *((old, goes) for old in absent))).look_up()

    def new(value: Json) -> Json:
        way = look_up(decode(value) if type(value) in {Raw, list, dict} else value)
        return way(value) if callable(way) else other(value)

    return new


def _puts(make: Callable[[], Json]) -> New:
    return lambda _: make()


def unless_equal(new: Json) -> New:
    """Every value becomes a new one; what equals it stays, in its own spelling."""
    make = maker(new)
    return lambda value: value if equal(value, new) else make()


def stays(value: Json) -> Json:
    """The value stays as it is."""
    return value


def goes(_: Json) -> Json:
    """The value is taken away."""
    return ABSENT


def refuser(known: Sequence[Json], remedy: str) -> New:
    """Every value is refused, as it is none of those that are known."""
    expected = f"{'one of ' if len(known) > 1 else ''}{several(known, ', ') or 'no value'} was expected"

    def refuse(value: Json) -> Json:
        raise Refused(f"{describe(value)} was found", expected, remedy)

    return refuse


def several(values: Sequence[Json], joint: str) -> str:
    """Values for a sentence: no more than a reader takes in."""
    rest = [f"{len(values) - MOST_SHOWN} more"] if len(values) > MOST_SHOWN else []
    return joint.join([*(describe(value) for value in values[:MOST_SHOWN]), *rest])


def entry(key: Json, value: str) -> str:
    """A table of one entry, as a spec says it."""
    text = encode(key).decode()
    return f"[[{text}, {value}]]" if type(key) in {list, dict} else f"{{{text}: {value}}}"


def lost_in_spelling(table: Table[Json]) -> Iterator[str]:
    """What of the spelling of old values a table does not bring back, for a sentence."""
    altered = [old for old, new in table.pairs if not same(old, new)]
    if any(_has(old, _is_whole) for old in altered):
        yield "whether a number was written with a fraction"
    if any(_has(old, _is_ordered) for old in altered):
        yield "the order of the fields in it"


def _has(value: Json, judge: Callable[[Json], bool]) -> bool:
    """Whether a value, or a part of it, is of a kind."""
    parts = value.values() if type(value) is dict else value if type(value) is list else ()
    return judge(value) or any(_has(part, judge) for part in parts)


def _is_whole(value: Json) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _is_ordered(value: Json) -> bool:
    return type(value) is dict and len(value) > 1


def shape_looked_up(
    pairs: Sequence[tuple[Json, Json]], absent: Sequence[Json], other: str | Shape, shape: Shape
) -> tuple[Shape, bool]:
    """The shape of what :func:`looked_up` makes of values, and whether some of them go."""
    is_there = Schema(written(shape)).is_valid
    known = [*(old for old, _ in pairs), *absent]
    rest = without(shape, {"enum": known}) if known else shape
    kept = rest if other == "keep" else other if isinstance(other, Shape) and rest is not NOTHING else NOTHING
    gone = (other == "absent" and rest is not NOTHING) or any(map(is_there, absent))
    return union([*(only(new) for old, new in pairs if is_there(old)), kept]), gone


def is_one_to_one(pairs: Sequence[tuple[Json, Json]], other: str | Value) -> bool:
    """Whether no two values become one, be they in a table or not."""
    olds, news = ({frozen(pair[side]) for pair in pairs} for side in (0, 1))
    return len(news) == len(pairs) and (other == "fail" or (other == "keep" and news <= olds))
