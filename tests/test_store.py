"""The contract of the seam to the database, kept by every way to open one: real RocksDB, nothing faked."""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rocksdict import AccessType, BlockBasedOptions, DBCompressionType, Options, Rdict, SliceTransform, SstFileWriter

from migrate_spec.errors import (
    CorruptDatabase,
    DatabaseError,
    DatabaseLocked,
    DatabaseReadOnly,
    ForeignDatabase,
    NotADatabase,
)
from migrate_spec.store import KeyRange, Size, Store
from migrate_spec.stores.rocks import open_for_reading, open_for_writing, wrap

Records = dict[bytes, bytes]
Opener = Callable[[Path], Store]

ALL = KeyRange()
CONFIG = "rocksdict-config.json"
ENGINE = Path(sys.modules[Store.__module__].__file__ or "").parents[1]
MANY = {b"task:%05d" % number: b'{"id":%05d,"text":"%s"}' % (number, b"text" * 20) for number in range(5000)}


def raw(compression: DBCompressionType | None = None) -> Options:
    """Options for a database as another language makes one: raw keys and values."""
    options = Options(raw_mode=True)
    if compression:
        options.set_compression_type(compression)
    return options


def build(path: Path, records: Records, *, options: Options | None = None, flush: bool = True) -> Path:
    """A database with ``records``, without rocksdict's own file: in a table file, or in the write-ahead log only."""
    handle = Rdict(str(path), options or raw())
    for key, value in records.items():
        handle[key] = value
    if not flush:
        # A copy of the open database is what a killed process leaves.
        left = path.with_name("left")
        shutil.copytree(path, left)
        handle.close()
        shutil.rmtree(path)
        left.rename(path)
    else:
        handle.close()
    (path / CONFIG).unlink()
    return path


def contents(path: Path) -> Records:
    """All that a plain rocksdict finds in the database (in a copy, so that looking changes nothing)."""
    copy = path.with_name(f"{path.name}.looked-at")
    shutil.copytree(path, copy)
    handle = Rdict(str(copy), *Options.load_latest(str(copy)))
    found: Any = dict(handle.items())
    handle.close()
    shutil.rmtree(copy)
    return dict(found)


def photograph(folder: Path) -> dict[str, Any]:
    """Every file and folder in ``folder``: its name, time of change and bytes.

    Not the bytes of LOCK: to open and close it would drop the lock that this very process may hold.
    """
    return {
        str(file.relative_to(folder)): (
            file.stat().st_mtime_ns,
            file.read_bytes() if file.is_file() and file.name != "LOCK" else None,
        )
        for file in [folder, *folder.rglob("*")]
    }


def tables(folder: Path) -> list[Path]:
    """The table files of a database, in the order in which they were made."""
    return sorted(folder.glob("*.sst"))


def damage(file: Path, text: bytes) -> int:
    """Turn ``text`` in the file into something else; returns its position."""
    data = file.read_bytes()
    position = data.index(text)
    file.write_bytes(data[:position] + bytes(byte ^ 255 for byte in text) + data[position + len(text) :])
    return position


def stage(store: Store, file: Path, changes: dict[bytes, bytes | None]) -> Path:
    """A staged file with ``changes``; ``None`` is a removal."""
    staged = store.stage(file)
    for key, value in changes.items():
        if value is None:
            staged.delete(key)
        else:
            staged.put(key, value)
    assert staged.finish() == file
    return file


