"""What the model knows of records that went a step: what they were on both sides of it, and so what comes back.

That is all that the way back may bring back: a value that is after the way back what it would be without the edits
since is that of the other side, and any other one is an edit, which stays. Where a value of the other side gives way to
an edit this is to be told. Nothing of how that is stored is known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]

ABSENT: Any = object()
"""What is at a place at which nothing is."""


@dataclass(frozen=True, eq=False)
class Crossed:
    """A record that went a step.

    Attributes:
        here: what it was on the side to which it went.
        there: what it was on the other one.
        key: under which it was there, as long as nobody has written it since.
    """

    here: Document
    there: Document
    key: bytes | None


Place = tuple[bytes, int, str]
"""A record that has gone a step: its key, the earlier version of the step, and the way that it went, up or down."""

Kept = Mapping[Place, Crossed]


def merged(base: Any, other: Any, now: Any, path: str = "") -> tuple[Any, list[str]]:
    """A value after the way over a step, with what the other side had there before.

    Args:
        base: what the way gives of the value as it was when it came.
        other: what there was on the other side.
        now: what the way gives of the value as it is now.
        path: where.

    Returns:
        The value, and the paths at which an edit stands in the place of what there was.
    """
    if same(base, other) or same(now, other):
        return now, []
    if isinstance(base, dict) and isinstance(other, dict):
        if not isinstance(now, dict):
            return now, list(lost(base, other, path))
        found, conflicts = dict(now), list[str]()
        for name in dict.fromkeys([*other, *base]):
            place = f"{path}.{name}" if path else name
            value, more = merged(base.get(name, ABSENT), other.get(name, ABSENT), now.get(name, ABSENT), place)
            conflicts += more
            if value is ABSENT:
                found.pop(name, None)
            else:
                found[name] = value
        return found, conflicts
    if same(base, now):
        return other, []
    return now, [] if other is ABSENT else [path]


def lost(guess: Any, old: Any, path: str = "") -> Iterator[str]:
    """The paths of what there was, and what a guess at it has not."""
    if isinstance(guess, dict) and isinstance(old, dict):
        for name, value in old.items():
            yield from lost(guess.get(name, ABSENT), value, f"{path}.{name}" if path else name)
    elif not same(guess, old) and old is not ABSENT:
        yield path


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same; 1 is not 1.0, and the order of fields does not count."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
