"""What a shape has at a path."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_spec.path import Path
from migrate_spec.shapes.shape import Shape

__all__ = ["seen"]


def seen(shape: Shape, path: Path) -> Sequence[Shape]:
    """What can be at the places of a path; nothing where there are none."""
    found: list[Shape] = []

    def look(value: Shape) -> Shape:
        found.append(value)
        return value

    _ = shape.at(path, look)
    return found
