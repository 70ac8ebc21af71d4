"""What cannot be carried out in place, as far as the specs tell: it is refused before a record is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_spec.compiler import Route
from migrate_spec.errors import Fault, PlanError
from migrate_spec.plan import Plan
from migrate_spec.spec import Spec, overlap

__all__ = ["check_in_place", "in_order"]


def in_order(plan: Plan) -> list[Route]:
    """The ways of a plan in the order in which they are carried: records that stay where they are come first."""
    return sorted(plan.routes, key=lambda route: route.moves_records)


def check_in_place(plan: Plan) -> None:
    """See that records can be changed one after the other, while others are still as they were.

    Raises:
        PlanError: a step puts several records into one, or makes records that nothing would tell from those to come.
    """
    routes = in_order(plan)
    fault = next((fault for place, route in enumerate(routes) for fault in _faults(route, routes[place:])), None)
    if fault is not None:
        remedy = f"{fault.remedy}run without --in-place"
        raise PlanError(fault.found, fault.expected, remedy, where=fault.where)


def _faults(route: Route, to_come: Sequence[Route]) -> Iterator[Fault]:
    """What is wrong with a way; ``to_come`` are those that are carried with it and after it."""
    to_come = [other for other in to_come if other.column_family == route.column_family]
    for spec in route.specs if route.moves_records else ():
        if spec.taken:
            found = f"{spec.name} was found, which puts several records into one"
            yield Fault(found, "in place each record was expected to change on its own", "", spec.place("records"))
        for begin, kind in _made(spec):
            yield from (_unmarked(spec, begin, kind, other) for other in to_come if _is_mistaken(begin, kind, other))


def _made(spec: Spec) -> Iterator[tuple[str, str]]:
    """The beginnings of the keys that a spec makes, and what of."""
    yield from ((begin, "records") for operation in spec.records for begin in operation.ranges())
    yield from ((begin, "indexes") for index in spec.indexes.values() for begin in index.ranges)


def _is_mistaken(begin: str, kind: str, other: Route) -> bool:
    """Whether something that is made would be taken for a record of a collection that is still to be carried."""
    return overlap(begin, other.key_prefix.decode()) and (kind == "indexes" or other.stamp.path is None)


def _unmarked(spec: Spec, begin: str, kind: str, other: Route) -> Fault:
    found = f"keys that begin with {begin!r} were found, which {spec.name} makes among those of {other.collection}"
    return Fault(found, "in place no such keys were expected, as no stamp tells them apart", "", spec.place(kind))
