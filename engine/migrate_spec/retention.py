"""How long backups are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Retention", "age"]

_AGE = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Retention:
    """How long backups are kept. One is removed if nothing here keeps it.

    Attributes:
        keep: so many, the newest, are kept; ``None``: no number is.
        older_than: those that are not older are kept; ``None``: no age is asked for.
    """

    keep: int | None = None
    older_than: timedelta | None = None

    @property
    def keeps_all(self) -> bool:
        """Whether it says nothing, and so nothing is removed."""
        return self.keep is None and self.older_than is None


def age(text: str) -> timedelta:
    """An age as it is written: ``12h``, ``30d``, ``4w``.

    Raises:
        ValueError: it is none.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} was found, an age was expected, such as 12h, 30d or 4w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
