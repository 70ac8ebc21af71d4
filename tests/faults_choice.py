"""Which points of commands are played, where not all of them are: those that are no repetition of others.

Commands call the system in loops: a file after the other is linked, a part after the other is written. Of calls of a
kind that come behind calls of a kind only the first and the last are taken, in the first command of its sort (`apply`,
`downgrade`, …) in which they come. Where a command begins with the very calls with which another one has begun, of
whatever sort, these are not taken again; nor are those that nobody would find anything of, outside the folder or in
RocksDB's log of events.

A process is killed behind each call that is taken and changes what another process would find, and within each write;
where a command has several processes, all of them are killed there, too. A call of a kind fails once in the commands of
a sort, in those of each sort in another way, until it has failed in all ways.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from tests.faults_support import CHANGES, FAULTS, OPENINGS, Point

Kind = tuple[str, str]
"""The name of a call and that of its file, without what differs from run to run."""

HARMLESS = {"fsync", "fdatasync", "sync_file_range", "utimensat", "futimens", "fallocate", "fallocate64"}
"""Calls after which another process finds what was there before."""

WRITES = {"write", "pwrite", "pwrite64", "writev", "pwritev", "sendfile", "sendfile64", "copy_file_range", "fwrite"}

_NAMES = [
    (re.compile(r"^.*/world/[^/]*(?=/home|/tmp)|^.*/world(?=/tmp)"), ""),
    (re.compile(r"^/tmp/[^/]+"), "/tmp"),  # noqa: S108 - the commands' own
    (re.compile(r"(unfinished|notes|sorting|migrate-spec)-[^/]+"), r"\1"),
    (re.compile(r"[0-9a-f]{32}|\d+"), "N"),
]


def kind_of(point: Point) -> Kind:
    """What kind of call it is."""
    name = point.path
    for pattern, other in _NAMES:
        name = pattern.sub(other, name)
    return point.call, name


def sort_of(words: Sequence[str]) -> str:
    """Of what sort a command is."""
    names = list(takewhile(lambda word: word[0] not in "$-", words))
    return " ".join([*names, *(word for word in words if word == "--in-place")])


class Choice:
    """Chooses what is played of one command after the other."""

    def __init__(self) -> None:
        self._begun: list[Sequence[Kind]] = []
        self._taken = defaultdict[str, set[tuple[Kind, Kind]]](set)
        self._failed = defaultdict[tuple[Kind, int], set[str]](set)

    def of(
        self, words: Sequence[str], changes: Sequence[Point], openings: Sequence[Point]
    ) -> Iterator[tuple[str, Point]]:
        """Faults, by their names, with the points at which they are to be played of the next command.

        Args:
            words: the command.
            changes: all points of it that change a file.
            openings: all that open one.
        """
        sort = sort_of(words)
        yield from self._kills(sort, changes)
        for kind, points in ((CHANGES, changes), (OPENINGS, openings)):
            yield from self._failures(sort, kind, points)

    def _kills(self, sort: str, points: Sequence[Point]) -> Iterator[tuple[str, Point]]:
        several = len({point.process for point in points if _is_seen(point)}) > 1
        for point in self._without_repetitions(sort, points):
            for who in ("killed", "all killed") if several else ("killed",):
                yield f"{who} after", point
                if point.call in WRITES:
                    yield f"{who} half way", point

    def _without_repetitions(self, sort: str, points: Sequence[Point]) -> Iterator[Point]:
        kinds = [kind_of(point) for point in points]
        known = self._known(kinds)
        pairs = list(zip([("", ""), *kinds], kinds, strict=False))
        last = {pair: place for place, pair in enumerate(pairs)}
        first = {pair: place for place, pair in reversed(list(enumerate(pairs)))}
        for place in sorted({*first.values(), *last.values()}):
            point, pair = points[place], pairs[place]
            if place >= known and pair not in self._taken[sort] and _is_seen(point) and point.call not in HARMLESS:
                yield point
        self._taken[sort].update(pairs)

    def _known(self, kinds: Sequence[Kind]) -> int:
        """With how many calls of a command another one has begun."""
        found = max((_alike(kinds, other) for other in self._begun), default=0)
        self._begun.append(kinds)
        return found

    def _failures(self, sort: str, kind: int, points: Sequence[Point]) -> Iterator[tuple[str, Point]]:
        ways = [title for title, fault in FAULTS.items() if not fault.kills and fault.kind == kind]
        for one, point in {kind_of(point): point for point in points}.items():
            failed = self._failed[one, kind]
            if sort not in failed and len(failed) < len(ways):
                yield ways[len(failed)], point
                failed.add(sort)


def _is_seen(point: Point) -> bool:
    """Whether somebody finds something of a call."""
    return "/home" in point.path and not point.path.endswith("/LOG")


def _alike(one: Iterable[Kind], other: Iterable[Kind]) -> int:
    """How many calls two commands have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(one, other, strict=False)))
