"""Documents with values planted in them that matter: such as a schema allows, and would hardly ever come by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from random import Random

from migrate_spec.codec import Json
from migrate_spec.schema import Schema

__all__ = ["planted"]

_Place = tuple[str | int, ...]


def planted(documents: Iterable[Json], schema: Schema, values: Sequence[Json], seed: int = 0) -> Iterator[Json]:
    """Documents, and behind each the same with one value in place of another of its type, where that is valid, too.

    Args:
        documents: the documents; they stay as they are, and the others share parts with them.
        schema: what all of them fit.
        values: what to plant; without any the documents are all there is.
        seed: another one plants in other places.
    """
    random = Random(seed)  # noqa: S311 - it chooses places
    fitting = {kind: [value for value in values if _kind(value) is kind] for kind in {*map(_kind, values)}}
    for document in documents:
        yield document
        places = list(_places(document, fitting, ()))
        if places:
            place, kind = random.choice(places)
            other = _with(document, place, random.choice(fitting[kind]))
            if schema.is_valid(other):
                yield other


def _kind(value: Json) -> type:
    """The type of a value; there is one for all numbers."""
    return float if type(value) is int else type(value)


def _places(value: Json, fitting: Mapping[type, Sequence[Json]], place: _Place) -> Iterator[tuple[_Place, type]]:
    """The places where something can be planted, each with the type of what stands there."""
    if type(value) is dict or type(value) is list:
        for key, part in value.items() if type(value) is dict else enumerate(value):
            yield from _places(part, fitting, (*place, key))
    elif _kind(value) in fitting:
        yield place, _kind(value)


def _with(value: Json, place: _Place, new: Json) -> Json:
    if not place:
        return new
    found: Json = copy(value)
    found[place[0]] = _with(value[place[0]], place[1:], new)
    return found
