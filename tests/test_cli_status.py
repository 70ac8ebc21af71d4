"""``migrate-spec status``, ``history`` and ``backup list``: where a database stands, as Meridian's system shows it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli_support import MERIDIAN, Done, cli, document, plain_json, text
from tests.conftest import DATA, HISTORY, SCHEMAS, SPECS, VERSION, beside, files, make, write

METADATA = json.loads((DATA / "metadata.json").read_text("utf-8"))
SCREENS = METADATA["status_screen"]
HISTORY_SCREEN = SCREENS["up_to_date"].split("\n\n", 2)[2]
ENTRIES = METADATA["history"]["one_failed_one_done"]
FAILED_AND_DONE = {HISTORY: ENTRIES.encode()}

PENDING = """
Pending Steps:
--------------
1. task v1→v2
"""

NEEDED = """\
Schema Version Status
====================
Current version: v2
Target version:  v3

⚠ Migration needed: v2 -> v3

Migration History:
------------------
1. v1 -> v2 at MOMENT
   Status: ✓ Success
   Items migrated: 5
   Duration: S.SSs
   Backup: _backup_NAME
   By: WHO

Pending Steps:
--------------
1. episode v2→v3
2. symbol v2→v3

Backups:
--------
_backup_NAME  apply v1→v2, 5 records

Kept For The Way Back:
----------------------
at most about N bytes on disk
"""

ROLLED_BACK = """\
Migration History:
------------------
1. v1 -> v2 at MOMENT
   Status: ✓ Success
   Items migrated: 5
   Duration: S.SSs
   Backup: _backup_NAME
   By: WHO

2. v2 -> v1 at MOMENT (rollback)
   Status: ✓ Success
   Items migrated: 5
   Duration: S.SSs
   Backup: _backup_NAME
   By: WHO

"""

NOTHING_YET = {
    "current_version": 1,
    "target_version": 3,
    "up_to_date": False,
    "pending": ["task v1→v2", "episode v2→v3", "symbol v2→v3"],
    "in_progress": None,
    "history": [],
    "backups": [],
    "freshness": {"read_at": "MOMENT", "writer": None},
    "half_swapped": None,
    "quarantined": {},
    "complements": {"bytes": 0},
}


@pytest.fixture
def upto_2(tmp_path: Path) -> tuple[str, ...]:
    """The options for specs that lead to version 2, as Meridian's own system did."""
    for source, name in ((SPECS, "specs"), (SCHEMAS, "schemas")):
        shutil.copytree(source / "task", tmp_path / name / "task")
    return ("--specs", str(tmp_path / "specs"), "--schemas", str(tmp_path / "schemas"))


class TestMeridiansScreens:
    """What Meridian's system showed, to the character; what it did not have stands behind that."""

    def test_up_to_date(self, tmp_path: Path, upto_2: tuple[str, ...]) -> None:
        """A current database with Meridian's own history of a failure and a success."""
        path = make(tmp_path / "db", {VERSION: b"2", **FAILED_AND_DONE})
        for words in ([], ["--check"]):
            assert cli("status", path, *upto_2, *words) == Done(0, SCREENS["up_to_date"])

    def test_needed_without_history(self, tmp_path: Path, upto_2: tuple[str, ...]) -> None:
        """A database that was never migrated; `--check` tells it by exit code 3."""
        path = make(tmp_path / "db", {b"task:1": b"{}"})
        assert cli("status", path, *upto_2) == Done(0, SCREENS["needed_no_history"] + PENDING)
        assert cli("status", path, *upto_2, "--check") == Done(3, SCREENS["needed_no_history"] + PENDING)

    def test_too_new(self, tmp_path: Path, upto_2: tuple[str, ...]) -> None:
        """A database of a later version than the specs know; `--check` tells it by exit code 1."""
        path = make(tmp_path / "db", {VERSION: b"3", **FAILED_AND_DONE})
        head = "Schema Version Status\n====================\nCurrent version: v3\nTarget version:  v2\n\n"
        screen = f"{head}{SCREENS['too_new_line']}\n\n{HISTORY_SCREEN}"
        assert cli("status", path, *upto_2) == Done(0, screen)
        assert cli("status", path, *upto_2, "--check") == Done(1, screen)
        shown = document("status", path, *upto_2, "--check", code=1)
        assert (shown["up_to_date"], shown["pending"], shown["current_version"]) == (False, [], 3)

    def test_history(self, tmp_path: Path) -> None:
        """The history alone is the end of the screen, and needs no specs."""
        path = make(tmp_path / "db", FAILED_AND_DONE)
        assert cli("history", path) == Done(0, HISTORY_SCREEN)
        assert document("history", path)["migrations"] == json.loads(ENTRIES)["migrations"]

    def test_no_history(self, meridian: Path) -> None:
        """Where nothing was done, that is said."""
        assert cli("history", meridian) == Done(0, "No migrations have been run yet\n")
        assert plain_json(document("history", meridian)) == {
            "migrations": [],
            "freshness": {"read_at": "MOMENT", "writer": None},
        }


