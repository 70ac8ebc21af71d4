"""Single collections of a backup: which can be restored, and what goes with their records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from migrate_spec.backup import Backup
from migrate_spec.backups.create import places_at
from migrate_spec.codec import Document, NotADocument
from migrate_spec.compiler import Route, Transform
from migrate_spec.document import Refused
from migrate_spec.errors import BackupError
from migrate_spec.history import Entry, read_history, read_version
from migrate_spec.registry import MigrationRegistry
from migrate_spec.sorter import Sorter
from migrate_spec.spec import Spec
from migrate_spec.store import KeyRange, Store

__all__ = ["Chosen", "choose_collections"]

Pair = tuple[bytes, bytes | None, bytes | None]


@dataclass(frozen=True)
class Chosen:
    """A collection to restore.

    Attributes:
        name: its name.
        prefix: what its keys begin with.
        column_family: where they are.
        specs: all steps of the collection that the project has.
        version: of the database.
        allow_pickle: whether a run was allowed to carry pickled documents over.
    """

    name: str
    prefix: str
    column_family: str
    specs: tuple[Spec, ...]
    version: int
    allow_pickle: bool = False

    @property
    def keys(self) -> KeyRange:
        """The keys of its records."""
        return KeyRange.of_prefix(self.prefix.encode())

    @contextmanager
    def following(self, folder: Path) -> Iterator[Following]:
        """What finds the entries of its indexes; it sorts them in a folder of its own in ``folder``."""
        with TemporaryDirectory(prefix="sorting-", dir=folder) as place, Sorter(Path(place)) as sorter:
            yield Following(self, sorter)

    def entries_of(self, document: Document) -> Iterator[str]:
        """The keys of the entries of a document in all indexes that there are at the version."""
        before = [spec for spec in self.specs if spec.from_version < self.version][-1:]
        after = [spec for spec in self.specs if spec.from_version >= self.version][:1]
        found = [index.key_after(document) for spec in before for index in spec.indexes.values()]
        found += [index.key_before(document) for spec in after for index in spec.indexes.values()]
        yield from (key for key in found if key is not None)


class Following:
    """The entries of indexes that go with the records of a collection."""

    def __init__(self, chosen: Chosen, sorter: Sorter) -> None:
        self._chosen = chosen
        self._sorter = sorter
        specs = chosen.specs if any(spec.indexes for spec in chosen.specs) else ()
        allow_pickle, version = chosen.allow_pickle, chosen.version
        route = Route(specs, None, specs[-1].to_version, 1, 1, version, allow_pickle=allow_pickle) if specs else None
        self._transform = Transform(route) if route else None

    def noted(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """The same pairs; of those with two values, the entries of both are noted."""
        for key, old, new in pairs:
            if self._transform is not None and old != new:
                for value in (old, new):
                    self._note(self._transform, key, value)
            yield key, old, new

    def _note(self, transform: Transform, key: bytes, value: bytes | None) -> None:
        if value is None:
            return
        with suppress(NotADocument, Refused):  # what is no document has no entries
            for entry in self._chosen.entries_of(transform.read(value)[0]):
                self._sorter.add(entry.encode(), key, None)

    def entries(self) -> Iterator[bytes]:
        """The keys of all entries that were noted, in ascending order."""
        for key, _ in self._sorter.groups():
            yield key


def choose_collections(
    backup: Backup, names: Sequence[str], frozen: Store, store: Store, registry: MigrationRegistry
) -> list[Chosen]:
    """See that collections of a backup fit into a database.

    Args:
        backup: the backup.
        names: of the collections.
        frozen: its checkpoint.
        store: the database.
        registry: the project's migrations.

    Raises:
        BackupError: one is not known, or is of another shape in the backup.
        MetadataInvalid: the version or the history of the database or the backup cannot be understood.
    """
    then, now = read_version(frozen), read_version(store)
    told = {name: (contents.prefix, contents.column_family) for name, contents in backup.collections.items()}
    known = places_at(registry, then) | told
    histories = read_history(frozen), read_history(store)
    steps = [step for history in histories for step in history.standing()]
    allow_pickle = any(history.allows_pickle for history in histories)
    chosen = []
    for name in dict.fromkeys(names):
        if name not in known:
            raise BackupError(
                f"the collection {name!r} was found",
                f"one of {', '.join(sorted(known))} was expected" if known else "the backup tells of none",
                "name the folder of specs with --specs if it is one of these",
                where=backup.name,
            )
        between = _between(name, then, now, registry, steps)
        if between:
            raise BackupError(
                f"records of {name} of version {then} were found in {backup.name}",
                f"those of version {now} have another shape since {between}",
                "restore the whole database, or go to that version first",
                where=str(store.path),
            )
        specs = tuple(migration.spec for migration in registry.of(name, registry.latest))
        chosen.append(Chosen(name, *known[name], specs, now, allow_pickle))
    return chosen


def _between(name: str, one: int, other: int, registry: MigrationRegistry, steps: Iterable[Entry]) -> str:
    """The first step between two versions that touches a collection; empty where none does."""
    versions = range(min(one, other), max(one, other))
    found = {migration.from_version for migration in registry.of(name, registry.latest)}
    found |= {step.from_version for step in steps if name in step.collections}
    return next((f"v{version}→v{version + 1}" for version in sorted(found) if version in versions), "")
