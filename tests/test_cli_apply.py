"""``migrate-spec apply``: what it prints, and what its options change."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

from tests.cli_support import MERIDIAN, Done, cli, document, plain_json, process, text
from tests.conftest import ROWS, VERSION, Folder, beside, data, dump, files, make

APPLIED = """\
v1 -> v2: 5 items migrated in S.SSs
v2 -> v3: 2 items migrated in S.SSs
   task: 5 scanned, 5 migrated, 0 unchanged
   episode: 3 scanned, 1 migrated, 2 unchanged
   symbol: 2 scanned, 1 migrated, 1 unchanged
✓ Schema is at version 3
"""

TRIED = """\
v1 -> v2: 5 items would be migrated, tried in S.SSs
v2 -> v3: 2 items would be migrated, tried in S.SSs
   task: 5 scanned, 5 to migrate, 0 unchanged
   episode: 3 scanned, 1 to migrate, 2 unchanged
   symbol: 2 scanned, 1 to migrate, 1 unchanged
✓ Every record can go to version 3; nothing was written
"""

REPORT: dict[str, Any] = {
    "database": "$TMP/db",
    "from_version": 1,
    "to_version": 3,
    "collections": {
        "task": {"scanned": 5, "migrated": 5, "unchanged": 0, "quarantined": 0},
        "episode": {"scanned": 3, "migrated": 1, "unchanged": 2, "quarantined": 0},
        "symbol": {"scanned": 2, "migrated": 1, "unchanged": 1, "quarantined": 0},
    },
    "steps": [
        {"from_version": 1, "to_version": 2, "items_migrated": 5},
        {"from_version": 2, "to_version": 3, "items_migrated": 2},
    ],
    "seconds": 0,
    "backup": "_backup_NAME",
    "dry_run": False,
    "pruned": [],
    "rejected": None,
    "in_place": False,
    "resumed": False,
    "losses": [],
}

NOTHING_TO_DO = REPORT | {"from_version": 3, "collections": {}, "steps": [], "backup": None}


def hint(database: str = "$TMP/db") -> str:
    """The last line: the backup, and the command that puts it back."""
    return f"Backup: _backup_NAME (`migrate-spec rollback {database}` puts it back)\n"


def test_says_what_was_done(meridian: Path) -> None:
    """A line for each step as Meridian's log has it, one for each collection, the version, and the way back."""
    done = process("apply", meridian, *MERIDIAN)
    assert text(done, meridian.parent) == Done(0, APPLIED + hint())
    after = dump(meridian)
    assert after[VERSION] == b"3"
    assert sum(value != ROWS.get(key) for key, value in data(meridian).items()) == 7


def test_as_json(meridian: Path) -> None:
    """The same as one document."""
    assert plain_json(document("apply", meridian, *MERIDIAN), meridian.parent) == REPORT


def test_of_a_current_database(meridian: Path) -> None:
    """A second call finds nothing to do, says so, and does not touch a byte."""
    cli("apply", meridian, *MERIDIAN)
    before = files(meridian.parent)
    assert cli("apply", meridian, *MERIDIAN) == Done(0, "✓ Schema is up to date (v3)\n")
    assert plain_json(document("apply", meridian, *MERIDIAN), meridian.parent) == NOTHING_TO_DO
    assert files(meridian.parent) == before


def test_dry_run(meridian: Path) -> None:
    """With `--dry-run` the counts are those of the real run, and nothing is written, in or beside the database."""
    before = files(meridian.parent)
    assert text(cli("apply", meridian, *MERIDIAN, "--dry-run")) == Done(0, TRIED)
    shown = plain_json(document("apply", meridian, *MERIDIAN, "--dry-run"), meridian.parent)
    assert shown == REPORT | {"backup": None, "dry_run": True}
    assert files(meridian.parent) == before


def test_no_backup(meridian: Path) -> None:
    """With `--no-backup` nothing is left beside the database, and no way back is offered."""
    assert text(cli("apply", meridian, *MERIDIAN, "--no-backup")) == Done(0, APPLIED)
    assert beside(meridian) == []


def test_to_a_version(meridian: Path) -> None:
    """With `--to` the database goes so far and no further; a later call goes on from there."""
    assert text(cli("apply", meridian, *MERIDIAN, "--to", "2"), meridian.parent) == Done(
        0,
        "v1 -> v2: 5 items migrated in S.SSs\n   task: 5 scanned, 5 migrated, 0 unchanged\n✓ Schema is at version 2\n"
        + hint(),
    )
    assert dump(meridian)[VERSION] == b"2"
    shown = plain_json(document("apply", meridian, *MERIDIAN), meridian.parent)
    assert shown == REPORT | {
        "from_version": 2,
        "collections": {name: counts for name, counts in REPORT["collections"].items() if name != "task"},
        "steps": REPORT["steps"][1:],
    }


def test_the_way_back_can_be_copied(meridian: Path, tmp_path: Path) -> None:
    """The command offered at the end works as it stands, also where the path needs quotes."""
    path = Path(shutil.move(meridian, tmp_path / "it's a database"))
    done = cli("apply", path, *MERIDIAN)
    offered = re.search(r"`migrate-spec (.*)`", done.out)
    assert offered is not None
    assert cli(*shlex.split(offered[1])).code == 0
    assert data(path) == ROWS


def test_without_records(tmp_path: Path, folder: Folder) -> None:
    """An empty collection only gets a new version; there is nothing to put back, and no way back is offered."""
    folder.spec("note", 1)
    path = make(tmp_path / "db", {b"other": b"1"})
    assert text(cli("apply", path, "--specs", folder.specs, "--schemas", folder.schemas)) == Done(
        0,
        "v1 -> v2: 0 items migrated in S.SSs\n   note: 0 scanned, 0 migrated, 0 unchanged\n✓ Schema is at version 2\n",
    )
    assert beside(path) == []


def test_large_numbers(tmp_path: Path, folder: Folder) -> None:
    """Counts are readable; the line that Meridian's log has, too, keeps its form."""
    folder.spec("note", 1, {"default": {"n": 1}})
    path = make(tmp_path / "db", {b"note:%04d" % number: b"{}" for number in range(1234)})
    done = text(cli("apply", path, "--specs", folder.specs, "--schemas", folder.schemas), tmp_path)
    assert done == Done(
        0,
        "v1 -> v2: 1234 items migrated in S.SSs\n   note: 1,234 scanned, 1,234 migrated, 0 unchanged\n"
        "✓ Schema is at version 2\n" + hint(),
    )
