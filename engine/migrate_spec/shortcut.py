"""The short way of specs that look at the names of a document's fields only, and at no value.

What such specs do is the same for all documents with the same names in the same order, so it is worked out once for
each such outline, however many steps there are. If all fields stay where they are, new ones are set behind the bytes of
the old ones; else the fields are put together anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from migrate_spec.codec import Document, Json, encode, object_writer
from migrate_spec.document import Change, Refused
from migrate_spec.spec import Spec
from migrate_spec.typed import Outline

__all__ = ["PASSED", "Reading", "Shortcut", "looks_at", "names_alone"]

PASSED: Final = b""
"""Stands for the result where the short way is not for this record; no document has these bytes."""


MOST_RECIPES = 1000
"""Documents with yet other names go the long way: to make a recipe takes longer than that."""

Record = tuple[bytes, bytes]
"""A key, and a record's bytes."""

Make = Callable[[bytes, Any], bytes]
"""Makes the new bytes of a record of the old ones and its fields."""

Getter = Callable[..., Callable[[Any], Any]]
"""Makes what gets the value of the field with a name; or, with several names, the values as a tuple: `itemgetter`."""

Bind = Callable[[Getter], Make]
"""Gives what makes the new bytes, for fields that are got in some way."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What becomes of documents of one kind.

    Attributes:
        begin: what such a document begins with.
        changed: the places in the route of the specs that change it; none where it stays as it is.
        bind: gives what makes the new bytes.
        make: what makes them, for fields in a dictionary.
    """

    begin: bytes
    changed: tuple[int, ...]
    bind: Bind
    make: Make


class _Field:
    """Stands for the value of a field while a recipe is worked out: nothing can be done with it but to carry it."""

    def __init__(self, name: str) -> None:
        self.name = name


def names_alone(specs: Sequence[Spec]) -> bool:
    """Whether specs look at the names of fields only."""
    return all(spec.encoding_after == "json" and all(step.by_names() for step in spec.steps) for spec in specs)


def looks_at(specs: Sequence[Spec]) -> set[str] | None:
    """The fields that specs look at and add, where they do no more than to add some; else ``None``."""
    steps = [step for spec in specs for step in spec.steps]
    if not all(step.only_adds() for step in steps):
        return None
    return {name for step in steps for path in (*step.reads(), *step.writes()) if (name := path.sole_name) is not None}


@dataclass(frozen=True)
class Reading:
    """How the records are read that take the short way.

    Attributes:
        read: reads all fields of a record, or those that are needed; ``None`` where it is not known that what becomes
            of it fits.
        outline: the same for all records with these names, where some values are known; ``None`` where there is no
            faster way for them.
        fits: whether a record that stays as it is fits.
    """

    read: Callable[[bytes], Document | None]
    outline: Callable[[Sequence[str], Mapping[str, Json]], Outline | None]
    fits: Callable[[Document], bool]


Kind = tuple[tuple[str, ...], int]
"""The names of a record's fields, and its version."""

Fast = tuple[Kind, bytes, Outline, Make, tuple[int, ...]]
"""For records of one kind: what they begin with, what reads them, what makes the new bytes, which specs."""


