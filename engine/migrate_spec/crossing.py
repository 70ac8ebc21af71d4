"""One version step of a collection, either way, as what it does to a stored document with its stamp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from migrate_spec.codec import Document, copied, encode, read_plain, says_the_same
from migrate_spec.compiler import change_of
from migrate_spec.complement import Complement, complement_of
from migrate_spec.document import Refused
from migrate_spec.errors import Irreversible
from migrate_spec.forgetting import Forget, forgetting
from migrate_spec.spec import Spec
from migrate_spec.step import backward

__all__ = ["Crossing", "Step", "crossings", "upwards"]

Step = tuple[int, int]
"""A version step in a direction: where it begins, and where it leads."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A version step in one direction.

    Attributes:
        spec: what it was made from.
        step: where it begins and where it leads.
        encodings: how a document is stored on this side and on the other.
        forth: makes of a document what it is on the other side; it may alter the one that it is given.
        back: the same the other way; ``None`` where there is no way back.
        forget: makes of a document what may be kept of it; ``None`` where that is all.
    """

    spec: Spec
    step: Step
    encodings: tuple[str, str]
    forth: Callable[[Document], Document]
    back: Callable[[Document], Document] | None
    forget: Forget | None = None

    def complement(
        self, before: Document, after: Callable[[], Document], value: bytes | None = None
    ) -> Complement | None:
        """What the way back alone does not give, where there is one; nothing where it gives the very document.

        Args:
            before: a document, which is not altered.
            after: makes a new one of the same on the other side.
            value: the first one as bytes; ``None`` where its spelling does not matter.
        """
        assert self.back is not None  # noqa: S101 - whoever asks has seen that
        try:
            guess, comes_back = self.back(after()), True
        except Refused:
            guess, comes_back = after(), False
        old = self.forgotten(before) if self.forget is not None else before
        return complement_of(guess, old, value, self.encodings[0], comes_back=comes_back)

    def forgotten(self, before: Document) -> Document:
        """What may be kept of a document that takes the step, as a document."""
        unchanged = encode(self.forth(copied(before))) == encode(before)
        return before if self.forget is None or unchanged else self.forget(before)

    def lost(self, before: Document, value: bytes, after: Callable[[], Document]) -> Complement | None:
        """What a record loses in the step, its spelling with it.

        Args:
            before: the document that comes to it.
            value: the same as bytes.
            after: gives the document that leaves it, anew each time.
        """
        if self.back is None:
            return None
        return self.complement(
            before, after, value if self.forget is None else None
        )  # it holds what is to be forgotten

    def only_respells(self, value: bytes, after: bytes) -> bool:
        """Whether the step does nothing to a record but to spell it in another way, so that it stays as it is."""
        return self.encodings[0] == self.encodings[1] and read_plain(value) is None and says_the_same(value, after)

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.spec.name if self.step[0] < self.step[1] else f"{self.spec.name} backwards"


def crossings(specs: Sequence[Spec], start: int = 1, *, down: bool, since: int = 1) -> list[Crossing]:
    """The version steps of a collection in one direction, in the order in which they are gone.

    Args:
        specs: the collection's steps, first to last.
        start: the version of the database at the lower end. A record may be older, and stays so on the way down to
            there; the first step upwards takes it through the earlier ones, too.
        down: whether from the last to the first.
        since: the version that led to the shape before the first of the steps.

    Raises:
        Irreversible: the way is down, and a step cannot be undone.
    """
    older = [_up(spec) for spec in specs if spec.from_version < start and spec.stamp.path is not None]
    found: list[Crossing] = []
    for spec in specs:
        if spec.from_version >= start:
            up, older = _in_turn([*older, _up(spec)]), []
            found.append(_downwards(spec, up, since) if down else _upwards(spec, up, since))
        since = spec.to_version
    return found[::-1] if down else found


def upwards(specs: Sequence[Spec], document: Document) -> Document | None:
    """What steps make of a document that says an earlier version; nothing where they refuse it."""
    try:
        for spec in specs:
            document = _up(spec)(copied(document))
    except Refused:
        return None
    return document


def _downwards(spec: Spec, up: Callable[[Document], Document], since: int) -> Crossing:
    versions, encodings = (spec.to_version, spec.from_version), (spec.encoding_after, spec.encoding)
    return Crossing(spec, versions, encodings, _down(spec, since), up, forgetting(spec.steps, down=True))


def _upwards(spec: Spec, up: Callable[[Document], Document], since: int) -> Crossing:
    versions, encodings = (spec.from_version, spec.to_version), (spec.encoding, spec.encoding_after)
    back = _back(spec, since)
    return Crossing(spec, versions, encodings, up, back, forgetting(spec.steps, down=False) if back else None)


def _in_turn(changes: Sequence[Callable[[Document], Document]]) -> Callable[[Document], Document]:
    """Several steps as one."""
    if len(changes) == 1:
        return changes[0]
    return lambda document: reduce(lambda made, change: change(made), changes, document)


def _back(spec: Spec, since: int) -> Callable[[Document], Document] | None:
    """A step downwards, where there is one."""
    try:
        return _down(spec, since)
    except Irreversible:
        return None


def _up(spec: Spec) -> Callable[[Document], Document]:
    """A step upwards. A document of which nothing changes keeps its stamp."""
    change, stamp = change_of(spec), spec.stamp

    def up(document: Document) -> Document:
        if stamp.version_of(document, spec.from_version) > spec.from_version:
            return document
        return stamp.stamped(document, spec.to_version) if change(document) else document

    return up


def _down(spec: Spec, since: int) -> Callable[[Document], Document]:
    """A step downwards. A document that says an earlier version was not changed by it; one of version 1 says none.

    What comes of one says the version that led to its shape, as a run upwards has it say: so it is no later one than
    that of the database, however far that goes down.
    """
    if spec.refuses_downgrade:
        found = "a step that refuses to be undone was found"
        raise Irreversible(found, spec.refuses_downgrade, where=spec.place("downgrade"))
    change, stamp = backward(spec.steps, lenient=True), spec.stamp

    def down(document: Document) -> Document:
        if stamp.path is not None:
            if stamp.version_of(document) < spec.to_version:
                return document
            document = stamp.stamped(document, since)
        change(document)
        if since == 1 and stamp.path is not None:
            stamp.path.take(document)
        return document

    return down
