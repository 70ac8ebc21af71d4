"""What docstrings say of an operation and its options, for the documentation and for editors."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence

__all__ = ["attributes", "prose", "sentences"]

_SECTIONS = re.compile(r"\n\n(?:Args|Attributes|Raises|Returns):\n")
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)


def prose(documented: object) -> str:
    """The docstring of a class or a module up to its sections, such as ``Attributes``."""
    return _SECTIONS.split(inspect.getdoc(documented) or "")[0].replace("``", "`")


def attributes(documented: type) -> Mapping[str, str]:
    """What the docstring of a class says of each attribute, by its name, as a sentence."""
    _, _, section = (inspect.getdoc(documented) or "").replace("``", "`").partition("\n\nAttributes:\n")
    told = {name: " ".join(words.split()) for name, words in _ATTRIBUTE.findall(section)}
    inherited = {name: words for base in documented.__bases__ for name, words in attributes(base).items()}
    return inherited | {name: words[0].upper() + words[1:] for name, words in told.items()}


def sentences(text: str) -> Sequence[str]:
    """The sentences of a text, each in one line."""
    return re.split(r"(?<=[.!?]) (?=[A-Z`])", " ".join(text.split()))
