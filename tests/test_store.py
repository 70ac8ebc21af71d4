"""The contract of the seam to the database, kept by every way to open one: real RocksDB, nothing faked."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rocksdict import AccessType, BlockBasedOptions, DBCompressionType, Options, Rdict, SliceTransform, SstFileWriter

from migrate_spec.errors import (
    CorruptDatabase,
    DatabaseError,
    DatabaseReadOnly,
)
from migrate_spec.store import KeyRange, Size, Store
from migrate_spec.stores.rocks import open_for_reading, open_for_writing, wrap
from tests.conftest import in_use, named

Records = dict[bytes, bytes]
Opener = Callable[[Path], Store]

ALL = KeyRange()
CONFIG = "rocksdict-config.json"
ENGINE = Path(sys.modules[Store.__module__].__file__ or "").parents[1]
MANY = {b"task:%05d" % number: b'{"id":%05d,"text":"%s"}' % (number, b"text" * 20) for number in range(5000)}
TRY_TO_WRITE = """
import sys
from pathlib import Path
from migrate_spec.errors import MigrateSpecError
from migrate_spec.stores.rocks import open_for_writing
try:
    open_for_writing(Path(sys.argv[1])).close()
except MigrateSpecError as error:
    print(f"{type(error).__name__}: {error}")
"""


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


def data(folder: Path) -> dict[str, Any]:
    """As :func:`photograph`, without RocksDB's diary: it begins a new one even where it finds the lock taken."""
    return {name: file for name, file in photograph(folder).items() if not name.startswith(("LOG", "."))}


def tables(folder: Path) -> list[Path]:
    """The table files of a database, in the order in which they were made."""
    return sorted(folder.glob("*.sst"))


def damage(file: Path, text: bytes) -> int:
    """Turn ``text`` in the file into something else; returns its position."""
    data = file.read_bytes()
    position = data.index(text)
    file.write_bytes(data[:position] + bytes(byte ^ 255 for byte in text) + data[position + len(text) :])
    return position


def refusal(open_store: Opener, path: Path) -> str:
    """The class and the sentence of the error with which the database is not opened."""
    with pytest.raises(DatabaseError) as caught:
        open_store(path)
    return f"{type(caught.value).__name__}: {caught.value}"


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


def rewrite_options(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts in the database's OPTIONS files; each must be there."""
    for file in path.glob("OPTIONS-*"):
        text = file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)


