"""Paths: how a spec names places in a document, and the only code that walks there.

A path names places in a document::

    meta.author          a field of an object
    notes[]              each item of a list
    labels.*             each value of an object
    point[1]             one place in a list, counted from 0
    ["odd.key"]          a name with dots, brackets, stars, quotes or nothing in it, written as a JSON text

A name that is absent is passed over; a parent that is there and of the wrong type (``null`` is one) is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate_spec.codec import Document, Json, decode, opened
from migrate_spec.document import ABSENT, Change, Refused, Unbound, on_object, open_in, wrong_type
from migrate_spec.errors import PathError, Place

__all__ = [
    "Each",
    "EachValue",
    "Index",
    "Name",
    "Path",
    "Segment",
    "names",
    "str_of",
    "within",
    "within_objects",
]


@dataclass(frozen=True, slots=True)
class Name:
    """A field of an object."""

    name: str

    def __str__(self) -> str:
        return self.name if _BARE.fullmatch(self.name) else f"[{json.dumps(self.name, ensure_ascii=False)}]"

    def keys(self, parent: Any) -> Sequence[Any]:
        """The field's name where ``parent`` has it."""
        if type(parent) is not dict:
            raise wrong_type(parent, "an object")
        return (self.name,) if self.name in parent else ()


@dataclass(frozen=True, slots=True)
class Index:
    """One place in a list, counted from 0. A list that is too short is passed over."""

    index: int

    def __str__(self) -> str:
        return f"[{self.index}]"

    def keys(self, parent: Any) -> Sequence[Any]:
        """The place where ``parent`` is long enough."""
        if type(parent) is not list:
            raise wrong_type(parent, "a list")
        return (self.index,) if self.index < len(parent) else ()


@dataclass(frozen=True, slots=True)
class Each:
    """Each item of a list."""

    def __str__(self) -> str:
        return "[]"

    def keys(self, parent: Any) -> Sequence[Any]:
        """All places of the list ``parent``."""
        if type(parent) is not list:
            raise wrong_type(parent, "a list")
        return range(len(parent))


@dataclass(frozen=True, slots=True)
class EachValue:
    """Each value of an object."""

    def __str__(self) -> str:
        return "*"

    def keys(self, parent: Any) -> Sequence[Any]:
        """All names in the object ``parent``."""
        if type(parent) is not dict:
            raise wrong_type(parent, "an object")
        return list(parent)


Finder = Callable[[Any], Iterable[tuple[Any, Any, "Path"]]]
"""Finds places: for each the object or list that holds it, its key there and its path; outer places first."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Every place, at any depth, that a schema describes by one of its definitions. Only ``at`` begins with it.

    Attributes:
        name: the definition's name.
        find: finds the places in a document as it is before the step.
        find_back: finds them in a document as it is after the step.
    """

    name: str
    find: Finder | None = field(default=None, compare=False, repr=False)
    find_back: Finder | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"#/$defs/{self.name}"

    def keys(self, parent: Any) -> Sequence[Any]:
        """Nothing can be said of one parent; a definition is looked for in the whole document."""
        raise TypeError(parent)


Segment = Name | Index | Each | EachValue | Definition

