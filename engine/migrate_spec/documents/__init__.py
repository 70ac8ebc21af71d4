"""Documents that a JSON Schema allows, for property tests and in search of a counterexample.

They are valid by construction, interesting values come first, and they shrink to the fewest fields and the simplest
values. A document costs Hypothesis one draw, of a block of bytes, and one more for each wide part inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random

from hypothesis import reject
from hypothesis import strategies as st

from migrate_spec.codec import Json
from migrate_spec.documents.building import unit_of
from migrate_spec.documents.units import Source, Stuck, Unit
from migrate_spec.schema import Schema

__all__ = ["documents", "sampled"]

HALF = 128
"""Of the values of a byte."""


def documents(schema: Schema, names: Sequence[str] = ()) -> st.SearchStrategy[Json]:
    """A strategy of documents that are valid.

    Args:
        schema: the schema.
        names: names to try for fields that the schema does not know, such as those of a newer version.

    Raises:
        ValueError: it is no schema, nothing fits it, or no way to make what does is known; in a sentence.
    """
    unit, is_valid = unit_of(schema, names), schema.is_valid

    @st.composite
    def document(draw: st.DrawFn) -> Json:
        try:
            made = _made(unit, lambda size: draw(_blocks(size)))
        except Stuck:
            reject()
        if not is_valid(made):
            reject()
        return made

    return document()


def sampled(schema: Schema, names: Sequence[str] = (), seed: int = 0) -> Iterator[Json]:
    """The same documents without end and without Hypothesis, for a search that must be fast; they do not shrink.

    Args:
        schema: the schema.
        names: names to try for fields that the schema does not know.
        seed: another one gives other documents.

    Raises:
        ValueError: as in :func:`documents`.
    """
    unit, is_valid = unit_of(schema, names), schema.is_valid
    random = Random(seed)  # noqa: S311 - it chooses documents

    def found() -> Iterator[Json]:
        while True:
            try:
                made = _made(unit, random.randbytes)
            except Stuck:
                continue
            if is_valid(made):
                yield made

    return found()


def _made(unit: Unit, block: Callable[[int], bytes]) -> Json:
    """A document; its first byte says how many of its fields have their simplest value: half the time none must."""
    source = Source(block)
    tape = block(unit.width + 1)
    source.calm = max(0, tape[0] - HALF) * 2
    return unit.make(tape, 1, source)


@cache
def _blocks(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)
