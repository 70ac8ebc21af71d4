r"""Bytes ↔ document: JSON as RFC 8259 has it, read and written so that untouched values keep their bytes.

MessagePack is read and written, too; there a document that is altered is spelled anew as a whole.

A document is read in one of two forms, and the rest of the package need not care which:

*plain*
    nested ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``: used where encoding them gives the very
    bytes that were read, so that every part of them gives its own bytes, too.
*raw*
    a ``dict`` whose values are :class:`Raw`, the bytes as they came, each opened only where a step looks inside: used
    for every other spelling, such as blanks between tokens, ``1.10``, ``1E5`` or ``"\u0041"``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

__all__ = [
    "Document",
    "Json",
    "NotADocument",
    "Raw",
    "copied",
    "decode",
    "encode",
    "encode_into",
    "encode_msgpack",
    "encoder_of",
    "is_escaped",
    "is_null",
    "looks_like_msgpack",
    "maker",
    "object_writer",
    "opened",
    "packed",
    "packed_into",
    "parser",
    "plain",
    "read",
    "read_msgpack",
    "read_plain",
    "says_the_same",
    "type_names",
    "unpacker",
]

type_names = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}

Json = Any
"""A JSON value: what the module docstring calls plain, or with :class:`Raw` parts."""

Document = dict[str, Json]
"""A JSON object, the shape of every record."""

MOST_DIGITS = 4300
"""Of an integer: what Python reads at most."""

PICKLED = b"\x06\x80"
"""How the store hands on an object that rocksdict has pickled; no text begins so."""

_decode_plain = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
encode: Callable[[Json], bytes] = msgspec.json.Encoder().encode
"""A JSON value as compact UTF-8 bytes: no blanks, text outside ASCII as it is, as Rust's serde_json writes it."""

encode_into: Callable[[Any, bytearray], None] = msgspec.json.Encoder().encode_into
"""The same, in place of what a buffer has: that is faster where much is written again and again."""


class NotADocument(ValueError):  # noqa: N818 - says what the value is
    """A stored value that is no JSON object.

    Attributes:
        found: what it is, as the beginning of a sentence.
        expected: what it should be.
        remedy: what may help.
    """

    def __init__(self, found: str, expected: str, remedy: str = "") -> None:
        self.found = found
        self.expected = expected
        self.remedy = remedy
        super().__init__(found, expected, remedy)


def read(value: bytes) -> tuple[Document, bool]:
    """A stored value as a document, and whether it is in the plain form (else it is in the raw form).

    Raises:
        NotADocument: it is not UTF-8, not JSON, not an object, nested too deep to read, says the same key twice
            in one object or holds a number beyond the range of a 64-bit float.
    """
    document = read_plain(value)
    # The careful reader finds out what is wrong, and says it.
    return (_read_raw(value), False) if document is None else (document, True)


def read_plain(value: bytes) -> Document | None:
    """A stored value as a document in the plain form, where it has one: see :func:`read`."""
    try:
        document = _decode_plain(value)
        return document if type(document) is dict and encode(document) == value else None
    except (ValueError, RecursionError):
        return None


def _read_raw(value: bytes) -> Document:
    """A document in the raw form. Raises as :func:`read` does."""
    try:
        if not value.strip():
            raise NotADocument("an empty value was found", "a JSON object was expected")
        if value.startswith(PICKLED):
            raise _pickled("a JSON object")
        parsed = json.loads(
            value.decode(),
            object_pairs_hook=_refuse_duplicates,
            parse_float=_refuse_infinite,
            parse_int=_refuse_endless,
            parse_constant=_refuse_constant,
        )
        document: Document = _decode_object(value)
    except RecursionError:
        raise NotADocument(
            "a value nested too deep to read was found", "fewer than 1000 levels were expected"
        ) from None
    except UnicodeDecodeError as error:
        found = f"the byte 0x{value[error.start]:02x} at offset {error.start} was found"
        raise NotADocument(found, "UTF-8 text was expected") from None
    except json.JSONDecodeError as error:
        why = error.msg.lower().removesuffix(" at")
        found = f"{_excerpt(value, error.pos)} was found ({why} at offset {error.pos})"
        raise NotADocument(found, "JSON was expected") from None
    except msgspec.ValidationError:
        found = f"{type_names[type(parsed)]} was found"
        raise NotADocument(found, "a JSON object was expected") from None
    except msgspec.DecodeError:  # all that json lets pass and msgspec does not
        raise NotADocument("half of a surrogate pair was found", "Unicode text was expected") from None
    return document


