"""The laws that every spec keeps, each as a check of one document on one way.

What goes in is a document that fits the schema at the beginning of the way; what comes out is how it breaks the law,
if it does. A document that is refused breaks *total*, unless the spec names the case; the other laws pass it over.
Only the documents are under these laws: what ``records:`` does to keys and to other records is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migrate_spec.codec import Json, copied, encode
from migrate_spec.compiler import RecordRefused
from migrate_spec.document import Refused, equal
from migrate_spec.errors import Fault, Irreversible, Place
from migrate_spec.examples import differences, shown
from migrate_spec.laws.likeness import calls, disturbed, tidied, without
from migrate_spec.path import Path
from migrate_spec.refusals import is_allowed, is_named
from migrate_spec.schema import Schema
from migrate_spec.ways import Act, Way, broken_place

__all__ = ["LAWS", "Broken", "Law"]

OTHER_ORDER = "the keys in another order"

Told = tuple[tuple[str, Json], ...]
"""Documents, each under a word for it."""


@dataclass(frozen=True)
class Broken:
    """How a document breaks a law.

    Attributes:
        fault: what was found and expected; its ``where`` is the line of the spec to look at.
        documents: the document and what became of it, each under a word for it.
    """

    fault: Fault
    documents: Told


@dataclass(frozen=True)
class Law:
    """One law.

    Attributes:
        name: its name for programs and commands.
        words: what it says.
        check: how a document that fits the schema at the beginning of a way breaks it on that way.
        goes_back: whether it is about the way back, and so not about what has none.
        of_steps: whether it is checked of each migration.
        of_ways: whether it is checked of several migrations behind each other.
        of_records: whether it is about all that becomes of a record, and so not checked where ``records:`` alters it.
    """

    name: str
    words: str
    check: Callable[[Way, Json], Broken | None]
    goes_back: bool = False
    of_steps: bool = True
    of_ways: bool = False
    of_records: bool = True

    def applies(self, way: Way) -> bool:
        """Whether the law is about a way."""
        if self.of_records and way.alters_by_records:
            return False
        return (self.of_steps if way.is_one_step else self.of_ways) and not (self.goes_back and way.irreversible)


def _total(way: Way, document: Json) -> Broken | None:
    result = way.up(document)
    if not isinstance(result, RecordRefused) or _does_not_fit(result) or is_named(way, result, document):
        return None
    return _refusal(way, result, ("before", document))


def _typed(way: Way, document: Json) -> Broken | None:
    result = way.up(document)
    if not isinstance(result, RecordRefused) or not _does_not_fit(result):
        return None
    made = way.made(document)
    broken = _misfit(way, made, way.schema_after, (("before", document), ("after", made)))
    return None if is_allowed(way, "refuted", broken.fault.where) else broken


def _there_and_back(way: Way, document: Json) -> Broken | None:
    up = way.up(document)
    if isinstance(up, RecordRefused):
        return None
    told = ("before", document), ("after", up)
    back = way.down(up)
    if isinstance(back, RecordRefused):
        step = way.refuses_back(up)
        if not _does_not_fit(back) and step is not None and step.losses():
            return None
        broken = _misfit_back(way, up, told) if _does_not_fit(back) else _refusal(way, back, *told)
        return None if is_allowed(way, "refuted-downgrade", broken.fault.where) else broken
    if way.is_lossy:
        return None  # what comes back instead is looked at step by step, by the law of honesty
    return _unlike(way, (way.bare(back), way.bare(document)), "came back", (*told, ("back again", back)))


def _back_and_there(way: Way, document: Json) -> Broken | None:
    up = way.up(document)
    down = up if isinstance(up, RecordRefused) else way.down(up)
    if isinstance(down, RecordRefused):
        return None
    told = ("before", document), ("after", up), ("back again", down)
    again = way.up(down)
    if isinstance(again, RecordRefused):
        return None if is_named(way, again, down) else _refusal(way, again, *told)
    both = way.bare(again), way.bare(up)
    if way.is_lossy and _is_excused(way, *map(tidied, both)):
        return None
    return _unlike(way, both, "came out the second time", (*told, ("after again", again)))


def _is_excused(way: Way, found: Json, expected: Json) -> bool:
    """Whether documents differ only in the order of keys, and where a step declares a loss that is known to be one.

    What a hook loses nobody knows; so all of it is declared, and nothing of it is excused.
    """
    lossy = [step for step in way.steps if step.losses() and not calls(step)]
    places = (Path(segments) for segments, _, _ in differences(found, expected, ()))
    return all(any(step.touches(place) for step in lossy) for place in places)


def _frame(way: Way, document: Json) -> Broken | None:
    for act in way.acts(document):
        path = next(disturbed(act.before, act.after, act.step), None)
        if path is not None:
            where = f" at {str(path)!r}" if path.segments else ""
            found = f"a change{where} was found"
            expected = "none was expected, as the step says that it does not write there"
            fault = Fault(found, expected, "", act.step.place or way.last.place("steps"), "frame")
            return Broken(fault, _told_of(act, document))
    return None


def _fusion(way: Way, document: Json) -> Broken | None:
    at_once, in_turn = way.up(document), way.up_step_by_step(document)
    told = ("before", document)
    if isinstance(in_turn, RecordRefused):
        if isinstance(at_once, RecordRefused) or _does_not_fit(in_turn):
            return None  # what does not fit a schema on the way breaks another law
        return _refusal(way, in_turn, told, ("after, in one pass", at_once))
    if isinstance(at_once, RecordRefused):
        return _refusal(way, at_once, told, ("after, version by version", in_turn))
    both = ("after, in one pass", at_once), ("after, version by version", in_turn)
    nested = way.last.stamp.path is not None and len(way.last.stamp.path.segments) > 1
    found, expected = way.bare(at_once), way.bare(in_turn)
    if nested and equal(found, expected):  # where the object around the stamp stands depends on when it is made
        return None
    return _unlike(way, (found, expected), "came out in one pass", (told, *both))


def _schema_agreement(way: Way, document: Json) -> Broken | None:
    acts = list(way.acts(document))
    if len(acts) < len(way.steps) or not acts or way.foretells(acts[-1].after):
        return None
    found = "a document that the steps were not expected to make was found"
    fault = Fault(
        found, "one of the shape derived from the schema was expected", "please report it", way.last.place("steps")
    )
    return Broken(fault, (("before", document), ("after", acts[-1].after)))


def _idempotence(way: Way, document: Json) -> Broken | None:
    up = way.up(document)
    if isinstance(up, RecordRefused):
        return None
    told = ("before", document), ("after", up)
    for result, what in ((way.again(up), "came out of what was at the target"), (way.up(document), "came out later")):
        if isinstance(result, RecordRefused):
            return _refusal(way, result, *told)
        broken = _unlike(way, (result, up), what, (*told, ("after again", result)))
        if broken is not None:
            return broken
    return None


def _loss_honesty(way: Way, document: Json) -> Broken | None:
    for act in way.acts(document):
        losses, back = act.step.losses(), way.undone(act)
        place = act.step.place or way.last.place("steps")
        if isinstance(back, (Refused, Irreversible)):
            if not losses and encode(act.before) != encode(act.after):
                found = "a step that cannot be undone was found"
                return Broken(Fault(found, "it was expected to declare a loss", "", place), _told_of(act, document))
            continue
        found, expected = (without(copied(one), losses) for one in (back, act.before))
        broken = _unlike(way, (found, expected), "came back", (*_told_of(act, document), ("back again", back)), place)
        if broken is not None:
            return broken
    return None


LAWS: tuple[Law, ...] = (
    Law("total", "What fits the schema is carried over, or refused where the spec says so.", _total),
    Law("typed", "What comes out fits the schema of the new version.", _typed),
    Law(
        "there-and-back",
        "What went up comes down as it was, but for what is declared lost.",
        _there_and_back,
        goes_back=True,
        of_ways=True,
    ),
    Law(
        "back-and-there",
        "What came down goes up again to what it was.",
        _back_and_there,
        goes_back=True,
        of_ways=True,
    ),
    Law("frame", "What no step writes stays as it is, byte for byte.", _frame, of_records=False),
    Law("fusion", "In one pass comes out what comes out version by version.", _fusion, of_steps=False, of_ways=True),
    Law(
        "schema-agreement",
        "What the steps make is what was derived from the schema and the steps.",
        _schema_agreement,
        of_records=False,
    ),
    Law(
        "idempotence",
        "A second run gives the same, and changes nothing of what is at the target.",
        _idempotence,
        of_ways=True,
    ),
    Law("loss-honesty", "What a step does not bring back it declares lost.", _loss_honesty, of_records=False),
)
"""The laws in the order of the language's description."""


