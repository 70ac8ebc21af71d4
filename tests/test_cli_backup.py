"""``migrate-spec backup``: what each of its commands says, and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.backups_support import MANY, flip
from tests.cli_support import MERIDIAN, Done, Terminal, cli, document, on_terminal, plain_json, refusal, text
from tests.conftest import ROWS, data, make, write

LISTED = "_backup_NAME  version 1, before the fair, 44 records\n   $TMP/db.backups/_backup_NAME\n"


@pytest.fixture
def name(meridian: Path) -> str:
    """The name of a backup of the Meridian database."""
    return str(document("backup", "create", meridian, "--reason", "before the fair", *MERIDIAN)["name"])


def test_create(meridian: Path) -> None:
    """It says what `list` says of the new backup; without specs, too, and with control characters made harmless."""
    tmp = meridian.parent
    done = text(cli("backup", "create", meridian, "--reason", "before the fair", *MERIDIAN), tmp)
    assert done == text(cli("backup", "list", meridian), tmp) == Done(0, LISTED)
    shown = document("backup", "create", meridian, "--reason", "a\nb\x1b", "--specs", "nowhere")
    assert (shown["collections"], shown["whole"]["default"]["records"]) == ({}, 45)
    assert "  version 1, a\\nb\\x1b, 45 records\n" in cli("backup", "list", meridian).out


def test_verify(meridian: Path, name: str) -> None:
    """A line for each; exit code 1 where one is damaged."""
    assert cli("backup", "verify", meridian) == Done(0, f"✓ {name}  44 records\n")
    [shown] = document("backup", "verify", meridian, name)
    assert (shown["name"], shown["damage"], shown["records"]) == (name, "", 44)
    [table] = (meridian.parent / "db.backups" / name / "database").glob("*.sst")
    flip(table, 0.1)
    done = cli("backup", "verify", meridian)
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith(f"✗ {name}  {table.parent}: {table.name} at offset ")
    assert document("backup", "verify", meridian, code=1)[0]["verified_at"] is None
    shutil.rmtree(meridian.with_name("db.backups"))
    assert cli("backup", "verify", meridian) == Done(0, "There are no backups\n")


def test_restore(meridian: Path, name: str) -> None:
    """What was written since is told, and undone only with `--yes`."""
    write(meridian, {b"new": b"1"})
    sentence = "1 record was written since the backup: new; restoring would undo that"
    refused = cli("backup", "restore", meridian, name, *MERIDIAN)
    assert refused == Done(1, "", f"✗ {meridian}: {sentence}; pass --yes to do it all the same\n")
    assert refusal("backup", "restore", meridian, name, *MERIDIAN)["code"] == "later-writes"
    done = text(cli("backup", "restore", meridian, name, "--yes", *MERIDIAN), meridian.parent)
    assert done == Done(0, "v1 -> v1: 1 record restored in S.SSs\n✓ $TMP/db as in _backup_NAME\n")
    assert data(meridian) == ROWS
    shown = plain_json(
        document("backup", "restore", meridian, name, "--collection", "task", *MERIDIAN), meridian.parent
    )
    assert shown == {
        "database": "$TMP/db",
        "from_version": 1,
        "to_version": 1,
        "backup": "_backup_NAME",
        "collections": ["task"],
        "records": 0,
        "later_writes": 0,
        "seconds": 0,
    }


def test_restore_on_a_terminal(meridian: Path, name: str) -> None:
    """On a terminal it asks, and the answer counts."""
    write(meridian, {b"new": b"1"})
    with Terminal("backup", "restore", meridian, name, *MERIDIAN) as terminal:
        terminal.wait_for("Undo that, too? [y/N]: ")
        terminal.type("y\n")
        assert terminal.finish().code == 0
    assert data(meridian) == ROWS
    assert "restored" in on_terminal("backup", "restore", meridian, name, *MERIDIAN).out


def test_restore_into(meridian: Path, name: str, tmp_path: Path) -> None:
    """A lost database comes back under another name; two options that exclude each other are a wrong use."""
    shutil.rmtree(meridian)
    done = text(cli("backup", "restore", meridian, name, "--into", tmp_path / "new", *MERIDIAN), tmp_path)
    assert done == Done(0, "v1 -> v1: 44 records restored in S.SSs\n✓ $TMP/new as in _backup_NAME\n")
    both = ("--into", tmp_path / "other", "--collection", "task")
    assert refusal("backup", "restore", meridian, name, *both, *MERIDIAN, code=2)["message"] == (
        "--into and --collection were found, one of them was expected"
    )


def test_prune(meridian: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By options or by the settings; `--dry-run` removes nothing."""
    monkeypatch.chdir(tmp_path)
    cli("backup", "create", meridian)
    wrong = refusal("backup", "prune", meridian, code=2)["message"]
    assert wrong == (
        "neither --keep nor --older-than was found, nor [tool.migrate-spec.backups], one of them was expected"
    )
    assert refusal("backup", "prune", meridian, "--older-than", "30", code=2)["message"] == (
        "Invalid value for '--older-than': '30' was found, an age was expected, such as 12h, 30d or 4w."
    )
    assert cli("backup", "prune", meridian, "--older-than", "4w") == Done(0, "No backup need be removed\n")
    Path("pyproject.toml").write_text("[tool.migrate-spec.backups]\nkeep = 1\n")
    dry = text(cli("backup", "prune", meridian, "--dry-run"), tmp_path)
    assert dry == Done(0, f"{LISTED}✓ 1 backup would be removed\n")
    [removed] = document("backup", "prune", meridian)["removed"]
    assert removed["name"] == name
    assert len(document("backup", "list", meridian)) == 1


def test_apply_prunes(meridian: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that makes a backup removes others as the settings say, and tells which."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text("[tool.migrate-spec.backups]\nkeep = 1\n")
    done = cli("apply", meridian, *MERIDIAN)
    assert done.out.splitlines()[-1] == f"Removed, as [tool.migrate-spec.backups] says: {name}"


def test_export_and_import(meridian: Path, name: str, tmp_path: Path) -> None:
    """There and back; a file that is no archive is refused with a sentence."""
    done = cli("backup", "export", meridian, name, tmp_path / "file")
    assert (done.code, done.out.startswith(f"✓ {name} exported to {tmp_path}/file, ")) == (0, True)
    shutil.rmtree(meridian.with_name("db.backups"))
    assert text(cli("backup", "import", meridian, tmp_path / "file"), tmp_path) == Done(0, LISTED)
    assert refusal("backup", "import", meridian, tmp_path / "file")["code"] == "backup-error"
    (tmp_path / "other").write_text("no archive")
    assert refusal("backup", "import", meridian, tmp_path / "other")["message"].startswith(
        f"{tmp_path}/other: no archive was found, or one that is damaged ("
    )
    assert refusal("backup", "import", meridian, tmp_path / "none", code=2)["code"] == "usage"


def test_damage_and_the_way_out(tmp_path: Path) -> None:
    """A run over a damaged database names the file, and the sentence names the command that saves what is left."""
    path = make(tmp_path / "db", MANY)
    [table] = path.glob("*.sst")
    flip(table, 0.5)
    said = refusal("apply", path, *MERIDIAN)
    assert said["code"] == "database-corrupt"
    assert said["message"].startswith(f"{path}: {table.name} at offset ")
    assert said["message"].endswith("or save what is left with `migrate-spec salvage`")
    assert json.loads(cli("salvage", path, tmp_path / "new", "--json").out)["records"] > 2900
    assert cli("apply", tmp_path / "new", *MERIDIAN).code == 0
