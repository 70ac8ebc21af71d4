"""What migrations took from records, kept in the database beside them for the way back.

It stands in the default column family, in blocks of neighbouring records, each under
``_complement:<collection>/<from>-<to>/<start of the run>/<last key of the block>``, the last in hexadecimal digits (for
they have the same order, whatever the key is, and are text, which a database of rocksdict's default mode asks for). The
blocks of one run do not overlap; where a run takes records up again that were set aside, it keeps that as another one.
A block is MessagePack: a list of pairs of a :class:`~migrate_spec.complement.Complement` (JSON) and the keys of all
records that have this very one, as most often many have the same. What a step up keeps serves the way down, and goes
with it; and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from uuid import uuid4

from migrate_spec.codec import packed, unpacker
from migrate_spec.complement import Unreadable
from migrate_spec.crossing import Step
from migrate_spec.errors import MetadataInvalid, show_key
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.store import KeyRange, StagedFile, Store

__all__ = [
    "AGAIN",
    "Block",
    "Keeper",
    "Kept",
    "KeptAnywhere",
    "Put",
    "StagedKeeper",
    "keep_alone",
    "keep_sorted",
    "keeping_entry",
    "kept_blocks",
    "kept_keys",
    "kept_range",
    "kept_runs",
    "kept_size",
    "without",
]

COMPLEMENTS = b"_complement:"

RECORDS_A_BLOCK = 250

Found = Mapping[Step, bytes]
"""What is kept of one record, by the step that took it."""

Put = Callable[[Step, bytes, bytes], None]
"""Takes a block with its key."""

AGAIN = "+"
"""Comes behind the start of a run for what it keeps of records that it takes up again, and then their version."""

REMEDY = "put a backup back, or delete that key: what stands in it is lost for the way back"

Complements = list[tuple[bytes, list[bytes]]]
"""Complements as they are stored, each with the keys of the records that have it."""

_unpack = unpacker(Complements)


def kept_range(collection: str | None = None, step: Step | None = None) -> KeyRange:
    """Where that stands which is kept of a collection, or by one of its steps; by default all."""
    head = COMPLEMENTS
    if collection is not None:
        head += f"{collection}/".encode()
    if step is not None:
        head += b"%d-%d/" % step
    return KeyRange.of_prefix(head)


def kept_runs(store: Store, collection: str, step: Step) -> Iterator[bytes]:
    """What the keys of the blocks begin with that runs have kept of a step, the earliest run first."""
    keys = kept_range(collection, step)
    home, start = store.family(DEFAULT_FAMILY), keys.start
    while (found := next(home.scan(KeyRange(start, keys.stop)), None)) is not None:
        run = found[0][: found[0].index(b"/", len(keys.start)) + 1]
        yield run
        start = run[:-1] + b"0"  # which comes right behind the slash


def _blocks_from(run: bytes, start: bytes) -> KeyRange:
    """Where the blocks of a run stand that end with a record's key or a later one."""
    return KeyRange(run + start.hex().encode(), KeyRange.of_prefix(run).stop)


def kept_keys(store: Store, collection: str, steps: Iterable[Step]) -> Iterator[bytes]:
    """The keys of all that is kept of a collection by some steps."""
    home = store.family(DEFAULT_FAMILY)
    for step in steps:
        for key, _ in home.scan(kept_range(collection, step)):
            yield key


def without(
    store: Store, collection: str, steps: Iterable[Step], keys: Collection[bytes]
) -> Iterator[tuple[bytes, bytes | None]]:
    """The blocks that have something of some records, as they are without that; ``None``: nothing is left.

    Args:
        store: the database.
        collection: the records' collection.
        steps: what was kept by these.
        keys: of the records.

    Raises:
        MetadataInvalid: a block cannot be read.
    """
    home = store.family(DEFAULT_FAMILY)
    for step in steps:
        for key, value in home.scan(kept_range(collection, step)):
            block = _unpacked(home, key, value)
            left = [(one, rest) for one, own in block if (rest := [other for other in own if other not in keys])]
            if left != block:
                yield key, packed(left) if left else None


def _unpacked(store: Store, key: bytes, value: bytes) -> Complements:
    """A block.

    Raises:
        MetadataInvalid: it cannot be read.
    """
    try:
        block: Complements = _unpack(value)
        bytes.fromhex(key[key.rindex(b"/") + 1 :].decode())
        if block and all(keys for _, keys in block):
            return block
        reason = "it is empty"
    except ValueError as error:
        reason = str(error)
    raise MetadataInvalid(
        f"what migrations took from records was found under {show_key(key)}, and cannot be read ({reason})",
        "a block as a run writes it was expected",
        REMEDY,
        where=str(store.path),
    )


