"""What became of a collection in a run, gathered from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migrate_spec.backup import Contents
from migrate_spec.compiler import Route
from migrate_spec.digest import joined
from migrate_spec.errors import RecordRejected, Rejection
from migrate_spec.ranges import SHOWN_REJECTIONS, Part

__all__ = ["Carried", "check_rejections"]


@dataclass
class Carried:
    """What became of one collection.

    Attributes:
        route: the way its records went.
        scanned: how many there are.
        migrated: how many were written anew.
        changed_by: for each step of the route, how many it changed.
        before: what the frozen copy held.
        files: the staged files.
        rejections: the first rejected records.
        rejected: how many in all.
    """

    route: Route
    scanned: int = 0
    migrated: int = 0
    changed_by: Sequence[int] = ()
    before: Contents = Contents("", 0, "")  # noqa: RUF009 - it cannot be altered
    files: list[Path] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rejected: int = 0

    @property
    def collection(self) -> str:
        """The collection's name."""
        return self.route.collection

    def reject(self, rejection: Rejection) -> None:
        """Note a record that is rejected."""
        self.rejected += 1
        if len(self.rejections) < SHOWN_REJECTIONS:
            self.rejections.append(rejection)

    @property
    def unchanged(self) -> int:
        """How many records stay as they are."""
        return self.scanned - self.migrated - self.rejected

    @classmethod
    def of_parts(cls, route: Route, parts: Sequence[Part]) -> Carried:
        """What became of a collection whose records were carried in parts."""
        # A part without records may begin where the next one does, and no record tells a digest where it ends.
        parts = sorted((part for part in parts if part.scanned), key=lambda part: part.start) or parts[:1]
        changed_by = [sum(counts) for counts in zip(*(part.changed_by for part in parts), strict=True)]
        found = cls(route, sum(part.scanned for part in parts), sum(part.migrated for part in parts), changed_by)
        digests, starts = [part.digest for part in parts], [part.start.hex() for part in parts[1:]]
        digest = joined(digests) if all(digests) else ""
        found.before = Contents(
            route.key_prefix.decode(), found.scanned, digest, starts if digest else [], route.column_family
        )
        found.files = [file for part in parts for file in part.files]
        found.rejected = sum(part.rejected for part in parts)
        found.rejections = [one for part in parts for one in part.rejections][:SHOWN_REJECTIONS]
        return found


def check_rejections(results: Sequence[Carried], database: Path) -> None:
    """See that no record was rejected.

    Raises:
        RecordRejected: some were; it names them, up to a bound.
    """
    count = sum(result.rejected for result in results)
    if count:
        shown = sorted((one for result in results for one in result.rejections), key=lambda one: one.key)
        raise RecordRejected(shown[:SHOWN_REJECTIONS], count, where=str(database))
