"""Backups: what a run keeps, what it says about it, and the seed's own backups beside it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_128

import migrate_spec as ms
from migrate_spec.backup import Backup, Contents, new_name
from migrate_spec.digest import Digest, joined
from migrate_spec.retention import Retention
from migrate_spec.store import Record
from migrate_spec.stores.rocks import open_for_reading
from tests.conftest import (
    DATA,
    ROWS,
    VERSION,
    Folder,
    beside,
    compact,
    data,
    dump,
    files,
    make,
    task,
    task_v2,
    without_times,
    write,
)
from tests.runner_support import direct, document, set_jobs, written

SEED = json.loads((DATA / "metadata.json").read_text("utf-8"))["backup"]
SEEDS_OWN = {
    SEED["index_key"].encode(): SEED["index_value"].encode(),
    SEED["item_keys"][0].encode(): task("a"),
    SEED["item_keys"][1].encode(): task("é"),
}
LISTED = Backup(
    "_backup_20251019_120500",
    "2025-10-19T12:05:00.000123Z",
    None,
    "kept inside the database",
    {"task:": Contents("task:", 2, "")},
    None,
    "",
)


def manager(path: Path, project: ms.Project) -> ms.MigrationManager:
    """A manager of the database at ``path``."""
    return ms.MigrationManager(path, project)


def digest(records: Mapping[bytes, bytes], prefix: bytes = b"") -> str:
    """XXH3 over the records of a prefix in key order as MessagePack, as the documentation says it is made."""
    found = [record for record in sorted(records.items()) if record[0].startswith(prefix)]
    return xxh3_128(b"".join(map(msgspec.msgpack.encode, found))).hexdigest()


NOTES = {b"note:%03d" % number: document(number) for number in range(100)}


class TestOurs:
    """The backup that a run leaves."""

    def test_what_it_is(self, meridian: Path, project: ms.Project) -> None:
        """A run leaves one backup, whose manifest and list entry say what it holds, counted and digested."""
        name = manager(meridian, project).apply().backup
        folder = meridian.parent / "db.backups" / str(name)
        contents = {
            "task": Contents("task:", 5, digest(ROWS, b"task:")),
            "episode": Contents("episode:", 3, digest(ROWS, b"episode:")),
            "symbol": Contents("symbol:", 2, digest(ROWS, b"symbol:")),
        }
        [backup] = manager(meridian, project).backups()
        assert backup == Backup(
            str(name),
            backup.created_at,
            1,
            "apply v1→v3",
            contents,
            folder,
            "migrate-spec 0.1.0",
            verified_at=backup.verified_at,
        )
        assert backup.verified_at
        assert backup.verified_at >= backup.created_at
        assert backup.records == 10
        assert json.loads((folder / "backup.json").read_text("utf-8")) == backup.to_json()
        assert json.loads(without_times(json.dumps(backup.to_json()))) == {
            "name": name,
            "created_at": "MOMENT",
            "version": 1,
            "reason": "apply v1→v3",
            "collections": {
                key: {"prefix": part.prefix, "records": part.records, "digest": part.digest, "starts": []}
                for key, part in contents.items()
            },
            "path": str(folder),
            "tool": "migrate-spec 0.1.0",
            "whole": {},
            "verified_at": "MOMENT",
            "records": 10,
        }

    def test_what_it_holds(self, meridian: Path, project: ms.Project) -> None:
        """It is a whole database that any program can open, with the very records from before the run."""
        name = manager(meridian, project).apply().backup
        assert dump(meridian.parent / "db.backups" / str(name) / "database") == ROWS

    def test_it_takes_no_room(self, meridian: Path, project: ms.Project) -> None:
        """Its table files are links to those of the database, not copies."""
        [table] = meridian.glob("*.sst")
        number = table.stat().st_ino
        name = manager(meridian, project).apply().backup
        [kept] = (meridian.parent / "db.backups" / str(name) / "database").glob("*.sst")
        assert kept.stat().st_ino == number

    def test_what_the_database_notes(self, meridian: Path, project: ms.Project) -> None:
        """The database notes it in the seed's form, under a prefix that no key has: Meridian would delete none."""
        name = str(manager(meridian, project).apply().backup)
        found = dump(meridian)
        noted = json.loads(found[name.encode()])
        assert list(noted)[: len(SEED["index_fields"])] == SEED["index_fields"]
        [backup] = manager(meridian, project).backups()
        assert noted == {
            "timestamp": backup.created_at,
            "prefix": f"{name}:",
            "item_count": 10,
            "keys": [],
            "checkpoint": f"db.backups/{name}",
            "version": 1,
            "collections": backup.to_json()["collections"],
            "tool": "migrate-spec 0.1.0",
        }
        assert not [key for key in found if key.startswith(noted["prefix"].encode())]

    def test_what_was_only_in_the_log(self, tmp_path: Path, project: ms.Project) -> None:
        """Records that were in the write-ahead log only are in the backup, too."""
        path = make(tmp_path / "db", {b"task:a": task("a")})
        write(path, {b"task:b": task("b")})
        name = manager(path, project).apply().backup
        assert dump(path.parent / "db.backups" / str(name) / "database") == {b"task:a": task("a"), b"task:b": task("b")}

    def test_none(self, meridian: Path, project: ms.Project) -> None:
        """Without a backup nothing is left beside the database, and nothing is noted in it or its history."""
        report = manager(meridian, project).apply(backup=False)
        assert report.backup is None
        assert beside(meridian) == []
        assert manager(meridian, project).backups() == []
        assert [entry.backup_key for entry in manager(meridian, project).history().entries] == [None, None]
        assert not [key for key in dump(meridian) if key.startswith(b"_backup_")]

    def test_the_earlier_one(self, meridian: Path, project: ms.Project) -> None:
        """Where the last run kept no backup, the one before it can be named, and takes back both."""
        first = manager(meridian, project).apply(2)
        manager(meridian, project).apply(3, backup=False)
        with pytest.raises(ms.BackupError) as caught:
            manager(meridian, project).rollback()
        assert str(caught.value) == (
            "no migration with a backup was found, a backup that a migration made was expected; "
            "`migrate-spec history` shows what was done, `migrate-spec backup list` what can be put back"
        )
        assert manager(meridian, project).rollback(first.backup).from_version == 3
        assert data(meridian) == ROWS


