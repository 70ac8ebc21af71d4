"""JSON Schema as types: most of what a schema asks for is checked while a document is read, at no further cost.

A type asks for the same as its schema, or for more. What it does not ask for is left over as a smaller schema, the
*rest*: what was read by the type fits the schema if it fits the rest.

Types: https://jcristharif.com/msgspec/supported-types.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict, Union

import msgspec
from msgspec import Meta

from migrate_spec.codec import Document, Json, Raw, encode, encode_into, is_escaped
from migrate_spec.schema import Schema

__all__ = ["Outline", "asked_of_fields", "checked_outline", "glance_at", "glance_over", "glanced_outline"]

Typed = tuple[Any, Json]
"""A type, and the rest."""

_REMARKS = frozenset(["$schema", "$comment", "$defs", "title", "description", "default", "examples", "deprecated"])
_BY_NEIGHBOURS = frozenset(["unevaluatedProperties", "unevaluatedItems", "patternProperties", "prefixItems", "$id"])
"""Keywords on whose account others mean something else."""

_BY_FIELD = frozenset(["type", "properties", "required", "additionalProperties"])
"""Keywords that ask something of each field alone, or of which there are."""

_NOTHING = Annotated[int, Meta(gt=0, lt=1)] | msgspec.UnsetType
"""The type of a field that is not there: no value fits it."""

_MOST = 2**63 - 1  # of an integer in a literal type

_PLAIN = {"string": str, "integer": int, "number": int | float, "boolean": bool, "null": None}


class Outline:
    """Reads records that all have the same fields, into objects of a class made for them.

    Attributes:
        decode: reads a record; it raises ``ValueError`` or ``RecursionError`` where that is not one of these.
        holds: whether a record is one of these, as far as :attr:`decode` cannot tell, by its bytes and what was read.
    """

    def __init__(self, kind: type, places: Mapping[str, str], holds: Callable[[bytes, Any], bool]) -> None:
        """Take the class, the names that it has for the fields, and what must hold of a record."""
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode
        self.holds = holds
        self._places = places

    def read(self, value: bytes) -> Any:
        """Read a record; ``None`` where it is not one of these."""
        try:
            fields = self.decode(value)
        except (ValueError, RecursionError):
            return None
        return fields if self.holds(value, fields) else None

    def getter(self, *names: str) -> Callable[[Any], Any]:
        """What gets the value of a field of an object that was read; with several names, their values as a tuple."""
        return attrgetter(*(self._places[name] for name in names))


def asked_of_fields(schema: Schema, names: Sequence[str]) -> dict[str, Json] | None:
    """What a schema asks of each field of documents that have these fields, and no others.

    Args:
        schema: the schema.
        names: the names of the fields.

    Returns:
        The schema for each, which may refer to the same definitions; ``None`` where what is asked cannot be asked of
        one field after the other.
    """
    content = schema.content
    asked = {key: value for key, value in content.items() if key not in _REMARKS and key != "$id"}
    if not (asked.keys() <= _BY_FIELD and asked.get("type", "object") == "object" and _is_local(content)):
        return None
    if not set(asked.get("required", ())) <= set(names) or any(map(is_escaped, names)):
        return None
    others = asked.get("additionalProperties", True)
    return {name: asked.get("properties", {}).get(name, others) for name in names}


def checked_outline(schema: Schema, names: Sequence[str], known: Mapping[str, Json]) -> Outline | None:
    """What reads records in the plain form that fit a schema and have these fields, in this order, and no others.

    Args:
        schema: the schema.
        names: the names of the fields.
        known: the fields of which the value is known.

    Returns:
        The reader; ``None`` where the schema asks for what cannot be asked of one field after the other.
    """
    asked, definitions = asked_of_fields(schema, names), schema.content.get("$defs", {})
    if asked is None:
        return None
    types = _Types(definitions)
    found = {name: types.of(part) for name, part in asked.items()}
    found |= {name: (Literal[value], {}) for name, value in known.items()}
    kind, places = _kind({name: kind for name, (kind, _) in found.items()}, closed=True)
    rest = {name: rest for name, (_, rest) in found.items() if rest}
    written = bytearray()

    def is_plain(value: bytes, fields: Any) -> bool:
        encode_into(fields, written)
        return written == value

    if not rest:
        return Outline(kind, places, is_plain)
    # Several are judged at once, as items of a list.
    judged = {"prefixItems": [*rest.values()]} if len(rest) > 1 else next(iter(rest.values()))
    judge = Schema({**judged, "$defs": definitions}).is_valid
    get = attrgetter(*(places[name] for name in rest))

    def fits(value: bytes, fields: Any) -> bool:
        encode_into(fields, written)
        return written == value and judge(get(fields))

    return Outline(kind, places, fits)


def glanced_outline(names: Sequence[str], absent: Iterable[str], known: Mapping[str, Json]) -> Outline | None:
    """What reads of records no more than some fields, each as it is spelled.

    Args:
        names: the fields, which must be there.
        absent: fields that must not be there.
        known: the fields of which the value is known, and which must not be there twice.
    """
    if any(map(is_escaped, (*names, *absent))):  # a class cannot have such a field
        return None
    types: dict[str, Any] = dict.fromkeys(names, Raw) | {name: Literal[value] for name, value in known.items()}
    kind, places = _kind(types, absent)
    once = [encode(name) for name in known]

    def is_spelled(value: bytes, _fields: Any) -> bool:
        if not value.endswith(b"}"):
            return False
        for name in once:  # noqa: SIM110 - a generator takes as long as all else here
            if value.count(name) != 1:
                return False
        return True

    return Outline(kind, places, is_spelled)


def _reader(kind: Any, holds: Callable[[bytes, Any], bool]) -> Callable[[bytes], Any]:
    """A function that reads records by a type, those of which something holds; ``None`` for all others."""
    decode = msgspec.json.Decoder(kind).decode

    def read(value: bytes) -> Any:
        try:
            fields = decode(value)
        except (ValueError, RecursionError):
            return None
        return fields if holds(value, fields) else None

    return read


def _is_plain(value: bytes, fields: Any) -> bool:
    """Whether what was read is all that there is."""
    return encode(fields) == value


def _kind(types: Mapping[str, Any], absent: Iterable[str] = (), *, closed: bool = False) -> tuple[type, dict[str, str]]:
    """A class with fields of these types, and the names that it has for them.

    Args:
        types: the fields.
        absent: fields that must not be there.
        closed: whether others must not be there, either; else they are passed over.
    """
    places = {name: f"field{place}" for place, name in enumerate([*types, *absent])}
    fields: list[Any] = [(places[name], kind) for name, kind in types.items()]
    fields += [(places[name], _NOTHING, msgspec.UNSET) for name in absent]
    back = {place: name for name, place in places.items()}
    return msgspec.defstruct("Outline", fields, rename=back, gc=False, forbid_unknown_fields=closed), places


def _is_local(schema: Json) -> bool:
    """Whether all references lead to definitions; others would lead into what is left of a schema."""
    return all(reference.startswith("#/$defs/") for reference in _references(schema))


def glance_over() -> Callable[[bytes], Document | None]:
    """A function that reads all fields of a record, each as it is spelled; ``None`` where there is more to it."""
    return _reader(dict[str, Raw], _is_plain)


def glance_at(names: Iterable[str], mark: str | None) -> Callable[[bytes], Document | None]:
    """A function that reads of a record no more than some fields, each as it is spelled.

    Args:
        names: the fields.
        mark: the field for the stamp.

    Returns:
        The function; it gives ``None`` where the record is not spelled as a document with one stamp at most would be.
    """
    fields = dict.fromkeys([*names, *([mark] if mark is not None else [])], Raw)
    stamp = encode(mark)

    def is_spelled(value: bytes, document: Document) -> bool:
        return value.endswith(b"}") and (mark not in document or value.count(stamp) == 1)

    return _reader(TypedDict("Fields", fields, total=False), is_spelled)  # type: ignore[operator]


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
