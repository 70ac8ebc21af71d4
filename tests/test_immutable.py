"""Immutable values behave as those of ``@dataclass(frozen=True)`` do, but for being altered."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.immutable import immutable


@immutable
class Book:
    """What is compared with :class:`Model`."""

    title: str
    pages: int = 1
    shelf: str = field(default="", compare=False)
    secret: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Model:
    """The same as Python makes it."""

    title: str
    pages: int = 1
    shelf: str = field(default="", compare=False)
    secret: str = field(default="", compare=False, repr=False)


@immutable
class Nothing:
    """A value without any field."""


@immutable
class Folded:
    """A value that says itself what it equals, and how it is shown."""

    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folded) and self.text.lower() == other.text.lower()

    def __hash__(self) -> int:
        return hash(self.text.lower())

    def __repr__(self) -> str:
        return self.text


class Comic(Book):
    """A class below another, with nothing of its own."""


@immutable
class Box:
    """A value that can hold itself."""

    content: list[object]


FACTS = st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.sampled_from("ab"), st.sampled_from("ab"))


@given(FACTS, FACTS)
def test_as_python_does(one: tuple[str, int, str, str], other: tuple[str, int, str, str]) -> None:
    """What is equal, what is hashed alike and what is shown are the same."""
    assert (Book(*one) == Book(*other)) is (Model(*one) == Model(*other))
    assert Book(*one) != Book(*other) or hash(Book(*one)) == hash(Book(*other))
    assert repr(Book(*one)) == repr(Model(*one)).replace("Model", "Book")


@given(FACTS)
def test_copies(facts: tuple[str, int, str, str]) -> None:
    """A copy, one that was pickled and one with another fact have all the others."""
    book = Book(*facts)
    for one in (copy.deepcopy(book), pickle.loads(pickle.dumps(book)), replace(replace(book, pages=7), pages=facts[1])):  # noqa: S301 - ours
        assert (one.title, one.pages, one.shelf, one.secret) == facts


def test_classes_apart() -> None:
    """Values of two classes are never equal, those of a class below another among them."""
    assert Comic("a") == Comic("a")
    values: list[object] = [Book("a"), Comic("a"), Nothing(), ("a", 1), "a"]
    assert [values.index(value) for value in values] == [0, 1, 2, 3, 4]


def test_without_fields() -> None:
    """All values without a field are equal."""
    assert {Nothing(), Nothing()} == {Nothing()}
    assert repr(Nothing()) == "Nothing()"


def test_what_a_class_says_itself() -> None:
    """It counts."""
    assert {Folded("A"), Folded("a")} == {Folded("a")}
    assert repr(Folded("A")) == "A"


def test_one_that_holds_itself() -> None:
    """It is shown, with dots where it would begin again."""
    box = Box([])
    box.content.append(box)
    assert repr(box) == "Box(content=[...])"
