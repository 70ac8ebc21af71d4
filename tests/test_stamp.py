"""The stamp: where a record says its version, how it is read, and how it is written."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_spec.codec import encode, read
from migrate_spec.document import Refused
from migrate_spec.path import Path
from migrate_spec.stamp import Stamp

TOP = Stamp()
TEXT = Stamp(as_text=True)
INSIDE = Stamp(Path.parse("meta.v"))
NONE = Stamp(None)
ODD = Stamp(Path.parse('["schema.version"]'))


@pytest.mark.parametrize(
    ("stamp", "text", "version"),
    [
        (TOP, "{}", 1),
        (TOP, '{"schema_version":3}', 3),
        (TOP, ' {"schema_version" : 3 }', 3),
        (TOP, '{"meta":{"schema_version":3}}', 1),
        (TOP, '{"schema_version":123456789012345678901234567890}', 123456789012345678901234567890),
        (TEXT, "{}", 1),
        (TEXT, '{"schema_version":"3"}', 3),
        (TEXT, '{"schema_version":"\\u0033"}', 3),
        (TEXT, '{"schema_version":"4294967295"}', 4294967295),
        (INSIDE, "{}", 1),
        (INSIDE, '{"meta":{}}', 1),
        (INSIDE, '{"meta": { "v": 3 } }', 3),
        (INSIDE, '{"meta.v":3}', 1),
        (ODD, '{"schema.version":3}', 3),
        (NONE, '{"schema_version":3}', 1),
    ],
)
def test_version_of(stamp: Stamp, text: str, version: int) -> None:
    """A record is at the version it says, and at version 1 where it says none."""
    assert stamp.version_of(read(text.encode())[0]) == version


@pytest.mark.parametrize("stamp", [TOP, TEXT, INSIDE, NONE, ODD])
def test_version_of_a_record_that_says_none(stamp: Stamp) -> None:
    """What a record without a stamp is taken for can be said."""
    assert stamp.version_of({"n": 1}, 7) == 7


@pytest.mark.parametrize(
    ("stamp", "text", "sentence"),
    [
        (TOP, '{"schema_version":null}', "schema_version: null was found, a version was expected"),
        (TOP, '{"schema_version":"3"}', 'schema_version: a text "3" was found, a version was expected'),
        (TOP, '{"schema_version":3.0}', "schema_version: a number 3.0 was found, a version was expected"),
        (TOP, '{"schema_version":3e0}', "schema_version: a number 3.0 was found, a version was expected"),
        (TOP, '{"schema_version":true}', "schema_version: a boolean true was found, a version was expected"),
        (TOP, '{"schema_version":0}', "schema_version: an integer 0 was found, a version was expected"),
        (TOP, '{"schema_version":-1}', "schema_version: an integer -1 was found, a version was expected"),
        (TOP, '{"schema_version":[ 3 ]}', "schema_version: a list was found, a version was expected"),
        (TOP, '{"schema_version":{}}', "schema_version: an object was found, a version was expected"),
        (
            TEXT,
            '{"schema_version":3}',
            'schema_version: an integer 3 was found, a version as a text, such as "1", was expected',
        ),
        (
            TEXT,
            '{"schema_version":"03"}',
            'schema_version: a text "03" was found, a version as a text, such as "1", was expected',
        ),
        (
            TEXT,
            '{"schema_version":"v3"}',
            'schema_version: a text "v3" was found, a version as a text, such as "1", was expected',
        ),
        (
            TEXT,
            '{"schema_version":"٣"}',
            'schema_version: a text "٣" was found, a version as a text, such as "1", was expected',
        ),
        (
            TEXT,
            '{"schema_version":"' + "1" * 5000 + '"}',
            f'schema_version: a text "{"1" * 38}… was found, a version as a text, such as "1", was expected',
        ),
        (INSIDE, '{"meta":null}', "meta: null was found, an object was expected"),
        (INSIDE, '{"meta":[]}', "meta: a list was found, an object was expected"),
        (INSIDE, '{"meta":{"v":"3"}}', 'meta.v: a text "3" was found, a version was expected'),
    ],
)
def test_what_is_no_version(stamp: Stamp, text: str, sentence: str) -> None:
    """What stands in the stamp's place and is no version is refused, never taken for version 1."""
    with pytest.raises(Refused) as caught:
        stamp.version_of(read(text.encode())[0])
    assert f"{caught.value.path}: {caught.value.found}, {caught.value.expected}" == sentence


@pytest.mark.parametrize(
    ("stamp", "before", "after"),
    [
        (TOP, "{}", '{"schema_version":4}'),
        (TOP, '{"a":1,"b":2}', '{"schema_version":4,"a":1,"b":2}'),
        (TOP, '{"a":1,"schema_version":3,"b":2}', '{"a":1,"schema_version":4,"b":2}'),
        (TOP, ' {"a" : 1.10,"schema_version" : 3 }', '{"a":1.10,"schema_version":4}'),
        (TEXT, '{"a":1}', '{"schema_version":"4","a":1}'),
        (TEXT, '{"a":1,"schema_version":"3"}', '{"a":1,"schema_version":"4"}'),
        (INSIDE, '{"a":1}', '{"a":1,"meta":{"v":4}}'),
        (INSIDE, '{"meta":{"n":1},"a":1}', '{"meta":{"n":1,"v":4},"a":1}'),
        (INSIDE, '{"meta": {"v": 3, "n" : 1.10},"a":1}', '{"meta":{"v":4,"n":1.10},"a":1}'),
        (ODD, '{"a":1}', '{"schema.version":4,"a":1}'),
        (NONE, '{"a":1}', '{"a":1}'),
    ],
)
def test_stamped(stamp: Stamp, before: str, after: str) -> None:
    """A stamp is written in its place, else at the beginning; one inside an object at that object's end."""
    assert encode(stamp.stamped(read(before.encode())[0], 4)).decode() == after


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        (TOP, "schema_version"),
        (TEXT, {"path": "schema_version", "as": "string"}),
        (INSIDE, "meta.v"),
        (ODD, '["schema.version"]'),
        (NONE, None),
    ],
)
def test_as_a_spec_says_it(stamp: Stamp, said: Any) -> None:
    """A stamp is told as a spec would say it."""
    assert stamp.to_json() == said
