"""What is odd about specs that can be read: findings that most often are a mistake, each with a code of its own.

The codes, and how much each matters, stand in :data:`~migrate_spec.findings.FINDINGS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from migrate_spec.codec import encode
from migrate_spec.errors import Fault, Place
from migrate_spec.findings import FINDINGS
from migrate_spec.migration import Migration
from migrate_spec.operation import Operation
from migrate_spec.path import Definition, Name, Path
from migrate_spec.schema import did_you_mean
from migrate_spec.shapes.cases import cases
from migrate_spec.shapes.reading import shape_of
from migrate_spec.shapes.shape import ANYTHING, NOTHING, ListShape, ObjectShape, Shape, union
from migrate_spec.spec import Spec
from migrate_spec.step import Step, effect, refusals
from migrate_spec.ways import Way

__all__ = ["allowed", "lints"]

TRIALS = 200
"""Documents that a step must leave as they are before it is said to have no effect."""


@dataclass(frozen=True)
class _Scene:
    """A step, at any depth, with what is known of the objects that it is given.

    Attributes:
        step: the step.
        before: the objects.
        start: what was known of them before the first step.
        target: what the schema after says of them.
        later: the steps after it, of which it could be the beginning.
    """

    step: Step
    before: Shape
    start: Shape
    target: Shape
    later: tuple[Step, ...]


def lints(migration: Migration) -> Iterator[Fault]:
    """What is odd about one version step, without what its spec allows.

    Args:
        migration: the step.
    """
    found = [replace(fault, severity=FINDINGS[fault.code].severity) for fault in _found(migration)]
    return iter([fault for fault in found if not allowed(migration.spec, fault)])


def allowed(spec: Spec, fault: Fault) -> bool:
    """Whether a spec says, for the whole or at a step, that a finding is right."""
    if fault.code in spec.allow:
        return True
    return isinstance(fault.where, Place) and any(fault.code in step.allow for step in _around(spec.steps, fault.where))


def _around(steps: Sequence[Step], place: Place) -> Iterator[Step]:
    """The step that a place is in, and those around it."""
    before = [step for step in steps if step.place is not None and step.place <= place]
    if before:
        step = before[-1]
        yield step
        yield from _around([*step.parts(), *step.otherwise], place)


def _found(migration: Migration) -> Iterator[Fault]:
    spec = migration.spec
    start = shape_of(migration.schema_before).of_objects(lambda one: (one,))
    target = shape_of(migration.schema_after).of_objects(lambda one: (one,))
    scenes = list(_scenes(spec.steps, start, start, target))
    for check in (_unknown_paths, _never_done):
        for scene in scenes:
            yield from check(scene)
    yield from _without_effect(migration, start)
    yield from _overwritten(spec.steps)
    yield from refusals(spec.steps, start)
    for loss in migration.losses():
        place = loss.path.place or spec.place("steps")
        yield Fault(f"{loss} is lost on the way there and back", "", "", place, "loss")
    if spec.steps and migration.schema_before.content == migration.schema_after.content:
        found = f"the schema of version {spec.from_version} was found again at version {spec.to_version}"
        yield Fault(
            found,
            "another one was expected, as the steps change documents",
            "",
            spec.place("steps"),
            "schema-unchanged",
        )


def _scenes(steps: Sequence[Step], before: Shape, start: Shape, target: Shape) -> Iterator[_Scene]:
    for index, step in enumerate(steps):
        yield _Scene(step, before, start, target, tuple(steps[index + 1 :]))
        inside = [_inside(step, shape) for shape in (before, start, target)]
        yield from _scenes(step.parts(), *inside)
        yield from _scenes(step.otherwise, *inside)
        before = effect([step], before)


def _inside(step: Step, shape: Shape) -> Shape:
    """The objects that a step works in; all of them, whether its condition holds or not."""
    if step.at is None:
        return shape
    found: list[Shape] = []
    _ = shape.at(step.at, lambda value: found.append(value) or value)  # type: ignore[func-returns-value]  # to look on
    return union(found)


# ------------------------------------------------------------------------------------------------ unknown paths


def _unknown_paths(scene: _Scene) -> Iterator[Fault]:
    """Paths that neither the schema before nor the one after knows, nor an earlier step has made."""
    step = scene.step
    asked = [path for path in step.where.reads()] if step.where else []
    if step.at is not None and not isinstance(step.at.segments[0], Definition):
        yield from _unknown(scene, step.at, scene)
    inside = replace(
        scene, before=_inside(step, scene.before), start=_inside(step, scene.start), target=_inside(step, scene.target)
    )
    paths = [
        *asked,
        *(step.body.reads() if isinstance(step.body, Operation) else ()),
        *(step.body.writes() if isinstance(step.body, Operation) else ()),
    ]
    for path in dict.fromkeys(paths):
        yield from _unknown(inside, path, scene)


def _unknown(scene: _Scene, path: Path, outer: _Scene) -> Iterator[Fault]:
    shapes = (scene.before, scene.target)
    if not path.segments or any(shape is NOTHING or _knows(shape, path) for shape in shapes):
        return
    whole = path.under(outer.step.at) if outer.step.at and scene is not outer else path
    if any(later.touches(whole) or any(whole.meets(read) for read in later.reads()) for later in outer.later):
        return
    place = path.place or scene.step.place
    if _knows(scene.start, path):
        found, remedy = f"{str(path)!r} was found after an earlier step took it away", "put this step before that one"
        yield Fault(found, "a field that is there was expected", remedy, place, "unknown-path")
        return
    name, known = _stranger(union(shapes), path)
    remedy = did_you_mean(name, known)
    yield Fault(
        f"{str(path)!r} was found", "a field that a schema tells of was expected", remedy, place, "unknown-path"
    )


def _knows(shape: Shape, path: Path) -> bool:
    """Whether a shape tells anything of a path: what it leaves open altogether could be anywhere."""
    if not path.segments or shape is ANYTHING:
        return True
    first, rest = path.segments[0], Path(path.segments[1:])
    for one in shape.plain():
        if isinstance(one, ObjectShape):
            if not isinstance(first, Name):
                inside = union([*(known.shape for known in one.fields.values()), one.others])
            elif first.name in one.fields or one.others is not ANYTHING:
                inside = one.field(first.name).shape
            else:
                inside = ANYTHING if not one.fields else NOTHING
        elif isinstance(one, ListShape) and not isinstance(first, Name):
            inside = one.items()
        else:
            continue
        if inside is not NOTHING and _knows(inside, rest):
            return True
    return False


def _stranger(shape: Shape, path: Path) -> tuple[str, Sequence[str]]:
    """The first name on a path that a shape does not tell of, and those that it tells of there."""
    for depth, segment in enumerate(path.segments):
        if not _knows(shape, Path(path.segments[: depth + 1])) and isinstance(segment, Name):
            found: list[str] = []
            parent = Path(path.segments[:depth])
            _ = shape.at(parent, lambda value, found=found: found.extend(_names(value)) or value)  # type: ignore[misc]
            return segment.name, found
    return "", ()


def _names(shape: Shape) -> list[str]:
    return [name for one in shape.objects() for name, known in one.fields.items() if known.shape is not NOTHING]


# ---------------------------------------------------------------------------------------------------- no effect


def _never_done(scene: _Scene) -> Iterator[Fault]:
    """A condition that never holds."""
    step = scene.step
    inside = _inside(step, scene.before)
    if step.where is not None and inside is not NOTHING and cases(inside, step.where)[0] is NOTHING:
        found = "a condition that never holds was found"
        remedy = "the schema before and the steps so far leave no such document"
        yield Fault(found, "one that can hold was expected", remedy, step.place, "no-effect")


def _without_effect(migration: Migration, start: Shape) -> Iterator[Fault]:
    """Steps that leave every document as it is, as their effect says and documents show."""
    from migrate_spec.documents import sampled  # noqa: PLC0415 - imports Hypothesis, which is slow to start

    suspects: dict[int, Step] = {}
    shape = start
    for index, step in enumerate(migration.spec.steps):
        made = effect([step], shape)
        if made is shape and step.writes():
            suspects[index] = step
        shape = made
    if not suspects:
        return
    way = Way((migration,))
    try:
        documents = list(islice(sampled(migration.schema_before), TRIALS))
    except ValueError:
        return
    for document in documents:
        for index, act in enumerate(way.acts(document) if isinstance(document, dict) else ()):
            if index in suspects and encode(act.before) != encode(act.after):
                del suspects[index]
    for step in suspects.values():
        found, expected = "a step that never changes anything was found", "one that can was expected"
        remedy = "the schema before and the steps so far leave nothing for it to do"
        yield Fault(found, expected, remedy, step.place, "no-effect")


# ---------------------------------------------------------------------------------------------------- overwritten


def _overwritten(steps: Sequence[Step]) -> Iterator[Fault]:
    """What a step writes and a later one writes again, and none between them has read."""
    for index, step in enumerate(steps):
        for path in step.writes():
            for later in steps[index + 1 :]:
                if any(path.meets(read) for read in later.reads()):
                    break
                if later.where is None and path in later.writes():
                    line = f" in line {later.place.line}" if later.place else ""
                    found = f"{str(path)!r} was found, which a later step{line} overwrites or takes away"
                    yield Fault(
                        found, "a later step that reads it was expected", "", path.place or step.place, "overwritten"
                    )
                    break
