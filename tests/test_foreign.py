"""Databases that other programs made, or newer ones: what cannot be worked on is refused, and stays as it is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from rocksdict import (
    BlockBasedIndexType,
    BlockBasedOptions,
    DataBlockIndexType,
    DBCompactionStyle,
    DBCompressionType,
    Options,
    Rdict,
    SliceTransform,
)

import migrate_spec as ms
from migrate_spec.store import KeyRange, Store
from migrate_spec.stores.rocks import open_for_reading, open_for_writing, wrap
from tests.conftest import CONFIG, Folder, files, make, raw

NEWER = "{path}: a newer RocksDB wrote it, the installed rocksdict reads older files only; install a newer rocksdict"
SURREALDB = (
    "{path}: it is a database of SurrealDB, as Meridian's later storage is, records as plain keys and values were "
    "expected; export it with SurrealDB"
)
OPEN: tuple[Callable[[Path], Store], ...] = (open_for_reading, open_for_writing)


def refusal(path: Path, project: ms.Project, open_store: Callable[[Path], Store]) -> str:
    """The sentence with which a database is not opened; status, plan and apply say the same, and change nothing."""
    before = files(path)
    manager = ms.MigrationManager(path, project)
    sentences = set()
    for do in (manager.status, manager.plan, manager.apply):
        with pytest.raises(ms.ForeignDatabase) as caught:
            do()
        sentences.add(str(caught.value))
    assert files(path) == before
    with pytest.raises(ms.ForeignDatabase) as caught:
        open_store(path)
    assert sentences == {str(caught.value)}
    return str(caught.value)


def append(manifest: Path, edit: bytes) -> None:
    """Put another record at the end of a MANIFEST: its checksum (CRC-32C, masked), length and kind go first."""
    kind = b"\x01"
    checksum = 0xFFFFFFFF
    for byte in kind + edit:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x82F63B78 if checksum & 1 else 0)
    checksum ^= 0xFFFFFFFF
    masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
    with manifest.open("ab") as file:
        file.write(struct.pack("<IH", masked, len(edit)) + kind + edit)


@pytest.mark.parametrize("open_store", OPEN)
class TestNewerRocksDB:
    """What a later RocksDB writes is not taken for damage."""

    @pytest.mark.parametrize("version", [5, 6])
    def test_a_table(
        self, version: int, open_store: Callable[[Path], Store], tmp_path: Path, project: ms.Project
    ) -> None:
        """A table file of a later format."""
        options, table = raw(), BlockBasedOptions()
        table.set_format_version(version)
        options.set_block_based_table_factory(table)
        path = tmp_path / "db"
        with_table(path, options)
        [file] = path.glob("*.sst")
        content = file.read_bytes()
        assert content[-12] == version
        file.write_bytes(content[:-12] + bytes([99]) + content[-11:])
        assert refusal(path, project, open_store) == NEWER.format(path=path)

    def test_the_manifest(self, open_store: Callable[[Path], Store], tmp_path: Path, project: ms.Project) -> None:
        """A record of a kind that came later, and may not be passed over."""
        path = make(tmp_path / "db", {b"a": b"1"})
        [manifest] = path.glob("MANIFEST-*")
        append(manifest, b"\xbc\x05")  # the tag 700
        assert refusal(path, project, open_store) == NEWER.format(path=path)

    def test_what_may_be_passed_over(self, open_store: Callable[[Path], Store], tmp_path: Path) -> None:
        """A record of a kind that came later, and may be passed over, as its tag says."""
        path = make(tmp_path / "db", {b"a": b"1"})
        [manifest] = path.glob("MANIFEST-*")
        append(manifest, b"\xbc\x45\x01\x00")  # the tag 700 + 8192, with one byte
        with open_store(path) as store:
            assert store.get(b"a") == b"1"


def with_table(path: Path, options: object) -> None:
    """A new database with one table file."""
    handle = Rdict(str(path), options)  # type: ignore[arg-type]
    handle[b"a"] = b"1"
    handle.close()
    (path / "rocksdict-config.json").unlink()


NODE = b"/!nd" + bytes(range(16))
RECORD = b"/*test\0*test\0*person\0*\0\0\0\1one\0"


class TestSurrealDB:
    """Told by its keys."""

    @pytest.mark.parametrize("open_store", OPEN)
    @pytest.mark.parametrize(
        "records",
        [
            {b"!v": b"\0\1"},
            {b"!v": b"\0\2", NODE: b"\1\0", b"/!nstest\0": b"\1", RECORD: b"\1"},
            {NODE: b"\1\0", RECORD: b"\1"},
            {b"/!nstest\0": b"\1", RECORD: b"\1"},
            {b"!v": b"\0\3", b"/+\0\0\0\0!di": b"\1", b"/$" + NODE[4:]: b"\1"},
        ],
    )
    def test_refused(
        self, records: dict[bytes, bytes], open_store: Callable[[Path], Store], tmp_path: Path, project: ms.Project
    ) -> None:
        """A new database of it, those of several versions, and a handle on one."""
        path = make(tmp_path / "db", records)
        assert refusal(path, project, open_store) == SURREALDB.format(path=path)
        handle = Rdict(str(path), raw())
        with pytest.raises(ms.ForeignDatabase):
            wrap(handle)
        assert {key: handle[key] for key in records} == records
        handle.close()

    @pytest.mark.parametrize(
        "records",
        [
            {},
            {b"!v": b"\0\1", NODE: b"\1", b"task:1": b"{}"},
            {b"!v": b"12"},
            {b"!v": b"\0\1\2", RECORD: b"1"},
            {b"/!nd1": b"{}", b"/!ns": b"{}"},
            {b"/home/a": b"{}", b"/home/b": b"{}"},
            {b"/*": b"{}", b"/etc": b"{}"},
            {b"": b"1", NODE: b"1"},
        ],
    )
    def test_not_refused(self, records: dict[bytes, bytes], tmp_path: Path) -> None:
        """A plain database may have some odd keys."""
        path = make(tmp_path / "db", records)
        for open_store in OPEN:
            with open_store(path) as store:
                assert dict(store.scan(KeyRange())) == records


def blob_files() -> Options:
    """Large values lie in files of their own."""
    options = raw()
    options.set_enable_blob_files(val=True)
    options.set_min_blob_size(100)
    return options


def prefixes() -> Options:
    """Filters of the beginnings of keys, and an index by these."""
    options, table = raw(), BlockBasedOptions()
    options.set_prefix_extractor(SliceTransform.create_fixed_prefix(3))
    options.set_memtable_prefix_bloom_ratio(0.1)
    table.set_index_type(BlockBasedIndexType.hash_search())
    table.set_data_block_index_type(DataBlockIndexType.binary_and_hash())
    options.set_block_based_table_factory(table)
    return options


def parted() -> Options:
    """An index in parts, and another way to compact."""
    options, table = raw(), BlockBasedOptions()
    table.set_index_type(BlockBasedIndexType.two_level_index_search())
    table.set_block_size(1024)
    options.set_block_based_table_factory(table)
    options.set_compaction_style(DBCompactionStyle.universal())
    return options


def compressed() -> Options:
    """Another compression at each level."""
    options = raw()
    options.set_compression_per_level([DBCompressionType.none()] * 3 + [DBCompressionType.zstd()] * 4)
    return options


FAMILIES = {"blobs": blob_files, "prefixes": prefixes, "parted": parted, "compressed": compressed}


def family_options(path: Path) -> dict[str, str]:
    """What the newest OPTIONS file says of each column family and its table files."""
    newest = max(path.glob("OPTIONS-*"), key=lambda file: int(file.name.removeprefix("OPTIONS-")))
    parts = newest.read_text().split("\n[")
    return {part.split("]")[0]: part for part in parts if part.startswith(("CFOptions", "TableOptions"))}


def test_options_of_column_families(tmp_path: Path, folder: Folder) -> None:
    """Each family keeps its options, new files are written with them, and all is read by them, as before a run."""
    path = tmp_path / "db"
    handle = Rdict(str(path), raw())
    for name, options in FAMILIES.items():
        folder.spec(name, 1, {"rename": {"a": "b"}}, prefix="", column_family=name)
        part = handle.create_column_family(name, options())
        for number in range(500):
            part[b"%05d" % number] = b'{"a":%d,"t":"%s"}' % (number, b"text" * (50 if number % 2 else 1))
        part.flush()
        part.close()
    handle.close()
    (path / CONFIG).unlink()
    before = family_options(path)
    assert len(before) == 2 * (len(FAMILIES) + 1)
    manager = ms.MigrationManager(path, folder.load())
    sizes = manager.sizes(manager.plan())
    assert sizes["blobs"].records == 500
    assert sizes["blobs"].bytes > sum(file.stat().st_size for file in path.glob("*.blob")) > sizes["blobs"].own_bytes
    blobs = set(path.glob("*.blob"))
    manager.apply()
    assert family_options(path) == before
    assert set(path.glob("*.blob")) == blobs  # in new files large values lie beside their keys
    for compacts in (False, True):
        handle = Rdict(str(path), *Options.load_latest(str(path)))
        for name in FAMILIES:
            part = handle.get_column_family(name)
            if compacts:
                part.compact_range(None, None)
            assert dict(part.items()) == {
                b"%05d" % number: b'{"schema_version":2,"b":%d,"t":"%s"}'
                % (number, b"text" * (50 if number % 2 else 1))
                for number in range(500)
            }
            assert part[b"00007"] == b'{"schema_version":2,"b":7,"t":"%s"}' % (b"text" * 50)
            assert part.get(b"00777") is None
            part.close()
        handle.close()
    (path / CONFIG).unlink()
    assert set(path.glob("*.blob")).isdisjoint(blobs)  # RocksDB has put them into files of their own again
    assert list(path.glob("*.blob"))
    manager.rollback()
    with open_for_reading(path) as store:
        for name in FAMILIES:
            assert store.family(name).get(b"00007") == b'{"a":7,"t":"%s"}' % (b"text" * 50)
