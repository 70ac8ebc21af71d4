"""What ``validate`` can find in specs that can be read: the codes, which stay the same from release to release.

A spec may allow a finding, at its step or for the whole, with the reason: ``allow: {unknown-path: why}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from migrate_spec.errors import Severity

__all__ = ["FINDINGS", "Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A kind of finding.

    Attributes:
        severity: how much it matters: an ``error`` fails ``validate``, a ``warning`` only with ``--strict``.
        words: what it says, in a sentence.
        remedy: what to do about it, in a sentence or two.
        example: YAML with the schema ``before``, ``steps`` and the schema ``after``, of which it is found.
        allow: where it may be allowed: at a step, in which case also at the top of the spec, only there, or nowhere.
        part_of: the finding that it is a special case of: who allows that one allows both.
    """

    severity: Severity
    words: str
    remedy: str
    example: str = ""
    allow: Literal["step", "spec", "nowhere"] = "step"
    part_of: str = ""


FINDINGS: Final[Mapping[str, Finding]] = {
    "refuted": Finding(
        "error",
        "The steps make an invalid document of a valid one.",
        "Mend the step, or the schema after. What is shown is the smallest such document: put it under `examples` with "
        "what it should become.",
        """
        before: {type: object, required: [id], properties: {id: {type: integer}}}
        steps: [{default: {status: opne}}]
        after: {type: object, required: [id], properties: {id: {type: integer}, status: {enum: [open, done]}}}
        """,
    ),
    "unproved": Finding(
        "warning",
        "It is not known whether the steps can make an invalid document.",
        "Generated documents found none. Say the schemas in simpler words where the keyword that is named allows it, "
        "or allow it and write `examples` for the cases that matter.",
        """
        before: {type: object, additionalProperties: false, required: [size], properties: {size: {type: string}}}
        steps: [{replace: {size: {pattern: "[^a-z]", with: "", reverse: {pattern: "^", with: ""}}}}]
        after: {type: object, additionalProperties: false, required: [size], properties: {size: {pattern: "^[a-z]*$"}}}
        """,
        "spec",
    ),
    "refuted-downgrade": Finding(
        "warning",
        "The way back makes an invalid document of a valid one.",
        "A rollback from a backup is not concerned, only records that are carried back. Give the step what it needs to "
        "go back, or say `downgrade: {refuse: why}`.",
        """
        before: {type: object, additionalProperties: false, properties: {size: {enum: [1, 2]}}}
        steps: [{default: {size: 1}}]
        after: {type: object, additionalProperties: false, properties: {size: {enum: [1, 2, 3]}}}
        """,
    ),
    "unproved-downgrade": Finding(
        "info",
        "It is not known whether the way back can make an invalid document.",
        "Generated documents found none.",
        allow="spec",
    ),
    "refuses": Finding(
        "warning",
        "A step refuses documents that the schema before allows, so a run may stop there.",
        "Say with an option what becomes of them, change them in an earlier step, or choose the others with `where`. "
        "Where they are to be refused say so: `if_exists: fail`, `else: fail` or `on_error: fail`, or allow it.",
        """
        before: {type: object, properties: {size: {type: [string, "null"]}}}
        steps: [{convert: {size: {from: string, to: integer}}}]
        after: {type: object, properties: {size: {type: integer}}}
        """,
    ),
    "table-incomplete": Finding(
        "error",
        "A table lacks a value that the schema before allows.",
        "Add it to the table, or say with `else` what becomes of it; `else: fail` says that it is to be refused.",
        """
        before: {type: object, properties: {state: {enum: [open, done, gone]}}}
        steps: [{map: {state: {open: 1, done: 2}}}]
        after: {type: object, properties: {state: {enum: [1, 2]}}}
        """,
        part_of="refuses",
    ),
    "unknown-path": Finding(
        "warning",
        "A step is about a field that no schema has.",
        "Mend the name, or the schema. Where a schema is open this is only said of names that are like one it has.",
        """
        before: {type: object, additionalProperties: false, properties: {price: {enum: [1, 2]}}}
        steps: [{map: {pirce: {1: 2, 2: 1}}}]
        after: {type: object, additionalProperties: false, properties: {price: {enum: [1, 2]}}}
        """,
    ),
    "no-effect": Finding(
        "warning",
        "A step never changes anything.",
        "Leave it out, or mend its condition.",
        """
        before: {type: object, additionalProperties: false, properties: {state: {enum: [open, done]}}}
        steps: [{set: {state: done}, where: {state: closed}}]
        after: {type: object, properties: {state: {enum: [open, done]}}}
        """,
    ),
    "overwritten": Finding(
        "warning",
        "What a step writes, a later one overwrites or takes away unread.",
        "Leave out one of the two, or change their order.",
        """
        before: {type: object, additionalProperties: false, properties: {id: {type: integer}}}
        steps: [{default: {state: open}}, {set: {state: done}}]
        after: {type: object, additionalProperties: false, properties: {id: {type: integer}, state: {const: done}}}
        """,
    ),
    "loss": Finding(
        "info",
        "Something does not come back from the way there and back, but for what is kept of each record.",
        "Allow it where that is meant, or say `downgrade: {refuse: why}`. `downgrade` puts back what `apply` kept, and "
        "a rollback from a backup loses nothing.",
        """
        before: {type: object, properties: {tags: {type: array}}}
        steps: [{default: {tags: []}}]
        after: {type: object, required: [tags], properties: {tags: {type: array}}}
        """,
    ),
    "irreversible": Finding(
        "warning",
        "A step cannot be undone, even with what is kept of records, and the spec does not say that it need not be.",
        "Give the hook a `reverse`, or say `downgrade: {refuse: why}`: a downgrade is then refused before it begins, "
        "with that reason. In a spec that is applied already, allow it.",
    ),
    "schema-without-spec": Finding(
        "error",
        "A schema is there that no spec leads to.",
        "`migrate-spec new` drafts the spec. The first schema of a collection needs none.",
        allow="nowhere",
    ),
    "schema-unchanged": Finding(
        "info",
        "The steps change documents, and the schema stays the same.",
        "Say in the schema after what is new, or allow it.",
        """
        before: {type: object, properties: {n: {type: integer}}}
        steps: [{set: {n: 0}, where: {n: {lt: 0}}}]
        after: {type: object, properties: {n: {type: integer}}}
        """,
        "spec",
    ),
    "released-changed": Finding(
        "error",
        "A schema or a spec changed although its version is released.",
        "Databases are at that version already: put the file back and write the next version. Released is what "
        "`migrate-spec release` has recorded, or else what git's last tag has; remarks such as `title` may change.",
        allow="spec",
    ),
    "unused-allow": Finding(
        "warning",
        "A finding is allowed that there is not.",
        "Take it out.",
        """
        before: {type: object, properties: {n: {type: integer}}}
        steps: [{add: {m: 0}, allow: {overwritten: it was so once}}]
        after: {type: object, properties: {n: {type: integer}, m: {const: 0}}}
        """,
        "nowhere",
    ),
}
"""All kinds, by their codes."""
