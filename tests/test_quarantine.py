"""Quarantine: records that cannot be carried over stay as they were, marked and listed, and are taken up again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec.backup import find_backup
from migrate_spec.executors import processes
from migrate_spec.quarantine import read_standing
from migrate_spec.rejected import staged_name
from migrate_spec.stores.rocks import open_for_reading
from tests import families_support as families
from tests.conftest import HISTORY, VERSION, Folder, beside, compact, data, dump, files, make, python, write
from tests.runner_support import direct, small_jobs

__all__ = ["small_jobs"]

QUARANTINE_PREFIX = b"_quarantine:"
GOOD, GOOD_2 = b'{"n":1}', b'{"schema_version":2,"m":1}'
NUMBER = {"type": "object", "properties": {"m": {"type": "integer"}}, "required": ["m"]}
ASKED = 'a text "one" was found, an integer was expected'


def project(folder: Folder, upto: int = 2, **more: Any) -> ms.Project:
    """Notes of which version 2 calls ``n`` ``m``, and wants a number there; version 3 adds ``k``."""
    folder.schema("note", 2, NUMBER).schema("note", 3, NUMBER).spec("note", 1, {"rename": {"n": "m"}}, **more)
    if upto == 3:
        folder.spec("note", 2, {"add": {"k": 0}}, **{name: more[name] for name in ("stamp",) if name in more})
    return folder.load()


def marks(path: Path) -> dict[bytes, Any]:
    """What is marked in a database, by the keys of the records."""
    found = {key: json.loads(value) for key, value in dump(path).items() if key.startswith(QUARANTINE_PREFIX)}
    return {key.removeprefix(QUARANTINE_PREFIX): value for key, value in found.items()}


def records(path: Path) -> dict[bytes, bytes]:
    """The records of a database."""
    return {key: value for key, value in data(path).items() if not key.startswith(QUARANTINE_PREFIX)}


def entries(path: Path) -> list[dict[str, Any]]:
    """The history as stored."""
    stored: dict[str, list[dict[str, Any]]] = json.loads(dump(path)[HISTORY])
    return stored["migrations"]


def quarantined(path: Path, project: ms.Project, to: int | None = None) -> ms.ApplyReport:
    """A run that sets records aside."""
    return ms.MigrationManager(path, project).apply(to, on_error="quarantine")


def lines(report: ms.ApplyReport) -> list[dict[str, Any]]:
    """The list that a run wrote."""
    assert report.rejected is not None
    return [json.loads(line) for line in Path(report.rejected).read_bytes().splitlines()]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Three notes, of which one does not fit, and one is no document."""
    rows = {b"note:a": GOOD, b"note:b": b'{"n": "one"}', b"note:\xff": b'{"n', b"other": b"x"}
    return make(tmp_path / "db", rows)


