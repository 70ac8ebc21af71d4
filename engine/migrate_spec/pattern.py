"""Regular expressions in linear time, whatever the pattern and the text. The only module that imports re2.

The syntax is RE2's (https://github.com/google/re2/wiki/Syntax): Perl's without look-around and back-references, which
are what makes other engines hang.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from migrate_spec.errors import Fault, Place

__all__ = ["Pattern", "Replacement", "Substitution"]

_NOT_IN_RE2 = re.compile(r"operator: \(\?(?:[=!>]|<[=!]|P$)|sequence: \\[1-9k]")
_REFERENCE = re.compile(r"\\(.?)", re.DOTALL)


def _re2() -> Any:
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - it ships no types; few specs have a pattern

    return re2


@dataclass(frozen=True)
class Pattern:
    """A regular expression of a spec.

    Attributes:
        text: the expression.
        place: where in a spec it stands.
    """

    text: str
    place: Place | None = field(default=None, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"text": self.text, "place": self.place}  # what is compiled cannot be sent to another process

    def __str__(self) -> str:
        return self.text

    @cached_property
    def _compiled(self) -> Any:
        options = _re2().Options()
        options.log_errors = False
        return _re2().compile(self.text, options)

    def fault(self) -> Fault | None:
        """What is wrong with the expression, if something is."""
        try:
            self.matches("")
        except _re2().error as error:
            why = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
            expected = "a regular expression in RE2's syntax was expected"
            remedy = "look-around and back-references are not in it" if _NOT_IN_RE2.search(why) else ""
            return Fault(
                f"the pattern {self.text!r} was found ({why})", expected, remedy, self.place, "pattern-invalid"
            )
        return None

    @property
    def groups(self) -> int:
        """How many groups it has."""
        return int(self._compiled.groups)

    @cached_property
    def names(self) -> Mapping[str, int]:
        """Its named groups, and their numbers, in the order of the pattern."""
        return dict(sorted(self._compiled.groupindex.items(), key=lambda pair: pair[1]))

    def matches(self, text: str) -> bool:
        """Whether it matches somewhere in a text."""
        return self._compiled.search(text) is not None

    def parts(self, text: str) -> dict[str, str | None] | None:
        """The texts of the named groups where it matches the whole of a text, ``None`` for one that took no part.

        Returns:
            ``None`` where it does not match.
        """
        match = self._compiled.fullmatch(text)
        return None if match is None else {name: match.group(number) for name, number in self.names.items()}

    def replacer(self, replacement: Replacement) -> Callable[[str], str]:
        """A function that puts a replacement in place of every match in a text.

        An empty match right behind another match is none, as in RE2 itself; ``re2.sub`` would find some of them twice.
        """
        find, expand = self._compiled.finditer, replacement.expander()

        def replaced(text: str) -> str:
            pieces, end = [], -1
            for match in find(text):
                begin, stop = match.span()
                if stop != end:
                    pieces += [text[max(end, 0) : begin], expand(match)]
                    end = stop
            return "".join([*pieces, text[max(end, 0) :]])

        return replaced


@dataclass(frozen=True)
class Replacement:
    r"""What is put in place of a match: ``\1`` in it is the first group, ``\0`` the whole match, ``\\`` a backslash.

    Attributes:
        text: the text.
        place: where in a spec it stands.
    """

    text: str
    place: Place | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text

    def fault(self, pattern: Pattern) -> Fault | None:
        """What is wrong with the text beside this pattern, if something is."""
        for reference in _REFERENCE.finditer(self.text):
            mark = reference[1]
            if mark != "\\" and not (mark.isascii() and mark.isdigit() and int(mark) <= pattern.groups):
                return Fault(
                    f"{reference[0]!r} was found in the replacement {self.text!r}",
                    rf"one of \0 to \{pattern.groups} was expected" if pattern.groups else r"only \0 was expected",
                    r"write a backslash as \\",
                    self.place,
                    "replacement-invalid",
                )
        return None

    def expander(self) -> Callable[[Any], str]:
        """A function that gives the text for a match."""
        text = self.text
        if "\\" not in text:
            return lambda _: text

        def expand(match: Any) -> str:
            return _REFERENCE.sub(lambda mark: "\\" if mark[1] == "\\" else match.group(int(mark[1])) or "", text)

        return expand


@dataclass(frozen=True)
class Substitution:
    """A pattern, and what is put in place of every match.

    Attributes:
        pattern: a regular expression (RE2).
        with_: what is put in place of a match; a backslash and a number stand for a group.
    """

    pattern: Pattern
    with_: Replacement

    def fault(self) -> Fault | None:
        """What is wrong with the two beside each other, if something is."""
        return self.with_.fault(self.pattern)

    def replacer(self) -> Callable[[str], str]:
        """A function that replaces every match in a text."""
        return self.pattern.replacer(self.with_)
