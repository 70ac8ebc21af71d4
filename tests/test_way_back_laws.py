"""There and back with what is kept: up and down, and down and up, give the same bytes, whatever a step loses.

The documents are those of the tables of cases, altered: as in ``test_operation_laws``, an operation needs no line here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_spec.codec import encode
from migrate_spec.errors import Irreversible
from migrate_spec.path import Path
from migrate_spec.spec import Spec
from migrate_spec.stamp import Stamp
from migrate_spec.store import Store
from migrate_spec.stores.rocks import open_for_reading
from tests.conftest import make
from tests.test_laws import LAW, RANDOM, spelled
from tests.test_operation_laws import TABLES, altered, rows
from tests.way_back_support import Stored, Way

STAMPS = (Stamp(None), Stamp(), Stamp(Path.parse("v"), as_text=True), Stamp(Path.parse("meta.version")))


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A database in which nothing is."""
    with open_for_reading(make(tmp_path_factory.mktemp("nowhere") / "db", {b"-": b""})) as store:
        yield store


@st.composite
def work(draw: st.DrawFn, table: str) -> tuple[Spec, bytes]:
    """A spec of a row of a table, and a record for it, most often spelled as the engine spells it."""
    spec, document = draw(st.sampled_from(rows(table)))
    spec = replace(spec, stamp=draw(st.sampled_from(STAMPS)))
    most = draw(st.sampled_from([0, 40, 12]))
    if most and isinstance(document, dict):
        fates = st.integers(0, most)
        found = altered(draw, document, fates, 0)
        document = found if isinstance(found, dict) else document
    if draw(st.integers(0, 5)) == 1 and spec.stamp.path is not None and spec.stamp.path.sole_name is not None:
        mark = {str(spec.stamp.path): spec.stamp.mark(1)}
        document = mark | document if draw(st.booleans()) else document | mark
    spell = draw(st.sampled_from(["plain", "plain", "with blanks", "odd"]))
    if spell == "with blanks":
        return spec, json.dumps(document, ensure_ascii=False).encode()
    return spec, spelled(document, draw(RANDOM)).encode() if spell == "odd" else encode(document)


def goes_there_and_back(way: Way, value: bytes, versions: Sequence[int]) -> bool:
    """Take a record up, down, up and down; whether it can be taken up. The last way up stops at each version."""
    first, *others = versions
    up = way.go(Stored(value), first, others[-1])
    if isinstance(up, str):
        return False
    down = way.go(up, others[-1], first)
    assert isinstance(down, Stored), (up, down)
    assert down.value == value, (up, down)
    assert {loss.kind for loss in down.losses} <= {"kept"}, (up, down)
    again = way.go(down, first, others[-1])
    assert isinstance(again, Stored), (down, again)
    assert again.value == up.value, (up, down, again)
    for start, end in reversed(list(zip(versions, others, strict=False))):
        once = way.go(Stored(value), first, start) if start > first else Stored(value)
        assert isinstance(once, Stored), (value, once)
        down = way.go(again, end, start)
        assert isinstance(down, Stored), (again, down)
        assert down.value == once.value, (up, again, down)
        again = down
    return True


@pytest.mark.parametrize("table", TABLES)
def test_there_and_back(table: str, nowhere: Store) -> None:
    """A record comes back as it was, to the byte, by the long way and the short one, and goes up again as it went."""
    ways: Counter[bool] = Counter()

    @settings(LAW, max_examples=LAW.max_examples // 3)
    @given(work(table), st.booleans())
    def law(given_work: tuple[Spec, bytes], short: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        spec, value = given_work
        try:
            ways[goes_there_and_back(Way((spec,), nowhere, short=short), value, (1, 2))] += 1
        except Irreversible:
            return

    law()
    assert ways[True] > 5
