"""How a version step can be undone, as far as its spec tells: for a plan, before anything runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from migrate_spec.crossing import crossings
from migrate_spec.errors import Irreversible
from migrate_spec.forgetting import forgotten
from migrate_spec.losses import EVERYTHING
from migrate_spec.migration import Migration
from migrate_spec.spec import Spec

__all__ = ["Reversal", "reversal"]


@dataclass(frozen=True, slots=True)
class Reversal:
    """How a version step can be undone.

    Attributes:
        kind: ``exact``: by its operations alone; ``kept``: exactly, by what is kept of each record that it changes;
            ``lossy``: but for what is not kept; ``none``: not at all.
        paths: where something is made up of records of which nothing is kept.
        why: why it cannot be undone, or what does not come back.
    """

    kind: Literal["exact", "kept", "lossy", "none"]
    paths: tuple[str, ...] = ()
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self) | {"paths": list(self.paths)}


def reversal(migration: Migration, *, unkept: str = "") -> Reversal:
    """How a step can be undone.

    Args:
        migration: the step.
        unkept: why what records lose is not kept; empty where it is.
    """
    spec = migration.spec
    if spec.refuses_downgrade:
        return Reversal("none", why=spec.refuses_downgrade)
    try:
        crossings([spec], down=True)
    except Irreversible as error:
        return Reversal("none", why=f"{error.fault.found}, {error.fault.expected}")
    paths = _paths(spec)
    if not paths:
        return Reversal("exact")
    if unkept and any(operation.needs_kept() for operation in spec.records):
        return Reversal("none", paths, f"{unkept}, and the keys do not tell those before")
    if unkept:
        return Reversal("lossy", paths, unkept)
    forgets = tuple(dict.fromkeys(str(loss.path) for step in forgotten(spec.steps) for loss in step.losses()))
    return Reversal("lossy", forgets, "what it takes there is forgotten") if forgets else Reversal("kept", paths)


def _paths(spec: Spec) -> tuple[str, ...]:
    """Where a step loses something of records."""
    of_steps = (str(loss.path) for step in spec.steps for loss in step.losses())
    whole = (EVERYTHING for operation in spec.records if operation.losses() and not operation.unkept())
    return tuple(dict.fromkeys([*of_steps, *spec.unkept, *whole]))
