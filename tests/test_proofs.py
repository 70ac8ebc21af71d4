"""The table of verdicts, ``proofs/<topic>.yaml``: no verdict of it is contradicted by a document that is made up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT
from migrate_spec.errors import Irreversible
from migrate_spec.operations import all_operations
from migrate_spec.proof import Verdict, prove
from migrate_spec.refutation import Counterexample
from migrate_spec.search import size
from tests import SPEC_FILE
from tests.proofs_support import Row, carrier, counterexamples, rows
from tests.test_laws import TIMES

SOME = 1000 * TIMES
"""Documents, each way, that do not contradict what is proved."""
TRIED = 3_000
"""Documents among which a counterexample is looked for before the verdict is that it is unknown."""
MANY = 20_000
"""Documents of which one shows what is refuted."""

FEW = 0.05
"""Of the verdicts that a person can come to by thought."""

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


VERDICTS: dict[tuple[str, bool], Verdict] = {}


def verdict(row: Row, *, backwards: bool = False) -> Verdict:
    """What the tool says of a row."""
    key = (str(row), backwards)
    if key not in VERDICTS:
        VERDICTS[key] = prove(row.migration, backwards=backwards, seconds=60, most=TRIED)
    return VERDICTS[key]


def check(row: Row, found: Counterexample, *, backwards: bool = False) -> None:
    """See that a counterexample is right."""
    here, there = (row.after, row.before) if backwards else (row.before, row.after)
    assert here.is_valid(found.before)
    assert carrier(row.migration, backwards=backwards)(found.before) == found.after
    assert not there.is_valid(found.after)
    assert there.best_mismatch(found.after) == found.mismatch
    assert found.place.file == SPEC_FILE


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
def test_up_no_document_contradicts_it(row: Row) -> None:
    """No document shows that a row is wrong which is proved, or would be if hooks could be looked into."""
    assert next(counterexamples(row, SOME), None) is None
    assert verdict(row).kind != "refuted"


@pytest.mark.parametrize("row", of("down", "proved", "unknown"), ids=str)
def test_down_no_document_contradicts_it(row: Row) -> None:
    """The same backwards."""
    assert next(counterexamples(row, SOME, backwards=True), None) is None
    assert verdict(row, backwards=True).kind != "refuted"


@pytest.mark.parametrize("row", of("up", "refuted"), ids=str)
def test_up_refuted(row: Row) -> None:
    """A document shows what is refuted: the one that is found, which is as small as the row says, or the row's own."""
    found = verdict(row)
    assert found.kind != "proved"
    if found.counterexample is None:
        assert any(refuting(row, row.smallest))
        return
    check(row, found.counterexample)
    assert not row.keyword or found.counterexample.mismatch.keyword == row.keyword
    assert row.smallest is ABSENT or size(found.counterexample.before)[0] <= size(row.smallest)[0]


@pytest.mark.parametrize("row", of("down", "refuted"), ids=str)
def test_down_refuted(row: Row) -> None:
    """The same backwards."""
    found = verdict(row, backwards=True)
    assert found.kind != "proved"
    if found.counterexample is None:
        assert any(True for _ in refuting(row, row.smallest_down, backwards=True))
    else:
        check(row, found.counterexample, backwards=True)
        assert row.smallest_down is ABSENT or size(found.counterexample.before)[0] <= size(row.smallest_down)[0]


@pytest.mark.parametrize("row", of("down", "irreversible"), ids=str)
def test_down_irreversible(row: Row) -> None:
    """There is no way back, whatever the document is."""
    with pytest.raises(Irreversible):
        carrier(row.migration, backwards=True)({})
    assert verdict(row, backwards=True).kind == "irreversible"


def test_few_are_unknown() -> None:
    """Of what a person can decide by thought; and each of them names what was in the way, or how many were tried."""
    ways = [(row, way) for way in ("up", "down") for row in of(way, "proved", "refuted")]
    found = [verdict(row, backwards=way == "down") for row, way in ways]
    unknown = [str(row) for (row, _), one in zip(ways, found, strict=True) if one.kind == "unknown"]
    assert len(ways) >= 800
    assert len(unknown) <= FEW * len(ways), unknown
    assert all(one.tried for one in found if one.kind == "unknown")
