"""Sources and targets inside a document: what ``move`` and ``copy`` share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from migrate_spec.codec import Json
from migrate_spec.document import Refused, describe
from migrate_spec.errors import Fault
from migrate_spec.operation import Loss, names_only, overlaps
from migrate_spec.path import Path

__all__ = ["check_pairs", "made", "target_taken"]


def check_pairs(fields: Mapping[Path, Path]) -> Iterator[Fault]:
    """What is wrong with these sources and targets although each alone is well formed."""
    yield from overlaps(tuple(fields))
    yield from overlaps(tuple(fields.values()))
    for source, target in fields.items():
        if source == target:
            yield Fault(
                f"{str(source)!r} to itself was found", "another target was expected", "", source.place, "no-effect"
            )
        elif target.base != source.base or not names_only(target, source.base):
            below = f"below {str(source.base)!r}" if source.base.segments else "without [] and *"
            yield Fault(
                f"the target {str(target)!r} was found",
                f"a path of names {below} was expected, as its source is {str(source)!r}",
                "a value can only be carried inside the same list item or object value",
                target.place,
                "target-elsewhere",
            )


def made(targets: Iterable[Path]) -> tuple[Loss, ...]:
    """What is lost of the objects above ``targets``: nothing tells whether they were made on the way."""
    parents = dict.fromkeys(
        Path(target.segments[:depth], target.place)
        for target in targets
        for depth in range(len(target.top.segments), len(target.segments))
    )
    return tuple(Loss(parent, "whether it was there with nothing in it") for parent in parents)


def target_taken(parent: Json, source: Path, target: Path) -> Refused:
    """The refusal of a value whose target holds another one."""
    return Refused(
        f"{describe(target.get(parent))} was found",
        f"no such field was expected, as the value of {str(source)!r} goes there",
        "say `if_exists: keep` or `if_exists: replace`",
        path=str(target),
        place=target.place,
    )
