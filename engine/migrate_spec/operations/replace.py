"""``replace``: a regular expression in texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from migrate_spec.changes import in_order, rewrite
from migrate_spec.codec import Json, opened
from migrate_spec.document import Change, Refused, describe
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.operation import Loss, Operation
from migrate_spec.path import Path
from migrate_spec.pattern import Substitution
from migrate_spec.shapes.effects import with_values
from migrate_spec.shapes.shape import Shape
from migrate_spec.shapes.texts import replaced


@dataclass(frozen=True)
class Rewriting(Substitution):
    """What is put in place of every match in a text, forwards and backwards."""

    reverse: Substitution | None = None


@dataclass(frozen=True)
class Replace(Operation):
    r"""Replace every match of a regular expression (RE2) in texts; `\1` in `with` is the first group, `\0` the match.

    Backwards `reverse` says what is replaced; without it there is no way back.
    """

    values: Mapping[Path, Rewriting]

    example: ClassVar[str] = """
        step:
          replace:
            url: {pattern: '^http:', with: 'https:', reverse: {pattern: '^https:', with: 'http:'}}
            "tags[]": {pattern: '(\\w+)/(\\w+)', with: '\\2 of \\1'}
        before: {url: "http://localhost", tags: [home/kitchen, garden]}
        after: {url: "https://localhost", tags: [kitchen of home, garden]}
    """

    def check(self) -> Iterator[Fault]:
        """Groups that a replacement names must be in its pattern."""
        yield from super().check()
        ways = [way for both in self.values.values() for way in (both, both.reverse) if way is not None]
        yield from (fault for fault in (way.fault() for way in ways) if fault is not None)

    def forward(self) -> Change:
        """Replace each match."""
        return in_order([rewrite(path, _replacer(way)) for path, way in self.values.items()])

    def backward(self) -> Change:
        """Replace what ``reverse`` says."""
        return in_order([rewrite(path, _replacer(_reverse(path, way))) for path, way in self.values.items()])

    def effect(self, shape: Shape) -> Shape:
        """Each value is a text, without what is replaced in it where that is plain."""
        return _effect(shape, self.values)

    def effect_back(self, shape: Shape) -> Shape:
        """The same of what ``reverse`` says."""
        return _effect(shape, {path: _reverse(path, way) for path, way in self.values.items()})

    def reads(self) -> Sequence[Path]:
        """The texts."""
        return tuple(self.values)

    def writes(self) -> Sequence[Path]:
        """The texts."""
        return tuple(self.values)

    def losses(self) -> Sequence[Loss]:
        """The texts: nothing tells a match that was replaced from a text that looked so before."""
        return tuple(Loss(path, "the text it had before") for path in self.values)


def _effect(shape: Shape, values: Mapping[Path, Substitution]) -> Shape:
    for path, way in values.items():
        shape = with_values(shape, path, partial(replaced, way))
    return shape


def _reverse(path: Path, way: Rewriting) -> Substitution:
    if way.reverse is None:
        raise Irreversible(
            f"the replacing in {str(path)!r} was found",
            "a way back was expected",
            "write `reverse: {pattern: PATTERN, with: TEXT}` beside it",
            where=path.place,
        )
    return way.reverse


def _replacer(way: Substitution) -> Callable[[Json], Json]:
    replaced = way.replacer()

    def new(value: Json) -> Json:
        text = opened(value)
        if not isinstance(text, str):
            raise Refused(f"{describe(text)} was found", "a text was expected", "convert it first")
        result = replaced(text)
        return value if result == text else result

    return new
