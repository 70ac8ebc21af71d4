"""``concat``: lists put together into one, or objects into one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, ClassVar

from migrate_spec.carrying import below, presences
from migrate_spec.changes import in_order, rewrite
from migrate_spec.codec import Document, Json, maker, opened, type_names
from migrate_spec.document import ABSENT, Change, Refused, describe, equal, open_in, wrong_type
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.operation import Field, Loss, Operation, Value, names_only
from migrate_spec.pairs import check_gathered, found, made, target_taken
from migrate_spec.path import Name, Path, within_objects
from migrate_spec.shapes.effects import spoiled, with_values
from migrate_spec.shapes.fields import absent_at, put_at, taken_at, value_at
from migrate_spec.shapes.merging import OnConflict, together, without_ends, without_entries
from migrate_spec.shapes.shape import ObjectShape, Shape, only, union

MOST_PARTS = 5
"""Fields of which it is told apart which ones are there."""


@dataclass(frozen=True)
class Concat(Operation):
    """Put lists together into one, or objects into one, and take the fields away that they came from.

    `{value: [...]}` stands for a list or an object itself. A name that two of the objects have is refused, or
    `on_conflict: first` or `last` says whose value stays. A field put together of itself and such values comes back
    without them, if they are still at the ends of the list or in the object; else there is no way back.
    """

    fields: Mapping[Field, Sequence[Field | Value]]
    on_conflict: OnConflict = "fail"

    example: ClassVar[str] = """
        step: {concat: {tags: [tags, labels, {value: [new]}]}}
        before: {tags: [a], labels: [b, c], title: Write}
        after: {tags: [a, b, c, new], title: Write}
    """

    def check(self) -> Iterator[Fault]:
        """Two parts or more, of which one is a path and no two meet; values that can be put together."""
        yield from check_gathered({target: _paths(parts) for target, parts in self.fields.items()})
        for target, parts in self.fields.items():
            if len(parts) == 1 or not _paths(parts):
                found = "one part was found" if len(parts) == 1 else "parts without a path were found"
                expected = "two parts or more were expected, of which one is a path"
                yield Fault(found, expected, "", target.place, "concat-parts")
            values = [part.value for part in parts if isinstance(part, Value)]
            for value in values:
                kinds = [type(values[0])] if type(values[0]) in {list, dict} else [list, dict]
                if type(value) not in kinds:
                    expected = f"{' or '.join(type_names[kind] for kind in kinds)} was expected"
                    yield Fault(f"the value {describe(value)} was found", expected, "", target.place, "concat-parts")

    def forward(self) -> Change:
        """Put together what is there."""
        return in_order([self._gather(target, parts) for target, parts in self.fields.items()])

    def _gather(self, target: Path, parts: Sequence[Path | Value]) -> Change:
        """Put one field together. One after the other is the same as all at once, as no two meet."""
        base, on_conflict = target.base, self.on_conflict
        target = target.below(base)
        getters = [part.below(base) if isinstance(part, Path) else maker(part.value) for part in parts]
        finders = [(path, path.locator()) for path in getters if isinstance(path, Path)]
        new = None if target in dict(finders) else target.locator()
        kind = next((type(part.value) for part in parts if isinstance(part, Value)), None)

        def change(parent: Document) -> bool:
            there = {path: place for path, find in finders if (place := find(parent)) is not None}
            if new is not None and (new(parent) if there else found(new, parent)) is not None:
                raise target_taken(parent, finders[0][0], target, "name it among the parts, or remove it first")
            if not there:
                return False
            known = _opened(there, kind)
            values = [known.get(part) if isinstance(part, Path) else part() for part in getters]
            whole = _together([value for value in values if value is not None], on_conflict, target)
            own = known.get(target)
            if len(there) == 1 and own is not None and len(own) == len(whole) and equal(own, whole):
                return False
            for path, (holder, key) in there.items():
                if path != target:
                    del holder[key]
            target.put(parent, whole)
            return True

        return within_objects(base, change)

    def backward(self) -> Change:
        """Take the values off again."""
        return in_order([self._take_off(target, parts) for target, parts in self.fields.items()])

    def _take_off(self, target: Path, parts: Sequence[Path | Value]) -> Change:
        if not self._comes_apart(target, parts):
            raise Irreversible(
                f"{str(target)!r} put together by `concat` was found",
                "a step that can be undone was expected",
                "nothing tells which part of it came from where",
                where=target.place,
            )
        head, tail = _ends(parts)
        if type((head + tail)[0]) is list:
            return rewrite(target, _without_ends(list(chain(*head)), list(chain(*tail))))
        return rewrite(target, _without_entries(_entries(head + tail)))

    def effect(self, shape: Shape) -> Shape:
        """The targets are what the parts are, put together."""
        for target, parts in self.fields.items():
            base = target.base
            here = [part.below(base) if isinstance(part, Path) else part for part in parts]
            shape = below(shape, base, partial(self._gathered, target.below(base), here))
        return shape

    def _gathered(self, target: Path, parts: Sequence[Path | Value], shape: Shape) -> Shape:
        paths = _paths(parts)
        if len(paths) > MOST_PARTS or not all(names_only(path, Path(())) for path in paths):
            return spoiled(shape, (*paths, target))
        found: list[Shape] = []
        for part, there in presences(shape, paths):
            ready = part if target in paths else absent_at(part, target, strict=bool(there))
            found += [self._put(one, target, parts, there) for one in ready.objects()] if there else [ready]
        return union(found)

    def _put(self, one: ObjectShape, target: Path, parts: Sequence[Path | Value], there: Sequence[Path]) -> Shape:
        """The objects with what is there put together."""
        shape = Shape((one,))
        values = [
            only(part.value) if isinstance(part, Value) else value_at(shape, part)
            for part in parts
            if isinstance(part, Value) or part in there
        ]
        for path in there:
            shape = taken_at(shape, path)
        return put_at(shape, target, together(values, self.on_conflict))

    def effect_back(self, shape: Shape) -> Shape:
        """Nothing is left of the values at the targets."""
        for target, parts in self.fields.items():
            head, tail = _ends(parts)
            if type((head + tail)[0]) is list:
                change = partial(without_ends, list(chain(*head)), list(chain(*tail)))
            else:
                change = partial(without_entries, _entries(head + tail))
            shape = with_values(shape, target, change)
        return shape

    def reads(self) -> Sequence[Path]:
        """The parts and the targets."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The parts and the targets."""
        return tuple(dict.fromkeys(path for target, parts in self.fields.items() for path in (*_paths(parts), target)))

    def losses(self) -> Sequence[Loss]:
        """Nothing of a field that was put together of itself and values; else what came from where."""
        lost: list[Loss] = []
        for target, parts in self.fields.items():
            if not self._comes_apart(target, parts):
                lost += [Loss(path, f"which part of {str(target)!r} it was") for path in _paths(parts)]
                lost += made((target,))
        return tuple(dict.fromkeys(lost))

    def _comes_apart(self, target: Path, parts: Sequence[Path | Value]) -> bool:
        """Whether the parts are the target itself and values, none of which can be in the place of an entry of it."""
        lists = any(isinstance(part, Value) and type(part.value) is list for part in parts)
        return _paths(parts) == (target,) and (lists or self.on_conflict == "fail")


