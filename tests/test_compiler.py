"""From specs to one function from bytes to bytes: versions, stamps, schemas, refusals, and the way back."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from migrate_spec.compiler import RecordRefused, Route, Transform, compile_downgrade
from migrate_spec.errors import Irreversible, RecordRejected
from migrate_spec.migration import Migration
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec
from tests import spec_of

ADD_A = [{"add": {"a": 1}, "if_exists": "keep"}]
RENAME = [{"rename": {"a": "b"}}]
ADD_C = [{"default": {"c": 3}}]
NUMBERS = {"properties": {"a": {"type": "integer"}}}
STAMPED = {"required": ["schema_version"], "properties": {"schema_version": {"const": 3}}}


def way(*steps: Any, **keys: Any) -> tuple[Spec, ...]:
    """Specs from version 1 on, one for each list of steps."""
    return tuple(spec_of(one, **{"from": version, "to": version + 1}, **keys) for version, one in enumerate(steps, 1))


def transform(*steps: Any, schema: Any = None, target: int | None = None, **keys: Any) -> Transform:
    """A way from version 1 on, compiled."""
    specs = way(*steps, **keys)
    return Transform(Route(specs, None if schema is None else Schema(schema, "v.json"), target or len(specs) + 1))


def refusal(carry: Callable[[bytes], Any], text: str | bytes) -> tuple[str, str, str]:
    """The step, the place in the document and the sentence with which a record is refused."""
    with pytest.raises(RecordRefused) as caught:
        carry(text.encode() if isinstance(text, str) else text)
    return caught.value.step, caught.value.path, str(caught.value.fault)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # a record has before it what its own version has not
        ("{}", '{"schema_version":4,"b":1,"c":3}'),
        ('{"schema_version":1}', '{"schema_version":4,"b":1,"c":3}'),
        ('{"schema_version":2,"a":5}', '{"schema_version":4,"b":5,"c":3}'),
        ('{"schema_version":3,"a":5}', '{"schema_version":4,"a":5,"c":3}'),
        ('{"schema_version":4,"a":5}', None),
        # it is stamped with the last version that changed it
        ('{"c":0}', '{"schema_version":3,"c":0,"b":1}'),
        ('{"a":5,"c":0}', '{"schema_version":3,"b":5,"c":0}'),
        ('{"schema_version":3,"c":0}', None),
        ('{"b":5,"schema_version":3,"c":null}', None),
        # what is there keeps its place
        ('{"c":0,"schema_version":2,"a":5}', '{"c":0,"schema_version":3,"b":5}'),
    ],
)
def test_one_pass_for_all_steps(before: str, after: str | None) -> None:
    """A record is carried by each step from its own version on, and stamped by the last one that changed it."""
    result = transform(ADD_A, RENAME, ADD_C)(before.encode())
    assert (None if result is None else result.decode()) == after


def test_a_step_without_operations_changes_nothing() -> None:
    """Where only the version is raised, no record is written."""
    carry = transform([], [])
    assert [carry(value) for value in (b"{}", b'{"schema_version":1}', b' {"a" : 1.10}')] == [None, None, None]


def test_changed_by_counts_for_each_step() -> None:
    """It is counted how many records each step has changed."""
    carry = transform(ADD_A, RENAME, ADD_C)
    for value in (b"{}", b'{"c":1}', b'{"schema_version":3}', b'{"schema_version":4}'):
        carry(value)
    assert carry.changed_by == [2, 2, 2]


def test_a_record_of_another_order_of_bytes_is_carried_alike() -> None:
    """What no step names keeps its bytes, whatever its spelling."""
    result = transform(ADD_A, RENAME)(b'{ "n":1.10, "a" : [ 1 ],"s":"\\u0041" }')
    assert result == b'{"schema_version":3,"n":1.10,"b":[ 1 ],"s":"\\u0041"}'


@pytest.mark.parametrize(
    ("stamp", "before", "after"),
    [
        ({"path": "v", "as": "string"}, '{"v":"1"}', '{"v":"2","a":1}'),
        ({"path": "v", "as": "string"}, "{}", '{"v":"2","a":1}'),
        ("meta.v", '{"meta":{"v":1}}', '{"meta":{"v":2},"a":1}'),
        ("meta.v", "{}", '{"a":1,"meta":{"v":2}}'),
        ("meta.v", '{"meta":{"v":2}}', None),
        (None, "{}", '{"a":1}'),
        (None, '{"schema_version":9}', '{"schema_version":9,"a":1}'),
    ],
)
def test_other_stamps(stamp: Any, before: str, after: str | None) -> None:
    """A stamp is read and written where and as the spec says; a record that cannot carry one gets none."""
    result = transform(ADD_A, stamp=stamp)(before.encode())
    assert (None if result is None else result.decode()) == after


def test_records_that_carry_no_stamp_are_at_the_version_of_the_database() -> None:
    """Where records cannot say their version, the way begins at the one they are said to have."""
    specs = way(ADD_A, RENAME, ADD_C, stamp=None)
    assert Transform(Route(specs, None, 4, unstamped=3))(b'{"a":1}') == b'{"a":1,"c":3}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{",
            (
                "",
                "",
                "'{' was found (expecting property name enclosed in double quotes at offset 1), JSON was expected",
            ),
        ),
        ("[1]", ("", "", "a list was found, a JSON object was expected")),
        ('{"a":1,"a":2}', ("", "", "the key 'a' was found twice in one object, each key was expected once")),
        ('{"schema_version":"2"}', ("", "schema_version", 'a text "2" was found, a version was expected')),
        (
            '{"schema_version":5}',
            (
                "",
                "schema_version",
                "a record of version 5 was found, at most version 4 was expected; it was written by a newer program",
            ),
        ),
        (
            '{"schema_version":2,"a":[1],"b":2}',
            (
                "task v2→v3",
                "b",
                "specs/task/v1_to_v2.yaml:5:21: an integer 2 was found, no such field was expected, as 'a' becomes it; "
                "say `if_exists: keep` or `if_exists: replace`, or remove one of the two first",
            ),
        ),
        (
            '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
            ("", "", "a value nested too deep to read was found, fewer than 1000 levels were expected"),
        ),
    ],
    ids=["no JSON", "no object", "a key twice", "no version", "a later version", "a step refuses", "too deep"],
)
def test_refusals(text: str, expected: tuple[str, str, str]) -> None:
    """A record that cannot be carried says which step refused it, where in it, and why."""
    assert refusal(transform(ADD_A, RENAME, ADD_C), text) == expected


def test_a_record_of_a_version_before_the_first() -> None:
    """A record from before the first spec is refused: nobody knows the way."""
    specs = tuple(spec_of(ADD_A, **{"from": 5, "to": 6}) for _ in range(1))
    assert refusal(Transform(Route(specs, None, 6, earliest=5, unstamped=5)), '{"schema_version":4}') == (
        "",
        "schema_version",
        "a record of version 4 was found, at least version 5 was expected; no spec starts from an earlier one",
    )


@pytest.mark.parametrize("steps", [[{"copy": {"a": "b"}}], [{"set": {"a[]": 1}}], [{"move": {"a": "b.c"}}]])
@pytest.mark.parametrize("blank", [b"", b" "])
def test_deep_values(steps: Any, blank: bytes) -> None:
    """However deep a value is, it is carried or refused; from which depth on depends on Python, but 400 is not it."""
    outcomes = {depth: deep(steps, blank, depth) for depth in (50, 400, *range(450, 1050, 7), 100_000)}
    assert (outcomes.pop(50), outcomes.pop(400)) == ("", "")
    assert outcomes.pop(100_000) == "a value nested too deep to read was found, fewer than 1000 levels were expected"
    assert set(outcomes.values()) <= {
        "",
        "a value nested too deep to work on was found, fewer than 500 levels were expected",
        "a value nested too deep to read was found, fewer than 1000 levels were expected",
    }


def deep(steps: Any, blank: bytes, depth: int) -> str:
    """The words in which a record of some depth is refused; none where it is carried."""
    try:
        transform(steps, schema={"required": []})(blank + b'{"a":%s%s}' % (b"[" * depth, b"]" * depth))
    except RecordRefused as refused:
        return str(refused.fault)
    return ""


def test_versions_may_be_dates() -> None:
    """Versions far from 1 cost nothing."""
    spec = spec_of(ADD_A, **{"from": 20240101, "to": 20240102})
    migration = Migration(spec, Schema({}), Schema({}))
    assert migration.migrate_item(b"task:1", b"{}") == b'{"schema_version":20240102,"a":1}'
    last = spec_of(ADD_A, **{"from": 4294967294, "to": 4294967295})
    assert (
        Transform(Route((last,), None, 4294967295))(b'{"schema_version":7}') == b'{"schema_version":4294967295,"a":1}'
    )


class TestTheSchema:
    """What a result must fit."""

    def test_a_result_that_fits(self) -> None:
        """A record that fits is given."""
        assert transform(ADD_A, schema=NUMBERS)(b"{}") == b'{"schema_version":2,"a":1}'

    def test_a_record_that_fits_as_it_is(self) -> None:
        """A record that no step changes and that fits is left as it is, stamp or none."""
        assert transform(ADD_A, schema=NUMBERS)(b'{ "a":1 }') is None

    @pytest.mark.parametrize("text", ['{"a":"x"}', '{ "a":"x" }'])
    def test_a_record_that_does_not_fit(self, text: str) -> None:
        """A record that does not fit the target's schema is refused, with the file of the schema."""
        assert refusal(transform(ADD_A, schema=NUMBERS), text) == (
            "task v1→v2",
            "a",
            'v.json: a text "x" was found, an integer was expected',
        )

    def test_a_record_at_the_target_that_does_not_fit(self) -> None:
        """A record that is at the target already is checked, too."""
        assert refusal(transform(ADD_A, schema=NUMBERS), '{"schema_version":2,"a":[]}') == (
            "task v1→v2",
            "a",
            "v.json: a list was found, an integer was expected",
        )

    @pytest.mark.parametrize(
        ("text", "after"),
        [
            ("{}", '{"schema_version":3,"a":1}'),
            ('{"schema_version":2}', '{"schema_version":3}'),
            (' {"a":1.0}', '{"schema_version":3,"a":1.0}'),
        ],
    )
    def test_a_schema_may_demand_the_latest_stamp(self, text: str, after: str) -> None:
        """A record that would not fit otherwise is stamped with the latest version."""
        assert transform(ADD_A, [], schema=STAMPED)(text.encode()) == after.encode()

    def test_a_later_stamp_is_never_lowered(self) -> None:
        """A record of a later version than the last of its steps keeps its stamp, even where the schema has another."""
        schema = Schema({"properties": {"schema_version": {"const": 2}}}, "v.json")
        assert refusal(Transform(Route(way(ADD_A), schema, 4)), '{"schema_version":3}') == (
            "task v1→v2",
            "schema_version",
            "v.json: an integer 3 was found, 2 was expected",
        )

    def test_without_reasons(self) -> None:
        """Where nobody reads the reasons, a record that does not fit is refused without one."""
        carry = transform(ADD_A, schema=NUMBERS)
        carry.explains = False
        assert refusal(carry, '{"a":"x"}') == ("task v1→v2", "", "a record that does not fit was found")


