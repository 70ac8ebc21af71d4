"""Pickled documents: read without running anything, and written in the form that they had.

In its default mode rocksdict pickles a ``dict``. To unpickle can run code, so that is not done: a machine of our own
(:mod:`~migrate_spec.unpickling`) makes of a pickle what JSON has, or nothing. What it takes is bounded by the length of
the pickle. Python's own ``Unpickler`` with a ``find_class`` that refuses runs nothing either, but takes gigabytes for a
pickle of ten bytes, which says to keep a value under a large number.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import chain

from migrate_spec.codec import PICKLED, Document, Json, NotADocument, decode, encode, plain, type_names
from migrate_spec.unpickling import PROTOCOLS, Machine

__all__ = ["FORM", "as_json", "is_pickled", "pickled", "unpickled"]

GROWTH, ROOM = 32, 2**20
"""How many times as long as its pickle a document may be; and what is no harm whatever the pickle."""


FORM = 3
"""Bytes of a stored value, by which another one is pickled like it."""

DEEPEST = 400
"""Levels: Python pickles few more, and to write what was read must not fail."""


def is_pickled(value: bytes) -> bool:
    """Whether a stored value is a pickled object."""
    return value.startswith(PICKLED)


def unpickled(value: bytes) -> Document:
    """A pickled document, in the plain form. What stands at several places in it is a value of its own at each.

    Args:
        value: the stored value.

    Raises:
        NotADocument: it is no whole pickle, no ``dict``, or has in it what JSON has not.
    """
    machine = Machine(value[1:])
    try:
        document = machine.run()
        size = _size(document, {}) if machine.shares else machine.length
    except NotADocument:
        raise
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise NotADocument("a text with half of a surrogate pair was found", "Unicode text was expected") from None
    except (IndexError, KeyError, ValueError, struct.error):
        raise NotADocument("a pickle that cannot be read was found", "a whole one was expected") from None
    most = max(ROOM, GROWTH * len(value))
    if size > most:
        found = f"a pickle of {len(value):,} bytes was found that says more than {most:,} bytes of JSON"
        raise NotADocument(found, "one that repeats less of itself was expected")
    if type(document) is not dict:
        raise NotADocument(f"{type_names[type(document)]} was found, pickled", "a dict was expected")
    document = decode(_encoded(document)) if machine.shares else document
    if value.count(b"]") + value.count(b"}") > DEEPEST and _depth(document) > DEEPEST:
        raise NotADocument("a pickled value nested too deep was found", f"at most {DEEPEST} levels were expected")
    return document


def as_json(value: bytes) -> bytes:
    """A stored value as it is to be looked at: a pickled document as JSON, and any other value as it is."""
    if is_pickled(value):
        with suppress(NotADocument):
            return _encoded(unpickled(value))
    return value


def pickled(document: bytes, like: bytes) -> bytes:
    """A document, in either encoding, as a stored value like another one: pickled by the same protocol.

    Raises:
        RecursionError: it is nested too deep.
    """
    from pickle import dumps  # noqa: PLC0415 - few databases have any, and it is slow to import

    protocol = like[2] if like[2:3] and like[2] in PROTOCOLS else PROTOCOLS[-1]  # it may be no whole pickle
    return PICKLED[:1] + dumps(plain(document), protocol)


def _encoded(document: Document) -> bytes:
    """A document as JSON."""
    try:
        return encode(document)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> NotADocument:
    return NotADocument("a value nested too deep to read was found", "fewer than 1000 levels were expected")


def _depth(document: Document) -> int:
    """How many levels of lists and objects a document has."""
    level: list[Json] = [document]
    depth = 0
    while level:
        depth += 1
        parts = chain.from_iterable(one.values() if type(one) is dict else one for one in level)
        level = [part for part in parts if type(part) in {dict, list}]
    return depth


def _size(value: Json, known: dict[int, int]) -> int:
    """How much a value is as JSON, about, with what stands at several places counted at each.

    Args:
        value: the value.
        known: the sizes of lists and objects by their identity; 0 for those that the value is inside of.

    Raises:
        NotADocument: it is inside of itself.
    """
    if type(value) is int:
        return 1 + value.bit_length() // 4
    if type(value) not in {list, dict}:
        return 1 + len(value) if type(value) is str else 1
    if id(value) not in known:
        known[id(value)], size = 0, 1
        for part in value if type(value) is list else chain(value, value.values()):
            size += _size(part, known)
        known[id(value)] = size
    if not known[id(value)]:
        kind = "list" if type(value) is list else "dict"
        raise NotADocument(f"a {kind} that contains itself was found", "a value that JSON can hold was expected")
    return known[id(value)]
