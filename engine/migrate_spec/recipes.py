"""What becomes of records of one kind, worked out with stand-ins for their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import itemgetter
from typing import NamedTuple

from migrate_spec.codec import Document, Json, decode, encode, object_writer
from migrate_spec.compiler import Route
from migrate_spec.complement import Complement
from migrate_spec.crossing import Step
from migrate_spec.differences import Lost
from migrate_spec.document import ABSENT
from migrate_spec.forms import Form
from migrate_spec.journey import Arrived, RecordLoss
from migrate_spec.path import Name, Path
from migrate_spec.schema import Schema
from migrate_spec.stand_ins import filling, number_of, stand_in
from migrate_spec.typed import asked_of_fields, checked_outline

__all__ = ["Cast", "Forms", "Impossible", "Outcome", "Recipe"]

Values = tuple[Json, ...]
"""The values of a record's fields, and then the old ones that are kept of it."""

Forms = Sequence[tuple[Step, Form]]
"""The forms of what is kept of a record, by the step that took it."""


class Outcome(NamedTuple):
    """What becomes of a record.

    Attributes:
        value: its bytes.
        lost: what is to be kept of it, as it is stored, by the step that took it.
        losses: what it loses.
    """

    value: bytes
    lost: Sequence[tuple[Step, bytes]]
    losses: Sequence[RecordLoss]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What becomes of records of one kind.

    Attributes:
        forms: of what is kept of them.
        read: the values of the fields of such a record; ``None`` where it is no such record.
        holds: whether that is true of values which was assumed of them.
        make: the new bytes, of the old ones and the values.
        lost: what is to be kept, of the values.
        losses: what they lose.
        changed_by: the places of the specs that change them.
        unequal: known values from which ones of theirs differ, by the numbers of these.
    """

    forms: Forms
    read: Callable[[bytes], Values | None]
    holds: Callable[[Values], bool]
    make: Callable[[bytes, Values], bytes]
    lost: Sequence[tuple[Step, Form, Sequence[int]]]
    losses: Sequence[RecordLoss]
    changed_by: Sequence[int]
    unequal: Sequence[tuple[int, Json]]

    def __call__(self, value: bytes, kept: Mapping[Step, bytes]) -> Outcome | None:
        """What becomes of a record; ``None`` where it is not for the recipe to tell."""
        if len(kept) != len(self.forms):
            return None
        olds: Values = ()
        for step, form in self.forms:
            own = form.olds(kept[step]) if step in kept else None
            if own is None:
                return None
            olds += own
        values = self.read(value)
        if values is None:
            return None
        values += olds
        if not self.holds(values):
            return None
        lost = [(step, form.filled([values[place] for place in places])) for step, form, places in self.lost]
        return Outcome(self.make(value, values), lost, self.losses)


class Impossible(Exception):  # noqa: N818 - it is no error
    """There is no telling what becomes of records of a kind."""


@dataclass
class Cast:
    """Stand-ins for the values of records of one kind.

    Attributes:
        route: the way of the records.
        names: of their fields.
        version: of theirs.
        forms: of what is kept of them.
        assumed: values by their numbers: known ones, or the stand-ins of others.
    """

    route: Route
    names: tuple[str, ...]
    version: int
    forms: Forms
    assumed: dict[int, Json] = field(default_factory=dict)

    @property
    def mark(self) -> tuple[str | None, Json]:
        """The name of the stamp, and what it is."""
        stamp = self.route.stamp
        return stamp.path.sole_name if stamp.path is not None else None, stamp.mark(self.version)

    def _stand_in(self, number: int, *, distinct: bool) -> Json:
        value: Json = stand_in(number)
        while (other := number_of(value)) in self.assumed:
            value = self.assumed[other]
        return value if distinct or other is None else stand_in(len(self.names))

    def record(self, *, distinct: bool) -> tuple[Document, dict[Step, bytes]]:
        """A document, and what is kept of it, with stand-ins."""
        name, mark = self.mark
        values = {one: self._stand_in(number, distinct=distinct) for number, one in enumerate(self.names)}
        document: Document = {one: mark if one == name else value for one, value in values.items()}
        kept, number = {}, len(self.names)
        for step, form in self.forms:
            olds = range(number, number + form.count)
            kept[step] = form.filled([self._stand_in(old, distinct=distinct) for old in olds])
            number += form.count
        return document, kept

    def recipe(self, arrived: Arrived, losses: Sequence[RecordLoss]) -> Recipe:
        """What becomes of the records.

        Args:
            arrived: what became of one with stand-ins that are all different.
            losses: what is told of it.

        Raises:
            Impossible: it is not the same for all of them.
        """
        route, document = self.route, decode(arrived.value)
        if any(loss.kind == "conflict" for loss in losses) or not all(one.comes_back for _, one in arrived.lost):
            raise Impossible
        made_up = [loss.path for loss in losses if loss.kind in {"placeholder", "dropped"}]
        own_paths = {str(Path((Name(name),))) for name in self.names}
        if made_up and (len(route.way) > 1 or not own_paths.isdisjoint(made_up)):
            raise Impossible  # whether something is new may be a matter of values
        stays = not arrived.changed_by
        if route.schema is not None and _demands_stamp(route, document):
            reached = route.start if route.down else route.specs[-1].to_version
            document, stays = route.stamp.stamped(document, reached), False
        own = [(step, *filling(lost.stored())) for step, lost in arrived.lost]
        unequal = [pair for _, lost in arrived.lost for pair in _compared(lost)]
        return Recipe(
            self.forms,
            self._reader(document),
            self._condition(document, unequal),
            (lambda value, _values: value) if stays else _maker(document),
            own,
            tuple(losses),
            tuple(arrived.changed_by),
            unequal,
        )

    def _asked(self, document: Document) -> tuple[dict[int, list[Json]], Json]:
        """What the schema at the end of the way asks of each value that a document is made of; and its definitions."""
        schema = self.route.schema
        if schema is None:
            return {}, {}
        asked = asked_of_fields(schema, tuple(document))
        if asked is None:
            raise Impossible
        definitions, found = schema.content.get("$defs", {}), dict[int, list[Json]]()
        for name, value in document.items():
            number = number_of(value)
            if number is not None:
                found.setdefault(number, []).append(asked[name])
            elif not _schema_of(asked[name], definitions).is_valid(value):
                raise Impossible
        return found, definitions

    def _reader(self, document: Document) -> Callable[[bytes], Values | None]:
        """What reads the values of a record's fields, where they fit in the new places."""
        asked, definitions = self._asked(document)
        name, mark = self.mark
        properties = {self.names[number]: _all(parts) for number, parts in asked.items() if number < len(self.names)}
        known = {name: mark} if name is not None and name in self.names else {}
        outline = checked_outline(Schema({"properties": properties, "$defs": definitions}), self.names, known)
        if outline is None or not self.names:
            raise Impossible
        read, get = outline.read, outline.getter(*self.names)
        if len(self.names) == 1:
            return lambda value: None if (found := read(value)) is None else (get(found),)
        return lambda value: None if (found := read(value)) is None else get(found)

    def _condition(self, document: Document, unequal: Sequence[tuple[int, Json]]) -> Callable[[Values], bool]:
        """What tells whether that is true of values which was assumed, and whether the old ones fit."""
        asked, definitions = self._asked(document)
        known = {number: value for number, value in self.assumed.items() if number_of(value) is None}
        same = {number: other for number, value in self.assumed.items() if (other := number_of(value)) is not None}
        tests: list[Callable[[Values], bool]] = []
        if known:
            tests.append(_alike_to(known))
        if same:
            tests.append(_alike(list(same), list(same.values())))
        tests += [_apart(number, value) for number, value in unequal]
        count = len(self.names)
        olds = [_all(asked.get(count + old, [True])) for old in range(sum(form.count for _, form in self.forms))]
        if any(part is not True for part in olds):
            fits = Schema({"prefixItems": olds, "$defs": definitions}).is_valid
            tests.append(lambda values: fits(list(values[count:])))
        return reduce(_both, tests) if tests else lambda _values: True


