"""Texts that are put together of parts, and parts of texts that come apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from migrate_spec.shapes.shape import Scalars, Shape
from migrate_spec.shapes.texts import literally

__all__ = ["TEXT", "without_sign", "written_out"]

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
    least = sum(map(len, literals)) + sum(map(_least, parts))
    inside = [_inside(part) for part in parts]
    pairs = zip(inside, literals[1:], strict=True)
    pattern = literally(literals[0]) + "".join(part + literally(literal) for part, literal in pairs)
    known = any(literals) or any(part != _ANY for part in inside)
    length = {"minLength": least} if least else {}
    return Shape((Scalars({"type": "string", **length, **({"pattern": f"^{pattern}$"} if known else {})}),))


def _least(part: Shape) -> int:
    """The length of the shortest text."""
    values = part.values()
    if values is not None:
        return min(map(len, values))
    return min(int(one.schema.get("minLength", 0)) for one in part.plain() if isinstance(one, Scalars))


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
