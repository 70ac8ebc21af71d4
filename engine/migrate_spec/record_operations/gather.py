"""``gather``: several records become one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from migrate_spec.codec import Document, Json, decode, opened
from migrate_spec.document import ABSENT, Refused, describe, wrong_type
from migrate_spec.errors import Fault
from migrate_spec.operation import Field, FieldName
from migrate_spec.path import Name, Path
from migrate_spec.record_keys import path_faults, required, text_of
from migrate_spec.record_operation import Change, Made, Parts, Record, RecordOperation, Reunite, Surroundings
from migrate_spec.shapes.fields import absent_at, put_at
from migrate_spec.shapes.shape import ListShape, ObjectShape, Shape, union
from migrate_spec.templates import Template

INDEX = ".index"


@dataclass(frozen=True)
class From:
    """Which records are gathered.

    Attributes:
        from_: their keys: `{NAME}` is a field of the record that they go into, and at the end `{.index}` or
            `{item.NAME}` stands for what tells them apart.
        without: fields of theirs that are left out.
        order_by: the field by which they are sorted, or `.index` for the number in their keys; by default their keys.
    """

    from_: Template
    without: Sequence[FieldName] = ()
    order_by: str | None = None


@dataclass(frozen=True)
class Gather(RecordOperation):
    """Put records of another collection, or of none, into lists of the records that they belong to.

    All records under the keys must belong to one, or the run is refused. `explode` is the way back.
    """

    lists: Mapping[Field, From]

    example: ClassVar[str] = """
        step: {gather: {notes: {from: "note:{id}:{.index}", without: [task]}}}
        before:
          "note:7:0": {text: a, task: "7"}
          "note:7:1": {text: b, task: "7"}
          "task:7": {id: "7"}
        after: {"task:7": {id: "7", notes: [{text: a}, {text: b}]}}
    """

    def check(self) -> Iterator[Fault]:
        """What tells the parts apart stands at the end of their keys."""
        for path, parts in self.lists.items():
            *own, last = parts.from_.names or ("",)
            if not (last == INDEX or last.startswith("item.")) or not own or parts.from_.literals[-1]:
                found = f"the template {parts.from_.text!r} was found"
                expected = "fields of the record and {.index} or {item.NAME} behind them were expected"
                yield Fault(found, expected, "", parts.from_.place, "template-ambiguous")
            yield from path_faults(parts.from_, [last])
            if path.base.segments:
                found = f"the path {str(path)!r} was found"
                yield Fault(found, "a path of names was expected", "", path.place, "path-invalid")

    alters_documents: ClassVar[bool] = True

    def effect(self, shape: Shape) -> Shape:
        """There may be lists, of objects of which nothing is known."""
        found = Shape((ListShape(rest=Shape((ObjectShape(),)), least=1),))
        for path in self.lists:
            shape = union([shape, put_at(absent_at(shape, path), path, found)])
        return shape

    def change(self, around: Surroundings) -> Change:
        """The record with its lists."""
        lists = [(path, parts, _head(parts.from_)) for path, parts in self.lists.items()]

        def change(record: Record) -> Made:
            for path, parts, head in lists:
                prefix = required(head, {}, record.document)
                found = sorted(around.take(prefix), key=_order(parts, len(prefix)))
                there = path.look(record.document)
                if found or there is not ABSENT:
                    record.parts[str(path)] = found  # where there are none the list is its own
                if not found:
                    continue
                if there is not ABSENT:
                    expected = "no such field was expected, as the records go there"
                    raise Refused(f"{describe(there)} was found", expected, path=str(path), place=path.place)
                left_out = set(parts.without)
                items = [{name: value for name, value in one.document.items() if name not in left_out} for one in found]
                path.put(record.document, items)
                record.changed = True
            return (record,)

        return change

    def lists_of_records(self) -> Sequence[Path]:
        """The lists."""
        return tuple(self.lists)

    def reunite(self) -> Reunite:
        """The record without the lists, of whose items records are made again."""
        lists = [(path, one, _head(one.from_)) for path, one in self.lists.items()][::-1]

        def reunite(record: Record, parts: Parts) -> None:
            for path, one, head in lists:
                known, found = parts.known(str(path)), path.look(record.document)
                items = None if found is ABSENT or (known is not None and not known) else _items(found, path)
                if items is None:
                    continue
                keys = _Keys(required(head, {}, record.document) if items else "", path, one)
                parts.give(str(path), items, keys)
                path.take(record.document)

        return reunite

    def ranges(self) -> Sequence[str]:
        """What the keys of the parts begin with."""
        return self.taken()

    def taken(self) -> Sequence[str]:
        """The same: all of them go."""
        return tuple(parts.from_.literals[0] for parts in self.lists.values())

    def unkept(self) -> Sequence[str]:
        """The items, as fields were left out of them, and not all tell their keys."""
        return tuple(f"{path}[]" for path in self.lists)

    def losses(self) -> Sequence[str]:
        """The fields left out, and the keys."""
        return tuple(
            f"the keys of the parts in {path}" + (f", and {', '.join(parts.without)} of each" if parts.without else "")
            for path, parts in self.lists.items()
        )


def _items(found: Json, path: Path) -> list[Document]:
    """The items of a list, which must be objects."""
    items = opened(found)
    if type(items) is not list:
        refusal = wrong_type(found, "a list")
        refusal.place = path.place
        raise refusal.below(str(path))
    for index, item in enumerate(items):
        if type(opened(item)) is not dict:
            refusal = wrong_type(item, "an object")
            refusal.place = path.place
            raise refusal.below(f"{path}[{index}]")
    return [opened(item) for item in items]


class _Keys:
    """How the parts of one list are told apart."""

    def __init__(self, head: str, path: Path, parts: From) -> None:
        self._head, self._path = head, path
        self._field = None if parts.from_.names[-1] == INDEX else parts.from_.names[-1].removeprefix("item.")
        self._by_key = parts.order_by is None or parts.order_by == INDEX

    def of_item(self, item: Document) -> str | None:
        """The key that an item tells."""
        if self._field is None:
            return None
        try:
            text = text_of(item, self._field)
        except Refused:
            return None
        return None if text is None else self._head + text

    def next(self, keys: Sequence[str]) -> str | None:
        """The number behind all others."""
        if self._field is not None:
            return None
        numbers = [int(rest) for rest in self._rests(keys) if rest.isascii() and rest.isdigit()]
        return f"{self._head}{max(numbers, default=-1) + 1}"

    def in_order(self, keys: Sequence[str]) -> list[str]:
        """By their numbers, and then those without."""
        if self._field is not None or not self._by_key:
            return list(keys)
        return [self._head + rest for rest in sorted(self._rests(keys), key=_place)]

    def _rests(self, keys: Sequence[str]) -> list[str]:
        return [key[len(self._head) :] for key in keys]


def _place(rest: str) -> tuple[int, int, str]:
    """What keys are sorted by: numbers before all others."""
    return (0, int(rest), "") if rest.isascii() and rest.isdigit() else (1, 0, rest)


def _head(template: Template) -> Template:
    """The template up to its last placeholder."""
    text = template.text[: template.text.rindex("{")]
    return Template.parse(text, template.place)


def _order(parts: From, length: int) -> Any:
    """What records are sorted by: numbers before texts, each by its kind's own order."""
    by = parts.order_by

    def order(record: Record) -> tuple[Any, ...]:
        rest = record.key[length:]
        if by is None or by == INDEX:
            return _place(rest)
        value = Path((Name(by),)).look(record.document)
        plain = value if value is ABSENT else decode(value)
        if type(plain) in {int, float}:
            return (0, plain, "")
        if type(plain) is str:
            return (1, 0, plain)
        found = "nothing was found" if plain is ABSENT else f"{describe(plain)} was found"
        raise Refused(f"{found} at {by!r} of {record.key!r}", "a number or a text was expected, to sort by")

    return order
