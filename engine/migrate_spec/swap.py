"""The note that a database holds while a run is swapped into several of its column families.

RocksDB makes changes to one column family as one atomic step, but not those to several. So the version makes room for a
note of what is under way: ``{"swap": {…}}`` under ``_schema_version``. Whatever reads the version learns from the same
read that the database is between two versions; a program that knows no such note takes it for no version, and refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from migrate_spec.codec import Json, decode, encode
from migrate_spec.errors import HalfSwapped

__all__ = ["Swap", "half_swapped", "parse_swap"]

KEY = "swap"
COMMANDS = {"rollback": "rollback", "restore": "backup restore"}


@dataclass(frozen=True)
class Swap:
    """A run that is swapped in.

    Attributes:
        kind: ``apply``, ``downgrade``, ``rollback`` or ``restore``.
        from_version, to_version: its way.
        started_at: when the run began.
        files: for each column family the staged files, in order, each with its number of bytes.
    """

    kind: str
    from_version: int
    to_version: int
    started_at: str
    files: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The run for people: ``apply v1→v3``."""
        return f"{self.kind} v{self.from_version}→v{self.to_version}"

    @property
    def command(self) -> str:
        """The command that completes it, which is the one that began it."""
        return f"migrate-spec {COMMANDS.get(self.kind, 'apply')}"

    def to_json(self) -> dict[str, Json]:
        """The run as a note, and as the command line shows it."""
        return asdict(self)

    def stored(self) -> bytes:
        """What stands under the key of the version."""
        return encode({KEY: self.to_json()})


def parse_swap(value: bytes | None) -> Swap | None:
    """The run that is being swapped in, from what stands under the key of the version; ``None`` where none is."""
    if value is None or not value.startswith(b"{"):
        return None
    try:
        swap = Swap(**decode(value)[KEY])
        files = {family: {name: int(size) for name, size in files.items()} for family, files in swap.files.items()}
        return Swap(str(swap.kind), int(swap.from_version), int(swap.to_version), str(swap.started_at), files)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def half_swapped(swap: Swap, database: Path) -> HalfSwapped:
    """The error for whoever asks for the version of a database between two versions."""
    return HalfSwapped(
        f"a run that was cut off while it was swapped in was found ({swap.name}, begun {swap.started_at})",
        "a database that is wholly of one version was expected",
        f"`{swap.command}` completes it, or takes it back where records were written since, and goes on from there",
        where=str(database),
    )