class Shortcut:
    """Specs that look at names only, as a function on bytes.

    Attributes:
        kind: of the last record.
    """

    def __init__(
        self,
        steps: Sequence[tuple[Spec, Change]],
        versions: tuple[int, int, int],
        reading: Reading,
        changed_by: list[int],
    ) -> None:
        """Take the specs.

        Args:
            steps: all specs of a route, each with what it does.
            versions: of the database; of a record that says none; the earliest that is known.
            reading: how records are read.
            changed_by: is counted up for each spec that changes a record.
        """
        self._steps = steps
        self._start, self._unstamped, self._earliest = versions
        self._reading = reading
        self._changed_by = changed_by
        self._recipes: dict[Kind, Recipe | None] = {}
        self._fast: dict[Kind, Fast | None] = {}
        self.kind: Kind | None = None
        self._now: Fast | None = None

    def __call__(self, value: bytes) -> bytes | None:
        """A record's new bytes; ``None`` where it stays as it is; :data:`PASSED` where the way is not for it."""
        changed: list[Record] = []
        return changed[0][1] if self.alike([(b"", value)], 0, changed) else self.other(value)

    def alike(self, records: Sequence[Record], start: int, changed: list[Record]) -> int:
        """Carry records that are of the same kind as two that came one behind the other before.

        Args:
            records: some records.
            start: the place of the first of them that is to be carried.
            changed: takes what becomes of each.

        Returns:
            The place of the first that is of another kind; :attr:`kind` is that of the others, if there are any.
        """
        if self._now is None:
            return start
        kind, begin, outline, make, steps = self._now
        decode, holds, append, count = outline.decode, outline.holds, changed.append, len(changed)
        with suppress(ValueError, RecursionError):  # this one cannot be decoded so
            for key, value in islice(records, start, None):
                fields = decode(value)
                if not (holds(value, fields) and value.startswith(begin)):
                    break
                append((key, make(value, fields)))
        count = len(changed) - count
        if count:
            self.kind = kind
        for index in steps:
            self._changed_by[index] += count
        return start + count

    def other(self, value: bytes) -> bytes | None:
        """The same as a call, for a record that is not one of these."""
        document = self._reading.read(value)
        kind = self._kind_of(document) if document is not None else None
        recipe = self._learned(kind) if kind is not None else None
        if recipe is not None and not value.startswith(recipe.begin):
            recipe = None
        if kind == self.kind:  # two in a row, so that more of them are to be expected
            self._now = self._outlined(kind, recipe) if kind is not None and recipe is not None else None
        self.kind = kind
        if document is None or recipe is None:
            return PASSED
        if not recipe.changed:
            return None if self._reading.fits(document) else PASSED
        for index in recipe.changed:
            self._changed_by[index] += 1
        return recipe.make(value, document)

    def _kind_of(self, document: Document) -> Kind | None:
        """The names of a document's fields, and its version; nothing where there is no telling."""
        try:
            return tuple(document), self._steps[-1][0].stamp.version_of(document, self._unstamped)
        except Refused:
            return None

    def _learned(self, kind: Kind) -> Recipe | None:
        if kind not in self._recipes and len(self._recipes) < MOST_RECIPES:
            self._recipes[kind] = self._recipe(*kind)
        return self._recipes.get(kind)

    def _outlined(self, kind: Kind, recipe: Recipe) -> Fast | None:
        """The way for records of which it is known what fields they have."""
        if kind not in self._fast:
            names, version = kind
            mark, stamp = self._mark, self._steps[-1][0].stamp
            known = {mark: stamp.mark(version)} if mark is not None and mark in names else {}
            outline = self._reading.outline(names, known) if recipe.changed else None
            if outline is None:
                self._fast[kind] = None
            else:
                self._fast[kind] = kind, recipe.begin, outline, recipe.bind(outline.getter), recipe.changed
        return self._fast[kind]

    @property
    def _mark(self) -> str | None:
        """The name of the field for the stamp."""
        path = self._steps[-1][0].stamp.path
        return path.sole_name if path is not None else None

    def _recipe(self, names: tuple[str, ...], version: int) -> Recipe | None:
        """What becomes of documents of a kind; ``None`` where that must be found out in the long way."""
        last, mark = self._steps[-1][0], self._mark
        stamp = last.stamp
        if (stamp.path is not None and mark is None) or (mark in names and names[0] != mark):
            return None
        document, changed = self._tried(names, version)
        if document is None or not self._earliest <= version <= self._start or not self._is_known(changed):
            return None
        # Up to the quotation mark of the next name, of which there must be one for a comma to be right.
        begin = _begin(mark, stamp.mark(version)) if mark is not None and mark in names else b'{"'
        if not changed:
            return _recipe_of(begin, (), lambda _getter: lambda value, _fields: value)
        if mark is None:
            return _recipe_of(begin, changed, _appending(begin, begin, names, document) or _rearranging(document))
        if not _stays(mark, names, document):
            return None
        new, kept = stamp.mark(last.to_version), tuple(name for name in names if name != mark)
        fields = {name: value for name, value in document.items() if name != mark}
        appending = _appending(begin, _begin(mark, new), kept, fields)
        return _recipe_of(begin, changed, appending or _rearranging({mark: new, **fields}))

    def _tried(self, names: tuple[str, ...], version: int) -> tuple[Document | None, tuple[int, ...]]:
        """What becomes of a document of which only the names are known, and which specs change it."""
        document: Document = {name: _Field(name) for name in names}
        changed = []
        for index, (spec, change) in enumerate(self._steps):
            try:
                if spec.from_version >= version and change(document):
                    changed.append(index)
            except Exception:  # noqa: BLE001 - it refuses such documents, or looks at a value after all
                return None, ()
        return document, tuple(changed)

    def _is_known(self, changed: Sequence[int]) -> bool:
        """Whether what is known of the results is known of these: records of the database's version, stamped anew."""
        specs = [self._steps[index][0] for index in changed]
        last = self._steps[-1][0]
        return not specs or (specs[0].from_version >= self._start and specs[-1] is last)


