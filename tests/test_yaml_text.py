"""YAML text → nodes: which values, at which places, and what is refused in which words."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.errors import Place
from migrate_spec.yaml_events import NotYaml, quick
from migrate_spec.yaml_nodes import ScalarKey, node_of
from migrate_spec.yaml_text import _thoroughly, parse
from tests.test_laws import LAW

SCALARS = {
    # what YAML 1.1 would make something else of
    "no": "no",
    "on": "on",
    "Yes": "Yes",
    "2024-01-01": "2024-01-01",
    "2024-01-01T00:00:00Z": "2024-01-01T00:00:00Z",
    "0123": "0123",
    "0o17": "0o17",
    "0x1f": "0x1f",
    "0b1": "0b1",
    "1_000": "1_000",
    "1:30": "1:30",
    "+7": "+7",
    ".5": ".5",
    "5.": "5.",
    "1.e5": "1.e5",
    "NaN": "NaN",
    "nULL": "nULL",
    "tRUE": "tRUE",
    "=": "=",
    "<<": "<<",
    # what JSON has
    "null": None,
    "Null": None,
    "~": None,
    "": None,
    "true": True,
    "False": False,
    "TRUE": True,
    "0": 0,
    "-17": -17,
    "123456789012345678901234567890": 123456789012345678901234567890,
    "0.5": 0.5,
    "1.10": 1.1,
    "-0.0": -0.0,
    "1e5": 100000.0,
    "1.5E-3": 0.0015,
    # what is a text in any case
    '"1"': "1",
    "'true'": "true",
    '""': "",
    '"\\u0041"': "A",
    '"\\ud83d\\ude00"': "😀",
    '"\\u0085\\u2028"': "\x85\u2028",
    "ü 😀": "ü 😀",
    "|\n  two\n  lines\n": "two\nlines\n",
}

FAULTS = {
    "a: 1\nb: 2\na: 3": (
        "f.yaml:3:1: the key 'a' was found again, each key was expected once (it is in line 1); remove one of the two"
    ),
    "a: {b: 1, b: 2}": (
        "f.yaml:1:11: the key 'b' was found again, each key was expected once (it is in line 1); remove one of the two"
    ),
    "a: !x 1": "f.yaml:1:4: the tag !x was found, no tags were expected; remove it",
    "a: !!str 1": "f.yaml:1:4: the tag !!str was found, no tags were expected; remove it",
    "a: ! 1": "f.yaml:1:4: the tag ! was found, no tags were expected; remove it",
    "a: !!binary aGk=": "f.yaml:1:4: the tag !!binary was found, no tags were expected; remove it",
    "!!map {a: 1}": "f.yaml:1:1: the tag !!map was found, no tags were expected; remove it",
    "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2": (
        "f.yaml:3:3: the merge key << was found, no merge keys were expected; "
        'write out what it stands for, or "<<" in quotes for a field of that name'
    ),
    "? [a]\n: b": "f.yaml:1:3: a list was found as a key, a text was expected",
    "{{a: 1}: b}": "f.yaml:1:2: an object was found as a key, a text was expected",
    "a: .inf": "f.yaml:1:4: .inf was found, a number that JSON can hold was expected",
    "a: [-.INF]": "f.yaml:1:5: -.INF was found, a number that JSON can hold was expected",
    "a: .NaN": "f.yaml:1:4: .NaN was found, a number that JSON can hold was expected",
    "a: 1e400": "f.yaml:1:4: 1e400 was found, a number that JSON can hold was expected",
    "a: " + "9" * 4301: "f.yaml:1:4: an integer of 4301 digits was found, at most 4300 digits were expected",
    'a: "\\ud800"': "f.yaml:1:4: half of a surrogate pair was found, Unicode text was expected",
    "a: 1\n---\nb: 2": "f.yaml:2:1: a second document was found, one document was expected",
}

UNREADABLE = {
    "a: [1": "f.yaml:1:6: expected ',' or ']', but got '<stream end>', YAML was expected",
    "a: b: c": (
        "f.yaml:1:5: mapping values are not allowed here, YAML was expected; "
        "a text with a colon at its end goes in quotes"
    ),
    "a:\n\t- 1": "f.yaml:2:1: found character '\\t' that cannot start any token, YAML was expected",
    "- a\nb: 1": "f.yaml:2:1: expected <block end>, but found '?', YAML was expected",
    'a: "x': "f.yaml:1:6: found unexpected end of stream, YAML was expected",
    "a: @x": "f.yaml:1:4: found character '@' that cannot start any token, YAML was expected",
    "a: *x": "f.yaml:1:4: the alias *x was found, an anchor &x before it was expected",
    "a: &x [*x]": "f.yaml:1:8: the alias *x was found, an anchor &x before it was expected",
    "a: 1\nb: \x01": (
        "f.yaml:2:4: the character U+0001 was found, a printable one was expected; "
        'write it as "\\u0001" in double quotes'
    ),
    "\x00": (
        "f.yaml:1:1: the character U+0000 was found, a printable one was expected; "
        'write it as "\\u0000" in double quotes'
    ),
    # which older YAML takes for the end of a line
    'a: "x\x85y"': (
        "f.yaml:1:6: the character U+0085 was found, a printable one was expected; "
        'write it as "\\u0085" in double quotes'
    ),
    'a: 1\nb: "\u2028"': (
        "f.yaml:2:5: the character U+2028 was found, a printable one was expected; "
        'write it as "\\u2028" in double quotes'
    ),
    "a: " + "[" * 200 + "]" * 200: (
        "f.yaml:1:104: more than 100 levels were found, aliases written out, fewer were expected"
    ),
    "a: " + "[" * 100_000: "f.yaml:1:104: more than 100 levels were found, aliases written out, fewer were expected",
    "a: &a [" + "x," * 600 + "]\nb: [" + "*a," * 200 + "]": (
        "f.yaml:2:500: more than 100000 values were found, aliases written out, fewer were expected"
    ),
}


def values(text: str) -> Any:
    """What YAML text without fault says."""
    node, faults = parse(text, "f.yaml")
    assert faults == []
    return None if node is None else node.plain()


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_scalars(text: str, value: Any) -> None:
    """A scalar is what JSON calls it, and a text otherwise."""
    found = values(f"a: {text}")["a"]
    assert (found, type(found), str(found)) == (value, type(value), str(value))


@pytest.mark.parametrize(("text", "sentence"), FAULTS.items(), ids=[text[:30] for text in FAULTS])
def test_what_is_yaml_and_yet_refused(text: str, sentence: str) -> None:
    """What no spec may say is refused with its place; the rest of the text is read all the same."""
    node, faults = parse(text, "f.yaml")
    assert node is not None
    assert [str(fault) for fault in faults] == [sentence]


@pytest.mark.parametrize(("text", "sentence"), UNREADABLE.items(), ids=[text[:30] for text in UNREADABLE])
def test_what_is_no_yaml(text: str, sentence: str) -> None:
    """What cannot be read has one fault, at the first place that cannot be read."""
    node, faults = parse(text, "f.yaml")
    assert (node, [str(fault) for fault in faults]) == (None, [sentence])


@pytest.mark.parametrize("text", ["", " \n", "# a remark\n", "# one\n\n# two"])
def test_no_document(text: str) -> None:
    """Text without a document has no node, and that alone is no fault."""
    assert parse(text, "f.yaml") == (None, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("---\na: 1\n...\n", {"a": 1}),
        ("%YAML 1.1\n---\na: no\n", {"a": "no"}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("{a, b}", {"a": None, "b": None}),
        ("---\n", None),
        ("[1, [a, {b: c}]]", [1, ["a", {"b": "c"}]]),
        ('"<<": 1', {"<<": 1}),
        ('{"": 1}', {"": 1}),
        ("a: &x [1, 2]\nb: *x\nc: {d: *x}", {"a": [1, 2], "b": [1, 2], "c": {"d": [1, 2]}}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("&x a: 1\nb: *x", {"a": 1, "b": "a"}),
    ],
)
def test_whole_texts(text: str, value: Any) -> None:
    """Directives, byte order marks, line ends, flow and aliases are read as YAML 1.2 has them."""
    assert values(text) == value


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    """The 'billion laughs' end at the alias that goes beyond the bound, and at once."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    node, faults = parse("\n".join(lines), "f.yaml")
    assert (node, [str(fault) for fault in faults]) == (
        None,
        ["f.yaml:5:45: more than 100000 values were found, aliases written out, fewer were expected"],
    )