def _compared(lost: Complement) -> list[tuple[int, Json]]:
    """The values that were found to differ from known ones, with these.

    Raises:
        Impossible: what a value differs from is not known.
    """
    found = []
    for one in lost.differences:
        if isinstance(one, Lost) and one.guess is not ABSENT and one.old is not ABSENT:
            guess, old = decode(one.guess), decode(one.old)
            numbers = number_of(guess), number_of(old)
            if numbers == (None, None):
                continue
            if len(one.place) != 1 or None not in numbers:
                raise Impossible
            found.append((numbers[0], old) if numbers[0] is not None else (numbers[1], guess))
    return [(number, value) for number, value in found if number is not None]


def _demands_stamp(route: Route, document: Document) -> bool:
    """Whether the schema at the end of the way demands a stamp that a document lacks."""
    name = route.stamp.path.sole_name if route.stamp.path is not None else None
    required = route.schema.content.get("required", ()) if route.schema is not None else ()
    return name in required and name not in document


def _maker(document: Document) -> Callable[[bytes, Values], bytes]:
    """What makes the bytes of a document with stand-ins, of the values that these stand for."""
    write, numbers = object_writer(tuple(document)), [number_of(value) for value in document.values()]
    known = tuple(value for value, number in zip(document.values(), numbers, strict=True) if number is None)
    if len(numbers) < 2:  # noqa: PLR2004 - of which itemgetter would make no tuple
        raise Impossible
    behind = iter(range(-len(known), 0))
    order = itemgetter(*[next(behind) if number is None else number for number in numbers])
    if not known:
        return lambda _value, values: write(order(values))
    return lambda _value, values: write(order(values + known))


def _all(parts: Sequence[Json]) -> Json:
    """What asks for all that several schemas ask for."""
    return parts[0] if len(parts) == 1 else {"allOf": list(parts)}


def _schema_of(part: Json, definitions: Json) -> Schema:
    return Schema({"allOf": [part], "$defs": definitions})


def _alike_to(known: Mapping[int, Json]) -> Callable[[Values], bool]:
    """What tells whether values are spelled like known ones."""
    get, there = itemgetter(*known), {**known}
    expected = encode(get(there))
    return lambda values: encode(get(values)) == expected


def _both(one: Callable[[Values], bool], other: Callable[[Values], bool]) -> Callable[[Values], bool]:
    return lambda values: one(values) and other(values)


def _alike(some: Sequence[int], others: Sequence[int]) -> Callable[[Values], bool]:
    """What tells whether values are spelled like other ones of the same record."""
    get, get_others = itemgetter(*some), itemgetter(*others)
    return lambda values: encode(get(values)) == encode(get_others(values))


def _apart(number: int, known: Json) -> Callable[[Values], bool]:
    """What tells whether a value is another one as a whole, and not just somewhere inside."""
    spelled, kind = encode(known), type(known)

    def test(values: Values) -> bool:
        value = values[number]
        if type(value) is kind is dict or (type(value) is kind is list and len(value) == len(known)):
            return False
        return encode(value) != spelled

    return test
