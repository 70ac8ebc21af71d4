r"""Keys and values as rocksdict has them in its default mode, in which each has a type, and as bytes.

In that mode a key is ``bytes``, ``str``, ``int``, ``float`` or ``bool``, and they are sorted in this order of types:
texts by their UTF-8, whole numbers by their value, the others by their bytes. As bytes, keys have the same order:

- a text is its UTF-8; where that is empty or begins with a byte below 3, as no usual key does, ``\x02`` goes before;
- ``bytes`` have ``\x01`` before them;
- numbers and booleans begin with ``\xff``, which is in no UTF-8.

A value is any of these, or a pickled object. As bytes, a text is its UTF-8 and ``bytes`` are themselves; any other
value, and what could be taken for one, begins with the byte that rocksdict has for its type. No document does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Any

from migrate_spec.errors import ForeignDatabase
from migrate_spec.store import KeyRange, Record
from migrate_spec.stores.rocks_staged import Writer

__all__ = [
    "Pickled",
    "TypedHandle",
    "TypedKeys",
    "TypedWriter",
    "first_from",
    "key_of",
    "typed_key",
    "typed_value",
    "value_of",
]

BYTES, TEXT, INTEGER, FLOAT, BOOLEAN, PICKLED = range(1, 7)

OTHER = b"\xff"
LONGEST = 120  # bytes of a whole number
LEAST = -(1 << 8 * LONGEST)
LAST_CHARACTER = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Pickled:
    """An object that was pickled, and is left so: to unpickle it could run code.

    Attributes:
        data: the pickle.
    """

    data: bytes


def key_of(key: Any) -> bytes:
    """A key as bytes."""
    if type(key) is str:
        text = key.encode()
        return text if text[:1] > b"\x02" else bytes([TEXT]) + text
    if type(key) is bytes:
        return bytes([BYTES]) + key
    if type(key) is bool:
        return OTHER + bytes([BOOLEAN, key])
    if type(key) is float:
        return OTHER + bytes([FLOAT]) + struct.pack(">d", key)
    payload = _signed(key)
    if len(payload) > LONGEST:
        raise ForeignDatabase("a key that is a number of more than 120 bytes was found", "a shorter one was expected")
    length = 0x80 + len(payload) if key >= 0 else 0x7F - len(payload)
    return OTHER + bytes([INTEGER, length]) + payload


def typed_key(key: bytes) -> Any:
    """A key from its bytes.

    Raises:
        ValueError: there is no such key.
    """
    if key[:1] == OTHER:
        kind, payload = key[1], key[2:]
        if kind == INTEGER:
            return int.from_bytes(payload[1:], "big", signed=True)
        return struct.unpack(">d", payload)[0] if kind == FLOAT else bool(payload[0])
    if key[:1] == bytes([BYTES]):
        return key[1:]
    return (key[1:] if key[:1] == bytes([TEXT]) else key).decode()


def first_from(key: bytes) -> Any:
    """A key of its type at or before the first one that is not less than ``key``; ``None``: there is none.

    It is that one exactly, but among numbers and booleans.
    """
    if key < bytes([TEXT]):
        return key[1:] if key[:1] == bytes([BYTES]) else b""
    if key < OTHER:
        text = _text_from(min(key[1:], b"\x03") if key[:1] == bytes([TEXT]) else key)
        return LEAST if text is None else text
    kind = key[1] if len(key) > 1 else 0
    return LEAST if kind <= INTEGER else 0.0 if kind == FLOAT else False if kind == BOOLEAN else None


def _text_from(data: bytes) -> str | None:
    """The first text whose UTF-8 is not less than ``data``; ``None``: there is none."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        whole, rest = data[: error.start].decode(), data[error.start :]
    low, high = 0, LAST_CHARACTER + 1  # characters have the order of their UTF-8
    while low < high:
        middle = (low + high) // 2
        if _utf8(middle) < rest:
            low = middle + 1
        else:
            high = middle
    if low <= LAST_CHARACTER:
        return whole + chr(low if low not in SURROGATES else SURROGATES.stop)
    while whole and ord(whole[-1]) == LAST_CHARACTER:
        whole = whole[:-1]
    following = ord(whole[-1]) + 1 if whole else None
    if following is None:
        return None
    return whole[:-1] + chr(following if following not in SURROGATES else SURROGATES.stop)


