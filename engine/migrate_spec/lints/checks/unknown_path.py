"""A step is about a field that no schema has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from migrate_spec.errors import Fault
from migrate_spec.lints.scene import Scene, Story
from migrate_spec.operation import Operation
from migrate_spec.path import Definition, Each, EachValue, Index, Name, Path, Segment
from migrate_spec.schema import did_you_mean
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.shape import ANYTHING, NOTHING, Field, ListShape, ObjectShape, Shape, union
from migrate_spec.step import Step

__all__ = ["check", "unknown_paths"]


def check(story: Story) -> Iterator[Fault]:
    """Paths that neither schema knows, and no earlier step has made; where a schema is open, only if they look wrong.

    An open schema lets in what it does not name, so there a name must be like one that it has to be a mistake.
    """
    for scene in story.scenes:
        yield from unknown_paths(scene, story.migration.spec.stamp.path)


def unknown_paths(scene: Scene, stamp: Path | None) -> Iterator[Fault]:
    """Those of one step.

    Args:
        scene: the step.
        stamp: the field with the version of records, if they have one: it need not be in the schemas.
    """
    step = scene.step
    if step.at is not None and not isinstance(step.at.segments[0], Definition):
        yield from _unknown(scene, step.at, stamp)
    inside = _inside(scene)
    own = step.body if isinstance(step.body, Operation) else None
    paths = [*(step.where.reads() if step.where else ()), *((*own.reads(), *own.writes()) if own else ())]
    # the steps inside of an operation have scenes of their own
    deeper = {path for one in step.inner() for path in (*one.reads(), *one.writes())}
    for path in dict.fromkeys(paths):
        if path not in deeper:
            yield from _unknown(inside, path, stamp)


def _inside(scene: Scene) -> Scene:
    """The same for the objects at the step's ``at``."""
    at = scene.step.at
    if at is None:
        return scene
    before, start, target = (union(seen(shape, at)) for shape in (scene.before, scene.start, scene.target))
    return replace(scene, base=at.under(scene.base), before=before, start=start, target=target)


def _unknown(scene: Scene, path: Path, stamp: Path | None) -> Iterator[Fault]:
    whole = path.under(scene.base)
    if (
        not path.segments
        or scene.before is NOTHING
        or any(_knows(shape, path) for shape in (scene.before, scene.target))
    ):
        return
    if (stamp is not None and stamp.meets(whole)) or any(later.is_about(whole) for later in scene.later):
        return
    place = path.place or scene.step.place
    if _knows(scene.start, path):
        found, remedy = f"{str(path)!r} was found after an earlier step took it away", "put this step before that one"
        yield Fault(found, "a field that is there was expected", remedy, place)
        return
    remedy = _likely(union([scene.before, scene.target]), path, scene.step)
    if remedy or not any(_may_have(shape, path) for shape in (scene.before, scene.target)):
        yield Fault(f"{str(path)!r} was found", "a field that a schema tells of was expected", remedy, place)


def _likely(shape: Shape, path: Path, step: Step) -> str:
    """The question whether a name on a path is a mistyped one of a shape's; empty where none is like it."""
    others = set(step.body.writes()) if isinstance(step.body, Operation) else set()
    for depth, segment in enumerate(path.segments):
        parent = Path(path.segments[:depth])
        if isinstance(segment, Name) and not _knows(shape, Path(path.segments[: depth + 1])):
            known = [name for inside in seen(shape, parent) for name in _names(inside)]
            return did_you_mean(
                segment.name, [name for name in known if Path((*parent.segments, Name(name))) not in others]
            )
    return ""


def _names(shape: Shape) -> list[str]:
    return [name for one in shape.objects() for name, known in one.fields.items() if known.shape is not NOTHING]


def _knows(shape: Shape, path: Path) -> bool:
    """Whether a shape tells of a path; of what it leaves open altogether it tells everything."""
    return _leads(shape, path.segments, named=True)


def _may_have(shape: Shape, path: Path) -> bool:
    """Whether something can be at a path."""
    return _leads(shape, path.segments, named=False)


def _leads(shape: Shape, segments: Sequence[Segment], *, named: bool) -> bool:
    if not segments or shape is ANYTHING:
        return shape is not NOTHING
    return any(_leads(inside, segments[1:], named=named) for inside in _next(shape, segments[0], named=named))


def _next(shape: Shape, segment: Segment, *, named: bool) -> Iterator[Shape]:
    """What can be at a segment; ``named``: where the shape tells of it, and does not only let it in."""
    for one in shape.plain():
        if isinstance(one, ObjectShape) and isinstance(segment, EachValue):
            yield union(
                [*(known.shape for known in one.fields.values()), one.others, *(part for _, part in one.patterns)]
            )
        elif isinstance(one, ObjectShape) and isinstance(segment, Name):
            is_told = segment.name in one.fields or not one.fields or one.others is not ANYTHING
            yield (one.field(segment.name) if is_told or not named else Field(NOTHING)).shape
        elif isinstance(one, ListShape) and isinstance(segment, Each | Index):
            yield one.items() if isinstance(segment, Each) else one.item(segment.index)
