"""Two schemas compared, part by part: each difference becomes entries of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT
from migrate_spec.draft.fields import Decisions, Matched, Place, child, fields_in, matched
from migrate_spec.draft.moves import moved
from migrate_spec.draft.parts import Alternative, Part
from migrate_spec.draft.retyping import lost_types, retyped
from migrate_spec.draft.scopes import Entry, Scope
from migrate_spec.draft.tables import tabled
from migrate_spec.draft.text import Drafted
from migrate_spec.draft.unmatched import put_in, take_away, unnamed
from migrate_spec.draft.values import filling, known_value
from migrate_spec.path import Definition, Each, EachValue, Name, Path, Segment, str_of

__all__ = ["Comparison"]

_ABOUT_WHOLE = (
    *("minItems", "maxItems", "uniqueItems", "contains", "prefixItems", "minProperties", "maxProperties"),
    *("propertyNames", "patternProperties", "dependentRequired", "dependentSchemas", "if", "not"),
)
"""Keywords about objects and lists that no step can be read off."""
_SCALAR = {"string", "integer", "number", "boolean", "null"}


class Comparison:
    """Drafts the steps from one schema to the next."""

    def __init__(self, decisions: Decisions, stamp: Path | None) -> None:
        """Take what is decided, and the field that the run itself writes."""
        self._decisions = decisions
        self._stamp = stamp
        self._definitions: dict[str, Scope] = {}
        self._above: list[tuple[Part, Part]] = []

    def steps(self, before: Part, after: Part) -> list[Drafted]:
        """The steps for whole documents.

        Those about a recursive definition come first, as it is found by the older schema.
        """
        scope = Scope()
        root = Path(())
        self._objects_of(scope, Place(root, before), Place(root, after))
        self._settle(scope)
        everywhere = [step for one in self._definitions.values() for step in one.steps()]
        return [*everywhere, *scope.steps()]

    # ------------------------------------------------------------------------------------------------- one value

    def _value(self, scope: Scope, old: Place, new: Place) -> None:
        """What is to be done with a value that is there in both versions."""
        if self._is_stamp(new.path):
            return
        here = scope.here(new.path)
        begin = sum(map(len, scope.entries.values()))
        for entry in self._changes(old, new, here):
            scope.add("change" if entry.operation else "open", entry)
        changed = sum(map(len, scope.entries.values())) > begin
        self._look_inside(scope, old, new)
        self._fill(scope, old, new, here)
        if not changed:
            self._note_narrowing(scope, old, new)

    def _changes(self, old: Place, new: Place, here: Path) -> Iterator[Entry]:
        """What is done to the value itself."""
        if old.part.is_anything:
            return
        yield from retyped(old, new, here, self._decisions.stored)
        if not lost_types(old.part, new.part):
            yield from tabled(old, new, here, self._decisions)

    def _fill(self, scope: Scope, old: Place, new: Place, here: Path) -> None:
        """Put something in where there was nothing, or null, and something must be."""
        wraps = "array" in new.part.kinds and "array" not in old.part.kinds
        loses_null = old.part.nullable and not new.part.nullable and not wraps and not old.part.is_anything
        field = isinstance(here.last, Name)
        if loses_null and field and not new.needed and known_value(new.part) is ABSENT:
            scope.add("fill", Entry("convert", {here: {"from": None, "to": "absent"}}))
            return
        appears = new.needed and not old.needed
        if not loses_null and not appears:
            return
        value, sure = filling(new.part)
        remarks = () if sure else (unnamed(new),)
        if not field:
            scope.add("fill", Entry("map", {here: [[None, value]]}, {"else": "keep"}, remarks))
        else:
            scope.add("fill", Entry("default", {here: value}, {"also_null": True} if loses_null else {}, remarks))

    def _note_narrowing(self, scope: Scope, old: Place, new: Place) -> None:
        """Say where values that were fine do not fit any more, and no step can know what becomes of them."""
        if new.part.takes(old.part.not_null) or (old.part.values is not None and new.part.values is not None):
            return
        after = {key: value for one in new.part.alternatives for key, value in one.keywords.items()}
        is_new = {
            key for key, value in after.items() if any(one.keywords.get(key) != value for one in old.part.alternatives)
        }
        said = [key for key in after if key not in _SILENT and (key in is_new or set(new.part.kinds) <= _SCALAR)]
        if not set(new.part.kinds) <= _SCALAR:
            said = [key for key in said if key in _ABOUT_WHOLE]
        if old.part.is_anything:
            said = ["type", *said]
        if said:
            what = f"what does not fit {_named(new.path, 'a record')} any more ({', '.join(said)})"
            scope.note(f"TODO: say what becomes of {what}{self._misfits(old, new)}")

    def _misfits(self, old: Place, new: Place) -> str:
        values = self._decisions.stored.values(old.path)
        misfits = sum(not new.part.fits(value) for value in values)
        return f": {misfits} of {len(values)} that were looked at" if values else ""

    # ------------------------------------------------------------------------------------- objects, lists and maps

    def _look_inside(self, scope: Scope, old: Place, new: Place) -> None:
        here = scope.here(new.path)
        only = len(old.part.kinds) == 1
        if "array" in old.part.kinds and "array" in new.part.kinds:
            around = scope if only else scope.inside(None, {str(here): {"type": "array"}})
            self._items(around, old, new)
        if "object" in old.part.kinds and "object" in new.part.kinds:
            if only and isinstance(here.last, Name) and len(old.part.kinds["object"]) == 1:
                self._objects_of(scope, old, new)
            else:
                inner = scope.inside(here, {} if only else {".": {"type": "object"}})
                self._objects_of(inner, replace(old, always=True), new)
                self._settle(inner)

    def _items(self, scope: Scope, old: Place, new: Place) -> None:
        lists = old.part.kinds["array"], new.part.kinds["array"]
        if len(lists[0]) == len(lists[1]) == 1:
            before, after = lists[0][0].items, lists[1][0].items
            if before is not None and after is not None:
                self._each(scope, old, new, (before, after), Each())

    def _each(self, scope: Scope, old: Place, new: Place, parts: tuple[Part, Part], segment: Segment) -> None:
        """The values inside a list or a map."""
        before, after = parts
        if parts in self._above:
            if not after.takes(before.alone):
                scope.note(f"TODO: write the steps for {new.path}, which holds values of its own kind")
            return
        self._above.append(parts)
        self._value(
            scope,
            *(Place(Path((*place.path.segments, segment)), part) for place, part in ((old, before), (new, after))),
        )
        self._above.pop()

    def _objects_of(self, scope: Scope, old: Place, new: Place) -> None:
        """The objects that a place holds: of one shape, or of several that a field tells apart."""
        before, after = (place.part.kinds.get("object", ()) for place in (old, new))
        if len(before) == len(after) == 1:
            self._named(scope, old, new, before[0], after[0])
            return
        tag = _tag(before, after)
        if not tag:
            if not new.part.takes(old.part.not_null):
                where = _named(new.path, "the record")
                scope.note(f"TODO: write the steps for {where}, which has several shapes")
            return
        cases = {_tag_value(one, tag): one for one in after}
        for one in before:
            value = _tag_value(one, tag)
            if value in cases:
                inner = scope.inside(None, {tag: value})
                self._named(inner, old, new, one, cases[value])
                self._settle(inner)
            else:
                scope.note(f"TODO: say what becomes of {_named(new.path, 'records')} with {tag}: {value}")

    def _named(self, scope: Scope, old: Place, new: Place, before: Alternative, after: Alternative) -> None:
        """Objects, which may be of a recursive definition: then the steps are for it, wherever it is."""
        name = before.definition
        if not name or name != after.definition or not old.part.recursive(name):
            self._objects(scope, old, new, before, after)
        elif name not in self._definitions:
            inner = self._definitions[name] = Scope()
            inside = inner.inside(Path((Definition(name),)))
            inside.base = new.path
            self._note_stamp(scope, name, old, new)
            self._objects(inside, old, new, before, after)
            self._settle(inside)

    def _note_stamp(self, scope: Scope, name: str, old: Place, new: Place) -> None:
        """Say that the stamp of documents inside of documents is none of the run's business."""
        if new.path.segments or self._stamp is None:
            return
        field = str_of(self._stamp.last)
        before, after = (
            {key: part for one in place.part.alternatives for key, part in one.properties.items()}
            for place in (old, new)
        )
        if field in before and field in after and not after[field].takes(before[field].alone):
            scope.note(f"TODO: say what becomes of {field} in each {name} inside of another")

    def _objects(self, scope: Scope, old: Place, new: Place, before: Alternative, after: Alternative) -> None:
        """Objects of one shape before and one after."""
        found = self._matched(old, new, before, after)
        here = scope.here(new.path)
        renamed = [(one, other) for one, other in found.pairs if one.name != other.name]
        names = {child(here, one.name): other.name for one, other in renamed}
        if names:
            scope.add("rename", Entry("rename", names))
        taken = {other.name for _, other in renamed}
        for one, candidates in found.gone:
            at = child(here, one.name)
            if one.name in taken:
                scope.add("clear", Entry("remove", {at: None}))
            elif not (after.others and after.others.takes(one.part.alone)) and not self._is_stamp(one.path):
                scope.gone.append((one, child(new.path, one.name), candidates))
        scope.new += [place for place in found.new if not self._is_stamp(place.path)]
        for one, other in found.pairs:
            self._value(scope, one, other)
        if before.others and after.others and not before.properties and not after.properties:
            self._each(scope, old, new, (before.others, after.others), EachValue())
        if after.closed and not before.closed:
            self._close(scope, here, old, after)

    def _matched(self, old: Place, new: Place, before: Alternative, after: Alternative) -> Matched:
        return matched(fields_in(old, before), fields_in(new, after), self._decisions)

    def _close(self, scope: Scope, here: Path, old: Place, after: Alternative) -> None:
        """Keep only what an object may have, where it could have anything before."""
        names = list(after.properties)
        if self._stamp is not None and not old.path.segments:
            names = list(dict.fromkeys([*names, str(self._stamp.segments[0])]))
        known = {name for one in old.part.kinds["object"] for name in one.properties}
        values = [value for value in self._decisions.stored.values(old.path) if type(value) is dict]
        strange = sorted({name for value in values for name in value} - known)
        found = f": {', '.join(strange)}" if strange else ""
        remark = f"TODO: what no schema names is taken away here{found}; a field to keep belongs into the new schema"
        keep = {Path((Name(name),)): None for name in names}
        scope.add("keep", Entry("keep_fields", keep, {}, (remark,), here if here.segments else None))

    def _settle(self, scope: Scope) -> None:
        """Decide what becomes of the fields of a scope that are in one version only."""
        moves = moved(scope, self._decisions)
        take_away(scope, moves, self._decisions.stored)
        for old, _, new in moves:
            self._value(scope, replace(old, needed=old.always), new)
        put_in(scope, moves, self._decisions.stored, self._stamp)

    def _is_stamp(self, path: Path) -> bool:
        return path == self._stamp


_SILENT = {"title", "description", "examples", "$comment", "deprecated", "readOnly", "writeOnly", "$schema", "$id"}


def _named(path: Path, itself: str) -> str:
    """A path in a sentence, or what it is called itself."""
    return str(path) if path.segments else itself


def _tag(before: Sequence[Alternative], after: Sequence[Alternative]) -> str:
    """The field that tells the shapes of an object apart in both versions; empty for none."""
    for name in before[0].properties if before and after else ():
        found = [[_tag_value(one, name) for one in side] for side in (before, after)]
        if all(None not in values and len(set(map(str, values))) == len(values) for values in found):
            return name
    return ""


def _tag_value(one: Alternative, name: str) -> Json:
    part = one.properties.get(name)
    values = part.values if part is not None and name in one.required else None
    return values[0] if values and len(values) == 1 and not isinstance(values[0], list | dict) else None