_BARE = re.compile(r'(?!#/)(?!\*$)[^.\[\]"*]+')
_DEFINITION = re.compile(r"#/\$defs/([^/~.\[\]\"*]+)")
_TOKEN = re.compile(
    r"""(?P<dot>\.)?(?:
        (?P<each>\[\]) | \[(?P<index>0|[1-9][0-9]{0,8})\] | \[(?P<quoted>"(?:[^"\\]|\\.)*")\]
      | (?P<value>\*)(?=[.\[]|$) | (?P<name>(?!\#/)[^.\[\]"*]+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Path:
    """A path, read. Two paths that name the same places are equal wherever they were written.

    Attributes:
        segments: the steps from the document down.
        place: where in a spec it stands.
    """

    segments: tuple[Segment, ...]
    place: Place | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Path:
        """Read a path.

        Raises:
            PathError: ``text`` is no path; the error says from which column on.
        """
        definition = _DEFINITION.match(text)
        segments: list[Segment] = [Definition(definition[1])] if definition else []
        position = definition.end() if definition else 0
        while position < len(text) or not segments:
            token = _TOKEN.match(text, position)
            segment = _segment(token) if token is not None and _joins(token, first=not segments) else None
            if token is None or segment is None:
                raise PathError(
                    f"the path {text!r} was found",
                    f'a name, [], [0], * or ["odd.name"] was expected at character {position + 1}',
                    'write a name with dots, brackets, stars or quotes as ["odd.name"]',
                    where=place,
                )
            segments.append(segment)
            position = token.end()
        return cls(tuple(segments), place)

    def __str__(self) -> str:
        shown = ""
        for segment in self.segments:
            text = str(segment)
            shown += text if not shown or text.startswith("[") else f".{text}"
        return shown

    @property
    def parent(self) -> Path:
        """The path without its last segment."""
        return Path(self.segments[:-1], self.place)

    @property
    def last(self) -> Segment:
        """The last segment."""
        return self.segments[-1]

    @property
    def sole_name(self) -> str | None:
        """The name that the path consists of; ``None`` where there is more to it."""
        return self.last.name if len(self.segments) == 1 and isinstance(self.last, Name) else None

    @property
    def base(self) -> Path:
        """The path up to and with its last ``[]`` or ``*``: where a place below can be one of many."""
        many = [index for index, segment in enumerate(self.segments, 1) if isinstance(segment, Each | EachValue)]
        return Path(self.segments[: many[-1] if many else 0], self.place)

    @property
    def top(self) -> Path:
        """The path up to the first segment after :attr:`base`."""
        return Path(self.segments[: len(self.base.segments) + 1], self.place)

    def below(self, base: Path) -> Path:
        """This path as seen from ``base``, which it must begin with."""
        return Path(self.segments[len(base.segments) :], self.place)

    def under(self, base: Path) -> Path:
        """This path as seen from the document, where it stands below ``base``."""
        return Path(base.segments + self.segments, self.place)

    def meets(self, other: Path) -> bool:
        """Whether the two can name the same place, or a place and one inside it."""
        if self.segments and other.segments:
            first, other_first = self.segments[0], other.segments[0]
            if type(first) is Name and type(other_first) is Name and first.name != other_first.name:
                return False  # most often so, and told without looking further
        return all(_meet(mine, theirs) for mine, theirs in zip(self.segments, other.segments, strict=False))

    def locate(self, document: Json) -> tuple[Any, Any] | None:
        """The object or list that holds the one value at this path (which has no ``[]`` or ``*``), and its key there.

        Returns:
            ``None`` where the value or a parent is absent.

        Raises:
            Refused: a parent is of the wrong type.
        """
        parent, key = document, None
        for depth, segment in enumerate(self.segments):
            if depth:
                parent = open_in(parent, key)
            try:
                keys = segment.keys(parent)
            except Refused as refusal:
                raise refusal.below(str(Path(self.segments[:depth]))) if depth else refusal from None
            if not keys:
                return None
            key = keys[0]
        return parent, key

    def locator(self) -> Callable[[Any], tuple[Any, Any] | None]:
        """:meth:`locate` for a path that is asked often, and always of an object."""
        if len(self.segments) > 1 or not isinstance(self.last, Name):
            return self.locate
        name = self.last.name
        return lambda document: (document, name) if name in document else None

    def look(self, document: Json) -> Json:
        """The one value at this path as it is; :data:`ABSENT` where there is none. Raises as :meth:`locate`.

        Nothing is opened in the document: what is only looked at keeps its bytes.
        """
        value = document
        for depth, segment in enumerate(self.segments):
            parent = opened(value)
            try:
                keys = segment.keys(parent)
            except Refused as refusal:
                raise refusal.below(str(Path(self.segments[:depth]))) if depth else refusal from None
            if not keys:
                return ABSENT
            value = parent[keys[0]]
        return value

    def looker(self) -> Callable[[Any], Json]:
        """:meth:`look` for a path that is asked often, and always of an object."""
        if len(self.segments) > 1 or not isinstance(self.last, Name):
            return self.look
        name = self.last.name
        return lambda document: document.get(name, ABSENT)

    def get(self, document: Json) -> Json:
        """The one value at this path, opened; :data:`ABSENT` where there is none. Raises as :meth:`locate`."""
        found = self.locate(document)
        return ABSENT if found is None else open_in(*found)

    def put(self, document: Document, value: Json) -> None:
        """Set the value at this path (names only), making objects on the way. Raises as :meth:`locate`."""
        parent = document
        for depth, segment in enumerate(self.segments[:-1]):
            name = str_of(segment)
            if name not in parent:
                parent[name] = {}
            parent = open_in(parent, name)
            if type(parent) is not dict:
                raise wrong_type(parent, "an object").below(str(Path(self.segments[: depth + 1])))
        parent[str_of(self.last)] = value

    def take(self, document: Document, *, prune: bool = False) -> None:
        """Remove the value at this path (names only), which must be there; with ``prune`` also parents left empty."""
        found = self.locate(document)
        if found is None:
            return
        parent, key = found
        del parent[key]
        if prune and not parent and len(self.segments) > 1:
            self.parent.take(document, prune=True)


def str_of(segment: Segment) -> str:
    """The name of a segment that must be one."""
    if not isinstance(segment, Name):
        raise TypeError(segment)
    return segment.name


def _meet(one: Segment, other: Segment) -> bool:
    """Whether two segments can lead to the same place."""
    many = (Each, EachValue)
    return (
        one == other
        or (isinstance(one, many) and isinstance(other, Name | Index))
        or (isinstance(one, Name | Index) and isinstance(other, many))
    )


def _joins(token: re.Match[str], *, first: bool) -> bool:
    """Whether a dot stands where one must, and only there."""
    bracket = bool(token["each"] or token["index"] or token["quoted"])
    return bool(token["dot"]) == (not first and not bracket)


def _segment(token: re.Match[str]) -> Segment | None:
    """The segment; ``None`` for a quoted name that is no JSON text."""
    if token["each"]:
        return Each()
    if token["index"]:
        return Index(int(token["index"]))
    if token["value"]:
        return EachValue()
    try:
        name = decode(token["quoted"].encode()) if token["quoted"] else token["name"]
    except ValueError:
        return None
    return Name(name)


def within(path: Path, change: Change) -> Change:
    """``change`` for every value at ``path``; for the document itself where the path is empty."""
    for segment in reversed(path.segments):
        change = _wherever(segment.find, change) if isinstance(segment, Definition) else _below(segment, change)
    return change


def _wherever(find: Finder | None, change: Change) -> Change:
    if find is None:
        raise Unbound("a definition was found whose schema is not known", "a spec of a project was expected")

    def visit(document: Json) -> bool:
        changed = False
        # the innermost first: a place keeps its own place until all inside of it are done
        for parent, key, path in reversed(list(find(document))):
            try:
                changed |= change(open_in(parent, key))
            except Refused as refusal:
                raise refusal.below(str(path)) from None
        return changed

    return visit


def _below(segment: Segment, change: Change) -> Change:
    keys = segment.keys

    def visit(parent: Json) -> bool:
        changed = False
        for key in keys(parent):
            try:
                changed |= change(open_in(parent, key))
            except Refused as refusal:
                shown = Name(key) if type(key) is str else Index(key)
                raise refusal.below(str(shown)) from None
        return changed

    return visit


def within_objects(path: Path, change: Change) -> Change:
    """``change`` for every value at ``path``, which must be an object; for the document where the path is empty."""
    return within(path, on_object(change)) if path.segments else change


def names(paths: Iterable[Path]) -> str:
    """Paths for a sentence."""
    return ", ".join(str(path) for path in paths)
