"""``rename``: new names for fields."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from migrate_spec.changes import by_parent
from migrate_spec.codec import Document
from migrate_spec.document import Change, Refused, describe
from migrate_spec.errors import Fault
from migrate_spec.operation import Field, FieldName, IfExists, Loss, Operation, all_sole, overlaps
from migrate_spec.path import Name, Path, Segment, str_of
from migrate_spec.shapes.effects import spoiled
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape
from migrate_spec.shapes.shape import Field as FieldShape
from migrate_spec.shapes.walking import changed_at

MOST_CHAINED: Final = 7
"""Old and new names of a chain that are told apart by which of them are there."""


@dataclass(frozen=True)
class Rename(Operation):
    """Give fields new names, each in its old place among its siblings. `{a: b, b: a}` swaps.

    Backwards they get their old names. With `if_exists: keep` a field whose new name is taken keeps its old name.
    """

    fields: Mapping[Field, FieldName]
    if_exists: IfExists = "fail"

    example: ClassVar[str] = """
        step: {rename: {titel: title, meta.autor: author}}
        before: {id: 1, titel: Write, meta: {autor: Ada}}
        after: {id: 1, title: Write, meta: {author: Ada}}
    """

    def check(self) -> Iterator[Fault]:
        """Two fields cannot get one name, and a new name must be new."""
        yield from overlaps(tuple(self.fields))
        yield from overlaps(self._targets())
        for path, new in self.fields.items():
            if path.last == Name(new):
                yield Fault(
                    f"{str(path)!r} renamed to itself was found", "a new name was expected", "", path.place, "no-effect"
                )

    def forward(self) -> Change:
        """Rebuild each parent with the new names in the old places."""
        return by_parent(self.fields, self._rename)

    def backward(self) -> Change:
        """The same the other way."""
        swapped = zip(self._targets(), self.fields, strict=True)
        return by_parent({new: old.last.name for new, old in swapped if isinstance(old.last, Name)}, self._rename)

    def _rename(self, fields: list[tuple[str, str, Path]]) -> Change:
        wanted = {old: new for old, new, _ in fields}
        paths = {old: path for old, _, path in fields}
        targets = frozenset(wanted.values())

        def change(parent: Document) -> bool:
            if targets.isdisjoint(parent):  # as most often: no name is taken
                if wanted.keys().isdisjoint(parent):
                    return False
                rebuilt = {wanted.get(name, name): value for name, value in parent.items()}
                parent.clear()
                parent.update(rebuilt)
                return True
            moves = self._moves(parent, wanted)
            if self.if_exists == "fail":
                # where the old name is absent, too: the way back could not tell that the field was always called so
                taken = _taken(parent, wanted, moves)
                if taken:
                    raise _refusal(parent, wanted[taken[0]], paths[taken[0]])
            if not moves:
                return False
            lost = {moves[old] for old in _taken(parent, moves, moves)}
            rebuilt = {moves.get(name, name): parent[name] for name in parent if name not in lost}
            parent.clear()
            parent.update(rebuilt)
            return True

        return change

    def _moves(self, present: Container[str], wanted: Mapping[str, str]) -> dict[str, str]:
        """The new names of the fields that get one, by the fields that are there."""
        moves = {old: new for old, new in wanted.items() if old in present}
        taken = _taken(present, moves, moves)
        while taken and self.if_exists == "keep":
            for old in taken:
                del moves[old]  # what stays can be in the way of another
            taken = _taken(present, moves, moves)
        return moves

    def by_names(self) -> bool:
        """What is refused is told with its value, and looked at for that."""
        return all_sole(self.fields)

    def effect(self, shape: Shape) -> Shape:
        """Each field has its new name, and all else that it had."""
        return self._renamed(shape, {path: Name(new) for path, new in self.fields.items()})

    def effect_back(self, shape: Shape) -> Shape:
        """Each field has its old name."""
        return self._renamed(shape, dict(zip(self._targets(), (path.last for path in self.fields), strict=True)))

    def _renamed(self, shape: Shape, entries: Mapping[Path, Segment]) -> Shape:
        groups: dict[Path, dict[str, str]] = {}
        for path, new in entries.items():
            groups.setdefault(path.parent, {})[str_of(path.last)] = str_of(new)
        for parent, names in groups.items():
            is_chain = bool(names.keys() & set(names.values()))
            if is_chain and self.if_exists != "fail" and len({*names, *names.values()}) > MOST_CHAINED:
                return spoiled(shape, self.writes())
            change = partial(self._renamed_in, names, is_chain=is_chain)
            shape = changed_at(shape, parent, lambda value, change=change: value.of_objects(change))  # type: ignore[misc]
        return shape

    def _renamed_in(self, names: Mapping[str, str], one: ObjectShape, *, is_chain: bool) -> Iterator[ObjectShape]:
        if self.if_exists == "fail":
            yield from _moved(_lacking(one, [new for new in names.values() if new not in names]), names)
            return
        if is_chain:
            for part, present in _by_presence(one, dict.fromkeys([*names, *names.values()])):
                yield from _moved([part], self._moves(present, names))
            return
        found = [one]
        for old, new in names.items():
            found = [made for one in found for made in self._renamed_one(one, old, new)]
        yield from found

    def _renamed_one(self, one: ObjectShape, old: str, new: str) -> Iterator[ObjectShape]:
        """For one field, where the new name may be taken."""
        yield from one.absent(old)
        for having in one.present(old):
            if self.if_exists == "keep":
                yield from having.present(new)
                yield from _moved(having.absent(new), {old: new})
            else:
                yield from _moved([having], {old: new})

    def reads(self) -> Sequence[Path]:
        """The fields and their new names."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The fields and their new names."""
        return tuple(dict.fromkeys((*self.fields, *self._targets())))

    def losses(self) -> Sequence[Loss]:
        """Nothing by default, as the new names were free."""
        what = {
            "keep": "which of the two names it had",
            "replace": "which of the two names it had, and the value of the other",
        }.get(self.if_exists)
        return tuple(Loss(path, what) for path in self.writes()) if what else ()

    def _targets(self) -> tuple[Path, ...]:
        return tuple(Path((*path.parent.segments, Name(new)), path.place) for path, new in self.fields.items())