def _paths(parts: Sequence[Path | Value]) -> tuple[Path, ...]:
    return tuple(part for part in parts if isinstance(part, Path))


def _ends(parts: Sequence[Path | Value]) -> tuple[list[Any], list[Any]]:
    """The values before and behind the one path among the parts."""
    values: list[Any] = [part.value if isinstance(part, Value) else None for part in parts]
    split = values.index(None)
    return values[:split], values[split + 1 :]


def _entries(objects: Sequence[Document]) -> Document:
    return {name: value for part in objects for name, value in part.items()}


def _opened(there: Mapping[Path, tuple[Any, Any]], kind: type | None) -> dict[Path, Any]:
    """The parts that are there, opened, which must be lists or objects, and all of the same kind."""
    found = {}
    for path, place in there.items():
        value = found[path] = open_in(*place)
        if type(value) not in ({kind} if kind else {list, dict}):
            expected = (
                f"{type_names[kind]} was expected, as another part is one"
                if kind
                else "a list or an object was expected"
            )
            raise Refused(f"{describe(value)} was found", expected, path=str(path), place=path.place)
        kind = type(value)
    return found


def _together(values: Sequence[Any], on_conflict: OnConflict, target: Path) -> Any:
    """Lists as one list, or objects as one object."""
    if type(values[0]) is list:
        return list(chain(*values))
    whole: Document = {}
    for value in values:
        for name, part in value.items():
            if name in whole and on_conflict == "fail":
                raise Refused(
                    f"the name {name!r} was found in two of the objects",
                    "each name was expected in one",
                    "say `on_conflict: first` or `on_conflict: last`",
                    path=str(target),
                    place=target.place,
                )
            if name not in whole or on_conflict == "last":
                whole[name] = part
    return whole


def _without_ends(head: Sequence[Json], tail: Sequence[Json]) -> Callable[[Json], Json]:
    """A function that takes the items off the ends of a list which were put there."""

    def shortened(value: Json) -> Json:
        items = opened(value)
        if type(items) is not list:
            raise wrong_type(value, "a list")
        end = max(len(items) - len(tail), len(head))
        for where, there, put in (("beginning", items[: len(head)], head), ("end", items[end:], tail)):
            if not equal(there, put):
                raise Refused(
                    f"other items at the {where} of the list were found",
                    "those that were put there were expected",
                    "they were changed since",
                )
        return items[len(head) : end] if head or tail else value

    return shortened


def _without_entries(added: Mapping[str, Json]) -> Callable[[Json], Json]:
    """A function that takes the entries out of an object which were put there."""

    def reduced(value: Json) -> Json:
        entries = opened(value)
        if type(entries) is not dict:
            raise wrong_type(value, "an object")
        for name, put in added.items():
            there = entries.get(name, ABSENT)
            if there is ABSENT or not equal(there, put):
                raise Refused(
                    f"{'nothing' if there is ABSENT else describe(there)} was found",
                    "the value that was put there was expected",
                    "it was changed since",
                    path=str(Name(name)),
                )
        return {name: part for name, part in entries.items() if name not in added} if added else value

    return reduced
