"""A spec: one YAML file, one version step of one collection."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from pathlib import Path as FilePath

from migrate_spec import language
from migrate_spec.accepting import Bound
from migrate_spec.codec import Json
from migrate_spec.definitions import finder
from migrate_spec.document import describe
from migrate_spec.errors import Fault, Place, SpecError
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.grammar import spec_judge
from migrate_spec.hooks import Hook
from migrate_spec.operation import Binder
from migrate_spec.path import Definition, EachValue, Name, Path
from migrate_spec.record_operation import Index, RecordOperation
from migrate_spec.schema import Schema, did_you_mean
from migrate_spec.stamp import Stamp
from migrate_spec.step import Step
from migrate_spec.yaml_nodes import Node, node_of
from migrate_spec.yaml_text import parse

__all__ = ["Example", "Spec", "overlap", "parse_spec"]

FILE_NAME = re.compile(r"v([1-9][0-9]{0,9})_to_v([1-9][0-9]{0,9})\.yaml")
RESERVED_PREFIXES = (
    "_schema_version",
    "_migration_history",
    "_migration_in_progress",
    "_backup_",
    "_quarantine",
    "_complement:",
)


@dataclass(frozen=True)
class Example:
    """A document before and after the steps, as the author says it should be."""

    before: Json
    after: Json
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Spec:
    """One version step of one collection.

    Attributes:
        collection: the collection's name.
        prefix: the beginning of its records' keys.
        from_version, to_version: the step.
        steps: what is done to each record, in order.
        stamp: where records carry their version.
        encoding: how records are stored before the step: ``json`` or ``msgpack``.
        column_family: the part of the database that its records are in.
        indexes: keys that are derived from records, by a name.
        records: what is done to whole records, after the steps, in order.
        refuses_downgrade: why there is no way back; empty where there may be one.
        description: what changes, in a sentence.
        examples: documents that show it.
        accept: how many records may be set aside; ``None``: not all of them.
        allow: findings of ``validate`` that are right, by their codes, each with the reason.
        places: where the spec's own parts stand, by their key; ``""`` for the whole.
    """

    collection: str
    prefix: str
    from_version: int
    to_version: int
    steps: tuple[Step, ...]
    stamp: Stamp = field(default_factory=Stamp)
    encoding: str = "json"
    column_family: str = DEFAULT_FAMILY
    indexes: Mapping[str, Index] = field(default_factory=dict)
    records: tuple[RecordOperation, ...] = ()
    refuses_downgrade: str = ""
    description: str = ""
    examples: tuple[Example, ...] = ()
    accept: Bound | None = None
    allow: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self.text == other.text  # in the text, 1 is neither true nor 1.0

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def name(self) -> str:
        """The step's name for people: ``task v1→v2``."""
        return f"{self.collection} v{self.from_version}→v{self.to_version}"

    @property
    def key_prefix(self) -> bytes:
        """The prefix as bytes."""
        return self.prefix.encode()

    @property
    def moves_records(self) -> bool:
        """Whether it does more than alter each document where it is."""
        return bool(self.records or self.indexes)

    @property
    def alters_by_records(self) -> bool:
        """Whether operations on records, too, alter what stands in its records, or take some away."""
        return any(operation.alters_documents for operation in self.records)

    @property
    def deletes_records(self) -> bool:
        """Whether it deletes records."""
        return any(operation.deletes_records for operation in self.records)

    @property
    def unkept(self) -> tuple[str, ...]:
        """The paths at which moving a record loses something, where nothing is kept of it: of lists, and of indexes."""
        given_up = [f"indexes.{name}" for name, index in self.indexes.items() if index.to is None]
        return (*(path for operation in self.records for path in operation.unkept()), *given_up)

    @property
    def head_after(self) -> str:
        """What its records' keys begin with after the step."""
        return reduce(lambda head, operation: operation.head_after(head), self.records, self.prefix)

    @property
    def taken(self) -> tuple[str, ...]:
        """The beginnings of the keys of which it takes all records away."""
        return tuple(prefix for operation in self.records for prefix in operation.taken())

    @property
    def lists_of_records(self) -> tuple[Path, ...]:
        """The lists whose items become records, or that records become, in the order of the operations on records."""
        return tuple(path for operation in self.records for path in operation.lists_of_records())

    @property
    def makes_records(self) -> bool:
        """Whether it makes records of the items of lists."""
        return bool(self.makes)

    @property
    def makes(self) -> tuple[str, ...]:
        """The beginnings of the keys of the records that it makes."""
        return tuple(key for one in self.records if one.lists_of_records() and not one.taken() for key in one.ranges())

    def part_of(self, key: str) -> str | None:
        """The list of whose items a record under a key may be made; ``None``: of none."""
        return next((str(path) for one in self.records if (path := one.part_of(key)) is not None), None)

    @property
    def encoding_after(self) -> str:
        """How records are stored after the step."""
        return reduce(lambda encoding, operation: operation.encoding_after(encoding), self.records, self.encoding)

    @property
    def ranges(self) -> tuple[str, ...]:
        """The beginnings of all keys, besides those with the prefix, that it may write or delete."""
        found = [key for operation in self.records for key in operation.ranges()]
        return tuple(dict.fromkeys([*found, *(key for index in self.indexes.values() for key in index.ranges)]))

    def place(self, part: str = "") -> Place:
        """Where a part of the spec stands, such as ``prefix``; the whole spec where it is not written."""
        return self.places.get(part) or self.places.get("") or Place(self.name)

    def to_json(self) -> Json:
        """What the spec means, as JSON: no places, no remarks, no option that says what is so anyway."""
        shown = {
            "collection": self.collection,
            "prefix": self.prefix,
            "from": self.from_version,
            "to": self.to_version,
            "stamp": self.stamp.to_json(),
            "steps": language.to_json(self.steps),
        }
        rest = {
            "column_family": self.column_family if self.column_family != DEFAULT_FAMILY else None,
            "encoding": self.encoding if self.encoding != "json" else None,
            "indexes": {name: language.to_json(index) for name, index in self.indexes.items()},
            "records": language.to_json(self.records),
            "downgrade": {"refuse": self.refuses_downgrade} if self.refuses_downgrade else None,
        }
        return shown | {key: value for key, value in rest.items() if value}

    def bound(self, before: Schema, after: Schema, hooks: FilePath | None) -> tuple[Spec, list[Fault]]:
        """The spec with all that its steps name and do not hold themselves.

        Args:
            before: the schema of the documents before the steps.
            after: the schema of those after them.
            hooks: the folder of hooks; ``None``: a hook is a fault.

        Returns:
            The spec, and what is wrong with what it names.
        """
        faults: list[Fault] = []

        def find(path: Path) -> Path:
            first = path.segments[0]
            inner = next((segment for segment in path.segments[1:] if isinstance(segment, Definition)), None)
            if inner is not None:
                found = f"the definition {inner.name!r} was found inside of another `at`"
                expected, remedy = "a step of its own was expected for it", "it is looked for in the whole document"
                faults.append(Fault(found, expected, remedy, path.place, "definition-inside"))
                return path
            if not isinstance(first, Definition):
                return path
            finds = finder(before, first.name)
            if finds is None:
                known = [name for name in before.content.get("$defs", {}) if finder(before, name)]
                found = f"the definition {first.name!r} was found"
                expected = f"one that {before.file} uses was expected"
                faults.append(Fault(found, expected, did_you_mean(first.name, known), path.place, "unknown-definition"))
            back = finder(after, first.name) or finds
            return Path((replace(first, find=finds, find_back=back), *path.segments[1:]), path.place)

        def load(hook: Hook) -> Hook:
            if hooks is None:
                found = f"the hook {hook.name!r} was found"
                faults.append(Fault(found, "no hooks were expected", "leave out --no-hooks", hook.place, "hook"))
                return hook
            bound, fault = hook.bound(hooks)
            faults.extend([fault] if fault else [])
            return bound

        binder = Binder(find, load)
        return replace(self, steps=tuple(step.bound(binder) for step in self.steps)), faults

    @cached_property
    def text(self) -> str:
        """The canonical text: two specs of the same meaning have the same."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the canonical text, in hexadecimal."""
        import hashlib  # noqa: PLC0415 - it loads OpenSSL, and only what is written to a history needs it

        return hashlib.sha256(self.text.encode()).hexdigest()

    @classmethod
    def from_text(cls, text: str, source: str) -> Spec:
        """A spec from its canonical text.

        Raises:
            SpecError: the text is not one that this version of the tool understands.
        """
        spec, faults = _read(node_of(json.loads(text), Place(source)))
        if spec is None or faults:
            raise SpecError(faults)
        return spec


