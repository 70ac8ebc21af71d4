"""What records lost: what the history notes of it, and what is kept of them now for the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.complement import Complement
from migrate_spec.differences import Difference, Items, Lost, Ordered, Places
from migrate_spec.document import ABSENT
from migrate_spec.errors import show_key
from migrate_spec.history import History, new_entry, read_history, read_version
from migrate_spec.journey import path_of
from migrate_spec.kept import Block
from migrate_spec.losses import EVERYTHING, LossCount
from migrate_spec.moves import GONE, MADE, THERE, Move
from migrate_spec.store import Store

__all__ = [
    "KEPT_KINDS",
    "KeptCount",
    "KeptRun",
    "Ledger",
    "NotedLoss",
    "ledger_of",
    "older_than",
    "runs_of",
    "with_pruned",
]

KEPT_KINDS = {
    "removed": "a value was taken away",
    "changed": "another value stands there",
    "filled": "nothing was there",
    "order": "the fields had another order",
    "spelling": "it was spelled in another way",
    "key": "the record had another key",
    "deleted": "the record was deleted",
    "records": "records were made of it, or taken into it",
    "entries": "entries of indexes held something else",
}
"""In which ways a record was different before a step."""

LOST_KINDS = {"removed", "changed", "filled", "deleted"}
"""Those that are about a value, or whether there was one, or about a whole record."""


@dataclass(frozen=True)
class NotedLoss:
    """What records lost in a run that is behind, as the history notes it.

    Attributes:
        at: when the run began.
        loss: what they lost.
    """

    at: str
    loss: LossCount

    def to_json(self) -> dict[str, Json]:
        """The same as JSON."""
        return {"at": self.at} | self.loss.to_json()


@dataclass
class KeptCount:
    """What is kept of some records at one path, of one step.

    Attributes:
        collection: the collection's name.
        from_version, to_version: the step that took it.
        path: where; empty for the whole record.
        kind: in which way it was different, one of :data:`KEPT_KINDS`.
        records: of how many records.
        keys: the keys of these, where they were asked for.
    """

    collection: str
    from_version: int
    to_version: int
    path: str
    kind: str
    records: int = 0
    keys: list[str] = field(default_factory=list)

    @property
    def step(self) -> str:
        """The step's name for people: ``task v1→v2``."""
        return f"{self.collection} v{self.from_version}→v{self.to_version}"


@dataclass
class KeptRun:
    """What one run has kept of the records of one collection in one step.

    Attributes:
        collection: the collection's name.
        from_version, to_version: the step.
        run: when the run began.
        records: of how many records something is kept.
        bytes: how much that is.
    """

    collection: str
    from_version: int
    to_version: int
    run: str
    records: int = 0
    bytes: int = 0

    @property
    def step(self) -> str:
        """The step's name for people: ``task v1→v2``."""
        return f"{self.collection} v{self.from_version}→v{self.to_version}"

    def to_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Ledger:
    """What the records of a database have lost.

    Attributes:
        lost: what was lost in runs that are behind, oldest first.
        kept: what is kept now, by which it comes back.
    """

    lost: list[NotedLoss]
    kept: list[KeptCount]

    def to_json(self, *, keys: bool = False) -> dict[str, Json]:
        """The same as JSON, with the keys of records or without."""
        kept = [asdict(one) if keys else {k: v for k, v in asdict(one).items() if k != "keys"} for one in self.kept]
        return {"lost": [one.to_json() for one in self.lost], "kept": kept}


def ledger_of(history: History, blocks: Iterable[Block], *, keys: bool = False) -> Ledger:
    """The ledger of a database.

    Args:
        history: what was done to it.
        blocks: what is kept in it.
        keys: whether the keys of the records are wanted, too.
    """
    kept: dict[tuple[str, int, int, str, str], KeptCount] = {}
    for block in blocks:
        for stored, records in block.complements:
            for path, kind in dict.fromkeys(_kept(stored)):
                facts = (block.collection, *block.step, path, kind)
                count = kept.setdefault(facts, KeptCount(*facts))
                count.records += len(records)
                count.keys += [show_key(key.removeprefix(GONE)) for key in records] if keys else []
    return Ledger(list(_noted(history)), [kept[facts] for facts in sorted(kept)])


