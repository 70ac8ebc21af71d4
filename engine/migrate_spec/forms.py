"""Stored complements but for the old values in them: two with the same form are put back in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypedDict, TypeGuard

from migrate_spec.codec import Json, decode, encode, parser
from migrate_spec.complement import Complement, Unreadable
from migrate_spec.differences import Difference, Lost, Ordered
from migrate_spec.document import ABSENT

__all__ = ["Form", "form_of"]


class _Old(TypedDict, total=False):
    old: Any


class _Olds(TypedDict):
    lost: list[_Old]


_olds = parser(_Olds)


class Form:
    """A stored complement but for the old values.

    Attributes:
        parts: what stands around them.
    """

    __slots__ = ("_whole", "parts")

    def __init__(self, parts: Sequence[bytes]) -> None:
        """Take what stands around the old values."""
        self.parts = tuple(parts)
        self._whole = b"%b".join(part.replace(b"%", b"%%") for part in self.parts)

    @property
    def count(self) -> int:
        """How many old values it has."""
        return len(self.parts) - 1

    def filled(self, olds: Iterable[Json]) -> bytes:
        """The complement with these old values."""
        return self._whole % tuple(map(encode, olds))

    def olds(self, stored: bytes) -> tuple[Json, ...] | None:
        """The old values of a complement; ``None`` where it has another form, or spells a value in an odd way."""
        if len(self.parts) == 1:
            return () if stored == self.parts[0] else None
        if not stored.startswith(self.parts[0]):
            return None
        try:
            found = tuple([one["old"] for one in _olds(stored)["lost"] if "old" in one])
        except (ValueError, RecursionError):
            return None
        return found if len(found) == len(self.parts) - 1 and self.filled(found) == stored else None


def form_of(stored: bytes) -> Form | None:
    """The form of a complement; ``None`` where it is about more than fields of the document, each as a whole."""
    try:
        complement = Complement.of(stored)
    except Unreadable:
        return None
    if not complement.comes_back or complement.spelling is not None or not all(map(_is_whole, complement.differences)):
        return None
    mark = "\x01" * (len(stored) + 1)  # which is not in it
    hollow = [_with_old(one, mark) for one in complement.differences]
    form = Form(replace(complement, differences=tuple(hollow)).stored().split(encode(mark)))
    olds = [decode(one.old) for one in complement.differences if _has_old(one)]
    return form if form.filled(olds) == stored else None


def _is_whole(difference: Difference) -> bool:
    """Whether a difference is about one field of the document, or the order of all of them."""
    if isinstance(difference, Lost):
        return len(difference.place) == 1 and type(difference.place[0]) is str
    return isinstance(difference, Ordered) and not difference.place


def _has_old(difference: Difference) -> TypeGuard[Lost]:
    return isinstance(difference, Lost) and difference.old is not ABSENT


def _with_old(difference: Difference, old: Json) -> Difference:
    return replace(difference, old=old) if _has_old(difference) else difference
