"""One record through every step: which line of which spec made each of its fields what it is, or would make it.

What is behind the record is worked out anew, from the oldest backup of a migration in force that has it: the steps
since then are done once more, and what the database holds is compared with that. Before it are the pending steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from migrate_spec.backup import backups_folder, list_backups
from migrate_spec.codec import Json, plain
from migrate_spec.coming_back import coming_back
from migrate_spec.compiler import Route
from migrate_spec.errors import BackupError, FamilyMissing, RecordMissing, show_key
from migrate_spec.families import DEFAULT_FAMILY, named
from migrate_spec.flows import Flows
from migrate_spec.freshness import Freshness
from migrate_spec.history import History, read_history
from migrate_spec.origins import Located, source_of, taker_of
from migrate_spec.path import Name
from migrate_spec.pickled import as_json
from migrate_spec.plan import Plan
from migrate_spec.project import Project
from migrate_spec.sorter import Nowhere
from migrate_spec.store import Store
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.tracing import Difference, Event, differences, trace
from migrate_spec.trusted import refuse_untrusted

__all__ = ["Explanation", "explain"]

Origin = tuple[Event, Difference]
"""What made a field what it is: the event, and what it did there last."""


@dataclass(frozen=True)
class Explanation:
    """What became of one record, and what will.

    Attributes:
        key: the record's key, as it was asked for.
        events: what happened, and what would: the oldest state that is known, each step, what somebody else wrote.
        pending: how many of the last events have not happened yet.
        freshness: when the database was read, and who may write to it.
        column_family: the part of the database that the record is in.
    """

    key: bytes
    events: tuple[Event, ...]
    pending: int
    freshness: Freshness
    column_family: str = DEFAULT_FAMILY

    @cached_property
    def fields(self) -> Mapping[str, Origin | None]:
        """The fields of the record in the end, each with what made it what it is; ``None``: it is as it came."""
        document = next((event.document for event in reversed(self.events) if event.document is not None), None)
        found: dict[str, Origin | None] = dict.fromkeys(document if type(document) is dict else ())
        for event in self.events:
            for difference in event.differences:
                first = difference.path.segments[0] if difference.path.segments else None
                if isinstance(first, Name) and first.name in found:
                    found[first.name] = event, difference
        return found

    def to_json(self) -> dict[str, Json]:
        """It as JSON."""
        fields = {
            name: {"kind": origin[0].kind, "where": origin[1].to_json()["where"]} if origin else None
            for name, origin in self.fields.items()
        }
        place = {"column_family": self.column_family} if named(self.column_family) else {}
        return {
            "key": show_key(self.key),
            **place,
            "events": [event.to_json() for event in self.events],
            "pending": self.pending,
            "fields": fields,
            "freshness": self.freshness.to_json(),
        }


def explain(
    store: Store,
    project: Project,
    plan: Plan,
    keys: Sequence[bytes],
    column_family: str | None = None,
) -> Explanation:
    """Tell what became of one record, and what the pending steps would make of it.

    Args:
        store: the database.
        project: the specs.
        plan: the pending steps.
        keys: what the record's key may be, the likeliest first: the present one, or the one that it had before the
            migrations in force.
        column_family: the part of the database that it is in; by default that of the collection it belongs to.

    Raises:
        RecordMissing: there is no such record, no spec is about it, or there are several in several column families.
        FamilyMissing: the database has no such column family.
        UntrustedFolder: somebody else can have made its backups.
        DatabaseError: the database cannot be read.
    """
    freshness = Freshness.of(store.path)
    families = plan.families or (DEFAULT_FAMILY,)
    if column_family is not None:
        store.family(column_family)
        if column_family not in families:
            raise _unknown(column_family, families, store.path)
        families = (column_family,)
    history = read_history(store)
    tellers = [_Teller(store, project, plan.within(family), history, family) for family in families]
    found = [told for teller in tellers for told in [teller.tell(keys, freshness)] if told is not None]
    if len(found) > 1:
        raise _several(found, store.path)
    if not found:
        there = [key for teller in tellers for key in keys if teller.value(key) is not None]
        raise _foreign(there[0], plan.known, store.path) if there else _missing(keys[-1], store.path)
    return found[0]


class _Teller:
    """Tells of the records in one column family."""

    def __init__(self, store: Store, project: Project, plan: Plan, history: History, family: str) -> None:
        self._store = store
        self._project = project
        self._plan = plan
        self._history = history
        self._family = family
        self._allow_pickle = plan.allows_pickle or history.allows_pickle

    def value(self, key: bytes) -> bytes | None:
        """What the database holds under a key; nothing where it has no such column family."""
        with suppress(FamilyMissing):
            return self._get(self._store.family(self._family), key)
        return None

    def _get(self, home: Store, key: bytes) -> bytes | None:
        """What a database holds under a key: of what may be unpickled, as JSON."""
        value = home.get(key)
        return as_json(value) if value is not None and self._allow_pickle else value

    def tell(self, keys: Sequence[bytes], freshness: Freshness) -> Explanation | None:
        """What became of the record under one of the keys; nothing where there is none, or no spec is about it."""
        plan, version = self._plan, self._plan.from_version
        key = next((one for one in keys if self.value(one) is not None), keys[-1])
        past = self._past(version, key)
        present = past[-1].key if past else key
        value = self.value(present) if present is not None else None
        told: list[Event] = []
        if present is not None and (value is not None or not past):
            told = self._told(present, plan.known, self._store, f"in the database, at version {version}")
        if not past and not told:
            return None
        now, pending = list(_now(past, present, value, version)) if past else told[:1], told[1:]
        return Explanation(key, (*past, *now, *pending), len(pending), freshness, self._family)

    def _past(self, version: int, key: bytes) -> list[Event]:
        """What the migrations in force did to a record, as far as a backup still has it."""
        with SpeakingOf(self._store.path):
            refuse_untrusted(self._store.path, [backups_folder(self._store.path)])
        backups = {backup.name: backup for backup in list_backups(self._store)}
        for name in dict.fromkeys(entry.backup_key for entry in self._history.standing()):
            backup = backups.get(name or "")
            if backup is None or backup.version is None or backup.version < self._project.registry.earliest:
                continue
            with suppress(BackupError, FamilyMissing), open_for_reading(backup.database, frozen=True) as frozen:
                routes, where = self._routes(backup.version, version), f"in {backup.name}, at version {backup.version}"
                told = self._told(key, routes, frozen, where)
                if told:
                    return told
        return []

    def _told(self, key: bytes, routes: Sequence[Route], store: Store, where: str) -> list[Event]:
        """A record in a database, or the one that it is made of, and what becomes of it; nothing: neither is there.

        Args:
            key: the record's.
            routes: the ways of all collections in the column family.
            store: the database.
            where: it, in words.

        Raises:
            FamilyMissing: it has no such column family.
        """
        home = store.family(self._family)
        value = self._get(home, key)
        if value is not None:
            found, name, taker = _found(where, key, value), _home(routes, key), taker_of(key, routes, home)
            if taker is not None:
                return [found, Event("taken", f"taken into {show_key(taker.key)}", None, None)]
            return [found, *_carried(home, routes, Located(name, key, value))] if name is not None else []
        source = source_of(key, routes, home)
        if source is None:
            return []
        source = replace(source, value=as_json(source.value)) if self._allow_pickle else source
        found = _found(f"{where}, as {show_key(source.key)}", source.key, source.value)
        return [found, *_carried(home, routes, source, key)]

    def _routes(self, start: int, target: int) -> list[Route]:
        """The ways of all collections in the column family between two versions of the database."""
        names = self._project.registry.collections_at(target)
        ways = (self._project.route(name, target, start) for name in names)
        routes = [replace(route, allow_pickle=self._allow_pickle) for route in ways]
        return [route for route in routes if route.column_family == self._family]


def _now(past: Sequence[Event], key: bytes | None, value: bytes | None, version: int) -> Iterator[Event]:
    """The record as the database holds it, where that is not what the migrations left."""
    if past[-1].kind == "refused":
        if key is not None and value is not None:
            yield _found(f"in the database, at version {version}", key, value)
    elif key is not None and value is None:
        yield Event("written", "deleted since by another program", None, None)
    elif value is not None:
        document = _document(value)
        found = differences(past[-1].document, document)
        if found:
            yield Event("written", "written since by another program", None, key, document, found)


def _carried(store: Store, routes: Sequence[Route], one: Located, follow: bytes | None = None) -> Iterator[Event]:
    """What becomes of a record on the way of its collection; of one made of it, where that is to be followed."""
    events = list(trace(Flows(routes, store, Nowhere(), Nowhere()), one.collection, one.key, one.value, follow))
    yield from events
    route = next(route for route in routes if route.collection == one.collection)
    yield from coming_back(store, route, one.key, one.value, events)


def _home(routes: Sequence[Route], key: bytes) -> str | None:
    """The name of the collection that a key belongs to where the ways begin; ``None`` where it is of none."""
    return next((route.collection for route in routes if key.startswith(route.key_prefix)), None)


def _foreign(key: bytes, routes: Sequence[Route], database: Path) -> RecordMissing:
    prefixes = ", ".join(repr(route.key_prefix.decode()) for route in routes)
    return RecordMissing(
        f"the key {show_key(key)!r} was found",
        f"one that begins with {prefixes} was expected, as no spec is about others",
        where=str(database),
    )


def _unknown(family: str, known: Sequence[str], database: Path) -> RecordMissing:
    names = ", ".join(map(repr, known))
    found, expected = f"the column family {family!r} was found", f"one of {names} was expected"
    return RecordMissing(found, f"{expected}, as no spec is about others", where=str(database))


def _several(found: Sequence[Explanation], database: Path) -> RecordMissing:
    names = ", ".join(one.column_family for one in found)
    return RecordMissing(
        f"{len(found)} records with the key {show_key(found[0].key)!r} were found (in the column families {names})",
        "one was expected",
        "say which with --column-family (`column_family`)",
        where=str(database),
    )


def _found(where: str, key: bytes, value: bytes) -> Event:
    return Event("found", where, None, key, _document(value))


def _document(value: bytes) -> Json:
    """A stored document in the plain form; ``None`` for what is none."""
    try:
        return plain(value)
    except ValueError:
        return None


def _missing(key: bytes, database: Path) -> RecordMissing:
    return RecordMissing(
        f"no record with the key {show_key(key)!r} was found",
        "one in the database, or in a backup of a migration in force, was expected",
        where=str(database),
    )
