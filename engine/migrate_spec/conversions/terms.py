"""What all conversions share: their options in one direction, and how a fraction is taken away."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from migrate_spec.codec import Json
from migrate_spec.document import wrong_type

__all__ = ["ROUND", "SAY_ROUND", "Rounding", "Terms", "Way", "typed"]

Way = Callable[[Any], Json]
"""Makes one plain value of another. It raises :class:`~migrate_spec.document.Refused`."""

Rounding = Literal["half_even", "half_up", "floor", "ceiling", "down"]

ROUND: Mapping[Rounding, Callable[[int | Fraction], int]] = {
    "half_even": round,
    "half_up": lambda exact: math.floor(abs(Fraction(exact)) + Fraction(1, 2)) * (1 if exact > 0 else -1),
    "floor": math.floor,
    "ceiling": math.ceil,
    "down": math.trunc,
}
SAY_ROUND = "say how to take the fraction away, such as `round: half_even`"


@dataclass(frozen=True, slots=True)
class Terms:
    """The options of a conversion in one direction.

    Attributes:
        factor: what a number is multiplied by; ``None`` for nothing.
        separator: what stands between the items of a list in a text.
        rounding: how a fraction is taken away; ``None`` where it is refused.
    """

    factor: Fraction | None = None
    separator: str = ""
    rounding: Rounding | None = None


def typed(value: Json, kind: type, words: str) -> Any:
    """A value of a type; any other is refused."""
    if type(value) is not kind:
        raise wrong_type(value, words)
    return value
