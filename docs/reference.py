"""The page docs/operations.md: all that the docstrings, the annotations and the examples say of the language."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from inspect import cleandoc
from textwrap import dedent
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ruamel.yaml import YAML

from migrate_spec import condition, definitions, hooks, path, pattern, templates
from migrate_spec.grammar import default_of, key_of, schema_of, spec_schema
from migrate_spec.language import read_record_operations, read_steps
from migrate_spec.operation import Field, FieldName, Operation, Table
from migrate_spec.operations import all_operations
from migrate_spec.prose import attributes, prose
from migrate_spec.record_operation import RecordOperation
from migrate_spec.record_operations import all_record_operations
from migrate_spec.step import Step
from migrate_spec.yaml_text import parse

AnyOperation = type[Operation] | type[RecordOperation]

HEAD = """\
<!-- `make docs` writes this page: change the docstrings that it is read off. -->

# The spec language"""

STEPS = """\
A step has one operation, with its options beside it, or several steps under `do`. All keys but the operations are:"""

STEP = """
    step:
      at: notes[]
      where: {kind: text}
      do:
        - rename: {txt: text}
        - default: {author: null}
    before: {notes: [{kind: text, txt: Hello}, {kind: image, src: a.png}]}
    after: {notes: [{kind: text, text: Hello, author: null}, {kind: image, src: a.png}]}
"""
"""The example of the chapter on steps, in the form of an operation's."""

DEFINITIONS = """\
Where a schema says under `$defs` what a Note is, `at: "#/$defs/Note"` works in each object that the schema calls a
Note, at any depth."""

KINDS: Mapping[Any, str] = {
    Any: "a value",
    bool: "`true` or `false`",
    condition.Condition: "a condition",
    float: "a number",
    get_args(Field)[1]: "a field",
    get_args(FieldName)[1]: "a name",
    hooks.Hook: "a hook",
    int: "an integer",
    path.Path: "a path",
    pattern.Pattern: "a pattern",
    pattern.Replacement: "a replacement",
    Step: "a step",
    templates.Template: "a template",
}
"""What a spec says for each annotation; a text where it is not here."""


def reference() -> str:
    """The whole page."""
    schema = spec_schema()
    block, test = schema["$defs"]["do"], schema["$defs"]["test"]["anyOf"][1]
    chapters = {
        "Steps": f"{STEPS}\n\n{_keys(block)}\n\n{_example(STEP)}",
        "Paths": _rest(path),
        "Conditions": f"{_markdown(prose(condition), 'yaml')}\n\n{_keys(test)}",
        "Definitions": f"{DEFINITIONS}\n\n{_rest(definitions)}",
        "Tables": _markdown(prose(Table)),
        "Templates": _markdown(prose(templates)),
        "Patterns": f"{_rest(pattern)}\n\n{_markdown(prose(pattern.Replacement))}",
        "Hooks": _markdown(prose(hooks), "python"),
        "Specs": _keys(schema),
    }
    parts = [HEAD, _links(chapters)]
    for title, operations in (("Operations", all_operations()), ("Operations on records", all_record_operations())):
        parts += [f"## {title}", _links(operations)]
        parts += [f"### {name}\n\n{_operation(operation)}" for name, operation in operations.items()]
    return "\n\n".join([*parts, *(f"## {name}\n\n{text}" for name, text in chapters.items())]) + "\n"


def _links(names: Mapping[str, Any]) -> str:
    return " · ".join(f"[{name}](#{name.lower()})" for name in names)


def _operation(operation: AnyOperation) -> str:
    """All that is to be said of an operation."""
    parts = [_markdown(prose(operation)), _example(operation.example), _options(operation), _losses(operation)]
    return "\n\n".join(part for part in parts if part)


# ---- the example ----


def _example(example: str) -> str:
    """A step as it stands in a spec, and under it the document before and after it."""
    shown = _yaml().load(cleandoc(example))
    shown["step"].fa.set_block_style()
    documents = {key: shown[key] for key in ("before", "after")}
    return f"```yaml\n{_dumped([shown['step']])}```\n\n```yaml\n{_dumped(documents)}```"


def _yaml() -> YAML:
    """YAML that keeps the form it is written in."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.brace_single_entry_mapping_in_flow_sequence, yaml.width = True, True, 120
    yaml.indent(sequence=4, offset=2)
    return yaml


def _dumped(value: Any) -> str:
    text = io.StringIO()
    _yaml().dump(value, text)
    return dedent(text.getvalue())


def _losses(operation: AnyOperation) -> str:
    """What the step of the example does not bring back, in a sentence."""
    lost: dict[str, list[str]] = {}
    for what, where in losses(operation):
        lost.setdefault(what, []).extend([f"`{where}`"] if where else [])
    told = "; ".join(f"{what} ({', '.join(places)})" if places else what for what, places in lost.items())
    return f"There and back again, the example loses {told or 'nothing'}."


def losses(operation: AnyOperation) -> Sequence[tuple[str, str]]:
    """What the step of an operation's example declares lost, and where."""
    node, _ = parse(cleandoc(operation.example), operation.name())
    if node is None:
        raise ValueError(operation.example)
    if issubclass(operation, Operation):
        steps = read_steps([node.value["step"]], [])
        return [(loss.what, str(loss.path)) for step in steps for loss in step.losses()]
    return [(what, "") for step in read_record_operations([node.value["step"]], []) for what in step.losses()]


