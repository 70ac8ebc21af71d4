"""All that can be said of a version step without a database: the verdicts both ways, and what is odd about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from migrate_spec.allowing import allowed, unused
from migrate_spec.codec import Json
from migrate_spec.errors import Fault
from migrate_spec.findings import FINDINGS
from migrate_spec.lints import lints
from migrate_spec.migration import Migration
from migrate_spec.path import Name
from migrate_spec.proof import Verdict, prove
from migrate_spec.refusals import names_of
from migrate_spec.refutation import Counterexample
from migrate_spec.ways import broken_place

__all__ = ["Report", "validated"]

DECIDED = ("proved", "irreversible")
NOT_JUDGED = frozenset({"refuses", "released-changed"})
"""Codes that are not told of as allowed for nothing: `test` finds further refusals, and releases are another matter."""


@dataclass(frozen=True)
class Report:
    """What was found out about a version step.

    Attributes:
        migration: the step.
        up, down: the verdicts.
        findings: what a person should know, worst first; nothing that the spec allows.
    """

    migration: Migration
    up: Verdict
    down: Verdict
    findings: tuple[Fault, ...]


def validated(migration: Migration, *, seconds: float = 1.0) -> Report:
    """Find out all that can be known of a version step.

    Args:
        migration: the step.
        seconds: how long to search for a counterexample, each way, where there is no proof.
    """
    up, down = (prove(migration, backwards=backwards, seconds=seconds) for backwards in (False, True))
    spec = migration.spec
    found = [*_told(migration, up), *_told(migration, down), *lints(migration)]
    kept = [fault for fault in found if not allowed(spec, fault)]
    kept += unused(spec, found, _undecided(up) | _undecided(down) | NOT_JUDGED)
    graded = [replace(fault, severity=FINDINGS[fault.code].severity) for fault in kept]
    order = ("error", "warning", "info")
    return Report(migration, up, down, tuple(sorted(graded, key=lambda fault: order.index(fault.severity))))


def _undecided(verdict: Verdict) -> frozenset[str]:
    """The codes of what another search might find."""
    back = "-downgrade" if verdict.backwards else ""
    return frozenset() if verdict.kind in DECIDED else frozenset({f"refuted{back}", f"unproved{back}"})


def _told(migration: Migration, verdict: Verdict) -> Iterator[Fault]:
    """A verdict as a finding, where it is no good news."""
    spec = migration.spec
    back = "-downgrade" if verdict.backwards else ""
    here, there = migration.schema_before.file, migration.schema_after.file
    if verdict.backwards:
        here, there = there, here
    found = verdict.counterexample
    if found is not None:
        mismatch = found.mismatch
        where = f" at {mismatch.where!r}" if mismatch.where else ""
        words = mismatch.fault()
        yield Fault(
            f"{_shown(found.before)}, which fits {here}, becomes {_shown(found.after)}: {words.found}{where}",
            f"{words.expected} (`{mismatch.keyword}` in {there})",
            words.remedy or _remedy(migration, verdict, found),
            found.place,
            f"refuted{back}",
        )
    elif verdict.kind == "unknown":
        way = "the way back fits" if verdict.backwards else "the steps make fits"
        why = f"; in the way: {verdict.why}" if verdict.why else ""
        yield Fault(
            f"no proof was found that what {way} {there}",
            f"none of {verdict.tried:,} documents broke it{why}",
            "",
            spec.place("steps"),
            f"unproved{back}",
        )


def _remedy(migration: Migration, verdict: Verdict, found: Counterexample) -> str:
    """What to do about a field that only the openness of a schema lets in."""
    origin = migration.schema_after if verdict.backwards else migration.schema_before
    place = broken_place(found.mismatch).segments[:1]
    names = [segment.name for segment in place if isinstance(segment, Name)]
    if not names or names[0] not in found.before or names[0] in names_of(origin):
        return ""
    return f"{origin.file} lets in fields that it does not name: close it, or use `add`, which refuses them"


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
