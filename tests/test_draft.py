"""Drafts of specs: what two schemas say becomes steps, and what they leave open becomes a question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path as FilePath
from typing import Any

import pytest

from migrate_spec.codec import decode, encode
from migrate_spec.document import ABSENT
from migrate_spec.documents import sampled
from migrate_spec.draft import Decisions, Draft, Gap, draft
from migrate_spec.draft.fields import Stored
from migrate_spec.errors import RecordRejected, SpecError
from migrate_spec.path import Path
from migrate_spec.schema import Schema
from migrate_spec.yaml_text import parse
from tests.conftest import ROOT

TABLES = ROOT / "tests" / "drafts"
FILE = FilePath("specs/thing/v1_to_v2.yaml")
STEPS = sorted((ROOT / "tests" / "corpus").glob("*/*.before.json"))
MANY = 50
"""Documents for each row."""

Row = dict[str, Any]


def rows() -> Iterator[Any]:
    """All rows of all tables."""
    for file in sorted(TABLES.glob("*.yaml")):
        node, faults = parse(file.read_text("utf-8"), file.name)
        assert not faults
        assert node is not None
        for row in node.plain():
            yield pytest.param(row, id=f"{file.stem}: {row['name']}")


def schema_of(short: Any) -> Any:
    """A schema from its short form.

    A text is a type, a list of one the list of such items, and ``{object: {name: …}}`` an object that takes no other
    fields, where ``name!`` is one that must be there. Anything else is a schema already.
    """
    if isinstance(short, str):
        names = short.split("|")
        return {"type": names[0] if len(names) == 1 else names}
    if isinstance(short, list):
        return {"type": "array", "items": schema_of(short[0])}
    if "object" not in short and "open" not in short:
        inside = {
            key: schema_of(short[key]) for key in ("items", "additionalProperties") if type(short.get(key)) is dict
        }
        several = {key: [schema_of(one) for one in short[key]] for key in ("anyOf", "oneOf") if key in short}
        return short | inside | several
    fields = short.get("object", short.get("open"))
    required = [name.removesuffix("!") for name in fields if name.endswith("!")]
    found: dict[str, Any] = {"type": "object" if "null" not in short else ["object", "null"]}
    found["properties"] = {name.removesuffix("!"): schema_of(part) for name, part in fields.items()}
    found |= {"required": required} if required else {}
    return found | ({"additionalProperties": False} if "object" in short else {})


def whole(short: Any, row: Row) -> Any:
    """The schema of documents: fields alone are those of an object that takes no others."""
    if "whole" in row:
        return short
    definitions = {name: schema_of(part) for name, part in row.get("defs", {}).items()}
    kind = "open" if row.get("open") else "object"
    return schema_of({kind: short}) | ({"$defs": definitions} if definitions else {})


class Answering:
    """Gives the answers of a row."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def is_renamed(self, old: str, new: str, *, likely: bool) -> bool:
        """As the row says, else what is likely."""
        self.asked.append(f"{old}={new}")
        return bool(self.answers.get(f"{old}={new}", likely))

    def becomes(self, path: str, old: Any, among: Sequence[Any]) -> Any:
        """As the row says, else nobody knows."""
        assert among
        return self.answers.get(f"{path}={old}", ABSENT)


def drafted(row: Row) -> Draft:
    """The draft for a row."""
    before = Schema(whole(row["before"], row), "v1.json")
    after = Schema(whole(row["after"], {**row, "open": row.get("open") and not row.get("closes")}), "v2.json")
    renames = dict(text.split("=") for text in row.get("rename", []))
    decisions = Decisions({Path.parse(old): Path.parse(new) for old, new in renames.items()})
    decisions.stored = Stored(row.get("stored", []))
    if "answers" in row:
        decisions.answers = Answering(row["answers"])
    return draft(Gap("thing", 1, before, after, FILE), decisions)


def text_of(made: Draft) -> str:
    """The whole text of a draft."""
    return made.text(made.sentence, FilePath("schemas/spec.schema.json"))


@pytest.mark.parametrize("row", list(rows()))
def test_the_draft(row: Row) -> None:
    """A draft has just these steps and remarks, and is read without fault."""
    if "error" in row:
        with pytest.raises(SpecError) as caught:
            drafted(row)
        assert str(caught.value) == row["error"]
        return
    made = drafted(row)
    text = text_of(made)
    head, _, steps = text.partition("\nsteps:")
    assert steps.removeprefix(" []").removeprefix("\n") == indented(row["steps"])
    assert made.sentence == row.get("sentence", made.sentence)
    assert head.startswith(
        "# yaml-language-server: $schema=../../schemas/spec.schema.json\n"
        'collection: thing\nprefix: "thing:"\nfrom: 1\nto: 2\ndescription: '
    )
    assert made.migration(text).spec.description == made.sentence


def indented(steps: str) -> str:
    """Steps as they stand in a spec."""
    return "".join(f"  {line}\n" for line in steps.splitlines())


@pytest.mark.parametrize("row", [row for row in rows() if "TODO" not in row.values[0].get("steps", "TODO")])
def test_what_is_drafted_is_right(row: Row) -> None:
    """Where a draft leaves nothing open, each valid document becomes a valid one, or is refused by a step."""
    made = drafted(row)
    assert made.todo == ()
    assert carried(made, text_of(made)) > 0


def carried(made: Draft, text: str) -> int:
    """How many generated documents a draft carries over; what a step refuses is left out, and what no schema takes."""
    migration = made.migration(text)
    assert made.gap.before is not None
    count, refused = 0, []
    for document in islice(sampled(made.gap.before), MANY):
        try:
            result = migration.migrate_item(b"key", encode(document))
        except RecordRejected as error:
            refused.append((document, error.rejections[0]))
        else:
            count += 1
            assert made.gap.after.is_valid(decode(result))
    assert [(document, str(why)) for document, why in refused if why.fault.code not in {"refused", "version"}] == []
    return count


@pytest.mark.parametrize(
    "before", STEPS, ids=lambda file: f"{file.parent.name}-{file.name.removesuffix('.before.json')}"
)
def test_steps_of_real_programs(before: FilePath) -> None:
    """A draft between the schemas of a real program's versions is read without fault, and right where it is whole."""
    after = before.with_name(before.name.replace(".before.", ".after."))
    older, newer = (Schema(decode(file.read_bytes()), file.name) for file in (before, after))
    version = max(1, int(re.findall(r"\d+", before.name)[-1]) - 1)
    made = draft(Gap("thing", version, older, newer, FILE), Decisions())
    text = text_of(made)
    assert made.migration(text).spec.name == f"thing v{version}→v{version + 1}"
    assert made.todo or carried(made, text) > 0
