"""Fields that are found again under another parent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_spec.draft.fields import Decisions, Place, child, fields_in
from migrate_spec.draft.names import same_words
from migrate_spec.draft.scopes import Scope
from migrate_spec.path import Path

__all__ = ["Moved", "moved"]

Moved = tuple[Place, Path, Place]
"""A field, where it is when the step is done, and where it goes."""


def moved(scope: Scope, decisions: Decisions) -> list[Moved]:
    """The fields of a scope that move: as the user said, or those of the same name and kind that are no longer there.

    A field counts only if no other of its name went or came.
    """
    sources = [one for old, at, _ in scope.gone for one in _inside(old, at)]
    targets = [one for new in scope.new for one, _ in _inside(new, new.path)]
    found = []
    for old, at in sources:
        told = decisions.renames.get(old.path)
        if told is not None:
            into = [new for new in targets if new.path == told]
        elif old.path in decisions.targets.values():
            into = []
        else:
            into = _alike(old, sources, [new for new in targets if new.path not in decisions.targets])
            into = [new for new in into if decisions.answers.is_renamed(str(old.path), str(new.path), likely=True)]
        for new in into:
            decisions.met |= {old.path} & decisions.renames.keys()
            found.append((old, at, new))
    return _apart(found)


def _alike(old: Place, sources: Sequence[tuple[Place, Path]], targets: Sequence[Place]) -> list[Place]:
    """The new field that an old one is: of the same name, or of the same words from the document down."""
    for likely in (
        lambda one, other: same_words(str(one.path), str(other.path)),
        lambda one, other: one.name == other.name,
    ):
        into = [new for new in targets if likely(old, new)]
        if len(into) == 1:
            twins = [one for one, _ in sources if likely(one, into[0])]
            fits = into[0].part.takes(old.part.alone) and not old.part.is_anything
            return into if fits and len(twins) == 1 else []
    return []


def _apart(found: Sequence[Moved]) -> list[Moved]:
    """Those that are not inside of another one."""
    return [
        (old, at, new)
        for old, at, new in found
        if not any(
            other is not old and (_below(old.path, other.path) or _below(new.path, goal.path))
            for other, _, goal in found
        )
    ]


def _below(path: Path, other: Path) -> bool:
    return len(path.segments) > len(other.segments) and path.segments[: len(other.segments)] == other.segments


def _inside(place: Place, at: Path) -> Iterator[tuple[Place, Path]]:
    """A field and those inside of it, as far as they are objects and nothing else."""
    yield place, at
    objects = place.part.kinds.get("object", ())
    if len(objects) == 1 and set(place.part.kinds) == {"object"} and len(place.path.segments) < _DEEPEST:
        for inner in fields_in(place, objects[0]):
            yield from _inside(inner, child(at, inner.name))


_DEEPEST = 6
"""Levels of objects; a recursive definition has no end."""
