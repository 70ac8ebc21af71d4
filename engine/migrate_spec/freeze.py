"""A schema frozen from a class of a program: a pydantic model, a dataclass, an attrs class, a TypedDict, a Struct.

A class of msgspec, attrs or dataclasses, and a TypedDict, is described by msgspec; a pydantic model by pydantic, as it
is written (``mode="serialization"``). What such a class writes has its fields and no others, unless it says so itself
(``extra="allow"``), so the schema takes no others.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, is_typeddict

import msgspec

from migrate_spec.codec import Json
from migrate_spec.errors import Fault, SpecError
from migrate_spec.meaning import meaning
from migrate_spec.path import str_of
from migrate_spec.schema import DIALECT, Schema, did_you_mean
from migrate_spec.stamp import Stamp

__all__ = ["frozen_schema", "is_unchanged", "load_model", "schema_text"]

_ORDER = ("$schema", "$id", "title", "description", "type", "properties", "required", "additionalProperties")


def load_model(name: str, folder: Path) -> Any:
    """A class of a program.

    Args:
        name: ``module:Class``.
        folder: where modules are looked for first.

    Raises:
        SpecError: there is none of that name, or it is of a kind that cannot be frozen.
    """
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise _fault(f"--from-model {name} was found", "module:Class was expected", "")
    sys.path.insert(0, str(folder))
    try:
        module = import_module(module_name)
    except Exception as error:  # a program's module may raise whatever it likes
        found = f"the module {module_name!r} could not be imported ({type(error).__name__}: {error})"
        raise _fault(found, f"one that {folder} or Python's path has was expected", "") from error
    finally:
        sys.path.remove(str(folder))
    if not hasattr(module, class_name):
        known = [key for key, value in vars(module).items() if isinstance(value, type)]
        found, expected = f"no class {class_name!r} was found in {module_name}", "the name of a class was expected"
        raise _fault(found, expected, did_you_mean(class_name, known))
    return getattr(module, class_name)


def frozen_schema(model: Any, version: int, stamp: Stamp) -> Schema:
    """The schema of what a class writes, with the version stamp.

    Args:
        model: the class.
        version: the version that its records carry.
        stamp: where they carry it.

    Raises:
        SpecError: it is of a kind that cannot be frozen.
    """
    content = _closed(_without_titles(_raw(model)))
    definitions = content.pop("$defs", {})
    reference = content.get("$ref", "")
    if reference:
        content = {**definitions[reference.removeprefix("#/$defs/")]}
    if content.get("type") != "object":
        raise _fault(f"{_shown(model)} was found, which is no object in JSON", "a class with fields was expected", "")
    _add_empty(content, model)
    _add_stamp(content, version, stamp)
    used = _used(content, definitions)
    content["$schema"] = DIALECT
    ordered = {key: content[key] for key in (*_ORDER, *content) if key in content}
    return Schema(ordered | ({"$defs": used} if used else {}))


def schema_text(schema: Schema) -> str:
    """The schema as the text of a file."""
    return json.dumps(schema.content, indent=2, ensure_ascii=False) + "\n"


def is_unchanged(frozen: Schema, known: Schema, stamp: Stamp) -> bool:
    """Whether a frozen schema says the same as a known one, but for the version stamp."""
    one, other = (Schema(meaning(_unstamped(schema.content, stamp))) for schema in (frozen, known))
    return one.text == other.text or (one.covers(other) and other.covers(one))


def _raw(model: Any) -> dict[str, Json]:
    """What the library of a class says of it."""
    try:
        if hasattr(model, "__pydantic_core_schema__"):
            adapter: Any = import_module("pydantic").TypeAdapter(model)
            found: dict[str, Json] = adapter.json_schema(mode="serialization")
            return found
        if _has_fields(model):
            return msgspec.json.schema(model)
    except Exception as error:  # pydantic's own kinds of errors cannot be named without it
        sentence = " ".join(str(error).split())
        raise _fault(
            f"{_shown(model)} was found ({sentence})", "fields that JSON can hold were expected", ""
        ) from error
    expected = "a pydantic model, dataclass, attrs class, TypedDict or msgspec Struct was expected"
    raise _fault(f"{_shown(model)} was found", expected, "")


def _has_fields(model: Any) -> bool:
    is_struct = isinstance(model, type) and issubclass(model, msgspec.Struct)
    return is_struct or dataclasses.is_dataclass(model) or hasattr(model, "__attrs_attrs__") or is_typeddict(model)


def _shown(model: Any) -> str:
    return f"the class {model.__qualname__}" if isinstance(model, type) else repr(model)


def _closed(node: Any) -> Any:
    """A schema whose objects take no fields but their own, unless it says that they do."""
    if isinstance(node, list):
        return [_closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: part if key in {"default", "const", "enum", "examples"} else _closed(part) for key, part in node.items()
    }
    if isinstance(node.get("properties"), dict) and node.get("type") == "object":
        found.setdefault("additionalProperties", False)
        if found["additionalProperties"] is True:
            del found["additionalProperties"]
    return found


def _without_titles(node: Any) -> Any:
    """A schema without the titles that pydantic makes of the names of fields."""
    if isinstance(node, list):
        return [_without_titles(part) for part in node]
    if not isinstance(node, dict):
        return node
    found = {key: _without_titles(part) for key, part in node.items()}
    fields = found.get("properties")
    if isinstance(fields, dict):
        for name, part in fields.items():
            if isinstance(part, dict) and part.get("title") == name.replace("_", " ").title():
                fields[name] = {key: value for key, value in part.items() if key != "title"}
    return found


def _add_empty(content: dict[str, Json], model: Any) -> None:
    """The default of each field that is made empty by ``list``, ``dict`` and the like, which libraries leave out."""
    for name, factory in _factories(model).items():
        part = content["properties"].get(name)
        if isinstance(part, dict) and factory in (list, dict, set, tuple, frozenset):
            part.setdefault("default", {} if factory is dict else [])


def _factories(model: Any) -> Mapping[str, Any]:
    if hasattr(model, "model_fields"):
        return {field.serialization_alias or name: field.default_factory for name, field in model.model_fields.items()}
    if dataclasses.is_dataclass(model):
        return {field.name: field.default_factory for field in dataclasses.fields(model)}
    if hasattr(model, "__attrs_attrs__"):
        return {field.name: getattr(field.default, "factory", None) for field in model.__attrs_attrs__}
    return {}


def _add_stamp(content: dict[str, Json], version: int, stamp: Stamp) -> None:
    """The field with the version, first of all and always there."""
    if stamp.path is None or len(stamp.path.segments) > 1:
        return
    name = str_of(stamp.path.last)
    mark = {"type": "string", "const": str(version)} if stamp.as_text else {"type": "integer", "const": version}
    content["properties"] = {name: mark} | {key: part for key, part in content["properties"].items() if key != name}
    content["required"] = [name, *(key for key in content.get("required", ()) if key != name)]


def _unstamped(content: Mapping[str, Json], stamp: Stamp) -> Json:
    name = str(stamp.path)
    return {
        **content,
        "properties": {key: part for key, part in content.get("properties", {}).items() if key != name},
        "required": sorted(key for key in content.get("required", ()) if key != name),
    }


def _used(content: Json, definitions: Mapping[str, Json]) -> dict[str, Json]:
    """The definitions that a schema refers to, and those that these refer to."""
    found: dict[str, Json] = {}
    waiting = [content]
    while waiting:
        text = json.dumps(waiting.pop())
        more = [name for name in definitions if name not in found and json.dumps(f"#/$defs/{name}") in text]
        found |= {name: definitions[name] for name in more}
        waiting += [definitions[name] for name in more]
    return dict(sorted(found.items()))


def _fault(found: str, expected: str, remedy: str) -> SpecError:
    return SpecError([Fault(found, expected, remedy, None, "model")])