RECORDS = st.dictionaries(st.binary(max_size=4), st.binary(max_size=4), min_size=1).map(
    lambda found: sorted(found.items())
)


def digest_of(records: Sequence[Record], starts: Iterable[str] = (), size: int = 1) -> str:
    """The digest of records that are taken in so many at a time."""
    found, ends = Digest(starts), set(starts)
    chunk: list[Record] = []
    for record in records:
        if chunk and (len(chunk) == size or record[0].hex() in ends):
            found.add(chunk)
            chunk = []
        chunk.append(record)
    found.add(chunk)
    return found.hexdigest()


class TestDigest:
    """A digest finds every change, and can be made in parts by several."""

    def test_of_nothing(self) -> None:
        """It has one, too: no more is said of no records in several parts."""
        assert Digest().hexdigest() == digest({}) == joined([digest({})])

    @given(RECORDS, st.integers(1, 10))
    def test_in_one_part(self, records: Sequence[Record], size: int) -> None:
        """It is what the documentation says, however many records are taken in at a time."""
        assert digest_of(records, (), size) == digest(dict(records))

    @given(RECORDS, st.sets(st.integers(0, 20)), st.integers(1, 10))
    def test_in_parts(self, records: Sequence[Record], cuts: set[int], size: int) -> None:
        """Wherever records are cut: the digest of the parts is the one that is made from the first to the last."""
        ends = sorted({0, len(records), *(cut for cut in cuts if cut < len(records))})
        parts = [records[one:other] for one, other in itertools.pairwise(ends)]
        starts = [part[0][0].hex() for part in parts[1:]]
        assert joined([digest_of(part) for part in parts]) == digest_of(records, starts, size)

    @given(RECORDS, RECORDS)
    def test_of_others(self, some: Sequence[Record], others: Sequence[Record]) -> None:
        """Other records have another one, also where all bytes of theirs together are the same."""
        assert (digest_of(some) == digest_of(others)) == (some == others)
        key, value = some[0]
        if value:
            assert digest_of(some) != digest_of([(key + value[:1], value[1:]), *some[1:]])

    def test_of_other_parts(self) -> None:
        """The same records in other parts have another one: it cannot be mistaken for that of fewer."""
        records = [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]
        digests = [digest_of(records, starts) for starts in ([], ["62"], ["63"], ["62", "63"])]
        assert len(set(digests)) == 4

    def test_of_parts_whose_first_record_is_gone(self) -> None:
        """A part begins where it began, whether that key is there or not."""
        records = [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]
        left = [records[0], records[2]]
        assert digest_of(left, ["62"]) == joined([digest_of(left[:1]), digest_of(left[1:])])
        assert digest_of(left, ["62"]) != digest_of(records, ["62"])
        assert digest_of(left, ["62", "63"]) == joined([digest_of(left[:1]), digest_of([]), digest_of(left[1:])])


