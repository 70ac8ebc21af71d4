"""``convert``: values to another type or format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Literal

from migrate_spec.changes import by_parent, fill, in_order, rewrite
from migrate_spec.codec import Json, Raw, decode, is_null, maker
from migrate_spec.conversions import Conversion, Way
from migrate_spec.document import ABSENT, Change, Refused, describe, equal, same
from migrate_spec.errors import Fault
from migrate_spec.operation import Loss, Operation, Value, overlaps
from migrate_spec.path import Path
from migrate_spec.schema import Schema
from migrate_spec.shapes.effects import of_fields, rewritten
from migrate_spec.shapes.reading import met, without
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape, only, union
from migrate_spec.shapes.values import worked_out
from migrate_spec.shapes.writing import written

_NULL: Final = {"type": "null"}


@dataclass(frozen=True)
class Convert(Operation):
    """Convert values to another type or format. What is not exactly of the kind under `from` is refused.

    With `on_error: keep` a value that cannot be converted stays, with `on_error: {value: v}` it becomes `v`. Backwards
    the opposite conversion is done, as strictly. From `null` to `absent`, or back, every other value stays as it is.
    """

    fields: Mapping[Path, Conversion]
    on_error: Literal["fail", "keep"] | Value = "fail"

    example: ClassVar[str] = """
        step: {convert: {size: {from: string, to: integer}, "seen[]": {from: date-time, to: seconds}}}
        before: {title: Write, size: "12", seen: ["2024-01-01T01:00:00+01:00"]}
        after: {title: Write, size: 12, seen: [1704067200]}
    """

    def check(self) -> Iterator[Fault]:
        """Conversions that there are, each with its options; a value for what fails that does not fail again."""
        yield from overlaps(self.writes())
        for path, conversion in self.fields.items():
            faults = [*conversion.faults(path)]
            yield from faults or self._value_faults(path, conversion)

    def _value_faults(self, path: Path, conversion: Conversion) -> Iterator[Fault]:
        if not isinstance(self.on_error, Value) or conversion.of_presence:
            return
        value = self.on_error.value
        if _takes(conversion.there(), value) and not _takes(conversion.back(), value):
            yield Fault(
                f"{describe(value)} was found as the value of `on_error`",
                f"one that is not converted {conversion} itself was expected",
                "going back it stays, and would be converted the next time",
                path.place,
                "value-converted",
            )

    def forward(self) -> Change:
        """Convert each value, or do what ``on_error`` says."""
        return in_order([self._change(path, conversion, back=False) for path, conversion in self.fields.items()])

    def backward(self) -> Change:
        """Convert each value the other way.

        What cannot be converted stays with ``on_error: keep``, and the value of ``on_error`` does, which is what the
        way up makes of it again.
        """
        return in_order([self._change(path, conversion, back=True) for path, conversion in self.fields.items()])

    def _change(self, path: Path, conversion: Conversion, *, back: bool) -> Change:
        if conversion.of_presence:
            goes = (conversion.to == "absent") is not back
            return rewrite(path, _without_null) if goes else by_parent({path: _null}, fill)
        return rewrite(path, _strictly(conversion.back() if back else conversion.there(), self._failed(back=back)))

    def _failed(self, *, back: bool) -> Callable[[Json, Refused], Json]:
        """What becomes of a value that is refused."""
        if isinstance(self.on_error, Value):
            new = self.on_error.value
            return _stays_if(new) if back else _becomes(new)
        return _stays if self.on_error == "keep" else _fails

    def effect(self, shape: Shape) -> Shape:
        """Each value is what it is converted to, or what ``on_error`` makes of it."""
        return self._effect(shape, back=False)

    def effect_back(self, shape: Shape) -> Shape:
        """Each value is what it is converted back to, or stays."""
        return self._effect(shape, back=True)

    def _effect(self, shape: Shape, *, back: bool) -> Shape:
        for path, conversion in self.fields.items():
            if not conversion.of_presence:
                shape = rewritten(shape, path, partial(self._converted, conversion, back=back))
            elif (conversion.to == "absent") is not back:
                shape = rewritten(shape, path, _null_gone)
            else:
                shape = of_fields(shape, {path: only(None)}, ObjectShape.filled)
        return shape

    def _converted(self, conversion: Conversion, shape: Shape, *, back: bool) -> tuple[Shape, bool]:
        new = _strictly(conversion.back() if back else conversion.there(), self._failed(back=back))

        def otherwise(some: Shape) -> Shape:
            made, refused = conversion.effect(some, back=back)
            return union([made, self._failed_in(refused, back=back)])

        return worked_out(shape, new, otherwise), False

    def _failed_in(self, refused: Shape, *, back: bool) -> Shape:
        """The shape of what becomes of values that may be refused."""
        if isinstance(self.on_error, Value):
            new = self.on_error.value
            stays = Schema(written(refused)).is_valid(new) if back else refused is not NOTHING
            return only(new) if stays else NOTHING
        return refused if self.on_error == "keep" else NOTHING

    def reads(self) -> Sequence[Path]:
        """The values themselves."""
        return tuple(self.fields)

    def writes(self) -> Sequence[Path]:
        """The values."""
        return tuple(self.fields)

    def losses(self) -> Sequence[Loss]:
        """What the other form cannot say, and what ``on_error`` makes of a value."""
        found = []
        for path, conversion in self.fields.items():
            words = {"fail": "", "keep": "whether it was converted"}
            failed = words[self.on_error] if isinstance(self.on_error, str) else "a value that could not be converted"
            lost = (conversion.lost(), "" if conversion.of_presence else failed)
            found += [Loss(path, what) for what in lost if what]
        return tuple(found)


def _strictly(convert: Way, failed: Callable[[Json, Refused], Json]) -> Callable[[Json], Json]:
    def new(value: Json) -> Json:
        plain = decode(value) if type(value) in {Raw, list, dict} else value
        try:
            result = convert(plain)
        except Refused as refusal:
            return failed(value, refusal)
        return value if type(result) is type(plain) and result == plain else result

    return new


def _fails(_: Json, refusal: Refused) -> Json:
    refusal.remedy = refusal.remedy or "say `on_error: keep` to leave such values as they are"
    raise refusal


def _stays(value: Json, _: Refused) -> Json:
    return value


def _becomes(new: Json) -> Callable[[Json, Refused], Json]:
    make = maker(new)
    return lambda value, _: value if equal(value, new) else make()


def _stays_if(new: Json) -> Callable[[Json, Refused], Json]:
    return lambda value, refusal: value if same(decode(value), new) else _fails(value, refusal)


def _takes(convert: Way, value: Json) -> bool:
    try:
        convert(value)
    except Refused:
        return False
    return True


def _null_gone(shape: Shape) -> tuple[Shape, bool]:
    kept = without(shape, _NULL)
    return kept, met(shape, _NULL) is not NOTHING


def _without_null(value: Json) -> Json:
    return ABSENT if is_null(value) else value


def _null() -> Json:
    return None
