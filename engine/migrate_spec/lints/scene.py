"""What is known of the documents that each step of a version step is given: what the checks look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migrate_spec.migration import Migration
from migrate_spec.path import Definition, Path
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.reading import shape_of
from migrate_spec.shapes.shape import Shape, union
from migrate_spec.step import Step, effect

__all__ = ["Scene", "Story"]


@dataclass(frozen=True)
class Scene:
    """A step, at any depth, with what is known of the objects that it is among.

    Attributes:
        step: the step.
        base: where these objects are in the document.
        before: the objects as they come to the step, whatever conditions are around it.
        given: those of them for which the conditions hold.
        start: the objects as they were before the first step.
        target: what the schema after says of them.
        later: the steps that come after it, as seen from the document.
    """

    step: Step
    base: Path
    before: Shape
    given: Shape
    start: Shape
    target: Shape
    later: tuple[Step, ...]


@dataclass(frozen=True)
class Story:
    """A version step as the checks look at it.

    Attributes:
        migration: the version step.
        scenes: its steps, at any depth, in order.
    """

    migration: Migration
    scenes: tuple[Scene, ...]

    @classmethod
    def of(cls, migration: Migration) -> Story:
        """The story of a migration."""
        start, target = (
            shape_of(schema).of_objects(lambda one: (one,))
            for schema in (migration.schema_before, migration.schema_after)
        )
        stage = Scene(Step(()), Path(()), start, start, start, target, ())
        return cls(migration, tuple(_scenes(migration.spec.steps, stage)))


def _scenes(steps: Sequence[Step], stage: Scene) -> Iterator[Scene]:
    """The scenes of steps that stand one after the other, and of those inside of them."""
    before, given, later = stage.before, stage.given, stage.later
    for index, step in enumerate(steps):
        behind = (*(_whole(one, stage.base) for one in steps[index + 1 :]), *later)
        scene = Scene(step, stage.base, before, given, stage.start, stage.target, behind)
        yield scene
        yield from _inside(scene)
        same = before is given
        before = effect([step], before)
        given = before if same else effect([step], given)


def _inside(scene: Scene) -> Iterator[Scene]:
    """The scenes inside of a step."""
    step = scene.step
    if not step.inner():
        return
    known = [_among(shape, step.at) for shape in (scene.before, scene.start, scene.target)]
    base = step.at.under(scene.base) if step.at else scene.base
    for steps, given in step.blocks(scene.given):
        before, start, target = known
        yield from _scenes(steps, Scene(step, base, before, given, start, target, scene.later))


def _among(shape: Shape, at: Path | None) -> Shape:
    return union(seen(shape, at)) if at else shape


def _whole(step: Step, base: Path) -> Step:
    """A step as seen from the document."""
    at_anywhere = bool(base.segments) and isinstance(base.segments[0], Definition)
    return Step((step,), at=base) if base.segments and not at_anywhere else step