def python(code: str, *arguments: object, under: tuple[str, ...] = ()) -> str:
    """What another Python prints that runs ``code``, started by the command ``under``."""
    command = [*under, sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ENGINE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def running(code: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """Another Python that runs ``code`` and has printed its first line. At the end of the block its input ends."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ENGINE)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process


WRITER = """
import sys
from rocksdict import Options, Rdict
handle = Rdict(sys.argv[1], Options(raw_mode=True))
handle[b"live"] = b"1"
print("ready", flush=True)
sys.stdin.read()
"""


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


def split(store: Store, keys: KeyRange) -> list[list[bytes]]:
    """The keys of a range, in parts that cannot be split any further."""
    here, middle = [key for key, _ in store.scan(keys)], store.middle(keys)
    assert (middle is None) == (len(here) < 2)
    if middle is None:
        return [here]
    assert here[0] < middle <= here[-1]
    return [*split(store, KeyRange(keys.start, middle)), *split(store, KeyRange(middle, keys.stop))]


CHANCE = random.Random(3)  # noqa: S311 - nothing secret
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(milliseconds: int) -> bytes:
    """A key that is made of a moment and of chance."""
    number = milliseconds << 80 | CHANCE.getrandbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5)).encode()


EVENLY = {
    "decimal": [b"%08d" % number for number in range(2000)],
    "decimal, a little more than a power of ten": [b"%08d" % number for number in range(1100)],
    "decimal without zeros": [b"%d" % number for number in range(2000)],
    "hexadecimal": [b"%08x" % number for number in range(2000)],
    "hexadecimal up to a letter": [b"%04x" % number for number in range(0xB00)],
    "UUID": [str(uuid.UUID(int=CHANCE.getrandbits(128), version=4)).encode() for _ in range(2000)],
    "ULID of an hour": [ulid(1_700_000_000_000 + number * 1800) for number in range(2000)],
    "ULID of years": [ulid(1_600_000_000_000 + number * 150_000_000) for number in range(2000)],
    "big endian": [number.to_bytes(8, "big") for number in range(2000)],
    "little endian": [number.to_bytes(8, "little") for number in range(2000)],
}
"""Keys as they are met."""


class TestReading:
    """``get``, ``scan``, ``size``, ``sequence`` and ``path``, however the database was opened."""

    @pytest.mark.parametrize("flush", [True, False], ids=["table file", "write-ahead log"])
    def test_scan_yields_every_record(self, opened: Opener, tmp_path: Path, *, flush: bool) -> None:
        """A scan of everything gives every record in the order of the keys, byte for byte."""
        with opened(build(tmp_path / "db", RECORDS, flush=flush)) as store:
            assert list(store.scan(ALL)) == sorted(RECORDS.items())

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
        with opened(build(tmp_path / "db", RECORDS)) as store:
            assert list(store.scan(KeyRange.of_prefix(prefix))) == [(key, RECORDS[key]) for key in keys]

    def test_scan_of_a_range(self, opened: Opener, tmp_path: Path) -> None:
        """A range holds its start and not its stop; one that ends before it begins, or is empty, holds nothing."""
        with opened(build(tmp_path / "db", RECORDS)) as store:
            assert [key for key, _ in store.scan(KeyRange(b"task:1", b"task;"))] == [b"task:1", b"task:\xff\xff"]
            assert list(store.scan(KeyRange(b"task;", b"task:"))) == []
            assert list(store.scan(KeyRange(b"", b""))) == []

    def test_scan_of_an_empty_database(self, opened: Opener, tmp_path: Path) -> None:
        """A database without records is scanned, and measured, as one."""
        with opened(build(tmp_path / "db", {})) as store:
            assert list(store.scan(ALL)) == []
            assert store.size(ALL) == Size(0, 0, 0)
            assert store.sequence() == 0

    def test_scan_with_a_prefix_extractor(self, opened: Opener, tmp_path: Path) -> None:
        """A scan sees the keys of all prefixes even where the database's own prefix filter would hide them."""
        options, table = raw(), BlockBasedOptions()
        table.set_bloom_filter(10, block_based=False)
        options.set_block_based_table_factory(table)
        options.set_prefix_extractor(SliceTransform.create_fixed_prefix(5))
        path = build(tmp_path / "db", RECORDS, options=options)
        with opened(path) as store:
            assert list(store.scan(ALL)) == sorted(RECORDS.items())
            assert [key for key, _ in store.scan(KeyRange(b"task0", b"taskz"))] == sorted(
                key for key in RECORDS if b"task0" <= key < b"taskz"
            )

    def test_get(self, opened: Opener, tmp_path: Path) -> None:
        """Every record is found by its key, an empty value is not a missing one, and a missing one is ``None``."""
        with opened(build(tmp_path / "db", RECORDS)) as store:
            assert {key: store.get(key) for key in RECORDS} == RECORDS
            assert store.get(b"task:2") is None

    def test_path(self, opened: Opener, tmp_path: Path) -> None:
        """A store knows the folder it was opened for, and no other."""
        with opened(build(tmp_path / "db", {})) as store:
            assert store.path == tmp_path / "db"

    def test_sequence(self, opened: Opener, tmp_path: Path) -> None:
        """The sequence number counts the writes."""
        with opened(build(tmp_path / "db", RECORDS)) as store:
            assert store.sequence() == len(RECORDS)

    def test_size(self, opened: Opener, tmp_path: Path) -> None:
        """The size of a range is that of the table files that have keys in it, and of those that have no others."""
        path = build(tmp_path / "db", MANY)
        [file] = tables(path)
        size = file.stat().st_size
        with opened(path) as store:
            assert store.size(ALL) == Size(len(MANY), size, size)
            assert store.size(KeyRange.of_prefix(b"task:")) == Size(len(MANY), size, size)
            assert store.size(KeyRange(min(MANY), max(MANY))) == Size(len(MANY), size, 0)
            assert store.size(KeyRange.of_prefix(b"zone:")) == Size(0, 0, 0)
            assert store.size(KeyRange(b"", b"task:00000")) == Size(0, 0, 0)

    def test_blob_files(self, opened: Opener, tmp_path: Path) -> None:
        """Values that RocksDB keeps in files of their own are found and counted."""
        options = raw()
        options.set_enable_blob_files(val=True)
        options.set_min_blob_size(1)
        path = build(tmp_path / "db", MANY, options=options)
        blobs = sum(file.stat().st_size for file in path.glob("*.blob"))
        with opened(path) as store:
            assert dict(store.scan(ALL)) == MANY
            own = sum(file.stat().st_size for file in tables(path))
            assert store.size(ALL) == Size(len(MANY), blobs + own, own)

    def test_a_scan_is_of_one_moment(self, tmp_path: Path) -> None:
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


class TestInParts:
    """``chunks`` and ``middle``: what several work on at the same time."""

    @pytest.mark.parametrize("flush", [True, False], ids=["table file", "write-ahead log"])
    def test_chunks(self, opened: Opener, tmp_path: Path, *, flush: bool) -> None:
        """They are what a scan gives, so many at a time, and fewer at the end; none where there is nothing."""
        some = sorted(RECORDS.items())
        with opened(build(tmp_path / "db", RECORDS, flush=flush)) as store:
            for size in (1, 3, 4, len(some), 100):
                assert list(store.chunks(ALL, size)) == [some[at : at + size] for at in range(0, len(some), size)]
            assert list(store.chunks(KeyRange(b"task:1", b"task;"), 5)) == [
                [(b"task:1", b"1"), (b"task:\xff\xff", b"last")]
            ]
            assert list(store.chunks(KeyRange(b"task;", b"task:"), 5)) == []

    def test_chunks_of_one_moment(self, tmp_path: Path) -> None:
        """What an application writes while they are under way is not in them."""
        handle = Rdict(str(build(tmp_path / "db", {b"a": b"1", b"b": b"1", b"c": b"1"})), raw())
        with wrap(handle) as store:
            chunks = store.chunks(ALL, 2)
            first = next(chunks)
            handle[b"c"] = b"2"
            handle[b"d"] = b"2"
            assert [first, *chunks] == [[(b"a", b"1"), (b"b", b"1")], [(b"c", b"1")]]
        handle.close()

    def test_chunks_of_a_damaged_file(self, opened: Opener, tmp_path: Path) -> None:
        """What lies before a damaged block is delivered, in chunks of whatever size, and then it is said."""
        path = build(tmp_path / "db", MANY, options=raw(DBCompressionType.none()))
        damage(tables(path)[0], b'{"id":02500')
        with opened(path) as store:
            found = []
            for size in (1, 7, 1000, 10_000):
                delivered: list[tuple[bytes, bytes]] = []
                with pytest.raises(CorruptDatabase):
                    delivered.extend(record for chunk in store.chunks(ALL, size) for record in chunk)
                assert delivered == list(MANY.items())[: len(delivered)]
                found.append(len(delivered))
        assert 2400 < found[0] <= 2500
        assert found == [found[0]] * 4

    def test_of_a_closed_store(self, opened: Opener, tmp_path: Path) -> None:
        """Both refuse, also chunks that were begun before."""
        store = opened(build(tmp_path / "db", MANY))
        chunks = store.chunks(ALL, 10)
        next(chunks)
        store.close()
        for call in (lambda: next(chunks), lambda: list(store.chunks(ALL, 10)), lambda: store.middle(ALL)):
            with pytest.raises(ValueError, match="the store is closed"):
                call()

    @settings(max_examples=30, deadline=None)
    @given(
        keys=st.sets(
            st.lists(st.sampled_from([b"\0", b"a", b"b" * 40, b"\xfe", b"\xff"]), max_size=7).map(b"".join), max_size=20
        ),
        bounds=st.tuples(st.binary(max_size=2), st.none() | st.binary(max_size=2)),
    )
    def test_middle(self, keys: set[bytes], bounds: tuple[bytes, bytes | None]) -> None:
        """It is a key of the range, and not the first, where there is one; so halves of halves come to an end."""
        with tempfile.TemporaryDirectory() as folder:
            path = build(Path(folder, "db"), dict.fromkeys(keys, b""))
            with open_for_reading(path) as store:
                leaves = split(store, KeyRange(*bounds))
        assert [key for leaf in leaves for key in leaf] == sorted(key for key in keys if key in KeyRange(*bounds))
        assert all(len(leaf) == 1 for leaf in leaves) or len(leaves) == 1

    def test_middle_in_every_kind_of_store(self, opened: Opener, tmp_path: Path) -> None:
        """However the database was opened, there is one."""
        with opened(build(tmp_path / "db", RECORDS)) as store:
            assert split(store, ALL) == [[key] for key in sorted(RECORDS)]

    @pytest.mark.parametrize("kind", EVENLY)
    @pytest.mark.parametrize("written", ["in order", "in no order", "log only", "over each other"])
    def test_evenly_spread_keys(self, kind: str, written: str, tmp_path: Path) -> None:
        """Counters and random names come apart in about the same numbers, in however many files they are."""
        keys, options = [b"note:" + key for key in EVENLY[kind]], raw()
        options.set_disable_auto_compactions(disable=True)
        if written != "in order":
            random.Random(1).shuffle(keys)  # noqa: S311 - nothing secret
        path = tmp_path / "db"
        if written == "log only":
            build(path, dict.fromkeys([*keys, b"a", b"z"], b"{}"), flush=False)
        else:
            handle = Rdict(str(path), options)
            for number, key in enumerate([b"a", b"z", *keys * (2 if written == "over each other" else 1)]):
                handle[key] = b"%0100d" % number
                if number % 800 == 799:
                    handle.flush()
            handle.close()
        with open_for_reading(path) as store:
            middle = store.middle(KeyRange.of_prefix(b"note:"))
        assert middle is not None
        assert 0.2 < sorted(keys).index(middle) / len(keys) < 0.8

    def test_middle_by_the_files(self, tmp_path: Path) -> None:
        """Where the files tell that most of the records begin alike, the middle is at these."""
        options = raw()
        options.set_disable_auto_compactions(disable=True)
        handle = Rdict(str(tmp_path / "db"), options)
        for group in b"abcdefghi":
            for number in range(4000 if group == ord("h") else 100):
                handle[b"%c%08x" % (group, number)] = b"%0100d" % number
            handle.flush()
        handle.close()
        with open_for_reading(tmp_path / "db") as store:
            assert store.middle(ALL) == b"h00000000"
            inside = store.middle(KeyRange(b"h"))
        assert inside is not None
        assert 800 < int(inside[1:], 16) < 3200

    def test_middle_of_a_damaged_file(self, opened: Opener, tmp_path: Path) -> None:
        """A block that cannot be read is an error, and not the end of the keys."""
        path = build(tmp_path / "db", MANY, options=raw(DBCompressionType.none()))
        damage(tables(path)[0], b'{"id":00000')
        with opened(path) as store, pytest.raises(CorruptDatabase):
            store.middle(ALL)


class TestDamage:
    """A part that cannot be read is an error, and never the end of the data."""

    @pytest.mark.parametrize("number", [0, 2500, 4999], ids=["first block", "in the middle", "last block"])
    def test_scan_raises_at_a_damaged_block(self, opened: Opener, tmp_path: Path, number: int) -> None:
        """A scan delivers what lies before a damaged block and then raises, with the file and the offset."""
        path = build(tmp_path / "db", MANY, options=raw(DBCompressionType.none()))
        [file] = tables(path)
        position = damage(file, b'{"id":%05d' % number)
        delivered: list[tuple[bytes, bytes]] = []
        with opened(path) as store, pytest.raises(CorruptDatabase) as caught:
            delivered.extend(store.scan(KeyRange.of_prefix(b"task:")))
        assert delivered == list(MANY.items())[: len(delivered)]
        assert number - 40 < len(delivered) <= number
        offset = int(re.findall(r"offset (\d+)", str(caught.value.__cause__))[0])
        assert offset <= position < offset + 4200
        assert str(caught.value) == (
            f"{path}: {file.name} at offset {offset} cannot be read, every file must be whole; "
            "put a backup back, or save what is left with `migrate-spec salvage`"
        )

    def test_scan_raises_in_the_last_of_many_files(self, opened: Opener, tmp_path: Path) -> None:
        """Damage in one table file among several that overlap ends no scan silently."""
        options = raw(DBCompressionType.none())
        options.set_disable_auto_compactions(disable=True)
        path = build(tmp_path / "db", MANY, options=options)
        handle = Rdict(str(path), *Options.load_latest(str(path)))
        for number in range(0, 5000, 7):
            handle[b"task:%05d" % number] = b"newer %05d" % number
        handle.close()
        damage(tables(path)[-1], b"newer 04998")
        with opened(path) as store, pytest.raises(CorruptDatabase):
            list(store.scan(ALL))

    def test_scan_raises_at_a_damaged_blob(self, opened: Opener, tmp_path: Path) -> None:
        """A value in a damaged blob file is an error, too."""
        options = raw()
        options.set_enable_blob_files(val=True)
        path = build(tmp_path / "db", MANY, options=options)
        [blob] = path.glob("*.blob")
        damage(blob, b'{"id":03000')
        delivered: list[bytes] = []
        with opened(path) as store, pytest.raises(CorruptDatabase):
            delivered.extend(key for key, _ in store.scan(ALL))
        assert delivered == list(MANY)[:3000]

    def test_get_raises_at_a_damaged_block(self, opened: Opener, tmp_path: Path) -> None:
        """A key in a damaged block is an error and not a missing key."""
        path = build(tmp_path / "db", MANY, options=raw(DBCompressionType.none()))
        damage(tables(path)[0], b'{"id":03000')
        with opened(path) as store, pytest.raises(CorruptDatabase):
            store.get(b"task:03000")

    @pytest.mark.parametrize("open_store", [open_for_reading, open_for_writing])
    def test_damage_found_when_opening(self, open_store: Opener, tmp_path: Path) -> None:
        """Files without which nothing can be read are missed at once, by their names."""
        path = build(tmp_path / "db", MANY)
        [file], [manifest] = tables(path), path.glob("MANIFEST-*")
        cause = "every file must be whole; put a backup back, or save what is left with `migrate-spec salvage`"
        footer = file.stat().st_size - 53
        damage(file, file.read_bytes()[footer + 10 : footer + 30])
        assert refusal(open_store, path) == (
            f"CorruptDatabase: {path}: {file.name} at offset {footer} cannot be read, {cause}"
        )
        file.unlink()
        assert refusal(open_store, path) == (
            f"CorruptDatabase: {path}: {file.name} is missing, the database needs every file it names; "
            "run again if another process is writing to it, otherwise put a backup back"
        )
        manifest.write_bytes(b"nothing of a manifest")
        assert refusal(open_store, path) == f"CorruptDatabase: {path}: {manifest.name} cannot be read, {cause}"
        (path / "CURRENT").write_bytes(b"")
        assert refusal(open_store, path) == f"CorruptDatabase: {path}: CURRENT cannot be read, {cause}"
        assert not (path / CONFIG).exists()


OLD = {b"a": b"old", b"b": b"old", b"c": b"old"}


INGEST_FOR_EVER = """
import itertools, sys
from pathlib import Path
from migrate_spec.stores.rocks import open_for_writing
store = open_for_writing(Path(sys.argv[1]))
for step in itertools.count(1):
    files = [store.stage(Path(f"{sys.argv[1]}.{part}.sst")) for part in range(2)]
    for number in range(100):
        files[number % 2].put(b"%03d" % number, b"%d" % step)
    store.ingest([file.finish() for file in files])
    print(step, flush=True)
"""


class TestChanging:
    """``stage`` and ``ingest``: the only way to change a database."""

    def test_staged_changes_are_swapped_in(self, writable: Opener, tmp_path: Path) -> None:
        """New, changed and removed records are as staged, byte for byte; the rest stays; the files are gone."""
        path, folder = build(tmp_path / "db", OLD), tmp_path / "staging"
        folder.mkdir()
        changes = {b"": b"empty key", b"a": None, b"b": b"", b"none": None, b"\x00\xff"[1:]: bytes(range(256))}
        with writable(path) as store:
            file = stage(store, folder / "1.sst", dict(sorted(changes.items())))
            assert dict(store.scan(ALL)) == OLD
            before, inode = store.sequence(), file.stat().st_ino
            store.ingest([file])
            assert inode in {table.stat().st_ino for table in tables(path)}  # moved and not copied
            expected = {b"": b"empty key", b"b": b"", b"c": b"old", b"\xff": bytes(range(256))}
            assert list(store.scan(ALL)) == sorted(expected.items())
            assert store.sequence() > before
        assert list(folder.iterdir()) == []
        assert contents(path) == expected

    def test_overlapping_files_are_one_step(self, writable: Opener, tmp_path: Path) -> None:
        """Several files over the same keys go in together, and the later file counts."""
        path = build(tmp_path / "db", OLD)
        with writable(path) as store:
            files = [
                stage(store, tmp_path / "1.sst", {b"a": b"1", b"b": b"1", b"c": b"1", b"d": b"1"}),
                stage(store, tmp_path / "2.sst", {b"b": b"2", b"c": None}),
                stage(store, tmp_path / "3.sst", {b"_schema_version": b"2"}),
            ]
            store.ingest(files)
            assert dict(store.scan(ALL)) == {b"_schema_version": b"2", b"a": b"1", b"b": b"2", b"d": b"1"}
        assert [file for file in files if file.exists()] == []

    def test_ingest_of_nothing(self, writable: Opener, tmp_path: Path) -> None:
        """No files are no change."""
        with writable(build(tmp_path / "db", OLD)) as store:
            store.ingest([])
            assert dict(store.scan(ALL)) == OLD
            assert store.sequence() == len(OLD)

    def test_ingest_over_unflushed_writes(self, tmp_path: Path) -> None:
        """What an application has written, and RocksDB not yet moved to a table file, is replaced as well."""
        handle = Rdict(str(tmp_path / "db"), raw())
        with wrap(handle) as store:
            handle[b"a"] = b"unflushed"
            store.ingest([stage(store, tmp_path / "1.sst", {b"a": b"staged"})])
            assert handle[b"a"] == b"staged"
        handle.close()

    def test_an_ingest_that_fails_changes_nothing(self, writable: Opener, tmp_path: Path) -> None:
        """One damaged file among several: none of them is swapped in, and the database goes on working."""
        path = build(tmp_path / "db", OLD)
        with writable(path) as store:
            good = stage(store, tmp_path / "good.sst", {b"a": b"new", b"d": b"new"})
            bad = stage(store, tmp_path / "bad.sst", {b"b": b"new"})
            bad.write_bytes(bad.read_bytes()[:-9])
            with pytest.raises(CorruptDatabase) as caught:
                store.ingest([good, bad])
            assert str(caught.value) == (
                f"{path}: bad.sst cannot be read, every file must be whole; "
                "put a backup back, or save what is left with `migrate-spec salvage`"
            )
            assert dict(store.scan(ALL)) == OLD
            store.ingest([stage(store, tmp_path / "again.sst", {b"a": b"newer"})])
        assert contents(path) == OLD | {b"a": b"newer"}

    def test_ingest_into_a_database_opened_for_reading(self, tmp_path: Path) -> None:
        """A store opened for reading can stage, as a worker does, and not swap in."""
        path = build(tmp_path / "db", OLD)
        with open_for_reading(path) as store:
            file = stage(store, tmp_path / "1.sst", {b"a": b"new"})
            with pytest.raises(DatabaseReadOnly) as caught:
                store.ingest([file])
        assert str(caught.value) == (
            f"{path}: it was opened for reading, the work has to write to it; open it for writing"
        )
        with open_for_writing(path) as store:
            store.ingest([file])
        assert contents(path) == OLD | {b"a": b"new"}

    def test_a_killed_ingest_is_whole_or_absent(self, tmp_path: Path) -> None:
        """A process killed in the middle of ingests leaves all keys of one step, never of two."""
        keys = [b"%03d" % number for number in range(100)]
        path = build(tmp_path / "db", dict.fromkeys(keys, b"0"))
        for pause in (0.01, 0.03, 0.07, 0.11):
            with running(INGEST_FOR_EVER, path) as process:
                time.sleep(pause)
                process.kill()
            with open_for_writing(path) as store:
                found = dict(store.scan(ALL))
            assert sorted(found) == keys
            assert len(set(found.values())) == 1
            assert found[b"000"] != b"0"


def table_options(kind: str) -> Options:
    """Options that give table files of another ``kind`` than RocksDB's defaults do."""
    options, table = raw(), BlockBasedOptions()
    if kind == "Bloom filter":
        table.set_bloom_filter(10, block_based=False)
    elif kind == "large blocks":
        table.set_block_size(1 << 16)
    elif kind != "default":
        options.set_compression_type(getattr(DBCompressionType, kind)())
    options.set_block_based_table_factory(table)
    return options


def own_table(folder: Path, kind: str) -> Path:
    """A table file with many records that the database itself would write."""
    bare = SstFileWriter(table_options(kind))
    bare.open(str(folder / "own.sst"))
    for key, value in MANY.items():
        bare[key] = value
    bare.finish()
    return folder / "own.sst"


class TestStagedFile:
    """A file of changes that is not part of the database yet."""

    @pytest.mark.parametrize("open_store", [open_for_reading, open_for_writing])
    @pytest.mark.parametrize(
        ("kind", "mark"),
        [
            ("default", b"Snappy"),
            ("none", b"NoCompression"),
            ("zstd", b"ZSTD"),
            ("lz4", b"LZ4"),
            ("Bloom filter", b"fullfilter.rocksdb.BuiltinBloomFilter"),
            ("large blocks", b"Snappy"),
        ],
    )
    def test_written_with_the_options_of_the_database(
        self, open_store: Opener, tmp_path: Path, kind: str, mark: bytes
    ) -> None:
        """A staged file has the compression, filter and block size of the database: to the byte its own size."""
        path = build(tmp_path / "db", {b"a": b"1"}, options=table_options(kind))
        with open_store(path) as store:
            file = stage(store, tmp_path / "staged.sst", {**MANY})
        assert file.stat().st_size == own_table(tmp_path, kind).stat().st_size
        assert mark in file.read_bytes()

    def test_written_with_the_options_of_the_application(self, tmp_path: Path) -> None:
        """Over a handle, the options are those that the application has opened it with."""
        families = {"default": table_options("Bloom filter")}
        handle = Rdict(str(build(tmp_path / "db", {})), raw(), families)
        with wrap(handle) as store:
            file = stage(store, tmp_path / "staged.sst", {**MANY})
        assert file.stat().st_size == own_table(tmp_path, "Bloom filter").stat().st_size
        handle.close()

    @pytest.mark.parametrize("open_store", [open_for_reading, open_for_writing])
    def test_options_of_a_newer_rocksdb(self, open_store: Opener, tmp_path: Path) -> None:
        """Options that this RocksDB does not know are passed over, and the others still count."""
        path = build(tmp_path / "db", {b"a": b"1"}, options=table_options("zstd"))
        rewrite_options(
            path,
            ("rocksdb_version=9.8.4", "rocksdb_version=10.4.2"),
            ("  max_open_files=", "  quite_new=1\n  max_open_files="),
            ("  block_size=", "  newer_still={a=1;b=2;}\n  block_size="),
        )
        with open_store(path) as store:
            file = stage(store, tmp_path / "staged.sst", {**MANY})
        assert b"ZSTD" in file.read_bytes()

    def test_many_at_once(self, opened: Opener, tmp_path: Path) -> None:
        """Values that are staged together make the same file as one by one, also between others."""
        some = sorted(MANY.items())
        with opened(build(tmp_path / "db", {b"a": b"1"})) as store:
            stage(store, tmp_path / "one.sst", {**MANY})
            staged = store.stage(tmp_path / "many.sst")
            staged.put_all(some[:10])
            staged.put(*some[10])
            staged.put_all([])
            staged.put_all(iter(some[11:]))
            assert staged.finish() == tmp_path / "many.sst"
            none = store.stage(tmp_path / "none.sst")
            none.put_all([])
            assert none.finish() is None
        with open_for_writing(build(tmp_path / "other", {b"a": b"1"})) as store:
            store.ingest([tmp_path / "many.sst"])
            assert dict(store.scan(ALL)) == MANY | {b"a": b"1"}
        assert sorted(file.name for file in tmp_path.glob("*.sst")) == ["one.sst"]

    def test_many_at_once_in_a_wrong_order(self, opened: Opener, tmp_path: Path) -> None:
        """A key that does not come after the one before it ends the file, and leaves nothing of it."""
        file = tmp_path / "wrong.sst"
        for before, records in (([], [b"b", b"a"]), ([b"b"], [b"a"]), ([], [b"a", b"a"])):
            with opened(build(tmp_path / f"db{len(before)}{records}", {})) as store:
                staged = store.stage(file)
                staged.put_all((key, b"1") for key in before)
                with pytest.raises(ValueError, match=rf"^{file}: keys must be staged in strictly ascending order$"):
                    staged.put_all((key, b"1") for key in records)
                assert not file.exists()

    def test_leaves_a_file_of_the_database_alone(self, opened: Opener, tmp_path: Path) -> None:
        """A name that a killed ingest left for a file of the database is given up, and the file stays as it is."""
        path, file = build(tmp_path / "db", MANY), tmp_path / "staged.sst"
        [table] = tables(path)
        file.hardlink_to(table)
        before = table.read_bytes()
        with opened(path) as store:
            stage(store, file, {b"a": b"1"})
            assert table.read_bytes() == before
            assert dict(store.scan(ALL)) == MANY

    def test_nothing_staged(self, opened: Opener, tmp_path: Path) -> None:
        """Without a change there is no file."""
        with opened(build(tmp_path / "db", {})) as store:
            assert store.stage(tmp_path / "none.sst").finish() is None
        assert not (tmp_path / "none.sst").exists()

    @pytest.mark.parametrize("second", [b"a", b"b"])
    def test_keys_must_ascend(self, opened: Opener, tmp_path: Path, second: bytes) -> None:
        """A key that does not come after the one before it is a mistake in the program, and ends the file."""
        file = tmp_path / "wrong.sst"
        with opened(build(tmp_path / "db", {})) as store:
            staged = store.stage(file)
            staged.put(b"b", b"1")
            with pytest.raises(ValueError, match=rf"^{file}: keys must be staged in strictly ascending order$"):
                staged.put(second, b"2")
            assert not file.exists()
            staged = store.stage(file)
            staged.delete(b"b")
            with pytest.raises(ValueError, match=rf"^{file}: keys must be staged in strictly ascending order$"):
                staged.delete(second)
            assert not file.exists()


class TestCheckpoint:
    """A frozen copy of a database."""

    def test_is_frozen(self, tmp_path: Path) -> None:
        """A checkpoint holds what was written before it, flushed or not, and nothing of what comes later."""
        path, target = tmp_path / "db", tmp_path / "checkpoint"
        handle = Rdict(str(path), raw())
        handle[b"a"] = b"1"
        handle.flush()
        handle[b"b"] = b"1"
        with wrap(handle) as store:
            sequence = store.sequence()
            store.checkpoint(target)
            assert store.sequence() == sequence
        handle[b"b"] = b"2"
        handle.flush()
        handle.compact_range(None, None)
        handle.close()
        with open_for_reading(target) as store:
            assert dict(store.scan(ALL)) == {b"a": b"1", b"b": b"1"}

    def test_has_no_file_that_the_database_has_not(self, tmp_path: Path) -> None:
        """The file that rocksdict keeps is in the checkpoint of a database that has it, and in no other."""
        path = build(tmp_path / "db", {b"a": b"1"})
        with open_for_writing(path) as store:
            store.checkpoint(tmp_path / "without")
            (path / CONFIG).write_text('{"raw_mode":true,"prefix_extractors":{}}')
            store.checkpoint(tmp_path / "with")
        assert not (tmp_path / "without" / CONFIG).exists()
        assert (tmp_path / "with" / CONFIG).read_bytes() == (path / CONFIG).read_bytes()

    def test_leaves_a_folder_alone_that_exists(self, writable: Opener, tmp_path: Path) -> None:
        """A checkpoint never goes into a folder that is there already."""
        target = tmp_path / "taken"
        target.mkdir()
        (target / "file").write_text("mine")
        before = photograph(target)
        with writable(build(tmp_path / "db", {})) as store, pytest.raises(DatabaseError) as caught:
            store.checkpoint(target)
        assert str(caught.value) == f"{target}: it exists already, a checkpoint makes its own folder"
        assert photograph(target) == before

    def test_leaves_nothing_where_it_fails(self, writable: Opener, tmp_path: Path) -> None:
        """A checkpoint that cannot be made is not there."""
        path, target = build(tmp_path / "db", {}), tmp_path / "missing" / "checkpoint"
        with writable(path) as store, pytest.raises(DatabaseError) as caught:
            store.checkpoint(target)
        assert str(caught.value) == (
            f"{path}: the work on it failed (IO error: No such file or directory: While mkdir: {target}.tmp: "
            "No such file or directory); remove the cause and run again"
        )
        assert not target.parent.exists()

    def test_of_a_database_opened_for_reading(self, tmp_path: Path) -> None:
        """A store opened for reading makes none: it would lack what is only in the write-ahead log."""
        path = build(tmp_path / "db", {b"a": b"1"}, flush=False)
        with open_for_reading(path) as store, pytest.raises(DatabaseReadOnly) as caught:
            store.checkpoint(tmp_path / "checkpoint")
        assert str(caught.value) == (
            f"{path}: it was opened for reading, the work has to write to it; open it for writing"
        )
        assert not (tmp_path / "checkpoint").exists()


class TestClosing:
    """``close`` lets go of everything."""

    def test_lock_is_free_at_once(self, tmp_path: Path) -> None:
        """After all that a store can do, also half done, its database can be opened for writing again."""
        path = build(tmp_path / "db", MANY)
        store = open_for_writing(path)
        store.checkpoint(tmp_path / "checkpoint")
        abandoned, kept, unstarted = store.scan(ALL), store.scan(ALL), store.scan(ALL)
        next(abandoned)
        next(kept)
        del abandoned
        staged = store.stage(tmp_path / "1.sst")
        staged.put(b"a", b"1")
        store.close()
        store.close()
        open_for_writing(path).close()
        for scan in (kept, unstarted):
            with pytest.raises(ValueError, match=rf"^{path}: the store is closed$"):
                next(scan)
        assert staged.finish() == tmp_path / "1.sst"

    def test_is_done_by_the_context_manager(self, opened: Opener, tmp_path: Path) -> None:
        """At the end of a ``with`` block the store is closed, also where it ends with an error."""
        path = build(tmp_path / "db", {b"a": b"1"})
        with pytest.raises(KeyError), opened(path) as store:
            raise KeyError
        for use in (lambda: store.get(b"a"), lambda: list(store.scan(ALL)), lambda: store.size(ALL), store.sequence):
            with pytest.raises(ValueError, match=rf"^{path}: the store is closed$"):
                use()

    def test_an_abandoned_scan_holds_nothing(self, tmp_path: Path) -> None:
        """A scan that nobody holds any more lets go of the files that RocksDB kept for it."""
        handle = Rdict(str(build(tmp_path / "db", MANY)), raw())
        [old] = tables(tmp_path / "db")
        with wrap(handle) as store:
            scan = store.scan(ALL)
            next(scan)
            for key, value in MANY.items():
                handle[key] = value
            handle.flush()
            handle.compact_range(b"", b"z")
            assert old.exists()
            del scan
            assert not old.exists()
        handle.close()

    def test_leaves_no_temporary_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What opening for reading needs beside the database is gone after closing it."""
        path, folder = build(tmp_path / "db", {b"a": b"1"}), tmp_path / "tmp"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        with open_for_reading(path):
            assert len(list(folder.iterdir())) == 1
        assert list(folder.iterdir()) == []
        (path / "CURRENT").write_text("nonsense")
        assert refusal(open_for_reading, path).startswith("CorruptDatabase")
        assert list(folder.iterdir()) == []


WRITE_FOR_EVER = """
import sys, threading, time
from rocksdict import Options, Rdict
options = Options(raw_mode=True)
options.set_write_buffer_size(1 << 16)
options.set_target_file_size_base(1 << 16)
options.set_max_bytes_for_level_base(1 << 18)
options.set_level_zero_file_num_compaction_trigger(2)
handle, number, stop = Rdict(sys.argv[1], options, {"default": options}), 0, []
threading.Thread(target=lambda: stop.append(sys.stdin.read())).start()
print("ready", flush=True)
while not stop:
    number += 1
    for key in range(500):
        handle[b"%03d" % key] = b"%0500d" % number
    time.sleep(0.01)
"""


class TestOpeningForReading:
    """Nothing is changed, whoever else is at work."""

    def test_changes_nothing(self, tmp_path: Path) -> None:
        """All that can be read leaves every file as it was: its name, its bytes and its time of change."""
        path = build(tmp_path / "db", MANY, flush=False)
        (path / "metrics").mkdir()
        before = photograph(path)
        with open_for_reading(path) as store:
            assert dict(store.scan(ALL)) == MANY
            assert store.get(b"task:00000") == MANY[b"task:00000"]
            store.size(ALL)
            stage(store, tmp_path / "1.sst", {b"a": b"1"})
            assert photograph(path) == before
        assert photograph(path) == before

    def test_beside_a_writer_in_this_process(self, tmp_path: Path) -> None:
        """What an open handle has just written is seen, and the handle keeps its lock."""
        handle = Rdict(str(build(tmp_path / "db", MANY)), raw())
        handle[b"live"] = b"1"
        before = photograph(tmp_path / "db")
        with open_for_reading(tmp_path / "db") as store:
            assert dict(store.scan(ALL)) == MANY | {b"live": b"1"}
            handle[b"later"] = b"1"
            assert store.get(b"later") is None
        del handle[b"later"]
        assert photograph(tmp_path / "db").keys() == before.keys()
        assert "DatabaseLocked" in python(TRY_TO_WRITE, tmp_path / "db")
        handle.close()

    def test_beside_a_writer_in_another_process(self, tmp_path: Path) -> None:
        """What another process has just written is seen, and not a byte of its database changes."""
        path = build(tmp_path / "db", MANY)
        with running(WRITER, path):
            before = photograph(path)
            with open_for_reading(path) as store:
                assert dict(store.scan(ALL)) == MANY | {b"live": b"1"}
            assert photograph(path) == before

    def test_beside_compactions(self, tmp_path: Path) -> None:
        """Opened again and again while files come and go, it always shows a state that the database has had."""
        path = build(tmp_path / "db", {b"%03d" % key: b"0" for key in range(500)})
        newest = 0
        with running(WRITE_FOR_EVER, path) as process:
            for _ in range(20):
                with open_for_reading(path) as store:
                    rounds = [int(value) for _, value in store.scan(ALL)]
                # The writer goes through the keys in order, again and again.
                assert len(rounds) == 500
                assert rounds == sorted(rounds, reverse=True)
                assert rounds[0] - rounds[-1] <= 1
                assert rounds[-1] >= newest - 1
                newest = rounds[0]
            assert process.poll() is None

    def test_too_many_files(self, tmp_path: Path) -> None:
        """Where the system's limit on open files is too low for the database, the error says what to raise."""
        path = tmp_path / "db"
        handle = Rdict(str(path), raw())
        handle.set_options({"disable_auto_compactions": "true"})
        for number in range(40):
            handle[b"%d" % number] = b"1"
            handle.flush()
        handle.close()
        code = (
            "import resource, sys\nfrom pathlib import Path\nfrom migrate_spec.errors import DatabaseError\n"
            "from migrate_spec.stores.rocks import open_for_reading\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))\n"
            "try:\n    open_for_reading(Path(sys.argv[1]))\nexcept DatabaseError as error:\n    print(error)"
        )
        assert python(code, path) == (
            f"{path}: this process has too many files open, it must be able to open every file of the database; "
            "raise the limit (ulimit -n) and run again\n"
        )

    def test_on_a_read_only_file_system(self, tmp_path: Path, mounts: tuple[str, ...]) -> None:
        """A database that nobody can write to is read."""
        path = build(tmp_path / "db", {b"a": b"1"}, flush=False)
        code = (
            "import sys\nfrom pathlib import Path\nfrom migrate_spec.store import KeyRange\n"
            "from migrate_spec.stores.rocks import open_for_reading\n"
            "print(list(open_for_reading(Path(sys.argv[1])).scan(KeyRange())))"
        )
        under = (*mounts, f'mount --bind -o ro "{path}" "{path}" && exec "$@"', "sh")
        assert python(code, path, under=under) == "[(b'a', b'1')]\n"
        assert python(TRY_TO_WRITE, path, under=under) == (
            f"DatabaseReadOnly: {path}: the file system is read-only, the work has to write there; "
            "mount it for writing or work on a copy of the database\n"
        )


class TestOpeningForWriting:
    """The lock is taken, and nothing is left behind that was not there."""

    def test_locked_by_this_process(self, tmp_path: Path) -> None:
        """A database that this process has open is not opened a second time, and stays as it is."""
        path = build(tmp_path / "db", MANY)
        with open_for_writing(path):
            assert refusal(open_for_writing, path) == (
                f"DatabaseLocked: {path}: this process has it open for writing already, only one handle can write "
                "to it at a time; close the other handle, or pass that one on instead of the path"
            )
            assert not (path / CONFIG).exists()
            assert "DatabaseLocked" in python(TRY_TO_WRITE, path)

    def test_locked_by_another_process(self, tmp_path: Path) -> None:
        """A database that another process has open is left alone, to the byte."""
        path = build(tmp_path / "db", MANY)
        with in_use(path) as program:
            (path / CONFIG).unlink()
            before = photograph(path)
            assert refusal(open_for_writing, path) == (
                f"DatabaseLocked: {path}: {named(program)} has it open for writing, "
                "only one process can write to it at a time; stop that process, or wait for it with --wait"
            )
            assert photograph(path) == before
        open_for_writing(path).close()

    @pytest.mark.parametrize("config", [None, b' {"raw_mode" : true,\n"prefix_extractors":{}}'])
    def test_leaves_rocksdicts_own_file_as_it_was(self, tmp_path: Path, config: bytes | None) -> None:
        """The file that rocksdict writes at every opening is as it was before, or absent if it was."""
        path = build(tmp_path / "db", MANY)
        if config:
            (path / CONFIG).write_bytes(config)
        with open_for_writing(path) as store:
            assert (path / CONFIG).exists() == bool(config)
            store.ingest([stage(store, tmp_path / "1.sst", {b"a": b"1"})])
        assert (path / CONFIG).exists() == bool(config)
        assert config in {None, (path / CONFIG).read_bytes() if config else None}

    def test_without_permission(self, tmp_path: Path, unprivileged: tuple[str, ...]) -> None:
        """A folder or a lock that this user may not write to is named as such, and nothing is changed."""
        path = build(tmp_path / "db", MANY)
        sentence = (
            f"DatabaseReadOnly: {path}: the operating system denies this user access, "
            "the work needs the folder and every file in it; run as their owner or correct their permissions\n"
        )
        for locked_out, mode in ((path, 0o555), (path / "LOCK", 0o444), (path, 0o000)):
            before, allowed = data(path), locked_out.stat().st_mode
            locked_out.chmod(mode)
            assert python(TRY_TO_WRITE, path, under=unprivileged) == sentence
            locked_out.chmod(allowed)
            assert data(path) == before

    def test_column_families_survive(self, opened: Opener, tmp_path: Path) -> None:
        """Column families beside the default one are opened with it, counted in nothing, and lose nothing."""
        path = tmp_path / "db"
        handle = Rdict(str(path), raw())
        handle[b"a"] = b"default"
        other = handle.create_column_family("other one", table_options("zstd"))
        for key, value in MANY.items():
            other[key] = value
        other.close()
        handle.close()
        with opened(path) as store:
            assert dict(store.scan(ALL)) == {b"a": b"default"}
            assert store.size(ALL).records == 1
            if opened is not open_for_reading:
                store.ingest([stage(store, tmp_path / "1.sst", {b"b": b"new"})])
                store.checkpoint(tmp_path / "checkpoint")
        for folder in (path, tmp_path / "checkpoint") if opened is not open_for_reading else (path,):
            copy = Path(shutil.copytree(folder, tmp_path / f"copy of {folder.name}"))
            assert sorted(Rdict.list_cf(str(copy), raw())) == ["default", "other one"]
            handle = Rdict(str(copy), *Options.load_latest(str(copy)))
            other = handle.get_column_family("other one")
            assert dict(other.items()) == MANY
            other.close()
            handle.close()

    def test_a_database_in_a_sub_folder_survives(self, opened: Opener, tmp_path: Path) -> None:
        """A second database inside the folder of the first one stays as it is, whatever is done to the first."""
        path = build(tmp_path / "db", MANY)
        build(path / "metrics", {b"metrics:1": b"{}"})
        before = photograph(path / "metrics")
        with opened(path) as store:
            assert dict(store.scan(ALL)) == MANY
            if opened is not open_for_reading:
                store.ingest([stage(store, tmp_path / "1.sst", {b"b": b"new"})])
        assert photograph(path / "metrics") == before
        with open_for_reading(path / "metrics") as store:
            assert dict(store.scan(ALL)) == {b"metrics:1": b"{}"}

    def test_without_an_options_file(self, opened: Opener, tmp_path: Path) -> None:
        """RocksDB's defaults are taken where its file of options is lost."""
        path = build(tmp_path / "db", MANY)
        for file in path.glob("OPTIONS-*"):
            file.unlink()
        if opened in {open_for_reading, open_for_writing}:
            with opened(path) as store:
                assert dict(store.scan(ALL)) == MANY
                assert b"Snappy" in stage(store, tmp_path / "1.sst", {**MANY}).read_bytes()


class TestWrapping:
    """A store over the handle of an application."""

    def test_leaves_the_handle_open(self, tmp_path: Path) -> None:
        """The application's handle works before, beside and after the store, and closes when the application says."""
        path = tmp_path / "db"
        handle = Rdict(str(path), raw())
        store = wrap(handle)
        handle[b"a"] = b"1"
        assert store.get(b"a") == b"1"
        sequence = store.sequence()
        handle[b"b"] = b"1"
        assert store.sequence() == sequence + 1
        assert store.size(ALL).records == 2
        store.close()
        assert handle[b"b"] == b"1"
        handle.close()
        open_for_writing(path).close()

    def test_only_the_default_column_family(self, tmp_path: Path) -> None:
        """A handle of another column family is refused: its records are not those that would be migrated."""
        path = tmp_path / "db"
        handle = Rdict(str(path), raw())
        other = handle.create_column_family("other [1]", raw())
        assert refusal(lambda _: wrap(other), path) == (
            f"ForeignDatabase: {path}: this handle is of the column family other [1], "
            "only that of default is supported; pass the handle of the database itself"
        )
        with wrap(handle.get_column_family("default")) as store:
            assert list(store.scan(ALL)) == []
        other.close()
        handle.close()

    def test_of_a_handle_for_reading(self, tmp_path: Path) -> None:
        """A handle that cannot write makes neither a checkpoint nor a change."""
        path = build(tmp_path / "db", {b"a": b"1"}, flush=False)
        handle = Rdict(str(path), raw(), access_type=AccessType.read_only(error_if_log_file_exist=False))
        sentence = f"{path}: it was opened for reading, the work has to write to it; open it for writing"
        with wrap(handle) as store:
            assert dict(store.scan(ALL)) == {b"a": b"1"}
            file = stage(store, tmp_path / "1.sst", {b"a": b"2"})
            with pytest.raises(DatabaseReadOnly) as caught:
                store.checkpoint(tmp_path / "checkpoint")
            assert str(caught.value) == sentence
            with pytest.raises(DatabaseReadOnly) as caught:
                store.ingest([file])
            assert str(caught.value) == sentence
        handle.close()


@pytest.mark.parametrize("open_store", [open_for_reading, open_for_writing])
class TestRefusing:
    """What is no database, or one that is not supported, is refused before anything is touched."""

    def test_no_database(self, open_store: Opener, tmp_path: Path) -> None:
        """A mistyped path, a file and a folder of something else are refused, and nothing is created."""
        (tmp_path / "file").write_text("text")
        (tmp_path / "folder" / "db").mkdir(parents=True)
        before = photograph(tmp_path)
        for name, reason in {
            "missing": "there is no such folder",
            "missing/deeper": "there is no such folder",
            "file": "it is a file, a database is a folder",
            "folder": "there is no file CURRENT in it, every RocksDB has one",
        }.items():
            path = tmp_path / name
            assert refusal(open_store, path) == f"NotADatabase: {path}: {reason}; check the path; nothing was created"
        assert photograph(tmp_path) == before

    @pytest.mark.parametrize(
        ("old", "new", "sentence"),
        [
            (
                "comparator=leveldb.BytewiseComparator",
                "comparator=by_number",
                "its keys are sorted by the comparator by_number, only keys in the order of their bytes are supported",
            ),
            (
                "merge_operator=nullptr",
                "merge_operator={id=StringAppendOperator;delimiter=,;}",
                (
                    "its values are put together by the merge operator {id=StringAppendOperator;delimiter=,;}, "
                    "only values that are stored whole are supported"
                ),
            ),
        ],
    )
    def test_foreign_options(self, open_store: Opener, tmp_path: Path, old: str, new: str, sentence: str) -> None:
        """Code of an application without which keys or values mean something else is missed by its name."""
        path = build(tmp_path / "db", MANY)
        rewrite_options(path, (old, new))
        before = photograph(path)
        assert refusal(open_store, path) == (
            f"ForeignDatabase: {path}: {sentence}; migrate it with the program that made it"
        )
        assert photograph(path) == before

    def test_time_to_live(self, open_store: Opener, tmp_path: Path) -> None:
        """Values that carry the time of their end are refused."""
        path = tmp_path / "db"
        handle = Rdict(str(path), raw(), access_type=AccessType.with_ttl(1000))
        handle[b"a"] = b"1"
        handle.close()
        assert refusal(open_store, path) == (
            f"ForeignDatabase: {path}: its values carry the time at which they expire, "
            "only values without a time to live are supported; migrate it with the program that made it"
        )

    def test_write_ahead_log_elsewhere(self, open_store: Opener, tmp_path: Path) -> None:
        """A database whose last writes lie in another folder is refused; its own folder by name is none."""
        path, options = tmp_path / "db", raw()
        options.set_wal_dir(str(tmp_path / "wal"))
        handle = Rdict(str(path), options)
        handle[b"a"] = b"1"
        handle.close()
        assert refusal(open_store, path) == (
            f"ForeignDatabase: {path}: its write-ahead log lies elsewhere ({tmp_path / 'wal'}), "
            "only one within the folder is supported; migrate it with the program that made it"
        )
        rewrite_options(path, (f"wal_dir={tmp_path / 'wal'}", f"wal_dir={path}"))
        open_store(path).close()

    def test_a_newer_rocksdb(self, open_store: Opener, tmp_path: Path) -> None:
        """A format that this RocksDB cannot read yet is not taken for damage."""
        options, table = raw(), BlockBasedOptions()
        table.set_format_version(5)  # its footer has no checksum, and can be given another version
        options.set_block_based_table_factory(table)
        path = build(tmp_path / "db", MANY, options=options)
        [file] = tables(path)
        content = file.read_bytes()
        file.write_bytes(content[:-12] + bytes([99]) + content[-11:])
        assert refusal(open_store, path) == (
            f"ForeignDatabase: {path}: a newer RocksDB wrote it, the installed rocksdict reads older files only; "
            "install a newer rocksdict"
        )


@st.composite
def batches(draw: st.DrawFn) -> list[dict[bytes, bytes | None]]:
    """Batches of changes of a few keys."""
    keys = st.sampled_from([b"", b"a", b"a\x00", b"b", b"\xff", b"task:1"])
    return draw(st.lists(st.dictionaries(keys, st.none() | st.binary(max_size=3)), max_size=5))


class TestWriting:
    """Changes of single keys, as one atomic step."""

    @settings(max_examples=30, deadline=None)
    @given(batches())
    def test_as_a_dictionary(self, batches: list[dict[bytes, bytes | None]]) -> None:
        """What is read afterwards is what a dictionary would hold; each change counts in the sequence number."""
        expected = dict(RECORDS)
        with tempfile.TemporaryDirectory() as folder, open_for_writing(build(Path(folder, "db"), RECORDS)) as store:
            for changes in batches:
                before = store.sequence()
                store.write(changes)
                assert store.sequence() == before + len(changes)
                expected.update({key: value for key, value in changes.items() if value is not None})
                for key in [key for key, value in changes.items() if value is None]:
                    expected.pop(key, None)
            assert dict(store.scan(ALL)) == expected

    @pytest.mark.parametrize("sync", [False, True])
    def test_survives_the_process(self, tmp_path: Path, *, sync: bool) -> None:
        """What is written is there after a kill, and the sequence number with it."""
        path = build(tmp_path / "db", {b"a": b"1", b"b": b"2"})
        code = (
            "import os, signal, sys\nfrom pathlib import Path\nfrom migrate_spec.stores.rocks import open_for_writing\n"
            "store = open_for_writing(Path(sys.argv[1]))\n"
            "store.write({b'a': None, b'b': b'3', b'c': b''}, sync=sys.argv[2] == 'True')\n"
            "print(store.sequence(), flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
        )
        environment = os.environ | {"PYTHONPATH": str(ENGINE)}
        command = [sys.executable, "-c", code, str(path), str(sync)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL
        with open_for_writing(path) as store:
            assert dict(store.scan(ALL)) == {b"b": b"3", b"c": b""}
            assert store.sequence() == int(done.stdout)

    def test_beside_a_scan(self, writable: Opener, tmp_path: Path) -> None:
        """A scan that has begun goes on with the records as they were."""
        with writable(build(tmp_path / "db", MANY)) as store:
            records = store.scan(ALL)
            first = next(records)
            store.write(dict.fromkeys(MANY))
            assert dict([first, *records]) == MANY
            assert list(store.scan(ALL)) == []

    def test_refused(self, wrapped: Opener, tmp_path: Path) -> None:
        """A store for reading, and one that is closed, write nothing."""
        path = build(tmp_path / "db", {b"a": b"1"})
        with open_for_reading(path) as store, pytest.raises(DatabaseReadOnly) as caught:
            store.write({b"a": b"2"})
        assert (
            str(caught.value) == f"{path}: it was opened for reading, the work has to write to it; open it for writing"
        )
        closed = wrapped(path)
        closed.close()
        with pytest.raises(ValueError, match="the store is closed"):
            closed.write({b"a": b"2"})
        assert contents(path) == {b"a": b"1"}

    def test_compacting_a_range(self, writable: Opener, tmp_path: Path) -> None:
        """The room of what was replaced in a range is given back, and what is beside it stays."""
        new = {key: value[:20] for key, value in MANY.items() if key < b"task:02500"}
        with writable(build(tmp_path / "db", MANY)) as store:
            for key in MANY:
                store.write({key: os.urandom(200)})
            store.write(new)
            store.compact()
            before = store.size(ALL).bytes
            store.write(dict.fromkeys(new))
            store.compact(KeyRange(b"task:00000", b"task:02500"))
            assert store.size(ALL).bytes < before
            assert [key for key, _ in store.scan(ALL)] == sorted(MANY.keys() - new.keys())


NO_SPACE = """
import os, sys, tempfile
from pathlib import Path
from migrate_spec.errors import NoSpace
from migrate_spec.store import KeyRange
from migrate_spec.stores.rocks import open_for_reading, open_for_writing

small, elsewhere = Path(sys.argv[1]), Path(sys.argv[2])
path = small / "db"

def fails(action, *arguments):
    try:
        action(*arguments)
    except NoSpace as error:
        print(error)
    else:
        print("no error")

def fill():
    with open(small / "filler", "wb", 0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            pass

def put_all(staged):
    for number in range(100000):
        staged.put(b"%06d" % number, os.urandom(600))

store = open_for_writing(path)
fails(put_all, store.stage(small / "put.sst"))
staged = store.stage(small / "finish.sst")
staged.put(b"a", bytes(1000))
across = store.stage(elsewhere / "across.sst")
across.put(b"a", os.urandom(100000))
across.finish()
fill()
fails(staged.finish)
fails(store.checkpoint, small / "checkpoint")
fails(store.ingest, [elsewhere / "across.sst"])
print(dict(store.scan(KeyRange())) == {b"a": b"old"})
store.close()

def write_much():
    with open_for_writing(path) as store:
        fill()
        store.write({b"a": os.urandom(100000)})

(small / "filler").unlink()
fails(write_much)
fails(open_for_writing, path)
tempfile.tempdir = str(small)
fails(open_for_reading, path)
tempfile.tempdir = None
print(sorted(file.name for file in small.iterdir()), (path / "rocksdict-config.json").exists())
(small / "filler").unlink()
with open_for_writing(path) as store:
    print(dict(store.scan(KeyRange())) == {b"a": b"old"})
    store.ingest([elsewhere / "across.sst"])
    print(len(store.get(b"a")), (elsewhere / "across.sst").exists())
"""


def test_no_space(tmp_path: Path, mounts: tuple[str, ...]) -> None:
    """On a full disk each step says so and leaves the data as it was and nothing half made; with room it works."""
    source, small = build(tmp_path / "source", {b"a": b"old"}), tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=4m none "{small}" && cp -r "{source}" "{small}/db" && exec "$@"'
    full = f"{small / 'db'}: the disk is full, the work needs more room; make room and run again"
    assert python(NO_SPACE, small, tmp_path, under=(*mounts, script, "sh")).splitlines() == [
        *[full] * 4,
        "True",
        full,
        full,
        full.replace(f"{small / 'db'}", str(small)),
        "['db', 'filler'] False",
        "True",
        "100000 False",
    ]
