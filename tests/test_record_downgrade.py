"""Records that move go down again: byte for byte where they were not edited, and with each edit where they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from tests.conftest import Folder, data, make
from tests.test_record_operations import ROWS, Row, records, shown, written

CHANGING = [
    pytest.param(row, id=f"{name}: {row['name']}")
    for name, row in ROWS
    if "refused" not in row and name not in {"explode", "gather"} and not {"explode", "gather"} & set(str(row).replace("{", " ").replace("'", " ").split())
]


@pytest.mark.parametrize("row", CHANGING)
def test_there_and_back(row: Row, tmp_path: Path, folder: Folder) -> None:
    """Each byte comes back on the way down, and again on the way up, also in several runs."""
    before, project = records(row, "before"), written(row, folder).load()
    manager = ms.MigrationManager(make(tmp_path / "db", before), project)
    first = manager.version()
    manager.apply()
    after, last = data(manager.path), manager.version()
    for target in (first, last, first):
        if target == first:
            manager.downgrade(first, accept_loss=())
            assert shown(data(manager.path)) == shown(before)
        else:
            manager.apply()
            assert shown(data(manager.path)) == shown(after)
