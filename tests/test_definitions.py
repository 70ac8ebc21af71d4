"""The places of a schema's definitions: ``at: "#/$defs/Note"`` is every place that the schema says is a Note."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.codec import Json, decode, encode
from migrate_spec.compiler import RecordRefused, Route, Transform, compile_downgrade
from migrate_spec.definitions import finder
from migrate_spec.document import Refused
from migrate_spec.errors import SpecError
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec, parse_spec
from tests import SPEC_FILE, spec_of, spec_text
from tests.conftest import Folder
from tests.test_condition import forms
from tests.test_laws import LAW, RANDOM

NOTE: Json = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
HERE: Json = {"$ref": "#/$defs/Note"}
NODE: Json = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Note"}}}}
A_NOTE, ANOTHER = {"text": "a"}, {"text": "b"}


def schema(content: Json, **definitions: Json) -> Schema:
    """A schema with the definition ``Note``, and with others."""
    return Schema(content | {"$defs": {"Note": NOTE} | definitions}, "schemas/task/v1.json")


def places(whole: Schema, document: Json, name: str = "Note") -> list[str]:
    """The paths of the places of a definition in a document, which are the same in either form."""
    find = finder(whole, name)
    assert find is not None
    one, other = ([str(path) for _, _, path in find(form)] for form in forms(document))
    assert one == other
    return one


def bound(steps: Any, before: Schema, after: Schema | None = None) -> Spec:
    """A spec with these steps whose definitions are found in these schemas."""
    spec, faults = spec_of(steps, stamp=None).bound(before, after or before, None)
    assert faults == []
    return spec


def up(spec: Spec, value: bytes) -> bytes | None:
    """What becomes of a record."""
    return Transform(Route((spec,), None, 2))(value)


def down(spec: Spec, value: bytes) -> bytes:
    """What becomes of it on the way back."""
    return compile_downgrade(spec, None)(value)


def properties(**named: Json) -> Json:
    """The schema of an object with these properties."""
    return {"type": "object", "properties": named}


# -------------------------------------------------------------------------------------------- where they are

WHERE: dict[str, tuple[Schema, Json, list[str]]] = {
    # what is inside of a value
    "properties": (schema(properties(a=HERE, b=HERE)), {"b": A_NOTE, "c": A_NOTE, "a": ANOTHER}, ["b", "a"]),
    "further in": (schema(properties(a=properties(b=HERE))), {"a": {"b": A_NOTE, "c": 1}, "b": A_NOTE}, ["a.b"]),
    "odd names": (
        schema(properties(**{"a.b": properties(**{"": HERE}), "~/%": HERE})),
        {"a.b": {"": A_NOTE}, "~/%": A_NOTE},
        ['["a.b"][""]', "~/%"],
    ),
    "items": (schema(properties(l={"items": HERE})), {"l": [A_NOTE, ANOTHER]}, ["l[0]", "l[1]"]),
    "items of items": (schema(properties(l={"items": {"items": HERE}})), {"l": [[], [A_NOTE]]}, ["l[1][0]"]),
    "prefixItems": (
        schema(properties(l={"prefixItems": [True, HERE]})),
        {"l": [A_NOTE, A_NOTE, A_NOTE]},
        ["l[1]"],
    ),
    "items behind prefixItems": (
        schema(properties(l={"prefixItems": [{"type": "object"}], "items": HERE})),
        {"l": [A_NOTE, A_NOTE, A_NOTE]},
        ["l[1]", "l[2]"],
    ),
    "fewer than prefixItems": (schema(properties(l={"prefixItems": [HERE, HERE, HERE]})), {"l": [A_NOTE]}, ["l[0]"]),
    "additionalProperties": (
        schema(
            properties(m={"properties": {"a": True}, "patternProperties": {"^x": {}}, "additionalProperties": HERE})
        ),
        {"m": {"a": A_NOTE, "xy": A_NOTE, "b": A_NOTE, "é": ANOTHER}},
        ["m.b", "m.é"],
    ),
    "patternProperties": (
        schema(properties(m={"patternProperties": {"^x-": HERE, r"\d$": HERE}, "additionalProperties": False})),
        {"m": {"x-a": A_NOTE, "ax-": A_NOTE, "b1": A_NOTE, "x-2": ANOTHER}},
        ["m.x-a", "m.b1", "m.x-2"],
    ),
    "patternProperties that RE2 has not": (
        schema(properties(m={"patternProperties": {"^(?!_)": HERE}})),
        {"m": {"a": A_NOTE, "_b": A_NOTE}},
        ["m.a"],
    ),
    "properties and patternProperties": (
        schema(properties(m={"properties": {"a": {"type": "object"}}, "patternProperties": {"a": HERE}})),
        {"m": {"a": A_NOTE, "b": A_NOTE}},
        ["m.a"],
    ),
    # references
    "the document itself": (schema(HERE), A_NOTE | {"more": A_NOTE}, [""]),
    "a reference to a reference": (
        schema(properties(a={"$ref": "#/$defs/One"}), One={"$ref": "#/$defs/Two"}, Two=HERE),
        {"a": A_NOTE},
        ["a"],
    ),
    "a reference to another place": (
        schema(properties(**{"a/b": {"items": HERE}, "c": {"$ref": "#/properties/a~1b/items"}})),
        {"c": A_NOTE},
        ["c"],
    ),
    "a reference into a list": (
        schema(properties(a={"allOf": [{}, HERE]}, b={"$ref": "#/properties/a/allOf/1"})),
        {"b": A_NOTE},
        ["b"],
    ),
    "a reference with escapes": (
        schema(properties(a={"$ref": "#/$defs/N%6Fte"}, b={"$ref": "#/$defs/x~0y"}), **{"x~y": HERE}),
        {"a": A_NOTE, "b": A_NOTE},
        ["a", "b"],
    ),
    "a reference to an anchor": (
        schema(properties(a={"$ref": "#note"}), Note=NOTE | {"$anchor": "note"}),
        {"a": A_NOTE},
        ["a"],
    ),
    "a reference with the schema's own name": (
        schema({"$id": "https://x.org/task.json", **properties(a={"$ref": "https://x.org/task.json#/$defs/Note"})}),
        {"a": A_NOTE},
        ["a"],
    ),
    "a reference beside other keywords": (
        schema(properties(a={**HERE, "properties": {"reply": HERE}, "description": "A note."})),
        {"a": A_NOTE | {"reply": ANOTHER}},
        ["a", "a.reply"],
    ),
    "references around nothing": (
        schema(properties(a={"$ref": "#/$defs/One"}, b=HERE), One={"$ref": "#/$defs/Two"}, Two={"$ref": "#/$defs/One"}),
        {"b": A_NOTE},
        ["b"],
    ),
    # one in another
    "inside of itself": (
        schema(properties(l={"items": HERE}), Note=NODE),
        {"l": [{"children": [{}, {"children": [{"children": []}]}]}, {}]},
        ["l[0]", "l[0].children[0]", "l[0].children[1]", "l[0].children[1].children[0]", "l[1]"],
    ),
    "the document, and inside of it": (schema(HERE, Note=NODE), {"children": [{}]}, ["", "children[0]"]),
    "the whole schema inside of itself": (
        schema(properties(note=HERE, parts={"items": {"$ref": "#"}})),
        {"note": A_NOTE, "parts": [{"note": ANOTHER}, {"parts": [{"note": A_NOTE}, {}]}]},
        ["note", "parts[0].note", "parts[1].parts[0].note"],
    ),
    "two inside of each other": (
        schema(
            properties(g={"$ref": "#/$defs/Group"}),
            Note=properties(groups={"items": {"$ref": "#/$defs/Group"}}),
            Group=properties(notes={"additionalProperties": HERE}),
        ),
        {"g": {"notes": {"a": {"groups": [{"notes": {"b": {}}}]}, "c": {}}}},
        ["g.notes.a", "g.notes.a.groups[0].notes.b", "g.notes.c"],
    ),
    # several that describe the same value
    "allOf": (
        schema(properties(a={"allOf": [HERE, {"properties": {"reply": HERE}}]})),
        {"a": A_NOTE | {"reply": ANOTHER}},
        ["a", "a.reply"],
    ),
    "twice over is once": (schema(properties(a={"allOf": [HERE, HERE], **HERE})), {"a": A_NOTE}, ["a"]),
    "anyOf, by the type": (
        schema(properties(l={"items": {"anyOf": [{"type": "null"}, HERE, {"type": "array", "items": HERE}]}})),
        {"l": [None, A_NOTE, [A_NOTE, {}]]},
        ["l[1]", "l[2][0]", "l[2][1]"],
    ),
    "anyOf, by the type, whatever else is wrong": (
        schema(properties(a={"anyOf": [HERE, {"type": ["string", "null"]}]})),
        {"a": {"no": "text"}},
        ["a"],
    ),
    "anyOf, by the content": (
        schema(properties(l={"items": {"anyOf": [HERE, {"required": ["code"]}]}})),
        {"l": [A_NOTE, {"code": 1}, A_NOTE | {"code": 2}]},
        ["l[0]", "l[2]"],
    ),
    "oneOf, by a constant": (
        schema(
            properties(l={"items": {"oneOf": [{"$ref": "#/$defs/Other"}, HERE]}}),
            Note={"type": "object", "properties": {"kind": {"const": "note"}}, "required": ["kind"]},
            Other={"type": "object", "properties": {"kind": {"const": "other"}, "note": HERE}, "required": ["kind"]},
        ),
        {"l": [{"kind": "note"}, {"kind": "other", "note": {"kind": "note"}}]},
        ["l[0]", "l[1].note"],
    ),
    "oneOf, of which none leads there": (
        schema(properties(a={"oneOf": [{"required": ["x"]}, {"required": ["y"]}]}, b=HERE)),
        {"a": {}, "b": A_NOTE},
        ["b"],
    ),
    "another type than any": (schema(properties(a={"anyOf": [HERE, {"type": "null"}]})), {"a": "text"}, []),
    "if, then and else": (
        schema(
            properties(
                l={
                    "items": {
                        "if": {"properties": {"kind": {"const": 1}}, "required": ["kind"]},
                        "then": {"properties": {"v": HERE}},
                        "else": {"properties": {"w": HERE}},
                    }
                }
            )
        ),
        {"l": [{"kind": 1, "v": A_NOTE, "w": A_NOTE}, {"kind": 2, "v": A_NOTE, "w": A_NOTE}, {"w": ANOTHER}]},
        ["l[0].v", "l[1].w", "l[2].w"],
    ),
    "dependentSchemas": (
        schema(properties(l={"items": {"dependentSchemas": {"kind": {"properties": {"v": HERE}}}}})),
        {"l": [{"v": A_NOTE}, {"v": A_NOTE, "kind": None}, ["kind"]]},
        ["l[1].v"],
    ),
    # values that are no documents of the schema
    "other types than the schema says": (
        schema(properties(a={"items": HERE}, b=properties(c=HERE), d=HERE)),
        {"a": {"0": A_NOTE}, "b": [A_NOTE], "d": "a note"},
        ["d"],
    ),
    "nothing there": (schema(properties(a={"items": HERE})), {}, []),
}


@pytest.mark.parametrize(("whole", "document", "found"), WHERE.values(), ids=WHERE)
def test_where_a_definition_is(whole: Schema, document: Json, found: list[str]) -> None:
    """Each place is found once, the outer ones first, in the plain form and in the raw one."""
    assert places(whole, document) == found


@pytest.mark.parametrize(
    "whole",
    [
        schema({}),
        schema(properties(a={"$ref": "#/$defs/Other"}), Other={"items": True}),
        schema(properties(a={"$ref": "#/$defs/Note/properties/text"})),
        schema(properties(a={"not": HERE, "contains": HERE, "propertyNames": HERE})),
        Schema(properties(a=HERE)),
        Schema(properties(a=HERE) | {"$defs": {"Note": True}}),
        Schema({}),
    ],
    ids=["not used", "another one is used", "a part is used", "not said of a value", "missing", "anything", "empty"],
)
def test_a_definition_that_leads_nowhere(whole: Schema) -> None:
    """A definition that no value is said to be has no places."""
    assert finder(whole, "Note") is None


def test_it_has_another_name() -> None:
    """Definitions are told apart by their names."""
    whole = schema(properties(a=HERE, b={"$ref": "#/$defs/Tag"}), Tag={"type": "string"})
    assert places(whole, {"a": A_NOTE, "b": "x"}) == ["a"]
    assert places(whole, {"a": A_NOTE, "b": "x"}, "Tag") == ["b"]


def test_alternatives_that_cannot_be_told_apart() -> None:
    """Where a value is of the type of several alternatives and fits none, nobody can say what it is."""
    whole = schema(properties(l={"items": {"properties": {"a.b": {"oneOf": [HERE, {"required": ["code"]}]}}}}))
    find = finder(whole, "Note")
    assert find is not None
    for form in forms({"l": [{}, {"a.b": {"txt": "a"}}]}):
        with pytest.raises(Refused) as caught:
            list(find(form))
        assert (caught.value.path, caught.value.found) == ('l[1]["a.b"]', "an object was found")
        assert caught.value.expected == "one of the alternatives of schemas/task/v1.json was expected"


TREES = st.recursive(
    st.dictionaries(st.sampled_from(["text", "x"]), st.sampled_from(["a", 1, None]), max_size=2),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["note", "children", "x", "text"]), inner, max_size=3),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)


@LAW
@given(TREES, RANDOM)
def test_the_places_are_those_of_the_schema(tree: Any, random: Any) -> None:
    """Of any tree: the places are the values of `note`, and the items of `children`, wherever such a value can be."""
    part = {"$ref": "#/$defs/Part"}
    whole = schema(properties(tree=part), Note=part, Part={"properties": {"note": HERE, "children": {"items": HERE}}})

    def expected(value: Any, path: str) -> list[str]:
        if not isinstance(value, dict):
            return []
        found: list[str] = []
        for name, inside in value.items():
            at = f"{path}.{name}"
            if name == "note":
                found += [at, *expected(inside, at)]
            elif name == "children" and isinstance(inside, list):
                for index, item in enumerate(inside):
                    found += [f"{at}[{index}]", *expected(item, f"{at}[{index}]")]
        return found

    find = finder(whole, "Note")
    assert find is not None
    for form in forms({"tree": tree}, random):
        assert [str(path) for _, _, path in find(form)] == expected(tree, "tree")
        assert encode(decode(form)) == encode({"tree": tree})


# ------------------------------------------------------------------------------------------------- steps

LISTED = schema(properties(notes={"type": "array", "items": HERE}, main=HERE))
RECURSIVE = schema(HERE, Note=NODE)


def test_a_step_at_each_place() -> None:
    """A step is done in each place, forwards and backwards; what is elsewhere keeps its bytes."""
    spec = bound([{"at": "#/$defs/Note", "rename": {"text": "body"}}], LISTED)
    value = b'{"x": [ {"text":1.10} ], "notes": [ {"n":1.0, "text" : "a"}, {} ],"text":2,"main":{"text":"b"}}'
    after = b'{"x":[ {"text":1.10} ],"notes":[{"n":1.0,"body":"a"},{}],"text":2,"main":{"body":"b"}}'
    assert up(spec, value) == after
    assert down(spec, after) == after.replace(b"body", b"text")


def test_a_record_without_a_place_stays() -> None:
    """Where a record has no place of it, or nothing to do there, it is not written."""
    spec = bound([{"at": "#/$defs/Note", "rename": {"text": "body"}}], LISTED)
    for value in (b'{"n":1}', b' {"notes" : []}', b'{"notes":[{"n":1}] }'):
        assert up(spec, value) is None


def test_further_in_from_each_place() -> None:
    """A path may go on from the places."""
    spec = bound([{"at": "#/$defs/Note.tags[]", "add": {"n": 0}}], LISTED)
    assert up(spec, b'{"notes":[{"tags":[{},{"m":1}]},{}]}') == b'{"notes":[{"tags":[{"n":0},{"m":1,"n":0}]},{}]}'


def test_the_innermost_first() -> None:
    """Places are changed from the inside out, so that what holds them may be renamed."""
    steps = [{"at": "#/$defs/Note", "rename": {"children": "parts"}}]
    spec = bound(steps, RECURSIVE, schema(HERE, Note=properties(parts={"items": HERE})))
    assert up(spec, b'{"children":[{"children":[{}]},{}]}') == b'{"parts":[{"parts":[{}]},{}]}'
    assert down(spec, b'{"parts":[{"parts":[{}]},{}]}') == b'{"children":[{"children":[{}]},{}]}'


def test_the_way_back_goes_by_the_newer_schema() -> None:
    """Backwards the places are those that the newer schema names; where it lacks the definition, those of the older."""
    steps = [{"at": "#/$defs/Note", "add": {"n": 0}}]
    after = b'{"remarks":[{"n":0}],"notes":[{"n":1}],"main":{"n":0}}'
    assert down(bound(steps, LISTED, schema(properties(remarks={"items": HERE}))), after) == (
        b'{"remarks":[{}],"notes":[{"n":1}],"main":{"n":0}}'
    )
    assert down(bound(steps, LISTED, Schema(properties(remarks={}))), after) == (
        b'{"remarks":[{"n":0}],"notes":[{}],"main":{}}'
    )


def test_two_definitions() -> None:
    """Steps at places of several definitions follow each other; each sees what those before have made."""
    whole = schema(
        properties(notes={"items": HERE}),
        Note=properties(tags={"items": {"$ref": "#/$defs/Tag"}}),
        Tag=properties(name={"type": "string"}),
    )
    steps = [{"at": "#/$defs/Tag", "rename": {"name": "label"}}, {"at": "#/$defs/Note", "add": {"n": 0}}]
    spec = bound(steps, whole)
    assert up(spec, b'{"notes":[{"tags":[{"name":"a"}]}]}') == b'{"notes":[{"tags":[{"label":"a"}],"n":0}]}'
    assert down(spec, b'{"notes":[{"tags":[{"label":"a"}],"n":0}]}') == b'{"notes":[{"tags":[{"name":"a"}]}]}'


def test_where_and_do_and_switch_at_each_place() -> None:
    """At the places there may be conditions, several steps, and cases."""
    spec = bound(
        [
            {"at": "#/$defs/Note", "where": {"kind": 1}, "do": [{"add": {"a": 0}}, {"rename": {"text": "body"}}]},
            {"at": "#/$defs/Note", "switch": {"on": "kind", "cases": {"2": [{"add": {"b": 0}}]}, "else": "keep"}},
        ],
        LISTED,
    )
    value = b'{"notes":[{"kind":1,"text":"x"},{"kind":"2","text":"y"},{}]}'
    after = b'{"notes":[{"kind":1,"body":"x","a":0},{"kind":"2","text":"y","b":0},{}]}'
    assert up(spec, value) == after
    assert down(spec, after) == value


def test_places_under_a_condition_of_the_document() -> None:
    """A step at the places may be under a condition, or in a case, of the whole document."""
    step = {"at": "#/$defs/Note", "rename": {"text": "body"}}
    for steps in (
        [{"where": {"v": 1}, "do": [step]}],
        [{"switch": {"on": "v", "cases": [[1, [step]], [2, []]]}}],
    ):
        spec = bound(steps, LISTED)
        assert up(spec, b'{"v":1,"main":{"text":"a"}}') == b'{"v":1,"main":{"body":"a"}}'
        assert up(spec, b'{"v":2,"main":{"text":"a"}}') is None
        assert down(spec, b'{"v":1,"main":{"body":"a"}}') == b'{"v":1,"main":{"text":"a"}}'


def test_a_condition_that_asks_for_what_is_changed_at_the_places() -> None:
    """A step at the places may alter what a condition around it asks for: it is undone all the same, and declared."""
    steps = [{"where": {"notes[].text": {"exists": True}}, "do": [{"at": "#/$defs/Note", "rename": {"text": "body"}}]}]
    spec = bound(steps, LISTED)
    assert up(spec, b'{"notes":[{"text":"a"}]}') == b'{"notes":[{"body":"a"}]}'
    assert down(spec, b'{"notes":[{"body":"a"}]}') == b'{"notes":[{"text":"a"}]}'
    assert "whether the condition held" in {loss.what for loss in spec.steps[0].losses()}
    untouched = bound([{"where": {"kind": 1}, "do": [{"at": "#/$defs/Note", "rename": {"text": "body"}}]}], LISTED)
    assert untouched.steps[0].losses() == ()


def test_a_case_that_alters_what_it_was_chosen_by_at_the_places() -> None:
    """A switch on something inside of an object sees that a definition may stand around it."""
    steps = [{"switch": {"on": "main.kind", "cases": {"a": [{"at": "#/$defs/Note", "remove": ["kind"]}]}}}]
    spec, wrong = parse_spec(spec_text(steps, stamp=None), SPEC_FILE)
    assert spec is None
    assert [fault.code for fault in wrong] == ["switch-altered"]


@pytest.mark.parametrize(
    ("steps", "whole", "document", "path", "sentence"),
    [
        (
            [{"at": "#/$defs/Note", "add": {"meta.n": 0}}],
            LISTED,
            {"notes": [{}, {"meta": {"n": 1}}]},
            "notes[1].meta.n",
            "an integer 1 was found, no such field was expected; "
            "say `if_exists: keep` or `if_exists: replace`, or use `default`",
        ),
        (
            [{"at": "#/$defs/Note", "add": {"n": 0}}],
            RECURSIVE,
            {"children": [], "n": 1},
            "n",
            "an integer 1 was found, no such field was expected; "
            "say `if_exists: keep` or `if_exists: replace`, or use `default`",
        ),
        (
            [{"at": "#/$defs/Note", "add": {"n": 0}}],
            LISTED,
            {"notes": [{}, "a note"]},
            "notes[1]",
            'a text "a note" was found, an object was expected',
        ),
        (
            [{"set": {"main": {"txt": 1}}}, {"at": "#/$defs/Note", "add": {"n": 0}}],
            schema(properties(main={"oneOf": [HERE, {"required": ["code"]}]})),
            {"main": {"code": 1}},
            "main",
            "an object was found, one of the alternatives of schemas/task/v1.json was expected; "
            "earlier steps may have changed what tells them apart; put this step before them",
        ),
    ],
    ids=["in a place", "in the document itself", "a place that is no object", "what cannot be told apart any more"],
)
def test_a_refusal_names_the_whole_path(steps: Any, whole: Schema, document: Json, path: str, sentence: str) -> None:
    """A refusal at a place says where in the document it is, and which line of the spec asked."""
    spec = bound(steps, whole)
    for value in (encode(document), json.dumps(document, indent=1).encode()):
        with pytest.raises(RecordRefused) as caught:
            up(spec, value)
        assert caught.value.path == path
        assert str(caught.value.fault).split(": ", 1)[1] == sentence
        assert str(caught.value.fault).startswith("specs/task/v1_to_v2.yaml:5:")


def test_deep_documents() -> None:
    """Hundreds of levels are walked; what is too deep to work on is refused, and nothing falls over."""
    spec = bound([{"at": "#/$defs/Note", "add": {"n": 0}}], RECURSIVE)

    def nested(levels: int) -> bytes:
        return b'{"children":[' * levels + b"{}" + b"]}" * levels

    result = up(spec, nested(150))
    assert result is not None
    assert result.count(b'"n":0') == 151
    assert down(spec, result) == nested(150)
    for levels in (300, 400, 450, 480, 499, 600):
        try:
            assert (up(spec, nested(levels)) or b"").count(b'"n":0') == levels + 1
        except RecordRefused as refused:
            assert "nested too deep" in str(refused.fault)  # noqa: PT017 - where it begins depends on the interpreter
    with pytest.raises(RecordRefused):
        up(spec, nested(600))


def test_wide_documents() -> None:
    """Very many places are all found."""
    spec = bound([{"at": "#/$defs/Note", "add": {"n": 0}}], LISTED)
    assert (up(spec, encode({"notes": [{}] * 5_000})) or b"").count(b'"n":0') == 5_000


def test_a_bound_spec_can_be_sent() -> None:
    """A spec goes to another process after its definitions were looked for."""
    whole = schema(
        properties(l={"items": {"oneOf": [HERE, {"required": ["code"]}]}}, m={"patternProperties": {"^x": HERE}})
    )
    spec = bound([{"at": "#/$defs/Note", "rename": {"text": "body"}}], whole)
    value, after = (
        b'{"l":[{"text":"a"},{"code":1}],"m":{"x":{"text":"b"}}}',
        b'{"l":[{"body":"a"},{"code":1}],"m":{"x":{"body":"b"}}}',
    )
    assert up(spec, value) == after
    again: Spec = pickle.loads(pickle.dumps(spec))  # noqa: S301 - it comes from the line itself
    assert again == spec
    assert up(again, value) == after


# ------------------------------------------------------------------------------------------- whole projects


def test_a_project_with_places(folder: Folder) -> None:
    """In a project the places are those that its schemas name, and the result must fit the newer one."""
    after = LISTED.content | {"$defs": {"Note": properties(body={"type": "string"}) | {"required": ["body"]}}}
    folder.spec("task", 1, {"at": "#/$defs/Note", "rename": {"text": "body"}}, stamp=None)
    folder.schema("task", 1, LISTED.content).schema("task", 2, after)
    project = folder.load()
    assert project.upgrade("task", b'{"notes":[{"text":"a"}]}') == b'{"notes":[{"body":"a"}]}'


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("#/$defs/Not", "the definition 'Not' was found, one that {v1} uses was expected; did you mean 'Note'?"),
        ("#/$defs/Unused", "the definition 'Unused' was found, one that {v1} uses was expected"),
        ("#/$defs/Missing.a[]", "the definition 'Missing' was found, one that {v1} uses was expected"),
    ],
)
def test_a_definition_that_is_not_known(folder: Folder, at: str, sentence: str) -> None:
    """A definition that the older schema lacks, or does not use, is a fault of the project."""
    folder.spec("task", 1, {"at": at, "add": {"n": 0}})
    folder.schema("task", 1, LISTED.content | {"$defs": {"Note": NOTE, "Unused": NOTE}})
    assert faults(folder) == [sentence.format(v1=folder.schemas / "task" / "v1.json")]


def test_a_definition_inside_of_another_place(folder: Folder) -> None:
    """A definition is looked for in the whole document, so no step around it may be at a place of its own."""
    inner = {"at": "#/$defs/Note", "add": {"n": 0}}
    folder.schema("task", 1, LISTED.content)
    folder.spec(
        "task",
        1,
        {"at": "meta", "do": [{"add": {"n": 0}}, inner]},
        {"at": "#/$defs/Note", "do": [inner]},
        {"at": "l[]", "where": {"a": 1}, "switch": {"on": "a", "cases": {"b": [{"where": {"c": 1}, "do": [inner]}]}}},
        {"where": {"a": 1}, "do": [inner]},
    )
    sentence = (
        "the definition 'Note' was found inside of another `at`, a step of its own was expected for it; "
        "it is looked for in the whole document"
    )
    assert faults(folder) == [sentence] * 3


def faults(folder: Folder) -> list[str]:
    """What is wrong with a project, without the places in its files."""
    with pytest.raises(SpecError) as caught:
        folder.load()
    return [str(fault).split(": ", 1)[1] for fault in caught.value.faults]
