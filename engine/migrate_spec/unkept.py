"""The steps of which nothing is kept, or not all any more, so that the way back cannot tell what records have lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migrate_spec.codec import Json
from migrate_spec.compiler import Route
from migrate_spec.history import Entry, History
from migrate_spec.losses import EVERYTHING
from migrate_spec.plan import Plan

__all__ = ["knowing_unkept", "unkept_steps"]


def unkept_steps(history: History, collection: str) -> dict[int, int | None]:
    """The steps in force of a collection of which not all is kept, by the version that each begins with.

    It was carried out by a run that kept nothing or by another program; or what it kept was removed.

    Returns:
        How many records each has deleted of which nothing is kept; ``None``: nobody knows.
    """
    found: dict[int, int | None] = {}
    for entry in history.in_force():
        if entry.success and entry.to_version < entry.from_version:
            found = {version: count for version, count in found.items() if version < entry.to_version}
        elif entry.success and _keeps_nothing(entry, collection):
            found[entry.from_version] = _deleted(entry.collections[collection]) if entry.collections else None
        for one in _later(entry, collection):
            before = found.setdefault(one["from_version"], 0)
            found[one["from_version"]] = before + _deleted(one) if before is not None else None
    return found


def _later(entry: Entry, collection: str) -> Iterator[Json]:
    """Steps upwards that were carried out before: what was pruned of them, or not kept of records in quarantine."""
    losses = entry.collections.get(collection, {}).get("losses", ())
    unkept = ({**one, "losses": [one]} for one in losses if one["kind"] == "dropped" and "from_version" in one)
    pruned = (one for one in entry.pruned if one["collection"] == collection)
    yield from (one for one in (*pruned, *unkept) if one["from_version"] < one["to_version"])


def _deleted(facts: Json) -> int:
    """How many records were deleted for good, as far as the history says that of a collection in a step."""
    whole = (EVERYTHING, "dropped")
    return sum(one["records"] for one in facts.get("losses", ()) if (one["path"], one["kind"]) == whole)


def _keeps_nothing(entry: Entry, collection: str) -> bool:
    """Whether a step was carried out, and nothing was kept of what it took from the records of a collection."""
    is_foreign = not entry.collections and not entry.specs
    return entry.to_version > entry.from_version and (
        is_foreign or (entry.fields.get("complements") is False and collection in entry.collections)
    )


def knowing_unkept(plan: Plan, history: History) -> Plan:
    """A plan downwards that tells what records may have lost in steps of which not all is kept."""

    def knowing(route: Route) -> Route:
        steps = unkept_steps(history, route.collection)
        deleted = tuple((version, count or 0) for version, count in steps.items() if count != 0)
        return replace(route, unkept=frozenset(steps), deleted=deleted)

    return replace(plan, routes=tuple(map(knowing, plan.routes)), known=tuple(map(knowing, plan.known)))
