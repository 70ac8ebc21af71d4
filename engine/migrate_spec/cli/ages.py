"""Ages on the command line."""

from __future__ import annotations

from datetime import timedelta

import click

from migrate_spec.retention import age

__all__ = ["age_type"]


class _Age(click.ParamType[timedelta]):
    """An age: ``12h``, ``30d``, ``4w``."""

    name = "age"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The age that was written; anything else is a wrong use."""
        try:
            return age(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


age_type = _Age()
