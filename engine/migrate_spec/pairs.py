"""Sources and targets inside a document: what ``move``, ``copy``, ``coalesce`` and ``concat`` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.document import Refused, describe
from migrate_spec.errors import Fault
from migrate_spec.operation import Loss, names_only, overlaps
from migrate_spec.path import Path

__all__ = ["check_gathered", "check_no_list", "check_pairs", "found", "made", "target_taken"]


def check_pairs(fields: Mapping[Path, Path]) -> Iterator[Fault]:
    """What is wrong with these sources and targets although each alone is well formed."""
    yield from overlaps(tuple(fields))
    yield from overlaps(tuple(fields.values()))
    for source, target in fields.items():
        if source == target:
            yield Fault(
                f"{str(source)!r} to itself was found", "another target was expected", "", source.place, "no-effect"
            )
        else:
            yield from _elsewhere(source, target)


def check_gathered(fields: Mapping[Path, Sequence[Path]]) -> Iterator[Fault]:
    """What is wrong with these targets, each with several sources, although each path alone is well formed."""
    paths = [(*sources, *(() if target in sources else (target,))) for target, sources in fields.items()]
    yield from overlaps([path for some in paths for path in some])
    for target, sources in fields.items():
        yield from islice(chain.from_iterable(_elsewhere(source, target) for source in sources), 1)


def check_no_list(sources: Iterable[Path], remedy: str) -> Iterator[Fault]:
    """A fault for each source that is a place in a list: the way back may not find it."""
    for source in sources:
        if not names_only(source, source.base):
            yield Fault(
                f"the source {str(source)!r} was found",
                "a path without a place in a list was expected",
                f"backwards there may be no such place {remedy}",
                source.place,
                "source-in-list",
            )


def _elsewhere(source: Path, target: Path) -> Iterator[Fault]:
    if target.base != source.base or not names_only(target, source.base):
        below = f"below {str(source.base)!r}" if source.base.segments else "without [] and *"
        yield Fault(
            f"the target {str(target)!r} was found",
            f"a path of names {below} was expected, as its source is {str(source)!r}",
            "a value can only be carried inside the same list item or object value",
            target.place,
            "target-elsewhere",
        )


def found(find: Callable[[Any], tuple[Any, Any] | None], parent: Any) -> tuple[Any, Any] | None:
    """What is at a target that nothing goes to; nothing where a parent of another type is in the way."""
    try:
        return find(parent)
    except Refused:
        return None


def made(targets: Iterable[Path]) -> tuple[Loss, ...]:
    """What is lost of the objects above ``targets``: nothing tells whether they were made on the way."""
    parents = dict.fromkeys(
        Path(target.segments[:depth], target.place)
        for target in targets
        for depth in range(len(target.top.segments), len(target.segments))
    )
    return tuple(Loss(parent, "whether it was there with nothing in it") for parent in parents)


_IF_EXISTS = "say `if_exists: keep` or `if_exists: replace`"


def target_taken(parent: Json, source: Path, target: Path, remedy: str = _IF_EXISTS) -> Refused:
    """The refusal of a value whose target holds another one."""
    return Refused(
        f"{describe(target.get(parent))} was found",
        f"no such field was expected, as the value of {str(source)!r} goes there",
        remedy,
        path=str(target),
        place=target.place,
    )
