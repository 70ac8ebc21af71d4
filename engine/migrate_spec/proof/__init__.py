"""Proof that a step makes no invalid document, or a document that shows that it does.

From the schema before and the steps follows the shape of what they make; it must fit inside the schema after. Where it
does the step is *proved*. Where that cannot be shown, documents are made of the schema before and carried over: if one
becomes invalid the step is *refuted*, by the smallest such document; else its verdict is *unknown*.
What a step refuses is not made, and not invalid: a run stops there and the database stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from migrate_spec.compiler import compile_downgrade
from migrate_spec.derivation import derived
from migrate_spec.errors import Irreversible
from migrate_spec.migration import Migration
from migrate_spec.proof.containment import fits, in_the_way
from migrate_spec.proof.untouched import without_untouched
from migrate_spec.refutation import Counterexample, refutation
from migrate_spec.schema import Schema
from migrate_spec.shapes.shape import Shape
from migrate_spec.spec import Spec

__all__ = ["Verdict", "is_proved", "prove"]

Kind = Literal["proved", "refuted", "unknown", "irreversible"]


@dataclass(frozen=True)
class Verdict:
    """What is known of a step, upwards or backwards.

    Attributes:
        kind: ``proved``, ``refuted`` or ``unknown``; ``irreversible`` where there is no way back to speak of.
        backwards: whether it is about the way back.
        counterexample: what refutes it.
        tried: how many documents were put to the test.
        why: what could not be reasoned about, or why there is no way back.
    """

    kind: Kind
    backwards: bool = False
    counterexample: Counterexample | None = None
    tried: int = 0
    why: str = ""


def prove(migration: Migration, *, backwards: bool = False, seconds: float = 1.0, most: int | None = None) -> Verdict:
    """Find out whether a step can make an invalid document.

    Args:
        migration: the step.
        backwards: whether it is undone.
        seconds: how long to search for a counterexample where there is no proof.
        most: how many documents to try at most.
    """
    spec = migration.spec
    if backwards:
        try:
            compile_downgrade(spec, None)
        except Irreversible as error:
            return Verdict("irreversible", backwards, why=str(error))
        if spec.lists_of_records:
            return Verdict("unknown", backwards, why="an operation under `records` that asks for other records")
    origin, schema = migration.schema_before, migration.schema_after
    if backwards:
        origin, schema = schema, origin
    shapes = derived(migration, backwards=backwards)
    if _proved(shapes, spec, origin, schema):
        return Verdict("proved", backwards)
    if spec.alters_by_records:
        return Verdict("unknown", backwards, None, 0, in_the_way(shapes[0], schema) or "an operation under `records`")
    found = refutation(migration, backwards=backwards, seconds=seconds, most=most)
    if found.counterexample is not None:
        return Verdict("refuted", backwards, found.counterexample, found.tried)
    return Verdict("unknown", backwards, None, found.tried, in_the_way(shapes[0], schema) or found.why)


def is_proved(migration: Migration) -> bool:
    """Whether it is known that a step makes no invalid document, found out without a search."""
    return _proved(derived(migration), migration.spec, migration.schema_before, migration.schema_after)


def _proved(shapes: Sequence[Shape], spec: Spec, origin: Schema, schema: Schema) -> bool:
    return any(_fits(shape, spec, origin, schema) for shape in shapes)


def _fits(shape: Shape, spec: Spec, origin: Schema, schema: Schema) -> bool:
    """Whether what a spec makes is known to fit, first asked without the fields that it leaves alone."""
    freed, relaxed = without_untouched(shape, spec, origin, schema)
    return fits(freed, relaxed) or (freed is not shape and fits(shape, schema))
