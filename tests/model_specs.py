"""The specs of the model's project, and what becomes of single records on their way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.model_kept import ABSENT, Crossed, Document, Kept, Place, lost, merged, same
from tests.model_state import State
from tests.model_steps import FAMILIES, STAMP, Refused, Shape, Step, collection_of, stamped, step_of, version_of

Changed = tuple[bytes, Document] | None
"""What becomes of a record: its key and document; none where it goes."""

Loss = tuple[str, tuple[int, int], str, str]
"""What a record loses: its collection, in which step, at which path, and how."""


@dataclass
class Way:
    """A record on its way.

    Attributes:
        kept: what is known of it, before.
        now: where it is.
        moves: whether a step on the way moves records.
        steps: those that the collection may have behind it.
        unkept: the steps of which not all is known any more, as collections and versions.
        known: what is known of it now, besides.
        losses: what it loses.
    """

    kept: Kept
    now: Changed
    moves: bool = False
    steps: Sequence[Step] = ()
    unkept: Collection[tuple[str, int]] = ()
    known: dict[Place, Crossed] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)

    def take(self, place: Place) -> Crossed | None:
        """What is known of it at a place."""
        return self.known.pop(place, None) or self.kept.get(place)

    def stays(self, document: Document, step: Step) -> bool:
        """Whether the steps that a document says not to have behind would leave it as it is."""
        for earlier in self.steps:
            if version_of(document) <= earlier.from_version < step.from_version:
                try:
                    if not same(_forth(earlier, document), document):
                        return False
                except Refused:
                    return False
        return True


class Specs:
    """The specs of a project.

    Attributes:
        newest: the newest version that they lead to.
        steps: all version steps, in the order of their versions.
        shapes: of each collection, by version.
    """

    def __init__(self) -> None:
        """None so far."""
        self.newest = 1
        self.steps: list[Step] = []
        self.shapes = {name: [Shape.first(name)] for name in FAMILIES}

    def add(self, kinds: Mapping[str, str]) -> list[Step]:
        """Steps to the next version, by their kinds, of some collections."""
        added = [
            step_of(kind, self.newest, self.shapes[name][-1], self.since(name, self.newest))
            for name, kind in kinds.items()
        ]
        for shapes in self.shapes.values():
            shapes.append(shapes[-1])
        for step in added:
            self.shapes[step.collection][-1] = step.after
        self.newest += 1
        self.steps += added
        return added

    def since(self, collection: str, version: int) -> int:
        """The version that led to the shape which a collection has at a version."""
        return max([1, *(step.from_version + 1 for step in self.between(1, version, collection))])

    def losing(self, kept: Kept) -> dict[tuple[str, int], int]:
        """The steps upwards that have lost something of records, and how many of them they have deleted."""
        steps = {(step.collection, step.from_version): step for step in self.steps}
        found = Counter[tuple[str, int]]()
        for (key, version, way), one in kept.items():
            place = collection_of(key), version
            if way == "gone" or (way == "up" and not same(_back(steps[place], one.here), one.there)):
                found[place] += way == "gone"
        return dict(found)

    def touched(self, first: int, last: int) -> frozenset[str]:
        """The collections that the steps from a version to another touch."""
        return frozenset(step.collection for step in self.steps if first <= step.from_version < last)

    def between(self, first: int, last: int, collection: str | None = None) -> list[Step]:
        """The steps from a version to another, of one collection or of all."""
        steps = (step for step in self.steps if first <= step.from_version < last)
        return [step for step in steps if collection in {None, step.collection}]

    def carried(self, key: bytes, document: Document | None, first: int, last: int, kept: Kept | None = None) -> Way:
        """What becomes of a record on its way up.

        Raises:
            Refused: it cannot be carried over.
        """
        if document is None:
            raise Refused
        steps, before = self.between(first, last, collection_of(key)), self.between(1, first, collection_of(key))
        way = Way(kept or {}, (key, document), bool(steps) and any(step.moves_records for step in (*before, *steps)))
        for step in before if way.moves else ():
            if version_of(document) <= step.from_version and step.loses:  # so it is seen that nothing was lost
                way.known[key, step.from_version, "up"] = Crossed(document, document, key)
        for step in steps:
            if way.now is not None:
                _up(step, *way.now, way)
        return way

    def carried_back(self, key: bytes, document: Document | None, first: int, last: int, state: State) -> Way:
        """What becomes of a record on its way down.

        Raises:
            Refused: it cannot be carried back.
        """
        if document is None:
            raise Refused
        steps = self.between(1, first, collection_of(key))
        way = Way(state.kept, (key, document), steps=steps, unkept=state.unkept)
        for step in reversed(self.between(last, first, collection_of(key))):
            assert way.now is not None
            _down(step, *way.now, way)
        return way


def _up(step: Step, key: bytes, document: Document, way: Way) -> None:
    """Take a record up by one step."""
    before, version = way.take((key, step.from_version, "down")), step.from_version
    after = _forth(step, document)
    if (before is None or before.key is None) and step.drops(after):
        way.now, way.known[key, version, "gone"] = None, Crossed(document, document, key)
        return
    to = key if step.after.template == step.before.template else _moved(step.after, step.before, key, document)
    after = stamped(after, version + 1) if to != key else after
    if before is not None:
        after, conflicts = merged(_forth(step, before.here), before.there, after)
        way.losses += [(step.collection, (version, version + 1), path, "conflict") for path in conflicts]
    way.now = to, after
    guess, made_up = _back(step, after), any(_is_new(name, after, document) for name in step.loses)
    if (way.moves and step.loses) or made_up or not same(guess, document):
        way.known[to, version, "up"] = Crossed(after, document, key)


def _down(step: Step, key: bytes, document: Document, way: Way) -> None:
    """Take a record down by one step."""
    before, version = way.take((key, step.from_version, "up")), step.from_version
    if version_of(document) <= version:
        way.now = key, document
        return
    after = _back(step, document, refuses=True)
    if before is not None:
        after, conflicts = merged(_back(step, before.here), before.there, after)
        if not way.stays(after, step):  # the edits made one of this version of it
            after = stamped(after, step.since)
        told = dict.fromkeys(conflicts, "conflict")
    else:
        unkept = (step.collection, version) in way.unkept
        told = {name: "dropped" for name in step.loses if unkept}
        told |= {name: "placeholder" for name in step.loses if _is_new(name, document, after)}
    told_kept = dict.fromkeys((path for path in lost(_forth(step, after), document) if path != STAMP), "kept")
    way.losses += [
        (step.collection, (version + 1, version), path, kind)
        for some in (told, told_kept)
        for path, kind in some.items()
    ]
    to = key if step.after.template == step.before.template else _moved(step.before, step.after, key, document)
    way.now, way.known[to, version, "down"] = (to, after), Crossed(after, document, key)


def _forth(step: Step, document: Document) -> Document:
    """A document after a step. One that says a later version has it behind."""
    if version_of(document) > step.from_version:
        return document
    after = step.change(document)
    return document if same(after, document) else stamped(after, step.from_version + 1)


def _back(step: Step, document: Document, *, refuses: bool = False) -> Document:
    """A document before a step, as its way back alone gives it; itself where that refuses it, if it may not."""
    if version_of(document) <= step.from_version:
        return document
    try:
        return stamped(step.back(document), step.since)
    except Refused:
        if refuses:
            raise
        return document


def _moved(to: Shape, of: Shape, key: bytes, document: Document) -> bytes:
    """The key that a record has in another shape; one like none of its shape stays where it is."""
    return to.key(document["id"]) if key == of.key(document["id"]) else key


def _is_new(name: str, before: Document, after: Document) -> bool:
    return name in after and not same(before.get(name, ABSENT), after[name])
