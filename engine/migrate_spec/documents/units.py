"""What documents are made of: units that turn bytes into values.

Zeros become the simplest value, and each byte is about one thing only: whether a field is there, which value it has.
So a document gets simpler with every byte that becomes zero, which is all that Hypothesis needs to shrink it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Final

from migrate_spec.codec import Json, copied, encode

__all__ = [
    "UNSETTLED",
    "Choice",
    "Guarded",
    "Impossible",
    "Leaf",
    "Nested",
    "Source",
    "Stuck",
    "Test",
    "Unit",
    "density",
    "inside",
    "simplest",
    "variations",
]

UNSETTLED: Final = object()
"""Stands for the simplest value of a unit as long as it is not known."""

MOST_BLOCKS = 16
"""Of bytes, in one document: what comes after them is as simple as can be."""
STEEPNESS = 24
"""How much less probable each level of nesting is, of 256; so recursion ends."""
WIDEST_INSIDE = 48
"""Bytes of a unit that reads them from the block of its parent; a wider one has a block of its own."""
LEAST_WEIGHT = 3
"""Of each way to make a fresh value; that of a value of the pool is 1."""
FIRST = 8
"""Values of a pool that are twice as probable as the others."""
MOST_SAMPLES, ENOUGH_SAMPLES = 400, 24
"""How many values are made in search of ones that fit, and how many of those are kept."""
NEAREST = 8
"""Variations of the bytes of a value that does not fit, before an example is taken instead."""

Test = Callable[[Json], bool]
"""Whether a value fits."""

_ORDER = {type(None): 0, bool: 1, int: 2, float: 2, str: 3, list: 4, dict: 5}


class Stuck(Exception):  # noqa: N818 - the state of a unit
    """A unit can make no value of these bytes, or not yet."""


@dataclass(slots=True)
class Source:
    """Where the bytes of one document come from.

    Attributes:
        block: gives so many bytes.
        calm: a part whose first byte is less has its simplest value.
        depth: how many blocks lie around the one that is read.
        left: how many more blocks may be asked for.
    """

    block: Callable[[int], bytes]
    calm: int = 0
    depth: int = 0
    left: int = MOST_BLOCKS


class Unit(ABC):
    """A way to make values out of bytes.

    Attributes:
        width: how many bytes it reads of its parent's block.
        why: why it can make no value, as a sentence, where that is known.
    """

    width = 1
    why = ""
    _least: Json = UNSETTLED

    @property
    def least(self) -> Json:
        """Its simplest value, once that is known; not to be altered."""
        return self._least

    @abstractmethod
    def make(self, tape: bytes, at: int, source: Source, /) -> Json:
        """The value that the bytes of a block mean, from a place on.

        Raises:
            Stuck: they mean none.
        """

    def settle(self) -> bool:
        """Find the simplest value; false where those of its parts are not known yet."""
        try:
            self._least = self.make(bytes(self.width), 0, Source(bytes))
        except Stuck:
            return False
        return True

    def finish(self) -> None:  # noqa: B027 - most units have nothing to get ready
        """Get ready, now that every unit is settled that can be.

        Raises:
            ValueError: a part that need not be there, but may, can never be made.
        """

    def sample(self, random: Random) -> Json:
        """A value by chance.

        Raises:
            Stuck: bad luck.
        """
        return self.make(random.randbytes(self.width), 0, Source(random.randbytes))


class Impossible(Unit):
    """No value at all, and why."""

    def __init__(self, why: str = "") -> None:
        self.why = why

    def make(self, _tape: bytes, _at: int, _source: Source, /) -> Json:
        """No value."""
        raise Stuck


class Leaf(Unit):
    """One of a pool of interesting values, or a fresh one.

    Args:
        pool: the values.
        fresh: functions from a number up to 65,280 to a value, the simplest first.
        fits: whether a fresh value may be used; where not, one of the pool is.
    """

    def __init__(
        self, pool: Sequence[Json], fresh: Sequence[Callable[[int], Json]] = (), fits: Test | None = None
    ) -> None:
        self.pool = [*pool[:FIRST], *pool]
        self.fresh = list(fresh)
        self.fits = fits
        self.made = max(LEAST_WEIGHT, len(self.pool) // 3) * len(self.fresh)
        self.sides = self.made + len(self.pool)
        self.width = 3 if fresh else 1

    def make(self, tape: bytes, at: int, _source: Source, /) -> Json:
        """A value of the pool, or a fresh one."""
        side = tape[at] % self.sides
        if side >= self.made:
            return copied(self.pool[side - self.made])
        # Each byte for itself makes the number less, never more: so the least that will do is found byte by byte.
        low = tape[at + 2]
        number = tape[at + 1] ** 2 + low if 2 * side < self.made else low >> 4 if side % 3 else low
        value = self.fresh[side % len(self.fresh)](number)
        if self.fits is None or self.fits(value):
            return value
        if not self.pool:
            raise Stuck
        return copied(self.pool[number % len(self.pool)])


class Choice(Unit):
    """What one of several units makes; zero means the one with the simplest value."""

    def __init__(self, branches: Sequence[Unit]) -> None:
        self.branches = [inside(branch) for branch in branches]
        self.width = 1 + max(branch.width for branch in self.branches)

    def make(self, tape: bytes, at: int, source: Source, /) -> Json:
        """What a branch makes."""
        if self._least is UNSETTLED:
            raise Stuck
        return self.branches[tape[at] % len(self.branches)].make(tape, at + 1, source)

    def settle(self) -> bool:
        """Put the branch with the simplest value first."""
        self.branches.sort(key=lambda branch: _simplicity(branch.least))
        self._least = self.branches[0].least
        return self._least is not UNSETTLED

    def finish(self) -> None:
        """Leave out the branches that make no value."""
        self.why = next((branch.why for branch in self.branches if branch.why), "")
        self.branches = [branch for branch in self.branches if branch.least is not UNSETTLED]


class Nested(Unit):
    """What another unit makes of a block of its own; the only unit through which units go in a circle."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    @property
    def least(self) -> Json:
        """The simplest value of the other unit."""
        return self.unit.least

    def make(self, tape: bytes, at: int, source: Source, /) -> Json:
        """What the other unit makes, or its simplest value."""
        if tape[at] <= source.depth * STEEPNESS or not source.left:
            return simplest(self.unit)
        source.left -= 1
        source.depth += 1
        value = self.unit.make(source.block(self.unit.width), 0, source)
        source.depth -= 1
        return value