# ---------------------------------------------------------------------------------------------- what is told


def _does_not_fit(refused: RecordRefused) -> bool:
    """Whether it was a schema, and no step, that refused a document."""
    return refused.fault.code == "schema"


def _refusal(way: Way, refused: RecordRefused, *documents: tuple[str, Json]) -> Broken:
    where = f" at {refused.path!r}" if refused.path else ""
    place = refused.fault.where if isinstance(refused.fault.where, Place) else way.last.place("steps")
    fault = refused.fault
    return Broken(Fault(f"{fault.found}{where}", fault.expected, fault.remedy, place, "refused"), documents)


def _misfit(way: Way, found: Json, schema: Schema, documents: Told) -> Broken:
    """What does not fit a schema, with the line that is most likely at fault."""
    mismatch = schema.best_mismatch(found)
    fault = mismatch.fault()
    where = f" at {mismatch.where!r}" if mismatch.where else ""
    expected, place = f"{fault.expected} (by {schema.file})", way.blame(broken_place(mismatch))
    return Broken(Fault(f"{fault.found}{where}", expected, fault.remedy, place, "schema"), documents)


def _misfit_back(way: Way, document: Json, documents: Told) -> Broken:
    back, schema = way.unmade(document)
    return _misfit(way, back, schema, (*documents, ("back again", back)))


def _unlike(way: Way, both: tuple[Json, Json], came: str, documents: Told, place: Place | None = None) -> Broken | None:
    """That what was found is not what was expected; ``None`` where it is, byte for byte."""
    found, expected = both
    if encode(found) == encode(expected):
        return None
    difference = next(differences(found, expected, ()), None)
    if difference is None:
        fault = Fault(f"{OTHER_ORDER} {came}", "the same order was expected", "", place or way.last.place("steps"))
        return Broken(fault, documents)
    segments, one, other = difference
    path = Path(segments)
    fault = Fault(f"{shown(one)} {came} at {str(path)!r}", f"{shown(other)} was expected", "", place or way.blame(path))
    return Broken(fault, documents)


def _told_of(act: Act, document: Json) -> Told:
    """A document and what one of several steps did."""
    first = () if encode(document) == encode(act.before) else (("before the step", act.before),)
    return ("before", document), *first, ("after the step", act.after)
