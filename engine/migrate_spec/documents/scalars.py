"""Numbers and texts that a schema allows: its bounds and other interesting ones, and ways to make more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

from migrate_spec.codec import Json, copied
from migrate_spec.documents.formats import FORMATS, FRESH
from migrate_spec.documents.patterns import Unreadable, samples
from migrate_spec.documents.units import Impossible, Leaf, Test, Unit

__all__ = ["Constants", "constants", "enumerated", "numbers", "texts"]

LONGEST = 10_000
"""Characters of a text, unless it must have more."""
MOST_VALUES = 120
"""In the pool of a leaf."""
MOST_SAMPLES = 60
"""Of one pattern."""
TWIN_WEIGHT, MOST_WITH_TWINS = 3, 20
"""How much more probable a value is than the same number as 1.0, and among how many values that comes up."""

_EXACT = 2**53
_BY_NAME = {"properties", "patternProperties", "dependentSchemas", "$defs"}
_NAMING = {"properties", "required", "dependentRequired", "dependentSchemas"}

_INTEGERS = [0, 1, -1, 2, 10, -128, 255, 256, 2**15, 2**31 - 1, 2**31, -(2**31) - 1, 2**32, _EXACT + 1, 2**63 - 1]
_INTEGERS += [2**63, -(2**63), -(2**63) - 1, 2**64, 10**20]
_FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 0.1, 1.1, 1e-7, 5e-324, 1e16, float(_EXACT), 1e22, 1e300, -1e300]
_TEXTS = ["", " ", "a", "A", "0", "1", "-1", "01", "1.5", "true", "null", "é", "e\u0301", "ü😀", '\u2028\n"\\', "\0"]
_TEXTS += ["a b", " a ", "a.b", "a,b", "a:b", "a/b", "a-b", "[]", "{}", "2024-01-01", "2024-01-01T00:00:00Z"]
_TEXTS += ["00000000-0000-0000-0000-000000000000", "a" * 100]


@dataclass
class Constants:
    """What a schema says literally, which the normal form may have lost.

    Attributes:
        numbers: its numbers, be they bounds or values.
        texts: its texts that may be values.
        names: the names of its properties, in its order.
    """

    numbers: list[int | float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def lengths(self) -> list[int]:
        """Numbers that may be lengths, and what is beside them."""
        found = [int(number) for number in self.numbers if 0 <= number <= LONGEST and number == int(number)]
        return [size + more for size in found for more in (0, 1, -1) if size + more >= 0]

    def first(self, values: Iterable[Json]) -> list[Json]:
        """Values in the order of the schema, null and booleans before them, lists and objects behind."""
        order = {(type(value), value): place for place, value in enumerate([*self.texts, *self.numbers])}

        def place(value: Json) -> int:
            if value is None or type(value) is bool:
                return -1
            return len(order) if type(value) in {list, dict} else order.get((type(value), value), len(order))

        return sorted(values, key=place)


def constants(content: Json) -> Constants:
    """What a schema says literally."""
    found = Constants()
    _collect(content, found, is_value=False)
    return Constants(_once(found.numbers), _once(found.texts), _once(found.names))


def _once(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _collect(part: Json, found: Constants, *, is_value: bool) -> None:
    if type(part) in {int, float}:
        found.numbers.append(part)
    elif type(part) is str and is_value:
        found.texts.append(part)
    elif type(part) is list:
        for item in part:
            _collect(item, found, is_value=is_value)
    elif type(part) is dict:
        for keyword, argument in part.items():
            if keyword in _NAMING and not is_value:
                found.names += argument
            if keyword in _BY_NAME and type(argument) is dict and not is_value:
                for inner in argument.values():
                    _collect(inner, found, is_value=False)
            else:
                _collect(argument, found, is_value=is_value or keyword in {"const", "enum", "default", "examples"})


def enumerated(values: Sequence[Json], said: Constants) -> Leaf:
    """One of some values, integers now and then as 1.0."""
    ordered = said.first(values)
    if len(ordered) > MOST_VALUES:
        return Leaf([], [lambda number: copied(ordered[number % len(ordered)])])
    twins = [float(value) for value in values if type(value) is int and abs(value) <= _EXACT]
    return Leaf(ordered * TWIN_WEIGHT + twins if twins and len(ordered) <= MOST_WITH_TWINS else ordered)


# ------------------------------------------------------------------------------------------------ numbers


def numbers(view: Any, said: Constants, fits: Test, *, whole: bool) -> Unit:
    """The numbers of a part of the normal form; ``whole``: integers only."""
    step = _step(view.multiple_of, whole=whole)
    low, high = _exactly(view.minimum), _exactly(view.maximum)
    makers = [] if not step and view.excludes_integers else _steps(low, high, step or Fraction(1))
    if not step:
        makers.append(_fractions(low, high))
    pool = [
        *_around(low, step or Fraction(1)),
        *_around(high, step or Fraction(1)),
        *(number + more for number in said.numbers for more in (0, 1, -1)),
        *_INTEGERS,
        *_FLOATS,
    ]
    if low is not None and high is not None:
        pool += [_plain((low + high) / 2), *(_fractions(low, high)(part) for part in (1, 100, 10_000))]
    return _leaf(pool, makers, fits, "multipleOf" if step and not whole else "minimum")


def _leaf(pool: Iterable[Json], makers: Sequence[Callable[[int], Json]], fits: Test, keyword: str) -> Unit:
    """A leaf of the values that fit; the simplest is the first that a maker makes, where that fits."""
    distinct = {(type(value), str(value)): value for value in pool}.values()
    fitting = [value for value in distinct if fits(value)][:MOST_VALUES]
    makers = [make for make in makers if any(fits(make(number)) for number in (*range(64), 255, 4095))]
    if fitting and makers and not fits(makers[0](0)):
        return Leaf(fitting[:1], makers, fits) if len(fitting) == 1 else _started(fitting, makers, fits)
    return (
        Leaf(fitting, makers, fits)
        if fitting or makers
        else Impossible(f"the keyword {keyword!r} was found, one that a value could be made for was expected")
    )


def _started(pool: list[Json], makers: Sequence[Callable[[int], Json]], fits: Test) -> Leaf:
    """A leaf whose simplest value is the first of the pool."""
    first = pool[0]
    return Leaf(pool, [lambda number: makers[0](number) if number else first, *makers[1:]], fits)


def _exactly(bound: Any) -> Fraction | None:
    return None if bound is None else Fraction(Decimal(str(bound)))


def _step(divisors: Sequence[Any], *, whole: bool) -> Fraction | None:
    """The smallest number that all are divisors of; ``None`` where every fraction will do."""
    found = [Fraction(Decimal(str(divisor))) for divisor in divisors] + ([Fraction(1)] if whole else [])
    if not found:
        return None
    return Fraction(math.lcm(*(part.numerator for part in found)), math.gcd(*(part.denominator for part in found)))


def _plain(number: Fraction) -> int | float:
    if number.denominator == 1:
        return number.numerator
    try:
        return float(number)
    except OverflowError:
        return 0


def _steps(low: Fraction | None, high: Fraction | None, step: Fraction) -> list[Callable[[int], int | float]]:
    """Multiples of a number within bounds: from the one nearest to zero upwards, and downwards."""
    least = None if low is None else math.ceil(low / step)
    most = None if high is None else math.floor(high / step)
    middle = min(0, most or 0) if least is None else max(least, min(0, most or 0))
    above = None if most is None else max(0, most - middle) + 1
    below = None if least is None else middle - least + 1
    up = lambda number: _plain((middle + (number if above is None else number % above)) * step)  # noqa: E731
    down = lambda number: _plain((middle - (number if below is None else number % below)) * step)  # noqa: E731
    if above == 1:
        return [down]
    return [up] if below == 1 else [up, down]


def _fractions(low: Fraction | None, high: Fraction | None) -> Callable[[int], int | float]:
    """Numbers within bounds, with fractions."""
    if low is not None and high is not None:
        return lambda number: _plain(low + (high - low) * Fraction(number + 1, 2**16 + 1))
    start = low if low is not None else high if high is not None else Fraction(0)
    sign = -1 if low is None and high is not None else 1
    return lambda number: _plain(start + sign * Fraction(2 * number + 1, 2 * 10 ** (number % 4)))


def _around(bound: Fraction | None, step: Fraction) -> list[int | float]:
    """A bound, what the nearest multiples beside it are, and the nearest floats."""
    if bound is None:
        return []
    near = math.floor(bound / step)
    plain = _plain(bound)
    found = [plain, *(_plain(number * step) for number in (near, near + 1, near - 1, near + 2))]
    if abs(plain) <= 1e300:  # noqa: PLR2004
        found += [float(plain), math.nextafter(plain, math.inf), math.nextafter(plain, -math.inf)]
    return found


# -------------------------------------------------------------------------------------------------- texts


def texts(view: Any, said: Constants, fits: Test) -> Unit:
    """The texts of a part of the normal form."""
    least, most = view.min_length or 0, view.max_length
    lengths = [least, least + 1, *(size for size in said.lengths if size > least)]
    lengths += [] if most is None else [most, most - 1]
    lengths = [size for size in dict.fromkeys(lengths) if size <= max(LONGEST, least)]
    try:
        matching = [text for pattern in view.patterns for text in _matching(pattern, least, lengths)]
        for one, other in zip(view.patterns, view.patterns[1:], strict=False):
            pairs = product(samples(one, 0, 12), samples(other, 0, 12))
            fillings = ["", " 0A", *("a" * size for size in lengths)]
            matching += [filling.join(words) for pair in pairs for words in (pair, pair[::-1]) for filling in fillings]
    except Unreadable as error:
        patterns = " and ".join(map(repr, view.patterns))
        found = f"the keyword 'pattern' with {patterns} was found ({error})"
        return Impossible(f"{found}, one that a text could be made for was expected")
    formatted = [text for name in view.formats for text in FORMATS.get(name, ())]
    sized = ["a" * size for size in lengths] + ["😀" * size for size in lengths]
    pool = [*sorted(matching, key=lambda text: (len(text), text)), *formatted, *said.texts, *sized, *_TEXTS]
    pool += [text.ljust(least, "a") for text in (*_TEXTS, *formatted)]
    makers = [FRESH[name] for name in view.formats if name in FRESH]
    is_plain = not view.patterns and not view.formats
    if is_plain:
        makers = [_words(least, most), _characters(least, 0), _characters(least, 0xFFFF)]
    if view.patterns:
        simple = [text for text in pool if fits(text)]
        makers = makers if not simple else []
    keyword = "pattern" if view.patterns else "format" if view.formats else "minLength"
    return _leaf(pool, makers, fits, keyword)


def _matching(pattern: str, least: int, lengths: Sequence[int]) -> Iterator[str]:
    """Texts that match a pattern; also longer ones, so that they have one of the lengths."""
    for stretch in dict.fromkeys((0, least, *lengths)):
        if stretch <= LONGEST:
            yield from samples(pattern, stretch, MOST_SAMPLES if stretch == 0 else 20)
    for text in samples(pattern, 0, 3):
        for size in lengths:
            yield text.ljust(size, "a")
            yield text.rjust(size, "a")
            yield text[:size]


def _words(least: int, most: int | None) -> Callable[[int], str]:
    """Short words: none, a, b, …, z, aa, …; made as long as they must be, and no longer than they may."""

    def make(number: int) -> str:
        word = ""
        while number:
            number -= 1
            word = chr(97 + number % 26) + word
            number //= 26
        return word.ljust(least, "a")[:most]

    return make


def _characters(least: int, offset: int) -> Callable[[int], str]:
    """One character of any kind; made as long as it must be."""

    def make(number: int) -> str:
        code = number + offset if offset or not 0xD800 <= number < 0xE000 else number - 0xD800  # noqa: PLR2004
        return chr(code).ljust(least, "a")

    return make
