"""One text and its parts in fields beside each other: what ``split`` and ``join`` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from migrate_spec.codec import Document, Json, opened
from migrate_spec.document import Change, Refused, describe
from migrate_spec.errors import Fault
from migrate_spec.operation import overlaps
from migrate_spec.path import Name, Path, str_of
from migrate_spec.templates import Separated

__all__ = ["Form", "check_parts", "parts_of", "put_together", "separated_faults", "take_apart"]


class Form(Protocol):
    """How a text is made of its parts, such as :class:`~migrate_spec.templates.Template`."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the parts."""

    @property
    def wanted(self) -> str:
        """What :meth:`read` takes, for a sentence."""

    def fill(self, parts: Mapping[str, str]) -> str:
        """The text that is made of these parts."""

    def read(self, text: str) -> dict[str, str] | None:
        """The parts of a text; ``None`` where it is not made like this."""


def parts_of(whole: Path, names: Sequence[str]) -> list[Path]:
    """The fields beside a text that hold its parts."""
    return [Path((*whole.parent.segments, Name(name)), whole.place) for name in names]


def check_parts(forms: Mapping[Path, Form]) -> Iterator[Fault]:
    """A fault for each field that is or holds a part of two texts."""
    touched = [dict.fromkeys([whole, *parts_of(whole, form.names)]) for whole, form in forms.items()]
    yield from overlaps([path for paths in touched for path in paths])


def separated_faults(form: Separated, whole: Path) -> Iterator[Fault]:
    """What is wrong with the names of parts that a separator stands between."""
    twice = next((name for index, name in enumerate(form.names) if name in form.names[:index]), None)
    if twice is not None:
        found, expected = f"the part {twice!r} was found again", "each was expected once"
        yield Fault(found, expected, "", whole.place, "duplicate-key")
    elif len(form.names) == 1:
        found, expected = f"one part of {str(whole)!r} was found", "two or more were expected"
        yield Fault(found, expected, "`rename` gives a field another name", whole.place, "one-part")


def take_apart(whole: Path, form: Form, *, undone: bool, remedy: Callable[[str], str] = lambda _: "") -> Change:
    """The change of an object that puts the parts of a text in its place.

    Args:
        whole: where the text is.
        form: how it is made.
        undone: whether the way back puts parts together again, so that there must be none where there is no text.
        remedy: says what to do about a text that is not made so.
    """
    source, names = str_of(whole.last), form.names

    def change(parent: Document) -> bool:
        there = source in parent
        taken = next((name for name in names if name in parent and name != source), None)
        if taken is not None and (there or undone):
            raise _taken(parent[taken], taken, f"a part of {source!r} goes there", whole, there=there)
        if not there:
            return False
        text = _text(parent, source, whole)
        parts = form.read(text)
        if parts is None:
            raise _refused(f"{describe(text)} was found", f"{form.wanted} was expected", remedy(text), source, whole)
        return parts != {source: text} and _exchange(parent, {source}, parts)

    return change


def put_together(whole: Path, form: Form, *, exact: bool, undone: bool = True, remedy: str = "") -> Change:
    """The change of an object that puts a text in place of its parts.

    Args:
        whole: where the text goes.
        form: how it is made.
        exact: whether it must give the same parts again.
        undone: whether the way back takes it apart again, so that there must be none where there are no parts.
        remedy: what to do about parts that it does not give again.
    """
    target, names = str_of(whole.last), form.names

    def change(parent: Document) -> bool:
        present = [name for name in names if name in parent]
        if target in parent and target not in names and (present or undone):
            raise _taken(parent[target], target, f"{_listed(names)} go there", whole, there=bool(present))
        if not present:
            return False
        parts = {name: _part(parent, name, present, whole) for name in names}
        text = form.fill(parts)
        again = form.read(text) if undone else parts
        if again is None or (exact and again != parts):
            found = f"{describe(text)} was made of {_listed(names)}"
            raise _refused(found, "one that gives the same parts again was expected", remedy, target, whole)
        return parts != {target: text} and _exchange(parent, parts.keys(), {target: text})

    return change


def _exchange(parent: Document, gone: AbstractSet[str], new: Mapping[str, Json]) -> bool:
    """Put fields in place of the first of those that go."""
    rebuilt: Document = {}
    waits = True
    for name, value in parent.items():
        if name not in gone:
            rebuilt[name] = value
        elif waits:
            rebuilt |= new
            waits = False
    parent.clear()
    parent.update(rebuilt)
    return True


def _part(parent: Document, name: str, present: Sequence[str], whole: Path) -> str:
    """The text of a part that must be there."""
    if name not in parent:
        expected = f"a text was expected, as {present[0]!r} is there"
        raise _refused("nothing was found", expected, "`default` fills it", name, whole)
    return _text(parent, name, whole)


def _text(parent: Document, name: str, whole: Path) -> str:
    """A value that must be a text."""
    value = opened(parent[name])
    if not isinstance(value, str):
        raise _refused(f"{describe(value)} was found", "a text was expected", "convert it first", name, whole)
    return value


def _taken(value: Json, name: str, why: str, whole: Path, *, there: bool) -> Refused:
    """The refusal of a field that is there already."""
    remedy = "remove or rename one of the two first" if there else "`where` can leave out what is in the new shape"
    return _refused(f"{describe(value)} was found", f"no such field was expected, as {why}", remedy, name, whole)


def _refused(found: str, expected: str, remedy: str, name: str, whole: Path) -> Refused:
    return Refused(found, expected, remedy, path=str(Name(name)), place=whole.place)


def _listed(names: Iterable[str]) -> str:
    return " and ".join(repr(name) for name in names)
