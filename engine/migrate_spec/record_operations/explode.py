"""``explode``: one record becomes several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from migrate_spec.codec import Document, Json, copied, encode, opened
from migrate_spec.document import ABSENT, Refused, describe, wrong_type
from migrate_spec.errors import Fault
from migrate_spec.operation import Field, FieldName
from migrate_spec.path import Name, Path
from migrate_spec.record_keys import filled, is_field, path_faults, required, text_of
from migrate_spec.record_operation import Change, Made, Parts, Record, RecordOperation, Reunite, Surroundings
from migrate_spec.shapes.fields import taken_at
from migrate_spec.shapes.shape import Shape
from migrate_spec.templates import Template

INDEX = ".index"
ITEM = "item."


@dataclass(frozen=True)
class Items:
    """What becomes of the items of a list.

    Attributes:
        to: the key of each: `{.index}` is its place in the list, counted from 0, `{item.NAME}` a field of the item, and
            `{NAME}` a field of the record.
        with_: fields that each item gets, by the paths of the record's fields that they are copied from.
    """

    to: Template
    with_: Mapping[FieldName, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Explode(RecordOperation):
    """Make a record of each item of a list, and take the list away. The items must be objects.

    A key that is taken already is refused. `gather` is the way back.
    """

    lists: Mapping[Field, Items]

    example: ClassVar[str] = """
        step: {explode: {notes: {to: "note:{id}:{.index}", with: {task: id}}}}
        before: {"task:7": {id: "7", notes: [{text: a}, {text: b}]}}
        after:
          "note:7:0": {text: a, task: "7"}
          "note:7:1": {text: b, task: "7"}
          "task:7": {id: "7"}
    """

    def check(self) -> Iterator[Fault]:
        """The keys can be made, and each item has one of its own."""
        for path, items in self.lists.items():
            own = [name for name in items.to.names if name == INDEX or name.startswith(ITEM)]
            known = [name for name in own if name == INDEX or is_field(name.removeprefix(ITEM))]
            yield from path_faults(items.to, known)
            if not own:
                found = f"the template {items.to.text!r} was found"
                expected = f"one with {{{INDEX}}} or {{{ITEM}NAME}} was expected, so that each item has its own key"
                yield Fault(found, expected, "", items.to.place, "template-ambiguous")
            if path.base.segments:
                found = f"the path {str(path)!r} was found"
                yield Fault(found, "a path of names was expected", "", path.place, "path-invalid")

    alters_documents: ClassVar[bool] = True

    def effect(self, shape: Shape) -> Shape:
        """The lists are not there."""
        for path in self.lists:
            shape = taken_at(shape, path)
        return shape

    def change(self, around: Surroundings) -> Change:
        """The record without the lists, and a record for each of their items."""
        del around
        lists = list(self.lists.items())

        def change(record: Record) -> Made:
            made: list[Record] = []
            for path, items in lists:
                value = path.get(record.document)
                if value is ABSENT:
                    continue
                if type(value) is not list:
                    raise _at(wrong_type(value, "a list"), path)
                found = [_record(record, items, path, index, item) for index, item in enumerate(value)]
                record.parts[str(path)] = found
                made += found
                path.take(record.document)
                record.changed = True
            return (record, *made)

        return change

    def lists_of_records(self) -> Sequence[Path]:
        """The lists."""
        return tuple(self.lists)

    def reunite(self) -> Reunite:
        """The lists with the records that were made of them and are still there, and with those that came since."""
        lists = list(self.lists.items())[::-1]

        def reunite(record: Record, parts: Parts) -> None:
            for path, items in lists:
                found = _found(record, parts, path, items)
                if found is None:
                    continue
                there = path.look(record.document)
                if there is not ABSENT:
                    expected = "no such field was expected, as records go there on the way back"
                    raise Refused(f"{describe(there)} was found", expected, path=str(path), place=path.place)
                path.put(record.document, [_item(record, one, parts, path, items) for one in found])

        return reunite

    def part_of(self, key: str) -> Path | None:
        """The one whose template the key is like, with a number where the place in the list stands."""
        return next((path for path, items in self.lists.items() if _is_part(items.to, key)), None)

    def ranges(self) -> Sequence[str]:
        """What the keys of the items begin with."""
        return tuple(items.to.literals[0] for items in self.lists.values())

    def keys_before(self, key: str) -> Sequence[str] | None:
        """The key itself, unless it may be that of an item: of which record that was is not known."""
        return None if key.startswith(tuple(self.ranges())) else (key,)

    def unkept(self) -> Sequence[str]:
        """The lists, as there may have been empty ones."""
        return tuple(map(str, self.lists))

    def losses(self) -> Sequence[str]:
        """Where the list stood, and whether there was an empty one."""
        return tuple(
            f"the place of {path} among its siblings, and whether it was there and empty" for path in self.lists
        )


def _found(record: Record, parts: Parts, path: Path, items: Items) -> list[Record] | None:
    """The records that belong into a list, in its order; ``None`` where there is no list."""
    slot, known = str(path), parts.known(str(path))
    found = [one for key in known or () if (one := parts.take(slot, key)) is not None]
    newer = [one for one in _newer(record, parts, items) if parts.take(slot, one.key) is not None]
    if known is None and not newer:
        return None
    return sorted(found + newer, key=partial(_place, items.to)) if newer else found


def _newer(record: Record, parts: Parts, items: Items) -> list[Record]:
    """The records that came since the list became records, and are like those that it would become."""
    own = [name for name in items.to.names if name == INDEX or name.startswith(ITEM)]
    if items.to.placeholders[0] in own:
        return []  # nothing at the beginning of the key says whose they are
    try:
        keys = filled(items.to, own, record.document)
    except Refused:
        return []
    if not keys.readable or not set(keys.names) <= set(own):
        return []
    return [one for one in parts.newer(keys) if _is_part(keys, one.key) and _is_like(one, record, keys, items)]


def _is_like(one: Record, record: Record, keys: Template, items: Items) -> bool:
    """Whether a record is like one that an item of a list would become."""
    try:
        told = {name: text_of(one.document, name.removeprefix(ITEM)) for name in keys.names if name != INDEX}
        found = keys.read(one.key) or {}
        copies = [
            (one.document.get(name, ABSENT), source.look(record.document)) for name, source in items.with_.items()
        ]
    except Refused:
        return False
    same = all(found[name] == text for name, text in told.items())
    return same and all(_is(copy, source) for copy, source in copies)


def _is(value: Json, other: Json) -> bool:
    return value is other if value is ABSENT or other is ABSENT else encode(value) == encode(other)


def _is_part(keys: Template, key: str) -> bool:
    """Whether a key is like those of a template, as far as that can be told."""
    if not keys.readable:
        return key.startswith(keys.literals[0])
    found = keys.read(key)
    return found is not None and (INDEX not in found or str(_number(found[INDEX])) == found[INDEX])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _place(keys: Template, record: Record) -> tuple[int, str]:
    """What records are sorted by where some came since: the place in the list, where their keys have one."""
    found = keys.read(record.key) if keys.readable else None
    number = _number(found[INDEX]) if found is not None and INDEX in found else None
    return (0, "") if number is None and INDEX not in keys.names else (number or 0, record.key)


def _item(record: Record, part: Record, parts: Parts, path: Path, items: Items) -> Document:
    """The item that a record was made of, without what it got of the record."""
    document = part.document
    for name, source in items.with_.items():
        if name not in document:
            continue
        if parts.is_edited(str(path), part.key) and not _is(document[name], source.look(record.document)):
            parts.tell(f"{path}[].{Path((Name(name),))}")
        del document[name]
    return document


def _record(record: Record, items: Items, path: Path, index: int, item: object) -> Record:
    document = opened(item)
    if type(document) is not dict:
        raise _at(wrong_type(item, "an object"), path, index)
    parts = {INDEX: str(index)}
    for name in items.to.names:
        if name.startswith(ITEM):
            try:
                parts[name] = required(Template.parse(f"{{{name.removeprefix(ITEM)}}}"), {}, document)
            except Refused as refusal:
                raise _at(refusal, path, index) from None
    key = required(items.to, parts, record.document)
    for name, source in items.with_.items():
        value = source.look(record.document)
        if name in document:
            expected = f"no such field was expected, as the record's {str(source)!r} goes there"
            raise _at(Refused(f"{describe(document[name])} was found", expected), path, index)
        if value is not ABSENT:
            document[name] = copied(value)
    return Record(key, document, changed=True, made=True)


def _at(refusal: Refused, path: Path, index: int | None = None) -> Refused:
    refusal.place = path.place
    return refusal.below(str(path) if index is None else f"{path}[{index}]")
