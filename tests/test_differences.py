"""What is kept of a document: with it the way back gives the old bytes, and no edit is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.codec import Json, Raw, copied, encode, read
from migrate_spec.differences import differences, from_json, put_back
from tests.test_laws import LAW

NAMES = st.sampled_from("abc")
SCALARS = st.sampled_from([None, True, 0, 1, 1.0, "", "x", 2**70])
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=3)


@st.composite
def raw(draw: st.DrawFn) -> bytes:
    """A document, most often spelled as the engine spells it."""
    written = encode(draw(DOCUMENTS))
    return written.replace(b"1.0", b"1E0") if draw(st.booleans()) else written


@LAW
@given(raw(), raw())
def test_the_old_one_comes_back(guess: bytes, old: bytes) -> None:
    """From the guess and what was kept, to the byte; also after what was kept was written down and read again."""
    now, before = read(guess)[0], read(old)[0]
    kept = differences(now, before)
    for found in (kept, [from_json(Raw(encode(one.to_json()))) for one in kept]):
        result, conflicts = put_back(now, found)
        assert (encode(result), conflicts) == (old, [])
    assert encode(now) == guess
    assert bool(kept) == (guess != old)


@LAW
@given(DOCUMENTS, DOCUMENTS, st.dictionaries(st.sampled_from("xyz"), VALUES, min_size=1, max_size=2))
def test_what_was_edited_elsewhere_stays(guess: Json, old: Json, edits: dict[str, Json]) -> None:
    """A field that had lost nothing keeps what an edit made of it, and all the others come back."""
    result, conflicts = put_back(guess | edits, differences(guess, old))
    assert conflicts == []
    assert {name: encode(value) for name, value in result.items()} == {
        name: encode(value) for name, value in (old | edits).items()
    }


LEAVES = st.sampled_from([None, 1, "x"])
FIELDS = st.dictionaries(NAMES, LEAVES, max_size=3)
NEARLY = st.builds(lambda fields, inner: {**fields, **inner}, FIELDS, st.fixed_dictionaries({}, optional={"o": FIELDS}))
"""Documents that are like one another in many places."""


@LAW
@given(NEARLY, NEARLY, NEARLY)
def test_no_edit_is_lost(guess: Json, old: Json, now: Json) -> None:
    """An edit stays. What was not edited is what it was, or it is told of; and so is all that is not put back."""
    result, conflicts = put_back(now, differences(guess, old))
    was, before, here, found = (leaves(one) for one in (guess, old, now, result))
    for place in {**was, **before, **here, **found}:
        told = any(place[: len(conflict.place)] == conflict.place for conflict in conflicts)
        if was.get(place) != here.get(place):
            assert found.get(place) == here.get(place)
        elif place in before:
            assert found.get(place) == before[place] or told
        else:
            assert found.get(place) in {None, here.get(place)}
        assert found.get(place) == before.get(place, found.get(place)) or was.get(place) == before.get(place) or told


def leaves(value: Json, place: tuple[str, ...] = ()) -> dict[tuple[str, ...], bytes]:
    """The values in objects, by their places."""
    if not isinstance(value, dict):
        return {place: encode(value)}
    return {at: leaf for name, part in value.items() for at, leaf in leaves(part, (*place, name)).items()}


CASES: dict[str, tuple[Json, Json, Json, Json, list[tuple[Any, ...]]]] = {
    # guess, old, now, result, places of conflicts
    "an edit where a value was lost": ({"a": None}, {"a": 1}, {"a": 2}, {"a": 2}, [("a",)]),
    "an edit that is the old value": ({"a": None}, {"a": 1}, {"a": 1}, {"a": 1}, []),
    "a field that was filled, and is edited": ({"a": 0}, {}, {"a": 1}, {"a": 1}, []),
    "a field that was filled": ({"a": 0}, {}, {"a": 0}, {}, []),
    "a field that was filled, and is taken away": ({"a": 0}, {}, {}, {}, []),
    "its object is gone": ({"a": {}}, {"a": {"b": 1}}, {}, {}, [("a", "b")]),
    "its object is something else": ({"a": {}}, {"a": {"b": 1}}, {"a": [1]}, {"a": [1]}, [("a", "b")]),
    "an item was put in before": (
        {"a": [{"i": 1}, {"i": 2}]},
        {"a": [{"i": 1, "x": 1}, {"i": 2, "x": 2}]},
        {"a": [{"i": 0}, {"i": 1}, {"i": 2}]},
        {"a": [{"i": 0}, {"i": 1, "x": 1}, {"i": 2, "x": 2}]},
        [],
    ),
    "items that are alike, in the order in which they were": (
        {"a": [{}, {}, {"i": 1}]},
        {"a": [{"x": 1}, {"x": 2}, {"i": 1}]},
        {"a": [{"i": 1}, {}, {}]},
        {"a": [{"i": 1}, {"x": 1}, {"x": 2}]},
        [],
    ),
    "one more that is alike, and it is not known which is which": (
        {"a": [{}, {}]},
        {"a": [{"x": 1}, {}]},
        {"a": [{}, {}, {}]},
        {"a": [{}, {}, {}]},
        [("a", 0)],
    ),
    "one less that is alike": ({"a": [{}, {}]}, {"a": [{}, {"x": 2}]}, {"a": [{}]}, {"a": [{}]}, [("a", 1)]),
    "an item was doubled": (
        {"a": [{"i": 1}]},
        {"a": [{"i": 1, "x": 1}]},
        {"a": [{"i": 1}, {"i": 1}]},
        {"a": [{"i": 1, "x": 1}, {"i": 1}]},
        [],
    ),
    "its object is gone, which was filled": ({"a": {"b": 1}}, {"a": {}}, {}, {}, []),
    "an item was edited": ({"a": [{"i": 1}]}, {"a": [{"x": 1}]}, {"a": [{"i": 2}]}, {"a": [{"i": 2}]}, [("a", 0)]),
    "a list is something else": ({"a": [{}]}, {"a": [{"x": 1}]}, {"a": None}, {"a": None}, [("a", 0)]),
    "an order, and a new field": ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"c": 3, "a": 4}, {"a": 4, "c": 3}, []),
    "no object any more": ({"o": {"a": 1, "b": 2}}, {"o": {"b": 2, "a": 1}}, {"o": 1}, {"o": 1}, []),
    "numbers are told apart by how they are spelled": ({"a": 1}, {"a": 1.0}, {"a": 1}, {"a": 1.0}, []),
}


@pytest.mark.parametrize(("guess", "old", "now", "result", "places"), CASES.values(), ids=CASES)
def test_edits(guess: Json, old: Json, now: Json, result: Json, places: list[tuple[Any, ...]]) -> None:
    """What an edit touched stays; the rest comes back; where both are it is told."""
    given_now = copied(now)
    found, conflicts = put_back(now, differences(guess, old))
    assert encode(found) == encode(result)
    assert [conflict.place for conflict in conflicts] == places
    assert encode(now) == encode(given_now)
