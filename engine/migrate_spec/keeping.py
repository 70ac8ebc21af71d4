"""What a run keeps of each record that it changes, so that the way back gives the old bytes again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from migrate_spec.codec import Document, copied, encode, encoder_of
from migrate_spec.compiler import Route
from migrate_spec.complement import Complement, Lost
from migrate_spec.crossing import Step
from migrate_spec.document import ABSENT
from migrate_spec.journey import Journey
from migrate_spec.spec import Spec

__all__ = ["Keeping", "Kind", "Taken", "is_exact"]

SENTINEL = "\x01"
"""Stands for a value while it is found out what is kept of documents of which only the names are known."""

Kind = tuple[tuple[str, ...], int]
"""The names of a record's fields, and its version."""

Taken = Sequence[tuple[Step, Complement]]
"""What is kept of a record, by the step that took it."""


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
        self.exact = all(is_exact(spec) for spec in route.way)
        self.keeps_unchanged = self._stamp.path is None and not self.exact
        self._kinds: dict[Kind, Taken | None] = {}

    def of(self, value: bytes, carried: bytes) -> Taken:
        """What is to be kept of a record.

        Args:
            value: its bytes.
            carried: what becomes of it.
        """
        before, version = self._journey.read(value)
        way, found = self._journey.way(version), []
        for crossing in way:
            is_last = crossing is way[-1]
            after = carried if is_last else encoder_of(crossing.encodings[1])(crossing.forth(copied(before)))
            complement = self._journey.lost(crossing, before, value, after)
            if complement is not None:
                found.append((crossing.step, complement))
            before, value = self._journey.read(after)[0], after
        return found

    def of_kind(self, kind: Kind) -> Taken | None:
        """What is to be kept of all documents of a kind; ``None`` where it depends on what stands in them.

        It is found out for documents whose values are all different, and all the same: steps that look at names alone
        can do no more with values than to compare them.
        """
        if kind not in self._kinds:
            different, same = (self._of_names(kind, distinct=distinct) for distinct in (True, False))
            named = [(step, _named(complement)) for step, complement in different]
            depends = _blurred(different) != _blurred(same) or any(_MARK.search(one.stored()) for _, one in named)
            self._kinds[kind] = None if depends else named
        return self._kinds[kind]

    def _of_names(self, kind: Kind, *, distinct: bool) -> Taken:
        names, version = kind
        document: Document = {name: SENTINEL + (name if distinct else "") for name in names}
        if self._stamp.path is not None and self._stamp.path.sole_name in document:
            document = self._stamp.stamped(document, version)
        value = encode(document)
        for crossing in self._journey.way(version):
            document = crossing.forth(document)
        return self.of(value, encode(document))


_MARK = re.compile(rb"\\u0001[^\"]*")


def _blurred(kept: Taken) -> list[tuple[Step, bytes]]:
    """What is kept, with all values alike that are not known."""
    return [(step, _MARK.sub(b"", complement.stored())) for step, complement in kept]


def _named(complement: Complement) -> Complement:
    """What is kept, with the names of fields for guesses that are the values of these."""
    found = tuple(
        replace(one, guess=ABSENT, same_as=one.guess[len(SENTINEL) :])
        if isinstance(one, Lost) and type(one.guess) is str and one.guess.startswith(SENTINEL)
        else one
        for one in complement.differences
    )
    return replace(complement, differences=found)


def is_exact(spec: Spec) -> bool:
    """Whether a step upwards loses nothing of any record."""
    return not spec.records and not any(step.losses() for step in spec.steps)
