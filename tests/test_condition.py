"""Conditions: each test of the closed set, what is absent and what is null, and that asking changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.codec import Json, Raw, encode, read
from migrate_spec.condition import COMBINED, NAME, TESTS, TYPES, Condition
from migrate_spec.path import Path
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec, parse_spec
from tests import SPEC_FILE, spec_of, spec_text
from tests.test_laws import ANY_BLANKS, LAW, RANDOM, SCALARS, spelled


def condition(said: Json) -> Condition:
    """A condition, read as from a spec."""
    (step,) = spec_of([{"where": said, "remove": ["x"]}], stamp=None).steps
    assert step.where is not None
    return step.where


def forms(document: Any, random: Random = ANY_BLANKS) -> list[Any]:
    """A document in the plain form, and in the raw one of an odd spelling."""
    plain, raw = read(encode(document)), read(b" " + spelled(document, random).encode())
    assert (plain[1], raw[1]) == (True, False)
    return [plain[0], raw[0]]


BIG = 123456789012345678901234567890

Answers = tuple[Json, list[Json], list[Json]]

ANSWERS: dict[str, Answers] = {
    # a literal
    "a text": ({"a": "x"}, [{"a": "x"}], [{"a": "X"}, {"a": ["x"]}, {"a": None}, {}]),
    "an empty text": ({"a": ""}, [{"a": ""}], [{"a": None}, {"a": " "}, {"a": 0}, {"a": False}, {"a": []}, {}]),
    "null": ({"a": None}, [{"a": None}], [{"a": "null"}, {"a": False}, {"a": 0}, {"a": {}}, {}]),
    "an integer": ({"a": 1}, [{"a": 1}, {"a": 1.0}], [{"a": True}, {"a": "1"}, {"a": 1.5}, {"a": [1]}, {}]),
    "a number": ({"a": 1.0}, [{"a": 1}, {"a": 1.0}], [{"a": True}, {"a": "1.0"}]),
    "nought": ({"a": 0}, [{"a": 0}, {"a": -0.0}], [{"a": False}, {"a": None}, {"a": ""}]),
    "a large integer": ({"a": BIG}, [{"a": BIG}], [{"a": BIG + 1}, {"a": float(BIG)}, {"a": str(BIG)}]),
    "true": ({"a": True}, [{"a": True}], [{"a": 1}, {"a": 1.0}, {"a": "true"}, {"a": False}]),
    "false": ({"a": False}, [{"a": False}], [{"a": 0}, {"a": None}, {"a": ""}]),
    "a list": ({"a": [1, "b"]}, [{"a": [1.0, "b"]}], [{"a": ["b", 1]}, {"a": [1]}, {"a": [True, "b"]}, {"a": {}}]),
    "an empty list": ({"a": []}, [{"a": []}], [{"a": {}}, {"a": None}, {"a": [[]]}]),
    # eq
    "eq, an object": (
        {"a": {"eq": {"x": 1, "y": [{}]}}},
        [{"a": {"y": [{}], "x": 1.0}}],
        [{"a": {"x": 1}}, {"a": {"x": 1, "y": [{}], "z": 0}}, {"a": {"x": True, "y": [{}]}}],
    ),
    "eq, an empty object": ({"a": {"eq": {}}}, [{"a": {}}], [{"a": []}, {"a": None}, {}]),
    "eq, null": ({"a": {"eq": None}}, [{"a": None}], [{"a": 0}, {}]),
    "eq, odd characters": ({"a": "ü😀\n"}, [{"a": "ü😀\n"}], [{"a": "ü"}]),
    # in
    "in": (
        {"a": {"in": [1, "x", None, True, []]}},
        [{"a": 1.0}, {"a": "x"}, {"a": None}, {"a": True}, {"a": []}],
        [{"a": "1"}, {"a": False}, {"a": {}}, {"a": [1]}, {}],
    ),
    # exists
    "exists": ({"a": {"exists": True}}, [{"a": None}, {"a": False}, {"a": {}}], [{}, {"A": 1}]),
    "exists not": ({"a": {"exists": False}}, [{}, {"A": 1}], [{"a": None}, {"a": False}]),
    "exists, further in": (
        {"a.b": {"exists": True}},
        [{"a": {"b": None}}],
        [{"a": {}}, {"a": None}, {"a": ["b"]}, {"a.b": 1}, {}],
    ),
    "exists not, further in": (
        {"a.b": {"exists": False}},
        [{"a": {}}, {"a": None}, {"a": ["b"]}, {"a": "b"}, {"a.b": 1}, {}],
        [{"a": {"b": None}}],
    ),
    # type
    "type, integer": (
        {"a": {"type": "integer"}},
        [{"a": 1}, {"a": 1.0}, {"a": -0.0}, {"a": BIG}],
        [{"a": 1.5}, {"a": True}, {"a": "1"}, {}],
    ),
    "type, number": ({"a": {"type": "number"}}, [{"a": 1}, {"a": 1.5}], [{"a": False}, {"a": "1"}, {"a": None}, {}]),
    "type, string": ({"a": {"type": "string"}}, [{"a": ""}], [{"a": 1}, {"a": ["a"]}, {"a": None}, {}]),
    "type, boolean": ({"a": {"type": "boolean"}}, [{"a": False}], [{"a": 0}, {"a": "false"}, {}]),
    "type, null": ({"a": {"type": "null"}}, [{"a": None}], [{"a": 0}, {"a": "null"}, {}]),
    "type, array": ({"a": {"type": "array"}}, [{"a": []}, {"a": [1]}], [{"a": {}}, {"a": "[]"}, {}]),
    "type, object": ({"a": {"type": "object"}}, [{"a": {}}, {"a": {"b": 1}}], [{"a": []}, {"a": None}, {}]),
    "type, one of several": ({"a": {"type": ["string", "null"]}}, [{"a": "x"}, {"a": None}], [{"a": 0}, {}]),
    # order
    "gt": ({"a": {"gt": 1}}, [{"a": 2}, {"a": 1.1}, {"a": BIG}], [{"a": 1}, {"a": 1.0}, {"a": True}, {"a": "2"}, {}]),
    "ge": ({"a": {"ge": 1.0}}, [{"a": 1}, {"a": 2}], [{"a": 0.9}, {"a": True}, {"a": None}, {"a": [2]}]),
    "lt": ({"a": {"lt": 1}}, [{"a": 0}, {"a": -1.5}], [{"a": 1}, {"a": False}, {"a": None}, {"a": ""}, {}]),
    "le": ({"a": {"le": BIG}}, [{"a": BIG}, {"a": 1}], [{"a": BIG + 1}, {"a": 1e300}]),
    "gt, a text": ({"a": {"gt": "b"}}, [{"a": "ba"}, {"a": "c"}, {"a": "ü"}], [{"a": "b"}, {"a": "B"}, {"a": 9}, {}]),
    "lt, a text": ({"a": {"lt": "b"}}, [{"a": ""}, {"a": "az"}, {"a": "Z"}, {"a": "9"}], [{"a": "b"}, {"a": 0}, {}]),
    "ge, by code points": ({"a": {"ge": "\ufb00"}}, [{"a": "😀"}, {"a": "\ufb00"}], [{"a": "z"}]),
    "le, an empty text": ({"a": {"le": ""}}, [{"a": ""}], [{"a": "a"}, {"a": None}, {"a": 0}]),
    "a range": ({"a": {"ge": 1, "lt": 3}}, [{"a": 1}, {"a": 2.9}], [{"a": 0}, {"a": 3}]),
    "a range that nothing is in": ({"a": {"gt": 1, "lt": "b"}}, [], [{"a": 2}, {"a": "a"}, {}]),
    # matches
    "matches, anywhere": ({"a": {"matches": "b+"}}, [{"a": "abbc"}], [{"a": "ac"}, {"a": ["b"]}, {"a": 1}, {}]),
    "matches, all of it": ({"a": {"matches": "^[üé]\\d$"}}, [{"a": "ü1"}], [{"a": "ü12"}, {"a": "u1"}]),
    "matches, in any case": ({"a": {"matches": "(?i)straße"}}, [{"a": "STRAßE"}], [{"a": "strasse"}]),
    "matches, over lines": ({"a": {"matches": "(?m)^b$"}}, [{"a": "a\nb\nc"}], [{"a": "abc"}]),
    "matches, the empty text": ({"a": {"matches": ""}}, [{"a": ""}, {"a": "x"}], [{"a": None}, {}]),
    # format
    "format": ({"a": {"format": "uri"}}, [{"a": "https://x.org/a"}], [{"a": "x y"}, {"a": 1}, {"a": None}, {}]),
    "format, none": ({"a": {"not": {"format": "date"}}}, [{"a": "x"}, {"a": 1}, {}], [{"a": "2024-02-29"}]),
    # tests combined
    "not": ({"a": {"not": {"eq": 1}}}, [{"a": 2}, {"a": "1"}, {"a": None}, {}], [{"a": 1}, {"a": 1.0}]),
    "not, a literal": ({"a": {"not": None}}, [{"a": 0}, {}], [{"a": None}]),
    "not, several": ({"a": {"not": {"ge": 1, "le": 3}}}, [{"a": 0}, {"a": 4}, {"a": "2"}, {}], [{"a": 1}, {"a": 3}]),
    "not, not": ({"a": {"not": {"not": {"eq": 1}}}}, [{"a": 1}], [{"a": 2}, {}]),
    "there, and not null": ({"a": {"exists": True, "not": {"type": "null"}}}, [{"a": 0}], [{"a": None}, {}]),
    "any of tests": ({"a": {"any": [None, {"lt": 0}, {"exists": False}]}}, [{"a": None}, {"a": -1}, {}], [{"a": 0}]),
    "all of tests": ({"a": {"all": [{"ge": 0}, {"not": {"in": [1, 2]}}]}}, [{"a": 0}, {"a": 3}], [{"a": 1}, {}]),
    # conditions combined
    "several": ({"a": 1, "b": 2}, [{"a": 1, "b": 2}], [{"a": 1}, {"b": 2}, {"a": 1, "b": 3}]),
    "all": ({"all": [{"a": 1}, {"b": 2}]}, [{"a": 1, "b": 2}], [{"a": 1}, {"b": 2}, {}]),
    "any": ({"any": [{"a": 1}, {"b": 2}]}, [{"a": 1}, {"b": 2}, {"a": 1, "b": 3}], [{"a": 2}, {}]),
    "not a condition": ({"not": {"a": 1, "b": 2}}, [{"a": 1}, {"b": 2}, {}], [{"a": 1, "b": 2}]),
    "all three and a field": (
        {"c": 3, "all": [{"not": {"a": 1}}], "any": [{"b": 1}, {"b": 2}], "not": {"d": {"exists": True}}},
        [{"c": 3, "b": 1}, {"c": 3, "b": 2, "a": 2}],
        [{"c": 3, "b": 1, "a": 1}, {"c": 3, "b": 3}, {"c": 3, "b": 1, "d": None}, {"b": 1}],
    ),
    "one in the other": (
        {"any": [{"all": [{"a": 1}, {"any": [{"b": 1}, {"not": {"c": 1}}]}]}, {"d": 1}]},
        [{"a": 1, "b": 1, "c": 1}, {"a": 1}, {"d": 1}],
        [{"a": 1, "c": 1}, {}],
    ),
    # paths
    "fields with the names of combinations": (
        {'["all"]': 1, '["any"]': 2, '["not"]': 3},
        [{"all": 1, "any": 2, "not": 3}],
        [{"all": 1, "any": 2}],
    ),
    "fields with odd names": (
        {'["a.b"].c': 1, '["."]': 2, '[".key"]': 3, "é": 4, '[""]': 5, '["*"]': 6},
        [{"a.b": {"c": 1}, ".": 2, ".key": 3, "é": 4, "": 5, "*": 6}],
        [{"a": {"b": {"c": 1}}, ".": 2, ".key": 3, "é": 4, "": 5, "*": 6}],
    ),
    "a place in a list": ({"a[1]": 2}, [{"a": [1, 2]}], [{"a": [2]}, {"a": {"1": 2}}, {"a": []}, {}]),
    "no such place in a list": ({"a[1]": {"exists": False}}, [{"a": [2]}, {"a": {}}, {}], [{"a": [1, None]}]),
    "one of the items": ({"a[]": 2}, [{"a": [1, 2.0]}], [{"a": [1, "2"]}, {"a": []}, {"a": {"b": 2}}, {"a": 2}, {}]),
    "one of the values": ({"a.*": 2}, [{"a": {"b": 1, "c": 2}}], [{"a": {"2": 1}}, {"a": {}}, {"a": [2]}, {}]),
    "one of the fields": ({"*": None}, [{"a": 1, "b": None}], [{"a": 1}, {}]),
    "in one of the items": (
        {"a[].b": {"gt": 1}},
        [{"a": [{"b": 1}, 5, {"b": 2}]}],
        [{"a": [{"b": 1}]}, {"a": [2]}, {"a": []}, {}],
    ),
    "one of the items lacks it": (
        {"a[].b": {"exists": False}},
        [{"a": [{"b": 1}, {}]}, {"a": [1]}, {"a": [{"c": 1}]}],
        [{"a": [{"b": None}]}, {"a": []}, {"a": {}}, {}],
    ),
    "one of the items is otherwise, or lacks it": (
        {"a[].b.c": {"not": {"eq": 1}}},
        [{"a": [{"b": {"c": 1}}, {"b": {"c": 2}}]}, {"a": [{"b": {}}]}, {"a": [{}]}],
        [{"a": [{"b": {"c": 1}}]}, {"a": []}, {}],
    ),
    "items there are": ({"a[]": {"exists": True}}, [{"a": [None]}], [{"a": []}, {"a": {}}, {}]),
    "items are never absent": ({"a[]": {"exists": False}}, [], [{"a": [None]}, {"a": []}, {}]),
    "no items": ({"not": {"a[]": {"exists": True}}}, [{"a": []}, {"a": 1}, {}], [{"a": [None]}]),
    "all of the items": (
        {"not": {"a[]": {"not": {"type": "string"}}}},
        [{"a": ["x", ""]}, {"a": []}, {}],
        [{"a": ["x", 1]}],
    ),
    "both of one item are not asked for": (
        {"a[].b": 1, "a[].c": 1},
        [{"a": [{"b": 1, "c": 1}]}, {"a": [{"b": 1}, {"c": 1}]}],
        [{"a": [{"b": 1}]}],
    ),
    "both tests of one item": ({"a[]": {"gt": 1, "lt": 3}}, [{"a": [0, 2]}], [{"a": [0, 4]}]),
    "items of values of items": (
        {"a[].*[].b": 1},
        [{"a": [{}, {"x": [], "y": [{}, {"b": 1}]}]}],
        [{"a": [{"x": [{"b": 2}]}, {"x": {"b": 1}}]}],
    ),
    # the value itself
    "itself": ({".": {"eq": {"a": 1}}}, [{"a": 1.0}], [{"a": 1, "b": 2}, {}]),
    "itself, by its type": ({".": {"type": "object"}}, [{}, {"a": 1}], []),
    "itself, and a part of it": ({".": {"exists": True}, "a": 1}, [{"a": 1}], [{}]),
}


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
def test_what_a_condition_answers(answers: Answers) -> None:
    """A condition holds of the documents it should hold of, in either form, and of no other."""
    said, yes, no = answers
    judge = condition(said).judge()
    assert [document for document in yes for form in forms(document) if not judge(form)] == []
    assert [document for document in no for form in forms(document) if judge(form)] == []


def test_each_test_is_in_the_table() -> None:
    """The table above has each test, each type and each combination, as a test and as a condition."""
    said = json.dumps([said for said, _, _ in ANSWERS.values()])
    assert [name for name in ["exists", *TESTS, *COMBINED] if f'": {{"{name}":' not in said] == []
    assert [name for name in TYPES if f'"type": "{name}"' not in said] == []
    assert [name for name in COMBINED if f'[{{"{name}":' not in said.replace(f', {{"{name}":', f'[{{"{name}":')] == []


@pytest.mark.parametrize(
    ("said", "yes", "no"),
    [
        ({".key": "a"}, [("a", 1)], [("b", "a")]),
        ({".key": {"matches": "^x-"}, ".": {"type": "string"}}, [("x-a", "")], [("x-a", 1), ("a", "x-")]),
        ({"any": [{".key": {"in": ["a", "b"]}}, {"c": 1}]}, [("b", None), ("z", {"c": 1})], [("z", {"c": 2})]),
        ({"not": {".key": {"gt": "m"}}}, [("a", 0)], [("z", 0)]),
        ({".key": {"type": "string", "exists": True}}, [("", 0)], []),
    ],
)
def test_the_name_of_an_entry(said: Json, yes: list[tuple[str, Any]], no: list[tuple[str, Any]]) -> None:
    """Where entries of an object are asked for, their names are, too."""
    (step,) = spec_of([{"drop_items": {"a": said}}], stamp=None).steps
    read_one: Condition = next(iter(step.body.conditions.values()))  # type: ignore[union-attr]  # so it is called there
    assert read_one.asks_name
    judge = read_one.judge_entry()
    for (name, value), holds in [*((entry, True) for entry in yes), *((entry, False) for entry in no)]:
        for form in (value, Raw(b" " + encode(value))):
            assert judge((name, form)) is holds


@pytest.mark.parametrize("value", [7, "a", None, [], [{"a": 1}], True])
def test_what_is_no_object_has_nothing_inside(value: Json) -> None:
    """A condition can be asked of anything: where there are no fields, all of them are absent."""
    for form in (value, Raw(encode(value))):
        assert not condition({"a": 1}).judge()(form)
        assert condition({"a": {"exists": False}, "not": {"*": 1}}).judge()(form)
        assert condition({".": {"eq": value}}).judge()(form)
        assert not condition({".": {"type": "object"}}).judge()(form)


# ------------------------------------------------------------------------------------- made-up conditions

NAMES = st.sampled_from(
    ["a", "b", '["a.b"]', "a.b", "b.a", "a[]", "a[].b", "a[1]", "b.*", "*", "b.*.a", "a[].b[0]", "."]
)
SMALL = st.sampled_from([None, True, False, 0, 1, 2, -1, 1.0, 1.5, "", "a", "b", "ab", [], {}, [1], [True], {"a": 1}])
BOUNDS = st.sampled_from([0, 1, 1.5, -1])
TYPE = st.sampled_from(list(TYPES))
ONE_TEST = st.one_of(
    SMALL.map(lambda value: {"eq": value}),
    st.lists(SMALL, min_size=1, max_size=3).map(lambda values: {"in": values}),
    st.booleans().map(lambda wanted: {"exists": wanted}),
    st.one_of(TYPE, st.lists(TYPE, min_size=1, max_size=2, unique=True)).map(lambda wanted: {"type": wanted}),
    st.dictionaries(st.sampled_from(["gt", "ge", "lt", "le"]), BOUNDS, min_size=1, max_size=2),
    st.sampled_from(["a", "^a$", "b$", ""]).map(lambda text: {"matches": text}),
    st.sampled_from(["date", "uri-reference", "regex"]).map(lambda name: {"format": name}),
)
SAID_TEST = st.recursive(
    ONE_TEST,
    lambda inner: st.one_of(
        inner.map(lambda test: {"not": test}),
        st.lists(inner, min_size=1, max_size=2).map(lambda tests: {"all": tests}),
        st.lists(inner, min_size=1, max_size=2).map(lambda tests: {"any": tests}),
    ),
    max_leaves=3,
)
SAID = st.recursive(
    st.dictionaries(NAMES, SAID_TEST, min_size=1, max_size=2),
    lambda inner: st.one_of(
        inner.map(lambda part: {"not": part}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"any": parts}),
        st.tuples(inner, inner).map(lambda both: {"any": [both[0]], "not": both[1]}),
    ),
    max_leaves=3,
)
PARTS = st.recursive(
    SMALL,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "a.b"]), inner, max_size=2)
    ),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c", "a.b"]), PARTS, max_size=4)


def as_schema(said: Mapping[str, Any]) -> Json:
    """The JSON Schema of the documents of which a condition holds."""
    fields = [
        _of_path(Path.parse(name) if name != "." else Path(()), test)
        for name, test in said.items()
        if name not in COMBINED
    ]
    return {
        "allOf": [
            *fields,
            *(as_schema(part) for part in said.get("all", ())),
            *([{"anyOf": [as_schema(part) for part in said["any"]]}] if "any" in said else []),
            *([{"not": as_schema(said["not"])}] if "not" in said else []),
        ]
    }


def _of_path(path: Path, tests: Mapping[str, Any]) -> Json:
    inside = path.below(path.base)
    return _reached(path.base, {"allOf": [_of_test(inside, name, argument) for name, argument in tests.items()]})


def _of_test(path: Path, name: str, argument: Any) -> Json:
    there = {
        "eq": lambda: {"const": argument},
        "in": lambda: {"enum": argument},
        "type": lambda: {"type": argument},
        "gt": lambda: {"type": "number", "exclusiveMinimum": argument},
        "ge": lambda: {"type": "number", "minimum": argument},
        "lt": lambda: {"type": "number", "exclusiveMaximum": argument},
        "le": lambda: {"type": "number", "maximum": argument},
        "matches": lambda: {"type": "string", "pattern": argument},
        "format": lambda: {"type": "string", "format": argument},
    }
    if name == "exists":
        found = _reached(path, {})
        return found if argument else {"not": found}
    if name == "not":
        return {"not": {"allOf": [_of_test(path, *one) for one in argument.items()]}}
    if name in COMBINED:
        return {f"{name}Of": [{"allOf": [_of_test(path, *one) for one in part.items()]} for part in argument]}
    return _reached(path, there[name]())


def _reached(path: Path, inside: Json) -> Json:
    """The schema of what has a value at a path that fits a schema."""
    for segment in reversed(path.segments):
        text = str(segment)
        if text == "[]":
            inside = {"type": "array", "contains": inside}
        elif text == "*":
            inside = {"type": "object", "not": {"additionalProperties": {"not": inside}}}
        elif text in {"[0]", "[1]"}:
            index = int(text[1])
            inside = {"type": "array", "minItems": index + 1, "prefixItems": [*[{}] * index, inside]}
        else:
            name = json.loads(text[1:-1]) if text.startswith("[") else text
            inside = {"type": "object", "required": [name], "properties": {name: inside}}
    return inside


@LAW
@given(SAID, DOCUMENTS, RANDOM)
def test_a_condition_answers_as_its_json_schema(said: Any, document: Any, random: Random) -> None:
    """Whatever the condition and the document: the answer is the one that JSON Schema gives, in either form."""
    judge, answer = condition(said).judge(), Schema(as_schema(said)).is_valid(document)
    assert [judge(form) for form in forms(document, random)] == [answer, answer]


@LAW
@given(SAID, st.dictionaries(st.sampled_from(["a", "b", "c"]), st.one_of(PARTS, SCALARS), max_size=3), RANDOM)
def test_asking_changes_nothing(said: Any, document: Any, random: Random) -> None:
    """Nothing is opened in a document that is asked, so that it keeps its bytes."""
    judge = condition(said).judge()
    for form in forms(document, random):
        bytes_before, parts = encode(form), {name: (type(part), id(part)) for name, part in form.items()}
        judge(form)
        assert encode(form) == bytes_before
        assert {name: (type(part), id(part)) for name, part in form.items()} == parts


@LAW
@given(SAID, DOCUMENTS)
def test_a_condition_is_what_its_parts_are(said: Any, document: Any) -> None:
    """It holds exactly where all its parts hold, which is what `assert` tells one by one."""
    whole = condition(said)
    assert whole.judge()(document) == all(part.judge()(document) for part, _, _ in whole.parts())
    assert {path for _, path, _ in whole.parts() if path} <= set(whole.reads())


@LAW
@given(SAID, DOCUMENTS)
def test_a_condition_can_be_read_again(said: Any, document: Any) -> None:
    """The canonical text of a spec says the same condition, and its own canonical text is the same again."""
    spec = spec_of([{"where": said, "remove": ["x"]}], stamp=None)
    again = Spec.from_text(spec.text, "history")
    (step,) = again.steps
    assert again.text == spec.text
    assert step.where is not None
    assert step.where.to_json() == condition(said).to_json()  # in any order of the tests, which all must hold
    assert step.where.judge()(document) == condition(said).judge()(document)


# --------------------------------------------------------------------------------------------- its text


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ({"a": 1}, {"a": {"eq": 1}}),
        ({"a": {"eq": 1}}, {"a": {"eq": 1}}),
        ({'["a"]': None}, {"a": {"eq": None}}),
        ({".": [1]}, {".": {"eq": [1]}}),
        ({'["."]': 1, '[".key"]': 2}, {'["."]': {"eq": 1}, '[".key"]': {"eq": 2}}),
        ({'["all"]': 1, '["not"].any': 2}, {'["all"]': {"eq": 1}, "not.any": {"eq": 2}}),
        ({"a": {"matches": "^x", "not": "xy"}}, {"a": {"matches": "^x", "not": {"eq": "xy"}}}),
        ({"a": {"any": [1, {"gt": 3}]}}, {"a": {"any": [{"eq": 1}, {"gt": 3}]}}),
        (
            {"not": {"a": 1}, "any": [{"b": 1}], "all": [{"c": True}]},
            {"all": [{"c": {"eq": True}}], "any": [{"b": {"eq": 1}}], "not": {"a": {"eq": 1}}},
        ),
    ],
)
def test_the_full_text(said: Json, full: Json) -> None:
    """The text says each test by its name; a literal is a test of equality."""
    assert condition(said).to_json() == full
    assert condition(full).to_json() == full


def test_what_is_read() -> None:
    """The paths it asks for are known, each once, wherever they stand in it; the name of an entry is none."""
    said = {"a": 1, "any": [{"b[].c": 1}, {"a": 2}], "not": {"all": [{".": {"exists": True}}, {"b[].c": 3}]}}
    assert [str(path) for path in condition(said).reads()] == ["a", "b[].c", ""]
    assert not condition(said).asks_name
    assert NAME == ".key"


REFUSED: dict[str, tuple[str, list[str]]] = {
    "a key that is no text": ("{1: a}", ["the key 1 was found, a text was expected; write it in quotes"]),
    "a key in a value that is no text": (
        "{a: {eq: {b: {true: 1}}}}",
        ["the key true was found, a text was expected; write it in quotes"],
    ),
    "a number that JSON has not": ("{a: {gt: .inf}}", [".inf was found, a number that JSON can hold was expected"]),
    "several faults at once": (
        "{a: {typ: string}, b: {exists: 1}, c: {in: []}, d: {matches: 1}}",
        [
            "the unknown key 'typ' was found, one of all, any, eq, exists, format, ge, gt, in, le, lt, matches, not, "
            "type was expected; did you mean 'type'?",
            "an integer 1 was found, true or false was expected",
            "a list with no entries was found, at least 1 was expected",
            "an integer 1 was found, a text was expected",
        ],
    ),
    "an order of null": ("{a: {lt: null}}", ["null was found, a number or a text was expected"]),
    "an order of lists": ("{a: {lt: [1]}}", ["a list was found, a number or a text was expected"]),
    "no conditions": ("{any: []}", ["a list with no entries was found, at least 1 was expected"]),
    "an empty condition inside": ("{all: [{}]}", ["an object with no entries was found, at least 1 was expected"]),
    "no tests inside": ("{a: {not: {}}}", ["an object with no entries was found, at least 1 was expected"]),
    "a list that should be tests": ("{a: {all: 1}}", ["an integer 1 was found, a list was expected"]),
    "a pattern with a fault, far inside": (
        "{not: {any: [{a: {not: {matches: '['}}}]}}",
        ["the pattern '[' was found (missing ]: [), a regular expression in RE2's syntax was expected"],
    ),
    "a name of an entry, far inside": (
        "{not: {any: [{.key: a}]}}",
        [
            "the path '.key' was found, a path into the document was expected; "
            "only where entries of an object are chosen it is their name"
        ],
    ),
    "an empty path": (
        '{"": 1}',
        [
            "the path '' was found, a name, [], [0], * or [\"odd.name\"] was expected at character 1; "
            'write a name with dots, brackets, stars or quotes as ["odd.name"]'
        ],
    ),
    "a key twice": (
        "{a: 1, a: 2}",
        ["the key 'a' was found again, each key was expected once (it is in line 5); remove one of the two"],
    ),
    "a path twice": ("{a.b: 1, 'a[\"b\"]': 2}", ["the path 'a.b' was found again, each path was expected once"]),
}


@pytest.mark.parametrize(("said", "sentences"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read(said: str, sentences: list[str]) -> None:
    """What is wrong with a condition is told all at once, each at its place in the line of the spec."""
    text = spec_text("STEPS", stamp=None).replace('"STEPS"', f"[{{where: {said}, remove: [x]}}]")
    spec, faults = parse_spec(text, SPEC_FILE)
    assert spec is None
    assert [str(fault).split(": ", 1)[1] for fault in faults] == sentences
    assert all(str(fault.where).startswith(f"{SPEC_FILE}:5:") for fault in faults)