def python(code: str, *arguments: object, under: tuple[str, ...] = ()) -> str:
    """What another Python prints that runs ``code``, started by the command ``under``."""
    command = [*under, sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ENGINE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database open for writing, and has just written ``live`` = ``1`` to it."""
    code = (
        "import sys\nfrom rocksdict import Options, Rdict\n"
        "handle = Rdict(sys.argv[1], Options(raw_mode=True))\nhandle[b'live'] = b'1'\n"
        "print('ready', flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


@pytest.fixture
def wrapped() -> Iterator[Opener]:
    """Opens a database through a handle as an application has it; the handles are closed after the test."""
    handles: list[Rdict] = []

    def open_wrapped(path: Path) -> Store:
        handles.append(Rdict(str(path), *Options.load_latest(str(path))))
        return wrap(handles[-1])

    yield open_wrapped
    for handle in handles:
        handle.close()


@pytest.fixture(params=["reading", "writing", "wrapped"])
def opened(request: pytest.FixtureRequest, wrapped: Opener) -> Opener:
    """Each way to open a database."""
    return {"reading": open_for_reading, "writing": open_for_writing, "wrapped": wrapped}[request.param]


@pytest.fixture(params=["writing", "wrapped"])
def writable(request: pytest.FixtureRequest, wrapped: Opener) -> Opener:
    """Each way to open a database that can change it."""
    return {"writing": open_for_writing, "wrapped": wrapped}[request.param]


class TestReading:
    """``get``, ``scan``, ``size``, ``sequence`` and ``path``, however the database was opened."""

    RECORDS = {
        b"": b"the empty key",
        b"empty": b"",
        b"every byte": bytes(range(256)),
        b"task9": b"before",
        b"task:": b"the prefix itself",
        b"task:1": b"1",
        b"task:\xff\xff": b"last",
        b"task;": b"after",
        b"taskx:": b"looks alike",
        b"z\xfe": b"1",
        b"z\xff": b"2",
        b"z\xff\x00": b"3",
        b"{": b"4",
        bytes(range(256)): b"no text",
        b"\xff": b"5",
        b"\xff\xff\x00": b"6",
    }

    @pytest.mark.parametrize("flush", [True, False], ids=["table file", "write-ahead log"])
    def test_scan_yields_every_record(self, opened: Opener, tmp_path: Path, *, flush: bool) -> None:
        """A scan of everything gives every record in the order of the keys, byte for byte."""
        with opened(build(tmp_path / "db", self.RECORDS, flush=flush)) as store:
            assert list(store.scan(ALL)) == sorted(self.RECORDS.items())

    @pytest.mark.parametrize(
        ("prefix", "keys"),
        [
            (b"task:", [b"task:", b"task:1", b"task:\xff\xff"]),
            (b"z\xff", [b"z\xff", b"z\xff\x00"]),
            (b"\xff", [b"\xff", b"\xff\xff\x00"]),
            (b"\xff\xff", [b"\xff\xff\x00"]),
            (b"task:2", []),
            (b"", sorted(RECORDS)),
        ],
    )
    def test_scan_keeps_to_a_prefix(self, opened: Opener, tmp_path: Path, prefix: bytes, keys: list[bytes]) -> None:
        """A scan of a prefix gives its records and none of those beside it, also where the prefix ends in 0xFF."""
        with opened(build(tmp_path / "db", self.RECORDS)) as store:
            assert list(store.scan(KeyRange.of_prefix(prefix))) == [(key, self.RECORDS[key]) for key in keys]

    def test_scan_of_a_range(self, opened: Opener, tmp_path: Path) -> None:
        """A range holds its start and not its stop; one that ends before it begins, or is empty, holds nothing."""
        with opened(build(tmp_path / "db", self.RECORDS)) as store:
            assert [key for key, _ in store.scan(KeyRange(b"task:1", b"task;"))] == [b"task:1", b"task:\xff\xff"]
            assert list(store.scan(KeyRange(b"task;", b"task:"))) == []
            assert list(store.scan(KeyRange(b"", b""))) == []

    def test_scan_of_an_empty_database(self, opened: Opener, tmp_path: Path) -> None:
        """A database without records is scanned, and measured, as one."""
        with opened(build(tmp_path / "db", {})) as store:
            assert list(store.scan(ALL)) == []
            assert store.size(ALL) == Size(0, 0)
            assert store.sequence() == 0

    def test_scan_with_a_prefix_extractor(self, opened: Opener, tmp_path: Path) -> None:
        """A scan sees the keys of all prefixes even where the database's own prefix filter would hide them."""
        options, table = raw(), BlockBasedOptions()
        table.set_bloom_filter(10, block_based=False)
        options.set_block_based_table_factory(table)
        options.set_prefix_extractor(SliceTransform.create_fixed_prefix(5))
        path = build(tmp_path / "db", self.RECORDS, options=options)
        with opened(path) as store:
            assert list(store.scan(ALL)) == sorted(self.RECORDS.items())
            assert [key for key, _ in store.scan(KeyRange(b"task0", b"taskz"))] == sorted(
                key for key in self.RECORDS if b"task0" <= key < b"taskz"
            )

    def test_get(self, opened: Opener, tmp_path: Path) -> None:
        """Every record is found by its key, an empty value is not a missing one, and a missing one is ``None``."""
        with opened(build(tmp_path / "db", self.RECORDS)) as store:
            assert {key: store.get(key) for key in self.RECORDS} == self.RECORDS
            assert store.get(b"task:2") is None

    def test_path(self, opened: Opener, tmp_path: Path) -> None:
        """A store knows the folder it was opened for, and no other."""
        with opened(build(tmp_path / "db", {})) as store:
            assert store.path == tmp_path / "db"

    def test_sequence(self, opened: Opener, tmp_path: Path) -> None:
        """The sequence number counts the writes."""
        with opened(build(tmp_path / "db", self.RECORDS)) as store:
            assert store.sequence() == len(self.RECORDS)

    def test_size(self, opened: Opener, tmp_path: Path) -> None:
        """The size of a range is that of the table files that have keys in it."""
        path = build(tmp_path / "db", MANY)
        [file] = tables(path)
        with opened(path) as store:
            assert store.size(ALL) == Size(len(MANY), file.stat().st_size)
            assert store.size(KeyRange.of_prefix(b"task:")) == Size(len(MANY), file.stat().st_size)
            assert store.size(KeyRange.of_prefix(b"zone:")) == Size(0, 0)
            assert store.size(KeyRange(b"", b"task:00000")) == Size(0, 0)

    def test_blob_files(self, opened: Opener, tmp_path: Path) -> None:
        """Values that RocksDB keeps in files of their own are found and counted."""
        options = raw()
        options.set_enable_blob_files(val=True)
        options.set_min_blob_size(1)
        path = build(tmp_path / "db", MANY, options=options)
        blobs = sum(file.stat().st_size for file in path.glob("*.blob"))
        with opened(path) as store:
            assert dict(store.scan(ALL)) == MANY
            assert store.size(ALL) == Size(len(MANY), blobs + sum(file.stat().st_size for file in tables(path)))

    def test_a_scan_is_of_one_moment(self, wrapped: Opener, tmp_path: Path) -> None:
        """What an application writes while a scan is under way is not in it."""
        path = build(tmp_path / "db", {b"a": b"1", b"b": b"1", b"c": b"1"})
        handle = Rdict(str(path), raw())
        with wrap(handle) as store:
            scan = store.scan(ALL)
            first = next(scan)
            handle[b"b"] = b"2"
            handle[b"d"] = b"2"
            del handle[b"c"]
            assert [first, *scan] == [(b"a", b"1"), (b"b", b"1"), (b"c", b"1")]
            assert list(store.scan(ALL)) == [(b"a", b"1"), (b"b", b"2"), (b"d", b"2")]
        handle.close()


class TestDamage:
    """A part that cannot be read is an error, and never the end of the data."""

    @pytest.mark.parametrize("number", [0, 2500, 4999], ids=["first block", "in the middle", "last block"])
    def test_scan_raises_at_a_damaged_block(self, opened: Opener, tmp_path: Path, number: int) -> None:
        """A scan delivers what lies before a damaged block and then raises, with the file and the offset."""
        path = build(tmp_path / "db", MANY, options=raw(DBCompressionType.none()))
        [file] = tables(path)
        position = damage(file, b'{"id":%05d' % number)
        delivered = []
        with opened(path) as store, pytest.raises(CorruptDatabase) as caught:
            delivered.extend(store.scan(KeyRange.of_prefix(b"task:")))
        assert delivered == []  # ``extend`` takes all or nothing
        with opened(path) as store, pytest.raises(CorruptDatabase):
            for record in store.scan(ALL):
                delivered.append(record)  # noqa: PERF402  # what was delivered before the error counts
        assert delivered == list(MANY.items())[: len(delivered)]
        assert number - 40 < len(delivered) <= number
        offset = int(re.findall(r"offset (\d+)", str(caught.value.__cause__))[0])
        assert offset <= position < offset + 4200
        assert str(caught.value) == (
            f"{path}: {file.name} at offset {offset} cannot be read, every file must be whole; "
            "put a backup back, or let RocksDB's repair save what is left"
        )