def test_aliases_of_aliases_do_not_go_too_deep() -> None:
    """Levels count as if aliases were written out, so that no text is deeper than it looks."""
    lines = [f"a0: &a0 {'[' * 90}x{']' * 90}", "a1: &a1 [*a0]", f"a2: {'[' * 10}*a1{']' * 10}"]
    node, faults = parse("\n".join(lines), "f.yaml")
    assert (node, [str(fault) for fault in faults]) == (
        None,
        ["f.yaml:3:15: more than 100 levels were found, aliases written out, fewer were expected"],
    )


def test_the_deepest_part_of_an_alias_counts() -> None:
    """What stands beside the deepest part of what an alias stands for does not hide it."""
    text = f"a: &a [x, {'[' * 60}{']' * 60}, y]\nb: {'[' * 60}*a{']' * 60}"
    node, faults = parse(text, "f.yaml")
    assert (node, [str(fault) for fault in faults]) == (
        None,
        ["f.yaml:2:64: more than 100 levels were found, aliases written out, fewer were expected"],
    )


def test_a_hundred_levels_are_read() -> None:
    """As many levels as are allowed are read, aliases among them."""
    text = f"a: &a {'[' * 50}{']' * 50}\nb: {'[' * 50}*a{']' * 50}"
    assert values(text)["b"] == eval(f"{'[' * 100}{']' * 100}")  # noqa: S307 - brackets only


