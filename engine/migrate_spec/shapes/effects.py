"""Effects: what becomes of shapes where documents are changed at paths, as :mod:`migrate_spec.changes` does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from migrate_spec.path import Each, EachValue, Name, Path, str_of
from migrate_spec.shapes.shape import ANYTHING, NOTHING, Field, ListShape, ObjectShape, Shape
from migrate_spec.shapes.walking import changed_at

__all__ = ["of_fields", "rewritten", "spoiled", "with_values"]

V = TypeVar("V")

New = Callable[[Shape], tuple[Shape, bool]]
"""From the shape of values to that of the new ones, and whether some of the values go."""


def spoiled(shape: Shape, paths: Iterable[Path]) -> Shape:
    """The shape of objects in which anything may have become of what is at these paths, around it or inside it."""
    for path in paths:
        if not path.segments or not isinstance(path.segments[0], Name):
            return ANYTHING
        name = path.segments[0].name
        shape = shape.of_objects(lambda one, name=name: one.having(name, ANYTHING, needed=False))  # type: ignore[misc]
    return shape


def of_fields(
    shape: Shape, entries: Mapping[Path, V], leaf: Callable[[ObjectShape, str, V], Iterable[ObjectShape]]
) -> Shape:
    """The shape of objects of which one field after the other is changed: as ``by_parent`` changes them.

    Args:
        shape: the objects.
        entries: paths that end in a name, each with its argument.
        leaf: what becomes of the object that has or lacks a field, by its name and argument.
    """
    for path, argument in entries.items():
        name = str_of(path.last)
        shape = changed_at(
            shape,
            path.parent,
            lambda parent, name=name, argument=argument: parent.of_objects(  # type: ignore[misc]
                lambda one: leaf(one, name, argument)
            ),
        )
    return shape


def with_values(shape: Shape, path: Path, new: Callable[[Shape], Shape]) -> Shape:
    """:func:`rewritten` where each value becomes another one, and none goes."""
    return rewritten(shape, path, lambda value: (new(value), False))


def rewritten(shape: Shape, path: Path, new: New, *, one_to_one: bool = False) -> Shape:
    """The shape of objects in which ``rewrite`` puts a new value at each place of a path.

    Args:
        shape: the objects.
        path: the places.
        new: gives the shape of the new values, and whether some values go.
        one_to_one: whether no two values become one, so that what is in a list but once stays so.
    """
    last = path.last
    if isinstance(last, EachValue):
        return changed_at(shape, path.parent, lambda parent: parent.of_objects(lambda one: _all_rewritten(one, new)))
    if isinstance(last, Name):
        change = partial(_field_rewritten, last.name, new)
        return changed_at(shape, path.parent, lambda parent: parent.of_objects(change))
    if isinstance(last, Each) and one_to_one:
        return changed_at(shape, path.parent, lambda parent: parent.of_lists(lambda one: _items_rewritten(one, new)))
    return changed_at(shape, path, lambda value: new(value)[0])


def _field_rewritten(name: str, new: New, one: ObjectShape) -> Iterator[ObjectShape]:
    """The objects with the value of a field rewritten: where none goes, the number of fields stays."""
    known = one.field(name)
    if known.shape is NOTHING:
        yield one
        return
    result, gone = new(known.shape)
    for made in one.having(name, result, needed=known.needed and not gone):
        yield made if gone or made is one else replace(made, least=one.least, most=one.most)


def _items_rewritten(one: ListShape, new: New) -> Iterator[ListShape]:
    """The lists with each item rewritten, no two to the same: what is unique stays so."""
    found = one.altered(lambda _, item: new(item)[0])
    if found is not None:
        unique = {key: one.more[key] for key in ("uniqueItems",) if key in one.more}
        yield found if found is one else replace(found, more=unique)


def _all_rewritten(one: ObjectShape, new: New) -> Iterator[ObjectShape]:
    """The objects with the value of each field rewritten: what goes is no field that must be there any more."""
    goes = False

    def change(value: Shape) -> Shape:
        nonlocal goes
        result, gone = new(value)
        goes = goes or gone
        return result

    loose: dict[str, Field] = {}
    for name, known in one.fields.items():
        result, gone = (NOTHING, False) if known.shape is NOTHING else new(known.shape)
        goes = goes or gone
        if known.needed and result is NOTHING and not gone:
            return
        same = result is known.shape and not gone
        loose[name] = known if same else Field(result, known.needed and not gone)
    others = replace(one, fields={}).altered(change)
    if others is None:
        return
    same = others.others is one.others and others.patterns is one.patterns and not goes
    if same and all(loose[name] is known for name, known in one.fields.items()):
        yield one
        return
    yield replace(others, fields=loose, least=0 if goes else one.least, more={})
