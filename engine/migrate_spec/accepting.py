"""How many records a run may set aside: ``accept: {quarantined: "<= 0.1%"}`` at the top of a spec."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["BOUND", "Bound"]

BOUND = r"^(<= ?)?([0-9]+|(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%)$"
"""A bound as a text: a number of records, or a share of them."""


@dataclass(frozen=True)
class Bound:
    """A bound.

    Attributes:
        shown: the bound as a person reads it: ``10`` or ``0.1%``.
        most: so many records at most, or so many parts of them.
        parts: of how many parts; 0 where a number of records is meant.
    """

    shown: str
    most: int
    parts: int = 0

    @classmethod
    def of(cls, written: float | str) -> Bound:
        """The bound that stands in a spec: a number, ``"<= 10"`` or ``"<= 0.1%"``.

        Raises:
            ValueError: it is none.
        """
        # JSON Schema takes 1.0 for an integer.
        found = re.fullmatch(BOUND, written if isinstance(written, str) else str(int(written)))
        if found is None:
            raise ValueError(f"{written!r} is no bound")
        shown = found[2]
        if not shown.endswith("%"):
            return cls(shown, int(shown))
        whole, _, decimals = shown[:-1].partition(".")
        return cls(shown, int(whole + decimals), 100 * 10 ** len(decimals))

    def admits(self, rejected: int, tried: int) -> bool:
        """Whether so many records may be rejected of those that were tried."""
        return rejected * self.parts <= self.most * tried if self.parts else rejected <= self.most

    def __str__(self) -> str:
        return self.shown
