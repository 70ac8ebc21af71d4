"""The search for a document that breaks a rule, and for the smallest one that does.

Documents are made of a schema until one breaks the rule. What is shown to a person is then as small as it can be made:
the fewest fields and items, the simplest values, every one of them there because the rule holds without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from itertools import islice

from migrate_spec.codec import Json, copied, encode
from migrate_spec.planting import Values, planted
from migrate_spec.schema import Schema

__all__ = ["Fails", "Found", "counterexample", "size", "smallest"]

Fails = Callable[[Json], bool]
"""Whether a document breaks the rule. It is given a copy of its own."""

MOST_TRIES = 2000
"""Documents that are tried to make one smaller."""
MOST_WORK = 20_000_000
"""Bytes of the documents that are tried: so large ones do not take for ever."""
MOST_PARTS = 30
"""Parts of an object or a list that are tried in its place, and characters of a text that others are tried for."""
MORE = 100
"""Documents that are drawn after the first that breaks the rule, as a simpler one may come."""

_PLAIN = "a01"
"""Characters to try for others, the simplest first."""

_SIMPLEST: list[Json] = [None, False, 0, "", [], {}]
_RANK = {type(None): 0, bool: 2, int: 3, float: 3, str: 4, list: 5, dict: 6}
"""Of a type: how many of the simplest values may be tried in place of one."""

_Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to.

    Attributes:
        document: the smallest that was found; ``None`` where none was.
        tried: how many documents were put to the test before one was found, or in all.
        why: why there was nothing to try, in a sentence; empty where there was.
    """

    document: Json
    tried: int
    why: str = ""


def counterexample(  # noqa: PLR0913 - each bound of a search is one of its own
    schema: Schema,
    fails: Fails,
    *,
    names: Sequence[str] = (),
    values: Values | None = None,
    seconds: float,
    most: int | None = None,
    seed: int = 0,
) -> Found:
    """Search a document that fits a schema and breaks a rule.

    Only objects are tried, as every record is one.

    Args:
        schema: what the documents fit.
        fails: whether one breaks the rule.
        names: names to try for fields that the schema does not know.
        values: values to try where the schema allows them, by the names of their fields.
        seconds: how long to search at most; making what was found smaller comes on top.
        most: how many documents to try at most.
        seed: another one tries other documents.

    Returns:
        What was found. It is never an error that no document can be made; then ``why`` says so.
    """
    from migrate_spec.documents import sampled  # noqa: PLC0415 - imports Hypothesis, which is slow to start

    try:
        drawn = planted(sampled(schema, names, seed), schema, values or {}, seed)
    except ValueError as error:
        return Found(None, 0, str(error))
    stop = time.monotonic() + seconds
    tried = 0
    for document in islice(drawn, most):
        if type(document) is dict:
            tried += 1
            if fails(copied(document)):
                found = _simplest(document, islice(drawn, MORE), fails)
                return Found(smallest(found, lambda one: _is_record(one, schema) and fails(one)), tried)
        if time.monotonic() >= stop:
            break
    return Found(None, tried)


def _simplest(document: Json, others: Iterable[Json], fails: Fails) -> Json:
    """The simplest of a document that breaks the rule and those of others that do."""
    for other in others:
        if type(other) is dict and size(other) < size(document) and fails(copied(other)):
            document = other
    return document


def _is_record(document: Json, schema: Schema) -> bool:
    return type(document) is dict and schema.is_valid(document)


def size(document: Json) -> tuple[int, int, bytes]:
    """Sorts documents: fewer parts first, then shorter ones."""
    text = encode(document)
    return _parts(document), len(text), text


def _parts(value: Json) -> int:
    if type(value) is dict or type(value) is list:
        return 1 + sum(map(_parts, value.values() if type(value) is dict else value))
    return 1


def smallest(document: Json, fails: Fails) -> Json:
    """The smallest and simplest document that still breaks a rule.

    Whole parts go first, then single ones, then values become simpler: ``null``, ``false``, ``0``, ``""``, shorter
    texts, smaller numbers. The same comes of the same; keys stay in their order. How many documents are tried is bound.

    Args:
        document: one that breaks the rule; it stays as it is.
        fails: whether a document breaks the rule, and is one at all. It is given a copy of its own.

    Returns:
        The document; the very same where nothing simpler was found.
    """
    return _Smaller(document, fails).run()


