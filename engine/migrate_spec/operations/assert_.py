"""``assert``: what must hold of a document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from migrate_spec.codec import Json
from migrate_spec.condition import Condition
from migrate_spec.document import ABSENT, Change, Refused, describe
from migrate_spec.operation import Loss, Operation
from migrate_spec.path import Path
from migrate_spec.shapes.cases import cases
from migrate_spec.shapes.shape import Shape


@dataclass(frozen=True)
class Assert(Operation):
    """Refuse a record of which a condition does not hold; `because` tells the reader of the error why it must.

    It is asked where the step stands among the others, and backwards at the same point of the way.
    """

    condition: Condition
    because: str = ""

    example: ClassVar[str] = """
        step: {assert: {ends_at: {gt: "1970"}}, because: a task that has ended has a date}
        before: {title: Write, ends_at: "2024-01-01"}
        after: {title: Write, ends_at: "2024-01-01"}
    """

    def forward(self) -> Change:
        """Refuse what the condition does not hold of."""
        parts = [(part.judge(), path, _told(wanted)) for part, path, wanted in self.condition.parts()]
        because = self.because

        def change(value: Any) -> bool:
            for holds, path, wanted in parts:
                if not holds(value):
                    found = "an object that does not fit was found" if path is None else _found(path, value)
                    expected = f"{wanted} was expected by `assert`"
                    place = path.place if path else None
                    raise Refused(found, expected, because, path=str(path) if path else "", place=place)
            return False

        return change

    def backward(self) -> Change:
        """The same."""
        return self.forward()

    def effect(self, shape: Shape) -> Shape:
        """The condition holds."""
        return cases(shape, self.condition)[0]

    def effect_back(self, shape: Shape) -> Shape:
        """The same."""
        return self.effect(shape)

    def reads(self) -> Sequence[Path]:
        """What the condition asks for."""
        return self.condition.reads()

    def writes(self) -> Sequence[Path]:
        """Nothing."""
        return ()

    def losses(self) -> Sequence[Loss]:
        """Nothing."""
        return ()


def _told(wanted: Json) -> str:
    """What a spec says of a part, for a sentence: the value alone where it is to be that."""
    return json.dumps(wanted["eq"] if wanted.keys() == {"eq"} else wanted, ensure_ascii=False)


def _found(path: Path, value: Any) -> str:
    """What stands at a path, for a sentence."""
    if path.base.segments:
        return "none that fits was found"
    try:
        there = path.look(value)
    except Refused:
        there = ABSENT
    return "nothing was found" if there is ABSENT else f"{describe(there)} was found"
