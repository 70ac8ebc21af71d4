"""The table of verdicts in ``proofs/<topic>.yaml``: its rows, and the search that each must stand up to.

A row has a ``name``, the schema ``before``, ``steps``, and the schema ``after``. Records carry no stamp. Its verdict
``up`` is

- ``proved``: every document that fits ``before`` fits ``after`` when it is carried up, or a step refuses it;
- ``refuted``: there is one that does not. ``smallest`` says the smallest, and ``keyword`` what it breaks in ``after``,
  where these are evident;
- ``unknown``: there is none, but to see that takes a look into a hook, which a proof cannot have.

``down`` is the same backwards, from ``after`` to ``before``, with ``smallest_down``; or ``irreversible`` where a step
cannot be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from migrate_spec.codec import Json, decode, encode
from migrate_spec.document import ABSENT
from migrate_spec.documents import sampled
from migrate_spec.errors import RecordRejected
from migrate_spec.migration import Migration
from migrate_spec.schema import Schema
from tests import rows_of, spec_of
from tests.conftest import ROOT

__all__ = ["Row", "carrier", "counterexamples", "rows"]

PROOFS = Path(__file__).parent / "proofs"
VERDICTS = {"up": {"proved", "refuted", "unknown"}, "down": {"proved", "refuted", "unknown", "irreversible"}}


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        topic: the name of its file.
        name: what it is about, in a sentence.
        before: the schema of the documents.
        steps: the steps between the two schemas.
        after: the schema that their results are to fit.
        up: the verdict.
        down: the verdict of the way back.
        keyword: what the smallest counterexample breaks in ``after``; empty where the row does not say it.
        smallest: that document; ``ABSENT`` where the row does not say it.
        smallest_down: the smallest for the way back.
    """

    topic: str
    name: str
    before: Schema
    steps: list[Any]
    after: Schema
    up: str
    down: str
    keyword: str = ""
    smallest: Any = ABSENT
    smallest_down: Any = ABSENT

    def __str__(self) -> str:
        return f"{self.topic}: {self.name}"

    @cached_property
    def migration(self) -> Migration:
        """The migration that a project with these schemas and steps has."""
        spec = spec_of(self.steps, collection="thing", prefix="thing:", stamp=None)
        bound, faults = spec.bound(self.before, self.after, ROOT / "examples" / "hooks")
        assert [str(fault) for fault in faults] == []
        return Migration(bound, self.before, self.after)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields that one of the schemas knows."""
        return tuple(dict.fromkeys([*_names(self.before.content), *_names(self.after.content)]))


def rows() -> list[Row]:
    """All rows, by their topics."""
    return [_row(file.stem, content) for file in sorted(PROOFS.glob("*.yaml")) for content in rows_of(file)]


def _row(topic: str, content: dict[str, Any]) -> Row:
    assert all(content[way] in known for way, known in VERDICTS.items()), f"{topic}: {content['name']}"
    schemas = {side: Schema(content[side], f"schemas/thing/{side}.json") for side in ("before", "after")}
    return Row(**(content | schemas), topic=topic)


def _names(schema: Json) -> Iterator[str]:
    """The names under ``properties``, at any depth."""
    if isinstance(schema, dict):
        known = schema.get("properties")
        yield from known if isinstance(known, dict) else ()
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from _names(part)


def carrier(migration: Migration, *, backwards: bool = False) -> Callable[[Json], Json]:
    """What carries a document over without looking at the schemas; to ``ABSENT`` where a step refuses it.

    Raises:
        Irreversible: (when it is called) a step cannot be undone.
    """
    bare = Migration(migration.spec, Schema({}), Schema({}))
    carry = bare.downgrade_item if backwards else bare.migrate_item

    def carried(document: Json) -> Json:
        try:
            return decode(carry(b"thing:1", encode(document)))
        except RecordRejected:
            return ABSENT

    return carried


def counterexamples(row: Row, most: int, *, backwards: bool = False, seed: int = 0) -> Iterator[tuple[Json, Json]]:
    """The documents, among so many that fit the one schema, whose results do not fit the other; each with its result.

    Raises:
        Irreversible: a step cannot be undone.
    """
    here, there = (row.after, row.before) if backwards else (row.before, row.after)
    carried = carrier(row.migration, backwards=backwards)
    for document in islice(sampled(here, row.names, seed), most):
        result = carried(document)
        if result is not ABSENT and not there.is_valid(result):
            yield document, result
