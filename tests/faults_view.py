"""What the tests of faults see in a folder with a database, and what may be there where a command was cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrate_spec.codec import unpacker
from migrate_spec.stores.rocks_folder import is_typed
from tests import families_support as families
from tests import faults_starts as starts
from tests import test_typed_store as typed
from tests.conftest import HISTORY, VERSION
from tests.in_place_support import MARK

NAME = re.compile(r"(_backup_|\.rejected-)\d{8}_\d{6}(_\d+)?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
DIGEST = re.compile(r"[0-9a-f]{32,}")
KEPT = b"_complement:"
"""What the keys begin with of what a run keeps for the way back."""

VOLATILE = {"duration_seconds", "seconds", "process", "pid", "items_per_second", "starts"}
"""What differs from run to run in a history: how long it took, by which process, and how the records were shared."""


@dataclass(frozen=True)
class View:
    """All that is there, without times and names that differ from run to run.

    Attributes:
        database: the records of each column family; what the system notes among them, too.
        backups: what each backup says of itself and holds.
        beside: all other names in the folder around the database, and in that of the backups; lists with their lines,
            other databases with what they hold.
    """

    database: Mapping[str, Any]
    backups: list[Any]
    beside: Mapping[str, Any]


def plain(value: Any) -> Any:
    """A part of a JSON document without what differs from run to run."""
    if isinstance(value, dict):
        return {plain(name): plain(part) for name, part in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return plain_text(value) if isinstance(value, str) else value


def plain_text(text: str) -> str:
    """A text without what differs from run to run."""
    return DIGEST.sub("DIGEST", MOMENT.sub("MOMENT", NAME.sub(r"\1NAME", text)))


def contents(path: Path) -> dict[str, Any]:
    """What a database holds."""
    found: dict[str, Any] = {}
    for family, records in ({"default": as_bytes(path)} if is_typed(path) else families.dump(path)).items():
        shown = found[family] = {key: value for key, value in records.items() if not key.startswith(b"_")}
        own = [key for key in records if key.startswith(b"_") and not key.startswith(KEPT)]
        kept = [(key, value) for key, value in records.items() if key.startswith(KEPT)]
        shown[KEPT] = sorted(one for key, value in kept for one in kept_in(key, value))
        shown |= {key: plain(json.loads(records[key])) for key in own if not key.startswith(b"_backup_")}
        notes = [plain(json.loads(records[key])) for key in own if key.startswith(b"_backup_")]
        shown[b"_backup_"] = sorted(notes, key=str)
    return found


def as_bytes(path: Path) -> dict[bytes, bytes]:
    """What a database holds whose keys and values have types, also where rocksdict's own file was left half written."""
    config = '{"raw_mode":false,"prefix_extractors":{}}'
    found = {spelled(key): value for (_, key), value in typed.contents(path, config).items()}
    return {key: value if key.startswith(KEPT) else spelled(value) for key, value in found.items()}


def spelled(part: Any) -> bytes:
    """A key or value as bytes: a text as it is, any other so that it is no text."""
    return part.encode() if type(part) is str else b"\xff" + repr(part).encode()


def kept_in(key: bytes, block: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """What a block keeps of each record: where blocks end differs where a run in place has gone on."""
    head = plain_text(key.rpartition(b"/")[0].decode())
    for complement, records in unpacker(list[tuple[bytes, list[bytes]]])(block):
        for record in records:
            yield head, record, complement


def is_other(file: Path) -> bool:
    """Whether it is a database that a command has made beside its own."""
    return file.name != "db" and (file / "CURRENT").exists()


def view(home: Path) -> View:
    """All that is in a folder with a database."""
    backups = []
    beside: dict[str, Any] = {}
    for file in (home / "db.backups").glob("*"):
        if NAME.fullmatch(file.name):
            manifest = json.loads((file / "backup.json").read_text("utf-8"))
            assert manifest["name"] == file.name
            backups.append([plain(manifest), contents(file / "database")])
        else:
            beside[f"db.backups/{plain_text(file.name)}"] = None
    for file in home.iterdir():
        lines = sorted(file.read_text("utf-8").splitlines()) if file.suffix == ".jsonl" else None
        beside[plain_text(file.name)] = contents(file) if is_other(file) else lines
    return View(contents(home / "db"), sorted(backups, key=str), beside)


Pair = tuple[str, str, Mapping[bytes, bytes], Mapping[bytes, bytes]]
"""The collection and the column family of a record, it with its key before, and so afterwards."""

Middle = Callable[[View, View, View], str]
"""What is so where not all is as before or afterwards: ``middle``, ``old`` or ``new``; nothing where that is wrong."""


def never(_seen: View, _before: View, _after: View) -> str:
    """There is no middle."""
    return ""


def half_swapped(seen: View, before: View, after: View) -> str:
    """Some families are swapped in, each of them wholly, and the version says so."""
    note = seen.database["default"].get(VERSION)
    parts = [
        {key: value for key, value in one.items() if not key.startswith(b"_")}
        == {key: value for key, value in of.database[family].items() if not key.startswith(b"_")}
        for family, one in seen.database.items()
        for of in (before, after)
    ]
    is_right = isinstance(note, dict) and all(old or new for old, new in zip(parts[::2], parts[1::2], strict=True))
    return "middle" if is_right else ""


def unfinished(seen: View, before: View, after: View) -> str:
    """Only what was not finished, which has a name of its own, is there besides."""
    rest = {name: lines for name, lines in seen.beside.items() if ".unfinished-" not in name}
    return "old" if rest == before.beside else "new" if rest == after.beside else ""


def in_the_middle(seen: View, _before: View, _after: View) -> str:
    """Each record is wholly old or wholly new, the first ones of each collection new, and the mark counts them."""
    found = seen.database["default"]
    if MARK not in found or found[VERSION] != 3 or HISTORY in found:
        return ""
    records = {key: value for key, value in found.items() if not key.startswith(b"_")}
    so_far = {name: counts["migrated"] for name, counts in found[MARK]["collections"].items()}
    return "middle" if so_far == starts.IN_PLACE.behind(records) else ""


def in_order(pairs: Sequence[Pair]) -> Middle:
    """The same of records each of which becomes one other, or none."""

    def middle(seen: View, _before: View, _after: View) -> str:
        notes = seen.database["default"]
        if MARK not in notes or notes[VERSION] != 3 or HISTORY in notes:
            return ""
        behind = dict[str, list[bool]]()
        for collection, family, old, new in pairs:
            found = {key: value for key, value in seen.database[family].items() if key in old or key in new}
            if found not in (old, new):
                return ""
            if old != new:
                behind.setdefault(collection, []).append(found == new)
        counts = {name: so_far["migrated"] for name, so_far in notes[MARK]["collections"].items()}
        is_so = all(sorted(some, reverse=True) == some for some in behind.values())
        return "middle" if is_so and counts == {name: sum(some) for name, some in behind.items()} else ""

    return middle
