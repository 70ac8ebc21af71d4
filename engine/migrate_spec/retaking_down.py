"""Records in quarantine on the way down: some come home, some go down with the others, and some stay set aside.

A record stays at the version that the database had when it was set aside. Where that is

- the version to which the way leads, or as good as that, the record is at home, and loses its mark;
- a later one, it goes down from there; if it cannot, it stays in quarantine, and its mark says why;
- an earlier one, it stays in quarantine if a step of its collection leads from there to where the way does or before.

On a way on which a step moves records those that would have to go down stay in quarantine, too.
"""

from __future__ import annotations

from dataclasses import replace

from migrate_spec.compiler import Route
from migrate_spec.plan import Plan
from migrate_spec.quarantine import Mark, read_marks
from migrate_spec.retaking import Again, Files, Retaken
from migrate_spec.runner import Means

__all__ = ["retake_down"]


def retake_down(plan: Plan, means: Means, retaken: Retaken) -> None:
    """Carry records in quarantine down, as far as they have a way before them.

    Args:
        plan: the way down.
        means: what the run has to work with.
        retaken: what becomes of them.

    Raises:
        MetadataInvalid: a mark cannot be read.
        DatabaseError: the database cannot be read, or the staged files not be written.
    """
    for family in plan.families if means.rejecting.marked else ():
        within, inside = plan.within(family), means.within(family)
        if inside is None:
            continue
        again, files = Again(inside, retaken), Files(inside)
        for mark in read_marks(inside.frozen, family):
            route = next((route for route in within.routes if route.collection == mark.collection), None)
            if route is None or _is_due_below(mark, route, plan.to_version):
                continue
            specs = tuple(spec for spec in route.specs if spec.to_version <= mark.version)
            if all(spec.from_version < plan.to_version for spec in specs):
                retaken.come_home(mark, route, files, inside)
                continue
            way = replace(route, specs=specs, target=mark.version)
            if not any(one.moves_records for one in plan.routes):
                again.try_one(mark, way, files)
        retaken.add(within, *files.finish())
        again.finish(within)


def _is_due_below(mark: Mark, route: Route, version: int) -> bool:
    """Whether a record in quarantine has a step before it that leads to a version or less."""
    return any(mark.version <= spec.from_version and spec.to_version <= version for spec in route.specs)
