"""What the tests of backups share: backups to begin with, and how one is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import migrate_spec as ms
from migrate_spec.backup import Backup
from tests.conftest import task


def manager(path: Path, project: ms.Project) -> ms.MigrationManager:
    """A manager of the database at ``path``."""
    return ms.MigrationManager(path, project)


MANY = {b"task:%05d" % number: task(f"{number:05}", title=f"{number * 7919:x}") for number in range(3_000)}
"""Tasks for several hundred blocks."""


def flip(file: Path, at: float) -> None:
    """Change one bit of a file, at so much of its length. It becomes another file: links to it stay as they were."""
    content = bytearray(file.read_bytes())
    content[int(len(content) * at)] ^= 1
    file.unlink()
    file.write_bytes(content)


def tables(backup: Backup) -> list[Path]:
    """The table files of a backup."""
    return sorted(backup.database.glob("*.sst"))


def manifest(backup: Backup, **changes: Any) -> dict[str, Any]:
    """The manifest of a backup; with changes, these are written into it first."""
    assert backup.path is not None
    file = backup.path / "backup.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) | changes
    if changes:
        file.write_text(json.dumps(found), "utf-8")
    return found