class TestAside:
    """What a run does that sets records aside."""

    def test_records_stay_as_they_were(self, notes: Path, folder: Folder) -> None:
        """What is rejected keeps its bytes and gets a mark; all others are carried, and the version is the new one."""
        report = quarantined(notes, project(folder))
        assert records(notes) == {
            b"note:a": GOOD_2,
            b"note:b": b'{"n": "one"}',
            b"note:\xff": b'{"n',
            b"other": b"x",
        }
        assert dump(notes)[VERSION] == b"2"
        assert report.collections == {"note": {"scanned": 3, "migrated": 1, "unchanged": 0, "quarantined": 2}}
        assert report.steps == [{"from_version": 1, "to_version": 2, "items_migrated": 1}]
        assert report.quarantined == 2

    def test_marks(self, notes: Path, folder: Folder) -> None:
        """A mark says which step refused a record, where in it, and why; and since when."""
        quarantined(notes, project(folder))
        found, at = marks(notes), entries(notes)[0]["started_at"]
        assert list(found) == [b"note:b", b"note:\xff"]
        assert found[b"note:b"] == {
            "collection": "note",
            "version": 1,
            "step": "note v1→v2",
            "path": "m",
            "place": str(folder.schemas / "note" / "v2.json"),
            "reason": ASKED,
            "at": at,
        }
        assert found[b"note:\xff"]["step"] == ""
        assert found[b"note:\xff"]["reason"] == (
            "'{\"n' was found (unterminated string starting at offset 1), JSON was expected"
        )

    def test_history(self, notes: Path, folder: Folder) -> None:
        """The history counts them, and names the list."""
        report = quarantined(notes, project(folder))
        [entry] = entries(notes)
        told = entry["collections"]["note"]
        assert {name: told[name] for name in report.collections["note"]} == report.collections["note"]
        assert (entry["items_migrated"], entry["rejected"]) == (1, report.rejected)

    def test_list(self, notes: Path, folder: Folder) -> None:
        """The list has a line for each, with the exact key and the record in the form that suits it."""
        report = quarantined(notes, project(folder))
        one, other = lines(report)
        assert one == {
            "key": "note:b",
            "key_hex": b"note:b".hex(),
            "step": "note v1→v2",
            "path": "m",
            "place": str(folder.schemas / "note" / "v2.json"),
            "reason": ASKED,
            "value": {"n": "one"},
        }
        assert (other["key"], other["key_hex"], other["text"]) == ("note:\\xff", b"note:\xff".hex(), '{"n')
        assert Path(str(report.rejected)).parent == notes.parent
        assert beside(notes) == sorted([f"{notes.name}.backups", Path(str(report.rejected)).name, *backups(notes)])

    @pytest.mark.parametrize("value", [b"\xff\x00", b"", b"[1]", b"\x81\xa1n\xa1x"])
    def test_what_a_line_shows(self, value: bytes, tmp_path: Path, folder: Folder) -> None:
        """A record is shown as JSON where it is, as text where it is UTF-8, and else as bytes."""
        path = make(tmp_path / "db", {b"note:a": GOOD, b"note:b": value})
        [line] = lines(quarantined(path, project(folder)))
        shown = {name: line[name] for name in ("value", "text", "hex") if name in line}
        expected = {b"": {"text": ""}, b"[1]": {"value": [1]}, b"\x81\xa1n\xa1x": {"value": {"n": "x"}}}
        assert shown == expected.get(value, {"hex": "ff00"})

    def test_a_file_that_the_user_names(self, notes: Path, folder: Folder, tmp_path: Path) -> None:
        """The list goes where the user says, in the place of what is there."""
        file = tmp_path / "list.jsonl"
        file.write_text("old")
        report = ms.MigrationManager(notes, project(folder)).apply(on_error="quarantine", rejected=file)
        assert (report.rejected, len(lines(report))) == (str(file), 2)
        assert beside(notes) == sorted([f"{notes.name}.backups", *backups(notes)])

    def test_a_file_of_a_run_that_fails(self, notes: Path, folder: Folder, tmp_path: Path) -> None:
        """A run that fails lists all records where the user says, and changes nothing."""
        file, before = tmp_path / "list.jsonl", dump(notes)
        with pytest.raises(ms.RecordRejected):
            ms.MigrationManager(notes, project(folder)).apply(rejected=file)
        assert [json.loads(line)["key"] for line in file.read_text().splitlines()] == ["note:b", "note:\\xff"]
        assert (dump(notes), beside(notes)) == (before, [])

    def test_a_dry_run(self, notes: Path, folder: Folder, tmp_path: Path) -> None:
        """A dry run says the same, and writes nothing but the list that the user asks for."""
        before, file = files(notes), tmp_path / "list.jsonl"
        manager = ms.MigrationManager(notes, project(folder))
        report = manager.scan(on_error="quarantine", rejected=file)
        assert report.collections == {"note": {"scanned": 3, "migrated": 1, "unchanged": 0, "quarantined": 2}}
        assert (report.dry_run, report.rejected, len(lines(report))) == (True, str(file), 2)
        assert manager.scan(on_error="quarantine").rejected is None
        assert files(notes) == before
        assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".", "db."))) == []

    @pytest.mark.parametrize(
        ("file", "found"),
        [
            ("no/such", "no folder $/no was found"),
            ("", "a folder was found"),
            ("pipe", "a device or a pipe was found"),
            ("link", "a folder was found"),
        ],
    )
    def test_a_file_that_cannot_be(self, file: str, found: str, notes: Path, folder: Folder, tmp_path: Path) -> None:
        """Where the list cannot be, that is said before anything is done."""
        place, before = tmp_path / file, dump(notes)
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link").symlink_to(tmp_path)
        for carry in (
            ms.MigrationManager(notes, project(folder)).apply,
            ms.MigrationManager(notes, folder.load()).scan,
        ):
            with pytest.raises(ms.DatabaseReadOnly) as caught:
                carry(on_error="quarantine", rejected=place)
            assert str(caught.value) == (
                f"{place}: {found.replace('$', str(tmp_path))}, room for the list of rejected records was expected; "
                "name another file"
            )
        assert (dump(notes), beside(notes)) == (before, [])

    def test_a_folder_without_rights(
        self, notes: Path, folder: Folder, tmp_path: Path, unprivileged: tuple[str, ...]
    ) -> None:
        """A folder that this user may not write is none for the list, though he may write to a file in it."""
        project(folder)
        place, before = tmp_path / "closed" / "list.jsonl", dump(notes)
        place.parent.mkdir()
        place.write_text("old")
        place.parent.chmod(0o555)
        said = carried(notes, folder, place, under=unprivileged)
        place.parent.chmod(0o755)
        assert said == [
            f"DatabaseReadOnly {place}: the folder {place.parent} that cannot be written was found, "
            "room for the list of rejected records was expected; name another file"
        ] * len(WAYS)
        assert (dump(notes), beside(notes), place.read_text()) == (before, [], "old")

    def test_a_full_disk(self, notes: Path, folder: Folder, tmp_path: Path, mounts: tuple[str, ...]) -> None:
        """So it is with a full disk, whether the run sets records aside, fails, or only finds out what it would do."""
        project(folder)
        place, before = tmp_path / "full" / "list.jsonl", dump(notes)
        place.parent.mkdir()
        script = f'mount -t tmpfs -o size=16k none "{place.parent}" && head -c 16k /dev/zero > "{place.parent}/x"'
        said = carried(notes, folder, place, under=(*mounts, f'{script}; exec "$@"', "sh"))
        full = f"NoSpace {place}: the disk is full, the work needs more room; make room and run again"
        quarantine, *others = said
        assert re.sub(r" [1-9]\d+ were", " N were", quarantine) == (
            f"NoSpace {place}: 0 bytes of free space were found, at least N were expected, "
            "for the list of rejected records; make room, or name another file"
        )
        assert others == [full, full]
        assert (dump(notes), beside(notes)) == (before, [])

    def test_an_unknown_word(self, notes: Path, folder: Folder) -> None:
        """A word that is not known is an error of the program that says it."""
        with pytest.raises(ValueError, match="on_error='skip' was found, one of fail, quarantine was expected"):
            ms.MigrationManager(notes, project(folder)).apply(on_error="skip")  # type: ignore[arg-type]

    def test_without_checks(self, notes: Path, folder: Folder) -> None:
        """Without checks against the schemas only what the steps cannot work on is set aside."""
        ms.MigrationManager(notes, project(folder)).apply(on_error="quarantine", validate=False)
        assert list(marks(notes)) == [b"note:\xff"]

    @pytest.mark.usefixtures("small_jobs")
    def test_by_several_workers(self, tmp_path: Path, folder: Folder) -> None:
        """Several workers do what one does: the same records, marks and list, however many are rejected."""
        rows = {b"note:%04d" % n: compact({"n": n if n % 3 else "one"}) for n in range(900)}
        found = []
        for number, workers in enumerate((processes(1), direct(3))):
            path = make(tmp_path / f"db{number}", rows, tables=3)
            report = ms.MigrationManager(path, project(folder)).apply(on_error="quarantine", workers=workers)
            times = {"at": "", "started_at": ""}
            found.append((records(path), {key: mark | times for key, mark in marks(path).items()}, lines(report)))
            assert report.collections["note"] == {"scanned": 900, "migrated": 600, "unchanged": 0, "quarantined": 300}
        assert found[0] == found[1]
        assert [line["key"] for line in found[0][2]] == sorted(key.decode() for key in found[0][1])

    def test_steps_before_the_one_that_refuses(self, tmp_path: Path, folder: Folder) -> None:
        """A record that the second step refuses is counted for none."""
        folder.spec("note", 1, {"rename": {"n": "m"}}).spec(
            "note", 2, {"convert": {"m": {"from": "string", "to": "integer"}}}
        )
        path = make(tmp_path / "db", {b"note:a": b'{"n":"1"}', b"note:b": b'{"n":"x"}', b"note:c": b'{"n":"y"}'})
        report = quarantined(path, folder.load())
        assert [step["items_migrated"] for step in report.steps] == [1, 1]
        assert [mark["step"] for mark in marks(path).values()] == ["note v2→v3", "note v2→v3"]


