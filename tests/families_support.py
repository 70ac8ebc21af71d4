"""What the tests of databases with several column families share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rocksdict import AccessType, Options, Rdict

import migrate_spec as ms
from tests.conftest import CONFIG, VERSION, Folder, raw

Families = dict[str, dict[bytes, bytes]]

BEFORE: Families = {
    "default": {b"note:%03d" % number: b'{"a":%d}' % number for number in range(40)} | {b"other": b"1"},
    "boxes": {b"%03d" % number: b'{"id":"%03d","a":%d}' % (number, number) for number in range(40)},
    "users": {b"user:%03d" % number: b'{"a":%d}' % number for number in range(40)} | {b"\xfe": b"\x00", b"a": b"2"},
    "untouched": {b"user:1": b'{"a":1}', b"note:1": b"x"},
}
"""Records of version 1: notes in the default family, boxes that have one of their own, and users beside others."""


def written(folder: Folder, *, moving: bool = False) -> ms.Project:
    """A project of two steps for :data:`BEFORE`; ``moving``: boxes get other keys, and lose some."""
    records: dict[str, object] = (
        {"records": [{"drop": {"where": {"b": 3}}}, {"rekey": {"from": "{id}", "to": "box:{id}"}}]} if moving else {}
    )
    folder.spec("note", 1, {"rename": {"a": "b"}}).spec("note", 2, {"default": {"c": 1}})
    folder.spec("user", 1, {"rename": {"a": "b"}}, column_family="users")
    folder.spec("box", 2, {"rename": {"a": "b"}}, prefix="", column_family="boxes", **records)
    return folder.load()


def pairs() -> Iterator[tuple[str, str, dict[bytes, bytes], dict[bytes, bytes]]]:
    """Each record that moves, or that stays where it is: its collection and family, it before, and it afterwards."""
    for number in range(40):
        one, key = b'{"schema_version":%d,"b":%d}', b"%03d" % number
        note = b'{"schema_version":3,"b":%d,"c":1}' % number
        yield "note", "default", {b"note:" + key: b'{"a":%d}' % number}, {b"note:" + key: note}
        yield "user", "users", {b"user:" + key: b'{"a":%d}' % number}, {b"user:" + key: one % (2, number)}
        box = b'{"schema_version":3,"id":"%03d","b":%d}' % (number, number)
        yield "box", "boxes", {key: BEFORE["boxes"][key]}, {} if number == 3 else {b"box:" + key: box}


def make(path: Path, families: Mapping[str, Mapping[bytes, bytes]] = BEFORE) -> Path:
    """A new database with these records, each family in a table file."""
    handle = Rdict(str(path), raw())
    for name, records in families.items():
        part = handle if name == "default" else handle.create_column_family(name, raw())
        for key, value in records.items():
            part[key] = value
        part.flush()
        if name != "default":
            part.close()
    handle.close()
    (path / CONFIG).unlink()
    return path


def dump(path: Path) -> Families:
    """Every key and value of every column family, read to a proven end, from a copy: looking changes nothing."""
    found: Families = {}
    with TemporaryDirectory() as folder:
        copy = Path(folder, "db")
        shutil.copytree(path, copy, ignore=shutil.ignore_patterns("LOCK"))
        names = Rdict.list_cf(str(copy), raw())
        families = dict.fromkeys(names, raw())
        handle = Rdict(str(copy), raw(), families, AccessType.read_only(error_if_log_file_exist=False))
        for name in names:
            part = handle.get_column_family(name)
            records = part.iter()
            records.seek_to_first()
            found[name] = {}
            while records.valid():
                found[name][bytes(records.key())] = bytes(records.value())
                records.next()
            records.status()
            del records
            part.close()
        handle.close()
    return found


def data(path: Path) -> Families:
    """Every record but those that the system keeps for itself."""
    found = dump(path)
    found["default"] = {key: value for key, value in found["default"].items() if not key.startswith(b"_")}
    return found


def version(path: Path) -> bytes | None:
    """What stands under the key of the version."""
    return dump(path)["default"].get(VERSION)


def write(path: Path, family: str, changes: Mapping[bytes, bytes | None]) -> None:
    """Change records as an application does that knows nothing of migrations; ``None`` deletes."""
    handle = Rdict(str(path), *Options.load_latest(str(path)))
    part = handle.get_column_family(family)
    for key, value in changes.items():
        if value is None:
            del part[key]
        else:
            part[key] = value
    part.close()
    handle.close()
    (path / CONFIG).unlink(missing_ok=True)
