"""Hooks that break a law: each is wrong in a way that nothing but a run shows."""

from __future__ import annotations

import itertools
import time
from typing import Any

from migrate_spec import hook

_calls = itertools.count()


@hook
def greeted(text: str) -> str:
    """A text with a greeting before it, whether it has one or not."""
    return f"Dear {text}"


@hook
def next_number(number: int) -> int:
    """One more."""
    return number + 1


@hook
def half(number: int) -> int:
    """No way back from one more."""
    return number // 2


@hook
def previous_number(number: int) -> int:
    """One less."""
    return number - 1


@hook
def in_order(document: dict[str, Any]) -> dict[str, Any]:
    """A document with its keys sorted, as nobody asked for."""
    return {name: document[name] for name in sorted(document)}


@hook
def with_origin(document: dict[str, Any]) -> dict[str, Any]:
    """A document that says which version it had."""
    return document | {"origin": document.get("schema_version", 0)}


@hook
def a_count(_value: Any) -> int:
    """How often it was called."""
    return next(_calls)


@hook
def a_moment(_value: Any) -> int:
    """When it was called."""
    return time.monotonic_ns()


@hook
def every_other(_value: Any) -> bool:
    """True every other time."""
    return bool(next(_calls) % 2)
