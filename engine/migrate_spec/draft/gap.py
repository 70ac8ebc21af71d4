"""The step for which a collection has schemas but no spec yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from migrate_spec.draft.parts import Part
from migrate_spec.errors import Fault, SpecError
from migrate_spec.project import SCHEMA_NAME
from migrate_spec.schema import Schema, did_you_mean, load_schema
from migrate_spec.spec import FILE_NAME, Spec, parse_spec
from migrate_spec.stamp import Stamp

__all__ = ["Collection", "Gap", "find_gap", "next_version"]


@dataclass(frozen=True)
class Gap:
    """A version step without a spec.

    Attributes:
        collection: the collection's name.
        from_version: the version that it starts from.
        before: the schema at that version.
        after: the schema of the next one.
        file: where the spec belongs.
        previous: the spec of the collection before it, if there is one.
    """

    collection: str
    from_version: int
    before: Schema
    after: Schema
    file: Path
    previous: Spec | None = None

    @cached_property
    def stamp(self) -> Stamp:
        """Where the records carry their version: as the spec before says, or nowhere if the schema has no room."""
        if self.previous is not None:
            return self.previous.stamp
        stamp = Stamp()
        objects = Part(self.after).kinds.get("object", ())
        return stamp if any(not one.closed or str(stamp.path) in one.properties for one in objects) else Stamp(None)


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
    schemas: dict[int, Path]
    specs: dict[int, Path]
    specs_folder: Path

    @classmethod
    def find(cls, specs: Path, schemas: Path, name: str) -> Collection:
        """The files of a collection, by their names."""
        found = {int(match[1]): file for file, match in _named(schemas / name, SCHEMA_NAME)}
        leading = {int(match[2]): file for file, match in _named(specs / name, FILE_NAME)}
        return cls(name, dict(sorted(found.items())), leading, specs / name)

    @property
    def without_spec(self) -> list[int]:
        """The versions to which no spec leads; the first one needs none."""
        return [version for version in list(self.schemas)[1:] if version not in self.specs]

    def spec_file(self, version: int) -> Path:
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


def find_gap(specs: Path, schemas: Path, name: str) -> Gap:
    """The newest version step of a collection that has no spec.

    Args:
        specs: the folder of specs.
        schemas: the folder of schemas.
        name: the collection.

    Raises:
        SpecError: there is none, or its files have faults.
    """
    collection = Collection.find(specs, schemas, name)
    if not collection.schemas:
        raise SpecError([_unknown(schemas, name)])
    if not collection.without_spec:
        raise SpecError([_nothing_to_do(collection, schemas)])
    version = collection.without_spec[-1]
    before = collection.schema(max(known for known in collection.schemas if known < version))
    file = collection.spec_file(version)
    return Gap(name, version - 1, before, collection.schema(version), file, collection.previous(version - 1))


def next_version(specs: Path, schemas: Path, name: str) -> int:
    """The version after all that there are: those that any spec leads to, and those of the collection's schemas."""
    leading = [int(match[2]) for folder in specs.glob("*") for _, match in _named(folder, FILE_NAME)]
    return max([*leading, *Collection.find(specs, schemas, name).schemas], default=0) + 1


def _named(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
    """The files in a folder whose names match."""
    for file in sorted(folder.glob("*")):
        match = pattern.fullmatch(file.name)
        if match and file.is_file():
            yield file, match


def _unknown(schemas: Path, name: str) -> Fault:
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


def _nothing_to_do(collection: Collection, schemas: Path) -> Fault:
    newest = max(collection.schemas)
    file = collection.schemas[newest]
    remedy = f"write {schemas / collection.name / f'v{newest + 1}.json'} first"
    if newest in collection.specs:
        found = f"{collection.specs[newest]} was found, which leads to the newest schema {file}"
        return Fault(found, "a newer schema was expected", remedy, None, "exists")
    return Fault(f"only {file} was found", "a second schema was expected", remedy, None, "schema-missing")