def _begin(mark: str, version: Json) -> bytes:
    """What a stamped document begins with."""
    return b'{%b:%b,"' % (encode(mark), encode(version))


def _is(value: Json, name: str) -> bool:
    """Whether a value stands for the one that a field had."""
    return isinstance(value, _Field) and value.name == name


def _stays(mark: str, names: tuple[str, ...], document: Document) -> bool:
    """Whether the stamp is where it was, or is not there as it was not."""
    if mark not in names:
        return mark not in document
    return bool(document) and next(iter(document)) == mark and _is(document[mark], mark)


def _recipe_of(begin: bytes, changed: tuple[int, ...], bind: Bind) -> Recipe:
    return Recipe(begin, changed, bind, bind(itemgetter))


def _appending(begin: bytes, head: bytes, kept: tuple[str, ...], fields: Document) -> Bind | None:
    """What puts another head before the old fields and new ones behind them, where the old ones stay as they are."""
    skipped = len(begin)
    if tuple(fields)[: len(kept)] != kept or not all(_is(fields[name], name) for name in kept):
        return None
    sources, parts = [], [b""]  # the fields whose values stand between the parts
    for name, value in list(fields.items())[len(kept) :]:
        parts[-1] += b",%b:" % encode(name)
        if isinstance(value, _Field):
            sources.append(value.name)
            parts.append(b"")
        else:
            parts[-1] += encode(value)
    first, *others = [*parts[:-1], parts[-1] + b"}"]

    def bind(getter: Getter) -> Make:
        between = [(getter(source), following) for source, following in zip(sources, others, strict=True)]

        def make(value: bytes, fields: Any) -> bytes:
            found = [head, value[skipped:-1], first]
            for get, following in between:
                found += encode(get(fields)), following
            return b"".join(found)

        return make

    return bind


def _rearranging(fields: Document) -> Bind:
    """What puts the fields together anew."""
    write = object_writer(tuple(fields))
    sources = [value.name for value in fields.values() if isinstance(value, _Field)]
    known = tuple(value for value in fields.values() if not isinstance(value, _Field))
    # Where each field stands among all: first those that are got, then those that are known.
    moved, new = iter(range(len(sources))), iter(range(len(sources), len(fields)))
    places = [next(moved if isinstance(value, _Field) else new) for value in fields.values()]

    def bind(getter: Getter) -> Make:
        if len(sources) == 0 or len(places) == 1:
            gets = [getter(source) for source in sources]
            return lambda _value, fields: write([*(get(fields) for get in gets), *known])
        get = getter(*sources) if len(sources) > 1 else _as_tuple(getter(*sources))
        order = itemgetter(*places)
        return lambda _value, fields: write(order(get(fields) + known))

    return bind


def _as_tuple(get: Callable[[Any], Json]) -> Callable[[Any], tuple[Json]]:
    return lambda fields: (get(fields),)
