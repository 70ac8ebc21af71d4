"""``migrate-spec repair``: records in quarantine are listed, and mended by hand, by a document or by a fix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from tests.cli_support import Done, Terminal, cli, document, place, plain, refusal
from tests.conftest import Folder, dump, make, write
from tests.test_quarantine import ASKED, NUMBER, entries, marks, quarantined, records

BAD, MENDED = b'{"n":"1"}', b'{"schema_version":2,"m":1}'


class World:
    """A database with two notes in quarantine, and what belongs to it."""

    def __init__(self, path: Path, folder: Folder) -> None:
        folder.schema("note", 2, NUMBER).spec("note", 1, {"rename": {"n": "m"}})
        self.project, self.folder = folder.load(), folder
        rows = {b"note:a": b'{"n":1}', b"note:b": BAD, b"note:\xff": b'{"n'}
        self.path = make(path, rows)
        quarantined(self.path, self.project)
        self.manager = ms.MigrationManager(self.path, self.project)
        self.options = ("--specs", str(folder.specs), "--schemas", str(folder.schemas))

    def write(self, name: str, text: str) -> Path:
        """A file for an option."""
        file = self.path.parent / name
        file.write_text(text, "utf-8")
        return file


@pytest.fixture
def world(tmp_path: Path, folder: Folder) -> World:
    """Two notes in quarantine: one with a text for a number, and one that is no document."""
    return World(tmp_path / "db", folder)


class TestList:
    """What is in quarantine."""

    def test_as_text(self, world: World) -> None:
        """A line for each, and how many there are; nothing is written, and no question asked."""
        before = dump(world.path)
        assert cli("repair", world.path, *world.options) == Done(
            0,
            f"note:b, note v1→v2, m: {world.folder.schemas}/note/v2.json: "
            'a text "1" was found, an integer was expected\n'
            "note:\\xff: '{\"n' was found (unterminated string starting at offset 1), JSON was expected\n"
            "2 records in quarantine\n",
        )
        assert dump(world.path) == before

    def test_as_json(self, world: World) -> None:
        """All that the mark says, with the record."""
        one, other = document("repair", world.path, *world.options)
        assert one == {
            "key": "note:b",
            "key_hex": b"note:b".hex(),
            **marks(world.path)[b"note:b"],
            "column_family": "default",
            "value": {"n": "1"},
        }
        assert (other["key_hex"], other["text"]) == (b"note:\xff".hex(), '{"n')

    def test_nothing(self, tmp_path: Path, folder: Folder) -> None:
        """Where nothing is, that is said."""
        folder.spec("note", 1).load()
        words = ("repair", make(tmp_path / "db", {}), "--specs", folder.specs, "--schemas", folder.schemas)
        assert cli(*words) == Done(0, "✓ No record is in quarantine\n")


class TestWith:
    """A document in the place of a record."""

    def test_repairs(self, world: World) -> None:
        """It goes its whole way, is checked, and swapped in with a note in the history, after a backup."""
        file = world.write("b.json", '{ "n": 1 }\n')
        done = cli("repair", world.path, "note:b", "--with", file, *world.options)
        assert plain(done.out) == "✓ 1 record out of quarantine\nBackup: _backup_NAME\n"
        assert records(world.path)[b"note:b"] == MENDED
        assert list(marks(world.path)) == [b"note:\xff"]
        entry = entries(world.path)[-1]
        assert (entry["kind"], entry["from_version"], entry["to_version"], entry["items_migrated"]) == (
            "repair",
            2,
            2,
            1,
        )
        assert [backup.reason for backup in world.manager.backups()] == [
            "apply v1→v2",
            "repair of records in quarantine",
        ]

    @pytest.mark.parametrize("value", [b'{"schema_version":2,"m":7}', b'{"n":7}'])
    def test_of_any_version(self, value: bytes, world: World) -> None:
        """A document that is of the database's version already is taken as it is."""
        report = world.manager.repair(b"note:\xff", value, backup=False)
        assert records(world.path)[b"note:\xff"] == b'{"schema_version":2,"m":7}'
        assert (report.version, report.repaired, report.deleted, report.backup) == (2, 1, 0, None)

    def test_refused_again(self, world: World) -> None:
        """A document that cannot be carried over either is told why, and nothing changes."""
        before = dump(world.path)
        file = world.write("b.json", '{"n":"one"}')
        error = refusal("repair", world.path, "note:b", "--with", file, *world.options)
        assert (error["code"], error["message"].partition(";")[0]) == (
            "record-rejected",
            f"{world.path}: 1 record cannot be migrated",
        )
        [detail] = error["details"]
        schema = world.folder.schemas / "note" / "v2.json"
        assert detail["message"] == f"note:b, note v1→v2, m: {schema}: {ASKED}"
        assert detail["where"] == place(schema, key="note:b")
        assert dump(world.path) == before

    def test_a_key_that_is_not_there(self, world: World) -> None:
        """Only records in quarantine can be repaired."""
        file = world.write("b.json", "{}")
        error = refusal("repair", world.path, "note:a", "--with", file, *world.options)
        assert error["message"] == (
            f"{world.path}: no record note:a in quarantine was found, the key of one that is there was expected; "
            "`migrate-spec repair --list` shows them"
        )
        with pytest.raises(ms.RecordMissing):
            world.manager.repair(b"note:a", b"{}")

    def test_a_record_that_was_deleted(self, world: World) -> None:
        """Where a record is gone another one takes no place of it; nothing is said to be repaired."""
        write(world.path, {b"note:b": None})
        file, before = world.write("b.json", '{"n":7}'), dump(world.path)
        error = refusal("repair", world.path, "note:b", "--with", file, *world.options)
        assert (error["code"], error["message"]) == (
            "record-missing",
            f"{world.path}: the record note:b was deleted since it was set aside, a record was expected that another "
            "one replaces; `migrate-spec apply` takes it out of the quarantine, and your program can write it again",
        )
        assert dump(world.path) == before
        world.manager.apply()
        assert b"note:b" not in marks(world.path)

    def test_a_key_with_other_bytes(self, world: World) -> None:
        r"""In a key, ``\xNN`` is a byte."""
        file = world.write("b.json", '{"n":7}')
        assert cli("repair", world.path, "note:\\xff", "--with", file, "--no-backup", *world.options).code == 0
        assert b"note:\xff" not in marks(world.path)

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--delete"], "--with or --delete without KEY was found, the key of a record was expected"),
            (["note:b"], "KEY alone was found, --with, --delete or --fix was expected beside it"),
            (
                ["note:b", "--delete", "--with", "x"],
                "two of --with, --delete, --fix and --list were found, one of them was expected",
            ),
        ],
    )
    def test_used_wrongly(self, words: list[str], sentence: str, world: World) -> None:
        """Words that do not go together."""
        assert refusal("repair", world.path, *words, *world.options, code=2)["message"] == sentence


