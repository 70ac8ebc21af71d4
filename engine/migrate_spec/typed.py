"""JSON Schema as types: most of what a schema asks for is checked while a document is read, at no further cost.

A type asks for the same as its schema, or for more. What it does not ask for is left over as a smaller schema, the
*rest*: what was read by the type fits the schema if it fits the rest.

Types: https://jcristharif.com/msgspec/supported-types.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Literal, NotRequired, Required, TypedDict, Union

import msgspec

from migrate_spec.codec import Document, Json, Raw, encode, read_plain
from migrate_spec.schema import Schema

__all__ = ["glance_at", "glance_over", "reader_of"]

Typed = tuple[Any, Json]
"""A type, and the rest."""

_REMARKS = frozenset(["$schema", "$comment", "$defs", "title", "description", "default", "examples", "deprecated"])
_BY_NEIGHBOURS = frozenset(["unevaluatedProperties", "unevaluatedItems", "patternProperties", "prefixItems", "$id"])
"""Keywords on whose account others mean something else."""

_MOST = 2**63 - 1  # of an integer in a literal type

_PLAIN = {"string": str, "integer": int, "number": int | float, "boolean": bool, "null": None}


def reader_of(schema: Schema) -> Callable[[bytes], Document | None]:
    """A function that reads a record and sees whether it fits a schema.

    Returns:
        The function; it gives the document in the plain form (see :mod:`migrate_spec.codec`), or ``None`` where the
        record has no such form or does not fit.
    """
    fits_whole, definitions = schema.is_valid, schema.content.get("$defs", {})
    # A reference to anything but a definition would lead into the rest, where not all is said any more.
    local = all(reference.startswith("#/$defs/") for reference in _references(schema.content))
    kind, rest = _Types(definitions).of(schema.content) if local else (Any, schema.content)
    decode = msgspec.json.Decoder(kind).decode
    fits_rest = Schema({**rest, "$defs": definitions}).is_valid if rest else None

    def read(value: bytes) -> Document | None:
        try:
            document = decode(value)
            # A type passes over what it does not know, so that something is missing then.
            if encode(document) == value and type(document) is dict and (fits_rest is None or fits_rest(document)):
                return document
        except (ValueError, RecursionError):
            pass
        document = read_plain(value)
        return document if document is not None and fits_whole(document) else None

    return read


def glance_over() -> Callable[[bytes], Document | None]:
    """A function that reads all fields of a record, each as it is spelled; ``None`` where there is more to it."""
    decode = msgspec.json.Decoder(dict[str, Raw]).decode

    def read(value: bytes) -> Document | None:
        try:
            document: Document = decode(value)
        except (ValueError, RecursionError):
            return None
        return document if encode(document) == value else None

    return read


def glance_at(names: Iterable[str], mark: str | None) -> Callable[[bytes], Document | None]:
    """A function that reads of a record no more than some fields, each as it is spelled.

    Args:
        names: the fields.
        mark: the field for the stamp.

    Returns:
        The function; it gives ``None`` where the record is not spelled as a document with one stamp at most would be.
    """
    fields = dict.fromkeys([*names, *([mark] if mark is not None else [])], Raw)
    decode = msgspec.json.Decoder(TypedDict("Fields", fields, total=False)).decode  # type: ignore[operator]
    stamp = encode(mark)

    def read(value: bytes) -> Document | None:
        try:
            document: Document = decode(value)
        except (ValueError, RecursionError):
            return None
        spelled = value.endswith(b"}") and (mark not in document or value.count(stamp) == 1)
        return document if spelled else None

    return read


def _references(schema: Json) -> Iterator[str]:
    """All references in a schema; an anchor counts for one."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if isinstance(value, str):
                yield from [value] if key in {"$ref", "$dynamicRef", "$anchor", "$dynamicAnchor"} else ()
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        yield from chain.from_iterable(map(_references, schema))


class _Types:
    """The types for the parts of one schema."""

    def __init__(self, definitions: Json) -> None:
        self._definitions = definitions
        self._known: dict[str, Typed] = {}
        self._open: set[str] = set()

    def of(self, schema: Json) -> Typed:
        """The type for a schema, and the rest: ``{}`` where nothing is left to ask."""
        if type(schema) is not dict:
            return Any, ({} if schema is True else {"not": {}})
        asked = {key: value for key, value in schema.items() if key not in _REMARKS}
        if "$ref" in asked or not _BY_NEIGHBOURS.isdisjoint(asked):
            return self._referred(asked["$ref"]) if set(asked) == {"$ref"} else (Any, asked)
        values = asked["enum"] if "enum" in asked else [asked["const"]] if "const" in asked else None
        if values is not None:
            return _literal(values, asked)
        names = asked.get("type", ())
        kinds, rest = [], {key: value for key, value in asked.items() if key != "type"}
        for name in [names] if type(names) is str else names:
            part = {"object": self._object, "array": self._list}.get(name)
            kind, rest = part(rest) if part else (_PLAIN[name], rest)
            kinds.append(kind)
        return (Union[tuple(kinds)], rest) if kinds else (Any, asked)  # noqa: UP007 - not known beforehand

    def _referred(self, reference: str) -> Typed:
        name = reference.removeprefix("#/$defs/")
        if name == reference or name not in self._definitions or name in self._open:
            return Any, {"$ref": reference}  # of another kind, or of a definition inside itself
        if name not in self._known:
            self._open.add(name)
            self._known[name] = self.of(self._definitions[name])
            self._open.remove(name)
        return self._known[name]

    def _list(self, asked: Json) -> Typed:
        kind, left = self.of(asked.get("items", True))
        return list[kind], _with(asked, items=left)  # type: ignore[valid-type]

    def _object(self, asked: Json) -> Typed:
        if "properties" not in asked:
            kind, left = self.of(asked.get("additionalProperties", True))
            return dict[str, kind], _with(asked, additionalProperties=left)  # type: ignore[valid-type]
        found = {name: self.of(part) for name, part in asked["properties"].items()}
        required = asked.get("required", ())
        fields = {name: NotRequired[kind] for name, (kind, _) in found.items() if name not in required}
        fields |= {name: Required[found[name][0] if name in found else Any] for name in required}
        left = {name: rest for name, (_, rest) in found.items() if rest}
        # No other fields can be there, whatever is said of them: the type passes over them.
        rest = _with(asked, properties=left, required=None, additionalProperties=None)
        return TypedDict("Fields", fields), rest  # type: ignore[operator]


def _literal(values: list[Json], asked: Json) -> Typed:
    kinds = {str: "string", int: "integer", type(None): "null"}
    if not values or any(type(value) not in kinds or (type(value) is int and abs(value) > _MOST) for value in values):
        return Any, asked
    names = asked.get("type", ())
    told = {kinds[type(value)] for value in values} <= {names, *names}
    return Literal[tuple(values)], _with(asked, enum=None, const=None, **({"type": None} if told else {}))


def _with(schema: Json, **keywords: Json) -> Json:
    """A schema with other keywords, and without those that ask for nothing any more."""
    found = {**schema, **keywords}
    return {key: value for key, value in found.items() if key not in keywords or value not in (None, {})}
