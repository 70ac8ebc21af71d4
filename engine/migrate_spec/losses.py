"""What records lose in a run, counted: in which step, where, in which way, and how many of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["EVERYTHING", "KINDS", "LossCount", "not_accepted"]

EVERYTHING = "."
"""The path of a whole record, with its key."""

KINDS = {
    "placeholder": "a value is made up, as nothing was kept",
    "conflict": "an edit stands where something was kept, and stays",
    "dropped": "what was there is not kept, and does not come back",
    "forgotten": "the step forgets it, as its spec says",
    "kept": "a value goes, and is kept for the way up",
}
"""The ways to lose something. What is kept is not lost: it comes back when the step is gone the other way."""


@dataclass(frozen=True, slots=True, order=True)
class LossCount:
    """What some records of a collection lose at one path in one step.

    Attributes:
        collection: the collection's name.
        from_version, to_version: the step, in the direction of the run.
        path: where; all items of a list are alike.
        kind: in which way, one of :data:`KINDS`.
        records: how many do; 0: nobody knows.
    """

    collection: str
    from_version: int
    to_version: int
    path: str
    kind: str
    records: int

    @property
    def is_kept(self) -> bool:
        """Whether it comes back when the step is gone the other way."""
        return self.kind == "kept"

    @property
    def needs_leave(self) -> bool:
        """Whether somebody has to agree to it: what is forgotten the author of the spec has agreed to."""
        return self.kind not in {"kept", "forgotten"}

    @property
    def step(self) -> str:
        """The step's name for people: ``task v2→v1``."""
        return f"{self.collection} v{self.from_version}→v{self.to_version}"

    @property
    def counted(self) -> str:
        """The number of records for people."""
        return f"{self.records:,}" if self.records else "?"

    def __str__(self) -> str:
        records = f"{self.counted} record{'s' if self.records != 1 else ''}"
        return f"{self.step}, {self.path}: {KINDS[self.kind]}, in {records}"

    def to_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)


def not_accepted(losses: Iterable[LossCount], accepted: Collection[str]) -> list[LossCount]:
    """Those that nobody has agreed to.

    Args:
        losses: all.
        accepted: the paths at which something may get lost.
    """
    return [loss for loss in losses if loss.needs_leave and loss.path not in accepted]
