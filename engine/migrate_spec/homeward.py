"""The way down of single records over a step that moves them, with what was kept of them on the way up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from migrate_spec.codec import Document, NotADocument, copied
from migrate_spec.compiler import Route
from migrate_spec.crossing import Step
from migrate_spec.document import Refused
from migrate_spec.journey import Arrived, Journey, RecordLoss
from migrate_spec.kept import KeptAnywhere, keeping_entry
from migrate_spec.moves import GONE, Entries, Move, entries_to_keep, moved_entries, record_digest
from migrate_spec.record_operation import Foreign, Record, Surroundings
from migrate_spec.store import Store
from migrate_spec.wayback import WayBack

__all__ = ["Home", "Homeward"]


@dataclass(frozen=True, slots=True)
class Home:
    """What becomes of one record.

    Attributes:
        key, value: the record.
        entries: its entries in indexes that change.
        strays: what stood in the place of its entries before they came, to be put back where nothing is.
        kept: what is to be kept of it, as :func:`~migrate_spec.kept.keeping_entry` gives it; ``None``: nothing.
        losses: what it loses.
    """

    key: bytes
    value: bytes
    entries: Entries = field(default_factory=dict)
    strays: Mapping[bytes, bytes] = field(default_factory=dict)
    kept: tuple[bytes, bytes, bytes] | None = None
    losses: list[RecordLoss] = field(default_factory=list)


class Homeward:
    """Takes records of a collection down by one step.

    Attributes:
        step: the step.
        name: its name for people.
    """

    def __init__(self, route: Route, frozen: Store) -> None:
        """Take the way, which is one step, and the database."""
        self._spec = spec = route.specs[0]
        self.step: Step = (spec.to_version, spec.from_version)
        self.name = f"{spec.name} backwards"
        self._journey = Journey(route)
        self._way = WayBack(spec)
        self._changes = [operation.change(_Alone()) for operation in spec.records]
        self._frozen = frozen
        self._kept = KeptAnywhere(frozen, route.collection, route.kept_by)

    def __call__(self, key: bytes, value: bytes) -> Home:
        """What becomes of a record.

        Raises:
            NotADocument: it is none.
            Refused: it cannot be carried back.
            RecordRefused: so it is, too.
        """
        document, version = self._journey.read(value)
        if self._spec.stamp.path is not None and version < self._spec.to_version:
            return Home(key, value)  # the step has not changed it
        stored = self._kept.of(self.step[::-1], key)
        move = self._move_of(stored)
        arrived = self._journey(value, {self.step[::-1]: move.lost} if move.lost is not None else {})
        try:
            old_key = move.key or self._way.key(_text(key), document).encode()
        except Foreign:
            return Home(key, value)
        entries, kept_entries = self._entries(document, arrived.document, move)
        kept = self._to_keep(key, document, old_key, arrived, kept_entries)
        return Home(old_key, arrived.value, entries, move.strays, kept, arrived.losses)

    def is_entry(self, key: bytes, value: bytes) -> bool:
        """Whether what stands among the records is an entry of an index of them."""
        templates = [index.to for index in self._spec.indexes.values() if index.to is not None]
        if not any(key.startswith(template.literals[0].encode()) for template in templates):
            return False
        try:
            self._journey.read(value)
        except (NotADocument, Refused):
            return any(template.read(_text(key)) is not None for template in templates if template.readable)
        return False

    def gone(self) -> Iterator[tuple[bytes, Move]]:
        """The records that the step deleted, in the order of their keys, with what is kept of them."""
        for key, stored in self._kept.all_from(self.step[::-1], GONE):
            move = self._move_of(stored)
            if move.gone is not None:
                yield key.removeprefix(GONE), move

    def _move_of(self, stored: bytes | None) -> Move:
        if stored is None:
            return Move()
        return Move.of(stored) if self._spec.moves_records else Move(stored)

    def _entries(
        self, after: Document, before: Document, move: Move
    ) -> tuple[Entries, tuple[Entries, Mapping[bytes, bytes]]]:
        """What becomes of a record's entries in indexes, and what is to be kept of them."""
        there = self._frozen.get
        down = self._way.entries(before, after)
        guess = moved_entries(down, there)
        found = move.put_back(guess)

        def now(key: bytes) -> bytes | None:
            return found[key] if key in found else there(key)

        up = moved_entries([(new, old, value) for old, new, value in down], now)
        return found, entries_to_keep(down, there, lambda key: up[key] if key in up else now(key))

    def _to_keep(
        self,
        key: bytes,
        document: Document,
        old_key: bytes,
        arrived: Arrived,
        entries: tuple[Entries, Mapping[bytes, bytes]],
    ) -> tuple[bytes, bytes, bytes] | None:
        """What is to be kept of a record for its way up."""
        lost = arrived.lost[0][1].stored() if arrived.lost else None
        moves = self._spec.moves_records
        stays = not moves or self._up(old_key, document) == [key]
        move = Move(lost, None if stays else key, *entries, None, "" if stays else record_digest(arrived.value))
        stored = (move.stored() if move else None) if moves else lost
        return keeping_entry(self._spec.collection, self.step, old_key, key, stored) if stored is not None else None

    def _up(self, key: bytes, document: Document) -> list[bytes]:
        """The keys of what the step upwards makes of a record after its changes to the document."""
        records = [Record(_text(key), copied(document))]
        try:
            for change in self._changes:
                records = [new for old in records for new in change(old)]
        except Refused:
            return []
        return [record.key.encode() for record in records]


class _Alone(Surroundings):
    """No other records."""

    def take(self, prefix: str) -> Iterator[Record]:
        """None."""
        del prefix
        yield from ()


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise Refused("a key that is no UTF-8 text was found", "one was expected, as the spec moves records") from None
