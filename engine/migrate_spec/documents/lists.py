"""Lists made out of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrate_spec.codec import Json, copied
from migrate_spec.document import frozen
from migrate_spec.documents.units import UNSETTLED, Source, Stuck, Unit, density, inside, simplest, variations

__all__ = ["Array", "Items"]

USUAL_SLOTS, MOST_SLOTS = 3, 16
"""Of a list: how many items have bytes of their own; further ones are made of the bytes of these."""
LONG = 224
"""From which byte on a list gets one of the lengths that it seldom has."""


@dataclass
class Items:
    """Items of a list that are made alike.

    Attributes:
        unit: what makes them.
        least: how many there are at least.
        most: and at most.
        slots: how many have bytes of their own: whether it is there, its value.
        at: where these begin.
    """

    unit: Unit
    least: int = 0
    most: int | None = None
    slots: int = 0
    at: int = 0


class Array(Unit):
    """A list: its first items one by one, then items of several kinds, each kind together.

    Its first bytes say how dense it is, as those of an object do; whether it has one of the seldom lengths; how many of
    the first items are there.

    Args:
        first: what makes the first items.
        kinds: the items after them.
        least: how many items there are at least.
        most: and at most.
        unique: whether no two are the same; ``False``: two are the same; ``None``: either.
        lengths: lengths that are worth a try.
    """

    def __init__(  # noqa: PLR0913 - as many as the schema of a list has
        self,
        first: Sequence[Unit],
        kinds: Sequence[Items],
        least: int = 0,
        most: int | None = None,
        *,
        unique: bool | None = None,
        lengths: Sequence[int] = (),
    ) -> None:
        self.first = [inside(unit) for unit in first]
        self.kinds = kinds
        self.fewest = least
        self.most = most
        self.unique = unique
        self.places = []
        self.width = 3
        for unit in self.first:
            self.places.append(self.width)
            self.width += unit.width
        for kind in kinds:
            kind.unit = inside(kind.unit)
            needed = max(kind.least, least - len(first) if kind is kinds[-1] else 0)
            limits = [limit for limit in (kind.most, most) if limit is not None]
            kind.slots = min(needed + USUAL_SLOTS, MOST_SLOTS, *limits)
            kind.at = self.width
            self.width += kind.slots * (kind.unit.width + 1)
        usual = len(first) + sum(kind.slots for kind in kinds)
        further = (*lengths, *(() if most is None else (most - 1, most)), usual + 1, usual + 2, 2 * usual)
        self.lengths = sorted({size for size in further if least < size <= (size if most is None else most)})

    def make(self, tape: bytes, at: int, source: Source, /) -> Json:
        """A list of the items whose bytes say that they are there."""
        fewest = self.fewest
        if tape[at + 1] >= LONG and self.lengths:
            fewest = self.lengths[(tape[at + 1] - LONG) % len(self.lengths)]
        growing = _Growing(source, self.unique)
        count = min(fewest, len(self.first))
        if count < len(self.first):
            count += tape[at + 2] % (len(self.first) - count + 1)
        for unit, place in zip(self.first[:count], self.places, strict=False):
            growing.put(unit, tape[at + place : at + place + unit.width])
        if count == len(self.first):
            bar = density(tape[at])
            for kind in self.kinds:
                missing = fewest - len(growing.items) if kind is self.kinds[-1] else 0
                room = None if self.most is None else self.most - len(growing.items)
                slots = _slots(kind, tape[at + kind.at : at + kind.at + kind.slots * (kind.unit.width + 1)])
                for slot in _present(slots, bar, max(kind.least, missing), kind.most, room):
                    growing.put(kind.unit, slot)
        found = growing.items
        if self.unique is False and len(growing.seen) == len(found) > 1:
            found[-1] = copied(found[-2])
        if len(found) < self.fewest:
            raise Stuck
        return found

    def finish(self) -> None:
        """Leave out what nothing fits; what could not be made for another reason is an error."""
        self.why = next((unit.why for unit in self.first if unit.why), "")
        for kind in self.kinds:
            if kind.unit.least is UNSETTLED:
                if kind.least or self.fewest:
                    self.why = self.why or kind.unit.why
                elif kind.unit.why:
                    raise ValueError(kind.unit.why)
        self.kinds = [kind for kind in self.kinds if kind.unit.least is not UNSETTLED]


def _slots(kind: Items, tape: bytes) -> list[bytes]:
    """The bytes of each item of a kind."""
    width = kind.unit.width + 1
    return [tape[place : place + width] for place in range(0, len(tape), width)]


def _present(slots: list[bytes], bar: int, least: int, *limits: int | None) -> list[bytes]:
    """The bytes of the items that are there, without the first byte; over again where there must be more."""
    missing = least - sum(slot[0] > bar for slot in slots)
    found = []
    for slot in slots:
        if slot[0] > bar or missing > 0:
            missing -= slot[0] <= bar
            found.append(slot[1:])
    if slots and least > len(found):
        found = (found * (least // len(found) + 1))[:least]
    return found[: min((limit for limit in limits if limit is not None), default=None)]


class _Growing:
    """A list to which items are added.

    Attributes:
        items: the list.
        seen: what is in it, where that matters.
        used_up: what has no further item to add, as far as is known.
    """

    def __init__(self, source: Source, unique: bool | None) -> None:  # noqa: FBT001 - as in Array
        self.source = source
        self.unique = unique
        self.items: list[Json] = []
        self.seen: set[object] = set()
        self.used_up: Unit | None = None

    def put(self, unit: Unit, tape: bytes) -> None:
        """Add an item; where it must be unlike all others, one that is, and none where there is none."""
        value = unit.make(tape, 0, self.source) if tape[0] >= self.source.calm else simplest(unit)
        if self.unique and frozen(value) in self.seen:
            value = UNSETTLED if self.used_up is unit else self._unlike(unit, tape)
            if value is UNSETTLED:
                self.used_up = unit
                return
        if self.unique is not None:
            self.seen.add(frozen(value))
        self.items.append(value)

    def _unlike(self, unit: Unit, tape: bytes) -> Json:
        """An item that is not yet in the list, of bytes as near as can be; ``UNSETTLED`` where none is found."""
        calm, self.source.calm = self.source.calm, 0
        values = (unit.make(other, 0, self.source) for other in variations(tape))
        found = next((value for value in values if frozen(value) not in self.seen), UNSETTLED)
        self.source.calm = calm
        return found
