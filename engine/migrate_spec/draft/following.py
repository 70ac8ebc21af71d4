"""The step to what a class of a program says today."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrate_spec.draft.gap import Collection, Gap, find_gap, next_version
from migrate_spec.errors import Fault, SpecError
from migrate_spec.freeze import frozen_schema, is_unchanged
from migrate_spec.schema import Schema
from migrate_spec.stamp import Stamp

__all__ = ["following"]


def following(specs: Path, schemas: Path, name: str, model: Any, to_version: int = 0) -> Gap | None:
    """The step from a collection's newest schema to what a class says.

    Args:
        specs: the folder of specs.
        schemas: the folder of schemas.
        name: the collection.
        model: the class.
        to_version: the next version; 0: the one after all that the project has.

    Returns:
        Where the class says what the newest schema says, the step to that if it has no spec yet, else ``None``.

    Raises:
        SpecError: the class cannot be frozen, or the newest schema has no spec yet.
    """
    collection = Collection.find(specs, schemas, name)
    newest = max(collection.schemas, default=0)
    previous = collection.previous(newest)
    stamp = previous.stamp if previous else Stamp()
    if newest and is_unchanged(frozen_schema(model, newest, stamp), collection.schema(newest), stamp):
        return find_gap(specs, schemas, name)
    if newest in collection.without_spec:
        raise SpecError([_pending(collection, newest)])
    version = to_version or (next_version(specs, schemas, name) if newest else 1)
    if version <= newest:
        found = f"--to {version} was found"
        expected = f"a version after {newest} was expected, which is that of {collection.schemas[newest]}"
        raise SpecError([Fault(found, expected, "", None, "not-the-next-version")])
    after = Schema(frozen_schema(model, version, stamp).content, str(schemas / name / f"v{version}.json"))
    before = collection.schema(newest) if newest else None
    return Gap(name, version - 1, before, after, collection.spec_file(version), previous, is_frozen=True)


def _pending(collection: Collection, version: int) -> Fault:
    found = f"{collection.schemas[version]} was found, which has no spec yet and is not what the class says"
    remedy = f"draft {collection.spec_file(version)} without --from-model, or delete that schema"
    return Fault(found, "a spec that leads to it was expected", remedy, None, "schema-pending")
