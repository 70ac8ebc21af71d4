"""The interface of an operation on records: what a spec does with whole records, after its steps.

As an operation on documents (:mod:`~migrate_spec.operation`), it is a frozen dataclass in a file of its own, below
``record_operations/``, and its annotations are its grammar::

    records:
      - rekey: {from: "task:{id}", to: "project:{project_id}:task:{id}"}
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from migrate_spec.codec import Document, Json
from migrate_spec.document import Refused
from migrate_spec.errors import Fault
from migrate_spec.operation import key_in_spec
from migrate_spec.path import Path
from migrate_spec.record_keys import path_faults, text_of
from migrate_spec.shapes.shape import Shape
from migrate_spec.templates import Template

__all__ = [
    "Change",
    "Foreign",
    "Index",
    "Made",
    "PartKeys",
    "Parts",
    "Record",
    "RecordOperation",
    "Reunite",
    "Surroundings",
    "Undo",
]


@dataclass(slots=True)
class Record:
    """A record on its way.

    Attributes:
        key: its key.
        document: its document; an operation may alter it.
        changed: whether anything of it is not as it was.
        made: whether an operation made it of another record, so that it is of another collection.
        parts: the records that an operation made of it or took into it, in the order of the list, by that list.
        value: its bytes, where it was taken into another record.
        spelling: how it is spelled, if not as it is otherwise.
    """

    key: str
    document: Document
    changed: bool = False
    made: bool = False
    parts: dict[str, list[Record]] = field(default_factory=dict)
    value: bytes = b""
    spelling: bytes | None = None


Made = Iterable[Record]

Change = Callable[[Record], Made]
"""What an operation makes of a record: itself, none, or several."""

Undo = Callable[[Record], None]
"""What makes a record again what an operation was given."""


class Surroundings(Protocol):
    """What an operation may ask of the run that it is part of."""

    def take(self, prefix: str) -> Iterator[Record]:
        """The records whose keys begin with ``prefix``, as they are before this spec's version step; they go away."""


class Parts(Protocol):
    """What the way back of an operation may ask for: the records that one record became, or was made of."""

    def known(self, slot: str) -> Sequence[str] | None:
        """The keys that the records of a list had, in its order; ``None`` where nothing is known of that list."""

    def take(self, slot: str, key: str) -> Record | None:
        """Take a record into a list; it goes away. ``None``: there is none under this key."""

    def is_edited(self, slot: str, key: str) -> bool:
        """Whether a record is not what it was, or was not there, when the list became records."""

    def newer(self, keys: Template) -> Iterator[Record]:
        """The records under keys like this, but those that were there when the list became records."""

    def give(self, slot: str, items: Sequence[Document], keys: PartKeys) -> None:
        """Make records of the items of a list."""

    def tell(self, path: str) -> None:
        """Tell that a value goes, which is kept for the way up."""


class PartKeys(Protocol):
    """How the records that an operation takes into a list are told apart."""

    def of_item(self, item: Document) -> str | None:
        """The key that an item tells; ``None`` where it tells none."""

    def next(self, keys: Sequence[str]) -> str | None:
        """A key behind all others; ``None`` where the items tell their keys."""

    def in_order(self, keys: Sequence[str]) -> list[str]:
        """The keys in the order in which their records come into the list, as far as keys tell that."""


Reunite = Callable[[Record, Parts], None]
"""What brings the records that an operation made of one back into it, or those out of it that it took in."""


