"""YAML text → nodes: values with the place of every part. The only module that imports ruamel.yaml.

Scalars are what JSON calls them, and texts otherwise: ``no``, ``on``, ``2024-01-01``, ``0123`` and ``+7`` are texts.
Anchors and aliases are fine; tags, duplicate keys, keys that are no scalars and merge keys are faults. A key that is no
text, such as ``true`` or ``-1``, becomes a :class:`ScalarKey`, which only the tables of the language take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from migrate_spec.codec import MOST_DIGITS, Json, decode, type_names
from migrate_spec.errors import Fault, Place

__all__ = ["Node", "ScalarKey", "node_of", "parse"]

LARGEST_TEXT = 5_000_000
LARGEST_NODE_COUNT = 100_000
DEEPEST = 100

_WORDS = {"null": None, "Null": None, "NULL": None, "~": None, "": None} | {
    word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())
}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_REMEDIES = {"mapping values are not allowed here": "a text with a colon at its end goes in quotes"}
_OTHER_LINE_ENDS = re.compile("[\x85\u2028\u2029]")  # ruamel.yaml makes blanks of them, which YAML 1.2 does not
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class ScalarKey(str):
    """A key that is no text, as JSON: ``true`` is another key than ``"true"``."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is ScalarKey and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((ScalarKey, str(self)))

    @property
    def value(self) -> Json:
        """What it stands for."""
        return decode(self.encode())


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place.

    Attributes:
        value: a ``dict`` of nodes, a ``list`` of nodes or a scalar.
        place: where it begins.
        keys: where each key of an object begins.
    """

    value: Any
    place: Place
    keys: dict[str, Place]

    def plain(self) -> Json:
        """The value alone, as JSON."""
        if type(self.value) is dict:
            return {str(key): node.plain() for key, node in self.value.items()}
        if type(self.value) is list:
            return [node.plain() for node in self.value]
        return self.value

    def odd_keys(self) -> Iterator[Fault]:
        """A fault for each key in it that is no text."""
        if type(self.value) is dict:
            for key, part in self.value.items():
                if type(key) is ScalarKey:
                    found, remedy = f"the key {key!s} was found", "write it in quotes"
                    yield Fault(found, "a text was expected", remedy, self.keys[key], "key-not-text")
                yield from part.odd_keys()
        elif type(self.value) is list:
            for part in self.value:
                yield from part.odd_keys()

    def at(self, path: list[str | int]) -> Node:
        """The node at ``path``, or the last one on the way there."""
        node = self
        for key in path:
            try:
                node = node.value[key]
            except (KeyError, IndexError, TypeError):
                break
        return node


def node_of(value: Json, place: Place) -> Node:
    """A value as nodes which all stand at one place, for text that has no lines worth naming."""
    if type(value) is dict:
        return Node({key: node_of(part, place) for key, part in value.items()}, place, dict.fromkeys(value, place))
    if type(value) is list:
        return Node([node_of(part, place) for part in value], place, {})
    return Node(value, place, {})


def parse(text: str, file: str) -> tuple[Node | None, list[Fault]]:
    """Read YAML text.

    Args:
        text: one YAML document.
        file: the name to use in places.

    Returns:
        The document, or ``None`` where there is none, and all that is wrong with it. Where the text is no YAML at all
        there is one fault, for the first place that cannot be read.
    """
    odd = _OTHER_LINE_ENDS.search(text)
    if odd is not None or len(text) > LARGEST_TEXT:
        return None, [_unprintable(text, odd.start(), file) if odd is not None else _too_large(text, file)]
    reader = _Reader(file)
    try:
        node = reader.document(YAML(typ="safe", pure=True).parse(text))
    except _Unreadable as stop:
        return None, [*reader.faults, stop.fault]
    except MarkedYAMLError as error:
        problem, mark = str(error.problem), error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        return None, [
            *reader.faults,
            Fault(problem, "YAML was expected", _REMEDIES.get(problem, ""), place, "not-yaml"),
        ]
    except ReaderError as error:
        return None, [_unprintable(text, error.position, file)]
    except (YAMLError, RecursionError) as error:
        return None, [
            *reader.faults,
            Fault(str(error).split("\n")[0], "YAML was expected", "", Place(file), "not-yaml"),
        ]
    return node, reader.faults


def _too_large(text: str, file: str) -> Fault:
    found, expected = f"a file of {len(text)} characters was found", f"at most {LARGEST_TEXT} were expected"
    return Fault(found, expected, "", Place(file), "too-large")


def _unprintable(text: str, position: int, file: str) -> Fault:
    before, number = text[:position], ord(text[position])
    place = Place(file, before.count("\n") + 1, position - before.rfind("\n"))
    remedy = f'write it as "\\u{number:04x}" in double quotes'
    return Fault(f"the character U+{number:04X} was found", "a printable one was expected", remedy, place, "not-yaml")


class _Unreadable(Exception):  # noqa: N818 - stops the reading; never leaves this module
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class _Reader:
    """Makes nodes of ruamel's events and notes what is wrong on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}  # with the number of values and of levels inside
        self.count = 0
        self.lowest = 0

    def document(self, events: Iterator[Event]) -> Node | None:
        """The one document of the text."""
        node: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.fault(event, "a second document was found", "one document was expected", "", "not-yaml")
                    return node
            elif isinstance(event, NodeEvent):
                node = self.node(event, events, 0)
        return node

    def node(self, event: Any, events: Iterator[Event], depth: int) -> Node:
        """The node that begins with ``event``."""
        if isinstance(event, AliasEvent):
            return self.alias(event, depth)
        if event.tag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self.fault(event, f"the tag {tag} was found", "no tags were expected", "remove it", "tag")
        begin, outer, self.lowest = self.count, self.lowest, 0
        self.grow(1, depth, event)
        if isinstance(event, ScalarEvent):
            node = Node(self.scalar(event), self.place(event), {})
        elif isinstance(event, SequenceStartEvent):
            node = Node(list(self.items(events, depth)), self.place(event), {})
        else:
            node = self.mapping(event, events, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, self.count - begin, self.lowest - depth)
        self.lowest = max(self.lowest, outer)
        return node

    def alias(self, event: AliasEvent, depth: int) -> Node:
        """What an alias stands for, counted as if it were written out: aliases of aliases grow fast."""
        if event.anchor not in self.anchors:
            raise _Unreadable(
                Fault(
                    f"the alias *{event.anchor} was found",
                    f"an anchor &{event.anchor} before it was expected",
                    "",
                    self.place(event),
                    "not-yaml",
                )
            )
        node, size, height = self.anchors[event.anchor]
        self.grow(size, depth + height, event)
        return Node(node.value, self.place(event), node.keys)

    def items(self, events: Iterator[Event], depth: int) -> Iterator[Node]:
        """The items of a list."""
        while not isinstance(event := next(events), SequenceEndEvent):
            yield self.node(event, events, depth + 1)

    def mapping(self, start: MappingStartEvent, events: Iterator[Event], depth: int) -> Node:
        """An object."""
        found: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            key = self.key(event, events, depth)
            value = self.node(next(events), events, depth + 1)
            if key is None:
                continue
            if key in found:
                said = str(key) if type(key) is ScalarKey else repr(key)
                expected = f"each key was expected once (it is in line {keys[key].line})"
                found_again = f"the key {said} was found again"
                self.fault(event, found_again, expected, "remove one of the two", "duplicate-key")
                continue
            found[key] = value
            keys[key] = self.place(event)
        return Node(found, self.place(start), keys)

    def key(self, event: Event, events: Iterator[Event], depth: int) -> str | None:
        """The key of an entry; ``None`` and a fault where it is no text."""
        node = self.node(event, events, depth + 1)
        plain = isinstance(event, ScalarEvent) and event.style is None
        if node.value == "<<" and plain:
            remedy = 'write out what it stands for, or "<<" in quotes for a field of that name'
            self.fault(event, "the merge key << was found", "no merge keys were expected", remedy, "merge-key")
            return None
        if type(node.value) is str:
            return node.value
        if type(node.value) not in {dict, list}:
            return ScalarKey(json.dumps(node.value))
        self.fault(
            event, f"{type_names[type(node.value)]} was found as a key", "a text was expected", "", "key-not-text"
        )
        return None

    def scalar(self, event: ScalarEvent) -> Json:
        """What JSON calls a plain scalar, or the text."""
        text = self.text(event)
        if event.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return self.integer(text, event)
        if _NUMBER.fullmatch(text) and abs(float(text)) != float("inf"):
            return float(text)
        if _NUMBER.fullmatch(text) or _NOT_JSON.fullmatch(text):
            self.fault(event, f"{text} was found", "a number that JSON can hold was expected", "", "not-json")
        return text

    def text(self, event: ScalarEvent) -> str:
        r"""The text of a scalar; ``"\ud83d\ude00"`` is one character, as in JSON."""
        text: str = event.value
        try:
            return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.fault(event, "half of a surrogate pair was found", "Unicode text was expected", "", "not-unicode")
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def integer(self, text: str, event: ScalarEvent) -> Json:
        """An integer, if Python takes that many digits."""
        digits = len(text.lstrip("-"))
        if digits <= MOST_DIGITS:
            return int(text)
        found = f"an integer of {digits} digits was found"
        self.fault(event, found, f"at most {MOST_DIGITS} digits were expected", "", "not-json")
        return text

    def grow(self, count: int, depth: int, event: Event) -> None:
        """Count nodes and levels, with aliases written out."""
        self.count += count
        self.lowest = max(self.lowest, depth)
        for most, found, things, code in (
            (LARGEST_NODE_COUNT, self.count, "values", "too-large"),
            (DEEPEST, depth, "levels", "too-deep"),
        ):
            if found > most:
                words = f"more than {most} {things} were found, aliases written out"
                raise _Unreadable(Fault(words, "fewer were expected", "", self.place(event), code))

    def place(self, event: Event) -> Place:
        """Where an event begins."""
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def fault(self, event: Event, found: str, expected: str, remedy: str, code: str) -> None:
        """Note a fault at ``event``."""
        self.faults.append(Fault(found, expected, remedy, self.place(event), code))
