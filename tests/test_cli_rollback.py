"""``migrate-spec rollback``: what was is again, and nobody's later work is undone unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from meridian.build_database import build
from tests.cli_support import (
    MERIDIAN,
    Done,
    Terminal,
    cli,
    document,
    on_terminal,
    place,
    plain,
    plain_json,
    process,
    refusal,
    text,
)
from tests.conftest import ROWS, data, dump, files, write

PUT_BACK = "v3 -> v1: 7 records put back in S.SSs\n✓ episode, symbol, task as in _backup_NAME\n"
WITH_LATER = PUT_BACK.replace("7 records", "8 records")

LATER = "2 records were written since the migration: task:gen-a, task:new"
ASKED = f"⚠ {LATER}\nUndo that, too? [y/N]: "

REPORT = {
    "database": "$TMP/db",
    "from_version": 3,
    "to_version": 1,
    "backup": "_backup_NAME",
    "collections": ["episode", "symbol", "task"],
    "records": 7,
    "later_writes": 0,
    "seconds": 0,
}


@pytest.fixture(scope="module")
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Meridian database at version 3 and its backup."""
    folder = tmp_path_factory.mktemp("migrated")
    build(folder / "db")
    assert cli("apply", folder / "db", *MERIDIAN).code == 0
    return folder


