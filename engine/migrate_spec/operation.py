"""The interface of an operation: one declarative change inside a step.

An operation is a frozen dataclass in its own file below ``operations/``; the name of its class, ``KeepFields``, and
that of its file, ``keep_fields.py``, are its key in a spec, ``keep_fields``. Its first field is what stands under that
key, every other field is an option that stands beside it::

    - rename: {titel: title}     # Rename.fields
      if_exists: keep            # Rename.if_exists

The spec language, the editor schema and docs/operations.md are read off the fields' annotations, the class docstring
and ``example``. The sentences of the docstring that name an option, as in `if_exists: keep`, are what editors say of
it. A new operation is a new file here and a new file of cases for the tests.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT, Change, frozen
from migrate_spec.errors import Fault
from migrate_spec.hooks import Hook
from migrate_spec.path import Name, Path
from migrate_spec.shapes.effects import spoiled
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.shape import Shape

__all__ = [
    "ORDER",
    "Binder",
    "Field",
    "FieldName",
    "IfExists",
    "Loss",
    "ObjectPath",
    "Operation",
    "Operations",
    "Table",
    "Value",
    "all_sole",
    "check_forms",
    "key_in_spec",
    "names_only",
    "overlaps",
]

V = TypeVar("V")
Kind = TypeVar("Kind")

Field = Annotated[Path, "A path that ends in a name: something an object can have or lack."]
ObjectPath = Annotated[Path, "a path, or `.` for the object itself"]
"""A path, or none at all: then it is the object that the step is given."""

FieldName = Annotated[str, "A bare name, taken as it is: dots and brackets mean nothing in it."]
IfExists = Annotated[
    Literal["fail", "keep", "replace"],
    "What becomes of a field that is there already: the record is refused, the field stays, or it is overwritten.",
]


def key_in_spec(operation: type) -> str:
    """The key of an operation in a spec: ``keep_fields`` for ``KeepFields``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation.__name__).lower()


class Operations(Mapping[str, Kind]):
    """The operations of a package by their keys in a spec, in alphabetical order; each is imported when looked up.

    The key is the name of the file, too, but for the underscore behind a word that Python keeps for itself.
    """

    def __init__(self, package: str, folders: Iterable[str]) -> None:
        """Take the package's name and its folders."""
        names = sorted(module.name for module in iter_modules(folders))
        self._modules = {name.removesuffix("_"): f"{package}.{name}" for name in names}

    def __getitem__(self, key: str) -> Kind:
        found: Kind = getattr(import_module(self._modules[key]), key.title().replace("_", ""))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


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
    """A literal value where a word would mean something else: ``else: {value: keep}``.

    Attributes:
        value: any JSON.
    """

    value: Json


ORDER = "its place among its siblings"
"""What is lost where the fields of an object come back in another order."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that going forwards and backwards again does not bring back.

    Attributes:
        path: where.
        what: what is lost, for a sentence.
    """

    path: Path
    what: str

    @property
    def is_order(self) -> bool:
        """Whether no value is lost, nor whether there was one."""
        return self.what == ORDER

    def __str__(self) -> str:
        return f"{self.path}: {self.what}" if self.path.segments else self.what


@dataclass(frozen=True)
class Binder:
    """Finds what a spec names and does not hold itself.

    Attributes:
        path: a path with the places found that its definition stands for.
        hook: a hook with the folder of its module.
    """

    path: Callable[[Path], Path]
    hook: Callable[[Hook], Hook]


class Operation(ABC):
    """One declarative change. Subclasses are frozen dataclasses and live in a file of their own name."""

    example: ClassVar[str]
    """YAML with ``step``, ``before`` and ``after``: shown in the documentation and run by the tests."""

    by_table: ClassVar[bool] = False
    """Whether it looks up values in a table, which ought to have all that there can be."""

    only_adds: ClassVar[bool] = False
    """Whether it takes no field away and moves none."""

    needs_reverse: ClassVar[bool] = False
    """Whether only its author can say how it is undone, where that can be said at all."""

    takes_anything: ClassVar[bool] = False
    """Whether it takes whatever is at its paths, if it can get there."""

    @classmethod
    def name(cls) -> str:
        """The key in a spec."""
        return key_in_spec(cls)

    def check(self) -> Iterator[Fault]:
        """What is wrong with these arguments although each alone is well formed."""
        yield from overlaps(self.writes())

    def bound(self, binder: Binder) -> Self:  # noqa: ARG002 - most operations need nothing
        """The operation with all that it names outside of the spec; so are the steps inside it."""
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

    def by_names(self) -> bool:
        """Whether what the change does follows from the names of the object's fields alone.

        It looks at no value then; it carries them from field to field of the object, drops them and puts new ones in.
        """
        return False

    def touches(self, path: Path) -> bool:
        """Whether the change may alter what is at a path, around it or inside it."""
        return any(path.meets(written) for written in self.writes())

    @abstractmethod
    def losses(self) -> Sequence[Loss]:
        """What going forwards and backwards again does not bring back."""

    def effect(self, shape: Shape) -> Shape:
        """The shape of what the change makes of objects of a shape; it may tell too much, never too little.

        Where an operation does not know better it is anything, at the places that it writes.
        """
        return spoiled(shape, self.writes())

    def effect_back(self, shape: Shape) -> Shape:
        """The same of the way back, where there is one."""
        return spoiled(shape, self.writes())

    def blocks(self, shape: Shape) -> Iterator[tuple[Sequence[Any], Shape]]:  # noqa: ARG002 - most operations hold none
        """The lists of steps inside of it, each with the shape of what it is given of objects of a shape."""
        yield from ()

    def is_idle(self, shape: Shape) -> bool:
        """Whether it is known that the change leaves all objects of a shape as they are."""
        writes = self.writes()
        return bool(writes) and not any(seen(shape, path) for path in writes) and self.effect(shape) is shape


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


def check_forms(options: Any, forms: Mapping[str, str], beside: Mapping[str, str], path: Path) -> Iterator[Fault]:
    """What is wrong with options of which one must be there, and others only beside it.

    Args:
        options: a dataclass; what has its default was not said.
        forms: the options that exclude each other, each with the one that it needs, if any.
        beside: further options, each with the form that it may stand beside.
        path: what the options are about.
    """
    given = {field.name.removesuffix("_") for field in fields(options) if getattr(options, field.name) != field.default}
    found = [form for form in forms if form in given]
    if len(found) != 1:
        said = f"{' and '.join(f'`{form}`' for form in found)} were found" if found else "none of them was found"
        expected = f"one of {', '.join(f'`{form}`' for form in forms)} was expected"
        yield Fault(said, expected, "", path.place, "options-disagree")
        return
    for option, form in [*((needed, form) for form, needed in forms.items() if needed), *beside.items()]:
        if option in given and form != found[0]:
            expected = f"it was expected beside `{form}` only"
            yield Fault(f"`{option}` beside `{found[0]}` was found", expected, "", path.place, "options-disagree")
        elif option not in given and forms[found[0]] == option:
            yield Fault(
                f"`{form}` without `{option}` was found", "both were expected", "", path.place, "options-disagree"
            )


def all_sole(paths: Iterable[Path]) -> bool:
    """Whether each of some paths is a name and no more: a field of the object itself."""
    return all(path.sole_name is not None for path in paths)


def names_only(path: Path, base: Path) -> bool:
    """Whether ``path`` begins with ``base`` and goes on with names alone."""
    return path.segments[: len(base.segments)] == base.segments and all(
        isinstance(segment, Name) for segment in path.below(base).segments
    )
