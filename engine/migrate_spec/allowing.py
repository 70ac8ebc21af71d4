"""Which findings a spec says are right: ``allow: {code: why}``, at a step or for the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_spec.errors import Fault, Place
from migrate_spec.findings import FINDINGS
from migrate_spec.spec import Spec
from migrate_spec.step import Step, steps_at

__all__ = ["allowed", "unused"]


def allowed(spec: Spec, fault: Fault) -> bool:
    """Whether a spec says, for the whole or at a step, that a finding is right."""
    around = steps_at(spec.steps, fault.where) if isinstance(fault.where, Place) else ()
    said = [spec.allow, *(step.allow for step in around)]
    return any(_covers(code, fault.code) for codes in said for code in codes)


def unused(spec: Spec, faults: Sequence[Fault], open_codes: frozenset[str]) -> Iterator[Fault]:
    """A finding for each code that is allowed although there is nothing to allow.

    Args:
        spec: the spec.
        faults: all that was found, before anything was left out.
        open_codes: codes of which it is not known whether there is something to find.
    """
    for step in (None, *_all_steps(spec.steps)):
        place = spec.place("allow") if step is None else step.place
        here = [fault for fault in faults if step is None or _is_in(step, spec, fault.where)]
        for code in spec.allow if step is None else step.allow:
            if code not in open_codes and not any(_covers(code, fault.code) for fault in here):
                found = f"{code!r} was found under `allow`"
                yield Fault(found, "a finding that there is was expected", "take it out", place, "unused-allow")


def _covers(code: str, other: str) -> bool:
    """Whether who allows the one finding allows the other: one may be a special case of the other."""
    return other in {code, *(special for special, finding in FINDINGS.items() if finding.part_of == code)}


def _is_in(step: Step, spec: Spec, place: Place | str | None) -> bool:
    return isinstance(place, Place) and any(step is one for one in steps_at(spec.steps, place))


def _all_steps(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from _all_steps(step.inner())
