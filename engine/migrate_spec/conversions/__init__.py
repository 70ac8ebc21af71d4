"""Conversions of one value to another type or format, each with its way back: what ``convert`` knows.

All are strict: a value is taken only in the one form that its kind has, and one that would not come back, other than in
another spelling, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Literal

from migrate_spec.conversions import effects
from migrate_spec.conversions.effects import Effect
from migrate_spec.conversions.numbers import boolean_to_integer, integer_to_boolean, numbers
from migrate_spec.conversions.terms import Rounding, Terms, Way
from migrate_spec.conversions.texts import (
    boolean_to_text,
    integer_to_text,
    list_to_text,
    number_to_text,
    text_to_boolean,
    text_to_integer,
    text_to_list,
    text_to_number,
    text_to_value,
    value_to_text,
)
from migrate_spec.conversions.times import count_to_time, time_to_count
from migrate_spec.errors import Fault
from migrate_spec.path import Name, Path
from migrate_spec.shapes.reading import met, without
from migrate_spec.shapes.shape import Shape
from migrate_spec.shapes.values import worked_out

__all__ = ["Conversion", "Kind", "Way"]

Kind = Literal[
    "integer",
    "number",
    "string",
    "boolean",
    "list",
    "json",
    "value",
    "date-time",
    "seconds",
    "milliseconds",
    "absent",
    None,  # noqa: PYI061 - outside of Literal it would say that the key may be left out
]
"""What a value is, or the format it has: ``json`` is a text of JSON, ``value`` any value; ``None`` is null."""

_Pair = tuple[Kind, Kind]

_WAYS: Mapping[_Pair, Callable[[Terms], Way]] = {
    ("integer", "string"): lambda _: integer_to_text,
    ("string", "integer"): lambda _: text_to_integer,
    ("number", "string"): lambda _: number_to_text,
    ("string", "number"): lambda _: text_to_number,
    ("integer", "number"): numbers("integer", "number"),
    ("number", "integer"): numbers("number", "integer"),
    ("integer", "integer"): numbers("integer", "integer"),
    ("number", "number"): numbers("number", "number"),
    ("boolean", "integer"): lambda _: boolean_to_integer,
    ("integer", "boolean"): lambda _: integer_to_boolean,
    ("boolean", "string"): lambda _: boolean_to_text,
    ("string", "boolean"): lambda _: text_to_boolean,
    ("date-time", "seconds"): time_to_count(1),
    ("seconds", "date-time"): count_to_time(1),
    ("date-time", "milliseconds"): time_to_count(1000),
    ("milliseconds", "date-time"): count_to_time(1000),
    ("string", "list"): text_to_list,
    ("list", "string"): list_to_text,
    ("json", "value"): lambda _: text_to_value,
    ("value", "json"): lambda _: value_to_text,
}
"""Each pair of kinds, with what makes its conversion; the same pair the other way round is its way back."""

_EFFECTS: Mapping[_Pair, Effect] = {
    ("integer", "string"): Effect({"type": "integer"}, effects.digits),
    ("string", "integer"): Effect({"type": "string"}, effects.numeric("integer")),
    ("number", "string"): Effect({"type": "number"}, effects.number_text, sure=True),
    ("string", "number"): Effect({"type": "string"}, effects.numeric("number")),
    ("integer", "number"): Effect({"type": "integer"}, effects.scaled("integer", "number")),
    ("number", "integer"): Effect({"type": "number"}, effects.scaled("number", "integer")),
    ("integer", "integer"): Effect({"type": "integer"}, effects.scaled("integer", "integer")),
    ("number", "number"): Effect({"type": "number"}, effects.scaled("number", "number")),
    ("boolean", "integer"): effects.of_values([True, False]),
    ("integer", "boolean"): effects.of_values([0, 1]),
    ("boolean", "string"): effects.of_values([True, False]),
    ("string", "boolean"): effects.of_values(["true", "false"]),
    ("date-time", "seconds"): Effect({"type": "string"}, effects.count(1)),
    ("seconds", "date-time"): Effect({"type": "integer"}, effects.time(1)),
    ("date-time", "milliseconds"): Effect({"type": "string"}, effects.count(1000)),
    ("milliseconds", "date-time"): Effect({"type": "integer"}, effects.time(1000)),
    ("string", "list"): Effect({"type": "string"}, effects.items, sure=True),
    ("list", "string"): Effect({"type": "array"}, effects.item_texts),
    ("json", "value"): Effect({"type": "string"}, effects.any_value),
    ("value", "json"): Effect({}, effects.json_text),
}
"""The same pairs, with what is made of values that cannot be told one by one."""

_PRESENCE: tuple[_Pair, ...] = ((None, "absent"), ("absent", None))

_LOST: Mapping[_Pair, str] = {
    ("string", "number"): "the spelling of the number",
    ("number", "integer"): "whether it was written with a fraction",
    ("date-time", "seconds"): "its offset and spelling",
    ("date-time", "milliseconds"): "its offset and spelling",
    ("json", "value"): "the spelling of the text",
    **dict.fromkeys(_PRESENCE, "whether it was null or absent, and its place among its siblings"),
}
_LOST_IF_ROUNDED: Mapping[_Pair, str] = {
    ("number", "integer"): "its fraction",
    ("date-time", "seconds"): "its fraction, offset and spelling",
    ("date-time", "milliseconds"): "its fraction, offset and spelling",
}


@dataclass(frozen=True)
class Conversion:
    """How a value is converted.

    Attributes:
        from_: what it is before.
        to: what it is afterwards.
        scale: what a number is multiplied by, in decimal arithmetic.
        separator: what stands between the items of a list in a text.
        round: how a fraction is taken away, which is refused otherwise; on the way back, too.
    """

    from_: Kind
    to: Kind
    scale: float | None = None
    separator: str | None = None
    round: Rounding | None = None

    @property
    def of_presence(self) -> bool:
        """Whether it is about null and absence, and leaves every other value as it is."""
        return (self.from_, self.to) in _PRESENCE

    def faults(self, path: Path) -> Iterator[Fault]:
        """What is wrong with it at a path although each part alone is well formed."""
        targets = [_shown(to) for start, to in (*_WAYS, *_PRESENCE) if start == self.from_]
        if _shown(self.to) not in targets:
            found = f"a conversion {self} was found"
            expected = f"{'one of ' if len(targets) > 1 else ''}{', '.join(targets)} was expected as `to`"
            yield Fault(found, expected, "", path.place, "conversion-unknown")
            return
        if self.of_presence and not isinstance(path.last, Name):
            found = f"the path {str(path)!r} was found"
            yield Fault(found, "a path that ends in a name was expected", "", path.place, "path-invalid")
        for found, expected in self._disagreements():
            yield Fault(found, expected, "", path.place, "options-disagree")

    def _disagreements(self) -> Iterator[tuple[str, str]]:
        kinds = {self.from_, self.to}
        are_numbers = kinds <= {"integer", "number"}
        if self.from_ == self.to and self.scale is None:
            yield f"a conversion {self} without `scale` was found", "a `scale` was expected"
        if self.scale in {0, 1}:
            yield f"the scale {self.scale} was found", "another number than 0 and 1 was expected"
        if "list" in kinds and not self.separator:
            yield f"a conversion {self} without `separator` was found", "a text of one character or more was expected"
        fits = {"scale": are_numbers, "separator": "list" in kinds, "round": are_numbers or "date-time" in kinds}
        for name in [name for name in fits if getattr(self, name) is not None and not fits[name]]:
            yield f"`{name}` was found in a conversion {self}", "no such option was expected"

    def __str__(self) -> str:
        return f"from {_shown(self.from_)} to {_shown(self.to)}"

    def there(self) -> Way:
        """The conversion of a plain value, compiled."""
        return self._compiled((self.from_, self.to), self._scale())

    def back(self) -> Way:
        """The way back, compiled."""
        scale = self._scale()
        return self._compiled((self.to, self.from_), 1 / scale if scale else None)

    def effect(self, shape: Shape, *, back: bool) -> tuple[Shape, Shape]:
        """The shape of what values are converted to, there or back, and of those that may be refused."""
        pair, scale = (self.from_, self.to), self._scale()
        if back:
            pair, scale = pair[::-1], 1 / scale if scale else None
        effect = _EFFECTS[pair]
        taken = met(shape, effect.taken) if effect.taken else shape
        other = without(shape, effect.taken) if effect.sure else shape
        made = worked_out(taken, self.back() if back else self.there(), partial(effect.made, self._terms(scale)))
        return made, other

    def _compiled(self, pair: _Pair, factor: Fraction | None) -> Way:
        return _WAYS[pair](self._terms(factor))

    def _terms(self, factor: Fraction | None) -> Terms:
        return Terms(factor, self.separator or "", self.round)

    def _scale(self) -> Fraction | None:
        return None if self.scale is None else Fraction(repr(self.scale))

    def lost(self) -> str:
        """What going there and back again does not bring back; an empty text for nothing."""
        scale = self._scale()
        if scale is None:
            found = _LOST.get((self.from_, self.to), "")
            return _LOST_IF_ROUNDED.get((self.from_, self.to), found) if self.round else found
        is_kept = self.from_ == self.to and scale.denominator == 1  # an integer stays one
        if self.round and not (is_kept and self.to == "integer"):
            return "what rounding takes away"
        return "whether it was written with a fraction" if self.from_ == "number" and not is_kept else ""


def _shown(kind: Kind) -> str:
    return "null" if kind is None else kind
