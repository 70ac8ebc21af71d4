"""What becomes of records on a journey, found out once for all of one kind.

Steps that look at names alone do the same with all records that have the same fields, and of which the same was kept
but for the values. So the journey is rehearsed: with stand-ins for the values, once with different ones, once with the
same for all, as they can do no more with values than to compare them. What came out is done to each record of the kind.
A record of which that would not be true, such as one that was edited where something was kept, goes the journey itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from migrate_spec.codec import Document, Json, NotADocument, decode, encode, read_plain
from migrate_spec.compiler import RecordRefused, Route
from migrate_spec.complement import Complement
from migrate_spec.crossing import Step
from migrate_spec.differences import Lost, put_back_in
from migrate_spec.document import ABSENT, Refused
from migrate_spec.forms import Form, form_of
from migrate_spec.journey import Arrived, Journey
from migrate_spec.recipes import Cast, Forms, Impossible, Outcome, Recipe
from migrate_spec.shortcut import names_alone
from migrate_spec.stand_ins import blurred, number_of

__all__ = ["Outcome", "Rehearsal"]

MOST_RECIPES = 200
"""Records of yet other kinds go the journey: to rehearse it takes as long as that of fifty records."""

MOST_VARIANTS = 4
"""Of records of one kind, by which of their values are what a step fills in anyway."""

MOST_FORMS = 10
"""Of complements, that are tried before the form of one is found out anew."""

Kind = tuple[tuple[str, ...], int, tuple[tuple[Step, tuple[bytes, ...]], ...]]
"""The names of a record's fields, its version, and the forms of what is kept of it."""


class Rehearsal:
    """Tells what becomes of records on a journey, as far as that can be told by their kind."""

    def __init__(self, journey: Journey) -> None:
        """Take the journey, which counts the records that go it in this way, too."""
        self._journey = journey
        self._is_possible = _is_by_names(journey.route)
        self._recipes: dict[Kind, list[Recipe | None]] = {}
        self._seen: set[Kind] = set()
        self._forms: dict[Step, list[Form]] = {}
        self._last: Recipe | None = None

    def __call__(self, value: bytes, kept: Mapping[Step, bytes]) -> Outcome | None:
        """What becomes of a record; ``None`` where it has to go the journey itself.

        Args:
            value: its bytes.
            kept: what is kept of it, by the step in the other direction that took it.
        """
        last = self._last
        found = last(value, kept) if last is not None else None
        if found is None:
            for recipe in self._variants(value, kept) if self._is_possible else ():
                found = recipe(value, kept) if recipe is not None and recipe is not last else None
                if found is not None:
                    self._last = last = recipe
                    break
        if found is not None and last is not None:
            self._journey.count(last.changed_by)
        return found

    def _variants(self, value: bytes, kept: Mapping[Step, bytes]) -> Iterator[Recipe | None]:
        """The recipes for records of the kind of one, and last a new one that is made for it."""
        document, forms = read_plain(value), self._forms_of(kept)
        if document is None or forms is None:
            return
        try:
            version = self._journey.route.stamp.version_of(document, self._journey.route.unstamped)
        except Refused:
            return
        kind = tuple(document), version, tuple((step, form.parts) for step, form in forms)
        if kind not in self._recipes and not self._is_worth(kind):
            return
        variants = self._recipes.setdefault(kind, [])
        yield from variants
        if len(variants) < MOST_VARIANTS and None not in variants:
            olds = [old for step, form in forms for old in form.olds(kept[step]) or ()]
            trial = _Trial(self._journey, Cast(self._journey.route, kind[0], version, forms))
            variants.append(trial.recipe([*document.values(), *olds]))
            yield variants[-1]

    def _is_worth(self, kind: Kind) -> bool:
        """Whether the way of a new kind is to be rehearsed: there may be more of it, as it is seen again."""
        if len(self._recipes) >= MOST_RECIPES or kind in self._seen:
            return kind in self._seen and len(self._recipes) < MOST_RECIPES
        if len(self._seen) >= MOST_RECIPES:
            self._seen.clear()
        self._seen.add(kind)
        return False

    def _forms_of(self, kept: Mapping[Step, bytes]) -> Forms | None:
        """The forms of what is kept of a record; ``None`` where it has others."""
        found = [(step, self._form_of(step, stored)) for step, stored in kept.items()]
        forms = [(step, form) for step, form in found if form is not None]
        return forms if len(forms) == len(found) else None

    def _form_of(self, step: Step, stored: bytes) -> Form | None:
        known = self._forms.setdefault(step, [])
        for form in known:
            if form.olds(stored) is not None:
                return form
        found = form_of(stored)
        if found is not None:
            self._forms[step] = [found, *known[: MOST_FORMS - 1]]
        return found


