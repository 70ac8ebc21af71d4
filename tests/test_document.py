"""Paths and the walk: what a path names, in which words it is refused, and what it finds."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_spec.codec import Raw, decode, encode, read
from migrate_spec.document import ABSENT, Refused, describe, equal, on_object, put
from migrate_spec.errors import PathError, Place
from migrate_spec.path import Each, EachValue, Index, Name, Path, within

READ = {
    "a": (Name("a"),),
    "a.b": (Name("a"), Name("b")),
    "a[]": (Name("a"), Each()),
    "a[].b": (Name("a"), Each(), Name("b")),
    "a[][]": (Name("a"), Each(), Each()),
    "a.*": (Name("a"), EachValue()),
    "*": (EachValue(),),
    "*.a": (EachValue(), Name("a")),
    "*[0]": (EachValue(), Index(0)),
    "[]": (Each(),),
    "a[0]": (Name("a"), Index(0)),
    "a[17][2].b": (Name("a"), Index(17), Index(2), Name("b")),
    '["a.b"]': (Name("a.b"),),
    'a["b[]"].c': (Name("a"), Name("b[]"), Name("c")),
    '["*"].*': (Name("*"), EachValue()),
    '[""]': (Name(""),),
    '["a\\"b"]': (Name('a"b'),),
    '["#/x"]': (Name("#/x"),),
    "$id": (Name("$id"),),
    "#a": (Name("#a"),),
    "-1": (Name("-1"),),
    "0": (Name("0"),),
    "x1/": (Name("x1/"),),
    "modules power": (Name("modules power"),),
    "it's": (Name("it's"),),
    "größe.日本": (Name("größe"), Name("日本")),
    "container.runtime.name": (Name("container"), Name("runtime"), Name("name")),
}

OTHER_SPELLINGS = {'["a"]': "a", 'a["b"]': "a.b", '*["a"]': "*.a", '["\\u0041"]': "A", '["a"][0]': "a[0]"}

UNREADABLE = {
    "": 1,
    ".a": 1,
    "a.": 2,
    "a..b": 2,
    "a.[]": 2,
    'a.["b"]': 2,
    '["a"]b': 6,
    "[]a": 3,
    "a[": 2,
    "a]": 2,
    "a[-1]": 2,
    "a[01]": 2,
    "a[1.5]": 2,
    "a[b]": 2,
    "a[99999999999]": 2,
    "a*": 2,
    "a.*b": 2,
    "*a": 1,
    "**": 1,
    'a"b': 2,
    'a["b"': 2,
    "a['b']": 2,
    '["\\q"]': 1,
    '["a\nb"]': 1,
    '["\\ud800"]': 1,
    "#/$defs/": 1,
    "a.#/$defs/Note": 2,
    "a.#/x": 2,
}


@pytest.mark.parametrize(("text", "segments"), READ.items())
def test_a_path_is_read_and_written_again(text: str, segments: tuple[Any, ...]) -> None:
    """A path has these segments, and is written as it was."""
    path = Path.parse(text)
    assert (path.segments, str(path)) == (segments, text)


@pytest.mark.parametrize(("text", "written"), OTHER_SPELLINGS.items())
def test_another_spelling_is_the_same_path(text: str, written: str) -> None:
    """A name in quotes that needs none is the name without; the place in a file does not count."""
    path = Path.parse(text, Place("a.yaml", 3, 4))
    assert (path, str(path), path.place) == (Path.parse(written), written, Place("a.yaml", 3, 4))


@pytest.mark.parametrize(("text", "position"), UNREADABLE.items())
def test_what_is_no_path(text: str, position: int) -> None:
    """A text that is no path is refused with the character from which on it is none."""
    with pytest.raises(PathError) as caught:
        Path.parse(text, Place("a.yaml", 3, 4))
    assert str(caught.value) == (
        f"a.yaml:3:4: the path {text!r} was found, "
        f'a name, [], [0], * or ["odd.name"] was expected at character {position}; '
        'write a name with dots, brackets, stars or quotes as ["odd.name"]'
    )


@pytest.mark.parametrize(
    ("path", "parent", "base", "top"),
    [
        ("a", "", "", "a"),
        ("a.b.c", "a.b", "", "a"),
        ("a[].b.c", "a[].b", "a[]", "a[].b"),
        ("a[].*.b", "a[].*", "a[].*", "a[].*.b"),
        ("a[0].b", "a[0]", "", "a"),
        ("a[]", "a", "a[]", "a[]"),
    ],
)
def test_the_parts_of_a_path(path: str, parent: str, base: str, top: str) -> None:
    """A path knows its parent, the place where it becomes one of many, and the first step below that."""
    whole = Path.parse(path)
    assert tuple(str(part) for part in (whole.parent, whole.base, whole.top)) == (parent, base, top)


def test_below_and_under() -> None:
    """A path seen from its base and put under it again is the path."""
    path, base = Path.parse("a[].b.c"), Path.parse("a[]")
    assert str(path.below(base)) == "b.c"
    assert path.below(base).under(base) == path


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a", "a.b", True),
        ("a.b", "a.c", False),
        ("a[]", "a[0]", True),
        ("a[].b", "a[0].b", True),
        ("a[].b", "a[0].c", False),
        ("a[0]", "a[1]", False),
        ("a.*", "a.b", True),
        ("a.*.c", "a.b", True),
        ("a.*.c", "a.b.d", False),
        ("*", "x.y", True),
        ("a[]", "a.b", True),
        ("a[]", "a.*", False),
        ('["a.b"]', "a.b", False),
    ],
)
def test_meets(one: str, other: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    """Two paths meet where they can name the same place or one inside the other, whichever is asked."""
    paths = Path.parse(one), Path.parse(other)
    assert paths[0].meets(paths[1]) is paths[1].meets(paths[0]) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", 1),
        ("o.b", [1.1]),
        ("o.l[1].c", None),
        ("o.l[0]", 5),
        ('["a.b"]', 2),
        ("x", ABSENT),
        ("x.y", ABSENT),
        ("o.x", ABSENT),
        ("o.l[9]", ABSENT),
        ("o.l[9].x", ABSENT),
    ],
)
@pytest.mark.parametrize("blank", ["", " "])
def test_get(path: str, expected: Any, blank: str) -> None:
    """The value at a path is found in either form; what is absent, or below what is absent, is not there."""
    value = b'{"a":1,"o":{"b":[1.1],"l":[5,{"c":null}]},"a.b":2}' + blank.encode()
    found = Path.parse(path).get(read(value)[0])
    assert found is ABSENT if expected is ABSENT else equal(found, expected)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("n.x", "n: null was found, an object was expected"),
        ("n.x.y", "n: null was found, an object was expected"),
        ("l.x", "l: a list was found, an object was expected"),
        ("o[0]", "o: an object was found, a list was expected"),
        ("o.p.q", 'o.p: a text "x" was found, an object was expected'),
        ("l[0].x", "l[0]: an integer 1 was found, an object was expected"),
        ('["a.b"].x', '["a.b"]: a boolean true was found, an object was expected'),
    ],
)
def test_a_parent_of_the_wrong_type(path: str, sentence: str) -> None:
    """A parent that is there and cannot hold the value is refused, null among them; it is never passed over."""
    document, _ = read(b'{"n":null,"l":[1],"o":{"p":"x"},"a.b":true}')
    with pytest.raises(Refused) as caught:
        Path.parse(path).get(document)
    assert f"{caught.value.path}: {caught.value.found}, {caught.value.expected}" == sentence


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("z", '{"a":{"b":1},"z":0}'),
        ("a.b", '{"a":{"b":0}}'),
        ("a.c.d", '{"a":{"b":1,"c":{"d":0}}}'),
        ("x.y.z", '{"a":{"b":1},"x":{"y":{"z":0}}}'),
    ],
)
def test_put_makes_objects_on_the_way(path: str, after: str) -> None:
    """A value is put in its place, and the objects around it are made where they are absent."""
    for text in (b'{"a":{"b":1}}', b'{"a": {"b": 1} }'):
        document, _ = read(text)
        Path.parse(path).put(document, 0)
        assert encode(decode(document)).decode() == after


def test_put_into_what_is_no_object() -> None:
    """Nothing is put into null."""
    with pytest.raises(Refused) as caught:
        Path.parse("a.b.c").put({"a": {"b": None}}, 0)
    assert (caught.value.path, caught.value.found) == ("a.b", "null was found")


@pytest.mark.parametrize(
    ("path", "prune", "after"),
    [
        ("a.b.c", False, {"a": {"b": {}}, "n": 1}),
        ("a.b.c", True, {"n": 1}),
        ("a.b", True, {"n": 1}),
        ("n", True, {"a": {"b": {"c": 1}}}),
        ("x.y", True, {"a": {"b": {"c": 1}}, "n": 1}),
    ],
)
def test_take(path: str, prune: bool, after: Any) -> None:  # noqa: FBT001 - a column of the table
    """A value is taken away, with the objects that this leaves empty if that is asked for."""
    document = {"a": {"b": {"c": 1}}, "n": 1}
    Path.parse(path).take(document, prune=prune)
    assert document == after


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("", {"l": [{"n": 1}, {"n": 2}], "o": {"x": {"n": 3}, "y.z": {}}, "seen": True}),
        ("l[]", {"l": [{"n": 1, "seen": True}, {"n": 2, "seen": True}], "o": {"x": {"n": 3}, "y.z": {}}}),
        ("l[1]", {"l": [{"n": 1}, {"n": 2, "seen": True}], "o": {"x": {"n": 3}, "y.z": {}}}),
        ("o.*", {"l": [{"n": 1}, {"n": 2}], "o": {"x": {"n": 3, "seen": True}, "y.z": {"seen": True}}}),
        ("o.x", {"l": [{"n": 1}, {"n": 2}], "o": {"x": {"n": 3, "seen": True}, "y.z": {}}}),
        ("o.q.r", {"l": [{"n": 1}, {"n": 2}], "o": {"x": {"n": 3}, "y.z": {}}}),
    ],
)
def test_within(path: str, after: Any) -> None:
    """A change is made at each value that a path names, and nowhere else."""

    def mark(value: Any) -> bool:
        value["seen"] = True
        return True

    document = {"l": [{"n": 1}, {"n": 2}], "o": {"x": {"n": 3}, "y.z": {}}}
    whole = Path(()) if not path else Path.parse(path)
    changed = within(whole, on_object(mark))(document)
    assert (document, changed) == (after, "seen" in str(after))


@pytest.mark.parametrize(
    ("path", "where"),
    [("l[]", "l[1]"), ("o.*", 'o["y.z"]'), ("o.*[]", 'o["y.z"]'), ("l[].x", "l[1]"), ("l[1]", "l[1]")],
)
def test_a_refusal_says_the_whole_way(path: str, where: str) -> None:
    """The place in a refusal is the one item or value where it happened, in words that are a path again."""
    document = {"l": [{}, 5], "o": {"x": [], "y.z": 5}}
    change = within(Path.parse(path), on_object(lambda _: False))
    if path == "o.*":
        document["o"] = {"x": {}, "y.z": 5}
    with pytest.raises(Refused) as caught:
        change(document)
    assert (caught.value.path, str(Path.parse(caught.value.path)), caught.value.found) == (
        where,
        where,
        "an integer 5 was found",
    )


def test_nothing_is_opened_beside_the_way() -> None:
    """The walk opens what lies on its way; all else keeps its bytes."""
    document, _ = read(b'{"a": {"b": [ {"x" : 1}, {"y" : 2} ], "c" : [ 1 ]}, "d": {"e" : 1}}')
    within(Path.parse("a.b[1]"), on_object(lambda item: put(item, "z", 0)))(document)
    assert encode(document) == b'{"a":{"b":[{"x" : 1},{"y":2,"z":0}],"c":[ 1 ]},"d":{"e" : 1}}'


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        ({"a": 1}, "an object"),
        ([], "a list"),
        (True, "a boolean true"),
        (5, "an integer 5"),
        (1.0, "a number 1.0"),
        ("ü", 'a text "ü"'),
        ("x" * 38, f'a text "{"x" * 38}"'),
        ("x" * 39, f'a text "{"x" * 38}…'),
        (Raw(b"1.10"), "a number 1.1"),
        (Raw(b'"\\u0041"'), 'a text "A"'),
        (Raw(b"{ }"), "an object"),
    ],
)
def test_describe(value: Any, words: str) -> None:
    """A value is told by its kind, and by itself where it is short."""
    assert describe(value) == words


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1, True),
        (1, True, False),
        (1, 1.0, False),
        (1, "1", False),
        (0, False, False),
        (0.0, -0.0, False),
        (None, False, False),
        ([], {}, False),
        ([1, 2], [2, 1], False),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        (Raw(b"1.10"), 1.1, True),
        (Raw(b"1E5"), 100000.0, True),
        (Raw(b'{ "b":[ 2 ],"a":1 }'), {"a": 1, "b": [2]}, True),
        (Raw(b"123456789012345678901234567890"), 123456789012345678901234567890, True),
        (Raw(b"123456789012345678901234567891"), 123456789012345678901234567890, False),
    ],
)
def test_equal(one: Any, other: Any, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    """Two values are equal where they are the same JSON, strict about types, whatever the order of keys."""
    assert equal(one, other) is equal(other, one) is expected


def test_put_the_same_keeps_its_spelling() -> None:
    """A value that is there already is not written again."""
    parent: Any = {"a": Raw(b"1.10"), "l": [Raw(b"1E1")]}
    assert (put(parent, "a", 1.1), put(parent["l"], 0, 10.0), put(parent, "b", 1)) == (False, False, True)
    assert encode(parent) == b'{"a":1.10,"l":[1E1],"b":1}'
