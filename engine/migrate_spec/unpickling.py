"""A machine that carries out pickles as far as they make what JSON has, and that can do nothing else.

A pickle is a program for a small machine, and some of its instructions import any name and call it. They are missing
here, and there is nothing to import or to call with.

Instructions: https://github.com/python/cpython/blob/3.11/Lib/pickletools.py
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from math import isfinite

from migrate_spec.codec import Json, NotADocument, type_names

__all__ = ["PROTOCOLS", "Machine"]

PROTOCOLS = range(2, 6)
"""Those with a head. rocksdict uses Python's default, which is 4 or 5."""

LONGEST = 1785
"""Bytes of an integer: it then has no more digits than Python, and our JSON, reads."""

STOP = b"."[0]

ONLY_JSON = "nothing but what JSON has was expected (dict with str keys, list, str, int, float, bool, None)"


class Machine:
    """Carries out one pickle.

    Attributes:
        length: of the pickle, with the texts that it takes from its memory.
        shares: whether it takes anything else from there, so that one value stands at several places.
    """

    def __init__(self, program: bytes) -> None:
        self.length = len(program)
        self.shares = False
        self._program = program
        self._at = self._frame_end = 0
        self._stack: list[Json] = []
        self._below: list[list[Json]] = []  # what is below each mark
        self._memory: dict[int, Json] = {}

    def run(self) -> Json:
        """The value that it makes.

        Raises:
            NotADocument: it would make what JSON has not.
            IndexError, KeyError, ValueError, struct.error: it is no pickle.
        """
        program, instructions = self._program, _INSTRUCTIONS
        while (code := program[self._at]) != STOP:  # an instruction that ends behind the end is found here, too
            start = self._at
            self._at += 1
            instruction = instructions.get(code)
            if instruction is None:
                raise NotADocument(self._met(bytes([code])), ONLY_JSON)
            instruction(self)
            if start < self._frame_end < self._at:
                raise IndexError
        if self._at + 1 != len(program) or len(self._stack) != 1 or self._below:
            raise IndexError
        return self._stack.pop()

    def _met(self, code: bytes) -> str:
        """What an instruction that is not known would make, as the beginning of a sentence."""
        if code in {b"c", b"i"}:
            return _named(*self._program[self._at :].split(b"\n", 2)[:2])
        if code == b"\x93":
            return _named(*(str(part).encode("utf-8", "replace") for part in self._stack[-2:]))
        return f"{_KINDS.get(code, f'the instruction 0x{code.hex()} was')} found, pickled"

    def _take(self, count: int) -> bytes:
        start = self._at
        self._at = end = start + count
        return self._program[start:end]

    def _number(self, size: int) -> int:
        start = self._at
        self._at = end = start + size
        return int.from_bytes(self._program[start:end], "little")

    def _top(self, kind: type) -> Json:
        """The value on top of the stack, which is to be a list or dict."""
        if type(self._stack[-1]) is not kind:
            raise IndexError
        return self._stack[-1]

    def _above(self) -> list[Json]:
        """All values above the last mark; they go."""
        found, self._stack = self._stack, self._below.pop()
        return found

    def protocol(self) -> None:
        """Look at the version of the format."""
        found = self._take(1)[0]
        if found not in PROTOCOLS:
            expected = f"one from {PROTOCOLS[0]} to {PROTOCOLS[-1]} was expected"
            raise NotADocument(f"a pickle of protocol {found} was found", expected)

    def frame(self) -> None:
        """Note how much is to be read at once: no instruction goes beyond the end of that."""
        length = self._number(8)
        if self._at < self._frame_end or length > len(self._program) - self._at:
            raise IndexError
        self._frame_end = self._at + length

    def mark(self) -> None:
        """Begin anew above what is on the stack."""
        self._below.append(self._stack)
        self._stack = []

    def push(self, value: Json) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def signed(self, size: int) -> None:
        """Push an integer of so many bytes."""
        self._stack.append(int.from_bytes(self._take(size), "little", signed=True))

    def unsigned(self, size: int) -> None:
        """Push an integer of so many bytes, from 0 on."""
        self._stack.append(self._number(size))

    def integer(self, size: int) -> None:
        """Push an integer with its length before it, which has so many bytes."""
        length = self._number(size)
        if length > LONGEST:
            found = f"an integer of {length:,} bytes was found"
            raise NotADocument(found, f"at most {LONGEST:,} were expected, as it would have more than 4300 digits")
        self.signed(length)

    def number(self) -> None:
        """Push a floating-point number."""
        (value,) = struct.unpack_from(">d", self._program, self._at)
        self._at += 8
        if not isfinite(value):
            raise NotADocument(f"the number {value} was found", "a number that JSON can hold was expected")
        self._stack.append(value)

    def text(self, size: int) -> None:
        """Push a text with its length before it, which has so many bytes."""
        start = self._at + size
        self._at = end = start + int.from_bytes(self._program[self._at : start], "little")
        self._stack.append(self._program[start:end].decode())

    def keep(self, size: int) -> None:
        """Keep the value on top under a number of so many bytes."""
        self._memory[self._number(size)] = self._stack[-1]

    def keep_next(self) -> None:
        """Keep the value on top under the next number."""
        self._memory[len(self._memory)] = self._stack[-1]

    def get(self, size: int) -> None:
        """Push what is kept under a number of so many bytes."""
        value = self._memory[self._number(size)]
        if type(value) is str:
            self.length += len(value)
        else:
            self.shares = True
        self._stack.append(value)

    def append(self) -> None:
        """Put the value on top into the list below it."""
        value = self._stack.pop()
        self._top(list).append(value)

    def extend(self) -> None:
        """Put the values above the mark into the list below it."""
        values = self._above()
        self._top(list).extend(values)

    def set_one(self) -> None:
        """Put the key and the value on top into the dict below them."""
        value, name = self._stack.pop(), self._stack.pop()
        self._set([name, value])

    def set_all(self) -> None:
        """Put the keys and values above the mark into the dict below it."""
        self._set(self._above())

    def _set(self, parts: list[Json]) -> None:
        document = self._top(dict)
        for name, value in zip(parts[::2], parts[1::2], strict=True):
            if type(name) is not str:
                found = f"{name!r:.40}" if type(name) not in {list, dict} else type_names[type(name)]
                raise NotADocument(f"the key {found} was found", "keys that are texts were expected")
            document[name] = value


