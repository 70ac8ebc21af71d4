"""Classes of immutable values, made in a quarter of the time that ``@dataclass(frozen=True)`` takes.

That one writes six methods for each class and compiles them whenever the class is imported; for all the classes of a
short command this was a quarter of its time. Here one is compiled, and the others are the same few lines for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform

__all__ = ["immutable"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(kind: type[T]) -> type[T]:
    """Make a dataclass of a class: two of it are equal, and hashed alike, where the fields that are compared are equal.

    That nobody alters one is what the type checker sees to; nothing does so while the program runs. What the class
    says itself of how it is compared and shown is left.
    """
    dataclass(eq=False, repr=False)(kind)
    given = vars(kind)
    names = [one.name for one in fields(kind) if one.compare]  # type: ignore[arg-type]  # it is a dataclass by now
    if "__eq__" not in given:
        _compare_by(attrgetter(*names) if names else lambda _: (), kind)
    if "__repr__" not in given:
        kind.__repr__ = _shown  # type: ignore[method-assign]  # what a decorator of classes is for
    return kind


def _compare_by(facts: Any, kind: type[Any]) -> None:
    def __eq__(self: Any, other: object) -> bool:  # noqa: N807 - the name is what it is made for
        return facts(self) == facts(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807 - as above
        return hash(facts(self))

    kind.__eq__ = __eq__  # type: ignore[assignment]  # as above
    kind.__hash__ = __hash__  # type: ignore[assignment]


@recursive_repr()
def _shown(value: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(value, one.name)!r}" for one in fields(value) if one.repr)
    return f"{type(value).__qualname__}({shown})"
