"""Specs: what a whole file says, what it means, and what is wrong with it beyond its single parts."""

from __future__ import annotations

import hashlib
import json
import pickle
from typing import Any

import pytest

from migrate_spec.errors import Place, SpecError
from migrate_spec.operations.add import Add
from migrate_spec.operations.rename import Rename
from migrate_spec.path import Path
from migrate_spec.spec import Example, Spec, parse_spec
from migrate_spec.stamp import Stamp
from migrate_spec.step import Step
from tests import SPEC_FILE, spec_of

WHOLE = """\
# yaml-language-server: $schema=../../schemas/spec.schema.json
collection: task
prefix: "task:"
from: 1
to: 2
description: Notes have authors.
stamp: {path: meta.v, as: string}
steps:
  - at: notes[]
    note: as in 2024
    do:
      - rename: {autor: author}
        if_exists: keep
  - add: {n: 1.5}
examples:
  - note: none
    before: {notes: []}
    after: {meta: {v: "2"}, notes: [], n: 1.5}
"""

HEAD = 'collection: task\nprefix: "task:"\nfrom: 1\nto: 2\n'

SAME = {
    "remarks": "# a remark\n" + HEAD + "steps: # another\n  - add: {a: 1} # and another\n",
    "other order of keys": 'steps: [{add: {a: 1}}]\nto: 2\nfrom: 1\nprefix: "task:"\ncollection: task\n',
    "block style": HEAD + "steps:\n- add:\n    a:   1\n",
    "other quotes": "\"collection\": 'task'\nprefix: 'task:'\nfrom: 1\nto: 2\nsteps: [{'add': {\"a\": 1}}]",
    "a description": HEAD + "description: New.\nsteps: [{add: {a: 1}}]",
    "a note": HEAD + "steps: [{add: {a: 1}, note: as agreed}]",
    "examples": HEAD + "steps: [{add: {a: 1}}]\nexamples: [{before: {}, after: {}}]",
    "a default said": HEAD + "steps: [{add: {a: 1}, if_exists: fail}]",
    "the usual stamp said": HEAD + "stamp: schema_version\nsteps: [{add: {a: 1}}]",
    "the usual stamp said in full": HEAD + "stamp: {path: '[\"schema_version\"]', as: integer}\nsteps: [{add: {a: 1}}]",
    "a path in quotes": HEAD + "steps: [{add: {'[\"a\"]': 1}}]",
    "an anchor": HEAD.replace("1", "&one 1") + "steps: [{add: {a: *one}}]",
    "integers as JSON Schema sees them": HEAD.replace("from: 1", "from: 1.0") + "steps: [{add: {a: 1}}]",
    "a document start": "---\n" + HEAD + "steps: [{add: {a: 1}}]\n...\n",
}

DIFFERENT = {
    "another collection": HEAD.replace("task", "note", 1) + "steps: [{add: {a: 1}}]",
    "another prefix": HEAD.replace("task:", "tasks:") + "steps: [{add: {a: 1}}]",
    "other versions": HEAD.replace("2", "3").replace("1", "2") + "steps: [{add: {a: 1}}]",
    "another field": HEAD + "steps: [{add: {b: 1}}]",
    "another value": HEAD + "steps: [{add: {a: 2}}]",
    "a value of another type": HEAD + "steps: [{add: {a: true}}]",
    "a number of another type": HEAD + "steps: [{add: {a: 1.0}}]",
    "a text": HEAD + 'steps: [{add: {a: "1"}}]',
    "another operation": HEAD + "steps: [{default: {a: 1}}]",
    "an option": HEAD + "steps: [{add: {a: 1}, if_exists: keep}]",
    "a place": HEAD + "steps: [{add: {a: 1}, at: m}]",
    "another place of the same field": HEAD + "steps: [{add: {m.a: 1}}]",
    "no steps": HEAD + "steps: []",
    "one step more": HEAD + "steps: [{add: {a: 1}}, {add: {b: 1}}]",
    "the step inside do": HEAD + "steps: [{at: m, do: [{add: {a: 1}}]}]",
    "another stamp": HEAD + "stamp: v\nsteps: [{add: {a: 1}}]",
    "the stamp as a text": HEAD + "stamp: {path: schema_version, as: string}\nsteps: [{add: {a: 1}}]",
    "no stamp": HEAD + "stamp: null\nsteps: [{add: {a: 1}}]",
    "a name for a path": HEAD + "steps: [{add: {'[\"m.a\"]': 1}}]",
}

