"""``migrate-spec rollback``: what was is again, and nobody's later work is undone unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

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
from tests.conftest import ROWS, data, dump, write

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


@pytest.fixture
def migrated(meridian: Path) -> Path:
    """The Meridian database at version 3."""
    assert cli("apply", meridian, *MERIDIAN).code == 0
    return meridian


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
        """With `--json` nobody is asked, even on a terminal: a program reads the answer."""
        done = on_terminal("rollback", used, "--json")
        assert done.code == 1
        assert '"code": "later-writes"' in done.out


class TestRefusals:
    """Where there is nothing to put back."""

    def test_never_migrated(self, meridian: Path) -> None:
        """A database without a migration is left alone, with the commands that tell what there is."""
        before = dump(meridian)
        done = cli("rollback", meridian)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("✗ ")
        assert refusal("rollback", meridian)["code"] == "backup-error"
        assert dump(meridian) == before

    def test_an_unknown_backup(self, migrated: Path) -> None:
        """A mistyped name is refused, and nothing is changed."""
        before = dump(migrated)
        error = refusal("rollback", migrated, "_backup_20200101_000000")
        assert error["code"] == "backup-error"
        assert "'_backup_20200101_000000'" in error["message"]
        assert dump(migrated) == before