WAYS = {"apply": "quarantine", "apply and fail": "fail", "scan": "quarantine"}
"""How records are carried that are listed, and what is done about those that are rejected."""

CARRIED = """
import sys
import migrate_spec as ms
path, specs, schemas, file, *ways = sys.argv[1:]
manager = ms.MigrationManager(path, ms.load(specs, schemas))
for way in ways:
    name, on_error = way.split(":")
    try:
        getattr(manager, name)(on_error=on_error, rejected=file)
    except ms.MigrateSpecError as error:
        print(type(error).__name__, error)
"""


def carried(path: Path, folder: Folder, file: Path, *, under: tuple[str, ...]) -> list[str]:
    """What is said in a process of its own, in each way, where the list is to be in a file."""
    ways = [f"{name.split()[0]}:{on_error}" for name, on_error in WAYS.items()]
    return python(CARRIED, path, folder.specs, folder.schemas, file, *ways, under=under).splitlines()


def backups(path: Path) -> list[str]:
    """The backups beside a database."""
    return [f"{path.name}.backups/{file.name}" for file in path.with_name(f"{path.name}.backups").iterdir()]


class TestAccept:
    """Bounds stop a run that rejects too much."""

    ROWS: Mapping[bytes, bytes] = {b"note:%d" % n: compact({"n": n or "one"}) for n in range(10)}

    @pytest.mark.parametrize("bound", ["<= 10%", "10%", "<=10.0%", "100%", 1, "1", "<= 5"])
    def test_within(self, bound: str | int, tmp_path: Path, folder: Folder) -> None:
        """As many as a spec accepts are set aside."""
        path = make(tmp_path / "db", self.ROWS)
        assert quarantined(path, project(folder, accept={"quarantined": bound})).quarantined == 1

    @pytest.mark.parametrize(("bound", "shown"), [("<= 9.9%", "9.9%"), (0, "0"), ("<= 0.1%", "0.1%"), ("0", "0")])
    def test_beyond(self, bound: str | int, shown: str, tmp_path: Path, folder: Folder) -> None:
        """More than that stop the run, and nothing is changed; a dry run says the same."""
        path = make(tmp_path / "db", self.ROWS)
        found, before = project(folder, accept={"quarantined": bound}), dump(path)
        for carry in (ms.MigrationManager(path, found).scan, ms.MigrationManager(path, found).apply):
            with pytest.raises(ms.TooManyRejected) as caught:
                carry(on_error="quarantine")
            assert str(caught.value).split("\n") == [
                f"{path}: 1 of 10 records of note cannot be migrated, at most {shown} were expected, as "
                f"{folder.file('note', 1)}:1:{place_of(folder, 'accept')} says; nothing was changed; mend these "
                "records or the spec, or have the spec accept more",
                f"  note:0, note v1→v2, m: {folder.schemas / 'note' / 'v2.json'}: {ASKED}",
            ]
        assert (dump(path), beside(path)) == (before, [])

    def test_all_of_a_collection(self, tmp_path: Path, folder: Folder) -> None:
        """Without a bound, all records of a collection are too many, as that is certainly a mistake."""
        path = make(tmp_path / "db", {b"note:a": b'{"n":"one"}'})
        with pytest.raises(ms.TooManyRejected) as caught:
            quarantined(path, project(folder))
        assert str(caught.value.fault) == (
            f"{path}: 1 of 1 records of note cannot be migrated, not all of them were expected, as no spec accepts "
            "that (`accept: {quarantined: 100%}`); nothing was changed; mend these records or the spec, or have the "
            "spec accept more"
        )
        assert quarantined(path, project(folder, accept={"quarantined": "100%"})).quarantined == 1

    def test_is_no_part_of_the_meaning(self, tmp_path: Path, folder: Folder) -> None:
        """A bound may change after the step was applied."""
        path = make(tmp_path / "db", {b"note:a": GOOD})
        quarantined(path, project(folder, accept={"quarantined": 0}))
        assert quarantined(path, project(folder, accept={"quarantined": 1})).to_version == 2


