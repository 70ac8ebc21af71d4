"""One step of a spec: an operation, or several, with where and when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from migrate_spec.codec import copied
from migrate_spec.condition import Condition
from migrate_spec.document import Change, Refused, equal, on_object
from migrate_spec.errors import Irreversible, Place
from migrate_spec.operation import Binder, Loss, Operation
from migrate_spec.path import Definition, Path, within
from migrate_spec.shapes.cases import Cases, cases
from migrate_spec.shapes.looking import seen
from migrate_spec.shapes.shape import ANYTHING, NOTHING, Shape, union
from migrate_spec.shapes.walking import changed_at

__all__ = ["Step", "backward", "effect", "effect_back", "forward", "steps_at"]


@dataclass(frozen=True)
class Step:
    """One step of a spec.

    Attributes:
        body: the operation, or the steps under ``do``.
        at: the objects inside the document in which the body works; the whole document where it is absent.
        where: which of these objects the step is about; all where it is absent.
        otherwise: the steps under ``else``, for the objects of which ``where`` does not hold.
        note: a remark of the author's; it means nothing.
        allow: findings of ``validate`` about the step that are right, by their codes, each with the reason.
        forget: whether it says that what it takes from a document is not kept for the way back.
        fails: whether it says in so many words that it refuses documents, as `if_exists: fail` does.
        place: where in the spec the step begins.
    """

    body: Operation | tuple[Step, ...]
    at: Path | None = None
    where: Condition | None = None
    otherwise: tuple[Step, ...] = ()
    note: str = field(default="", compare=False)
    allow: Mapping[str, str] = field(default_factory=dict, compare=False)
    forget: bool = field(default=False, compare=False)
    fails: bool = field(default=False, compare=False)
    place: Place | None = field(default=None, compare=False)

    def forward(self) -> Change:
        """The step, compiled. Its change raises :class:`~migrate_spec.document.Refused`."""
        change = self._on_object(self._up())
        if self.where is not None:
            change = _either(self.where.judge(), change, self._other(forward))
        return within(self.at, change) if self.at else change

    def backward(self, *, lenient: bool = False) -> Change:
        """The way back, compiled.

        Args:
            lenient: whether an operation that has none is passed over, as what it took away is put back otherwise; but
                not one that only its author can undo.

        Raises:
            Irreversible: the step cannot be undone.
        """
        change = self._on_object(self._down(lenient=lenient))
        if self.where is not None and self.moves_its_ground:
            change = _undo(self.where.judge(), change, self._up())
        elif self.where is not None:
            change = _either(self.where.judge(), change, self._other(partial(backward, lenient=lenient)))
        return within(_backwards(self.at), change) if self.at else change

    def _down(self, *, lenient: bool) -> Change:
        if not isinstance(self.body, Operation):
            return backward(self.body, lenient=lenient)
        try:
            return self.body.backward()
        except Irreversible:
            if not lenient or self.needs_reverse:
                raise
            return _nothing

    @property
    def needs_reverse(self) -> bool:
        """Whether it, or a step inside of it, can be undone only by what its author wrote for that."""
        own = isinstance(self.body, Operation) and self.body.needs_reverse
        return own or any(step.needs_reverse for step in self.inner())

    def forgets(self) -> bool:
        """Whether it, or a step inside of it, says that what it takes is not kept."""
        return self.forget or any(step.forgets() for step in self.inner())

    def bound(self, binder: Binder) -> Step:
        """The step with all that it and the steps inside it name outside of the spec."""
        body, at = self.body, self.at
        below = binder if at is None else replace(binder, path=lambda path: binder.path(path.under(at)).below(at))
        inside = tuple(step.bound(below) for step in body) if isinstance(body, tuple) else body.bound(below)
        otherwise = tuple(step.bound(below) for step in self.otherwise)
        return replace(self, body=inside, otherwise=otherwise, at=binder.path(at) if at else None)

    def _up(self) -> Change:
        return self.body.forward() if isinstance(self.body, Operation) else forward(self.body)

    def _other(self, compiled: Callable[[Sequence[Step]], Change]) -> Change:
        return self._on_object(compiled(self.otherwise)) if self.otherwise else _nothing

    def _on_object(self, change: Change) -> Change:
        return on_object(change) if self.at else change

    @property
    def _parts(self) -> tuple[Operation | Step, ...]:
        """The operation or the steps inside."""
        return (*(self.body if isinstance(self.body, tuple) else (self.body,)), *self.otherwise)

    @property
    def moves_its_ground(self) -> bool:
        """Whether the step may alter what its own condition asks for."""
        parts = self._parts
        return self.where is not None and self.where.moved_by(lambda path: any(part.touches(path) for part in parts))

    def by_names(self) -> bool:
        """Whether what the step does follows from the names of the document's fields: :meth:`Operation.by_names`."""
        return self.at is None and self.where is None and all(part.by_names() for part in self._parts)

    def only_adds(self) -> bool:
        """Whether it takes no field away and moves none."""
        return all(part.only_adds if isinstance(part, Operation) else part.only_adds() for part in self._parts)

    def touches(self, path: Path) -> bool:
        """Whether the step may alter what is at a path, around it or inside it."""
        if self.at is None:
            return any(part.touches(path) for part in self._parts)
        first = self.at.segments[0]
        if isinstance(first, Definition):
            return self._touches_anywhere(first, path)
        if not self.at.meets(path):
            return False
        depth = len(self.at.segments)
        return len(path.segments) <= depth or any(part.touches(Path(path.segments[depth:])) for part in self._parts)

    def _touches_anywhere(self, definition: Definition, path: Path) -> bool:
        """:meth:`touches` for the places of a definition; the document itself counts for one as soon as it is bound."""
        rest = self.at.segments[1:] if self.at else ()
        inside = replace(self, at=Path(rest) if rest else None)
        depths = range(0 if definition.find else 1, len(path.segments))
        return not path.segments or any(inside.touches(Path(path.segments[depth:])) for depth in depths)

    def reads(self) -> tuple[Path, ...]:
        """The paths, from the document down, whose values decide what the step does or writes."""
        asked = self.where.reads() if self.where else ()
        return (*(self._below_at(path) for path in asked), *self._paths(lambda part: part.reads()))

    def writes(self) -> tuple[Path, ...]:
        """The paths, from the document down, that the step may alter."""
        return self._paths(lambda part: part.writes())

    def losses(self) -> tuple[Loss, ...]:
        """What going forwards and backwards again does not bring back."""
        found = [Loss(self._below_at(loss.path), loss.what) for part in self._parts for loss in part.losses()]
        if self.moves_its_ground:
            found += [Loss(path, "whether the condition held") for path in self.writes()]
        return tuple(found)

    def effect(self, shape: Shape) -> Shape:
        """The shape of what the step makes of documents of a shape."""
        return self._effect(shape, effect, self.body.effect if isinstance(self.body, Operation) else None)

    def effect_back(self, shape: Shape) -> Shape:
        """The shape of what the way back makes of documents of a shape, where there is one."""
        body = self.body.effect_back if isinstance(self.body, Operation) else None
        return self._effect(shape, effect_back, body, undone=True)

    def _effect(
        self,
        shape: Shape,
        of_steps: Callable[[Sequence[Step], Shape], Shape],
        of_operation: Callable[[Shape], Shape] | None,
        *,
        undone: bool = False,
    ) -> Shape:
        def changed(value: Shape) -> Shape:
            objects = value.of_objects(lambda one: (one,)) if self.at else value
            return of_operation(objects) if of_operation else of_steps(self.parts(), objects)

        def inside(value: Shape) -> Shape:
            if self.where is None:
                return changed(value)
            if undone and self.moves_its_ground:
                return union([value, changed(value)])
            holding, others = cases(value, self.where)
            if self.otherwise:
                others = of_steps(self.otherwise, others.of_objects(lambda one: (one,)) if self.at else others)
            return union([changed(holding), others])

        return changed_at(shape, self.at, inside) if self.at else inside(shape)

    def given(self, shape: Shape) -> Cases:
        """What the body is given of documents of a shape, and what the steps under ``else`` are."""
        whole = union(seen(shape, self.at)) if self.at else shape
        return (whole, NOTHING) if self.where is None else cases(whole, self.where)

    def blocks(self, shape: Shape) -> Iterator[tuple[Sequence[Step], Shape]]:
        """The lists of steps inside of it, each with the shape of what it is given of documents of a shape."""
        holding, others = self.given(shape)
        if isinstance(self.body, tuple):
            yield self.body, holding
        else:
            yield from self.body.blocks(holding)
        if self.otherwise:
            yield self.otherwise, others

    def inner(self) -> tuple[Step, ...]:
        """The steps right inside of it: those under ``do`` and ``else``, and those of its operation."""
        held = () if isinstance(self.body, tuple) else self.body.blocks(ANYTHING)
        return (*self.parts(), *self.otherwise, *(step for steps, _ in held for step in steps))

    def parts(self) -> tuple[Step, ...]:
        """The steps under ``do``."""
        return self.body if isinstance(self.body, tuple) else ()

    def _paths(self, of: Callable[[Operation | Step], Sequence[Path]]) -> tuple[Path, ...]:
        return tuple(self._below_at(path) for part in self._parts for path in of(part))

    def _below_at(self, path: Path) -> Path:
        return path.under(self.at) if self.at else path


