"""What becomes of a mutant: whether it is wrong at all, and what catches it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import migrate_spec as ms
from migrate_spec.allowing import allowed
from migrate_spec.codec import Json, copied, encode
from migrate_spec.compiler import RecordRefused
from migrate_spec.document import Refused, equal
from migrate_spec.documents import sampled
from migrate_spec.errors import Severity
from migrate_spec.examples import example_faults
from migrate_spec.findings import FINDINGS
from migrate_spec.laws import LAWS
from migrate_spec.lints import lints
from migrate_spec.migration import Migration
from migrate_spec.proof import prove
from migrate_spec.refusals import names_of
from migrate_spec.schema import Schema
from migrate_spec.spec import parse_spec
from migrate_spec.trials import generated
from migrate_spec.ways import Way
from tests import SPEC_FILE
from tests.conftest import SCHEMAS, SPECS
from tests.corpus.test_corpus import DESCRIBED, cases, spec_file
from tests.mutants import Mutant, mutants

__all__ = ["Judged", "Subject", "subjects"]

COMPARED = 1000
"""Documents, each way, that tell whether a mutant does what the spec does."""
MOST_BYTES = 300_000
"""Of those documents, each way."""
TRIED = 1_000
"""Documents that ``validate`` tries where there is no proof, if they are small: so many take it about a second."""
FEW = 20
"""Documents that tell how large they are."""
MADE = 200
"""Documents of which ``test`` tries the laws, unless it is told another number."""

Difference = Literal["", "order", "up", "down"]
"""How what a mutant makes differs: not at all, in the order of fields alone, upwards, or backwards alone."""

Told = tuple[str, str]
"""The code or the name of what is found, and what is said of it."""


@dataclass
class Judged:
    """What is known of a mutant.

    Attributes:
        spec: the name of the spec that it was made of.
        mutant: the mutant.
        differs: how it differs from that spec.
        caught: what catches it, with what is said of it: ``read``, the code of an error, ``law`` and its name,
            ``examples``, ``warning`` and its code. Only the cheapest of those that are no examples is there.
    """

    spec: str
    mutant: Mutant
    differs: Difference
    caught: dict[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> bool:
        """Whether it is a mistake: what a document shows, or a reader who refuses it."""
        return self.differs in {"up", "down"} or "read" in self.caught

    @property
    def is_only_warned_of(self) -> bool:
        """Whether what catches it are warnings, which fail ``validate --strict`` alone."""
        return bool(self.caught) and all(what.startswith("warning") for what in self.caught)

    @property
    def name(self) -> str:
        """Its name in the list of those that are missed."""
        return f"{self.spec} {self.mutant}"


@dataclass(frozen=True, eq=False)
class Subject:
    """A right spec, with all that its mutants are measured by.

    Attributes:
        name: the name of its file.
        file: the file.
        before, after: its schemas.
    """

    name: str
    file: Path
    before: Schema
    after: Schema

    def mutants(self) -> list[Mutant]:
        """The mutants of the spec."""
        return mutants(self.file.read_text("utf-8"))

    def judged(self, mutant: Mutant) -> Judged:
        """What becomes of a mutant; where something catches it nothing dearer is tried."""
        migration, told = self._read(mutant.text)
        if migration is None:
            return Judged(self.name, mutant, "up", {"read": told})
        caught = self._found(self._verdicts(migration), "error")
        differs: Difference = "up" if "refuted" in caught else self._difference(Way((migration,)))
        if differs not in {"up", "down"}:
            return Judged(self.name, mutant, differs, caught)
        caught = caught or self._found(_lints(migration), "error") or self._broken(migration)
        caught = caught or self._found([*self._verdicts(migration), *_lints(migration)], "warning")
        for fault in example_faults(migration):
            caught.setdefault("examples", str(fault))
        return Judged(self.name, mutant, differs, caught)

    # ------------------------------------------------------------------------------------------ what catches one

    def _read(self, text: str) -> tuple[Migration | None, str]:
        """The migration of a spec's text, or what is wrong with it."""
        spec, faults = parse_spec(text, SPEC_FILE)
        if spec is not None and not faults:
            spec, faults = spec.bound(self.before, self.after, None)
        if spec is None or faults:
            return None, str(faults[0])
        return Migration(spec, self.before, self.after), ""

    def _verdicts(self, migration: Migration) -> Iterator[Told]:
        """The verdicts that are no good news, as the codes with which ``validate`` tells them."""
        for backwards in (False, True):
            verdict = prove(migration, backwards=backwards, seconds=60, most=self._tried)
            if verdict.kind in {"refuted", "unknown"}:
                code = "refuted" if verdict.kind == "refuted" else "unproved"
                yield f"{code}-downgrade" if backwards else code, str(verdict.counterexample or verdict.why)

    def _found(self, findings: Iterable[Told], severity: Severity) -> dict[str, str]:
        """The first finding of a severity that the right spec has not; a refutation counts for an error, both ways."""
        for code, told in findings:
            wanted = "error" if code == "refuted-downgrade" else FINDINGS[code].severity
            if wanted == severity and code not in self._own_findings:
                return {code if severity == "error" else f"warning {code}": told}
        return {}

    def _broken(self, migration: Migration) -> dict[str, str]:
        """The first law that is broken which the right spec keeps."""
        found = ({f"law {name}": told} for name, told in _laws(migration) if name not in self._broken_laws)
        return next(found, {})

    # ---------------------------------------------------------------------------------------------- the right one

    @cached_property
    def migration(self) -> Migration:
        """The right migration."""
        migration, told = self._read(self.file.read_text("utf-8"))
        assert migration is not None, told
        return migration

    @cached_property
    def _way(self) -> Way:
        return Way((self.migration,))

    @cached_property
    def _tried(self) -> int:
        """How many documents ``validate`` tries: fewer where they are large, as a second is all it has."""
        size = sum(len(encode(document)) for document in generated(self._way, FEW))
        return min(TRIED, MOST_BYTES * FEW // size)

    @cached_property
    def _own_findings(self) -> frozenset[str]:
        return frozenset(code for code, _ in [*self._verdicts(self.migration), *_lints(self.migration)])

    @cached_property
    def _broken_laws(self) -> frozenset[str]:
        return frozenset(name for name, _ in _laws(self.migration))

    # ------------------------------------------------------------------------------------------------ difference

    @cached_property
    def _documents(self) -> list[Json]:
        """Documents of the version before: those of the program, and such as are made up."""
        own = [case["before"] for case in cases() if spec_file(case["source"], case["step"]) == self.file]
        own += [example.before for example in self.migration.spec.examples]
        return [*own, *_bounded(generated(self._way, COMPARED, seed=1))]

    @cached_property
    def _results(self) -> list[Json | None]:
        return [_carried(self._way.up(document)) for document in self._documents]

    @cached_property
    def _later(self) -> list[Json]:
        """Documents of the version after."""
        stamp, version = self.migration.spec.stamp, self.migration.to_version
        found = [result for result in self._results if result is not None]
        for document in _bounded(islice(sampled(self.after, names_of(self.before), 1), COMPARED)):
            with suppress(Refused):
                marked = document if stamp.path is None else stamp.stamped(copied(document), version)
                found += [marked] if self.after.is_valid(marked) else []
        return found

    @cached_property
    def _back(self) -> list[Json | None]:
        return [] if self._way.irreversible else [_carried(self._way.down(document)) for document in self._later]

    def _difference(self, way: Way) -> Difference:
        order = False
        for document, result in zip(self._documents, self._results, strict=True):
            differs = _differs(_carried(way.up(document)), result)
            if differs is True:
                return "up"
            order = order or differs is None
        if bool(way.irreversible) != bool(self._way.irreversible):
            return "down"
        for document, result in zip(self._later, self._back, strict=False):
            differs = _differs(_carried(way.down(document)), result)
            if differs is True:
                return "down"
            order = order or differs is None
        return "order" if order else ""


def _bounded(documents: Iterable[Json]) -> Iterator[Json]:
    """Documents, as long as all of them together are not too large."""
    left = MOST_BYTES
    for document in documents:
        left -= len(encode(document))
        if left < 0:
            break
        yield document


def _carried(result: Any) -> Json | None:
    return None if isinstance(result, RecordRefused) else result


def _differs(one: Json | None, other: Json | None) -> bool | None:
    """Whether two results differ; ``None`` where they do so in the order of their fields alone."""
    if one is None or other is None:
        return one is not other
    if encode(one) == encode(other):
        return False
    return None if equal(one, other) else True


def _lints(migration: Migration) -> Iterator[Told]:
    """What else ``validate`` finds."""
    return ((fault.code, str(fault)) for fault in lints(migration) if not allowed(migration.spec, fault))


def _laws(migration: Migration) -> Iterator[Told]:
    """The laws that a migration breaks on documents that are made up, each once, with what is told of it."""
    way = Way((migration,))
    laws = [law for law in LAWS if law.applies(way)]
    for document in _bounded(generated(way, MADE)):
        record = way.record(document)
        for law in tuple(laws):
            broken = None if record is None else law.check(way, record)
            if broken is not None:
                laws.remove(law)
                yield law.name, str(broken.fault)


def subjects() -> Iterator[Subject]:
    """The shipped specs, and those of real programs that have schemas of their own."""
    for migration in ms.load(SPECS, SCHEMAS).registry:
        file = SPECS / migration.collection / f"v{migration.from_version}_to_v{migration.to_version}.yaml"
        name = f"specs/{migration.collection}"
        yield Subject(name, file, migration.schema_before, migration.schema_after)
    for file in DESCRIBED:
        schemas = [file.with_suffix(f".{side}.json") for side in ("before", "after")]
        yield Subject(f"{file.parent.name}/{file.stem}", file, *map(_schema, schemas))


def _schema(file: Path) -> Schema:
    return Schema(json.loads(file.read_text("utf-8")), str(file))