class TestTheWayBack:
    """One step down."""

    @pytest.mark.parametrize(
        ("version", "stamp", "before", "after"),
        [
            (2, "schema_version", '{"schema_version":3,"b":5}', '{"schema_version":2,"a":5}'),
            (2, "schema_version", '{"n":1.10, "schema_version":3,"b":5 }', '{"n":1.10,"schema_version":2,"a":5}'),
            (1, "schema_version", '{"schema_version":2,"b":5}', '{"a":5}'),
            (1, {"path": "v", "as": "string"}, '{"v":"2","b":5}', '{"a":5}'),
            (2, {"path": "v", "as": "string"}, '{"v":"3","b":5}', '{"v":"2","a":5}'),
            (2, "meta.v", '{"meta":{"v":3},"b":5}', '{"meta":{"v":2},"a":5}'),
            (1, None, '{"b":5}', '{"a":5}'),
        ],
    )
    def test_a_record_of_this_version(self, version: int, stamp: Any, before: str, after: str) -> None:
        """A record goes back by one version, and to none at version 1."""
        spec = spec_of(RENAME, **{"from": version, "to": version + 1}, stamp=stamp)
        assert compile_downgrade(spec, None)(before.encode()) == after.encode()

    def test_a_schema_may_demand_a_stamp_at_version_1(self) -> None:
        """A record of version 1 that would not fit otherwise goes back with its stamp, in its old place."""
        down = compile_downgrade(spec_of(RENAME, stamp={"path": "v", "as": "string"}), Schema({"required": ["v"]}))
        assert down(b'{"b":5, "v":"2"}') == b'{"a":5,"v":"1"}'

    @pytest.mark.parametrize("value", [b'{"b":5}', b'{ "schema_version":2,"b":5}'])
    def test_a_record_of_an_earlier_version(self, value: bytes) -> None:
        """A record that never came up stays the same object."""
        spec = spec_of(RENAME, **{"from": 2, "to": 3})
        assert compile_downgrade(spec, None)(value) is value

    def test_a_record_of_a_later_version(self) -> None:
        """A record that a newer program wrote is not taken for one of this version."""
        assert refusal(compile_downgrade(spec_of(RENAME), None), '{"schema_version":3,"b":5}') == (
            "",
            "schema_version",
            "a record of version 3 was found, at most version 2 was expected; it was written by a newer program",
        )

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("null", ("", "", "null was found, a JSON object was expected")),
            (
                '{"schema_version":"2"}',
                ("task v1→v2 backwards", "schema_version", 'a text "2" was found, a version was expected'),
            ),
            (
                '{"schema_version":2,"b":1,"a":2}',
                (
                    "task v1→v2 backwards",
                    "a",
                    "specs/task/v1_to_v2.yaml:5:21: an integer 2 was found, no such field was expected, "
                    "as 'b' becomes it; say `if_exists: keep` or `if_exists: replace`, or remove one of the two first",
                ),
            ),
            (
                '{"schema_version":2,"b":"x"}',
                ("task v1→v2 backwards", "a", 'v1.json: a text "x" was found, an integer was expected'),
            ),
        ],
    )
    def test_refusals(self, text: str, expected: tuple[str, str, str]) -> None:
        """A record that cannot go back says why, and so does one that would not fit the older schema."""
        schema = Schema({"properties": {"a": {"type": "integer"}}}, "v1.json")
        assert refusal(compile_downgrade(spec_of(RENAME), schema), text) == expected

    def test_a_step_that_cannot_be_undone(self) -> None:
        """A step without a way back is refused before any record is touched."""
        with pytest.raises(Irreversible) as caught:
            compile_downgrade(spec_of([{"rename": {"a": "b"}}, {"remove": ["c"]}]), None)
        assert str(caught.value) == (
            "specs/task/v1_to_v2.yaml:5:45: the removal of 'c' was found, a value to put back was expected; "
            "write `remove: {c: {restore: VALUE}}`"
        )


