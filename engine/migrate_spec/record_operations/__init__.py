"""The operations on records, one in each file: :func:`all_record_operations` finds them by looking into this folder."""

from __future__ import annotations

from functools import cache

from migrate_spec.operation import Operations
from migrate_spec.record_operation import RecordOperation

__all__ = ["all_record_operations"]


@cache
def all_record_operations() -> Operations[type[RecordOperation]]:
    """Every operation on records by its key in a spec, in alphabetical order; one is imported when it is looked up."""
    return Operations(__name__, __path__)
