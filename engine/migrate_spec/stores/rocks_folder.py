"""The folder of a RocksDB, looked at from outside: what is in it is judged and kept before RocksDB opens it.

Nothing here opens the file ``LOCK``. To close any handle of that file would drop the lock that this same process
may hold on the database (so say the rules of POSIX locks).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from migrate_spec.errors import ForeignDatabase, NotADatabase
from migrate_spec.interrupts import deferred_interrupts
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = [
    "config_kept",
    "has_config",
    "is_typed",
    "left_half_open",
    "left_out",
    "linked",
    "options_copied",
    "refuse_unsupported",
]

# rocksdict writes this file into every folder it opens, even for reading.
_CONFIG = "rocksdict-config.json"
_MARK = f"{_CONFIG}.absent"
_SPARE = f"{_CONFIG}.spare"
_PART = f"{_CONFIG}.part"

# Not a part of the data, and written to by whoever opens the database: RocksDB makes its own beside the links.
_NOT_LINKED = ("LOCK", "LOG", _CONFIG)

# In the OPTIONS file, the name of a filter that was made through RocksDB's C interface, as every language but C++ does,
# lacks the bits it takes for a key, and without them no filter is written any more. RocksDB's own advice is 10.
_FILTER = re.compile(r"^(\s*filter_policy=(?:bloom|ribbon)filter)$", re.MULTILINE)

_OPTION = re.compile(r"^\s*(comparator|merge_operator|compaction_filter_factory|wal_dir)=(.*?)\s*$", re.MULTILINE)

_TYPED = "rocksdict"  # the comparator that rocksdict sorts typed keys by

# Options of a column family that RocksDB forgets when the code behind them is not there: what they may be, and what
# is wrong otherwise.
_SUPPORTED = {
    "comparator": (
        rf"leveldb\.BytewiseComparator|{_TYPED}",
        "its keys are sorted by the comparator {value}",
        "only keys in the order of their bytes are supported",
    ),
    "merge_operator": (
        r"nullptr|",
        "its values are put together by the merge operator {value}",
        "only values that are stored whole are supported",
    ),
    "compaction_filter_factory": (
        r"(?!.*Ttl).*",
        "its values carry the time at which they expire",
        "only values without a time to live are supported",
    ),
}
_CHECK = "check the path; nothing was created"
_REMEDY = "migrate it with the program that made it"


def refuse_unsupported(path: Path) -> None:
    """Look whether ``path`` is a RocksDB that can be worked on. Nothing is opened, changed or created.

    Raises:
        NotADatabase: there is no folder, or none with a RocksDB in it.
        ForeignDatabase: it is laid out in a way that is not supported.
        OSError: the folder cannot be read.
    """
    if not path.exists():
        raise NotADatabase("there is no such folder", "", _CHECK, where=str(path))
    if not path.is_dir():
        raise NotADatabase("it is a file", "a database is a folder", _CHECK, where=str(path))
    if not (path / "CURRENT").is_file():
        raise NotADatabase("there is no file CURRENT in it", "every RocksDB has one", _CHECK, where=str(path))
    for name, value in _OPTION.findall(_newest_options(path)):
        _refuse_option(path, name, value)


def has_config(path: Path) -> bool:
    """Whether rocksdict's own file lies in the folder."""
    return (path / _CONFIG).exists()


def left_out(path: Path) -> list[str]:
    """The table files that RocksDB's repair of a database has put aside."""
    return sorted(file.name for file in (path / "lost").glob("*.sst"))


def left_half_open(path: Path) -> bool:
    """Whether a process was killed while it opened the database; the next one that opens it for writing tidies up."""
    return (path / _MARK).exists() or (path / _SPARE).exists()


@contextmanager
def config_kept(path: Path) -> Iterator[None]:
    """A block after which rocksdict's own file in the folder is as it was before, or absent if it was absent.

    Where the process is killed in the block a mark stays, that the file was absent, and the next block removes both; or
    a spare one stays, as rocksdict empties the file before it writes it, and takes a database without one for raw.
    """
    file, mark, spare = path / _CONFIG, path / _MARK, path / _SPARE
    # Another process may be in this very block, and leave it: then neither the file nor the mark is there any more.
    marked, before = mark.exists(), _bytes_of(spare) or _bytes_of(file)
    if marked or mark.exists():
        before = None
    if before is None and path.exists():
        mark.touch()
    elif before is not None:
        _write(spare, before)
    try:
        yield
    finally:
        if before is None:
            # Not without a look: on a read-only file system even this would be an error, hiding the real one.
            for made in (file, mark):
                if made.exists():
                    made.unlink(missing_ok=True)
        elif _bytes_of(file) not in {None, before}:
            _write(file, before)
        if spare.exists():
            spare.unlink(missing_ok=True)


