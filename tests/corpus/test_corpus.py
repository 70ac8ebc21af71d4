"""Steps that real programs made to their stored documents: each has a spec here, which must do what the program did.

The documents come from the programs' own tests and are not part of this repository. They lie beside it, in
``../shared/corpus``, and what needs them is skipped where they are not there. The specs are read and their examples are
run without them. A spec is a project of its own: its collection, the schemas of its two versions, and the hooks.

Beside most specs lie the schemas of the documents before and after, as a developer of the program would write them;
they do not demand what the program's tests leave out of their documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec.codec import encode
from migrate_spec.compiler import compile_downgrade
from migrate_spec.crossing import crossings
from migrate_spec.documents import sampled
from migrate_spec.errors import Irreversible, RecordRejected
from migrate_spec.migration import Migration
from migrate_spec.operations.call import Call
from migrate_spec.operations.switch import Switch
from migrate_spec.proof import prove
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec, parse_spec
from migrate_spec.step import Step
from migrate_spec.store import Store
from tests.conftest import VERSION, data, make
from tests.way_back_support import Way, goes_back_and_there, goes_there_and_back, nowhere

__all__ = ["nowhere"]

HERE = Path(__file__).parent
CORPUS = HERE.parents[2] / "shared" / "corpus"
SPECS = sorted(HERE.glob("*/*.yaml"))

DESCRIBED = [file for file in SPECS if file.with_suffix(".before.json").is_file()]
"""The specs that have schemas of their own."""

WITHOUT_HOOK = 0.9
"""Of all steps."""
PROVED = 0.9
"""Of the steps that have schemas."""
PROVED_TRIALS = 100
"""Documents that are tried where a step is not proved."""

MADE = 300
"""How many documents are made of a schema; a third where they are far larger, or on the way back are all to fit."""

RETURNING = 20
"""How many of them go there and back, about."""

REFUSED = 0.1
"""Of the documents that a schema allows, how many a step may refuse."""

WIDER = {
    "adguardhome/24_to_25": "a port for profiling that was chosen since",
    "hoppscotch/gql_3_to_4": "a token by a code without a secret",
    "hoppscotch/rest_12_to_13": "a token of JSON as a way to authenticate",
    "hoppscotch/rest_4_to_5": "a token by a code without a secret",
    "hoppscotch/rest_5_to_6": "a body of bytes",
    "tldraw/asset.image_6": "how many pixels stand for one",
    "tldraw/instance_presence_6": "null in place of an activity, a camera, a cursor or bounds",
    "tldraw/shape.geo_4": "a check box",
    "tldraw/shape_4": "the colour white",
}
"""What a document may have after a step that the older version does not know: such ones do not fit on the way back."""

DRAWN = {
    ("hoppscotch", "collection 4->5"): ("_ref_id", r"(coll_).+"),
    ("hoppscotch", "rest 15->16"): ("_ref_id", r"(req_).+"),
    ("hoppscotch", "environment 0->1"): ("id", r"().+"),
    ("tldraw", "store/5"): ("index", r"(a0)[0-9A-Za-z]{2}[1-9A-Za-z]"),
}
"""The field that the program makes by chance in a step, and what it looks like; only the group is not by chance."""

needs_documents = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the documents of real programs are not there (../shared/corpus)"
)

Case = dict[str, Any]
Load = Callable[[Path], Migration]


def steps() -> list[tuple[str, str, int]]:
    """The source, the name and the number of cases of each step; none where the documents are not there."""
    file = CORPUS / "steps.tsv"
    rows = [line.split("\t") for line in file.read_text("utf-8").splitlines()[1:]] if file.is_file() else []
    return [(source, step, int(number)) for source, step, _, number in rows]


@cache
def cases() -> Sequence[Case]:
    """All cases; none where the documents are not there."""
    file = CORPUS / "cases.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []


def spec_file(source: str, step: str) -> Path:
    """Where the spec of a step lies."""
    return HERE / source / f"{step.replace('->', '_to_').replace(' ', '_').replace('/', '_')}.yaml"


def parsed(file: Path) -> Spec:
    """The spec in a file, which must have no fault."""
    spec, faults = parse_spec(file.read_text("utf-8"), str(file))
    assert [str(fault) for fault in faults] == []
    assert spec is not None
    return spec


@cache
def about_records() -> frozenset[Path]:
    """The specs that are about whole records, and do nothing to a single document."""
    return frozenset(file for file in SPECS if parsed(file).records)


def params(*, whole: bool) -> list[Any]:
    """The cases of specs about whole records, or all others; where the documents are not there, one to be skipped."""
    found = [case for case in cases() if (spec_file(case["source"], case["step"]) in about_records()) is whole]
    return [pytest.param(case, id=f"{case['id']} {case['step']}") for case in found] or [pytest.param({}, id="none")]


def schema(file: Path, spec: Spec, version: int) -> Any:
    """The schema of a version; where there is none, the shape as far as the step needs it, and the version's mark."""
    own = file.with_suffix(".before.json" if version == spec.from_version else ".after.json")
    if own.is_file():
        return json.loads(own.read_text("utf-8"))
    shape = file.parent / f"{spec.collection}.schema.json"
    content = json.loads(shape.read_text("utf-8")) if shape.is_file() else {"type": "object"}
    return content | marked(spec, version)


