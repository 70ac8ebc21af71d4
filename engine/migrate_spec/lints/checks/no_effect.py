"""A step never changes anything."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_spec.errors import Fault
from migrate_spec.lints.checks.unknown_path import unknown_paths
from migrate_spec.lints.scene import Scene, Story
from migrate_spec.operation import Operation
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.shape import NOTHING

__all__ = ["check"]

_REMEDY = "the schema before and the steps so far leave nothing for it to do"


def check(story: Story) -> Iterator[Fault]:
    """Steps of which the condition never holds, or whose operation finds nothing to change in the objects.

    Where that is so because a name is mistyped, it is enough to say that.
    """
    for scene in story.scenes:
        found = _idle(scene)
        if found and not any(unknown_paths(scene, story.migration.spec.stamp.path)):
            yield Fault(found, "one that can was expected", _REMEDY, scene.step.place)


def _idle(scene: Scene) -> str:
    """What is found of a step that does nothing; nothing where it may do something."""
    step = scene.step
    if scene.given is NOTHING or (step.at and not seen(scene.given, step.at)):
        return ""
    holding, _ = step.given(scene.given)
    if holding is NOTHING:
        return "a condition that never holds was found" if step.where else ""
    if isinstance(step.body, Operation) and step.body.is_idle(holding):
        return "a step that never changes anything was found"
    return ""
