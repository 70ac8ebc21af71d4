"""Where steps work: the document, or objects inside lists and maps, each with its steps in an order that holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from migrate_spec.codec import Json
from migrate_spec.draft.fields import Place
from migrate_spec.draft.text import Drafted
from migrate_spec.path import Name, Path

__all__ = ["Entry", "Phase", "Scope"]

Phase = Literal["clear", "rename", "move", "remove", "change", "add", "fill", "keep", "open"]

PHASES: Sequence[Phase] = ("clear", "rename", "move", "remove", "change", "add", "fill", "keep", "open")
"""In which order steps are done: a field has its new name before anything else is said of it."""


@dataclass(frozen=True)
class Entry:
    """One entry of an operation.

    Attributes:
        operation: the operation; empty for a remark alone.
        argument: what it does at each of some paths; ``None`` for an operation that takes a list of paths.
        options: what stands beside the operation.
        remarks: lines above it.
        at: the object that it works on, where its paths do not say so.
        where: the condition on that.
    """

    operation: str
    argument: Mapping[Path, Json] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    at: Path | None = None
    where: Mapping[str, Json] = field(default_factory=dict)

    def joins(self, other: Entry) -> bool:
        """Whether the two are entries of one step: they say the same but for their paths, which are apart."""
        alone = (self.remarks, other.remarks, self.at, other.at, self.where, other.where)
        if any(alone) or (self.operation, self.options) != (other.operation, other.options):
            return False
        if self._is_list is not other._is_list:
            return False
        return not any(one.meets(two) for one in self._touched() for two in other._touched())

    @property
    def _is_list(self) -> bool:
        return all(value is None for value in self.argument.values()) and self.operation in {
            "remove",
            "wrap",
            "unwrap",
            "keep_fields",
        }

    def _touched(self) -> Iterator[Path]:
        for path, value in self.argument.items():
            yield path
            if self.operation == "rename":
                yield Path((*path.parent.segments, Name(value)))
            elif self.operation == "move":
                yield value

    def drafted(self) -> Drafted:
        """The step that says it."""
        shown: Any = {
            str(path): str(value) if isinstance(value, Path) else value for path, value in self.argument.items()
        }
        argument = list(shown) if self._is_list else shown
        at = str(self.at) if self.at else ""
        return Drafted(self.operation, argument if self.operation else None, self.options, self.remarks, at, self.where)


@dataclass
class Scope:
    """Objects inside of which steps are drafted.

    Attributes:
        at: where they are, inside the objects of the scope around this one; ``None`` for these themselves.
        where: which of them.
        base: where they are in a document of the newer version.
        inner: the scopes inside.
        gone: fields of the older version alone, with the fields that they may be now.
        new: fields of the newer version alone.
    """

    at: Path | None = None
    where: Mapping[str, Json] = field(default_factory=dict)
    base: Path = field(default_factory=lambda: Path(()))
    inner: list[Scope] = field(default_factory=list)
    gone: list[tuple[Place, Path, list[Place]]] = field(default_factory=list)
    new: list[Place] = field(default_factory=list)
    entries: dict[Phase, list[Entry]] = field(default_factory=lambda: {phase: [] for phase in PHASES})

    def add(self, phase: Phase, entry: Entry) -> None:
        """Take an entry."""
        self.entries[phase].append(entry)

    def note(self, remark: str) -> None:
        """Take a remark on what no step is drafted for."""
        self.add("open", Entry("", remarks=(remark,)))

    def inside(self, at: Path | None, where: Mapping[str, Json] | None = None) -> Scope:
        """A new scope inside of this one."""
        base = at.under(self.base) if at else self.base
        scope = Scope(at, where or {}, base)
        self.inner.append(scope)
        return scope

    def here(self, path: Path) -> Path:
        """A path of the newer version as it is said inside of this scope."""
        return path.below(self.base)

    def steps(self) -> Iterator[Drafted]:
        """The steps."""
        for phase in PHASES:
            if phase == "add":  # what is put in is of the newer version already, also inside
                for scope in self.inner:
                    yield from _around(scope.at, scope.where, list(scope.steps()))
            yield from _joined(self.entries[phase])


def _joined(entries: Sequence[Entry]) -> Iterator[Drafted]:
    """Entries as steps, neighbours put together where they can be said at once."""
    steps: list[Entry] = []
    for entry in entries:
        if steps and entry.operation and steps[-1].joins(entry):
            steps[-1] = Entry(entry.operation, {**steps[-1].argument, **entry.argument}, entry.options)
        else:
            steps.append(entry)
    return (entry.drafted() for entry in steps)


def _around(at: Path | None, where: Mapping[str, Json], steps: Sequence[Drafted]) -> Iterator[Drafted]:
    """Steps said from further out, with as few levels as can be."""
    if not steps:
        return
    shown = str(at) if at else ""
    saying = [step for step in steps if step.operation or step.inside]
    remarks = tuple(remark for step in steps if step not in saying for remark in step.remarks)
    if len(saying) == 1 and not (where and saying[0].at) and not (saying[0].where and not saying[0].at and where):
        [one] = saying
        inner_at = f"{shown}{'' if not one.at or one.at.startswith('[') or not shown else '.'}{one.at}"
        yield Drafted(
            one.operation,
            one.argument,
            one.options,
            one.remarks + remarks,
            inner_at,
            {**where, **one.where},
            one.inside,
        )
    elif saying:
        yield Drafted(at=shown, where=where, inside=tuple(steps))
    else:
        yield Drafted(remarks=remarks)
