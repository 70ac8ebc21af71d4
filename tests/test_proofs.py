"""The table of verdicts, ``proofs/<topic>.yaml``: no verdict of it is contradicted by a document that is made up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT
from migrate_spec.errors import Irreversible
from migrate_spec.operations import all_operations
from tests.proofs_support import Row, carrier, counterexamples, rows
from tests.test_laws import TIMES

SOME = 150 * TIMES
"""Documents, each way, that do not contradict what is proved."""
MANY = 20_000
"""Documents of which one shows what is refuted."""

ROWS = rows()


def of(way: str, *verdicts: str) -> list[Row]:
    """The rows with one of these verdicts."""
    return [row for row in ROWS if getattr(row, way) in verdicts]


def refuting(row: Row, smallest: Json, *, backwards: bool = False) -> Iterator[Json]:
    """The results that do not fit: of the document that a row says, or of those that are made up."""
    if smallest is ABSENT:
        return (result for _, result in counterexamples(row, MANY, backwards=backwards))
    here, there = (row.after, row.before) if backwards else (row.before, row.after)
    assert here.is_valid(smallest)
    result = carrier(row.migration, backwards=backwards)(smallest)
    assert result is not ABSENT
    assert not there.is_valid(result)
    return iter([result])


def test_each_row_has_a_name_of_its_own() -> None:
    """A row is found by its name."""
    assert len({str(row) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("operation", all_operations())
def test_each_operation_has_rows(operation: str) -> None:
    """Four at least, of which some are proved and some refuted."""
    verdicts = [row.up for row in ROWS if row.topic == operation]
    assert len(verdicts) >= 4
    assert {"proved", "refuted"} <= set(verdicts)


@pytest.mark.parametrize("row", of("up", "proved", "unknown"), ids=str)
def test_up_proved(row: Row) -> None:
    """No document shows that a row is wrong which is proved, or would be if hooks could be looked into."""
    assert next(counterexamples(row, SOME), None) is None


@pytest.mark.parametrize("row", of("up", "refuted"), ids=str)
def test_up_refuted(row: Row) -> None:
    """A document shows what is refuted: the one that the row says, or one that is made up; by its keyword."""
    found = refuting(row, row.smallest)
    assert any(not row.keyword or row.after.best_mismatch(result).keyword == row.keyword for result in found)


@pytest.mark.parametrize("row", of("down", "proved", "unknown"), ids=str)
def test_down_proved(row: Row) -> None:
    """The same backwards."""
    assert next(counterexamples(row, SOME, backwards=True), None) is None


@pytest.mark.parametrize("row", of("down", "refuted"), ids=str)
def test_down_refuted(row: Row) -> None:
    """The same backwards."""
    assert any(True for _ in refuting(row, row.smallest_down, backwards=True))


@pytest.mark.parametrize("row", of("down", "irreversible"), ids=str)
def test_down_irreversible(row: Row) -> None:
    """There is no way back, whatever the document is."""
    with pytest.raises(Irreversible):
        carrier(row.migration, backwards=True)({})