def test_each_part_knows_its_place() -> None:
    """Values and keys have the line and the column where they begin, as an editor counts them."""
    node, _ = parse("a:\n  - b: 1\n    ü: {c: [x, 2]}\n", "f.yaml")
    assert node is not None
    inner = node.at(["a", 0, "ü", "c", 1])
    assert (inner.value, inner.place) == (2, Place("f.yaml", 3, 16))
    assert node.at(["a", 0]).keys == {"b": Place("f.yaml", 2, 5), "ü": Place("f.yaml", 3, 5)}
    assert (node.place, node.keys) == (Place("f.yaml", 1, 1), {"a": Place("f.yaml", 1, 1)})


def test_an_alias_stands_where_it_is_written() -> None:
    """A fault in what an alias stands for is told at the alias."""
    node, _ = parse("a: &x {b: 1}\nc: *x", "f.yaml")
    assert node is not None
    assert node.at(["c"]).place == Place("f.yaml", 2, 4)


@pytest.mark.parametrize(
    ("path", "value"),
    [([], {"a": [1]}), (["a"], [1]), (["a", 0], 1), (["a", 1], [1]), (["a", "x"], [1]), (["x"], {"a": [1]})],
)
def test_at_goes_as_far_as_it_can(path: list[str | int], value: Any) -> None:
    """The node at a path is the last one on the way where the way ends early."""
    assert node_of({"a": [1]}, Place("f")).at(path).plain() == value


def test_node_of_gives_the_same_value() -> None:
    """Values that have no text stand all at one place."""
    place = Place("the history", 7)
    node = node_of({"a": [1, {"b": None}]}, place)
    assert node.plain() == {"a": [1, {"b": None}]}
    assert node.at(["a", 1]).keys == {"b": place}


def test_keys_that_are_no_texts() -> None:
    """A key that is another scalar is a key of its own, and a fault wherever no table asks for it."""
    node, faults = parse('1: a\n"1": b\nx: [{true: c, ~: d, -1.50: e}]\n: f', "f.yaml")
    assert node is not None
    assert faults == []
    assert [key.value for key in node.value if isinstance(key, ScalarKey)] == [1, None]
    assert list(node.value) == [ScalarKey("1"), "1", "x", ScalarKey("null")]
    assert [str(fault) for fault in node.odd_keys()] == [
        f"f.yaml:{place}: the key {key} was found, a text was expected; write it in quotes"
        for place, key in {"1:1": "1", "3:6": "true", "3:15": "null", "3:21": "-1.5", "4:1": "null"}.items()
    ]


def test_a_key_that_is_no_text_twice() -> None:
    """Such a key may be there once, however it is spelled."""
    _, faults = parse("1: a\ntrue: b\nTrue: c", "f.yaml")
    assert [str(fault) for fault in faults] == [
        "f.yaml:3:1: the key true was found again, each key was expected once (it is in line 2); remove one of the two"
    ]


PIECES = [
    *" \t\n:-?,[]{}#&*!|>'\"%@~.\\a1é😀\ufeff\r",
    *(
        "a: b\n",
        "- a\n",
        "  b: 1\n",
        "{a: 1, b: [2]}",
        '"a": ',
        "key:\n",
        "'x y'",
        '"\\u0041"',
        ": |\n  x\n",
        ">-\n  a\n\n  b\n",
    ),
    *("&a ", "*a", "<<: ", "---\n", "...\n", "\r\n", "# no\n", " #", "null", "-1.5", "http://x:1/y", "? ", "!!str "),
]


@LAW
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_both_readers_agree(text: str) -> None:
    """What is read quickly is what is read thoroughly, with the same places: there is one language."""
    found, wanted = parse(text, "f.yaml"), _thoroughly(text, "f.yaml")
    if wanted[0] is not None or found[0] is not None:
        assert found == wanted


@pytest.mark.parametrize(
    "text",
    [
        "a: b\tc",
        "{a:\t1}",
        "a: 1\n\ufeffb: 2",
        "? a",
        '["a":1]',
        "a: |#\n b",
        "- &a: b",
        "%YAML 1.1\n---\na: 1",
        "[!a, b]",
        "a: 1\n...",
    ],
)
def test_what_the_libraries_read_in_two_ways(text: str) -> None:
    """A text of which they say different things is read thoroughly, so that it means the same wherever it is read."""
    with pytest.raises(NotYaml):
        list(quick(text))
    assert parse(text, "f.yaml") == _thoroughly(text, "f.yaml")


def test_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without it, all is read thoroughly."""
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    with pytest.raises(NotYaml):
        list(quick("a: 1"))
    assert values("a: 1") == {"a": 1}


def test_what_is_written_as_most_do_is_read_quickly() -> None:
    """An ordinary spec takes the quick way: comments, quotes, paths, blocks of text, objects in one line."""
    text = 'a: "b: c"  # no\nx.*.y: [1, {b: c-d}]\nc: |\n  text\n  more?\nd: &d [x]\ne: *d\nf:\n'
    assert [type(event).__name__ for event in quick(text)].count("ScalarEvent") == 13