def place_of(folder: Folder, key: str) -> int:
    """The column of the value of a key in a spec of one line."""
    return folder.file("note", 1).read_text("utf-8").index(f'"{key}": ') + len(f'"{key}": ') + 1


class TestAgain:
    """Later runs take records in quarantine up again."""

    def test_a_current_database(self, notes: Path, folder: Folder) -> None:
        """What was mended is carried over and loses its mark; what was not stays, and nothing is written."""
        found = project(folder)
        quarantined(notes, found)
        before = files(notes)
        report = ms.check_and_migrate(notes, found)
        assert report.collections == {"note": {"scanned": 2, "migrated": 0, "unchanged": 0, "quarantined": 2}}
        assert files(notes) == before
        write(notes, {b"note:b": b'{"n":7}'})
        report = ms.check_and_migrate(notes, found)
        assert report.collections == {"note": {"scanned": 2, "migrated": 1, "unchanged": 0, "quarantined": 1}}
        assert records(notes)[b"note:b"] == b'{"schema_version":2,"m":7}'
        assert list(marks(notes)) == [b"note:\xff"]
        entry = entries(notes)[-1]
        assert (entry["kind"], entry["from_version"], entry["to_version"], entry["items_migrated"]) == (
            "retry",
            2,
            2,
            1,
        )
        assert entry["backup_key"] == report.backup

    def test_one_that_fits_by_now(self, notes: Path, folder: Folder) -> None:
        """A record that the program wrote anew, or deleted, loses its mark."""
        found = project(folder)
        quarantined(notes, found)
        write(notes, {b"note:b": GOOD_2, b"note:\xff": None})
        report = ms.check_and_migrate(notes, found)
        assert report.collections == {"note": {"scanned": 1, "migrated": 0, "unchanged": 1, "quarantined": 0}}
        assert (marks(notes), records(notes)[b"note:b"]) == ({}, GOOD_2)

    @pytest.mark.parametrize("stamp", ["schema_version", None])
    def test_further_steps(self, stamp: str | None, notes: Path, folder: Folder) -> None:
        """A record of version 1 in a database of version 2 goes from 1 to 3, whether it carries a stamp or not."""
        found = project(folder, 3, stamp=stamp)
        quarantined(notes, found, 2)
        write(notes, {b"note:b": b'{"n":7}'})
        report = ms.MigrationManager(notes, found).apply()
        assert report.collections == {"note": {"scanned": 3, "migrated": 2, "unchanged": 0, "quarantined": 1}}
        mark = b'"schema_version":3,' if stamp else b""
        assert records(notes)[b"note:b"] == b'{%b"m":7,"k":0}' % mark
        assert marks(notes)[b"note:\xff"]["version"] == 1
        assert report.steps == [{"from_version": 2, "to_version": 3, "items_migrated": 2}]

    def test_a_reason_that_changed(self, notes: Path, folder: Folder) -> None:
        """A run with further steps says anew why a record stays."""
        found = project(folder, 3)
        quarantined(notes, found, 2)
        write(notes, {b"note:b": b'{"n":1,"m":2}'})
        ms.MigrationManager(notes, found).apply()
        assert marks(notes)[b"note:b"]["reason"].startswith("an integer 2 was found, no such field was expected")
        assert marks(notes)[b"note:b"]["version"] == 1

    def test_another_collection(self, notes: Path, folder: Folder) -> None:
        """Records of collections that the further steps do not touch are taken up in the same run."""
        quarantined(notes, project(folder))
        write(notes, {b"note:b": b'{"n":7}', b"task:a": b"{}"})
        report = ms.MigrationManager(notes, folder.spec("task", 2, {"add": {"k": 0}}).load()).apply()
        assert report.collections == {
            "task": {"scanned": 1, "migrated": 1, "unchanged": 0, "quarantined": 0},
            "note": {"scanned": 2, "migrated": 1, "unchanged": 0, "quarantined": 1},
        }
        assert [(entry["kind"], entry["to_version"]) for entry in entries(notes)[1:]] == [("apply", 3), ("retry", 3)]
        assert list(marks(notes)) == [b"note:\xff"]

    def test_they_are_no_failure(self, notes: Path, folder: Folder) -> None:
        """Who sets nothing aside is not stopped by what others set aside before."""
        found = project(folder, 3)
        quarantined(notes, found, 2)
        assert ms.check_and_migrate(notes, found).quarantined == 2
        write(notes, {b"note:c": b"{"})
        folder.spec("note", 3, {"add": {"l": 0}})
        with pytest.raises(ms.RecordRejected) as caught:
            ms.MigrationManager(notes, folder.load()).apply()
        assert [one.key for one in caught.value.rejections] == [b"note:c"]

    def test_one_read(self, notes: Path) -> None:
        """The version, and whether anything is in quarantine, are found in one look, whatever is there."""
        looks: list[bool] = []
        for version, key in (
            (None, None),
            (b"2", None),
            (b"2", b"_quarantine:x"),
            (None, b"_quarantine:x"),
            (b"2", b"_r"),
        ):
            write(notes, {VERSION: version} | ({key: b"{}"} if key else {}))
            with open_for_reading(notes) as store:
                looks.append(read_standing(store) == (2 if version else 1, (key or b"").startswith(QUARANTINE_PREFIX)))
            write(notes, {key: None} if key else {})
        assert all(looks)

    def test_a_mark_that_cannot_be_read(self, notes: Path, folder: Folder) -> None:
        """What is no mark is an error that says what to do."""
        quarantined(notes, project(folder))
        write(notes, {b"_quarantine:note:b": b"{}"})
        with pytest.raises(ms.MetadataInvalid) as caught:
            ms.check_and_migrate(notes, folder.load())
        assert str(caught.value) == (
            f"{notes}: a mark that cannot be read was found under _quarantine:note:b, an object with collection, "
            "version, step, path, place, reason and at was expected; delete that key: the record is then carried over, "
            "or refused, like any other"
        )


