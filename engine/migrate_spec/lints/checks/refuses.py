"""A step refuses documents that the schema before allows, so a run may stop there; or a table lacks a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from migrate_spec.codec import copied
from migrate_spec.document import Refused
from migrate_spec.errors import Fault
from migrate_spec.lints.scene import Scene, Story
from migrate_spec.operation import Operation
from migrate_spec.path import Path
from migrate_spec.shapes.looking import all_inside
from migrate_spec.shapes.placing import Kind, kinds_at, placed
from migrate_spec.shapes.shape import ANYTHING, NOTHING, Shape
from migrate_spec.step import Step, forward, steps_at

__all__ = ["check"]

TRIALS = 400
"""Documents among which one must be refused before a step is said to refuse any."""
MOST_PATHS, MOST_SHAPES = 6, 400
"""Of a step that has so many paths, and makes so many kinds of documents, it is not asked what it refuses."""
MOST_NAMED = 6
"""Values in a sentence."""


@dataclass(frozen=True)
class _Suspicion:
    """Something at a path that a step seems to refuse.

    Attributes:
        scene: the step.
        path: where, as the step says it.
        kinds: what can be there and is refused.
        are_told: whether the schema tells each value that can be there.
        in_the_way: whether anything at all would be refused there.
    """

    scene: Scene
    path: Path
    kinds: Sequence[Kind]
    are_told: bool
    in_the_way: bool


def check(story: Story) -> Iterator[Fault]:
    """What the effect of a step leaves nothing of, though a schema names it: told where a document confirms it.

    Not told is what only an open schema lets in, and what the step refuses in so many words.
    """
    suspicions = [found for scene in story.scenes for found in _suspicions(scene)]
    if not suspicions:
        return
    refusals = list(_refusals(story))
    for suspicion in suspicions:
        step, place = suspicion.scene.step, suspicion.path.place
        told = (refusal for around, refusal in refusals if around is step and refusal.place in {place, step.place})
        confirming = next(told, None)
        if confirming is not None:
            yield _told(suspicion, confirming)


def _refusals(story: Story) -> Iterator[tuple[Step, Refused]]:
    """The steps that refuse some generated documents, each with what it says."""
    from migrate_spec.documents import sampled  # noqa: PLC0415 - imports Hypothesis, which is slow to start

    steps = story.migration.spec.steps
    change = forward(steps)
    try:
        documents = list(islice(sampled(story.migration.schema_before), TRIALS))
    except ValueError:  # no documents can be made
        return
    for document in documents:
        try:
            change(copied(document))
        except Refused as refusal:
            around = list(steps_at(steps, refusal.place)) if refusal.place else []
            if around:
                yield around[-1], refusal


def _suspicions(scene: Scene) -> Iterator[_Suspicion]:
    step = scene.step
    if step.fails or scene.given is NOTHING:
        return
    if step.at is not None:
        yield from _of_paths(scene, [step.at], scene.given, step)
    holding, _ = step.given(scene.given)
    if isinstance(step.body, Operation) and holding is not NOTHING:
        yield from _of_paths(scene, dict.fromkeys((*step.body.reads(), *step.body.writes())), holding, step.body)


def _of_paths(
    scene: Scene, paths: Sequence[Path] | dict[Path, None], shape: Shape, change: Operation | Step
) -> Iterator[_Suspicion]:
    asked: set[Path] = set()
    if isinstance(change, Operation) and change.takes_anything:
        paths = [path for path in paths if len(path.segments) > 1]
    if len(paths) > MOST_PATHS and len(list(islice(all_inside(change.effect(shape)), MOST_SHAPES))) == MOST_SHAPES:
        return  # to try them all takes too long
    for path in paths:
        for depth in range(1, len(path.segments) + 1):
            part = Path(path.segments[:depth], path.place)
            if part not in asked:
                asked.add(part)
                yield from _of_path(scene, part, shape, change, is_whole=depth == len(path.segments))


def _of_path(
    scene: Scene, path: Path, shape: Shape, change: Operation | Step, *, is_whole: bool
) -> Iterator[_Suspicion]:
    """What is refused at a path; of what the path goes on below only what is of another type than it needs."""
    kinds = [] if is_whole and isinstance(change, Operation) and change.takes_anything else list(kinds_at(shape, path))
    if not is_whole:
        kinds = [kind for kind in kinds if not kind.holds_others]

    def is_refused(value: Shape) -> bool:
        made = placed(shape, path, value)
        return made is not NOTHING and change.effect(made) is NOTHING

    refused = [kind for kind in kinds if is_refused(kind.shape)]
    if refused:
        in_the_way = is_whole and len(refused) == len(kinds) and is_refused(ANYTHING)
        yield _Suspicion(scene, path, refused, all(not kind.words for kind in kinds), in_the_way)


def _told(suspicion: _Suspicion, refusal: Refused) -> Fault:
    path, body = suspicion.path, suspicion.scene.step.body
    place = path.place or suspicion.scene.step.place
    if suspicion.in_the_way:
        found = f"{str(path)!r} was found, which may be there before the step"
        return Fault(found, "no such field was expected, as the step refuses it", refusal.remedy, place)
    shown = [kind.words or json.dumps(kind.value, ensure_ascii=False) for kind in suspicion.kinds]
    if len(shown) > MOST_NAMED:
        shown = [*shown[:MOST_NAMED], f"{len(shown) - MOST_NAMED} more"]
    listed = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    found = f"{listed} {'was' if len(shown) == 1 else 'were'} found among what {str(path)!r} can be"
    by_table = isinstance(body, Operation) and body.by_table and suspicion.are_told
    code = "table-incomplete" if by_table else ""
    return Fault(found, "values that the step takes were expected", refusal.remedy, place, code)
