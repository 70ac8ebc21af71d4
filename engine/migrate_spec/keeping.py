"""What a run keeps of each record that it changes, so that the way back gives the old bytes again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from uuid import uuid4

from migrate_spec.codec import Document, Raw, copied, encode, encoder_of, opened
from migrate_spec.compiler import Route
from migrate_spec.complement import Complement
from migrate_spec.crossing import Step
from migrate_spec.differences import Lost
from migrate_spec.document import ABSENT
from migrate_spec.journey import Journey
from migrate_spec.shortcut import looks_at
from migrate_spec.spec import Spec
from migrate_spec.typed import glance_at

__all__ = ["Keeping", "Kind", "Taken", "Template", "is_exact"]

SENTINEL = f"\x01{uuid4().hex}"
"""Stands for a value while it is found out what is kept of documents of which only the names are known.

No spec can say it.
"""

Kind = tuple[tuple[str, ...], int]
"""The names of a record's fields, and its version."""

Taken = Sequence[tuple[Step, Complement]]
"""What is kept of a record, by the step that took it."""


@dataclass(frozen=True)
class Template:
    """A stored complement, but for the values of some fields of the record that it is about.

    Attributes:
        step: the step that it is of.
        parts: what stands around these values.
        names: the fields.
    """

    step: Step
    parts: tuple[bytes, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, step: Step, complement: Complement) -> Template | None:
        """The template of what is kept of documents with a sentinel in each field; ``None`` where there is none."""
        first, *others = _HOLE.split(complement.stored())
        parts, names = (first, *others[1::2]), tuple(name.decode() for name in others[::2])
        return cls(step, parts, names) if not any(_MARK.search(part) for part in parts) else None

    def filled(self, value: bytes) -> bytes:
        """The complement of a record that has these fields."""
        fields = self._read(value) or opened(Raw(value))
        return self._whole % tuple([fields[name] for name in self.names])

    @cached_property
    def _read(self) -> Callable[[bytes], Document | None]:
        return glance_at(self.names, None)

    @cached_property
    def _whole(self) -> bytes:
        return b"%b".join(part.replace(b"%", b"%%") for part in self.parts)


class Keeping:
    """Finds out what is to be kept of records on a route.

    Attributes:
        exact: whether nothing is to be kept of most records, as no step loses anything.
        keeps_unchanged: whether something may have to be kept of records, too, that stay as they are.
    """

    def __init__(self, route: Route) -> None:
        """Take the way of the records."""
        self._journey = Journey(route)
        self._stamp = route.stamp
        # A stamp that is not at the top may need an object made for it.
        by_name = self._stamp.path is None or self._stamp.path.sole_name is not None
        self.exact = by_name and all(is_exact(spec) for spec in route.way)
        self.keeps_unchanged = self._stamp.path is None and not self.exact
        self._kinds: dict[Kind, Sequence[Template] | None] = {}
        # Where fields are only added, a kind does not name those that nobody looks at; one stands for all of them.
        self._others = (SENTINEL,) if route.glances and looks_at(route.specs) is not None else ()

    def of(self, value: bytes, carried: bytes) -> Taken:
        """What is to be kept of a record.

        Args:
            value: its bytes.
            carried: what becomes of it.
        """
        return [(step, complement) for step, complement, _ in self._of(value, carried)]

    def _of(self, value: bytes, carried: bytes) -> Iterator[tuple[Step, Complement, Document]]:
        """The same, with the document that comes to each step."""
        before, version = self._journey.read(value)
        way = self._journey.way(version)
        for crossing in way:
            is_last = crossing is way[-1]
            after = carried if is_last else encoder_of(crossing.encodings[1])(crossing.forth(copied(before)))
            if not is_last and crossing.only_respells(value, after):
                after = value
            complement = self._journey.lost(crossing, before, value, after)
            if complement is not None:
                yield crossing.step, complement, before
            before, value = self._journey.read(after)[0], after

    def of_kind(self, kind: Kind) -> Sequence[Template] | None:
        """What is to be kept of documents of a kind; ``None`` where that is not the same for all of them.

        It is found out for documents whose values are all different, and all the same: steps that look at names alone
        can do no more with values than to compare them.
        """
        if kind not in self._kinds:
            different, same = (self._of_names(kind, distinct=distinct) for distinct in (True, False))
            named = [Template.of(step, _named(complement, before)) for step, complement, before in different]
            known = [one for one in named if one is not None]
            agree = [_blurred(one) for one in different] == [_blurred(one) for one in same]
            self._kinds[kind] = known if agree and len(known) == len(named) else None
        return self._kinds[kind]

    def _of_names(self, kind: Kind, *, distinct: bool) -> list[tuple[Step, Complement, Document]]:
        names, version = kind
        document: Document = {name: SENTINEL + (name if distinct else "") for name in (*names, *self._others)}
        if self._stamp.path is not None and self._stamp.path.sole_name in document:
            document = self._stamp.stamped(document, version)
        value = encode(document)
        for crossing in self._journey.way(version):
            document = crossing.forth(document)
        return list(self._of(value, encode(document)))


_MARK = re.compile(rb"\\u0001%b[^\"]*" % SENTINEL[1:].encode())
_HOLE = re.compile(rb'"\\u0001%b([^"\\]+)"' % SENTINEL[1:].encode())


def _blurred(kept: tuple[Step, Complement, Document]) -> tuple[Step, bytes]:
    """What is kept, with all values alike that are not known."""
    return kept[0], _MARK.sub(b"", kept[1].stored())


def _named(complement: Complement, before: Document) -> Complement:
    """What is kept, told by the names of fields where a guess is the value of one: so it is the same for more records.

    Args:
        complement: what is kept.
        before: the document that comes to the step, with different values in all of its fields.
    """
    lost = {one.place[:1] for one in complement.differences}
    names = {
        value: name
        for name, value in before.items()
        if type(value) is str and value.startswith(SENTINEL) and (name,) not in lost
    }
    found = tuple(
        replace(one, guess=ABSENT, same_as=names[one.guess])
        if isinstance(one, Lost) and type(one.guess) is str and one.guess in names
        else one
        for one in complement.differences
    )
    return replace(complement, differences=found)


def is_exact(spec: Spec) -> bool:
    """Whether a step upwards loses nothing of any record."""
    return not spec.records and not any(step.losses() for step in spec.steps)
