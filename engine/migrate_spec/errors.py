"""Every error this package raises on purpose.

An error carries facts, not prose: where it is, what was found, what was expected and what to do about it. One
function, :meth:`Fault.__str__`, makes the sentence, so that all errors read alike::

    where: what was found, what was expected; what to do

The tree::

    MigrateSpecError
    ├── SpecError               the files are wrong: specs, schemas, settings (all faults of all files at once)
    ├── PathError               a path in a spec cannot be read
    ├── TemplateError           a template in a spec cannot be read
    ├── DatabaseError           the database is not what the work needs
    │   ├── NotADatabase        the folder holds no RocksDB
    │   ├── DatabaseLocked      another process has it open for writing
    │   ├── DatabaseReadOnly    this process may not write to it
    │   ├── DatabaseChanged     somebody wrote to it in the middle of the run
    │   ├── CorruptDatabase     a part of it cannot be read
    │   ├── ForeignDatabase     it is laid out in a way that is not supported
    │   ├── FamilyMissing       it lacks a column family that a spec names
    │   ├── HalfSwapped         a run was killed while it was swapped into several column families
    │   ├── RecordMissing       it holds no such record
    │   ├── RunInProgress       a run in place is not at its end, and must be first
    │   ├── MetadataInvalid     the version or the history kept in it cannot be understood
    │   ├── NoSpace             the disk has no room for the run
    │   ├── NotCompacted        it is migrated, but not compacted afterwards
    │   ├── SwapInDoubt         the disk failed in the very moment of the swap, and cannot be read
    │   └── UntrustedFolder     what lies beside it may be of somebody else
    ├── PlanError               there is no way from where the database is to where it should go
    │   ├── DatabaseTooNew      it is at a later version than the specs know
    │   ├── MigrationPathMissing  no spec for one of the steps
    │   └── SpecChanged         a spec that was already applied has another meaning now
    ├── RecordRejected          records that cannot be carried over, each with its key, step and reason
    │   └── TooManyRejected     more of them than may be set aside
    ├── Irreversible            a step that cannot be undone
    ├── BackupError             a backup is missing, damaged or cannot be put back
    ├── LossRefused             a downgrade would lose what it was not told to
    ├── LaterWrites             a rollback or restore would undo what was written since the migration or backup
    └── WorkerError             those who were to carry records are missing, or do not fit
        └── WorkerDied          a process ended in the middle of its work
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Literal

from migrate_spec.families import DEFAULT_FAMILY, named
from migrate_spec.losses import LossCount

__all__ = [
    "BackupError",
    "CorruptDatabase",
    "DatabaseChanged",
    "DatabaseError",
    "DatabaseLocked",
    "DatabaseReadOnly",
    "DatabaseTooNew",
    "FamilyMissing",
    "Fault",
    "ForeignDatabase",
    "HalfSwapped",
    "Holder",
    "Irreversible",
    "LaterWrites",
    "LossRefused",
    "MetadataInvalid",
    "MigrateSpecError",
    "MigrationPathMissing",
    "NoSpace",
    "NotADatabase",
    "NotCompacted",
    "PathError",
    "Place",
    "PlanError",
    "RecordMissing",
    "RecordRejected",
    "Rejection",
    "RunInProgress",
    "Severity",
    "SpecChanged",
    "SpecError",
    "SwapInDoubt",
    "TemplateError",
    "TooManyRejected",
    "UntrustedFolder",
    "WorkerDied",
    "WorkerError",
]

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a text file: lines and columns count from 1, as editors do."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, as facts.

    Attributes:
        found: what is there, as the beginning of a sentence without its full stop.
        expected: what should be there, likewise; empty where ``found`` says it all.
        remedy: what the reader can do, likewise.
        where: a place in a file, or the name of a database, key or file.
        code: a stable name for programs, in kebab-case.
        severity: how much it matters; only an ``error`` stops the work.
    """

    found: str
    expected: str = ""
    remedy: str = ""
    where: Place | str | None = None
    code: str = ""
    severity: Severity = "error"

    @property
    def sentence(self) -> str:
        """All but the place."""
        sentence = self.found
        if self.expected:
            sentence += f", {self.expected}"
        if self.remedy:
            sentence += f"; {self.remedy}"
        return sentence

    def __str__(self) -> str:
        return self.sentence if self.where is None else f"{self.where}: {self.sentence}"

    def placed(self, where: Place) -> Fault:
        """The same, at a place where it names none."""
        return self if self.where else replace(self, where=where)

    def to_json(self) -> dict[str, Any]:
        """The fault as JSON: ``code``, ``message`` and ``where`` (``file``, ``line``, ``column``, ``key``)."""
        where: dict[str, Any] = {"file": None, "line": None, "column": None, "key": None}
        if isinstance(self.where, Place):
            where |= {"file": self.where.file, "line": self.where.line, "column": self.where.column}
        elif self.where is not None:
            where["file"] = self.where
        return {"code": self.code, "message": str(self), "where": where}