def _is_by_names(route: Route) -> bool:
    """Whether all that the steps of a route do follows from the names of fields, and the stamp is not their concern."""
    path, steps = route.stamp.path, [step for spec in route.specs for step in spec.steps]
    if path is None or path.sole_name is None or not names_alone(route.specs):
        return False
    return not any(spec.encoding != "json" for spec in route.specs) and not any(
        step.touches(path) or step.forgets() for step in steps
    )


class _Trial:
    """A rehearsal for one kind."""

    def __init__(self, journey: Journey, cast: Cast) -> None:
        self._journey, self._cast = journey, cast

    def recipe(self, example: Sequence[Json]) -> Recipe | None:
        """What becomes of such records; ``None`` where that differs from one to the other.

        Args:
            example: the values of one. Where one of these is what it matters to differ from, that is assumed.
        """
        try:
            for _ in range(len(example) + 1):
                self._assume_unedited()
                different, same = self._arrived(distinct=True), self._arrived(distinct=False)
                if blurred(different) != blurred(same):
                    return None
                found = self._cast.recipe(different, self._journey.told(different.losses))
                equal = {number: known for number, known in found.unequal if encode(example[number]) == encode(known)}
                if not equal:
                    return found
                self._cast.assumed.update(equal)
        except (Impossible, RecordRefused, Refused, NotADocument, ValueError, RecursionError):
            return None
        return None

    def _arrived(self, *, distinct: bool) -> Arrived:
        document, kept = self._cast.record(distinct=distinct)
        return self._journey.unchecked(encode(document), kept)

    def _assume_unedited(self) -> None:
        """Assume of values what is true of records that nobody has edited where something is kept."""
        for _ in range(len(self._cast.names) + 1):
            assumption = self._assumption()
            if assumption is None:
                return
            number, value = assumption
            self._cast.assumed[number] = value
        raise Impossible

    def _assumption(self) -> tuple[int, Json] | None:
        """The next thing to assume: of which value, and what it is."""
        (document, kept), (name, _) = self._cast.record(distinct=True), self._cast.mark
        for crossing in self._journey.way(self._cast.version):
            stored = kept.get(crossing.step[::-1])
            differences = Complement.of(stored).differences if stored is not None else ()
            if any((name,) == one.place for one in differences):
                raise Impossible  # its stamp depends on what is kept
            document = crossing.forth(decode(document))
            for lost in differences:
                assumption = _unequal(document, lost) if isinstance(lost, Lost) else None
                if assumption is not None:
                    return assumption
            put_back_in([document], differences)
        return None


def _unequal(document: Document, lost: Lost) -> tuple[int, Json] | None:
    """What has to be assumed for something kept to be put back.

    Raises:
        Impossible: it is not put back, or that depends on what is kept.
    """
    found = document.get(str(lost.place[0]), ABSENT)
    guess = document.get(lost.same_as, ABSENT) if lost.same_as is not None else lost.guess
    if found is ABSENT and (guess is ABSENT or lost.old is ABSENT):
        return None
    if found is ABSENT or guess is ABSENT:
        raise Impossible
    found, guess = decode(found), decode(guess)
    if encode(found) == encode(guess):
        return None
    for one, other in ((found, guess), (guess, found)):
        number = number_of(one)
        if number is not None:
            return number, other
    raise Impossible
