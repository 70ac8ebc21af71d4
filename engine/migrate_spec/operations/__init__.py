"""The operations, one in each file: :func:`all_operations` finds them by walking this folder."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules

from migrate_spec.operation import Operation

__all__ = ["all_operations"]


@cache
def all_operations() -> dict[str, type[Operation]]:
    """Every operation by its key in a spec, in alphabetical order."""
    found: dict[str, type[Operation]] = {}
    for module in sorted(iter_modules(__path__), key=lambda module: module.name):
        members = vars(import_module(f"{__name__}.{module.name}")).values()
        found |= {
            member.name(): member
            for member in members
            if isinstance(member, type) and issubclass(member, Operation) and not isabstract(member)
        }
    return found
