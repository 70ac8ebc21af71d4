"""Swapping in a run that concerns several column families: all or nothing, although RocksDB swaps in one at a time.

1. ``before/`` in the staging folder becomes a frozen copy of the database, and the staged files are on the disk.
2. The note of :mod:`~migrate_spec.swap` takes the place of the version.
3. Each family gets its files, the default one last: with its files come the new version, the history, and the end of
   the note. The staged files stay: the database gets links to them.

Where the process is killed between 2 and 3, whoever opens the database for writing next settles it. He compares what
is there with what was there before, and with what would be there afterwards (the frozen copy with the staged files in
it). As long as every record is the one or the other, the rest is swapped in. Where one is neither, somebody has written
to the database in between, at the older version: then what was swapped in is taken back, what was written stays, and
the next run carries all of it over.
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from migrate_spec.backup import sync_path
from migrate_spec.codec import Json
from migrate_spec.errors import DatabaseError, HalfSwapped
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import HISTORY_KEY, VERSION_KEY, new_entry, read_history
from migrate_spec.mending import note_order
from migrate_spec.store import KeyRange, StagedFile, Store, stage, stage_all
from migrate_spec.stores.rocks import open_copy, open_for_reading
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.swap import Swap, parse_swap

__all__ = ["changed_copy", "note_swap", "prepare_swap", "read_swap", "settle_swap"]

BEFORE, AFTER, LINKS = "before", "after", "links"


def read_swap(store: Store) -> Swap | None:
    """The run that was cut off while it was swapped into a database; ``None`` where none was."""
    return parse_swap(store.get(VERSION_KEY))


def prepare_swap(store: Store, folder: Path, files: Mapping[str, Sequence[Path]]) -> None:
    """See that all is on the disk which is needed to settle the swap, whatever happens from now on.

    Args:
        store: the database.
        folder: its staging folder, in which the files are.
        files: for each column family the staged files.

    Raises:
        DatabaseError: the disk is full, or cannot be written.
    """
    store.checkpoint(folder / BEFORE)
    with SpeakingOf(store.path):
        for file in (*(folder / BEFORE).iterdir(), *(file for some in files.values() for file in some)):
            sync_path(file)
        for place in (folder / BEFORE, folder, folder.parent):
            sync_path(place)


def note_swap(store: Store, folder: Path, swap: Swap) -> None:
    """Swap in a run that is prepared.

    Raises:
        DatabaseError: it cannot be swapped in; the database is as it was.
        HalfSwapped: that could not be brought about either.
    """
    _put_version(store, folder, swap.stored())
    try:
        _swap_in(store, folder, swap, set(swap.files))
    except DatabaseError as error:
        try:
            with _Comparison.of(store, folder, swap) as comparison:
                comparison.take_back(None)
        except DatabaseError:
            raise HalfSwapped(
                f"{error.fault.found}, while the {swap.name} was swapped in",
                error.fault.expected,
                f"mend that, and `{swap.command}` completes it",
                where=str(store.path),
            ) from error
        raise


def settle_swap(store: Store, folder: Path) -> Swap | None:
    """Complete a run that was cut off while it was swapped in; take it back where records were written since.

    Args:
        store: the database, open for writing.
        folder: its staging folder.

    Returns:
        The run that was completed; nothing where there was none, or it was taken back.

    Raises:
        HalfSwapped: what is needed for that is gone.
        DatabaseError: the database cannot be read or written; the next call goes on.
    """
    swap = read_swap(store)
    if swap is None:
        return None
    _check_files(store, folder, swap)
    with _Comparison.of(store, folder, swap) as comparison:
        if comparison.written_since():
            comparison.take_back("records were written before the run, which was cut off, could be completed")
            return None
        _swap_in(store, folder, swap, comparison.waiting | {DEFAULT_FAMILY})
    return swap


def _check_files(store: Store, folder: Path, swap: Swap) -> None:
    sizes = {folder / name: size for files in swap.files.values() for name, size in files.items()}
    wrong = [file for file, size in sizes.items() if not file.is_file() or file.stat().st_size != size]
    if not (folder / BEFORE / "CURRENT").is_file():
        wrong.insert(0, folder / BEFORE)
    if wrong:
        raise HalfSwapped(
            f"no whole {wrong[0]} was found, which the {swap.name} left that was cut off while it was swapped in",
            "all of the folder was expected, as the run left it",
            "put the folder back, or a backup in the place of the database",
            where=str(store.path),
        )


def _swap_in(store: Store, folder: Path, swap: Swap, families: set[str]) -> None:
    """Swap in the files of these families; those of the default one, with the version among them, last."""
    for family in sorted(families, key=lambda family: (family == DEFAULT_FAMILY, family)):
        files = [folder / name for name in swap.files[family]]
        with SpeakingOf(store.path), _linked(files, folder / LINKS) as links:
            note_order(store.path, folder, files)
            store.family(family).ingest(links)


@contextmanager
def changed_copy(frozen: Path, files: Mapping[str, Sequence[Path]], place: Path, database: Path) -> Iterator[Store]:
    """A frozen copy of a database with the changes of staged files in it: a copy of its own, by links.

    Args:
        frozen: the frozen copy; it stays as it is.
        files: the staged files by their column family; they stay, too.
        place: the folder for the other copy, which is gone afterwards.
        database: which errors are about.

    Raises:
        DatabaseError: it cannot be made.
    """
    shutil.rmtree(place, ignore_errors=True)
    with SpeakingOf(database):
        place.mkdir()
        for file in frozen.iterdir():
            if file.suffix in {".sst", ".blob"}:
                _link(file, place / file.name)
            elif file.name != "LOCK":
                shutil.copyfile(file, place / file.name)
    with open_copy(place) as copy:
        for family, some in files.items():
            with SpeakingOf(database), _linked(some, place / LINKS) as links:
                copy.family(family).ingest(links)
        yield copy
    with suppress(OSError):
        shutil.rmtree(place)


@contextmanager
def _linked(files: Sequence[Path], place: Path) -> Iterator[list[Path]]:
    """Second names of files, in a folder that is made for them and gone afterwards, as the store takes names away."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        links = [place / file.name for file in files]
        for file, link in zip(files, links, strict=True):
            _link(file, link)
        yield links
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _link(file: Path, link: Path) -> None:
    try:
        link.hardlink_to(file)
    except OSError:  # a file system without hard links
        shutil.copyfile(file, link)


