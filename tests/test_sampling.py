"""A sample of records: from all over the keys, and never more than was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from migrate_spec.sampling import sampled_records
from migrate_spec.stores.rocks import open_for_reading
from tests.conftest import make

UUIDS = [f"t:{number * 2654435761 % 2**32:08x}".encode() for number in range(3000)]
NUMBERS = [f"t:{number}".encode() for number in range(3000)]
ONE_DEEP = [b"t:" + b"a" * 40 + f"{number:04}".encode() for number in range(3000)]
LOPSIDED = [b"t:z", *(f"t:a{number:05}".encode() for number in range(3000))]
INSIDE = [b"t:" + b"a" * length for length in range(200)]
BYTES = [bytes([116, 58, first, second]) for first in range(256) for second in range(0, 256, 20)]
LAST = [b"\xff" * length for length in range(1, 200)]


def sample(path: Path, keys: Iterable[bytes], prefix: bytes, most: int) -> list[bytes]:
    """The keys of a sample of a database with these and some others."""
    others = {b"s": b"", b"t": b"", b"t9": b"", b"u:1": b""}
    with open_for_reading(make(path, others | {key: key for key in keys}, tables=5)) as store:
        found = sampled_records(store, prefix, most)
    assert all(value in {key, b""} for key, value in found)
    return [key for key, _ in found]


@pytest.mark.parametrize("most", [0, 1, 2, 50, 150])
@pytest.mark.parametrize("keys", [UUIDS, NUMBERS, ONE_DEEP, LOPSIDED, INSIDE, BYTES])
def test_there_are_as_many_as_asked_for(tmp_path: Path, keys: list[bytes], most: int) -> None:
    """So many records, each once, in the order of their keys, and none of another prefix."""
    found = sample(tmp_path / "db", keys, b"t:", most)
    assert len(found) == most
    assert found == sorted(set(found))
    assert set(found) <= set(keys)


@pytest.mark.parametrize("most", [3, 4, 1000])
def test_where_there_are_few_all_are_taken(tmp_path: Path, most: int) -> None:
    """All records, however they lie."""
    assert sample(tmp_path / "db", NUMBERS[:3], b"t:", most) == NUMBERS[:3]


def test_there_are_none(tmp_path: Path) -> None:
    """A prefix that no record has."""
    assert sample(tmp_path / "db", [], b"t:", 10) == []


def test_keys_that_no_key_can_follow(tmp_path: Path) -> None:
    """Keys of nothing but the last byte."""
    assert len(sample(tmp_path / "db", LAST, b"\xff", 20)) == 20


def test_it_is_spread(tmp_path: Path) -> None:
    """Of keys that are spread evenly, each part of them has its share."""
    found = sample(tmp_path / "db", UUIDS, b"t:", 160)
    shares = [sum(key.startswith(b"t:%x" % digit) for key in found) for digit in range(16)]
    assert shares == [10] * 16


def test_the_few_are_not_lost_among_the_many(tmp_path: Path) -> None:
    """A record whose key is unlike all others is taken."""
    found = sample(tmp_path / "db", LOPSIDED, b"t:", 100)
    assert b"t:z" in found
    assert len({key[:7] for key in found}) > 20
