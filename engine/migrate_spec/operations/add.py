"""``add``: new fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.changes import by_parent, take
from migrate_spec.codec import Document, Json, maker
from migrate_spec.document import Change, Refused, describe, put
from migrate_spec.operation import Field, IfExists, Loss, Operation, all_sole
from migrate_spec.path import Path
from migrate_spec.shapes.effects import of_fields
from migrate_spec.shapes.shape import ObjectShape, Shape, only


@dataclass(frozen=True)
class Add(Operation):
    """Add fields that the older shape did not have. A record that has one already is refused.

    Backwards the fields are taken away again; with `if_exists: keep` they are left.
    """

    fields: Mapping[Field, Json]
    if_exists: IfExists = "fail"

    example: ClassVar[str] = """
        step: {add: {tags: [], meta.rating: null}}
        before: {title: Write, meta: {}}
        after: {title: Write, meta: {rating: null}, tags: []}
    """
    only_adds: ClassVar[bool] = True

    def forward(self) -> Change:
        """Put each value in, or do what ``if_exists`` says where the field is there."""
        return by_parent({path: maker(value) for path, value in self.fields.items()}, self._add)

    def _add(self, fields: list[tuple[str, Callable[[], Json], Path]]) -> Change:
        if_exists = self.if_exists

        def change(parent: Document) -> bool:
            changed = False
            for name, make, path in fields:
                if name not in parent:
                    parent[name] = make()
                    changed = True
                elif if_exists == "replace":
                    changed |= put(parent, name, make())
                elif if_exists == "fail":
                    raise Refused(
                        f"{describe(parent[name])} was found",
                        "no such field was expected",
                        "say `if_exists: keep` or `if_exists: replace`, or use `default`",
                        path=str(path.last),
                        place=path.place,
                    )
            return changed

        return change

    def backward(self) -> Change:
        """Take the fields away; with ``if_exists: keep`` leave them, as some were there before."""
        fields = {} if self.if_exists == "keep" else dict.fromkeys(self.fields)
        return by_parent(fields, take)

    def by_names(self) -> bool:
        """Unless values are overwritten."""
        return self.if_exists != "replace" and all_sole(self.fields)

    def effect(self, shape: Shape) -> Shape:
        """The fields are there, with their values."""
        return of_fields(shape, self.fields, self._added)

    def _added(self, one: ObjectShape, name: str, value: Json) -> Iterator[ObjectShape]:
        if self.if_exists == "keep":
            yield from one.filled(name, only(value))
            return
        for found in one.absent(name) if self.if_exists == "fail" else (one,):
            yield from found.having(name, only(value), needed=True)

    def effect_back(self, shape: Shape) -> Shape:
        """They are not."""
        fields = {} if self.if_exists == "keep" else self.fields
        return of_fields(shape, fields, lambda one, name, _: one.without(name))

    def reads(self) -> Sequence[Path]:
        """The fields themselves: whether they are there decides."""
        return tuple(self.fields)

    def writes(self) -> Sequence[Path]:
        """The fields."""
        return tuple(self.fields)

    def losses(self) -> Sequence[Loss]:
        """Nothing by default, as the fields were not there."""
        what = {"keep": "which records had it before", "replace": "the value it had before"}.get(self.if_exists)
        return tuple(Loss(path, what) for path in self.fields) if what else ()
