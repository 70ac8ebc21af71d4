"""The steps change documents, and the schema stays the same."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_spec.errors import Fault
from migrate_spec.lints.scene import Story
from migrate_spec.meaning import meaning
from migrate_spec.path import Path
from migrate_spec.schema import Schema

__all__ = ["check"]


def check(story: Story) -> Iterator[Fault]:
    """Two schemas that differ in no more than remarks and the version that records carry."""
    migration = story.migration
    spec, before, after = migration.spec, migration.schema_before, migration.schema_after
    if spec.steps and _unstamped(before, spec.stamp.path) == _unstamped(after, spec.stamp.path):
        found = (
            f"a schema of version {spec.to_version} that says what that of version {spec.from_version} does was found"
        )
        yield Fault(found, "another one was expected, as the steps change documents", "", spec.place("steps"))


def _unstamped(schema: Schema, stamp: Path | None) -> object:
    """What a schema says, without the version."""
    content = meaning(schema.content)
    if stamp is None or len(stamp.segments) != 1 or type(content.get("properties")) is not dict:
        return content
    name = str(stamp)
    return content | {"properties": {key: part for key, part in content["properties"].items() if key != name}}
