"""Repair of records in quarantine: each is repaired, carried to the database's version, checked, and swapped in."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrate_spec.backups.keeper import BackupKeeper
from migrate_spec.codec import Json, NotADocument, encode, encode_msgpack, looks_like_msgpack, read
from migrate_spec.errors import RecordMissing, RecordRejected, Rejection, show_key
from migrate_spec.families import DEFAULT_FAMILY, named
from migrate_spec.history import read_version
from migrate_spec.pickled import as_json, is_pickled, pickled
from migrate_spec.plan import make_plan
from migrate_spec.project import Project
from migrate_spec.quarantine import Mark, marked_families, read_mark, read_marks
from migrate_spec.rejected import shown_value
from migrate_spec.rejects import Repairing
from migrate_spec.staging import staging

if TYPE_CHECKING:
    from migrate_spec.fix import Fix

__all__ = ["Held", "QuarantineKeeper", "RepairReport"]


@dataclass(frozen=True)
class Held:
    """A record in quarantine.

    Attributes:
        mark: why it is there.
        value: the record; ``None`` where it was deleted since.
    """

    mark: Mark
    value: bytes | None

    def to_json(self) -> dict[str, Json]:
        """The record as the command line shows it."""
        return self.mark.to_json() | (shown_value(self.value) if self.value is not None else {})


@dataclass(frozen=True)
class RepairReport:
    """What a repair did.

    Attributes:
        database: the folder.
        version: the version that the records have now.
        repaired: how many left the quarantine.
        deleted: how many of these were deleted.
        refused: the first that could not be repaired, or carried over after that.
        refused_count: how many of these there are.
        seconds: how long it took.
        backup: the name of the backup made before; ``None`` where none was.
    """

    database: str
    version: int
    repaired: int
    deleted: int
    refused: tuple[Rejection, ...] = ()
    refused_count: int = 0
    seconds: float = 0.0
    backup: str | None = None

    def to_json(self) -> dict[str, Json]:
        """The report as the command line shows it."""
        return {**vars(self), "refused": [rejection.to_json() for rejection in self.refused]}


class QuarantineKeeper(BackupKeeper):
    """Looks after the records of one database that are in quarantine, and after its backups."""

    def __init__(self, database: str | Path | Any, project: Project) -> None:
        """Take a database and the specs for it, as :class:`~migrate_spec.manager.MigrationManager` does."""
        super().__init__(database, project.registry)
        self._project = project

    def quarantine(self, *, allow_pickle: bool = False) -> Generator[Held, None, None]:
        """The records in quarantine, in the order of their keys. Nothing is written.

        Args:
            allow_pickle: whether pickled documents are shown as JSON.

        Raises:
            MetadataInvalid: a mark cannot be read.
            DatabaseError: the database cannot be read.
        """
        with self._reading() as store:
            for family in marked_families(store):
                home = store.family(family)
                for mark in read_marks(store, family):
                    value = home.get(mark.key)
                    yield Held(mark, as_json(value) if value is not None and allow_pickle else value)

    def repair(  # noqa: PLR0913 - as many as there are ways to do it
        self,
        key: bytes,
        value: bytes | None,
        *,
        column_family: str = DEFAULT_FAMILY,
        allow_pickle: bool = False,
        backup: bool = True,
        wait: float = 0.0,
    ) -> RepairReport:
        """Put another record in the place of one in quarantine, and carry it to the database's version.

        Args:
            key: the record's key.
            value: the other record, as it is at its own version; ``None``: the record is deleted.
            column_family: the part of the database that it is in.
            allow_pickle: as for :meth:`~migrate_spec.manager.MigrationManager.apply`; what takes the place of a pickled
                document is pickled, too.
            backup: whether a backup is made before.
            wait: for how many seconds to wait for a process that has the database open for writing.

        Raises:
            RecordMissing: there is no such record in quarantine, or none any more that another could replace.
            RecordRejected: it cannot be carried over either.
            DatabaseError: the database cannot be read or written.

        Whatever is raised, the database is as it was.
        """
        with self._reading() as store:
            if read_mark(store, key, column_family) is None:
                raise _missing(key, column_family, self.path)
            if value is not None and store.family(column_family).get(key) is None:
                raise _deleted(key, column_family, self.path)
        chosen = partial(_is, key, column_family)
        repairing = Repairing(chosen, lambda _mark, old: _like(old, value, allow_pickle=allow_pickle))
        report = self._swap_repairs(repairing, allow_pickle=allow_pickle, backup=backup, wait=wait)
        if report.refused:
            raise RecordRejected(report.refused, report.refused_count, where=str(self.path))
        if not report.repaired:
            raise RecordMissing(
                f"the record {show_key(key)} was found, of a collection that no spec is about",
                "specs for it were expected",
                "name their folder with --specs",
                where=str(self.path),
            )
        return report

    def repair_by(
        self,
        fix: Fix,
        key: bytes | None = None,
        *,
        allow_pickle: bool = False,
        backup: bool = True,
        wait: float = 0.0,
    ) -> RepairReport:
        """Do the steps of a fix to the records in quarantine of its collection, and carry these on from there.

        Those that cannot be carried over after that stay as they were; the report says why.

        Args:
            fix: from :func:`migrate_spec.fix.load_fix`.
            key: the key of the only record that is meant; by default all are.
            allow_pickle: as for :meth:`~migrate_spec.manager.MigrationManager.apply`.
            backup: whether a backup is made before.
            wait: for how many seconds to wait for a process that has the database open for writing.

        Raises:
            RecordMissing: there is no such record in quarantine.
            DatabaseError: the database cannot be read or written.

        Whatever is raised, the database is as it was.
        """

        def chosen(mark: Mark) -> bool:
            return mark.collection == fix.collection and key in {None, mark.key}

        if key is not None and not any(chosen(held.mark) for held in self.quarantine()):
            raise _missing(key, DEFAULT_FAMILY, self.path)
        repairing = Repairing(chosen, lambda _mark, old: fix.repaired(old, allow_pickle=allow_pickle))
        return self._swap_repairs(repairing, allow_pickle=allow_pickle, backup=backup, wait=wait)

    def _swap_repairs(self, repairing: Repairing, *, allow_pickle: bool, backup: bool, wait: float) -> RepairReport:
        from migrate_spec.apply import Run  # noqa: PLC0415 - slow to import, and not needed to look at a database
        from migrate_spec.executors import processes  # noqa: PLC0415

        start = time.monotonic()
        with staging(partial(self._writing, wait)) as staged:
            version = read_version(staged.store)
            plan = make_plan(self._project, version, version)
            plan = plan.allowing_pickle() if allow_pickle else plan
            retaken, name = Run(staged, plan, processes(1), keeps_backup=backup).repair_all(repairing)
        refused, count = tuple(retaken.refused), retaken.refused_count
        seconds = time.monotonic() - start
        return RepairReport(str(self.path), version, retaken.left, retaken.deleted, refused, count, seconds, name)


def _is(key: bytes, column_family: str, mark: Mark) -> bool:
    return (mark.key, mark.column_family) == (key, column_family)


def _like(old: bytes, new: bytes | None, *, allow_pickle: bool) -> bytes | None:
    """A new record, in the form of an old one, without blanks between its fields; as it is where it is no JSON."""
    if new is None:
        return None
    try:
        document = read(new)[0]
        if allow_pickle and is_pickled(old):
            return pickled(encode(document), old)
        return encode_msgpack(document) if looks_like_msgpack(old) else encode(document)
    except NotADocument:
        return new


def _missing(key: bytes, column_family: str, database: Path) -> RecordMissing:
    where = f" in {named(column_family)}" if named(column_family) else ""
    return RecordMissing(
        f"no record {show_key(key)}{where} was found in quarantine",
        "the key of one that is there was expected",
        "`migrate-spec repair` lists them",
        where=str(database),
    )


def _deleted(key: bytes, column_family: str, database: Path) -> RecordMissing:
    where = f" in {named(column_family)}" if named(column_family) else ""
    return RecordMissing(
        f"the record {show_key(key)}{where} was deleted since it was set aside",
        "a record was expected that another one replaces",
        "`migrate-spec apply` takes it out of the quarantine, and your program can write it again",
        where=str(database),
    )
