"""Keys of records, and the templates that they are made by and read by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from migrate_spec.codec import Document, Json, decode, is_null
from migrate_spec.document import ABSENT, Refused, describe
from migrate_spec.errors import Fault, PathError
from migrate_spec.path import Path
from migrate_spec.templates import Template

__all__ = ["filled", "is_field", "key_parts", "path_faults", "required", "text_of"]


def text_of(document: Document, name: str) -> str | None:
    """The text that a placeholder stands for: a text or an integer in the document; ``None`` for absent and null.

    Raises:
        Refused: another value stands there.
    """
    plain = _value_of(document, name)
    if plain is ABSENT or plain is None:
        return None
    if type(plain) is str:
        return plain
    if type(plain) is int:
        return str(plain)
    raise Refused(f"{describe(plain)} was found", "a text or an integer was expected, for a key", path=name)


_path = cache(Path.parse)


def _value_of(document: Document, name: str) -> Json:
    """The value that a placeholder stands for, in the plain form; where a parent is null it is null, too."""
    path = _path(name)
    try:
        value = path.look(document)
    except Refused:
        parents = (Path(path.segments[:depth]) for depth in range(1, len(path.segments)))
        if any(is_null(parent.look(document)) for parent in parents):
            return None
        raise
    return value if value is ABSENT else decode(value)


def key_parts(template: Template, key: str) -> dict[str, str]:
    """The parts of a key.

    Raises:
        Refused: it is not made like the template.
    """
    parts = template.read(key)
    if parts is None:
        raise Refused(f"the key {key!r} was found", f"one like {template.text!r} was expected", place=template.place)
    return parts


def is_field(name: str) -> bool:
    """Whether a placeholder is the path of one field."""
    try:
        return not Path.parse(name).base.segments
    except PathError:
        return False


def path_faults(template: Template, known: Sequence[str] = ()) -> Iterator[Fault]:
    """A fault for each placeholder that is neither known nor a path of names into the document."""
    for name in template.names:
        if name not in known and not is_field(name):
            found = f"the placeholder {{{name}}} was found"
            yield Fault(found, "the path of one field was expected", "", template.place, "placeholder-invalid")
    if not template.literals[0]:
        found = f"the template {template.text!r} was found"
        expected = "one that begins with a text was expected, as keys of a collection do"
        yield Fault(found, expected, "", template.place, "template-without-prefix")


def required(template: Template, parts: dict[str, str], document: Document) -> str:
    """A key made of known parts and of fields of a document.

    Raises:
        Refused: a field is absent or null.
    """
    found: dict[str, str] = {}
    for name in template.names:
        text = parts.get(name) if name in parts else text_of(document, name)
        if text is None:
            raise Refused(
                "nothing was found" if _value_of(document, name) is ABSENT else "null was found",
                f"a part of the key {template.text!r} was expected",
                path=name,
                place=template.place,
            )
        found[name] = text
    return template.fill(found)


def filled(template: Template, kept: Sequence[str], document: Document) -> Template:
    """A template in which only some placeholders are left, as the document tells what the others stand for."""
    texts = {name: text_of(document, name) for name in template.names if name not in kept}
    text = "".join(
        literal.replace("{", "{{").replace("}", "}}") + ("" if name is None else _part(name, texts.get(name)))
        for literal, name in zip(template.literals, (*template.placeholders, None), strict=True)
    )
    return Template.parse(text, template.place)


def _part(name: str, text: str | None) -> str:
    return f"{{{name}}}" if text is None else text.replace("{", "{{").replace("}", "}}")
