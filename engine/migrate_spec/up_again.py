"""What the way up alone gives of a record that has come down, so that the rest can be kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate_spec.codec import Document, copied
from migrate_spec.complement import complement_of
from migrate_spec.document import Refused
from migrate_spec.moves import KeptPart, PartsKept, record_digest
from migrate_spec.record_operation import Record, Surroundings
from migrate_spec.reunion import Reunion, Village

__all__ = ["Upwards"]


class Upwards:
    """A record, taken up again by the operations on records.

    Attributes:
        key: its key; ``None`` where it cannot be taken up, or goes.
    """

    def __init__(self, village: Village, key: bytes, document: Document, others: Reunion) -> None:
        """Take what records share, its key and what comes to these operations, and its other records."""
        self._village, self._others = village, others
        self._record = Record(key.decode(errors="surrogateescape"), copied(document))
        self.key: bytes | None = None
        records = [self._record]
        try:
            for operation in village.spec.records:
                change = operation.change(_Given(village, others.given))
                records = [new for old in records for new in ((old,) if old.made else change(old))]
        except Refused:
            return
        if any(one is self._record for one in records):
            self.key = self._record.key.encode(errors="surrogateescape")

    def parts(self) -> PartsKept:
        """What is to be kept of the records that were taken into it."""
        if self.key is None:
            return ()
        found = tuple(self._of_list(str(path)) for path in self._village.spec.lists_of_records)
        return found if any(one is not None for one in found) else ()

    def _of_list(self, slot: str) -> tuple[KeptPart, ...] | None:
        taken, made = self._others.taken.get(slot), self._record.parts.get(slot, ())
        if taken is None or len(taken) != len(made):
            return None
        found = [self._part(*pair) for pair in zip(made, taken.items(), strict=True)]
        differs = any(part.lost or part.key != one.key.encode() for part, one in zip(found, made, strict=True))
        return tuple(found) if differs else None

    def _part(self, made: Record, there: tuple[str, bytes]) -> KeptPart:
        """What is to be kept of one record: how it is stored, and what it would be."""
        (key, value), homes, version = there, self._village.homes, self._village.spec.to_version
        guess, encoding = homes.stamped(made.key, made.document, version), homes.encoding(key, version)
        lost = complement_of(guess, homes.document(key, value, version), value, encoding, comes_back=True)
        digest = record_digest(homes.written(made.key, made.document, version))
        return KeptPart(key.encode(), digest, None if lost is None else lost.stored())

    def rest(self, value: bytes) -> bytes | None:
        """What the operations do not give of its document, which is stored like this."""
        if self.key is None:
            return None
        spec = self._village.spec
        old = self._village.homes.document(self.key.decode(), value, spec.to_version)
        guess = self._record.document
        lost = complement_of(guess, old, value, spec.encoding_after, comes_back=True)
        return None if lost is None else lost.stored()


class _Given(Surroundings):
    """No other records but those that have come out of the record."""

    def __init__(self, village: Village, given: Mapping[str, bytes]) -> None:
        self._village, self._given = village, given

    def take(self, prefix: str) -> Iterator[Record]:
        """Those with a prefix."""
        for key in sorted(key for key in self._given if key.startswith(prefix)):
            yield Record(key, self._village.homes.read(key, self._given[key], self._village.spec.from_version))