class Guarded(Unit):
    """What another unit makes, where it fits; else what it makes of similar bytes, or an example that fits.

    Args:
        unit: the other unit.
        fits: whether a value fits.
        reason: why it can make no value, should it find none that fits.
    """

    def __init__(self, unit: Unit, fits: Test, reason: str) -> None:
        self.unit = unit
        self.fits = fits
        self.width = unit.width
        self.reason = reason
        self.examples: list[bytes] = []

    def make(self, tape: bytes, at: int, source: Source, /) -> Json:
        """A value that fits."""
        if not self.examples:
            raise Stuck
        own = tape[at : at + self.width]
        for tried in (own, *islice(variations(own), NEAREST)):
            try:
                value = self.unit.make(tried, 0, source)
            except Stuck:
                continue
            if self.fits(value):
                return value
        return self.unit.make(self.examples[sum(own) % len(self.examples)], 0, Source(bytes))

    def settle(self) -> bool:
        """Find bytes whose values fit."""
        if self.unit.least is UNSETTLED:
            return False
        random = Random(0)  # noqa: S311 - it chooses examples
        tapes = (random.randbytes(self.width) for _ in range(MOST_SAMPLES))
        fitting = (tape for tape in (bytes(self.width), *tapes) if self._fits(tape))
        found = {self._simpler(tape) for tape in islice(fitting, ENOUGH_SAMPLES)}
        self.examples = sorted(found, key=lambda tape: (-tape.count(0), tape))
        if not self.examples:
            self.why = self.reason
            return False
        self._least = self.unit.make(self.examples[0], 0, Source(bytes))
        return True

    def _fits(self, tape: bytes) -> bool:
        try:
            return self.fits(self.unit.make(tape, 0, Source(bytes)))
        except Stuck:
            return False

    def _simpler(self, tape: bytes) -> bytes:
        """The same bytes, with zeros where they need not be what they are."""
        for place in range(self.width):
            tried = tape[:place] + b"\0" + tape[place + 1 :]
            if self._fits(tried):
                tape = tried
        return tape


def inside(unit: Unit) -> Unit:
    """A unit narrow enough to read from its parent's block."""
    return unit if unit.width <= WIDEST_INSIDE else Nested(unit)


def simplest(unit: Unit) -> Json:
    """A copy of a unit's simplest value.

    Raises:
        Stuck: it is not known.
    """
    if unit.least is UNSETTLED:
        raise Stuck
    return copied(unit.least)


def density(byte: int) -> int:
    """How many of 256 parts are not there; none, all and every share between are about as probable."""
    return 0 if byte < 80 else 255 if byte >= 224 else (byte - 80) * 255 // 144  # noqa: PLR2004


def variations(tape: bytes) -> Iterator[bytes]:
    """Bytes that mean something else than these, perhaps; the nearest first."""
    for number in range(1, 9):
        yield tape[:-1] + bytes([(tape[-1] + number) & 255])
    for place in reversed(range(len(tape) - 1)):
        for number in range(1, 4):
            yield tape[:place] + bytes([(tape[place] + number) & 255]) + tape[place + 1 :]
    random = Random(0)  # noqa: S311 - it chooses bytes
    for _ in range(MOST_SAMPLES):
        yield random.randbytes(len(tape))


def _simplicity(value: Json) -> tuple[int, int]:
    return (len(_ORDER), 0) if value is UNSETTLED else (_ORDER[type(value)], len(encode(value)))