class _Spent(Exception):  # noqa: N818 - no error: what may be tried was tried
    """So many documents were tried that the smallest so far must do."""


class _Smaller:
    """One document on its way to a smaller one.

    Attributes:
        document: what it has become so far.
    """

    def __init__(self, document: Json, fails: Fails) -> None:
        self.document = document
        self._fails = fails
        self._tries, self._work = MOST_TRIES, MOST_WORK
        self._known = {hash(encode(document))}

    def run(self) -> Json:
        """Make it smaller until nothing more can be done."""
        before = None
        with suppress(_Spent, RecursionError):  # nested so deep that nothing can be tried any more
            while before is not self.document:
                before = self.document
                self._visit(())
        return self.document

    def _takes(self, place: _Place, value: Json) -> bool:
        """Whether the rule is still broken with a value at a place; then the document has become that."""
        if self._tries <= 0 or self._work <= 0:
            raise _Spent
        changed = _with(self.document, place, value)
        text = encode(changed)
        self._work -= len(text)
        known = hash(text)
        if known in self._known:
            return False
        self._known.add(known)
        self._tries -= 1
        if not self._fails(copied(changed)):
            return False
        self.document = changed
        return True

    def _visit(self, place: _Place) -> None:
        """Make what stands at a place smaller, from outside to inside."""
        while any(self._takes(place, simpler) for simpler in _simpler(_at(self.document, place))):
            pass
        value = _at(self.document, place)
        if type(value) is str:
            self._shorten(place, value)
        elif type(value) is dict or type(value) is list:
            self._drop(place, len(value))
            found = _at(self.document, place)
            for key in list(found) if type(found) is dict else reversed(range(len(found))):
                self._visit((*place, key))

    def _drop(self, place: _Place, chunk: int) -> None:
        """Take parts away: first as many as there are at once, then half of that, at last each alone."""
        while chunk >= 1:
            start = len(_at(self.document, place)) - chunk
            while start > -chunk:
                self._takes(place, _without(_at(self.document, place), max(start, 0), start + chunk))
                start -= chunk
            chunk //= 2

    def _shorten(self, place: _Place, text: str) -> None:
        self._drop(place, len(text) // 2)
        for index in range(min(len(_at(self.document, place)), MOST_PARTS)):
            found = _at(self.document, place)
            better = _PLAIN[: _PLAIN.index(found[index])] if found[index] in _PLAIN else _PLAIN
            any(self._takes(place, found[:index] + other + found[index + 1 :]) for other in better)


def _at(value: Json, place: _Place) -> Json:
    for key in place:
        value = value[key]
    return value


def _with(value: Json, place: _Place, new: Json) -> Json:
    """A value with another one at a place; what is not on the way there is shared."""
    if not place:
        return new
    found: Json = copy(value)
    found[place[0]] = _with(value[place[0]], place[1:], new)
    return found


def _without(value: Json, start: int, stop: int) -> Json:
    """An object, a list or a text without some of its parts."""
    if type(value) is dict:
        kept = list(value.items())
        return dict(kept[:start] + kept[stop:])
    return value[:start] + value[stop:]


def _simpler(value: Json) -> Iterator[Json]:
    """Simpler values to try in place of one, the simplest first."""
    yield from (other for other in _SIMPLEST[: _RANK[type(value)]] if other != value or type(other) is not type(value))
    if type(value) is int or type(value) is float:
        yield from _smaller_numbers(value)
    elif type(value) is dict or type(value) is list:
        inner: Iterable[Json] = value.values() if type(value) is dict else value
        yield from islice((part for part in inner if type(part) is type(value)), MOST_PARTS)


def _smaller_numbers(value: float) -> Iterator[float]:
    """Nearer and nearer to a number, each of them shorter, or nearer to zero."""
    whole = int(value) if abs(value) < 1 << 53 or type(value) is int else 0
    candidates: list[float] = [1, -1, abs(value), whole, *(round(value, digits) for digits in range(1, 6))]
    step = whole // 2 if whole >= 0 else -(-whole // 2)
    while step:
        candidates.append(whole - step)
        step = step // 2 if step >= 0 else -(-step // 2)
    yield from (other for other in candidates if _length(other) < _length(value))


def _length(number: float) -> tuple[bool, int, float, bool]:
    return type(number) is float, len(encode(number)), abs(number), number < 0
