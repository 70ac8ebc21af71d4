"""The interface of an operation: one declarative change inside a step.

An operation is a frozen dataclass in its own file below ``operations/``; its class name, ``KeepFields``, is its key in
a spec, ``keep_fields``. Its first field is what stands under that key, every other field is an option that stands
beside it::

    - rename: {titel: title}     # Rename.fields
      if_exists: keep            # Rename.if_exists

The spec language, the editor schema and the tables of the documentation are read off the fields' annotations, the
class docstring and ``example``. A new operation is a new file here and a new file of cases for the tests.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from migrate_spec.codec import Document, Json
from migrate_spec.document import ABSENT, Change, frozen
from migrate_spec.errors import Fault
from migrate_spec.path import Name, Path, str_of, within_objects

__all__ = [
    "Field",
    "FieldName",
    "IfExists",
    "Loss",
    "Operation",
    "Table",
    "Value",
    "by_parent",
    "fill",
    "in_order",
    "overlaps",
    "take",
]

V = TypeVar("V")

Field = Annotated[Path, "a field"]
"""A path that ends in a name: something an object can have or lack."""

FieldName = Annotated[str, "a name"]
"""A bare name, taken as it is: dots and brackets mean nothing in it."""

IfExists = Literal["fail", "keep", "replace"]
"""What becomes of a field that is there already: the record is refused, the field stays, or it is overwritten."""


@dataclass(frozen=True)
class Table(Generic[V]):
    """A table of values: type-strict, so that ``true``, ``"true"`` and ``1`` are three keys; ``1.0`` is ``1``.

    A spec says it as an object, whose keys may be any YAML scalars, or as a list of pairs, where keys may be anything.

    Attributes:
        pairs: each key and what it leads to.
    """

    pairs: tuple[tuple[Json, V], ...]

    def look_up(self) -> Callable[[Json], V | object]:
        """A function from a plain value to what it leads to; to ``ABSENT`` for a value that the table lacks."""
        known = {frozen(key): value for key, value in self.pairs}
        return lambda value: known.get(frozen(value), ABSENT)


@dataclass(frozen=True)
class Value:
    """A literal value where a word would mean something else: ``else: {value: keep}``."""

    value: Json


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that going forwards and backwards again does not bring back.

    Attributes:
        path: where.
        what: what is lost, for a sentence.
    """

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


class Operation(ABC):
    """One declarative change. Subclasses are frozen dataclasses and live in a file of their own name."""

    example: ClassVar[str]
    """YAML with ``step``, ``before`` and ``after``: shown in the documentation and run by the tests."""

    @classmethod
    def name(cls) -> str:
        """The key in a spec: ``keep_fields`` for ``KeepFields``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def check(self) -> Iterator[Fault]:
        """What is wrong with these arguments although each alone is well formed."""
        yield from overlaps(self.writes())

    def bound(self, bind: Callable[[Path], Path]) -> Self:  # noqa: ARG002 - for operations with steps inside
        """The operation with ``bind`` applied to the places that steps inside it work at."""
        return self

    @abstractmethod
    def forward(self) -> Change:
        """The change, compiled. It is given an object and may alter it in place.

        The change raises :class:`~migrate_spec.document.Refused` on a document it cannot work on.
        """

    @abstractmethod
    def backward(self) -> Change:
        """The way back, compiled, as far as it is possible without what :meth:`losses` names.

        Raises:
            Irreversible: there is no way back.
        """

    @abstractmethod
    def reads(self) -> Sequence[Path]:
        """The paths whose values decide what the change does or writes."""

    @abstractmethod
    def writes(self) -> Sequence[Path]:
        """The paths the change may alter. What lies outside of them is never touched."""

    def touches(self, path: Path) -> bool:
        """Whether the change may alter what is at a path, around it or inside it."""
        return any(path.meets(written) for written in self.writes())

    @abstractmethod
    def losses(self) -> Sequence[Loss]:
        """What going forwards and backwards again does not bring back."""


def in_order(changes: Sequence[Change]) -> Change:
    """Several changes as one."""
    if len(changes) == 1:
        return changes[0]
    fixed = tuple(changes)

    def run(value: Any) -> bool:
        changed = False
        for change in fixed:
            changed |= change(value)
        return changed

    return run


def by_parent(entries: Mapping[Path, V], leaf: Callable[[list[tuple[str, V, Path]]], Change]) -> Change:
    """One change for entries of several fields: ``leaf`` is given the entries of one parent object at a time.

    Args:
        entries: paths that end in a name, each with its argument.
        leaf: makes the change of a parent object from ``(name, argument, path)`` of each of its fields.
    """
    groups: dict[Path, list[tuple[str, V, Path]]] = defaultdict(list)
    for path, argument in entries.items():
        groups[path.parent].append((str_of(path.last), argument, path))
    return in_order([within_objects(parent, leaf(group)) for parent, group in groups.items()])


def fill(fields: list[tuple[str, Callable[[], Json], Path]]) -> Change:
    """The change that puts a new value into each of these fields that is absent (for :func:`by_parent`)."""
    names = frozenset(name for name, _, _ in fields)

    def change(parent: Document) -> bool:
        if parent.keys() >= names:
            return False
        changed = False
        for name, make, _ in fields:
            if name not in parent:
                parent[name] = make()
                changed = True
        return changed

    return change


def take(fields: list[tuple[str, None, Path]]) -> Change:
    """The change that takes away each of these fields that is there (for :func:`by_parent`)."""
    names = [name for name, _, _ in fields]

    def change(parent: Document) -> bool:
        present = [name for name in names if name in parent]
        for name in present:
            del parent[name]
        return bool(present)

    return change


def overlaps(paths: Sequence[Path]) -> Iterator[Fault]:
    """A fault for each path that names the same place as an earlier one, or a place around or inside it."""
    for index, path in enumerate(paths):
        for earlier in paths[:index]:
            if path.meets(earlier):
                yield Fault(
                    f"{str(path)!r} was found beside {str(earlier)!r}",
                    "entries that do not touch the same place were expected",
                    "the entries of one operation act at the same time; write a second step",
                    path.place,
                    "entries-overlap",
                )


def names_only(path: Path, base: Path) -> bool:
    """Whether ``path`` begins with ``base`` and goes on with names alone."""
    return path.segments[: len(base.segments)] == base.segments and all(
        isinstance(segment, Name) for segment in path.below(base).segments
    )
