"""What makes values of one type values of another: the conversions that the language has, found by the schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.draft.fields import Place, Stored, widens
from migrate_spec.draft.parts import Part
from migrate_spec.draft.scopes import Entry
from migrate_spec.path import Name, Path
from migrate_spec.schema import Schema

__all__ = ["lost_types", "retyped"]

_WORDS = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
}
_CONVERTED: Mapping[tuple[str, str], Json] = {
    ("integer", "string"): {"type": "string"},
    ("number", "string"): {"type": "string"},
    ("boolean", "string"): {"enum": ["false", "true"]},
    ("string", "integer"): {"type": "integer"},
    ("string", "number"): {"type": "number"},
    ("string", "boolean"): {"type": "boolean"},
    ("number", "integer"): {"type": "integer"},
    ("boolean", "integer"): {"enum": [0, 1]},
    ("integer", "boolean"): {"type": "boolean"},
}
"""The scalar types that `convert` makes of each other, with a schema of what comes out."""

_MILLISECONDS = 10**11
"""As seconds this is the year 5138; as milliseconds 1973."""


def lost_types(before: Part, after: Part) -> list[str]:
    """The types of the older values, but for null, that the newer ones do not have."""
    wide = {*after.kinds, *(("integer",) if "number" in after.kinds else ())}
    return [name for name in before.types if name not in wide]


def retyped(old: Place, new: Place, here: Path, stored: Stored) -> Iterator[Entry]:
    """What makes values of the new type of the old ones, for each old type that the new schema does not have.

    Args:
        old: the place in the older version.
        new: the place in the newer version.
        here: the same, as it is said in the step.
        stored: documents of the older version.
    """
    before, after = old.part, new.part
    if widens(before, after) and not _is_separated(old, after, stored):
        yield Entry("wrap", {here: None})
        return
    for name in lost_types(before, after):
        entries = list(_of_type(name, old, new, here, stored))
        if not entries:
            kinds = " or ".join(_WORDS[kind] for kind in after.types) or "null"
            remark = f"TODO: say what becomes of {new.path}, which was {_WORDS[name]} and is {kinds} now"
            yield Entry("", remarks=(remark,))
        yield from entries


def _of_type(name: str, old: Place, new: Place, here: Path, stored: Stored) -> Iterator[Entry]:
    before, after = old.part, new.part
    if name == "array":
        yield from _unlisted(before, new, here)
    elif name == "object" and "array" in after.kinds:
        yield from _keyed("to_list", here, before, after)
    for target in after.types:
        if {name, target} == {"integer", "string"} and (found := _time(name, old, new, here, stored)):
            yield found
            return
        if (name, target) in _CONVERTED:
            remarks = _narrower(new, _CONVERTED[name, target])
            yield _guarded(name, before, Entry("convert", {here: {"from": name, "to": target}}, remarks=remarks))
            return
    if name == "string" and "array" in after.kinds and (separator := _separator(old, after, stored)):
        sure = bool(stored.values(old.path))
        remark = () if sure else (f"TODO: say what stands between the items of {new.path}",)
        argument = {"from": "string", "to": "list", "separator": separator}
        yield _guarded(name, before, Entry("convert", {here: argument}, remarks=remark))


def _guarded(name: str, before: Part, entry: Entry) -> Entry:
    """An entry, done only to values of a type where there are others."""
    if set(before.kinds) == {name}:
        return entry
    (path,) = entry.argument
    if isinstance(path.last, Name):
        return Entry(entry.operation, entry.argument, entry.options, entry.remarks, None, {str(path): {"type": name}})
    return Entry(entry.operation, entry.argument, {"on_error": "keep"}, entry.remarks)


def _narrower(new: Place, result: Json) -> tuple[str, ...]:
    """The remark on what is converted and may not fit."""
    if new.part.takes(Schema(result)):
        return ()
    said = sorted({key for one in new.part.alternatives for key in one.keywords} - {"title", "description"})
    return (f"TODO: say what becomes of a result that does not fit {new.path} ({', '.join(said)})",)


def _time(name: str, old: Place, new: Place, here: Path, stored: Stored) -> Entry | None:
    """The conversion between a moment as a text and as a count."""
    text, count = (old, new) if name == "string" else (new, old)
    if not any(one.keywords.get("format") == "date-time" for one in text.part.kinds.get("string", ())):
        return None
    unit, remarks = _unit(count, stored if count is old else Stored())
    pair = ("date-time", unit) if name == "string" else (unit, "date-time")
    return _guarded(name, old.part, Entry("convert", {here: {"from": pair[0], "to": pair[1]}}, remarks=remarks))


def _unit(count: Place, stored: Stored) -> tuple[str, tuple[str, ...]]:
    """Whether a count is of seconds or milliseconds, by its name and by what is stored."""
    name = count.name.lower() if isinstance(count.path.last, Name) else ""
    if name.endswith(("_ms", "millis", "milliseconds")) or (
        isinstance(count.path.last, Name) and count.name.endswith("Ms")
    ):
        return "milliseconds", ()
    if name.endswith(("_s", "_secs", "seconds")):
        return "seconds", ()
    values = [value for value in stored.values(count.path) if type(value) is int]
    if values:
        return ("milliseconds" if max(map(abs, values)) > _MILLISECONDS else "seconds"), ()
    return "seconds", (f"TODO: say whether {count.path} is of seconds or milliseconds",)


def _unlisted(before: Part, new: Place, here: Path) -> Iterator[Entry]:
    """What makes something else of a list: its one item, one text, or an object of its items by a key."""
    after = new.part
    items = [one.items for one in before.kinds["array"]]
    if len(items) != 1 or items[0] is None:
        return
    if after.takes(items[0].alone):
        if after.nullable:
            yield Entry("unwrap", {here: None})
        elif not new.needed and isinstance(here.last, Name):
            yield Entry("unwrap", {here: {"empty": "absent"}})
        else:
            remark = f"TODO: say what becomes of {new.path} where the list is empty"
            yield Entry("unwrap", {here: None}, remarks=(remark,))
    elif "string" in after.kinds and items[0].types == ("string",):
        argument = {"from": "list", "to": "string", "separator": ","}
        yield Entry("convert", {here: argument}, remarks=(f"TODO: say what stands between the items of {new.path}",))
    elif "object" in after.kinds:
        yield from _keyed("to_map", here, after, before)


def _keyed(operation: str, here: Path, mapped: Part, listed: Part) -> Iterator[Entry]:
    """The way between an object of objects and a list of them, each with its key in a field."""
    values = next((one.others for one in mapped.kinds.get("object", ()) if one.others), None)
    items = next((one.items for one in listed.kinds.get("array", ()) if one.items), None)
    if values is None or items is None:
        return
    inside, outside = (
        {name: part for one in side.alternatives for name, part in one.properties.items()} for side in (values, items)
    )
    required = frozenset[str]().union(*(one.required for one in items.alternatives))
    keys = [name for name in outside if name not in inside and name in required and outside[name].types == ("string",)]
    if len(keys) == 1:
        yield Entry(operation, {here: {"key": keys[0]}})


def _is_separated(old: Place, after: Part, stored: Stored) -> bool:
    """Whether a text is a list with separators already, by what is stored."""
    return bool(stored.values(old.path)) and bool(_separator(old, after, stored, unsure=""))


def _separator(old: Place, after: Part, stored: Stored, unsure: str = ",") -> str:
    """What stands between the items of a list in a text; empty where it cannot be one."""
    if old.part.types != ("string",) or not any(
        one.items and "string" in one.items.types for one in after.kinds["array"]
    ):
        return ""
    values: list[Any] = [value for value in stored.values(old.path) if type(value) is str]
    return next((mark for mark in (", ", ",", ";", "|") if any(mark in value for value in values)), unsure)
