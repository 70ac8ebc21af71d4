"""Whether it is known which values of a shape a step finds that looks for those of a definition.

A step at ``#/$defs/Name`` follows the schema beside the document as it is when the step comes. What earlier steps have
moved, or made to look like something else, it does not find where the schema says.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from migrate_spec.document import frozen
from migrate_spec.path import Definition, Name, Path
from migrate_spec.schema import Schema
from migrate_spec.shapes.fields import value_at
from migrate_spec.shapes.looking import all_inside
from migrate_spec.shapes.normal import keeps_names
from migrate_spec.shapes.shape import NOTHING, ListShape, ObjectShape, Reference, Shape
from migrate_spec.step import Step

__all__ = ["finds_definitions"]


def finds_definitions(steps: Sequence[Step], start: Shape, schema: Schema) -> bool:
    """Whether each step that looks for values of a definition finds those that a shape says are some.

    Args:
        steps: the steps in the order in which they are done.
        start: the shape of the documents before the first of them.
        schema: the schema that ``start`` is the shape of.
    """
    seeking = [index for index, step in enumerate(steps) if _sought(step.writes())]
    if not seeking:
        return True
    last = steps[seeking[-1]]
    before = [*steps[: seeking[-1]], *([last] if isinstance(last.body, tuple) else ())]
    earlier = [path for step in before for path in (*step.reads(), *step.writes())]
    wanted = {name for index in seeking for name in _sought(steps[index].writes())}
    stays = all(_stays(path, start, wanted) for path in earlier)
    apart = all(_are_apart(shape, wanted, altered=bool(earlier)) for shape in all_inside(start))
    return keeps_names(schema) and stays and apart


def _sought(paths: Sequence[Path]) -> set[str]:
    """The definitions whose values are at some of these paths."""
    return {path.segments[0].name for path in paths if path.segments and isinstance(path.segments[0], Definition)}


def _stays(path: Path, start: Shape, wanted: set[str]) -> bool:
    """Whether a change at a path leaves the values of these definitions where they are, and calls them what it did."""
    whole = start
    segments = path.segments
    if segments and isinstance(segments[0], Definition):
        name, segments = segments[0].name, segments[1:]
        whole = next((one for one in map(_defined, all_inside(start)) if name in one), {}).get(name, NOTHING)
    if not segments or not isinstance(segments[0], Name) or _called(whole) & wanted:
        return False
    inside = value_at(whole, Path(segments[:1]))
    return not any(wanted & _defined(shape).keys() for shape in all_inside(inside))


def _defined(shape: Shape) -> dict[str, Shape]:
    """The definitions that a shape refers to."""
    return {one.name: one.look_up(one.name) for one in shape.alternatives if isinstance(one, Reference)}


def _called(shape: Shape) -> set[str]:
    """The definitions whose values the values of a shape themselves are, by one name or through others."""
    found: dict[str, Shape] = {}
    waiting = _defined(shape)
    while waiting:
        name, definition = waiting.popitem()
        if name not in found:
            found[name] = definition
            waiting |= _defined(definition)
    return set(found)


def _are_apart(shape: Shape, wanted: set[str], *, altered: bool) -> bool:
    """Whether a value of a shape is of one of its kinds alone, as far as that matters to where definitions are found.

    Of a value of two kinds each says where definitions are inside of it, and a shape tells of one at a time. What steps
    have altered may be of another kind than it was.
    """
    if not any(wanted & _defined(part).keys() for part in all_inside(shape)):
        return True
    plain = list(shape.plain())
    lists = [one for one in plain if isinstance(one, ListShape)]
    pairs = list(combinations([one for one in plain if isinstance(one, ObjectShape)], 2))
    return not lists[1:] and not (altered and pairs) and all(_differ(one, other) for one, other in pairs)


def _differ(one: ObjectShape, other: ObjectShape) -> bool:
    """Whether two kinds of objects have a field, always there, whose values tell them apart."""
    return any(
        known.needed and other.field(name).needed and _no_value_of_both(known.shape, other.field(name).shape)
        for name, known in one.fields.items()
    )


def _no_value_of_both(one: Shape, other: Shape) -> bool:
    values, others = one.values(), other.values()
    if values is None or others is None:
        return False
    return not {frozen(value) for value in values} & {frozen(value) for value in others}
