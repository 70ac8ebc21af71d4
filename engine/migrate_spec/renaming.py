"""Rules by which names get other names: what a spec says of them, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from migrate_spec.operation import FieldName
from migrate_spec.pattern import Pattern, Replacement, Substitution
from migrate_spec.shapes.names import Rule, prefixed, unprefixed
from migrate_spec.shapes.texts import left_out, literally

__all__ = ["Case", "Cases", "Names", "Renaming"]

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