# ---- the options ----


def _options(operation: AnyOperation) -> str:
    """What can stand beside an operation, and inside of its argument."""
    (_, argument, _, _), *options = _fields(operation)
    lines = [_option(*option) for option in options]
    hints = [argument, *(option[1] for option in options)]
    for kind in dict.fromkeys(inner for hint in hints for inner in _inside(hint)):
        lines += [f"- {_kind(kind)}: {' '.join(_markdown(prose(kind)).split())}"]
        lines += [f"  {_option(*option)}" for option in _fields(kind)]
    return "\n".join(lines)


def _option(key: str, hint: Any, default: Any, own: str) -> str:
    if default is dataclasses.MISSING:
        default_told = ""
    elif default in [None, "", (), {}]:
        default_told = ", or nothing"
    else:
        default_told = f"; by default `{_scalar(default)}`"
    of_kind = get_args(hint)[-1] if get_origin(hint) is Annotated else ""
    told = own or (of_kind if of_kind not in KINDS else "")
    return f"- `{key}`: {_kind(hint)}{default_told}{f'. {told}' if told else ''}"


def _fields(kind: Any) -> list[tuple[str, Any, Any, str]]:
    """The fields of a dataclass: key, annotation, default and what the docstring says of it."""
    hints, told = get_type_hints(kind, include_extras=True), attributes(kind)
    fields = dataclasses.fields(kind)
    return [(key_of(field), hints[field.name], default_of(field), told.get(field.name, "")) for field in fields]


def _inside(hint: Any) -> Iterator[Any]:
    """The objects with keys of their own in an annotation, outer ones first."""
    if dataclasses.is_dataclass(hint) and "properties" in schema_of(hint):
        yield hint
        for _, inner, _, _ in _fields(hint):
            yield from _inside(inner)
    for inner in get_args(hint) if get_origin(hint) is not Literal else ():
        yield from _inside(inner)


def _kind(hint: Any) -> str:  # noqa: PLR0911 - one kind of annotation a line
    """An annotation in words."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return next((KINDS[words] for words in inner[1:] if words in KINDS), None) or _kind(inner[0])
    if kind in {Literal, Union, types.UnionType}:
        *others, last = dict.fromkeys(_alternatives(hint))
        return f"{', '.join(others)} or {last}" if others else last
    if kind is Table:
        return "a table" if inner[0] is Any else f"a table of {_many(_kind(inner[0]))}"
    if kind is not None and issubclass(kind, Mapping):
        return f"an object of {_many(_kind(inner[0]))}, each with {_kind(inner[1])}"
    if kind is not None and issubclass(kind, Sequence):
        return f"a list of {_many(_kind(inner[0]))}"
    if hint in KINDS:
        return KINDS[hint]
    keys = schema_of(hint).get("properties", {})
    return "`{{{}}}`".format(", ".join(f"{key}: …" for key in keys)) if keys else "a text"


def _alternatives(hint: Any) -> Iterator[str]:
    """What an annotation leaves to choose from."""
    if get_origin(hint) is Literal:
        yield from (f"`{_scalar(value)}`" for value in get_args(hint))
    elif get_origin(hint) in {Union, types.UnionType}:
        yield from (kind for part in get_args(hint) if part is not type(None) for kind in _alternatives(part))
    else:
        yield _kind(hint)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _many(kind: str) -> str:
    """Several of a kind: `lists of steps` for `a list of steps`."""
    return re.sub(r"^an? ([a-z]+)", r"\1s", kind)


# ---- the words ----


def _keys(schema: Mapping[str, Any]) -> str:
    """What a schema says of each key."""
    return "\n".join(f"- `{key}`: {part['description']}" for key, part in schema["properties"].items())


def _rest(module: types.ModuleType) -> str:
    """A module's docstring without its first paragraph, which says what the module is."""
    return _markdown(prose(module).partition("\n\n")[2])


def _markdown(text: str, language: str = "") -> str:
    """A docstring as Markdown; without a title like `Hooks: ` at its beginning."""
    title, colon, rest = text.partition(": ")
    words = rest[0].upper() + rest[1:] if colon and title.isalpha() else title + colon + rest
    block = r"::\n\n((?: {4}.*(?:\n|$)|\n)+)"
    return re.sub(block, lambda code: f":\n\n```{language}\n{cleandoc(code[1])}\n```\n\n", words).strip()
