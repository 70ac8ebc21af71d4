"""What is odd about the files of a project as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from migrate_spec.allowing import allowed
from migrate_spec.errors import Fault, Place
from migrate_spec.findings import FINDINGS
from migrate_spec.migration import Migration
from migrate_spec.project import SCHEMA_NAME
from migrate_spec.registry import MigrationRegistry
from migrate_spec.releases import changed

__all__ = ["project_findings"]


def project_findings(registry: MigrationRegistry, specs: Path, schemas: Path) -> Iterator[Fault]:
    """Schemas that no spec leads to, and what changed although it is released; nothing that a spec allows.

    Args:
        registry: the migrations of a project without fault.
        specs: the folder that the specs are from.
        schemas: the folder of schemas.

    Raises:
        SpecError: the file of what is released cannot be read.
    """
    for fault in (*_without_spec(registry, specs, schemas), *changed(registry, specs, schemas)):
        if not any(allowed(migration.spec, fault) for migration in registry if _concerns(migration, fault)):
            yield replace(fault, severity=FINDINGS[fault.code].severity)


def _without_spec(registry: MigrationRegistry, specs: Path, schemas: Path) -> Iterator[Fault]:
    """Each schema that is neither the first of its collection nor led to by a spec."""
    led = {(migration.collection, migration.to_version) for migration in registry}
    found: dict[str, dict[int, Path]] = {}
    for file in schemas.glob("*/*.json"):
        name = SCHEMA_NAME.fullmatch(file.name)
        if name is not None:
            found.setdefault(file.parent.name, {})[int(name[1])] = file
    for collection, versions in sorted(found.items()):
        for version in sorted(versions)[1:]:
            if (collection, version) not in led:
                spec = specs / collection / f"v{version - 1}_to_v{version}.yaml"
                yield Fault(
                    "a schema that no spec leads to was found",
                    f"the spec {spec} was expected",
                    f"`migrate-spec new {collection}` drafts it",
                    Place(str(versions[version])),
                    "schema-without-spec",
                )


def _concerns(migration: Migration, fault: Fault) -> bool:
    """Whether a file is the spec of a migration, or one of its schemas."""
    files = {migration.spec.place().file, migration.schema_before.file, migration.schema_after.file}
    return isinstance(fault.where, Place) and fault.where.file in files
