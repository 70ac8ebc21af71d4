"""The spec language: what is read of a step, and in which words and at which place it is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from migrate_spec.condition import COMBINED, TESTS
from migrate_spec.grammar import DEFINITIONS, operation_schema, spec_schema
from migrate_spec.language import read_operation, to_json
from migrate_spec.operation import Operation
from migrate_spec.operations import all_operations
from migrate_spec.operations.add import Add
from migrate_spec.operations.remove import Remove, Restore
from migrate_spec.operations.rename import Rename
from migrate_spec.path import Path
from migrate_spec.schema import Schema
from migrate_spec.spec import parse_spec
from migrate_spec.yaml_text import parse

HEAD = 'collection: task\nprefix: "task:"\nfrom: 1\nto: 2\n'
NONE = "an operation was expected; docs/operations.md lists the operations"
FIX_PATH = 'write a name with dots, brackets, stars or quotes as ["odd.name"]'

BOUND = "a number of records or a share of them was expected, such as 10 or <= 0.1%"

# the text after the head, whose first line is line 5, and all that is wrong with it
REFUSED: dict[str, list[str]] = {
    # the whole
    "": ["1:1: no 'steps' was found, it is required"],
    "steps:": ["5:7: null was found, a list was expected"],
    "steps: {}": ["5:8: an object was found, a list was expected"],
    "step: []": [
        "1:1: no 'steps' was found, it is required",
        "5:1: the unknown key 'step' was found, one of accept, allow, column_family, description, downgrade, "
        "encoding, examples, indexes, records, stamp, steps was expected; did you mean 'steps'?",
    ],
    "steps: []\nexmples: []\nmore: 1": [
        "6:1: the unknown key 'exmples' was found, one of accept, allow, column_family, description, downgrade, "
        "encoding, examples, indexes, records, stamp was expected; did you mean 'examples'?",
        "7:1: the unknown key 'more' was found, one of accept, allow, column_family, description, downgrade, "
        "encoding, examples, indexes, records, stamp was expected",
    ],
    "steps: []\ndescription: [x]": ["6:14: a list was found, a text was expected"],
    # the stamp
    "steps: []\nstamp: 5": ["6:8: an integer 5 was found, null or a text or an object was expected"],
    'steps: []\nstamp: ""': ['6:8: a text "" was found, a text that is not empty was expected'],
    "steps: []\nstamp: a[]": ["6:8: the path 'a[]' was found, a path of names was expected"],
    "steps: []\nstamp: {path: a.*}": ["6:15: the path 'a.*' was found, a path of names was expected"],
    "steps: []\nstamp: {as: string}": ["6:8: no 'path' was found, it is required"],
    "steps: []\nstamp: {path: v, as: text}": ['6:22: a text "text" was found, one of "integer", "string" was expected'],
    # how many records may be set aside
    "steps: []\naccept: 5": ["6:9: an integer 5 was found, an object was expected"],
    "steps: []\naccept: {}": ["6:9: no 'quarantined' was found, it is required"],
    "steps: []\naccept: {quarantined: -1}": [f"6:23: an integer -1 was found, {BOUND}"],
    "steps: []\naccept: {quarantined: 1.5}": ["6:23: a number 1.5 was found, an integer or a text was expected"],
    "steps: []\naccept: {quarantined: many}": [f'6:23: a text "many" was found, {BOUND}'],
    "steps: []\naccept: {quarantined: 101%}": [f'6:23: a text "101%" was found, {BOUND}'],
    "steps: []\nstamp: a[": [
        f"6:8: the path 'a[' was found, a name, [], [0], * or [\"odd.name\"] was expected at character 2; {FIX_PATH}"
    ],
    # a step
    "steps: [5]": ["5:9: an integer 5 was found, an object was expected"],
    "steps:\n  -": ["6:4: null was found, an object was expected"],
    "steps: [{}]": [f"5:9: a step with nothing was found, {NONE}"],
    "steps: [{at: x, note: y}]": [f"5:9: a step with 'at', 'note' was found, {NONE}"],
    "steps:\n  - renam: {a: b}\n    if_exists: keep": [
        "6:5: the unknown operation 'renam' was found, an operation was expected; did you mean 'rename'?"
    ],
    "steps: [{xyzzy: {}}]": [f"5:9: a step with 'xyzzy' was found, {NONE}"],
    "steps:\n  - add: {a: 1}\n    remove: [b]": [
        "7:5: add and remove were found in one step, one operation was expected; write a step for each"
    ],
    "steps:\n  - add: {a: 1}\n    remove: [b]\n    set: {c: 1}": [
        "7:5: add and remove and set were found in one step, one operation was expected; write a step for each"
    ],
    "steps:\n  - add: {a: 1}\n    if_exist: keep": [
        "7:5: the unknown key 'if_exist' was found, one of allow, at, forget, if_exists, note, where was expected; "
        "did you mean 'if_exists'?"
    ],
    "steps:\n  - add: {a: 1}\n    if_exists: kep": [
        '7:16: a text "kep" was found, one of "fail", "keep", "replace" was expected; did you mean \'keep\'?'
    ],
    "steps:\n  - add: {a: 1}\n    if_exists: null": [
        '7:16: null was found, one of "fail", "keep", "replace" was expected'
    ],
    "steps:\n  - default: {a: 1}\n    also_null: 1": ["7:16: an integer 1 was found, true or false was expected"],
    # their arguments
    "steps: [{add: {}}]": ["5:15: an object with no entries was found, at least 1 was expected"],
    "steps: [{add: null}]": ["5:15: null was found, an object was expected"],
    "steps: [{remove: 5}]": ["5:18: an integer 5 was found, a list or an object was expected"],
    "steps: [{remove: []}]": ["5:18: a list with no entries was found, at least 1 was expected"],
    "steps: [{remove: [a, null]}]": ["5:22: null was found, a text was expected"],
    "steps:\n  - remove:\n      a: {restore: 1}\n      b: {}": ["8:10: no 'restore' was found, it is required"],
    "steps: [{rename: {a: 5, b: [c]}}]": [
        "5:22: an integer 5 was found, a text was expected",
        "5:28: a list was found, a text was expected",
    ],
    # their paths
    "steps:\n  - add:\n      a: 1\n      b..c: 2": [
        "8:7: the path 'b..c' was found, a name, [], [0], * or [\"odd.name\"] was expected at character 2; " + FIX_PATH
    ],
    "steps:\n  - move: {a: '[]'}": ["6:15: the path '[]' was found, a path that ends in a name was expected"],
    "steps:\n  - at: a[\n    add: {a: 1}": [
        f"6:9: the path 'a[' was found, a name, [], [0], * or [\"odd.name\"] was expected at character 2; {FIX_PATH}"
    ],
    "steps:\n  - at: ''\n    add: {a: 1}": ['6:9: a text "" was found, a text that is not empty was expected'],
    "steps:\n  - remove:\n      - a\n      - a.b": [
        "8:9: 'a.b' was found beside 'a', entries that do not touch the same place were expected; "
        "the entries of one operation act at the same time; write a second step"
    ],
    # do
    "steps: [{do: [{add: {a: 1}}]}]": [
        "5:10: `do` alone was found, `at` or `where` was expected beside it; write the steps one after the other"
    ],
    "steps: [{at: x, do: {}}]": ["5:21: an object was found, a list was expected"],
    "steps: [{at: x, do: []}]": ["5:21: a list with no entries was found, at least 1 was expected"],
    "steps:\n  - at: x\n    do:\n      - add: {a: 1}\n      - ad: {b: 1}\n      - 7": [
        "9:9: the unknown operation 'ad' was found, an operation was expected; did you mean 'add'?",
        "10:9: an integer 7 was found, an object was expected",
    ],
    # all of it in one go
    "steps:\n  - ad: {a: 1}\n  - rename: {a: a}\n  - remove: [b, b]\nstamp: v[]\nfoo: 1": [
        "10:1: the unknown key 'foo' was found, one of accept, allow, column_family, description, downgrade, "
        "encoding, examples, indexes, records was expected",
        "6:5: the unknown operation 'ad' was found, an operation was expected; did you mean 'add'?",
        "7:14: 'a' renamed to itself was found, a new name was expected",
        "8:17: 'b' was found beside 'b', entries that do not touch the same place were expected; "
        "the entries of one operation act at the same time; write a second step",
    ],
}


@pytest.mark.parametrize(("text", "sentences"), REFUSED.items(), ids=[repr(text)[1:40] for text in REFUSED])
def test_what_is_refused(text: str, sentences: list[str]) -> None:
    """Each fault is told in a whole sentence at its own line and column, and all of them at once."""
    spec, faults = parse_spec(HEAD + text, "f.yaml")
    assert spec is None
    assert [str(fault) for fault in faults] == [f"f.yaml:{sentence}" for sentence in sentences]


@pytest.mark.parametrize("text", REFUSED)
def test_the_editor_refuses_it_too(text: str) -> None:
    """What the reader refuses as ill-formed, the schema for editors refuses; only what paths mean is beyond it."""
    node, _ = parse(HEAD + text, "f.yaml")
    assert node is not None
    _, faults = parse_spec(HEAD + text, "f.yaml")
    beyond = {"path-invalid", "entries-overlap", "no-effect"}
    assert Schema(spec_schema()).is_valid(node.plain()) == ({fault.code for fault in faults} <= beyond)


@pytest.mark.parametrize(
    ("text", "operation", "told"),
    [
        (
            "add: {a: 1, b.c: [null]}",
            Add({Path.parse("a"): 1, Path.parse("b.c"): [None]}),
            {"fields": {"a": 1, "b.c": [None]}},
        ),
        (
            "add: {'[\"a\"]': {x: true}}\nif_exists: keep",
            Add({Path.parse("a"): {"x": True}}, if_exists="keep"),
            {"fields": {"a": {"x": True}}, "if_exists": "keep"},
        ),
        (
            "remove: [a, 'b[].c']",
            Remove((Path.parse("a"), Path.parse("b[].c"))),
            {"fields": ["a", "b[].c"]},
        ),
        (
            "remove: {a: {restore: null}, '[\"b.c\"]': {restore: [1]}}",
            Remove({Path.parse("a"): Restore(None), Path.parse('["b.c"]'): Restore([1])}),
            {"fields": {"a": {"restore": None}, '["b.c"]': {"restore": [1]}}},
        ),
        (
            "rename: {a.b: c.d}",
            Rename({Path.parse("a.b"): "c.d"}),
            {"fields": {"a.b": "c.d"}},
        ),
    ],
)
def test_a_step_is_read_and_told_again(text: str, operation: Operation, told: Any) -> None:
    """A step is read into its operation, which says the same again, without what is so anyway."""
    node, _ = parse(text, "f.yaml")
    assert node is not None
    assert read_operation(type(operation), node) == (operation, [])
    assert to_json(operation) == told


@pytest.mark.parametrize("name", all_operations())
def test_the_schema_of_an_operation(name: str) -> None:
    """The schema of a step demands the operation, knows its options with their defaults, and carries its words."""
    operation = all_operations()[name]
    schema = operation_schema(operation)
    options = {key: part["default"] for key, part in schema["properties"].items() if "default" in part}
    _, *fields = dataclasses.fields(operation)  # type: ignore[arg-type]  # each operation is a dataclass
    expected = {field.name.removesuffix("_"): field.default for field in fields if field.default not in {None, ()}}
    assert (schema["required"], schema["additionalProperties"], options) == ([name], False, expected)
    assert (
        schema["properties"][name]["description"].split("\n")[0]
        == ((all_operations()[name].__doc__ or "").split("\n")[0])
    )


def test_the_schema_of_a_whole_spec() -> None:
    """The schema for editors names its dialect and asks of a step for each operation and for ``do``."""
    schema = spec_schema()
    *named, none_named = schema["$defs"]["step"]["allOf"]
    names = [*all_operations(), "do"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["collection", "prefix", "from", "to", "steps"]
    assert [part["else"] for part in named] == [{"$ref": f"#/$defs/{name}"} for name in names]
    assert none_named["then"]["properties"].keys() == {*names, "at", "where", "note", "allow", "forget"}
    words = {"$schema", "description", "$defs"}
    assert schema.keys() - words == {"type", "properties", "required", "additionalProperties"}


def test_the_schema_has_each_test_of_a_condition() -> None:
    """What a condition can ask is what the schema lets pass, no more and no less."""
    value, combined = DEFINITIONS["test"]["anyOf"][1]["properties"], DEFINITIONS["condition"]["properties"]
    assert set(value) == {*TESTS, "exists", *COMBINED}
    assert set(combined) == set(COMBINED)