class TestInParts:
    """A backup whose records several workers have digested."""

    @pytest.fixture
    def applied(
        self, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> tuple[ms.MigrationManager, str]:
        """A migrated database of 100 records, and the name of the backup."""
        set_jobs(monkeypatch, least=10, chunk=5)
        path = make(tmp_path / "db", NOTES | {b"other": b"1"})
        it = manager(path, written(folder))
        return it, str(it.apply(workers=direct(3)).backup)

    def test_what_it_says(self, applied: tuple[ms.MigrationManager, str]) -> None:
        """Its manifest and its note in the database say where the parts begin, and their digest."""
        it, name = applied
        [backup] = it.backups()
        contents = backup.collections["note"]
        starts = [bytes.fromhex(start) for start in contents.starts]
        assert (contents.records, starts) == (100, sorted(set(starts)))
        assert len(starts) > 3
        assert all(b"note:" < start <= max(NOTES) for start in starts)
        ends = [b"", *starts, b"note;"]
        digests = [
            digest({key: value for key, value in NOTES.items() if one <= key < other})
            for one, other in itertools.pairwise(ends)
        ]
        assert contents.digest == joined(digests)
        noted = json.loads(dump(it.path)[name.encode()])["collections"]["note"]
        assert noted == {
            "prefix": "note:",
            "records": 100,
            "digest": contents.digest,
            "starts": [start.hex() for start in starts],
        }

    def test_it_is_found_whole(self, applied: tuple[ms.MigrationManager, str]) -> None:
        """A rollback verifies it, and puts it back."""
        it, name = applied
        assert it.rollback().backup == name
        assert data(it.path) == NOTES | {b"other": b"1"}

    @pytest.mark.parametrize(
        "change",
        [
            {b"note:050": b'{"n":51}'},
            {b"note:050": None},
            {b"note:050x": b"{}"},
            {b"note:000": None},
            {b"note:099": None},
            {b"note:": b"{}"},
            {b"note:999": b"{}"},
            {b"note:050": None, b"note:050x": document(50)},
            dict.fromkeys(map(b"note:%03d".__mod__, range(40, 100))),
        ],
        ids=["changed", "removed", "added", "first removed", "last removed", "first", "last", "other key", "cut off"],
    )
    def test_it_was_changed(self, change: dict[bytes, bytes | None], applied: tuple[ms.MigrationManager, str]) -> None:
        """Whatever was changed in it, nothing is put back."""
        it, name = applied
        [backup] = it.backups()
        before = dump(it.path)
        write(backup.database, change)
        with pytest.raises(ms.BackupError) as caught:
            it.rollback()
        count = len([key for key in dump(backup.database) if key.startswith(b"note:")])
        said = re.sub(r"digest [0-9a-f]{12}…", "digest D", str(caught.value))
        assert said == (
            f"{backup.path}: {count} records of note with the digest D were found in {name}, "
            "100 with the digest D were expected, as when it was made; "
            "the backup was changed since"
        )
        assert dump(it.path) == before

    def test_each_start_counts(self, applied: tuple[ms.MigrationManager, str]) -> None:
        """Where the parts began is a part of what is verified."""
        it, name = applied
        file = it.path.parent / "db.backups" / name / "backup.json"
        manifest = json.loads(file.read_text("utf-8"))
        manifest["collections"]["note"]["starts"].pop()
        file.write_text(json.dumps(manifest), "utf-8")
        with pytest.raises(ms.BackupError, match=r"^.*: 100 records of note with the digest [0-9a-f]{12}… were found"):
            it.rollback()


class TestNames:
    """No two backups have the same name."""

    MOMENT = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)

    def test_in_the_same_second(self, meridian: Path) -> None:
        """A name is taken once it is in the folder of backups or in the database; then a number stands behind it."""
        with open_for_reading(meridian) as store:
            assert new_name(store, self.MOMENT) == "_backup_20260131_120005"
            (meridian.parent / "db.backups" / "_backup_20260131_120005").mkdir(parents=True)
            assert new_name(store, self.MOMENT) == "_backup_20260131_120005_2"
        write(meridian, {b"_backup_20260131_120005_2": b""})
        with open_for_reading(meridian) as store:
            assert new_name(store, self.MOMENT) == "_backup_20260131_120005_3"

    def test_of_one_that_was_pruned(self, meridian: Path, project: ms.Project) -> None:
        """The name of a run's backup is not given again when that is gone: a rollback would take the new one for it."""
        it = ms.MigrationManager(meridian, project)
        name = str(it.apply().backup)
        it.create_backup()
        it.prune_backups(Retention(keep=1))
        moment = datetime.strptime(f"{name} +0000", "_backup_%Y%m%d_%H%M%S %z")
        with open_for_reading(meridian) as store:
            assert new_name(store, moment) != name

    def test_a_run_in_a_second_that_is_taken(self, meridian: Path, project: ms.Project) -> None:
        """A run in a second in which Meridian made a backup leaves that one alone and takes another name."""
        start = datetime.now(UTC)
        seconds = [(start + timedelta(seconds=n)).strftime("_backup_%Y%m%d_%H%M%S").encode() for n in range(-1, 60)]
        write(meridian, {key: SEED["index_value"].encode() for key in seconds})
        report = manager(meridian, project).apply()
        assert str(report.backup).endswith("_2")
        assert str(report.backup).removesuffix("_2").encode() in seconds
        assert {key: dump(meridian)[key] for key in seconds} == {key: SEED["index_value"].encode() for key in seconds}
        assert manager(meridian, project).rollback().backup == report.backup
        assert data(meridian) == ROWS

    def test_two_steps_at_once(self, tmp_path: Path, project: ms.Project) -> None:
        """Runs that follow each other at once have backups of their own, and each is taken back by its own."""
        path = make(tmp_path / "db", {b"task:a": task("a"), b"symbol:a": ROWS[b"symbol:sym-1"]})
        names = [manager(path, project).apply(version).backup for version in (2, 3)]
        assert len(set(names)) == 2
        assert [backup.name for backup in manager(path, project).backups()] == names
        assert [manager(path, project).rollback().backup for _ in names] == names[::-1]


