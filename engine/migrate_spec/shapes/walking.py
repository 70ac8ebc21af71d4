"""Shapes in which what is at a path is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from operator import is_
from typing import Any

from migrate_spec.path import Each, EachValue, Index, Name, Path, Segment
from migrate_spec.shapes.shape import ANYTHING, NOTHING, Alternative, ListShape, ObjectShape, Reference, Shape, one_of

__all__ = ["changed_at"]


def changed_at(shape: Shape, path: Path, change: Callable[[Shape], Shape]) -> Shape:
    """The shape where ``change`` says what becomes of each value at a path; what cannot be walked is refused.

    A value that becomes nothing is one that is refused, with all that it is in.
    """
    return _changed(shape, path.segments, change)


def _changed(shape: Shape, segments: Sequence[Segment], change: Callable[[Shape], Shape]) -> Shape:
    if not segments:
        return change(shape)
    first, rest = segments[0], segments[1:]

    def inner(value: Shape) -> Shape:
        return _changed(value, rest, change)

    if isinstance(first, Name):
        return shape.of_objects(lambda one: _with_value(one, first.name, inner))
    if isinstance(first, EachValue):
        return shape.of_objects(lambda one: _some(one.altered(inner)))
    if isinstance(first, Each):
        return shape.of_lists(lambda one: _some(one.altered(lambda _, item: inner(item))))
    if isinstance(first, Index):
        return shape.of_lists(lambda one: _with_item(one, first.index, inner))
    return _Redefined(first.name, inner).shape(shape)


def _with_value(one: ObjectShape, name: str, change: Callable[[Shape], Shape]) -> Iterator[ObjectShape]:
    """The objects with the value of a field changed, where they have it."""
    old = one.field(name)
    new = old.shape if old.shape is NOTHING else change(old.shape)
    for found in one.having(name, new, needed=old.needed):
        # the number of fields stays: those whose value is refused are gone, and the others keep all they have
        yield found if found is one else replace(found, least=one.least, most=one.most)


def _with_item(one: ListShape, index: int, change: Callable[[Shape], Shape]) -> Iterator[ListShape]:
    if one.most is not None and index >= one.most:
        yield one
        return
    first = (*one.first, *([one.rest] * (index + 1 - len(one.first))))
    wide = replace(one, first=first, rest=one.rest)
    found = wide.altered(lambda place, item: change(item) if place == index else item)
    yield from _some(one if found is wide else found)


def _some(found: Any) -> Iterator[Any]:
    return iter(() if found is None else (found,))


class _Redefined:
    """A shape in which the values of a definition are changed, wherever it says that one is; inner ones first."""

    def __init__(self, name: str, change: Callable[[Shape], Shape]) -> None:
        self._name = name
        self._change = change
        self._look_ups: dict[Callable[[str], Shape], Callable[[str], Shape]] = {}

    def shape(self, shape: Shape) -> Shape:
        """The shape with its references leading to what became of the definitions."""
        if shape is ANYTHING or shape is NOTHING:
            return shape
        found: list[Alternative] = []
        for one in shape.alternatives:
            if isinstance(one, Reference):
                found.append(Reference(one.name, self._look_up(one.look_up)))
            elif isinstance(one, ListShape):
                found += _some(one.altered(lambda _, item: self.shape(item)))
            elif isinstance(one, ObjectShape):
                found += _some(one.altered(self.shape))
            else:
                found.append(one)
        same = len(found) == len(shape.alternatives) and all(map(is_, found, shape.alternatives))
        return shape if same else one_of(found)

    def _look_up(self, old: Callable[[str], Shape]) -> Callable[[str], Shape]:
        if old not in self._look_ups:
            known: dict[str, Shape] = {}

            def look_up(name: str) -> Shape:
                if name not in known:
                    known[name] = ANYTHING  # for a change that looks into what it is about to change
                    inside = self.shape(old(name))
                    known[name] = self._change(inside) if name == self._name else inside
                return known[name]

            self._look_ups[old] = look_up
        return self._look_ups[old]
