"""The records that a step made of one, or took into one, on the way down: they go into it again, or out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from migrate_spec.allotting import allotted
from migrate_spec.codec import Document, NotADocument, encoder_of
from migrate_spec.compiler import RecordRefused
from migrate_spec.complement import Complement
from migrate_spec.differences import put_back
from migrate_spec.document import ABSENT, Refused
from migrate_spec.homes import Homes
from migrate_spec.journey import path_of
from migrate_spec.kept import KeptAnywhere
from migrate_spec.moves import PART, KeptPart, PartsKept, record_digest
from migrate_spec.path import Each, Path
from migrate_spec.pickled import pickled
from migrate_spec.record_operation import PartKeys, Parts, Record
from migrate_spec.spec import Spec
from migrate_spec.store import KeyRange, Store
from migrate_spec.templates import Template

__all__ = ["Reunion", "Village"]


class Village:
    """What the records of one collection share on their way down over a step.

    Attributes:
        spec: the step.
        frozen: the database at the version after the step.
        homes: where records belong.
    """

    def __init__(self, spec: Spec, frozen: Store, homes: Homes, kept: KeptAnywhere) -> None:
        """Take these, and what is kept for the way down."""
        self.spec, self.frozen, self.homes = spec, frozen, homes
        self._kept = kept

    def origin(self, key: bytes) -> bytes | None:
        """Whence a record is that stands where the step makes records, as it was kept; ``None``: it came since."""
        return self._kept.of((self.spec.from_version, self.spec.to_version), PART + key)

    def is_as_made(self, part: KeptPart, there: bytes) -> bool:
        """Whether a record that the step has made is still what it was."""
        try:
            value = self.homes.opened(part.key.decode(), there, self.spec.to_version)
        except NotADocument:
            return False
        return record_digest(value) == part.digest


class Reunion(Parts):
    """The other records of one.

    Attributes:
        taken: those that go into it, by the list: their keys and values.
        given: those that come out of it, by their keys.
        told: the paths and kinds of what is lost.
        strangers: the lists that records of unknown origin go into.
    """

    def __init__(self, village: Village, kept: PartsKept, form: bytes = b"") -> None:
        """Take what all records share, what is kept of this one's, and how its pickle begins, where it is pickled."""
        self._form = form
        self._village = village
        lists = village.spec.lists_of_records
        self._known = {str(path): some for path, some in zip(lists, kept, strict=False) if some is not None}
        self._paths = {str(path): path for path in lists}
        self.taken: dict[str, dict[str, bytes]] = {}
        self.given: dict[str, bytes] = {}
        self.told: list[tuple[str, str]] = []
        self.strangers: list[str] = []

    def known(self, slot: str) -> Sequence[str] | None:  # noqa: D102 - as there
        found = self._known.get(slot)
        return None if found is None else [part.key.decode() for part in found]

    def with_empty_lists(self, document: Document) -> Document:
        """A document with an empty list where no record was found to make one of; it is altered."""
        for one in self._village.spec.records:
            for path in one.lists_of_records() if not one.taken() else ():
                if path.look(document) is ABSENT:
                    path.put(document, [])
        return document

    def take(self, slot: str, key: str) -> Record | None:  # noqa: D102 - as there
        there = self._village.frozen.get(key.encode())
        if there is None:
            return None
        value = self._opened(key, there)
        self.taken.setdefault(slot, {})[key] = value
        if key.encode() not in {part.key for part in self._known.get(slot, ())}:
            self.strangers.append(slot)
        return Record(key, self._read(key, value))

    def is_edited(self, slot: str, key: str) -> bool:  # noqa: D102 - as there
        digest = record_digest(self.taken[slot][key])
        return (key.encode(), digest) not in {(part.key, part.digest) for part in self._known.get(slot, ())}

    def newer(self, keys: Template) -> Iterator[Record]:  # noqa: D102 - as there
        for key, value in self._village.frozen.scan(KeyRange.of_prefix(keys.literals[0].encode())):
            try:
                text = key.decode()
            except UnicodeDecodeError:
                continue
            if keys.read(text) is not None and self._village.origin(key) is None:
                try:
                    yield Record(text, self._read(text, self._opened(text, value)))
                except Refused:
                    continue

    def tell(self, path: str) -> None:  # noqa: D102 - as there
        self.told.append((path, "kept"))

    def give(self, slot: str, items: Sequence[Document], keys: PartKeys) -> None:  # noqa: D102 - as there
        path = self._paths[slot]
        for index, (item, (key, part)) in enumerate(
            zip(items, allotted(items, self._known.get(slot, ()), keys), strict=True)
        ):
            if key is None or key in self.given:
                found = "nothing was found" if key is None else f"the key {key!r} was found, which another item has"
                raise Refused(f"{found}", "what makes a key of its own was expected", path=f"{slot}[{index}]")
            try:
                self.given[key] = self._written(key, item, part, path)
            except RecordRefused as refused:
                raise refused.below(f"{slot}[{index}]") from None

    def _written(self, key: str, item: Document, part: KeptPart | None, path: Path) -> bytes:
        """The record that an item becomes, with what was kept of it.

        Raises:
            RecordRefused: it does not fit the schema of its collection.
        """
        homes, version = self._village.homes, self._village.spec.from_version
        document, complement = homes.stamped(key, item, version), None
        if part is not None and part.lost is not None:
            complement = Complement.of(part.lost)
            document, conflicts = put_back(document, complement.differences)
            below = (path_of(conflict.place).under(Path((*path.segments, Each()))) for conflict in conflicts)
            self.told += [(str(one), "conflict") for one in below]
        value = encoder_of(homes.encoding(key, version))(document)
        value = complement.spelled(value) if complement is not None else value
        value = homes.fitting(key, value, version, f"{self._village.spec.name} backwards")
        form = self._form if part is None else part.form
        return pickled(value, form) if form else value

    def _opened(self, key: str, value: bytes) -> bytes:
        """Another record without its pickle.

        Raises:
            Refused: what is pickled is no document.
        """
        with _telling(key):
            return self._village.homes.opened(key, value, self._village.spec.to_version)

    def _read(self, key: str, value: bytes) -> Document:
        """Another record.

        Raises:
            Refused: it is no document of the version.
        """
        with _telling(key):
            return self._village.homes.read(key, value, self._village.spec.to_version)


@contextmanager
def _telling(key: str) -> Iterator[None]:
    """A block whose refusal of a record tells which one it is."""
    try:
        yield
    except NotADocument as error:
        raise Refused(f"{error.found} in the record {key!r}", error.expected, error.remedy) from None