REFUSED: dict[str, list[str]] = {
    "": ["1:1: an empty file was found, a spec was expected"],
    "  \n\n": ["1:1: an empty file was found, a spec was expected"],
    "# only a remark\n": ["1:1: no document was found, a spec was expected"],
    "---\n": ["2:1: null was found, an object was expected"],
    "task": ['1:1: a text "task" was found, an object was expected'],
    "[1, 2]": ["1:1: a list was found, an object was expected"],
    "{}": [
        "1:1: no 'collection' was found, it is required",
        "1:1: no 'prefix' was found, it is required",
        "1:1: no 'from' was found, it is required",
        "1:1: no 'to' was found, it is required",
        "1:1: no 'steps' was found, it is required",
    ],
    HEAD + "steps: []\n---\n" + HEAD: ["6:1: a second document was found, one document was expected"],
    HEAD + "steps: []\nto: 3": [
        "6:1: the key 'to' was found again, each key was expected once (it is in line 4); remove one of the two"
    ],
    HEAD + "steps:\n  - add: {a: 1, a: 2}": [
        "6:17: the key 'a' was found again, each key was expected once (it is in line 6); remove one of the two"
    ],
    HEAD + "steps: !list []": ["5:8: the tag !list was found, no tags were expected; remove it"],
    HEAD + "steps: [{add: {1: a}}]": [
        "5:16: the key 1 was found, a text was expected; write it in quotes",
    ],
    HEAD + "steps: [{add: {a: .inf}}]": ["5:19: .inf was found, a number that JSON can hold was expected"],
    HEAD.replace('"', "") + "steps: []": [
        "2:13: mapping values are not allowed here, YAML was expected; a text with a colon at its end goes in quotes"
    ],
    HEAD + "steps: [{add: {a: [}}]": [
        "5:20: expected the node content, but found '}', YAML was expected",
    ],
    "collection: 5\nprefix: 5\nfrom: x\nto: 2.5\nsteps: x": [
        "1:13: an integer 5 was found, a text was expected",
        '3:7: a text "x" was found, an integer was expected',
        "2:9: an integer 5 was found, a text was expected",
        '5:8: a text "x" was found, a list was expected',
        "4:5: a number 2.5 was found, an integer was expected",
    ],
    'collection: ""\nprefix: ""\nfrom: 0\nto: 4294967296\nsteps: []': [
        '1:13: a text "" was found, a text that is not empty was expected',
        "3:7: an integer 0 was found, at least 1 was expected",
        "4:5: an integer 4294967296 was found, at most 4294967295 was expected",
    ],
    'collection: task\nprefix: "task:"\nfrom: true\nto: 2\nsteps: []': [
        "3:7: a boolean true was found, an integer was expected"
    ],
    HEAD.replace("to: 2", "to: 3") + "steps: []": [
        "4:5: to: 3 was found, 2 was expected, as the spec starts from 1; a spec leads to the next version"
    ],
    HEAD.replace("to: 2", "to: 1") + "steps: []": [
        "4:5: to: 1 was found, 2 was expected, as the spec starts from 1; a spec leads to the next version"
    ],
    HEAD.replace('"task:"', '"_"') + "steps: []": [
        "2:9: the prefix '_' was found, a prefix apart from _schema_version, _migration_history, "
        "_migration_in_progress, _backup_, _quarantine, _complement: was expected, which the system keeps for itself"
    ],
    HEAD.replace('"task:"', '"_backup_2024"') + "steps: []": [
        "2:9: the prefix '_backup_2024' was found, a prefix apart from _backup_ was expected, "
        "which the system keeps for itself"
    ],
    HEAD.replace('"task:"', '"_schema"') + "steps: []": [
        "2:9: the prefix '_schema' was found, a prefix apart from _schema_version was expected, "
        "which the system keeps for itself"
    ],
    HEAD + "steps:\n  - add: {schema_version: 3}": [
        "6:11: a step that writes 'schema_version' was found, no step was expected to touch the stamp "
        "'schema_version'; the run itself writes the stamp"
    ],
    HEAD + "stamp: meta.v\nsteps:\n  - remove: [a]\n  - move: {b: c, meta: d}": [
        "8:18: a step that writes 'meta' was found, no step was expected to touch the stamp "
        "'meta.v'; the run itself writes the stamp"
    ],
    HEAD + "stamp: meta.v\nsteps:\n  - at: meta\n    do:\n      - rename: {w: v}": [
        "9:18: a step that writes 'meta.v' was found, no step was expected to touch the stamp "
        "'meta.v'; the run itself writes the stamp"
    ],
    HEAD + "steps:\n  - set: {'*': null}": [
        "6:11: a step that writes '*' was found, no step was expected to touch the stamp "
        "'schema_version'; the run itself writes the stamp; a step on all fields must let it stay"
    ],
    HEAD + "steps:\n  - keep_fields: [id, schema_version]\n  - keep_fields: [id]": [
        "7:5: a step that writes '*' was found, no step was expected to touch the stamp "
        "'schema_version'; the run itself writes the stamp; a step on all fields must let it stay"
    ],
    HEAD + "steps: []\nexamples: [{before: {}}, {before: {}, after: []}]": [
        "6:12: no 'after' was found, it is required",
        "6:46: a list was found, an object was expected",
    ],
}


