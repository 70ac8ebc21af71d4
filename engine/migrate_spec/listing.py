"""The list of rejected records of one run: put together, and brought to its place once the run is done."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from migrate_spec.carried import Carried, check_rejections
from migrate_spec.errors import RecordRejected
from migrate_spec.rejected import bring, check_place, check_room, default_place, gather, put, staged_name
from migrate_spec.rejects import Choice
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["Listing", "listed_in"]


def listed_in(results: Sequence[Carried]) -> list[Path]:
    """The parts of the list of rejected records."""
    return [file for result in results for file in result.listed]


class Listing:
    """The list of one run."""

    def __init__(self, choice: Choice, database: Path, folder: Path, started_at: str) -> None:
        """Take what the user wants, the database, the folder for staged files, and when the run began.

        Raises:
            DatabaseReadOnly: the list cannot be put where the user wants it.
        """
        if choice.file is not None:
            check_place(choice.file)
        self._choice = choice
        self._database = database
        self._folder = folder
        self._started_at = started_at
        self._staged = folder / staged_name(started_at)

    @property
    def folder(self) -> Path | None:
        """Where its parts are written, if it is wanted at all."""
        return self._folder if self._choice.quarantines or self._choice.file is not None else None

    def complete(self, results: Sequence[Carried]) -> str | None:
        """Put it together; the file where it will be, once the run is done.

        Raises:
            RecordRejected: the records stop the run; the list is where the user wants it.
            DatabaseError: it cannot be written.
        """
        parts, target = listed_in(results), self._choice.file or default_place(self._database, self._started_at)
        if parts:
            with SpeakingOf(self._database):
                gather(parts, self._staged, self._database)
        try:
            check_rejections(results, self._database, quarantines=self._choice.quarantines)
        except RecordRejected:
            if parts and self._choice.file is not None:
                with SpeakingOf(target):
                    put(self._staged, target)
            raise
        if not parts:
            return None
        with SpeakingOf(target):
            check_room(self._staged, target)
        return str(target)

    def bring(self, listed: str) -> str:
        """Move it to its place, now that the run is done; the file where it is."""
        with suppress(OSError):  # the next run does it
            return str(bring(self._staged, Path(listed), self._database, self._started_at))
        return listed