def _named(*parts: bytes) -> str:
    """The beginning of a sentence about a class or function, with its name."""
    name = ".".join(part.decode("utf-8", "replace") for part in parts)
    return f"the class or function {name[:100]!r} was found, pickled"


_INSTRUCTIONS: Mapping[int, Callable[[Machine], None]] = {
    b"\x80"[0]: Machine.protocol,
    b"\x95"[0]: Machine.frame,
    b"("[0]: Machine.mark,
    b"N"[0]: lambda machine: machine.push(None),
    b"\x88"[0]: lambda machine: machine.push(value=True),
    b"\x89"[0]: lambda machine: machine.push(value=False),
    b"J"[0]: lambda machine: machine.signed(4),
    b"K"[0]: lambda machine: machine.unsigned(1),
    b"M"[0]: lambda machine: machine.unsigned(2),
    b"\x8a"[0]: lambda machine: machine.integer(1),
    b"\x8b"[0]: lambda machine: machine.integer(4),
    b"G"[0]: Machine.number,
    b"\x8c"[0]: lambda machine: machine.text(1),
    b"X"[0]: lambda machine: machine.text(4),
    b"\x8d"[0]: lambda machine: machine.text(8),
    b"]"[0]: lambda machine: machine.push([]),
    b"}"[0]: lambda machine: machine.push({}),
    b"a"[0]: Machine.append,
    b"e"[0]: Machine.extend,
    b"s"[0]: Machine.set_one,
    b"u"[0]: Machine.set_all,
    b"q"[0]: lambda machine: machine.keep(1),
    b"r"[0]: lambda machine: machine.keep(4),
    b"\x94"[0]: Machine.keep_next,
    b"h"[0]: lambda machine: machine.get(1),
    b"j"[0]: lambda machine: machine.get(4),
}
"""What the machine can do, by the byte that says so."""

_KINDS = {
    **dict.fromkeys((b")", b"t", b"\x85", b"\x86", b"\x87"), "a tuple was"),
    **dict.fromkeys((b"B", b"C", b"\x8e"), "bytes were"),
    **dict.fromkeys((b"T", b"U"), "a text of Python 2 was"),
    b"\x96": "a bytearray was",
    b"\x8f": "a set was",
    b"\x91": "a frozenset was",
    **dict.fromkeys((b"\x82", b"\x83", b"\x84"), "an object of a registered class was"),
    **dict.fromkeys((b"P", b"Q"), "a reference to something outside was"),
}
"""What other instructions make, as the beginning of a sentence."""
