"""The short way of specs that look at the names of a document's fields only, and at no value.

What such specs do is the same for all documents with the same names in the same order, so it is worked out once for
each such outline, however many steps there are. If all fields stay where they are, new ones are set behind the bytes of
the old ones; else the fields are put together anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from migrate_spec.codec import Document, Json, encode, object_writer
from migrate_spec.document import Change
from migrate_spec.spec import Spec

__all__ = ["PASSED", "Shortcut", "looks_at", "names_alone"]

PASSED: Final = b""
"""Stands for the result where the short way is not for this record; no document has these bytes."""


MOST_RECIPES = 1000
"""Documents with yet other names go the long way: to make a recipe takes longer than that."""

Make = Callable[[bytes, Document], bytes]
"""Makes the new bytes of a record of the old ones and the document."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What becomes of documents with the same names.

    Attributes:
        begin: what such a document begins with.
        changed: the places in the route of the specs that change it; none where it stays as it is.
        make: what makes the new bytes.
    """

    begin: bytes
    changed: tuple[int, ...]
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


class Shortcut:
    """Specs that look at names only, as a function on bytes."""

    def __init__(
        self,
        steps: Sequence[tuple[Spec, Change]],
        versions: tuple[int, int],
        read: Callable[[bytes], Document | None],
        fits: Callable[[Document], bool] | None,
        changed_by: list[int],
    ) -> None:
        """Take the specs.

        Args:
            steps: all specs of a route, each with what it does.
            versions: of the database, and of a record that says none.
            read: reads the fields of a record that are needed, or all; ``None`` where it is not known that what becomes
                of it fits.
            fits: whether a record that stays as it is fits; ``None``: that is not asked.
            changed_by: is counted up for each spec that changes a record.
        """
        self._steps = steps
        self._start, self._unstamped = versions
        self._read = read
        self._fits = fits
        self._changed_by = changed_by
        self._recipes: dict[tuple[str, ...], Recipe | None] = {}
        self._names: tuple[str, ...] | None = None
        self._last: Recipe | None = None

    def __call__(self, value: bytes) -> bytes | None:
        """A record's new bytes; ``None`` where it stays as it is; :data:`PASSED` where the way is not for it."""
        document = self._read(value)
        if document is None:
            return PASSED
        names = tuple(document)
        if names == self._names:  # as most often: two tuples of the same texts are faster compared than looked up
            recipe = self._last
        else:
            recipe = self._last = self._learned(names)
            self._names = names
        if recipe is None or not value.startswith(recipe.begin):
            return PASSED
        if not recipe.changed:
            return None if self._fits is None or self._fits(document) else PASSED
        for index in recipe.changed:
            self._changed_by[index] += 1
        return recipe.make(value, document)

    def _learned(self, names: tuple[str, ...]) -> Recipe | None:
        if names not in self._recipes and len(self._recipes) < MOST_RECIPES:
            self._recipes[names] = self._recipe(names)
        return self._recipes.get(names)

    def _recipe(self, names: tuple[str, ...]) -> Recipe | None:
        """What becomes of documents with these names; ``None`` where that must be found out in the long way."""
        last = self._steps[-1][0]
        path, stamp = last.stamp.path, last.stamp
        mark = path.sole_name if path is not None else None
        if (path is not None and mark is None) or (mark in names and names[0] != mark):
            return None
        document, changed = self._tried(names, self._start if mark in names else self._unstamped)
        if document is None or not self._is_known(changed):
            return None
        # Up to the quotation mark of the next name, of which there must be one for a comma to be right.
        begin = _begin(mark, stamp.mark(self._start)) if mark is not None and mark in names else b'{"'
        if not changed:
            return Recipe(begin, (), lambda value, _: value)
        if mark is None:
            make = _appending(len(begin), begin, names, document)
            return Recipe(begin, changed, make or _rearranging(document))
        if not _stays(mark, names, document):
            return None
        new, kept = stamp.mark(last.to_version), tuple(name for name in names if name != mark)
        fields = {name: value for name, value in document.items() if name != mark}
        make = _appending(len(begin), _begin(mark, new), kept, fields)
        return Recipe(begin, changed, make or _rearranging({mark: new, **fields}))

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


def _appending(skipped: int, head: bytes, kept: tuple[str, ...], fields: Document) -> Make | None:
    """What puts another head before the old fields and new ones behind them, where the old ones stay as they are."""
    if tuple(fields)[: len(kept)] != kept or not all(_is(fields[name], name) for name in kept):
        return None
    parts = [("", b"")]  # the name of a field whose value stands there, and the bytes that follow
    for name, value in list(fields.items())[len(kept) :]:
        parts[-1] = (parts[-1][0], parts[-1][1] + b",%b:" % encode(name))
        if isinstance(value, _Field):
            parts.append((value.name, b""))
        else:
            parts[-1] = (parts[-1][0], parts[-1][1] + encode(value))
    parts[-1] = (parts[-1][0], parts[-1][1] + b"}")
    (_, first), *others = parts

    def make(value: bytes, document: Document) -> bytes:
        found = [head, value[skipped:-1], first]
        for name, following in others:
            found.append(encode(document[name]))
            found.append(following)
        return b"".join(found)

    return make


def _rearranging(fields: Document) -> Make:
    """What puts the fields together anew."""
    write = object_writer(tuple(fields))
    keys = [value.name if isinstance(value, _Field) else place for place, value in enumerate(fields.values())]
    constants = {place: value for place, value in enumerate(fields.values()) if not isinstance(value, _Field)}
    pick = itemgetter(*keys) if len(keys) > 1 else lambda document: [document[key] for key in keys]

    def make(_value: bytes, document: Document) -> bytes:
        document.update(constants)  # type: ignore[arg-type]  # by their places, which no field has for a name
        return write(pick(document))

    return make
