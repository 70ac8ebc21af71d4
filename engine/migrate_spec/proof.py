"""Proof that a step makes no invalid document, or a document that shows that it does.

From the schema before and the steps follows the shape of what they make; it must fit inside the schema after. Where it
does the step is *proved*. Where that cannot be shown, documents are made of the schema before and carried over: if one
becomes invalid the step is *refuted*, by the smallest such document; else its verdict is *unknown*.
What a step refuses is not made, and not invalid: a run stops there and the database stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from migrate_spec.compiler import compile_downgrade
from migrate_spec.containment import fits, in_the_way
from migrate_spec.errors import Irreversible
from migrate_spec.migration import Migration
from migrate_spec.refutation import Counterexample, refutation
from migrate_spec.shapes.reading import shape_of
from migrate_spec.shapes.shape import ANYTHING, Shape, only
from migrate_spec.step import effect, effect_back
from migrate_spec.whereabouts import finds_definitions

__all__ = ["Verdict", "derived", "prove"]

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
    if backwards:
        try:
            compile_downgrade(migration.spec, None)
        except Irreversible as error:
            return Verdict("irreversible", backwards, why=str(error))
    schema = migration.schema_before if backwards else migration.schema_after
    shapes = derived(migration, backwards=backwards)
    if any(fits(shape, schema) for shape in shapes):
        return Verdict("proved", backwards)
    found = refutation(migration, backwards=backwards, seconds=seconds, most=most)
    if found.counterexample is not None:
        return Verdict("refuted", backwards, found.counterexample, found.tried)
    return Verdict("unknown", backwards, None, found.tried, in_the_way(shapes[0], schema) or found.why)


def derived(migration: Migration, *, backwards: bool = False) -> list[Shape]:
    """The shapes of what a migration makes of the documents of its schema: all of one of them fit, or none is known to.

    Args:
        migration: the step.
        backwards: whether it is undone.
    """
    spec, stamp = migration.spec, migration.spec.stamp
    schema = migration.schema_after if backwards else migration.schema_before
    start = shape_of(schema).of_objects(lambda one: (one,))
    if not finds_definitions(spec.steps[::-1] if backwards else spec.steps, start, schema):
        return [ANYTHING]
    if stamp.path is None:
        return [effect_back(spec.steps, start) if backwards else effect(spec.steps, start)]
    if not backwards:
        found = effect(spec.steps, start)
        return [found.put(stamp.path, only(stamp.mark(spec.to_version))), *([] if spec.steps else [found])]
    found = effect_back(spec.steps, start.put(stamp.path, only(stamp.mark(spec.from_version))))
    return [found, *([found.take(stamp.path)] if spec.from_version == 1 else [])]
