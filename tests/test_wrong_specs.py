"""The laws find specs that are wrong, and leave in peace those that are not: the table in ``wrong_specs.yaml``."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.laws import LAWS
from migrate_spec.migration import Migration
from migrate_spec.registry import MigrationRegistry
from migrate_spec.shapes.shape import Shape
from migrate_spec.trials import Failure, generated, try_laws, ways_of
from tests import rows_of
from tests.conftest import Folder
from tests.test_operation_laws import WRONG, planted, with_other_operations

FILE = Path(__file__).parent / "wrong_specs.yaml"
ROWS: list[dict[str, Any]] = rows_of(FILE)
DOCUMENTS = 100
SECONDS = 20.0


def failures(row: dict[str, Any], folder: Folder) -> list[Failure]:
    """What the laws find in the specs of a row."""
    stamp = row.get("stamp")
    folder.schema("task", 1, row["before"])
    for version, part in enumerate([row, row["then"]] if "then" in row else [row], 1):
        folder.schema("task", version + 1, part["after"]).spec("task", version, *part["steps"], stamp=stamp)
    registry = folder.load().registry
    if "plant" in row:
        registry = MigrationRegistry([_planted(migration, row["plant"]) for migration in registry])
    trials = [try_laws(way, LAWS, generated(way, DOCUMENTS), SECONDS) for way in ways_of(registry)]
    assert all(trial.documents for trial in trials)
    return [failure for trial in trials for failure in trial.failures]


def _planted(migration: Migration, wrong: str) -> Migration:
    steps = tuple(
        with_other_operations(step, unaware) if wrong == "unaware" else planted(step, WRONG[wrong])
        for step in migration.spec.steps
    )
    return replace(migration, spec=replace(migration.spec, steps=steps))


def unaware(kind: type[Any]) -> type[Any]:
    """An operation like another, but that it thinks it changes nothing."""

    class Unaware(kind):  # type: ignore[misc]  # made of whatever operation there is
        def effect(self, shape: Shape) -> Shape:
            return shape

    return Unaware


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_wrong_spec_breaks_its_law(row: dict[str, Any], folder: Folder) -> None:
    """Each law that is broken is found, no other, by the smallest document, and in the words that are expected."""
    found = failures(row, folder)
    told = [(failure.law.name, str(failure.broken.fault), failure.broken.documents) for failure in found]
    assert {failure.law.name for failure in found} == set(row["breaks"]), told
    if "smallest" in row:
        assert [failure.document for failure in found if failure.law.name == row["breaks"][0]] == [row["smallest"]]
    if "says" in row:
        assert row["says"] in [str(replace(failure.broken.fault, where=None)) for failure in found]


def test_each_law_has_its_rows() -> None:
    """The table has at least three specs for each law, and ten that keep all."""
    rows = Counter(name for row in ROWS for name in row["breaks"])
    assert {law.name for law in LAWS if rows[law.name] >= 3} == {law.name for law in LAWS}
    assert sum(not row["breaks"] for row in ROWS) >= 10
