"""YAML text → nodes: values with the place of every part.

Scalars are what JSON calls them, and texts otherwise: ``no``, ``on``, ``2024-01-01``, ``0123`` and ``+7`` are texts.
Anchors and aliases are fine; tags, duplicate keys, keys that are no scalars and merge keys are faults. A key that is no
text, such as ``true`` or ``-1``, becomes a :class:`ScalarKey`, which only the tables of the language take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from migrate_spec.codec import MOST_DIGITS, Json, type_names
from migrate_spec.errors import Fault, Place
from migrate_spec.yaml_events import Event, NotYaml, explained, quick
from migrate_spec.yaml_nodes import Node, ScalarKey

__all__ = ["parse"]

LARGEST_TEXT = 5_000_000
LARGEST_NODE_COUNT = 100_000
DEEPEST = 100

_WORDS = {"null": None, "Null": None, "NULL": None, "~": None, "": None} | {
    word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())
}
_BEGINS_A_NUMBER = frozenset("-+.0123456789")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_REMEDIES = {"mapping values are not allowed here": "a text with a colon at its end goes in quotes"}
_OTHER_LINE_ENDS = re.compile("[\x85\u2028\u2029]")  # the libraries make blanks of them, which YAML 1.2 does not
_NODES = {"AliasEvent", "MappingStartEvent", "ScalarEvent", "SequenceStartEvent"}
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


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
    return _quickly(text, file) or _thoroughly(text, file)


def _quickly(text: str, file: str) -> tuple[Node | None, list[Fault]] | None:
    """The object or list in a text, and what no spec may say; ``None`` for any other text, and for what is no YAML."""
    reader = _Reader(file)
    try:
        node = reader.document(quick(text))
    except _Unreadable as stop:
        return None, [*reader.faults, stop.fault]
    except (NotYaml, RecursionError):
        return None
    return None if node is None or type(node.value) not in {dict, list} else (node, reader.faults)


def _thoroughly(text: str, file: str) -> tuple[Node | None, list[Fault]]:
    """The document of any text, and all that is wrong with it."""
    reader = _Reader(file)
    try:
        node = reader.document(explained(text))
    except _Unreadable as stop:
        return None, [*reader.faults, stop.fault]
    except NotYaml as error:
        if error.position is not None:
            return None, [_unprintable(text, error.position, file)]
        place = Place(file, error.mark.line + 1, error.mark.column + 1) if error.mark else Place(file)
        remedy = _REMEDIES.get(error.problem, "")
        return None, [*reader.faults, Fault(error.problem, "YAML was expected", remedy, place, "not-yaml")]
    except RecursionError as error:
        return None, [*reader.faults, Fault(str(error), "YAML was expected", "", Place(file), "not-yaml")]
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
    """Makes nodes of events and notes what is wrong on the way."""

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
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self.fault(event, "a second document was found", "one document was expected", "", "not-yaml")
                    return node
            elif kind in _NODES:
                node = self.node(event, events, 0)
        return node

    def node(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        """The node that begins with ``event``."""
        kind = type(event).__name__
        if kind == "ScalarEvent" and event.tag is None and event.anchor is None:  # as most are
            self.grow(1, depth, event)
            return Node(self.scalar(event), self.place(event), {})
        if kind == "AliasEvent":
            return self.alias(event, depth)
        if event.tag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self.fault(event, f"the tag {tag} was found", "no tags were expected", "remove it", "tag")
        begin, outer, self.lowest = self.count, self.lowest, 0
        self.grow(1, depth, event)
        if kind == "ScalarEvent":
            node = Node(self.scalar(event), self.place(event), {})
        elif kind == "SequenceStartEvent":
            node = Node(list(self.items(events, depth)), self.place(event), {})
        else:
            node = self.mapping(event, events, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, self.count - begin, self.lowest - depth)
        self.lowest = max(self.lowest, outer)
        return node

    def alias(self, event: Event, depth: int) -> Node:
        """What an alias stands for, counted as if it were written out: aliases of aliases grow fast."""
        if event.anchor is None or event.anchor not in self.anchors:
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
        while type(event := next(events)).__name__ != "SequenceEndEvent":
            yield self.node(event, events, depth + 1)

    def mapping(self, start: Event, events: Iterator[Event], depth: int) -> Node:
        """An object."""
        found: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while type(event := next(events)).__name__ != "MappingEndEvent":
            at = self.node(event, events, depth + 1)
            key = self.key(event, at)
            value = self.value(event, next(events), events, depth + 1)
            if key is None:
                continue
            if key in found:
                said = str(key) if type(key) is ScalarKey else repr(key)
                expected = f"each key was expected once (it is in line {keys[key].line})"
                found_again = f"the key {said} was found again"
                self.fault(event, found_again, expected, "remove one of the two", "duplicate-key")
                continue
            found[key] = value
            keys[key] = at.place
        return Node(found, self.place(start), keys)

    def value(self, key: Event, event: Event, events: Iterator[Event], depth: int) -> Node:
        """The value of an entry; where nothing is written it stands behind the key, not where the text goes on."""
        node = self.node(event, events, depth)
        if node.value is not None or type(event).__name__ != "ScalarEvent" or event.value:
            return node
        behind = Place(self.file, key.end_mark.line + 1, key.end_mark.column + 2)
        return Node(None, min(behind, node.place), {})

    def key(self, event: Event, node: Node) -> str | None:
        """The key of an entry; ``None`` and a fault where it is no text."""
        if node.value == "<<" and type(event).__name__ == "ScalarEvent" and not event.style:
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

    def scalar(self, event: Event) -> Json:
        """What JSON calls a plain scalar, or the text."""
        text = self.text(event)
        if event.style:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _BEGINS_A_NUMBER:
            return text
        if _INTEGER.fullmatch(text):
            return self.integer(text, event)
        if _NUMBER.fullmatch(text) and abs(float(text)) != float("inf"):
            return float(text)
        if _NUMBER.fullmatch(text) or _NOT_JSON.fullmatch(text):
            self.fault(event, f"{text} was found", "a number that JSON can hold was expected", "", "not-json")
        return text

    def text(self, event: Event) -> str:
        r"""The text of a scalar; ``"\ud83d\ude00"`` is one character, as in JSON."""
        text: str = event.value
        if not _SURROGATE.search(text):
            return text
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.fault(event, "half of a surrogate pair was found", "Unicode text was expected", "", "not-unicode")
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def integer(self, text: str, event: Event) -> Json:
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
        if self.count > LARGEST_NODE_COUNT or depth > DEEPEST:
            many = self.count > LARGEST_NODE_COUNT
            most, code = (f"{LARGEST_NODE_COUNT} values", "too-large") if many else (f"{DEEPEST} levels", "too-deep")
            found = f"more than {most} were found, aliases written out"
            raise _Unreadable(Fault(found, "fewer were expected", "", self.place(event), code))

    def place(self, event: Event) -> Place:
        """Where an event begins."""
        mark = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1)

    def fault(self, event: Event, found: str, expected: str, remedy: str, code: str) -> None:
        """Note a fault at ``event``."""
        self.faults.append(Fault(found, expected, remedy, self.place(event), code))
