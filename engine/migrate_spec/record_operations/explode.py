"""``explode``: one record becomes several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from migrate_spec.codec import copied, opened
from migrate_spec.document import ABSENT, Refused, describe, wrong_type
from migrate_spec.errors import Fault
from migrate_spec.operation import Field, FieldName
from migrate_spec.path import Path
from migrate_spec.record_operation import (
    Change,
    Made,
    Record,
    RecordOperation,
    Surroundings,
    is_field,
    path_faults,
    required,
)
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
                made += [_record(record, items, path, index, item) for index, item in enumerate(value)]
                path.take(record.document)
                record.changed = True
            return (record, *made)

        return change

    def ranges(self) -> Sequence[str]:
        """What the keys of the items begin with."""
        return tuple(items.to.literals[0] for items in self.lists.values())

    def keys_before(self, key: str) -> Sequence[str] | None:
        """The key itself, unless it may be that of an item: of which record that was is not known."""
        return None if key.startswith(tuple(self.ranges())) else (key,)

    def losses(self) -> Sequence[str]:
        """Where the list stood, and whether there was an empty one."""
        return tuple(
            f"the place of {path} among its siblings, and whether it was there and empty" for path in self.lists
        )


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
