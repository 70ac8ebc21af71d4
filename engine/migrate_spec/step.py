"""One step of a spec: an operation, or several inside one part of the document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate_spec.document import Change, Path, Refused, within_objects
from migrate_spec.errors import Place
from migrate_spec.operation import Loss, Operation

__all__ = ["Step", "backward", "forward"]


@dataclass(frozen=True)
class Step:
    """One step of a spec.

    Attributes:
        body: the operation, or the steps under ``do``.
        at: the objects inside the document in which the body works; the whole document where it is absent.
        note: a remark of the author's; it means nothing.
        place: where in the spec the step begins.
    """

    body: Operation | tuple[Step, ...]
    at: Path | None = None
    note: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)

    def forward(self) -> Change:
        """The step, compiled. Its change raises :class:`~migrate_spec.document.Refused`."""
        return self._inside(self.body.forward() if isinstance(self.body, Operation) else forward(self.body))

    def backward(self) -> Change:
        """The way back, compiled.

        Raises:
            Irreversible: the step cannot be undone.
        """
        return self._inside(self.body.backward() if isinstance(self.body, Operation) else backward(self.body))

    def _inside(self, change: Change) -> Change:
        return within_objects(self.at, change) if self.at else change

    def reads(self) -> tuple[Path, ...]:
        """The paths, from the document down, whose values decide what the step does or writes."""
        return self._paths(lambda part: part.reads())

    def writes(self) -> tuple[Path, ...]:
        """The paths, from the document down, that the step may alter."""
        return self._paths(lambda part: part.writes())

    def losses(self) -> tuple[Loss, ...]:
        """What going forwards and backwards again does not bring back."""
        parts = self.body if isinstance(self.body, tuple) else (self.body,)
        return tuple(Loss(self._below_at(loss.path), loss.what) for part in parts for loss in part.losses())

    def _paths(self, of: Callable[[Operation | Step], Sequence[Path]]) -> tuple[Path, ...]:
        parts = self.body if isinstance(self.body, tuple) else (self.body,)
        return tuple(self._below_at(path) for part in parts for path in of(part))

    def _below_at(self, path: Path) -> Path:
        return path.under(self.at) if self.at else path


def forward(steps: Sequence[Step]) -> Change:
    """Steps as one change, first to last. Its refusals name the place of the step, where the operation named none."""
    return _placed([(step.forward(), step.place) for step in steps])


def backward(steps: Sequence[Step]) -> Change:
    """Their way back as one change, last to first.

    Raises:
        Irreversible: a step cannot be undone.
    """
    return _placed([(step.backward(), step.place) for step in reversed(steps)])


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
