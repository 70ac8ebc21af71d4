"""The operations, one in each file: :func:`all_operations` finds them by looking into this folder."""

from __future__ import annotations

from functools import cache

from migrate_spec.operation import Operation, Operations

__all__ = ["all_operations"]


@cache
def all_operations() -> Operations[type[Operation]]:
    """Every operation by its key in a spec, in alphabetical order; one is imported when it is looked up."""
    return Operations(__name__, __path__)
