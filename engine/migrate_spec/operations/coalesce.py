"""``coalesce``: the first of several fields that is there, under one name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from migrate_spec.carrying import below, moved, placed
from migrate_spec.changes import in_order
from migrate_spec.codec import Document, is_null
from migrate_spec.document import Change
from migrate_spec.errors import Fault
from migrate_spec.operation import Field, Loss, Operation
from migrate_spec.pairs import check_gathered, check_no_list, found, made, target_taken
from migrate_spec.path import Path, str_of, within_objects
from migrate_spec.shapes.fields import absent_at, narrowed_at, present_at
from migrate_spec.shapes.reading import met, without
from migrate_spec.shapes.shape import Shape, union
from migrate_spec.shapes.walking import changed_at


@dataclass(frozen=True)
class Coalesce(Operation):
    """Give the first of several fields that is there a new name or place, and take the others away.

    With `also_null: true` one that is `null` counts only where no other is there. Backwards the value goes to the
    first of the fields.
    """

    fields: Mapping[Field, Sequence[Field]]
    also_null: bool = False

    example: ClassVar[str] = """
        step: {coalesce: {contact: [email, phone, meta.fax]}, also_null: true}
        before: {id: 1, email: null, phone: "555", meta: {fax: "556"}}
        after: {id: 1, contact: "555", meta: {}}
    """

    def check(self) -> Iterator[Fault]:
        """Two sources or more, apart from each other, below the same list item or object value as their target."""
        yield from check_gathered(self.fields)
        for target, sources in self.fields.items():
            if len(sources) == 1:
                found, remedy = f"{str(sources[0])!r} alone was found", "use `rename` or `move`"
                yield Fault(found, "two sources or more were expected", remedy, target.place, "source-alone")
            yield from check_no_list(sources, "to put the value in")

    def forward(self) -> Change:
        """Carry the first source that is there to the target."""
        return in_order([self._gather(target, sources) for target, sources in self.fields.items()])

    def _gather(self, target: Path, sources: Sequence[Path]) -> Change:
        """Gather one field. One after the other is the same as all at once, as no two meet."""
        base, also_null = target.base, self.also_null
        target = target.below(base)
        finders = [(source, source.locator()) for source in (path.below(base) for path in sources)]
        new = None if target in dict(finders) else target.locator()

        def change(parent: Document) -> bool:
            there = {source: place for source, find in finders if (place := find(parent)) is not None}
            if new is not None and (new(parent) if there else found(new, parent)) is not None:
                # where no source is there, too: the way back could not tell that the value was always there
                raise target_taken(parent, finders[0][0], target, "name it among the sources, or remove it first")
            if not there:
                return False
            first = next(iter(there))
            if also_null:
                first = next((path for path, (holder, key) in there.items() if not is_null(holder[key])), first)
            for path, (holder, key) in there.items():
                if path not in {first, target}:
                    del holder[key]
            if first != target:
                _put(parent, first, target)
                if first.parent != target.parent:
                    first.take(parent)
            return first != target or len(there) > 1

        return within_objects(base, change)

    def backward(self) -> Change:
        """Carry each value to the first of its sources; objects the way up had to make go where they are empty."""
        groups: dict[Path, list[tuple[Path, Path]]] = {}
        for target, (source, *_) in self.fields.items():
            if target != source:
                base = target.base
                groups.setdefault(base, []).append((target.below(base), source.below(base)))
        return in_order([within_objects(base, _back(pairs)) for base, pairs in groups.items()])

    def effect(self, shape: Shape) -> Shape:
        """The value is at the target, and nothing at the sources."""
        for target, sources in self.fields.items():
            base = target.base
            here = [source.below(base) for source in sources]
            shape = below(shape, base, partial(self._gathered, target.below(base), here))
        return shape

    def _gathered(self, target: Path, sources: Sequence[Path], shape: Shape) -> Shape:
        found: list[Shape] = []
        for part in (_no_null, None) if self.also_null else (None,):
            for source in sources:
                there = present_at(shape, source)
                found.append(_first(changed_at(there, source, part) if part else there, source, target, sources))
                shape = narrowed_at(shape, source, _null) if part else absent_at(shape, source)
        return union([*found, shape if target in sources else absent_at(shape, target, strict=False)])

    def effect_back(self, shape: Shape) -> Shape:
        """The value is at the first source."""
        pairs = {target: sources[0] for target, sources in self.fields.items() if target != sources[0]}
        return moved(shape, pairs, "fail", prune=True, strict=False)

    def reads(self) -> Sequence[Path]:
        """The sources and the targets."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The sources and the targets."""
        return tuple(dict.fromkeys(path for target, sources in self.fields.items() for path in (*sources, target)))

    def losses(self) -> Sequence[Loss]:
        """Of which source the value was, what the others held, and the objects made on the way."""
        lost: list[Loss] = []
        for target, (first, *others) in self.fields.items():
            place = "" if first.parent == target.parent else ", and its place among its siblings"
            lost.append(Loss(first, f"whether the value was its own{place}"))
            lost += [Loss(path, "whether it was there, and its value") for path in others]
            lost += made((first, target))
        return tuple(dict.fromkeys(lost))


def _back(pairs: Sequence[tuple[Path, Path]]) -> Change:
    ways = [(target, source, target.locator(), source.locator()) for target, source in pairs]

    def change(parent: Document) -> bool:
        going = []
        for target, source, find, find_source in ways:
            there = found(find, parent) is not None
            if (find_source(parent) if there else found(find_source, parent)) is not None:
                raise target_taken(parent, target, source, "remove it first")
            going += [(target, source)] if there else []
        for target, source in going:
            _put(parent, target, source)
        for target, source in going:  # when all are in place, as an object that one leaves can be where another goes
            if target.parent != source.parent:
                target.take(parent, prune=True)
        return bool(going)

    return change


def _put(parent: Document, source: Path, target: Path) -> None:
    """Put a value that is there at another path; where one object holds both, it moves there and keeps its place."""
    holder, name = source.locate(parent) or ({}, "")
    if source.parent != target.parent:
        target.put(parent, holder[name])
        return
    new = str_of(target.last)
    renamed = {new if old == name else old: value for old, value in holder.items() if old != new}
    holder.clear()
    holder.update(renamed)


def _first(shape: Shape, source: Path, target: Path, sources: Sequence[Path]) -> Shape:
    """The objects whose value comes from a source, and all others are taken away."""
    shape = shape if target in sources else absent_at(shape, target, strict=True)
    return placed(shape, [(source, target)], taken=sources)


def _null(shape: Shape) -> Shape:
    return met(shape, {"type": "null"})


def _no_null(shape: Shape) -> Shape:
    return without(shape, {"type": "null"})
