"""The laws that every operation keeps, for documents that Hypothesis makes of those in the tables of cases.

A document is one of a row of ``cases/<operation>.yaml``, altered: values become others of any type, fields go and come,
items are doubled. What a step refuses is passed over. An operation needs no line here: its table is enough.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from migrate_spec.codec import decode, encode, read
from migrate_spec.compiler import RecordRefused, Route, Transform, compile_downgrade
from migrate_spec.document import Change, Refused
from migrate_spec.errors import Irreversible
from migrate_spec.operation import Operation
from migrate_spec.operations import all_operations
from migrate_spec.spec import Spec, parse_spec
from migrate_spec.step import Step, backward, forward
from tests import SPEC_FILE, rows_of, spec_text
from tests.test_laws import KEYS, LAW, RANDOM, VALUES, keeps_the_frame, outcome, spelled, there_and_back
from tests.test_operations import CASES, backwards, end, steps_of, texts

TABLES = sorted(file.stem for file in CASES.glob("*.yaml"))


@cache
def rows(table: str) -> list[tuple[Spec, Any]]:
    """The steps, as a spec, and the document of each row of a table whose steps can be read."""
    found = []
    for row in rows_of(CASES / f"{table}.yaml"):
        document = decode(row["before_text"].encode()) if "before_text" in row else row.get("before")
        spec = None if document is None else spec_in(steps_of(row))
        if spec is not None:
            found.append((spec, document))
    return found


@cache
def reversible(table: str) -> list[tuple[Spec, Any]]:
    """Those of the rows whose steps have a way back."""
    return [(spec, document) for spec, document in rows(table) if not _has_no_way_back(spec)]


def spec_in(steps: Any) -> Spec | None:
    """A spec with these steps whose records carry no stamp; none where the steps have a fault."""
    return parse_spec(spec_text(steps, stamp=None), SPEC_FILE)[0]


def altered(draw: st.DrawFn, value: Any, fates: st.SearchStrategy[int], fate: int) -> Any:
    """A value that is like another one: each part of it may be another one, or go, or come twice."""
    if fate == 1:
        return draw(VALUES)
    if isinstance(value, dict):
        entries = [(name, part, draw(fates)) for name, part in value.items()]
        kept = {name: altered(draw, part, fates, its) for name, part, its in entries if its != 2}
        return {**kept, draw(KEYS): draw(VALUES)} if fate == 3 else kept
    if isinstance(value, list):
        inside = [(part, draw(fates)) for part in value]
        items = [altered(draw, part, fates, its) for part, its in inside if its != 2]
        return [*items, *items[-1:]] if fate == 3 else items
    return value


@st.composite
def work(draw: st.DrawFn, table: str, *, goes_back: bool = False) -> tuple[Any, tuple[Step, ...]]:
    """A document and the steps of a row of a table, or of such as have a way back."""
    spec, document = draw(st.sampled_from(reversible(table) if goes_back else rows(table)))
    most = draw(st.sampled_from([0, 40, 12]))
    if not most or not isinstance(document, dict):
        return document, spec.steps
    fates = st.integers(0, most)
    found = altered(draw, document, fates, draw(fates))
    return found if isinstance(found, dict) else document, spec.steps


def goes_there_and_back(document: Any, steps: Sequence[Step]) -> bool:
    """Whether the steps take a document and have a way back; if so, the law holds of it."""
    try:
        forward(steps)(decode(encode(document)))
        backward(steps)
    except (Refused, Irreversible):
        return False
    there_and_back(document, steps)
    return True


@pytest.mark.parametrize("table", TABLES)
def test_there_and_back(table: str) -> None:
    """A document comes back as it was, but for what the step declares lost; and some documents do go the way."""
    ways: Counter[bool] = Counter()

    @LAW
    @given(work(table, goes_back=True))
    def law(given_work: tuple[Any, Any]) -> None:
        ways[goes_there_and_back(*given_work)] += 1

    if reversible(table):
        law()
        assert ways[True] > 10


def _has_no_way_back(spec: Spec) -> bool:
    try:
        backward(spec.steps)
    except Irreversible:
        return True
    return False


@pytest.mark.parametrize("table", TABLES)
def test_back_and_there(table: str) -> None:
    """What came up, went down without a refusal and comes up again is what it was where no loss is declared."""

    @LAW
    @given(work(table))
    def law(given_work: tuple[Any, Any]) -> None:
        document, steps = given_work
        if any(step.losses() for step in steps):
            return
        found = decode(encode(document))
        try:
            forward(steps)(found)
        except Refused:
            return
        up = encode(found)
        backward(steps)(found)
        forward(steps)(found)
        assert encode(found) == up

    law()


@pytest.mark.parametrize("table", TABLES)
def test_the_frame(table: str) -> None:
    """What no step writes keeps its bytes."""

    @LAW
    @given(work(table), RANDOM)
    def law(given_work: tuple[Any, Any], random: Any) -> None:
        document, steps = given_work
        try:
            keeps_the_frame(document, steps, random)
        except Refused:
            return

    law()


@pytest.mark.parametrize("table", TABLES)
def test_the_forms_agree(table: str) -> None:
    """A record becomes the same JSON, in the same order, whatever its spelling, up and down; or the same refusal."""

    @LAW
    @given(work(table), RANDOM)
    def law(given_work: tuple[Any, Any], random: Any) -> None:
        document, steps = given_work
        spec = Spec("task", "task:", 1, 2, steps, stamp=_NO_STAMP)
        plain, odd = encode(document), b" " + spelled(document, random).encode()
        carry = Transform(Route((spec,), None, 2))
        up, other = outcome(carry, plain), outcome(carry, odd)
        assert (encode(decode(other)) if isinstance(other, bytes) else other) == up
        try:
            down = compile_downgrade(spec, None)
        except Irreversible:
            return
        if not isinstance(up, tuple) and not isinstance(other, tuple):
            one, two = outcome(down, up or plain), outcome(down, other or odd)
            assert (encode(decode(one)) if isinstance(one, bytes) else one) == (
                encode(decode(two)) if isinstance(two, bytes) else two
            )

    law()


_NO_STAMP = parse_spec(spec_text([], stamp=None), SPEC_FILE)[0].stamp  # type: ignore[union-attr]  # it has no fault


@pytest.mark.parametrize("table", TABLES)
def test_a_step_says_whether_it_changed_something(table: str) -> None:
    """What a step says it left alone has the same bytes as before, and only that."""

    @LAW
    @given(work(table))
    def law(given_work: tuple[Any, Any]) -> None:
        document, steps = given_work
        found = decode(encode(document))
        try:
            changed = [forward([step])(found) for step in steps]
        except Refused:
            return
        if not any(changed):
            assert encode(found) == encode(document)
        elif len(steps) == 1:
            assert encode(found) != encode(document)

    law()


# ------------------------------------------------------------------------- the laws themselves, put to test


def idle(_value: Any) -> bool:
    """A way back that does nothing."""
    return False


def disorderly(change: Change) -> Change:
    """A way back after which the first field is the last."""

    def wrong(value: Any) -> bool:
        changed = change(value)
        for name in list(value)[:1] if type(value) is dict else ():
            value[name] = value.pop(name)
        return changed

    return wrong


def forgetful(change: Change) -> Change:
    """A way back that loses the last field."""

    def wrong(value: Any) -> bool:
        changed = change(value)
        for name in list(value)[-1:] if type(value) is dict else ():
            del value[name]
        return changed

    return wrong


WRONG: dict[str, Callable[[Change], Change]] = {
    "idle": lambda _: idle,
    "disorderly": disorderly,
    "forgetful": forgetful,
}


def planted(step: Step, wrong: Callable[[Change], Change]) -> Step:
    """A step whose operations have a wrong way back."""

    def with_wrong_inverse(kind: type[Any]) -> type[Any]:
        class Planted(kind):  # type: ignore[misc]  # made of whatever operation there is
            def backward(self) -> Change:
                return wrong(super().backward())

        return Planted

    return with_other_operations(step, with_wrong_inverse)


def with_other_operations(step: Step, other: Callable[[type[Any]], type[Any]]) -> Step:
    """A step whose operations are each of the kind that ``other`` makes of theirs."""
    if isinstance(step.body, tuple):
        return dataclasses.replace(step, body=tuple(with_other_operations(inner, other) for inner in step.body))
    values = {field.name: getattr(step.body, field.name) for field in dataclasses.fields(step.body)}  # type: ignore[arg-type]  # each operation is a dataclass
    return dataclasses.replace(step, body=other(type(step.body))(**values))


@pytest.mark.parametrize("way", WRONG)
@pytest.mark.parametrize("name", all_operations())
def test_a_wrong_inverse_is_caught(name: str, way: str) -> None:
    """Whatever the operation: the law finds a way back that does nothing, that mixes up, or that loses something."""
    if not reversible(name) or (way == "idle" and goes_back_by_doing_nothing(name)):
        pytest.skip("the operation has no way back, or one that does nothing")

    @settings(LAW, max_examples=300, phases=[Phase.generate], print_blob=False)
    @given(work(name, goes_back=True))
    def law(given_work: tuple[Any, Any]) -> None:
        document, steps = given_work
        goes_there_and_back(document, [planted(step, WRONG[way]) for step in steps])

    if not caught_by_the_table(name, WRONG[way]):
        with pytest.raises((AssertionError, KeyError, AttributeError, TypeError)):
            law()


def caught_by_the_table(name: str, wrong: Callable[[Change], Change]) -> bool:
    """Whether there is a row that says what comes back, where something else does with a wrong way back."""
    for param in backwards():
        row = param.values[0]
        spec = spec_in(steps_of(row)) if str(param.id).startswith(f"{name}: ") else None
        if spec is None or _has_no_way_back(spec):
            continue
        steps = [planted(step, wrong) for step in spec.steps]
        if any(_way_back(spec.steps, value) != _way_back(steps, value) for value in texts(row, end(row)).values()):
            return True
    return False


def _way_back(steps: Sequence[Step], value: bytes) -> bytes | str:
    document, _ = read(value)
    try:
        backward(steps)(document)
    except Refused as refusal:
        return str(refusal)
    return encode(document)


def goes_back_by_doing_nothing(name: str) -> bool:
    """Whether the rows of an operation show no way back that changes anything: it leaves or checks, as it declares."""
    for spec, document in rows(name):
        found = decode(encode(document))
        try:
            if forward(spec.steps)(found) and backward(spec.steps)(found):
                return False
        except (Refused, Irreversible, RecordRefused):
            continue
    return True


def test_each_operation_is_of_a_kind_that_can_be_planted() -> None:
    """Each operation is a class that the test above can make another of."""
    assert all(issubclass(operation, Operation) for operation in all_operations().values())
