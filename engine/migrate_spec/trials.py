"""Trials: laws put to the test on many documents, and what is said of one that breaks a law."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from migrate_spec.codec import Json, encode
from migrate_spec.compiler import RecordRefused
from migrate_spec.laws import LAWS, Broken, Law
from migrate_spec.literals import literals
from migrate_spec.planting import planted
from migrate_spec.refusals import is_named, names_of
from migrate_spec.registry import MigrationRegistry
from migrate_spec.search import smallest
from migrate_spec.ways import Way

__all__ = ["Failure", "Trial", "generated", "one_law", "reproduce", "told", "try_laws", "ways_of"]

MOST_DRAWS = 5
"""Documents that are drawn for each that is wanted, as some are no records of their version."""

LONGEST_SHRINKING = 10.0
"""Seconds; then the smallest so far must do."""

OnDocument = Callable[[], None]
"""Is called when another document is behind."""


@dataclass(frozen=True)
class Failure:
    """A law that a document breaks.

    Attributes:
        way: where it does.
        law: the law.
        document: the document.
        broken: how it breaks the law.
    """

    way: Way
    law: Law
    document: Json
    broken: Broken


@dataclass
class Trial:
    """One way, and what came of putting the laws to the test on it.

    Attributes:
        way: the way.
        laws: the laws that were tried.
        left_out: those that are about the way back, where there is none.
        documents: how many documents were tried.
        refused: how many of them were refused on the way up, as the spec says.
        strangers: how many were left out as they do not fit the schema at the beginning of the way.
        failures: the first document that breaks a law, for each law that is broken.
        why: why there were no documents, in a sentence; empty where there were.
    """

    way: Way
    laws: tuple[Law, ...]
    left_out: tuple[Law, ...]
    documents: int = 0
    refused: int = 0
    strangers: int = 0
    failures: list[Failure] = field(default_factory=list)
    why: str = ""


def ways_of(registry: MigrationRegistry) -> list[Way]:
    """Each migration, and for each collection that has several all of them behind each other."""
    found = []
    for collection in registry.collections:
        migrations = registry.of(collection, registry.latest)
        found += [Way((migration,)) for migration in migrations]
        found += [Way(migrations)] if len(migrations) > 1 else []
    return found


def one_law(name: str) -> Law:
    """The law of a name.

    Raises:
        KeyError: there is none.
    """
    return {law.name: law for law in LAWS}[name]


def generated(way: Way, number: int, seed: int = 0) -> Iterator[Json]:
    """Documents that fit the schema at the beginning of a way.

    Args:
        way: the way.
        number: how many.
        seed: another one gives other documents.

    Raises:
        ValueError: no document can be made; in a sentence.
    """
    from migrate_spec.documents import sampled  # noqa: PLC0415 - imports Hypothesis, which is slow to start

    values = literals(way.migrations)
    drawn = planted(sampled(way.schema_before, names_of(way.schema_after), seed), way.schema_before, values, seed)
    some = islice(drawn, number * MOST_DRAWS)
    return islice((document for document in some if way.record(document) is not None), number)


def try_laws(
    way: Way,
    laws: Sequence[Law],
    documents: Iterable[Json],
    seconds: float,
    on_document: OnDocument = lambda: None,
) -> Trial:
    """Put laws to the test; a document that breaks one is made as small as possible.

    Args:
        way: the way.
        laws: the laws; those that are not about such a way are left out.
        documents: what to try.
        seconds: when to stop, whatever documents are left.
        on_document: is called after each document.
    """
    tried = tuple(law for law in laws if law.applies(way))
    left_out = tuple(law for law in laws if way.irreversible and law.goes_back)
    trial = Trial(way, tried, left_out)
    stop = time.monotonic() + seconds
    open_laws = list(tried)
    for document in documents if tried else ():
        record = way.record(document)
        if record is None:
            trial.strangers += 1
            continue
        trial.documents += 1
        outcome = way.up(record)
        trial.refused += isinstance(outcome, RecordRefused) and is_named(way, outcome, document)
        for law in tuple(open_laws):
            broken = law.check(way, record)
            if broken is not None:
                open_laws.remove(law)
                trial.failures.append(_smaller(Failure(way, law, record, broken)))
        on_document()
        if not open_laws or time.monotonic() >= stop:
            break
    return trial


def _smaller(failure: Failure) -> Failure:
    """A failure with the smallest document that breaks the law."""
    way, law = failure.way, failure.law
    stop = time.monotonic() + LONGEST_SHRINKING

    def breaks(one: Json) -> bool:
        if time.monotonic() >= stop:
            return False
        record = way.record(one)
        return record is not None and encode(record) == encode(one) and law.check(way, record) is not None

    found = smallest(failure.document, breaks)
    broken = law.check(way, found)
    # what depends on a clock or on chance breaks a law once, and perhaps not the next time
    return failure if broken is None else replace(failure, document=found, broken=broken)


# ---------------------------------------------------------------------------------------------- what is told


def told(failure: Failure, options: Sequence[str] = ()) -> str:
    """A failure as a person reads it: the law, the line of the spec, the documents, and the command to see it again.

    Args:
        failure: the failure.
        options: what else stands in the command, such as the folders.
    """
    width = max(len(word) for word, _ in failure.broken.documents)
    documents = (
        f"  {f'{word}:':<{width + 1}} {json.dumps(document, ensure_ascii=False)}"
        for word, document in failure.broken.documents
    )
    return "\n".join(
        [
            f"{failure.way.name} breaks the law {failure.law.name!r}: {failure.law.words}",
            f"  {failure.broken.fault}",
            *documents,
            f"  to reproduce: {reproduce(failure, options)}",
        ]
    )


def reproduce(failure: Failure, options: Sequence[str] = ()) -> str:
    """The command that puts the one document to the test again."""
    file = failure.way.first.place().file
    words = ["migrate-spec", "test", file, "--law", failure.law.name, *options]
    return shlex.join([*words, "--document", json.dumps(failure.document, ensure_ascii=False)])
