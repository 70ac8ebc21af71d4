"""Specs that are wrong in a small way are caught: by their reader, by ``validate``, by ``test`` or by examples.

What is missed stands in ``mutants_missed.yaml``. Some of the mutants are judged each time, and all with ``LAWS=2``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import yaml
from tests.conftest import SPECS
from tests.corpus.test_corpus import cases
from tests.mutants import Mutant, mutants
from tests.mutants_support import Subject, subjects
from tests.test_laws import TIMES

WRONG = 0.97
"""Of all mutants; the others do what their spec does."""
CAUGHT = 0.95
"""Of those that are wrong, how many something is said of."""
FAILED = 0.9
"""And how many fail ``validate`` or ``test``, or an example."""

ALL = TIMES > 1
EVERY = 1 if ALL else 30
"""Of the mutants the first of so many is judged."""
PARTS = 4
"""That can be judged at the same time."""
SLOW = "#/$defs/"
"""A spec in which this stands takes seconds for each of its mutants, as the schema is followed beside the document."""

FILE = Path(__file__).with_name("mutants_missed.yaml")
MISSED: list[dict[str, Any]] = yaml(FILE.read_text("utf-8"), str(FILE))
"""What does not show in a spec and its schemas: why, and the mutants of which it is so, by their specs."""
LISTED = [f"{spec} {name}" for row in MISSED for spec, names in row["mutants"].items() for name in names]


@cache
def known() -> dict[str, tuple[Subject, Mutant]]:
    """All mutants, by their names, of which no two are the same."""
    found = [(subject, mutant) for subject in subjects() for mutant in subject.mutants()]
    named = {f"{subject.name} {mutant}": (subject, mutant) for subject, mutant in found}
    assert len(named) == len(found) >= 1000
    return named


def chosen() -> list[tuple[Subject, Mutant]]:
    """The mutants that are judged."""
    slow = {subject for subject, _ in known().values() if SLOW in subject.file.read_text("utf-8")}
    return [(subject, mutant) for subject, mutant in known().values() if ALL or subject not in slow][::EVERY]


@pytest.mark.parametrize("part", range(PARTS))
def test_those_that_are_missed_are_listed(part: int) -> None:
    """All that is missed is listed, and none that is caught; and of what is caught a warning is seldom all."""
    judged = [subject.judged(mutant) for subject, mutant in chosen()[part::PARTS]]
    wrong = [one for one in judged if one.wrong]
    listed = {one.name for one in judged if one.name in LISTED}
    missed = {one.name for one in wrong if not one.caught}
    assert missed <= listed
    # that some are wrong is shown by documents of real programs alone, which need not be there
    assert missed == listed if cases() else all(not one.caught for one in judged if one.name in listed)
    if ALL:
        assert len(wrong) >= WRONG * len(judged)
        assert sum(bool(one.caught) and not one.is_only_warned_of for one in wrong) >= FAILED * len(wrong)


def test_nineteen_of_twenty_are_caught() -> None:
    """And all of those that are made of the specs that ship."""
    assert len(LISTED) <= (1 - CAUGHT) * WRONG * len(known())
    assert [name for name in LISTED if name.startswith("specs/")] == []


def test_what_is_listed_is_a_mutant() -> None:
    """A name in the list is one of a mutant, whether it is judged or not."""
    assert [name for name in LISTED if name not in known()] == []
    assert len(set(LISTED)) == len(LISTED)


@pytest.mark.parametrize("file", sorted(SPECS.glob("*/*.yaml")), ids=lambda file: file.parent.name)
def test_the_same_mutants_come_of_the_same_spec(file: Path) -> None:
    """Each of them is another text."""
    text = file.read_text("utf-8")
    found = mutants(text)
    assert found == mutants(text)
    assert len({mutant.text for mutant in found}) == len(found) >= 4
