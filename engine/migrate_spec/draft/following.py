"""The schema that follows a collection's newest one, frozen from a class of a program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrate_spec.draft.gap import Collection, Gap, next_version
from migrate_spec.errors import Fault, SpecError
from migrate_spec.freeze import frozen_schema, is_unchanged
from migrate_spec.schema import Schema
from migrate_spec.stamp import Stamp

__all__ = ["Following", "following"]


@dataclass(frozen=True)
class Following:
    """The schema of a next version.

    Attributes:
        schema: it.
        file: where it belongs.
        gap: the step to it; ``None`` for the first schema of a collection.
    """

    schema: Schema
    file: Path
    gap: Gap | None


def following(specs: Path, schemas: Path, name: str, model: Any, to_version: int = 0) -> Following | None:
    """What a class has become since a collection's newest schema.

    Args:
        specs: the folder of specs.
        schemas: the folder of schemas.
        name: the collection.
        model: the class.
        to_version: the next version; 0: the one after all that the project has.

    Returns:
        ``None`` where the class says what the newest schema says.

    Raises:
        SpecError: the class cannot be frozen, or the newest schema has no spec yet.
    """
    collection = Collection.find(specs, schemas, name)
    newest = max(collection.schemas, default=0)
    previous = collection.previous(newest)
    stamp = previous.stamp if previous else Stamp()
    if newest and is_unchanged(frozen_schema(model, newest, stamp), collection.schema(newest), stamp):
        return None
    if newest in collection.without_spec:
        raise SpecError([_pending(collection, newest)])
    version = to_version or (next_version(specs, schemas, name) if newest else 1)
    if version <= newest:
        found = f"--to {version} was found"
        expected = f"a version after {newest} was expected, which is that of {collection.schemas[newest]}"
        raise SpecError([Fault(found, expected, "", None, "not-the-next-version")])
    file = schemas / name / f"v{version}.json"
    schema = Schema(frozen_schema(model, version, stamp).content, str(file))
    if not newest:
        return Following(schema, file, None)
    gap = Gap(
        name, version - 1, collection.schema(newest), schema, collection.spec_file(version), collection.previous(newest)
    )
    return Following(schema, file, gap)


def _pending(collection: Collection, version: int) -> Fault:
    found = f"{collection.schemas[version]} was found, which has no spec yet and is not what the class says"
    remedy = f"draft {collection.spec_file(version)} without --from-model, or delete that schema"
    return Fault(found, "a spec that leads to it was expected", remedy, None, "schema-pending")
