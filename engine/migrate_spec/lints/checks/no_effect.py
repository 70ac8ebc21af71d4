"""A step never changes anything."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_spec.errors import Fault
from migrate_spec.lints.scene import Story
from migrate_spec.operation import Operation
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.shape import NOTHING

__all__ = ["check"]

_REMEDY = "the schema before and the steps so far leave nothing for it to do"


def check(story: Story) -> Iterator[Fault]:
    """Steps of which the condition never holds, or whose operation finds nothing to change in the objects."""
    for scene in story.scenes:
        step = scene.step
        holding, _ = step.given(scene.given)
        if step.where is not None and holding is NOTHING and (not step.at or any(seen(scene.given, step.at))):
            if scene.given is not NOTHING:
                found = "a condition that never holds was found"
                yield Fault(found, "one that can hold was expected", _REMEDY, step.place)
        elif isinstance(step.body, Operation) and holding is not NOTHING and step.body.is_idle(holding):
            found = "a step that never changes anything was found"
            yield Fault(found, "one that can was expected", _REMEDY, step.place)
