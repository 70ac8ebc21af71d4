"""A step cannot be undone, and the spec does not say that it is not to be."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_spec.errors import Fault, Irreversible
from migrate_spec.lints.scene import Story
from migrate_spec.step import backward

__all__ = ["check"]


def check(story: Story) -> Iterator[Fault]:
    """The last step that cannot be undone, even with what is kept; none where the spec refuses the way back."""
    spec = story.migration.spec
    if spec.refuses_downgrade:
        return
    try:
        backward(spec.steps, lenient=True)
    except Irreversible as error:
        fault = error.fault
        remedy = (
            f"{fault.remedy}, or say `downgrade: {{refuse: why}}`" if fault.remedy else "say `downgrade: {refuse: why}`"
        )
        yield Fault(fault.found, fault.expected, remedy, fault.where or spec.place("steps"))
