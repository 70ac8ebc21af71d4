"""The examples of a spec, carried out: a spec whose own examples do not hold is a wrong spec.

Each goes up; where the steps claim to lose nothing, it comes down again, and must be what it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from migrate_spec.codec import Json, NotADocument, decode, encode, encoder_of, plain
from migrate_spec.document import ABSENT, equal
from migrate_spec.errors import Fault, RecordRejected
from migrate_spec.migration import Migration
from migrate_spec.path import Index, Name, Path, Segment
from migrate_spec.spec import Example

__all__ = ["differences", "example_faults", "shown"]


def example_faults(migration: Migration) -> Iterator[Fault]:
    """What does not hold of a migration's examples: each is checked, carried over and compared."""
    for example in migration.spec.examples:
        fault = _fault(migration, example)
        if fault is not None:
            yield fault


def _fault(migration: Migration, example: Example) -> Fault | None:
    if not migration.schema_before.is_valid(example.before):
        mismatch = migration.schema_before.best_mismatch(example.before)
        fault = mismatch.fault()
        where = f" at {mismatch.where!r}" if mismatch.where else ""
        expected = f"{fault.expected} (by {migration.schema_before.file})"
        return Fault(f"{fault.found} in `before`{where}", expected, fault.remedy, example.place, "example-invalid")
    try:
        result = plain(migration.migrate_item(b"", encoder_of(migration.spec.encoding)(example.before)))
    except NotADocument as error:
        return Fault(f"{error.found} in `before`", error.expected, "", example.place, "example-invalid")
    except RecordRejected as error:
        refusal = error.rejections[0]
        where = f" at {refusal.path!r}" if refusal.path else ""
        found = f"{refusal.fault.found} in the example{where}"
        return Fault(found, refusal.fault.expected, refusal.fault.remedy, example.place, "example-refused")
    difference = next(differences(result, example.after, ()), None)
    if difference is None:
        return _fault_of_way_back(migration, example)
    segments, found, expected = difference
    return Fault(
        f"{shown(found)} came out at {str(Path(segments))!r}",
        f"{shown(expected)} was expected by `after`",
        "mend the example or the steps",
        example.place,
        "example-differs",
    )


def _fault_of_way_back(migration: Migration, example: Example) -> Fault | None:
    """What does not come back of an example, although its steps claim to lose nothing."""
    if migration.losses() or migration.spec.refuses_downgrade:
        return None
    try:
        result = plain(migration.downgrade_item(b"", encoder_of(migration.spec.encoding_after)(example.after)))
    except RecordRejected as error:
        fault = error.rejections[0].fault
        found = f"{fault.found} in `after` on the way back"
        return Fault(found, fault.expected, fault.remedy, example.place, "example-refused")
    stamp = migration.spec.stamp.path
    back, before = (_unstamped(document, stamp) for document in (result, example.before))
    difference = next(differences(back, before, ()), None)
    if difference is None:
        return None
    segments, found, expected = difference
    return Fault(
        f"{shown(found)} came back at {str(Path(segments))!r}",
        f"{shown(expected)} was expected, as in `before`: the steps claim to lose nothing",
        "an operation has a wrong way back; please report it",
        example.place,
        "example-differs",
    )


def _unstamped(document: Json, stamp: Path | None) -> Json:
    """A document without its version: on the way back each gets one, whether it had one or not."""
    found = decode(encode(document))
    if stamp is not None:
        stamp.take(found, prune=True)
    return found


def differences(
    found: Json, expected: Json, at: tuple[Segment, ...]
) -> Iterator[tuple[tuple[Segment, ...], Json, Json]]:
    """The innermost places where two values differ, in the order of the document that was expected."""
    if type(found) is dict and type(expected) is dict:
        for name in dict.fromkeys((*expected, *found)):
            yield from differences(found.get(name, ABSENT), expected.get(name, ABSENT), (*at, Name(name)))
    elif type(found) is list and type(expected) is list and len(found) == len(expected):
        for index, (one, other) in enumerate(zip(found, expected, strict=True)):
            yield from differences(one, other, (*at, Index(index)))
    elif found is ABSENT or expected is ABSENT or not equal(found, expected):
        yield at, found, expected


def shown(value: Json) -> str:
    """A value for a sentence: all of it."""
    return "nothing" if value is ABSENT else json.dumps(value, ensure_ascii=False)