def marked(spec: Spec, version: int) -> dict[str, Any]:
    """A schema of no more than a version's mark."""
    marks = mark_of(spec, version)
    return {"properties": {name: {"const": mark} for name, mark in marks.items()}, "required": list(marks)}


def mark_of(spec: Spec, version: int) -> dict[str, Any]:
    """The field with which a record says its version; none where it cannot."""
    mark = str(version) if spec.stamp.as_text else version
    return {str(spec.stamp.path): mark} if spec.stamp.path is not None else {}


def write_project(file: Path, folder: Path) -> ms.Project:
    """The project that a spec is alone, written into a folder and loaded."""
    spec = parsed(file)
    first, last = spec.from_version, spec.to_version
    for kind in ("specs", "schemas"):
        (folder / kind / spec.collection).mkdir(parents=True)
    (folder / "specs" / spec.collection / f"v{first}_to_v{last}.yaml").write_text(file.read_text("utf-8"), "utf-8")
    for version in (first, last):
        written = json.dumps(schema(file, spec, version))
        (folder / "schemas" / spec.collection / f"v{version}.json").write_text(written, "utf-8")
    (folder / "hooks").symlink_to(HERE / "hooks")
    return ms.load(folder / "specs", folder / "schemas")


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """A function that loads a spec's project and gives its one migration."""

    @cache
    def loaded(file: Path) -> Migration:
        (migration,) = write_project(file, tmp_path_factory.mktemp("project")).registry
        return migration

    return loaded


def canonical(value: Any) -> str:
    """A JSON value as a text that two values share only where they are the same."""
    return json.dumps(value, sort_keys=True)


def undrawn(value: Any, field: str, pattern: str, drawn: list[str]) -> Any:
    """A value with what was left to chance taken out of each field of a name, and added to ``drawn``."""
    if isinstance(value, list):
        return [undrawn(item, field, pattern, drawn) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: undrawn(part, field, pattern, drawn) for name, part in value.items()}
    match = re.fullmatch(pattern, found[field]) if isinstance(found.get(field), str) else None
    if match:
        drawn.append(found[field])
        found[field] = match[1]
    return found


def operations(parts: Sequence[Step]) -> Iterator[Step]:
    """The steps that have an operation, at any depth."""
    for step in parts:
        if isinstance(step.body, tuple):
            yield from operations(step.body)
            continue
        yield step
        if isinstance(step.body, Switch):
            yield from operations(list(step.body._steps()))


@needs_documents
def test_each_step_has_a_spec() -> None:
    """A spec has a file of its own, and there is none that no step is for."""
    found = [spec_file(source, step) for source, step, _ in steps()]
    assert sorted(found) == SPECS
    assert len(found) == 110