def forward(steps: Sequence[Step]) -> Change:
    """Steps as one change, first to last. Its refusals name the place of the step, where the operation named none."""
    return _placed([(step.forward(), step.place) for step in steps])


def backward(steps: Sequence[Step], *, lenient: bool = False) -> Change:
    """Their way back as one change, last to first; ``lenient`` is as for :meth:`Step.backward`.

    Raises:
        Irreversible: a step cannot be undone.
    """
    return _placed([(step.backward(lenient=lenient), step.place) for step in reversed(steps)])


def effect(steps: Sequence[Step], shape: Shape) -> Shape:
    """The shape of what steps make of documents of a shape, first to last."""
    for step in steps:
        shape = step.effect(shape)
    return shape


def effect_back(steps: Sequence[Step], shape: Shape) -> Shape:
    """The shape of what their way back makes of documents of a shape."""
    for step in reversed(steps):
        shape = step.effect_back(shape)
    return shape


def steps_at(steps: Sequence[Step], place: Place) -> Iterator[Step]:
    """The steps that a place in the file is in, from the outermost to the innermost."""
    before = [step for step in steps if step.place is not None and step.place <= place]
    if before:
        step = max(before, key=lambda step: step.place or place)
        yield step
        yield from steps_at(step.inner(), place)


def _placed(changes: Sequence[tuple[Change, Place | None]]) -> Change:
    fixed = tuple(changes)

    def run(value: Any) -> bool:
        changed = False
        for change, place in fixed:
            try:
                changed |= change(value)
            except Refused as refusal:
                refusal.place = refusal.place or place
                raise
        return changed

    return run


def _nothing(_value: Any) -> bool:
    return False


def _either(holds: Callable[[Any], bool], change: Change, otherwise: Change) -> Change:
    return lambda value: change(value) if holds(value) else otherwise(value)


def _undo(holds: Callable[[Any], bool], down: Change, up: Change) -> Change:
    """The way back of a step that alters what its condition asks for.

    Where the condition holds afterwards, it held before, as what it does not hold for stays as it is. Where it does
    not, the step is undone if that leads to an object which the step makes this very one of.
    """

    def change(value: Any) -> bool:
        if type(value) is not dict or holds(value):
            return holds(value) and down(value)
        before = copied(value)
        try:
            if not down(before) or not holds(before):
                return False
            after = copied(before)
            up(after)
        except Refused:
            return False
        if not equal(after, value):
            return False
        value.clear()
        value.update(before)
        return True

    return change


def _backwards(at: Path) -> Path:
    """The same place, for a document as it is after the step."""
    first = at.segments[0]
    if not isinstance(first, Definition):
        return at
    return Path((replace(first, find=first.find_back), *at.segments[1:]), at.place)