def _pickled(expected: str) -> NotADocument:
    expected = f"{expected} was expected, as to unpickle can run code of whoever wrote it"
    remedy = "--allow-pickle (`allow_pickle`) carries over what holds nothing but what JSON has, and runs nothing"
    return NotADocument("a pickled object was found", expected, remedy)


def _excerpt(value: bytes, position: int) -> str:
    """Up to twenty characters of ``value`` around ``position``, quoted."""
    text = value.decode("utf-8", "replace")
    shown = text[max(0, position - 10) : position + 10]
    return f"{shown!r}" if shown else "the end of the text"


def _refuse_duplicates(pairs: list[tuple[str, Json]]) -> Document:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotADocument(f"the key {twice!r} was found twice in one object", "each key was expected once")
    return found


def _refuse_infinite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        found = f"the number {text:.40} was found"
        raise NotADocument(found, "a number within the range of a 64-bit float was expected")
    return number


def _refuse_endless(text: str) -> int:
    if len(text.lstrip("-")) > MOST_DIGITS:
        found = f"an integer of {len(text.lstrip('-'))} digits was found"
        raise NotADocument(found, f"at most {MOST_DIGITS} digits were expected")
    return 0  # only its kind matters


def _refuse_constant(word: str) -> None:
    raise NotADocument(f"{word} was found", "a number that JSON can hold was expected")


def opened(value: Json) -> Json:
    """A value with its outermost level readable: a raw object as ``dict``, a raw list as ``list``, their parts raw."""
    if type(value) is not Raw:
        return value
    first = bytes(memoryview(value)[:1])
    if first == b"{":
        return _decode_object(value)
    if first == b"[":
        return _decode_list(value)
    return _decode_plain(value)


def is_null(value: Json) -> bool:
    """Whether a value, raw or plain, is ``null``."""
    return value is None or (type(value) is Raw and bytes(value) == b"null")


def copied(value: Json) -> Json:
    """The same value with lists and objects of its own; raw parts stay raw."""
    if type(value) is dict:
        return {name: copied(part) for name, part in value.items()}
    if type(value) is list:
        return [copied(part) for part in value]
    return value


def decode(value: bytes | Json) -> Json:
    """A value, or its bytes, wholly in the plain form; a new one, that shares no part with ``value``.

    Raises:
        ValueError: bytes that are no JSON.
    """
    return _decode_plain(value if type(value) in {bytes, Raw} else encode(value))


def maker(value: Json) -> Callable[[], Json]:
    """A function that gives a plain value anew at each call, so that no two documents share a list or an object."""
    if value == [] and type(value) is list:
        return list
    if value == {} and type(value) is dict:
        return dict
    if type(value) in {list, dict}:
        stored = encode(value)
        return lambda: _decode_plain(stored)
    return lambda: value


def is_escaped(name: str) -> bool:
    """Whether a name is spelled with an escape."""
    return len(encode(name)) != len(name.encode()) + 2


def object_writer(names: Sequence[str]) -> Callable[[Sequence[Json]], bytes]:
    """A function from the values of fields with these names to the object, as :data:`encode` writes it."""
    if any(map(is_escaped, names)):  # a class cannot have such a field
        return lambda values: encode(dict(zip(names, values, strict=True)))
    places = {f"field{place}": name for place, name in enumerate(names)}
    kind: Any = msgspec.defstruct("Object", [(place, Any) for place in places], rename=places, gc=False)
    return lambda values: encode(kind(*values))


