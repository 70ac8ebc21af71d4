"""What a rollback takes back, and what it finds in the backup and the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from migrate_spec.backup import Backup, Contents
from migrate_spec.codec import Json, NotADocument, plain
from migrate_spec.compiler import Route
from migrate_spec.digest import Digest
from migrate_spec.document import Refused, equal
from migrate_spec.errors import BackupError
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.history import Entry, read_version
from migrate_spec.pickled import as_json, is_pickled
from migrate_spec.spec import Spec
from migrate_spec.store import KeyRange, Store

__all__ = [
    "SHOWN_KEYS",
    "Restored",
    "Undoing",
    "both",
    "same_but_for_stamp",
    "verify",
    "verify_contents",
    "verify_version",
]

SHOWN_KEYS = 10


@dataclass(frozen=True)
class Undoing:
    """What a rollback takes back.

    Attributes:
        backup: the backup it puts back.
        entries: the steps that are in force and end with it, oldest first.
        standing: these and the steps before, which records of earlier versions went through as well.
        known: specs of the project by their checksums, with all that they name outside of themselves.
        family: the column family that it is about; ``None``: all.
        allow_pickle: whether a run was allowed to carry pickled documents over.
    """

    backup: Backup
    entries: tuple[Entry, ...]
    standing: tuple[Entry, ...]
    known: Mapping[str, Spec]
    family: str | None = None
    allow_pickle: bool = False

    @property
    def families(self) -> list[str]:
        """The column families that the steps touched, in alphabetical order."""
        touched = {_family(counts) for entry in self.entries for counts in entry.collections.values()}
        return sorted(touched | {spec.column_family for spec in self.undone})

    def within(self, family: str) -> Undoing:
        """What is taken back in one column family: no record leaves it."""
        return replace(self, family=family)

    @property
    def places(self) -> dict[str, dict[str, str]]:
        """Where each collection that the steps touched was before them, as the history says it."""
        later_first = reversed(self.entries)
        return {
            name: {part: counts[part] for part in ("prefix", "column_family") if part in counts}
            for entry in later_first
            for name, counts in entry.collections.items()
            if self.family in {None, _family(counts)}
        }

    @property
    def prefixes(self) -> dict[str, str]:
        """The key prefix that each collection which the steps touched had before them."""
        return {name: place["prefix"] for name, place in self.places.items()}

    @property
    def undone(self) -> list[Spec]:
        """The specs of the steps that are taken back."""
        specs = (spec for entry in self.entries for spec in entry.specs)
        return [spec for spec in specs if self.family in {None, spec.column_family}]

    @property
    def moves_records(self) -> bool:
        """Whether the steps did more than alter each document where it is."""
        return any(self.route(specs).moves_records for name, specs in self.specs.items() if name in self.prefixes)

    @cached_property
    def specs(self) -> dict[str, tuple[Spec, ...]]:
        """The steps in force of each collection, first to last; those that the history does not tell, as known."""
        told = [self.known.get(spec.checksum, spec) for entry in self.standing for spec in entry.specs]
        everywhere = self._grouped(told)
        return {name: specs for name, specs in everywhere.items() if self.family in {None, specs[-1].column_family}}

    def _grouped(self, told: Sequence[Spec]) -> dict[str, tuple[Spec, ...]]:
        """All specs in force by their collection, first to last."""
        versions = {spec.from_version for spec in told}
        last = self.standing[-1].to_version
        untold = [one for one in self.known.values() if one.from_version not in versions and one.to_version <= last]
        found: dict[str, list[Spec]] = {}
        for spec in sorted([*untold, *told], key=lambda spec: spec.from_version):
            found.setdefault(spec.collection, []).append(spec)
        return {name: tuple(specs) for name, specs in found.items()}

    def route(self, specs: tuple[Spec, ...]) -> Route:
        """The way that a collection's records went, with no schema to fit."""
        version = self.backup.version or 1
        unstamped = 1 if specs[-1].stamp.path is not None else version
        return Route(specs, None, self.standing[-1].to_version, 1, unstamped, version, allow_pickle=self.allow_pickle)


