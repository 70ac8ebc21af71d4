"""What is kept of the records that a step up makes of one, or takes into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from migrate_spec.codec import Document, encode
from migrate_spec.complement import complement_of
from migrate_spec.homes import Homes
from migrate_spec.moves import KeptPart, PartsKept, record_digest
from migrate_spec.pickled import FORM, is_pickled
from migrate_spec.record_operation import PartKeys, Parts, Record
from migrate_spec.spec import Spec
from migrate_spec.templates import Template

__all__ = ["PartsMade", "Remembered"]

PartsMade = Mapping[str, Sequence[tuple[str, bytes]]]
"""The keys and values of the records that a step has made of one, or taken into it, by the list."""


class Remembered(Parts):
    """Gives the way back of a step just what the step has made, and knows in the end what is to be kept of that."""

    def __init__(self, spec: Spec, made: PartsMade, homes: Homes) -> None:
        """Take the step, what it has made, and where such records belong."""
        self._spec, self._made, self._homes = spec, made, homes
        self._taken = {str(path) for one in spec.records if one.taken() for path in one.lists_of_records()}
        self._given: dict[str, list[KeptPart]] = {}

    def known(self, slot: str) -> Sequence[str] | None:  # noqa: D102 - as there
        found = self._made.get(slot)
        return None if found is None else [key for key, _ in found]

    def take(self, slot: str, key: str) -> Record:  # noqa: D102 - as there
        value = next(value for other, value in self._made[slot] if other == key)
        return Record(key, self._homes.read(key, value, self._spec.to_version))

    def is_edited(self, slot: str, key: str) -> bool:
        """Nothing is."""
        del slot, key
        return False

    def newer(self, keys: Template) -> Iterator[Record]:
        """None."""
        del keys
        yield from ()

    def tell(self, path: str) -> None:
        """Nothing goes."""

    def give(self, slot: str, items: Sequence[Document], keys: PartKeys) -> None:
        """The items are records that were taken in, in their order."""
        del keys
        if slot in self._made:  # else there were none, and the list has come in another way
            pairs = zip(items, self._made[slot], strict=False)
            self._given[slot] = [self._part(item, key, value) for item, (key, value) in pairs]

    def _part(self, item: Document, key: str, value: bytes) -> KeptPart:
        version = self._spec.from_version
        digest, guess = record_digest(encode(item)), self._homes.stamped(key, item, version)
        old, encoding = self._homes.document(key, value, version), self._homes.encoding(key, version)
        lost = complement_of(guess, old, self._homes.opened(key, value, version), encoding, comes_back=True)
        form = value[:FORM] if is_pickled(value) else b""
        return KeptPart(key.encode(), digest, None if lost is None else lost.stored(), form)

    def kept(self) -> PartsKept:
        """What is to be kept, when the way back was gone."""
        found = tuple(self._kept(str(path)) for path in self._spec.lists_of_records)
        return found if any(one is not None for one in found) else ()

    def _kept(self, slot: str) -> tuple[KeptPart, ...] | None:
        if slot in self._given:
            return tuple(self._given[slot])
        made = self._made.get(slot)
        if made is None:
            return None
        whole = slot in self._taken  # nothing else has what was taken into a record that went itself
        return tuple(KeptPart(key.encode(), record_digest(value), value if whole else None) for key, value in made)
