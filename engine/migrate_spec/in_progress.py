"""The mark of a run in place: what a database says of itself as long as such a run is not at its end.

Under the key ``_migration_in_progress`` stands a JSON object, which each batch of the run writes anew together with its
records. So it tells the truth at every moment, whenever the run is killed: how far it is, and by which specs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

from migrate_spec.codec import Json, decode, encode, type_names
from migrate_spec.compiler import Route
from migrate_spec.errors import MetadataInvalid, PlanError, RunInProgress, SpecChanged
from migrate_spec.history import TOOL
from migrate_spec.in_place_rules import in_order
from migrate_spec.journey import RecordLoss
from migrate_spec.plan import Plan, make_plan
from migrate_spec.project import Project
from migrate_spec.registry import MigrationRegistry
from migrate_spec.spec import Spec
from migrate_spec.store import KeyRange, Store

__all__ = ["MARK_KEY", "InProgress", "SoFar", "noted", "part_of", "parts_of", "read_in_progress", "refuse_in_progress"]

MARK_KEY = b"_migration_in_progress"

NotedSpec = Mapping[str, str]
"""A spec as the history notes it: ``collection``, ``checksum`` and canonical ``text``."""

_FIELDS: dict[str, type] = {
    "from_version": int,
    "to_version": int,
    "started_at": str,
    "validate": bool,
    "allow_pickle": bool,
    "collection": str,
    "last_key": str,
    "done": int,
    "total": int,
    "sequence": int,
    "collections": dict,
    "specs": list,
}


@dataclass(frozen=True)
class SoFar:
    """What has become of a collection so far.

    Attributes:
        before: what it held before the run, as the history notes it: the records, counted and digested.
        unchanged: how many records stay as they are, as was found out before the first batch.
        migrated: how many were changed.
        changed_by: for each step of the collection's way, how many it changed.
        losses: what they lose: the step's versions, the path, in which way, and how many.
        kept: whether all that is taken of them is kept.
    """

    before: Mapping[str, Json]
    unchanged: int = 0
    migrated: int = 0
    changed_by: Sequence[int] = ()
    losses: Sequence[tuple[int, int, str, str, int]] = ()
    kept: bool = True

    @property
    def prefix(self) -> str:
        """The beginning of its keys."""
        return str(self.before["prefix"])

    @property
    def lost(self) -> Counter[RecordLoss]:
        """What they lose."""
        return Counter({RecordLoss((start, end), path, kind): n for start, end, path, kind, n in self.losses})

    def plus(self, migrated: int, changed_by: Sequence[int], lost: Counter[RecordLoss], *, kept: bool) -> SoFar:
        """With further records."""
        both = zip(self.changed_by, changed_by, strict=True)
        losses = [(*loss.step, loss.path, loss.kind, count) for loss, count in (self.lost + lost).items()]
        changes = [one + more for one, more in both]
        return SoFar(self.before, self.unchanged, self.migrated + migrated, changes, losses, self.kept and kept)


@dataclass(frozen=True)
class InProgress:
    """A run in place that is not at its end.

    Attributes:
        from_version, to_version: its way.
        started_at: when it began, RFC 3339, UTC.
        validate: whether it checks records against the schemas.
        allow_pickle: whether it carries pickled documents over, too.
        specs: the specs that it carries out.
        collections: what has become of each collection so far, in the order in which they are carried.
        collection: the one that the last batch was of.
        last_key: the last record that is behind, in hexadecimal digits.
        done: how many records are behind.
        total: how many there were in all when it began.
        sequence: that of the database after the batch; another one tells that somebody has written since.
        tool: what carries it out.
    """

    from_version: int
    to_version: int
    started_at: str
    validate: bool
    allow_pickle: bool
    specs: Sequence[NotedSpec]
    collections: Mapping[str, SoFar] = field(default_factory=dict)
    collection: str = ""
    last_key: str = ""
    done: int = 0
    total: int = 0
    sequence: int = 0
    tool: str = TOOL

    @property
    def way(self) -> str:
        """Its way, as people read it: ``v1 -> v3``."""
        return f"v{self.from_version} -> v{self.to_version}"

    @property
    def standing(self) -> str:
        """How far it is, in words."""
        return f"{self.done:,} of about {max(self.total, self.done):,} records are behind"

    @cached_property
    def position(self) -> tuple[int, bytes]:
        """How far it is: the place of the collection among the others, and the last key; -1 where none is behind."""
        names = list(self.collections)
        return (names.index(self.collection) if self.collection else -1), bytes.fromhex(self.last_key)

    def to_json(self) -> dict[str, Json]:
        """The run as the command line shows it: how far it is, without the specs."""
        shown = ("from_version", "to_version", "started_at", "done", "total", "collection")
        return {name: getattr(self, name) for name in shown}

    def stored(self) -> bytes:
        """What the database holds under :data:`MARK_KEY`."""
        return encode(asdict(self))

    def plan(self, project: Project, to_version: int | None, where: str) -> Plan:
        """The way of the run, as far as it is told by the project's specs; where it stands on it tells the mark.

        Args:
            project: the specs.
            to_version: where somebody wants to go; ``None``: as far as the specs lead.
            where: the database, for the error.

        Raises:
            DatabaseTooNew: the run leads beyond the specs.
            SpecChanged: they are not those that the run began with.
            PlanError: the run leads beyond ``to_version``.
        """
        make_plan(project, self.to_version)
        self._check_specs(project.registry, where)
        if to_version is not None and to_version < self.to_version:
            found = f"the target version {to_version} was found in the middle of a run in place {self.way}"
            expected = f"at least {self.to_version} was expected, as such a run must come to its end"
            raise PlanError(found, expected, where=where)
        return make_plan(project, self.from_version, self.to_version)

    def _check_specs(self, registry: MigrationRegistry, where: str) -> None:
        known = {
            (spec.collection, spec.from_version): spec
            for version in range(self.from_version, self.to_version)
            for spec in (migration.spec for migration in registry.step(version))
        }
        for one in self.specs:
            content = decode(one["text"].encode())
            now = known.pop((one["collection"], content["from"]), None)
            if now is None or now.checksum != one["checksum"]:
                name = f"{one['collection']} v{content['from']}→v{content['to']}"
                raise self._changed(name, one["text"], now, where)
        for spec in known.values():
            raise self._changed(spec.name, "(no such spec)", spec, where)

    def _changed(self, name: str, before: str, now: Spec | None, where: str) -> SpecChanged:
        return SpecChanged(
            f"another meaning of {name} was found than the one that a run in place began with on {self.started_at}",
            "the same one was expected until it is at its end",
            f"undo the change, have `migrate-spec apply` go on with the run, and write what is new as a further step"
            f"\n    begun with: {before}\n    now:        {now.text if now else '(no such spec)'}",
            where=now.place() if now else where,
        )


def part_of(route: Route, place: int, begun: InProgress | None, *, quiet: bool = False) -> KeyRange:
    """The keys of a collection that are still to be carried.

    Args:
        route: the collection's way.
        place: its place among the others.
        begun: the run that is to go on; ``None``: it is a new one.
        quiet: whether it is known that nobody has written since. Else only those records are behind, beyond doubt,
            that cannot carry a stamp.
    """
    keys = KeyRange.of_prefix(route.key_prefix)
    if begun is None or not (quiet or route.stamp.path is None):
        return keys
    at, last = begun.position
    if place == at:
        return KeyRange(last + b"\0", keys.stop)
    return keys if place > at else KeyRange(keys.start, keys.start)


def parts_of(plan: Plan, begun: InProgress | None) -> dict[str, KeyRange]:
    """The keys of each collection that are still to be carried, where nothing is known of who has written since."""
    return {route.collection: part_of(route, place, begun) for place, route in enumerate(in_order(plan))}


def refuse_in_progress(store: Store) -> None:
    """See that a database is not in the middle of a run in place.

    Raises:
        RunInProgress: it is.
    """
    found = read_in_progress(store)
    if found is not None:
        raise RunInProgress(
            f"a run in place {found.way} that is not at its end was found ({found.standing})",
            "none was expected",
            "`migrate-spec apply` goes on with it",
            where=str(store.path),
        )


def noted(specs: Sequence[Spec]) -> list[dict[str, str]]:
    """Specs as the history notes them."""
    return [{"collection": spec.collection, "checksum": spec.checksum, "text": spec.text} for spec in specs]


def read_in_progress(store: Store) -> InProgress | None:
    """The run in place that a database is in the middle of; ``None`` where there is none.

    Raises:
        MetadataInvalid: what stands under the key cannot be understood.
    """
    value = store.get(MARK_KEY)
    if value is None:
        return None
    try:
        fields = decode(value)
        reason = _wrong_in(fields)
        if not reason:
            collections = {name: SoFar(**counts) for name, counts in fields.pop("collections").items()}
            found = InProgress(**fields, collections=collections)
            _ = found.position, [decode(spec["text"].encode())["from"] + 0 for spec in found.specs]
            _ = [(one.before["records"] + 0, one.before["digest"] + "", one.lost) for one in collections.values()]
            return found
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = str(error)
    raise MetadataInvalid(
        f"the mark of a run in place that cannot be read was found under {MARK_KEY.decode()} ({reason})",
        "what the run has written was expected",
        "put a backup back that was made before the run",
        where=str(store.path),
    )


def _wrong_in(fields: Json) -> str:
    """What is wrong with a mark; empty where nothing is, as far as types tell."""
    if type(fields) is not dict:
        return f"{type_names[type(fields)]} is no mark"
    wrong = (name for name, kind in _FIELDS.items() if type(fields.get(name)) is not kind)
    name = next(wrong, None)
    return f"{name} is not {type_names[_FIELDS[name]]}" if name else ""