@pytest.fixture
def migrated(migrated_once: Path, tmp_path: Path) -> Path:
    """The Meridian database at version 3."""
    shutil.copytree(migrated_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "db"


@pytest.fixture
def used(migrated: Path) -> Path:
    """The Meridian database at version 3, in which one task was changed since, one added, and a foreign key."""
    write(migrated, {b"task:gen-a": b"{}", b"task:new": b"{}", b"foreign": b"kept"})
    return migrated


def names(path: Path) -> list[str]:
    """The names of the backups, oldest first."""
    return [backup["name"] for backup in document("backup", "list", path)]


def answered(path: Path, keys: str) -> Done:
    """Roll back on a terminal, and press keys when asked."""
    with Terminal("rollback", path, NO_COLOR="1") as terminal:
        terminal.wait_for("[y/N]: ")
        terminal.type(keys)
        return terminal.finish()


class TestWithoutLaterWrites:
    """The plain case: nothing was written since the migration."""

    def test_says_what_was_done(self, migrated: Path) -> None:
        """The way, how much was put back, what and from where; the records are the old ones to the byte."""
        assert text(process("rollback", migrated)) == Done(0, PUT_BACK)
        assert data(migrated) == ROWS

    def test_as_json(self, migrated: Path) -> None:
        """The same as one document."""
        assert plain_json(document("rollback", migrated), migrated.parent) == REPORT

    def test_does_not_ask(self, migrated: Path) -> None:
        """Where nothing is lost, a person on a terminal is asked nothing."""
        done = on_terminal("rollback", migrated)
        assert plain(done.out).replace("\x1b[32m", "").replace("\x1b[0m", "") == PUT_BACK

    def test_a_chosen_backup(self, meridian: Path) -> None:
        """With a backup's name everything since it is taken back, not only the last migration."""
        for version in ("2", "3"):
            cli("apply", meridian, *MERIDIAN, "--to", version)
        first, second = names(meridian)
        assert first != second
        done = cli("rollback", meridian, first)
        assert text(done) == Done(0, PUT_BACK)
        assert first in done.out
        assert data(meridian) == ROWS

    def test_one_after_the_other(self, meridian: Path) -> None:
        """Without a name the last migration in force is taken back, then the one before it, then there is none."""
        for version in ("2", "3"):
            cli("apply", meridian, *MERIDIAN, "--to", version)
        assert text(cli("rollback", meridian)).out == (
            "v3 -> v2: 2 records put back in S.SSs\n✓ episode, symbol as in _backup_NAME\n"
        )
        assert text(cli("rollback", meridian)).out == (
            "v2 -> v1: 5 records put back in S.SSs\n✓ task as in _backup_NAME\n"
        )
        assert data(meridian) == ROWS
        assert cli("rollback", meridian).code == 1


class TestWithLaterWrites:
    """Records were written since the migration."""

    def test_refuses_where_nobody_can_be_asked(self, used: Path) -> None:
        """Without a terminal the records are named, the way to go on is told, and nothing is changed."""
        before = dump(used)
        sentence = f"{used}: {LATER}; rolling back would undo that; pass --yes to do it all the same"
        assert process("rollback", used) == Done(1, "", f"✗ {sentence}\n")
        assert refusal("rollback", used) == {
            "code": "later-writes",
            "message": sentence,
            "where": place(used),
            "details": [],
        }
        assert dump(used) == before

    def test_yes(self, used: Path) -> None:
        """With `--yes` they are undone, too; a key of no collection is not."""
        assert text(cli("rollback", used, "--yes")) == Done(0, WITH_LATER)
        assert data(used) == ROWS | {b"foreign": b"kept"}

    def test_yes_as_json(self, used: Path) -> None:
        """The document says how many of the records had been written later."""
        shown = plain_json(document("rollback", used, "--yes"), used.parent)
        assert shown == REPORT | {"records": 8, "later_writes": 2}

    def test_a_person_who_agrees(self, used: Path) -> None:
        """On a terminal the records are named, and `y` undoes them."""
        assert text(answered(used, "y\n")) == Done(0, f"{ASKED}y\n{WITH_LATER}")
        assert data(used) == ROWS | {b"foreign": b"kept"}

    def test_a_person_who_does_not(self, used: Path) -> None:
        """Any other answer leaves the database as it is, and the exit code says that nothing was done."""
        before = dump(used)
        assert answered(used, "\n") == Done(1, f"{ASKED}\nNothing was changed.\n")
        assert dump(used) == before

    def test_a_person_who_leaves(self, used: Path) -> None:
        """Who ends the input (Ctrl-D) instead of answering has interrupted the command."""
        before = dump(used)
        assert answered(used, "\x04") == Done(130, f"{ASKED}\nInterrupted: the database is as it was.\n")
        assert dump(used) == before

    def test_json_never_asks(self, used: Path) -> None:
        """With `--json` nobody is asked, even on a terminal, and nothing is coloured: a program reads the answer."""
        assert on_terminal("rollback", used, "--json") == cli("rollback", used, "--json")


class TestRefusals:
    """Where there is nothing to put back."""

    EXPECTED = (
        "a backup that a migration made was expected; `migrate-spec history` shows what was done, "
        "`migrate-spec backup list` what can be put back"
    )

    def test_never_migrated(self, meridian: Path) -> None:
        """A database without a migration is left alone, with the commands that tell what there is."""
        before = files(meridian.parent)
        sentence = f"no migration with a backup was found, {self.EXPECTED}"
        assert cli("rollback", meridian) == Done(1, "", f"✗ {sentence}\n")
        assert refusal("rollback", meridian)["code"] == "backup-error"
        assert files(meridian.parent) == before

    def test_an_unknown_backup(self, migrated: Path) -> None:
        """A mistyped name is refused, and nothing is changed."""
        before = files(migrated.parent)
        sentence = f"no migration in force with the backup '_backup_2020' was found, {self.EXPECTED}"
        assert cli("rollback", migrated, "_backup_2020") == Done(1, "", f"✗ {sentence}\n")
        assert refusal("rollback", migrated, "_backup_2020")["code"] == "backup-error"
        assert files(migrated.parent) == before

    def test_a_backup_whose_folder_is_gone(self, migrated: Path) -> None:
        """A backup that was deleted cannot be put back, which is told by its name."""
        (name,) = names(migrated)
        shutil.rmtree(migrated.with_name("db.backups"))
        before = dump(migrated)
        sentence = f"{migrated}.backups: no backup called {name!r} was found, this database has none"
        assert cli("rollback", migrated) == Done(1, "", f"✗ {sentence}\n")
        assert refusal("rollback", migrated)["code"] == "backup-error"
        assert dump(migrated) == before
