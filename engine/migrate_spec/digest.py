"""Digests of records: they find damage, and are no protection against forgery."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from xxhash import xxh3_128

from migrate_spec.codec import packed_into
from migrate_spec.store import KeyRange, Record

__all__ = ["Digest", "Tally", "joined"]


class Digest:
    """A digest of records in key order, in parts, so that several can work on it at the same time.

    A part's digest is XXH3, 128 bits, over its records as MessagePack: an array of key and value for each, both as
    ``bin``. The digest of several parts is that of their digests, joined by a blank, as the one value of a part that
    has one record with an empty key.

    XXH3: https://github.com/Cyan4973/xxHash. MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md.
    """

    def __init__(self, starts: Iterable[str] = ()) -> None:
        """Begin with the first part; ``starts`` are the first keys of the others, in hexadecimal digits."""
        self._starts = [bytes.fromhex(start) for start in starts][::-1]
        self._done: list[str] = []
        self._buffer = bytearray()
        self._begin()

    def _begin(self) -> None:
        self._part = xxh3_128()

    def add(self, records: Sequence[Record]) -> None:
        """Take further records in."""
        while self._starts and records and records[-1][0] >= self._starts[-1]:
            cut = bisect_left(records, (self._starts.pop(),))
            self._add(records[:cut])
            records = records[cut:]
            self._done.append(self._part.hexdigest())
            self._begin()
        self._add(records)

    def _add(self, records: Sequence[Record]) -> None:
        packed_into(records, self._buffer)
        # The head of the array of all of them would tell which came together.
        head = 1 if len(records) < 2**4 else 3 if len(records) < 2**16 else 5
        with memoryview(self._buffer) as written:
            self._part.update(written[head:])

    def hexdigest(self) -> str:
        """The digest of the records so far."""
        return joined([*self._done, self._part.hexdigest()])


def joined(digests: Sequence[str]) -> str:
    """The digest of several parts."""
    if len(digests) == 1:
        return digests[0]
    whole = Digest()
    whole.add([(b"", " ".join(digests).encode())])
    return whole.hexdigest()


class Tally:
    """Counts and digests the records of a range, among records that come in key order.

    Attributes:
        column_family: where they are.
        records: how many there were.
        digest: of them.
    """

    def __init__(self, keys: KeyRange, column_family: str, starts: Iterable[str] = ()) -> None:
        """Take the range, where it is, and where the parts of its digest begin, but for the first."""
        self._keys = keys
        self.column_family = column_family
        self.records = 0
        self.digest = Digest(starts)

    def add(self, records: Sequence[Record]) -> None:
        """Take those of the records in that are of the range."""
        low = bisect_left(records, (self._keys.start,))
        high = len(records) if self._keys.stop is None else bisect_left(records, (self._keys.stop,))
        if low < high:
            self.records += high - low
            self.digest.add(records if high - low == len(records) else records[low:high])
