"""The way of records there and back, as ``apply`` and ``downgrade`` go it, with nothing written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrate_spec.carriers import carrier
from migrate_spec.codec import unpacker
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.crossing import Step
from migrate_spec.journey import Journey, RecordLoss
from migrate_spec.kept import Keeper
from migrate_spec.rejects import Rejecting, Rejects
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec
from migrate_spec.store import ALL_KEYS, Store

unpacked = unpacker(list[tuple[bytes, list[bytes]]])


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
