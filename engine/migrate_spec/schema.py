"""JSON Schema 2020-12: whether a document fits, and the words where it does not.

jsonschema-rs judges, as it is a hundred times faster; jsonschema explains, as its ``best_match`` finds the error a
person would name. Formats are checked. Nothing is ever fetched: a reference to another file is a fault.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import jsonschema_rs

from migrate_spec.codec import Json
from migrate_spec.document import describe
from migrate_spec.errors import Fault, Place
from migrate_spec.path import Index, Name, Path

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

__all__ = ["Broken", "Mismatch", "Schema", "did_you_mean", "load_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "null": "null",
}


@dataclass(frozen=True)
class Mismatch:
    """One way in which a document does not fit a schema.

    Attributes:
        path: the place in the document.
        keyword: the keyword of the schema that is broken.
        argument: what the schema says there.
        value: the part of the document at ``path``.
        message: jsonschema's own words.
        properties: the names the schema knows at that place.
        context: for a keyword that combines schemas, the mismatches of each.
        branch: inside a context, which of the combined schemas it belongs to.
    """

    path: tuple[str | int, ...]
    keyword: str
    argument: Json
    value: Json
    message: str
    properties: tuple[str, ...] = ()
    context: tuple[Mismatch, ...] = ()
    branch: int = 0

    @property
    def where(self) -> str:
        """The place in the document as a path."""
        return str(Path(tuple(Name(key) if isinstance(key, str) else Index(key) for key in self.path)))

    @property
    def has_own_words(self) -> bool:
        """Whether :meth:`fault` tells it without those of jsonschema."""
        return self.keyword in _WORDS

    def fault(self, place: Place | str | None = None, code: str = "schema") -> Fault:
        """The mismatch as a fault."""
        words = _WORDS.get(self.keyword)
        found, expected, remedy = words(self) if words else (f"{describe(self.value)} was found", self.message, "")
        return Fault(found, expected, remedy, place, code)


class Broken(NamedTuple):
    """A place where a document breaks a schema.

    Attributes:
        path: in the document.
        rule: in the schema.
        kind: the type of the value at ``path``.
    """

    path: tuple[str | int, ...]
    rule: tuple[str | int, ...]
    kind: type

    @property
    def keyword(self) -> str:
        """The keyword of the schema that is broken; a name where the schema lets nothing be under it."""
        return str(self.rule[-1]) if self.rule else ""


def _unexpected(mismatch: Mismatch) -> tuple[str, str, str]:
    extra = sorted(set(mismatch.value) - set(mismatch.properties))
    known = ", ".join(sorted(mismatch.properties))
    several = f"one of {known} was expected" if len(mismatch.properties) > 1 else f"only {known} was expected"
    return (
        f"the unknown key {extra[0]!r} was found",
        several if known else "no keys were expected",
        did_you_mean(extra[0], mismatch.properties),
    )


def _missing(mismatch: Mismatch) -> tuple[str, str, str]:
    missing = [name for name in mismatch.argument if name not in mismatch.value]
    return f"no {missing[0]!r} was found", "it is required", ""


def _type(mismatch: Mismatch) -> tuple[str, str, str]:
    wanted = [mismatch.argument] if isinstance(mismatch.argument, str) else mismatch.argument
    return f"{describe(mismatch.value)} was found", f"{' or '.join(_TYPES[name] for name in wanted)} was expected", ""


def _enum(mismatch: Mismatch) -> tuple[str, str, str]:
    shown = [json.dumps(value, ensure_ascii=False) for value in mismatch.argument]
    texts = [value for value in mismatch.argument if isinstance(value, str)]
    remedy = did_you_mean(mismatch.value, texts) if isinstance(mismatch.value, str) else ""
    return f"{describe(mismatch.value)} was found", f"one of {', '.join(shown)} was expected", remedy


def _const(mismatch: Mismatch) -> tuple[str, str, str]:
    wanted = json.dumps(mismatch.argument, ensure_ascii=False)
    return f"{describe(mismatch.value)} was found", f"{wanted} was expected", ""


def _format(mismatch: Mismatch) -> tuple[str, str, str]:
    return f"{describe(mismatch.value)} was found", f"a text of the format {mismatch.argument} was expected", ""


def _pattern(mismatch: Mismatch) -> tuple[str, str, str]:
    return f"{describe(mismatch.value)} was found", f"a text that matches {mismatch.argument} was expected", ""


def _size(words: str) -> Callable[[Mismatch], tuple[str, str, str]]:
    def tell(mismatch: Mismatch) -> tuple[str, str, str]:
        size = len(mismatch.value)
        entries = f"{size or 'no'} {'entry' if size == 1 else 'entries'}"
        return f"{describe(mismatch.value)} with {entries} was found", f"{words} {mismatch.argument} was expected", ""

    return tell


def _unique_items(mismatch: Mismatch) -> tuple[str, str, str]:
    return f"{describe(mismatch.value)} with the same item twice was found", "each was expected once", ""


def _not(mismatch: Mismatch) -> tuple[str, str, str]:
    unwanted = json.dumps(mismatch.argument, ensure_ascii=False)
    return f"{describe(mismatch.value)} was found", f"a value that does not fit {unwanted} was expected", ""


def _bound(words: str) -> Callable[[Mismatch], tuple[str, str, str]]:
    return lambda mismatch: (
        f"{describe(mismatch.value)} was found",
        f"{words} {json.dumps(mismatch.argument)} was expected",
        "",
    )


def _short(mismatch: Mismatch) -> tuple[str, str, str]:
    least = mismatch.argument
    expected = "a text that is not empty was expected" if least == 1 else f"at least {least} characters were expected"
    return f"{describe(mismatch.value)} was found", expected, ""


def _long(mismatch: Mismatch) -> tuple[str, str, str]:
    return f"{describe(mismatch.value)} was found", f"at most {mismatch.argument} characters were expected", ""


_WORDS: dict[str, Callable[[Mismatch], tuple[str, str, str]]] = {
    "additionalProperties": _unexpected,
    "required": _missing,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "format": _format,
    "pattern": _pattern,
    "minItems": _size("at least"),
    "minProperties": _size("at least"),
    "maxItems": _size("at most"),
    "maxProperties": _size("at most"),
    "uniqueItems": _unique_items,
    "not": _not,
    "multipleOf": _bound("a multiple of"),
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("more than"),
    "exclusiveMaximum": _bound("less than"),
    "minLength": _short,
    "maxLength": _long,
}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question to ask about a mistyped word; empty where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


@dataclass(frozen=True, eq=False)
class Schema:
    """One JSON Schema.

    Attributes:
        content: the schema itself.
        file: the file it came from.
    """

    content: Json
    file: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __getstate__(self) -> dict[str, Any]:
        return {"content": self.content, "file": self.file}  # a compiled validator cannot be sent to another process

    @cached_property
    def text(self) -> str:
        """The schema's canonical text."""
        return json.dumps(self.content, sort_keys=True)

    @cached_property
    def is_valid(self) -> Callable[[Json], bool]:
        """A function that judges a document in the plain form.

        Raises:
            ValueError: the schema itself is no schema.
        """
        return self._judge.is_valid

    @cached_property
    def _judge(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(self.content, validate_formats=True, offline=True)

    @cached_property
    def canonical(self) -> jsonschema_rs.CanonicalSchema:
        """The schema in jsonschema-rs's normal form, in which schemas are compared and documents are made.

        Raises:
            ValueError: the schema itself is no schema.
        """
        draft = jsonschema_rs.Draft202012
        return jsonschema_rs.canonicalize(self.content, draft=draft, validate_formats=True, offline=True)

    def covers(self, other: Schema) -> bool:
        """Whether it is known that all that fits another schema fits this one."""
        try:
            return self.canonical.covers(other.canonical).value == "yes"
        except ValueError:  # a keyword of which jsonschema-rs has no normal form
            return False

    def part(self, pointer: Sequence[str]) -> Schema:
        """The schema that stands inside this one, as a schema of its own; its references still lead where they led.

        Args:
            pointer: the way there: keys, and places in lists as texts.
        """
        whole = {"$id": "urn:whole", **self.content}
        steps = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in pointer)
        reference = f"{whole['$id'].removesuffix('#')}#{quote(steps)}"
        return Schema({"$schema": DIALECT, "$ref": reference, "$defs": {"whole": whole}}, self.file)

    def mismatches(self, document: Json) -> list[Mismatch]:
        """All ways in which a document does not fit, in the order of the document; none where it fits."""
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow to import, and needed for bad news only

        checker = Draft202012Validator.FORMAT_CHECKER
        errors = Draft202012Validator(self.content, format_checker=checker).iter_errors(document)
        return sorted((_mismatch(error) for error in errors), key=lambda found: [str(key) for key in found.path])

    def broken(self, document: Json, most: int) -> list[Broken]:
        """The places at which the judge finds a document to break the schema: so many of them."""
        errors = islice(self._judge.iter_errors(document), most)
        return [Broken(tuple(one.instance_path), tuple(one.schema_path), type(one.instance)) for one in errors]

    def best_mismatch(self, document: Json) -> Mismatch:
        """The mismatch to tell a person of a document that :attr:`is_valid` refuses."""
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above
        from jsonschema.exceptions import best_match  # noqa: PLC0415

        checker = Draft202012Validator.FORMAT_CHECKER
        with suppress(RecursionError):  # of a schema that refers to itself in a circle
            error = best_match(Draft202012Validator(self.content, format_checker=checker).iter_errors(document))
            if error is not None:
                return _mismatch(error)
        refusal = next(iter(self._judge.iter_errors(document)))  # a format which only the judge knows
        keyword = str(refusal.schema_path[-1])
        return Mismatch(tuple(refusal.instance_path), keyword, refusal.kind.value, refusal.instance, refusal.message)


