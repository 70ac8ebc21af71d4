"""Going back where a migration moved records: what it made of the backup is worked out again, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from migrate_spec.backup import Contents
from migrate_spec.codec import NotADocument
from migrate_spec.compiler import RecordRefused, Transform
from migrate_spec.document import Refused, Unbound
from migrate_spec.errors import BackupError
from migrate_spec.flow import Flow
from migrate_spec.flows import Flows
from migrate_spec.progress import Tracker
from migrate_spec.rollback_marks import Marked, quarantined_since
from migrate_spec.sorter import Entry, Sorter
from migrate_spec.staging import staging_folder
from migrate_spec.store import KeyRange, StagedFile, Store, ranges_of, stage
from migrate_spec.undoing import Restored, Undoing, both, same_but_for_stamp, verified

__all__ = ["put_back_moved"]


def put_back_moved(undoing: Undoing, frozen: Store, live: Store, staged: StagedFile, tracker: Tracker) -> Restored:
    """Stage what makes all that a migration touched again what the backup holds, wherever it is now.

    Args:
        undoing: the backup, and the steps to take back.
        frozen: the backup's checkpoint.
        live: the database; in its staging folder is room for what is sorted.
        staged: where the changes go.
        tracker: is told of every record.

    Raises:
        BackupError: the backup does not hold what it held when it was made.
    """
    with TemporaryDirectory(prefix="sorting-", dir=staging_folder(live.path)) as folder:
        place = Path(folder)
        with Sorter(place) as made, Sorter(place) as taken, Sorter(place) as old_values:
            marked = Marked(undoing, frozen, live)
            flows_of = cache(lambda version: _flows(undoing, frozen, made, taken, version))
            after = _make_again(undoing, marked, tracker, flows_of)
            comparison = _Comparison(undoing, flows_of(None), live, old_values)
            comparison.restored.after = after
            comparison.compare(made.groups())
            for key, entries in old_values.groups():
                stage(staged, key, entries[0].value)
    return comparison.restored


def _flows(undoing: Undoing, frozen: Store, made: Sorter, taken: Sorter, version: int | None) -> Flows:
    """The ways of all records; with a version those of records that were in quarantine since then."""
    try:
        routes = [undoing.route(specs) for specs in undoing.specs.values()]
        if version is not None:
            routes = [quarantined_since(version, route) for route in routes]
        return Flows(routes, frozen, made, taken, notes_all=True)
    except Unbound as unbound:
        remedy = "run it in the folder of the project, or name its folders with --specs and --schemas"
        raise BackupError(f"{unbound.found}, in a step to take back", unbound.expected, remedy) from None


def _make_again(
    undoing: Undoing, marked: Marked, tracker: Tracker, flows_of: Callable[[int | None], Flows]
) -> dict[str, Contents]:
    """Carry the records of the backup over again, to know what the migration wrote.

    Returns:
        What each collection holds in the backup.
    """
    found: dict[str, Contents] = {}
    gathered = tuple(key for spec in undoing.undone for key in spec.taken)
    flows = flows_of(None)
    for name, prefix in sorted(undoing.prefixes.items(), key=lambda item: item[1].encode()):
        flow, digest, count = Flow(flows, name), undoing.backup.digest(name), 0
        for key, value in flows.frozen.scan(KeyRange.of_prefix(prefix.encode())):
            digest.add([(key, value)])
            count += 1
            tracker.advance(f"putting {name} back", 1)
            if prefix.startswith(gathered) or marked.stayed(key):
                continue  # the way of another collection's records takes them in, or nothing was made of them
            mark = marked.were(key)
            _carry_again(flow if mark is None else Flow(flows_of(mark.version), name), key, value)
        found[name] = verified(undoing, name, count, digest)
    for one in marked.elsewhere():
        old = flows.frozen.get(one.key)
        if old is not None and not marked.stayed(one.key):
            _carry_again(Flow(flows_of(one.version), one.collection), one.key, old)
    return found


def _carry_again(flow: Flow, key: bytes, value: bytes) -> None:
    """Carry a record over again; where that fails whatever stands there counts as written since."""
    with suppress(RecordRefused):
        flow.carry(key, value)


class _Comparison:
    """What is there, compared with what was there and with what the migration made of it."""

    def __init__(self, undoing: Undoing, flows: Flows, live: Store, old_values: Sorter) -> None:
        self.restored = Restored()
        self._undoing = undoing
        self._flows = flows
        self._frozen = flows.frozen
        self._live = live
        self._old_values = old_values

    def compare(self, made: Iterator[tuple[bytes, list[Entry]]]) -> None:
        """Compare every key of the collections, and every other key that the migration changed."""
        group = next(made, None)
        for keys in self._ranges():
            while group is not None and group[0] < keys.start:
                group = self._outside(group, made)
            for key, old, new in both(self._frozen, self._live, keys):
                while group is not None and group[0] < key:
                    self._settle(group[0], None, None, _value(group[1]))  # it is gone again
                    group = next(made, None)
                expected = old
                if group is not None and group[0] == key:
                    expected, group = _value(group[1]), next(made, None)
                self._settle(key, old, new, expected)
            while group is not None and group[0] in keys:
                self._settle(group[0], None, None, _value(group[1]))
                group = next(made, None)
        while group is not None:
            group = self._outside(group, made)

    def _ranges(self) -> list[KeyRange]:
        """The ranges that belong to collections, apart from each other, in order."""
        prefixes = {*self._undoing.prefixes.values()}
        prefixes |= {key for spec in self._undoing.undone for move in spec.records for key in move.ranges()}
        return ranges_of(prefixes)

    def _outside(
        self, group: tuple[bytes, list[Entry]], made: Iterator[tuple[bytes, list[Entry]]]
    ) -> tuple[bytes, list[Entry]] | None:
        """Compare a key that belongs to no collection: an entry of an index."""
        key = group[0]
        self._settle(key, self._frozen.get(key), self._live.get(key), _value(group[1]))
        return next(made, None)

    def _settle(self, key: bytes, old: bytes | None, new: bytes | None, expected: bytes | None) -> None:
        """Note what is to be put back under a key, and whether it was written since."""
        explained = new == expected or (new is not None and expected is not None and self._same(key, expected, new))
        if old != new:
            self.restored.records += 1
            self._old_values.add(key, key, old)
        if not explained and (old != new or new is None):  # what was put back by hand stays as it is
            self.restored.note_later(key)
            self._put_entries_back(key, old, new)

    def _same(self, key: bytes, expected: bytes, new: bytes) -> bool:
        home = self._home(key)
        return home is not None and same_but_for_stamp(expected, new, home.route)

    def _put_entries_back(self, key: bytes, old: bytes | None, new: bytes | None) -> None:
        """The entries of indexes that go with a record that was written since."""
        home = self._home(key)
        indexes = [index for spec in home.route.way for index in spec.indexes.values()] if home else []
        for value in (old, new):
            if home is None or value is None or not indexes:
                continue
            try:
                document, _, _ = home.read(value)
                entries = {find(document) for index in indexes for find in (index.key_before, index.key_after)}
            except (NotADocument, Refused):
                continue
            for entry in entries:
                if entry is not None:
                    self._old_values.add(entry.encode(), key, self._frozen.get(entry.encode()))

    def _home(self, key: bytes) -> Transform | None:
        try:
            text = key.decode()
        except UnicodeDecodeError:
            return None
        now, then = self._undoing.standing[-1].to_version, self._undoing.entries[0].from_version
        return self._flows.home_of(text, now) or self._flows.home_of(text, then)


def _value(entries: Sequence[Entry]) -> bytes | None:
    """What a migration left under a key."""
    return next((entry.value for entry in entries if entry.value is not None), None)
