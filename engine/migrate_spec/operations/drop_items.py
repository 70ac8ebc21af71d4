"""``drop_items``: take items out of lists, and entries out of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from migrate_spec.condition import Condition
from migrate_spec.document import Change, Refused, wrong_type
from migrate_spec.operation import Loss, ObjectPath, Operation, in_order
from migrate_spec.path import Name, Path, within


@dataclass(frozen=True)
class DropItems(Operation):
    """Take out the items of a list, or the entries of an object, of which a condition holds.

    In the condition `.` is the item itself, a path leads into it, and `.key` is the name of an entry. The path `.` is
    the object that the step is given. Backwards what was taken out stays away.
    """

    conditions: Mapping[ObjectPath, Condition]

    example: ClassVar[str] = """
        step: {drop_items: {notes: {text: ""}, labels: {.key: {matches: "^x-"}}}}
        before: {notes: [{text: ""}, {text: a}], labels: {x-old: 1, new: 2}}
        after: {notes: [{text: a}], labels: {new: 2}}
    """

    def forward(self) -> Change:
        """Keep what the condition does not hold of."""
        return in_order([within(path, _drop(condition)) for path, condition in self.conditions.items()])

    def backward(self) -> Change:
        """Leave the list or the object."""
        return lambda _: False

    def reads(self) -> Sequence[Path]:
        """The lists and objects themselves."""
        return tuple(self.conditions)

    def writes(self) -> Sequence[Path]:
        """The lists and objects."""
        return tuple(self.conditions)

    def touches(self, path: Path) -> bool:
        """Whether entries that a path leads through may be taken out: not those whose name tells that they stay."""
        return any(_may_drop(condition, at, path) for at, condition in self.conditions.items())

    def losses(self) -> Sequence[Loss]:
        """What was taken out."""
        return tuple(Loss(path, "the items and entries that were taken out") for path in self.conditions)


def _may_drop(condition: Condition, at: Path, path: Path) -> bool:
    if not at.meets(path):
        return False
    name = path.segments[len(at.segments)] if len(path.segments) > len(at.segments) else None
    return bool(condition.reads()) or not isinstance(name, Name) or condition.judge_entry()((name.name, None))


def _drop(condition: Condition) -> Change:
    item_falls, entry_falls = condition.judge(), condition.judge_entry()
    asks_name = condition.asks_name

    def change(value: Any) -> bool:
        before = len(value) if type(value) in {list, dict} else 0
        if type(value) is dict:
            for name in [name for name, part in value.items() if entry_falls((name, part))]:
                del value[name]
        elif type(value) is not list:
            raise wrong_type(value, "an object" if asks_name else "a list or an object")
        elif asks_name:
            raise Refused("a list was found", "an object was expected", "the items of a list have no `.key`")
        else:
            value[:] = [item for item in value if not item_falls(item)]
        return len(value) < before

    return change
