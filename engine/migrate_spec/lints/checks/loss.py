"""Something does not come back from the way there and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate_spec.errors import Fault
from migrate_spec.lints.scene import Story
from migrate_spec.operation import Loss
from migrate_spec.path import Path
from migrate_spec.step import steps_at

__all__ = ["check"]

MOST_NAMED = 4
"""Paths in a sentence."""


def check(story: Story) -> Iterator[Fault]:
    """The losses of each step, those of one kind together; none where the spec refuses the way back anyway."""
    spec = story.migration.spec
    groups: dict[tuple[int, str], list[Loss]] = {}
    for loss in () if spec.refuses_downgrade else story.migration.losses():
        around = list(steps_at(spec.steps, loss.path.place)) if loss.path.place else []
        groups.setdefault((id(around[-1]) if around else 0, loss.what), []).append(loss)
    for (_, what), losses in groups.items():
        paths = dict.fromkeys(loss.path for loss in losses if loss.path.segments)
        place = next(
            (loss.path.place for loss in losses if loss.path.place), spec.place("steps" if paths else "records")
        )
        found = f"{f'at {_named(paths)} ' if paths else ''}something was found that does not come back: {what}"
        remedy = "say `allow: {loss: why}` where that is meant"
        yield Fault(found, "", remedy, place)


def _named(paths: Mapping[Path, None]) -> str:
    shown = [repr(str(path)) for path in list(paths)[:MOST_NAMED]]
    rest = len(paths) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