def spec_from(text: str) -> Spec:
    """The spec that a text says, which must have no fault."""
    spec, faults = parse_spec(text, SPEC_FILE)
    assert [str(fault) for fault in faults] == []
    assert spec is not None
    return spec


def test_a_whole_spec() -> None:
    """Each part of a spec is read, with its place."""
    spec = spec_from(WHOLE)
    place = Place(SPEC_FILE, 9, 5)
    rename = Rename({Path.parse("autor"): "author"}, if_exists="keep")
    assert (spec.collection, spec.prefix, spec.from_version, spec.to_version) == ("task", "task:", 1, 2)
    assert (spec.name, spec.key_prefix, spec.description) == ("task v1→v2", b"task:", "Notes have authors.")
    assert spec.stamp == Stamp(Path.parse("meta.v"), as_text=True)
    assert spec.steps == (
        Step((Step(rename),), Path.parse("notes[]")),
        Step(Add({Path.parse("n"): 1.5})),
    )
    assert (spec.steps[0].place, spec.steps[0].note) == (place, "as in 2024")
    assert spec.examples == (Example({"notes": []}, {"meta": {"v": "2"}, "notes": [], "n": 1.5}),)
    assert (spec.place("to"), spec.place("examples"), spec.place()) == (
        Place(SPEC_FILE, 5, 5),
        Place(SPEC_FILE, 16, 3),
        Place(SPEC_FILE, 2, 1),
    )


def test_what_a_spec_means() -> None:
    """The canonical text has what changes records, and nothing else; the checksum is of that text."""
    spec = spec_from(WHOLE)
    assert spec.text == (
        '{"collection":"task","from":1,"prefix":"task:","stamp":{"as":"string","path":"meta.v"},'
        '"steps":[{"at":"notes[]","do":[{"if_exists":"keep","rename":{"autor":"author"}}]},{"add":{"n":1.5}}],"to":2}'
    )
    assert spec.checksum == hashlib.sha256(spec.text.encode()).hexdigest()


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_means_the_same(text: str) -> None:
    """Remarks, spellings and what is so anyway change neither the checksum nor the spec."""
    spec, base = spec_from(text), spec_from(HEAD + "steps: [{add: {a: 1}}]")
    assert (spec.checksum, spec, hash(spec)) == (base.checksum, base, hash(base))


