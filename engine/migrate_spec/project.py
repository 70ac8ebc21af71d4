"""A project: its specs and schemas, read and checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from migrate_spec.compiler import Route, Transform
from migrate_spec.errors import Fault, MigrationPathMissing, Place, SpecError
from migrate_spec.examples import example_faults
from migrate_spec.migration import Migration, carried
from migrate_spec.registry import MigrationRegistry
from migrate_spec.schema import Schema, load_schema
from migrate_spec.spec import FILE_NAME, Spec, overlap, parse_spec

__all__ = ["Project", "load"]

SCHEMA_NAME = re.compile(r"v([1-9][0-9]{0,9})\.json")

Schemas = Mapping[str, Mapping[int, Schema]]


@dataclass(frozen=True)
class Project:
    """Specs and schemas that belong together and were found to be without fault.

    Attributes:
        registry: the migrations.
    """

    registry: MigrationRegistry

    def __getstate__(self) -> dict[str, Any]:
        return {"registry": self.registry}

    @property
    def version(self) -> int:
        """The newest version the specs lead to."""
        return self.registry.latest

    @cached_property
    def _upgrades(self) -> dict[str, Transform]:
        return {}

    def route(self, collection: str, target: int, database_version: int = 1) -> Route:
        """The way of a collection's records, whatever their own version, to ``target``.

        Args:
            collection: its name.
            target: the database's version at the end of the way.
            database_version: the version of records that cannot carry a stamp.

        Raises:
            MigrationPathMissing: the collection has no spec that leads to ``target`` or less.
        """
        migrations = self.registry.of(collection, target)
        if not migrations:
            known = ", ".join(self.registry.collections) or "none"
            raise MigrationPathMissing(
                f"no spec of the collection {collection!r} was found", f"one of {known} was expected"
            )
        last = migrations[-1]
        return Route(
            tuple(migration.spec for migration in migrations),
            last.schema_after,
            target,
            self.registry.earliest,
            1 if last.spec.stamp.path is not None else database_version,
            database_version,
        )

    def upgrade(self, collection: str, value: bytes) -> bytes:
        """One record, from whatever version it has to the newest.

        Returns:
            Its new bytes; the same object where it stays as it is.

        Raises:
            RecordRejected: it cannot be carried over.
            MigrationPathMissing: there is no such collection.
        """
        if collection not in self._upgrades:
            self._upgrades[collection] = Transform(self.route(collection, self.version))
        return carried(b"", value, self._upgrades[collection])


def load(specs: str | Path = "specs", schemas: str | Path = "schemas", *, hooks: bool = True) -> Project:
    """Read and check all specs and schemas of a project.

    Args:
        specs: the folder with ``<collection>/vN_to_vM.yaml``; its hooks lie beside it, in a folder ``hooks``.
        schemas: the folder with ``<collection>/vN.json``.
        hooks: whether specs may name hooks. Naming one runs its module, so say no to specs that you do not trust.

    Raises:
        SpecError: something is wrong; it has all faults of all files, sorted.
    """
    faults: list[Fault] = []
    starts: set[int] = set()
    read_specs = list(_read_specs(Path(specs), starts, faults))
    read_schemas = _read_schemas(Path(schemas), faults)
    faults += _collection_faults(read_specs)
    faults += _step_faults(read_specs, starts)
    hooks_folder = Path(specs).resolve().parent / "hooks" if hooks else None
    migrations = list(_migrations(read_specs, read_schemas, Path(schemas), hooks_folder, faults))
    if not read_specs and not faults:
        faults.append(
            Fault(
                "no spec was found", "<collection>/vN_to_vM.yaml was expected", "", Place(str(specs)), "specs-missing"
            )
        )
    if faults:
        raise SpecError(list(dict.fromkeys(faults)))
    for migration in migrations:
        faults += example_faults(migration)
    if faults:
        raise SpecError(faults)
    return Project(MigrationRegistry(migrations))


def _read_specs(folder: Path, starts: set[int], faults: list[Fault]) -> Iterator[Spec]:
    """The specs without fault; ``starts`` is given the versions that all files start from by their names."""
    if not folder.is_dir():
        faults.append(
            Fault(
                "no such folder was found",
                "a folder with <collection>/vN_to_vM.yaml was expected",
                "`migrate-spec init` makes one, --specs names another",
                Place(str(folder)),
                "specs-missing",
            )
        )
        return
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not _hidden(path, folder)):
        if file.suffix not in {".yaml", ".yml"}:
            continue
        name = FILE_NAME.fullmatch(file.name)
        if name is None or file.parent.parent != folder:
            faults.append(_misplaced(file, "<collection>/vN_to_vM.yaml"))
            continue
        starts.add(int(name[1]))
        text = _text(file, faults)
        if text is not None:
            spec, found = parse_spec(text, str(file))
            faults += found
            if spec is not None:
                faults += _name_faults(spec, file, int(name[1]), int(name[2]))
                yield spec


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _misplaced(file: Path, pattern: str) -> Fault:
    found, remedy = f"a file called {file.name} was found here", "rename or move it"
    return Fault(found, f"{pattern} was expected", remedy, Place(str(file)), "file-name")


def _text(file: Path, faults: list[Fault]) -> str | None:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        place = Place(str(file), before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        found = f"the byte 0x{error.object[error.start]:02x} was found"
        faults.append(Fault(found, "UTF-8 text was expected", "save the file as UTF-8", place, "not-utf-8"))
    except OSError as error:
        faults.append(Fault(f"{error.strerror}", "a readable file was expected", "", Place(str(file)), "unreadable"))
    return None


def _name_faults(spec: Spec, file: Path, from_version: int, to_version: int) -> Iterator[Fault]:
    pairs: tuple[tuple[str, object, object], ...] = (
        ("collection", spec.collection, file.parent.name),
        ("from", spec.from_version, from_version),
        ("to", spec.to_version, to_version),
    )
    for key, found, expected in pairs:
        if found != expected:
            yield Fault(
                f"{key}: {found} was found",
                f"{key}: {expected} was expected, as the file is {file.parent.name}/{file.name}",
                "rename the file or mend the key",
                spec.place(key),
                "name-disagrees",
            )


def _collection_faults(specs: list[Spec]) -> Iterator[Fault]:
    """What must agree between the specs of a collection, and be apart between two collections."""
    ordered = sorted(specs, key=lambda spec: (spec.collection, spec.from_version))
    for earlier, spec in pairwise(ordered):
        if spec.collection == earlier.collection:
            yield from _differences(earlier, spec)
    seen: dict[tuple[str, str], Spec] = {}
    for spec in ordered:
        yield from _overlaps(f"the prefix {spec.prefix!r} was found", spec.prefix, spec, seen, "prefix")
        seen.setdefault((spec.collection, spec.prefix), spec)
    for spec in ordered:
        head = spec.head_after
        if head != spec.prefix:
            yield from _overlaps(f"keys that begin with {head!r} were found", head, spec, seen, "records")


def _differences(earlier: Spec, spec: Spec) -> Iterator[Fault]:
    """What a spec says otherwise than the one before it leaves it."""
    rekeyed = earlier.head_after != earlier.prefix
    fits = earlier.head_after.startswith(spec.prefix) if rekeyed else spec.prefix == earlier.prefix
    for key, found, expected, agrees in (
        ("prefix", spec.prefix, earlier.head_after, fits),
        ("stamp", spec.stamp.to_json(), earlier.stamp.to_json(), spec.stamp == earlier.stamp),
        ("column_family", spec.column_family, earlier.column_family, spec.column_family == earlier.column_family),
        ("encoding", spec.encoding, earlier.encoding_after, spec.encoding == earlier.encoding_after),
    ):
        if not agrees:
            words = f"{key}: {expected!r} was expected, as in {earlier.place(key)}"
            yield Fault(f"{key}: {found!r} was found", words, "", spec.place(key), f"{key.replace('_', '-')}-differs")


def _overlaps(found: str, begin: str, spec: Spec, seen: Mapping[tuple[str, str], Spec], part: str) -> Iterator[Fault]:
    """The other collections whose keys can begin with ``begin``, too."""
    for (collection, prefix), other in seen.items():
        together = collection != spec.collection and other.column_family == spec.column_family
        if together and overlap(begin, prefix):
            yield Fault(
                found,
                f"keys apart from {prefix!r} of {other.place('prefix')} were expected",
                "no record may belong to two collections",
                spec.place(part),
                "prefixes-overlap",
            )


def _step_faults(specs: list[Spec], starts: set[int]) -> Iterator[Fault]:
    """One spec for each step and collection, and no gap on the way; a file with faults leaves no gap."""
    seen: dict[tuple[str, int], Spec] = {}
    for spec in specs:
        step = (spec.collection, spec.from_version)
        earlier = seen.setdefault(step, spec)
        if earlier is not spec:
            yield Fault(
                f"a second spec for {spec.name} was found",
                f"one was expected (the other is {earlier.place().file})",
                "put all steps into one file",
                spec.place(),
                "duplicate-step",
            )
    for before, after in pairwise(sorted({spec.from_version for spec in specs} | starts)):
        behind = next((spec for spec in specs if spec.from_version == after), None)
        if after != before + 1 and behind is not None:
            gap = f"v{before + 1}→v{after}" if after == before + 2 else f"each step from v{before + 1} to v{after}"
            yield Fault(
                f"a spec for v{after}→v{after + 1} was found",
                f"one for {gap} was expected before it, as another leads to version {before + 1}",
                "a step may have no operations: write `steps: []` where only the version is raised",
                behind.place("from"),
                "gap",
            )


def _read_schemas(folder: Path, faults: list[Fault]) -> Schemas:
    found: dict[str, dict[int, Schema]] = {}
    for file in sorted(folder.glob("*/*.json")):
        name = SCHEMA_NAME.fullmatch(file.name)
        if name is None:
            faults.append(_misplaced(file, "<collection>/vN.json"))
            continue
        schema, wrong = load_schema(file, str(file))
        faults += wrong
        if schema is not None:
            found.setdefault(file.parent.name, {})[int(name[1])] = schema
    return found


def _migrations(
    specs: list[Spec], schemas: Schemas, folder: Path, hooks: Path | None, faults: list[Fault]
) -> Iterator[Migration]:
    for spec in specs:
        known = schemas.get(spec.collection, {})
        before = max((version for version in known if version <= spec.from_version), default=None)
        for key, version, present in (
            ("from", 1, before is not None),
            ("to", spec.to_version, spec.to_version in known),
        ):
            file = folder / spec.collection / f"v{version if key == 'to' else spec.from_version}.json"
            if not present and not file.exists():  # one that exists and is wrong is a fault already
                faults.append(
                    Fault(
                        f"no schema {file} was found",
                        f"one was expected, as this spec {'leads to' if key == 'to' else 'starts from'} that version",
                        "write the JSON Schema of its documents"
                        + ("" if key == "to" else ", or of an earlier version"),
                        spec.place(key),
                        "schema-missing",
                    )
                )
        if before is not None and spec.to_version in known:
            bound, wrong = spec.bound(known[before], known[spec.to_version], hooks)
            faults += wrong
            yield Migration(bound, known[before], known[spec.to_version])
