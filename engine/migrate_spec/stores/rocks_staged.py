"""A staged file of a RocksDB: a table file (SST) beside the database, written in ascending order of its keys."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, Protocol

from migrate_spec.store import Record, StagedFile
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["RocksStagedFile"]


class Writer(Protocol):
    """What is used of rocksdict's ``SstFileWriter``, which only one module may import."""

    def __setitem__(self, key: bytes, value: bytes, /) -> None:
        """Add a value."""

    def __delitem__(self, key: bytes, /) -> None:
        """Add a tombstone."""

    def file_size(self) -> int:
        """The bytes written so far."""

    def finish(self) -> None:
        """Write the file to its end."""


class RocksStagedFile(StagedFile):
    """A staged file under way, written to ``path`` by ``writer``. A failure removes it."""

    def __init__(self, path: Path, writer: Writer, errors: SpeakingOf) -> None:
        self._path = path
        self._writer = writer
        self._errors = errors

    def put(self, key: bytes, value: bytes) -> None:
        """Stage a new value for ``key``.

        Raises:
            ValueError: ``key`` does not come after the one before it.
            NoSpace: the disk is full.
        """
        try:
            self._writer[key] = value
        except Exception as error:  # noqa: BLE001  # rocksdict raises nothing narrower
            self._give_up(error)

    def put_all(self, records: Iterable[Record]) -> None:
        """Stage many new values; raises what :meth:`put` raises."""
        writer = self._writer
        try:
            for key, value in records:
                writer[key] = value
        except Exception as error:  # noqa: BLE001  # rocksdict raises nothing narrower
            del writer  # or its file would keep its room
            self._give_up(error)

    def delete(self, key: bytes) -> None:
        """Stage the removal of ``key``; raises what :meth:`put` raises."""
        try:
            del self._writer[key]
        except Exception as error:  # noqa: BLE001  # rocksdict raises nothing narrower
            self._give_up(error)

    def size(self) -> int:
        """About how many bytes the file has so far."""
        return self._writer.file_size()

    def finish(self) -> Path | None:
        """Complete the file and return its path, or ``None`` where nothing was staged (then there is no file).

        Raises:
            NoSpace: the disk is full.
        """
        try:
            self._writer.finish()
        except Exception as error:  # noqa: BLE001  # rocksdict raises nothing narrower
            if "no entries" not in str(error):
                self._give_up(error)
            with self._errors:
                self._remove()
            return None
        del self._writer
        return self._path

    def _give_up(self, error: Exception) -> NoReturn:
        with suppress(OSError):  # what it is about is told; the next run clears up
            self._remove()
        if "strict ascending order" in str(error):
            raise ValueError(f"{self._path}: keys must be staged in strictly ascending order") from error
        with self._errors:
            raise error

    def _remove(self) -> None:
        # The writer first: while it lives, the room of the file is not given back.
        del self._writer
        self._path.unlink(missing_ok=True)