def _put_version(store: Store, folder: Path, value: bytes | None, history: bytes | None = None) -> None:
    """Put something under the key of the version, and a history if there is a new one, as one atomic step."""
    changes = {VERSION_KEY: value} | ({HISTORY_KEY: history} if history is not None else {})
    path = stage_all(store, folder / "version.sst", changes)
    note_order(store.path, folder, [path])
    store.ingest([path])


@dataclass
class _Comparison:
    """What is in the database, what was there before the swap, and what is to be there afterwards.

    Attributes:
        live: the database.
        before: as it was.
        after: as it is to be.
        folder: the staging folder.
        swap: the run.
        waiting: the families that do not have all of their files yet, as far as is known.
    """

    live: Store
    before: Store
    after: Store
    folder: Path
    swap: Swap
    waiting: set[str] = field(default_factory=set)

    @classmethod
    @contextmanager
    def of(cls, live: Store, folder: Path, swap: Swap) -> Iterator[_Comparison]:
        """The comparison of a run."""
        files = {family: [folder / name for name in names] for family, names in swap.files.items()}
        changed = changed_copy(folder / BEFORE, files, folder / AFTER, live.path)
        with open_for_reading(folder / BEFORE, frozen=True) as before, changed as after:
            yield cls(live, before, after, folder, swap)

    def written_since(self) -> bool:
        """Whether a record is neither as before nor as afterwards. Notes which families wait for their files."""
        waiting: set[str] = set()
        for family in self.swap.files:
            for _, old, new, now in self._records(family):
                if now not in (old, new):
                    return True
                if now != new:
                    waiting.add(family)
        self.waiting = waiting
        return False

    def take_back(self, reason: str | None) -> None:
        """Make all records that are as afterwards what they were before, and then the version.

        Args:
            reason: why, for the history; ``None``: whoever carries out the run tells it, and nothing happened.
        """
        for number, family in enumerate(family for family in self.swap.files if family != DEFAULT_FAMILY):
            store = self.live.family(family)
            staged = store.stage(self.folder / f"back-{number}.sst")
            self._stage_old(family, staged)
            path = staged.finish()
            if path is not None:
                note_order(store.path, self.folder, [path])
                store.ingest([path])
        history = read_history(self.live).with_entries([self._entry(reason)]) if reason is not None else None
        _put_version(self.live, self.folder, self.before.get(VERSION_KEY), history)

    def _stage_old(self, family: str, staged: StagedFile) -> None:
        for key, old, new, now in self._records(family):
            if now == new != old:
                stage(staged, key, old)

    def _records(self, family: str) -> Iterator[tuple[bytes, bytes | None, bytes | None, bytes | None]]:
        """Each key of a family with its value before, afterwards and now; without what only the swap itself changes."""
        stores = (self.before, self.after, self.live)
        scans = [_tagged(store.family(family), number) for number, store in enumerate(stores)]
        for key, found in groupby(heapq.merge(*scans), key=lambda one: one[0]):
            if family == DEFAULT_FAMILY and key == VERSION_KEY:
                continue
            values = {number: value for _, number, value in found}
            yield key, values.get(0), values.get(1), values.get(2)

    def _entry(self, reason: str) -> dict[str, Json]:
        swap = self.swap
        entry = new_entry(swap.kind, (swap.from_version, swap.to_version), swap.started_at)
        return entry | {"success": False, "error": reason}


def _tagged(store: Store, number: int) -> Iterator[tuple[bytes, int, bytes]]:
    return ((key, number, value) for key, value in store.scan(KeyRange()))
