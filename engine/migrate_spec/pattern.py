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

import re2  # type: ignore[import-untyped]  # it ships no types

from migrate_spec.errors import Fault, Place

__all__ = ["Pattern", "Replacement"]

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False

_REFERENCE = re.compile(r"\\(.?)", re.DOTALL)


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
        return re2.compile(self.text, _OPTIONS)

    def fault(self) -> Fault | None:
        """What is wrong with the expression, if something is."""
        try:
            self.matches("")
        except re2.error as error:
            why = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
            expected = "a regular expression in RE2's syntax was expected"
            remedy = "look-around and back-references are not in it" if "perl operator" in why else ""
            return Fault(
                f"the pattern {self.text!r} was found ({why})", expected, remedy, self.place, "pattern-invalid"
            )
        return None

    @property
    def groups(self) -> int:
        """How many groups it has."""
        return int(self._compiled.groups)

    @property
    def names(self) -> Mapping[str, int]:
        """Its named groups, and their numbers."""
        found: Mapping[str, int] = self._compiled.groupindex
        return found

    def matches(self, text: str) -> bool:
        """Whether it matches somewhere in a text."""
        return self._compiled.search(text) is not None

    def parts(self, text: str) -> dict[str, str | None] | None:
        """The texts of the named groups where it matches the whole of a text, ``None`` for one that took no part.

        Returns:
            ``None`` where it does not match.
        """
        match = self._compiled.fullmatch(text)
        found: dict[str, str | None] | None = None if match is None else match.groupdict()
        return found

    def replacer(self, replacement: Replacement) -> Callable[[str], str]:
        """A function that puts a replacement in place of every match in a text."""
        substitute = self._compiled.sub
        expand = replacement.expander()
        return lambda text: substitute(expand, text)


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

        def expand(match: Any) -> str:
            return _REFERENCE.sub(lambda mark: "\\" if mark[1] == "\\" else match.group(int(mark[1])) or "", text)

        return expand
