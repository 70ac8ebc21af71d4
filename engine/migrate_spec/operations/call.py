"""``call``: a function of your own, for what no operation can say."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

from migrate_spec.changes import in_order, rewrite
from migrate_spec.codec import Json, decode, encode
from migrate_spec.document import ABSENT, Change, Refused, equal, wrong_type
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.hooks import Hook
from migrate_spec.operation import Binder, Loss, Operation, overlaps
from migrate_spec.path import Each, EachValue, Index, Name, Path, Segment
from migrate_spec.shapes.effects import with_values
from migrate_spec.shapes.shape import ANYTHING, ListShape, ObjectShape, Shape, union


@dataclass(frozen=True)
class Call(Operation):
    """Call a hook, `module:function` from the folder `hooks/` or a module that Python can import.

    With fields, it is given each value and returns the new one. Alone, it is given the whole object and returns the new
    one; then `reads` and `writes` say which paths matter to it and which it may alter, and a change elsewhere is
    refused. Backwards the `reverse` hook is called; without one there is no way back.
    """

    hook: Hook | Mapping[Path, Hook]
    reads_: Sequence[Path] = ()
    writes_: Sequence[Path] = ()
    reverse: Hook | None = None

    needs_reverse: ClassVar[bool] = True

    example: ClassVar[str] = """
        step: {call: {"points[]": "geometry:to_polar"}, reverse: "geometry:to_cartesian"}
        before: {points: [{x: 0, y: 2}]}
        after: {points: [{angle: 90.0, distance: 2.0}]}
    """

    def check(self) -> Iterator[Fault]:
        """A hook for the whole object declares what it does; one for values does what it says already."""
        if isinstance(self.hook, Mapping):
            yield from overlaps(tuple(self.hook))
            for path in (*self.reads_, *self.writes_):
                found, expected = f"the path {str(path)!r} was found", "no `reads` and `writes` were expected"
                yield Fault(found, expected, "a hook for values gets nothing else", path.place, "hook-declares")
                return
        elif not self.writes_:
            found, expected = f"the hook {self.hook.name!r} was found", "`writes` was expected beside it"
            yield Fault(found, expected, "list the paths that it may alter", self.hook.place, "hook-declares")

    def forward(self) -> Change:
        """Call the hooks."""
        return self._called(self.hook)

    def backward(self) -> Change:
        """Call the reverse."""
        if self.reverse is None:
            first = self.hook if isinstance(self.hook, Hook) else next(iter(self.hook.values()))
            raise Irreversible(
                f"the hook {first.name!r} was found",
                "a `reverse` was expected, to undo what it does",
                "write a second hook and name it: `reverse: module:function`",
                where=first.place,
            )
        if isinstance(self.hook, Hook):
            return self._called(self.reverse)
        return self._called(dict.fromkeys(self.hook, self.reverse))

    def _called(self, hook: Hook | Mapping[Path, Hook]) -> Change:
        if isinstance(hook, Mapping):
            return in_order([rewrite(path, _on_value(one)) for path, one in hook.items()])
        call, writes = _caller(hook), self.writes_

        def change(value: Any) -> bool:
            before = decode(value)
            after = call(decode(value))
            if type(after) is not dict:
                raise wrong_type(after, f"an object, returned by the hook {hook.name!r},")
            return _merge(value, before, after, writes, hook)

        return change

    def bound(self, binder: Binder) -> Self:
        """With the functions of its hooks."""
        hook = self.hook
        bound = binder.hook(hook) if isinstance(hook, Hook) else {path: binder.hook(one) for path, one in hook.items()}
        return replace(self, hook=bound, reverse=binder.hook(self.reverse) if self.reverse else None)

    def effect(self, shape: Shape) -> Shape:
        """Anything may be where the hooks write, and all else is as it was."""
        if isinstance(self.hook, Mapping):
            for path in self.hook:
                shape = with_values(shape, path, lambda _: ANYTHING)
            return shape
        for path in self.writes_:
            shape = _written(shape, path.segments)
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """The same."""
        return self.effect(shape)

    def reads(self) -> Sequence[Path]:
        """The declared paths, or the values themselves."""
        return tuple(self.hook) if isinstance(self.hook, Mapping) else tuple(self.reads_)

    def writes(self) -> Sequence[Path]:
        """The declared paths, or the values themselves."""
        return tuple(self.hook) if isinstance(self.hook, Mapping) else tuple(self.writes_)

    def losses(self) -> Sequence[Loss]:
        """All it writes: nobody can look into a function."""
        what = "the value it had before" if self.reverse is None else "what the reverse hook does not bring back"
        return tuple(Loss(path, what) for path in self.writes())


def _on_value(hook: Hook) -> Callable[[Json], Json]:
    call = _caller(hook)

    def new(value: Json) -> Json:
        after = call(decode(value))
        return value if equal(value, after) else after

    return new


def _caller(hook: Hook) -> Callable[[Json], Json]:
    """The hook, with whatever goes wrong in it told as a refusal."""
    function = hook.load()

    def call(value: Json) -> Json:
        try:
            result = function(value)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            found = f"{type(error).__name__}: {error} was raised by the hook {hook.name!r}, in line {last.lineno}"
            refusal = Refused(found, "a new value was expected", "`--debug` shows the traceback", place=hook.place)
            refusal.cause = error
            raise refusal from error
        _check_json(result, hook)
        return result

    return call


def _check_json(value: Any, hook: Hook) -> None:
    """See that a value is made of what JSON has.

    Raises:
        Refused: it is not.
    """
    if type(value) is dict and all(type(name) is str for name in value):
        for part in value.values():
            _check_json(part, hook)
    elif type(value) is list:
        for part in value:
            _check_json(part, hook)
    elif not (value is None or type(value) in {str, bool, int} or (type(value) is float and math.isfinite(value))):
        shown = f"{value!r} of the type {type(value).__name__}"
        expected = "dict with str keys, list, str, int, float, bool or None was expected"
        raise Refused(f"{shown:.200} was returned by the hook {hook.name!r}", expected, place=hook.place)
    elif type(value) is str:
        try:
            encode(value)
        except ValueError:
            found = f"half of a surrogate pair was returned by the hook {hook.name!r}"
            raise Refused(found, "Unicode text was expected", place=hook.place) from None


def _merge(value: Any, before: Json, after: Json, writes: Sequence[Path], hook: Hook) -> bool:
    """Make an object what a hook returned; what it left alone keeps its bytes, and what it may not alter is refused."""
    if list(before) == list(after) and equal(before, after):
        return False
    for name in dict.fromkeys((*before, *after)):
        path = Path((Name(name),))
        old, new = before.get(name, ABSENT), after.get(name, ABSENT)
        if old is ABSENT or new is ABSENT or not equal(old, new):
            _check_declared(path, old, new, writes, hook)
    kept = {name: value[name] for name in value if name in after and equal(before[name], after[name])}
    value.clear()
    value.update({name: kept.get(name, part) for name, part in after.items()})
    return True


def _check_declared(path: Path, old: Json, new: Json, writes: Sequence[Path], hook: Hook) -> None:
    """See that a difference lies in what a hook may alter.

    Raises:
        Refused: it does not.
    """
    if any(len(written.segments) <= len(path.segments) and path.meets(written) for written in writes):
        return
    inside = [written for written in writes if path.meets(written)]
    parts: list[tuple[Segment, Json, Json]] = []
    if inside and type(old) is dict and type(new) is dict:
        names = dict.fromkeys((*old, *new))
        parts = [(Name(name), old.get(name, ABSENT), new.get(name, ABSENT)) for name in names]
    elif inside and type(old) is list and type(new) is list and len(old) == len(new):
        parts = [(Index(index), one, other) for index, (one, other) in enumerate(zip(old, new, strict=True))]
    if not parts:
        raise Refused(
            f"a change by the hook {hook.name!r} was found",
            "none was expected here, as it is not among what the hook `writes`",
            "add it there, or leave it alone in the hook",
            path=str(path),
            place=hook.place,
        )
    for segment, one, other in parts:
        if one is ABSENT or other is ABSENT or not equal(one, other):
            _check_declared(Path((*path.segments, segment)), one, other, writes, hook)


def _written(shape: Shape, segments: Sequence[Segment]) -> Shape:
    """The shape of values in which anything may have become of what is at a path; what it does not lead into stays."""
    if not segments:
        return ANYTHING
    found: list[Shape] = []
    for one in shape.plain():
        if isinstance(one, ObjectShape):
            found += [Shape((made,)) for made in _written_in(one, segments)]
        elif isinstance(one, ListShape):
            made = one.altered(partial(_written_at, segments))
            found += [] if made is None else [Shape((made,))]
        else:
            found.append(Shape((one,)))
    return union(found)


def _written_in(one: ObjectShape, segments: Sequence[Segment]) -> Iterator[ObjectShape]:
    """For objects, of which fields may come and go where the path ends."""
    first, rest = segments[0], segments[1:]
    if isinstance(first, Name) and not rest:
        yield from one.having(first.name, ANYTHING, needed=False)
    elif isinstance(first, Name):
        known = one.field(first.name)
        yield from one.having(first.name, _written(known.shape, rest), needed=known.needed)
    elif isinstance(first, Index):
        yield one
    elif not rest:
        yield ObjectShape()
    else:
        made = one.altered(lambda value: _written(value, rest))
        yield from () if made is None else (made,)


def _written_at(segments: Sequence[Segment], place: int | None, item: Shape) -> Shape:
    """For an item of a list."""
    first, rest = segments[0], segments[1:]
    leads = isinstance(first, Each | EachValue) or (
        isinstance(first, Index) and (place is None or place == first.index)
    )
    return _written(item, rest) if leads else item
