"""``split``: one text to several fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.changes import in_order
from migrate_spec.document import Change
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.operation import Field, FieldName, Loss, Operation, check_forms
from migrate_spec.parts import (
    Form,
    check_parts,
    parts_of,
    put_together,
    separated_faults,
    shape_apart,
    shape_together,
    take_apart,
)
from migrate_spec.path import Path, within_objects
from migrate_spec.pattern import Pattern
from migrate_spec.shapes.shape import Shape
from migrate_spec.templates import Rest, Separated, Template

_PASSED_OVER = re.compile(r"\||\)[?*{]|\\Q")
"""What makes a group of a pattern one that may take no part in a match."""


@dataclass(frozen=True)
class Parts:
    """What becomes of a text: fields with what stands between separators, or with the named groups of a pattern.

    Attributes:
        into: the new fields, in order.
        by: the separator.
        rest: which part takes what is more than there are parts: none, so that the text is refused, or an end one.
        pattern: a regular expression (RE2) that the whole text must match; its named groups are the new fields.
        reverse: the text on the way back, with the names of groups in braces.
    """

    into: Sequence[FieldName] = ()
    by: str | None = None
    rest: Rest = "fail"
    pattern: Pattern | None = None
    reverse: Template | None = None

    def form(self) -> Form:
        """How the text is made of its parts."""
        if self.pattern is not None:
            return _Matched(self.pattern, self.reverse)
        return Separated(self.into, self.by or "", self.rest)

    @property
    def undone(self) -> bool:
        """Whether the way back puts the parts together again."""
        return self.pattern is None or self.reverse is not None

    @property
    def sure(self) -> bool:
        """Whether each text has all the parts: no group may be passed over."""
        return self.undone or not _PASSED_OVER.search(str(self.pattern))


@dataclass(frozen=True)
class _Matched:
    """Parts that are named groups of a pattern.

    Attributes:
        pattern: it must match the whole of a text.
        reverse: how the text is made of the parts; without it they may be fewer than the groups.
    """

    pattern: Pattern
    reverse: Template | None

    @property
    def names(self) -> Sequence[str]:
        """The names of the groups, in the order of the pattern."""
        return tuple(self.pattern.names)

    @property
    def placeholders(self) -> Sequence[str]:
        """The names in the order in which the parts stand in the text."""
        return self.reverse.placeholders if self.reverse else ()

    @property
    def literals(self) -> Sequence[str]:
        """What stands before the first part, between each two and behind the last."""
        return self.reverse.literals if self.reverse else ("",)

    @property
    def wanted(self) -> str:
        """What :meth:`read` takes, for a sentence."""
        again = f" and {str(self.reverse)!r} gives again" if self.reverse else ""
        return f"a text that all of {str(self.pattern)!r} matches{again}"

    def fill(self, parts: Mapping[str, str]) -> str:
        """The text that is made of these parts."""
        return self.reverse.fill(parts) if self.reverse else ""

    def read(self, text: str) -> dict[str, str] | None:
        """The parts of a text; ``None`` where it is not made like this."""
        found = self.pattern.parts(text)
        parts = {name: part for name, part in (found or {}).items() if part is not None}
        if found is None or (self.reverse and (len(parts) < len(found) or self.fill(parts) != text)):
            return None
        return parts


@dataclass(frozen=True)
class Split(Operation):
    """Take texts apart, each into fields that stand where it stood: at a separator, or by the groups of a pattern.

    Backwards the parts are put together, as `reverse` says for a pattern; parts that would not come apart in the same
    way are refused.
    """

    fields: Mapping[Field, Parts]

    example: ClassVar[str] = """
        step:
          split:
            name: {into: [first, last], by: " "}
            size: {pattern: '(?P<width>\\d+)x(?P<height>\\d+)', reverse: "{width}x{height}"}
        before: {id: 1, name: Ada Lovelace, size: 3x4}
        after: {id: 1, first: Ada, last: Lovelace, width: "3", height: "4"}
    """

    def check(self) -> Iterator[Fault]:
        """One way to split each text; parts apart from each other and from other texts."""
        for path, parts in self.fields.items():
            faults = list(
                check_forms(parts, {"into": "by", "pattern": ""}, {"rest": "into", "reverse": "pattern"}, path)
            )
            yield from faults or _faults(parts, path)
        yield from check_parts({path: parts.form() for path, parts in self.fields.items()})

    def forward(self) -> Change:
        """Put the parts of each text in its place."""
        return in_order([within_objects(path.parent, _apart(path, parts)) for path, parts in self.fields.items()])

    def backward(self) -> Change:
        """Put the parts together again."""
        for path, parts in self.fields.items():
            if not parts.undone:
                raise Irreversible(
                    f"{str(path)!r} split by a pattern was found",
                    "a template to put the parts together was expected",
                    f"write `reverse: '{' '.join(f'{{{name}}}' for name in parts.form().names)}'`",
                    where=path.place,
                )
        return in_order([within_objects(path.parent, _together(path, parts)) for path, parts in self.fields.items()])

    def effect(self, shape: Shape) -> Shape:
        """The parts are in place of the texts."""
        for path, parts in self.fields.items():
            shape = shape_apart(shape, path, parts.form(), undone=parts.undone, sure=parts.sure)
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """The texts are in place of their parts."""
        for path, parts in self.fields.items():
            shape = shape_together(shape, path, parts.form(), exact=True)
        return shape

    def reads(self) -> Sequence[Path]:
        """The texts and the parts."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The texts and the parts."""
        parts = [part for path, parts in self.fields.items() for part in parts_of(path, parts.form().names)]
        return tuple(dict.fromkeys((*self.fields, *parts)))

    def losses(self) -> Sequence[Loss]:
        """Nothing, but for a pattern without ``reverse``: a text that would not come back is refused."""
        lost = [path for path, parts in self.fields.items() if not parts.undone]
        return tuple(Loss(path, "the text it had before") for path in lost)


def _faults(parts: Parts, path: Path) -> Iterator[Fault]:
    """What is wrong with the parts of one text."""
    form = parts.form()
    if isinstance(form, Separated):
        if not form.readable:
            yield Fault('`by: ""` was found', "a text to split at was expected", "", path.place, "separator-empty")
        yield from separated_faults(form, path)
    elif not form.names:
        found, expected = f"the pattern {str(parts.pattern)!r} was found", "one with named groups was expected"
        yield Fault(found, expected, "write a part as (?P<name>...)", path.place, "pattern-unnamed")
    elif parts.reverse is not None and set(parts.reverse.names) != set(form.names):
        found = f"the template {str(parts.reverse)!r} was found"
        expected = f"one of {' and '.join(repr(name) for name in form.names)} was expected, as the pattern names them"
        yield Fault(found, expected, "", parts.reverse.place, "template-invalid")


def _apart(path: Path, parts: Parts) -> Change:
    def remedy(text: str) -> str:
        more = parts.by is not None and text.count(parts.by) >= len(parts.into)
        return "`rest: first` or `rest: last` takes what is more" if more else ""

    return take_apart(path, parts.form(), undone=parts.undone, remedy=remedy)


def _together(path: Path, parts: Parts) -> Change:
    return put_together(path, parts.form(), exact=True, remedy="change one of them first")