class MigrateSpecError(Exception):
    """The base of all errors of this package: catch it to catch them all.

    Attributes:
        fault: what is wrong, as facts.
        details: further faults where one error reports several.
    """

    code: ClassVar[str] = "error"

    def __init__(
        self,
        found: str,
        expected: str = "",
        remedy: str = "",
        *,
        where: Place | str | None = None,
        details: Sequence[Fault] = (),
    ) -> None:
        self.fault = Fault(found, expected, remedy, where, self.code)
        self.details: tuple[Fault, ...] = tuple(details)
        super().__init__(found, expected, remedy)

    def __str__(self) -> str:
        return "\n".join([str(self.fault), *(f"  {detail}" for detail in self.details)])

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is pickled: by what it holds, as each class takes arguments of its own."""
        return _rebuilt, (type(self), self.args), self.__dict__

    def to_json(self) -> dict[str, Any]:
        """The error as JSON: ``code``, ``message``, ``where`` and ``details`` (a list of the same shape)."""
        return self.fault.to_json() | {"details": [detail.to_json() for detail in self.details]}


def _rebuilt(kind: type[MigrateSpecError], args: tuple[Any, ...]) -> MigrateSpecError:
    """An error that was pickled, before it gets back what it held."""
    return kind.__new__(kind, *args)


class SpecError(MigrateSpecError):
    """The project's files are wrong. ``faults`` has all that was found, sorted by file, line and column."""

    code = "spec-invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(faults, key=by_place))
        count = len(self.faults)
        super().__init__(
            f"{count} error{'s' if count != 1 else ''} in the specs and schemas",
            remedy="nothing was changed",
            details=self.faults,
        )

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def by_place(fault: Fault) -> tuple[str, int, int, str]:
    """What faults are sorted by: their file, line and column."""
    if isinstance(fault.where, Place):
        return (fault.where.file, fault.where.line, fault.where.column, fault.found)
    return (str(fault.where or ""), 0, 0, fault.found)


class PathError(MigrateSpecError):
    """A path in a spec cannot be read."""

    code = "path-invalid"


class TemplateError(MigrateSpecError):
    """A template in a spec cannot be read."""

    code = "template-invalid"


class DatabaseError(MigrateSpecError):
    """The database is not what the work needs. It was not changed."""

    code = "database-error"


