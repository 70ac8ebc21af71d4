"""Databases that rocksdict wrote in its default mode: keys and values have types."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rocksdict import AccessType, Rdict

import migrate_spec as ms
from migrate_spec import in_place
from migrate_spec.store import KeyRange, Store
from migrate_spec.stores.rocks import open_for_reading, open_for_writing, wrap
from migrate_spec.stores.rocks_typed import Pickled, first_from, key_of, typed_key, typed_value, value_of
from tests.conftest import CONFIG, Folder, files

Typed = dict[Any, Any]
Opener = Callable[[Path], Store]

RECORDS: Typed = {
    "": "the empty text",
    b"": "no bytes",
    "task:1": '{"a":1}',
    "task:2": b'{"a":2}',
    "task:\U0010ffff": "",
    "taskx": b"",
    "é": "ü",
    "\x00": "zero",
    "\x01": "one",
    "\x02": "two",
    "\x03": "three",
    b"task:1": '{"a":3}',
    b"\xff\x00": b"\x02\x03",
    5: True,
    -5: False,
    300: -(10**30),
    10**30: 1.5,
    -(10**30): 7,
    7: "\x06 begins with the byte of a pickle",
    2.5: b"\xff",
    -2.5: 0,
    True: {"pickled": 1},
    False: None,
}


def build(path: Path, records: Typed) -> Path:
    """A database in the default mode."""
    handle = Rdict(str(path))
    for key, value in records.items():
        handle[key] = value
    handle.close()
    return path


def contents(path: Path, config: str = "") -> Typed:
    """All that rocksdict finds in a copy of a database, with its own file or another one; what is pickled stays so."""
    copy = path.with_name("copy")
    shutil.copytree(path, copy, ignore=shutil.ignore_patterns("LOCK"))
    if config:
        (copy / CONFIG).write_text(config, "utf-8")
    handle = Rdict(str(copy), access_type=AccessType.read_only(error_if_log_file_exist=False))
    handle.set_loads(Pickled)
    records = handle.iter()
    records.seek_to_first()
    found = {}
    while records.valid():
        key = records.key()
        found[type(key).__name__, key] = records.value()
        records.next()
    records.status()
    del records
    handle.close()
    shutil.rmtree(copy)
    return found


def tagged(records: Typed) -> Typed:
    """Records as :func:`contents` gives them."""
    plain = (str, bytes, int, float, bool)
    return {
        (type(key).__name__, key): value if isinstance(value, plain) else Pickled(pickle.dumps(value))
        for key, value in records.items()
    }


@pytest.fixture
def wrapped() -> Iterator[Opener]:
    """Opens a database through a handle as an application has it; the handles are closed after the test."""
    handles: list[Rdict] = []

    def open_wrapped(path: Path) -> Store:
        handles.append(Rdict(str(path)))
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


AS_BYTES = {
    key_of(key): value_of(value if type(value) is not dict and value is not None else Pickled(pickle.dumps(value)))
    for key, value in RECORDS.items()
}


class TestStore:
    """The contract of a store."""

    def test_reading(self, opened: Opener, tmp_path: Path) -> None:
        """Every key is found, in ascending order as bytes, in every range, any number at a time; none is unpickled."""
        path = build(tmp_path / "db", RECORDS)
        ordered = sorted(AS_BYTES.items())
        with opened(path) as store:
            assert list(store.scan(KeyRange())) == ordered
            assert [chunk for size in (1, 2, 100) for chunk in store.chunks(KeyRange(), size)] == [
                ordered[at : at + size] for size in (1, 2, 100) for at in range(0, len(ordered), size)
            ]
            for key, value in ordered:
                assert store.get(key) == value
                assert store.get(key + b"\xfe") is None
            bounds = [b"", b"\x00", b"\x02\x05", b"\xfe", b"\xff", b"\xff\x03\x81", b"\xff\xff", *list(AS_BYTES)[::3]]
            for start in bounds:
                assert list(store.scan(KeyRange(start))) == [one for one in ordered if one[0] >= start]
                for stop in bounds:
                    keys = KeyRange(start, stop)
                    assert list(store.scan(keys)) == [one for one in ordered if one[0] in keys]
            assert store.size(KeyRange()).records == len(RECORDS)

    def test_in_parts(self, opened: Opener, tmp_path: Path) -> None:
        """A range can be split until each part has one key."""
        path = build(tmp_path / "db", RECORDS | {f"task:{number}": "{}" for number in range(200)})

        def split(store: Store, keys: KeyRange) -> list[bytes]:
            here, middle = [key for key, _ in store.scan(keys)], store.middle(keys)
            assert (middle is None) == (len(here) < 2)
            if middle is None:
                return here
            assert here[0] < middle <= here[-1]
            return [*split(store, KeyRange(keys.start, middle)), *split(store, KeyRange(middle, keys.stop))]

        with opened(path) as store:
            assert split(store, KeyRange()) == [key for key, _ in store.scan(KeyRange())]
            assert store.size(KeyRange.of_prefix(b"task:")).records >= 200

    def test_changing(self, writable: Opener, tmp_path: Path) -> None:
        """All keys can be staged in their order, values keep their types, and the database its mode."""
        path = build(tmp_path / "db", RECORDS)
        config = (path / CONFIG).read_bytes()
        with writable(path) as store:
            staged = store.stage(tmp_path / "staged.sst")
            for key, value in sorted(AS_BYTES.items()):
                staged.put(key, value)
            store.ingest([staged.finish() or tmp_path])
            store.checkpoint(tmp_path / "checkpoint")
        assert contents(path) == contents(tmp_path / "checkpoint") == tagged(RECORDS)
        assert (path / CONFIG).read_bytes() == config

    def test_types_of_values(self, writable: Opener, tmp_path: Path) -> None:
        """A new value has the type of the old one, where it can; a new key has a text, where it can."""
        path = build(tmp_path / "db", RECORDS)
        with writable(path) as store:
            staged = store.stage(tmp_path / "staged.sst")
            for key in sorted(AS_BYTES):
                if key == b"task:1":
                    staged.put(key, b'{"b":1}')
                elif key == b"task:2":
                    staged.put(key, b'{"b":2}')
                elif key == b"taskx":
                    staged.put(key, b"\x82\xa1")
                else:
                    staged.delete(key)
            store.ingest([staged.finish() or tmp_path])
        assert contents(path) == tagged({"task:1": '{"b":1}', "task:2": b'{"b":2}', "taskx": b"\x82\xa1"})

    def test_without_an_options_file(self, tmp_path: Path) -> None:
        """Where RocksDB's file of options is lost, that of rocksdict tells."""
        path = build(tmp_path / "db", {"a": "1"})
        for file in path.glob("OPTIONS-*"):
            file.unlink()
        for open_store in (open_for_reading, open_for_writing):
            with open_store(path) as store:
                assert list(store.scan(KeyRange())) == [(b"a", b"1")]
        assert contents(path) == tagged({"a": "1"})

    def test_which_mode(self, tmp_path: Path) -> None:
        """The database tells its mode, whatever rocksdict's own file says; that stays as it is."""
        path = build(tmp_path / "db", {"a": "1"})
        for config in (None, b'{"raw_mode":true,"prefix_extractors":{}}', b"{"):
            (path / CONFIG).unlink(missing_ok=True)
            if config is not None:
                (path / CONFIG).write_bytes(config)
            for open_store in (open_for_reading, open_for_writing):
                with open_store(path) as store:
                    assert list(store.scan(KeyRange())) == [(b"a", b"1")]
            assert (path / CONFIG).exists() == (config is not None)
            assert config is None or (path / CONFIG).read_bytes() == config

    def test_what_a_killed_process_left(self, tmp_path: Path, folder: Folder) -> None:
        """Its own file is empty before rocksdict writes it: where a process was killed then, the next one mends it."""
        project = folder.spec("task", 1, {"rename": {"a": "b"}}).load()
        path = build(tmp_path / "db", {"task:1": '{"a":1}'})
        ms.check_and_migrate(path, project)
        before = (path / CONFIG).read_bytes()
        (path / f"{CONFIG}.spare").write_bytes(before)
        (path / CONFIG).write_bytes(b"")
        with pytest.raises(Exception, match="does not match existing comparator"):
            Rdict(str(path))
        ms.check_and_migrate(path, project)
        assert (path / CONFIG).read_bytes() == before
        assert [file.name for file in path.iterdir() if file.name.startswith(CONFIG)] == [CONFIG]