class TestStopped:
    """A run that is killed: the list is there when the run is done, and only then."""

    @pytest.mark.parametrize("done", [True, False])
    def test_after_the_swap(self, *, done: bool, notes: Path, folder: Folder) -> None:
        """The next run puts the list to its place where the swap was done, and else takes it away."""
        found = project(folder)
        report = quarantined(notes, found)
        at = entries(notes)[0]["started_at"] if done else "2024-01-01T00:00:00.000000Z"
        staging = notes.with_name(f"{notes.name}.staging")
        staging.mkdir()
        text = Path(str(report.rejected)).read_bytes()
        Path(str(report.rejected)).rename(staging / staged_name(at))
        ms.check_and_migrate(notes, found)
        assert not staging.exists()
        assert Path(str(report.rejected)).exists() is done
        assert not done or Path(str(report.rejected)).read_bytes() == text


class TestMoving:
    """Records that get other keys."""

    STEPS: Mapping[str, Any] = {"stamp": None, "records": [{"rekey": {"from": "note:{id}", "to": "note:{to}"}}]}

    def run(self, rows: Mapping[bytes, bytes], tmp_path: Path, folder: Folder) -> tuple[Path, ms.ApplyReport]:
        """A run that moves notes to the key that they say."""
        path = make(tmp_path / "db", rows)
        return path, quarantined(path, folder.spec("note", 1, **self.STEPS).load())

    def test_one_that_cannot_be_carried(self, tmp_path: Path, folder: Folder) -> None:
        """It stays where it is, and the others move."""
        path, report = self.run({b"note:1": b'{"to":"a"}', b"note:2": b"{}"}, tmp_path, folder)
        assert records(path) == {b"note:a": b'{"to":"a"}', b"note:2": b"{}"}
        assert list(marks(path)) == [b"note:2"]
        assert report.collections == {"note": {"scanned": 2, "migrated": 1, "unchanged": 0, "quarantined": 1}}
        assert [line["key"] for line in lines(report)] == ["note:2"]

    def test_one_key_for_two(self, tmp_path: Path, folder: Folder) -> None:
        """Of two records that would have the same key the first gets it."""
        rows = {b"note:1": b'{"to":"a"}', b"note:2": b'{"to":"a"}', b"note:3": b'{"to":"a"}'}
        path, report = self.run(rows, tmp_path, folder)
        assert records(path) == {b"note:a": rows[b"note:1"], b"note:2": rows[b"note:2"], b"note:3": rows[b"note:3"]}
        assert [mark["reason"] for mark in marks(path).values()] == [
            "the key note:a was found, which note:1 has, a key that is free was expected; make the keys of two records "
            "differ, or drop one of the two"
        ] * 2
        assert report.collections == {"note": {"scanned": 3, "migrated": 1, "unchanged": 0, "quarantined": 2}}
        assert report.steps[0]["items_migrated"] == 1

    def test_one_in_the_way_of_another(self, tmp_path: Path, folder: Folder) -> None:
        """Whoever would land on the key of a record that stays is set aside, too, however long that row is."""
        rows = {b"note:%d" % n: compact({"to": str(n + 1)}) for n in range(5)} | {
            b"note:5": b"{}",
            b"note:9": b'{"to":"x"}',
        }
        path, report = self.run(rows, tmp_path, folder)
        assert records(path) == {key: value for key, value in rows.items() if key != b"note:9"} | {
            b"note:x": b'{"to":"x"}'
        }
        assert len(marks(path)) == 6
        assert report.collections == {"note": {"scanned": 7, "migrated": 1, "unchanged": 0, "quarantined": 6}}

    def test_a_row_that_moves_on(self, tmp_path: Path, folder: Folder) -> None:
        """Records that go to each other's keys are in nobody's way."""
        rows = {b"note:1": b'{"to":"2"}', b"note:2": b'{"to":"1"}', b"note:3": b"{}"}
        path, _ = self.run(rows, tmp_path, folder)
        assert records(path) == {b"note:2": rows[b"note:1"], b"note:1": rows[b"note:2"], b"note:3": b"{}"}

    def test_taken_up_again(self, tmp_path: Path, folder: Folder) -> None:
        """A record that stayed under its old key goes to its new one, and its mark goes."""
        path, _ = self.run({b"note:1": b'{"to":"a"}', b"note:2": b"{}", b"note:3": b"{}"}, tmp_path, folder)
        write(path, {b"note:2": b'{"to":"b"}', b"note:3": b'{"to":"a"}'})
        report = ms.check_and_migrate(path, folder.load())
        assert records(path) == {b"note:a": b'{"to":"a"}', b"note:b": b'{"to":"b"}', b"note:3": b'{"to":"a"}'}
        assert {key: mark["reason"].partition(",")[0] for key, mark in marks(path).items()} == {
            b"note:3": "the key note:a was found"
        }
        assert report.collections == {"note": {"scanned": 2, "migrated": 1, "unchanged": 0, "quarantined": 1}}

    def test_indexes(self, tmp_path: Path, folder: Folder) -> None:
        """The entries of a record that is set aside stay with it."""
        folder.schema("note", 2, {"type": "object", "properties": {"status": {"enum": ["OPEN"]}}})
        steps, indexes = {"map": {"status": {"open": "OPEN", "done": "DONE"}}}, {"status": "idx:{status}:{id}"}
        found = folder.spec("note", 1, steps, indexes=indexes, stamp=None).load()
        rows = {
            b"idx:done:2": b"1",
            b"idx:open:1": b"1",
            b"note:1": b'{"id":1,"status":"open"}',
            b"note:2": b'{"id":2,"status":"done"}',
        }
        path = make(tmp_path / "db", rows)
        quarantined(path, found)
        assert records(path) == {
            b"idx:done:2": b"1",
            b"idx:OPEN:1": b"1",
            b"note:1": b'{"id":1,"status":"OPEN"}',
            b"note:2": rows[b"note:2"],
        }

    def test_gathered(self, tmp_path: Path, folder: Folder) -> None:
        """Records are gathered all or none: one that is rejected stops the run."""
        gather = {"gather": {"lines": {"from": "line:{id}:{.index}"}}}
        found = folder.spec("bill", 1, stamp=None, records=[gather]).load()
        path = make(tmp_path / "db", {b"bill:1": b'{"id":1}', b"bill:2": b"[]", b"line:1:0": b"{}"})
        before = dump(path)
        with pytest.raises(ms.TooManyRejected) as caught:
            quarantined(path, found)
        assert "none were expected, as bill v1→v2 gathers records, all or none" in str(caught.value)
        assert dump(path) == before