def read_msgpack(value: bytes) -> tuple[Document, bool]:
    """A stored MessagePack value as a document, always in the plain form.

    Raises:
        NotADocument: it is no MessagePack, no map with text keys, or holds what JSON has not (bytes, extensions, NaN).
    """
    try:
        document = _decode_msgpack(value)
    except RecursionError:
        raise NotADocument(
            "a value nested too deep to read was found", "fewer than 1000 levels were expected"
        ) from None
    except ValueError as error:
        if value.startswith(PICKLED):
            raise _pickled("a MessagePack map") from None
        raise NotADocument(f"{_beginning(value)} was found ({error})", "MessagePack was expected") from None
    if type(document) is not dict:
        kind = f"{type_names[type(document)]} was" if type(document) in type_names else "bytes were"
        raise NotADocument(f"{kind} found", "a MessagePack map was expected")
    _check_like_json(document)
    return document, True


def encode_msgpack(value: Json) -> bytes:
    """A JSON value as MessagePack.

    Raises:
        NotADocument: an integer in it has more than 64 bits.
    """
    try:
        return _encode_msgpack(decode(value))
    except OverflowError:
        found = "an integer of more than 64 bits was found"
        raise NotADocument(found, "one that MessagePack can hold was expected") from None


def encoder_of(encoding: str) -> Callable[[Json], bytes]:
    """What writes documents in an encoding: ``json`` or ``msgpack``."""
    return {"json": encode, "msgpack": encode_msgpack}[encoding]


def looks_like_msgpack(value: bytes) -> bool:
    """Whether a stored document is MessagePack and no JSON, which never begins with the first byte of a map.

    Format: https://github.com/msgpack/msgpack/blob/master/spec.md#map-format-family
    """
    return value[:1] in {b"\xde", b"\xdf"} or b"\x80" <= value[:1] <= b"\x8f"


def plain(value: bytes) -> Json:
    """A stored document in either encoding, wholly in the plain form.

    Raises:
        NotADocument: it is neither.
        ValueError: it is no JSON.
    """
    return read_msgpack(value)[0] if looks_like_msgpack(value) else decode(value)


def says_the_same(one: bytes, other: bytes) -> bool:
    """Whether two stored documents, each in either encoding, differ in nothing but how they are spelled."""
    return one == other or encode(plain(one)) == encode(plain(other))


packed: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode
"""Plain values of Python as MessagePack; bytes among them stay bytes."""

packed_into: Callable[[Any, bytearray], None] = msgspec.msgpack.Encoder().encode_into
"""The same, in place of what a buffer has."""


def unpacker(kind: Any) -> Callable[[bytes], Any]:
    """A function that reads such values of a type.

    It raises :class:`ValueError` for anything else.
    """
    return msgspec.msgpack.Decoder(kind).decode


def parser(kind: Any) -> Callable[[bytes], Any]:
    """A function that reads JSON of a type, and passes over fields that this does not name.

    It raises :class:`ValueError` for anything else.
    """
    return msgspec.json.Decoder(kind).decode


_decode_msgpack = msgspec.msgpack.Decoder(ext_hook=lambda code, data: (code, data)).decode
_encode_msgpack = msgspec.msgpack.Encoder().encode


def _beginning(value: bytes) -> str:
    return f"a value that begins with the byte 0x{value[0]:02x}" if value else "an empty value"


def _check_like_json(value: Any) -> None:
    if type(value) is dict:
        for name, part in value.items():
            if type(name) is not str:
                raise NotADocument(f"the key {name!r:.40} was found", "keys that are texts were expected")
            _check_like_json(part)
    elif type(value) is list:
        for part in value:
            _check_like_json(part)
    elif type(value) not in type_names or (type(value) is float and not math.isfinite(value)):
        raise NotADocument(f"{_odd_kind(value)} found", "what JSON has was expected")


def _odd_kind(value: Any) -> str:
    """What JSON has not, as the beginning of a sentence."""
    if type(value) is bytes:
        return "bytes were"
    if type(value) is tuple:
        return f"an extension of type {value[0]} was"
    return f"the number {value} was" if type(value) is float else f"the moment {value} was"