KEYS = st.one_of(st.text(max_size=4), st.binary(max_size=4), st.integers(), st.floats(allow_nan=False), st.booleans())


def order(key: Any) -> tuple[int, Any]:
    """How rocksdict sorts keys."""
    kinds = (bytes, str, int, float, bool)
    if type(key) in {int, bytes}:
        return kinds.index(type(key)), key
    return kinds.index(type(key)), key_of(key)[1:] if type(key) in {float, bool} else key.encode()


@settings(deadline=None)
@given(st.lists(KEYS, max_size=8), st.binary(max_size=5))
def test_keys(keys: list[Any], bound: bytes) -> None:
    """As bytes, keys have the same order and are as different; where a scan begins, no key is left out."""
    encoded = [key_of(key) for key in sorted(keys, key=order)]
    assert encoded == sorted(encoded)
    for key in keys:
        back = typed_key(key_of(key))
        assert (type(back), repr(back)) == (type(key), repr(key))
        if key_of(key) >= bound:
            first = first_from(bound)
            assert first is not None
            assert order(first) <= order(key)


@settings(deadline=None)
@given(st.one_of(KEYS, st.binary().map(Pickled)))
def test_values(value: Any) -> None:
    """A value comes back as it was, of the type that it had."""
    back = typed_value(value_of(value), value)
    assert (type(back), repr(back)) == (type(value), repr(value))


