"""What is known of the documents that each step of a version step is given: what the checks look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from migrate_spec.migration import Migration
from migrate_spec.path import Definition, Path
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.reading import shape_of
from migrate_spec.shapes.shape import Shape, union
from migrate_spec.step import Step, effect

__all__ = ["Later", "Scene", "Story"]


class Later:
    """A step that comes later, as seen from the document.

    Args:
        step: the step.
        base: where the objects are that it is among.
    """

    def __init__(self, step: Step, base: Path) -> None:
        at_anywhere = bool(base.segments) and isinstance(base.segments[0], Definition)
        self.step = Step((step,), at=base) if base.segments and not at_anywhere else step
        self.place = step.place

    @cached_property
    def reads(self) -> tuple[Path, ...]:
        """The paths whose values decide what it does or writes."""
        return self.step.reads()

    @cached_property
    def writes(self) -> frozenset[Path]:
        """The paths that it may alter."""
        return frozenset(self.step.writes())

    def is_about(self, path: Path) -> bool:
        """Whether it goes on with what is at a path."""
        return any(path.meets(read) for read in self.reads) or self.step.touches(path)


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
        later: the steps that come after it.
    """

    step: Step
    base: Path
    before: Shape
    given: Shape
    start: Shape
    target: Shape
    later: tuple[Later, ...]


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
    before, given = stage.before, stage.given
    later = (*(Later(step, stage.base) for step in steps), *stage.later)
    for index, step in enumerate(steps):
        behind = later[index + 1 :]
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
