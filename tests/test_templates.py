"""Templates: how they are read, what they make of parts, and which parts they find in a text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.errors import Place, TemplateError
from migrate_spec.spec import Spec
from migrate_spec.templates import Separated, Template
from tests import spec_of
from tests.test_laws import LAW

PLACE = Place("f.yaml", 3, 7)

# a template, a text, and its parts, if the template reads any in it
READ: list[tuple[str, str, dict[str, str] | None]] = [
    ("{a} {b}", "Ada Lovelace", {"a": "Ada", "b": "Lovelace"}),
    ("{a} {b}", "Ada King Lovelace", {"a": "Ada", "b": "King Lovelace"}),
    ("{a} {b}", " ", {"a": "", "b": ""}),
    ("{a} {b}", "Ada", None),
    ("task:{id}", "task:t1", {"id": "t1"}),
    ("task:{id}", "task:", {"id": ""}),
    ("task:{id}", "task", None),
    ("task:{id}", "a task:t1", None),
    ("{n}d", "7d", {"n": "7"}),
    ("{n}d", "7d ", None),
    ("{{{n}}}", "{7}", {"n": "7"}),
    ("{{n}}", "{n}", {}),
    ("{{n}}", "n", None),
    ("x", "xx", None),
    ("", "", {}),
    ("", "x", None),
    ("x{a}x", "x", None),
    ("x{a}x", "xx", {"a": ""}),
    ("{a}--{b}--", "1--2--3--", {"a": "1", "b": "2--3"}),
    ("{a}--{b}-", "1--", None),
    ("{a}/{b}/{a}", "1/2/1", {"a": "1", "b": "2"}),
    ("{a}/{b}/{a}", "1/2/3", None),
    ("{odd name}.{b.c}", "😀.ü", {"odd name": "😀", "b.c": "ü"}),
]


@pytest.mark.parametrize(("template", "text", "parts"), READ)
def test_what_is_read(template: str, text: str, parts: dict[str, str] | None) -> None:
    """The parts stand in the text where the template has their names; the first of them are as short as they can be."""
    found = Template.parse(template)
    assert found.read(text) == parts
    assert parts is None or (found.fill(parts) == text and list(found.names) == list(parts))


@pytest.mark.parametrize(
    ("text", "position"), [("{", 1), ("a}", 2), ("{a}{}", 4), ("{a{b}}", 1), ("{{{", 3), ("}}}", 3)]
)
def test_what_is_no_template(text: str, position: int) -> None:
    """A brace stands around a name or twice; the error says where one does not."""
    with pytest.raises(TemplateError) as caught:
        Template.parse(text, PLACE)
    assert str(caught.value) == (
        f"f.yaml:3:7: the template {text!r} was found, a name in braces was expected at character {position}; "
        "write a brace that stands for itself as {{ or }}"
    )


@pytest.mark.parametrize(
    ("text", "readable"), [("{a}", True), ("{a}{b}", False), ("{a} {b}{c}", False), ("a", True), ("-{a}-{b}", True)]
)
def test_what_can_be_read_back(text: str, readable: bool) -> None:  # noqa: FBT001 - it is the expected value
    """Parts can be told from each other where something stands between each two."""
    assert Template.parse(text).readable is readable


def test_a_template_is_what_it_says() -> None:
    """Two templates of the same text are the same wherever they stand; a spec keeps the text."""
    assert Template.parse("{a} ", PLACE) == Template.parse("{a} ")
    assert str(Template.parse("{{{a}}} ", PLACE)) == "{{{a}}} "
    spec = spec_of([{"join": {"n": {"template": "{{{a}}}", "ambiguous": "accept"}}}])
    assert Spec.from_text(spec.text, "history") == spec


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)
TEXTS = st.text("-x{", max_size=4)


@LAW
@given(NAMES, st.data())
def test_what_a_template_makes_it_reads(names: list[str], data: Any) -> None:
    """What is made gives the same text again, if no name comes twice; where ``-`` is in no part, the same parts."""
    between = [data.draw(st.sampled_from(["-", "--", "-x-"])) for _ in names]
    template = Template.parse("-" + "".join(f"{{{name}}}{part}" for name, part in zip(names, between, strict=True)))
    parts = {name: data.draw(TEXTS) for name in names}
    text = template.fill(parts)
    found = template.read(text)
    if len(parts) == len(names):
        assert found is not None
    assert found is None or template.fill(found) == text
    if not any("-" in part for part in parts.values()) and set(between) == {"-"}:
        assert found == parts


@LAW
@given(st.lists(TEXTS, min_size=2, max_size=4), st.sampled_from(["-", "--", "x-"]), st.sampled_from(["first", "last"]))
def test_what_is_joined_comes_apart(parts: list[str], by: str, rest: Any) -> None:
    """Parts with a separator come apart again, into as many, whichever of them takes what is more."""
    names = "abcd"[: len(parts)]
    joined = Separated(names, by, rest).fill(dict(zip(names, parts, strict=True)))
    found = Separated(names, by, rest).read(joined)
    assert found is not None
    assert Separated(names, by).fill(found) == joined
    strict = Separated(names, by).read(joined)
    assert strict is None or Separated(names, by).fill(strict) == joined
