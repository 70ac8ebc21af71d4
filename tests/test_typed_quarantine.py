"""Quarantine in databases that rocksdict wrote in its default mode, in which keys and values have types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec.quarantine import mark_key, mark_range, marked_key
from migrate_spec.store import KeyRange
from tests.cli_support import cli, document
from tests.conftest import Folder
from tests.test_quarantine import NUMBER, lines, quarantined
from tests.test_typed_store import build, contents, tagged

RECORDS: dict[Any, Any] = {
    "note:1": '{"n":1}',
    "note:2": '{"n":"two"}',
    "note:3": b'{"n":"three"}',
    "note:4": 4,
    "note:5": {"pickled": 5},
    "note:\U0010ffff": '{"n":"last"}',
    "\U0010ffff": "elsewhere",
    b"note:1": '{"n":1}',
    b"note:\xff": '{"n":"bytes"}',
    b"note:\xff\x00\xc3": b"{",
}


def project(folder: Folder, **more: Any) -> ms.Project:
    """Notes under texts and under bytes, of which version 2 wants a number."""
    for name, prefix in (("note", "note:"), ("raw", "\x01note:")):
        folder.schema(name, 2, NUMBER).spec(name, 1, {"rename": {"n": "m"}}, prefix=prefix, **more)
    return folder.load()


def change(path: Path, changes: dict[Any, Any]) -> None:
    """Change records as the program does that wrote them; ``None`` deletes."""
    handle = Rdict(str(path))
    for key, value in changes.items():
        if value is None:
            del handle[key]
        else:
            handle[key] = value
    handle.close()


def texts(path: Path) -> list[str]:
    """Where marks stand; each is a text, and so is its value."""
    found = {key: value for key, value in contents(path).items() if "_quarantine" in str(key[1])}
    assert {(kind, type(value)) for (kind, _), value in found.items()} <= {("str", str)}
    return [key for _, key in found]


class TestWhole:
    """All that can become of a record."""

    def test_aside_and_back(self, tmp_path: Path, folder: Folder) -> None:
        """What is rejected stays what it was, of its type, with a mark under a text; a rollback takes that away."""
        path = build(tmp_path / "db", RECORDS)
        report = quarantined(path, project(folder))
        assert {name: counts["quarantined"] for name, counts in report.collections.items()} == {"note": 5, "raw": 2}
        found = contents(path)
        carried = {"note:1": '{"schema_version":2,"m":1}', b"note:1": '{"schema_version":2,"m":1}'}
        assert tagged(RECORDS | carried).items() <= found.items()
        assert texts(path) == [
            "_quarantine:\x01note:\xff",
            "_quarantine:\x01note:\xff\x00\xc3",
            "_quarantine:note:2",
            "_quarantine:note:3",
            "_quarantine:note:4",
            "_quarantine:note:5",
            "_quarantine:note:\U0010ffff",
        ]
        manager = ms.MigrationManager(path, folder.load())
        assert manager.audit().untouched
        manager.rollback()
        assert {key: value for key, value in contents(path).items() if not str(key[1]).startswith("_")} == tagged(
            RECORDS
        )

    def test_list(self, tmp_path: Path, folder: Folder) -> None:
        """The list and ``repair`` name the keys exactly, and show each record in the form that suits it."""
        path = build(tmp_path / "db", RECORDS)
        told = {line["key_hex"]: line for line in lines(quarantined(path, project(folder)))}
        assert [bytes.fromhex(key) for key in sorted(told)] == [
            b"\x01note:\xff",
            b"\x01note:\xff\x00\xc3",
            *(f"note:{end}".encode() for end in "2345\U0010ffff"),
        ]
        assert told[b"note:3".hex()]["value"] == {"n": "three"}
        assert told[b"note:4".hex()]["text"] == "\x03\x04"
        assert told[b"note:5".hex()]["hex"].startswith("0680")
        assert told[b"note:5".hex()]["reason"] == (
            "a pickled object was found, a JSON object was expected, as to unpickle can run code of whoever wrote it; "
            "--allow-pickle (`allow_pickle`) carries over what holds nothing but what JSON has, and runs nothing"
        )
        assert (told[b"\x01note:\xff".hex()]["key"], told[b"\x01note:\xff".hex()]["value"]) == (
            "\\x01note:\\xff",
            {"n": "bytes"},
        )
        options = ("--specs", folder.specs, "--schemas", folder.schemas)
        assert [line["key_hex"] for line in document("repair", path, *options)] == sorted(told)

    def test_again(self, tmp_path: Path, folder: Folder) -> None:
        """What the program mended is taken up again, by a further step, too, and keeps the type that it has."""
        path = build(tmp_path / "db", RECORDS)
        quarantined(path, project(folder))
        change(path, {"note:2": '{"n":2}', "note:3": b'{"n":3}', "note:4": None, b"note:\xff": '{"n":7}'})
        folder.schema("note", 3, NUMBER).spec("note", 2, {"add": {"k": 0}})
        report = ms.check_and_migrate(path, folder.load())
        assert {name: counts["quarantined"] for name, counts in report.collections.items()} == {"note": 2, "raw": 1}
        found = contents(path)
        assert found["str", "note:2"] == '{"schema_version":3,"m":2,"k":0}'
        assert found["str", "note:3"] == b'{"schema_version":3,"m":3,"k":0}'
        assert found["bytes", b"note:\xff"] == '{"schema_version":2,"m":7}'
        assert texts(path) == [
            "_quarantine:\x01note:\xff\x00\xc3",
            "_quarantine:note:5",
            "_quarantine:note:\U0010ffff",
        ]
        assert ms.MigrationManager(path, folder.load()).audit().untouched

    def test_repair(self, tmp_path: Path, folder: Folder) -> None:
        """Records are repaired by a document, by a fix, or deleted, whatever their keys and values are."""
        path = build(tmp_path / "db", RECORDS)
        quarantined(path, project(folder))
        (tmp_path / "one").write_text('{"n":5}')
        (tmp_path / "fix").write_text("collection: raw\nsteps: [{set: {n: 6}}]")
        options = ("--no-backup", "--specs", folder.specs, "--schemas", folder.schemas)
        for words in (
            ("note:5", "--with", tmp_path / "one"),
            ("--fix", tmp_path / "fix"),
            (r"\x01note:\xff\x00\xc3", "--delete"),
            ("note:4", "--delete"),
        ):
            assert cli("repair", path, *words, *options).code == 0
        found = contents(path)
        assert found["str", "note:5"] == '{"schema_version":2,"m":5}'
        assert found["bytes", b"note:\xff"] == '{"schema_version":2,"m":6}'
        assert {("bytes", b"note:\xff\x00\xc3"), ("str", "note:4")}.isdisjoint(found)
        assert texts(path) == ["_quarantine:note:2", "_quarantine:note:3", "_quarantine:note:\U0010ffff"]
        assert ms.MigrationManager(path, folder.load()).audit().untouched

    def test_every_kind_of_key(self, tmp_path: Path, folder: Folder) -> None:
        """In a family where all keys are of a collection, numbers and booleans are some of them."""
        keys: list[Any] = ["", "a", "\U0010ffff", b"", b"\xff", 5, -5, 2.5, True]
        handle = Rdict(str(tmp_path / "db"))
        family = handle.create_column_family("all")
        for key in keys:
            family[key] = "{"
        family["good"] = "{}"
        family.close()
        handle.close()
        found = folder.spec("any", 1, {"add": {"k": 0}}, prefix="", column_family="all").load()
        assert quarantined(tmp_path / "db", found).quarantined == len(keys)
        manager = ms.MigrationManager(tmp_path / "db", found)
        assert manager.status().quarantined == {"any": len(keys)}
        for held in list(manager.quarantine()):
            assert held.value == b"{"
            manager.repair(held.mark.key, b"{}", column_family="all", backup=False)
        assert (manager.status().quarantined, texts(tmp_path / "db")) == ({}, [])


@given(
    st.lists(st.binary(max_size=4) | st.text(max_size=3).map(str.encode) | st.sampled_from([b"\x01\xff", b"\xff\x03"]))
)
def test_where_marks_stand(keys: list[bytes]) -> None:
    """Marks have the order of the keys, and tell them; of what is text in a typed database they are text."""
    for family in ("default", "all"):
        marks = [mark_key(key, family) for key in sorted(keys)]
        assert marks == sorted(marks)
        for key in keys:
            assert marked_key(mark_key(key, family), family) == key
            assert all((mark_key(one, family) in mark_range(family, KeyRange(key))) == (one >= key) for one in keys)
            if key[:1] in {b"\x01", b"\xff"}:
                mark_key(key, family).decode()


@pytest.mark.parametrize("name", [b"\x01\xff", "\U0010ffff".encode() + b"\xff", "\x01\u0100".encode()])
def test_what_is_no_mark(name: bytes) -> None:
    """A name that no key has is one of its own."""
    assert marked_key(b"_quarantine:" + name) == name
