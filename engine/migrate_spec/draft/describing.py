"""What changes, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from migrate_spec.draft.text import Drafted

__all__ = ["described"]

MOST_NAMED = 3
"""Fields in one part of the sentence; of more it says how many there are."""
MOST_PARTS = 4

_VERBS = {
    "add": "add",
    "default": "fill",
    "remove": "remove",
    "convert": "convert",
    "map": "map the values of",
    "wrap": "make a list of",
    "unwrap": "unwrap",
    "to_map": "make an object of",
    "to_list": "make a list of",
    "keep_fields": "keep only the known fields of",
}


def described(steps: Sequence[Drafted]) -> str:
    """The changes as a sentence for the ``description`` of a spec."""
    told: dict[str, list[str]] = {}
    for verb, what in _told(steps, ""):
        told.setdefault(verb, []).append(what)
    parts = [f"{verb} {_listed(what)}" for verb, what in told.items()]
    if not parts:
        return "Only the version changes."
    shown = parts[:MOST_PARTS] if len(parts) <= MOST_PARTS else [*parts[: MOST_PARTS - 1], "more"]
    sentence = "; ".join(shown)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _told(steps: Sequence[Drafted], at: str) -> Iterator[tuple[str, str]]:
    """Each change with the field that it is about."""
    for step in steps:
        here = _below(at, step.at.removeprefix("#/$defs/")) if step.at else at
        yield from _told(step.inside, here)
        argument: Any = step.argument or {}
        if step.operation in {"rename", "move"}:
            shown = (
                f"{_below(here, old)} to {_below(here if step.operation == 'move' else '', new)}"
                for old, new in argument.items()
            )
            yield from ((step.operation, what) for what in shown)
        elif step.operation == "keep_fields":
            yield _VERBS[step.operation], here or "a record"
        elif step.operation:
            yield from ((_VERBS[step.operation], _below(here, path)) for path in argument)


def _below(at: str, path: str) -> str:
    return f"{at}{'.' if at and not path.startswith('[') else ''}{path}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMED:
        return f"{len(names)} fields"
    return _joined(names)


def _joined(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