def runs_of(blocks: Iterable[Block]) -> list[KeptRun]:
    """What each run has kept, the earliest first."""
    runs: dict[tuple[str, int, int, str], KeptRun] = {}
    for block in blocks:
        facts = (block.collection, *block.step, block.run)
        run = runs.setdefault(facts, KeptRun(*facts))
        run.records += sum(len(keys) for stored, keys in block.complements if stored not in {MADE, THERE})
        run.bytes += block.size
    return sorted(runs.values(), key=lambda run: (run.run, run.collection, run.from_version))


def with_pruned(store: Store, blocks: Iterable[Block], at: str) -> bytes:
    """The stored form of the history when blocks are removed; it says then what records have lost with these.

    Args:
        store: the database.
        blocks: what is removed.
        at: when that began.

    Raises:
        MetadataInvalid: the history, or the version of the database, cannot be read.
    """
    pruned: dict[tuple[str, int, int], list[Json]] = {}
    for count in ledger_of(History(), blocks).kept:
        losses = pruned.setdefault((count.collection, count.from_version, count.to_version), [])
        if count.kind in LOST_KINDS:
            path = EVERYTHING if count.kind == "deleted" else count.path
            losses.append({"path": path, "kind": "dropped", "records": count.records})
    names, version = ("collection", "from_version", "to_version", "losses"), read_version(store)
    told: list[Json] = [dict(zip(names, (*step, losses), strict=True)) for step, losses in pruned.items()]
    entry = new_entry("prune", (version, version), at) | {"pruned": told}
    return read_history(store).with_entries([entry])


def older_than(run: str, limit: timedelta, now: datetime) -> bool:
    """Whether a run began longer ago than that; of a moment that nobody understands it is not said."""
    try:
        began = datetime.fromisoformat(run)
    except ValueError:
        return False
    return now - (began if began.tzinfo else began.replace(tzinfo=UTC)) > limit


def _noted(history: History) -> Iterator[NotedLoss]:
    for entry in history.entries:
        for name, facts in entry.collections.items():
            for loss in facts.get("losses", ()):
                step = loss.get("from_version", entry.from_version), loss.get("to_version", entry.to_version)
                count = LossCount(name, *step, loss["path"], loss["kind"], loss["records"])
                yield NotedLoss(entry.fields["started_at"], count)
        for step in entry.pruned:
            for loss in step["losses"]:
                count = LossCount(*(step[name] for name in ("collection", "from_version", "to_version")), **loss)
                yield NotedLoss(entry.fields["started_at"], count)


def _kept(stored: bytes) -> Iterator[tuple[str, str]]:
    """What is kept of a record: the paths at which it was different, each with the way.

    Raises:
        Unreadable: that cannot be read.
    """
    if stored in {MADE, THERE}:
        return
    move = Move(stored) if stored.startswith(b"{") else Move.of(stored)
    facts = {"key": move.key, "deleted": move.gone, "records": any(move.parts), "entries": move.entries or move.strays}
    yield from (("", kind) for kind, found in facts.items() if found)
    for part in (move.lost, move.rest):
        if part is not None:
            yield from _differences(Complement.of(part))


def _differences(complement: Complement) -> Iterator[tuple[str, str]]:
    """The paths at which a record was different, each with the way."""
    if complement.spelling is not None:
        yield "", "spelling"
    for place, difference in _inside((), complement.differences):
        if isinstance(difference, Ordered):
            kind = "order"
        elif difference.old is ABSENT:
            kind = "filled"
        else:
            kind = "removed" if difference.guess is ABSENT and difference.same_as is None else "changed"
        yield str(path_of(place)), kind


def _inside(place: Places, differences: Iterable[Difference]) -> Iterator[tuple[Places, Lost | Ordered]]:
    for difference in differences:
        here = (*place, *difference.place)
        if isinstance(difference, Items):
            for item in difference.lost:
                yield from _inside((*here, item.index), item.inside)
        else:
            yield here, difference
