"""Whether a database holds what the history says that the last change of each collection left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Literal

from migrate_spec.afterwards import contents_of
from migrate_spec.backup import Contents
from migrate_spec.codec import Json
from migrate_spec.errors import SpecError
from migrate_spec.history import Entry, History, read_version
from migrate_spec.spec import overlap
from migrate_spec.store import Store

__all__ = ["Audit", "Held", "audit"]


@dataclass(frozen=True)
class Held:
    """What a collection holds, against what the last change of it left.

    Attributes:
        collection: its name.
        state: ``unchanged``; ``written``: it holds something else, as other programs wrote since; ``unknown``: the
            history does not say what the change left.
        version: which the change led to.
        since: when the change was done, RFC 3339, UTC.
        records_then, records_now: how many records there were and are; ``None`` where that is not known.
    """

    collection: str
    state: Literal["unchanged", "written", "unknown"]
    version: int
    since: str
    records_then: int | None = None
    records_now: int | None = None


@dataclass(frozen=True)
class Audit:
    """What a database holds, against its history.

    Attributes:
        version: the database's version.
        last_version: which the last change led to; ``None`` where there was none.
        collections: the collections that changes touched, by their names.
    """

    version: int
    last_version: int | None
    collections: tuple[Held, ...]

    @property
    def untouched(self) -> bool:
        """Whether all is known to be as the changes left it."""
        same_version = self.last_version in {None, self.version}
        return same_version and all(held.state == "unchanged" for held in self.collections)

    def to_json(self) -> dict[str, Json]:
        """It as JSON."""
        return asdict(self) | {"collections": [asdict(held) for held in self.collections], "untouched": self.untouched}


def audit(store: Store, history: History) -> Audit:
    """Count and digest again what stands in each collection that a change touched.

    Args:
        store: the database.
        history: of the database.

    Raises:
        MetadataInvalid: the database's version cannot be understood.
        CorruptDatabase: a part cannot be read.
    """
    done = [entry for entry in history.entries if entry.success]
    found = sorted(_compared(store, done), key=lambda held: held.collection)
    return Audit(read_version(store), done[-1].to_version if done else None, tuple(found))


def _compared(store: Store, done: list[Entry]) -> Iterator[Held]:
    seen: set[str] = set()
    restored = False
    for number, entry in reversed(list(enumerate(done))):
        for name in entry.collections.keys() - seen:
            seen.add(name)
            left = None if restored else _left(entry, name)
            if left is None or any(_may_write(later, entry, left) for later in done[number + 1 :]):
                yield Held(name, "unknown", entry.to_version, entry.fields["completed_at"])
                continue
            now = contents_of(store, left.prefix, left.starts, family=left.column_family)
            same = (now.records, now.digest) == (left.records, left.digest)
            state: Literal["unchanged", "written"] = "unchanged" if same else "written"
            yield Held(name, state, entry.to_version, entry.fields["completed_at"], left.records, now.records)
        restored |= entry.kept is not None  # the whole database, and with it what the entry does not name


def _left(entry: Entry, collection: str) -> Contents | None:
    """What a change left of a collection; ``None`` where the entry does not say that, or not as we do."""
    with suppress(TypeError, ValueError, AttributeError):
        left = Contents(**entry.collections[collection]["after"]) if "after" in entry.collections[collection] else None
        if left is not None and type(left.prefix) is type(left.digest) is str and type(left.records) is int:
            [bytes.fromhex(start) for start in left.starts]
            return left
    return None


def _may_write(later: Entry, entry: Entry, left: Contents) -> bool:
    """Whether a later run may have written records of a collection that it does not say it touched."""
    if (later.fields["started_at"], later.backup_key) == (entry.fields["started_at"], entry.backup_key):
        return False  # steps of one run: what stands after all of them is noted with the last
    try:
        specs = [spec for spec in later.specs if spec.column_family == left.column_family]
        return any(overlap(left.prefix, written) for spec in specs for written in spec.ranges)
    except SpecError:  # of a later version of this tool
        return True
