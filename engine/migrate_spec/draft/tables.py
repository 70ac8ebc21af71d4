"""Tables for values that a schema lists and the next one does not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from migrate_spec.codec import Json
from migrate_spec.document import ABSENT, same
from migrate_spec.draft.fields import Decisions, Place
from migrate_spec.draft.names import same_words
from migrate_spec.draft.parts import Part
from migrate_spec.draft.scopes import Entry
from migrate_spec.path import Path

__all__ = ["tabled"]

MOST_SHOWN = 8
"""Values in a remark."""


def tabled(old: Place, new: Place, here: Path, decisions: Decisions) -> Iterator[Entry]:
    """The table for the old values that do not fit any more; nothing where all fit, or are not listed.

    Args:
        old: the place in the older version.
        new: the place in the newer version.
        here: the same, as it is said in the step.
        decisions: who knows what becomes of a value.
    """
    listed = [value for value in old.part.values or () if value is not None and not _retyped(value, new.part)]
    misfits = [value for value in listed if not new.part.fits(value)]
    if not misfits:
        return
    free = [value for value in new.part.values or () if value is not None]
    if len(listed) == len(free) == 1:
        found = [(listed[0], free[0])]
    else:
        found = [(value, _becomes(value, free, new.path, decisions)) for value in misfits]
    pairs = [(value, other) for value, other in found if other is not ABSENT]
    unknown = [value for value, other in found if other is ABSENT]
    remarks = (_remark(new.path, unknown, free),) if unknown else ()
    kept = len(listed) > len(pairs) or old.part.nullable or len(old.part.values or ()) > len(listed)
    options: dict[str, Json] = {"else": "keep"} if kept else {}
    reverse = _reverse(pairs, [value for value in listed if value not in misfits])
    if reverse:
        options["reverse"] = _table(reverse)
    if pairs:
        yield Entry("map", {here: _table(pairs)}, options, remarks)
    else:
        yield Entry("", remarks=remarks)


def _retyped(value: Json, after: Part) -> bool:
    """Whether a value has a type that the newer schema does not know, so that another step changes it."""
    from migrate_spec.condition import TYPES  # noqa: PLC0415

    return not any(TYPES[name](value) for name in after.kinds)


def _becomes(value: Json, free: Sequence[Json], path: Path, decisions: Decisions) -> Json:
    """The new value for an old one: the same but for its spelling, or what is answered."""
    alike = [other for other in free if type(value) is str and type(other) is str and same_words(value, other)]
    if len(alike) == 1:
        return alike[0]
    return decisions.answers.becomes(str(path), value, free)


def _reverse(pairs: Sequence[tuple[Json, Json]], kept: Sequence[Json]) -> list[tuple[Json, Json]]:
    """What the way back makes of each new value that several old ones are: itself, or the first of them."""
    found = []
    for index, (old, new) in enumerate(pairs):
        earlier = any(same(new, other) for _, other in pairs[:index])
        several = any(same(new, other) for _, other in pairs[index + 1 :])
        stayed = any(same(new, value) for value in kept)
        if not earlier and (several or stayed):
            found.append((new, new if stayed else old))
    return found


def _remark(path: Path, unknown: Sequence[Json], free: Sequence[Json]) -> str:
    shown = ", ".join(json.dumps(value, ensure_ascii=False) for value in free[:MOST_SHOWN])
    among = f" (now: {shown}{', …' if len(free) > MOST_SHOWN else ''})" if free else ""
    values = ", ".join(json.dumps(value, ensure_ascii=False) for value in unknown[:MOST_SHOWN])
    return f"TODO: say what becomes of {path}: {values}{', …' if len(unknown) > MOST_SHOWN else ''}{among}"


def _table(pairs: Sequence[tuple[Json, Json]]) -> Json:
    """A table as an object where its keys are texts, else as pairs."""
    if all(type(old) is str for old, _ in pairs):
        return dict(pairs)
    return [[old, new] for old, new in pairs]
