"""Pickled documents: what JSON has is read and written, and all else is refused without running it."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import pickletools
from collections import OrderedDict
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_spec.codec import NotADocument, encode, encode_msgpack, looks_like_msgpack
from migrate_spec.pickled import as_json, is_pickled, pickled, unpickled

LAW = settings(max_examples=50, deadline=None, derandomize=True)
PROTOCOLS = range(2, 6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
NUMBERS = st.integers() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXTS, inside, max_size=4),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, max_size=5)


def stored(document: Any, protocol: int = 4) -> bytes:
    """What the store hands on of an object that rocksdict has pickled."""
    return b"\x06" + pickle.dumps(document, protocol)


def program(*instructions: bytes) -> bytes:
    """A stored pickle of these instructions."""
    return b"\x06\x80\x04" + b"".join(instructions) + b"."


def refusal(value: bytes) -> str:
    """The sentence about a stored value that is no document."""
    with pytest.raises(NotADocument) as caught:
        unpickled(value)
    return f"{caught.value.found}, {caught.value.expected}"


@LAW
@given(document=DOCUMENTS, protocol=st.sampled_from(PROTOCOLS), in_python=st.booleans())
def test_there_and_back(document: dict[str, Any], protocol: int, *, in_python: bool) -> None:
    """What Python pickles, in C or in Python, is read as it was, and written so that Python reads the same."""
    file = BytesIO()
    (pickle._Pickler if in_python else pickle.Pickler)(file, protocol).dump(document)
    value = b"\x06" + file.getvalue()
    assert is_pickled(value)
    found = unpickled(value)
    assert repr(found) == repr(document)
    assert as_json(value) == encode(document)
    back = pickled(encode(found), value)
    assert back[:3] == value[:3]
    assert repr(pickle.loads(back[1:])) == repr(document)  # noqa: S301 - our own


def test_each_instruction_that_python_has() -> None:
    """Each is carried out or refused, and none that names, calls or builds anything is carried out."""
    known = {code.code.encode("latin-1"): code.name for code in pickletools.opcodes}
    refused = {
        name for code, name in known.items() if " was found, pickled" in _outcome(code) or "were" in _outcome(code)
    }
    assert known.keys() >= {b"R"}
    assert {
        *("GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD", "EXT1", "EXT2", "EXT4"),
        *("PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"),
    } <= refused


def _outcome(code: bytes) -> str:
    try:
        return str(unpickled(program(b"}\x8c\x01a\x8c\x01b", code)))
    except NotADocument as error:
        return error.found


@LAW
@given(DOCUMENTS, st.sampled_from(PROTOCOLS), st.lists(st.tuples(st.integers(0), st.binary(max_size=2)), max_size=4))
def test_damage(document: dict[str, Any], protocol: int, changes: list[tuple[int, bytes]]) -> None:
    """Whatever stands there is a document of what JSON has, or refused."""
    value = bytearray(stored(document, protocol))
    for place, new in changes:
        start = 3 + place % (len(value) - 3)
        value[start : start + len(new)] = new
    try:
        found = unpickled(bytes(value))
    except NotADocument:
        return
    assert repr(unpickled(stored(found))) == repr(found)


ONLY_JSON = "nothing but what JSON has was expected (dict with str keys, list, str, int, float, bool, None)"
NO_NUMBER = "a number that JSON can hold was expected"


class Number(int):
    """What is no number of JSON's."""


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (stored({"a": (1, 2)}), f"a tuple was found, pickled, {ONLY_JSON}"),
        (stored({"a": ()}), f"a tuple was found, pickled, {ONLY_JSON}"),
        (stored({"a": b"x"}), f"bytes were found, pickled, {ONLY_JSON}"),
        (stored({"a": b"x"}, 2), f"the class or function '_codecs.encode' was found, pickled, {ONLY_JSON}"),
        (stored({"a": bytearray(b"x")}, 5), f"a bytearray was found, pickled, {ONLY_JSON}"),
        (stored({"a": {1}}), f"a set was found, pickled, {ONLY_JSON}"),
        (stored({"a": frozenset("x")}), f"a frozenset was found, pickled, {ONLY_JSON}"),
        (stored({"a": 1j}), f"the class or function 'builtins.complex' was found, pickled, {ONLY_JSON}"),
        (stored(OrderedDict(a=1)), f"the class or function 'collections.OrderedDict' was found, pickled, {ONLY_JSON}"),
        (
            stored({"a": Number(1)}),
            f"the class or function 'tests.test_pickled.Number' was found, pickled, {ONLY_JSON}",
        ),
        (
            stored({"at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC)}),
            f"the class or function 'datetime.datetime' was found, pickled, {ONLY_JSON}",
        ),
        (stored({"a": os.system}), f"the class or function 'posix.system' was found, pickled, {ONLY_JSON}"),
        (stored({"a": os.system}, 2), f"the class or function 'posix.system' was found, pickled, {ONLY_JSON}"),
        (program(b"ios\nsystem\n"), f"the class or function 'os.system' was found, pickled, {ONLY_JSON}"),
        (program(b"cos\n\x1b[2J\n"), f"the class or function 'os.\\x1b[2J' was found, pickled, {ONLY_JSON}"),
        (program(b"}", b"\x82\x01"), f"an object of a registered class was found, pickled, {ONLY_JSON}"),
        (program(b"U\x01a"), f"a text of Python 2 was found, pickled, {ONLY_JSON}"),
        (program(b"Pid\n"), f"a reference to something outside was found, pickled, {ONLY_JSON}"),
        (program(b"}", b"b"), f"the instruction 0x62 was found, pickled, {ONLY_JSON}"),
        (stored({"a": float("nan")}), f"the number nan was found, {NO_NUMBER}"),
        (stored({"a": [float("-inf")]}), f"the number -inf was found, {NO_NUMBER}"),
        (
            stored({"a": 256**1785}),
            "an integer of 1,786 bytes was found, at most 1,785 were expected, as it would have more than 4300 digits",
        ),
        (stored({"a": "\ud800"}), "a text with half of a surrogate pair was found, Unicode text was expected"),
        (stored({1: 2}), "the key 1 was found, keys that are texts were expected"),
        (stored({None: 2}), "the key None was found, keys that are texts were expected"),
        (program(b"}", b"]", b"N", b"s"), "the key a list was found, keys that are texts were expected"),
        (stored([1]), "a list was found, pickled, a dict was expected"),
        (stored(None), "null was found, pickled, a dict was expected"),
        (stored("text"), "a text was found, pickled, a dict was expected"),
    ],
    ids=lambda value: value.split(",")[0] if type(value) is str else "",
)
def test_what_is_refused(value: bytes, sentence: str) -> None:
    """What JSON has not is named; what is in a pickle is neither imported nor run."""
    assert refusal(value) == sentence


