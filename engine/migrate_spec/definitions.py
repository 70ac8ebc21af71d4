"""Where a document has the things that a schema calls by a name: the places of ``#/$defs/Name``.

The schema is followed beside the document, through everything that says what is inside a value: ``properties``,
``patternProperties``, ``additionalProperties``, ``items``, ``prefixItems``, ``$ref``, ``allOf``, ``anyOf``, ``oneOf``,
``if``, ``then``, ``else`` and ``dependentSchemas``. Only ways that can lead to the definition are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from migrate_spec.codec import Json, decode, opened
from migrate_spec.condition import TYPES
from migrate_spec.document import Refused, describe, open_in
from migrate_spec.path import Index, Name, Path
from migrate_spec.schema import Schema

__all__ = ["finder"]

Place = tuple[Any, Any, Path]
Pointer = tuple[str, ...]

_ALTERNATIVES = ("anyOf", "oneOf")


def finder(schema: Schema, name: str) -> Callable[[Any], Iterator[Place]] | None:
    """A function that finds every place of a definition in a document, outer places first.

    Args:
        schema: the schema.
        name: the definition's name under ``$defs``.

    Returns:
        ``None`` where the schema has no such definition, or nothing in it leads there. The function raises
        :class:`~migrate_spec.document.Refused` where it cannot tell which alternative of a schema a value is.
    """
    way = _Way(schema, ("$defs", name))
    return way.find if () in way.leading and way.goal in way.nodes else None


class _Way:
    """The ways through a schema to one of its definitions.

    Attributes:
        goal: the pointer of the definition.
        nodes: all schemas that can be met on the way from the whole schema, by their pointers.
        leading: the pointers of those from which the goal can be reached.
    """

    def __init__(self, schema: Schema, goal: Pointer) -> None:
        self.schema = schema
        self.goal = goal
        self.nodes: dict[Pointer, Json] = {}
        self._anchors = dict(_anchors(schema.content, ()))
        self._judges: dict[Pointer, Callable[[Json], bool]] = {}
        self._known_patterns: dict[Pointer, Mapping[str, Callable[[Json], bool]]] = {}
        self._collect(())
        self.leading = {goal}
        while True:
            more = {
                pointer
                for pointer in self.nodes
                if pointer not in self.leading and any(to in self.leading for to in self._next(pointer))
            }
            if not more:
                break
            self.leading |= more

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_judges": {}, "_known_patterns": {}}  # what is compiled cannot be sent elsewhere

    def _collect(self, pointer: Pointer) -> None:
        waiting = [pointer]
        while waiting:
            at = waiting.pop()
            node = self._at(at)
            if at in self.nodes or not isinstance(node, dict):
                continue
            self.nodes[at] = node
            waiting.extend(self._next(at))

    def _at(self, pointer: Pointer) -> Json:
        node = self.schema.content
        for part in pointer:
            if isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            elif isinstance(node, dict):
                node = node.get(part)
            else:
                return None
        return node

    def _next(self, pointer: Pointer) -> Iterator[Pointer]:
        """The schemas that one leads to, of the same value and of its parts."""
        yield from self._of_same(pointer)
        node = self.nodes[pointer]
        yield from ((*pointer, key) for key in ("items", "additionalProperties") if key in node)
        for key in ("properties", "patternProperties", "prefixItems"):
            yield from _below(pointer, key, node)

    def _of_same(self, pointer: Pointer) -> Iterator[Pointer]:
        """The schemas that describe the same value."""
        node = self.nodes[pointer]
        yield from self._reference(node)
        yield from ((*pointer, key) for key in ("if", "then", "else") if key in node)
        for key in ("allOf", *_ALTERNATIVES, "dependentSchemas"):
            yield from _below(pointer, key, node)

    def _reference(self, node: Json) -> Sequence[Pointer]:
        """Where a schema's ``$ref`` leads, if it has one that stays inside the whole schema."""
        reference = node.get("$ref", "").removeprefix(self.schema.content.get("$id", "").removesuffix("#"))
        if reference in self._anchors:
            return [self._anchors[reference]]
        if not reference.startswith("#"):
            return []
        return [tuple(unquote(part).replace("~1", "/").replace("~0", "~") for part in reference.split("/")[1:])]

    def find(self, document: Json) -> Iterator[Place]:
        """The places in a document."""
        yield from self._inside([()], ([document], 0, Path(())))  # the document itself has a place, too

    def _inside(self, pointers: Sequence[Pointer], place: Place) -> Iterator[Place]:
        """The places at and below one that the schemas at ``pointers`` describe."""
        holder, key, path = place
        value = open_in(holder, key)
        try:
            described = self._describing(pointers, value)
        except Refused as refusal:
            raise refusal.below(str(path)) from None
        if self.goal in described:
            yield place
        ways: dict[Any, list[Pointer]] = {}
        for pointer in described:
            for part, to in self._parts(pointer, value):
                if to in self.leading:
                    ways.setdefault(part, []).append(to)
        for part, to_part in ways.items():
            segment = Name(part) if isinstance(part, str) else Index(part)
            yield from self._inside(to_part, (value, part, Path((*path.segments, segment))))

    def _describing(self, pointers: Sequence[Pointer], value: Json) -> list[Pointer]:
        """The schemas on a way to the goal that describe a value, from those at ``pointers`` on."""
        found: dict[Pointer, None] = {}
        waiting = list(pointers)
        while waiting:
            at = waiting.pop()
            if at not in found and at in self.leading:
                found[at] = None
                chosen = self._chosen(at, value)
                waiting.extend(to for to in self._of_same(at) if chosen.get(to, True))
        return list(found)

    def _chosen(self, pointer: Pointer, value: Json) -> dict[Pointer, bool]:
        """For each alternative whether the value is of its kind."""
        node = self.nodes[pointer]
        chosen: dict[Pointer, bool] = {}
        for key in _ALTERNATIVES:
            branches = [(*pointer, key, str(index)) for index in range(len(node.get(key, ())))]
            if not any(branch in self.leading for branch in branches):
                continue
            of_type = [branch for branch in branches if self._has_type(branch, value)]
            fitting = of_type if len(of_type) == 1 else [one for one in of_type if self._judge(one)(decode(value))]
            if not fitting and any(branch in self.leading for branch in of_type):
                expected = f"one of the alternatives of {self.schema.file or 'the schema'} was expected"
                remedy = "earlier steps may have changed what tells them apart; put this step before them"
                raise Refused(f"{describe(value)} was found", expected, remedy)
            chosen |= {branch: branch in fitting for branch in branches}
        if "if" in node:
            holds = self._judge((*pointer, "if"))(decode(value))
            chosen |= {(*pointer, "then"): holds, (*pointer, "else"): not holds, (*pointer, "if"): holds}
        for name in node.get("dependentSchemas", ()):
            chosen[*pointer, "dependentSchemas", name] = type(value) is dict and name in value
        return chosen

    def _has_type(self, pointer: Pointer, value: Json) -> bool:
        """Whether a schema's ``type``, its own or the one it refers to, lets a value pass."""
        seen: set[Pointer] = set()
        while pointer not in seen and isinstance(self._at(pointer), dict):
            seen.add(pointer)
            node = self._at(pointer)
            if "type" in node:
                names = [node["type"]] if isinstance(node["type"], str) else node["type"]
                return any(TYPES[name](opened(value)) for name in names)
            pointer = next(iter(self._reference(node)), pointer)
        return True

    def _judge(self, pointer: Pointer) -> Callable[[Json], bool]:
        if pointer not in self._judges:
            self._judges[pointer] = self.schema.part(pointer).is_valid
        return self._judges[pointer]

    def _parts(self, pointer: Pointer, value: Any) -> Iterator[tuple[Any, Pointer]]:
        """Each part of a value with the schema that describes it."""
        node = self.nodes[pointer]
        if type(value) is list:
            fixed = len(node.get("prefixItems", ()))
            yield from ((index, (*pointer, "prefixItems", str(index))) for index in range(min(fixed, len(value))))
            yield from ((index, (*pointer, "items")) for index in range(fixed, len(value)) if "items" in node)
        elif type(value) is dict:
            for name in value:
                own = [(*pointer, "properties", name)] if name in node.get("properties", {}) else []
                patterns = self._patterns(pointer).items()
                own += [(*pointer, "patternProperties", text) for text, matches in patterns if matches(name)]
                yield from ((name, to) for to in own or [(*pointer, "additionalProperties")])

    def _patterns(self, pointer: Pointer) -> Mapping[str, Callable[[Json], bool]]:
        """The patterns of an object's names, each with its judge: they are of the syntax of JSON Schema, not RE2's."""
        if pointer not in self._known_patterns:
            texts = self.nodes[pointer].get("patternProperties", {})
            self._known_patterns[pointer] = {text: Schema({"pattern": text}).is_valid for text in texts}
        return self._known_patterns[pointer]


def _anchors(node: Json, pointer: Pointer) -> Iterator[tuple[str, Pointer]]:
    """What references by name are written to, and where it leads."""
    if isinstance(node, dict) and isinstance(node.get("$anchor"), str):
        yield f"#{node['$anchor']}", pointer
    parts = enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else ()
    for key, part in parts:
        yield from _anchors(part, (*pointer, str(key)))


def _below(pointer: Pointer, key: str, node: Json) -> Iterator[Pointer]:
    inside = node.get(key, {})
    names: Sequence[Any] = range(len(inside)) if isinstance(inside, list) else list(inside)
    yield from ((*pointer, key, str(name)) for name in names)
