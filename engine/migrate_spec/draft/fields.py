"""Which field of an object is which in the next version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT, Refused
from migrate_spec.draft.names import is_plural, likeness
from migrate_spec.draft.parts import Alternative, Part
from migrate_spec.path import Each, EachValue, Name, Path, str_of

__all__ = ["Answers", "Decisions", "Matched", "Place", "Stored", "child", "fields_in", "fields_of", "matched", "widens"]

SLIP = 2
"""The likeness of two names from which on they are taken for the same."""

MOST_CANDIDATES = 2
"""For one field."""

_DEEPEST_FIELD = 8
"""Parts of a path; a recursive definition has no end."""

_PROBES: Mapping[str, Sequence[Json]] = {
    "string": ["", "a", "A b", "1"],
    "integer": [0, 1, -1, 10**6],
    "number": [0, 0.5, -1, 10**6],
    "boolean": [False, True],
    "array": [[], [0], [""], [{}]],
    "object": [{}, {"a": 0}, {"a": ""}],
}


@dataclass(frozen=True)
class Place:
    """A place in the documents of one version.

    Attributes:
        path: the way there, from the document down.
        part: what the schema says of the value.
        needed: whether there is one wherever there is what it is in.
        always: whether there always is one, in the objects that a scope is about.
    """

    path: Path
    part: Part
    needed: bool = True
    always: bool = True

    @property
    def name(self) -> str:
        """The name of a field."""
        return str_of(self.path.last)


def child(path: Path, name: str) -> Path:
    """The path of a field of what is at a path."""
    return Path((*path.segments, Name(name)))


def fields_in(place: Place, one: Alternative) -> list[Place]:
    """The fields of objects of one shape that are at a place."""
    needed = one.required
    return [
        Place(child(place.path, name), part, name in needed, place.always and name in needed)
        for name, part in one.properties.items()
    ]


def fields_of(part: Part, path: Path | None = None) -> list[Path]:
    """The paths of all fields that a schema names, as deep as anybody would write them."""
    base = path.segments if path else ()
    if len(base) > _DEEPEST_FIELD:
        return []
    found: list[Path] = []
    for one in part.alternatives:
        for name, inner in one.properties.items():
            here = Path((*base, Name(name)))
            found += [here, *fields_of(inner, here)]
        for segment, below in ((Each(), one.items), (EachValue(), one.others)):
            found += fields_of(below, Path((*base, segment))) if below else []
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Stored:
    """Stored documents of the older version, which were looked at.

    Attributes:
        documents: they, in the plain form.
    """

    documents: Sequence[Json] = ()

    def values(self, path: Path) -> list[Json]:
        """All values that stand at a path."""
        return [value for document in self.documents for value in _values(document, path)]

    def holding(self, path: Path) -> int:
        """How many documents have something at a path."""
        return sum(any(True for _ in _values(document, path)) for document in self.documents)


def _values(value: Any, path: Path) -> Iterator[Json]:
    if not path.segments:
        yield value
        return
    with suppress(Refused):
        for key in path.segments[0].keys(value):
            yield from _values(value[key], Path(path.segments[1:]))


class Answers(Protocol):
    """Whoever decides what two schemas leave open."""

    def is_renamed(self, old: str, new: str, *, likely: bool) -> bool:
        """Whether one field became the other; ``likely`` is what the names and the schemas say."""

    def becomes(self, path: str, old: Json, among: Sequence[Json]) -> Json:
        """What an old value becomes; ``ABSENT`` where nobody knows."""


class _Nobody:
    """Leaves open what is not likely."""

    def is_renamed(self, _old: str, _new: str, *, likely: bool) -> bool:
        return likely

    def becomes(self, _path: str, _old: Json, _among: Sequence[Json]) -> Json:
        return ABSENT


@dataclass
class Decisions:
    """What is decided, and by whom.

    Attributes:
        renames: fields and what they become, as the user said.
        answers: who is asked for the rest.
        stored: documents to learn from.
        met: the renames that were of use.
    """

    renames: Mapping[Path, Path] = field(default_factory=dict)
    answers: Answers = field(default_factory=_Nobody)
    stored: Stored = field(default_factory=Stored)
    met: set[Path] = field(default_factory=set)

    @cached_property
    def targets(self) -> Mapping[Path, Path]:
        """What was said, from the new field to the old one."""
        return {new: old for old, new in self.renames.items()}


class Matched(NamedTuple):
    """The fields of two objects.

    Attributes:
        pairs: fields that are there in both versions, under whatever name.
        gone: fields of the older version alone, with the fields that they may be now.
        new: fields of the newer version alone.
    """

    pairs: list[tuple[Place, Place]]
    gone: list[tuple[Place, list[Place]]]
    new: list[Place]


class _Likely(NamedTuple):
    """Two fields that may be the same, how alike they are, and whether that is next to certain."""

    old: Place
    new: Place
    degree: float
    certain: bool


def matched(before: Sequence[Place], after: Sequence[Place], decisions: Decisions) -> Matched:
    """Find the fields of an object again: as the user said, by the same name, by a name that is nearly the same."""
    by_name = {place.name: place for place in after}
    parent = after[0].path.parent if after else None
    pairs: list[tuple[Place, Place]] = []
    for old in before:
        told = decisions.renames.get(old.path)
        if told is not None and told.parent == parent and str_of(told.last) in by_name:
            pairs.append((old, by_name[str_of(told.last)]))
            decisions.met.add(old.path)
    free = [old for old in before if old.path not in decisions.renames]
    open_after = [new for new in after if new.path not in decisions.targets]
    names = {new.name: new for new in open_after}
    pairs += [(old, names[old.name]) for old in free if old.name in names]
    kept = {old.name for old, _ in pairs}, {new.name for _, new in pairs}
    gone = [old for old in before if old.name not in kept[0]]
    new = [place for place in after if place.name not in kept[1]]
    likely = _likely(
        [old for old in gone if old in free], [place for place in new if place in open_after], decisions.stored
    )
    found = list(_chosen(likely, decisions.answers))
    pairs += found
    taken = {id(place) for pair in found for place in pair}
    left = [one for one in likely if not {id(one.old), id(one.new)} & taken]
    return Matched(
        sorted(pairs, key=lambda pair: [place.path for place in before].index(pair[0].path)),
        [(old, _nearest([one for one in left if one.old is old])) for old in gone if id(old) not in taken],
        [place for place in new if id(place) not in taken],
    )


def _likely(gone: Sequence[Place], new: Sequence[Place], stored: Stored) -> list[_Likely]:
    """The pairs that may be the same field, the likeliest first."""
    found = []
    for old in gone:
        for place in new:
            degree = likeness(old.name, place.name)
            if is_plural(old.name, place.name) and widens(old.part, place.part):
                found.append((old, place, float(SLIP)))
            elif _same_kind(old.part, place.part) and (degree or place.part.takes(old.part.not_null)):
                found.append((old, place, _weighed(old, place, degree, gone, stored)))
    found.sort(key=lambda one: -one[2])
    return [
        _Likely(old, place, degree, degree >= SLIP and _is_best(old, place, degree, found))
        for old, place, degree in found
    ]


def _nearest(found: Sequence[_Likely]) -> list[Place]:
    """The few likeliest of what a field may be; names that have nothing in common only where there is no other."""
    alike = [one for one in found if one.degree]
    return [one.new for one in (alike or found)[:MOST_CANDIDATES]]


def _weighed(old: Place, new: Place, degree: float, gone: Sequence[Place], stored: Stored) -> float:
    """How likely a pair is, with what is stored: values that do not fit speak against it, and those that do for it."""
    values = [value for value in stored.values(old.path) if value is not None]
    if not values:
        return degree
    if not all(map(new.part.fits, values)) and new.part.values is None:
        return min(degree, 1)
    others = [value for other in gone if other is not old for value in stored.values(other.path)]
    tells = not all(new.part.fits(probe) for name in new.part.types for probe in _PROBES[name])
    return max(degree, SLIP) if tells and not any(map(new.part.fits, others)) else degree


def _is_best(old: Place, new: Place, degree: float, found: Sequence[tuple[Place, Place, float]]) -> bool:
    """Whether no other pair with one of the two is as likely."""
    return not any(
        other >= degree and (one is old) is not (place is new)
        for one, place, other in found
        if one is old or place is new
    )


def _chosen(likely: Sequence[_Likely], answers: Answers) -> Iterator[tuple[Place, Place]]:
    """The pairs that are the same field, each field once; nobody is asked of one field more than a few times."""
    taken: set[int] = set()
    asked: Counter[int] = Counter()
    for old, new, _, certain in likely:
        if {id(old), id(new)} & taken or asked[id(old)] == MOST_CANDIDATES:
            continue
        asked[id(old)] += 1
        if answers.is_renamed(str(old.path), str(new.path), likely=certain):
            taken |= {id(old), id(new)}
            yield old, new


def _same_kind(before: Part, after: Part) -> bool:
    """Whether values of one part are, by and large, such as the other has."""
    if not before.types or not after.types:
        return before.types == after.types
    number = {"integer", "number"}
    wide = set(after.types) | (number if "number" in after.types else set())
    if not set(before.types) <= wide:
        return False
    one, other = ({name for part in side.alternatives for name in part.properties} for side in (before, after))
    return not one or not other or any(likeness(old, new) >= SLIP for old in one for new in other)


def widens(before: Part, after: Part) -> bool:
    """Whether one part is a list of what the other is."""
    lists = after.kinds.get("array", ())
    return "array" not in before.kinds and any(one.items and one.items.takes(before.not_null) for one in lists)
