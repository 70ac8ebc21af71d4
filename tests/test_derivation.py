"""What follows for records that operations on records alter, and the verdicts of them."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_spec.migration import Migration
from migrate_spec.proof import Verdict, prove
from migrate_spec.schema import Schema
from tests import spec_of

KIND = {"type": "object", "additionalProperties": False, "required": ["kind"]}


def schema(**properties: Any) -> dict[str, Any]:
    """A closed schema of documents that have a kind."""
    return {**KIND, "properties": {"kind": {"enum": ["page", "user"]}, **properties}}


def verdict(before: Any, records: list[Any], after: Any, *, backwards: bool = False) -> Verdict:
    """The verdict of a spec without steps and with these operations on records."""
    spec = spec_of([], collection="thing", prefix="thing:", stamp=None, records=records)
    return prove(Migration(spec, Schema(before), Schema(after)), backwards=backwards)


NOTES = {"type": "array", "items": {"type": "object"}}

ROWS: dict[str, tuple[Any, list[Any], Any, str]] = {
    "what is dropped need not fit": (
        schema(),
        [{"drop": {"where": {"kind": "user"}}}],
        schema(kind={"const": "page"}),
        "proved",
    ),
    "what is not dropped must": (
        schema(),
        [{"drop": {"where": {"kind": "page"}}}],
        schema(kind={"const": "page"}),
        "unknown",
    ),
    "a list that goes is not there": (
        schema(id={"type": "string"}, notes=NOTES),
        [{"explode": {"notes": {"to": "note:{id}:{.index}"}}}],
        schema(id={"type": "string"}),
        "proved",
    ),
    "a list that goes is not asked for": (
        schema(notes=NOTES),
        [{"explode": {"notes": {"to": "note:{kind}:{.index}"}}}],
        {**schema(notes=NOTES), "required": ["notes"]},
        "unknown",
    ),
    "what is gathered may be there": (
        schema(id={"type": "string"}),
        [{"gather": {"notes": {"from": "note:{id}:{.index}"}}}],
        schema(id={"type": "string"}, notes=NOTES),
        "proved",
    ),
    "what is gathered need not be there": (
        schema(),
        [{"gather": {"notes": {"from": "note:{kind}:{.index}"}}}],
        {**schema(notes=NOTES), "required": ["notes"]},
        "unknown",
    ),
    "another key alters nothing": (
        schema(id={"type": "string"}),
        [{"rekey": {"from": "thing:{id}", "to": "item:{id}"}}],
        schema(id={"type": "string"}),
        "proved",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_verdicts(name: str) -> None:
    """What operations on records make of the collection's documents counts, too; back, other records may."""
    before, records, after, expected = ROWS[name]
    assert verdict(before, records, after).kind == expected
    asks = any(name in {"explode", "gather"} for operation in records for name in operation)
    assert verdict(before, records, after, backwards=True).kind == ("unknown" if asks else "proved")
