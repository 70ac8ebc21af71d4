"""The generated pages: they say what the language says today, and what they show is true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from pathlib import Path as FilePath
from typing import Annotated, Any, ClassVar, Literal

import pytest

from docs.generate import ROOT, backwards, pages
from docs.reference import STEP, AnyOperation, _operation
from migrate_spec.codec import encode
from migrate_spec.compiler import Route, Transform
from migrate_spec.grammar import operation_schema, spec_schema
from migrate_spec.operation import Field, FieldName, Operation, Table, Value
from migrate_spec.operations import all_operations
from migrate_spec.path import Path
from migrate_spec.record_operations import all_record_operations
from migrate_spec.yaml_text import parse
from tests import spec_of

EVERY: Mapping[str, AnyOperation] = {**all_operations(), **all_record_operations()}


@cache
def generated() -> Mapping[FilePath, str]:
    """The pages as they ought to be."""
    return pages()


def yaml(text: str) -> Any:
    """YAML as JSON values, read by the rules of specs."""
    node, faults = parse(text, "f.yaml")
    assert faults == []
    assert node is not None
    return node.plain()


def blocks(part: str) -> list[Any]:
    """What the blocks of YAML in a part of the page say."""
    return [yaml(block) for block in re.findall(r"```yaml\n(.*?)```", part, re.DOTALL)]


def chapter(name: str) -> str:
    """The part of docs/operations.md under a heading."""
    _, _, rest = generated()[ROOT / "docs/operations.md"].partition(f"# {name}\n")
    return rest.partition("\n#")[0]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/findings.md", "docs/operations.md"])
def test_a_page_is_current(name: str) -> None:
    """The file in this repository is the one that `make docs` writes today."""
    assert (ROOT / name).read_text(encoding="utf-8") == generated()[ROOT / name], (
        f"{name} is not what the language says today: run make docs"
    )


@pytest.mark.parametrize("name", EVERY)
def test_a_chapter_shows_the_example(name: str) -> None:
    """The step and the documents on the page are those of the example, which runs in the tests of the operation."""
    example = yaml(cleandoc(EVERY[name].example))
    assert blocks(chapter(name)) == [[example["step"]], {key: example[key] for key in ("before", "after")}]


def test_the_example_of_the_chapter_on_steps_is_true() -> None:
    """The one example that belongs to no operation runs here."""
    example = yaml(cleandoc(STEP))
    assert blocks(chapter("Steps"))[0] == [example["step"]]
    transform = Transform(Route((spec_of([example["step"]], stamp=None),), None, 2))
    assert transform(encode(example["before"])) == encode(example["after"])


def test_the_tests_of_a_condition_are_told() -> None:
    """Each test has its line."""
    _, named = spec_schema()["$defs"]["test"]["anyOf"]
    assert re.findall(r"^- `(\w+)`: .+\.$", chapter("Conditions"), re.MULTILINE) == list(named["properties"])


@pytest.mark.parametrize("name", all_operations())
def test_the_way_back_is_told(name: str) -> None:
    """The docstring of an operation says what becomes of a document backwards."""
    assert backwards(all_operations()[name]), f"say it in the docstring of {name}: Backwards …"


def untold(schema: Any) -> Iterator[str]:
    """The keys, at any depth, of which a schema says nothing."""
    if isinstance(schema, dict):
        yield from (key for key, part in schema.get("properties", {}).items() if "description" not in part)
        for part in schema.values():
            yield from untold(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from untold(part)


@pytest.mark.parametrize("name", EVERY)
def test_the_options_are_told(name: str) -> None:
    """The docstring of an operation has a sentence with each of its options, for the editor to show."""
    assert list(untold(operation_schema(EVERY[name]))) == [], f"name it in the docstring of {name}: `…`"


def test_links_lead_somewhere() -> None:
    """Each link into the page has a heading there."""
    page = generated()[ROOT / "docs/operations.md"]
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    readme = re.findall(r"\(docs/operations\.md#([^)]+)\)", generated()[ROOT / "README.md"])
    assert {*re.findall(r"\(#([^)]+)\)", page), *readme} <= headings


@dataclass(frozen=True)
class Cloth:
    """What to polish with.

    Attributes:
        colour: which colour
            the cloth has.
    """

    colour: str
    pairs: Table[Sequence[FieldName]] | None = None


class Polish(Operation):
    """Polish values:: no block. `times: 3` polishes three times.

    Backwards they are dull again.
    """

    values: Mapping[Field, Cloth | Value]
    times: Annotated[int, "How often."] = 1
    until: Literal["shiny", True] | Sequence[Path] = ()

    example: ClassVar[str] = """
        step: {polish: {lamp: {colour: red}}, times: 3}
        before: {lamp: dull}
        after: {lamp: shiny}
    """


def test_a_new_operation_appears_by_itself() -> None:
    """An operation that nobody has seen yet is told with all that it says of itself."""
    assert _operation(dataclass(frozen=True)(Polish)) == (
        "Polish values:: no block. `times: 3` polishes three times.\n\nBackwards they are dull again.\n\n"
        "```yaml\n- polish: {lamp: {colour: red}}\n  times: 3\n```\n\n"
        "```yaml\nbefore: {lamp: dull}\nafter: {lamp: shiny}\n```\n\n"
        "- `times`: an integer; by default `1`. How often.\n"
        "- `until`: `shiny`, `true` or a list of paths, or nothing\n"
        "- `{colour: …, pairs: …}`: What to polish with.\n"
        "  - `colour`: a text. Which colour the cloth has.\n"
        "  - `pairs`: a table of lists of names, or nothing\n"
        "- `{value: …}`: A literal value where a word would mean something else: `else: {value: keep}`.\n"
        "  - `value`: a value. Any JSON.\n\n"
        "There and back again, the example loses nothing."
    )
