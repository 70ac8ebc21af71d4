r"""Texts that match a pattern of a JSON Schema: the regular expressions of ECMA-262.

Python's are others (``\d`` is any digit there, ``$`` stands before a last line break, ``\p{L}`` and ``(?<name>a)`` are
faults), so they are read here. What depends on the text around (``\b``, look-around) is passed over or taken
into it: whoever asks checks the texts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random

__all__ = ["Unreadable", "samples"]

Pick = Callable[[int], int]
"""Chooses one of so many."""
_Maker = Callable[[Pick, int], str]
_Test = Callable[[str], bool]

PALETTE = [*"a0A-_.b1 Bz9Z:/@xé", *map(chr, range(33, 127)), *'üßΩж中"\\\n\t\u00a0\u2028', "😀"]
"""Characters to try where a pattern allows many."""
MOST_CHARACTERS = 40
"""To choose from, at one place."""
MOST_TIMES = 64
"""Up to which an upper bound of a repetition is reached."""
USUAL_TIMES = 3
"""How often what may be repeated is repeated at most, beyond what it must."""

_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "v": "\v", "f": "\f"}
_CATEGORIES = {
    "Letter": "L",
    "Lowercase_Letter": "Ll",
    "Uppercase_Letter": "Lu",
    "Mark": "M",
    "Number": "N",
    "Decimal_Number": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
    "Other": "C",
}


class Unreadable(ValueError):  # noqa: N818 - says what the pattern is
    """A pattern with something in it for which no text can be made up."""


def samples(pattern: str, stretch: int, count: int) -> Iterator[str]:
    """Texts that match a pattern, probably: the simplest, the longest, then others.

    Args:
        pattern: the pattern.
        stretch: how often to repeat what may be repeated without end.
        count: how many texts.

    Raises:
        Unreadable: it has a class of characters that is not known.
    """
    make = _maker(pattern)
    random = Random(0)  # noqa: S311 - it chooses texts
    picks: list[Pick] = [lambda _: 0, lambda many: many - 1]
    for pick in (*picks, *[random.randrange] * (count - len(picks))):
        yield make(pick, max(stretch, USUAL_TIMES))


@lru_cache(maxsize=256)
def _maker(pattern: str) -> _Maker:
    reader = _Reader(pattern)
    try:
        return reader.alternatives()
    except Unreadable:
        raise
    except (IndexError, ValueError):
        raise Unreadable("it is not understood") from None


class _Reader:
    """Reads a pattern that is known to be one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.groups = 0
        self.taken: dict[int, str] = {}  # what the groups of the text that is being made have

    def ahead(self, *words: str) -> bool:
        """Whether one of the words comes next; it is then behind us."""
        for word in words:
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return True
        return False

    def until(self, end: str) -> str:
        """The text before the next such character, which is then behind us."""
        start, self.at = self.at, self.text.index(end, self.at) + 1
        return self.text[start : self.at - 1]

    def alternatives(self) -> _Maker:
        branches = [self.sequence()]
        while self.ahead("|"):
            branches.append(self.sequence())
        return lambda pick, stretch: branches[pick(len(branches))](pick, stretch)

    def sequence(self) -> _Maker:
        parts: list[_Maker] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.atom()))
        return lambda pick, stretch: "".join([part(pick, stretch) for part in parts])

    def repeated(self, one: _Maker) -> _Maker:
        least, most = 1, 1 if not self.ahead("*") else None
        if most is None:
            least = 0
        elif self.ahead("+"):
            most = None
        elif self.ahead("?"):
            least = 0
        elif self.ahead("{"):
            low, comma, high = self.until("}").partition(",")
            least, most = int(low), int(high) if high else None if comma else int(low)
        else:
            return one
        self.ahead("?", "+")

        def make(pick: Pick, stretch: int) -> str:
            room = stretch if most is None else most - least
            room = room if room <= MOST_TIMES or most is None else stretch
            return "".join([one(pick, stretch) for _ in range(least + pick(room + 1))])

        return make

    def atom(self) -> _Maker:
        if self.ahead("("):
            return self.group()
        if self.ahead("["):
            return _one_of(*self.members())
        if self.ahead("."):
            return _one_of(lambda character: character not in "\n\r\u2028\u2029", [])
        if self.ahead("^", "$", "\\b", "\\B"):
            return _nothing
        if self.text[self.at] == "\\" and self.text[self.at + 1].isdigit():
            self.at += 2
            number = int(self.text[self.at - 1])
            return lambda _pick, _stretch: self.taken.get(number, "")
        return _one_of(*self.one())

    def group(self) -> _Maker:
        if not self.ahead("?"):
            return self.taking()
        if self.ahead("!", "<!"):
            self.closed()
            return _nothing
        if self.ahead("=", "<="):  # what it asks for is there anyway, or not
            beside = self.closed()
            return lambda pick, stretch: beside(pick, stretch) if pick(2) else ""
        if self.ahead("<", "P<"):
            self.until(">")
            return self.taking()
        self.until(":")
        return self.closed()

    def taking(self) -> _Maker:
        """A group that can be referred to."""
        self.groups += 1
        number = self.groups
        inside = self.closed()

        def make(pick: Pick, stretch: int) -> str:
            self.taken[number] = inside(pick, stretch)
            return self.taken[number]

        return make

    def closed(self) -> _Maker:
        inside = self.alternatives()
        self.at += 1
        return inside

    def members(self) -> tuple[_Test, list[str]]:
        """What a class in brackets holds, and characters on its borders."""
        negated = self.ahead("^")
        tests: list[_Test] = []
        borders: list[str] = []
        while not self.ahead("]"):
            test, low = self.one()
            if low and not self.text.startswith("-]", self.at) and self.ahead("-"):
                _, high = self.one()
                test = _between(low[0], high[0] if high else low[0])
                low = [*low, *high]
            tests.append(test)
            borders += low
        return (lambda character: any(test(character) for test in tests) is not negated), borders

    def one(self) -> tuple[_Test, list[str]]:
        """What one character or escape matches, and the character itself where it is one."""
        character = self.text[self.at]
        self.at += 1
        if character != "\\":
            return _between(character, character), [character]
        kind = self.text[self.at]
        self.at += 1
        if kind in "dDwWsS":
            return _class(kind), []
        if kind in "pP":
            named = self.until("}")[1:] if self.text[self.at] == "{" else self._next(1)
            test = _property(named)
            return (lambda character: test(character) is (kind == "p")), []
        character = self._escaped(kind)
        return _between(character, character), [character]

    def _escaped(self, kind: str) -> str:
        if kind in _CONTROLS:
            return _CONTROLS[kind]
        if kind == "c":
            return chr(ord(self._next(1)) & 31)
        if kind in "xu" and self.text[self.at] == "{":
            return chr(int(self.until("}")[1:], 16))
        if kind in "xu":
            return chr(int(self._next(2 if kind == "x" else 4), 16))
        return kind

    def _next(self, count: int) -> str:
        self.at += count
        return self.text[self.at - count : self.at]


