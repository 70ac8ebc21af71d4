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
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_spec.codec import decode, encode, encode_msgpack
from migrate_spec.errors import Irreversible
from migrate_spec.path import Path
from migrate_spec.spec import Spec
from migrate_spec.stamp import Stamp
from migrate_spec.store import Store
from tests import spec_of
from tests.test_laws import LAW, RANDOM, spelled
from tests.test_operation_laws import TABLES, altered, rows
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
