"""Texts that are put together of parts, and parts of texts that come apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from migrate_spec.shapes.shape import Scalars, Shape
from migrate_spec.shapes.texts import literally

__all__ = ["TEXT", "part_between", "without_sign", "written_out"]

TEXT: Final = Shape((Scalars({"type": "string"}),))
"""Every text."""

_ANY: Final = r"[\s\S]*"
_WHOLE: Final = re.compile(r"\^((?:\[\^?[^\[\]\\^]*\]|\\[dw]|[^\\^$|()\[\]])*)\$")
"""Patterns for all of a text, which mean the same in the middle of another one."""


def written_out(literals: Sequence[str], parts: Sequence[Shape]) -> Shape:
    """The texts of parts with something before, between and behind them.

    Args:
        literals: what stands there; one more than there are parts.
        parts: texts.
    """
    sizes = [_sizes(part) for part in parts]
    least, most = sum(map(len, literals)) + sum(size[0] for size in sizes), _most(literals, sizes)
    inside = [_inside(part) for part in parts]
    pairs = zip(inside, literals[1:], strict=True)
    pattern = literally(literals[0]) + "".join(part + literally(literal) for part, literal in pairs)
    known = any(literals) or any(part != _ANY for part in inside)
    length = ({"minLength": least} if least else {}) | ({"maxLength": most} if most is not None else {})
    return Shape((Scalars({"type": "string", **length, **({"pattern": f"^{pattern}$"} if known else {})}),))


def _most(literals: Sequence[str], sizes: Sequence[tuple[int, int | None]]) -> int | None:
    longest = [most for _, most in sizes if most is not None]
    return sum(map(len, literals)) + sum(longest) if len(longest) == len(sizes) else None


def _sizes(part: Shape) -> tuple[int, int | None]:
    """The length of the shortest text and of the longest one, where there is a limit."""
    values = part.values()
    if values is not None:
        return min(map(len, values)), max(map(len, values))
    known = [one for one in part.plain() if isinstance(one, Scalars)]
    some = [values for one in known if (values := one.values()) is not None]
    bounds = [one.schema for one in known if one.values() is None]
    least = [*(len(text) for texts in some for text in texts), *(int(said.get("minLength", 0)) for said in bounds)]
    most = [*(len(text) for texts in some for text in texts), *(said.get("maxLength") for said in bounds)]
    limits = [int(size) for size in most if size is not None]
    return min(least), max(limits) if len(limits) == len(most) else None


def part_between(before: str, behind: str, text: Shape) -> Shape:
    """What stands in texts between what they all begin and end with."""
    schemas = [one.schema for one in text.plain() if isinstance(one, Scalars)]
    pattern = str(schemas[0].get("pattern", "")) if len(schemas) == 1 else ""
    head, tail = f"^{literally(before)}", f"{literally(behind)}$"
    if len(pattern) < len(head) + len(tail) or not pattern.startswith(head) or not pattern.endswith(tail):
        return TEXT
    inside = f"^{pattern[len(head) : len(pattern) - len(tail)]}$"
    if not _WHOLE.fullmatch(inside) or inside[1] in "?*+{":
        return TEXT
    return Shape((Scalars({"type": "string", "pattern": inside}),))


def _inside(part: Shape) -> str:
    """A pattern of all of these texts, for the middle of another one."""
    schemas: list[Any] = [one.schema for one in part.plain() if isinstance(one, Scalars)]
    whole = _WHOLE.fullmatch(str(schemas[0].get("pattern", ""))) if len(schemas) == 1 else None
    return whole[1] if whole else _ANY


def without_sign(sign: str) -> Shape:
    """The texts without a text in them, as far as a schema can say it."""
    if len(sign) != 1:
        return TEXT
    escaped = f"\\{sign}" if sign in "\\]^-[" else sign
    return Shape((Scalars({"type": "string", "pattern": f"^[^{escaped}]*$"}),))
