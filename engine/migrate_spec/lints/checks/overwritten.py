"""What a step writes, a later one overwrites or takes away unread."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_spec.errors import Fault
from migrate_spec.lints.scene import Later, Scene, Story
from migrate_spec.operation import Operation
from migrate_spec.path import Path
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.shape import ANYTHING, NOTHING
from migrate_spec.step import Step

__all__ = ["check"]


def check(story: Story) -> Iterator[Fault]:
    """Values that a step makes, and a later one writes again or takes away whatever they are."""
    for scene in story.scenes:
        body, step = scene.step.body, scene.step
        if not isinstance(body, Operation) or step.inner() or not scene.later:
            continue
        for path in body.writes():
            inside = path.under(step.at) if step.at else path
            later = _overwriting(scene, inside.under(scene.base))
            if later is not None and _makes(scene, inside):
                line = f" in line {later.place.line}" if later.place else ""
                found = f"{str(path)!r} was found, which a later step{line} overwrites or takes away"
                remedy = "leave out one of the two, or change their order"
                yield Fault(found, "a later step that reads it was expected", remedy, path.place or step.place)


def _overwriting(scene: Scene, path: Path) -> Later | None:
    """A later step that writes a path in any case, when none before it reads it."""
    for later in scene.later:
        if any(path.meets(read) for read in later.reads):
            return None
        if path in later.writes and _writes_always(later.step, path):
            return later
    return None


def _writes_always(step: Step, path: Path) -> bool:
    """Whether a step writes a path in any document."""
    at = step.at.segments if step.at else ()
    if step.where is not None or path.segments[: len(at)] != at:
        return False
    below = Path(path.segments[len(at) :])
    if isinstance(step.body, tuple):
        return any(_writes_always(part, below) for part in step.body)
    return not step.inner() and below in step.body.writes()


def _makes(scene: Scene, path: Path) -> bool:
    """Whether a step leaves other values at a path than it found there."""
    before, after = seen(scene.given, path), seen(scene.step.effect(scene.given), path)
    return bool(after) and not (len(before) == len(after) and all(map(_same, before, after)))


def _same(one: object, other: object) -> bool:
    return one is other and one is not ANYTHING and one is not NOTHING
