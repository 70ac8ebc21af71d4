"""Going back where records are in quarantine, or were: their marks become what the backup holds, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from migrate_spec.compiler import Route
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.quarantine import Mark, has_marks, mark_range, marked_key, read_mark, read_marks
from migrate_spec.store import Store, stage
from migrate_spec.undoing import Undoing, both

__all__ = ["Marked", "put_marks_back", "quarantined_since"]


class Marked:
    """Which records were in quarantine when a backup was made, and which are now."""

    def __init__(self, undoing: Undoing, frozen: Store, live: Store) -> None:
        """Take what is taken back, the backup's checkpoint, and the database."""
        self._prefixes = tuple(prefix.encode() for prefix in undoing.prefixes.values())
        self._names = undoing.prefixes.keys()
        self._family = undoing.family or DEFAULT_FAMILY
        self._frozen = frozen if has_marks(frozen) else None
        self._live = live if has_marks(live) else None

    def were(self, key: bytes) -> Mark | None:
        """The mark that a record had in the backup."""
        return read_mark(self._frozen, key, self._family) if self._frozen is not None else None

    def stayed(self, key: bytes) -> bool:
        """Whether a record is in quarantine now, and so is where it was."""
        return self._live is not None and read_mark(self._live, key, self._family) is not None

    def elsewhere(self) -> Iterator[Mark]:
        """Records that were in quarantine under a key which their collection had left before."""
        for mark in read_marks(self._frozen, self._family) if self._frozen is not None else ():
            if mark.collection in self._names and not mark.key.startswith(self._prefixes):
                yield mark


def quarantined_since(version: int, route: Route) -> Route:
    """The way of a record in quarantine since the database had a version, where others have this one."""
    return replace(route, start=version, unstamped=1 if route.stamp.path is not None else version)


def put_marks_back(undoing: Undoing, frozen: Store, live: Store, place: Path) -> tuple[list[Path], list[Path]]:
    """Stage what makes the marks of the collections in one column family again what the backup holds.

    Records that were in quarantine under a key which their collection had left before are put back with them.

    Args:
        undoing: what to take back.
        frozen: the backup's checkpoint.
        live: the database.
        place: what the names of the staged files begin with.

    Returns:
        The staged files: with records, and with marks.

    Raises:
        MetadataInvalid: a mark cannot be read.
    """
    marked, family = Marked(undoing, frozen, live), undoing.family or DEFAULT_FAMILY
    homes = frozen.family(DEFAULT_FAMILY), live.family(DEFAULT_FAMILY)
    records = live.stage(place.with_name(f"{place.name}-elsewhere.sst"))
    marks = homes[1].stage(place.with_name(f"{place.name}.sst"))
    for mark in marked.elsewhere():
        stage(records, mark.key, frozen.get(mark.key))
    keys = mark_range(family)
    for where, old, new in both(*homes, keys):
        found = read_mark(frozen if old is not None else live, marked_key(where, family), family)
        if old != new and found is not None and found.collection in undoing.prefixes:
            stage(marks, where, old)
    return [path for path in (records.finish(),) if path], [path for path in (marks.finish(),) if path]
