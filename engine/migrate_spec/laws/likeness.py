"""Where two documents must be the same: outside of what a step writes, and outside of what is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from migrate_spec.codec import Json, encode
from migrate_spec.operation import Loss, Operation
from migrate_spec.operations.call import Call
from migrate_spec.operations.switch import Switch
from migrate_spec.path import Definition, Each, Index, Name, Path, Segment
from migrate_spec.step import Step

__all__ = ["calls", "disturbed", "tidied", "without"]

Touches = Callable[[tuple[Segment, ...]], bool]


def disturbed(before: Json, after: Json, step: Step) -> Iterator[Path]:
    """The places that a step changed although it does not touch them, from outside to inside.

    A field that is new is none of them: where nothing was a step may put what it knows to be free.
    """
    found = _found(step, before)

    @cache
    def touches(place: tuple[Segment, ...]) -> bool:
        return step.touches(Path(place)) or any(place == one[: len(place)] for one in found)

    yield from _disturbed(before, after, touches, ())


def _found(step: Step, document: Json) -> list[tuple[Segment, ...]]:
    """The places where the definition stands that a step is about, if it is about one."""
    first = step.at.segments[0] if step.at else None
    if not isinstance(first, Definition) or first.find is None:
        return []
    return [path.segments for _, _, path in first.find(document)]


def _disturbed(before: Json, after: Json, touches: Touches, at: tuple[Segment, ...]) -> Iterator[Path]:
    places: list[tuple[Segment, ...]] = []
    if type(before) is dict and type(after) is dict:
        untouched = [name for name in before if not touches((*at, Name(name)))]
        if untouched != [name for name in after if name in untouched]:
            yield Path(at)
        places = [(*at, Name(name)) for name in before if name in after]
    elif type(before) is list and type(after) is list and len(before) == len(after):
        places = [(*at, Index(index)) for index in range(len(before))]
    for place in places:
        key = place[-1].name if isinstance(place[-1], Name) else place[-1].index  # type: ignore[union-attr]
        if touches(place):
            yield from _disturbed(before[key], after[key], touches, place)
        elif encode(before[key]) != encode(after[key]):
            yield Path(place)


def tidied(value: Json) -> Json:
    """A value without the empty objects in it."""
    if type(value) is dict:
        return {name: tidied(part) for name, part in value.items() if part != {}}
    return [tidied(part) for part in value] if type(value) is list else value


def without(document: Json, losses: Sequence[Loss]) -> Json:
    """A document without what is lost of it; of objects that may have been made, only those with nothing in them."""
    for loss in sorted(losses, key=lambda loss: -len(loss.path.segments)):
        _cut(document, loss.path.segments, only_empty="with nothing in it" in loss.what)
    return document


def _cut(value: Json, segments: Sequence[Segment], *, only_empty: bool) -> None:
    if not segments:  # something of the whole is lost
        if type(value) is dict or type(value) is list:
            value.clear()
        return
    for key in _keys(value, segments[0]):
        part = value[key] if not isinstance(segments[0], Definition) else key
        if len(segments) > 1 or isinstance(segments[0], Definition):
            _cut(part, segments[1:], only_empty=only_empty)
        elif type(value) is list:
            value[key] = None
        elif not only_empty or value[key] == {}:
            del value[key]


def _keys(value: Json, segment: Segment) -> Sequence[Json]:
    """The keys of a segment's places; of a definition, the values there."""
    if isinstance(segment, Definition):
        return [parent[key] for parent, key, _ in segment.find(value)] if segment.find else []
    wanted = list if isinstance(segment, (Each, Index)) else dict
    return list(segment.keys(value)) if type(value) is wanted else ()


def calls(part: Step | Operation) -> bool:
    """Whether a step or an operation calls a hook, itself or further in."""
    inside: list[Step | Operation] = []
    if isinstance(part, Step):
        inside = [*(part.body if isinstance(part.body, tuple) else [part.body]), *part.otherwise]
    elif isinstance(part, Switch):
        inside = [step for _, steps in part.cases.cases.pairs for step in steps]
        inside += part.cases.else_ if not isinstance(part.cases.else_, str) else ()
    return isinstance(part, Call) or any(map(calls, inside))
