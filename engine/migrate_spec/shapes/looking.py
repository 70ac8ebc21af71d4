"""What a shape tells of, without a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_spec.path import Path
from migrate_spec.shapes.shape import ANYTHING, ListShape, ObjectShape, Reference, Shape
from migrate_spec.shapes.walking import changed_at

__all__ = ["all_inside", "seen"]


def seen(shape: Shape, path: Path) -> Sequence[Shape]:
    """What can be at the places of a path; nothing where there are none."""
    found: list[Shape] = []

    def look(value: Shape) -> Shape:
        found.append(value)
        return value

    _ = changed_at(shape, path, look)
    return found


def all_inside(whole: Shape) -> Iterator[Shape]:
    """All shapes that are told of inside of one, itself first, those that references lead to as well."""
    done: set[Reference] = set()
    waiting: list[Shape] = [whole]
    while waiting:
        shape = waiting.pop()
        yield shape
        for one in () if shape is ANYTHING else shape.alternatives:
            if isinstance(one, ListShape):
                waiting += [*one.first, one.rest]
            elif isinstance(one, ObjectShape):
                waiting += [*(known.shape for known in one.fields.values()), one.others]
                waiting += [values for _, values in one.patterns]
            elif isinstance(one, Reference) and one not in done:
                done.add(one)
                waiting.append(one.look_up(one.name))
