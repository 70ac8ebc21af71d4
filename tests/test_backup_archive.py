"""Backups as archives: what goes in comes out, and what somebody else made of one gets nowhere."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard

import migrate_spec as ms
from migrate_spec.backup import Backup
from tests.backups_support import MANY, flip, manager, manifest, tables
from tests.conftest import ROWS, SCHEMAS, SPECS, VERSION, beside, data, dump, files, make, task, variables, write
from tests.test_backup import SEEDS_OWN

Member = tuple[tarfile.TarInfo, bytes]

NO_TEXT = {b"\xff\xfe": b"1", b"": b"", b"task:\xff": task("x")}


def exported(it: ms.MigrationManager, backup: Backup, name: str = "backup.tar.zst") -> Path:
    """An archive of a backup."""
    target = it.path.parent / name
    it.export_backup(backup.name, target)
    return target


def members(archive: Path) -> list[Member]:
    """What is in an archive."""
    with archive.open("rb") as packed_file, zstandard.ZstdDecompressor().stream_reader(packed_file) as stream:
        content = io.BytesIO(stream.read())
    with tarfile.open(fileobj=content) as tar:
        return [(one, (file.read() if (file := tar.extractfile(one)) else b"")) for one in tar]


def packed(target: Path, content: list[Member]) -> Path:
    """An archive of these."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for member, value in content:
            member.size = len(value)
            tar.addfile(member, io.BytesIO(value))
    target.write_bytes(zstandard.ZstdCompressor().compress(plain.getvalue()))
    return target


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """A member of an archive."""
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, link
    return found


class TestThereAndBack:
    """An archive is the backup, byte for byte, wherever it is imported."""

    @pytest.mark.parametrize("made_by", ["create", "apply"])
    def test_elsewhere(self, made_by: str, meridian: Path, tmp_path: Path, project: ms.Project) -> None:
        """What is exported here becomes a backup of a database elsewhere, from which all comes back."""
        write(meridian, NO_TEXT)
        it, before = manager(meridian, project), dump(meridian)
        if made_by == "create":
            it.create_backup("for Ann")
        else:
            it.apply()
        [backup] = it.backups()
        archive = exported(it, backup)
        other = manager(tmp_path / "other" / "db", project)
        other.path.parent.mkdir()
        found = other.import_backup(archive)
        assert found.path == other.path.parent / "db.backups" / backup.name
        assert (found.whole, found.collections, found.reason) == (backup.whole, backup.collections, backup.reason)
        assert str(found.verified_at) > str(backup.verified_at)
        assert other.backups() == [found]
        assert manifest(found)["path"] == str(found.path)
        assert dump(found.database) == before
        other.restore_backup(found.name, into=other.path)
        assert data(other.path) == before
        assert [one.ok for one in other.verify_backups()] == [True]

    def test_what_is_in_it(self, meridian: Path, project: ms.Project) -> None:
        """The manifest comes first; nothing tells of the machine it was made on, and LOCK and LOG are not in it."""
        backup = manager(meridian, project).create_backup()
        found = members(exported(manager(meridian, project), backup))
        names = [one.name for one, _ in found]
        assert names[0] == "backup.json"
        assert names[1:] == [
            f"database/{file.name}" for file in sorted(backup.database.iterdir()) if file.name not in {"LOCK", "LOG"}
        ]
        assert {(one.uid, one.gid, one.uname, one.gname, one.mode) for one, _ in found} == {(0, 0, "", "", 0o600)}
        assert json.loads(found[0][1]) == manifest(backup) | {"path": None}

    def test_after_the_backup_is_gone(self, meridian: Path, project: ms.Project) -> None:
        """A backup that was pruned comes back from its archive, and can take the migration back."""
        it = manager(meridian, project)
        name = it.apply().backup
        archive = exported(it, it.backups()[0])
        shutil.rmtree(meridian.with_name("db.backups"))
        it.import_backup(archive)
        assert it.rollback().backup == name
        assert data(meridian) == ROWS

    def test_beside_a_program(self, meridian: Path, project: ms.Project) -> None:
        """Both work without the lock, and write nothing to the database."""
        it = manager(meridian, project)
        backup = it.create_backup()
        before = files(meridian)
        archive = exported(it, backup)
        shutil.rmtree(meridian.with_name("db.backups"))
        it.import_backup(archive)
        assert files(meridian) == before
        assert beside(meridian) == ["db.backups", f"db.backups/{backup.name}"]

    def test_permissions(self, meridian: Path, project: ms.Project) -> None:
        """Who may not read the database may read neither the archive nor what is imported beside it."""
        it = manager(meridian, project)
        meridian.chmod(0o700)
        backup, place = it.create_backup(), meridian.with_name("db.backups")
        archive = exported(it, backup)
        assert (archive.stat().st_mode & 0o777, place.stat().st_mode & 0o777) == (0o600, 0o700)
        shutil.rmtree(place)
        it.import_backup(archive)
        assert place.stat().st_mode & 0o777 == 0o700

    def test_progress(self, tmp_path: Path, project: ms.Project) -> None:
        """Of both each byte is told."""
        it = manager(make(tmp_path / "db", MANY), project)
        backup, told = it.create_backup(), list[ms.Progress]()
        it.export_backup(backup.name, tmp_path / "a", on_progress=told.append)
        size = sum(file.stat().st_size for file in backup.database.iterdir() if file.name not in {"LOCK", "LOG"})
        assert (told[-1].phase, told[-1].done > size * 0.9) == ("finished", True)
        shutil.rmtree(tmp_path / "db.backups")
        it.import_backup(tmp_path / "a", on_progress=told.append)
        assert (told[-1].phase, told[-1].done) == ("finished", (tmp_path / "a").stat().st_size)


