"""Which items of a list are which of the records that the list was made of, where it may have been edited since."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_spec.codec import Document, encode
from migrate_spec.moves import KeptPart, record_digest
from migrate_spec.record_operation import PartKeys

__all__ = ["Allotted", "allotted"]

Allotted = tuple[str | None, KeptPart | None]
"""The key of an item, where one can be told, and what is kept of the record that it was."""


def allotted(items: Sequence[Document], known: Sequence[KeptPart], keys: PartKeys) -> list[Allotted]:
    """The keys that the items of a list get.

    An item is the record that it was as long as it is the same, or tells the same key, or as it stands in the same
    place of a list that is as long as it was. Where keys tell the order, they are given in the order of the list.

    Args:
        items: the items.
        known: what is kept of the records, in the order that the list had.
        keys: how the records are told apart.
    """
    found = _matched(items, known, keys)
    named = [found[at].key.decode() if at in found else keys.of_item(item) for at, item in enumerate(items)]
    taken = [name for name in named if name is not None] + [part.key.decode() for part in known]
    for at, name in enumerate(named):
        if name is None and (following := keys.next(taken)) is not None:
            named[at] = following
            taken.append(following)
    certain = [name for name in named if name is not None]
    if len(certain) == len(named):
        named = list(keys.in_order(certain))
    return [(name, found.get(at)) for at, name in enumerate(named)]


def _matched(items: Sequence[Document], known: Sequence[KeptPart], keys: PartKeys) -> dict[int, KeptPart]:
    """What is kept of the records that items are, by their places in the list."""
    left, found = dict(enumerate(known)), dict[int, KeptPart]()

    def match(at: int, index: int | None) -> None:
        if index is not None:
            found[at] = left.pop(index)

    for at, item in enumerate(items):
        digest = record_digest(encode(item))
        match(at, next((index for index, part in left.items() if part.digest == digest), None))
    for at, item in enumerate(items):
        key = keys.of_item(item) if at not in found else None
        if key is not None:
            match(at, next((index for index, part in left.items() if part.key == key.encode()), None))
    if len(items) == len(known):
        for at in range(len(items)):
            if at not in found and at in left:
                match(at, at)
    return found
