"""``switch``: other steps for each kind of object."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from migrate_spec.codec import Raw, decode
from migrate_spec.condition import Condition, Test
from migrate_spec.document import ABSENT, Change, Refused, describe, wrong_type
from migrate_spec.errors import Fault
from migrate_spec.operation import Binder, Loss, Operation, Table
from migrate_spec.path import Name, Path
from migrate_spec.shapes.cases import cases
from migrate_spec.shapes.shape import Shape, union
from migrate_spec.shapes.walking import changed_at
from migrate_spec.step import Step, backward, effect, effect_back, forward


@dataclass(frozen=True)
class Cases:
    """Which steps are for which value of the field that tells the kinds apart.

    Attributes:
        on: where it stands, by names alone.
        cases: the steps for each of its values, type-strictly: `true` is not `1`.
    """

    on: Path
    cases: Table[Sequence[Step]]
    else_: Literal["fail", "keep"] | Sequence[Step] = "fail"


@dataclass(frozen=True)
class Switch(Operation):
    """Do other steps for each kind of object, by a field that tells the kinds apart.

    A value that no case names, or none at all, is refused; `else: keep` leaves such an object as it is, and
    `else: [steps]` does these. Backwards the steps of the same case are undone.
    """

    cases: Cases

    example: ClassVar[str] = """
        step:
          switch:
            on: kind
            cases:
              card: [{rename: {no: number}}]
              cash: []
        before: {kind: card, no: "4711"}
        after: {kind: card, number: "4711"}
    """
    by_table: ClassVar[bool] = True

    def check(self) -> Iterator[Fault]:
        """The field that tells the kinds apart must stay, or there is no way back."""
        on = self.cases.on
        if not all(isinstance(segment, Name) for segment in on.segments):
            yield Fault(f"the path {str(on)!r} was found", "a path of names was expected", "", on.place, "path-invalid")
        for step in self._steps():
            if step.touches(on):
                yield Fault(
                    f"a step that alters {str(on)!r} was found",
                    "the cases were expected to leave it, as it tells which of them to undo",
                    "alter it in a step of its own, after this one",
                    step.place,
                    "switch-altered",
                )

    def forward(self) -> Change:
        """The steps of the object's case."""
        return self._switch(forward)

    def backward(self) -> Change:
        """The way back of the steps of the object's case."""
        return self._switch(backward)

    def _switch(self, compiled: Callable[[Sequence[Step]], Change]) -> Change:
        on = self.cases.on
        ways = Table(tuple((key, compiled(steps)) for key, steps in self.cases.cases.pairs)).look_up()
        other = compiled(self.cases.else_) if not isinstance(self.cases.else_, str) else None
        fails = self.cases.else_ == "fail"
        known = [json.dumps(key, ensure_ascii=False) for key, _ in self.cases.cases.pairs]
        expected = f"{'one of ' if len(known) > 1 else ''}{', '.join(known) or 'a case for it'} was expected"

        def change(value: Any) -> bool:
            if type(value) is not dict:
                raise wrong_type(value, "an object")
            kind = on.look(value)
            way = ways(decode(kind) if type(kind) in {Raw, list, dict} else kind)
            if callable(way):
                return bool(way(value))
            if other is not None:
                return other(value)
            if fails:
                found = "nothing was found" if kind is ABSENT else f"{describe(kind)} was found"
                raise Refused(found, expected, "add a case, or say `else: keep`", path=str(on), place=on.place)
            return False

        return change

    def effect(self, shape: Shape) -> Shape:
        """What the steps of each case make of its objects."""
        return self._switched(shape, effect)

    def effect_back(self, shape: Shape) -> Shape:
        """What their way back makes of them."""
        return self._switched(shape, effect_back)

    def _switched(self, shape: Shape, of_steps: Callable[[Sequence[Step], Shape], Shape]) -> Shape:
        *blocks, (_, rest) = self._cases(shape)
        found = [of_steps(steps, holding) for steps, holding in blocks]
        if not isinstance(self.cases.else_, str):
            found.append(of_steps(self.cases.else_, rest))
        elif self.cases.else_ == "keep":
            found.append(rest)
        return union(found)

    def _cases(self, shape: Shape) -> Iterator[tuple[Sequence[Step], Shape]]:
        """The steps of each case with the objects that it is for, and at last those under ``else`` with the others."""
        parent = Path(self.cases.on.segments[:-1])
        rest = changed_at(
            shape.of_objects(lambda one: (one,)), parent, lambda value: value.of_objects(lambda one: (one,))
        )
        for key, steps in self.cases.cases.pairs:
            holding, rest = cases(rest, Condition({self.cases.on: (Test("eq", key),)}))
            yield steps, holding
        yield () if isinstance(self.cases.else_, str) else self.cases.else_, rest

    def blocks(self, shape: Shape) -> Iterator[tuple[Sequence[Step], Shape]]:
        """The steps of each case, and those under ``else``."""
        yield from self._cases(shape)

    def bound(self, binder: Binder) -> Self:
        """With all that the steps of each case name outside of the spec."""
        pairs = tuple((key, tuple(step.bound(binder) for step in steps)) for key, steps in self.cases.cases.pairs)
        other = self.cases.else_
        else_ = other if isinstance(other, str) else tuple(step.bound(binder) for step in other)
        return replace(self, cases=replace(self.cases, cases=Table(pairs), else_=else_))

    def reads(self) -> Sequence[Path]:
        """The field that tells the kinds apart, and what the steps read."""
        return (self.cases.on, *dict.fromkeys(path for step in self._steps() for path in step.reads()))

    def writes(self) -> Sequence[Path]:
        """What the steps of any case write."""
        return tuple(dict.fromkeys(path for step in self._steps() for path in step.writes()))

    def touches(self, path: Path) -> bool:
        """Whether a step of any case may alter what is at a path."""
        return any(step.touches(path) for step in self._steps())

    def losses(self) -> Sequence[Loss]:
        """What the steps of any case lose."""
        return tuple(dict.fromkeys(loss for step in self._steps() for loss in step.losses()))

    def _steps(self) -> Iterator[Step]:
        for _, steps in self.cases.cases.pairs:
            yield from steps
        if not isinstance(self.cases.else_, str):
            yield from self.cases.else_