def _utf8(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass")


def value_of(value: Any) -> bytes:
    """A value as bytes."""
    kind, data = _parts(value)
    if kind in {BYTES, TEXT} and not BYTES <= (data[0] if data else 0) <= PICKLED:
        return data
    return bytes([kind]) + data


def _parts(value: Any) -> tuple[int, bytes]:
    """The type of a value, and what rocksdict stores of it."""
    if type(value) is str:
        return TEXT, value.encode()
    if type(value) is bytes:
        return BYTES, value
    if type(value) is Pickled:
        return PICKLED, value.data
    if type(value) is bool:
        return BOOLEAN, bytes([value])
    return (FLOAT, struct.pack(">d", value)) if type(value) is float else (INTEGER, _signed(value))


def typed_value(value: bytes, before: Any) -> Any:
    """A value from its bytes; ``before`` is the one that it replaces: text stays text, ``bytes`` stay ``bytes``."""
    read = _READERS.get(value[0]) if value else None
    if read is not None:
        return read(value[1:])
    if type(before) is bytes:
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def record_of(record: tuple[Any, Any]) -> Record:
    """A key and its value as bytes."""
    return key_of(record[0]), value_of(record[1])


def _signed(number: int) -> bytes:
    """A whole number in two's complement, as short as it can be."""
    return number.to_bytes((number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True)


_READERS: dict[int, Callable[[bytes], Any]] = {
    BYTES: bytes,
    TEXT: bytes.decode,
    INTEGER: lambda data: int.from_bytes(data, "big", signed=True),
    FLOAT: lambda data: struct.unpack(">d", data)[0],
    BOOLEAN: lambda data: bool(data[0]),
    PICKLED: Pickled,
}
"""What makes a value of what rocksdict stores of it, by its type."""


class TypedKeys:
    """An iterator of rocksdict over typed keys, as one over bytes."""

    def __init__(self, keys: Any, stop: bytes | None) -> None:
        """Take it, and where it is to stop.

        RocksDB is not told, as rocksdict lets go of the bytes of a typed bound while RocksDB still looks at them.
        """
        self._keys = keys
        self._stop = stop

    def seek(self, key: bytes) -> None:
        """Go to a key, or to the one that follows it."""
        first = first_from(key)
        if first is None:
            self._keys.seek_to_last()
            if self._keys.valid():
                self._keys.next()  # to the end
            return
        self._keys.seek(first)
        while self._keys.valid() and self.key() < key:
            self._keys.next()

    def seek_to_last(self) -> None:
        """Go to the last key."""
        if self._stop is None or self._stop >= OTHER:
            self._keys.seek_to_last()
        else:
            self._keys.seek_for_prev(first_from(self._stop))
        while self._keys.valid() and not self.valid():
            self._keys.prev()

    def valid(self) -> bool:
        """Whether there is a key here."""
        return bool(self._keys.valid()) and (self._stop is None or self.key() < self._stop)

    def next(self) -> None:
        """Go to the next key."""
        self._keys.next()

    def key(self) -> bytes:
        """The key here."""
        return key_of(self._keys.key())

    def value(self) -> bytes:
        """The value here."""
        return value_of(self._keys.value())

    def status(self) -> None:
        """Raise what went wrong on the way here."""
        self._keys.status()


class TypedWriter:
    """A writer of rocksdict that takes typed keys and values, as one that takes bytes."""

    def __init__(self, writer: Any, get: Callable[[Any], Any]) -> None:
        """Take it, and what gives the value that a key has so far."""
        writer.set_dumps(lambda pickled: pickled.data)
        self._writer: Writer = writer
        self._get = get

    def __setitem__(self, key: bytes, value: bytes) -> None:
        typed: Any = typed_key(key)
        self._writer[typed] = typed_value(value, self._get(typed))

    def __delitem__(self, key: bytes) -> None:
        typed: Any = typed_key(key)
        del self._writer[typed]

    def file_size(self) -> int:
        """The bytes written so far."""
        return self._writer.file_size()

    def finish(self) -> None:
        """Write the file to its end."""
        self._writer.finish()


class TypedHandle:
    """A handle of rocksdict in its default mode, read as one in raw mode."""

    def __init__(self, handle: Any) -> None:
        """Take one that does not unpickle what it reads, but makes :class:`Pickled` of it."""
        self._handle = handle

    def get(self, key: bytes) -> bytes | None:
        """The value of a key; ``None``: there is none."""
        try:
            typed = typed_key(key)
        except (ValueError, IndexError, struct.error):  # no key looks so
            return None
        value = self._handle.get(typed) if key_of(typed) == key else None
        return None if value is None else value_of(value)

    def iter(self, reading: Any, stop: bytes | None) -> TypedKeys:
        """An iterator over its keys."""
        return TypedKeys(self._handle.iter(reading), stop)

    def items(self, keys: KeyRange, reading: Any) -> Iterator[Record]:
        """Each key in a range, with its value."""
        first = first_from(keys.start)
        if first is not None:
            records = map(record_of, self._handle.items(from_key=first, read_opt=reading))
            behind = dropwhile(lambda record: record[0] < keys.start, records)
            yield from takewhile(lambda record: record[0] in keys, behind)

    def live_files(self) -> list[dict[str, Any]]:
        """Its table files."""
        return [
            file | {"start_key": key_of(file["start_key"]), "end_key": key_of(file["end_key"])}
            for file in self._handle.live_files()
        ]

    def property_value(self, name: str) -> str | None:
        """One of RocksDB's reports."""
        report: str | None = self._handle.property_value(name)
        return report
