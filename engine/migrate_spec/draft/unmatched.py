"""Fields that only one of two versions has: what is taken away, and what is put in."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT
from migrate_spec.draft.fields import Place, Stored, fields_in
from migrate_spec.draft.moves import Moved
from migrate_spec.draft.scopes import Entry, Scope
from migrate_spec.draft.values import filling, known_value
from migrate_spec.path import Path

__all__ = ["put_in", "take_away", "unnamed"]


def take_away(scope: Scope, moves: Sequence[Moved], stored: Stored) -> None:
    """Draft the moves of a scope, and the removal of fields that neither stay nor move."""
    moving = [old for old, _, _ in moves]
    emptied = [old.path for old, _, _ in scope.gone if _is_emptied(old, moving)]
    if moves:
        argument = {scope.here(at): scope.here(new.path) for _, at, new in moves}
        scope.add("move", Entry("move", argument, {"prune": True} if emptied else {}))
    sources = {old.path for old in moving}
    for old, at, candidates in scope.gone:
        if old.path not in sources and old.path not in emptied:
            remarks = [f"if {old.path} is {new.path} now: --rename {old.path}={new.path}" for new in candidates]
            remarks += _held(old, stored)
            scope.add("remove", Entry("remove", {scope.here(at): _restored(old)}, {}, tuple(remarks)))


def _is_emptied(old: Place, moving: Sequence[Place]) -> bool:
    """Whether all that an object can hold moves away."""
    objects = old.part.kinds.get("object", ())
    if old in moving or len(objects) != 1 or not objects[0].closed:
        return False
    fields = fields_in(old, objects[0])
    leaving = {one.path for one in moving}
    return bool(fields) and all(field.path in leaving or _is_emptied(field, moving) for field in fields)


def _held(old: Place, stored: Stored) -> list[str]:
    """How much a removal takes away, as far as that is known."""
    looked_at, holding = len(stored.documents), stored.holding(old.path)
    if not looked_at:
        return []
    return [f"{holding or 'none'} of the {looked_at} records looked at {'has' if holding == 1 else 'have'} {old.path}"]


def _restored(old: Place) -> Json:
    """What the way back puts in: what the older schema names, or null where it allows that; ``None``: nothing."""
    known = known_value(old.part) if old.needed or old.part.default is not ABSENT else ABSENT
    if known is not ABSENT:
        return {"restore": known}
    return {"restore": None} if old.part.nullable and old.needed else None


def put_in(scope: Scope, moves: Sequence[Moved], stored: Stored, stamp: Path | None) -> None:
    """Draft what is put into the fields of a scope that are new, or around those that have moved.

    Args:
        scope: the scope.
        moves: the fields that have moved.
        stored: documents of the older version.
        stamp: the field with the version, which the run itself writes.
    """
    goals = {new.path: old for old, _, new in moves}
    waiting = list(scope.new)
    while waiting:
        new = waiting.pop(0)
        here = scope.here(new.path)
        inside = [old for path, old in goals.items() if _is_around(new.path, path)]
        if new.path in goals or new.path == stamp:
            continue
        if inside:
            [one] = new.part.kinds["object"]
            if new.needed and not any(old.always for old in inside):
                scope.add("move", Entry("default", {here: {}}))
            waiting = [*fields_in(new, one), *waiting]
        elif stamp is not None and _is_around(new.path, stamp):
            scope.note(f"TODO: say what {new.path} holds beside the version, which the run itself writes")
        else:
            _put_in(scope, new, here, stored)


def _put_in(scope: Scope, new: Place, here: Path, stored: Stored) -> None:
    """Draft the value of a new field; one that may be absent has none, unless the schema names a default.

    No record of the older version has the field, so that `add` does, whose way back is exact; but where some are known
    to have it all the same, they keep what they have.
    """
    named = new.part.default is not ABSENT and new.part.fits(new.part.default)
    if new.needed or named:
        value, sure = filling(new.part)
        operation = "default" if stored.holding(new.path) else "add"
        scope.add("add", Entry(operation, {here: value}, {}, () if sure else (unnamed(new),)))


def unnamed(new: Place) -> str:
    """The remark beside a value that had to be made up."""
    return f"TODO: {new.path} must be there, and its schema names no default"


def _is_around(path: Path, inner: Path) -> bool:
    return inner.segments[: len(path.segments)] == path.segments
