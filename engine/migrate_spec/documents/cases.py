"""What the normal form cannot hold of a schema is told in another way before.

Conditions that hold beside each other are multiplied out in the normal form; of twenty, a million cases would come. So
where there are many, some cases are told instead of all: each branch of each condition is in one of them.
A keyword that the normal form does not know is left out, and whoever makes documents checks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from random import Random
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.documents.forms import Form, is_nothing, kind_of, met
from migrate_spec.schema import Schema

__all__ = ["simplified"]

MOST_CASES = 64
"""That are multiplied out."""
MOST_TOLD = 256
"""Of the cases of one place, where not all are told."""
MOST_LEFT_OUT = 20
"""Of keywords that the normal form does not know."""

UNHEARD_OF = "\ue000"
"""A text that no document has."""

_BRANCHING = {"anyOf", "oneOf", "if", "then", "else", "dependentRequired", "dependentSchemas"}
_LEFT_OUT_FIRST = ["unevaluatedItems", "unevaluatedProperties", "not", "contains", "if", "oneOf", "anyOf"]
_BESIDE = {"contains": ("minContains", "maxContains"), "if": ("then", "else")}
_HOLDING_SCHEMAS = {"properties", "patternProperties", "$defs", "dependentSchemas"}
_TURNING = {"not", "if", "oneOf", "contains", "propertyNames"}
_SAYING_NOTHING = {"title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly"}
_NOT_SCHEMAS = {"const", "enum", "default", "examples", "required", "dependentRequired"}

_Order = Callable[[int], Sequence[int]]
"""In which branches are tried, of so many."""


def simplified(schema: Schema) -> tuple[Form, list[str]]:
    """The normal form of a schema, and the keywords that it leaves out.

    Raises:
        ValueError: there is none.
    """
    content = _told(schema.content, schema.content)
    left_out: list[str] = []
    form = Schema(content).canonical
    while kind_of(form) == "Raw":
        view: Any = form.view()
        outgrew, found = view.reason.value.startswith("outgrew"), None
        for place in () if outgrew else _places(content) if view.pointer is None else [_steps(view.pointer)]:
            found = found or _without_one(content, place, view.pointer)
        if found is None or len(left_out) == MOST_LEFT_OUT:
            why = f"a schema with more cases than can be told apart was found ({view.reason.value})"
            raise ValueError(f"{why}, fewer conditions beside each other in 'allOf' were expected")
        content, keyword = found
        left_out.append(keyword)
        form = Schema(content).canonical
    return form, left_out


# ------------------------------------------------------------------------------------------ unknown keywords


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _places(part: Json, steps: tuple[str, ...] = ()) -> Iterator[Sequence[str]]:
    """Where in a schema there is a keyword that the normal form may not know."""
    if type(part) is dict and not set(_LEFT_OUT_FIRST).isdisjoint(part):
        yield steps
    for key, inner in part.items() if type(part) is dict else enumerate(part) if type(part) is list else ():
        if key not in _NOT_SCHEMAS:
            yield from _places(inner, (*steps, str(key)))


def _without_one(content: Json, steps: Sequence[str], pointer: str | None) -> tuple[Json, str] | None:
    """A schema without a keyword of a place, so that the normal form knows more of it; and that keyword."""
    place = content
    for step in steps:
        place = place[int(step) if type(place) is list else step]
    words = [word for word in _LEFT_OUT_FIRST if word in place]
    others = (word for word in place if word in {"$ref", "$dynamicRef"} or not word.startswith("$"))
    words += [] if pointer is None else sorted(set(others) - set(words))
    for word in words:
        gone = {word, *_BESIDE.get(word, ())}
        tried = _replaced(content, steps, {name: value for name, value in place.items() if name not in gone})
        if getattr(Schema(tried).canonical.view(), "pointer", UNHEARD_OF) != pointer:  # it stops elsewhere, or nowhere
            return tried, word
    return None if pointer is None else (_replaced(content, steps, part=True), words[0])


def _replaced(content: Json, steps: Sequence[str], part: Json) -> Json:
    """A schema with another part at a place."""
    if not steps:
        return part
    if type(content) is list:
        place = int(steps[0])
        return [*content[:place], _replaced(content[place], steps[1:], part), *content[place + 1 :]]
    return {**content, steps[0]: _replaced(content[steps[0]], steps[1:], part)}


# ------------------------------------------------------------------------------------------------ too many


def _told(part: Json, whole: Json, *, plainly: bool = True) -> Json:
    """A schema in which no place has too many cases, and where ``plainly`` is true no property says nothing.

    What is said the other way round, as in ``not``, is left as it is: saying more there would mean less.
    """
    if type(part) is list:
        return [_told(inner, whole, plainly=plainly) for inner in part]
    if type(part) is not dict:
        return part
    if _cases(part) > MOST_CASES:
        base, conditions = _split(part)
        part = part if len(conditions) == 1 else _some_cases(base, conditions, whole)
    found = {}
    for keyword, argument in part.items() if type(part) is dict else ():
        is_plain = plainly and keyword not in _TURNING
        if keyword in _HOLDING_SCHEMAS and type(argument) is dict:
            found[keyword] = {name: _told(inner, whole, plainly=is_plain) for name, inner in argument.items()}
            if keyword == "properties" and plainly:
                found[keyword] = {name: _named(inner) for name, inner in found[keyword].items()}
        else:
            found[keyword] = argument if keyword in _NOT_SCHEMAS else _told(argument, whole, plainly=is_plain)
    return found if type(part) is dict else part


def _named(part: Json) -> Json:
    """The schema of a property, which says a little where it said nothing: or the normal form would not name it."""
    says_nothing = part is True or (type(part) is dict and set(part) <= _SAYING_NOTHING)
    return {"not": {"const": UNHEARD_OF}} if says_nothing else part


def _cases(part: Json) -> int:
    """How many cases come of a schema, at most, without those of its properties and items."""
    if type(part) is not dict:
        return 1
    switches = ("if" in part) + len(part.get("dependentRequired", ())) + len(part.get("dependentSchemas", ()))
    found: int = 2**switches
    for word in ("anyOf", "oneOf"):
        found *= sum(map(_cases, part[word])) if word in part else 1
    return found * prod(map(_cases, part.get("allOf", ())))


def _some_cases(base: dict[str, Json], conditions: list[list[Json]], whole: Json) -> Json:
    """A schema with some of its cases: for each branch of each condition one, with branches of the others."""

    def form(schema: Json) -> Form:
        return Schema({"$defs": whole.get("$defs", {}), "allOf": [schema]}).canonical

    start, forms = form(base), [[form(branch) for branch in condition] for condition in conditions]
    wanted = [(place, branch) for place, condition in enumerate(conditions) for branch in range(len(condition))]
    random = Random(0)  # noqa: S311 - it chooses cases
    cases: list[Json] = []
    plain: list[tuple[dict[int, int], _Order]] = [({}, range), ({}, lambda count: range(count)[::-1])]
    others = [({place: branch}, _by(random)) for place, branch in wanted[:: -(-len(wanted) // MOST_TOLD)]]
    for first, order in (*plain, *others):
        chosen = _chosen(start, forms, first, order)
        if chosen is not None:
            case = {"allOf": [conditions[index][number] for index, number in sorted(chosen.items())]}
            cases += [] if case in cases else [case]
    return {**base, "anyOf": cases} if cases else False


def _by(random: Random) -> _Order:
    return lambda count: random.sample(range(count), count)


def _chosen(
    start: Form, forms: Sequence[Sequence[Form]], chosen: dict[int, int], order: _Order
) -> dict[int, int] | None:
    """A branch for each condition, so that all can hold together; ``None`` where none is found."""
    found = start
    for place in [*chosen, *(place for place in range(len(forms)) if place not in chosen)]:
        for number in [chosen[place]] if place in chosen else order(len(forms[place])):
            both = met(found, forms[place][number])
            if both is None or not is_nothing(both):
                found, chosen[place] = found if both is None else both, number
                break
        else:
            return None
    return chosen


def _split(part: dict[str, Json]) -> tuple[dict[str, Json], list[list[Json]]]:
    """A schema without its conditions, and these: each as the schemas of which one holds."""
    base = {word: argument for word, argument in part.items() if word not in _BRANCHING and word != "allOf"}
    conditions = list(_conditions(part))
    beside = []
    for inner in part.get("allOf", ()):
        if type(inner) is dict and not {"unevaluatedItems", "unevaluatedProperties"} & set(inner):
            inner_base, more = _split(inner)
            conditions += more
            beside += [inner_base] if inner_base else []
        else:
            beside.append(inner)
    return ({**base, "allOf": beside} if beside else base), conditions


def _conditions(part: dict[str, Json]) -> Iterator[list[Json]]:
    if "anyOf" in part:
        yield part["anyOf"]
    if "oneOf" in part:
        branches = part["oneOf"]
        others = [[branch for branch in branches if branch is not one] for one in branches]
        yield [{"allOf": [one, {"not": {"anyOf": [False, *rest]}}]} for one, rest in zip(branches, others, strict=True)]
    if "if" in part:
        test = part["if"]
        yield [{"allOf": [{"not": test}, part.get("else", True)]}, {"allOf": [test, part.get("then", True)]}]
    for name, needed in part.get("dependentRequired", {}).items():
        yield [{"properties": {name: False}}, {"required": list({name, *needed})}]
    for name, needed in part.get("dependentSchemas", {}).items():
        yield [{"properties": {name: False}}, {"allOf": [{"required": [name]}, needed]}]