class TestBack:
    """A rollback takes the marks of the migration away, and puts old ones back."""

    def test_marks_go(self, notes: Path, folder: Folder) -> None:
        """After it everything is as it was."""
        before = records(notes)
        quarantined(notes, project(folder))
        ms.MigrationManager(notes, folder.load()).rollback()
        assert (records(notes), marks(notes)) == (before, {})

    @pytest.mark.parametrize("stamp", ["schema_version", None])
    def test_old_marks_come_back(self, stamp: str | None, notes: Path, folder: Folder) -> None:
        """What the second migration took out of quarantine is there again, and that is no later write."""
        found = project(folder, 3, stamp=stamp)
        quarantined(notes, found, 2)
        write(notes, {b"note:b": b'{"n":7}'})
        before, marked = records(notes), marks(notes)
        manager = ms.MigrationManager(notes, found)
        manager.apply()
        report = manager.rollback()
        assert (records(notes), marks(notes), report.later_writes) == (before, marked, 0)
        manager.rollback(undo_later_writes=True)
        assert (marks(notes), dump(notes).get(VERSION)) == ({}, None)

    def test_of_records_that_moved(self, tmp_path: Path, folder: Folder) -> None:
        """After a run that moved records, too."""
        rows = {b"note:1": b'{"to":"a"}', b"note:2": b'{"to":"a"}', b"note:3": b"{}"}
        path = make(tmp_path / "db", rows)
        found = folder.spec("note", 1, **TestMoving.STEPS).load()
        quarantined(path, found)
        report = ms.MigrationManager(path, found).rollback()
        assert (records(path), marks(path), report.later_writes) == (rows, {}, 0)

    def test_after_a_retry(self, notes: Path, folder: Folder) -> None:
        """What was taken up since is a later write; the retry itself is no step to take back."""
        found = project(folder)
        quarantined(notes, found)
        write(notes, {b"note:b": b'{"n":7}'})
        manager = ms.MigrationManager(notes, found)
        manager.apply()
        with pytest.raises(ms.LaterWrites, match="1 record was written since the migration: note:b"):
            manager.rollback()
        manager.rollback(undo_later_writes=True)
        assert records(notes)[b"note:b"] == b'{"n": "one"}'
        assert marks(notes) == {}


