"""What can be seen of a database, as the model test compares it with the model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests import families_support as families
from tests.conftest import HISTORY, VERSION
from tests.in_place_support import MARK
from tests.model_kept import Document
from tests.model_state import Records
from tests.model_steps import collection_of

QUARANTINE = b"_quarantine"


@dataclass(frozen=True)
class Seen:
    """What a database holds.

    Attributes:
        version: of it; none where it is between two.
        way: the history.
        notes: the names of the backups that it knows.
        begun: whether it is in the middle of a run in place.
        held: the keys of the records in quarantine.
        records: those of the collections.
        others: what belongs to no collection.
    """

    version: int | None
    way: tuple[tuple[int, int], ...]
    notes: frozenset[str]
    begun: bool
    held: frozenset[bytes]
    records: Records
    others: dict[bytes, bytes]


_LAST: dict[Path, tuple[set[tuple[str, int, int]], dict[bytes, bytes]]] = {}
"""What was found in the database that was looked at last, with the names, times and sizes of its files."""


def flat(path: Path) -> dict[bytes, bytes]:
    """All that is in a database; before keys of other column families than the default one stands the family."""
    files = {(file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in path.iterdir()}
    if _LAST.get(path, (None, {}))[0] != files:
        found = families.dump(path)
        shown = found.pop("default")
        shown |= {f"{name}/".encode() + key: value for name, some in found.items() for key, value in some.items()}
        _LAST.clear()
        _LAST[path] = files, shown
    return dict(_LAST[path][1])


def look(path: Path) -> Seen:
    """What a database holds."""
    found = flat(path)
    version = json.loads(found.pop(VERSION, b"1"))
    entries = json.loads(found.pop(HISTORY, b'{"migrations":[]}'))["migrations"]
    assert all(entry["success"] for entry in entries)
    notes = {key for key in found if key.startswith(b"_backup_")}
    marks = {key for key in found if key.startswith(QUARANTINE)}
    begun = found.pop(MARK, None) is not None
    kept = {key for key in found if key.startswith(b"_complement:")}
    own = {key: value for key, value in found.items() if collection_of(key)}
    return Seen(
        version if type(version) is int else None,
        tuple((entry["from_version"], entry["to_version"]) for entry in entries),
        frozenset(key.decode() for key in notes),
        begun,
        frozenset(map(marked, marks)),
        {key: read(value) for key, value in own.items()},
        {key: value for key, value in found.items() if key not in own.keys() | notes | marks | kept},
    )


def marked(mark: bytes) -> bytes:
    """The key of a record in quarantine, by that of its mark."""
    family, _, key = mark.removeprefix(QUARANTINE).partition(b":")
    return family.removeprefix(b"@") + b"/" + key if family else key


def read(value: bytes) -> Document | None:
    """The document that is stored."""
    try:
        found: Document = json.loads(value)
    except ValueError:
        return None
    return found