class TestStatus:
    """What is ours: pending steps, backups, JSON, exit codes."""

    def test_in_between(self, meridian: Path) -> None:
        """After one of two migrations: history, what is pending and the backup, each after one blank line."""
        cli("apply", meridian, *MERIDIAN, "--to", "2")
        assert text(cli("status", meridian, *MERIDIAN)) == Done(0, NEEDED)

    def test_backups_without_history(self, meridian: Path) -> None:
        """A backup is shown after what is pending, also where the history was lost."""
        cli("apply", meridian, *MERIDIAN, "--to", "2")
        write(meridian, {HISTORY: None})
        done = text(cli("status", meridian, *MERIDIAN))
        assert done.out.partition("No migrations")[2] == (
            " have been run yet\n\nPending Steps:\n--------------\n1. episode v2→v3\n2. symbol v2→v3\n\n"
            "Backups:\n--------\n_backup_NAME  apply v1→v2, 5 records\n\n"
            "Kept For The Way Back:\n----------------------\nat most about N bytes on disk\n"
        )

    def test_as_json(self, meridian: Path) -> None:
        """Before anything was done, the document says so with every list empty but that of the pending steps."""
        assert plain_json(document("status", meridian, *MERIDIAN)) == NOTHING_YET
        assert plain_json(document("status", meridian, *MERIDIAN, "--check", code=3)) == NOTHING_YET

    def test_as_json_after_a_migration(self, meridian: Path) -> None:
        """After a migration the history and the backups are those of the commands of that name."""
        cli("apply", meridian, *MERIDIAN)
        shown = document("status", meridian, *MERIDIAN, "--check")
        assert shown.pop("complements")["bytes"] > 0
        del shown["freshness"]
        assert shown == {
            "current_version": 3,
            "target_version": 3,
            "up_to_date": True,
            "pending": [],
            "in_progress": None,
            "history": document("history", meridian)["migrations"],
            "backups": document("backup", "list", meridian),
            "half_swapped": None,
            "quarantined": {},
        }

    def test_writes_nothing(self, meridian: Path) -> None:
        """No byte of the database or beside it changes by looking."""
        before = files(meridian.parent)
        for words in (["status", *MERIDIAN], ["history"], ["backup", "list"]):
            assert cli(*words, meridian).code == 0
        assert files(meridian.parent) == before


class TestHistory:
    """What was done."""

    def test_rollback(self, meridian: Path) -> None:
        """A rollback stands in the history as what it is."""
        cli("apply", meridian, *MERIDIAN, "--to", "2")
        cli("rollback", meridian)
        assert text(cli("history", meridian)) == Done(0, ROLLED_BACK)

    def test_times_of_another_form(self, tmp_path: Path) -> None:
        """A moment that cannot be read is shown as it stands, without a duration."""
        entry = json.loads(ENTRIES)["migrations"][1] | {"started_at": "yesterday", "backup_key": None}
        path = make(tmp_path / "db", {HISTORY: json.dumps({"migrations": [entry]}).encode()})
        assert cli("history", path) == Done(
            0,
            "Migration History:\n------------------\n1. v1 -> v2 at yesterday\n   Status: ✓ Success\n"
            "   Items migrated: 1234\n\n",
        )


class TestBackupList:
    """What could be put back."""

    def test_none(self, meridian: Path) -> None:
        """Where there is no backup, that is said."""
        assert cli("backup", "list", meridian) == Done(0, "There are no backups\n")
        assert document("backup", "list", meridian) == []

    def test_of_migrations(self, meridian: Path) -> None:
        """Each backup with the version it holds, what it was made for, how much it holds and where it lies."""
        for version in ("2", "3"):
            cli("apply", meridian, *MERIDIAN, "--to", version)
        folder = f"   {meridian}.backups/_backup_NAME\n"
        assert text(cli("backup", "list", meridian)) == Done(
            0,
            f"_backup_NAME  version 1, apply v1→v2, 5 records\n{folder}"
            f"_backup_NAME  version 2, apply v2→v3, 5 records\n{folder}",
        )
        names = [name.partition("/")[2] for name in beside(meridian) if "/" in name]
        assert [backup["name"] for backup in document("backup", "list", meridian)] == names

    def test_as_json(self, meridian: Path) -> None:
        """The document has all that is known of a backup."""
        cli("apply", meridian, *MERIDIAN, "--to", "2")
        (shown,) = plain_json(document("backup", "list", meridian), meridian.parent)
        assert {**shown, "tool": "TOOL", "collections": None} == {
            "name": "_backup_NAME",
            "created_at": "MOMENT",
            "version": 1,
            "reason": "apply v1→v2",
            "collections": None,
            "path": "$TMP/db.backups/_backup_NAME",
            "tool": "TOOL",
            "whole": {},
            "verified_at": "MOMENT",
            "records": 5,
        }
        assert shown["tool"].startswith("migrate-spec ")
        assert {**shown["collections"]["task"], "digest": ""} == {
            "prefix": "task:",
            "records": 5,
            "digest": "",
            "starts": [],
        }

    def test_of_meridian(self, tmp_path: Path) -> None:
        """The backups that Meridian kept inside the database are shown, too."""
        backup = METADATA["backup"]
        records = {key.encode(): b"{}" for key in backup["item_keys"]}
        path = make(tmp_path / "db", {backup["index_key"].encode(): backup["index_value"].encode(), **records})
        assert cli("backup", "list", path) == Done(0, "_backup_20251019_120500  kept inside the database, 2 records\n")
        (shown,) = document("backup", "list", path)
        assert (shown["version"], shown["path"]) == (None, None)