class TestRefused:
    """What is no archive of a backup, and what must not come out of one."""

    @pytest.fixture
    def it(self, meridian: Path, project: ms.Project) -> ms.MigrationManager:
        """A manager of a database without backups."""
        return manager(meridian, project)

    @pytest.fixture
    def good(self, it: ms.MigrationManager) -> list[Member]:
        """What is in an archive of it."""
        backup = it.create_backup()
        archive = exported(it, backup)
        found = members(archive)
        archive.unlink()
        it.prune_backups(ms.Retention())
        shutil.rmtree(it.path.with_name("db.backups"))
        return found

    def refusal(self, it: ms.MigrationManager, archive: Path) -> str:
        """What is said of an archive, of which nothing is left then, but for the archive itself."""
        before = {name for name in files(it.path.parent) if not name.startswith("other")}
        with pytest.raises(ms.BackupError) as caught:
            it.import_backup(archive)
        assert {name for name in files(it.path.parent) if not name.startswith("other")} == before
        return str(caught.value).removeprefix(f"{archive}: ")

    OUTSIDE = (
        member("database/../../escaped"),
        member("../escaped"),
        member("/tmp/escaped"),  # noqa: S108 - it is refused
        member("database//escaped"),
        member("database/sub/escaped"),
        member("database/.."),
        member("database/.hidden"),
        member("database/a\nb"),
        member("other"),
        member("database/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("database/link", tarfile.LNKTYPE, "backup.json"),
        member("database/folder", tarfile.DIRTYPE),
        member("database/null", tarfile.CHRTYPE),
        member("database/disk", tarfile.BLKTYPE),
        member("database/pipe", tarfile.FIFOTYPE),
        member("database/sparse", tarfile.GNUTYPE_SPARSE),
        member("database/strange", b"Z"),
    )

    def test_no_plain_file(self, it: ms.MigrationManager, good: list[Member], tmp_path: Path) -> None:
        """Whatever is no plain file of the database is refused, wherever it stands, by its kind and name."""
        for bad in self.OUTSIDE:
            for at in (0, 1, len(good)):
                said = self.refusal(it, packed(tmp_path / "archive", [*good[:at], (bad, b""), *good[at:]]))
                assert said.endswith(" was expected; nothing was imported"), (bad.name, bad.type, at)
        assert not list(tmp_path.rglob("escaped"))

    def test_sentences(self, it: ms.MigrationManager, good: list[Member], tmp_path: Path) -> None:
        """It is said what was found."""
        link = member("database/link", tarfile.SYMTYPE, "/etc/passwd")
        assert self.refusal(it, packed(tmp_path / "archive", [*good, (link, b"")])) == (
            "a symbolic link database/link was found, a file in database/ was expected; nothing was imported"
        )
        assert self.refusal(it, packed(tmp_path / "archive", good[1:])) == (
            f"the file {good[1][0].name} was found, the file backup.json first was expected; nothing was imported"
        )
        assert self.refusal(it, packed(tmp_path / "archive", [*good, good[1]])) == (
            f"{good[1][0].name.removeprefix('database/')} was found twice, each file was expected once"
        )
        assert self.refusal(it, packed(tmp_path / "archive", [])) == (
            "an empty archive was found, a backup was expected"
        )

    MANIFESTS: tuple[dict[str, object], ...] = (
        {"name": "../../escaped"},
        {"name": "_backup_20260101_000000/x"},
        {"name": "other"},
        {"name": 3},
        {"version": "1"},
        {"version": True},
        {"collections": []},
        {"collections": {"task": {"prefix": 3, "records": 1, "digest": "", "starts": []}}},
        {"collections": {"task": {"prefix": "\ud800", "records": 1, "digest": "", "starts": []}}},
        {"collections": {"task": {"prefix": "t", "records": -1, "digest": "", "starts": []}}},
        {"collections": {"task": {"prefix": "t", "records": 1, "digest": "", "starts": ["x"]}}},
        {"whole": 3},
        {"verified_at": 3},
    )

    def test_a_manifest_that_does_not_fit(self, it: ms.MigrationManager, good: list[Member], tmp_path: Path) -> None:
        """A manifest that nobody can understand, or with a name that leads elsewhere, is refused."""
        texts = [json.dumps(json.loads(good[0][1]) | change).encode() for change in self.MANIFESTS]
        for text in (*texts, b"", b"{}", b"[" * 100_000, b"\xff", b"null"):
            assert self.refusal(it, packed(tmp_path / "archive", [(good[0][0], text), *good[1:]])) == (
                "a manifest that cannot be read was found, what the backup holds was expected in it"
            ), text[:80]

    def test_another_database(self, it: ms.MigrationManager, good: list[Member], tmp_path: Path) -> None:
        """A manifest that tells of other records than there are is refused."""
        shown = json.loads(good[0][1])
        shown["whole"]["default"]["records"] += 1
        content = [(good[0][0], json.dumps(shown).encode()), *good[1:]]
        with pytest.raises(ms.BackupError, match=r"44 records in all with the digest .*, 45 with the digest"):
            it.import_backup(packed(tmp_path / "archive", content))
        assert it.backups() == []

    @pytest.mark.parametrize("missing", ["CURRENT", ".sst", "MANIFEST"])
    def test_a_missing_file(self, missing: str, it: ms.MigrationManager, good: list[Member], tmp_path: Path) -> None:
        """An archive that lacks a file of the database is refused."""
        content = [one for one in good if missing not in one[0].name]
        with pytest.raises((ms.BackupError, ms.CorruptDatabase)):
            it.import_backup(packed(tmp_path / "archive", content))
        assert it.backups() == []

    def test_a_name_that_exists(self, it: ms.MigrationManager, good: list[Member], tmp_path: Path) -> None:
        """A backup is never replaced."""
        archive = packed(tmp_path / "archive", good)
        backup = it.import_backup(archive)
        with pytest.raises(ms.BackupError) as caught:
            it.import_backup(archive)
        assert str(caught.value) == (
            f"{backup.path}: something was found, a name that is free was expected; choose another one"
        )
        assert it.backups() == [backup]

    def test_damaged(self, it: ms.MigrationManager, good: list[Member], tmp_path: Path) -> None:
        """A file that was cut off anywhere, or has another bit anywhere, is refused."""
        whole = packed(tmp_path / "archive", good).read_bytes()
        for share in range(20):
            at = len(whole) * share // 20
            (tmp_path / "archive").write_bytes(whole[:at])
            assert self.refusal(it, tmp_path / "archive").startswith("no archive was found, or one that is damaged (")
        for text in (b"", b"PK\x03\x04", os.urandom(100)):
            (tmp_path / "archive").write_bytes(text)
            assert self.refusal(it, tmp_path / "archive").startswith("no archive was found, or one that is damaged (")
        (tmp_path / "archive").write_bytes(whole)
        assert it.import_backup(tmp_path / "archive").records == 44

    def test_a_bomb(self, it: ms.MigrationManager, tmp_path: Path) -> None:
        """A small file that says it becomes a huge manifest is refused before it is unpacked."""
        huge = member("backup.json")
        huge.size = 1 << 40
        content = huge.tobuf() + bytes(1 << 20)
        (tmp_path / "archive").write_bytes(zstandard.ZstdCompressor().compress(content))
        assert self.refusal(it, tmp_path / "archive") == (
            "a manifest of 1,099,511,627,776 bytes was found, at most 67,108,864 were expected; nothing was imported"
        )


class TestExport:
    """What is not exported."""

    def test_never_over_something(self, meridian: Path, tmp_path: Path, project: ms.Project) -> None:
        """A file that is there stays as it is."""
        it = manager(meridian, project)
        backup = it.create_backup()
        (tmp_path / "there").write_text("mine")
        (tmp_path / ".there.unfinished-killed").mkdir()
        with pytest.raises(ms.BackupError) as caught:
            it.export_backup(backup.name, tmp_path / "there")
        assert str(caught.value) == (
            f"{tmp_path}/there: something was found, a name that is free was expected; choose another one"
        )
        assert (tmp_path / "there").read_text() == "mine"
        assert not (tmp_path / ".there.unfinished-killed").exists()  # what a killed call left goes all the same

    def test_a_damaged_one(self, tmp_path: Path, project: ms.Project) -> None:
        """What is damaged is not handed on."""
        it = manager(make(tmp_path / "db", MANY), project)
        backup = it.create_backup()
        flip(tables(backup)[0], 0.5)
        with pytest.raises(ms.CorruptDatabase):
            it.export_backup(backup.name, tmp_path / "archive")
        assert not (tmp_path / "archive").exists()

    def test_of_meridian(self, tmp_path: Path, project: ms.Project) -> None:
        """A backup inside the database is no database of its own."""
        it = manager(make(tmp_path / "db", SEEDS_OWN), project)
        with pytest.raises(ms.BackupError, match="without a checkpoint was found"):
            it.export_backup("_backup_20251019_120500", tmp_path / "archive")
        assert [file.name for file in tmp_path.iterdir()] == ["db"]


KILLED = """
import os, sys, time
import migrate_spec as ms
from migrate_spec.backups import archive, restore_into

def stop(*_):
    print("there", flush=True)
    time.sleep(600)

setattr({"archive": archive, "restore_into": restore_into}[sys.argv[4]], sys.argv[5], stop)
it = ms.MigrationManager(sys.argv[3], ms.load(sys.argv[1], sys.argv[2]))
getattr(it, sys.argv[6])(*sys.argv[7:8], **eval(sys.argv[8]))
"""


@pytest.mark.parametrize(
    ("do", "where"),
    [
        ("export_backup", ("archive", "_add")),
        ("import_backup", ("archive", "timestamp")),
        ("restore_backup", ("restore_into", "_note")),
    ],
    ids=str,
)
def test_killed(do: str, where: tuple[str, str], meridian: Path, tmp_path: Path, project: ms.Project) -> None:
    """Killed in the middle, nothing half has its final name; the next call removes what is left, and succeeds."""
    it = manager(meridian, project)
    backup = it.create_backup()
    archive = exported(it, backup)
    if do == "import_backup":
        shutil.rmtree(meridian.with_name("db.backups"))
    words = {"export_backup": backup.name, "import_backup": str(archive), "restore_backup": backup.name}[do]
    options = {"export_backup": {"target": tmp_path / "new"}, "restore_backup": {"into": tmp_path / "new"}}.get(do, {})
    told = repr({name: str(value) for name, value in options.items()})
    command = [sys.executable, "-c", KILLED, str(SPECS), str(SCHEMAS), str(meridian), *where, do, words, told]
    before = {name for name in files(tmp_path) if "unfinished" not in name}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "new").exists()
    assert it.backups() == ([] if do == "import_backup" else [backup])
    if do == "import_backup":
        it.import_backup(words)
        assert it.backups()[0].name == backup.name
    elif do == "export_backup":
        it.export_backup(words, tmp_path / "new")
    else:
        it.restore_backup(words, into=tmp_path / "new")
    left = {name for name in files(tmp_path) if "unfinished" in name}
    assert left == set()
    assert before <= set(files(tmp_path))
    assert VERSION not in dump(meridian)