def _nothing(_pick: Pick, _stretch: int) -> str:
    return ""


def _between(low: str, high: str) -> _Test:
    return lambda character: low <= character <= high


def _class(kind: str) -> _Test:
    tests: dict[str, _Test] = {
        "d": lambda character: "0" <= character <= "9",
        "w": lambda character: character == "_" or (character.isascii() and character.isalnum()),
        "s": lambda character: character.isspace() and not "\x1c" <= character <= "\x1f",
    }
    test = tests[kind.lower()]
    return test if kind.islower() else lambda character: not test(character)


def _property(named: str) -> _Test:
    name = named.partition("=")[2] or named
    category = _CATEGORIES.get(name, name)
    if category in {"L", "M", "N", "P", "S", "Z", "C", "Ll", "Lu", "Lt", "Lm", "Lo", "Nd", "Nl", "No"}:
        return lambda character: unicodedata.category(character).startswith(category)
    script = {"Han": "CJK"}.get(name, name.upper().replace("_", " "))
    if not any(unicodedata.name(chr(code), "").startswith(f"{script} ") for code in range(0x3400)) and name != "Han":
        raise Unreadable(f"\\p{{{named}}} is not known")
    return lambda character: unicodedata.name(character, "").startswith(script)


def _one_of(test: _Test, borders: list[str]) -> _Maker:
    fitting = [character for character in dict.fromkeys((*PALETTE, *borders)) if test(character)][:MOST_CHARACTERS]
    fitting += [character for character in borders if test(character) and character not in fitting]
    characters = fitting or [chr(code) for code in range(0xD800) if test(chr(code))][:MOST_CHARACTERS]
    if not characters:
        raise Unreadable("it has a class without characters")
    return lambda pick, _: characters[pick(len(characters))]
