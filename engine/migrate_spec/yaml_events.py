"""YAML text → events, read twice as it must be: the only module that imports the YAML libraries.

libyaml (through PyYAML) reads, as it is twenty times faster; ruamel.yaml explains, as it says what is wrong in words
that a person understands, and reads what libyaml refuses and YAML 1.2 allows. The events of both have the same names
and the same facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

__all__ = ["Event", "Mark", "NotYaml", "explained", "quick"]

_DISPUTED = re.compile(
    r"""
    [\t\ufeff"'\]}|>?&*!%.](?:
        (?<=[\t\ufeff])                                      # tabs between words, byte order marks
      | (?<=["'\]}])[ \r\n]*:[^ \r\n]                      # a colon that is one only because of what is before it
      | (?<=[|>])[-+0-9]*\#                                 # a remark that touches the mark of a block of text
      | (?<=\?)(?<![^\s\[{,:-].)(?!\S)                      # keys after a question mark
      | (?<=[&*])(?<![^\s\[{,:-].)[\w-]*[^\w\s\-,\]}]      # anchors and aliases with more than words in their names
      | (?<=!)(?<![^\s\[{,:-].)                             # tags
      | (?<=[%.])(?<![^\r\n].)                              # directives, and ends of documents
    )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
"""What the two libraries read in two ways, and more: such a text is for the one that explains."""


class Mark(Protocol):
    """A place in the text; both numbers count from 0."""

    line: int
    column: int


class Event(Protocol):
    """One event of the text, of the class that its kind is named after, such as ``ScalarEvent``."""

    start_mark: Mark
    end_mark: Mark
    anchor: str | None
    tag: str | None
    style: str | None
    value: str


class NotYaml(Exception):  # noqa: N818 - the reader makes faults of it
    """The text is no YAML.

    Attributes:
        problem: what is wrong.
        mark: where; ``None`` where that is not known.
        position: instead of ``mark``, the index of a character that no YAML may hold.
    """

    def __init__(self, problem: str, mark: Mark | None = None, position: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.mark = mark
        self.position = position


def quick(text: str) -> Iterator[Event]:
    """The events of a text as libyaml reads them.

    Raises:
        NotYaml: libyaml refuses the text, in words for nobody, or may read it in another way; or is not there at all.
    """
    if _DISPUTED.search(text):
        raise NotYaml("disputed")
    from yaml import YAMLError  # noqa: PLC0415 - each library is imported when it is needed, which is seldom for one

    try:
        from yaml._yaml import CParser  # noqa: PLC0415
    except ImportError:  # PyYAML was built without it
        raise NotYaml("no libyaml") from None
    next_event: Callable[[], Any] = CParser(text).get_event
    try:
        yield from iter(next_event, None)
    except (YAMLError, UnicodeError) as error:
        raise NotYaml(str(error)) from None


def explained(text: str) -> Iterator[Event]:
    """The events of a text as ruamel.yaml reads them.

    Raises:
        NotYaml: the text is no YAML.
    """
    from ruamel.yaml import YAML  # noqa: PLC0415 - as above
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415
    from ruamel.yaml.reader import ReaderError  # noqa: PLC0415

    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
    try:
        yield from events
    except MarkedYAMLError as error:
        raise NotYaml(str(error.problem), error.problem_mark or error.context_mark) from None
    except ReaderError as error:
        raise NotYaml(str(error), position=error.position) from None
    except YAMLError as error:
        raise NotYaml(str(error).split("\n")[0]) from None
