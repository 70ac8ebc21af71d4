"""Records that a run rejects: what is told of them, and what becomes of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args
from uuid import uuid4

from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.errors import Rejection
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.pickled import as_json
from migrate_spec.quarantine import Mark, mark_key
from migrate_spec.rejected import line
from migrate_spec.store import StagedFile, Store
from migrate_spec.stores.rocks_faults import SpeakingOf

__all__ = ["SHOWN_REJECTIONS", "Again", "Choice", "OnError", "Rejecting", "Rejects", "Repairing", "rejection"]

SHOWN_REJECTIONS = 100

EXPLAINED_AT_ONCE = 100
"""Rejections, of which each can leave a hundred kilobytes behind."""

OnError = Literal["fail", "quarantine"]
"""What is done about records that cannot be carried over."""


@dataclass(frozen=True)
class Choice:
    """What the user wants to be done about records that cannot be carried over.

    Attributes:
        quarantines: whether they are set aside and all others carried; else the run fails.
        file: for a list of all of them, where the user wants it.
    """

    quarantines: bool = False
    file: Path | None = None

    @classmethod
    def of(cls, on_error: OnError, rejected: str | Path | None = None) -> Choice:
        """The choice by the words of the library.

        Raises:
            ValueError: one of them is not known.
        """
        if on_error not in get_args(OnError):
            raise ValueError(f"on_error={on_error!r} was found, one of {', '.join(get_args(OnError))} was expected")
        return cls(on_error == "quarantine", Path(rejected) if rejected is not None else None)


@dataclass(frozen=True)
class Rejecting:
    """What a run does about records that it cannot carry over.

    Attributes:
        quarantines: whether they are set aside.
        lists: the folder for files that list all of them; ``None``: only the first are told.
        about: what an error is about that comes of these files: the database, or the list that the user names.
        version: the database's.
        at: when the run began.
        marked: whether records are in quarantine already. They are no part of a job: who leads the run tries them.
    """

    quarantines: bool = False
    lists: Path | None = None
    about: Path = Path()
    version: int = 1
    at: str = ""
    marked: bool = False


@dataclass(frozen=True)
class Repairing:
    """What is done to records in quarantine before they are tried again.

    Attributes:
        chosen: which of them are meant.
        repair: gives a record's new value of the one that it has, or ``None``, where it goes. It may raise
            :class:`RecordRefused`.
    """

    chosen: Callable[[Mark], bool]
    repair: Callable[[Mark, bytes], bytes | None]


def rejection(key: bytes, refused: RecordRefused, route: Route) -> Rejection:
    """A record that was refused, with its key."""
    return Rejection(key, refused.step, refused.path, refused.fault, refused.cause, route.column_family)


class Again:
    """Carries rejected records once more: to tell why, and to take back what they were counted for on the way."""

    def __init__(self, route: Route) -> None:
        """Take the way of the records."""
        self._route = route
        self._transform: Transform | None = None
        self._explained = 0

    def refusal(self, value: bytes, refused: RecordRefused, *, explains: bool) -> RecordRefused:
        """The refusal of a record, with all that can be said where that is wanted."""
        self._transform = self._transform or Transform(self._route)
        self._transform.explains = explains
        self._explained += explains
        if explains and self._explained % EXPLAINED_AT_ONCE == 0:
            gc.collect(0)  # what is made for an explanation refers to itself, and the collector is off
        try:
            self._transform(value)
        except RecordRefused as again:
            return again
        return refused  # a hook thinks otherwise now

    def without(self, changed_by: Sequence[int]) -> tuple[int, ...]:
        """For each step how many records it changed, without those that were rejected afterwards."""
        if self._transform is None:
            return tuple(changed_by)
        return tuple(all_of - these for all_of, these in zip(changed_by, self._transform.changed_by, strict=True))


class Rejects:
    """The rejected records of a job, in the order of their keys.

    Attributes:
        shown: the first of them.
        count: how many there are.
        listed: the file that lists all of them, where that was asked for and there are any.
    """

    def __init__(self, route: Route, rejecting: Rejecting, frozen: Store, folder: Path | None) -> None:
        """Take the way of the records, what is to be done, the database, and where marks are staged, if at all."""
        self.shown: list[Rejection] = []
        self.count = 0
        self._rejecting = rejecting
        self._route = route
        self._home = frozen.family(DEFAULT_FAMILY)
        self._folder = folder if rejecting.quarantines else None
        self._marks: StagedFile | None = None
        self._list: BinaryIO | None = None
        self._errors = SpeakingOf(rejecting.about)
        self.listed: Path | None = None

    @property
    def wants_reasons(self) -> bool:
        """Whether a record that does not fit is to be told why, which takes a thousand times as long."""
        tells_all = self._rejecting.quarantines or self._rejecting.lists is not None
        return tells_all or len(self.shown) < SHOWN_REJECTIONS

    @property
    def stops(self) -> bool:
        """Whether nothing is written any more, and the other records are carried only to hear of them, too."""
        return self.count > 0 and not self._rejecting.quarantines

    def add(self, key: bytes, value: bytes, refused: RecordRefused) -> None:
        """Take a record in.

        Raises:
            DatabaseError: the list or the marks cannot be written.
        """
        found = rejection(key, refused, self._route)
        self.count += 1
        if len(self.shown) < SHOWN_REJECTIONS:
            self.shown.append(found)
        if self._rejecting.lists is not None:
            with self._errors:
                self._write(line(found, as_json(value) if self._route.allow_pickle else value))
        if self._folder is not None:
            mark = Mark.of(found, self._route.collection, self._rejecting.version, self._rejecting.at)
            self._marks = self._marks or self._home.stage(self._folder / f"{uuid4().hex}.sst")
            self._marks.put(mark_key(key, mark.column_family), mark.stored())

    def _write(self, text: bytes) -> None:
        if self._list is None:
            assert self._rejecting.lists is not None  # noqa: S101 - else nothing is listed
            self.listed = self._rejecting.lists / f"{uuid4().hex}.jsonl"
            self._list = self.listed.open("wb")
        self._list.write(text)

    def finish(self) -> Path | None:
        """Complete the files; the one with the marks, where there are any.

        Raises:
            DatabaseError: they cannot be written.
        """
        if self._list is not None:
            with self._errors:
                self._list.close()
        return self._marks.finish() if self._marks is not None else None
