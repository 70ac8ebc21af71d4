"""What is odd about specs that can be read: findings that most often are a mistake, each with a code of its own.

The codes, and how much each matters, stand in :data:`~migrate_spec.findings.FINDINGS`. A check is a module of
``checks/`` that is called as its code is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from migrate_spec.errors import Fault
from migrate_spec.lints import checks
from migrate_spec.lints.scene import Story
from migrate_spec.migration import Migration

__all__ = ["all_checks", "lints"]

Check = Callable[[Story], Iterator[Fault]]
"""Finds what is odd. What it finds has its own code, unless it says another one."""


@cache
def all_checks() -> Mapping[str, Check]:
    """All checks, by the codes of what they find."""
    names = sorted(module.name for module in iter_modules(checks.__path__))
    return {name.replace("_", "-"): import_module(f"{checks.__name__}.{name}").check for name in names}


def lints(migration: Migration) -> Iterator[Fault]:
    """What is odd about one version step, whether its spec allows it or not.

    Args:
        migration: the step.
    """
    story = Story.of(migration)
    for code, check in all_checks().items():
        yield from (replace(fault, code=fault.code or code) for fault in check(story))
