"""Conversions of times: texts as RFC 3339 has them, and counts from 1970 on, in UTC and as if no second leapt."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction

from migrate_spec.codec import MOST_DIGITS, Json
from migrate_spec.conversions.terms import ROUND, SAY_ROUND, Terms, Way, typed
from migrate_spec.document import Refused, describe, wrong_type

__all__ = ["END", "FIRST", "count_to_time", "time_to_count"]

_TIME = re.compile(
    rf"""(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt](?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])
    :(?P<second>[0-5][0-9])(?:\.(?P<fraction>[0-9]{{1,{MOST_DIGITS}}}))?
    (?:[Zz]|(?P<sign>[-+])(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]))""",
    re.VERBOSE,
)
_DAY = 86_400
_DAY_0 = date(1970, 1, 1).toordinal()
FIRST = (date.min.toordinal() - _DAY_0) * _DAY
END = (date.max.toordinal() + 1 - _DAY_0) * _DAY
"""The seconds from 1970 to the beginning of year 1, and to the end of year 9999."""

_UNITS = {1: "second", 1000: "millisecond"}


def time_to_count(rate: int) -> Callable[[Terms], Way]:
    """The conversion of a text to a count of units, so many of which are a second."""

    def compiled(terms: Terms) -> Way:
        def convert(value: Json) -> Json:
            exact = _seconds(typed(value, str, "a text")) * rate
            if terms.rounding is None and exact.denominator != 1:
                expected = f"a time without a part of a {_UNITS[rate]} was expected"
                raise Refused(f"{describe(value)} was found", expected, SAY_ROUND)
            count = ROUND[terms.rounding or "floor"](exact)
            if not FIRST * rate <= count < END * rate:
                raise wrong_type(value, "a time that in UTC is in one of the years 1 to 9999")
            return count

        return convert

    return compiled


def _seconds(text: str) -> int | Fraction:
    """The seconds from 1970 on."""
    match = _TIME.fullmatch(text)
    try:
        day = date.fromisoformat(match["day"] if match else "")
    except ValueError:
        match = None
    if match is None:
        raise wrong_type(text, 'a time with its offset, such as "2024-01-31T23:59:59Z",')
    offset = (int(match["hours"] or 0) * 60 + int(match["minutes"] or 0)) * 60
    of_day = (int(match["hour"]) * 60 + int(match["minute"])) * 60 + int(match["second"])
    whole = (day.toordinal() - _DAY_0) * _DAY + of_day + (offset if match["sign"] == "-" else -offset)
    fraction = match["fraction"]
    return whole + Fraction(int(fraction), 10 ** len(fraction)) if fraction else whole


def count_to_time(rate: int) -> Callable[[Terms], Way]:
    """The conversion of a count of units, so many of which are a second, to a text."""

    def convert(value: Json) -> Json:
        count = typed(value, int, "an integer")
        if not FIRST * rate <= count < END * rate:
            raise wrong_type(value, f"a count of {_UNITS[rate]}s to one of the years 1 to 9999")
        seconds, rest = divmod(count, rate)
        days, second = divmod(seconds, _DAY)
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        return f"{date.fromordinal(days + _DAY_0)}T{clock}{f'.{rest:03}' if rate > 1 else ''}Z"

    return lambda _: convert
