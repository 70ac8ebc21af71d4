"""``move``: fields to another parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.document import Change, Path
from migrate_spec.errors import Fault
from migrate_spec.operation import Field, IfExists, Loss, Operation, names_only
from migrate_spec.transfer import check_pairs, made, transfer


@dataclass(frozen=True)
class Move(Operation):
    """Move fields to other places, making objects on the way. `prune: true` removes parents this leaves empty.

    Backwards they move back, to the end of their old parent.
    """

    fields: Mapping[Field, Field]
    if_exists: IfExists = "fail"
    prune: bool = False

    example: ClassVar[str] = """
        step: {move: {meta.author: author, size: shape.size}, prune: true}
        before: {title: Write, meta: {author: Ada}, size: 3}
        after: {title: Write, author: Ada, shape: {size: 3}}
    """

    def check(self) -> Iterator[Fault]:
        """Sources apart from each other, targets apart from each other, both below the same list or object."""
        yield from check_pairs(self.fields)
        for source in self.fields:
            if not names_only(source, source.base):
                yield Fault(
                    f"the source {str(source)!r} was found",
                    "a path without a place in a list was expected",
                    "backwards there may be no such place to move it to; `copy` and `remove` do without one",
                    source.place,
                    "source-in-list",
                )

    def forward(self) -> Change:
        """Take each field and put it in its new place."""
        return transfer(self.fields, take=True, prune=self.prune, if_exists=self.if_exists)

    def backward(self) -> Change:
        """The other way; parents the way up had to make are removed where that leaves them empty."""
        swapped = {target: source for source, target in self.fields.items()}
        return transfer(swapped, take=True, prune=True, if_exists=self.if_exists)

    def reads(self) -> Sequence[Path]:
        """The sources and the targets."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The sources and the targets."""
        return tuple(dict.fromkeys((*self.fields, *self.fields.values())))

    def losses(self) -> Sequence[Loss]:
        """The order of the fields; what was overwritten or kept; objects made or left empty on the way."""
        what = {
            "keep": "its place among its siblings, and which records kept it where it was",
            "fail": "its place among its siblings",
            "replace": "its place among its siblings, and what the target held before",
        }[self.if_exists]
        order = [Loss(path.top, "its place among its siblings") for path in self.fields if path.top != path]
        return (
            *(Loss(path, what) for path in self.fields),
            *(order if self.prune else ()),
            *made(self.fields.values()),
        )