def parse_spec(text: str, file: str) -> tuple[Spec | None, list[Fault]]:
    """Read a spec's text.

    Args:
        text: YAML.
        file: the file's name in faults; its last two parts are the collection and the step.

    Returns:
        The spec, or ``None``, and all that is wrong with it.
    """
    if not text.strip():
        return None, [Fault("an empty file was found", "a spec was expected", "", Place(file), "empty")]
    node, faults = parse(text, file)
    if node is None:
        return None, faults or [Fault("no document was found", "a spec was expected", "", Place(file), "empty")]
    spec, more = _read(node)
    return (spec if not faults else None), [*faults, *more]


def _read(node: Node) -> tuple[Spec | None, list[Fault]]:
    faults = list(language.faults_of(spec_judge(), node))
    if type(node.value) is not dict:
        return None, faults
    given, well_formed = node.value, not faults
    listed = given["steps"].value if "steps" in given and type(given["steps"].value) is list else []
    steps = language.read_steps(listed, faults)
    moves = given["records"].value if "records" in given and type(given["records"].value) is list else []
    records = language.read_record_operations(moves, faults)
    indexes = language.read_indexes(given["indexes"], faults) if "indexes" in given and well_formed else {}
    stamp = _read_stamp(given["stamp"], faults) if "stamp" in given and well_formed else Stamp()
    accept = _read_accept(given["accept"].value["quarantined"], faults) if "accept" in given and well_formed else None
    if faults:
        return None, faults
    spec = Spec(
        collection=given["collection"].value,
        prefix=given["prefix"].value,
        from_version=int(given["from"].value),  # JSON Schema takes 1.0 for an integer
        to_version=int(given["to"].value),
        steps=steps,
        column_family=given["column_family"].value if "column_family" in given else DEFAULT_FAMILY,
        stamp=stamp,
        encoding=given["encoding"].value if "encoding" in given else "json",
        indexes=indexes,
        records=records,
        refuses_downgrade=given["downgrade"].value["refuse"].value if "downgrade" in given else "",
        description=given["description"].value if "description" in given else "",
        examples=tuple(_read_example(part, faults) for part in given["examples"].value) if "examples" in given else (),
        accept=accept,
        allow=given["allow"].plain() if "allow" in given else {},
        places={"": node.place} | {key: part.place for key, part in given.items()},
    )
    faults += _faults(spec)
    return (None if faults else spec), faults


