"""The version steps of the model: each as it stands in a spec, and the same in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Document = dict[str, Any]

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
    """

    collection: str
    template: str
    title: str = "title"

    @classmethod
    def first(cls, collection: str) -> Shape:
        """That of version 1."""
        return cls(collection, f"{collection}:{{id}}")

    def key(self, identity: int) -> bytes:
        """The key of a record."""
        family = FAMILIES[self.collection]
        return (f"{family}/" if family else "").encode() + self.template.format(id=identity).encode()


Changed = tuple[bytes, Document] | None
"""What becomes of a record: its key and document; none where it goes."""


@dataclass(frozen=True)
class Step:
    """A version step of a collection.

    Attributes:
        collection: which.
        from_version: of the step.
        spec: what stands in the spec: ``steps``, and ``records`` where keys change.
        shape: of the collection afterwards.
        change: the same in Python. It may raise :class:`Refused`.
    """

    collection: str
    from_version: int
    spec: Mapping[str, Any]
    shape: Shape
    change: Callable[[bytes, Document], Changed]


def _add(version: int, shape: Shape) -> Step:
    def change(key: bytes, document: Document) -> Changed:
        return key, document | {f"added_{version}": version}

    return _step(version, shape, change, {"add": {f"added_{version}": version}})


def _default(version: int, shape: Shape) -> Step:
    def change(key: bytes, document: Document) -> Changed:
        return key, {"maybe": [version]} | document

    return _step(version, shape, change, {"default": {"maybe": [version]}})


def _rename(version: int, shape: Shape) -> Step:
    after = replace(shape, title=f"title_{version}")

    def change(key: bytes, document: Document) -> Changed:
        return key, {after.title if name == shape.title else name: value for name, value in document.items()}

    return _step(version, after, change, {"rename": {shape.title: after.title}})


def _remove(version: int, shape: Shape) -> Step:
    def change(key: bytes, document: Document) -> Changed:
        return key, {name: value for name, value in document.items() if name != "extra"}

    return _step(version, shape, change, {"remove": ["extra"]})


def _assert(version: int, shape: Shape) -> Step:
    def change(key: bytes, document: Document) -> Changed:
        if document["n"] < 0:
            raise Refused
        return key, document

    return _step(version, shape, change, {"assert": {"n": {"ge": 0}}})


def _drop(version: int, shape: Shape) -> Step:
    def change(key: bytes, document: Document) -> Changed:
        return None if document.get("gone") is True else (key, document)

    return _step(version, shape, change, records=[{"drop": {"where": {"gone": True}}}])


def _rekey(version: int, shape: Shape) -> Step:
    after = replace(shape, template=f"{shape.collection}:k{version}:{{id}}")

    def change(_: bytes, document: Document) -> Changed:
        return after.key(document["id"]), document

    return _step(version, after, change, records=[{"rekey": {"from": shape.template, "to": after.template}}])


def _step(
    version: int,
    after: Shape,
    change: Callable[[bytes, Document], Changed],
    *steps: Mapping[str, Any],
    records: list[Any] | None = None,
) -> Step:
    family = FAMILIES[after.collection]
    more = ({"records": records} if records else {}) | ({"column_family": family} if family else {})
    return Step(after.collection, version, {"steps": list(steps), **more}, after, change)


_WAYS: Mapping[str, Callable[[int, Shape], Step]] = {
    "add": _add,
    "default": _default,
    "rename": _rename,
    "remove": _remove,
    "assert": _assert,
    "drop": _drop,
    "rekey": _rekey,
}

KINDS = tuple(_WAYS)


def step_of(kind: str, version: int, shape: Shape) -> Step:
    """The step of a kind from a version, at which a collection has a shape."""
    return _WAYS[kind](version, shape)


def collection_of(key: bytes) -> str:
    """The collection of a key; none where it belongs to no collection."""
    return next((name for name, head in HEADS.items() if key.startswith(head)), "")


def identity_of(key: bytes) -> int:
    """The identity of a record, as its key tells."""
    return int(key.rpartition(b":")[2])


class Specs:
    """The specs of a project.

    Attributes:
        newest: the newest version that they lead to.
        steps: all version steps, in the order of their versions.
        shapes: of each collection, by version.
    """

    def __init__(self) -> None:
        """None so far."""
        self.newest = 1
        self.steps: list[Step] = []
        self.shapes = {name: [Shape.first(name)] for name in FAMILIES}

    def add(self, kinds: Mapping[str, str]) -> list[Step]:
        """Steps to the next version, by their kinds, of some collections."""
        added = [step_of(kind, self.newest, self.shapes[name][-1]) for name, kind in kinds.items()]
        for shapes in self.shapes.values():
            shapes.append(shapes[-1])
        for step in added:
            self.shapes[step.collection][-1] = step.shape
        self.newest += 1
        self.steps += added
        return added

    def touched(self, first: int, last: int) -> frozenset[str]:
        """The collections that the steps from a version to another touch."""
        return frozenset(step.collection for step in self.steps if first <= step.from_version < last)

    def carried(self, key: bytes, document: Document | None, first: int, last: int) -> Changed:
        """What becomes of a record on its way from a version to another.

        Raises:
            Refused: it cannot be carried over.
        """
        if document is None:
            raise Refused
        now: Changed = key, document
        for step in self.steps:
            if now is not None and step.collection == collection_of(key) and first <= step.from_version < last:
                now = step.change(*now)
        return now
