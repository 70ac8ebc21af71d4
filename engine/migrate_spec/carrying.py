"""Shapes of documents in which values are carried from one field to another: effects of what :mod:`.pairs` serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from migrate_spec.operation import IfExists
from migrate_spec.path import Path, str_of
from migrate_spec.shapes.effects import spoiled
from migrate_spec.shapes.fields import absent_at, present_at, put_at, taken_at, value_at
from migrate_spec.shapes.merging import few
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape, union
from migrate_spec.shapes.walking import changed_at

__all__ = ["below", "moved", "placed", "presences"]

Pair = tuple[Path, Path]
"""A source and its target."""


def below(shape: Shape, base: Path, change: Callable[[Shape], Shape]) -> Shape:
    """The shape in which ``change`` says what becomes of objects at a base, given one alternative at a time."""

    def of_one(one: ObjectShape) -> Iterator[ObjectShape]:
        return few(change(Shape((one,)))).objects()

    return changed_at(shape, base, lambda value: few(value.of_objects(of_one)))


def presences(shape: Shape, paths: Sequence[Path], *, strict: bool = True) -> Iterator[tuple[Shape, tuple[Path, ...]]]:
    """The objects by which of the paths something is at, as far as there are some; with these paths.

    ``strict`` is as in :func:`narrowed_at`.
    """
    if not paths:
        if shape is not NOTHING:
            yield shape, ()
        return
    for part, there in presences(shape, paths[:-1], strict=strict):
        for found, more in ((absent_at(part, paths[-1], strict=strict), ()), (present_at(part, paths[-1]), paths[-1:])):
            if found is not NOTHING:
                yield found, (*there, *more)


def placed(shape: Shape, pairs: Sequence[Pair], *, taken: Sequence[Path] = (), prune: bool = False) -> Shape:
    """The objects with the values of sources, which are all there, put at their targets.

    Args:
        shape: the objects.
        pairs: the sources and targets.
        taken: what is taken away before.
        prune: whether an object that this leaves empty goes, too.
    """
    found: list[Shape] = []
    for one in shape.objects():
        whole = Shape((one,))
        values = [value_at(whole, source) for source, _ in pairs]
        for path in taken:
            whole = taken_at(whole, path, prune=prune)
        for (_, target), value in zip(pairs, values, strict=True):
            whole = put_at(whole, target, value)
        found.append(whole)
    return union(found)


def moved(shape: Shape, fields: Mapping[Path, Path], if_exists: IfExists, *, prune: bool, strict: bool = True) -> Shape:
    """The objects with values moved from sources to targets, all at the same time.

    Args:
        shape: the objects.
        fields: the sources, with their targets.
        if_exists: what becomes of a target that is there already.
        prune: whether an object that this leaves empty goes, too.
        strict: as in :func:`narrowed_at`, for the sources.
    """
    groups: dict[Path, list[Pair]] = {}
    for source, target in fields.items():
        groups.setdefault(source.base, []).append((source.below(source.base), target.below(source.base)))
    for base, group in groups.items():
        for pairs in _apart(group):
            shape = below(shape, base, partial(_moved, pairs=pairs, if_exists=if_exists, prune=prune, strict=strict))
    return shape


def _apart(pairs: Sequence[Pair]) -> Sequence[Sequence[Pair]]:
    """The pairs, together where the one's source and the other's target meet: these are to be seen as one."""
    found: list[list[Pair]] = []
    for pair in pairs:
        meeting = [group for group in found if any(_meeting(pair, other) for other in group)]
        found = [group for group in found if group not in meeting]
        found.append([*(other for group in meeting for other in group), pair])
    return found


def _meeting(one: Pair, other: Pair) -> bool:
    return one[0].meets(other[1]) or other[0].meets(one[1])


def _moved(shape: Shape, pairs: Sequence[Pair], if_exists: IfExists, *, prune: bool, strict: bool) -> Shape:
    if if_exists == "keep" and len(pairs) > 1:
        return spoiled(shape, [path for pair in pairs for path in pair])
    if if_exists == "fail" and len(pairs) == 1 and all(len(path.segments) == 1 for path in pairs[0]):
        return _renamed(shape, *pairs[0])
    found: list[Shape] = []
    for part, there in presences(shape, [source for source, _ in pairs], strict=strict):
        for ready, going in _ready(part, pairs, there, if_exists, prune=prune):
            sources = [source for source, _ in going]
            found.append(placed(ready, going, taken=sources, prune=prune) if going else ready)
    return union(found)


def _renamed(shape: Shape, source: Path, target: Path) -> Shape:
    """For a field that gets another name, which must be free, whether it is there or not."""
    old, new = str_of(source.last), str_of(target.last)

    def change(one: ObjectShape) -> Iterator[ObjectShape]:
        known = one.field(old)
        for found in one.absent(new):
            for made in found.having(new, known.shape, needed=known.needed):
                yield from made.without(old)

    return shape.of_objects(change)


def _ready(
    shape: Shape, pairs: Sequence[Pair], there: Sequence[Path], if_exists: IfExists, *, prune: bool
) -> Iterator[tuple[Shape, Sequence[Pair]]]:
    """Those of the objects whose values can go where they are to go, with the pairs of the values that go."""
    going = [pair for pair in pairs if pair[0] in there]
    if if_exists == "replace":
        yield shape, going
        return
    for source, target in pairs if if_exists == "fail" else going:
        if any(_inside(target, gone) for gone, _ in going):
            continue  # what is there leaves, too
        strict = source in there
        emptied = prune and any(_inside(gone, target) for gone, _ in going)
        if if_exists == "keep":
            yield present_at(shape, target), ()
        if not emptied:
            shape = absent_at(shape, target, strict=strict)
    yield shape, going


def _inside(path: Path, other: Path) -> bool:
    return path.segments[: len(other.segments)] == other.segments