class NotADatabase(DatabaseError):
    """The folder is missing or holds no RocksDB. Nothing was created."""

    code = "not-a-database"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a database open for writing.

    Attributes:
        pid: its number.
        command: how it was started, shortened; empty where the system does not tell.
    """

    pid: int
    command: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})" if self.command else f"process {self.pid}"

    def to_json(self) -> dict[str, Any]:
        """The process as JSON."""
        return asdict(self)


class DatabaseLocked(DatabaseError):
    """Another process has the database open for writing.

    Attributes:
        holder: that process; ``None`` where the system does not tell.
    """

    code = "database-locked"

    def __init__(
        self,
        found: str,
        expected: str = "",
        remedy: str = "",
        *,
        where: Place | str | None = None,
        holder: Holder | None = None,
    ) -> None:
        self.holder = holder
        super().__init__(found, expected, remedy, where=where)

    def to_json(self) -> dict[str, Any]:
        """The error as JSON, with its ``holder`` (``pid`` and ``command``, or null)."""
        return super().to_json() | {"holder": self.holder.to_json() if self.holder else None}


class DatabaseReadOnly(DatabaseError):
    """This process may not write to the database or beside it."""

    code = "database-read-only"


class DatabaseChanged(DatabaseError):
    """Somebody wrote to the database between the checkpoint and the swap."""

    code = "database-changed"


class CorruptDatabase(DatabaseError):
    """A part of the database cannot be read."""

    code = "database-corrupt"


class ForeignDatabase(DatabaseError):
    """The database is laid out in a way that is not supported."""

    code = "database-foreign"


class FamilyMissing(DatabaseError):
    """The database lacks a column family that a spec names."""

    code = "family-missing"


class HalfSwapped(DatabaseError):
    """A run was killed while it was swapped into several column families; the next one that writes settles it."""

    code = "database-half-swapped"


class RecordMissing(DatabaseError):
    """The database holds no such record, or no spec is about it."""

    code = "record-missing"


class RunInProgress(DatabaseError):
    """The database is in the middle of a run in place."""

    code = "run-in-progress"


class MetadataInvalid(DatabaseError):
    """The version or the history kept in the database cannot be understood."""

    code = "metadata-invalid"


class UntrustedFolder(DatabaseError):
    """What lies beside the database, where a run keeps its files, may be of somebody else."""

    code = "untrusted-folder"


class NoSpace(DatabaseError):
    """The disk has no room for the run."""

    code = "no-space"


class NotCompacted(DatabaseError):
    """The database is migrated, but could not be compacted afterwards."""

    code = "not-compacted"

    @classmethod
    def after(cls, error: DatabaseError, version: int) -> NotCompacted:
        """What an error in the compaction of a database that has just been migrated leaves."""
        return cls(
            f"{error.fault.found}; the migration to version {version} is done",
            "only the compaction was not",
            "once the cause is removed, run again with --compact",
            where=str(error.fault.where),
        )


class SwapInDoubt(DatabaseError):
    """The disk failed in the very moment of the swap: whether it is done is unknown."""

    code = "swap-in-doubt"

    @classmethod
    def after(cls, error: DatabaseError, moment: str, states: str) -> SwapInDoubt:
        """What an error in the swap has led to.

        Args:
            error: the error.
            moment: when it came, in words.
            states: what may be so now, in words.
        """
        return cls(
            f"{error.fault.found} {moment}",
            f"whether it is done could not be found out: {states}",
            "once the cause is removed, `migrate-spec status` shows which",
            where=str(error.fault.where),
        )


class PlanError(MigrateSpecError):
    """There is no way from where the database is to where it should go."""

    code = "plan-error"


class DatabaseTooNew(PlanError):
    """The database is at a later version than the specs know."""

    code = "database-too-new"


class MigrationPathMissing(PlanError):
    """No spec covers one of the steps between the database's version and the target."""

    code = "migration-path-missing"


class SpecChanged(PlanError):
    """A spec that was already applied to this database has another meaning now."""

    code = "spec-changed"


@dataclass(frozen=True)
class Rejection:
    """One record that cannot be carried over.

    Attributes:
        key: the record's key, as stored.
        step: the step that refused it, such as ``task v1→v2``; empty where it could not even be read.
        path: the place inside the document, such as ``notes[3].author``; empty for the whole document.
        fault: what was found there and expected; its ``where`` is the line of the spec that asked.
        cause: what a hook raised, where it was one.
        column_family: the part of the database that it is in.
    """

    key: bytes
    step: str
    path: str
    fault: Fault
    cause: BaseException | None = field(default=None, compare=False, repr=False)
    column_family: str = DEFAULT_FAMILY

    def __str__(self) -> str:
        parts = [show_key(self.key), named(self.column_family), self.step, self.path]
        return ", ".join(part for part in parts if part) + f": {self.fault}"

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is pickled: what a hook raised may be of any class, and leaves its process as a text."""
        cause = self.cause
        if cause is not None and not isinstance(cause, RaisedElsewhere):
            cause = RaisedElsewhere("".join(traceback.format_exception(cause)).rstrip())
        return Rejection, (self.key, self.step, self.path, self.fault, cause, self.column_family)

    def to_json(self) -> dict[str, Any]:
        """The rejection as JSON: the fault's form with ``where.key``, and ``step`` and ``path`` beside it.

        Where the record is not in the default column family, ``where.column_family`` says in which one.
        """
        shape = self.fault.to_json()
        shape["where"]["key"] = show_key(self.key)
        if named(self.column_family):
            shape["where"]["column_family"] = self.column_family
        return shape | {"message": str(self), "step": self.step, "path": self.path}


class RaisedElsewhere(Exception):
    """What was raised in another process: its traceback, as a text."""


class RecordRejected(MigrateSpecError):
    """Records cannot be carried over; the database is as it was.

    Attributes:
        rejections: each rejected record, in key order, up to a bound.
        count: how many were rejected in all.
        losses: what others would lose in the same downgrade, and nobody has accepted.
    """

    code = "record-rejected"
    losses: tuple[LossCount, ...] = ()

    def __init__(self, rejections: Sequence[Rejection], count: int, *, where: str | None = None) -> None:
        self.rejections = tuple(rejections)
        self.count = count
        super().__init__(
            f"{count} record{'s' if count != 1 else ''} cannot be migrated",
            remedy="nothing was changed; mend these records or the spec and run again",
            where=where,
        )

    def __str__(self) -> str:
        lines = [str(self.fault), *(f"  {rejection}" for rejection in self.rejections)]
        if self.count > len(self.rejections):
            lines.append(f"  … and {self.count - len(self.rejections)} more")
        if self.losses:
            lines += ["  besides, losses would be refused:", *(f"  {loss}" for loss in self.losses)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The error as JSON; ``details`` has one entry a rejection, and behind those one a loss."""
        losses = [_loss_to_json(loss) for loss in self.losses]
        return super().to_json() | {"details": [*(rejection.to_json() for rejection in self.rejections), *losses]}