class TestMigrating:
    """Up and back."""

    def test_up_and_back(self, tmp_path: Path, folder: Folder) -> None:
        """Documents are carried over in the type that they have; version and history are texts."""
        project = folder.spec("task", 1, {"rename": {"a": "b"}}).load()
        more = {f"task:{number}": f'{{"a":{number}}}' for number in range(3, 50)}
        records = {key: value for key, value in RECORDS.items() if value != ""} | more
        path = build(tmp_path / "db", records)
        before = files(path)
        manager = ms.MigrationManager(path, project)
        assert manager.plan().to_version == 2
        assert files(path) == before
        manager.apply()
        found = contents(path)
        assert found["str", "_schema_version"] == "2"
        assert json.loads(found["str", "_migration_history"])["migrations"][0]["items_migrated"] == 49
        assert found["str", "task:1"] == '{"schema_version":2,"b":1}'
        assert found["str", "task:2"] == b'{"schema_version":2,"b":2}'
        assert found["bytes", b"task:1"] == '{"a":3}'
        untouched = {key: value for key, value in tagged(records).items() if not str(key[1]).startswith("task:")}
        assert untouched.items() <= found.items()
        handle = Rdict(str(path))
        assert handle["task:7"] == '{"schema_version":2,"b":7}'
        assert handle[True] == {"pickled": 1}
        ms.check_and_migrate(handle, project)
        handle.close()
        manager.rollback()
        found = {key: value for key, value in contents(path).items() if not str(key[1]).startswith("_")}
        assert found == tagged(records)

    def test_in_place(self, tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        """Batches are written, and cleared up behind, in the types that keys and values have."""
        monkeypatch.setattr(in_place, "BYTES_A_BATCH", 1)
        monkeypatch.setattr(in_place, "BYTES_A_STRETCH", 1)
        monkeypatch.setattr(in_place, "RECORDS_A_CHUNK", 2)
        project = folder.spec("task", 1, {"rename": {"a": "b"}}).load()
        path = build(tmp_path / "db", RECORDS | {"task:\U0010ffff": '{"a":5}', "task:3": '{"c":3}'})
        assert ms.MigrationManager(path, project).apply(in_place=True).collections["task"]["migrated"] == 3
        found = contents(path)
        assert found["str", "task:1"] == '{"schema_version":2,"b":1}'
        assert found["str", "task:2"] == b'{"schema_version":2,"b":2}'
        assert found["str", "task:\U0010ffff"] == '{"schema_version":2,"b":5}'
        assert found["str", "_schema_version"] == "2"
        untouched = {key: value for key, value in tagged(RECORDS).items() if not str(key[1]).startswith("task:")}
        assert untouched.items() <= found.items()

    def test_keys_that_are_bytes(self, tmp_path: Path, folder: Folder) -> None:
        """A collection of them has a prefix that begins with the byte 1."""
        project = folder.spec("task", 1, {"rename": {"a": "b"}}, prefix="\x01task:").load()
        path = build(tmp_path / "db", {b"task:1": '{"a":1}', b"task:2": b'{"a":2}', "task:1": '{"a":1}'})
        ms.check_and_migrate(path, project)
        found = {key[1]: value for key, value in contents(path).items() if key[0] == "bytes"}
        assert found == {b"task:1": '{"schema_version":2,"b":1}', b"task:2": b'{"schema_version":2,"b":2}'}
        assert contents(path)["str", "task:1"] == '{"a":1}'

    def test_what_is_no_document(self, tmp_path: Path, folder: Folder) -> None:
        """Numbers, booleans and pickled objects in a collection are rejected; elsewhere they are nobody's concern."""
        project = folder.spec("task", 1, {"rename": {"a": "b"}}).load()
        values = {"task:1": 1, "task:2": 1.5, "task:3": True, "task:4": {"a": 1}, "task:5": '{"a":1}', "other": 1}
        path = build(tmp_path / "db", values)
        with pytest.raises(ms.RecordRejected) as caught:
            ms.check_and_migrate(path, project)
        assert [rejection.key for rejection in caught.value.rejections] == [b"task:1", b"task:2", b"task:3", b"task:4"]
        assert str(caught.value.rejections[3]) == (
            "task:4: a pickled object was found, a JSON object was expected, as to unpickle can run code of whoever "
            "wrote it; --allow-pickle (`allow_pickle`) carries over what holds nothing but what JSON has, and runs "
            "nothing"
        )
        assert contents(path) == tagged(values)