class Keeper:
    """Writes what is kept of records; no block has keys that belong between those of another one."""

    def __init__(self, collection: str, run: str, put: Put) -> None:
        """Take the collection, the run by its start, and what takes the blocks."""
        self._collection, self._run = collection, run
        self._put = put
        self._block: dict[Step, dict[bytes, list[bytes]]] = {}

    def add(self, step: Step, complement: bytes, keys: Iterable[bytes]) -> None:
        """Take what is kept of records that have the same complement."""
        self._block.setdefault(step, {}).setdefault(complement, []).extend(keys)

    def end_block(self) -> None:
        """Write what was taken since the last block."""
        for step, block in self._block.items():
            head = kept_range(self._collection, step).start
            last = max(map(max, block.values()))
            self._put(step, head + f"{self._run}/{last.hex()}".encode(), packed(list(block.items())))
        self._block.clear()

    def finish(self) -> list[Path]:
        """Complete what is written; the staged files, where there are any."""
        self.end_block()
        return []


class StagedKeeper(Keeper):
    """Writes into staged files."""

    def __init__(self, home: Store, folder: Path, collection: str, run: str) -> None:
        """Take the database, where files are staged, the collection, and the run by its start."""
        super().__init__(collection, run, self._stage)
        self._home = home.family(DEFAULT_FAMILY)
        self._folder = folder
        self._files: dict[Step, StagedFile] = {}

    def _stage(self, step: Step, key: bytes, block: bytes) -> None:
        if step not in self._files:
            self._files[step] = self._home.stage(self._folder / f"{uuid4().hex}.sst")
        self._files[step].put(key, block)

    def finish(self) -> list[Path]:  # noqa: D102 - as there
        super().finish()
        return [path for file in self._files.values() if (path := file.finish()) is not None]


def keeping_entry(collection: str, step: Step, key: bytes, source: bytes, stored: bytes) -> tuple[bytes, bytes, bytes]:
    """What is kept of a record for its way back over a step, so that it can be sorted.

    Args:
        collection: the record's collection.
        step: the step that took it.
        key: the record's key afterwards.
        source: the key of the record that it comes from.
        stored: what is kept.

    Returns:
        What it is sorted by, the source, and all the rest.
    """
    return kept_range(collection, step).start + key, source, packed((collection, step, key, stored))


def keep_sorted(entries: Iterable[bytes], home: Store, folder: Path, run: str) -> list[Path]:
    """Write what is kept of records that were sorted.

    Args:
        entries: what :func:`keeping_entry` gave last, sorted by what it gave first.
        home: the database.
        folder: where files are staged.
        run: the run by its start.

    Returns:
        The staged files.
    """
    files: list[Path] = []
    for (collection, step), group in groupby(map(_unpacked_entry, entries), key=itemgetter(0, 1)):
        keeper = StagedKeeper(home, folder, collection, run)
        for number, (_, _, key, stored) in enumerate(group, 1):
            keeper.add(step, stored, (key,))
            if number % RECORDS_A_BLOCK == 0:
                keeper.end_block()
        files += keeper.finish()
    return files


def keep_alone(entry: bytes, run: str, put: Put) -> None:
    """Write what is kept of one record as a block of its own, where records come in no order of their keys.

    Args:
        entry: what :func:`keeping_entry` gave last.
        run: the run by its start.
        put: takes the block.
    """
    collection, step, key, stored = _unpacked_entry(entry)
    keeper = Keeper(collection, run, put)
    keeper.add(step, stored, (key,))
    keeper.end_block()


_unpacked_entry = unpacker(tuple[str, Step, bytes, bytes])


class Kept:
    """Reads what is kept of the records of a range, which are asked for in the order of their keys."""

    def __init__(self, home: Store, collection: str, steps: Iterable[Step], keys: KeyRange) -> None:
        """Take the database, and which steps of which collection are meant."""
        home = home.family(DEFAULT_FAMILY)
        self._path, self._collection = home.path, collection
        runs = [(step, run) for step in steps for run in kept_runs(home, collection, step)]
        self._streams = [_Stream(home, step, run, keys.start) for step, run in runs]

    def __bool__(self) -> bool:
        return bool(self._streams)

    def of(self, keys: Sequence[bytes]) -> dict[bytes, dict[Step, bytes]]:
        """What is kept of records, by their keys."""
        found: dict[bytes, dict[Step, bytes]] = {}
        for stream in self._streams:
            blocks = stream.upto(keys[-1])
            for key in keys if blocks else ():
                for block in blocks:
                    if key in block:
                        found.setdefault(key, {})[stream.step] = block[key]
        return found

    def unreadable(self, key: bytes, error: Unreadable) -> MetadataInvalid:
        """The error that tells of what is kept of one record, and cannot be read."""
        return MetadataInvalid(
            f"what migrations took from {show_key(key)} was found under {kept_range(self._collection).start.decode()}, "
            f"and cannot be read ({error})",
            "what a run writes was expected",
            REMEDY,
            where=str(self._path),
        )