class TestDelete:
    """A record that is of no use any more."""

    def test_deletes(self, world: World) -> None:
        """The record goes with its mark."""
        shown = document("repair", world.path, "note:b", "--delete", *world.options)
        assert (shown["repaired"], shown["deleted"], shown["refused"]) == (1, 1, [])
        assert list(records(world.path)) == [b"note:a", b"note:\xff"]
        assert list(marks(world.path)) == [b"note:\xff"]
        assert entries(world.path)[-1]["kind"] == "repair"


FIX = """
collection: note
steps:
  - convert: {n: {from: string, to: integer}}
"""


class TestFix:
    """A small spec for all records of a collection."""

    def test_repairs(self, world: World) -> None:
        """Those that can be carried over after the steps are; the others stay, and are told why."""
        done = cli("repair", world.path, "--fix", world.write("fix.yaml", FIX), "--no-backup", *world.options)
        assert done == Done(
            0,
            f"✗ note:\\xff, {world.path.parent}/fix.yaml: '{{\"n' was found "
            "(unterminated string starting at offset 1), JSON was expected\n✓ 1 record out of quarantine\n",
        )
        assert records(world.path)[b"note:b"] == MENDED
        assert list(marks(world.path)) == [b"note:\xff"]

    def test_one_record(self, world: World) -> None:
        """With a key only that record is meant; where it is refused nothing is changed."""
        before = dump(world.path)
        file = world.write("fix.yaml", FIX)
        assert cli("repair", world.path, "note:\\xff", "--fix", file, *world.options).code == 1
        assert dump(world.path) == before
        assert cli("repair", world.path, "note:b", "--fix", file, *world.options).code == 0
        assert records(world.path)[b"note:b"] == MENDED

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("collection: note", "1:1: no 'steps' was found, it is required"),
            (
                "collection: nte\nsteps: []",
                "1:13: the collection 'nte' was found, one of note was expected; did you mean 'note'?",
            ),
            (
                "collection: note\nsteps: [{ad: {a: 1}}]",
                "2:10: the unknown operation 'ad' was found, an operation was expected; did you mean 'add'?",
            ),
            (
                "collection: note\nsteps: []\nprefix: x",
                "3:1: the unknown key 'prefix' was found, only description was expected",
            ),
            ("", "1:1: no document was found, a fix was expected"),
        ],
    )
    def test_what_is_wrong(self, text: str, sentence: str, world: World) -> None:
        """A fix is checked as a spec is."""
        file = world.write("fix.yaml", text)
        with pytest.raises(ms.SpecError) as caught:
            ms.load_fix(file, world.project)
        assert str(caught.value) == f"{file}:{sentence}"

    def test_a_file_that_is_not_there(self, world: World) -> None:
        """That is said, too."""
        with pytest.raises(ms.SpecError, match="No such file or directory, a readable file was expected"):
            ms.load_fix(world.path.parent / "none.yaml", world.project)


