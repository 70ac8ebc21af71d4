"""What a migration loses of a document, kept so that the way back gives it again.

The way back alone gives a document that is like the old one but for what was lost: the *guess*. What is kept is how the
old one differs from that, place by place. If the migrated document is edited meanwhile, the way back of what it is now
differs from the guess only where the edit is, so that everywhere else what was kept can be put back; where both are,
the edit stays, and what was kept is told as a conflict.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from xxhash import xxh3_64_hexdigest

from migrate_spec.codec import Json, Raw, copied, decode, encode, opened
from migrate_spec.document import ABSENT

__all__ = [
    "Complement",
    "Conflict",
    "Difference",
    "Lost",
    "Places",
    "Unreadable",
    "differences",
    "from_json",
    "put_back",
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
    """An item of a list that lost something inside. It is found by what it is, as items may be put in before it.

    Attributes:
        place: where the list is, and the item in it.
        digest: of the guess for the item.
        inside: what it lost; places begin in the item.
    """

    place: Places
    digest: str
    inside: tuple[Difference, ...]

    def to_json(self) -> dict[str, Json]:
        """The difference as it is stored."""
        return {"at": list(self.place), "digest": self.digest, "inside": [one.to_json() for one in self.inside]}

    def put_back(self, root: list[Json]) -> Iterator[Conflict]:
        """Put back what is lost in the item, where it is still what it was."""
        parent, index = _parent(root, self.place)
        items = parent if type(parent) is list else []
        alike = [at for at, item in enumerate(items) if _digest(item) == self.digest]
        found = index if index in alike else alike[0] if len(alike) == 1 else None
        if found is None:
            yield Conflict(self.place, [one.to_json() for one in self.inside])
        else:
            items[found], _ = put_back(items[found], self.inside)


Difference = Lost | Ordered | Item
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


class Unreadable(ValueError):  # noqa: N818 - it says what is
    """What is stored as a complement is none."""


@dataclass(frozen=True, slots=True)
class Complement:
    """What a document lost in one step.

    Attributes:
        differences: how it differs from what the way back alone gives.
        comes_back: whether the way back gives anything at all; else it is to be taken as it is.
        spelling: the very bytes that it had, where they are not those that :func:`~migrate_spec.codec.encode` gives.
    """

    differences: tuple[Difference, ...] = ()
    comes_back: bool = True
    spelling: bytes | None = None

    def stored(self) -> bytes:
        """The complement as it is stored."""
        fields: dict[str, Json] = {"lost": [one.to_json() for one in self.differences]}
        if not self.comes_back:
            fields["comes_back"] = False
        if self.spelling is not None:
            fields["spelling"] = b64encode(self.spelling).decode()
        return encode(fields)

    @staticmethod
    @lru_cache(maxsize=100)  # most often many records have the same
    def of(stored: bytes) -> Complement:
        """The complement that was stored.

        Raises:
            Unreadable: it is none.
        """
        try:
            fields = opened(Raw(stored))
            spelling = decode(fields["spelling"]) if "spelling" in fields else None
            return Complement(
                tuple(map(from_json, opened(fields["lost"]))),
                "comes_back" not in fields,
                b64decode(spelling) if spelling is not None else None,
            )
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise Unreadable(str(error) or "it is no complement") from None


def from_json(stored: Json) -> Difference:
    """The difference that was stored; values keep the spelling they have in it."""
    fields = opened(stored)
    place = tuple(decode(fields["at"]))
    if "order" in fields:
        return Ordered(place, tuple(decode(fields["order"])))
    if "inside" in fields:
        return Item(place, decode(fields["digest"]), tuple(map(from_json, opened(fields["inside"]))))
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
        if isinstance(difference, Item):
            yield from values_lost(difference.inside, (*place, *difference.place))
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
        for index, (now, before) in enumerate(zip(here, there, strict=True)):
            inside = tuple(differences(now, before))
            if inside:
                yield Item((*place, index), _digest(now), inside)
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


def _digest(value: Json) -> str:
    return xxh3_64_hexdigest(encode(value))