@pytest.mark.parametrize("text", DIFFERENT.values(), ids=DIFFERENT)
def test_what_means_something_else(text: str) -> None:
    """Any change of meaning changes the checksum and the spec, be it as small as 1 for true."""
    spec, base = spec_from(text), spec_from(HEAD + "steps: [{add: {a: 1}}]")
    assert spec.checksum != base.checksum
    assert spec != base


@pytest.mark.parametrize("text", [WHOLE, *SAME.values(), *DIFFERENT.values()], ids=["whole", *SAME, *DIFFERENT])
def test_a_spec_from_its_canonical_text(text: str) -> None:
    """The canonical text is a spec again: the same one."""
    spec = spec_from(text)
    again = Spec.from_text(spec.text, "the history of db")
    assert (again, again.checksum, again.steps, again.stamp) == (spec, spec.checksum, spec.steps, spec.stamp)
    assert again.place("to") == Place("the history of db")


def test_a_canonical_text_that_is_no_spec_any_more() -> None:
    """A text of another tool version that this one cannot read is refused, in one error with all faults."""
    text = json.dumps(spec_of([]).to_json() | {"steps": [{"frob": 1}, {"add": {"a": 1}, "when": {}}]})
    with pytest.raises(SpecError) as caught:
        Spec.from_text(text, "history of db")
    assert str(caught.value) == (
        "history of db:1:1: a step with 'frob' was found, an operation was expected; "
        "docs/operations.md lists the operations\n"
        "history of db:1:1: the unknown key 'when' was found, one of allow, at, forget, if_exists, note, where was "
        "expected; did you mean 'where'?"
    )


@pytest.mark.parametrize(("text", "sentences"), REFUSED.items(), ids=[repr(text)[1:50] for text in REFUSED])
def test_what_is_no_spec(text: str, sentences: list[str]) -> None:
    """What is wrong with a file is told in whole sentences with line and column."""
    spec, faults = parse_spec(text, "f.yaml")
    assert spec is None
    assert [str(fault) for fault in faults] == [f"f.yaml:{sentence}" for sentence in sentences]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "steps: []",
        HEAD.replace("task:", "_task:") + "steps: []",
        HEAD.replace("task:", "task") + "stamp: null\nsteps: [{add: {schema_version: 1}}]",
        HEAD.replace("1", "4294967294").replace("to: 2", "to: 4294967295") + "steps: []",
        HEAD + "steps: [{add: {schema_version2: 1, meta.schema_version: 2, '[\"schema_version.x\"]': 3}}]",
    ],
)
def test_what_is_legal(text: str) -> None:
    """No steps, a prefix of any shape, the last version and names near the stamp's are legal."""
    assert spec_from(text).collection == "task"


def test_a_spec_travels() -> None:
    """A spec goes to another process and is the same there, with its places and examples."""
    spec = spec_from(WHOLE)
    sent: Any = pickle.loads(pickle.dumps(spec))  # noqa: S301 - our own bytes
    assert (sent, sent.examples, sent.description, sent.place("to")) == (
        spec,
        spec.examples,
        spec.description,
        spec.place("to"),
    )


def test_losses_and_paths_of_steps_are_seen_from_the_document() -> None:
    """What a step inside ``at`` reads, writes and loses is told with the whole path."""
    steps = [{"at": "notes[]", "do": [{"at": "meta", "remove": ["a"]}, {"rename": {"b": "c"}}]}]
    (step,) = spec_of(steps).steps
    assert [str(path) for path in step.writes()] == ["notes[].meta.a", "notes[].b", "notes[].c"]
    assert [str(path) for path in step.reads()] == ["notes[].b", "notes[].c"]
    assert [str(loss) for loss in step.losses()] == ["notes[].meta.a: the removed value"]
