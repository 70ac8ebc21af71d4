"""Objects made out of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrate_spec.codec import Json
from migrate_spec.documents.units import UNSETTLED, Source, Stuck, Unit, density, inside, simplest

__all__ = ["Field", "Object", "Others"]

SELDOM = 127
"""The byte up to which a field is not there whose name the schema does not say: half as often as a named one."""


@dataclass
class Field:
    """A field that an object may have.

    Attributes:
        name: its name.
        unit: what makes its value.
        needed: whether it is always there.
        at: where its bytes begin: whether it is there, unless that is needed; its value.
    """

    name: str
    unit: Unit
    needed: bool
    at: int = 0


@dataclass
class Others:
    """A further field of an object, under one of several names.

    Attributes:
        names: the names.
        unit: what makes its value.
        needed: whether it is always there.
        at: where its bytes begin: whether it is there, its name, its value.
    """

    names: Sequence[str]
    unit: Unit
    needed: bool = False
    at: int = 0


class Object(Unit):
    """An object.

    The first byte says how dense it is: fields are there whose own byte is above that. So documents with all fields,
    with the needed ones only and with any share between come up, and a field goes when its byte becomes zero.

    Args:
        fields: the fields whose names are known, in their order.
        others: those which come after them.
        least: how many fields there are at least.
        most: and at most.
    """

    def __init__(
        self, fields: Sequence[Field], others: Sequence[Others], least: int = 0, most: int | None = None
    ) -> None:
        self.fields = fields
        self.others = others
        self.fewest = least
        self.most = most
        self.width = 1
        for field in fields:
            field.unit = inside(field.unit)
            field.at = self.width
            self.width += field.unit.width + (not field.needed)
        for other in others:
            other.unit = inside(other.unit)
            other.at = self.width
            self.width += other.unit.width + 2

    def make(self, tape: bytes, at: int, source: Source, /) -> Json:
        """An object of the fields whose bytes say that they are there."""
        bar, calm = density(tape[at]), source.calm
        found: dict[str, Json] = {}
        for field in self.fields:
            here = at + field.at
            if not field.needed:
                if tape[here] <= bar:
                    continue
                here += 1
            unit = field.unit
            found[field.name] = unit.make(tape, here, source) if tape[here] >= calm else simplest(unit)
        for other in self.others:
            if other.needed or tape[at + other.at] > max(bar, SELDOM):
                _add(other, found, tape, at, source)
        if len(found) < self.fewest:
            self._fill(found, tape, at, source)
        if self.most is not None and len(found) > self.most:
            self._thin(found, self.most)
        return found

    def _fill(self, found: dict[str, Json], tape: bytes, at: int, source: Source) -> None:
        """Add fields that are not there, until there are enough."""
        for field in self.fields:
            if len(found) < self.fewest and field.name not in found:
                found[field.name] = field.unit.make(tape, at + field.at + 1, source)
        for other in [*self.others] * self.fewest:
            if len(found) < self.fewest:
                _add(other, found, tape, at, source)
        if len(found) < self.fewest:
            raise Stuck

    def _thin(self, found: dict[str, Json], most: int) -> None:
        """Take fields away that need not be there, until there are few enough."""
        needed = {field.name for field in self.fields if field.needed}
        for name in reversed(list(found)):
            if len(found) > most and name not in needed:
                del found[name]

    def finish(self) -> None:
        """Leave out what nothing fits; what could not be made for another reason is an error."""
        parts: list[Field | Others] = [*self.fields, *self.others]
        for part in parts:
            if part.unit.least is UNSETTLED:
                if part.needed:
                    self.why = self.why or part.unit.why
                elif part.unit.why:
                    raise ValueError(part.unit.why)
        self.fields = [field for field in self.fields if field.unit.least is not UNSETTLED]
        self.others = [other for other in self.others if other.unit.least is not UNSETTLED]


def _add(other: Others, found: dict[str, Json], tape: bytes, at: int, source: Source) -> None:
    """Add a field under the next of its names that is free."""
    start = tape[at + other.at + 1] % len(other.names)
    for name in (*other.names[start:], *other.names[:start]):
        if name not in found:
            found[name] = other.unit.make(tape, at + other.at + 2, source)
            return