def _family(counts: Mapping[str, Json]) -> str:
    """The column family of a collection, from what the history says of it."""
    return str(counts.get("column_family", DEFAULT_FAMILY))


@dataclass
class Restored:
    """What putting back a collection comes to.

    Attributes:
        records: how many records differ from the backup.
        later: the first keys that were written after the migration.
        later_count: how many there are.
        after: what each collection holds when it is put back.
    """

    records: int = 0
    later: list[bytes] = field(default_factory=list)
    later_count: int = 0
    after: dict[str, Contents] = field(default_factory=dict)

    def add(self, other: Restored) -> None:
        """Take in what putting back others came to."""
        self.records += other.records
        self.later += other.later[: SHOWN_KEYS - len(self.later)]
        self.later_count += other.later_count
        self.after |= other.after

    def note_later(self, key: bytes) -> None:
        """Take note of a key that was written after the migration."""
        self.later_count += 1
        if len(self.later) < SHOWN_KEYS:
            self.later.append(key)


def verify_version(backup: Backup, frozen: Store) -> None:
    """See that a backup has the version that it had when it was made.

    Raises:
        BackupError: it has another one.
    """
    if backup.version is None:
        return
    version = read_version(frozen)
    if backup.version != version:
        raise BackupError(
            f"the version {version} was found in {backup.name}",
            f"{backup.version} was expected, as when it was made",
            "the backup was changed since",
            where=str(backup.path),
        )


def verified(undoing: Undoing, name: str, count: int, digest: Digest) -> Contents:
    """What a backup holds of a collection, which is seen to be what it was when that was made.

    Raises:
        BackupError: it is not.
    """
    verify(undoing.backup, name, count, digest)
    known = undoing.backup.collections.get(name)
    family = undoing.places[name].get("column_family", DEFAULT_FAMILY)
    return known or Contents(undoing.prefixes[name], count, digest.hexdigest(), [], family)


def verify(backup: Backup, name: str, count: int, digest: Digest) -> None:
    """See that a collection in a backup is what it was when that was made.

    Raises:
        BackupError: it is not.
    """
    contents = backup.collections.get(name)
    if contents is not None:
        verify_contents(backup, contents, f"of {name}", count, digest)


def verify_contents(backup: Backup, contents: Contents, what: str, count: int, digest: Digest) -> None:
    """See that records in a backup are what they were when that was made.

    Args:
        backup: the backup.
        contents: what they were.
        what: which records, such as ``of task``.
        count: how many there are now.
        digest: of them now.

    Raises:
        BackupError: they are others.
    """
    if (count, digest.hexdigest()) != (contents.records, contents.digest):
        raise BackupError(
            f"{count} records {what} with the digest {digest.hexdigest()[:12]}… were found in {backup.name}",
            f"{contents.records} with the digest {contents.digest[:12]}… were expected, as when it was made",
            "the backup was changed since",
            where=str(backup.path),
        )


def both(frozen: Store, live: Store, keys: KeyRange) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
    """Each key that one of two stores has, in ascending order, with its value in each."""
    olds, news = frozen.scan(keys), live.scan(keys)
    old, new = next(olds, None), next(news, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old[0] < new[0]):
            assert old is not None  # noqa: S101 - the loop goes on only while one is there
            yield old[0], old[1], None
            old = next(olds, None)
        elif old is None or new[0] < old[0]:
            yield new[0], None, new[1]
            new = next(news, None)
        else:
            yield old[0], old[1], new[1]
            old, new = next(olds, None), next(news, None)


def same_but_for_stamp(made: bytes, found: bytes, route: Route) -> bool:
    """Whether two records are the same, whatever their stamps say: a schema may ask for another one.

    Where the route carries pickled documents over, how they are pickled does not count, either.
    """
    if made == found:
        return True
    if route.allow_pickle and is_pickled(made) and is_pickled(found):
        made, found = as_json(made), as_json(found)
    try:
        one, other = (route.stamp.stamped(plain(value), 1) for value in (made, found))
    except (NotADocument, Refused, ValueError, AttributeError, TypeError):
        return False
    return equal(one, other)
