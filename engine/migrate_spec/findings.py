"""What ``validate`` can find in specs that can be read: the codes, which stay the same from release to release.

A spec may allow a finding, at its step or for the whole, with the reason: ``allow: {unknown-path: why}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from migrate_spec.errors import Severity

__all__ = ["FINDINGS", "Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A kind of finding.

    Attributes:
        severity: how much it matters: an ``error`` fails ``validate``, a ``warning`` only with ``--strict``.
        words: what it says, in a sentence.
        part_of: the finding that it is a special case of: who allows that one allows both.
    """

    severity: Severity
    words: str
    part_of: str = ""


FINDINGS: Final[Mapping[str, Finding]] = {
    "refuted": Finding("error", "The steps make an invalid document of a valid one."),
    "unproved": Finding("warning", "It is not known whether the steps can make an invalid document."),
    "refuted-downgrade": Finding("warning", "The way back makes an invalid document of a valid one."),
    "unproved-downgrade": Finding("info", "It is not known whether the way back can make an invalid document."),
    "refuses": Finding("warning", "A step refuses documents that the schema before allows, so a run may stop there."),
    "table-incomplete": Finding("error", "A table lacks a value that the schema before allows.", "refuses"),
    "unknown-path": Finding("warning", "A step is about a field that no schema has."),
    "no-effect": Finding("warning", "A step never changes anything."),
    "overwritten": Finding("warning", "What a step writes, a later one overwrites or takes away unread."),
    "loss": Finding("info", "Something does not come back from the way there and back."),
    "schema-without-spec": Finding("error", "A schema is there that no spec leads to."),
    "schema-unchanged": Finding("info", "The steps change documents, and the schema stays the same."),
    "released-changed": Finding("error", "A schema or a spec changed although its version is released."),
    "unused-allow": Finding("warning", "A finding is allowed that there is not."),
}
"""All kinds, by their codes."""
