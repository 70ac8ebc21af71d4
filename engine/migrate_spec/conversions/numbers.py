"""Conversions of integers and numbers, into each other and with a scale, and of booleans into 0 and 1.

A number is what its shortest decimal digits say: 0.1 is a tenth. A result that no 64-bit float says in this way is
refused, and so is one that scaling back does not make the number again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from migrate_spec.codec import MOST_DIGITS, Json
from migrate_spec.conversions.terms import ROUND, SAY_ROUND, Terms, Way, typed
from migrate_spec.document import ABSENT, Refused, describe, same, wrong_type

__all__ = ["LARGEST_EXACT", "boolean_to_integer", "integer_to_boolean", "numbers"]

LARGEST_EXACT = 2**53
"""Up to here a 64-bit float tells each integer from the next."""

_TOO_LARGE = 10**MOST_DIGITS

_Number = Literal["integer", "number"]
_TAKEN: Mapping[_Number, tuple[type, ...]] = {"integer": (int,), "number": (int, float)}


def numbers(start: _Number, to: _Number) -> Callable[[Terms], Way]:
    """The conversion between two kinds of numbers."""

    def compiled(terms: Terms) -> Way:
        there = _MAKERS[to](terms, _TAKEN[start])
        if terms.factor is None:
            return there
        back = _MAKERS[start](replace(terms, factor=1 / terms.factor), _TAKEN[to])

        def convert(value: Json) -> Json:
            result = there(value)
            try:
                returned = back(result)
            except Refused:
                returned = ABSENT
            if returned is ABSENT or (terms.rounding is None and not same(returned, value)):
                raise wrong_type(value, "a number that scaling back makes again")
            return result

        return convert

    return compiled


def _to_integer(terms: Terms, taken: tuple[type, ...]) -> Way:
    def convert(value: Json) -> Json:
        exact = _scaled(value, terms, taken)
        if terms.rounding is not None:
            return _limited(ROUND[terms.rounding](exact))
        if exact.denominator != 1:
            expected = f"an integer{' after scaling' if terms.factor else ''} was expected"
            raise Refused(f"{describe(value)} was found", expected, SAY_ROUND)
        return _limited(exact.numerator)

    return convert


def _to_number(terms: Terms, taken: tuple[type, ...]) -> Way:
    keeps_integers = float in taken

    def convert(value: Json) -> Json:
        exact = _scaled(value, terms, taken)
        if keeps_integers and not value:
            return value  # 0, 0.0 and -0.0 are three spellings
        if keeps_integers and type(value) is int and exact.denominator == 1:
            return _limited(exact.numerator)
        try:
            number = float(exact)
        except OverflowError:
            number = math.inf
        if math.isinf(number) or (terms.rounding is None and Fraction(Decimal(repr(number))) != exact):
            raise wrong_type(value, "a number that a 64-bit float holds exactly after scaling")
        return number

    return convert


_MAKERS: Mapping[_Number, Callable[[Terms, tuple[type, ...]], Way]] = {
    "integer": _to_integer,
    "number": _to_number,
}


def _scaled(value: Any, terms: Terms, taken: tuple[type, ...]) -> int | Fraction:
    if type(value) not in taken:
        raise wrong_type(value, "a number" if float in taken else "an integer")
    is_small = abs(value) <= LARGEST_EXACT
    if terms.factor is None and not is_small:
        expected = f"one from {-LARGEST_EXACT} to {LARGEST_EXACT} was expected"
        raise Refused(f"{describe(value)} was found", expected, "beyond these a number is not exact")
    is_whole = type(value) is int or (is_small and value.is_integer())
    exact = int(value) if is_whole else Fraction(Decimal(repr(value)))
    return exact if terms.factor is None else exact * terms.factor


def _limited(value: int) -> int:
    if abs(value) >= _TOO_LARGE:
        raise Refused("an integer with too many digits came out", f"at most {MOST_DIGITS} were expected")
    return value


def boolean_to_integer(value: Json) -> Json:
    """1 for ``true``."""
    return int(typed(value, bool, "a boolean"))


def integer_to_boolean(value: Json) -> Json:
    """``true`` for 1."""
    if type(value) is not int or value not in {0, 1}:
        raise wrong_type(value, "0 or 1")
    return bool(value)
