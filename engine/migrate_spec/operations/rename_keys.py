"""``rename_keys``: other names in objects whose names are data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

from migrate_spec.codec import Document
from migrate_spec.document import Change, Refused
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.operation import FieldName, Loss, ObjectPath, Operation, check_forms, in_order
from migrate_spec.path import Name, Path, within_objects
from migrate_spec.pattern import Pattern, Replacement, Substitution
from migrate_spec.shapes.names import Rule, prefixed, renamed, unprefixed
from migrate_spec.shapes.shape import Shape
from migrate_spec.shapes.texts import left_out, literally
from migrate_spec.shapes.walking import changed_at

Case = Literal["camel", "pascal", "snake", "kebab"]

Renaming = Callable[[str], str]
"""What a name becomes."""


@dataclass(frozen=True)
class Cases:
    """From ``fooBar``, ``FooBar``, ``foo_bar`` or ``foo-bar`` to another of them.

    Attributes:
        from_: how the names are written before.
        to: how they are written afterwards.
    """

    from_: Case
    to: Case


@dataclass(frozen=True)
class Names:
    """What becomes of the names in one object.

    Attributes:
        table: other names for some of them.
        add_prefix: what each name gets at its beginning.
        strip_prefix: what is taken away from the beginning of each name.
        case: how the names are written, before and afterwards.
        pattern: a regular expression (RE2), replaced in each name at every match.
        with_: what is put in place of a match; a backslash and a number stand for a group.
        reverse: what is replaced on the way back.
        except_: names that stay whatever the rule says, such as the one of the version stamp.
    """

    table: Mapping[FieldName, FieldName] | None = None
    add_prefix: str | None = None
    strip_prefix: str | None = None
    case: Cases | None = None
    pattern: Pattern | None = None
    with_: Replacement | None = None
    reverse: Substitution | None = None
    except_: Sequence[FieldName] = ()
    else_: Literal["fail", "keep"] = "fail"

    @property
    def substitution(self) -> Substitution | None:
        """What is put in place of every match in a name."""
        return Substitution(self.pattern, self.with_) if self.pattern and self.with_ is not None else None

    def ways(self) -> tuple[Renaming, Renaming | None]:
        """What a name becomes, and what it becomes on the way back, if there is one."""
        there, back = self._ways()
        kept = frozenset(self.except_)
        if not kept:
            return there, back
        return (
            lambda name: name if name in kept else there(name),
            (lambda name: name if name in kept else back(name)) if back else None,
        )

    def rule(self, *, back: bool = False) -> Rule:
        """What names become, or on the way back; the names that the rule speaks of, and what the others are like."""
        there, restore = self.ways()
        rename, restore = (restore or there, there) if back else (there, restore)
        known = (*self.except_, *(name for pair in (self.table or {}).items() for name in pair))
        rule = Rule(rename, restore, self.else_ == "keep", known, others_stay=self.table is not None)
        if rule.keep or rule.others_stay:
            return rule
        if self.case is None and self.pattern is None:
            prefix = literally(self.strip_prefix or self.add_prefix or "")
            if (self.add_prefix is not None) is not back:
                return replace(rule, made=partial(prefixed, prefix))
            return replace(rule, made=partial(unprefixed, prefix), taken=f"^{prefix}")
        way = self.reverse if back else self.substitution
        pattern = left_out(way) if way else None
        return rule if pattern is None else replace(rule, made=lambda _: {"not": {"pattern": pattern}})

    def _ways(self) -> tuple[Renaming, Renaming | None]:
        if self.table is not None:
            return _by_table(self.table), _by_table({new: old for old, new in self.table.items()})
        if self.case is not None:
            return _by_case(self.case.from_, self.case.to), _by_case(self.case.to, self.case.from_)
        if self.substitution is not None:
            return self.substitution.replacer(), self.reverse.replacer() if self.reverse else None
        prefix = self.strip_prefix or self.add_prefix or ""
        add, strip = prefix.__add__, _stripper(prefix)
        return (add, strip) if self.strip_prefix is None else (strip, add)


@dataclass(frozen=True)
class RenameKeys(Operation):
    """Give the names in an object other names by a rule; the order stays. Two names that become one are refused.

    The path `.` is the object that the step is given; names under `except` stay. Backwards they get their old names. A
    name that would not come back is refused, or stays with `else: keep`; a `pattern` without `reverse` has no way back.
    """

    objects: Mapping[ObjectPath, Names]

    example: ClassVar[str] = """
        step:
          rename_keys:
            labels: {table: {colour: color}}
            "notes[]": {case: {from: camel, to: snake}}
        before: {labels: {size: 1, colour: red}, notes: [{createdAt: 2024, text: Hi}]}
        after: {labels: {size: 1, color: red}, notes: [{created_at: 2024, text: Hi}]}
    """

    def check(self) -> Iterator[Fault]:
        """One rule for each object, under which no two names surely become one."""
        yield from super().check()
        for path, names in self.objects.items():
            forms = {"table": "", "add_prefix": "", "strip_prefix": "", "case": "", "pattern": "with"}
            faults = list(check_forms(names, forms, {"reverse": "pattern"}, path))
            yield from faults or _faults(names, path)

    def forward(self) -> Change:
        """Rebuild each object with the new names in the old places."""
        return in_order([within_objects(path, _up(names, path)) for path, names in self.objects.items()])

    def backward(self) -> Change:
        """The same the other way."""
        return in_order([within_objects(path, _down(names, path)) for path, names in self.objects.items()])

    def effect(self, shape: Shape) -> Shape:
        """The fields of each object have their new names, and what else they had."""
        for path, names in self.objects.items():
            change = partial(renamed, names.rule())
            shape = changed_at(shape, path, lambda value, change=change: value.of_objects(change))  # type: ignore[misc]
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """They have their old names."""
        for path, names in self.objects.items():
            change = partial(renamed, names.rule(back=True))
            shape = changed_at(shape, path, lambda value, change=change: value.of_objects(change))  # type: ignore[misc]
        return shape

    def reads(self) -> Sequence[Path]:
        """The objects: what names they have."""
        return tuple(self.objects)

    def writes(self) -> Sequence[Path]:
        """The objects."""
        return tuple(self.objects)

    def touches(self, path: Path) -> bool:
        """Whether a path leads through a name that gets another one."""
        return any(_may_rename(names, at, path) for at, names in self.objects.items())

    def losses(self) -> Sequence[Loss]:
        """Nothing by default, as a name that would not come back is refused."""
        return tuple(Loss(path, what) for path, names in self.objects.items() if (what := _lost(names)))


def _may_rename(names: Names, at: Path, path: Path) -> bool:
    if not at.meets(path):
        return False
    name = path.segments[len(at.segments)] if len(path.segments) > len(at.segments) else None
    if not isinstance(name, Name):
        return True
    there = names.ways()[0](name.name) != name.name
    return name.name not in names.except_ and (there or name.name in (names.table or {}).values())


def _lost(names: Names) -> str:
    if names.pattern is not None and names.reverse is None:
        return "the names in it"
    return "which of its names were so before" if names.else_ == "keep" else ""


def _faults(names: Names, path: Path) -> Iterator[Fault]:
    """What is wrong with the rule for one object."""
    if names.table is not None:
        yield from _table_faults(names.table, path)
    if "" in {names.add_prefix, names.strip_prefix}:
        yield Fault("an empty prefix was found", "a text was expected", "", path.place, "no-effect")
    if names.case is not None and names.case.from_ == names.case.to:
        found = f"names from {names.case.from_} to {names.case.to} were found"
        yield Fault(found, "another case was expected", "", path.place, "no-effect")
    ways = [way for way in (names.substitution, names.reverse) if way is not None]
    yield from (fault for fault in (way.fault() for way in ways) if fault is not None)


def _table_faults(table: Mapping[str, str], path: Path) -> Iterator[Fault]:
    found: dict[str, str] = {}
    for old, new in table.items():
        if old == new:
            said = f"the name {old!r} renamed to itself was found"
            yield Fault(said, "a new name was expected", "", path.place, "no-effect")
        if new in found:
            said = f"the new name {new!r} was found for {found[new]!r} and {old!r}"
            yield Fault(said, "each was expected once", "", path.place, "duplicate-key")
        found[new] = old


def _by_table(table: Mapping[str, str]) -> Renaming:
    return lambda name: table.get(name, name)


def _stripper(prefix: str) -> Renaming:
    return lambda name: name.removeprefix(prefix)


_WORD_BEGINS = re.compile(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_JOINTS = {"snake": "_", "kebab": "-"}


def _by_case(of: Case, to: Case) -> Renaming:
    """From one case to another. A name that is not of the first becomes one that does not come back.

    Capitals in a row are one word (``userID``: user, id); underscores at both ends stay.
    """

    def renamed(name: str) -> str:
        core = name.strip("_")
        words = core.split(_JOINTS[of]) if of in _JOINTS else _WORD_BEGINS.split(core)
        words = [word.lower() for word in words]
        if to in _JOINTS:
            new = _JOINTS[to].join(words)
        else:
            begin = 1 if to == "camel" else 0
            new = "".join([*words[:begin], *(word[:1].upper() + word[1:] for word in words[begin:])])
        before, _, after = name.partition(core) if core else (name, "", "")
        return before + new + after

    return renamed


def _up(names: Names, path: Path) -> Change:
    rename, restore = names.ways()
    remedy = "rename it first, or say `else: keep`"

    def refused(name: str, new: str, back: str) -> Refused:
        becomes = f"backwards it becomes {_shown(back)}"
        becomes = becomes if new == name else f"it becomes {_shown(new)} and backwards {_shown(back)}"
        expected = f"one that comes back was expected, but {becomes}"
        return Refused(f"the name {_shown(name)} was found", expected, remedy, place=path.place)

    return _renaming(rename, restore, refused, path, keep=names.else_ == "keep")


def _down(names: Names, path: Path) -> Change:
    rename, restore = names.ways()
    if restore is None:
        raise Irreversible(
            f"names in {str(path)!r} rewritten by a pattern were found",
            "a way back was expected",
            "write `reverse: {pattern: PATTERN, with: TEXT}` beside it",
            where=path.place,
        )

    def refused(name: str, new: str, back: str) -> Refused:
        expected = f"one that `rename_keys` makes was expected, but {_shown(new)} becomes {_shown(back)}"
        remedy = "it was added since; rename it first, or say `else: keep`"
        return Refused(f"the name {_shown(name)} was found", expected, remedy, place=path.place)

    return _renaming(restore, rename, refused, path, keep=names.else_ == "keep")


def _renaming(
    rename: Renaming, restore: Renaming | None, refused: Callable[[str, str, str], Refused], path: Path, *, keep: bool
) -> Change:
    """The change of an object's names, each of which must come back, stay or is refused."""

    def change(parent: Document) -> bool:
        rebuilt: Document = {}
        olds: dict[str, str] = {}
        lost = None
        for name, value in parent.items():
            new = rename(name)
            back = name if restore is None else restore(new)
            if back != name and keep:
                new = name
            elif back != name and lost is None:
                lost = refused(name, new, back)
            if new in rebuilt:
                raise _two_are_one(olds[new], name, new, path)
            rebuilt[new], olds[new] = value, name
        if lost is not None:
            raise lost
        if list(rebuilt) == list(parent):
            return False
        parent.clear()
        parent.update(rebuilt)
        return True

    return change


def _two_are_one(one: str, other: str, new: str, path: Path) -> Refused:
    found = f"the names {_shown(one)} and {_shown(other)} were found"
    expected = f"names that stay apart were expected, but both become {_shown(new)}"
    return Refused(found, expected, "rename or remove one of the two first", place=path.place)


def _shown(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
