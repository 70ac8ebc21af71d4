"""What YAML text is read into: values with the place of every part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from migrate_spec.codec import Json, decode
from migrate_spec.errors import Fault, Place

__all__ = ["Node", "ScalarKey", "node_of"]


class ScalarKey(str):
    """A key that is no text, as JSON: ``true`` is another key than ``"true"``."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is ScalarKey and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((ScalarKey, str(self)))

    @property
    def value(self) -> Json:
        """What it stands for."""
        return decode(self.encode())


@dataclass(slots=True)  # not frozen, as that takes twice as long to make, and there are many
class Node:
    """A value with its place. It is never changed.

    Attributes:
        value: a ``dict`` of nodes, a ``list`` of nodes or a scalar.
        place: where it begins.
        keys: where each key of an object begins.
    """

    value: Any
    place: Place
    keys: dict[str, Place]

    def plain(self) -> Json:
        """The value alone, as JSON."""
        if type(self.value) is dict:
            return {str(key): node.plain() for key, node in self.value.items()}
        if type(self.value) is list:
            return [node.plain() for node in self.value]
        return self.value

    def odd_keys(self) -> Iterator[Fault]:
        """A fault for each key in it that is no text."""
        if type(self.value) is dict:
            for key, part in self.value.items():
                if type(key) is ScalarKey:
                    found, remedy = f"the key {key!s} was found", "write it in quotes"
                    yield Fault(found, "a text was expected", remedy, self.keys[key], "key-not-text")
                yield from part.odd_keys()
        elif type(self.value) is list:
            for part in self.value:
                yield from part.odd_keys()

    def at(self, path: list[str | int]) -> Node:
        """The node at ``path``, or the last one on the way there."""
        node = self
        for key in path:
            try:
                node = node.value[key]
            except (KeyError, IndexError, TypeError):
                break
        return node


def node_of(value: Json, place: Place) -> Node:
    """A value as nodes which all stand at one place, for text that has no lines worth naming."""
    if type(value) is dict:
        return Node({key: node_of(part, place) for key, part in value.items()}, place, dict.fromkeys(value, place))
    if type(value) is list:
        return Node([node_of(part, place) for part in value], place, {})
    return Node(value, place, {})
