"""Hooks of tldraw's steps."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from itertools import pairwise, product
from string import ascii_lowercase
from typing import Any

from migrate_spec import hook

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Of an index, in their order."""


@hook
def points_to_path(segment: dict[str, Any]) -> dict[str, Any]:
    """A segment with its points as bytes: the first as floats of 32 bits, each other as its distance from the last.

    Its points are objects, or bytes already: floats of 16 bits, three a point.
    """
    if "points" not in segment:
        return segment
    points = segment.pop("points")
    places = list(struct.iter_unpack("<3e", base64.b64decode(points))) if isinstance(points, str) else _places(points)
    distances = [[to - start for start, to in zip(*pair, strict=True)] for pair in pairwise(places)]
    parts = [struct.pack("<3f", *place) for place in places[:1]]
    parts += [struct.pack("<3e", *distance) for distance in distances]
    return segment | {"path": base64.b64encode(b"".join(parts)).decode()}


def _places(points: list[dict[str, float]]) -> list[tuple[float, ...]]:
    return [(point["x"], point["y"], point.get("z", 0.5)) for point in points]


@hook
def text_to_rich_text(text: str) -> dict[str, Any]:
    """A text as a document with a paragraph for each of its lines."""
    return {"type": "doc", "content": [_paragraph(line) for line in text.split("\n")]}


def _paragraph(line: str) -> dict[str, Any]:
    content = {"content": [{"type": "text", "text": line}]} if line else {}
    return {"type": "paragraph", **content}


@hook
def rich_text_to_text(document: dict[str, Any]) -> str:
    """The text of a document, a line for each paragraph."""
    paragraphs = [paragraph.get("content", []) for paragraph in document["content"]]
    return "\n".join("".join(part.get("text", "") for part in paragraph) for paragraph in paragraphs)


@hook
def with_index(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Points with an index each: texts whose order is that of the list."""
    return [{"index": index, **point} for index, point in zip(_indices(), points, strict=False)]


@hook
def without_index(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Points without their index."""
    return [{name: value for name, value in point.items() if name != "index"} for point in points]


def _indices() -> Iterator[str]:
    """``a1`` to ``az``, ``b00`` to ``bzz``, and so on: the letter says how many digits there are."""
    for length, letter in enumerate(ascii_lowercase, 1):
        numbers = map("".join, product(DIGITS, repeat=length))
        yield from (f"{letter}{number}" for number in numbers if number != "0")