class RecordOperation(ABC):
    """One operation on records. Subclasses are frozen dataclasses and live in a file of their own name."""

    example: ClassVar[str]
    """YAML with ``step``, and the records ``before`` and ``after`` by their keys; shown in the documentation."""

    @classmethod
    def name(cls) -> str:
        """The key in a spec."""
        return key_in_spec(cls)

    def check(self) -> Iterator[Fault]:
        """What is wrong with these arguments although each alone is well formed."""
        yield from ()

    once: ClassVar[bool] = False
    """Whether a spec may have it only once."""

    def check_on(self, prefix: str, encoding: str) -> Iterator[Fault]:  # noqa: ARG002 - most operations do not mind
        """What is wrong with it for records whose keys begin with ``prefix`` and that are encoded like this."""
        yield from ()

    def head_after(self, head: str) -> str:
        """What the records' keys begin with afterwards, where they began with ``head``."""
        return head

    def encoding_after(self, encoding: str) -> str:
        """How the records are encoded afterwards."""
        return encoding

    @abstractmethod
    def change(self, around: Surroundings) -> Change:
        """The operation, compiled. It raises :class:`~migrate_spec.document.Refused` for a record it cannot work on."""

    def undo(self) -> Undo:
        """The way back of a record that stays, compiled; by default it is what it was.

        It raises :class:`~migrate_spec.document.Refused` for a record of which it does not know what it was, and
        :class:`Foreign` for one that it cannot have made.
        """
        return _nothing

    def lists_of_records(self) -> Sequence[Path]:
        """The lists whose items become records, or that records become."""
        return ()

    def reunite(self) -> Reunite | None:
        """The way back of the records besides the one that stays, compiled; ``None`` where there are no others."""
        return None

    def part_of(self, key: str) -> Path | None:  # noqa: ARG002 - most operations make no records
        """The list of whose items it may make a record under a key."""
        return None

    def ranges(self) -> Sequence[str]:
        """The beginnings of the keys, besides the collection's own, that it may write or delete."""
        return ()

    def taken(self) -> Sequence[str]:
        """The beginnings of the keys of which it takes all records away."""
        return ()

    def keys_before(self, key: str) -> Sequence[str] | None:
        """The keys that a record of the collection may have had before it, where it has this one afterwards.

        Returns:
            They; ``None`` where the key does not tell.
        """
        return (key,)

    @abstractmethod
    def losses(self) -> Sequence[str]:
        """What the way back cannot bring back without a backup."""

    def unkept(self) -> Sequence[str]:
        """The paths at which the way back of a record that stays may not be what it was where nothing is kept of it."""
        return ()

    def needs_kept(self) -> bool:
        """Whether the way back refuses records of which nothing is kept."""
        return False

    deletes_records: ClassVar[bool] = False
    """Whether it deletes records of the collection."""

    alters_documents: ClassVar[bool] = False
    """Whether it alters what stands in the collection's records, or takes some of them away."""

    def effect(self, shape: Shape) -> Shape:
        """The shape of the collection's documents afterwards, where they were of a shape."""
        return shape


class Foreign(Refused):
    """A record that is none of those which an operation has to do with."""


def _nothing(_record: Record) -> None:
    pass


@dataclass(frozen=True)
class Index:
    """Keys that a program derives from its records, each with the same value.

    Attributes:
        from_: the key before, made of fields of the document; `null`: the index is new.
        to: the key after; `null`: the index is given up.
        value: the value of an entry that is made; one that is moved keeps its own.
    """

    from_: Template | None
    to: Template | None
    value: Json = 1

    def faults(self) -> Iterator[Fault]:
        """What is wrong with it."""
        for template in dict.fromkeys((self.from_, self.to)):
            if template is not None:
                yield from path_faults(template)
        if self.from_ is None and self.to is None:
            yield Fault("an index from null to null was found", "a template was expected", "", None, "no-effect")

    def key_before(self, document: Document) -> str | None:
        """The key of a document before the step; ``None`` where a field is absent or null, as then there is none."""
        return _entry_key(self.from_, document)

    def key_after(self, document: Document) -> str | None:
        """The key of a document after the step, in the same way."""
        return _entry_key(self.to, document)

    @property
    def ranges(self) -> tuple[str, ...]:
        """What its keys begin with."""
        return tuple(dict.fromkeys(one.literals[0] for one in (self.from_, self.to) if one is not None))


def _entry_key(template: Template | None, document: Document) -> str | None:
    if template is None:
        return None
    parts = {name: text_of(document, name) for name in template.names}
    known = {name: text for name, text in parts.items() if text is not None}
    return template.fill(known) if len(known) == len(parts) else None
