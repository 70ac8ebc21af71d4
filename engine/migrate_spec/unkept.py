"""The steps of which nothing is kept, or not all any more, so that the way back cannot tell what records have lost."""

from __future__ import annotations

from dataclasses import replace

from migrate_spec.compiler import Route
from migrate_spec.history import Entry, History
from migrate_spec.plan import Plan

__all__ = ["knowing_unkept", "unkept_steps"]


def unkept_steps(history: History, collection: str) -> frozenset[int]:
    """The steps in force of a collection of which not all is kept, by the version that each begins with.

    It was carried out by a run that kept nothing or by another program; or what it kept was removed.
    """
    found: set[int] = set()
    for entry in history.in_force():
        if entry.success and entry.to_version < entry.from_version:
            found = {version for version in found if version < entry.to_version}
        elif entry.success and _keeps_nothing(entry, collection):
            found.add(entry.from_version)
        upwards = (one for one in entry.pruned if one["from_version"] < one["to_version"])
        found |= {one["from_version"] for one in upwards if one["collection"] == collection}
    return frozenset(found)


def _keeps_nothing(entry: Entry, collection: str) -> bool:
    """Whether a step was carried out, and nothing was kept of what it took from the records of a collection."""
    is_foreign = not entry.collections and not entry.specs
    return entry.to_version > entry.from_version and (
        is_foreign or (entry.fields.get("complements") is False and collection in entry.collections)
    )


def knowing_unkept(plan: Plan, history: History) -> Plan:
    """A plan downwards that tells what records may have lost in steps of which not all is kept."""

    def knowing(route: Route) -> Route:
        return replace(route, unkept=unkept_steps(history, route.collection))

    return replace(plan, routes=tuple(map(knowing, plan.routes)), known=tuple(map(knowing, plan.known)))