class TestFamilies:
    """Records in other column families, where all keys may be those of a collection."""

    @pytest.mark.parametrize("moving", [True, False])
    def test_aside_and_back(self, *, moving: bool, tmp_path: Path, folder: Folder) -> None:
        """Their marks stand in the default family; they are taken up again, and a rollback puts all of it back."""
        found = families.written(folder, moving=moving)
        before = {name: dict(rows) for name, rows in families.BEFORE.items()}
        before["boxes"][b"007"] = before["users"][b"user:007"] = before["default"][b"note:007"] = b"{"
        path = families.make(tmp_path / "db", before)
        report = quarantined(path, found)
        assert {name: counts["quarantined"] for name, counts in report.collections.items()} == dict.fromkeys(
            ["note", "user", "box"], 1
        )
        done = families.dump(path)
        assert done["boxes"][b"007"] == done["users"][b"user:007"] == done["default"][b"note:007"] == b"{"
        assert [key for key in done["default"] if key.startswith(b"_quarantine")] == [
            b"_quarantine:note:007",
            b"_quarantine@boxes:007",
            b"_quarantine@users:user:007",
        ]
        manager = ms.MigrationManager(path, found)
        assert manager.status().quarantined == {"box": 1, "note": 1, "user": 1}
        assert [line.get("column_family") for line in lines(report)] == [None, "users", "boxes"]
        families.write(path, "boxes", {b"007": b'{"id":"007","a":7}'})
        families.write(path, "users", {b"user:007": b'{"a":7}'})
        report = ms.check_and_migrate(path, found)
        assert {name: counts["migrated"] for name, counts in report.collections.items()} == {
            "note": 0,
            "user": 1,
            "box": 1,
        }
        done = families.dump(path)
        assert done["boxes"][b"box:007" if moving else b"007"] == b'{"schema_version":3,"id":"007","b":7}'
        assert [key for key in done["default"] if key.startswith(b"_quarantine")] == [b"_quarantine:note:007"]
        manager.rollback(undo_later_writes=True)
        assert families.data(path) == before


def test_the_backup_of_a_retry(notes: Path, folder: Folder) -> None:
    """A retry has a backup, in which the records are as they were before."""
    found = project(folder)
    quarantined(notes, found)
    write(notes, {b"note:b": b'{"n":7}'})
    report = ms.MigrationManager(notes, found).apply()
    with open_for_reading(notes) as store:
        backup = find_backup(store, str(report.backup))
    assert backup.reason == "retry of records in quarantine"
    assert dump(backup.database)[b"note:b"] == b'{"n":7}'
