"""A model of a database under migrations: what it should hold, worked out by plain Python and with nothing of ours.

:class:`Model` says of each call what it makes of what is there, or that it is refused, by :class:`Error`. What a
database holds is a :class:`State`, which no call alters: each makes a new one. So a backup is a state, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from tests.model_ascent import Ascent, kept_after, written_since
from tests.model_descent import Descent
from tests.model_kept import Crossed, Document, Place
from tests.model_specs import Loss, Specs
from tests.model_state import Records, Run, State, but, collections_of, differing, of, rewritten
from tests.model_steps import collection_of


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
        losses: what the last run lost, once for each record.
        ran: how many runs there were, up or down.
        keeps: whether the last run kept what it took from records.
    """

    specs: Specs = field(default_factory=Specs)
    state: State = field(default_factory=State)
    way: tuple[tuple[int, int], ...] = ()
    made: int = 0
    backups: Mapping[int, State] = field(default_factory=dict)
    noted: frozenset[int] = frozenset()
    verified: tuple[int, ...] = ()
    lists: int = 0
    losses: tuple[Loss, ...] = ()
    ran: int = 0
    keeps: bool = True

    def later(self, then: State, collections: frozenset[str]) -> set[bytes]:
        """The keys of collections under which something else stands than runs have made of what was there then."""
        return written_since(self.specs, self.state, then, collections)

    # The calls.

    def apply(
        self,
        target: int,
        *,
        backup: bool = True,
        quarantine: bool = False,
        in_place: bool = False,
        complements: bool = True,
    ) -> None:
        """A run to a version; one in place that is in the middle comes to its end first."""
        if self.state.begun is not None:
            if target < self.state.version or quarantine:
                raise Error("PlanError")
            self._finish()
        state, touched = self.state, self.specs.touched(self.state.version, target)
        if target > state.version and in_place and (state.held or quarantine):
            raise Error("PlanError")
        up = Ascent(self.specs, state, target, state.held).carry_all()
        records, rejected, left, known = up.records, frozenset(up.rejected), frozenset(up.left), up.known
        self.losses = tuple(up.losses)
        self._check(touched, rejected, quarantine=quarantine)
        if target == state.version and not left:
            return
        self.keeps = complements
        held = {key: version for key, version in state.held.items() if key not in left}
        held |= dict.fromkeys(rejected, state.version)
        freed = {collection_of(key) for key in left if key in state.records}
        keeps = backup and not (in_place and target > state.version) and (left or of(touched, state.records))
        number = self._keep() if keeps else None
        runs = (*state.runs, *self._runs(state, target, number))
        kept = kept_after(self.specs, state, target, rejected | held.keys(), left) | (known if complements else {})
        unkept = state.unkept if complements else state.unkept_with(up.unkept())
        self._arrive(target, replace(state, records=records, held=held, runs=runs, kept=kept, unkept=unkept))
        self.way += ((target, target),) if freed - touched or target == state.version else ()
        self.lists += bool(rejected)

    def _runs(self, before: State, target: int, backup: int | None = None) -> list[Run]:
        """The steps of a run to a version."""
        versions = range(before.version, target)
        return [Run(self.specs.touched(one, one + 1), before, backup, one + 1) for one in versions]

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
        self.ran += 1
        self.way += tuple((version, version + 1) for version in range(self.state.version, target))
        self.state = replace(state, version=target)

    def _finish(self) -> None:
        """A run in place comes to its end."""
        state, begun = self.state, self.state.begun
        assert begun is not None
        records, touched = dict(state.records), self.specs.touched(begun.version, state.version)
        known: dict[Place, Crossed] = {}
        for key, document in state.waiting.items():
            way = self.specs.carried(key, document, begun.version, state.version, state.kept)
            if way.now is not None and way.now[0] in records:  # somebody has written there
                raise Error("RecordRejected")
            records |= [way.now] if way.now is not None else []
            known |= way.known
        if None in of(touched, records).values():
            raise Error("RecordRejected")
        self.state, runs = begun, (*state.runs, *self._runs(begun, state.version))
        kept = kept_after(self.specs, replace(state, version=begun.version), state.version, (), frozenset()) | known
        after = replace(state, records=records, begun=None, waiting={}, runs=runs, kept=kept)
        self._arrive(state.version, after)

    def stop(self, target: int, seen: Records) -> None:
        """A run in place to a version ended in the middle; what is seen of the records tells how far it was."""
        state, begun = self.state, self.state.begun or self.state
        touched = self.specs.touched(begun.version, target)
        to_do: Records = of(touched, state.records) if state.begun is None else state.waiting
        records = dict(state.records if state.begun else but(touched, state.records))
        waiting: dict[bytes, Document | None] = {}
        known = dict(state.kept)
        for key, document in to_do.items():
            way = self.specs.carried(key, document, begun.version, target, state.kept)
            if key in seen and (way.now is None or way.now[0] != key or way.now[1] != seen[key]):
                waiting[key] = document
            else:
                records |= [way.now] if way.now is not None else []
                known |= way.known
        self.state = replace(state, version=target, records=records, waiting=waiting, begun=begun, kept=known)

    def downgrade(self, target: int, *, accepts: bool, backup: bool = True, complements: bool = True) -> None:
        """A run down to a version; something may get lost or not."""
        self.refuse_begun()
        state, self.losses = self.state, ()
        if target == state.version:
            return
        down = Descent(self.specs, state, target)
        if down.rejected:
            raise Error("RecordRejected")
        self.losses = down.told(complements=complements)
        if not accepts and any(kind != "kept" for _, _, _, kind in self.losses):
            raise Error("LossRefused")
        if backup and (down.freed or of(self.specs.touched(target, state.version), state.records)):
            self._keep()
        self.ran, self.keeps = self.ran + 1, complements
        self.way += tuple((version, version - 1) for version in range(state.version, target, -1))
        self.state = down.arrived(keeps=complements)

    def forget_kept(self) -> None:
        """What is kept goes, if there is something."""
        unkept = self.state.unkept_with(self.specs.losing(self.state.kept))
        self.state = replace(self.state, kept={}, unkept=unkept)
        self.way += ((self.state.version, self.state.version),)

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
        version, unkept = before.version, state.unkept_below(before.version)
        self.state = replace(state.with_part(touched, before), version=version, runs=state.runs[:first], unkept=unkept)

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
            agree(rewritten(of(part, then.records), of(part, now.records)), agreed=agreed)
            self.state = now.with_part(part, then)
        else:
            agree(self._written_since(then), agreed=agreed)
            self.state = then
        self.way += ((now.version, self.state.version),)

    def _written_since(self, then: State) -> set[bytes]:
        """The keys under which something was written since, not by a run; without knowing of all that was done: all."""
        now, count = self.state, len(then.runs)
        touched = collections_of(now.runs[count:] if now.runs[:count] == then.runs else ())
        others = rewritten(but(touched, then.records), but(touched, now.records)) | differing(then.others, now.others)
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
        up = self._repairing(held)
        if document is None:
            up.left.add(key)
        elif not up.take_up(lambda _: document).left:
            raise Error("RecordRejected")
        self._repaired(up)

    def repair_by(self, collection: str, mend: Callable[[Document], Document]) -> None:
        """All records of a collection that are in quarantine are mended by a fix."""
        self.refuse_begun()
        up = self._repairing(of({collection}, self.state.held))
        if up.take_up(lambda document: mend(document) if document is not None else None).left:
            self._repaired(up)

    def _repairing(self, held: Mapping[bytes, int]) -> Ascent:
        """A run that takes up some records in quarantine alone."""
        return Ascent(self.specs, self.state, self.state.version, held).among_others(self.state.records.keys() - held)

    def _repaired(self, up: Ascent) -> None:
        self._keep()
        self.way += ((self.state.version, self.state.version),)
        held = {key: version for key, version in self.state.held.items() if key not in up.left}
        kept = {place: one for place, one in self.state.kept.items() if place[0] not in up.left} | up.known
        self.state = replace(self.state, records=up.records, held=held, kept=kept)


def agree(later: set[bytes], *, agreed: bool) -> None:
    """See that later writes may be undone."""
    if later and not agreed:
        raise Error("LaterWrites", len(later))