@pytest.mark.parametrize(
    "value",
    [
        b"\x06\x80",
        b"\x06\x80\x04",
        stored({"a": 1})[:-1],
        stored({"a": "long text"})[:-8],
        stored({"a": 1}) + b"x",
        program(),
        program(b"}}"),
        program(b"s"),
        program(b"u"),
        program(b"h\x00"),
        program(b"]}a", b"N"),
        program(b"}(\x8c\x01au"),
        program(b"]NNs"),
        program(b"}(\x94"),
        program(b"\x95" + bytes([9, 0, 0, 0, 0, 0, 0, 0]) + b"}"),
        program(b"\x95" + bytes([4, 0, 0, 0, 0, 0, 0, 0]) + b"}\x8c\x02abK\x01s"),
        program(b"\x8d" + b"\xff" * 8),
    ],
)
def test_what_is_no_pickle(value: bytes) -> None:
    """A pickle that ends too early, or goes on, or does what cannot be done."""
    assert refusal(value) == "a pickle that cannot be read was found, a whole one was expected"


def test_a_later_protocol() -> None:
    """A format that nobody knows yet."""
    assert refusal(b"\x06\x80\x06}.") == "a pickle of protocol 6 was found, one from 2 to 5 was expected"


class TestWhatStandsAtSeveralPlaces:
    """Python knows one object at two places, JSON two equal ones."""

    def test_each_is_a_value_of_its_own(self) -> None:
        """As `json.dumps` has it: a step that changes one must not change the other."""
        inside: dict[str, Any] = {"n": [1]}
        found = unpickled(stored({"a": inside, "b": [inside, inside]}))
        assert found == {"a": {"n": [1]}, "b": [{"n": [1]}, {"n": [1]}]}
        found["a"]["n"].append(2)
        found["b"][0]["n"].append(3)
        assert found == {"a": {"n": [1, 2]}, "b": [{"n": [1, 3]}, {"n": [1]}]}

    def test_inside_of_itself(self) -> None:
        """JSON cannot hold what has no end."""
        items: list[Any] = []
        items.append(items)
        assert refusal(stored({"a": items})) == (
            "a list that contains itself was found, a value that JSON can hold was expected"
        )
        document: dict[str, Any] = {}
        document["a"] = [document]
        assert refusal(stored(document)) == (
            "a dict that contains itself was found, a value that JSON can hold was expected"
        )

    def test_much_of_little(self) -> None:
        """A short pickle of a document that no memory could hold is refused before it is made, a moderate one read."""
        items: list[Any] = []
        for _ in range(100):
            items = [items, items]
        value, text = stored({"a": items}), "x" * 100_000
        many = stored({"a": [text] * 10_000})
        assert refusal(value) == (
            f"a pickle of {len(value):,} bytes was found that says more than 1,048,576 bytes of JSON, one that repeats "
            "less of itself was expected"
        )
        assert refusal(many) == (
            f"a pickle of {len(many):,} bytes was found that says more than {32 * len(many):,} bytes of JSON, one that "
            "repeats less of itself was expected"
        )
        assert unpickled(stored({"a": [text] * 10})) == {"a": [text] * 10}
        assert unpickled(stored({"a": [*range(50_000)]})) == {"a": [*range(50_000)]}  # in several frames

    def test_a_large_number_to_keep_something_under(self) -> None:
        """It takes no memory, though Python's own unpickler would take 32 GB."""
        assert unpickled(program(b"}r\xff\xff\xff\x7f")) == {}


def test_depth() -> None:
    """What was read can be written; many lists beside each other are not deep."""
    for levels in (399, 400, 2000):
        deep = program(b"}", b"\x8c\x01a", b"]" * levels, b"a" * (levels - 1), b"s")
        if levels < 400:
            assert unpickled(pickled(as_json(deep), deep)) == unpickled(deep)
        else:
            assert refusal(deep) == "a pickled value nested too deep was found, at most 400 levels were expected"
    assert len(unpickled(stored({"a": [[] for _ in range(500)]}))["a"]) == 500
    with pytest.raises(RecursionError):
        pickled(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", stored({}))


def test_what_is_none_stays_as_it_is() -> None:
    """What is to be looked at is JSON where it can be, and otherwise what is stored."""
    for value in (b'{"a":1}', b"", stored({"a": {1}}), b"\x06\x80"):
        assert as_json(value) == value


def test_other_encodings() -> None:
    """A document that comes out as MessagePack is pickled as well."""
    packed = encode_msgpack({"a": 1})
    assert looks_like_msgpack(packed)
    assert pickled(packed, stored({}, 5)) == stored({"a": 1}, 5)
