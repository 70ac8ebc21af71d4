"""The rules of the model test about backups."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import rule

from migrate_spec.retention import Retention
from tests.model import Error, Model
from tests.model_machine import COLLECTIONS, CRASH, WHICH, Crash, Machine, one_of
from tests.model_seen import flat, look
from tests.model_state import State, collections_of, of


class BackupRules(Machine):
    """What is done with backups.

    Attributes:
        archives: what is in each archive, by the number of the backup.
    """

    def __init__(self) -> None:
        super().__init__()
        self.archives: dict[int, State] = {}

    @property
    def backups(self) -> Path:
        """The folder of backups."""
        return self.path.with_name("db.backups")

    def _backup(self, which: int) -> int | None:
        """One of the backups; none where there is none. Each is in its place then."""
        self.manager.settle(self.state.version)
        return one_of(sorted(self.model.backups), which) if self.model.backups else None

    @rule(which=st.none() | st.none() | WHICH, agreed=st.booleans(), crash=CRASH)
    def roll_back(self, which: int | None, *, agreed: bool, crash: Crash | None) -> None:
        """A rollback to any backup, or to the last one of a run."""
        chosen = None if which is None or not self.model.backups else one_of(sorted(self.model.backups), which)
        name, before = self.names[chosen] if chosen else None, self.state

        def predict(model: Model) -> None:
            model.roll_back(chosen, agreed=agreed)

        if crash is not None:
            self.kill(predict, crash, "rollback", self.path, *([name] if name else []), *(["--yes"] if agreed else []))
        elif self.do(predict, lambda: self.manager.rollback(name, undo_later_writes=agreed)):
            undone = before.runs[len(self.state.runs) :]
            number, touched = undone[0].backup, collections_of(undone)
            if number in self.stored:
                assert of(touched, flat(self.path)) == of(touched, self.stored[number])

    @rule(which=WHICH, collection=st.sampled_from(["", *COLLECTIONS]), agreed=st.booleans(), crash=CRASH)
    def restore(self, which: int, collection: str, *, agreed: bool, crash: Crash | None) -> None:
        """A restore of a whole backup, or of one collection."""
        number = self._backup(which)
        if number is None:
            return
        name, collections = self.names[number], [collection] if collection else []

        def predict(model: Model) -> None:
            model.restore(number, collection, agreed=agreed)

        if crash is not None:
            words = [*(["--collection", collection] if collection else []), *(["--yes"] if agreed else [])]
            self.kill(predict, crash, "backup", "restore", self.path, name, *words)
        elif self.do(predict, lambda: self.manager.restore_backup(name, collections, undo_later_writes=agreed)):
            whole = set(COLLECTIONS)
            if number in self.stored:
                part = {collection} if collection else whole
                assert of(part, flat(self.path)) == of(part, self.stored[number])

    @rule(which=WHICH)
    def restore_into(self, which: int) -> None:
        """A new database is made of a backup."""
        number = self._backup(which)
        if number is not None:
            place = self.path.with_name("new")
            self.manager.restore_backup(self.names[number], into=place)
            seen, then = look(place), self.model.backups[number]
            assert (seen.version, seen.held) == (then.version, frozenset(then.held))
            assert (seen.records, seen.others) == (then.records, then.others)
            shutil.rmtree(place)

    @rule(crash=CRASH)
    def create_backup(self, crash: Crash | None) -> None:
        """A backup is made, which changes nothing else."""
        if crash is None:
            self.do(Model.create_backup, self.manager.create_backup)
        else:
            self.kill(Model.create_backup, crash, "backup", "create", self.path)

    @rule(keep=st.integers(1, 3), crash=CRASH)
    def prune(self, keep: int, crash: Crash | None) -> None:
        """All backups but the newest ones go; where that is killed some may have gone."""
        self.manager.settle(self.state.version)
        gone = self.model.outlived(keep)

        def predict(model: Model) -> None:
            if gone or self.path.with_name("db.staging").exists():
                model.refuse_begun()
            model.forget(gone)

        if crash is None:
            names = [self.names[number] for number in gone]
            self.do(predict, lambda: self._prune(keep, names))
            return
        self.run_command(crash, "backup", "prune", self.path, "--keep", str(keep))
        notes, there = look(self.path).notes, {number for number in gone if self._folder(number).exists()}
        self.model.forget(set(gone) - there)
        self.model.noted |= there
        self.model.noted -= {number for number in there if self.names[number] not in notes}

    def _prune(self, keep: int, names: list[str]) -> None:
        assert [backup.name for backup in self.manager.prune_backups(Retention(keep=keep))] == names

    def _folder(self, number: int) -> Path:
        return self.backups / self.names[number]

    @rule(which=WHICH, loses=st.booleans())
    def export(self, which: int, *, loses: bool) -> None:
        """A backup is written into an archive; somebody may remove it then, of which the database knows nothing."""
        number = self._backup(which)
        if number is None:
            return
        exported = number in self.archives
        export = partial(self.manager.export_backup, self.names[number], self._archive(number))
        self.do(lambda _: _refuse(exported), export)
        self.archives[number] = self.model.backups[number]
        if loses:
            shutil.rmtree(self._folder(number))
            if not any(self.backups.iterdir()):
                self.backups.rmdir()
            noted = self.model.noted
            self.model.forget([number])
            self.model.noted = noted

    def _archive(self, number: int) -> Path:
        return self.path.with_name(f"archive-{number}")

    @rule(which=WHICH)
    def import_backup(self, which: int) -> None:
        """A backup comes back from an archive, with all that it held."""
        if self.archives:
            number = one_of(sorted(self.archives), which)
            self.manager.settle(self.state.version)
            self.do(
                lambda model: model.import_backup(number, self.archives[number]),
                lambda: self.manager.import_backup(self._archive(number)),
            )

    def verify(self) -> None:
        """All backups are verified, from the oldest to the newest, and are whole."""
        self.manager.settle(self.state.version)
        found = self.manager.verify_backups()
        numbers = sorted(self.model.backups)
        assert [(one.name, one.damage) for one in found] == [(self.names[number], "") for number in numbers]
        self.model.verified += tuple(numbers)

    def check_backups(self) -> None:
        """See that all backups are there, and hold what was there when they were made."""
        names = sorted(self.names[number] for number in self.model.backups)
        assert sorted(file.name for file in self.backups.glob("*")) == names
        assert self.backups.exists() == bool(names)
        for number, stored in self.stored.items():
            if number in self.model.backups:
                assert flat(self._folder(number) / "database") == stored


def _refuse(refused: bool) -> None:  # noqa: FBT001 - it has no other argument
    if refused:
        raise Error("BackupError")
