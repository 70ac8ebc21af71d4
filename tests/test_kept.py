"""What migrations keep of records stays with them, whatever is done to the database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec.codec import packed
from migrate_spec.losses import LossCount
from tests import families_support as families
from tests.conftest import HISTORY, VERSION, Folder, data, dump, make, raw, write
from tests.in_place_support import interrupted, small_batches
from tests.runner_support import direct, small_jobs
from tests.test_typed_store import build, contents, tagged

__all__ = ["small_jobs"]

COMPLEMENT = b"_complement:"
OLD = {b"note:%03d" % number: b'{"a":%d,"gone":"g%d"}' % (number, number) for number in range(40)}
NEW = {b"note:%03d" % number: b'{"schema_version":2,"b":%d}' % number for number in range(40)}
STEPS: tuple[dict[str, Any], ...] = ({"rename": {"a": "b"}}, {"remove": ["gone"]})

Data = dict[bytes, bytes]


def kept(path: Path) -> Data:
    """What is kept in a database."""
    return {key: value for key, value in dump(path).items() if key.startswith(COMPLEMENT)}


def steps_kept(path: Path) -> set[str]:
    """The collections and steps of which something is kept."""
    return {key.removeprefix(COMPLEMENT).decode().rsplit("/", 2)[0] for key in kept(path)}


def losing(folder: Folder, **more: Any) -> ms.Project:
    """Notes of which version 2 calls ``a`` ``b``, and has no ``gone``."""
    return folder.spec("note", 1, *STEPS, **more).load()


def counts(report: ms.ApplyReport) -> tuple[int, ...]:
    """How many notes a run looked at, changed, left as they are, and left in quarantine."""
    found = report.collections["note"]
    return tuple(found[name] for name in ("scanned", "migrated", "unchanged", "quarantined"))


@pytest.fixture
def manager(tmp_path: Path, folder: Folder) -> ms.MigrationManager:
    """A database of forty notes of version 1."""
    return ms.MigrationManager(make(tmp_path / "db", OLD), losing(folder))


class TestBackups:
    """What is kept goes with a backup, and comes back with it."""

    @pytest.mark.parametrize("collections", [(), ("note",)])
    def test_restored(self, collections: tuple[str, ...], manager: ms.MigrationManager) -> None:
        """After a restore there is what was kept when the backup was made; it counts neither as record nor as write."""
        manager.apply()
        backup, before = manager.create_backup().name, kept(manager.path)
        assert before
        write(manager.path, dict.fromkeys(before))
        report = manager.restore_backup(backup, collections)
        assert (report.records, report.later_writes) == (0, 0)
        assert kept(manager.path) == before
        manager.downgrade(1)
        assert data(manager.path) == OLD

    def test_before_the_migration(self, manager: ms.MigrationManager) -> None:
        """A restore of what was there before takes what was kept since away, and no write stands against it."""
        manager.restore_backup(manager.apply().backup or "")
        assert (data(manager.path), kept(manager.path)) == (OLD, {})

    def test_back_and_up_and_rolled_back(self, manager: ms.MigrationManager) -> None:
        """What the way up puts back is no later write, and a rollback brings back what the way down had kept."""
        manager.apply()
        write(manager.path, {b"note:001": b'{"schema_version":2,"b":1,"gone":"again"}', b"note:x": NEW[b"note:002"]})
        manager.downgrade(1, accept_loss=["gone"])
        before, records = kept(manager.path), data(manager.path)
        assert steps_kept(manager.path) <= {"note/2-1"}
        report = manager.apply()
        assert manager.rollback().later_writes == 0
        assert (kept(manager.path), data(manager.path)) == (before, records)
        manager.apply()
        manager.restore_backup(report.backup or "")
        assert (kept(manager.path), data(manager.path)) == (before, records)

    def test_elsewhere(self, manager: ms.MigrationManager, tmp_path: Path) -> None:
        """An exported backup, and a database that is saved from damage, have it, too."""
        manager.apply()
        before, name = kept(manager.path), manager.create_backup().name
        manager.export_backup(name, tmp_path / "archive")
        other = ms.MigrationManager(
            tmp_path / "other", ms.load(tmp_path / "project/specs", tmp_path / "project/schemas")
        )
        other.import_backup(tmp_path / "archive")
        other.restore_backup(name, into=tmp_path / "other")
        manager.salvage(tmp_path / "saved")
        for place in ("other", "saved"):
            assert kept(tmp_path / place) == before
            ms.MigrationManager(tmp_path / place, other._project).downgrade(1)
            assert data(tmp_path / place) == OLD

    def test_history_verified(self, manager: ms.MigrationManager) -> None:
        """The history knows what each way left, and that nothing was written since."""
        for version in (2, 1, 2):
            _ = manager.apply() if version == 2 else manager.downgrade(1)
            [held] = manager.audit().collections
            assert (held.state, held.records_now) == ("unchanged", 40)
        assert [backup.name for backup in manager.backups()] == [
            entry["backup_key"] for entry in json.loads(dump(manager.path)[HISTORY])["migrations"]
        ]
        assert all(not verified.damage for verified in manager.verify_backups())


NUMBER = {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]}
BAD = b'{"a":"no number","gone":"kept"}'


class TestQuarantine:
    """Records in quarantine."""

    @pytest.fixture
    def world(self, tmp_path: Path, folder: Folder) -> Callable[[int], ms.MigrationManager]:
        """Makes a database of three notes, one of which does not fit version 2; and of so many versions."""

        def made(upto: int = 2) -> ms.MigrationManager:
            for version in range(2, upto + 1):
                folder.schema("note", version, NUMBER if version == 2 else {"type": "object"})
            losing(folder)
            if upto == 3:
                folder.schema("note", 3, {"required": ["c"], "properties": {"c": {"type": "integer"}}}).spec(
                    "note", 2, {"rename": {"b": "c"}}
                )
            rows = {b"note:a": OLD[b"note:001"], b"note:b": BAD, b"note:c": OLD[b"note:003"]}
            return ms.MigrationManager(make(tmp_path / "db", rows), folder.load())

        return made

    @pytest.mark.parametrize("how", ["repair", "retry"])
    def test_taken_up_again(self, how: str, world: Callable[..., ms.MigrationManager]) -> None:
        """What is taken from one that is repaired, or fits by now, is kept; the way back gives it again."""
        manager, fine = world(), b'{"a":7,"gone":"kept"}'
        manager.apply(on_error="quarantine")
        if how == "repair":
            manager.repair(b"note:b", fine)
        else:
            write(manager.path, {b"note:b": fine})
            manager.apply()
        assert data(manager.path)[b"note:b"] == b'{"schema_version":2,"b":7}'
        manager.downgrade(1)
        assert data(manager.path) == {b"note:a": OLD[b"note:001"], b"note:b": fine, b"note:c": OLD[b"note:003"]}
        assert steps_kept(manager.path) == set()

    def test_home_again(self, world: Callable[..., ms.MigrationManager]) -> None:
        """One that stayed at the version to which the way leads keeps its bytes, and loses its mark."""
        manager = world()
        before = data(manager.path)
        manager.apply(on_error="quarantine")
        report = manager.downgrade(1)
        assert data(manager.path) == before  # and no mark
        assert counts(report) == (3, 2, 1, 0)
        assert manager.audit().untouched

    def test_still_set_aside(self, world: Callable[..., ms.MigrationManager]) -> None:
        """One of an earlier version stays as it is, in quarantine; all the others go down."""
        manager = world(3)
        manager.apply(on_error="quarantine")
        report = manager.downgrade(2)
        assert counts(report) == (3, 2, 0, 1)
        assert [held.value for held in manager.quarantine()] == [BAD]
        assert data(manager.path)[b"note:a"] == NEW[b"note:001"]
        manager.downgrade(1)
        assert list(manager.quarantine()) == []

    def test_home_again_where_others_move(self, tmp_path: Path, folder: Folder) -> None:
        """So it does where the way back brings the others to other keys."""
        moves = {"rekey": {"from": "note:{id}", "to": "note:new:{id}"}}
        manager = ms.MigrationManager(
            make(tmp_path / "db", {b"note:1": b'{"id":1}', b"note:2": b"{"}),
            folder.spec("note", 1, records=[moves]).load(),
        )
        before = data(manager.path)
        manager.apply(on_error="quarantine")
        manager.downgrade(1)
        assert (data(manager.path), list(manager.quarantine())) == (before, [])

    @pytest.mark.parametrize("stamp", ["schema_version", None])
    def test_from_a_later_version(self, stamp: str | None, tmp_path: Path, folder: Folder) -> None:
        """One that was set aside at a later version goes down from there, with what was kept of it."""
        folder.schema("note", 3, {"type": "object", "not": {"required": ["c"], "properties": {"c": {"const": 1}}}})
        losing(folder, stamp=stamp)
        project = folder.spec("note", 2, {"rename": {"b": "c"}}, stamp=stamp).load()
        manager = ms.MigrationManager(make(tmp_path / "db", OLD), project)
        manager.apply(2)
        at_2 = data(manager.path)
        manager.apply(on_error="quarantine")
        [held] = manager.quarantine()
        assert (held.mark.key, held.mark.version, held.value) == (b"note:001", 2, at_2[b"note:001"])
        report = manager.downgrade(1)
        assert data(manager.path) == OLD
        assert counts(report) == (40, 40, 0, 0)
        assert manager.audit().untouched
        manager.apply(2)
        assert data(manager.path) == at_2

    def test_that_cannot_go_down(self, tmp_path: Path, folder: Folder) -> None:
        """One that cannot stays as it is, with a mark that says why, and what was kept of it stays, too."""
        folder.schema("note", 1, {"type": "object", "required": ["a"]})
        folder.schema("note", 3, {"type": "object", "required": ["c"]})
        losing(folder)
        project = folder.spec("note", 2, {"rename": {"b": "c"}}).load()
        manager = ms.MigrationManager(make(tmp_path / "db", OLD), project)
        manager.apply(2)
        bad = b'{"schema_version":2}'
        write(manager.path, {b"note:001": bad})
        manager.apply(on_error="quarantine")
        manager.downgrade(1, accept_loss=["a", "b", "gone"])
        [held] = manager.quarantine()
        assert (held.mark.version, held.mark.step, held.value) == (2, "note v1→v2 backwards", bad)
        assert data(manager.path)[b"note:002"] == OLD[b"note:002"]
        assert steps_kept(manager.path) == {"note/1-2"}
        manager.apply(2)
        assert list(manager.quarantine()) == []
        assert data(manager.path) == NEW | {b"note:001": bad}

    def test_kept_on_the_way_down(self, world: Callable[..., ms.MigrationManager]) -> None:
        """What was kept on the way down of one that is set aside on the way up waits for it, and then goes."""
        manager = world()
        write(manager.path, {b"note:b": b'{"a":7}'})
        manager.apply()
        write(manager.path, {b"note:b": b'{"schema_version":2,"b":7,"gone":"again"}'})
        manager.downgrade(1, accept_loss=["gone"])
        down = data(manager.path)[b"note:b"]
        write(manager.path, {b"note:b": down.replace(b"7", b'"7"')})
        manager.apply(on_error="quarantine")
        assert "note/2-1" in steps_kept(manager.path)
        manager.repair(b"note:b", down)
        assert data(manager.path)[b"note:b"] == b'{"schema_version":2,"b":7,"gone":"again"}'
        assert steps_kept(manager.path) == {"note/1-2"}


class TestInPlace:
    """A run in place keeps what it takes, too."""

    def test_back(self, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """The way back gives the old bytes, and up again the new ones."""
        small_batches(monkeypatch)
        manager.apply(in_place=True)
        assert data(manager.path) == NEW
        manager.downgrade(1)
        assert (data(manager.path), kept(manager.path)) == (OLD, {})
        manager.apply(in_place=True)
        assert data(manager.path) == NEW

    @pytest.mark.parametrize("written", [False, True])
    def test_after_a_stop(
        self, *, written: bool, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A run that goes on loses nothing of what was kept, and keeps what it takes from records that came late."""
        small_batches(monkeypatch)
        interrupted(manager)
        late = {b"note:000x": b'{"a":0,"gone":"late"}', b"note:001": b'{"a":1,"gone":"other"}'}
        if written:
            write(manager.path, late)
        manager.apply()
        assert dump(manager.path)[VERSION] == b"2"
        manager.downgrade(1)
        assert data(manager.path) == (OLD | late if written else OLD)

    def test_with_what_the_way_down_kept(self, manager: ms.MigrationManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the way down kept serves a run in place that is stopped and goes on, and goes at its end."""
        manager.apply()
        edited = {key: value.replace(b"}", b',"gone":1}') for key, value in NEW.items()}
        write(manager.path, dict(edited))
        manager.downgrade(1, accept_loss=["gone"])
        small_batches(monkeypatch)
        interrupted(manager)
        manager.apply()
        assert data(manager.path) == edited
        assert steps_kept(manager.path) <= {"note/1-2"}


class TestPlaces:
    """Other databases than those of one part and raw keys."""

    def test_column_families(self, tmp_path: Path, folder: Folder) -> None:
        """What is kept of records in any column family stands in the default one; all goes down, and up again."""
        path = families.make(tmp_path / "db")
        folder.spec("user", 3, {"remove": ["b"]}, column_family="users")
        folder.spec("box", 3, {"remove": ["b"]}, prefix="", column_family="boxes")
        manager, before = ms.MigrationManager(path, families.written(folder)), families.data(path)
        manager.apply()
        after = families.data(path)
        assert {key.split(b"/")[0] for key in families.dump(path)["default"] if key.startswith(COMPLEMENT)} == {
            COMPLEMENT + name for name in (b"box", b"note", b"user")
        }
        manager.downgrade(1)
        assert families.data(path) == before
        manager.apply()
        assert families.data(path) == after
        manager.rollback()
        assert families.data(path) == before

    @pytest.mark.usefixtures("small_jobs")
    def test_several_workers(self, manager: ms.MigrationManager) -> None:
        """Each worker keeps what it takes, and finds what others kept."""
        manager.apply(workers=direct(3))
        assert len(kept(manager.path)) > 4
        manager.downgrade(1, workers=direct(2))
        assert (data(manager.path), kept(manager.path)) == (OLD, {})

    def test_typed_keys(self, tmp_path: Path, folder: Folder) -> None:
        """In rocksdict's default mode, whatever the keys are: numbers, and bytes that are no text."""
        rows = {b"note:\xff": '{"a":1,"gone":1}', b"note:a": b'{"a":2,"gone":2}', "note:1": '{"a":3,"gone":3}'}
        path = build(tmp_path / "db", rows)
        folder.spec("byte", 1, *STEPS, prefix="\x01note:")
        manager = ms.MigrationManager(path, losing(folder))
        manager.apply()
        assert contents(path)["bytes", b"note:\xff"] == '{"schema_version":2,"b":1}'
        assert all(kind == "str" for kind, key in contents(path) if str(key).startswith("_"))
        manager.downgrade(1)
        found = {key: value for key, value in contents(path).items() if not str(key[1]).startswith("_")}
        assert found == tagged(rows)

    def test_an_older_program(self, tmp_path: Path, folder: Folder) -> None:
        """One that knows version 2 alone refuses version 3, and starts again after the way down; on an open handle."""
        losing(folder)
        older = folder.load()
        newer = folder.spec("note", 2, {"remove": ["b"]}).load()
        path = make(tmp_path / "db", OLD)
        ms.check_and_migrate(path, newer)
        with pytest.raises(ms.DatabaseTooNew):
            ms.check_and_migrate(path, older)
        handle = Rdict(str(path), raw())
        ms.MigrationManager(handle, newer).downgrade(2)
        assert ms.check_and_migrate(handle, older).to_version == 2
        handle.close()
        assert data(path) == NEW


class TestDamaged:
    """What cannot be read is told of."""

    @pytest.mark.parametrize("damage", ["truncated", "other bytes", "nothing in it", "an odd key"])
    def test_a_block(self, damage: str, manager: ms.MigrationManager) -> None:
        """A sentence names the key, and the database is as it was."""
        manager.apply()
        [(key, block)] = kept(manager.path).items()
        other = key[:-1] + b"x" if damage == "an odd key" else key
        changed = {"truncated": block[:-1], "other bytes": b"\xff\xff", "nothing in it": b"\x90"}.get(damage, block)
        write(manager.path, {key: None} | {other: changed})
        before = dump(manager.path)
        with pytest.raises(ms.MetadataInvalid) as caught:
            manager.downgrade(1)
        sentence = re.sub(r"\(.*\)", "(…)", str(caught.value))
        assert sentence == (
            f"{manager.path}: what migrations took from records was found under {other.decode()}, and cannot be read "
            "(…), a block as a run writes it was expected; "
            "put a backup back, or delete that key: what stands in it is lost for the way back"
        )
        assert dump(manager.path) == before

    @pytest.mark.parametrize(
        "complement", [b"", b"[]", b"{}", b'{"lost":[{}]}', b'{"lost":1}', b'{"lost":[],"spelling":"x"}']
    )
    def test_one_record(self, complement: bytes, manager: ms.MigrationManager) -> None:
        """A sentence names the record of which what is kept cannot be read."""
        manager.apply()
        [key] = kept(manager.path)
        write(manager.path, {key: packed([(complement, [b"note:039"])])})
        with pytest.raises(ms.MetadataInvalid) as caught:
            manager.downgrade(1)
        sentence = re.sub(r"\(.*\)", "(…)", str(caught.value))
        assert sentence == (
            f"{manager.path}: what migrations took from note:039 was found under _complement:note/, and cannot be read "
            "(…), what a run writes was expected; "
            "put a backup back, or delete that key: what stands in it is lost for the way back"
        )


class TestAnotherSpec:
    """Up again by another spec than the one that led there before the way down."""

    @pytest.fixture
    def down(self, tmp_path: Path, folder: Folder) -> Path:
        """A note that was edited at version 2, which has a field more, and brought down again."""
        project = folder.spec("note", 1, {"add": {"more": 0}}).load()
        path = make(tmp_path / "db", {b"note:a": b'{"a":1}'})
        manager = ms.MigrationManager(path, project)
        manager.apply()
        write(path, {b"note:a": b'{"schema_version":2,"a":1,"more":5}'})
        manager.downgrade(1, accept_loss=["more"])
        assert data(path) == {b"note:a": b'{"a":1}'}
        return path

    @pytest.mark.parametrize(
        ("step", "schema", "result", "conflicts"),
        [
            ({"add": {"more": 0}}, {}, b'{"schema_version":2,"a":1,"more":5}', []),
            ({"add": {"more": 1}}, {}, b'{"schema_version":2,"a":1,"more":1}', ["more"]),
            ({"add": {"other": 0}}, {}, b'{"schema_version":2,"a":1,"other":0}', ["more"]),
            ({"add": {"more": 0}}, {"more": {"maximum": 4}}, b'{"schema_version":2,"a":1,"more":0}', ["more"]),
        ],
        ids=["the same", "another value", "another field", "another schema"],
    )
    @pytest.mark.parametrize("in_place", [False, True])
    def test_what_fits(  # noqa: PLR0913, PLR0917 - a spec, and what becomes of a record
        self,
        in_place: bool,  # noqa: FBT001 - a parameter
        step: dict[str, Any],
        schema: dict[str, Any],
        result: bytes,
        conflicts: list[str],
        down: Path,
        folder: Folder,
    ) -> None:
        """What was kept is put back where it fits; where it does not, the spec counts, and the history tells it."""
        folder.schema("note", 2, {"type": "object", "properties": schema})
        report = ms.MigrationManager(down, folder.spec("note", 1, step).load()).apply(in_place=in_place)
        assert data(down) == {b"note:a": result}
        assert [(loss.path, loss.kind, loss.records) for loss in report.losses] == [
            (path, "conflict", 1) for path in conflicts
        ]
        told = json.loads(dump(down)[HISTORY])["migrations"][-1]["collections"]["note"].get("losses", [])
        assert told == [{"path": path, "kind": "conflict", "records": 1} for path in conflicts]
        assert not any("2-1" in step for step in steps_kept(down))

    @pytest.mark.parametrize("in_place", [False, True])
    def test_of_records_that_move(self, in_place: bool, tmp_path: Path, folder: Folder) -> None:  # noqa: FBT001
        """What cannot be put back is told of these, too."""
        key = {"records": [{"rekey": {"from": "note:{id}", "to": "memo:{id}"}}]}
        folder.spec("note", 1, {"add": {"more": 0}}, **key)
        manager = ms.MigrationManager(make(tmp_path / "db", {b"note:a": b'{"a":1}'}), folder.load())
        manager.apply()
        write(manager.path, {b"memo:a": b'{"schema_version":2,"a":1,"more":5}'})
        manager.downgrade(1)
        again = ms.MigrationManager(manager.path, folder.spec("note", 1, {"add": {"more": 1}}, **key).load())
        losses = again.apply(in_place=in_place).losses
        assert [(loss.path, loss.kind, loss.records) for loss in losses] == [("more", "conflict", 1)]
        assert [one.loss for one in again.losses().lost if one.loss.kind == "conflict"] == losses

    @pytest.mark.parametrize("spec", [{}, {"records": [{"rekey": {"from": "note:{id}", "to": "memo:{id}"}}]}])
    def test_taken_up_again(self, spec: dict[str, Any], tmp_path: Path, folder: Folder) -> None:
        """What cannot be put back is told, too, of a record that was in quarantine, and of which step that is."""
        folder.schema("note", 2, {"type": "object", "properties": {"a": {"type": "integer"}}})
        manager = ms.MigrationManager(
            make(tmp_path / "db", {}), folder.spec("note", 1, {"add": {"more": 0}}, **spec).load()
        )
        manager.apply()
        key = b"memo:a" if spec else b"note:a"
        write(manager.path, {key: b'{"schema_version":2,"a":1,"more":5}', key + b"b": b'{"schema_version":2,"a":1}'})
        manager.downgrade(1)
        write(manager.path, {b"note:a": b'{"a":"x"}'})
        again = ms.MigrationManager(manager.path, folder.spec("note", 1, {"add": {"more": 1}}, **spec).load())
        again.apply(on_error="quarantine")
        write(manager.path, {b"note:a": b'{"a":2}'})
        losses = again.apply().losses
        assert losses == [LossCount("note", 1, 2, "more", "conflict", 1)]
        assert [one.loss for one in again.losses().lost if one.loss.kind == "conflict"] == losses
        assert not any("2-1" in step for step in steps_kept(manager.path))

    def test_explained(self, down: Path, folder: Folder) -> None:
        """What comes back is told as such, before and after."""
        manager = ms.MigrationManager(down, folder.load())
        before = manager.explain("note:a")
        manager.apply()
        for found in (before, manager.explain("note:a")):
            [event] = [event for event in found.events if event.kind == "kept"]
            assert [(str(one.path), one.before, one.after) for one in event.differences] == [("more", 0, 5)]
            assert "written" not in {event.kind for event in found.events}