class TestSingleRecords:
    """A migration as an object: one record up or down."""

    MIGRATION = Migration(spec_of(RENAME), Schema({}, "v1.json"), Schema({"required": ["b"]}, "v2.json"))

    def test_its_names(self) -> None:
        """A migration says what it is in the words of its spec."""
        found = self.MIGRATION
        assert (found.name, found.collection, found.from_version, found.to_version, found.key_prefix) == (
            "task v1→v2",
            "task",
            1,
            2,
            b"task:",
        )
        assert [str(loss) for loss in found.losses()] == []

    def test_up_and_down(self) -> None:
        """A record goes up and comes down again."""
        up = self.MIGRATION.migrate_item(b"task:1", b'{"a":1}')
        assert (up, self.MIGRATION.downgrade_item(b"task:1", up)) == (b'{"schema_version":2,"b":1}', b'{"a":1}')

    def test_the_same_object_where_nothing_changes(self) -> None:
        """A record that stays as it is comes back itself."""
        value = b'{"schema_version":2,"b":1}'
        assert self.MIGRATION.migrate_item(b"task:1", value) is value

    def test_a_record_without_a_stamp_is_at_its_first_version(self) -> None:
        """A later step takes a record without a stamp for one of the version it starts from."""
        migration = Migration(spec_of(RENAME, **{"from": 7, "to": 8}), Schema({}), Schema({}))
        assert migration.migrate_item(b"task:1", b'{"a":1}') == b'{"schema_version":8,"b":1}'

    def test_an_error_names_the_key(self) -> None:
        """A record that is refused is told with its key."""
        with pytest.raises(RecordRejected) as caught:
            self.MIGRATION.migrate_item(b"task:\xff1", b"{}")
        assert str(caught.value) == (
            "1 record cannot be migrated; nothing was changed; mend these records or the spec and run again\n"
            "  task:\\xff1, task v1→v2: v2.json: no 'b' was found, it is required"
        )

    def test_it_travels(self) -> None:
        """A migration that was used goes to another process all the same."""
        self.MIGRATION.migrate_item(b"task:1", b'{"a":1}')
        sent = pickle.loads(pickle.dumps(self.MIGRATION))  # noqa: S301 - our own bytes
        assert sent == self.MIGRATION
        assert sent.migrate_item(b"task:1", b'{"a":1}') == b'{"schema_version":2,"b":1}'
