"""What commands report: plain values, which the command line prints and a program can keep."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from migrate_spec.backup import Backup
from migrate_spec.codec import Json
from migrate_spec.freshness import Freshness
from migrate_spec.history import History
from migrate_spec.in_progress import InProgress
from migrate_spec.losses import LossCount
from migrate_spec.swap import Swap

__all__ = [
    "ApplyReport",
    "Loss",
    "RestoreReport",
    "RollbackReport",
    "SalvageReport",
    "Sample",
    "Status",
    "Verification",
]


@dataclass(frozen=True)
class ApplyReport:
    """What a run did, or what it would do.

    Attributes:
        database: the folder.
        from_version, to_version: the way; equal where nothing was to do.
        collections: for each collection touched how many records were scanned, migrated, left unchanged, and are in
            quarantine afterwards; downwards also how many come back exactly, with nothing made up.
        steps: for each version step how many records it changed.
        seconds: how long it took.
        backup: the name of the backup made before; ``None`` where none was.
        dry_run: whether it was only found out, and nothing was written.
        pruned: the names of older backups that were removed afterwards.
        rejected: the file that lists all records which were rejected; ``None`` where there is none.
        in_place: whether it was carried out in place.
        resumed: whether it went on with a run in place that had not come to its end.
        losses: what records lose; upwards only where something that was kept cannot be put back.
    """

    database: str
    from_version: int
    to_version: int
    collections: dict[str, dict[str, int]] = field(default_factory=dict)
    steps: list[dict[str, int]] = field(default_factory=list)
    seconds: float = 0.0
    backup: str | None = None
    dry_run: bool = False
    pruned: list[str] = field(default_factory=list)
    rejected: str | None = None

    @property
    def quarantined(self) -> int:
        """How many records of the collections are in quarantine afterwards."""
        return sum(counts["quarantined"] for counts in self.collections.values())

    in_place: bool = False
    resumed: bool = False
    losses: list[LossCount] = field(default_factory=list)

    def then(self, other: ApplyReport) -> ApplyReport:
        """This run and the one after it as one; where both touched a collection, the counts are those of the other."""
        return replace(
            other,
            from_version=self.from_version,
            collections=self.collections | other.collections,
            steps=[*self.steps, *other.steps],
            seconds=self.seconds + other.seconds,
            in_place=self.in_place,
            resumed=self.resumed,
            losses=[*self.losses, *other.losses],
        )


@dataclass(frozen=True)
class RollbackReport:
    """What a rollback did.

    Attributes:
        database: the folder.
        from_version, to_version: the way.
        backup: the backup that was put back.
        collections: what was put back.
        records: how many records changed.
        later_writes: how many of them had been written after the migration.
        seconds: how long it took.
    """

    database: str
    from_version: int
    to_version: int
    backup: str
    collections: list[str]
    records: int
    later_writes: int
    seconds: float = 0.0


@dataclass(frozen=True)
class RestoreReport:
    """What a restore did.

    Attributes:
        database: the folder.
        from_version, to_version: the way; of a new database the version of the backup.
        backup: the backup that was restored.
        collections: what was restored; none: everything.
        records: how many records changed; of a new database all that were counted in the backup.
        later_writes: how many of them had been written after the backup, not by a migration.
        seconds: how long it took.
    """

    database: str
    from_version: int
    to_version: int
    backup: str
    collections: list[str]
    records: int
    later_writes: int
    seconds: float = 0.0


@dataclass(frozen=True)
class Loss:
    """Where records of a damaged database are lost: all keys between two.

    Attributes:
        after: the last key before it, as a person reads it; ``None``: the beginning.
        before: the first key behind it; ``None``: the end.
        found: what is wrong there, such as ``000012.sst at offset 4096 cannot be read``.
        column_family: where.
    """

    after: str | None
    before: str | None
    found: str
    column_family: str


@dataclass(frozen=True)
class SalvageReport:
    """What could be saved of a damaged database.

    Attributes:
        database: the folder.
        new: the folder of the new database.
        records: how many records it has.
        losses: where some are lost.
        left_out: why files had to be left out as a whole, of which nobody knows which keys they had. Records in the
            new database may be older than what was in these; empty: none was.
        version: of the new database; ``None``: it is lost, and must be put there by hand.
        seconds: how long it took.
    """

    database: str
    new: str
    records: int
    losses: list[Loss]
    left_out: str
    version: int | None
    seconds: float = 0.0


@dataclass(frozen=True)
class Status:
    """Where a database stands.

    Attributes:
        current_version, target_version: where it is, and the newest version the specs lead to.
        pending: the steps between, such as ``task v1→v2``.
        history: all that was done.
        backups: all that could be put back.
        freshness: when it was read, and who may write to it.
        swap: a run that was cut off while it was swapped in; ``current_version`` is the one that it started from.
        quarantined: how many records of each collection are in quarantine.
        in_progress: the run in place that is not at its end, if there is one.
        complements: at most about how many bytes are kept of records for the way back.
    """

    current_version: int
    target_version: int
    pending: list[str]
    history: History
    backups: list[Backup]
    freshness: Freshness
    swap: Swap | None = None
    quarantined: dict[str, int] = field(default_factory=dict)
    in_progress: InProgress | None = None
    complements: int = 0

    @property
    def up_to_date(self) -> bool:
        """Whether nothing is pending."""
        is_cut_off = self.swap is not None or self.in_progress is not None
        return self.current_version == self.target_version and not is_cut_off


@dataclass(frozen=True)
class Sample:
    """One record of a database before and after."""

    key: str
    before: Json
    after: Json


@dataclass(frozen=True)
class Verification:
    """What was found when a backup was verified.

    Attributes:
        name: the backup.
        records: how many were counted when it was made.
        damage: what is wrong, in a sentence; empty where nothing is.
        verified_at: when it was found to be whole, RFC 3339, UTC.
        places: each damaged file, and block of one, that can be found.
    """

    name: str
    records: int
    damage: str
    verified_at: str | None
    places: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether it is whole."""
        return not self.damage
