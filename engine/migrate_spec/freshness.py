"""How fresh what was read of a database is, which another process may write to meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migrate_spec.codec import Json
from migrate_spec.errors import Holder
from migrate_spec.history import timestamp
from migrate_spec.stores.lock_holders import holder_of

__all__ = ["Freshness"]


@dataclass(frozen=True)
class Freshness:
    """How fresh what was read of a database is.

    What a program has not written to its write-ahead log by then is not seen: it may write without one, or keep
    what it writes to it in memory for a while.

    Attributes:
        read_at: what was written by then is seen, RFC 3339, UTC.
        writer: who had the database open for writing; ``None`` where nobody had, as far as the system tells.
    """

    read_at: str
    writer: Holder | None

    @classmethod
    def of(cls, database: Path) -> Freshness:
        """How fresh it is, if the database in a folder is read from now on."""
        return cls(timestamp(), holder_of(database))

    def to_json(self) -> dict[str, Json]:
        """It as JSON."""
        return {"read_at": self.read_at, "writer": self.writer.to_json() if self.writer else None}