class KeptAnywhere:
    """Reads what is kept of records of a collection, which are asked for in any order."""

    def __init__(self, home: Store, collection: str, steps: Iterable[Step]) -> None:
        """Take the database, and which steps of which collection are meant."""
        self._home = home.family(DEFAULT_FAMILY)
        self._collection = collection
        runs = {step: list(kept_runs(self._home, collection, step)) for step in steps}
        self._runs = {step: some for step, some in runs.items() if some}
        self._blocks: dict[bytes, dict[bytes, bytes]] = {}

    def __bool__(self) -> bool:
        return bool(self._runs)

    def of(self, step: Step, key: bytes) -> bytes | None:
        """What the last run has kept of a record in a step; ``None``: nothing."""
        for run in reversed(self._runs.get(step, ())):
            found = self._block(run, key).get(key)
            if found is not None:
                return found
        return None

    def all_from(self, step: Step, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All that is kept in a step of the records from one key on, in the order of their keys."""
        yield from merge(*(self._from(run, start) for run in self._runs.get(step, ())), key=itemgetter(0))

    def _from(self, run: bytes, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        for where, value in self._home.scan(_blocks_from(run, start)):
            block = _unpacked(self._home, where, value)
            yield from sorted((key, complement) for complement, keys in block for key in keys if key >= start)

    def _block(self, run: bytes, key: bytes) -> dict[bytes, bytes]:
        """The block of a run in which a record is if it is in any; the last one of each run is remembered."""
        block = self._blocks.get(run)
        if block is None or not (min(block) <= key <= max(block)):
            found = next(self._home.scan(_blocks_from(run, key)), None)
            parts = _unpacked(self._home, *found) if found else []
            block = {one: complement for complement, keys in parts for one in keys}
            if block:
                self._blocks[run] = block
        return block


class _Stream:
    """The blocks of one run and step, which do not overlap."""

    def __init__(self, home: Store, step: Step, run: bytes, start: bytes) -> None:
        self.step = step
        self._head = len(run)
        self._home = home
        self._blocks = home.scan(_blocks_from(run, start))
        self._open: list[tuple[bytes, dict[bytes, bytes]]] = []
        self._next()

    def _next(self) -> None:
        self._ahead: tuple[bytes, bytes, dict[bytes, bytes]] | None = None
        for key, value in self._blocks:
            block = {one: part for part, keys in _unpacked(self._home, key, value) for one in keys}
            self._ahead = min(block), bytes.fromhex(key[self._head :].decode()), block
            return

    def upto(self, last: bytes) -> list[dict[bytes, bytes]]:
        """The blocks with keys up to this one; those that end before the last time's are gone."""
        while self._ahead is not None and self._ahead[0] <= last:
            self._open.append(self._ahead[1:])
            self._next()
        found = [block for _, block in self._open]
        self._open = [(end, block) for end, block in self._open if end > last]
        return found


@dataclass(frozen=True)
class Block:
    """A block of what a run has kept of neighbouring records.

    Attributes:
        key: where it stands.
        collection: the records' collection.
        step: the step that took it.
        run: the start of the run.
        size: how many bytes it has, with its key.
        complements: what is kept, each with the keys of the records that it is about.
    """

    key: bytes
    collection: str
    step: Step
    run: str
    size: int
    complements: Sequence[tuple[bytes, Sequence[bytes]]]


_BLOCK = re.compile(re.escape(COMPLEMENTS) + rb"([^/]+)/(\d+)-(\d+)/([^/]+)/", re.DOTALL)


def kept_blocks(store: Store) -> Iterator[Block]:
    """All that is kept in a database, in the order of collections and steps; what is no block of ours is passed over.

    Raises:
        MetadataInvalid: a block cannot be read.
        DatabaseError: the database cannot be read.
    """
    home = store.family(DEFAULT_FAMILY)
    for key, value in home.scan(kept_range()):
        found = _BLOCK.match(key)
        if found is not None:
            collection, start, end, run = (part.decode() for part in found.groups())
            step, size = (int(start), int(end)), len(key) + len(value)
            yield Block(key, collection, step, run.partition(AGAIN)[0], size, _unpacked(home, key, value))


def kept_size(store: Store) -> int:
    """At most about how many bytes all that is kept takes; 0 where nothing is."""
    home, keys = store.family(DEFAULT_FAMILY), kept_range()
    return home.size(keys).bytes if next(home.scan(keys), None) is not None else 0
