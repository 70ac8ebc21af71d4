"""A model of a database under migrations: what it should hold, worked out by plain Python and with nothing of ours.

:class:`Model` says of each call what it makes of what is there, or that it is refused, by :class:`Error`. What a
database holds is a :class:`State`, which no call alters: each makes a new one. So a backup is a state, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from tests.model_state import NOTHING, Records, Run, State, but, collections_of, differing, of, without
from tests.model_steps import Document, Refused, Specs, collection_of


class Error(Exception):
    """A call is refused.

    Attributes:
        kind: the name of the class of its error.
        count: how many later writes it would undo, where that is why.
    """

    def __init__(self, kind: str, count: int = 0) -> None:
        super().__init__(kind, count)
        self.kind, self.count = kind, count


@dataclass
class Model:
    """A project, a database and its backups.

    Attributes:
        specs: of the project.
        state: what the database holds.
        way: the history.
        made: how many backups were made; they are numbered.
        backups: what all backups hold that there are, oldest first.
        noted: those of which the database has a note.
        verified: all, as they were verified: when they were made, imported, or when that was asked for.
        lists: how many lists of rejected records there are.
    """

    specs: Specs = field(default_factory=Specs)
    state: State = field(default_factory=State)
    way: tuple[tuple[int, int], ...] = ()
    made: int = 0
    backups: Mapping[int, State] = field(default_factory=dict)
    noted: frozenset[int] = frozenset()
    verified: tuple[int, ...] = ()
    lists: int = 0

    def carry_all(self, last: int) -> tuple[dict[bytes, Document | None], frozenset[bytes], frozenset[bytes]]:
        """What there is after a run to a version, which records it rejects, and which leave the quarantine."""
        state, touched = self.state, self.specs.touched(self.state.version, last)
        records: dict[bytes, Document | None] = {}
        rejected = set()
        for key, document in state.records.items():
            if key in state.held:
                continue
            if collection_of(key) not in touched:
                records[key] = document
                continue
            try:
                now = self.specs.carried(key, document, state.version, last)
            except Refused:
                rejected.add(key)
                records[key] = document
            else:
                records |= [now] if now is not None else []
        return records, frozenset(rejected), self._take_up(records, state.held, last)

    def _take_up(
        self,
        records: dict[bytes, Document | None],
        held: Mapping[bytes, int],
        last: int,
        mend: Callable[[Document | None], Document | None] = lambda document: document,
    ) -> frozenset[bytes]:
        """Put records in quarantine to others, carried over where that is possible; those that leave the quarantine."""
        there = {key: document for key, document in self.state.records.items() if key in held}
        left, moving = held.keys() - there.keys(), {}
        for key, document in there.items():
            try:
                now = self.specs.carried(key, mend(document), held[key], last)
            except Refused:
                records[key] = document
                continue
            if now is not None and now[0] != key:
                moving[key] = now
                continue
            left.add(key)
            records |= [now] if now is not None else []
        for key, (new, document) in sorted(moving.items()):
            if new in records:  # a key that is taken
                records[key] = there[key]
            else:
                records[new] = document
                left.add(key)
        return frozenset(left)

    def later(self, then: State, collections: frozenset[str]) -> set[bytes]:
        """The keys of collections under which something else stands than runs have made of what was there then."""
        old, now = of(collections, then.records), of(collections, self.state.records)
        made: dict[bytes, Document | None] = {}
        gone = set()
        for key, document in sorted(old.items()):
            try:
                found = self.specs.carried(key, document, then.held.get(key, then.version), self.state.version)
            except Refused:
                continue
            if key not in self.state.held:  # which stay where they are
                gone |= {key} if found is None or found[0] != key else set()
                if found is not None:
                    made.setdefault(*found)
        expected: Records = {key: document for key, document in old.items() if key not in gone} | made
        return {key for key in differing(expected, now) if key not in now or old.get(key, NOTHING) != now[key]}

    # The calls.

    def apply(self, target: int, *, backup: bool = True, quarantine: bool = False, in_place: bool = False) -> None:
        """A run to a version; one in place that is in the middle comes to its end first."""
        if self.state.begun is not None:
            if target < self.state.version or quarantine:
                raise Error("PlanError")
            self._finish()
        state, touched = self.state, self.specs.touched(self.state.version, target)
        if target > state.version and in_place and (state.held or quarantine):
            raise Error("PlanError")
        records, rejected, left = self.carry_all(target)
        self._check(touched, rejected, quarantine=quarantine)
        if target == state.version and not left:
            return
        held = {key: version for key, version in state.held.items() if key not in left}
        held |= dict.fromkeys(rejected, state.version)
        freed = {collection_of(key) for key in left if key in state.records}
        keeps = backup and not (in_place and target > state.version) and (left or of(touched, state.records))
        number = self._keep() if keeps else None
        runs = (*state.runs, Run(touched, state, number)) if target > state.version else state.runs
        self._arrive(target, replace(state, records=records, held=held, runs=runs))
        self.way += ((target, target),) if freed - touched or target == state.version else ()
        self.lists += bool(rejected)

    def _check(self, touched: frozenset[str], rejected: frozenset[bytes], *, quarantine: bool) -> None:
        """See that a run may go on although it rejects records."""
        if rejected and not quarantine:
            raise Error("RecordRejected")
        for name in touched:
            tried = of({name}, self.state.records).keys() - self.state.held.keys()
            if tried and tried <= rejected:
                raise Error("TooManyRejected")

    def _keep(self) -> int:
        """A backup is made; its number."""
        self.made += 1
        self.backups = {**self.backups, self.made: self.state}
        self.noted |= {self.made}
        self.verified += (self.made,)
        return self.made

    def _arrive(self, target: int, state: State) -> None:
        """All steps to a version are done."""
        self.way += tuple((version, version + 1) for version in range(self.state.version, target))
        self.state = replace(state, version=target)

    def _finish(self) -> None:
        """A run in place comes to its end."""
        state, begun = self.state, self.state.begun
        assert begun is not None
        records, touched = dict(state.records), self.specs.touched(begun.version, state.version)
        for key, document in state.waiting.items():
            now = self.specs.carried(key, document, begun.version, state.version)
            if now is not None and now[0] in records:  # somebody has written there
                raise Error("RecordRejected")
            records |= [now] if now is not None else []
        if None in of(touched, records).values():
            raise Error("RecordRejected")
        self.state, runs = begun, (*state.runs, Run(touched, begun))
        self._arrive(state.version, replace(state, records=records, begun=None, waiting={}, runs=runs))

    def stop(self, target: int, seen: Records) -> None:
        """A run in place to a version ended in the middle; what is seen of the records tells how far it was."""
        state, begun = self.state, self.state.begun or self.state
        touched = self.specs.touched(begun.version, target)
        to_do: Records = of(touched, state.records) if state.begun is None else state.waiting
        records = dict(state.records if state.begun else but(touched, state.records))
        waiting: dict[bytes, Document | None] = {}
        for key, document in to_do.items():
            now = self.specs.carried(key, document, begun.version, target)
            if key in seen and (now is None or now[0] != key or now[1] != seen[key]):
                waiting[key] = document
            else:
                records |= [now] if now is not None else []
        self.state = replace(state, version=target, records=records, waiting=waiting, begun=begun)

    def refuse_begun(self) -> None:
        """See that no run in place is in the middle."""
        if self.state.begun is not None:
            raise Error("RunInProgress")

    def roll_back(self, backup: int | None, *, agreed: bool) -> None:
        """A rollback to a backup, or to the last one of a run."""
        self.refuse_begun()
        state = self.state
        number = backup or (state.runs[-1].backup if state.runs else None)
        first = next((place for place, run in enumerate(state.runs) if run.backup == number), None)
        if number not in self.backups or first is None:
            raise Error("BackupError")
        touched, before = collections_of(state.runs[first:]), state.runs[first].before
        agree(self.later(before, touched), agreed=agreed)
        self.way += ((state.version, before.version),)
        self.state = replace(state.with_part(touched, before), version=before.version, runs=state.runs[:first])

    def restore(self, backup: int, collection: str, *, agreed: bool) -> None:
        """A restore of a whole backup, or of one collection."""
        self.refuse_begun()
        if backup not in self.backups:
            raise Error("BackupError")
        then, now = self.backups[backup], self.state
        if collection:
            known = self.specs.touched(1, self.specs.newest) - self.specs.touched(*sorted((then.version, now.version)))
            if collection not in known:
                raise Error("BackupError")
            part = frozenset({collection})
            agree(differing(of(part, then.records), of(part, now.records)), agreed=agreed)
            self.state = now.with_part(part, then)
        else:
            agree(self._written_since(then), agreed=agreed)
            self.state = then
        self.way += ((now.version, self.state.version),)

    def _written_since(self, then: State) -> set[bytes]:
        """The keys under which something was written since, not by a run; without knowing of all that was done: all."""
        now, count = self.state, len(then.runs)
        touched = collections_of(now.runs[count:] if now.runs[:count] == then.runs else ())
        others = differing(but(touched, then.records), but(touched, now.records)) | differing(then.others, now.others)
        return self.later(then, touched) | others

    def create_backup(self) -> None:
        """A backup is made."""
        self.refuse_begun()
        self._keep()

    def outlived(self, keep: int) -> list[int]:
        """The backups that go where so many are to be kept: never the newest, nor the one that was verified last."""
        if not self.backups:
            return []
        spared = {max(self.backups), [number for number in self.verified if number in self.backups][-1]}
        return [number for number in sorted(self.backups)[:-keep] if number not in spared]

    def forget(self, numbers: Iterable[int]) -> None:
        """Backups are gone."""
        gone = frozenset(numbers)
        self.backups = {number: state for number, state in self.backups.items() if number not in gone}
        self.noted -= gone

    def import_backup(self, number: int, state: State) -> None:
        """A backup that was exported comes back."""
        if number in self.backups:
            raise Error("BackupError")
        self.backups = {**self.backups, number: state}
        self.verified += (number,)

    def repair(self, key: bytes, document: Document | None) -> None:
        """Another record is put in the place of one in quarantine; none: it is deleted."""
        held = {one: version for one, version in self.state.held.items() if one == key}
        if not held or (document is not None and key not in self.state.records):
            raise Error("RecordMissing")
        records = without(key, self.state.records)
        if document is not None and not self._take_up(records, held, self.state.version, lambda _: document):
            raise Error("RecordRejected")
        self._repaired(records, frozenset(held))

    def repair_by(self, collection: str, mend: Callable[[Document], Document]) -> None:
        """All records of a collection that are in quarantine are mended by a fix."""
        self.refuse_begun()
        held = of({collection}, self.state.held)
        records = {key: document for key, document in self.state.records.items() if key not in held}
        left = self._take_up(
            records, held, self.state.version, lambda document: mend(document) if document is not None else None
        )
        if left:
            self._repaired(records, left)

    def _repaired(self, records: Records, left: frozenset[bytes]) -> None:
        self._keep()
        self.way += ((self.state.version, self.state.version),)
        held = {key: version for key, version in self.state.held.items() if key not in left}
        self.state = replace(self.state, records=records, held=held)


def agree(later: set[bytes], *, agreed: bool) -> None:
    """See that later writes may be undone."""
    if later and not agreed:
        raise Error("LaterWrites", len(later))
