"""The short way of specs that only put fields into documents which lack them: what was there is not written anew.

What such specs do follows from the names of a document's fields, so it is worked out once for all documents with the
same names in the same order. The new fields are then set behind the bytes of the old ones, and the stamp before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from migrate_spec.codec import Document, encode
from migrate_spec.operation import Put
from migrate_spec.spec import Spec
from migrate_spec.step import puts_of

__all__ = ["PASSED", "Graft", "Puts", "puts_of_specs"]

PASSED: Final = b""
"""Stands for the result where the way is not for this record; no document has these bytes."""

Read = Callable[[bytes], Document | None]


@dataclass(frozen=True, slots=True)
class Scion:
    """What is put into documents with the same names.

    Attributes:
        begin: what such a document begins with.
        head: what stands there instead.
        first: what follows the last field, up to the first value that is taken from the document.
        others: the names of the fields whose values stand there, each with the bytes that follow.
        changed: the places in the route of the specs that change it; none where it stays as it is.
    """

    begin: bytes
    head: bytes
    first: bytes
    others: tuple[tuple[str, bytes], ...]
    changed: tuple[int, ...]


Puts = tuple[Spec, Sequence[Put]]
"""A spec, and all that it does to a document."""


def puts_of_specs(specs: Sequence[Spec]) -> list[Puts] | None:
    """What each of some specs puts into documents; ``None`` where one does anything else."""
    found = [(spec, None if spec.encoding_after != "json" else puts_of(spec.steps)) for spec in specs]
    known = [(spec, puts) for spec, puts in found if puts is not None]
    return known if len(known) == len(found) else None


class Graft:
    """Specs that only put fields into documents, as a function on bytes.

    Attributes:
        changed_by: for each spec how many records it has changed so far.
    """

    def __init__(
        self,
        steps: Sequence[Puts],
        versions: tuple[int, int],
        read: Read,
        fits: Callable[[Document], bool] | None,
        changed_by: list[int],
    ) -> None:
        """Take the specs.

        Args:
            steps: all specs of a route, with what they put.
            versions: of the database, and of a record that says none.
            read: reads those fields of a record that are named in ``steps`` and the stamp, or all; ``None`` where it
                is not known that what becomes of it fits.
            fits: whether a record that stays as it is fits; ``None``: that is not asked.
            changed_by: is counted up for each spec that changes a record.
        """
        self._steps = steps
        self._start, self._unstamped = versions
        self._read = read
        self._fits = fits
        self._changed_by = changed_by
        self._scions: dict[tuple[str, ...], Scion | None] = {}
        self._names: tuple[str, ...] | None = None
        self._last: Scion | None = None

    def __call__(self, value: bytes) -> bytes | None:
        """A record's new bytes; ``None`` where it stays as it is; :data:`PASSED` where the way is not for it."""
        document = self._read(value)
        if document is None:
            return PASSED
        names = tuple(document)
        if names == self._names:  # as most often: two tuples of the same texts are faster compared than looked up
            scion = self._last
        else:
            scion = self._last = self._learned(names)
            self._names = names
        if scion is None or not value.startswith(scion.begin):
            return PASSED
        if not scion.changed:
            return None if self._fits is None or self._fits(document) else PASSED
        for index in scion.changed:
            self._changed_by[index] += 1
        parts = [scion.head, value[len(scion.begin) : -1], scion.first]
        for name, following in scion.others:
            parts.append(encode(document[name]))
            parts.append(following)
        return b"".join(parts)

    def _learned(self, names: tuple[str, ...]) -> Scion | None:
        if names not in self._scions:
            self._scions[names] = self._scion(names)
        return self._scions[names]

    def _scion(self, names: tuple[str, ...]) -> Scion | None:
        """What is put into documents with these names; ``None`` where that must be done in the long way."""
        last = self._steps[-1][0]
        stamp = last.stamp
        mark = stamp.path.sole_name if stamp.path is not None else None
        if (stamp.path is not None and mark is None) or (mark in names and names[0] != mark):
            return None
        version = self._start if mark in names else self._unstamped
        # For each field the name of one of the document that has its value, or the value's bytes.
        values: dict[str, bytes | str] = {name: name for name in names}
        fields: list[bytes | str] = []
        changed: list[int] = []
        for index, (spec, puts) in enumerate(self._steps):
            if spec.from_version < version:
                continue
            before = len(fields)
            for put in puts:
                if put.name == mark or put.source == mark is not None or (put.refuses and put.name in values):
                    return None
                if put.name in values or (put.source is not None and put.source not in values):
                    continue
                values[put.name] = encode(put.value) if put.source is None else values[put.source]
                fields += (b",%b:" % encode(put.name), values[put.name])
            if len(fields) > before:
                changed.append(index)
        reached = self._steps[changed[-1]][0].to_version if changed else 0
        # What is known of the results is known of records of the database's version that get the latest stamp.
        if changed and (self._steps[changed[0]][0].from_version < self._start or reached != last.to_version):
            return None
        # Up to the quotation mark of the next name, of which there must be one for a comma to be right.
        begin = b'{%b:%b,"' % (encode(mark), encode(stamp.mark(self._start))) if mark in names else b'{"'
        head = b'{%b:%b,"' % (encode(mark), encode(stamp.mark(reached))) if mark is not None and changed else begin
        first, *others = _merged([*fields, b"}"])
        return Scion(begin, head, first[1], tuple(others), tuple(changed))


def _merged(parts: Sequence[bytes | str]) -> list[tuple[str, bytes]]:
    """Each name with all bytes that follow it; the first has none."""
    found = [("", b"")]
    for part in parts:
        if isinstance(part, bytes):
            found[-1] = (found[-1][0], found[-1][1] + part)
        else:
            found.append((part, b""))
    return found
