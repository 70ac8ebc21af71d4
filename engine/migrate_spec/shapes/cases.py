"""A shape and a condition: what of it the condition holds for, and what not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from migrate_spec.codec import Json
from migrate_spec.condition import COMBINED, NAME, Condition, Test
from migrate_spec.document import ABSENT, wrong_type
from migrate_spec.path import Name, Path
from migrate_spec.pattern import Pattern
from migrate_spec.schema import Schema
from migrate_spec.shapes.reading import met, without
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape, union
from migrate_spec.shapes.values import worked_out
from migrate_spec.shapes.walking import changed_at

__all__ = ["Cases", "cases", "pattern_of_names"]

Cases = tuple[Shape, Shape]
"""What a condition holds for, and what it does not hold for; a value may be in both where that cannot be told."""

Divide = Callable[[Shape], Cases]

_PORTABLE: Final = re.compile(r"(?:[^\\.(]|\((?!\?)|\\[.\-/+*?()\[\]{}|^$])*")
"""Patterns that mean the same to RE2 and in a JSON Schema, whose syntax is that of JavaScript."""


def cases(shape: Shape, condition: Condition, name: str | None = None) -> Cases:
    """What of a shape a condition holds for, and what not.

    Args:
        shape: the values.
        condition: the condition.
        name: where the values are those of an entry of objects, its name, if that is known.
    """
    return _divide(condition, name)(shape)


def pattern_of_names(condition: Condition) -> str | None:
    """The pattern of the names of entries that a condition holds of, where it asks for nothing else."""
    tests = condition.tests.get(NAME, ())
    alone = len(tests) == 1 and condition == Condition({NAME: tests})
    if not alone or tests[0].name != "matches":
        return None
    return _schema("matches", tests[0].argument)[0].get("pattern")


def _divide(condition: Condition, name: str | None) -> Divide:
    parts = [
        _at(path, tests) if isinstance(path, Path) else _of_name(name, tests) for path, tests in condition.tests.items()
    ]
    parts += [_divide(part, name) for part in condition.all]
    if condition.any:
        parts.append(_any([_divide(part, name) for part in condition.any]))
    if condition.none is not None:
        parts.append(_not(_divide(condition.none, name)))
    return _all(parts)


def _of_name(name: str | None, tests: Sequence[Test]) -> Divide:
    """For the tests of the name of an entry."""
    if name is None:
        return _untold
    holds = all(test.judge()(name) for test in tests)
    return lambda shape: (shape, NOTHING) if holds else (NOTHING, shape)


def _all(parts: Sequence[Divide]) -> Divide:
    def divide(shape: Shape) -> Cases:
        fails = []
        for part in parts:
            shape, other = part(shape)
            fails.append(other)
        return shape, union(fails)

    return divide


def _not(part: Divide) -> Divide:
    return lambda shape: part(shape)[::-1]


def _any(parts: Sequence[Divide]) -> Divide:
    return _not(_all([_not(part) for part in parts]))


def _untold(shape: Shape) -> Cases:
    return shape, shape


def _at(path: Path, tests: Sequence[Test]) -> Divide:
    """For the tests of what is at a path."""
    judge = [test.judge() for test in tests]
    holds_of_absent = all(one(ABSENT) for one in judge)
    return lambda shape: _below(shape, path, _of_value(tests), absent=holds_of_absent)


def _below(shape: Shape, path: Path, divide: Divide, *, absent: bool) -> Cases:
    """The cases of values by what is at a path in them; ``absent``: whether the tests hold of what is not there."""
    if not path.segments:
        return divide(shape)
    first, rest = path.segments[0], Path(path.segments[1:])
    if path.base.segments:
        return _of_several(shape, path, divide, absent=absent)
    if not isinstance(first, Name):
        return _untold(shape)
    name = first.name
    holding: list[Shape] = []
    failing: list[Shape] = []
    for one in shape.plain():
        if not isinstance(one, ObjectShape):
            (holding if absent else failing).append(Shape((one,)))
            continue
        inside = one.field(name)
        yes, no = (NOTHING, NOTHING) if inside.shape is NOTHING else _below(inside.shape, rest, divide, absent=absent)
        holding += _objects(one.narrowed(name, yes, needed=not absent))
        failing += _objects(one.narrowed(name, no, needed=absent))
    return union(holding), union(failing)


def _objects(found: Iterable[ObjectShape]) -> list[Shape]:
    return [Shape((one,)) for one in found]


def _of_several(shape: Shape, path: Path, divide: Divide, *, absent: bool) -> Cases:
    """For a path with ``[]`` or ``*``: the condition holds where it does of one of the values there."""
    possible = False

    def inner(value: Shape) -> Shape:
        nonlocal possible
        yes, no = _below(value, path.below(path.base), divide, absent=absent)
        possible = possible or yes is not NOTHING
        return no

    failing = changed_at(shape, path.base, inner)
    # what cannot be walked has no value there, and so the condition does not hold
    walked = changed_at(shape, path.base, lambda value: value)
    failing = failing if walked == shape else shape
    return (shape if possible else NOTHING), failing


def _of_value(tests: Sequence[Test]) -> Divide:
    """For the tests of a value that is there."""
    return _all([_of_test(test) for test in tests])


def _of_test(test: Test) -> Divide:
    if test.name == "exists":
        return (lambda shape: (shape, NOTHING)) if test.argument else (lambda shape: (NOTHING, shape))
    if test.name == "not":
        return _not(_of_value(test.argument))
    if test.name in COMBINED:
        parts = [_of_value(part) for part in test.argument]
        return _all(parts) if test.name == "all" else _any(parts)
    schema, exact = _schema(test.name, test.argument)
    if any(isinstance(value, list | dict) for value in (schema.get("const"), *schema.get("enum", ()))):
        return lambda shape: (met(shape, schema), _without_told(shape, schema))
    return lambda shape: (met(shape, schema), without(shape, schema) if exact else shape)


def _without_told(shape: Shape, schema: Mapping[str, Json]) -> Shape:
    """Those that do not fit, as far as values are told one by one: to say what a list is not takes too many words."""
    fits = Schema(schema).is_valid
    return worked_out(shape, lambda value: _refused(value) if fits(value) else value, lambda some: some)


def _refused(value: Json) -> Json:
    raise wrong_type(value, "another value")


def _schema(name: str, argument: Any) -> tuple[Mapping[str, Any], bool]:
    """The JSON Schema of the values that a test holds of, and whether it says just that and not less."""
    bounds = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
    if name in bounds:
        if isinstance(argument, str):
            return {"type": "string"}, False
        return {"type": "number", bounds[name]: argument}, True
    if name == "matches":
        text = argument.text if isinstance(argument, Pattern) else str(argument)
        exact = _PORTABLE.fullmatch(text) is not None
        return {"type": "string", **({"pattern": text} if exact else {})}, exact
    if name == "format":
        return {"type": "string", "format": argument}, True
    keyword = {"eq": "const", "in": "enum", "type": "type"}[name]
    return {keyword: list(argument) if name == "in" or isinstance(argument, tuple) else argument}, True
