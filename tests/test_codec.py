"""Bytes ↔ document: what is read, in which form, and what is refused in which words."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_spec.codec import (
    MOST_DIGITS,
    NotADocument,
    Raw,
    copied,
    decode,
    encode,
    is_null,
    maker,
    opened,
    read,
)

CANONICAL = [
    "{}",
    '{"a":1}',
    '{"":null,"a b":true,"ü":false}',
    '{"a":[],"b":{},"c":[[{"d":[1,-2,0.5,-0.0,"x"]}]]}',
    '{"n":123456789012345678901234567890,"m":-9223372036854775809}',
    '{"s":"ü😀\u2028\\n\\"\\\\"}',
    '{"b":1,"a":2}',
    '{"d":' + "[" * 60 + "]" * 60 + "}",
]

ODD = [
    " {}",
    "{}\n",
    '{ "a" : 1 }',
    '{"a":1.10}',
    '{"a":1E5}',
    '{"a":1e5}',
    '{"a":-0}',
    '{"a":1e-400}',
    '{"a":0.1000000000000000055511151231257827}',
    '{"a":123456789012345678901234567890.5}',
    '{"a":"\\u0041"}',
    '{"a":"\\/"}',
    '{"a":"\\ud83d\\ude00"}',
    '{"\\u0061":1}',
    '{"a":[1, 2]}',
]

REFUSED = {
    "": "an empty value was found, a JSON object was expected",
    " \n": "an empty value was found, a JSON object was expected",
    "null": "null was found, a JSON object was expected",
    "[{}]": "a list was found, a JSON object was expected",
    "17": "an integer was found, a JSON object was expected",
    "1.5": "a number was found, a JSON object was expected",
    "true": "a boolean was found, a JSON object was expected",
    '"x"': "a text was found, a JSON object was expected",
    "modified": "'modified' was found (expecting value at offset 0), JSON was expected",
    '{"a":1': "'{\"a\":1' was found (expecting ',' delimiter at offset 6), JSON was expected",
    '{"a":1}x': "'{\"a\":1}x' was found (extra data at offset 7), JSON was expected",
    '{"a":}': "'{\"a\":}' was found (expecting value at offset 5), JSON was expected",
    '{"a":01}': "'{\"a\":01}' was found (expecting ',' delimiter at offset 6), JSON was expected",
    '{"before":"the place","a":tru,"after":"the place"}': (
        '\'lace","a":tru,"after\' was found (expecting value at offset 26), JSON was expected'
    ),
    '{"a":NaN}': "NaN was found, a number that JSON can hold was expected",
    '{"a":[-Infinity]}': "-Infinity was found, a number that JSON can hold was expected",
    '{"a":1e400}': "the number 1e400 was found, a number within the range of a 64-bit float was expected",
    '{"a":{"b":[-1e999]}}': "the number -1e999 was found, a number within the range of a 64-bit float was expected",
    '{"a":1,"a":1}': "the key 'a' was found twice in one object, each key was expected once",
    '{"a":[{"b":{"c":1,"d":2,"c":3}}]}': "the key 'c' was found twice in one object, each key was expected once",
    '{"a":1,"\\u0061":2}': "the key 'a' was found twice in one object, each key was expected once",
    '{"a":"\\ud800"}': "half of a surrogate pair was found, Unicode text was expected",
    '["\\ud800"]': "a list was found, a JSON object was expected",
    '{"\\udc00 and more":1}': "half of a surrogate pair was found, Unicode text was expected",
    '{"a":"\\ud800\\u0041"}': "half of a surrogate pair was found, Unicode text was expected",
    '\ufeff{"a":1}': (
        "'\\ufeff{\"a\":1}' was found (unexpected utf-8 bom (decode using utf-8-sig) at offset 0), JSON was expected"
    ),
    '{"a":' + "9" * 4301 + "}": "an integer of 4301 digits was found, at most 4300 digits were expected",
    '{"a":{"b":-' + "9" * 5000 + "}}": "an integer of 5000 digits was found, at most 4300 digits were expected",
    '{"a":' + "[" * 100_000 + "]" * 100_000 + "}": (
        "a value nested too deep to read was found, fewer than 1000 levels were expected"
    ),
}


@pytest.mark.parametrize("text", CANONICAL)
def test_canonical_bytes_are_read_as_plain_values(text: str) -> None:
    """What encodes to the very same bytes is read as plain values, which is fast."""
    document, plain = read(text.encode())
    assert plain
    assert encode(document) == text.encode()


@pytest.mark.parametrize("text", ODD)
def test_other_spellings_are_read_as_raw_values(text: str) -> None:
    """What would be spelled otherwise is kept as the bytes that came."""
    document, plain = read(text.encode())
    assert not plain
    assert {type(value) for value in document.values()} <= {Raw}


@pytest.mark.parametrize("text", [*CANONICAL, *ODD])
def test_both_forms_say_the_same(text: str) -> None:
    """The same document in the other form is the same JSON in the same order."""
    other, plain = read(b" " + text.encode())
    assert not plain
    assert encode(decode(other)) == encode(decode(text.encode()))


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items(), ids=[text[:30] for text in REFUSED])
def test_what_is_no_document(text: str, sentence: str) -> None:
    """A value that is no JSON object is refused with what it is instead."""
    with pytest.raises(NotADocument) as caught:
        read(text.encode())
    assert f"{caught.value.found}, {caught.value.expected}" == sentence


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b'{"a":"\xff"}', "the byte 0xff at offset 6 was found, UTF-8 text was expected"),
        (b'{"\xc3\x28":1}', "the byte 0xc3 at offset 2 was found, UTF-8 text was expected"),
        (b'{"a":"\xed\xa0\x80"}', "the byte 0xed at offset 6 was found, UTF-8 text was expected"),
        (b"\x00", "'\\x00' was found (expecting value at offset 0), JSON was expected"),
        (
            b'{"a":"\x01"}',
            '\'{"a":"\\x01"}\' was found (invalid control character at offset 6), JSON was expected',
        ),
    ],
)
def test_bytes_that_are_no_text(value: bytes, sentence: str) -> None:
    """Bytes that are no UTF-8 are named with their place."""
    with pytest.raises(NotADocument) as caught:
        read(value)
    assert f"{caught.value.found}, {caught.value.expected}" == sentence


def test_the_largest_integer_is_read() -> None:
    """An integer of as many digits as Python takes is a number like any other."""
    value = b'{"a":%s}' % (b"9" * MOST_DIGITS)
    assert encode(read(value)[0]) == value


def test_a_long_number_is_cut_off() -> None:
    """A number beyond all bounds does not fill the screen."""
    with pytest.raises(NotADocument) as caught:
        read(b'{"a":1e%s}' % (b"9" * 1000))
    assert caught.value.found == f"the number 1e{'9' * 38} was found"


def test_blanks_go_at_the_level_that_is_opened_only() -> None:
    """Written again, a document of raw values has no blanks between its fields, and all of them inside the values."""
    document, _ = read(b' {"a" : { "b" : [ 1 ] } ,\n "c":1.10 }\n')
    assert encode(document) == b'{"a":{ "b" : [ 1 ] },"c":1.10}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{ "a":[ 1 ], "b":1.10 }', {"a": b"[ 1 ]", "b": b"1.10"}),
        ("[ 1 , {} ]", [b"1", b"{}"]),
        ('"\\u0041"', "A"),
        ("1.10", 1.1),
        ("null", None),
    ],
)
def test_opened(text: str, expected: Any) -> None:
    """An object or a list is opened by one level; any other value is read."""
    value = opened(Raw(text.encode()))
    if isinstance(value, dict):
        value = {name: bytes(part) for name, part in value.items()}
    if isinstance(value, list):
        value = [bytes(part) for part in value]
    assert value == expected


def test_a_plain_value_is_open() -> None:
    """A value that is plain is given back itself."""
    value = {"a": [1]}
    assert opened(value) is value


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, True), (Raw(b"null"), True), (Raw(b'"null"'), False), (0, False), ("null", False), ([], False)],
)
def test_is_null(value: Any, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    """Null is null in either form, and nothing else is."""
    assert is_null(value) is expected


def test_copied_shares_nothing() -> None:
    """A copy is the same JSON, and a change in it is not seen in the original."""
    part = Raw(b"[ 1 ]")
    value = {"a": [{"b": 1}], "c": part}
    copy = copied(value)
    copy["a"][0]["b"] = 2
    assert (value, copy) == ({"a": [{"b": 1}], "c": part}, {"a": [{"b": 2}], "c": part})


def test_decode_shares_nothing() -> None:
    """A value decoded is plain throughout and shares no part with what it came from."""
    value = {"a": [1], "b": Raw(b'{ "c":1.10 }')}
    plain = decode(value)
    plain["a"].append(2)
    assert (value["a"], plain) == ([1], {"a": [1, 2], "b": {"c": 1.1}})


@pytest.mark.parametrize("value", [[], {}, [1, [2]], {"a": {"b": []}}, None, 0, "x", True, 1.5])
def test_a_maker_makes_a_new_value_each_time(value: Any) -> None:
    """No two documents are given the same list or object."""
    make = maker(value)
    one, other = make(), make()
    assert one == other == value
    assert (one is not other) == isinstance(value, list | dict)
