"""Texts in which every match of a regular expression is replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from migrate_spec.codec import Json
from migrate_spec.pattern import Substitution
from migrate_spec.shapes.reading import met
from migrate_spec.shapes.shape import Scalars, Shape, union
from migrate_spec.shapes.values import worked_out

__all__ = ["left_out", "literally", "replaced"]

_ONE_CHARACTER: Final = re.compile(r"[^\\.^$*+?()\[\]{}|]|\[\^?[^\\\[\]^&~-]+\]")
"""Patterns of one character, in a syntax that JSON Schema has, too."""
_SPECIAL: Final = re.compile(r"[\\^$.|?*+()\[\]{}]")


def literally(text: str) -> str:
    """The pattern of a text, for a JSON Schema."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def left_out(way: Substitution) -> str | None:
    """A pattern that matches nothing any more where all its matches were replaced, as far as that is plain."""
    one = way.pattern.text.removesuffix("+")
    if not _ONE_CHARACTER.fullmatch(one) or "\\" in way.with_.text or way.pattern.matches(way.with_.text):
        return None
    return one


def replaced(way: Substitution, shape: Shape) -> Shape:
    """What becomes of texts; all else is refused."""
    texts = met(shape, {"type": "string"})
    return worked_out(
        texts,
        way.replacer(),
        lambda some: union(
            Shape((Scalars(_replaced(way, one.schema)),)) for one in some.plain() if isinstance(one, Scalars)
        ),
    )


def _replaced(way: Substitution, schema: Mapping[str, Json]) -> Mapping[str, Json]:
    pattern = left_out(way)
    if pattern is None:
        return {"type": "string"}
    size = len(way.with_.text)
    kept = [*(["maxLength"] if size <= 1 else []), *(["minLength"] if size and pattern == way.pattern.text else [])]
    return {"type": "string", "not": {"pattern": pattern}, **{key: schema[key] for key in kept if key in schema}}