class TestTheSeeds:
    """The backups that Meridian kept inside the database."""

    def test_listed(self, tmp_path: Path, project: ms.Project) -> None:
        """They are listed with ours, oldest first, and the copies of their records are not taken for backups."""
        path = make(
            tmp_path / "db", SEEDS_OWN | {VERSION: b"2", b"task:a": task_v2("a"), b"symbol:a": b'{"embedding":1}'}
        )
        before = files(tmp_path)
        assert manager(path, project).backups() == [LISTED]
        assert manager(path, project).status().backups == [LISTED]
        assert LISTED.records == 2
        assert files(tmp_path) == before

    def test_listed_with_ours(self, tmp_path: Path, project: ms.Project) -> None:
        """A run leaves them as they are, byte for byte, and its own backup stands behind them in the list."""
        path = make(tmp_path / "db", SEEDS_OWN | {b"task:a": task("a")})
        name = manager(path, project).apply().backup
        assert [backup.name for backup in manager(path, project).backups()] == [LISTED.name, name]
        found = dump(path)
        assert {key: found[key] for key in SEEDS_OWN} == SEEDS_OWN
        manager(path, project).rollback()
        found = dump(path)
        assert {key: found[key] for key in SEEDS_OWN} == SEEDS_OWN

    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"1",
            b"[]",
            b'"text"',
            b"{}",
            b"no JSON",
            compact({"timestamp": 5, "prefix": "task:", "item_count": 2, "keys": []}),
            compact({"timestamp": "2025-10-19T12:05:00Z", "prefix": ["task:"], "item_count": 2, "keys": []}),
            compact({"timestamp": "2025-10-19T12:05:00Z", "prefix": "task:", "item_count": "many", "keys": []}),
            compact({"timestamp": None, "prefix": None, "item_count": None, "keys": None}),
        ],
    )
    def test_what_is_none(self, value: bytes, tmp_path: Path, project: ms.Project) -> None:
        """Something else under such a key is passed over, and does not hide the others."""
        path = make(tmp_path / "db", SEEDS_OWN | {b"_backup_1": value, b"_backup_\xff": SEED["index_value"].encode()})
        assert manager(path, project).backups() == [LISTED]

    def test_a_note_of_ours_whose_folder_is_gone(self, meridian: Path, project: ms.Project) -> None:
        """A backup of ours that was deleted is not listed, although the database still notes it."""
        name = str(manager(meridian, project).apply().backup)
        (meridian.parent / "db.backups").rename(meridian.parent / "elsewhere")
        assert name.encode() in dump(meridian)
        assert manager(meridian, project).backups() == []


