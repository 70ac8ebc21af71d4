"""The operations, one in each file: :func:`all_operations` finds them by walking this folder."""

from __future__ import annotations

from functools import cache

from migrate_spec.operation import Operation, found_below

__all__ = ["all_operations"]


@cache
def all_operations() -> dict[str, type[Operation]]:
    """Every operation by its key in a spec, in alphabetical order."""
    return found_below(__name__, __path__, Operation)  # type: ignore[type-abstract]  # it looks for what is not
