"""Which of two names is likely the other: the same words written otherwise, or a slip of the pen."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

__all__ = ["is_plural", "likeness", "same_words"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_LONG = 6
"""Letters from which on another letter in one place is a slip; in a shorter word it makes another word."""
_SHORT = 3
_LEAST = 0.5
"""Of the characters that two names share, for one to be thought of as the other."""


def words(name: str) -> list[str]:
    """The words of a name, in lower case: ``createdAt``, ``created_at`` and ``Created-At`` have the same."""
    return [word.lower() for word in _WORD.findall(name)]


def same_words(one: str, other: str) -> bool:
    """Whether two texts differ in nothing but case, spaces, underscores and the like."""
    return "".join(words(one)) == "".join(words(other)) != ""


def is_plural(one: str, other: str) -> bool:
    """Whether one name is the plural of the other."""
    single, plural = "".join(words(one)), "".join(words(other))
    return bool(single) and plural in {f"{single}s", f"{single}es", f"{single.removesuffix('y')}ies"}


def likeness(one: str, other: str) -> float:
    """How likely two names mean the same: 3 the same words, 2 a slip of the pen; below 1 the part that they share.

    0 for names that have nothing to do with each other.
    """
    if same_words(one, other):
        return 3
    before, after = words(one), words(other)
    if [word for word in before if word.isdigit()] != [word for word in after if word.isdigit()]:
        return 0
    if len(before) == len(after):
        unlike = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        if len(unlike) == 1 and _is_slip(*unlike[0]):
            return 2
    short, long = sorted(("".join(before), "".join(after)), key=len)
    shared = max(SequenceMatcher(None, short, long).ratio(), _LEAST if long.startswith(short) else 0)
    return shared if shared >= _LEAST or set(before) & set(after) else 0


def _is_slip(one: str, other: str) -> bool:
    """Whether one letter is too many, too few, or two have changed places; in a long word, too, whether one differs."""
    if min(len(one), len(other)) < _SHORT:
        return False
    start = next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return abs(len(one) - len(other)) == 1
    rest, others = one[start:], other[start:]
    if rest[1:] == others or rest == others[1:]:
        return True
    if len(one) == len(other) and rest[:2] == others[1::-1] and rest[2:] == others[2:]:
        return True
    return len(one) >= _LONG and rest[1:] == others[1:]
