"""A first spec for a version step, drafted from the schemas before and after it.

What can be known of the two is written as steps; what cannot is a comment that begins with ``TODO``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from migrate_spec.codec import Json
from migrate_spec.draft.comparing import Comparison
from migrate_spec.draft.describing import described
from migrate_spec.draft.fields import Answers, Decisions, Stored, fields_of
from migrate_spec.draft.following import following
from migrate_spec.draft.gap import Gap, find_gap, nothing_to_do
from migrate_spec.draft.looking import stored_documents
from migrate_spec.draft.parts import Part
from migrate_spec.draft.text import Drafted, spec_text
from migrate_spec.errors import Fault, SpecError
from migrate_spec.families import DEFAULT_FAMILY
from migrate_spec.migration import Migration
from migrate_spec.path import Path
from migrate_spec.schema import Schema, did_you_mean
from migrate_spec.spec import parse_spec
from migrate_spec.stamp import Stamp

__all__ = ["Answers", "Decisions", "Draft", "Gap", "draft", "find_gap", "following", "nothing_to_do"]

EDITOR_LINE = "yaml-language-server: $schema={}"
"""The comment by which editors find the schema of the language."""


@dataclass(frozen=True)
class Draft:
    """A drafted spec.

    Attributes:
        gap: the step that it is for.
        steps: what it does.
        sentence: what changes, in a sentence made of the steps.
        prefix: the beginning of its records' keys.
        stamp: where the records carry their version.
    """

    gap: Gap
    steps: tuple[Drafted, ...]
    sentence: str
    prefix: str
    stamp: Stamp = field(default_factory=Stamp)

    @property
    def todo(self) -> tuple[str, ...]:
        """What the author has to decide."""
        remarks = (remark for step in self.steps for part in step.all() for remark in part.remarks)
        return tuple(remark.removeprefix("TODO: ") for remark in remarks if remark.startswith("TODO: "))

    def migration(self, text: str) -> Migration:
        """What the text of the spec means, between the two schemas.

        Raises:
            SpecError: the text has faults.
        """
        spec, faults = parse_spec(text, str(self.gap.file))
        if spec is None or faults:
            raise SpecError(faults)
        before = self.gap.before or Schema({})
        bound, faults = spec.bound(before, self.gap.after, None)
        if faults:
            raise SpecError(faults)
        return Migration(bound, before, self.gap.after)

    def text(self, description: str, editor_schema: FilePath) -> str:
        """The text of the file.

        Args:
            description: what changes, in a sentence.
            editor_schema: the file with the schema of the language.
        """
        gap = self.gap
        family = {"column_family": gap.column_family} if gap.column_family != DEFAULT_FAMILY else {}
        head: dict[str, Json] = {
            "collection": gap.collection,
            "prefix": self.prefix,
            **family,
            "from": gap.from_version,
            "to": gap.from_version + 1,
            "description": description,
        }
        if self.stamp != Stamp():
            head["stamp"] = self.stamp.to_json()
        encoding = gap.previous.encoding_after if gap.previous else "json"
        if encoding != "json":
            head["encoding"] = encoding
        way = FilePath(os.path.relpath(editor_schema, gap.file.parent)).as_posix()
        return spec_text(EDITOR_LINE.format(way), head, self.steps)


def draft(
    gap: Gap,
    decisions: Decisions,
    prefix: str = "",
    database: FilePath | None = None,
    *,
    allow_pickle: bool = False,
) -> Draft:
    """Draft the spec of a step.

    Args:
        gap: the step.
        decisions: what is decided, and who is asked for the rest.
        prefix: the beginning of the records' keys; empty: as in the spec before, or the collection's name.
        database: the folder of a database with documents of the older version; it is only read.
        allow_pickle: whether documents of it are looked at, too, that are pickled.

    Raises:
        DatabaseError: the database cannot be read.
        SpecError: a rename was asked for that the schemas do not allow.
    """
    begin = prefix or (gap.previous.head_after if gap.previous else f"{gap.collection}:")
    stamp = gap.stamp
    if database is not None:
        place = (database, begin, stamp, gap.from_version, gap.column_family)
        decisions.stored = Stored(stored_documents(*place, allow_pickle=allow_pickle))
    before, after = Part(gap.before or Schema({})), Part(gap.after)
    steps = Comparison(decisions, stamp.path).steps(before, after)
    unmet = [path for path in decisions.renames if path not in decisions.met]
    if unmet:
        raise SpecError([_unmet(path, decisions.renames[path], before, after) for path in unmet])
    return Draft(gap, tuple(steps), described(steps), begin, stamp)


def _unmet(old: Path, new: Path, before: Part, after: Part) -> Fault:
    """Why a rename could not be used."""
    for path, part, words in ((old, before, "the older version"), (new, after, "the newer version")):
        known = [str(one) for one in fields_of(part)]
        if str(path) not in known:
            found, expected = f"the field {str(path)!r} was found in --rename", f"a field of {words} was expected"
            return Fault(found, expected, did_you_mean(str(path), known), part.schema.file or None, "rename-unknown")
    found = f"--rename {old}={new} was found"
    return Fault(
        found, "two fields inside the same object, or of the same list, were expected", "", None, "rename-apart"
    )
