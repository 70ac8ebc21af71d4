"""The step for which a collection has schemas but no spec yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path as FilePath

from migrate_spec.codec import Json
from migrate_spec.document import same
from migrate_spec.draft.parts import Alternative, Part
from migrate_spec.errors import Fault, SpecError
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.path import Name, Path
from migrate_spec.project import SCHEMA_NAME
from migrate_spec.schema import Schema, did_you_mean, load_schema
from migrate_spec.spec import FILE_NAME, Spec, parse_spec
from migrate_spec.stamp import Stamp

__all__ = ["Collection", "Gap", "find_gap", "next_version", "nothing_to_do"]


@dataclass(frozen=True)
class Gap:
    """A version step without a spec.

    Attributes:
        collection: the collection's name.
        from_version: the version that it starts from.
        before: the schema at that version; ``None`` where ``after`` is the first, to which no spec leads.
        after: the schema of the next one.
        file: where the spec belongs.
        previous: the spec of the collection before it, if there is one.
        is_frozen: whether ``after`` was made of a class, and its file is still to be written.
    """

    collection: str
    from_version: int
    before: Schema | None
    after: Schema
    file: FilePath
    previous: Spec | None = None
    is_frozen: bool = False

    @property
    def column_family(self) -> str:
        """The part of the database that its records are in: as the spec before says."""
        return self.previous.column_family if self.previous is not None else DEFAULT_FAMILY

    @cached_property
    def stamp(self) -> Stamp:
        """Where the records carry their version: as the spec before says, or as the schemas do.

        It is the field that must be the one version before and the next one after; else the usual one, or none where
        the schema has no room for it.
        """
        if self.previous is not None:
            return self.previous.stamp
        before, after = (Part(schema or Schema({})).kinds.get("object", ()) for schema in (self.before, self.after))
        usual = Stamp()
        for one, other in product(before, after):
            for name in (name for name in one.properties if name in other.properties):
                for stamp in (Stamp(Path((Name(name),)), as_text=as_text) for as_text in (False, True)):
                    if self._is_marked(stamp, one.properties[name].values, other.properties[name].values):
                        return stamp
        return usual if any(_has_room(one, str(usual.path), self.from_version + 1) for one in after) else Stamp(None)

    def _is_marked(self, stamp: Stamp, before: Sequence[Json] | None, after: Sequence[Json] | None) -> bool:
        marks = [stamp.mark(version) for version in (self.from_version, self.from_version + 1)]
        return before is not None and after is not None and same([*before, *after], marks)


@dataclass(frozen=True)
class Collection:
    """The files of a collection.

    Attributes:
        name: its name.
        schemas: its schemas, by version.
        specs: the versions that its specs lead to, each with the file.
        specs_folder: the folder of its specs.
    """

    name: str
    schemas: dict[int, FilePath]
    specs: dict[int, FilePath]
    specs_folder: FilePath

    @classmethod
    def find(cls, specs: FilePath, schemas: FilePath, name: str) -> Collection:
        """The files of a collection, by their names."""
        found = {int(match[1]): file for file, match in _named(schemas / name, SCHEMA_NAME)}
        leading = {int(match[2]): file for file, match in _named(specs / name, FILE_NAME)}
        return cls(name, dict(sorted(found.items())), leading, specs / name)

    @property
    def without_spec(self) -> list[int]:
        """The versions to which no spec leads; the first one needs none."""
        return [version for version in list(self.schemas)[1:] if version not in self.specs]

    def spec_file(self, version: int) -> FilePath:
        """Where the spec that leads to a version belongs."""
        return self.specs_folder / f"v{version - 1}_to_v{version}.yaml"

    def previous(self, version: int) -> Spec | None:
        """The last of its specs that leads to a version or less.

        Raises:
            SpecError: it has faults.
        """
        earlier = [leading for leading in self.specs if leading <= version]
        if not earlier:
            return None
        file = self.specs[max(earlier)]
        spec, faults = parse_spec(file.read_text(encoding="utf-8"), str(file))
        if spec is None:
            raise SpecError(faults)
        return spec

    def schema(self, version: int) -> Schema:
        """One of its schemas.

        Raises:
            SpecError: it has faults.
        """
        schema, faults = load_schema(self.schemas[version], str(self.schemas[version]))
        if schema is None:
            raise SpecError(faults)
        return schema


def find_gap(specs: FilePath, schemas: FilePath, name: str) -> Gap | None:
    """The newest version step of a collection that has no spec; ``None`` where each has one.

    Args:
        specs: the folder of specs.
        schemas: the folder of schemas.
        name: the collection.

    Raises:
        SpecError: it has no schema, or its files have faults.
    """
    collection = Collection.find(specs, schemas, name)
    if not collection.schemas:
        raise SpecError([_unknown(schemas, name)])
    if not collection.without_spec:
        return None
    version = collection.without_spec[-1]
    before = collection.schema(max(known for known in collection.schemas if known < version))
    file = collection.spec_file(version)
    return Gap(name, version - 1, before, collection.schema(version), file, collection.previous(version - 1))


def next_version(specs: FilePath, schemas: FilePath, name: str) -> int:
    """The version after all that there are: those that any spec leads to, and those of the collection's schemas."""
    leading = [int(match[2]) for folder in specs.glob("*") for _, match in _named(folder, FILE_NAME)]
    return max([*leading, *Collection.find(specs, schemas, name).schemas], default=0) + 1


def _has_room(one: Alternative, name: str, version: int) -> bool:
    """Whether objects may have a field of a name with a version in it."""
    return name in one.properties or not (one.closed or (one.others and not one.others.fits(version)))


def _named(folder: FilePath, pattern: re.Pattern[str]) -> Iterator[tuple[FilePath, re.Match[str]]]:
    """The files in a folder whose names match."""
    for file in sorted(folder.glob("*")):
        match = pattern.fullmatch(file.name)
        if match and file.is_file():
            yield file, match


def _unknown(schemas: FilePath, name: str) -> Fault:
    """What to say of a collection without a schema."""
    known = sorted(folder.name for folder in schemas.glob("*") if any(_named(folder, SCHEMA_NAME)))
    if not known:
        found, expected = f"no schema was found in {schemas}", "<collection>/vN.json was expected"
        remedy = "write the JSON Schema of each version, or `--from-model module:Class`"
        return Fault(found, expected, remedy, None, "schema-missing")
    remedy = did_you_mean(name, known) or f"write {schemas / name}/v1.json, or `--from-model module:Class`"
    return Fault(
        f"no schema of the collection {name!r} was found",
        f"{'one of ' if len(known) > 1 else ''}{', '.join(known)} was expected",
        remedy,
        None,
        "unknown-collection",
    )


def nothing_to_do(specs: FilePath, schemas: FilePath, name: str) -> Fault:
    """What to say of a collection of which each schema has its spec."""
    collection = Collection.find(specs, schemas, name)
    newest = max(collection.schemas)
    file, remedy = collection.schemas[newest], f"write {schemas / name / f'v{newest + 1}.json'} first"
    if newest in collection.specs:
        found = f"{collection.specs[newest]} was found, which leads to the newest schema, {file}"
        return Fault(found, "a newer schema was expected", remedy, None, "exists")
    return Fault(f"only {file} was found", "a second schema was expected", remedy, None, "schema-missing")
