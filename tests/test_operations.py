"""The operations, by the tables in ``cases/<operation>.yaml``, and by their own examples.

A row of a table has a ``name``, a ``step``, the document ``before`` and what becomes of it: ``after``,
``unchanged: true`` or ``refused`` with the whole sentence. ``before_text`` and ``after_text`` are documents where each
byte counts. Backwards a document, or what it was
``edited`` to since, becomes what it was, or what ``back`` says; or it is refused (``back_refused``), or
the step cannot be undone at all (``irreversible``); ``losses`` are what the operation declares lost. A row without a
document is about a step that is refused when it is read. Rows of what must not change come first, then what changes,
then what is refused.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.codec import decode, encode, read
from migrate_spec.compiler import RecordRefused, Route, Transform, compile_downgrade
from migrate_spec.errors import Fault, Irreversible, Place
from migrate_spec.operation import Operation
from migrate_spec.operations import all_operations
from migrate_spec.spec import Spec, parse_spec
from tests import SPEC_FILE, rows_of, spec_of, spec_text, yaml

CASES = Path(__file__).parent / "cases"
ROW = {"name", "step", "steps", "before", "before_text", "unchanged", "after", "after_text", "refused", "losses"}
BACK = {"back", "back_text", "back_refused", "irreversible"}
EDITED = {"edited", "edited_text"}

Row = dict[str, Any]


@cache
def rows(kind: str | None = None) -> list[Any]:
    """All rows of all tables, or those that have the key ``kind``."""
    return [
        pytest.param(row, id=f"{file.stem}: {row['name']}")
        for file in sorted(CASES.glob("*.yaml"))
        for row in rows_of(file)
        if kind is None or kind in row
    ]


def steps_of(row: Row) -> list[Any]:
    """The steps of a row: one, or several where the case is about their order."""
    return row["steps"] if "steps" in row else [row["step"]]


def spec_in(row: Row) -> Spec:
    """A row's steps in a spec whose records carry no stamp."""
    return spec_of(steps_of(row), stamp=None)


@cache
def backwards() -> list[Any]:
    """The rows that say what comes back, or whose steps lose nothing."""
    return [param for param in rows() if "refused" not in param.values[0] and has_way_back(param.values[0])]


def has_way_back(row: Row) -> bool:
    """Whether the way back of a row is known; a step that cannot be read is left to the test."""
    spec, _ = parse_spec(spec_text(steps_of(row), stamp=None), SPEC_FILE)
    return bool(BACK & row.keys()) or spec is None or not any(step.losses() for step in spec.steps)


def texts(row: Row, key: str) -> dict[str, bytes]:
    """A document of a row in both forms: bytes that are read as plain values, and such that are read as raw ones."""
    if f"{key}_text" in row:
        text = row[f"{key}_text"].encode()
        return {"as it is": text, "raw": b" " + text}
    return {"plain": encode(row[key]), "raw": json.dumps(row[key], indent=1, ensure_ascii=False).encode()}


def same(row: Row, key: str, found: bytes) -> bool:
    """Whether bytes are the document of a row: all of them in a text, else the same JSON in the same order."""
    return found == row[f"{key}_text"].encode() if f"{key}_text" in row else encode(decode(found)) == encode(row[key])


def sentence(fault: Fault, path: str = "") -> str:
    """A fault without the place in the spec, after the path in the document."""
    words = str(dataclasses.replace(fault, where=None))
    return f"{path}: {words}" if path else words


def upwards(row: Row, value: bytes) -> bytes | str:
    """What a row's steps make of a record: its bytes, or the sentence that refuses it."""
    try:
        result = Transform(Route((spec_in(row),), None, 2))(value)
    except RecordRefused as refused:
        known = isinstance(refused.fault.where, Place) and str(refused.fault.where).startswith(f"{SPEC_FILE}:5:")
        return sentence(refused.fault, refused.path) if known else f"the refusal names no line: {refused.fault}"
    return value if result is None else result


def downwards(row: Row, value: bytes) -> bytes | str:
    """What the way back makes of a record: its bytes, or the sentence that refuses it."""
    try:
        return compile_downgrade(spec_in(row), None)(value)
    except RecordRefused as refused:
        return sentence(refused.fault, refused.path)
    except Irreversible as error:
        return sentence(error.fault)


@pytest.mark.parametrize("row", rows())
def test_each_row_is_whole(row: Row) -> None:
    """A row says one thing forwards and at most one backwards, in keys the runner knows."""
    outcomes = {"unchanged", "after", "after_text", "refused"} & row.keys()
    assert row.keys() <= ROW | BACK | EDITED
    assert not EDITED & row.keys() or BACK & row.keys()
    assert len(outcomes) == 1
    assert len(BACK & row.keys()) <= (0 if "refused" in row else 1)
    assert ("before" in row) + ("before_text" in row) <= ("step" in row) + ("steps" in row) == 1