def _write(file: Path, content: bytes) -> None:
    """Write one of rocksdict's own files, at once and whole."""
    part = file.with_name(_PART)
    part.write_bytes(content)
    part.replace(file)


def _bytes_of(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def linked(path: Path, place: Path | None = None) -> TemporaryDirectory[str]:
    """A temporary folder of links to the files of the database: opened instead of it, it takes what is written.

    Args:
        path: the database.
        place: where the folder is made; by default where the system has its temporary files.

    Raises:
        DatabaseError: the system's folder for temporary files cannot be written; the error is about that one.
        OSError: the database's folder cannot be read, or ``place`` not be written.
    """
    files = [file for file in path.resolve().iterdir() if not file.name.startswith(_NOT_LINKED) and not file.is_dir()]

    def link(folder: Path) -> None:
        for file in files:
            (folder / file.name).symlink_to(file)

    return _temporary(link, place)


@contextmanager
def options_copied(path: Path, place: Path | None = None) -> Iterator[Path | None]:
    """A temporary folder, made as by :func:`linked`, with a copy of the newest OPTIONS file; ``None``: there is none.

    In the copy, filters that have lost their size have one again, so that new files get filters like the old ones.
    """
    options, typed = _newest_options(path), is_typed(path)
    if not options:
        yield None
        return

    def copy(folder: Path) -> None:
        if typed:  # for rocksdict to give the options its comparator
            config = _bytes_of(path / _CONFIG) if _config_says_typed(path) else None
            (folder / _CONFIG).write_bytes(config or b'{"raw_mode":false,"prefix_extractors":{}}')
        (folder / "OPTIONS-000001").write_text(_FILTER.sub(r"\1:10", options), "utf-8", "surrogateescape")

    with _temporary(copy, place) as folder:
        yield Path(folder)


class _Temporary(TemporaryDirectory[str]):
    """A folder that a Ctrl-C leaves no part of."""

    def cleanup(self) -> None:
        with deferred_interrupts():
            super().cleanup()


def _temporary(fill: Callable[[Path], None], place: Path | None) -> TemporaryDirectory[str]:
    with SpeakingOf(Path(gettempdir())) if place is None else nullcontext(), deferred_interrupts():
        folder = _Temporary(prefix="migrate-spec-", dir=place, ignore_cleanup_errors=True)
        try:
            fill(Path(folder.name))
        except BaseException:
            folder.cleanup()
            raise
    return folder


def is_typed(path: Path) -> bool:
    """Whether a database was written in rocksdict's default mode: keys and values carry a type."""
    found = re.search(r"^\s*comparator=(.*?)\s*$", _newest_options(path), re.MULTILINE)
    return found[1] == _TYPED if found else _config_says_typed(path)  # the config may be wrong


def _config_says_typed(path: Path) -> bool:
    try:
        config = json.loads((path / _CONFIG).read_bytes())
    except (FileNotFoundError, ValueError):
        return False  # rocksdict, too, takes a database without a readable one as raw
    return isinstance(config, dict) and config.get("raw_mode") is False


def _newest_options(path: Path) -> str:
    """The text of the newest OPTIONS file; empty if there is none, which RocksDB does without."""
    files = [file for file in path.iterdir() if re.fullmatch(r"OPTIONS-\d+", file.name)]
    newest = max(files, key=lambda file: int(file.name.removeprefix("OPTIONS-")), default=None)
    return newest.read_text("utf-8", "surrogateescape") if newest else ""


def _refuse_option(path: Path, name: str, value: str) -> None:
    if name == "wal_dir":
        if value and Path(value).resolve() != path.resolve():
            found, expected = f"its write-ahead log lies elsewhere ({value})", "only one within the folder is supported"
            raise ForeignDatabase(found, expected, _REMEDY, where=str(path))
        return
    allowed, found, expected = _SUPPORTED[name]
    if not re.fullmatch(allowed, value):
        raise ForeignDatabase(found.format(value=value), expected, _REMEDY, where=str(path))
