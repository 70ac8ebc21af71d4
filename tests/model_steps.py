"""The version steps of the model: each as it stands in a spec, and the same in plain Python, there and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.model_kept import Document

FAMILIES = {"item": "", "note": "", "box": "boxes"}
"""The column family of each collection; the default one has no name here."""

HEADS = {name: (f"{family}/{name}:" if family else f"{name}:").encode() for name, family in FAMILIES.items()}
"""What the keys of each collection begin with; the name of their family stands before them, but for the default one."""


class Refused(Exception):  # noqa: N818 - as the engine calls it
    """A record cannot be carried over."""


@dataclass(frozen=True)
class Shape:
    """What the program that writes a collection knows of it at a version.

    Attributes:
        collection: which.
        template: of the keys.
        title: the name of a field that specs rename.
        paired: whether two fields stand in an object of their own.
        whole: whether sizes are integers.
    """

    collection: str
    template: str
    title: str = "title"
    paired: bool = False
    whole: bool = False

    @classmethod
    def first(cls, collection: str) -> Shape:
        """That of version 1."""
        return cls(collection, f"{collection}:{{id}}")

    def key(self, identity: int) -> bytes:
        """The key of a record."""
        family = FAMILIES[self.collection]
        return (f"{family}/" if family else "").encode() + self.template.format(id=identity).encode()

    def written(self, fields: Document) -> Document:
        """Fields as the program writes them at this version."""
        document = {self.title if name == "title" else name: value for name, value in fields.items()}
        document = _made("size", math.floor)(document) if self.whole else document
        return _paired(document) if self.paired else document


Change = Callable[[Document], Document]


@dataclass(frozen=True)
class Step:
    """A version step of a collection.

    Attributes:
        collection: which.
        from_version: of the step.
        spec: what stands in the spec: ``steps``, and ``records`` where keys change.
        before, after: the shapes of the collection.
        change: the same in Python. It may raise :class:`Refused`.
        back: the way back; so may it.
        drops: whether it deletes a record.
        loses: the fields of which it loses something, so that the way back may make it up.
        since: the version that led to the shape before it.
    """

    collection: str
    from_version: int
    spec: Mapping[str, Any]
    before: Shape
    after: Shape
    change: Change
    back: Change
    drops: Callable[[Document], bool]
    loses: tuple[str, ...]
    since: int

    @property
    def moves_records(self) -> bool:
        """Whether records may not stay where they are."""
        return "records" in self.spec


@dataclass(frozen=True)
class _Kind:
    """What a step does.

    Attributes:
        steps: in the spec.
        change, back: in Python.
        loses: the fields of which it loses something.
        records: in the spec, if there is such a part.
        after: the shape; ``None``: as it was.
        drops: whether it deletes a record.
    """

    steps: tuple[Mapping[str, Any], ...] = ()
    change: Change = dict
    back: Change = dict
    loses: tuple[str, ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()
    after: Shape | None = None
    drops: Callable[[Document], bool] = lambda _: False


def _add(version: int, _: Shape) -> _Kind:
    name = f"added_{version}"
    return _Kind(({"add": {name: version}},), lambda document: document | {name: version}, _without(name))


def _default(version: int, _: Shape) -> _Kind:
    filling = {"maybe": [version]}
    return _Kind(({"default": filling},), lambda document: filling | document, loses=("maybe",))


def _rename(version: int, shape: Shape) -> _Kind:
    after = replace(shape, title=f"title_{version}")
    renaming = ({"rename": {shape.title: after.title}},)
    return _Kind(renaming, _renamed(shape.title, after.title), _renamed(after.title, shape.title), after=after)


def _renamed(old: str, new: str) -> Change:
    return lambda document: {new if name == old else name: value for name, value in document.items()}


def _without(*gone: str) -> Change:
    return lambda document: {name: value for name, value in document.items() if name not in gone}


def _remove(_version: int, _shape: Shape) -> _Kind:
    return _Kind(({"remove": ["extra"]},), _without("extra"), loses=("extra",))


def _remove_restored(_version: int, _shape: Shape) -> _Kind:
    steps = ({"remove": {"extra": {"restore": "?"}}},)
    return _Kind(steps, _without("extra"), lambda document: {"extra": "?"} | document, ("extra",))


def _merge(_version: int, _shape: Shape) -> _Kind:
    """Two values become one."""
    steps = ({"map": {"mood": {"a": "b", "b": "b"}}, "else": "keep", "reverse": {"b": "a"}},)
    return _Kind(steps, _mapped("mood", {"a": "b"}), _mapped("mood", {"b": "a"}), ("mood",))


def _mapped(name: str, table: Mapping[str, str]) -> Change:
    def change(document: Document) -> Document:
        value = document.get(name)
        return document | {name: table[value]} if type(value) is str and value in table else dict(document)

    return change


def _convert(_version: int, shape: Shape) -> _Kind:
    """A number becomes an integer, or an integer a number."""
    kinds, ways = ("number", "integer"), (_made("size", math.floor), _made("size", float))
    if shape.whole:
        kinds, ways = kinds[::-1], ways[::-1]
    steps = ({"convert": {"size": {"from": kinds[0], "to": kinds[1], "round": "floor"}}},)
    return _Kind(steps, *ways, () if shape.whole else ("size",), after=replace(shape, whole=not shape.whole))


def _made(name: str, make: Callable[[Any], Any]) -> Change:
    return lambda document: document | ({name: make(document[name])} if name in document else {})


PAIR = ("left", "right")


def _reshape(_version: int, shape: Shape) -> _Kind:
    """Two fields go into an object, or out of it."""
    after = replace(shape, paired=not shape.paired)
    if shape.paired:
        return _Kind(({"flatten": {"pair": [*PAIR]}},), _flat, _paired, ("pair",), after=after)
    return _Kind(({"nest": {"pair": [*PAIR]}},), _paired, _flat, after=after)


def _paired(document: Document) -> Document:
    pair = {name: document[name] for name in PAIR if name in document}
    return _without(*PAIR)(document) | ({"pair": pair} if pair else {})


def _flat(document: Document) -> Document:
    return {**_without("pair")(document), **document.get("pair", {})}


def _assert(_version: int, _shape: Shape) -> _Kind:
    def check(document: Document) -> Document:
        if document["n"] < 0:
            raise Refused
        return dict(document)

    return _Kind(({"assert": {"n": {"ge": 0}}},), check, check)


def _drop(_version: int, _shape: Shape) -> _Kind:
    return _Kind(records=({"drop": {"where": {"gone": True}}},), drops=lambda document: document.get("gone") is True)


def _rekey(version: int, shape: Shape) -> _Kind:
    after = replace(shape, template=f"{shape.collection}:k{version}:{{id}}")
    return _Kind(records=({"rekey": {"from": shape.template, "to": after.template}},), after=after)


_WAYS: Mapping[str, Callable[[int, Shape], _Kind]] = {
    "add": _add,
    "default": _default,
    "rename": _rename,
    "remove": _remove,
    "assert": _assert,
    "drop": _drop,
    "rekey": _rekey,
    "remove restored": _remove_restored,
    "merge": _merge,
    "convert": _convert,
    "reshape": _reshape,
}

KINDS = tuple(_WAYS)


def step_of(kind: str, version: int, shape: Shape, since: int) -> Step:
    """The step of a kind from a version, at which a collection has a shape to which an earlier version led."""
    found, family = _WAYS[kind](version, shape), FAMILIES[shape.collection]
    more = ({"records": list(found.records)} if found.records else {}) | ({"column_family": family} if family else {})
    spec = {"steps": list(found.steps), **more}
    after = found.after or shape
    return Step(
        shape.collection, version, spec, shape, after, found.change, found.back, found.drops, found.loses, since
    )


STAMP = "schema_version"


def version_of(document: Document) -> int:
    """The version that a record says it has."""
    version = document.get(STAMP, 1)
    assert type(version) is int
    return version


def stamped(document: Document, version: int) -> Document:
    """A document that says a version; version 1 is said by saying none."""
    return bare(document) | ({STAMP: version} if version > 1 else {})


def bare(document: Document) -> Document:
    """A document without its stamp."""
    return _without(STAMP)(document)


def collection_of(key: bytes) -> str:
    """The collection of a key; none where it belongs to no collection."""
    return next((name for name, head in HEADS.items() if key.startswith(head)), "")


def identity_of(key: bytes) -> int:
    """The identity of a record, as its key tells."""
    return int(key.rpartition(b":")[2])
