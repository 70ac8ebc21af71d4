"""The law of effects, by the rows of ``proofs/<topic>.yaml``: what steps make of any document was foretold.

The documents are made up from the row's schemas; those of the schema after are carried back.
"""

from __future__ import annotations

from itertools import islice

import pytest

from migrate_spec.codec import Json
from migrate_spec.derivation import derived
from migrate_spec.document import ABSENT
from migrate_spec.documents import sampled
from migrate_spec.schema import Schema
from migrate_spec.shapes.writing import written
from tests.proofs_support import Row, carrier, rows
from tests.test_laws import TIMES

SOME = 15 * TIMES
"""Documents of each row."""

ROWS = rows()


def unforetold(row: Row, *, backwards: bool = False) -> list[tuple[Json, Json]]:
    """The documents whose results do not fit the shape that the effects derive, each with its result."""
    (shape,) = derived(row.migration, backwards=backwards)
    foretells = Schema(written(shape)).is_valid
    carried = carrier(row.migration, backwards=backwards)
    documents = islice(sampled(row.after if backwards else row.before, row.names, 7), SOME)
    results = ((document, carried(document)) for document in documents)
    return [(document, result) for document, result in results if result is not ABSENT and not foretells(result)]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_is_made_was_foretold(row: Row) -> None:
    """Whatever the steps make of a document fits their effect on the shape of its schema."""
    assert unforetold(row) == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.down != "irreversible"], ids=str)
def test_what_is_made_backwards_was_foretold(row: Row) -> None:
    """The same backwards."""
    assert unforetold(row, backwards=True) == []