class TestTheFolder:
    """``<database>.backups`` beside the database."""

    def test_foreign_files(self, meridian: Path, project: ms.Project) -> None:
        """What else lies in the folder of backups is passed over and left alone."""
        folder = meridian.parent / "db.backups"
        (folder / "mine").mkdir(parents=True)
        (folder / "mine" / "notes.txt").write_text("foreign")
        (folder / "backup.json").write_text("{}")
        before = files(folder / "mine")
        name = manager(meridian, project).apply().backup
        assert [backup.name for backup in manager(meridian, project).backups()] == [name]
        manager(meridian, project).rollback()
        assert files(folder / "mine") == before

    def test_a_file_in_its_place(self, meridian: Path, project: ms.Project) -> None:
        """Where the folder of backups cannot be made, that is said before the run, and nothing is changed."""
        (meridian.parent / "db.backups").write_text("in the way")
        before = dump(meridian)
        with pytest.raises(ms.DatabaseError) as caught:
            manager(meridian, project).apply()
        assert str(caught.value) == (
            f"{meridian}: the file {meridian.parent}/db.backups was found, "
            "a folder of the database's owner, or none, was expected; find out who made it, and move it away"
        )
        assert dump(meridian) == before
        assert sorted(file.name for file in meridian.parent.iterdir()) == ["db", "db.backups"]

    def test_a_moved_database(self, meridian: Path, project: ms.Project) -> None:
        """A database that was moved together with its backups is rolled back where it is now."""
        manager(meridian, project).apply()
        there = meridian.parent / "there"
        there.mkdir()
        for name in ("db", "db.backups"):
            (meridian.parent / name).rename(there / name)
        manager(there / "db", project).rollback()
        assert data(there / "db") == ROWS


def test_no_record_is_kept_twice(meridian: Path, project: ms.Project) -> None:
    """A refused run keeps no backup, however often it is tried: nothing grows."""
    write(meridian, {b"task:broken": b"{"})
    before = dump(meridian)
    for _ in range(3):
        with pytest.raises(ms.RecordRejected):
            manager(meridian, project).apply()
    assert dump(meridian) == before
    assert beside(meridian) == []
