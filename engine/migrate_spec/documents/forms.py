"""Questions to the normal form of a schema; the answer is ``None`` where the normal form cannot say."""

from __future__ import annotations

from typing import Any

from migrate_spec.documents.units import Test
from migrate_spec.schema import Schema

__all__ = ["ANYTHING", "Form", "is_nothing", "kind_of", "met", "resolved", "test_of", "without"]

Form = Any
"""A part of a schema in the normal form, see :attr:`~migrate_spec.schema.Schema.canonical`."""

ANYTHING: Form = Schema(content=True).canonical
"""What everything fits."""

MOST_STEPS = 50
"""References in a row that are followed."""


def kind_of(form: Form) -> str:
    """What a part of the normal form is, such as ``Object``, ``AnyOf`` or ``False``."""
    return type(form.view()).__name__.removesuffix("View")


def test_of(form: Form) -> Test:
    """Whether a value fits."""
    return Schema(form.to_json_schema()).is_valid


def is_nothing(form: Form) -> bool:
    """Whether it is known that nothing fits."""
    return kind_of(form) == "False"


def resolved(form: Form) -> Form:
    """What a reference leads to."""
    for _ in range(MOST_STEPS):
        if kind_of(form) != "Reference":
            break
        form = form.definition(form.view().uri)
    return form


def met(*forms: Form) -> Form | None:
    """What fits all of them."""
    found = forms[0]
    try:
        for form in forms[1:]:
            found = found.intersect(form)
    except ValueError:
        return None
    return found


def without(one: Form, other: Form) -> Form | None:
    """What fits the one and not the other."""
    try:
        return one.intersect(resolved(other).negate())
    except ValueError:
        return None
