"""RocksDB behind the seam :mod:`migrate_spec.store`: the only module that imports rocksdict.

Three ways in, one store: :func:`open_for_reading` changes nothing and works beside a writer,
:func:`open_for_writing` takes the lock, :func:`wrap` borrows the handle that an application has open already.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self, cast
from weakref import WeakSet

from rocksdict import (
    AccessType,
    Checkpoint,
    IngestExternalFileOptions,
    Options,
    Rdict,
    ReadOptions,
    SstFileWriter,
    WriteBatch,
    WriteOptions,
)

from migrate_spec.errors import CorruptDatabase, DatabaseError, FamilyMissing, ForeignDatabase
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.store import ALL_KEYS, NO_OTHERS, Changes, Gap, KeyRange, Record, Size, StagedFile, Store
from migrate_spec.stores.lock_holders import refuse_locked
from migrate_spec.stores.rocks_faults import SpeakingOf, is_missing_file, meaning_of
from migrate_spec.stores.rocks_folder import (
    config_kept,
    has_config,
    is_typed,
    left_out,
    linked,
    options_copied,
    refuse_unsupported,
)
from migrate_spec.stores.rocks_middle import middle_of
from migrate_spec.stores.rocks_remains import remains
from migrate_spec.stores.rocks_staged import RocksStagedFile
from migrate_spec.stores.rocks_typed import Pickled, TypedHandle, TypedWriter, first_from
from migrate_spec.stores.surrealdb import is_surrealdb, surrealdb

__all__ = ["create", "open_copy", "open_for_reading", "open_for_writing", "open_remains", "wrap"]

_READ_AHEAD = 1 << 20  # measured: from 256 KiB to 1 MiB a scan takes a fifth less time than without, beyond that more
_OPEN_FILES = 20  # at most, where they need not all be open: RocksDB keeps the index of each in memory
_AHEAD = 100  # records that a scan has read before they are asked for
_LOOKS = 200  # how often a database whose files come and go is looked at, at 5 ms each on an idle machine


def open_for_reading(path: Path, place: Path | None = None, *, frozen: bool = False) -> Store:
    """Open the database in the folder ``path`` without changing a byte of it, beside a writer if there is one.

    Args:
        path: the database.
        place: the folder for the temporary files that this takes, as long as the store is open. Whoever may be killed
            meanwhile names one that somebody else removes.
        frozen: whether nobody writes to it meanwhile. Then its files are opened one by one, and the memory for them
            does not grow with their number.

    Returns:
        a store that holds what had been written when it was opened, also where that is only in the write-ahead
        log. Its methods ``checkpoint`` and ``ingest`` raise :class:`~migrate_spec.errors.DatabaseReadOnly`.

    Raises:
        NotADatabase: the folder is missing or holds no RocksDB.
        ForeignDatabase: it is laid out in a way that is not supported.
        CorruptDatabase: a part without which it does not open cannot be read.
        DatabaseReadOnly: this user may not read it.
        NoSpace: there is no room for temporary files.
    """
    with SpeakingOf(path):
        before: set[str] = set()
        for _ in range(_LOOKS):
            try:
                return _open_links(path, place, frozen=frozen)
            except Exception as error:
                if not is_missing_file(error):
                    raise
                # Either a compaction of the writer has taken a file away in the very moment, or it really is missing:
                # then nothing in the folder changes between two looks.
                names = {file.name for file in path.iterdir()}
                if names == before:
                    raise
                before = names
        return _open_links(path, place, frozen=frozen)


def open_for_writing(path: Path) -> Store:
    """Open the database in the folder ``path`` and take its lock. It is never created.

    Returns:
        a store whose ``close`` gives the lock free.

    Raises:
        NotADatabase: the folder is missing or holds no RocksDB.
        ForeignDatabase: it is laid out in a way that is not supported.
        DatabaseLocked: another handle, in this or another process, has it open for writing.
        DatabaseReadOnly: this user may not write to it, or nobody can where it lies.
        CorruptDatabase: a part without which it does not open cannot be read.
        NoSpace: the disk is full.
    """
    with SpeakingOf(path):
        refuse_unsupported(path)
        refuse_locked(path)
        database, families = _load_options(path)
        return _opened_for_writing(path, database, families)


def open_copy(path: Path) -> Store:
    """Open a copy of a database that was made for this process, which may change it; RocksDB does not compact it.

    Raises:
        DatabaseError: as :func:`open_for_writing`.
    """
    with SpeakingOf(path):
        database, families = _load_options(path)
        for options in families.values():
            options.set_disable_auto_compactions(disable=True)
        return _opened_for_writing(path, database, families)


def open_remains(path: Path) -> tuple[Store, list[str]]:
    """Open what is left of a damaged database for reading, without changing a byte of it.

    Returns:
        A store, and, where the database does not open with all of its files, what is wrong with each: then the store is
        one without those that RocksDB cannot repair.

    Raises:
        DatabaseError: as :func:`open_for_reading`, or not even RocksDB's repair finds a database in the folder.
    """
    with SpeakingOf(path):
        if path.is_dir() and is_typed(path):
            found, expected = "its keys and values carry a type byte", "only a raw database can be salvaged"
            raise ForeignDatabase(found, expected, "put a backup back", where=str(path))
    try:
        return open_for_reading(path, frozen=True), []
    except CorruptDatabase as error:
        fault = error.fault.found
    with SpeakingOf(path):
        links = linked(path)
        try:
            Rdict.repair(links.name, Options(raw_mode=True))
            _, families = _load_options(Path(links.name))
        except BaseException:
            links.cleanup()
            raise
        others = [name for name in left_out(Path(links.name)) if not fault.startswith(name)]
        return _opened(links, path, families, frozen=True), [fault, *(f"{name} cannot be read" for name in others)]


def create(path: Path, like: Store) -> Store:
    """Make a new database with the column families of another one, and their options, and open it for writing.

    Raises:
        DatabaseError: it cannot be written.
    """
    assert isinstance(like, _RocksStore)  # noqa: S101 - there are no other stores
    database = Options(raw_mode=True)
    database.create_missing_column_families(create_missing_cfs=True)
    with SpeakingOf(path), config_kept(path):
        handle = Rdict(str(path), database, dict(like.options))
    return _RocksStore(path, handle, like.options, handle.close)


def wrap(handle: Rdict) -> Store:
    """Use the database that ``handle`` has open. Closing the store leaves ``handle`` as it is.

    Raises:
        ForeignDatabase: ``handle`` is not of the default column family, or the database is laid out in another way
            that is not supported.
    """
    path = Path(handle.path()).resolve()  # as a path given to open it is, so that both find the same backups
    with SpeakingOf(path):
        refuse_unsupported(path)
        family = _family(handle)
        if family != DEFAULT_FAMILY:
            found = f"this handle is of the column family {family}"
            expected = f"only that of {DEFAULT_FAMILY} is supported"
            raise ForeignDatabase(found, expected, "pass the handle of the database itself", where=str(path))
        _, families = _load_options(path)
        if not is_typed(path):
            return _RocksStore(path, handle, families, release=_nothing).unless_foreign()
        own = handle.get_column_family(DEFAULT_FAMILY)  # as it will not unpickle what it reads
    return _RocksStore(path, own, families, own.close, typed=True).unless_foreign()


def _open_links(path: Path, place: Path | None, *, frozen: bool) -> Store:
    refuse_unsupported(path)
    _, families = _load_options(path, place)
    return _opened(linked(path, place), path, families, frozen=frozen)


def _opened_for_writing(path: Path, database: Options, families: Mapping[str, Options]) -> Store:
    with config_kept(path):
        # All column families must be named, or RocksDB refuses.
        handle = Rdict(str(path), database, dict(families))
    return _RocksStore(path, handle, families, handle.close, typed=is_typed(path)).unless_foreign()


def _opened(links: TemporaryDirectory[str], path: Path, families: Mapping[str, Options], *, frozen: bool) -> Store:
    try:
        # RocksDB's defaults for the database: all files are opened at once, so that none can vanish afterwards,
        # and no option leads it out of the folder of links.
        typed = is_typed(path)
        database = Options(raw_mode=not typed)
        if frozen:
            database.set_max_open_files(_OPEN_FILES)
            database.set_table_cache_num_shard_bits(0)  # else each of 64 shards keeps a file
        handle = Rdict(links.name, database, dict(families), AccessType.read_only(error_if_log_file_exist=False))
    except BaseException:
        links.cleanup()
        raise

    def release() -> None:
        with links:
            handle.close()

    return _RocksStore(path, handle, families, release, typed=typed).unless_foreign()


def _load_options(path: Path, place: Path | None = None) -> tuple[Options, dict[str, Options]]:
    """The options that the database was last opened with: its own, and those of each column family by its name."""
    names = Rdict.list_cf(str(path), Options(raw_mode=True))
    raw_mode = not is_typed(path)
    database, families = Options(raw_mode=raw_mode), dict[str, Options]()
    with options_copied(path, place) as copy:
        if copy:
            database, families = Options.load_latest(str(copy), ignore_unknown_options=True)
    database.create_if_missing(create_if_missing=False)
    return database, {name: families.get(name) or Options(raw_mode=raw_mode) for name in names}


def _family(handle: Rdict) -> str:
    """The name of the handle's column family, which rocksdict tells nowhere: from the title of a short report."""
    title = re.search(r"\[(.*)\]", handle.property_value("rocksdb.cf-file-histogram") or "")
    return title[1] if title else DEFAULT_FAMILY


