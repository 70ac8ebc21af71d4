"""Records that are there already where steps make some: so that nobody takes them for what the steps have made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_spec.compiler import Route
from migrate_spec.kept import keeping_entry
from migrate_spec.moves import PART, THERE
from migrate_spec.spec import Spec
from migrate_spec.store import Store, ranges_of

__all__ = ["Stations", "bystanders", "entry_of_bystander", "key_at", "makers_of", "may_be_part"]

Stations = Sequence[tuple[int, str | None]]
"""The keys that a record has on its way, each with the version from which on; ``None``: from there on it is gone."""


def makers_of(routes: Sequence[Route]) -> list[Spec]:
    """The steps before a database that make records of the items of lists."""
    return [spec for route in routes for spec in route.way if spec.makes_records]


def key_at(version: int, stations: Stations) -> str | None:
    """The key that a record has in a database of a version; ``None`` where there is no such record."""
    return next((key for since, key in reversed(stations) if since <= version), None)


def may_be_part(spec: Spec, key: bytes) -> bool:
    """Whether a key is like those of the records that a step makes."""
    return spec.part_of(key.decode(errors="replace")) is not None


def bystanders(routes: Sequence[Route], frozen: Store) -> Iterator[tuple[Spec, bytes]]:
    """The records that no step moves, and that stand where one makes some.

    Args:
        routes: the ways of the collections whose steps move records.
        frozen: the database before.

    Returns:
        Each step with the keys, which are in order.
    """
    carried = tuple(route.key_prefix for route in routes)  # they are told of on their way
    for maker in makers_of(routes):
        before = [spec for route in routes for spec in route.way if spec.to_version <= maker.to_version]
        others = (*carried, *(prefix.encode() for spec in before for prefix in spec.taken))
        for keys in ranges_of(maker.makes):
            for key, _ in frozen.scan(keys):
                if not key.startswith(others) and may_be_part(maker, key):
                    yield maker, key


def entry_of_bystander(spec: Spec, key: bytes) -> tuple[bytes, bytes, bytes]:
    """What is kept of a record that was there before a step, so that it can be sorted."""
    step = (spec.from_version, spec.to_version)
    return keeping_entry(spec.collection, step, PART + key, PART, THERE)
