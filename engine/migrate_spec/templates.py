"""Texts that are made of named parts, and can be read back into them.

A template says what stands between the parts::

    {first} {last}       a name in braces stands for a part, all else for itself
    {{{id}}}             {{ and }} are braces that stand for themselves

A text is read back from the left, each part as short as it can be, the last one up to what ends the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from migrate_spec.errors import Place, TemplateError

__all__ = ["Rest", "Separated", "Template"]

Rest = Literal["fail", "first", "last"]
"""Which part takes what is more than there are parts, separators and all: none, the first, or the last."""

_TOKEN = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<name>[^{}]+)\}|(?P<literal>[^{}]+)")


@dataclass(frozen=True)
class Template:
    """A template, read.

    Attributes:
        text: as a spec says it.
        literals: what stands before the first placeholder, between each two and behind the last.
        placeholders: their names, in order; a name may come again.
        place: where in a spec it stands.
    """

    text: str
    literals: tuple[str, ...]
    placeholders: tuple[str, ...]
    place: Place | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Template:
        """Read a template.

        Raises:
            TemplateError: ``text`` is no template; the error says from which character on.
        """
        literals, placeholders, position = [""], [], 0
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:
                raise TemplateError(
                    f"the template {text!r} was found",
                    f"a name in braces was expected at character {position + 1}",
                    "write a brace that stands for itself as {{ or }}",
                    where=place,
                )
            if token["name"]:
                placeholders.append(token["name"])
                literals.append("")
            else:
                literals[-1] += token["literal"] or token["brace"][0]
            position = token.end()
        return cls(text, tuple(literals), tuple(placeholders), place)

    def __str__(self) -> str:
        return self.text

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts, each once."""
        return tuple(dict.fromkeys(self.placeholders))

    @property
    def readable(self) -> bool:
        """Whether something stands between each two placeholders, so that a text can be read back."""
        return all(self.literals[1:-1])

    @property
    def wanted(self) -> str:
        """What :meth:`read` takes, for a sentence."""
        return f"a text like {self.text!r}"

    def fill(self, parts: Mapping[str, str]) -> str:
        """The text that is made of these parts."""
        pairs = zip(self.literals[1:], self.placeholders, strict=True)
        return self.literals[0] + "".join(parts[name] + literal for literal, name in pairs)

    def read(self, text: str) -> dict[str, str] | None:
        """The parts of a text; ``None`` where it is not made like this. The template must be :attr:`readable`."""
        first, *between = self.literals
        last = between.pop() if between else ""
        begin, end = len(first), len(text) - len(last)
        if begin > end or not text.startswith(first) or not text.endswith(last):
            return None
        found: dict[str, str] = {}
        for name, literal in zip(self.placeholders, [*between, None], strict=False):
            stop = end if literal is None else text.find(literal, begin, end)
            if stop < 0 or found.setdefault(name, text[begin:stop]) != text[begin:stop]:
                return None
            begin = end if literal is None else stop + len(literal)
        return found if begin == end else None


@dataclass(frozen=True)
class Separated:
    """Parts with the same text between each two.

    Attributes:
        names: the names of the parts, in order.
        by: what stands between them.
        rest: which part may have the separator in it.
    """

    names: Sequence[str]
    by: str
    rest: Rest = "fail"

    @property
    def placeholders(self) -> Sequence[str]:
        """The names, as they stand."""
        return self.names

    @property
    def literals(self) -> Sequence[str]:
        """What stands before the first part, between each two and behind the last."""
        return ("", *[self.by] * (len(self.names) - 1), "")

    @property
    def readable(self) -> bool:
        """Whether something stands between the parts, so that a text can be read back."""
        return bool(self.by)

    @property
    def wanted(self) -> str:
        """What :meth:`read` takes, for a sentence."""
        more = "" if self.rest == "fail" else " or more"
        return f"a text of {len(self.names)} parts{more} with {self.by!r} between them"

    def fill(self, parts: Mapping[str, str]) -> str:
        """The text that is made of these parts."""
        return self.by.join(parts[name] for name in self.names)

    def read(self, text: str) -> dict[str, str] | None:
        """The parts of a text; ``None`` where there are not as many. The separator must be :attr:`readable`."""
        most = -1 if self.rest == "fail" else len(self.names) - 1
        found = text.rsplit(self.by, most) if self.rest == "first" else text.split(self.by, most)
        return dict(zip(self.names, found, strict=True)) if len(found) == len(self.names) else None
