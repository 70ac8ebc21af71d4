"""Specs that are wrong in a small way are caught: by their reader, by ``validate``, by ``test`` or by examples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import yaml
from tests.mutants import Mutant, mutants
from tests.mutants_support import Judged, Subject, subjects
from tests.test_laws import TIMES

CAUGHT = 0.95
"""Of the mutants that are wrong, how many something is said of."""
FAILED = 0.9
"""And how many fail ``validate`` or ``test``."""

EVERY = 1 if TIMES > 1 else 12
"""Of the mutants of real programs' specs, the first of so many is judged; of the shipped specs each."""

FILE = Path(__file__).with_name("mutants_missed.yaml")
MISSED: list[dict[str, Any]] = yaml(FILE.read_text("utf-8"), str(FILE))
"""What no tool can know of a spec and its schemas: why, and the mutants of which it is so, by their specs."""
LISTED = [f"{spec} {name}" for row in MISSED for spec, names in row["mutants"].items() for name in names]


def chosen() -> list[tuple[Subject, Mutant]]:
    """The mutants that are judged."""
    found = [(subject, mutant) for subject in subjects() for mutant in subject.mutants()]
    shipped = [(subject, mutant) for subject, mutant in found if subject.is_shipped]
    return shipped + [pair for pair in found if not pair[0].is_shipped][::EVERY]


@cache
def judged() -> Sequence[Judged]:
    """What becomes of them."""
    return [subject.judged(mutant) for subject, mutant in chosen()]


def test_most_wrong_specs_are_caught() -> None:
    """Nineteen of twenty; and for nine of ten a warning is not all."""
    wrong = [one for one in judged() if one.wrong]
    missed = [one.name for one in wrong if not one.caught]
    warned = [one.name for one in wrong if one.is_only_warned_of]
    assert len(wrong) >= 100
    assert len(missed) <= (1 - CAUGHT) * len(wrong), missed
    assert len(missed) + len(warned) <= (1 - FAILED) * len(wrong), warned


def test_those_that_are_missed_are_listed() -> None:
    """Each with the reason why no tool can know that it is wrong; and none is listed that is caught."""
    among = {f"{subject.name} {mutant}" for subject, mutant in chosen()}
    assert sorted(one.name for one in judged() if one.wrong and not one.caught) == sorted(among & set(LISTED))


def test_what_is_listed_is_a_mutant() -> None:
    """A name in the list is one of a mutant, whether it is judged or not."""
    known = {f"{subject.name} {mutant}" for subject in subjects() for mutant in subject.mutants()}
    assert [name for name in LISTED if name not in known] == []
    assert len(set(LISTED)) == len(LISTED)


@pytest.mark.parametrize("subject", [one for one in subjects() if one.is_shipped], ids=lambda one: one.name)
def test_the_same_mutants_come_of_the_same_spec(subject: Subject) -> None:
    """They are many, each of them another text."""
    text = subject.file.read_text("utf-8")
    found = mutants(text)
    assert found == mutants(text)
    assert len({mutant.text for mutant in found}) == len(found) >= 5