@pytest.mark.parametrize("file", SPECS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_each_spec_is_without_fault(file: Path, load: Load) -> None:
    """A spec is read with its schemas and hooks as any project is, and its examples hold."""
    migration = load(file)
    assert migration.spec.text == parsed(file).text
    assert migration.spec.description


@needs_documents
def test_a_step_without_documents_has_examples() -> None:
    """Where the program has no document to show, the spec has documents of our own, which are run when it is read."""
    bare = [spec_file(source, step) for source, step, number in steps() if number == 0]
    assert [file for file in bare if not parsed(file).examples] == []
    assert len(bare) == 7
    assert sum(number for _, _, number in steps()) == len(cases())


@needs_documents
@pytest.mark.parametrize("case", params(whole=False))
def test_each_document_becomes_what_it_should(case: Case, load: Load) -> None:
    """A document becomes what the program made of it; one that stays as it is stays the same object but for its mark.

    What the program made by chance is a text of the same kind, at the same places, and no two are the same.
    """
    migration = load(spec_file(case["source"], case["step"]))
    spec, value = migration.spec, encode(case["before"])
    assert migration.schema_before.is_valid({**mark_of(spec, spec.from_version), **case["before"]})
    result = json.loads(migration.migrate_item(b"key", value))
    field, pattern = DRAWN.get((case["source"], case["step"]), ("", ""))
    drawn: list[str] = []
    ours, theirs = undrawn(result, field, pattern, drawn), undrawn(case["after"], field, pattern, [])
    assert canonical(ours) == canonical(theirs)
    assert len(set(drawn)) == len(drawn)
    assert "nondeterministic" not in case or drawn
    if case["noop"]:
        unmarked = Migration(spec, Schema({}), Schema({}))
        assert unmarked.migrate_item(b"key", value) is value


@needs_documents
@pytest.mark.parametrize("case", params(whole=True))
def test_records_become_what_they_should(case: Case, tmp_path: Path) -> None:
    """A real database has the records that the program's had, and has the old ones again after a rollback."""
    file = spec_file(case["source"], case["step"])
    project = write_project(file, tmp_path / "project")
    before = {key.encode(): encode(record) for key, record in case["before"].items()}
    database = make(tmp_path / "db", before | {VERSION: b"%d" % parsed(file).from_version})
    manager = ms.MigrationManager(database, project)
    manager.apply()
    assert data(database) == {key.encode(): encode(record) for key, record in case["after"].items()}
    manager.rollback()
    assert data(database) == before


@pytest.mark.parametrize(
    "file", sorted(set(SPECS) - about_records()), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_the_way_back(file: Path, load: Load, nowhere: Store) -> None:
    """With what is kept each record comes back to the byte, and goes up again as it went; of some nothing need be kept.

    Without it a step that loses nothing is undone byte for byte; any other gives a document that it makes the same of
    again, or says in a sentence why there is no way back.
    """
    migration = load(file)
    spec, lossless, reason = migration.spec, not migration.losses(), why_not(migration)
    own = [example.before for example in spec.examples]
    documents = own + [case["before"] for case in cases() if spec_file(case["source"], case["step"]) == file]
    assert documents or not CORPUS.is_dir()
    assert not reason or (not lossless and re.fullmatch(r".+ was found, .+ was expected.*", reason))
    way = way_of(migration, nowhere)
    for document in documents:
        value = encode({**mark_of(spec, spec.from_version), **document})
        assert way is None or goes_there_and_back(way, value, (spec.from_version, spec.to_version))
        if reason:
            continue
        after = migration.migrate_item(b"key", value)
        back = migration.downgrade_item(b"key", after)
        assert not lossless or back == value
        assert canonical(json.loads(migration.migrate_item(b"key", back))) == canonical(json.loads(after))


def way_of(migration: Migration, nowhere: Store) -> Way | None:
    """The way of records over a step, there and back; none where a hook cannot be undone at all."""
    spec = migration.spec
    schemas = {spec.from_version: migration.schema_before, spec.to_version: migration.schema_after}
    if any(isinstance(step.body, Call) and step.body.reverse is None for step in operations(spec.steps)):
        with pytest.raises(Irreversible):
            crossings([spec], spec.from_version, down=True)
        return None
    return Way((spec,), nowhere, schemas)


def why_not(migration: Migration) -> str:
    """The sentence that says why a step cannot be undone; empty where it can."""
    try:
        compile_downgrade(migration.spec, None)
    except Irreversible as error:
        return str(error)
    return ""


def test_few_steps_need_a_hook() -> None:
    """Nine steps of ten are said by operations alone, and each hook stands beside a note that says why it must."""
    called = {file: [step for step in operations(parsed(file).steps) if isinstance(step.body, Call)] for file in SPECS}
    without = [file for file, calls in called.items() if not calls]
    assert len(without) >= WITHOUT_HOOK * len(SPECS), f"{len(without)} of {len(SPECS)} steps need no hook"
    assert [file for file, calls in called.items() if not all(step.note for step in calls)] == []


def test_most_steps_have_schemas() -> None:
    """A pair of schemas beside its spec, which calls no hook and is not about whole records."""
    pairs = sorted(HERE.glob("*/*.before.json")), sorted(HERE.glob("*/*.after.json"))
    assert pairs == tuple([file.with_suffix(f".{side}.json") for file in DESCRIBED] for side in ("before", "after"))
    assert len(DESCRIBED) >= 60
    bodies = [step.body for file in DESCRIBED for step in operations(parsed(file).steps)]
    assert not any(isinstance(body, Call) for body in bodies)
    assert not about_records() & set(DESCRIBED)


def test_most_steps_are_proved(load: Load) -> None:
    """Of the steps that have schemas: what they make fits, whatever the document is; and none of them is refuted."""
    verdicts = {file: prove(load(file), most=PROVED_TRIALS) for file in DESCRIBED}
    kinds = [verdict.kind for verdict in verdicts.values()]
    assert len(kinds) >= 40
    assert kinds.count("proved") >= PROVED * len(kinds)
    assert [file for file, verdict in verdicts.items() if verdict.kind == "refuted"] == []


@pytest.mark.parametrize("file", DESCRIBED, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_documents_of_a_schema_become_ones_of_the_next(file: Path, load: Load, nowhere: Store) -> None:
    """What the schema before allows, and the step does not refuse, fits the schema after; and so backwards.

    Where the newer version is wider, there are documents that do not fit on the way back, and nowhere else. With what
    is kept each document comes back to the byte, and goes up again as it went.
    """
    migration = load(file)
    spec, before, after = migration.spec, migration.schema_before, migration.schema_after
    first, last = spec.from_version, spec.to_version
    bare = Migration(spec, Schema(marked(spec, first)), Schema(marked(spec, last)))
    number = MADE // 3 if "Folder" in before.content.get("$defs", {}) else MADE
    olds = list(documents(before, mark_of(spec, first), number))
    results = [carried(bare.migrate_item, made) for made in olds]
    assert [result for result in results if result is not None and not after.is_valid(result)] == []
    assert results.count(None) <= REFUSED * number
    way = way_of(migration, nowhere)
    assert way is not None
    ways = [goes_there_and_back(way, encode(made), (first, last)) for made in olds[:: number // RETURNING]]
    assert all(goes is (result is not None) for goes, result in zip(ways, results[:: number // RETURNING], strict=True))
    if why_not(migration):
        return
    wider = f"{file.parent.name}/{file.stem}" in WIDER
    made = documents(after, mark_of(spec, last), MADE if wider else MADE // 3)
    news = list(made)
    for document in news[:5]:
        goes_back_and_there(way, encode(document), last)
    back = (carried(bare.downgrade_item, document) for document in news)
    assert all(result is None or before.is_valid(result) for result in back) is not wider


def documents(allowing: Schema, marks: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """Documents that a schema allows, with the mark as records have it: to a schema ``10.0`` is 10, too."""
    return ({**document, **marks} for document in islice(sampled(allowing), number))


def carried(carry: Callable[[bytes, bytes], bytes], document: dict[str, Any]) -> Any:
    """What becomes of a document; ``None`` where it is refused."""
    try:
        return json.loads(carry(b"key", encode(document)))
    except RecordRejected:
        return None
