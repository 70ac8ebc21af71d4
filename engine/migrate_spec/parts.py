"""One text and its parts in fields beside each other: what ``split`` and ``join`` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import product
from math import prod
from typing import Protocol

from migrate_spec.codec import Document, Json, opened
from migrate_spec.document import Change, Refused, describe
from migrate_spec.errors import Fault
from migrate_spec.operation import overlaps
from migrate_spec.path import Name, Path, str_of
from migrate_spec.shapes.merging import few, merged
from migrate_spec.shapes.parted import TEXT, part_between, without_sign, written_out
from migrate_spec.shapes.reading import met
from migrate_spec.shapes.shape import NOTHING, Field, ObjectShape, Shape, only
from migrate_spec.shapes.values import of_values
from migrate_spec.shapes.walking import changed_at
from migrate_spec.templates import Separated

__all__ = [
    "Form",
    "check_parts",
    "parts_of",
    "put_together",
    "separated_faults",
    "shape_apart",
    "shape_together",
    "take_apart",
]

MOST_TEXTS = 64
"""Texts that are told one by one."""


class Form(Protocol):
    """How a text is made of its parts, such as :class:`~migrate_spec.templates.Template`."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the parts."""

    @property
    def wanted(self) -> str:
        """What :meth:`read` takes, for a sentence."""

    @property
    def placeholders(self) -> Sequence[str]:
        """The names in the order in which the parts stand in the text, where one may come again."""

    @property
    def literals(self) -> Sequence[str]:
        """What stands before the first part, between each two and behind the last."""

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


def shape_apart(shape: Shape, whole: Path, form: Form, *, undone: bool, sure: bool = True) -> Shape:
    """The shape of objects of which :func:`take_apart` puts the parts of a text in its place.

    Args:
        shape: the objects.
        whole: where the text is.
        form: how it is made.
        undone: as for :func:`take_apart`.
        sure: whether each text has all the parts.
    """
    source = str_of(whole.last)
    others = [name for name in form.names if name != source]

    def change(one: ObjectShape) -> Iterator[ObjectShape]:
        yield from _lacking(one.absent(source), others) if undone else one.absent(source)
        found: list[ObjectShape] = []
        for part in _lacking(one.present(source), others):
            text = met(part.field(source).shape, {"type": "string"})
            for fields in _parts(form, text, sure=sure):
                found += _with(part, {source: None, **fields})
        yield from merged(found)

    return changed_at(shape, whole.parent, lambda parent: few(parent.of_objects(change)))


def _parts(form: Form, text: Shape, *, sure: bool) -> Iterator[dict[str, Field]]:
    """What the parts of a text can be."""
    values = text.values()
    if values is None or len(values) > MOST_TEXTS:
        yield {name: Field(_part_text(form, name, text), sure) for name in form.names}
        return
    for value in values:
        parts = form.read(value)
        if parts is not None:
            yield {name: Field(only(part), needed=True) for name, part in parts.items()}


def _part_text(form: Form, name: str, text: Shape) -> Shape:
    if len(form.placeholders) == 1:
        before, behind = form.literals
        return part_between(before, behind, text)
    if not isinstance(form, Separated) or name == {"first": form.names[0], "last": form.names[-1]}.get(form.rest):
        return TEXT
    return without_sign(form.by)


def shape_together(shape: Shape, whole: Path, form: Form, *, exact: bool, undone: bool = True) -> Shape:
    """The shape of objects of which :func:`put_together` puts a text in place of its parts, with its arguments."""
    target, names = str_of(whole.last), form.names
    own = [] if target in names else [target]

    def change(one: ObjectShape) -> Iterator[ObjectShape]:
        yield from _lacking([one], [*names, *own] if undone else names)
        found = _lacking([one], own)
        for name in names:
            found = [
                made
                for part in found
                for made in part.narrowed(name, met(part.field(name).shape, {"type": "string"}), needed=True)
            ]
        for part in found:
            text = _text_of(form, {name: part.field(name).shape for name in names}, exact=exact, undone=undone)
            yield from _with(part, {**dict.fromkeys(names), target: Field(text, needed=True)})

    return changed_at(shape, whole.parent, lambda parent: few(parent.of_objects(change)))


def _text_of(form: Form, parts: Mapping[str, Shape], *, exact: bool, undone: bool) -> Shape:
    """What the text of parts can be."""
    told = [values for part in parts.values() if (values := part.values()) is not None]
    if len(told) < len(parts) or prod(map(len, told)) > MOST_TEXTS:
        return written_out(form.literals, [parts[name] for name in form.placeholders])
    found: list[str] = []
    for values in product(*told):
        mine = dict(zip(parts, values, strict=True))
        text = form.fill(mine)
        again = form.read(text) if undone else mine
        found += [text] if again is not None and (not exact or again == mine) else []
    return of_values(found)


def _lacking(objects: Iterable[ObjectShape], names: Iterable[str]) -> list[ObjectShape]:
    """Those of the objects that have none of these fields."""
    found = list(objects)
    for name in names:
        found = [left for one in found for left in one.absent(name)]
    return found


def _with(one: ObjectShape, fields: Mapping[str, Field | None]) -> list[ObjectShape]:
    """The objects with these fields in place of whatever they have there."""
    found = [one]
    for name, known in fields.items():
        new = known or Field(NOTHING)
        found = [made for part in found for made in part.having(name, new.shape, needed=new.needed)]
    return found
