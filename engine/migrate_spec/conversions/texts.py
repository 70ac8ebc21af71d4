"""Conversions of texts: into the scalars, lists and JSON values that they say."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from decimal import Decimal

from migrate_spec.codec import MOST_DIGITS, Document, Json, encode
from migrate_spec.conversions.terms import Terms, Way, typed
from migrate_spec.document import Refused, describe, wrong_type
from migrate_spec.path import Index

__all__ = [
    "DEEPEST",
    "boolean_to_text",
    "integer_to_text",
    "list_to_text",
    "number_to_text",
    "text_to_boolean",
    "text_to_integer",
    "text_to_list",
    "text_to_number",
    "text_to_value",
    "value_to_text",
]

DEEPEST = 100
"""Levels of lists and objects in a text of JSON; a document with them inside is one that can still be read."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"(?P<digits>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)(?:[eE][-+]?[0-9]+)?")


def integer_to_text(value: Json) -> Json:
    """Its digits."""
    return str(typed(value, int, "an integer"))


def text_to_integer(value: Json) -> Json:
    """The integer of which the text is the one spelling."""
    text = typed(value, str, "a text")
    if not _INTEGER.fullmatch(text) or text == "-0":
        raise wrong_type(value, 'the text of an integer, such as "-12",')
    return _integer(text)


def number_to_text(value: Json) -> Json:
    """The number as it is written in a document."""
    if type(value) not in {int, float}:
        raise wrong_type(value, "a number")
    return encode(value).decode()


def text_to_number(value: Json) -> Json:
    """The number that the text says, as JSON does."""
    text = typed(value, str, "a text")
    if not _NUMBER.fullmatch(text):
        raise wrong_type(value, 'the text of a number, such as "-1.5",')
    return _integer(text) if _INTEGER.fullmatch(text) else _float(text)


def _integer(text: str) -> int:
    digits = len(text.lstrip("-"))
    if digits > MOST_DIGITS:
        raise Refused(f"an integer of {digits} digits was found", f"at most {MOST_DIGITS} digits were expected")
    return int(text)


def _float(text: str) -> float:
    """The float that a text says; a text that says more than a float can hold is refused."""
    number = float(text)
    if math.isinf(number):
        expected = "a number within the range of a 64-bit float was expected"
        raise Refused(f"the number {text:.40} was found", expected)
    digits = _NUMBER.fullmatch(text)
    if digits is None or not digits["digits"].strip("-0."):
        return number  # nought, whatever its exponent
    if not number or Decimal(text) != Decimal(repr(number)):
        raise Refused(f"the number {text:.40} was found", "one that a 64-bit float holds exactly was expected")
    return number


def boolean_to_text(value: Json) -> Json:
    """Its name."""
    return "true" if typed(value, bool, "a boolean") else "false"


def text_to_boolean(value: Json) -> Json:
    """The boolean of that name."""
    if type(value) is not str or value not in {"true", "false"}:
        raise wrong_type(value, '"true" or "false"')
    return value == "true"


def text_to_list(terms: Terms) -> Way:
    """What stands between the separators; nothing for an empty text."""
    return lambda value: value.split(terms.separator) if typed(value, str, "a text") else []


def list_to_text(terms: Terms) -> Way:
    """The items with separators between them, where these part the text into the same items again."""
    separator, shown = terms.separator, json.dumps(terms.separator, ensure_ascii=False)

    def convert(value: Json) -> Json:
        for index, item in enumerate(typed(value, list, "a list")):
            if type(item) is not str or separator in item:
                expected = f"a text without {shown}" if type(item) is str else "a text"
                raise wrong_type(item, expected).below(str(Index(index)))
        text = separator.join(value)
        if value == [""]:
            raise Refused("a list of one empty text was found", "another was expected, as an empty text is no items")
        if value and text.split(separator) != value:
            expected = f"items that {shown} parts again were expected"
            raise Refused(f"the items of {describe(text)} were found", expected)
        return text

    return convert


def text_to_value(value: Json) -> Json:
    """The value that a text of JSON says, read as strictly as a document."""
    text = typed(value, str, "a text")
    try:
        found = json.loads(
            text, object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_constant
        )
        encode(_shallow(found))
    except json.JSONDecodeError as error:
        why = f"{error.msg.lower().removesuffix(' at')} at character {error.pos + 1}"
        raise Refused(f"{describe(value)} was found ({why})", "the text of a JSON value was expected") from None
    except UnicodeEncodeError:
        raise Refused("half of a surrogate pair was found", "Unicode text was expected") from None
    except RecursionError:
        raise _too_deep() from None
    return found


def value_to_text(value: Json) -> Json:
    """The value as compact JSON."""
    return encode(_shallow(value)).decode()


def _shallow(value: Json, left: int = DEEPEST) -> Json:
    """A value without too many levels."""
    if type(value) in {list, dict}:
        if not left:
            raise _too_deep()
        for part in value.values() if type(value) is dict else value:
            _shallow(part, left - 1)
    return value


def _too_deep() -> Refused:
    return Refused(f"a value of more than {DEEPEST} levels was found", "fewer were expected")


def _object(pairs: list[tuple[str, Json]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise Refused(f"the key {name!r} was found twice in one object", "each key was expected once")
    return found


def _constant(word: str) -> None:
    raise Refused(f"{word} was found", "a number that JSON can hold was expected")
