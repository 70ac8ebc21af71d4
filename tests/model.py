"""A model of a database under migrations: what it should hold, worked out by plain Python and with nothing of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]
Records = dict[bytes, Document | None]
"""Documents by their keys, without stamps; ``None`` is a value that is no document."""


@dataclass(frozen=True)
class Shape:
    """What the program that writes a collection knows of it at a version.

    Attributes:
        template: of the keys.
        title: the name of a field that specs rename.
    """

    template: str
    title: str

    def key(self, identity: int) -> bytes:
        """The key of a record."""
        return self.template.format(id=identity).encode()


@dataclass(frozen=True)
class Step:
    """A version step of a collection.

    Attributes:
        collection: which.
        from_version: of the step.
        spec: what stands in the spec: ``steps``, and ``records`` where keys change.
        shape: of the collection afterwards.
        change: the same in Python: the new key and document, or none where the record goes.
    """

    collection: str
    from_version: int
    spec: Mapping[str, Any]
    shape: Shape
    change: Callable[[bytes, Document], tuple[bytes, Document] | None]


KINDS = ("add", "default", "rename", "remove", "drop", "rekey")


def step_of(kind: str, collection: str, version: int, shape: Shape) -> Step:
    """The step of a kind from a version."""
    steps, records, after = _WAYS[kind](collection, version, shape)
    spec = {"steps": steps} | ({"records": records} if records else {})
    return Step(collection, version, spec, after, _changes(kind, version, shape, after))


def _add(_: str, version: int, shape: Shape) -> tuple[list[Any], list[Any], Shape]:
    return [{"add": {f"added_{version}": version}}], [], shape


def _default(_: str, version: int, shape: Shape) -> tuple[list[Any], list[Any], Shape]:
    return [{"default": {"maybe": [version]}}], [], shape


def _rename(_: str, version: int, shape: Shape) -> tuple[list[Any], list[Any], Shape]:
    after = Shape(shape.template, f"title_{version}")
    return [{"rename": {shape.title: after.title}}], [], after


def _remove(_: str, __: int, shape: Shape) -> tuple[list[Any], list[Any], Shape]:
    return [{"remove": ["extra"]}], [], shape


def _drop(_: str, __: int, shape: Shape) -> tuple[list[Any], list[Any], Shape]:
    return [], [{"drop": {"where": {"gone": True}}}], shape


def _rekey(collection: str, version: int, shape: Shape) -> tuple[list[Any], list[Any], Shape]:
    after = Shape(f"{collection}:k{version}:{{id}}", shape.title)
    return [], [{"rekey": {"from": shape.template, "to": after.template}}], after


_WAYS: Mapping[str, Callable[[str, int, Shape], tuple[list[Any], list[Any], Shape]]] = {
    "add": _add,
    "default": _default,
    "rename": _rename,
    "remove": _remove,
    "drop": _drop,
    "rekey": _rekey,
}


def _changes(
    kind: str, version: int, before: Shape, after: Shape
) -> Callable[[bytes, Document], tuple[bytes, Document] | None]:
    def change(key: bytes, document: Document) -> tuple[bytes, Document] | None:
        if kind == "drop" and document.get("gone") is True:
            return None
        if kind == "add":
            document[f"added_{version}"] = version
        elif kind == "default":
            document.setdefault("maybe", [version])
        elif kind == "rename" and before.title in document:
            document[after.title] = document.pop(before.title)
        elif kind == "remove":
            document.pop("extra", None)
        elif kind == "rekey":
            key = after.key(document["id"])
        return key, document

    return change


@dataclass(frozen=True)
class Run:
    """A run that is in force.

    Attributes:
        from_version, to_version: its way.
        collections: those that had steps on it.
        before: what all collections held.
        stored: all that was stored, as bytes.
        backup: the name of its backup; none where there was nothing to put back.
    """

    from_version: int
    to_version: int
    collections: frozenset[str]
    before: Mapping[bytes, Document | None]
    stored: Mapping[bytes, bytes]
    backup: str | None


@dataclass
class Model:
    """What a database should hold.

    Attributes:
        shapes: of each collection, by version.
        version: of the database.
        newest: of the specs.
        records: the records of the collections.
        others: what belongs to no collection, as bytes.
        steps: all version steps.
        runs: those in force, oldest first.
        way: the history.
        backups: the names of all backups that there are, oldest first.
    """

    shapes: dict[str, list[Shape]]
    version: int = 1
    newest: int = 1
    records: Records = field(default_factory=dict)
    others: dict[bytes, bytes] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    way: list[tuple[int, int]] = field(default_factory=list)
    backups: list[str] = field(default_factory=list)

    def steps_between(self, first: int, last: int) -> list[Step]:
        """The steps from a version to another."""
        return [step for step in self.steps if first <= step.from_version < last]

    def touched(self, first: int, last: int) -> frozenset[str]:
        """The collections that these steps touch."""
        return frozenset(step.collection for step in self.steps_between(first, last))

    def of(self, collections: frozenset[str], records: Mapping[bytes, Any]) -> dict[bytes, Any]:
        """The records of some collections."""
        return {key: value for key, value in records.items() if collection_of(key) in collections}

    def carried(self, records: Mapping[bytes, Document | None], first: int, last: int) -> Records:
        """What becomes of records on the way from a version to another."""
        found: Records = {}
        for key, document in records.items():
            if document is None:  # no step touches it, or there would be no run
                found[key] = None
                continue
            now: tuple[bytes, Document] | None = key, deepcopy(document)
            for step in self.steps_between(first, last):
                if now is not None and step.collection == collection_of(key):
                    now = step.change(*now)
            if now is not None:
                found[now[0]] = now[1]
        return found

    def is_rejected(self, to_version: int) -> bool:
        """Whether a run to a version is refused."""
        touched = self.touched(self.version, to_version)
        return None in self.of(touched, self.records).values()

    def apply(self, to_version: int, stored: Mapping[bytes, bytes], backup: str | None) -> None:
        """A run was carried out; what was stored before it, and the name of its backup."""
        touched = self.touched(self.version, to_version)
        self.runs.append(Run(self.version, to_version, touched, self.records, stored, backup))
        self.records = self.carried(self.records, self.version, to_version)
        self.way += [(version, version + 1) for version in range(self.version, to_version)]
        self.version = to_version
        if backup is not None:
            self.backups.append(backup)

    def undoing(self, backup: str | None) -> list[Run]:
        """The runs that a rollback to a backup, or to the last one, takes back; empty where that is refused."""
        name = backup or (self.runs[-1].backup if self.runs else None)
        first = next((index for index, run in enumerate(self.runs) if run.backup == name), None)
        return self.runs[first:] if name in self.backups and first is not None else []

    def later(self, runs: list[Run]) -> set[bytes]:
        """The keys that were written since these runs."""
        touched = frozenset[str]().union(*(run.collections for run in runs))
        old, now = self.of(touched, runs[0].before), self.of(touched, self.records)
        made = self.carried(old, runs[0].from_version, self.version)
        missing = object()
        return {
            key
            for key in {*old, *made, *now}
            if now.get(key, missing) != made.get(key, missing) and (key not in now or old.get(key, missing) != now[key])
        }

    def roll_back(self, runs: list[Run]) -> None:
        """These runs were taken back."""
        touched = frozenset[str]().union(*(run.collections for run in runs))
        self.records = {key: value for key, value in self.records.items() if collection_of(key) not in touched}
        self.records |= self.of(touched, runs[0].before)
        self.way.append((self.version, runs[0].from_version))
        self.version = runs[0].from_version
        del self.runs[len(self.runs) - len(runs) :]


def collection_of(key: bytes) -> str:
    """The collection of a key."""
    return key.partition(b":")[0].decode()


def read(value: bytes) -> Document | None:
    """The document that is stored, without its stamp."""
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return {name: part for name, part in found.items() if name != "schema_version"}
