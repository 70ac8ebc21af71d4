"""Steps that forget: what they take from a document is not kept for the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from migrate_spec.codec import Document, copied, encode
from migrate_spec.differences import differences, put_back
from migrate_spec.document import Change, Refused
from migrate_spec.path import Path
from migrate_spec.step import Step, backward, forward

__all__ = ["Forget", "forgetting", "forgotten", "lossy"]

Forget = Callable[[Document], Document]
"""Makes of a document what it would be after a way there and back on which only steps that do not forget keep things.

It raises :class:`~migrate_spec.document.Refused` for a document that is not carried over.
"""

Leg = tuple[Change, Change, bool]
"""A step there, the same back, and whether it forgets."""


def forgotten(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps that forget: those that say so, and those around them, of which nothing can be told apart."""
    return tuple(step for step in steps if step.forgets())


def lossy(steps: Iterable[Step]) -> tuple[Path, ...]:
    """The places at which steps lose values, or whether there were any."""
    return tuple(dict.fromkeys(loss.path for step in steps for loss in step.losses() if not loss.is_order))


def forgetting(steps: Sequence[Step], *, down: bool) -> Forget | None:
    """What forgets what some steps take; nothing where none of them forgets.

    Args:
        steps: the steps of a spec, in their order.
        down: whether they are gone from the last to the first.
    """
    if not forgotten(steps):
        return None
    legs = [(forward([step]), backward([step], lenient=True), step.forgets()) for step in steps]
    return partial(_forget, [(back, there, forgets) for there, back, forgets in reversed(legs)] if down else legs)


def _forget(legs: Sequence[Leg], document: Document) -> Document:
    ways = [document]
    for there, _, _ in legs:
        after = copied(ways[-1])
        there(after)
        ways.append(after)
    result = ways[-1]
    for (_, back, forgets), before, after in zip(reversed(legs), ways[-2::-1], ways[:0:-1], strict=True):
        guess = _guess(back, result)
        result = guess if forgets else put_back(guess, differences(_guess(back, after), before))[0]
    return result if encode(result) != encode(document) else document


def _guess(back: Change, document: Document) -> Document:
    """What the way back alone makes of a document; the document itself where it refuses it."""
    result: Document = copied(document)
    try:
        back(result)
    except Refused:
        return document
    return result
