"""``join``: several texts to one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from migrate_spec.changes import in_order
from migrate_spec.document import Change
from migrate_spec.errors import Fault, Irreversible
from migrate_spec.operation import ORDER, Field, FieldName, Loss, Operation, check_forms
from migrate_spec.parts import (
    check_parts,
    parts_of,
    put_together,
    separated_faults,
    shape_apart,
    shape_together,
    take_apart,
)
from migrate_spec.path import Path, within_objects
from migrate_spec.shapes.shape import Shape
from migrate_spec.templates import Separated, Template


@dataclass(frozen=True)
class Sources:
    """What a text is made of: fields with the same text between each two, or a template that names them.

    Attributes:
        from_: fields beside the new one, in order.
        with_: the text between each two.
        template: the text, with the names of fields in braces.
    """

    from_: Sequence[FieldName] = ()
    with_: str | None = None
    template: Template | None = None
    ambiguous: Literal["fail", "accept"] = "fail"

    def form(self) -> Separated | Template:
        """How the text is made of its parts."""
        if self.template is not None:
            return self.template
        return Separated(self.from_, self.with_ or "", "fail" if self.ambiguous == "fail" else "last")


@dataclass(frozen=True)
class Join(Operation):
    """Put texts together to one, which stands where the first of them stood: with a separator, or by a template.

    Backwards the text is taken apart. Texts that it would not give again are refused, or `ambiguous: accept`.
    """

    fields: Mapping[Field, Sources]

    example: ClassVar[str] = """
        step:
          join:
            name: {from: [first, last], with: " "}
            interval: {template: "{interval}d"}
        before: {id: 1, first: Ada, last: Lovelace, interval: "7"}
        after: {id: 1, name: Ada Lovelace, interval: 7d}
    """

    def check(self) -> Iterator[Fault]:
        """One way to make each text; its parts apart from each other and from other texts."""
        for path, sources in self.fields.items():
            faults = list(check_forms(sources, {"from": "with", "template": ""}, {}, path))
            yield from faults or _faults(sources, path)
        yield from check_parts({path: sources.form() for path, sources in self.fields.items()})

    def forward(self) -> Change:
        """Put each text in place of its parts."""
        return in_order(
            [within_objects(path.parent, _together(path, sources)) for path, sources in self.fields.items()]
        )

    def backward(self) -> Change:
        """Take the texts apart again."""
        for path, sources in self.fields.items():
            if not sources.form().readable:
                raise Irreversible(
                    f"{str(path)!r} put together with nothing between its parts was found",
                    "a text that can be taken apart was expected",
                    "nothing tells where one part ends",
                    where=path.place,
                )
        changes = [(path, take_apart(path, sources.form(), undone=True)) for path, sources in self.fields.items()]
        return in_order([within_objects(path.parent, change) for path, change in changes])

    def effect(self, shape: Shape) -> Shape:
        """The texts are in place of their parts."""
        for path, sources in self.fields.items():
            form, exact = sources.form(), sources.ambiguous == "fail"
            shape = shape_together(shape, path, form, exact=exact, undone=form.readable)
        return shape

    def effect_back(self, shape: Shape) -> Shape:
        """The parts are in place of the texts."""
        for path, sources in self.fields.items():
            shape = shape_apart(shape, path, sources.form(), undone=True)
        return shape

    def reads(self) -> Sequence[Path]:
        """The parts and the texts."""
        return self.writes()

    def writes(self) -> Sequence[Path]:
        """The parts and the texts."""
        parts = [part for path, sources in self.fields.items() for part in parts_of(path, sources.form().names)]
        return tuple(dict.fromkeys((*parts, *self.fields)))

    def losses(self) -> Sequence[Loss]:
        """The order of several parts; where they begin and end if that may be ambiguous."""
        return tuple(loss for path, sources in self.fields.items() for loss in _losses(path, sources))


def _losses(path: Path, sources: Sources) -> Iterator[Loss]:
    parts = parts_of(path, sources.form().names)
    what = [ORDER] if len(parts) > 1 else []
    what += ["where it begins and ends"] if sources.ambiguous == "accept" else []
    if what:
        yield from (Loss(part, ", and ".join(what)) for part in parts)


def _faults(sources: Sources, path: Path) -> Iterator[Fault]:
    """What is wrong with the parts of one text."""
    form = sources.form()
    if isinstance(form, Separated):
        yield from separated_faults(form, path)
    elif not form.names:
        found, expected = f"the template {str(form)!r} was found", "a name in braces was expected in it"
        yield Fault(found, expected, "", form.place, "template-invalid")
    if not form.readable and sources.ambiguous == "fail":
        found = f"the template {str(form)!r} was found" if isinstance(form, Template) else '`with: ""` was found'
        expected = "something between each two parts was expected"
        remedy = "say `ambiguous: accept` if there need be no way back"
        yield Fault(found, expected, remedy, path.place, "ambiguous")


def _together(path: Path, sources: Sources) -> Change:
    form, exact = sources.form(), sources.ambiguous == "fail"
    remedy = "put something between them that no part has, or say `ambiguous: accept`"
    return put_together(path, form, exact=exact, undone=form.readable, remedy=remedy)
