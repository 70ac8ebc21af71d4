"""How a document differs from a guess at it, place by place, and how that is put back after both were edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from xxhash import xxh3_64_hexdigest

from migrate_spec.codec import Json, copied, decode, encode, opened
from migrate_spec.document import ABSENT

__all__ = [
    "Conflict",
    "Difference",
    "Items",
    "Lost",
    "Ordered",
    "Places",
    "differences",
    "from_json",
    "put_back",
    "put_back_in",
    "values_lost",
]

Places = tuple[str | int, ...]
"""The way to a value: the names of fields, and the numbers of items, counted from 0."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that is not what the guess has.

    Attributes:
        place: where.
        guess: what the way back gives there; ``ABSENT``: nothing.
        old: what was there; ``ABSENT``: nothing.
        same_as: the field of the document that has the same value as the guess, where that is how it is told.
        index: how many fields stood before one that the guess lacks, where it was not the last.
    """

    place: Places
    guess: Any
    old: Any
    same_as: str | None = None
    index: int | None = None

    def to_json(self) -> dict[str, Json]:
        """The difference as it is stored."""
        parts = {"guess": self.guess, "old": self.old}
        found = {"at": list(self.place)} | {name: part for name, part in parts.items() if part is not ABSENT}
        others = {"same_as": self.same_as, "index": self.index}
        return found | {name: part for name, part in others.items() if part is not None}

    def put_back(self, root: list[Json]) -> Iterator[Conflict]:
        """Put the old value where the guess is, if it is."""
        parent, key = _parent(root, self.place)
        found = _at(parent, key)
        guess = self.guess if self.same_as is None else _at(root[0], self.same_as)
        if parent is ABSENT or not (_is(found, guess) or _is(found, self.old)):
            if self.old is not ABSENT:  # else nothing was there, and so nothing is lost
                yield Conflict(self.place, self.old)
        elif self.old is not ABSENT:
            _put(parent, key, self.old, self.index if found is ABSENT else None)
        elif found is not ABSENT:
            del parent[key]


@dataclass(frozen=True, slots=True)
class Ordered:
    """An object whose fields had another order.

    Attributes:
        place: where.
        names: their names, in the order they had.
    """

    place: Places
    names: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        """The difference as it is stored."""
        return {"at": list(self.place), "order": list(self.names)}

    def put_back(self, root: list[Json]) -> Iterator[Conflict]:
        """Bring the fields into this order; those it does not tell of come last. To lose an order is no conflict."""
        parent, key = _parent(root, self.place)
        fields = opened(_at(parent, key))
        if type(fields) is dict:
            names = [name for name in self.names if name in fields]
            parent[key] = {name: fields[name] for name in dict.fromkeys([*names, *fields])}
        yield from ()


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list that lost something inside.

    Attributes:
        index: where it stood.
        digest: of the guess for it.
        inside: what it lost; places begin in the item.
        twins: how many items of the guess were the same.
        rank: how many of these stood before it.
    """

    index: int
    digest: str
    inside: tuple[Difference, ...]
    twins: int = 1
    rank: int = 0

    def to_json(self) -> dict[str, Json]:
        """The item as it is stored."""
        twins = {"twins": self.twins, "rank": self.rank} if self.twins > 1 else {}
        return {"at": self.index, "digest": self.digest, "inside": [one.to_json() for one in self.inside]} | twins

    @classmethod
    def of(cls, stored: Json) -> Item:
        """The item that was stored."""
        fields = opened(stored)
        index, digest, twins, rank = (decode(fields.get(name, 1)) for name in ("at", "digest", "twins", "rank"))
        return cls(index, digest, tuple(map(from_json, opened(fields["inside"]))), twins, rank if twins > 1 else 0)

    def found_in(self, places: Mapping[str, Sequence[int]]) -> int | None:
        """Where it is now, by the places of all items by their digests; ``None`` where that cannot be told."""
        alike = places.get(self.digest, ())
        if len(alike) == self.twins:
            return alike[self.rank]
        return self.index if self.twins == 1 and self.index in alike else None


@dataclass(frozen=True, slots=True)
class Items:
    """A list of which items lost something inside. They are found by what they are, as others may come and go.

    Attributes:
        place: where the list is.
        lost: the items.
    """

    place: Places
    lost: tuple[Item, ...]

    def to_json(self) -> dict[str, Json]:
        """The difference as it is stored."""
        return {"at": list(self.place), "items": [one.to_json() for one in self.lost]}

    def put_back(self, root: list[Json]) -> Iterator[Conflict]:
        """Put back what is lost in the items that are still what they were."""
        parent, key = _parent(root, self.place)
        found = opened(_at(parent, key))
        items = found if type(found) is list else []
        places = _places(items)
        for item in self.lost:
            index = item.found_in(places)
            if index is None:
                yield Conflict((*self.place, item.index), [one.to_json() for one in item.inside])
            else:
                items[index], _ = put_back(items[index], item.inside)
                parent[key] = items