@pytest.mark.parametrize("row", rows("unchanged"))
def test_what_must_not_change(row: Row) -> None:
    """A record that the step does not concern stays the same object, so that it is not written."""
    for value in texts(row, "before").values():
        assert upwards(row, value) is value


@pytest.mark.parametrize("row", [*rows("after"), *rows("after_text")])
def test_what_changes(row: Row) -> None:
    """A record becomes what the table says, in either form, and is compact at each level that was opened."""
    for form, value in texts(row, "before").items():
        result = upwards(row, value)
        assert isinstance(result, bytes)
        assert same(row, "after", result), (form, result.decode())
        if form == "plain":
            assert result == encode(row["after"])


@pytest.mark.parametrize("row", rows("refused"))
def test_what_is_refused(row: Row) -> None:
    """A document or a step is refused with the whole sentence that the table says."""
    if {"before", "before_text"} & row.keys():
        assert {upwards(row, value) for value in texts(row, "before").values()} == {row["refused"]}
    else:
        spec, faults = parse_spec(spec_text(steps_of(row), stamp=None), SPEC_FILE)
        assert ([sentence(fault) for fault in faults], spec) == ([row["refused"]], None)


def end(row: Row) -> str:
    """The key of the document from which the way back begins."""
    return next(key for key in ("edited", "after", "before") if {key, f"{key}_text"} & row.keys())


@pytest.mark.parametrize("row", backwards())
def test_the_way_back(row: Row) -> None:
    """Backwards a record becomes what it was where nothing is lost, else what the table says."""
    back = "back" if {"back", "back_text"} & row.keys() else "before"
    for form, value in texts(row, end(row)).items():
        result = downwards(row, value)
        if isinstance(result, str):
            assert result == row.get("back_refused", row.get("irreversible"))
        else:
            assert same(row, back, result), (form, result.decode())


@pytest.mark.parametrize("row", rows())
def test_the_steps_of_each_row_are_told_again(row: Row) -> None:
    """The canonical text of steps is read as the same steps, so that a history says what was done."""
    spec, faults = parse_spec(spec_text(steps_of(row), stamp=None), SPEC_FILE)
    assert (spec is None) == bool(faults)
    if spec is not None:
        again = Spec.from_text(spec.text, "history")
        assert (again.steps, again.text) == (spec.steps, spec.text)


@pytest.mark.parametrize("row", rows("losses"))
def test_what_is_lost(row: Row) -> None:
    """What going up and down again does not bring back is declared, each in a sentence."""
    assert [str(loss) for step in spec_in(row).steps for loss in step.losses()] == row["losses"]


@pytest.mark.parametrize("file", sorted(CASES.glob("*.yaml")), ids=lambda file: file.stem)
def test_each_table_is_in_order(file: Path) -> None:
    """A table has fifteen rows or more with names of their own: first what stays, then what changes, then refusals."""
    order = [0 if "unchanged" in row else 2 if "refused" in row else 1 for row in rows_of(file)]
    names = [row["name"] for row in rows_of(file)]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2}
    assert len(names) >= 15
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", all_operations())
def test_each_operation_is_whole(name: str) -> None:
    """An operation has a table of cases that are about it, a docstring that begins with a sentence, and an example."""
    operation = all_operations()[name]
    assert all(any(name in step for step in steps_of(row)) for row in rows_of(CASES / f"{name}.yaml"))
    assert operation.__doc__ != Operation.__doc__
    assert (operation.__doc__ or "").split("\n")[0].rstrip().endswith((".", "`"))
    assert operation.__module__.removesuffix("_") == f"migrate_spec.operations.{name}"  # Python keeps `assert`


@pytest.mark.parametrize("name", all_operations())
def test_each_example_runs(name: str) -> None:
    """The example of an operation's documentation is true."""
    row = yaml(all_operations()[name].example, name)
    assert row.keys() == {"step", "before", "after"}
    assert name in row["step"]
    assert upwards(row, encode(row["before"])) == encode(row["after"])


def test_no_table_is_left_behind() -> None:
    """A table belongs to an operation, to ``at`` and ``do``, or to ``where``."""
    assert {file.stem for file in CASES.glob("*.yaml")} == {*all_operations(), "at", "where"}


def test_the_raw_form_is_raw() -> None:
    """What the runner calls raw is not what it calls plain, so each row is run in two ways."""
    row = {"before": {"a": [1, {"b": None}]}, "after_text": '{"a":1}'}
    assert {form: read(value)[1] for form, value in texts(row, "before").items()} == {"plain": True, "raw": False}
    assert {form: read(value)[1] for form, value in texts(row, "after").items()} == {"as it is": True, "raw": False}
