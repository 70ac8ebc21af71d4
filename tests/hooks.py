"""Hooks that the tests call: one for each way in which a hook can be right or wrong."""

from __future__ import annotations

from typing import Any

from migrate_spec import hook


@hook
def upper(text: str) -> str:
    """A text in capitals."""
    return text.upper()


@hook
def lower(text: str) -> str:
    """A text in small letters."""
    return text.lower()


@hook
def same(value: Any) -> Any:
    """What it is given."""
    return value


@hook
def initials(document: dict[str, Any]) -> dict[str, Any]:
    """A document with the initials of its name."""
    if "name" in document:
        document["initials"] = "".join(word[0] for word in document["name"].split())
    return document


@hook
def no_initials(document: dict[str, Any]) -> dict[str, Any]:
    """A document without them."""
    document.pop("initials", None)
    return document


@hook
def meddler(document: dict[str, Any]) -> dict[str, Any]:
    """Changes what it should not."""
    document["meta"]["n"] += 1
    document["items"][0]["n"] += 1
    return document


@hook
def raises(value: Any) -> Any:
    """Fails."""
    raise LookupError(f"no rate for {value}")


@hook
def not_a_number(_value: Any) -> Any:
    """Returns what JSON has not."""
    return {"n": float("nan")}


@hook
def a_set(_value: Any) -> Any:
    """Returns what JSON has not."""
    return {"tags": [{1}]}


@hook
def half_a_pair(_value: Any) -> Any:
    """Returns a text that no UTF-8 can hold."""
    return "\ud800"


@hook
def forgets_to_return(_value: Any) -> None:
    """Returns nothing."""


def unmarked(value: Any) -> Any:
    """No hook at all."""
    return value