class TooManyRejected(RecordRejected):
    """More records cannot be carried over than may be set aside; the database is as it was."""

    code = "too-many-rejected"

    def __init__(
        self, found: str, expected: str, rejections: Sequence[Rejection], count: int, *, where: str | None = None
    ) -> None:
        super().__init__(rejections, count, where=where)
        remedy = "nothing was changed; mend these records or the spec, or have the spec accept more"
        self.fault = Fault(found, expected, remedy, where, self.code)


class Irreversible(MigrateSpecError):
    """A step cannot be undone."""

    code = "irreversible"


class BackupError(MigrateSpecError):
    """A backup is missing, damaged or cannot be put back."""

    code = "backup-error"


class LaterWrites(MigrateSpecError):
    """A rollback or a restore would undo what was written since the migration or the backup.

    Attributes:
        keys: the keys it would undo, in key order, up to a bound.
        count: how many there are in all.
    """

    code = "later-writes"

    def __init__(
        self,
        keys: Sequence[bytes],
        count: int,
        *,
        since: str = "the migration",
        doing: str = "rolling back",
        where: str | None = None,
    ) -> None:
        self.keys = tuple(keys)
        self.count = count
        shown = ", ".join(show_key(key) for key in self.keys)
        more = f" and {count - len(self.keys)} more" if count > len(self.keys) else ""
        super().__init__(
            f"{count} record{'s were' if count != 1 else ' was'} written since {since}: {shown}{more}",
            remedy=f"{doing} would undo that; pass --yes to do it all the same",
            where=where,
        )


class LossRefused(MigrateSpecError):
    """A downgrade would lose something that it was not told to; the database is as it was.

    Attributes:
        losses: what would get lost and was not accepted.
    """

    code = "loss-refused"

    def __init__(self, losses: Sequence[LossCount], *, where: str | None = None) -> None:
        from shlex import quote  # noqa: PLC0415 - only for bad news

        self.losses = tuple(losses)
        options = [f"--accept-loss {quote(path)}" for path in self.paths]
        super().__init__(
            f"losses at {len(options)} path{'s' if len(options) != 1 else ''} that are not accepted were found",
            "none were expected",
            f"nothing was changed; {' '.join(options)} accepts these",
            where=where,
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """Where something would get lost."""
        return tuple(dict.fromkeys(loss.path for loss in self.losses))

    def __str__(self) -> str:
        return "\n".join([str(self.fault), *(f"  {loss}" for loss in self.losses)])

    def to_json(self) -> dict[str, Any]:
        """The error as JSON; ``details`` has one entry a loss."""
        return super().to_json() | {"details": [_loss_to_json(loss) for loss in self.losses]}


def _loss_to_json(loss: LossCount) -> dict[str, Any]:
    return Fault(str(loss), code=f"loss-{loss.kind}").to_json() | loss.to_json()


class WorkerError(MigrateSpecError):
    """Those who were to carry records are missing, or do not fit."""

    code = "worker-error"


class WorkerDied(WorkerError):
    """A process ended in the middle of its work. What it did for a database is undone, or was complete."""

    code = "worker-died"


_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([tnr]))")


def read_key(text: str) -> bytes:
    r"""The key that :func:`show_key` shows as a text; ``\xNN`` is a byte, whatever it was made of."""

    def meant(escape: re.Match[str]) -> str:
        byte, short, long, control = escape.groups()
        if byte:
            return bytes.fromhex(byte).decode("utf-8", "surrogateescape")
        return {"t": "\t", "n": "\n", "r": "\r"}[control] if control else chr(int(short or long, 16))

    return _ESCAPE.sub(meant, text).encode("utf-8", "surrogateescape")


def show_key(key: bytes) -> str:
    r"""A key as a person reads it: text where it is printable UTF-8, ``\xNN`` for every other byte."""
    text = key.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
