"""Fields at paths of names: objects that have or lack them, in which they are put or from which they are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from migrate_spec.path import Path, str_of
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape, one_of, only, union
from migrate_spec.shapes.walking import changed_at

__all__ = ["absent_at", "narrowed_at", "present_at", "put_at", "taken_at", "value_at"]


def value_at(shape: Shape, path: Path) -> Shape:
    """What can be at a path of names, where it is there at all."""
    for segment in path.segments:
        shape = union([one.field(str_of(segment)).shape for one in shape.objects()])
    return shape


def present_at(shape: Shape, path: Path) -> Shape:
    """Those of the values in which something is at a path of names."""
    if not path.segments:
        return shape
    first, rest = str_of(path.segments[0]), Path(path.segments[1:])
    return one_of(
        [
            made
            for one in shape.objects()
            for made in one.narrowed(first, present_at(one.field(first).shape, rest), needed=True)
        ]
    )


def narrowed_at(shape: Shape, path: Path, part: Callable[[Shape], Shape], *, strict: bool = True) -> Shape:
    """Those of the objects in which nothing is at a path of names, or a value that will do.

    Args:
        shape: the objects.
        path: where the value is.
        part: gives those of the values that will do.
        strict: whether a parent that is no object is refused; else nothing is at the path there.
    """
    first, rest = str_of(path.segments[0]), Path(path.segments[1:])
    found: list[Shape] = []
    for one in shape.plain():
        if not isinstance(one, ObjectShape):
            found += [] if strict else [Shape((one,))]
            continue
        inside = one.field(first).shape
        if inside is not NOTHING:
            inside = narrowed_at(inside, rest, part, strict=strict) if rest.segments else part(inside)
        found += [Shape((made,)) for made in one.narrowed(first, inside, needed=False)]
    return union(found)


def absent_at(shape: Shape, path: Path, *, strict: bool = True) -> Shape:
    """Those of the objects in which nothing is at a path of names; ``strict`` as in :func:`narrowed_at`."""
    return narrowed_at(shape, path, lambda _: NOTHING, strict=strict)


def put_at(shape: Shape, path: Path, value: Shape) -> Shape:
    """What becomes of objects in which a value is set at a path of names, with the objects made on the way."""
    first, rest = str_of(path.segments[0]), Path(path.segments[1:])

    def change(one: ObjectShape) -> Iterator[ObjectShape]:
        old = one.field(first)
        new = value
        if rest.segments:
            made = [] if old.needed else [put_at(only({}), rest, value)]
            new = union([*([] if old.shape is NOTHING else [put_at(old.shape, rest, value)]), *made])
        return one.having(first, new, needed=True)

    return shape.of_objects(change)


def taken_at(shape: Shape, path: Path, *, prune: bool = False) -> Shape:
    """What becomes of objects from which the value at a path of names is taken away.

    Args:
        shape: the objects.
        path: where the value is, if it is there.
        prune: whether an object that is empty then goes, too.
    """
    last = str_of(path.last)
    there = present_at(shape, path)
    taken = changed_at(there, path.parent, lambda parent: parent.of_objects(lambda one: one.without(last)))
    if prune:
        for depth in range(len(path.segments) - 1, 0, -1):
            parent, name = Path(path.segments[: depth - 1]), str_of(path.segments[depth - 1])
            taken = changed_at(taken, parent, partial(_pruned, name))
    return union([absent_at(shape, path), taken])


def _pruned(name: str, parent: Shape) -> Shape:
    """The objects without the field, where that is an empty object."""

    def change(one: ObjectShape) -> Iterator[ObjectShape]:
        inside = one.field(name).shape
        left = [part for part in inside.objects() if not (part.closed() and not part.fields)]
        emptied = [part for part in inside.objects() if not any(known.needed for known in part.fields.values())]
        if left:
            yield from one.narrowed(name, one_of(left), needed=True)
        if emptied:
            yield from one.without(name)

    return parent.of_objects(change)
