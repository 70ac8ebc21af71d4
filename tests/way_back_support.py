"""The way of records there and back, as ``apply`` and ``downgrade`` go it, with nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from migrate_spec.carriers import carrier
from migrate_spec.codec import plain, unpacker
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.crossing import Step
from migrate_spec.journey import Journey, RecordLoss
from migrate_spec.kept import Keeper
from migrate_spec.rejects import Rejecting, Rejects
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec
from migrate_spec.store import ALL_KEYS, Store
from migrate_spec.stores.rocks import open_for_reading
from tests.conftest import make

unpacked = unpacker(list[tuple[bytes, list[bytes]]])


@pytest.fixture(scope="session")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A database in which nothing is."""
    with open_for_reading(make(tmp_path_factory.mktemp("nowhere") / "db", {b"-": b""})) as store:
        yield store


@dataclass(frozen=True)
class Stored:
    """A record in a database.

    Attributes:
        value: its bytes.
        kept: what is kept of it, by the step that took it.
        losses: what the last run said of it.
    """

    value: bytes
    kept: Mapping[Step, bytes] = field(default_factory=dict)
    losses: Sequence[RecordLoss] = ()


@dataclass(frozen=True)
class Way:
    """The specs of a collection, first to last.

    Attributes:
        specs: them.
        nowhere: a database in which nothing is.
        schemas: by version; what is missing takes all.
        short: whether records go the short way where there is one.
    """

    specs: tuple[Spec, ...]
    nowhere: Store
    schemas: Mapping[int, Schema] = field(default_factory=dict)
    short: bool = False

    def go(self, record: Stored, start: int, end: int) -> Stored | str:
        """What becomes of a record in a run of a database from a version to another, or why it is rejected.

        Raises:
            Irreversible: a step cannot be undone.
        """
        route = self._route(start, end)
        used = {step: kept for step, kept in record.kept.items() if step in route.kept_by}
        others = {step: kept for step, kept in record.kept.items() if step not in route.kept_by}
        if route.down or used:
            try:
                found = Journey(route)(record.value, used)
            except RecordRefused as refused:
                return f"{refused.path}: {refused.fault}"
            return Stored(found.value, others | {step: lost.stored() for step, lost in found.lost}, found.losses)
        rejects, kept = Rejects(route, Rejecting(), self.nowhere, None), dict[Step, bytes]()

        def put(step: Step, _key: bytes, block: bytes) -> None:
            [(kept[step], _)] = unpacked(block)

        keeper = Keeper(route.collection, "run", put)
        changed = carrier(route, ALL_KEYS, self.nowhere, rejects, keeper).carry([(b"key", record.value)])
        if rejects.shown:
            return f"{rejects.shown[0].path}: {rejects.shown[0].fault}"
        return Stored(changed[0][1] if changed else record.value, others | kept)

    def _route(self, start: int, end: int) -> Route:
        specs = tuple(spec for spec in self.specs if spec.to_version <= max(start, end))
        unstamped, first = 1 if specs[-1].stamp.path is not None else start, self.specs[0].from_version
        if start < end:
            return Route(specs, self.schemas.get(end), end, first, unstamped, start, glances=self.short)
        return Route(specs, self.schemas.get(end), start, first, unstamped, end, down=True)


def goes_there_and_back(way: Way, value: bytes, versions: Sequence[int]) -> bool:
    """Take a record up, down, up and down; whether it can be taken up. The last way up stops at each version."""
    first, *others = versions
    up = way.go(Stored(value), first, others[-1])
    if isinstance(up, str):
        return False
    down = way.go(up, others[-1], first)
    assert isinstance(down, Stored), (up, down)
    assert down.value == value, (up, down)
    assert {loss.kind for loss in down.losses} <= {"kept"}, (up, down)
    again = way.go(down, first, others[-1])
    assert isinstance(again, Stored), (down, again)
    assert again.value == up.value, (up, down, again)
    for start, end in reversed(list(zip(versions, others, strict=False))):
        once = way.go(Stored(value), first, start) if start > first else Stored(value)
        assert isinstance(once, Stored), (value, once)
        down = way.go(again, end, start)
        assert isinstance(down, Stored), (again, down)
        if start == first or way.specs[0].stamp.path is None or way.specs[0].stamp.path.sole_name is not None:
            assert down.value == once.value, (up, again, down)
        else:  # an object that is made for a stamp comes last in whatever run makes it
            assert plain(down.value) == plain(once.value), (up, again, down)
        again = down
    return True


def goes_back_and_there(way: Way, value: bytes, version: int) -> bool:
    """Take a record that is new at a version down by one, up and down; whether it can be taken down."""
    earlier = version - 1
    down = way.go(Stored(value), version, earlier)
    if isinstance(down, str):
        return False
    up = way.go(down, earlier, version)
    assert isinstance(up, Stored), (down, up)
    assert up.value == value, (down, up)
    assert not up.losses, (down, up)
    again = way.go(up, version, earlier)
    assert isinstance(again, Stored), (up, again)
    assert again.value == down.value, (down, up, again)
    return True
