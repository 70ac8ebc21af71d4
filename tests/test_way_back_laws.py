"""There and back with what is kept: up and down, and down and up, give the same bytes, whatever a step loses.

The documents are those of the tables of cases, altered: as in ``test_operation_laws``, an operation needs no line here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from migrate_spec.codec import decode, encode, encode_msgpack, plain
from migrate_spec.complement import Complement
from migrate_spec.errors import Irreversible
from migrate_spec.operations import all_operations
from migrate_spec.path import Path
from migrate_spec.spec import Spec
from migrate_spec.stamp import Stamp
from migrate_spec.store import Store
from tests import spec_of
from tests.test_laws import LAW, RANDOM, spelled
from tests.test_operation_laws import (
    TABLES,
    WRONG,
    altered,
    caught_by_the_table,
    goes_back_by_doing_nothing,
    planted,
    reversible,
    rows,
)
from tests.way_back_support import Stored, Way, goes_back_and_there, goes_there_and_back, nowhere

__all__ = ["nowhere"]

STAMPS = (Stamp(None), Stamp(), Stamp(Path.parse("v"), as_text=True), Stamp(Path.parse("meta.version")))


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


@pytest.mark.parametrize("table", TABLES)
def test_there_and_back(table: str, nowhere: Store) -> None:
    """A record comes back as it was, to the byte, by the long way and the short one, and goes up again as it went.

    So does one of the newer version that goes down first: what came up, with fields as nobody left them.
    """
    ways: Counter[bool] = Counter()
    others: Counter[bool] = Counter()

    @settings(LAW, max_examples=LAW.max_examples // 3)
    @given(work(table), st.booleans(), RANDOM)
    def law(given_work: tuple[Spec, bytes], short: bool, random: Random) -> None:  # noqa: FBT001 - Hypothesis gives it
        spec, value = given_work
        way = Way((spec,), nowhere, short=short)
        try:
            ways[goes_there_and_back(way, value, (1, 2))] += 1
        except Irreversible:
            return
        up = way.go(Stored(value), 1, 2)
        if isinstance(up, Stored):
            others[goes_back_and_there(way, written(spec, up.value, random), 2)] += 1

    law()
    assert ways[True] > 5
    assert others[True] > 5


def written(spec: Spec, value: bytes, random: Random) -> bytes:
    """A record as the newer program writes it: a field may have gone, one may be something else, and one may be new."""
    document = decode(value)
    names = [name for name in document if name not in {"schema_version", "v", "meta"}]
    for name in random.sample(names, min(len(names), random.choice([0, 0, 1]))):
        del document[name]
    for name in random.sample([*names, "new"], random.choice([0, 0, 1])):
        document[name] = random.choice([None, 0, "", "x", {}, []])
    return encode(spec.stamp.stamped(document, 2) if spec.stamp.path is not None else document)


@st.composite
def edits(draw: st.DrawFn, table: str) -> tuple[Spec, bytes, bytes]:
    """A spec of a row of a table that has a way back, and a record before the step and after an edit as it was then."""
    spec, document = draw(st.sampled_from(reversible(table)))
    found = [altered(draw, document, st.integers(0, 12), 0) for _ in range(2)]
    before, edited = (encode(one if isinstance(one, dict) else document) for one in found)
    return spec, before, edited


def an_edit_goes_through(way: Way, before: bytes, edited: bytes) -> bool:
    """Take a record up, edit it to what came up of another one, and down; the step alone makes the edited one of that.

    Whether it can be. Where the step loses nothing it is the same to the byte, else but for the order of fields.
    """
    up, other = (way.go(Stored(value), 1, 2) for value in (before, edited))
    if not isinstance(up, Stored) or not isinstance(other, Stored):
        return False
    if not all(Complement.of(kept).comes_back for kept in up.kept.values()):
        return True  # there is no way back through which it could go
    down = way.go(Stored(other.value, up.kept), 2, 1)
    if not isinstance(down, Stored):
        return False
    again = way.go(Stored(down.value), 1, 2)
    assert isinstance(again, Stored), (up, other, down, again)
    lossless = not any(step.losses() for step in way.specs[0].steps)
    assert plain(again.value) == plain(other.value), (up, other, down, again)
    assert again.value == other.value or not lossless, (up, other, down, again)
    return True


@pytest.mark.parametrize("table", TABLES)
def test_edits_go_through(table: str, nowhere: Store) -> None:
    """Whatever is kept of a record: what is edited goes through the way back."""
    ways: Counter[bool] = Counter()

    @settings(LAW, max_examples=LAW.max_examples // 3)
    @given(edits(table))
    def law(given_work: tuple[Spec, bytes, bytes]) -> None:
        spec, *values = given_work
        ways[an_edit_goes_through(Way((spec,), nowhere), *values)] += 1

    if reversible(table):
        law()
        assert ways[True]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", all_operations())
def test_a_wrong_inverse(name: str, wrong: str, nowhere: Store) -> None:
    """What is kept does not hide it: an edit shows it, or the table of cases, or any record if nothing need be kept.

    Where something is kept, a record that nobody has edited comes back all the same, however wrong the way back is.
    """
    if not reversible(name) or goes_back_by_doing_nothing(name):
        pytest.skip("the operation has no way back, or one that does nothing")

    @settings(LAW, max_examples=EDITS, phases=[Phase.generate], print_blob=False)
    @given(edits(name))
    def law(given_work: tuple[Spec, bytes, bytes]) -> None:
        spec, *values = given_work
        way = Way((replace(spec, steps=tuple(planted(step, WRONG[wrong]) for step in spec.steps)),), nowhere)
        try:
            goes_there_and_back(way, values[0], (1, 2))
        except AssertionError:
            assert not any(step.losses() for step in spec.steps)
            raise Caught from None
        try:
            an_edit_goes_through(way, *values)
        except AssertionError:
            raise Caught from None

    try:
        law()
    except Caught:
        return
    assert caught_by_the_table(name, WRONG[wrong])


EDITS = 60


class Caught(Exception):  # noqa: N818 - it says what is
    """The law does not hold."""


CHAIN = (
    [{"rename": {"a": "b"}}, {"default": {"c": 1}}, {"remove": {"x": {"restore": None}}}],
    [{"map": {"b": {"0": 0, "1": 0}}, "else": "keep"}, {"move": {"c": "o.c"}, "prune": True}],
    [{"copy": {"b": "d"}, "if_exists": "keep"}, {"keep_fields": ["b", "o", "d", "y", "schema_version", "v", "meta"]}],
)
"""Steps that lose values, orders, and whether something was there."""

FIELDS = st.sampled_from(["a", "b", "c", "d", "o", "x", "y"])
PARTS = st.sampled_from([0, 1, 2, "0", "1", None, {"c": 1}, {"c": 2, "y": 1}, [1]])


def chain(nowhere: Store, stamp: Stamp, encoding: str, *, short: bool = False) -> Way:
    """Three version steps of a collection."""
    specs = [
        spec_of(steps, **{"from": number, "to": number + 1, "stamp": None}) for number, steps in enumerate(CHAIN, 1)
    ]
    return Way(tuple(replace(one, stamp=stamp, encoding=encoding) for one in specs), nowhere, short=short)


ENCODED: dict[str, Callable[[Any], bytes]] = {
    "json": encode,
    "msgpack": encode_msgpack,
    "blanks": lambda value: json.dumps(value).encode(),
}


@LAW
@given(st.dictionaries(FIELDS, PARTS), st.sampled_from(STAMPS), st.sampled_from([*ENCODED]), st.integers(1, 3))
def test_several_steps(nowhere: Store, document: Any, stamp: Stamp, spelling: str, start: int) -> None:
    """In one run up, and down step by step; the record may be older than the database, which it is again then."""
    way = chain(nowhere, stamp, "msgpack" if spelling == "msgpack" else "json")
    goes_there_and_back(way, ENCODED[spelling](document), range(start, 5))


MOVES = st.one_of(
    st.tuples(FIELDS, st.none() | st.tuples(PARTS)), st.tuples(st.just("to"), st.integers(1, 4)), st.just(("to", 1))
)


@settings(LAW, max_examples=3 * LAW.max_examples)
@given(st.dictionaries(FIELDS, PARTS), st.sampled_from(STAMPS), st.lists(MOVES, max_size=12), st.booleans())
def test_edits_between(nowhere: Store, document: Any, stamp: Stamp, moves: Any, short: bool) -> None:  # noqa: FBT001
    """Up and down and edited in any order: what a record was at a version it is again there, until it is edited.

    Or a run told that it may not be.
    """
    way, record, version = chain(nowhere, stamp, "json", short=short), Stored(encode(document)), 1
    was = {1: record.value}
    for name, to in moves:
        if name != "to":
            edited = decode(record.value)
            edited.pop(name, None)
            edited |= {name: to[0]} if to is not None else {}
            record, was = replace(record, value=encode(edited)), {version: encode(edited)}
        elif to != version and isinstance(found := way.go(record, version, to), Stored):
            record, version = found, to
            if any(loss.kind != "kept" for loss in found.losses):
                was = {}
            assert was.setdefault(version, record.value) == record.value