def _lacking(one: ObjectShape, names: Sequence[str]) -> Sequence[ObjectShape]:
    """Those of the objects that have none of these fields."""
    found = [one]
    for name in names:
        found = [left for part in found for left in part.absent(name)]
    return found


def _by_presence(one: ObjectShape, names: Iterable[str]) -> Sequence[tuple[ObjectShape, frozenset[str]]]:
    """The objects by which of these fields they have."""
    found: list[tuple[ObjectShape, frozenset[str]]] = [(one, frozenset())]
    for name in names:
        having = [(made, present | {name}) for part, present in found for made in part.present(name)]
        found = [*having, *((made, present) for part, present in found for made in part.absent(name))]
    return found


def _moved(objects: Iterable[ObjectShape], names: Mapping[str, str]) -> Iterator[ObjectShape]:
    """The objects with new names of fields, in place of whatever they have there."""
    for one in objects:
        found = [one]
        for name in dict.fromkeys([*names, *names.values()]):
            old = next((old for old, new in names.items() if new == name), None)
            known = one.field(old) if old is not None else FieldShape(NOTHING)
            found = [made for part in found for made in part.having(name, known.shape, needed=known.needed)]
        yield from found


def _taken(present: Container[str], wanted: Mapping[str, str], moves: Mapping[str, str]) -> list[str]:
    """The old names among ``wanted`` whose new name belongs to a field that stays."""
    return [old for old, new in wanted.items() if new in present and new not in moves]


def _refusal(parent: Document, new: str, path: Path) -> Refused:
    return Refused(
        f"{describe(parent[new])} was found",
        f"no such field was expected, as {str(path)!r} becomes it",
        "say `if_exists: keep` or `if_exists: replace`, or remove one of the two first",
        path=str(Name(new)),
        place=path.place,
    )
