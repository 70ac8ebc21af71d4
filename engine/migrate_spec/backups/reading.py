"""Reading a backup, or what is to become one, from its first record to its last."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_spec.digest import Tally
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.store import KeyRange, Store

__all__ = ["read_through"]

RECORDS_A_CHUNK = 1000


def read_through(frozen: Store, tallies: Sequence[Tally], work: str, on_progress: OnProgress | None) -> None:
    """Read every record once: what the tallies do not count, too.

    Args:
        frozen: the database.
        tallies: are given every record.
        work: what progress calls it.
        on_progress: is told of every record.

    Raises:
        CorruptDatabase: a part of it cannot be read.
    """
    tracker = Tracker(on_progress, sum(frozen.family(name).size(KeyRange()).records for name in frozen.families))
    for family in frozen.families:
        within = [tally for tally in tallies if tally.column_family == family]
        for chunk in frozen.family(family).chunks(KeyRange(), RECORDS_A_CHUNK):
            for tally in within:
                tally.add(chunk)
            tracker.advance(work, len(chunk))
    tracker.finish()