def _mismatch(error: ValidationError, *, inside: bool = False) -> Mismatch:
    schema = error.schema if isinstance(error.schema, dict) else {}
    return Mismatch(
        tuple(error.absolute_path),
        str(error.validator),
        error.validator_value,
        error.instance,
        error.message,
        tuple(schema.get("properties", {})),
        tuple(_mismatch(inner, inside=True) for inner in error.context or ()),
        int(error.relative_schema_path[0]) if inside else 0,
    )


def load_schema(path: FilePath, file: str) -> tuple[Schema | None, list[Fault]]:
    """Read a schema file.

    Args:
        path: the file.
        file: its name in faults.

    Returns:
        The schema, or ``None``, and all that is wrong with it.
    """
    try:
        content = json.loads(path.read_bytes().decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except OSError as error:
        code = "schema-missing" if isinstance(error, FileNotFoundError) else "unreadable"
        return None, [Fault(f"{error.strerror or error}", "a readable file was expected", "", Place(file), code)]
    except UnicodeDecodeError as error:
        found = f"a byte that is not UTF-8 was found at offset {error.start}"
        return None, [Fault(found, "UTF-8 text was expected", "", Place(file), "not-utf-8")]
    except json.JSONDecodeError as error:
        place = Place(file, error.lineno, error.colno)
        found = f"text that cannot be read was found ({error.msg.lower()})"
        return None, [Fault(found, "JSON was expected", "", place, "not-json")]
    except RecursionError:
        return None, [Fault("a schema nested too deep was found", "JSON was expected", "", Place(file), "not-json")]
    except ValueError as error:
        return None, [Fault(str(error), "JSON was expected", "", Place(file), "not-json")]
    schema = Schema(content, file)
    faults = list(_schema_faults(schema))
    return (None if faults else schema), faults


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} was found twice in one object")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} was found")


def _schema_faults(schema: Schema) -> Iterable[Fault]:
    content, place = schema.content, Place(schema.file)
    if not isinstance(content, dict):
        yield Fault(f"{describe(content)} was found", "an object was expected", "", place, "schema-invalid")
        return
    dialect = content.get("$schema", DIALECT)
    if dialect != DIALECT:
        found, expected = f'"$schema": {json.dumps(dialect)} was found', f'"$schema": "{DIALECT}" was expected'
        yield Fault(found, expected, "", place, "schema-dialect")
        return
    if not jsonschema_rs.meta.is_valid(content):
        for mismatch in Schema({"$ref": DIALECT}).mismatches(content):
            best = mismatch.context[0] if mismatch.context else mismatch
            fault = best.fault(place, "schema-invalid")
            yield replace(fault, found=f"{fault.found} at {best.where!r}")
        return
    try:
        _ = schema.is_valid
    except ValueError as error:
        yield Fault(str(error).split("\n")[0], "a JSON Schema was expected", "", place, "schema-invalid")
