"""Pruning: backups go by number and by age, the last one that is known to be whole never goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rocksdict import Rdict

import migrate_spec as ms
from migrate_spec.backup import Backup
from migrate_spec.backups.prune import outlived
from migrate_spec.history import timestamp
from migrate_spec.retention import Retention, age
from tests.backups_support import flip, manager, manifest, tables
from tests.conftest import HISTORY, ROWS, Folder, beside, data, dump, make, raw, write
from tests.test_backup import SEEDS_OWN

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def aged(days: int, *, verified: int | None = -1) -> Backup:
    """A backup that was made so many days ago, and verified so many days ago: then, by default; ``None``: damaged."""
    moment = None if verified is None else timestamp(NOW - timedelta(days if verified < 0 else verified))
    return Backup(f"_backup_{days}", timestamp(NOW - timedelta(days)), 1, "", {}, Path("/b"), verified_at=moment)


def names(backups: list[Backup]) -> list[str]:
    """Their names."""
    return [backup.name for backup in backups]


class TestWhich:
    """Which backups need not be kept."""

    MONTH = (aged(40), aged(30), aged(20), aged(10), aged(0))

    @pytest.mark.parametrize(
        ("retention", "removed"),
        [
            (Retention(), 0),
            (Retention(keep=5), 0),
            (Retention(keep=4), 1),
            (Retention(keep=1), 4),
            (Retention(older_than=age("30d")), 1),
            (Retention(older_than=age("12h")), 4),
            (Retention(older_than=age("100w")), 0),
            (Retention(keep=4, older_than=age("1w")), 1),
            (Retention(keep=1, older_than=age("3w")), 2),
        ],
    )
    def test_by_number_and_age(self, retention: Retention, removed: int) -> None:
        """What either of the two keeps is kept; the others go, the oldest first."""
        assert outlived(self.MONTH, retention, NOW) == list(self.MONTH[:removed])

    def test_the_newest_is_damaged(self) -> None:
        """Then the newest that is whole is kept beside it."""
        backups = [aged(3), aged(2), aged(1, verified=None), aged(0, verified=None)]
        assert outlived(backups, Retention(keep=1), NOW) == [backups[0], backups[2]]

    def test_an_old_one_verified_last(self) -> None:
        """The one that was verified last is kept, too: of the newer ones nobody has looked since they were made."""
        backups = [aged(3), aged(2, verified=0), aged(1)]
        assert outlived(backups, Retention(keep=1), NOW) == [backups[0]]

    def test_none_is_known_to_be_whole(self) -> None:
        """Then the newest is kept all the same."""
        backups = [aged(3, verified=None), aged(2, verified=None)]
        assert outlived(backups, Retention(older_than=age("1h")), NOW) == backups[:1]

    @pytest.mark.parametrize("moment", ["yesterday", "", "2026-13-01T00:00:00Z"])
    def test_a_moment_that_nobody_understands(self, moment: str) -> None:
        """A backup of which nobody knows how old it is does not go by its age."""
        backups = [Backup("_backup_x", moment, 1, ""), aged(0)]
        assert outlived(backups, Retention(older_than=age("1h")), NOW) == []

    def test_a_clock_that_was_wrong(self) -> None:
        """A backup from the future is not old."""
        assert outlived([aged(-5), aged(-9)], Retention(older_than=age("1h")), NOW) == []

    @given(
        st.lists(st.tuples(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 50))), unique_by=lambda it: it[0]),
        st.one_of(st.none(), st.integers(1, 5)),
        st.one_of(st.none(), st.integers(1, 60).map(timedelta)),
    )
    def test_always(self, given_: list[tuple[int, int | None]], keep: int | None, limit: timedelta | None) -> None:
        """Whatever there is: one stays, one that is whole if there was one, and no more than asked for go."""
        backups = [aged(days, verified=verified) for days, verified in sorted(given_, reverse=True)]
        removed = outlived(backups, Retention(keep, limit), NOW)
        left = [backup for backup in backups if backup not in removed]
        assert bool(left) == bool(backups)
        assert any(backup.verified_at for backup in left) == any(backup.verified_at for backup in backups)
        assert len(left) >= min(keep or 0, len(backups))
        assert not (set(names(removed)) & set(names(backups[-(keep or 1) :])) if keep else False)

    @pytest.mark.parametrize("text", ["", "30", "d", "0d", "-1d", "1.5d", "30 d", "30D", "1y", "999999d", "٣d"])
    def test_no_age(self, text: str) -> None:
        """What is no age is refused."""
        with pytest.raises(ValueError, match="an age was expected, such as 12h, 30d or 4w"):
            age(text)


class TestRemove:
    """Backups that go, and what goes with them."""

    def test_ours(self, meridian: Path, project: ms.Project) -> None:
        """The folder goes, and the note in the database; the records and the other backups stay."""
        it = manager(meridian, project)
        first, second, third = (it.create_backup() for _ in range(3))
        would = it.prune_backups(Retention(keep=1), dry_run=True)
        assert (would, it.backups()) == ([first, second], [first, second, third])
        assert it.prune_backups(Retention(keep=1)) == [first, second]
        assert it.backups() == [third]
        assert set(dump(meridian)) == {*ROWS, third.name.encode()}
        assert beside(meridian) == ["db.backups", f"db.backups/{third.name}"]
        assert it.prune_backups(Retention(keep=1)) == []

    def test_of_meridian(self, tmp_path: Path, project: ms.Project) -> None:
        """Of a backup inside the database the list and every copy go, whatever bytes are in their keys."""
        odd = {b"_backup_20251019_120500:task:\xff": b"x"}
        beside_it = {b"_backup_20251019_1205": b"", b"_backup_20251019_120500_": b"2"}
        path = make(tmp_path / "db", {**SEEDS_OWN, **odd, **beside_it, b"task:a": b"{}"})
        it = manager(path, project)
        backup = it.create_backup()
        assert names(it.prune_backups(Retention(keep=1))) == ["_backup_20251019_120500"]
        assert set(dump(path)) == {*beside_it, b"task:a", backup.name.encode()}

    def test_the_only_one(self, tmp_path: Path, project: ms.Project) -> None:
        """The only backup stays however old it is, also where it is one inside the database."""
        path = make(tmp_path / "db", SEEDS_OWN)
        before = dump(path)
        assert manager(path, project).prune_backups(Retention(older_than=age("1h"))) == []
        assert dump(path) == before

    def test_what_verify_found(self, meridian: Path, project: ms.Project) -> None:
        """A newer backup that was found damaged does not stand for an older one that is whole."""
        it = manager(meridian, project)
        oldest, whole, damaged = (it.create_backup() for _ in range(3))
        flip(tables(damaged)[0], 0.1)
        assert [one.ok for one in it.verify_backups([damaged.name])] == [False]
        assert it.prune_backups(Retention(keep=1)) == [oldest]
        assert names(it.backups()) == [whole.name, damaged.name]

    def test_of_an_open_database(self, meridian: Path, project: ms.Project) -> None:
        """A program prunes through its own handle, and what it writes meanwhile does no harm."""
        handle: Any = Rdict(str(meridian), raw())
        it = ms.MigrationManager(handle, project)
        first, second = it.create_backup(), it.create_backup()
        handle[b"new"] = b"1"
        assert it.prune_backups(Retention(keep=1)) == [first]
        assert it.backups() == [second]
        handle.close()
        assert data(meridian) == ROWS | {b"new": b"1"}

    def test_killed_in_between(self, meridian: Path, project: ms.Project) -> None:
        """Where only the notes went, the folders go the next time, as do folders that were moved aside."""
        it = manager(meridian, project)
        first, second = it.create_backup(), it.create_backup()
        write(meridian, {first.name.encode(): None})
        assert it.prune_backups(Retention(keep=1)) == [first]
        third = it.create_backup()
        staging = meridian.with_name("db.staging")
        staging.mkdir()
        assert second.path is not None
        second.path.rename(staging / second.name)
        it.prune_backups(Retention(keep=1))
        it.create_backup()
        assert not staging.exists()
        assert second.name not in names(it.backups())
        assert third.name in names(it.backups())

    def test_killed_at_the_end(self, meridian: Path, project: ms.Project) -> None:
        """What was moved away to be removed goes with the next call, even if that finds nothing to prune."""
        it = manager(meridian, project)
        backup = it.create_backup()
        meridian.with_name(f"{meridian.name}.staging").joinpath("_backup_1", "database").mkdir(parents=True)
        assert it.prune_backups(Retention(keep=1)) == []
        assert beside(meridian) == [f"{meridian.name}.backups", f"{meridian.name}.backups/{backup.name}"]

    def test_in_use(self, meridian: Path, project: ms.Project) -> None:
        """Beside a program that writes, what would go can be seen, and nothing goes."""
        it = manager(meridian, project)
        first, second = it.create_backup(), it.create_backup()
        handle = Rdict(str(meridian), raw())
        assert it.prune_backups(Retention(keep=1), dry_run=True) == [first]
        with pytest.raises(ms.DatabaseLocked):
            it.prune_backups(Retention(keep=1))
        handle.close()
        assert it.backups() == [first, second]


class TestAfterApply:
    """What a run removes when it has made a backup."""

    @pytest.fixture
    def steps(self, folder: Folder) -> Folder:
        """A project of three steps."""
        for version in (1, 2, 3):
            folder.spec("a", version, {"add": {f"f{version}": version}})
        return folder

    def test_pruned(self, tmp_path: Path, steps: Folder) -> None:
        """With each run that makes a backup older ones go; the report names them, and the last run can go back."""
        it = manager(make(tmp_path / "db", {b"a:1": b"{}"}), steps.load())
        reports = [it.apply(version, retention=Retention(keep=1)) for version in (2, 3)]
        assert reports[0].pruned == []
        assert reports[1].pruned == [reports[0].backup]
        assert it.apply(4, backup=False, retention=Retention(keep=1)).pruned == []
        assert names(it.backups()) == [reports[1].backup]

    def test_of_a_fleet(self, tmp_path: Path, steps: Folder) -> None:
        """So it is for each of many databases."""
        paths = [make(tmp_path / f"{number}.db", {b"a:1": b"{}"}) for number in range(2)]
        project = steps.load()
        first = [manager(path, project).apply(2).backup for path in paths]
        outcomes = list(ms.apply_all(paths, project, retention=Retention(keep=1)))
        assert [one.report.pruned for one in outcomes if one.report] == [[name] for name in first]

    def test_nothing_is_known_of_its_age(self, tmp_path: Path, steps: Folder) -> None:
        """A manifest with a moment that nobody understands does not end a run that is done."""
        it = manager(make(tmp_path / "db", {b"a:1": b"{}"}), steps.load())
        it.apply(2)
        manifest(it.backups()[0], created_at="0000")
        assert it.apply(3, retention=Retention(older_than=age("1h"))).pruned == []
        assert json.loads(dump(it.path)[b"_schema_version"]) == 3


class TestClockSetBack:
    """A clock that was set back, or had been ahead, between two runs."""

    def test_the_order_of_the_history(self, tmp_path: Path, folder: Folder) -> None:
        """Backups of runs are listed as they were made, and pruned in this order: the last run's stays."""
        folder.spec("task", 1, {"default": {"a": 1}}).spec("task", 2, {"default": {"b": 1}})
        path = make(tmp_path / "db", {b"task:1": b"{}"})
        it = manager(path, folder.load())
        first, second = it.apply(2).backup, it.apply(3).backup
        for backup, year in zip(it.backups(), ("2999", "2001"), strict=True):
            manifest(backup, created_at=f"{year}-01-01T00:00:00Z")
        made = it.create_backup().name  # of this the history says nothing
        assert names(it.backups()) == [made, first, second]
        assert names(it.prune_backups(Retention(keep=1))) == [first]  # the other was verified last
        it.rollback()
        assert it.version() == 2

    def test_one_that_was_put_back(self, tmp_path: Path, folder: Folder) -> None:
        """A backup does not count as newer because it was put back; without a history the clock counts."""
        folder.spec("task", 1, {"default": {"a": 1}})
        path = make(tmp_path / "db", {b"task:1": b"{}"})
        it = manager(path, folder.load())
        old, run = it.create_backup().name, it.apply().backup
        it.restore_backup(old, undo_later_writes=True)
        assert names(it.backups()) == [old, run]
        write(path, {HISTORY: b"no history"})
        assert names(it.backups()) == [old, run]
