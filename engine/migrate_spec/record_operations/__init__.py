"""The operations on records, one in each file: :func:`all_record_operations` finds them by walking this folder."""

from __future__ import annotations

from functools import cache

from migrate_spec.operation import found_below
from migrate_spec.record_operation import RecordOperation

__all__ = ["all_record_operations"]


@cache
def all_record_operations() -> dict[str, type[RecordOperation]]:
    """Every operation on records by its key in a spec, in alphabetical order."""
    return found_below(__name__, __path__, RecordOperation)  # type: ignore[type-abstract]  # it looks for what is not