class TestMoving:
    """Records that get other keys are repaired, too."""

    SPEC: Mapping[str, Any] = {"stamp": None, "records": [{"rekey": {"from": "note:{id}", "to": "note:{to}"}}]}

    def test_repairs(self, tmp_path: Path, folder: Folder) -> None:
        """The repaired record goes to its new key; one whose key is taken is refused; a deleted one goes."""
        found = folder.spec("note", 1, **self.SPEC).load()
        path = make(tmp_path / "db", {b"note:1": b'{"to":"a"}', b"note:2": b"{}", b"note:3": b"{}", b"note:4": b"{}"})
        quarantined(path, found)
        manager = ms.MigrationManager(path, found)
        manager.repair(b"note:2", b'{"to":"b"}')
        with pytest.raises(ms.RecordRejected, match="the key note:a was found"):
            manager.repair(b"note:3", b'{"to":"a"}')
        assert manager.repair(b"note:3", None).deleted == 1
        manager.repair(b"note:4", b'{"to":"4"}')
        assert records(path) == {b"note:a": b'{"to":"a"}', b"note:b": b'{"to":"b"}', b"note:4": b'{"to":"4"}'}
        assert marks(path) == {}


class TestOnATerminal:
    """One by one."""

    def test_edit_and_delete(self, world: World, tmp_path: Path) -> None:
        """A record and its reason are shown; it is edited until it can be carried over, or deleted after a question."""
        editor = world.write("editor.sh", '#!/bin/sh\ncp "$(dirname "$0")/next.json" "$1"\n')
        editor.chmod(0o755)
        (tmp_path / "next.json").write_text('{"n": "two"}')
        with Terminal("repair", world.path, *world.options, EDITOR=str(editor), VISUAL=str(editor)) as terminal:
            terminal.wait_for("1 of 2: note:b")
            terminal.wait_for("[q]uit")
            terminal.type("e\n")
            terminal.wait_for('a text "two" was found')
            (tmp_path / "next.json").write_text('{"n": 1}')
            terminal.wait_for("[q]uit: ")
            terminal.type("e\n")
            terminal.wait_for("2 of 2: note:\\xff")
            terminal.type("d\n")
            terminal.wait_for("Delete note:\\xff? [y/N]:")
            terminal.type("y\n")
            terminal.wait_for("That was the last one.")
            assert terminal.finish().code == 0
        assert records(world.path) == {b"note:a": MENDED, b"note:b": MENDED}
        assert marks(world.path) == {}

    def test_skip_and_quit(self, world: World) -> None:
        """Nothing is changed by passing over."""
        before = dump(world.path)
        with Terminal("repair", world.path, *world.options) as terminal:
            terminal.wait_for("1 of 2")
            terminal.type("s\n")
            terminal.wait_for("2 of 2")
            terminal.type("q\n")
            assert terminal.finish().code == 0
        assert dump(world.path) == before


def test_json_of_a_report(world: World) -> None:
    """A report is one document."""
    file = world.write("fix.yaml", FIX)
    shown = document("repair", world.path, "--fix", file, "--no-backup", *world.options)
    assert {**shown, "seconds": 0, "refused": len(shown["refused"])} == {
        "database": str(world.path),
        "version": 2,
        "repaired": 1,
        "deleted": 0,
        "refused": 1,
        "refused_count": 1,
        "seconds": 0,
        "backup": None,
    }
    assert json.dumps(shown)