Difference = Lost | Ordered | Items
"""One way in which the old document differs from the guess."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place that was edited and had lost something, too: the edit stays.

    Attributes:
        place: where.
        kept: what had been kept; ``ABSENT``: that nothing was there.
    """

    place: Places
    kept: Json


def from_json(stored: Json) -> Difference:
    """The difference that was stored; values keep the spelling they have in it."""
    fields = opened(stored)
    place = tuple(decode(fields["at"]))
    if "order" in fields:
        return Ordered(place, tuple(decode(fields["order"])))
    if "items" in fields:
        return Items(place, tuple(map(Item.of, opened(fields["items"]))))
    same_as, index = (decode(fields[name]) if name in fields else None for name in ("same_as", "index"))
    return Lost(place, fields.get("guess", ABSENT), fields.get("old", ABSENT), same_as, index)


def differences(guess: Json, old: Json) -> list[Difference]:
    """How a document differs from what the way back gives.

    Args:
        guess: what the way back gives.
        old: the document. Both may be in the plain form or in the raw form; neither is altered.

    Returns:
        The differences; :func:`put_back` makes ``old`` of ``guess`` with them, to the byte as ``encode`` writes it.
    """
    return list(_differences((), guess, old))


def values_lost(kept: Sequence[Difference], place: Places = ()) -> Iterator[Places]:
    """The places of what was there and is not; another order of fields is no such thing."""
    for difference in kept:
        if isinstance(difference, Items):
            for item in difference.lost:
                yield from values_lost(item.inside, (*place, *difference.place, item.index))
        elif isinstance(difference, Lost) and difference.old is not ABSENT:
            yield (*place, *difference.place)


def _differences(place: Places, guess: Json, old: Json) -> Iterator[Difference]:
    if _is(guess, old):
        return
    here, there = opened(guess), opened(old)
    if type(here) is type(there) is dict:
        yield from (Lost((*place, name), here[name], ABSENT) for name in here if name not in there)
        after = [name for name in here if name in there]
        for index, (name, before) in enumerate(there.items()):
            if name in here:
                yield from _differences((*place, name), here[name], before)
            else:
                yield Lost((*place, name), ABSENT, before, index=index if index < len(after) else None)
                after.insert(index, name)
        if after != list(there):
            yield Ordered(place, tuple(there))
    elif type(here) is type(there) is list and len(here) == len(there):
        inside = [(index, tuple(differences(now, there[index]))) for index, now in enumerate(here)]
        if any(lost for _, lost in inside):
            twins = {index: (digest, same) for digest, same in _places(here).items() for index in same}
            items = ((index, *twins[index], lost) for index, lost in inside if lost)
            yield Items(
                place, tuple(Item(at, digest, lost, len(same), same.index(at)) for at, digest, same, lost in items)
            )
    else:
        yield Lost(place, guess, old)


def put_back(now: Json, kept: Sequence[Difference]) -> tuple[Json, list[Conflict]]:
    """Put back into a document what it had lost.

    Args:
        now: what the way back gives of the document as it is now; it is not altered.
        kept: how the old one differed from what the way back gave then.

    Returns:
        The document, and where an edit stands in the way.
    """
    root = [copied(now)]
    conflicts = put_back_in(root, kept)
    return root[0], conflicts


def put_back_in(root: list[Json], kept: Sequence[Difference]) -> list[Conflict]:
    """Put back into a document what it had lost, where it stands: as the only item of a list; see :func:`put_back`."""
    return [conflict for difference in kept for conflict in difference.put_back(root)]


def _parent(root: list[Json], place: Places) -> tuple[Any, Any]:
    """What holds the value at a place, opened, and its key there; ``ABSENT`` where there is none of that kind."""
    parent: Any = root
    keys = (0, *place)
    for key, following in pairwise(keys):
        found = opened(_at(parent, key))
        if type(found) is not (dict if type(following) is str else list):
            return ABSENT, following
        parent[key] = parent = found
    return parent, keys[-1]


def _put(parent: Any, key: Any, value: Json, index: int | None) -> None:
    """Put a value into an object or a list; a new field of an object behind so many others, or at the end."""
    if index is None:
        parent[key] = value
        return
    fields = list(parent.items())
    fields.insert(index, (key, value))
    parent.clear()
    parent.update(fields)


def _at(parent: Any, key: Any) -> Any:
    """What a parent has under a key; ``ABSENT`` where there is nothing."""
    if type(parent) is list:
        return parent[key] if key < len(parent) else ABSENT
    return parent.get(key, ABSENT) if type(parent) is dict else ABSENT


def _is(value: Json, other: Json) -> bool:
    """Whether two values are the same to the byte, or both are absent."""
    if value is ABSENT or other is ABSENT:
        return value is other
    return encode(value) == encode(other)


def _places(items: Sequence[Json]) -> dict[str, list[int]]:
    """The places of items by their digests."""
    found: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        found.setdefault(xxh3_64_hexdigest(encode(item)), []).append(index)
    return found