def _read_example(node: Node, faults: list[Fault]) -> Example:
    before, after = (language.read_literal(node.value[key], faults) for key in ("before", "after"))
    return Example(before, after, node.place)


def _read_accept(node: Node, faults: list[Fault]) -> Bound | None:
    try:
        return Bound.of(node.value)
    except ValueError:
        found = f"{describe(node.value)} was found"
        expected = "a number of records or a share of them was expected, such as 10 or <= 0.1%"
        faults.append(Fault(found, expected, "", node.place, "bound-invalid"))
        return None


def _read_stamp(node: Node, faults: list[Fault]) -> Stamp:
    if node.value is None:
        return Stamp(None)
    if type(node.value) is str:
        return Stamp(_stamp_path(node, faults))
    as_node = node.value.get("as")
    return Stamp(_stamp_path(node.value["path"], faults), as_text=as_node is not None and as_node.value == "string")


def _stamp_path(node: Node, faults: list[Fault]) -> Path | None:
    path = language.read_path(node, faults)
    if path is not None and not all(isinstance(segment, Name) for segment in path.segments):
        found = f"the path {node.value!r} was found"
        faults.append(Fault(found, "a path of names was expected", "", node.place, "path-invalid"))
    return path


def overlap(one: str, other: str) -> bool:
    """Whether a key can begin with both."""
    return one.startswith(other) or other.startswith(one)


def _reserved(spec: Spec) -> tuple[str, ...]:
    """The beginnings of keys that the system keeps for itself where the spec's records are."""
    return RESERVED_PREFIXES if spec.column_family == DEFAULT_FAMILY else ()


def _faults(spec: Spec) -> Iterator[Fault]:
    """What is wrong with a spec whose parts are well formed."""
    if spec.to_version != spec.from_version + 1:
        yield Fault(
            f"to: {spec.to_version} was found",
            f"{spec.from_version + 1} was expected, as the spec starts from {spec.from_version}",
            "a spec leads to the next version",
            spec.place("to"),
            "not-the-next-version",
        )
    reserved = [name for name in _reserved(spec) if overlap(name, spec.prefix)]
    if reserved and not spec.prefix:
        found = "the empty prefix was found in the default column family"
        expected = f"a prefix apart from {', '.join(reserved)} was expected, which the system keeps for itself"
        remedy = "`column_family` names another one, in which a collection may have all keys"
        yield Fault(found, expected, remedy, spec.place("prefix"), "prefix-reserved")
    elif reserved:
        found = f"the prefix {spec.prefix!r} was found"
        expected = f"a prefix apart from {', '.join(reserved)} was expected, which the system keeps for itself"
        yield Fault(found, expected, "", spec.place("prefix"), "prefix-reserved")
    for part in spec.steps:
        yield from _stamp_faults(spec.stamp, part)
    yield from _record_faults(spec)


def _record_faults(spec: Spec) -> Iterator[Fault]:
    encoding, place = spec.encoding, spec.place("records")
    for operation in spec.records:
        yield from (fault.placed(place) for fault in operation.check_on(spec.prefix, encoding))
        encoding = operation.encoding_after(encoding)
    names = [operation.name() for operation in spec.records if operation.once]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Fault(f"two {name}s were found", "one was expected", "make it one", place, f"{name}-twice")
    for reserved in _reserved(spec):
        for begin in spec.ranges:
            if begin and overlap(begin, reserved):
                found = f"keys that begin with {begin!r} were found"
                expected = f"keys apart from {reserved} were expected, which the system keeps for itself"
                yield Fault(found, expected, "", spec.place("records"), "prefix-reserved")


def _stamp_faults(stamp: Stamp, part: Step) -> Iterator[Fault]:
    if stamp.path is not None and part.touches(stamp.path):
        path = next((path for path in part.writes() if path.meets(stamp.path)), stamp.path)
        several = any(isinstance(segment, EachValue) for segment in path.segments)
        yield Fault(
            f"a step that writes {str(path)!r} was found",
            f"no step was expected to touch the stamp {str(stamp.path)!r}",
            "the run itself writes the stamp" + ("; a step on all fields must let it stay" if several else ""),
            path.place or part.place,
            "stamp-written",
        )