def _reading(stop: bytes | None) -> ReadOptions:
    options = ReadOptions()
    if stop is not None:
        options.set_iterate_upper_bound(stop)
    options.set_total_order_seek(v=True)  # otherwise a prefix extractor hides the keys beyond the first prefix
    options.fill_cache(v=False)  # type: ignore[call-arg]  # the stub forgot the argument
    return options


def _bulk_reading(stop: bytes | None) -> ReadOptions:
    options = _reading(stop)
    options.set_readahead_size(_READ_AHEAD)
    return options


class _RocksStore(Store):
    """A store over a handle of rocksdict, of one column family. ``release`` is called once, when it is closed.

    The handle is in rocksdict's default mode where it is ``typed``, otherwise in raw mode.
    """

    def __init__(  # noqa: PLR0913 - what it takes is all there is to know of an open database
        self,
        path: Path,
        handle: Rdict,
        families: Mapping[str, Options],
        release: Callable[[], None],
        name: str = DEFAULT_FAMILY,
        *,
        typed: bool = False,
    ) -> None:
        self._path = path
        self._handle: Rdict | None = handle
        self._families = families
        self._name = name
        self._typed = typed
        if typed:
            handle.set_loads(Pickled)
        self._others: dict[str, _RocksStore] = {}
        self._release = release
        self._errors = SpeakingOf(path)
        self._scans: WeakSet[Generator[Any, None, None]] = WeakSet()

    def unless_foreign(self) -> Self:
        """The store itself, unless what is in it is another program's own.

        Raises:
            ForeignDatabase: it is; then the store is closed.
        """
        try:
            with self._errors:
                foreign = is_surrealdb(self._iter(_reading(None), None), self.get)
        except DatabaseError:  # that it is damaged is told to whoever reads what is
            foreign = False
        if foreign:
            self.close()
            raise surrealdb(self._path)
        return self

    @property
    def path(self) -> Path:
        return self._path

    @property
    def _open(self) -> Rdict:
        if self._handle is None:
            raise ValueError(f"{self._path}: the store is closed")
        return self._handle

    @property
    def options(self) -> Mapping[str, Options]:
        """Those of each column family."""
        return self._families

    @property
    def _reader(self) -> Any:
        """The handle, with keys and values as bytes."""
        return TypedHandle(self._open) if self._typed else self._open

    def _iter(self, reading: ReadOptions, stop: bytes | None) -> Any:
        """RocksDB's iterator over the keys up to one."""
        return TypedHandle(self._open).iter(reading, stop) if self._typed else self._open.iter(reading)

    def _items(self, reading: ReadOptions, keys: KeyRange) -> Iterator[Record]:
        """The records of a range, read fast."""
        if self._typed:
            return TypedHandle(self._open).items(keys, reading)
        return cast("Iterator[Record]", self._open.items(from_key=keys.start, read_opt=reading))

    def _stop(self, keys: KeyRange) -> bytes | None:
        """Where RocksDB itself stops reading; typed keys are looked at by whoever reads them."""
        return None if self._typed else keys.stop

    @property
    def families(self) -> Sequence[str]:
        return sorted(self._families)

    def family(self, name: str) -> Store:
        if name == self._name:
            return self
        if name not in self._families:
            raise FamilyMissing(
                f"no column family {name!r} was found (there are: {', '.join(sorted(self._families))})",
                "one was expected, as a spec names it",
                "mend `column_family` in the specs, or have the program that needs it make it",
                where=str(self._path),
            )
        if name not in self._others:
            with self._errors:
                handle = self._open.get_column_family(name)
            self._others[name] = _RocksStore(self._path, handle, self._families, handle.close, name, typed=self._typed)
        return self._others[name]

    def get(self, key: bytes) -> bytes | None:
        with self._errors:
            return cast("bytes | None", self._reader.get(key))

    def scan(self, keys: KeyRange) -> Iterator[Record]:
        """As they were when the first one was asked for; what lies before a damaged block is yielded first."""
        records = self._records(keys)
        self._scans.add(records)
        return chain(records, self._end())

    def chunks(self, keys: KeyRange, size: int) -> Iterator[list[Record]]:
        chunks = self._chunks(keys, size)
        self._scans.add(chunks)
        return chain(chunks, self._end())

    def _records(self, keys: KeyRange) -> Generator[Record, None, None]:
        for chunk in self._chunks(keys, _AHEAD):
            yield from chunk

    def _chunks(self, keys: KeyRange, size: int) -> Generator[list[Record], None, None]:
        # RocksDB keeps a pointer into it and no copy: it must live as long as the two iterators.
        reading = _bulk_reading(self._stop(keys))
        last: bytes | None = None
        with self._errors:
            sure = self._iter(reading, keys.stop)
            records = self._items(reading, keys)
            while chunk := list(islice(records, size)):
                last = chunk[-1][0]
                yield chunk
            # That iterator is fast, and it ends without a word where a block cannot be read. The other one tells:
            # it goes on behind the last record, where there must be nothing, and nothing wrong.
            sure.seek(keys.start if last is None else last + b"\0")
            while sure.valid():
                yield [(sure.key(), sure.value())]
                sure.next()
            sure.status()

    def _end(self) -> Iterator[Any]:
        """Nothing, unless the store was closed: a scan that was cut off must not look like one that is complete."""
        _ = self._open
        yield from ()

    def remains(self) -> Iterator[list[Record] | Gap]:
        reading = _bulk_reading(None)  # see `_chunks`
        with self._errors:
            yield from remains(lambda: self._open.iter(reading), _tables(self._open, KeyRange()), self._damage)

    def _damage(self, text: str) -> str:
        """What is damaged, where RocksDB says so; anything else is an error."""
        error = meaning_of(text, str(self._path))
        if not isinstance(error, CorruptDatabase):
            raise error
        return error.fault.found

    def middle(self, keys: KeyRange) -> bytes | None:
        reading = _reading(self._stop(keys))
        with self._errors:
            return middle_of(self._iter(reading, keys.stop), keys.start, _tables(self._reader, keys))

    def size(self, keys: KeyRange) -> Size:
        """All of each table file with keys in the range, and all that is in memory and in blob files."""
        with self._errors:
            handle = self._open
            tables = _tables(self._reader, keys)
            in_memory = handle.property_int_value("rocksdb.num-entries-active-mem-table") or 0
            memory = handle.property_int_value("rocksdb.cur-size-all-mem-tables") or 0 if in_memory else 0
            blobs = handle.property_int_value("rocksdb.live-blob-file-size") or 0
        # A deletion is an entry, too, and hides another one.
        records = sum(max(file["num_entries"] - 2 * file["num_deletions"], 0) for file in tables)
        own = sum(file["size"] for file in tables if file["start_key"] in keys and file["end_key"] in keys)
        return Size(records + in_memory, sum(file["size"] for file in tables) + memory + blobs, own)

    def sequence(self) -> int:
        with self._errors:
            return self._open.latest_sequence_number()

    def checkpoint(self, target: Path) -> None:
        with self._errors:
            self._refuse_reader()
            if target.exists():
                raise DatabaseError("it exists already", "a checkpoint makes its own folder", where=str(target))
            try:
                with nullcontext() if has_config(self._path) else config_kept(target):
                    # Not kept in a variable: it would keep the database open.
                    Checkpoint(self._open).create_checkpoint(str(target))
            except BaseException:
                shutil.rmtree(target, ignore_errors=True)
                raise

    def stage(self, path: Path) -> StagedFile:
        _ = self._open
        with self._errors:
            # What a killed run left there may be a file of the database by a second name: writing into it would
            # destroy the database, removing the name is harmless.
            path.unlink(missing_ok=True)
            writer = SstFileWriter(self._families[self._name])
            writer.open(str(path))
        return RocksStagedFile(path, TypedWriter(writer, self._open.get) if self._typed else writer, self._errors)

    def ingest(self, files: Sequence[Path]) -> None:
        if not files:
            return
        moving = IngestExternalFileOptions()
        moving.set_move_files(True)
        with self._errors:
            self._open.ingest_external_file([str(file) for file in files], moving)

    def write(self, changes: Changes, others: Mapping[str, Changes] = NO_OTHERS, *, sync: bool = False) -> None:
        batch, options = WriteBatch(raw_mode=not self._typed), WriteOptions()
        options.sync = sync
        for name, some in (*others.items(), (self._name, changes)):
            into = cast("_RocksStore", self.family(name)).batched(batch)
            for key, value in some.items():
                if value is None:
                    del into[key]
                else:
                    into[key] = value
        with self._errors:
            self._open.write(batch, options)

    def batched(self, batch: WriteBatch) -> Any:
        """What takes changes to this column family, with keys and values as bytes, and puts them into a batch."""
        batch.set_default_column_family(self._open.get_column_family_handle(self._name))
        return TypedWriter(batch, self._open.get) if self._typed else batch

    def compact(self, keys: KeyRange = ALL_KEYS) -> None:
        with self._errors:
            self._refuse_reader()
            bounds = keys.start or None, keys.stop
            self._open.compact_range(*(bound and first_from(bound) for bound in bounds) if self._typed else bounds)

    def close(self) -> None:
        if self._handle is None:
            return
        for other in self._others.values():  # each handle alone would keep the database open
            other.close()
        for records in tuple(self._scans):
            records.close()
        release, self._handle, self._release = self._release, None, _nothing  # or a failure would leave it open
        with self._errors:
            release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except DatabaseError:
            if error is None:  # else this is what comes of that one: after a write that failed there is no clean end
                raise

    def _refuse_reader(self) -> None:
        """RocksDB lets a handle for reading make a checkpoint, which then lacks what is in the write-ahead log."""
        try:
            self._open.ingest_external_file([])
        except Exception as error:
            if "Not supported operation" in str(error):
                raise


def _nothing() -> None:
    """What closing a store does to a handle that is not its own."""


def _tables(handle: Any, keys: KeyRange) -> list[dict[str, Any]]:
    """The table files with keys in the range, of the handle's own column family: ``live_files`` has those of all."""
    own = set(re.findall(r"^ (\d+):", handle.property_value("rocksdb.sstables") or "", re.MULTILINE))
    return [
        file
        for file in handle.live_files()
        if Path(file["name"]).stem.lstrip("0") in own
        and file["end_key"] >= keys.start
        and (keys.stop is None or file["start_key"] < keys.stop)
    ]
