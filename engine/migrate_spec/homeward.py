"""The way down of single records over a step that moves them, with what was kept of them on the way up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migrate_spec.codec import Document, NotADocument, copied, encode, encoder_of
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.crossing import Step
from migrate_spec.document import ABSENT, Refused
from migrate_spec.homes import Homes
from migrate_spec.journey import Arrived, Journey, RecordLoss
from migrate_spec.kept import KeptAnywhere, keeping_entry
from migrate_spec.moves import GONE, MADE, Entries, Move, entries_to_keep, moved_entries, record_digest
from migrate_spec.pickled import FORM, is_pickled, pickled
from migrate_spec.record_operation import Foreign
from migrate_spec.reunion import Reunion, Village
from migrate_spec.store import Store
from migrate_spec.up_again import Upwards
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
        taken: the keys of the records that go into it.
        given: the records that come out of it.
    """

    key: bytes
    value: bytes
    entries: Entries = field(default_factory=dict)
    strays: Mapping[bytes, bytes] = field(default_factory=dict)
    kept: tuple[bytes, bytes, bytes] | None = None
    losses: list[RecordLoss] = field(default_factory=list)
    taken: Sequence[bytes] = ()
    given: Mapping[bytes, bytes] = field(default_factory=dict)


class Homeward:
    """Takes records of a collection down by one step.

    Attributes:
        spec: the step.
        step: where it begins, and where it leads.
        name: its name for people.
        village: what its records share.
    """

    def __init__(self, route: Route, frozen: Store, homes: Homes) -> None:
        """Take the way, which is one step, the database, and where records belong."""
        self.spec = spec = route.specs[0]
        self.step: Step = (spec.to_version, spec.from_version)
        self.name = f"{spec.name} backwards"
        self._journey = Journey(route)
        self._way = WayBack(spec, homes, route.since)
        self._unkept = spec.unkept if spec.from_version in route.unkept else ()
        self._frozen = frozen
        self._allow_pickle = route.allow_pickle
        self._kept = KeptAnywhere(frozen, route.collection, route.kept_by)
        self.village = Village(spec, frozen, homes, self._kept)

    def __call__(self, key: bytes, value: bytes) -> Home:
        """What becomes of a record.

        Raises:
            NotADocument: it is none.
            Refused: it cannot be carried back.
            RecordRefused: so it is, too.
        """
        if not self._allow_pickle or not is_pickled(value):
            return self._home(key, value)
        opened = self.village.homes.opened(_text(key), value, self.spec.to_version)
        found = self._home(key, opened, value[:FORM])
        return replace(found, value=value if found.value == opened else pickled(found.value, value))

    def _home(self, key: bytes, value: bytes, form: bytes = b"") -> Home:
        """What becomes of a record without its pickle, which begins like this where it has one."""
        document, version = self._journey.read(value)
        stored = self._kept.of(self.step[::-1], key)
        move = self._move_of(stored)
        others = Reunion(self.village, move.parts, form)
        whole, opened = value, document
        if self.spec.lists_of_records:
            opened = self._way.reunited(_text(key), copied(document), others)
            if others.taken or others.given or encode(opened) != encode(document):
                whole = encoder_of(self.spec.encoding_after)(opened)
        if whole is value and self.spec.stamp.path is not None and version < self.spec.to_version:
            return self._left(key, value, document, stored)  # the step has not changed it
        try:
            arrived = self._journey(whole, {self.step[::-1]: move.lost} if move.lost is not None else {})
        except RecordRefused as refused:
            opened = others.with_empty_lists(opened)
            whole = encoder_of(self.spec.encoding_after)(opened)
            arrived = self._again(whole, move, refused)
        try:
            old_key = move.key or self._way.key(_text(key), document).encode()
        except Foreign:
            return Home(key, value)
        entries, kept_entries = self._entries(document, arrived.document, move)
        up = Upwards(self.village, old_key, opened, others)
        upwards = self._to_keep(key, arrived, kept_entries, up)
        if whole is not value:
            upwards = replace(upwards, parts=up.parts(), rest=up.rest(value))
        kept = self._entry(key, old_key, upwards)
        told = [*others.told, *self._strangers(others)]
        told += self._unknown(document, arrived.document) if stored is None else ()
        losses = [one for one in arrived.losses if one.kind != "inexact"]
        losses = self._journey.told(losses + [RecordLoss(self.step, *one) for one in dict.fromkeys(told)])
        taken = [one.encode() for some in others.taken.values() for one in some]
        given = {one.encode(): written for one, written in others.given.items()}
        return Home(old_key, arrived.value, entries, move.strays, kept, losses, taken, given)

    def _left(self, key: bytes, value: bytes, document: Document, stored: bytes | None) -> Home:
        """A record that stays as it is: what became of its entries in indexes is undone."""
        if not self.spec.indexes:
            return Home(key, value)
        move = self._move_of(stored)
        entries, kept = self._entries(document, document, move)
        told = self._unknown(document, document) if stored is None else []
        losses = [RecordLoss(self.step, path, kind) for path, kind in told if path.startswith("indexes.")]
        return Home(key, value, entries, move.strays, self._entry(key, key, Move(None, None, *kept)), losses)

    def _unknown(self, newer: Document, older: Document) -> list[tuple[str, str]]:
        """What a record may lose of which nothing is kept, as that is not kept of all."""
        indexes = self.spec.indexes.items()
        without = {f"indexes.{name}" for name, index in indexes if index.key_before(older) is None}
        without |= {f"{path}[]" for path in self.spec.lists_of_records if path.look(newer) is ABSENT}
        return [(path, "unkept") for path in self._unkept if path not in without]

    def _strangers(self, others: Reunion) -> list[tuple[str, str]]:
        """The lists into which records of unknown origin go, where nobody knows any more whose they were."""
        return [(slot, "unkept") for slot in others.strangers] if self._unkept else []

    def _again(self, whole: bytes, move: Move, refused: RecordRefused) -> Arrived:
        """A record with empty lists, as there are no records to make them of; the older version may demand them.

        Raises:
            RecordRefused: that does not help.
        """
        if any(part is not None for part in move.parts) or not self.spec.makes_records:
            raise refused
        try:
            return self._journey(whole, {self.step[::-1]: move.lost} if move.lost is not None else {})
        except RecordRefused:
            raise refused from None

    def claims(self, key: bytes, value: bytes) -> Iterator[bytes]:
        """The keys of the records that go into a record, as far as it can be carried back."""
        if self.village.origin(key) == MADE:
            return
        try:
            document, _ = self._journey.read(self.village.homes.opened(_text(key), value, self.spec.to_version))
            others = Reunion(self.village, self._move_of(self._kept.of(self.step[::-1], key)).parts)
            self._way.reunited(_text(key), document, others)
        except (NotADocument, Refused, RecordRefused):
            return
        for some in others.taken.values():
            yield from (one.encode() for one in some)

    def is_entry(self, key: bytes, value: bytes) -> bool:
        """Whether what stands among the records is an entry of an index of them."""
        templates = [index.to for index in self.spec.indexes.values() if index.to is not None]
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
        return Move.of(stored) if self.spec.moves_records else Move(stored)

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
        self, key: bytes, arrived: Arrived, entries: tuple[Entries, Mapping[bytes, bytes]], up: Upwards
    ) -> Move:
        """What is to be kept of a record for its way up, but for its other records."""
        lost = arrived.lost[0][1].stored() if arrived.lost else None
        stays = not self.spec.moves_records or up.key == key
        digest = "" if stays else record_digest(arrived.value)
        return Move(lost, None if stays else key, *entries, None, digest)

    def _entry(self, key: bytes, old_key: bytes, move: Move) -> tuple[bytes, bytes, bytes] | None:
        """What is to be kept, so that it can be sorted."""
        stored = (move.stored() if move else None) if self.spec.moves_records else move.lost
        return keeping_entry(self.spec.collection, self.step, old_key, key, stored) if stored is not None else None


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise Refused("a key that is no UTF-8 text was found", "one was expected, as the spec moves records") from None
