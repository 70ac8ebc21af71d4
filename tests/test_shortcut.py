"""The short way of specs that look at names only: it makes the bytes that the long way makes."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from migrate_spec.codec import decode, encode
from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.schema import Schema
from migrate_spec.shortcut import PASSED
from migrate_spec.spec import parse_spec
from tests import SPEC_FILE, spec_of, spec_text
from tests.test_laws import LAW, RANDOM, spelled

ANY = Schema({})
NAMES = st.sampled_from(["a", "b", "c", "ü", 'q"', "schema_version", "v"])
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1.5, 2**53 + 1, 10**30, "", "ü😀", 'a"b', [], {}, {"x": [1, None]}]
)
STAMPS = st.sampled_from(
    ["schema_version", "schema_version", "schema_version", None, {"path": "v", "as": "string"}, "meta.v"]
)


def quoted(name: str) -> str:
    """A name as a path."""
    return name if name.isidentifier() else f"[{encode(name).decode()}]"


IF_EXISTS = st.sampled_from(["keep", "keep", "keep", "fail", "replace"])
KINDS = st.sampled_from(["default", "add", "copy", "do", "rename", "move", "remove", "keep_fields", "other"])


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    """A step that looks at names; in rare cases one that looks at values."""
    kind = draw(KINDS)
    first, second, third = map(quoted, draw(st.lists(NAMES, min_size=3, max_size=3, unique=True)))
    more = draw(st.sampled_from([{}, {third: "new"}]))
    renamed = {first: second, **draw(st.sampled_from([{}, {second: first}, {second: third}, more]))}
    body: Any = {
        "default": {first: draw(VALUES), second: draw(VALUES)},
        "add": {first: draw(VALUES), second: draw(VALUES)},
        "copy": {first: second, **more},
        "move": {first: second, **more},
        "rename": {old: bare(new) for old, new in renamed.items()},
        "remove": [first, second],
        "keep_fields": [first, second, "schema_version", "v", "meta"],
    }.get(kind)
    if kind == "do":
        return {"do": [draw(steps())]}
    if body is None:
        others = [{"default": {first: 1}, "also_null": True}, {"set": {first: 1}}, {"add": {"x.y": 1}}]
        return draw(st.sampled_from(others))
    return {kind: body, **({"if_exists": draw(IF_EXISTS)} if kind in {"add", "copy", "move", "rename"} else {})}


def bare(path: str) -> str:
    """The name that a path consists of."""
    return decode(path[1:-1].encode()) if path.startswith("[") else path


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """A way of one to three versions for a database of any of them, as a plan has it."""
    stamp = draw(STAMPS)
    count = draw(st.integers(1, 3))
    specs = []
    for version in range(1, count + 1):
        text = spec_text(draw(st.lists(steps(), max_size=2)), stamp=stamp, **{"from": version, "to": version + 1})
        spec, faults = parse_spec(text, SPEC_FILE)
        assume(spec is not None and not faults)
        specs.append(spec)
    start = draw(st.integers(1, count))
    return Route(
        tuple(spec for spec in specs if spec is not None), ANY, count + 1, 1, start if stamp is None else 1, start
    )


@st.composite
def documents(draw: st.DrawFn, route: Route) -> dict[str, Any]:
    """A document, most often with a stamp of some version, at its beginning or anywhere."""
    document = draw(
        st.dictionaries(
            NAMES.filter(lambda name: name != "schema_version"),
            VALUES,
            min_size=draw(st.sampled_from([0, 1, 2, 2])),
            max_size=5,
        )
    )
    path = route.stamp.path
    if path is not None and draw(st.booleans()):
        mark = route.stamp.mark(draw(st.sampled_from([route.start, route.start, route.start, 1, 2, 5])))
        name = str(path)
        document = {name: mark, **document} if draw(st.integers(0, 4)) else {**document, name: mark}
    return document


def outcomes(route: Route, values: list[bytes]) -> tuple[list[Any], list[int]]:
    """What becomes of records that are carried one after the other, or their refusals; and what each spec changed."""
    transform = Transform(route)
    found: list[Any] = []
    for value in values:
        try:
            found.append(transform(value))
        except RecordRefused as refused:
            found.append((refused.step, refused.path, refused.fault))
    return found, transform.changed_by


@LAW
@given(st.data())
def test_it_makes_what_the_long_way_makes(data: st.DataObject) -> None:
    """Byte for byte, with the same refusals and the same counts, for records that are checked before."""
    route = data.draw(routes())
    some = data.draw(st.lists(documents(route), min_size=1, max_size=3))
    values = [encode(document) for document in (*some, *some[:1] * 3, *some)]  # what comes again is read in another way
    assert outcomes(replace(route, sure=ANY), values) == outcomes(route, values)


@LAW
@given(st.data(), RANDOM)
def test_a_glance_makes_the_same_of_what_is_spelled_oddly(data: st.DataObject, random: Random) -> None:
    """The same document comes out, whatever the spelling."""
    route = data.draw(routes())
    document = data.draw(documents(route))
    value = spelled(document, random).encode() if data.draw(st.booleans()) else encode(document)
    (expected, *_), counts = outcomes(route, [value])
    found, repeated = outcomes(replace(route, schema=None, glances=True), [value] * 4)
    assert repeated == [count * 4 for count in counts]
    for one in found:
        if isinstance(one, bytes) and isinstance(expected, bytes):
            assert decode(one) == decode(expected)
            assert list(decode(one)) == list(decode(expected))
        else:
            assert one == expected


MOVES = [
    {"rename": {"a": "b"}},
    {"copy": {"b": "c"}, "if_exists": "keep"},
    {"move": {"x": "y"}},
    {"remove": ["z"]},
    {"add": {"n": {"m": []}}},
]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # the long way
        ('{"a":1,"b":2}', PASSED),
        ('{"n":1}', PASSED),
        ('{"a":1,"a":1}', PASSED),
        ('{"a": 1}', PASSED),
        # the short way
        ('{"q":1}', '{"schema_version":2,"q":1,"n":{"m":[]}}'),
        ('{"a":1.10,"z":0}', '{"schema_version":2,"b":1.10,"c":1.10,"n":{"m":[]}}'),
        (
            '{"schema_version":1,"x":[ ],"a":"\\u0061"}',
            '{"schema_version":2,"b":"\\u0061","c":"\\u0061","y":[ ],"n":{"m":[]}}',
        ),
    ],
)
def test_fields_that_move(value: str, expected: str | bytes) -> None:
    """Fields get other names and places, go and come; each value keeps its spelling."""
    transform = Transform(Route((spec_of(MOVES),), None, 2, glances=True))
    assert transform.shortcut is not None
    assert transform.shortcut(value.encode()) == (expected.encode() if isinstance(expected, str) else expected)


STEPS = [{"default": {"tags": [], "done": False}}, {"copy": {"created": "changed"}, "if_exists": "keep"}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # must not change
        ('{"tags":[1],"done":0,"changed":2}', None),
        ('{"schema_version":2,"x":1}', None),
        # the long way
        ("{}", PASSED),
        ('{"x":1,"schema_version":1}', PASSED),
        ('{ "x":1}', PASSED),
        ('{"x":1}\n', PASSED),
        ('{"x":1', PASSED),
        ('{"schema_version":3,"x":1}', PASSED),
        ('{"schema_version":1}', PASSED),
        ('{"schema_version":1,"x":1,"schema_version":1}', PASSED),
        ('{"schema\\u005fversion":1,"x":1}', PASSED),
        ("[1]", PASSED),
        # the short way
        ('{"x":1}', '{"schema_version":2,"x":1,"tags":[],"done":false}'),
        ('{"schema_version":1,"x":1}', '{"schema_version":2,"x":1,"tags":[],"done":false}'),
        ('{"done":1,"created":"ü"}', '{"schema_version":2,"done":1,"created":"ü","tags":[],"changed":"ü"}'),
        ('{"x": 1.10 , "tags":1E5}', '{"schema_version":2,"x": 1.10 , "tags":1E5,"done":false}'),
        ('{"created":1E5,"x":[ ]}', '{"schema_version":2,"created":1E5,"x":[ ],"tags":[],"done":false,"changed":1E5}'),
    ],
)
def test_a_glance(value: str, expected: str | bytes | None) -> None:
    """Fields are put behind what is there, which keeps its spelling; what is not plain to see goes the long way."""
    transform = Transform(Route((spec_of(STEPS),), None, 2, glances=True))
    assert transform.shortcut is not None
    if value.startswith('{"schema_version":2'):
        assert transform(value.encode()) is None
    else:
        found = transform.shortcut(value.encode())
        assert found == (expected.encode() if isinstance(expected, str) else expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"x":1}', '{"schema_version":2,"x":1,"tags":[],"done":false}'),
        ('{"x":"1"}', PASSED),
        ('{"x":1.10}', PASSED),
        ('{"x": 1}', PASSED),
        ('{"x":1,"x":1}', PASSED),
        ('{"tags":[1],"done":0,"changed":2}', None),
        ('{"tags":[1],"done":"","changed":2}', PASSED),
    ],
)
def test_what_is_checked_before(value: str, expected: str | bytes | None) -> None:
    """Only a record that fits the older schema goes the short way; one that stays as it is must fit the newer, too."""
    before = Schema({"properties": {"x": {"type": "number"}}})
    after = Schema({"properties": {"x": {"type": "number"}, "done": {"type": ["boolean", "integer"]}}})
    shortcut = Transform(Route((spec_of(STEPS),), after, 2, sure=before)).shortcut
    assert shortcut is not None
    assert shortcut(value.encode()) == (expected.encode() if isinstance(expected, str) else expected)


@pytest.mark.parametrize("glances", [True, False])
def test_only_where_it_is_known_or_asked_for(*, glances: bool) -> None:
    """Without a proof, and without leave to glance, every record goes the long way."""
    route = Route((spec_of(STEPS),), None if glances else ANY, 2)
    assert Transform(route).shortcut is None
    assert (Transform(replace(route, glances=True)).shortcut is None) is False
    elsewhere = Route((spec_of([*STEPS, {"set": {"x": 1}}]),), None, 2, glances=True)
    assert Transform(elsewhere).shortcut is None
