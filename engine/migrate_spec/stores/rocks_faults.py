"""What RocksDB and the operating system say, and what it means to whoever runs the work.

rocksdict raises a bare ``Exception`` with RocksDB's text for every failure, and an ``OSError`` without an ``errno``
for a failure of its own, so the text is all there is to go by.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from migrate_spec.errors import (
    CorruptDatabase,
    DatabaseError,
    DatabaseReadOnly,
    ForeignDatabase,
    Holder,
    NoSpace,
)
from migrate_spec.stores.lock_holders import locked

__all__ = ["SpeakingOf", "is_missing_file", "meaning_of"]


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a text that matches ``pattern`` means; ``{place}`` is the file it names and ``{text}`` the text itself."""

    pattern: str
    kind: type[DatabaseError]
    found: str
    expected: str
    remedy: str


# The first that matches counts.
_MEANINGS = (
    _Meaning(
        "No space left on device|Disk quota exceeded",
        NoSpace,
        "the disk is full",
        "the work needs more room",
        "make room and run again",
    ),
    _Meaning(
        "Read-only file system",
        DatabaseReadOnly,
        "the file system is read-only",
        "the work has to write there",
        "mount it for writing or work on a copy of the database",
    ),
    _Meaning(
        "Permission denied|Operation not permitted",
        DatabaseReadOnly,
        "the operating system denies this user access",
        "the work needs the folder and every file in it",
        "run as their owner or correct their permissions",
    ),
    _Meaning(
        "Not supported operation in (read only|secondary) mode",
        DatabaseReadOnly,
        "it was opened for reading",
        "the work has to write to it",
        "open it for writing",
    ),
    _Meaning(
        "Too many open files",
        DatabaseError,
        "this process has too many files open",
        "it must be able to open every file of the database",
        "raise the limit (ulimit -n) and run again",
    ),
    _Meaning(
        "newer version of RocksDB|[Uu]nsupported (BlockBasedTable )?format_version|future feature"
        "|[Ff]orward incompatible|VersionEdit: unknown tag|custom field not supported|unknown WriteBatch tag",
        ForeignDatabase,
        "a newer RocksDB wrote it",
        "the installed rocksdict reads older files only",
        "install a newer rocksdict",
    ),
    _Meaning(
        "Direct I/O is not supported",  # so RocksDB says of a file that it cannot open, whatever is the reason
        DatabaseError,
        "a file of it could not be opened",
        "the work needs every file of it",
        "run again",
    ),
    _Meaning(
        "Invalid argument|Not implemented",
        ForeignDatabase,
        "RocksDB does not accept it ({text})",
        "only databases with RocksDB's own defaults for keys and values are supported",
        "migrate it with the program that made it",
    ),
    _Meaning(
        "Unsupported compression method",
        ForeignDatabase,
        "it is compressed by a method that the installed RocksDB was built without",
        "Snappy, LZ4, Zstandard, zlib or bzip2 were expected",
        "compact it with the program that made it, and another method",
    ),
    _Meaning(
        r"(?s)No such file or directory.*\.staging/|\.staging/.*No such file or directory",
        DatabaseError,
        "a part of the run's staging folder is missing",
        "nobody else may change that folder",
        "run again",
    ),
    _Meaning(
        "No such file or directory: While (open|stat).*(read|size)",
        CorruptDatabase,
        "{place} is missing",
        "the database needs every file it names",
        "run again if another process is writing to it, otherwise put a backup back",
    ),
    _Meaning(
        r"\A(?!.*[Ww]hile (p?read|open a file for (sequential|random))).*Input/output error",
        DatabaseError,
        "the disk reports an error ({text})",
        "it must take what is written",
        "see what the system says about that disk, and run again once it is mended",
    ),
    _Meaning(
        "Corruption|Input/output error",
        CorruptDatabase,
        "{place} cannot be read",
        "every file must be whole",
        "put a backup back, or save what is left with `migrate-spec salvage`",
    ),
    _Meaning("", DatabaseError, "the work on it failed ({text})", "", "remove the cause and run again"),
)

_FILE = re.compile(r"[^/\s]+\.(?:sst|ldb|blob|log)\b|MANIFEST-\d+|OPTIONS-\d+|CURRENT")
_OFFSET = re.compile(r"(?:offset|Footer at) (\d+)")


class SpeakingOf:
    """A ``with`` block in which what rocksdict or the system raises becomes an error about the database ``where``.

    The new error is a :class:`~migrate_spec.errors.DatabaseError` with the old one as its cause. Errors of this
    package, and those that only a mistake in a program can cause (``TypeError``, a closed handle), pass as they are.
    A block can be entered any number of times.
    """

    __slots__ = ("_where",)

    def __init__(self, where: Path) -> None:
        self._where = str(where)

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raise what ``error`` means, if it is one of those."""
        if kind is Exception or isinstance(error, OSError):
            raise meaning_of(str(error), self._where) from error


def is_missing_file(error: Exception) -> bool:
    """Whether ``error``, of RocksDB or of Python, says that a file is not there (any more)."""
    return "No such file" in str(error)


def meaning_of(text: str, where: str) -> DatabaseError:
    """The error that a text of RocksDB or of the system means, about the database ``where``."""
    if "lock hold by current process" in text:
        return locked(Path(where), Holder(os.getpid()))
    if re.search("While lock file.*Resource temporarily unavailable", text):
        return locked(Path(where))
    meaning = next(meaning for meaning in _MEANINGS if re.search(meaning.pattern, text))
    found = meaning.found.format(place=_place(text), text=text)
    return meaning.kind(found, meaning.expected, meaning.remedy, where=where)


def _place(text: str) -> str:
    """The file that RocksDB's ``text`` names, with the offset if it has one: ``000012.sst at offset 4096``."""
    file, offset = _FILE.search(text), _OFFSET.search(text)
    name = file[0] if file else "a part of it"
    return f"{name} at offset {offset[1]}" if offset else name
