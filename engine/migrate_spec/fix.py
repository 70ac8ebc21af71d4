"""A fix: a small spec whose steps are done to records in quarantine before these go their own way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migrate_spec import language
from migrate_spec.codec import NotADocument, encode, encoder_of, looks_like_msgpack, read, read_msgpack
from migrate_spec.compiler import RecordRefused
from migrate_spec.document import Refused
from migrate_spec.errors import Fault, Place, SpecError
from migrate_spec.grammar import fix_judge
from migrate_spec.pickled import is_pickled, pickled, unpickled
from migrate_spec.project import Project
from migrate_spec.schema import did_you_mean
from migrate_spec.spec import Spec
from migrate_spec.step import forward
from migrate_spec.yaml_nodes import Node
from migrate_spec.yaml_text import parse

__all__ = ["Fix", "load_fix"]


@dataclass(frozen=True)
class Fix:
    """Steps for records of one collection that are in quarantine.

    Attributes:
        collection: the collection's name.
        spec: the steps, as part of a spec.
        file: where they come from.
    """

    collection: str
    spec: Spec
    file: str

    def repaired(self, value: bytes, *, allow_pickle: bool = False) -> bytes:
        """A record after the steps.

        Args:
            value: the record.
            allow_pickle: whether it may be a pickled document, and is one again afterwards.

        Raises:
            RecordRefused: they cannot be done to it.
        """
        packed = looks_like_msgpack(value)
        try:
            if allow_pickle and is_pickled(value):
                return pickled(self.repaired(encode(unpickled(value))), value)
            document, _ = (read_msgpack if packed else read)(value)
            forward(self.spec.steps)(document)
            return encoder_of("msgpack" if packed else "json")(document)
        except (NotADocument, Refused, RecursionError) as error:
            raise RecordRefused.by(self.file, error) from None


def load_fix(file: str | Path, project: Project, hooks: Path | None = None) -> Fix:
    """Read and check a fix: YAML with ``collection`` and ``steps``.

    Args:
        file: the file.
        project: the specs that the collection has.
        hooks: the folder of hooks that the steps may call; ``None``: they may call none.

    Raises:
        SpecError: something is wrong with it; it has all faults, sorted.
    """
    faults: list[Fault] = []
    node = _node(Path(file), faults)
    if node is None or type(node.value) is not dict or faults:
        raise SpecError(faults)
    steps = language.read_steps(node.value["steps"].value, faults)
    name = node.value["collection"]
    known = project.registry.of(name.value, project.version)
    if not known:
        among = project.registry.collections
        found, expected = f"the collection {name.value!r} was found", f"one of {', '.join(among)} was expected"
        faults.append(Fault(found, expected, did_you_mean(name.value, among), name.place, "unknown-collection"))
    if faults:
        raise SpecError(faults)
    first = known[0]
    spec = Spec(name.value, first.spec.prefix, first.from_version, first.to_version, steps, first.spec.stamp)
    spec, faults = spec.bound(first.schema_before, first.schema_after, hooks)
    if faults:
        raise SpecError(faults)
    return Fix(name.value, spec, str(file))


def _node(file: Path, faults: list[Fault]) -> Node | None:
    place = Place(str(file))
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        faults.append(Fault("bytes that are no text were found", "UTF-8 text was expected", "", place, "not-utf-8"))
        return None
    except OSError as error:
        faults.append(Fault(f"{error.strerror}", "a readable file was expected", "", place, "unreadable"))
        return None
    node, found = parse(text, str(file))
    faults += found
    if node is None:
        faults += [] if found else [Fault("no document was found", "a fix was expected", "", place, "empty")]
        return None
    faults += language.faults_of(fix_judge(), node)
    return node
