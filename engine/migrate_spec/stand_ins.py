"""Stand-ins for values of which nothing is known, so that it is seen where they get to."""

from __future__ import annotations

import re
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.forms import Form
from migrate_spec.journey import Arrived
from migrate_spec.keeping import SENTINEL

__all__ = ["blurred", "filling", "number_of", "stand_in"]

_STAND_IN = re.compile(re.escape(SENTINEL) + r"(\d+)")
_HOLE = re.compile(rb'"\\u0001%b(\d+)"' % SENTINEL[1:].encode())
_ANY = re.compile(rb"\\u0001%b\d+" % SENTINEL[1:].encode())


def stand_in(number: int) -> str:
    """What stands for the value with a number."""
    return f"{SENTINEL}{number}"


def number_of(value: Json) -> int | None:
    """The number of the value that a stand-in stands for; ``None`` for any other value."""
    found = _STAND_IN.fullmatch(value) if type(value) is str else None
    return int(found[1]) if found is not None else None


def filling(stored: bytes) -> tuple[Form, list[int]]:
    """A complement with stand-ins as what stands around them, and the numbers of the values."""
    first, *others = _HOLE.split(stored)
    return Form((first, *others[1::2])), [int(number) for number in others[::2]]


def blurred(arrived: Arrived) -> tuple[Any, ...]:
    """What became of a record, with all stand-ins alike."""
    lost = [(step, _ANY.sub(b"", complement.stored())) for step, complement in arrived.lost]
    return _ANY.sub(b"", arrived.value), lost, arrived.losses, arrived.changed_by
