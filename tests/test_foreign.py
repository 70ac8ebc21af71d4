"""Databases that other programs made, or newer ones: what cannot be worked on is refused, and stays as it is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from rocksdict import BlockBasedOptions, Rdict

import migrate_spec as ms
from migrate_spec.store import KeyRange, Store
from migrate_spec.stores.rocks import open_for_reading, open_for_writing, wrap
from tests.conftest import files, make, raw

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
