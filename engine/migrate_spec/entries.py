"""Objects in a list, and the same under their names: what ``to_map`` and ``to_list`` share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_spec.codec import Document, Json, opened
from migrate_spec.document import ABSENT, Refused, describe, wrong_type
from migrate_spec.errors import Fault, Place
from migrate_spec.path import Index, Name

__all__ = ["Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How an entry of an object looks as an item of a list.

    Attributes:
        key: the item's field with the entry's name; ``None`` where the name is dropped.
        value: the item's field with the entry's value; ``None`` where the item's other fields are the value.
        keep_key: whether the field with the name is in the entry's value, too.
    """

    key: str | None
    value: str | None = None
    keep_key: bool = False

    def faults(self, place: Place | None) -> Iterator[Fault]:
        """What is wrong with it although each part alone is well formed."""
        if self.value is not None and self.value == self.key:
            found = f"{self.value!r} was found as `key` and as `value`"
            yield Fault(found, "two fields were expected", "", place, "options-disagree")
        if self.keep_key and self.key is None:
            found, expected = "`keep_key` without `key` was found", "the field with the name was expected"
            yield Fault(found, expected, "", place, "options-disagree")
        elif self.keep_key and self.value is not None:
            found, remedy = "`keep_key` beside `value` was found", "what stands under `value` is the value alone"
            yield Fault(found, "one of the two was expected", remedy, place, "options-disagree")

    def entries(self, items: Json) -> Document:
        """The items of a list as entries of an object."""
        all_items = opened(items)
        if type(all_items) is not list:
            raise wrong_type(all_items, "a list")
        found: Document = {}
        for index, item in enumerate(all_items):
            try:
                fields = opened(item)
                name = self._name(fields, found)
                found[name] = item if self.keep_key else self._value(fields)
            except Refused as refusal:
                raise refusal.below(str(Index(index))) from None
        return found

    def _name(self, fields: Json, found: Document) -> str:
        """The name of an item, which none of those ``found`` before it has."""
        key = self.key or ""
        if type(fields) is not dict:
            raise wrong_type(fields, "an object")
        name = opened(fields.get(key, ABSENT))
        if type(name) is not str:
            expected = "a text was expected, as it becomes the name of the item"
            raise Refused(_found(name), expected, path=str(Name(key)))
        if name in found:
            expected = "each was expected once, as it becomes the name of the item"
            remedy = f"[{list(found).index(name)}] has it, too"
            raise Refused(f"{describe(name)} was found again", expected, remedy, path=str(Name(key)))
        return name

    def _value(self, fields: Document) -> Json:
        """What an item becomes that does not keep the field with its name."""
        del fields[self.key or ""]
        if self.value is None:
            return fields
        other = next((other for other in fields if other != self.value), None)
        if other is not None:
            expected = f"only {self.key!r} and {self.value!r} were expected"
            remedy = "without `value` the item stays an object"
            raise Refused(_found(fields[other]), expected, remedy, path=str(Name(other)))
        if self.value not in fields:
            raise Refused(_found(ABSENT), "the value for the name was expected", path=str(Name(self.value)))
        return fields[self.value]

    def items(self, entries: Json, remedy: str = "") -> Iterator[tuple[str, Json]]:
        """The entries of an object as items of a list, each with its name; ``remedy`` is for one that is no object."""
        all_entries = opened(entries)
        if type(all_entries) is not dict:
            raise wrong_type(all_entries, "an object")
        for name, value in all_entries.items():
            try:
                yield name, self._item(name, value, remedy)
            except Refused as refusal:
                raise refusal.below(str(Name(name))) from None

    def _item(self, name: str, value: Json, remedy: str) -> Json:
        named = {} if self.key is None else {self.key: name}
        if self.value is not None:
            return {**named, self.value: value}
        if self.key is None:
            return value
        fields = opened(value)
        if type(fields) is not dict:
            raise Refused(f"{describe(value)} was found", "an object was expected", remedy)
        there = opened(fields.get(self.key, ABSENT))
        if self.keep_key and (type(there) is not str or there != name):
            raise Refused(_found(there), f"the name {name!r} was expected", path=str(Name(self.key)))
        if not self.keep_key and there is not ABSENT:
            raise Refused(
                _found(there),
                "no such field was expected, as the name goes there",
                "say `keep_key: true` where each has its name already, or remove it first",
                path=str(Name(self.key)),
            )
        return value if self.keep_key else {**named, **fields}


def _found(value: Json) -> str:
    return "nothing was found" if value is ABSENT else f"{describe(value)} was found"
